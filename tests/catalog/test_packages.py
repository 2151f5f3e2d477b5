"""A policy travels as one signed file: what was changed is named, what another city sends becomes drafts and never more."""

import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import httpx
import pytest
from hypothesis import given
from hypothesis import settings as effort
from hypothesis import strategies as st

from contracts.events import DocumentRead, MeasureRead
from contracts.registry import load_registry
from contracts.rules import Registry, dumps, loads, parse_benefit
from services.catalog import sources
from services.catalog.api import ROUTERS, asking, packages
from services.catalog.domain import packaging
from services.catalog.domain.drafts import drafts
from services.catalog.domain.packaging import FORMAT, LARGEST, Contents, Package, Unacceptable, pack, received, unpack
from services.catalog.handlers import checking, documents
from services.catalog.handlers import packages as taking
from services.catalog.main import SUBSCRIPTIONS
from services.catalog.sources.signatures import BadKey, Signer, new_signer, signer_of, trusted_of
from services.catalog.store import Store
from services.chassis.app import create_app
from tests.catalog.test_catalog_api import BODY, DOCUMENT, Matcher, measure, officer, post, read
from tests.policy_match.rules_at_random import amounts, rules
from tests.running import Running, running, settings

HERE, THERE = "鹭岛市", "榕城市"
SIGNER, SECRET = new_signer()
STRANGER, STRANGERS_SECRET = new_signer()
SECOND = "对上年度研发费用达到100万元的企业，按研发费用的10%给予补助，最高50万元。"
TEXT = f"若干措施\n{BODY}\n{SECOND}"

City = Callable[..., Any]


@pytest.fixture
def matcher(monkeypatch: pytest.MonkeyPatch) -> Matcher:
    matcher = Matcher()
    monkeypatch.setattr(asking, "PolicyMatch", partial(sources.PolicyMatch, transport=httpx.MockTransport(matcher)))
    return matcher


@pytest.fixture(autouse=True)
def texts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """ingest as catalog sees it: it has the raw text; what it was asked for."""
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url.path))
        return httpx.Response(200, text=TEXT) if DOCUMENT in request.url.path else httpx.Response(404)

    monkeypatch.setattr(packages, "Ingest", partial(sources.Ingest, transport=httpx.MockTransport(answer)))
    return asked


@asynccontextmanager
async def city(database: str, **told: Any) -> AsyncIterator[Running]:
    draft = partial(drafts, registry=load_registry(), city="350200")
    subscriptions = {
        **SUBSCRIPTIONS,
        DocumentRead: partial(documents.on_documents_read, drafting=draft),
        MeasureRead: partial(documents.on_measures_read, drafting=draft),
    }
    given = {"package_key": SECRET, "package_issuer": HERE, "package_trusted": f"{HERE}={SIGNER.public}"} | told
    app = create_app("catalog", store=Store, subscriptions=subscriptions, routers=ROUTERS, settings=settings(database, **given))
    async with running(app) as service:
        yield service


@pytest.fixture
async def here(database: str, matcher: Matcher) -> AsyncIterator[Running]:
    async with city(database) as service:
        yield service


@pytest.fixture
async def there(postgres: str, database: str, matcher: Matcher) -> AsyncIterator[Running]:
    """Another city's catalog, in a database of its own, which trusts the first."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres)
    await admin.execute(f"CREATE DATABASE {name} OWNER tester")
    try:
        async with city(
            database.rpartition("/")[0] + f"/{name}", city="350100", package_key=STRANGERS_SECRET, package_issuer=THERE
        ) as service:
            yield service
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


async def heard(catalog: Running) -> list[str]:
    await catalog.hear(read(2))
    await catalog.hear(measure(), measure(1, SECOND))
    return [str(row["id"]) for row in await catalog.rows("SELECT id FROM benefits ORDER BY seq")]


async def publish(catalog: Running, *benefits: str) -> None:
    for benefit in benefits:
        for name, role, action in (("甲", "editor", "submit"), ("乙", "reviewer", "approve"), ("丙", "publisher", "publish")):
            reply = await post(await officer(catalog, name, role), benefit, action)
            assert reply.status_code == 200, reply.text


async def exported(catalog: Running, **asked: Any) -> bytes:
    reply = await (await officer(catalog, "甲", "editor")).get(f"/v1/policies/{DOCUMENT}/package", params=asked)
    assert reply.status_code == 200, reply.text
    return reply.content


async def imported(catalog: Running, file: bytes, name: str = "丁", *roles: str) -> httpx.Response:
    return await (await officer(catalog, name, *(roles or ("editor",)))).post("/v1/packages", content=file)


def opened(file: bytes, *signers: Signer) -> Package:
    trusted = trusted_of(",".join(f"city{n}={one.public}" for n, one in enumerate(signers or (SIGNER, STRANGER))))
    return unpack(file, trusted=trusted.names, verify=trusted.verify)


def wrong(file: bytes, *signers: Signer) -> dict[str, str]:
    with pytest.raises(Unacceptable) as refused:
        opened(file, *signers)
    return {one.at: one.problem for one in refused.value.wrong}


# ------------------------------------------------------------------------------------------------------ from city to city


async def test_a_policy_goes_to_another_city_as_drafts_and_comes_back_the_same(here: Running, there: Running, texts: list[str]) -> None:
    benefits = await heard(here)
    await publish(here, *benefits)
    file = await exported(here)
    reply = await imported(there, file)
    assert reply.status_code == 201, reply.text
    told = reply.json()
    assert (told["signer"], told["document"], [one["origin"] for one in told["benefits"]]) == (HERE, DOCUMENT, benefits)
    assert await there.said() == []  # nothing is on offer
    mine = [one["benefit"] for one in told["benefits"]]
    assert not set(mine) & set(benefits)
    clerk = await officer(there, "戊", "editor")
    for benefit in mine:
        shown = (await clerk.get(f"/v1/benefits/{benefit}")).json()
        assert (shown["status"], shown["version"], shown["offered_version"]) == ("draft", 1, None)
        assert any(HERE in finding and "本市的政策依据" in finding for finding in shown["findings"])
        history = (await clerk.get(f"/v1/benefits/{benefit}/history")).json()["items"]
        assert [(line["action"], line["by"], told["package"][:16] in line["why"]) for line in history] == [("import", "officer:丁", True)]
    assert (await (await there.client("platform", "p", "benefits:read")).get("/v1/benefits")).json()["items"] == []
    portal = await there.client("platform", "p", "documents:read")
    assert (await portal.get("/v1/measures")).json()["items"] == []  # nor is the document listed as one of this city's
    before, asked = opened(file), list(texts)
    for again in (await exported(there, drafts=True), await _reviewed(there, mine)):
        after = opened(again)
        assert after.id == before.id  # the same parts, byte for byte
        assert (after.text, after.benefits, after.measures, after.document, after.facts) == (
            *(before.text, before.benefits, before.measures, before.document, before.facts),
        )
        [origin] = after.manifest["origin"]
        assert (origin["package"], origin["signer"], origin["issuer"]) == (before.id, HERE, HERE)
        assert (after.manifest["issuer"], [one["id"] for one in after.manifest["benefits"]]) == (THERE, mine)
    assert len((await portal.get("/v1/measures")).json()["items"]) == 2  # now that it is on offer here too
    assert texts == asked  # the text came with the package: ingest there does not have it


async def _reviewed(catalog: Running, benefits: list[str]) -> bytes:
    await publish(catalog, *benefits)
    return await exported(catalog)


async def test_the_same_package_is_taken_once_and_its_importer_does_not_approve_it(here: Running, there: Running) -> None:
    await publish(here, *await heard(here))
    file = await exported(here)
    first = await imported(there, file)
    again = await imported(there, file, "另一人")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    signed_later = await exported(here)  # the same parts under another moment
    assert (await imported(there, signed_later)).status_code == 200
    assert len(await there.rows("SELECT id FROM benefits")) == 2
    benefit = first.json()["benefits"][0]["benefit"]
    importer = await officer(there, "丁", "editor", "reviewer")
    assert (await post(importer, benefit, "submit")).status_code == 200
    assert (await post(importer, benefit, "approve")).status_code == 403


async def test_a_later_package_brings_only_what_is_new_in_it_and_says_what_it_may_replace(here: Running, there: Running) -> None:
    first, second = await heard(here)
    await publish(here, first)
    assert len((await imported(there, await exported(here))).json()["benefits"]) == 1
    await publish(here, second)
    editor = await officer(here, "甲", "editor")
    assert (await post(editor, first, "amend")).status_code == 200
    given = (await editor.get(f"/v1/benefits/{first}")).json()
    given["benefit"]["contact"] = "12345"
    assert (await editor.put(f"/v1/benefits/{first}", json=given["benefit"], headers={"If-Match": f'"{given["version"]}"'})).is_success
    told = (await imported(there, await exported(here))).json()  # the amendment is a draft still: what is on offer goes
    assert [(one["origin"], one["new"]) for one in told["benefits"]] == [(first, False), (second, True)]
    for name, role, action in (("甲", "editor", "submit"), ("乙", "reviewer", "approve"), ("丙", "publisher", "publish")):
        assert (await post(await officer(here, name, role), first, action)).status_code == 200
    told = (await imported(there, await exported(here))).json()
    assert [one["new"] for one in told["benefits"]] == [True, False]
    shown = (await (await officer(there, "戊", "editor")).get(f"/v1/benefits/{told['benefits'][0]['benefit']}")).json()
    assert any("此前已导入过" in finding for finding in shown["findings"])
    assert len(await there.rows("SELECT id FROM benefits")) == 3


async def test_a_city_that_has_the_document_itself_is_told_of_its_own_benefits_and_keeps_its_own_words(
    here: Running, there: Running
) -> None:
    await publish(here, *await heard(here))
    file = await exported(here)
    await heard(there)
    told = await imported(there, file)
    assert told.status_code == 201, told.text
    shown = (await (await officer(there, "戊", "editor")).get(f"/v1/benefits/{told.json()['benefits'][0]['benefit']}")).json()
    assert "本市另有同一文件的事项 2 个，请核对是否重复" in shown["findings"]
    assert len(await there.rows("SELECT document FROM documents")) == 1
    portal = await there.client("platform", "p", "documents:read")
    assert len((await portal.get("/v1/measures")).json()["items"]) == 2


async def test_a_document_that_reads_otherwise_here_is_not_taken_over(here: Running, there: Running) -> None:
    await publish(here, *await heard(here))
    await there.hear(read(1))
    await there.hear(measure(0, BODY + "另有规定的除外。"))
    reply = await imported(there, await exported(here))
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")
    assert len(await there.rows("SELECT id FROM benefits")) == 1


async def test_who_may_export_and_import_what(here: Running, there: Running) -> None:
    benefits = await heard(here)
    platform = await here.client("platform", "p", "benefits:read")
    path = f"/v1/policies/{DOCUMENT}/package"
    assert (await platform.get(path)).status_code == 409  # nothing on offer yet
    assert (await platform.get(path, params={"drafts": True})).status_code == 403
    assert (await platform.get("/v1/policies/doc-none/package")).status_code == 404
    assert (await (await officer(here, "甲")).get(path, params={"version": 9})).status_code == 404
    await publish(here, benefits[0])
    file = (await platform.get(path)).content
    assert len(opened(file).benefits) == 1  # what is not on offer stays at home
    assert (await imported(there, file, "乙", "reviewer")).status_code == 403
    assert (await (await there.client("platform", "p", "benefits:edit")).post("/v1/packages", content=file)).status_code == 403
    assert (await imported(there, file)).status_code == 201
    async with AsyncExitStack() as stack:
        bare = await stack.enter_async_context(city(here.runtime.settings.database_url, package_key=None))
        reply = await (await officer(bare, "甲")).get(path)
        assert (reply.status_code, "ZHAOQI_PACKAGE_KEY" in reply.json()["detail"]) == (503, True)


async def test_what_is_wrong_is_told_over_http_and_changes_nothing(here: Running, there: Running) -> None:
    await publish(here, *await heard(here))
    file = await exported(here)
    changed = loads(file)
    changed["parts"]["benefits"] = changed["parts"]["benefits"].replace("200000", "2000000")
    for content, at in (
        (dumps(changed).encode(), ["parts/benefits"]),
        (await _foreign(file), ["signature/key"]),
        (b"PK\x03\x04", ["package"]),
    ):
        reply = await imported(there, content)
        assert (reply.status_code, reply.json()["code"], [error["at"] for error in reply.json()["errors"]]) == (422, "unreadable", at)
    reply = await imported(there, b" " * (LARGEST + 1))
    assert (reply.status_code, reply.json()["code"]) == (413, "too-large")
    assert (
        await there.rows("SELECT FROM documents")
        == await there.rows("SELECT FROM benefits")
        == await there.rows("SELECT FROM imports")
        == []
    )


async def _foreign(file: bytes) -> bytes:
    """The same, signed by somebody nobody knows."""
    envelope, (stranger, _) = loads(file), new_signer()
    envelope["signature"] = {"key": stranger.id, "ed25519": stranger.sign(f"{FORMAT}\n{envelope['manifest']}".encode()).hex()}
    return dumps(envelope).encode()


async def test_without_the_text_nothing_is_exported(here: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    await publish(here, *await heard(here))
    for answer in (httpx.Response(500), httpx.ConnectError("away")):

        def away(_: httpx.Request, answer: Any = answer) -> httpx.Response:
            if isinstance(answer, Exception):
                raise answer
            return answer

        monkeypatch.setattr(packages, "Ingest", partial(sources.Ingest, transport=httpx.MockTransport(away)))
        assert (await (await officer(here, "甲")).get(f"/v1/policies/{DOCUMENT}/package")).status_code == 503


# -------------------------------------------------------------------------------------------------------- what is verified

RULE = {"fact": "district", "is": "under", "value": ["350203"], "quote": "注册在思明区"}
BENEFIT: dict[str, Any] = {"id": "ben-1", "title": "奖励", "text": "注册在思明区的企业奖励1万元", "rule": RULE, "amount": {"fixed": 10000}}


def contents(*benefits: dict[str, Any], text: str = "注册在思明区的企业奖励1万元") -> Contents:
    document = read(1).model_dump(mode="json")
    return Contents(document, text, [measure().model_dump(mode="json")], [(one, 1, f"{DOCUMENT}/01", []) for one in benefits or (BENEFIT,)])


def packed(what: Contents | None = None, *, signer: Signer = SIGNER) -> bytes:
    return pack(
        what or contents(),
        issuer=HERE,
        city="350200",
        at="2026-06-30T08:00:00+00:00",
        origin=[],
        registry=load_registry(),
        key=signer.id,
        sign=signer.sign,
    )


def resigned(file: bytes, change: Callable[[dict[str, Any], dict[str, Any]], None], signer: Signer = SIGNER) -> bytes:
    """The package after a change of its manifest and parts by one who may sign."""
    envelope = loads(file)
    manifest = loads(envelope["manifest"])
    change(manifest, envelope["parts"])
    for name, part in envelope["parts"].items():
        if name in manifest.get("parts", {}):
            manifest["parts"][name] = packaging._digest(part)
    envelope["manifest"] = dumps(manifest)
    envelope["signature"]["ed25519"] = signer.sign(f"{FORMAT}\n{envelope['manifest']}".encode()).hex()
    return dumps(envelope).encode()


def test_every_byte_of_a_package_is_covered() -> None:
    file = packed()
    assert opened(file).benefits[0]["benefit"] == {name: value for name, value in BENEFIT.items() if name != "id"}
    envelope = loads(file)
    for name in envelope["parts"]:
        assert wrong(dumps({**envelope, "parts": {**envelope["parts"], name: envelope["parts"][name] + " "}}).encode()).keys() == {
            f"parts/{name}"
        }
        without = {other: part for other, part in envelope["parts"].items() if other != name}
        assert wrong(dumps({**envelope, "parts": without}).encode()) == {f"parts/{name}": "缺少这一部分"}
    assert wrong(dumps({**envelope, "manifest": envelope["manifest"].replace(HERE, THERE)}).encode()).keys() == {"manifest"}
    assert wrong(dumps({**envelope, "parts": envelope["parts"] | {"../../etc/passwd": ""}}).encode()) == {
        "parts/../../etc/passwd": "不认识的部分"
    }
    assert wrong(file, STRANGER).keys() == {"signature/key"}
    assert wrong(dumps({**envelope, "format": "zhaoqi-policy/2"}).encode()).keys() == {"format"}
    assert wrong(dumps({**envelope, "signature": {"key": SIGNER.id}}).encode()).keys() == {"signature"}


def test_several_things_that_are_wrong_are_all_named() -> None:
    envelope = loads(packed())
    envelope["parts"]["text"] += "！"
    del envelope["parts"]["facts"]
    envelope["manifest"] += " "
    assert wrong(dumps(envelope).encode()).keys() == {"manifest", "parts/text", "parts/facts"}


def test_a_newer_language_and_parts_that_do_not_fit_are_refused_though_they_are_signed() -> None:
    def newer(manifest: dict[str, Any], _: dict[str, Any]) -> None:
        manifest["language"] = 2

    def odd(manifest: dict[str, Any], parts: dict[str, Any]) -> None:
        parts["benefits"] = json.dumps([{"measure": 1}])

    def more(manifest: dict[str, Any], _: dict[str, Any]) -> None:
        manifest["benefits"] *= 2

    def not_json(_: dict[str, Any], parts: dict[str, Any]) -> None:
        parts["document"] = "["

    assert "第 2 版" in wrong(resigned(packed(), newer))["manifest/language"]
    assert wrong(resigned(packed(), odd)).keys() == wrong(resigned(packed(), more)).keys() == {"parts"}
    assert wrong(resigned(packed(), not_json)).keys() == {"parts/document"}


def test_what_is_no_package_is_said_to_be_none() -> None:
    for file in (b"", b"PK\x03\x04", b"[]", b"{}", b"[" * 100_000, b'{"manifest": "\\ud800", "signature": {}, "parts": {}}', b"\xff"):
        assert set(wrong(file)) <= {"package", "format"}
    assert wrong(b" " * (LARGEST + 1)).keys() == {"package"}


@effort(deadline=None)
@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)).map(
        lambda found: dumps(found).encode("utf-8", "surrogatepass")
    )
    | st.fixed_dictionaries(
        {name: st.none() | st.text() | st.dictionaries(st.text(), st.text()) for name in ("format", "manifest", "signature", "parts")}
    ).map(lambda found: dumps(found).encode("utf-8", "surrogatepass"))
)
def test_no_bytes_bring_the_verification_down(file: bytes) -> None:
    wrong(file)


SOUND = packed(contents())


@effort(deadline=None)
@given(st.integers(0, len(SOUND) - 1), st.integers(0, 255))
def test_one_changed_byte_is_refused_or_changes_nothing(place: int, byte: int) -> None:
    changed = SOUND[:place] + bytes([byte]) + SOUND[place + 1 :]
    try:
        found = opened(changed)
    except Unacceptable:
        return
    assert found == opened(SOUND)


@effort(deadline=None)
@given(rules(), amounts(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_whatever_a_benefit_says_is_the_same_after_a_journey_to_another_city_and_back(rule: Any, amount: Any, title: str) -> None:
    given = {"id": "ben-1", "title": title, "text": "字", "rule": rule, "amount": amount}
    there = opened(packed(contents(loads(dumps(parse_benefit(loads(dumps(given))))))))
    taken, _ = received(there.benefits[0]["benefit"], there, registry=load_registry(), city="350200")
    kept = loads(dumps(parse_benefit(loads(dumps({"id": "ben-2", **taken})))))
    assert opened(packed(contents(kept), signer=STRANGER)).id == there.id


def test_a_key_that_is_none_is_refused_without_being_repeated() -> None:
    for setting in ("x", "aGVsbG8=", "秘密"):
        with pytest.raises(BadKey) as refused:
            signer_of(setting)
        assert setting not in str(refused.value)
        with pytest.raises(BadKey):
            trusted_of(f"市={setting}")
    assert trusted_of("").names == {}
    assert trusted_of(f" 市 = {SIGNER.public} ").names == {SIGNER.id: "市"}


# ---------------------------------------------------------------------------------------------- with the receiver's eyes


def without(registry: Registry, *names: str) -> Registry:
    """A registry of a city that lacks some facts and record kinds."""
    return registry.model_copy(
        update={
            "facts": {name: fact for name, fact in registry.facts.items() if name not in names},
            "kinds": {name: rows for name, rows in registry.kinds.items() if name not in names},
        }
    )


def seen(benefit: dict[str, Any], *, registry: Registry | None = None, city: str = "350100", text: str = "") -> tuple[dict[str, Any], str]:
    found = opened(packed(contents(benefit, text=text or str(benefit["text"]))))
    given, notes = received(found.benefits[0]["benefit"], found, registry=registry or load_registry(), city=city)
    return given, "\n".join(notes)


def test_codes_of_a_place_stay_as_they_are_and_are_pointed_at() -> None:
    given, notes = seen(BENEFIT)
    assert given["rule"] == RULE
    assert "“注册地”的代码 350203 是外地的区划，照原样保留" in notes
    assert "区划" not in seen(BENEFIT, city="350200")[1]
    _, notes = seen(
        {
            **BENEFIT,
            "rule": {
                "all": [{"fact": "park", "is": "=", "value": "no-such-park"}, {"fact": "industry", "is": "under", "value": ["C3911"]}]
            },
        }
    )
    assert "“园区”的代码 no-such-park 不在本市的代码表里" in notes
    assert "C3911" not in notes


def test_a_fact_this_city_does_not_register_becomes_an_open_one_and_a_kind_keeps_its_name() -> None:
    rule = {"all": [{"fact": "revenue", "period": "last_year", "is": ">=", "value": 1}, {"some": "branch", "where": []}]}
    kind = next(iter(load_registry().kinds))
    rule["all"][1]["some"] = kind  # type: ignore[index]
    amount = {"rate": 1, "of": {"fact": "revenue", "period": "last_year"}}
    given, notes = seen({**BENEFIT, "rule": rule, "amount": amount}, registry=without(load_registry(), "revenue", kind))
    assert given["rule"]["all"][0]["fact"] == given["amount"]["of"]["fact"] == f"open.{load_registry().facts['revenue'].name}"
    assert given["rule"]["all"][1]["some"] == kind
    assert "暂作尚未登记的事实" in notes
    assert f"（{kind}）这类记录，须改写条件后才能发布" in notes


def test_a_fact_that_means_something_else_here_is_pointed_at() -> None:
    registry = load_registry()
    other = registry.facts["revenue"].model_copy(update={"unit": "万元"})
    rule = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 1}
    _, notes = seen({**BENEFIT, "rule": rule}, registry=registry.model_copy(update={"facts": {**registry.facts, "revenue": other}}))
    assert "在两地含义不同：unit 对方为 元，本市为 万元" in notes


def test_words_that_do_not_stand_in_the_document_are_pointed_at() -> None:
    assert "引文不在来源文件中：“注册在思明区”" in seen(BENEFIT, text="别的文字")[1]
    assert "引文" not in seen(BENEFIT, text="注 册 在\n思明区的企业")[1]


async def test_a_record_kind_this_city_does_not_register_keeps_the_draft_from_being_published(
    there: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = next(iter(load_registry().kinds))
    monkeypatch.setattr(taking, "load_registry", lambda: without(load_registry(), kind))
    monkeypatch.setattr(checking, "load_registry", lambda: without(load_registry(), kind))
    told = await imported(there, packed(contents({**BENEFIT, "rule": {"some": kind, "where": []}}, BENEFIT | {"id": "ben-2"})))
    lacking, whole = (one["benefit"] for one in told.json()["benefits"])
    clerk = await officer(there, "戊", "editor")
    checks = {benefit: (await clerk.get(f"/v1/benefits/{benefit}/checks")).json() for benefit in (lacking, whole)}
    assert [checks[benefit]["clean"] for benefit in (lacking, whole)] == [False, True]
    assert f"登记表中没有“{kind}”" in [finding["problem"] for finding in checks[lacking]["findings"]]
