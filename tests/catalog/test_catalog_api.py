"""Drafts come from what ingest said, and officers take them to publication over HTTP."""

import asyncio
import csv
import io
from collections.abc import AsyncIterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import httpx
import pytest
from openpyxl import load_workbook

from contracts import rules
from contracts.events import DocumentFacts, DocumentRead, DocumentRepealed, DocumentReplaced, MeasureRead
from contracts.registry import load_registry
from contracts.rules import parse_benefit
from services.catalog import sources
from services.catalog.api import ROUTERS, asking, lists
from services.catalog.domain.drafts import drafts
from services.catalog.handlers import commands, documents
from services.catalog.handlers.commands import CLOCK
from services.catalog.jobs import expire
from services.catalog.main import SUBSCRIPTIONS
from services.catalog.store import Store, Table
from services.chassis.app import create_app
from services.chassis.auth import Principal
from services.chassis.database import dumps, migrate
from tests.running import Running, differences, running, settings

DOCUMENT = "doc-0123456789abcdef"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BODY = "对上年度营业收入2000万元以上的高新技术企业，给予一次性奖励20万元。"
ALL = ("benefits:read", "benefits:edit", "benefits:review", "benefits:publish", "documents:read")
CLEAN: dict[str, Any] = {"findings": [], "cases": [], "reach": {"eligible": 3, "ineligible": 5, "undetermined": 2}}


def read(measures: int = 1, *, valid_to: date | None = None, version: int = 1, document: str = DOCUMENT) -> DocumentRead:
    facts = DocumentFacts(title="若干措施", issuer="厦门市人民政府", issue_date=date(2026, 3, 1), valid_to=valid_to)
    return DocumentRead(document=document, version=version, sha256="0" * 64, name="措施.txt", facts=facts, measures=measures)


def measure(position: int = 0, body: str = BODY, *, document: str = DOCUMENT) -> MeasureRead:
    number = f"{position + 1}."
    runs = [(0, 5, 100, 105), (5, len(body), 108, 103 + len(body))]  # a line end and two blanks after the fifth character
    return MeasureRead(
        document=document,
        version=1,
        measure=f"{document}/{position + 1:02d}",
        position=position,
        number=number,
        title="支持企业做大做强",
        units=["市工业和信息化局"],
        body=body,
        span=(100, 103 + len(body)),
        runs=runs,
        audience=["企业"],
        enterprise_benefit=True,
        benefit_type="资金补助",
    )


class Matcher:
    """policy_match as catalog sees it: it answers what a test says, and remembers what it was asked."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] | None = CLEAN
        self.asked: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.answer is None:
            raise httpx.ConnectError("nobody listens", request=request)
        assert request.url.path == "/v1/simulations"
        self.asked.append(rules.loads(request.content)["benefit"])
        return httpx.Response(200, json=self.answer)


@pytest.fixture
def matcher(monkeypatch: pytest.MonkeyPatch) -> Matcher:
    matcher = Matcher()
    monkeypatch.setattr(asking, "PolicyMatch", partial(sources.PolicyMatch, transport=httpx.MockTransport(matcher)))
    return matcher


@pytest.fixture
async def catalog(database: str, matcher: Matcher) -> AsyncIterator[Running]:
    draft = partial(drafts, registry=load_registry(), city="350200")
    subscriptions = {
        **SUBSCRIPTIONS,
        DocumentRead: partial(documents.on_documents_read, drafting=draft),
        MeasureRead: partial(documents.on_measures_read, drafting=draft),
        DocumentReplaced: partial(documents.on_documents_replaced, drafting=draft),
    }
    app = create_app("catalog", store=Store, subscriptions=subscriptions, routers=ROUTERS, settings=settings(database))
    async with running(app) as service:
        yield service


async def officer(catalog: Running, name: str, *roles: str) -> httpx.AsyncClient:
    return await catalog.client("officer", name, *ALL, department="市工业和信息化局", roles=roles)


async def drafted(catalog: Running, *, valid_to: date | None = None) -> str:
    """The id of a draft that came from one heard document."""
    await catalog.hear(read(valid_to=valid_to), trace=TRACE)
    await catalog.hear(measure(), trace=TRACE)
    [row] = await catalog.rows("SELECT id FROM benefits")
    return str(row["id"])


async def post(client: httpx.AsyncClient, benefit: str, action: str, **headers: str) -> httpx.Response:
    return await client.post(f"/v1/benefits/{benefit}/{action}", json={"why": "核对无误"}, headers=headers)


async def published(catalog: Running, **facts: Any) -> str:
    benefit = await drafted(catalog, **facts)
    for name, role, action in (("甲", "editor", "submit"), ("乙", "reviewer", "approve"), ("丙", "publisher", "publish")):
        reply = await post(await officer(catalog, name, role), benefit, action)
        assert reply.status_code == 200, reply.text
    return benefit


@pytest.mark.parametrize("order", ["document first", "measures first", "measures apart", "at once"])
async def test_a_document_and_its_measures_become_drafts_in_whatever_order_they_are_heard(catalog: Running, order: str) -> None:
    one, two = measure(), measure(1)
    match order:
        case "document first":
            await catalog.hear(read(2), trace=TRACE)
            await catalog.hear(one, two, trace=TRACE)
        case "measures first":
            await catalog.hear(one, two, trace=TRACE)
            await catalog.hear(read(2), trace=TRACE)
        case "measures apart":
            await catalog.hear(one, trace=TRACE)
            await catalog.hear(read(2), trace=TRACE)
            assert await catalog.rows("SELECT id FROM benefits") == []
            await catalog.hear(two, trace=TRACE)
        case "at once":
            await asyncio.gather(catalog.hear(read(2), trace=TRACE), catalog.hear(one, two, trace=TRACE))
    rows = await catalog.rows("SELECT id, measure, trace, offer, pending FROM benefits ORDER BY measure")
    assert [row["measure"] for row in rows] == [one.measure, two.measure]
    assert all(row["id"].startswith("ben-") and (row["offer"], row["pending"]) == (None, "draft") for row in rows)
    assert {row["trace"].split("-")[1] for row in rows} == {TRACE.split("-")[1]}
    await catalog.hear(one, two, trace=TRACE)
    await catalog.hear(read(2), trace=TRACE)
    assert len(await catalog.rows("SELECT id FROM benefits")) == 2
    assert await catalog.said() == []


async def test_a_document_without_measures_gives_no_drafts_and_harms_nobody(catalog: Running) -> None:
    await catalog.hear(read(0))
    assert await catalog.rows("SELECT drafted_at FROM documents WHERE drafted_at IS NULL") == []


async def test_a_draft_quotes_the_clause_and_says_where_it_stands_in_the_raw_text(catalog: Running) -> None:
    benefit = await drafted(catalog)
    view = (await (await officer(catalog, "甲")).get(f"/v1/benefits/{benefit}")).json()
    assert view["status"] == "draft"
    nodes = [node for node in rules.walk(parse_benefit(view["benefit"]).rule) if node.quote]
    assert nodes
    raw = "…" * 100 + BODY[:5] + "\n  " + BODY[5:]
    for node in nodes:
        assert node.quote in BODY
        if node.span:
            assert raw[slice(*node.span)].replace("\n  ", "") == node.quote
    assert any(node.span for node in nodes)


async def test_measures_are_found_by_document_and_by_words(catalog: Running) -> None:
    await catalog.hear(measure(), measure(1, "支持“100%”参保的企业。"))
    await catalog.hear(measure(document="doc-ffffffffffffffff"))
    reader = await catalog.client("platform", "portal", "documents:read")
    page = (await reader.get("/v1/measures", params={"limit": 2})).json()
    assert [item["measure"] for item in page["items"]] == [f"{DOCUMENT}/01", f"{DOCUMENT}/02"]
    rest = (await reader.get("/v1/measures", params={"limit": 2, "cursor": page["next"]})).json()
    assert ([item["document"] for item in rest["items"]], rest["next"]) == (["doc-ffffffffffffffff"], None)
    assert len((await reader.get("/v1/measures", params={"document": DOCUMENT})).json()["items"]) == 2
    assert [i["measure"] for i in (await reader.get("/v1/measures", params={"q": "100%"})).json()["items"]] == [f"{DOCUMENT}/02"]
    assert (await reader.get("/v1/measures", params={"q": "没有%"})).json()["items"] == []
    one = await reader.get(f"/v1/measures/{DOCUMENT}/01")
    assert (one.status_code, one.json()["body"]) == (200, BODY)
    assert (await reader.get(f"/v1/measures/{DOCUMENT}/99")).status_code == 404


async def test_three_officers_publish_a_draft_in_the_trace_of_its_document(catalog: Running, matcher: Matcher) -> None:
    benefit = await published(catalog)
    [(event, body)] = await catalog.said()
    assert (event, body["benefit"]["id"], body["version"], body["by"]) == ("BenefitPublished", benefit, 1, "officer:丙")
    assert parse_benefit(body["benefit"]) == parse_benefit(matcher.asked[-1])
    [row] = await catalog.rows("SELECT traceparent, link FROM outbox")
    assert row["traceparent"].split("-")[1] == TRACE.split("-")[1]
    assert row["link"].split("-")[1] != TRACE.split("-")[1]
    platform = await catalog.client("platform", "portal", "benefits:read")
    page = (await platform.get("/v1/benefits", params={"status": "published", "limit": 1000})).json()
    assert [item["benefit"] for item in page["items"]] == [rules.loads(dumps(body["benefit"]))]
    lines = (await (await officer(catalog, "甲")).get(f"/v1/benefits/{benefit}/history")).json()["items"]
    assert [(line["action"], line["by"], line["status"]) for line in lines] == [
        ("draft", "service:catalog", "draft"),
        ("submit", "officer:甲", "in_review"),
        ("approve", "officer:乙", "approved"),
        ("publish", "officer:丙", "published"),
    ]
    assert lines[-1]["why"] == "核对无误"
    [change] = (await platform.get("/v1/changes")).json()["items"]
    assert (change["event"], change["benefit"]) == ("BenefitPublished", benefit)


async def test_the_checks_warn_of_doubtful_words_and_grade_the_draft_without_holding_it_back(catalog: Running, matcher: Matcher) -> None:
    await catalog.hear(read(2))
    await catalog.hear(measure(), measure(1, "对上年度营业收入不低于2000万元（不含）的民营企业，给予一次性奖励20万元。"))
    clerk = await officer(catalog, "甲")
    page = (await clerk.get("/v1/benefits", params={"q": "民营企业"})).json()
    [doubtful] = [item["benefit"]["id"] for item in page["items"]]
    matcher.answer = {**CLEAN, "findings": [{"at": "text", "severity": "warning", "code": "inclusive-mismatch", "problem": "同样的话"}]}
    checks = (await clerk.get(f"/v1/benefits/{doubtful}/checks")).json()
    problems = [finding["problem"] for finding in checks["findings"]]
    assert checks["clean"]
    assert {finding["severity"] for finding in checks["findings"]} == {"warning"}
    assert any("自相矛盾" in problem for problem in problems)
    assert any("所有制" in problem and "公平竞争审查条例" in problem for problem in problems)
    assert "同样的话" not in problems
    assert {one["name"]: one["met"] for one in checks["readiness"]["criteria"]}["标准清晰"] is False


STEPS = [  # action, where it begins, the role it takes
    ("submit", (), "editor"),
    ("approve", ("submit",), "reviewer"),
    ("send-back", ("submit",), "reviewer"),
    ("publish", ("submit", "approve"), "publisher"),
    ("suspend", ("submit", "approve", "publish"), "publisher"),
    ("resume", ("submit", "approve", "publish", "suspend"), "publisher"),
    ("amend", ("submit", "approve", "publish"), "editor"),
    ("withdraw", ("submit", "approve", "publish"), "publisher"),
]
ROLE_OF = {action: role for action, _, role in STEPS}


@pytest.mark.parametrize(("action", "before", "role"), STEPS)
async def test_a_step_is_refused_to_every_other_role_and_taken_by_its_own(
    catalog: Running, action: str, before: tuple[str, ...], role: str
) -> None:
    benefit = await drafted(catalog)
    people = {name: await officer(catalog, f"{name}-人", name) for name in ("editor", "reviewer", "publisher")}
    for step in before:
        assert (await post(people[ROLE_OF[step]], benefit, step)).status_code == 200
    said = len(await catalog.said())
    for other in people.keys() - {role}:
        refused = await post(people[other], benefit, action)
        assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    scopeless = await catalog.client("officer", "无权", "benefits:read", department="局", roles=[role])
    portal = await catalog.client("platform", "portal", *ALL)
    for outsider in (scopeless, portal):
        assert (await post(outsider, benefit, action)).status_code == 403
    assert (await post(people[role], "ben-none", action)).status_code == 404
    assert (await people[role].post(f"/v1/benefits/{benefit}/{action}", json={"why": ""})).status_code == 422
    assert len(await catalog.said()) == said
    taken = await post(people[role], benefit, action)
    assert taken.status_code == 200, taken.text
    again = await post(people[role], benefit, action)
    assert (again.status_code, again.json()["code"]) == (409, "conflict")


async def test_nobody_approves_their_own_draft_and_a_colleague_does(catalog: Running) -> None:
    benefit = await drafted(catalog)
    both = await officer(catalog, "甲", "editor", "reviewer")
    assert (await post(both, benefit, "submit")).status_code == 200
    refused = await post(both, benefit, "approve")
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    assert (await post(await officer(catalog, "乙", "reviewer"), benefit, "approve")).status_code == 200


async def test_a_draft_is_edited_only_on_top_of_its_newest_version(catalog: Running) -> None:
    benefit = await drafted(catalog)
    editor = await officer(catalog, "甲", "editor")
    got = await editor.get(f"/v1/benefits/{benefit}")
    assert got.headers["etag"] == '"1"'
    changed = {**got.json()["benefit"], "amount": {"fixed": 1}}
    text = dumps(changed).replace('"fixed":1', '"fixed":200000.10')
    path = f"/v1/benefits/{benefit}"
    assert (await editor.put(path, content=text)).status_code == 422
    assert (await editor.put(path, content=text, headers={"If-Match": '"7"'})).json()["code"] == "stale-version"
    done = await editor.put(path, content=text, headers={"If-Match": '"1"'})
    assert (done.status_code, done.headers["etag"]) == (200, '"2"')
    assert b"200000.10" in done.content
    late = await editor.put(path, content=text, headers={"If-Match": '"1"'})
    assert (late.status_code, late.json()["code"]) == (412, "stale-version")
    wrong = await editor.put(path, json={**changed, "rule": {"fact": "revenue", "is": "≥", "value": 1}}, headers={"If-Match": '"2"'})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "rejected-rule")
    assert wrong.json()["errors"][0]["at"].startswith("rule")
    reader = await officer(catalog, "乙", "reviewer")
    assert (await reader.put(path, content=text, headers={"If-Match": '"2"'})).status_code == 403
    stale = await post(editor, benefit, "submit", **{"If-Match": '"1"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale-version")
    assert (await post(editor, benefit, "submit", **{"If-Match": '"2"'})).status_code == 200
    locked = await editor.put(path, content=text, headers={"If-Match": '"2"'})
    assert (locked.status_code, locked.json()["code"]) == (409, "conflict")


async def test_drafts_are_seen_by_officers_and_by_nobody_else(catalog: Running) -> None:
    benefit = await drafted(catalog)
    platform = await catalog.client("platform", "portal", "benefits:read")
    enterprise = await catalog.client("enterprise", "企业", "benefits:read", uscc="91350200MA00000000")
    for outsider in (platform, enterprise):
        for path in ("", "/history", "/checks"):
            assert (await outsider.get(f"/v1/benefits/{benefit}{path}")).status_code in (403, 404)
        assert (await outsider.get("/v1/benefits")).json()["items"] == []
        assert (await outsider.get("/v1/benefits", params={"status": "draft"})).json()["items"] == []
    clerk = await officer(catalog, "甲")
    for query, found in (
        ({"status": "draft"}, 1),
        ({"status": "published"}, 0),
        ({"document": DOCUMENT}, 1),
        ({"document": "doc-x"}, 0),
        ({"department": "市工信局"}, 1),
        ({"department": "市税务局"}, 0),
        ({"q": "高新技术企业"}, 1),
        ({"q": "渔船"}, 0),
    ):
        assert len((await clerk.get("/v1/benefits", params=query)).json()["items"]) == found, query


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        ({**CLEAN, "findings": [{"at": "rule", "severity": "error", "problem": "矛盾", "hint": "改"}]}, 422, "rejected-rule"),
        (
            {
                "findings": [{"at": "cases/0", "severity": "error", "code": "case-fails", "problem": "应为符合", "hint": ""}],
                "cases": [{"name": "刚满一年", "passed": False, "why": "应为符合"}],
                "reach": None,
            },
            422,
            "case-fails",
        ),
        (None, 503, "unavailable"),
        ({"nothing": 1}, 503, "unavailable"),
    ],
)
async def test_what_its_checks_hold_back_is_not_published_and_once_clean_it_is(
    catalog: Running, matcher: Matcher, answer: dict[str, Any] | None, status: int, code: str
) -> None:
    benefit = await drafted(catalog)
    await post(await officer(catalog, "甲", "editor"), benefit, "submit")
    await post(await officer(catalog, "乙", "reviewer"), benefit, "approve")
    publisher = await officer(catalog, "丙", "publisher")
    matcher.answer = answer
    refused = await post(publisher, benefit, "publish")
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await publisher.get(f"/v1/benefits/{benefit}")).json()["status"] == "approved"
    assert await catalog.said() == []
    matcher.answer = {**CLEAN, "findings": [{"at": "rule", "severity": "warning", "problem": "可疑", "hint": "核对"}]}
    checks = (await publisher.get(f"/v1/benefits/{benefit}/checks")).json()
    assert (checks["clean"], checks["reach"]) == (True, CLEAN["reach"])
    assert (await post(publisher, benefit, "publish")).status_code == 200


async def test_a_fact_the_registry_lacks_holds_a_benefit_back(catalog: Running) -> None:
    benefit = await drafted(catalog)
    editor = await officer(catalog, "甲", "editor")
    given = (await editor.get(f"/v1/benefits/{benefit}")).json()["benefit"]
    given["rule"] = {"all": [{"fact": "luck", "is": ">=", "value": 1}, {"fact": "open.展会天数", "is": ">=", "value": 3}]}
    assert (await editor.put(f"/v1/benefits/{benefit}", json=given, headers={"If-Match": '"1"'})).status_code == 200
    checks = (await editor.get(f"/v1/benefits/{benefit}/checks")).json()
    assert not checks["clean"]
    assert ["luck" in finding["problem"] for finding in checks["findings"] if finding["severity"] == "error"] == [True]


async def test_an_amendment_is_offered_when_it_is_published_and_not_before(catalog: Running) -> None:
    benefit = await published(catalog)
    editor, platform = await officer(catalog, "甲", "editor"), await catalog.client("platform", "portal", "benefits:read")
    before = (await platform.get(f"/v1/benefits/{benefit}")).json()
    assert (await editor.put(f"/v1/benefits/{benefit}", json=before["benefit"], headers={"If-Match": '"1"'})).status_code == 409
    assert (await post(editor, benefit, "amend")).status_code == 200
    changed = {**before["benefit"], "title": "修订后的标题"}
    assert (await editor.put(f"/v1/benefits/{benefit}", json=changed, headers={"If-Match": '"1"'})).status_code == 200
    assert (await editor.get(f"/v1/benefits/{benefit}")).json()["benefit"]["title"] == "修订后的标题"
    shown = (await platform.get(f"/v1/benefits/{benefit}")).json()
    assert (shown["benefit"], shown["status"], shown["revision"]) == (before["benefit"], "published", "draft")
    await post(editor, benefit, "submit")
    await post(await officer(catalog, "乙", "reviewer"), benefit, "approve")
    await post(await officer(catalog, "丙", "publisher"), benefit, "publish")
    shown = (await platform.get(f"/v1/benefits/{benefit}")).json()
    assert (shown["benefit"]["title"], shown["status"], shown["version"]) == ("修订后的标题", "amended", 2)
    assert [event for event, _ in await catalog.said()] == ["BenefitPublished", "BenefitAmended"]
    assert (await catalog.said())[-1][1]["version"] == 2
    for status in ("published", "amended"):
        assert len((await platform.get("/v1/benefits", params={"status": status})).json()["items"]) == 1
    feed = (await platform.get("/v1/changes", params={"limit": 1})).json()
    rest = (await platform.get("/v1/changes", params={"cursor": feed["next"]})).json()
    assert [item["event"] for item in feed["items"] + rest["items"]] == ["BenefitPublished", "BenefitAmended"]
    assert (await platform.get("/v1/changes", params={"cursor": rest["next"]})).json() == {"items": [], "next": rest["next"]}


async def test_what_the_registry_lacks_is_counted_and_listed_for_its_keeper(catalog: Running) -> None:
    benefit = await drafted(catalog)
    editor = await officer(catalog, "甲", "editor")
    read = await editor.get(f"/v1/benefits/{benefit}")
    said = read.json()["benefit"]
    asked = {"fact": "open.展位数", "is": ">=", "value": 3, "quote": said["text"][:6]}
    said["rule"] = {"all": [said["rule"], asked, asked | {"value": 5}]}
    answer = await editor.put(f"/v1/benefits/{benefit}", json=said, headers={"If-Match": read.headers["ETag"]})
    assert answer.status_code == 200, answer.text
    listed = await editor.get("/v1/lists/unregistered-facts")
    assert {"fact": "open.展位数", "name": "展位数", "number": 1, "benefits": [benefit]} in listed.json()["items"]
    platform = await catalog.client("platform", "portal", "benefits:read")
    assert (await platform.get("/v1/lists/unregistered-facts")).status_code == 403


async def test_the_list_of_what_is_on_offer_is_one_file_in_each_form(catalog: Running) -> None:
    benefit = await published(catalog, valid_to=date(2026, 12, 31))
    await catalog.hear(read(document="doc-ffffffffffffffff"))
    await catalog.hear(measure(document="doc-ffffffffffffffff"))
    platform = await catalog.client("platform", "portal", "benefits:read")
    [line] = (await platform.get("/v1/lists/benefits.json")).json()["items"]
    assert (line["id"], line["issuer"], line["level"], line["valid_to"]) == (benefit, "厦门市人民政府", "市", "2026-12-31")
    assert line["text"] in BODY
    text = await platform.get("/v1/lists/benefits.csv")
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    [told] = csv.DictReader(io.StringIO(text.content.decode("utf-8-sig")))
    assert (told["事项编号"], told["政策原文"], told["有效期止"]) == (benefit, line["text"], "2026-12-31")
    book = load_workbook(io.BytesIO((await platform.get("/v1/lists/benefits.xlsx")).content))
    headings, cells = ([cell.value for cell in row] for row in book.active.iter_rows())  # type: ignore[union-attr]
    shown = dict(zip(headings, cells, strict=True))
    assert (shown["事项编号"], shown["发文机关"], shown["定额（元）"]) == (benefit, "厦门市人民政府", 200000)
    assert shown["有效期止"].date() == date(2026, 12, 31)  # type: ignore[union-attr]
    assert (await platform.get("/v1/lists/benefits.json", params={"department": "渔业"})).json()["items"] == []
    assert (await platform.get("/v1/lists/benefits.doc")).status_code == 422


def test_a_spreadsheet_computes_nothing_that_a_document_wrote() -> None:
    assert lists.csv_of([["=HYPERLINK(1)", "-5", Decimal("-5"), None]]).decode("utf-8-sig") == "'=HYPERLINK(1),'-5,-5,\r\n"
    book = load_workbook(io.BytesIO(lists.xlsx_of([["=1+1", "a<b & \x0c”"], [Decimal("0.1"), "x" * 30]])))
    rows = [[(cell.value, cell.data_type) for cell in row] for row in book.active.iter_rows()]  # type: ignore[union-attr]
    assert rows == [[("=1+1", "s"), ("a<b & ”", "s")], [(0.1, "n"), ("x" * 30, "s")]]


async def test_what_rests_or_is_taken_back_is_said_with_the_reason(catalog: Running) -> None:
    benefit = await published(catalog)
    publisher = await officer(catalog, "丙", "publisher")
    for action in ("suspend", "resume", "withdraw"):
        assert (await post(publisher, benefit, action)).status_code == 200
    said = (await catalog.said())[1:]
    assert [(event, body.get("reason")) for event, body in said] == [
        ("BenefitSuspended", "核对无误"),
        ("BenefitResumed", None),
        ("BenefitWithdrawn", "核对无误"),
    ]
    assert {row["traceparent"].split("-")[1] for row in await catalog.rows("SELECT traceparent FROM outbox")} == {TRACE.split("-")[1]}


async def test_a_benefit_expires_by_itself_the_day_after_its_last(catalog: Running) -> None:
    benefit = await published(catalog, valid_to=date(2026, 6, 30))

    async def look(day: date) -> None:
        async with catalog.runtime.work(Principal("operator", "test", frozenset())) as work:
            work.today = day
            await commands.expire(work)

    await look(date(2026, 6, 30))
    assert len(await catalog.said()) == 1
    await look(date(2026, 7, 1))
    await look(date(2026, 7, 2))
    assert [event for event, _ in await catalog.said()] == ["BenefitPublished", "BenefitExpired"]
    lines = (await (await officer(catalog, "甲")).get(f"/v1/benefits/{benefit}/history")).json()["items"]
    assert (lines[-1]["status"], lines[-1]["by"]) == ("expired", CLOCK.name)


async def test_the_job_looks_at_once_when_it_starts(catalog: Running) -> None:
    benefit = await published(catalog, valid_to=date(2020, 3, 2))
    job = asyncio.create_task(expire(catalog.runtime))
    clerk = await officer(catalog, "甲")
    try:
        async with asyncio.timeout(10):
            while (await clerk.get(f"/v1/benefits/{benefit}")).json()["status"] != "expired":  # noqa: ASYNC110 - what it waits for is a row
                await asyncio.sleep(0.01)
    finally:
        job.cancel()
    assert [event for event, _ in await catalog.said()] == ["BenefitPublished", "BenefitExpired"]


async def test_a_repealed_document_gives_nothing_to_publish_and_a_replaced_one_a_warning(catalog: Running) -> None:
    benefit = await drafted(catalog)
    clerk = await officer(catalog, "甲", "editor")

    [row] = await catalog.rows("SELECT body FROM benefits")
    body = row["body"]

    async def told(version: int, changed: list[str], measures: list[MeasureRead]) -> list[str]:
        await catalog.hear(read(len(measures), version=version))
        await catalog.hear(DocumentReplaced(document=DOCUMENT, version=version, replaces=version - 1, changed=changed))
        if measures:
            await catalog.hear(*(one.model_copy(update={"version": version}) for one in measures))
        await catalog.runtime.pool.execute("UPDATE benefits SET body = $1", body)  # as somebody has left it who was told
        checks = (await clerk.get(f"/v1/benefits/{benefit}/checks")).json()
        assert checks["clean"]
        return [finding["problem"] for finding in checks["findings"] if finding["at"] == "source"]

    assert await told(2, [], [measure()]) == []
    assert await told(3, [measure().measure], [measure(body=BODY.replace("20万元", "30万元"))]) == ["来源文件第 3 版改动了这条举措"]
    await catalog.hear(DocumentRepealed(document=DOCUMENT, repealed_on=date(2026, 5, 1)))
    checks = (await clerk.get(f"/v1/benefits/{benefit}/checks")).json()
    assert (checks["clean"], {finding["severity"] for finding in checks["findings"]}) == (False, {"warning", "error"})


async def test_the_same_step_asked_twice_with_one_key_is_taken_once(catalog: Running) -> None:
    benefit = await drafted(catalog)
    editor = await officer(catalog, "甲", "editor")
    first = await post(editor, benefit, "submit", **{"Idempotency-Key": "s-1"})
    again = await post(editor, benefit, "submit", **{"Idempotency-Key": "s-1"})
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()


async def test_numbers_of_a_rule_stay_the_numbers_they_are(catalog: Running) -> None:
    benefit = await drafted(catalog)
    editor = await officer(catalog, "甲", "editor")
    given = (await editor.get(f"/v1/benefits/{benefit}")).json()["benefit"]
    given["amount"] = {"fixed": Decimal("12345678901234567.89")}
    reply = await editor.put(f"/v1/benefits/{benefit}", content=dumps(given), headers={"If-Match": '"1"'})
    assert b"12345678901234567.89" in reply.content


async def test_the_tables_are_those_the_code_describes(catalog: Running, database: str) -> None:
    assert await differences(database, Table.metadata) == []
    await migrate(database, "catalog", down=True)
    left = await catalog.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%_version'")
    assert left == []
    await migrate(database, "catalog")
