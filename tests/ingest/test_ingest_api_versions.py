"""A document that replaces another is its next version over HTTP: ids stay, the old stays readable, every changed word has its place."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.chassis.app import create_app
from services.chassis.auth import Principal
from services.ingest import api
from services.ingest.domain.reading import read
from services.ingest.domain.result import Read
from services.ingest.handlers import Received
from services.ingest.handlers.documents import keep_document
from services.ingest.main import SUBSCRIPTIONS
from services.ingest.store import Store
from tests.running import Running, running, settings

CLAUSES = (
    "支持企业研发。对上年度研发费用超过500万元的高新技术企业，给予一次性奖励20万元。（责任单位：市科技局）",
    "支持企业用工。对新增参保10人以上的企业，按每人1000元给予补贴。（责任单位：市人社局）",
    "支持企业融资。引导银行机构加大信贷投放，对小微企业贷款给予贴息。（责任单位：市金融局）",
)
NUMERALS = "一二三四五六七八九"
TITLE = "示例市某局关于印发《支持企业发展若干措施》的通知"


def notice(*clauses: str, title: str = TITLE, number: str = "示某规〔2026〕1号", closing: str = "", day: str = "2026年3月1日") -> str:
    points = "\n".join(f"{NUMERALS[n]}、{clause}" for n, clause in enumerate(clauses or CLAUSES))
    return f"{title}\n{number}\n\n各有关单位：\n现将《支持企业发展若干措施》印发给你们。\n\n{points}\n{closing}\n\n示例市某局\n{day}\n"


@pytest.fixture
async def ingest(database: str) -> AsyncIterator[Running]:
    app = create_app("ingest", store=Store, subscriptions=SUBSCRIPTIONS, routers=[api.router], settings=settings(database))
    async with running(app) as service:
        yield service


@pytest.fixture
async def portal(ingest: Running) -> httpx.AsyncClient:
    return await ingest.client("platform", "portal", "documents:write", "documents:read")


async def upload(portal: httpx.AsyncClient, text: str, **params: str) -> dict[str, Any]:
    reply = await portal.post("/v1/documents", files={"file": ("措施.txt", text.encode())}, params=params)
    assert reply.status_code == 202, reply.text
    receipt: dict[str, Any] = reply.json()
    return receipt


async def said_since(ingest: Running, number: int) -> list[tuple[str, dict[str, Any]]]:
    return (await ingest.said())[number:]


async def test_the_same_number_again_is_the_next_version_and_its_measures_keep_their_ids(
    ingest: Running, portal: httpx.AsyncClient
) -> None:
    first = await upload(portal, notice())
    document = first["document"]
    new = "支持企业参展。对参加境外展会的企业，给予展位费补助。（责任单位：市商务局）"
    changed = CLAUSES[0].replace("20万元", "30万元")
    before = len(await ingest.said())
    second = await upload(portal, notice(new, CLAUSES[1], changed, number="示某规〔2026〕 1 号"))
    assert (second["document"], second["version"], second["measures"]) == (document, 2, 3)
    said = await said_since(ingest, before)
    assert [event for event, _ in said] == ["DocumentRead", "MeasureRead", "MeasureRead", "MeasureRead", "DocumentReplaced"]
    assert {body["version"] for _, body in said} == {2}
    assert [body["measure"] for event, body in said if event == "MeasureRead"] == [
        f"{document}/01~2", f"{document}/02", f"{document}/01"
    ]  # fmt: skip
    assert said[-1][1] == {"document": document, "version": 2, "replaces": 1, "changed": [f"{document}/01"]}
    assert len({row["traceparent"].split("-")[1] for row in await ingest.rows("SELECT traceparent FROM outbox ORDER BY id OFFSET 4")}) == 1
    text = (await portal.get(f"/v1/documents/{document}/text")).text
    for _, body in said[1:4]:
        assert text[slice(*body["span"])] == body["body"]
    third = await upload(portal, notice(CLAUSES[1], changed, CLAUSES[2]))
    assert third["version"] == 3
    ids = [body["measure"] for event, body in await ingest.said() if event == "MeasureRead"][-3:]
    assert ids == [f"{document}/02", f"{document}/01", f"{document}/03~2"]


async def test_the_old_version_stays_readable_and_the_diff_shows_each_word_in_both_texts(portal: httpx.AsyncClient) -> None:
    document = (await upload(portal, notice()))["document"]
    gone, kept, changed = CLAUSES[2], CLAUSES[1], CLAUSES[0].replace("20万元", "30万元")
    await upload(portal, notice(kept, changed, "支持企业参展。对参展企业给予补助。", closing="本措施自2026年4月1日起施行，有效期3年。"))
    old, new = [
        [await portal.get(f"/v1/documents/{document}{path}", params={"version": version}) for path in ("", "/text")] for version in (1, 2)
    ]
    assert (old[0].json()["version"], old[0].headers["etag"], new[0].json()["version"]) == (1, '"1"', 2)
    assert gone in old[1].text
    assert gone not in new[1].text
    assert (await portal.get(f"/v1/documents/{document}")).json() == new[0].json()
    versions = (await portal.get(f"/v1/documents/{document}/versions")).json()["items"]
    assert [one["version"] for one in versions] == [2, 1]
    diff = (await portal.get(f"/v1/documents/{document}/diff", params={"from": 1, "to": 2})).json()
    assert diff["counts"] == {"unchanged": 1, "changed": 1, "added": 1, "removed": 1}
    assert {one["fact"]: (one["from"], one["to"]) for one in diff["facts"]}["valid_to"] == (None, "2029-03-31")
    by_kind = {item["kind"]: item for item in diff["items"]}
    moved = by_kind["unchanged"]
    assert (moved["measure"], moved["from"]["number"], moved["to"]["number"]) == (f"{document}/02", "二、", "一、")
    words = [piece for piece in by_kind["changed"]["body"] if piece["kind"] != "same"]
    assert [(piece["kind"], piece["text"]) for piece in words] == [("removed", "20万元"), ("added", "30万元")]
    for item in diff["items"]:
        for piece in item["title"] + item["body"]:
            if piece["from"]:
                assert old[1].text[slice(*piece["from"])] == piece["text"]
            if piece["to"]:
                assert new[1].text[slice(*piece["to"])] == piece["text"]
    assert by_kind["added"]["from"] is None
    assert by_kind["removed"]["to"] is None
    assert (await portal.get(f"/v1/documents/{document}/diff")).json() == diff
    back = (await portal.get(f"/v1/documents/{document}/diff", params={"from": 2, "to": 1})).json()
    assert back["counts"] == diff["counts"]
    for path in ("?version=9", "/text?version=9", "/diff?from=9", "/diff?to=9"):
        assert (await portal.get(f"/v1/documents/{document}{path}")).status_code == 404
    assert (await portal.get("/v1/documents/doc-0000000000000000/versions")).status_code == 404


async def test_the_same_bytes_of_any_version_are_still_that_document_and_say_nothing(ingest: Running, portal: httpx.AsyncClient) -> None:
    first = await upload(portal, notice())
    second = await upload(portal, notice(*CLAUSES[:2]))
    said = len(await ingest.said())
    for text, receipt in ((notice(), first), (notice(*CLAUSES[:2]), second)):
        again = await portal.post("/v1/documents", files={"file": ("另名.txt", text.encode())})
        assert (again.status_code, again.json()) == (200, receipt)
    assert len(await ingest.said()) == said


async def test_two_uploads_at_once_become_two_versions_in_a_row(ingest: Running, portal: httpx.AsyncClient) -> None:
    await upload(portal, notice())
    receipts = await asyncio.gather(*(upload(portal, notice(*CLAUSES[:n])) for n in (1, 2)))
    assert sorted(receipt["version"] for receipt in receipts) == [2, 3]
    assert {receipt["document"] for receipt in receipts} == {receipts[0]["document"]}


async def test_a_new_edition_with_another_number_goes_on_and_what_it_replaces_is_not_repealed_besides(
    ingest: Running, portal: httpx.AsyncClient
) -> None:
    first = await upload(portal, notice())
    closing = "本措施自2027年1月1日起施行，《支持企业发展若干措施》（示某规〔2026〕1号）同时废止。"
    edition = "示例市某局关于印发《支持企业发展若干措施（2027年修订）》的通知"
    second = await upload(portal, notice(title=edition, number="示某规〔2027〕5号", closing=closing, day="2026年12月1日"))
    assert (second["document"], second["version"]) == (first["document"], 2)
    assert [event for event, _ in await ingest.said()].count("DocumentRepealed") == 0
    assert (await portal.get(f"/v1/documents/{first['document']}")).json()["repealed"] is None


async def test_a_correction_of_a_few_words_is_no_version_and_a_person_is_told(ingest: Running, portal: httpx.AsyncClient) -> None:
    first = await upload(portal, notice())
    title = "示例市某局关于更正示某规〔2026〕1号文件的通知"
    second = await upload(portal, notice("将第一条的奖励金额更正为30万元。", title=title, number="示某规〔2026〕2号"))
    assert second["document"] != first["document"]
    assert first["document"] in second["notes"][-1]
    assert [event for event, _ in await ingest.said()].count("DocumentReplaced") == 0
    other = await upload(portal, notice("将第一条的奖励金额更正为40万元。", title=title, number=""), replaces=first["document"])
    assert (other["document"], other["version"]) == (first["document"], 2)


async def test_what_it_is_said_to_replace_must_be_there_and_be_another(portal: httpx.AsyncClient) -> None:
    file = {"file": ("措施.txt", notice().encode())}
    missing = await portal.post("/v1/documents", files=file, params={"replaces": "doc-0000000000000000"})
    assert (missing.status_code, missing.json()["errors"][0]["at"]) == (404, "replaces")
    first = await upload(portal, notice())
    second = await upload(portal, notice(*CLAUSES[:1], title="示例市某局关于另一件事情的通知", number="示某规〔2026〕9号"))
    refused = await portal.post("/v1/documents", files=file, params={"replaces": second["document"]})
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    again = await portal.post("/v1/documents", files=file, params={"replaces": first["document"]})
    assert again.status_code == 200


@pytest.mark.parametrize("order", ["the old first", "the new first"])
async def test_a_repealed_document_is_told_with_its_day_whichever_came_first(
    ingest: Running, portal: httpx.AsyncClient, order: str
) -> None:
    old = notice()
    closing = "本措施自2027年1月1日起施行。《支持企业发展若干措施》（示某规〔2026〕1号）、《从没有见过的管理办法》同时废止。"
    new = notice(*CLAUSES[:1], title="示例市某局关于稳定经济增长的意见", number="示某规〔2027〕5号", closing=closing)
    receipts = [await upload(portal, text) for text in ((old, new) if order == "the old first" else (new, old))]
    repealed, by = (receipt["document"] for receipt in (receipts if order == "the old first" else reversed(receipts)))
    told = [body for event, body in await ingest.said() if event == "DocumentRepealed"]
    assert told == [{"document": repealed, "repealed_on": "2027-01-01", "by": by}]
    view = (await portal.get(f"/v1/documents/{repealed}")).json()
    assert (view["repealed"]["on"], view["repealed"]["by"]) == ("2027-01-01", by)
    assert "示某规〔2026〕1号" in view["repealed"]["words"]
    await upload(portal, new.replace("给予一次性奖励", "给予奖励"))
    assert len([event for event, _ in await ingest.said() if event == "DocumentRepealed"]) == 1


async def test_a_repeal_without_a_day_is_left_to_a_person(ingest: Running, portal: httpx.AsyncClient) -> None:
    await upload(portal, notice())
    text = notice(title="示例市某局关于稳定经济增长的意见", number="", closing="《支持企业发展若干措施》同时废止。").replace(
        "2026年3月1日", ""
    )
    receipt = await upload(portal, text)
    assert "没有读出日期" in receipt["notes"][-1]
    assert [event for event, _ in await ingest.said()].count("DocumentRepealed") == 0


async def test_a_scan_awaits_a_person_and_its_text_becomes_its_next_version(ingest: Running, portal: httpx.AsyncClient) -> None:
    """What OCR or a person read later is the scan's second version; a scan never takes the place of what was read."""
    first = await upload(portal, notice())
    reading = read(b"\xe2\x80\xa6", name="scan.pdf")
    scan = Read(reading, "pdf", 3, True, ("第1—3页没有文字层",))
    async with ingest.runtime.work(Principal("platform", "portal", frozenset())) as work:
        kept, new = await keep_document(Received("scan.pdf", b"%PDF-scan"), scan, work)
    assert (kept.status, kept.measures, new) == ("needs_ocr", 0, True)
    waiting = (await portal.get("/v1/documents", params={"status": "needs_ocr"})).json()["items"]
    assert [item["document"] for item in waiting] == [kept.document]
    async with ingest.runtime.work(Principal("platform", "portal", frozenset())) as work:
        seen = read(notice(title="示例市某局关于扫描文件的通知", number="").encode(), name="scan.pdf")
        later, new = await keep_document(Received("scan.pdf", b"%PDF-scan"), Read(seen, "pdf", 3, False, ()), work)
    assert (later.document, later.version, later.status, new) == (kept.document, 2, "read", True)
    assert (await portal.get("/v1/documents", params={"status": "needs_ocr"})).json()["items"] == []
    with pytest.raises(Exception, match="扫描件"):
        async with ingest.runtime.work(Principal("platform", "portal", frozenset())) as work:
            await keep_document(Received("b.pdf", b"%PDF-other"), scan, work, replaces=first["document"])


async def test_documents_are_found_by_words_and_only_in_their_newest_version(portal: httpx.AsyncClient) -> None:
    first = await upload(portal, notice())
    await upload(portal, notice(*CLAUSES[:2]))
    other = await upload(portal, notice(title="示例市某局关于100%落实的通知", number="示某规〔2026〕7号"))

    async def found(**params: str) -> list[tuple[str, int]]:
        return [(one["document"], one["version"]) for one in (await portal.get("/v1/documents", params=params)).json()["items"]]

    assert await found() == [(other["document"], 1), (first["document"], 2)]
    assert await found(q="100%") == await found(q="〔2026〕7号") == [(other["document"], 1)]
    assert await found(q="支持企业发展") == [(first["document"], 2)]
    assert await found(q="没有") == await found(status="needs_ocr") == []
    assert (await portal.get("/v1/documents", params={"status": "lost"})).status_code == 422
