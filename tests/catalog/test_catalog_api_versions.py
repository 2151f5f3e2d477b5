"""What catalog makes of a document's next version and of its repeal: successors are proposed, nothing is withdrawn by itself."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from functools import partial
from typing import Any

import httpx
import pytest

from contracts import rules
from contracts.events import DocumentFacts, DocumentRead, DocumentRepealed, DocumentReplaced, MeasureRead, Payload
from contracts.registry import load_registry
from contracts.rules import parse_benefit
from services.catalog import sources
from services.catalog.api import ROUTERS, asking
from services.catalog.domain.drafts import drafts
from services.catalog.handlers import documents
from services.catalog.main import SUBSCRIPTIONS
from services.catalog.store import Store
from services.chassis.app import create_app
from tests.running import Running, running, settings

DOCUMENT = "doc-0123456789abcdef"
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GROWTH = "对上年度营业收入2000万元以上的高新技术企业，给予一次性奖励20万元。"
LISTING = "对在境内外证券交易所新上市的企业，给予一次性奖励100万元。"
SPECIALISED = "对上年度新认定的专精特新中小企业，给予一次性奖励10万元。"
CLEAN = {"findings": [], "cases": [], "reach": None}
ALL = ("benefits:read", "benefits:edit", "benefits:review", "benefits:publish", "documents:read")


def version(number: int, bodies: dict[str, str], **facts: Any) -> list[Payload]:
    """What ingest says of a version: its measures by their ids."""
    said = DocumentFacts(title="若干措施", issuer="示例市人民政府", issue_date=date(2026, 3, 1), **facts)
    read = DocumentRead(document=DOCUMENT, version=number, sha256="0" * 64, name="措施.txt", facts=said, measures=len(bodies))
    return [
        read,
        *(
            MeasureRead(
                document=DOCUMENT,
                version=number,
                measure=f"{DOCUMENT}/{path}",
                position=position,
                number=f"{position + 1}.",
                title=f"第{path}条措施",
                units=["市工业和信息化局"],
                body=body,
                span=(100 * number, 100 * number + len(body)),
                runs=[(0, len(body), 100 * number, 100 * number + len(body))],
                enterprise_benefit=True,
                benefit_type="资金补助",
            )
            for position, (path, body) in enumerate(bodies.items())
        ),
    ]


def replaced(by: int, *changed: str) -> DocumentReplaced:
    return DocumentReplaced(document=DOCUMENT, version=by, replaces=by - 1, changed=[f"{DOCUMENT}/{path}" for path in changed])


@pytest.fixture
async def catalog(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    transport = httpx.MockTransport(lambda request: httpx.Response(200, json=CLEAN))
    monkeypatch.setattr(asking, "PolicyMatch", partial(sources.PolicyMatch, transport=transport))
    draft = partial(drafts, registry=load_registry(), city="350200")
    heard = {
        DocumentRead: documents.on_documents_read,
        MeasureRead: documents.on_measures_read,
        DocumentReplaced: documents.on_documents_replaced,
    }
    subscriptions = SUBSCRIPTIONS | {event: partial(handler, drafting=draft) for event, handler in heard.items()}  # type: ignore[operator]
    app = create_app("catalog", store=Store, subscriptions=subscriptions, routers=ROUTERS, settings=settings(database))
    async with running(app) as service:
        yield service


async def hear(catalog: Running, said: list[Payload], *more: Payload, trace: str = TRACE) -> None:
    await catalog.hear(said[0], trace=trace)
    if said[1:]:
        await catalog.hear(*said[1:], trace=trace)
    for payload in more:
        await catalog.hear(payload, trace=trace)


async def officer(catalog: Running, *roles: str) -> httpx.AsyncClient:
    return await catalog.client("officer", "-".join(roles) or "clerk", *ALL, department="市工业和信息化局", roles=roles)


async def published(catalog: Running, bodies: dict[str, str], **facts: Any) -> dict[str, str]:
    """A first version whose benefits are all on offer: their ids by measure path."""
    await hear(catalog, version(1, bodies, **facts))
    ids = {row["measure"].split("/")[1]: row["id"] for row in await catalog.rows("SELECT id, measure FROM benefits")}
    for role, action in (("editor", "submit"), ("reviewer", "approve"), ("publisher", "publish")):
        client = await officer(catalog, role)
        for benefit in ids.values():
            reply = await client.post(f"/v1/benefits/{benefit}/{action}", json={"why": "核对无误"})
            assert reply.status_code == 200, reply.text
    return ids


async def view(client: httpx.AsyncClient, benefit: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/v1/benefits/{benefit}")).json()
    return found


async def waiting(client: httpx.AsyncClient, **params: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = (await client.get("/v1/awaiting", params=params)).json()["items"]
    return items


@pytest.mark.parametrize("order", ["replaced last", "measures last", "at once"])
async def test_a_changed_measure_gets_a_successor_as_a_draft_while_the_old_stays_on_offer(catalog: Running, order: str) -> None:
    ids = await published(catalog, {"01": GROWTH, "02": LISTING})
    said_before = len(await catalog.said())
    read, *measures = version(2, {"02": LISTING, "01": GROWTH.replace("20万元", "30万元")})
    match order:
        case "replaced last":
            await hear(catalog, [read, *measures], replaced(2, "01"))
        case "measures last":
            await hear(catalog, [read], replaced(2, "01"))
            await catalog.hear(*measures, trace=TRACE)
        case "at once":
            await asyncio.gather(hear(catalog, [read], replaced(2, "01")), catalog.hear(*measures, trace=TRACE))
    clerk = await officer(catalog, "editor")
    platform = await catalog.client("platform", "portal", "benefits:read")
    now = await view(clerk, ids["01"])
    assert (now["status"], now["revision"], now["version"], now["offered_version"]) == ("published", "draft", 2, 1)
    assert now["benefit"]["amount"]["fixed"] == 300_000
    assert now["benefit"]["source"]["version"] == 2
    assert "“20万元”改为“30万元”" in now["findings"][0]
    raw = "…" * 200 + GROWTH.replace("20万元", "30万元")
    spans = [(node.span, node.quote) for node in rules.walk(parse_benefit(now["benefit"]).rule) if node.span]
    assert spans
    assert all(raw[slice(*span)] == quote for span, quote in spans)
    offered = await view(platform, ids["01"])
    assert (offered["version"], offered["benefit"]["amount"]["fixed"]) == (1, 200_000)
    assert (await view(clerk, ids["02"]))["revision"] is None
    assert len(await catalog.rows("SELECT id FROM benefits")) == 2
    assert len(await catalog.said()) == said_before
    assert [(one["benefit"], one["kind"], one["role"]) for one in await waiting(clerk)] == [(ids["01"], "changed", "editor")]
    for role, action in (("editor", "submit"), ("reviewer", "approve"), ("publisher", "publish")):
        assert (await (await officer(catalog, role)).post(f"/v1/benefits/{ids['01']}/{action}", json={"why": "核对"})).status_code == 200
    assert (await view(platform, ids["01"]))["benefit"]["amount"]["fixed"] == 300_000
    assert [event for event, _ in (await catalog.said())[said_before:]] == ["BenefitAmended"]
    assert await waiting(clerk) == []


async def test_what_a_person_made_of_a_benefit_is_kept_where_the_words_did_not_change(catalog: Running) -> None:
    await hear(catalog, version(1, {"01": GROWTH}))
    editor = await officer(catalog, "editor")
    [row] = await catalog.rows("SELECT id FROM benefits")
    given = (await view(editor, row["id"]))["benefit"] | {"title": "人员起的标题", "contact": "0592-0000000"}
    assert (await editor.put(f"/v1/benefits/{row['id']}", json=given, headers={"If-Match": '"1"'})).status_code == 200
    await hear(catalog, version(2, {"01": GROWTH.replace("20万元", "30万元")}), replaced(2, "01"))
    now = await view(editor, row["id"])
    assert (now["status"], now["version"]) == ("draft", 3)
    assert (now["benefit"]["title"], now["benefit"]["contact"], now["benefit"]["amount"]["fixed"]) == (
        "人员起的标题",
        "0592-0000000",
        300_000,
    )


async def test_an_amendment_is_said_in_the_trace_of_the_version_it_comes_from(catalog: Running) -> None:
    ids = await published(catalog, {"01": GROWTH})
    later = TRACE.replace("0af7", "ffff")
    await hear(catalog, version(2, {"01": GROWTH.replace("20万元", "30万元")}), replaced(2, "01"), trace=later)
    for role, action in (("editor", "submit"), ("reviewer", "approve"), ("publisher", "publish")):
        assert (await (await officer(catalog, role)).post(f"/v1/benefits/{ids['01']}/{action}", json={"why": "核对"})).status_code == 200
    traces = [row["traceparent"].split("-")[1] for row in await catalog.rows("SELECT traceparent FROM outbox ORDER BY id")]
    assert traces == [TRACE.split("-")[1], later.split("-")[1]]


async def test_what_is_in_review_stays_as_its_reviewer_reads_it_and_the_editor_is_told(catalog: Running) -> None:
    await hear(catalog, version(1, {"01": GROWTH}))
    editor = await officer(catalog, "editor")
    [row] = await catalog.rows("SELECT id FROM benefits")
    await editor.post(f"/v1/benefits/{row['id']}/submit", json={"why": "核对"})
    before = await view(editor, row["id"])
    await hear(catalog, version(2, {"01": GROWTH.replace("20万元", "30万元")}), replaced(2, "01"))
    now = await view(editor, row["id"])
    assert (now["benefit"], now["version"], now["status"]) == (before["benefit"], 1, "in_review")
    assert "正在审核" in now["findings"][-1]
    assert [one["kind"] for one in await waiting(editor)] == ["changed"]


async def test_a_removed_measure_leaves_its_benefit_on_offer_and_asks_a_publisher(catalog: Running) -> None:
    ids = await published(catalog, {"01": GROWTH, "02": LISTING})
    said_before = len(await catalog.said())
    await hear(catalog, version(2, {"01": GROWTH, "03": SPECIALISED}), replaced(2))
    clerk, publisher = await officer(catalog), await officer(catalog, "publisher")
    gone = await view(clerk, ids["02"])
    assert (gone["status"], gone["revision"]) == ("published", None)
    assert "没有这条举措" in gone["findings"][-1]
    [entry] = await waiting(clerk, role="publisher")
    assert (entry["benefit"], entry["kind"], entry["document"], entry["version"]) == (ids["02"], "removed", DOCUMENT, 2)
    assert (await waiting(clerk, role="editor"), await waiting(clerk, department="没有这个部门")) == ([], [])
    new = await catalog.rows("SELECT pending FROM benefits WHERE measure = $1", f"{DOCUMENT}/03")
    assert [row["pending"] for row in new] == ["draft"]
    assert len(await catalog.said()) == said_before
    reader = await catalog.client("platform", "reader", "documents:read", "benefits:read")
    page = (await reader.get("/v1/measures", params={"document": DOCUMENT})).json()
    assert [item["measure"] for item in page["items"]] == [f"{DOCUMENT}/01", f"{DOCUMENT}/03"]
    assert (await reader.get("/v1/awaiting")).status_code == 403
    await publisher.post(f"/v1/benefits/{ids['02']}/withdraw", json={"why": "新版已取消"})
    assert await waiting(clerk) == []


async def test_an_unchanged_measure_of_a_longer_document_is_told_to_the_editor_who_may_leave_it(catalog: Running) -> None:
    ids = await published(catalog, {"01": GROWTH}, valid_to=date(2028, 12, 31))
    await hear(catalog, version(2, {"01": GROWTH}, valid_to=date(2030, 12, 31)), replaced(2))
    editor, clerk = await officer(catalog, "editor"), await officer(catalog)
    [entry] = await waiting(editor)
    assert (entry["benefit"], entry["kind"]) == (ids["01"], "terms")
    assert "2028-12-31 改为 2030-12-31" in entry["words"]
    path = f"/v1/awaiting/{entry['awaiting']}/settle"
    assert (await clerk.post(path, json={"why": "不改"})).status_code == 403
    settled = await editor.post(path, json={"why": "另行修订"})
    assert (settled.status_code, settled.json()["settled_why"], settled.json()["settled_by"]) == (200, "另行修订", "officer:editor")
    assert (await editor.post(path, json={"why": "再来一次"})).status_code == 404
    assert await waiting(editor) == []


async def test_a_repealed_document_withdraws_nothing_by_itself_and_asks_a_publisher(catalog: Running) -> None:
    ids = await published(catalog, {"01": GROWTH})
    said_before = len(await catalog.said())
    repealed = DocumentRepealed(document=DOCUMENT, repealed_on=date(2027, 1, 1), by="doc-ffffffffffffffff")
    await catalog.hear(repealed)
    await catalog.hear(repealed)
    clerk = await officer(catalog)
    now = await view(clerk, ids["01"])
    assert now["status"] == "published"
    assert [finding for finding in now["findings"] if "废止" in finding] == [now["findings"][-1]]
    assert [(one["benefit"], one["kind"], one["role"]) for one in await waiting(clerk)] == [(ids["01"], "repealed", "publisher")]
    assert len(await catalog.said()) == said_before
    lines = (await clerk.get(f"/v1/benefits/{ids['01']}/history")).json()["items"]
    assert (lines[-1]["action"], lines[-1]["by"], "2027-01-01" in lines[-1]["why"]) == ("note", "service:catalog", True)


async def test_a_repeal_heard_before_the_measures_is_told_of_their_drafts(catalog: Running) -> None:
    read, *measures = version(1, {"01": GROWTH})
    await catalog.hear(read)
    await catalog.hear(DocumentRepealed(document=DOCUMENT, repealed_on=date(2027, 1, 1)))
    await catalog.hear(*measures)
    clerk = await officer(catalog)
    [entry] = await waiting(clerk)
    assert (entry["kind"], entry["status"]) == ("repealed", "draft")
    assert "废止" in (await view(clerk, entry["benefit"]))["findings"][-1]


async def test_versions_that_arrive_together_are_taken_one_after_the_other(catalog: Running) -> None:
    one, two, three = (version(n, {"01": GROWTH.replace("20万元", f"{n}0万元")}) for n in (1, 2, 3))
    await catalog.hear(*three[1:], *two[1:])
    for said in (one[0], two[0], replaced(2, "01"), three[0], replaced(3, "01")):
        await catalog.hear(said)
    assert await catalog.rows("SELECT id FROM benefits") == []
    await catalog.hear(*one[1:])
    [row] = await catalog.rows("SELECT version, body FROM benefits")
    assert row["version"] == 3
    assert rules.loads(row["body"])["amount"]["fixed"] == 300_000
