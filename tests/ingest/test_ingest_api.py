"""Documents and facts come in over HTTP, and what is refused is refused with a reason."""

import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest

from contracts.uscc import check_character
from services.chassis.app import create_app
from services.chassis.database import dumps, migrate
from services.ingest import api
from services.ingest.api import deliveries
from services.ingest.main import SUBSCRIPTIONS
from services.ingest.store import Store, Table
from tests.running import Running, differences, running, settings

USCC = "91350200MA0000000" + check_character("91350200MA0000000")

NOTICE = """厦门市某局关于印发若干措施的通知
厦某规〔2026〕1号

各有关单位：
现将《若干措施》印发给你们。

一、支持企业研发。对上年度研发费用超过500万元的高新技术企业，给予一次性奖励20万元。（责任单位：市科技局）
二、支持企业用工。对新增参保10人以上的企业，按每人1000元给予补贴。（责任单位：市人社局）
三、支持企业融资。引导银行机构加大信贷投放。（责任单位：市金融局）

厦门市某局
2026年3月1日
"""


def statement(*, true_on: str | None = None, records: dict[str, Any] | None = None, **facts: Any) -> str:
    """One line of a delivery."""
    line: dict[str, Any] = {"uscc": USCC, "facts": facts, "records": records or {}}
    return dumps(line | ({"true_on": true_on} if true_on else {}))


@pytest.fixture
async def ingest(database: str) -> AsyncIterator[Running]:
    app = create_app("ingest", store=Store, subscriptions=SUBSCRIPTIONS, routers=[api.router], settings=settings(database))
    async with running(app) as service:
        yield service


async def test_a_document_is_read_kept_and_said_once(ingest: Running) -> None:
    editor = await ingest.client("platform", "portal", "documents:write", "documents:read")
    first = await editor.post("/v1/documents", files={"file": ("措施.txt", NOTICE.encode())})
    assert first.status_code == 202, first.text
    document = first.json()["document"]
    assert first.headers["location"] == f"/v1/documents/{document}"
    assert first.json()["measures"] == 3
    again = await editor.post("/v1/documents", files={"file": ("另一个名字.txt", NOTICE.encode())})
    assert (again.status_code, again.json()) == (200, first.json())
    said = await ingest.said()
    assert [name for name, _ in said] == ["DocumentRead", "MeasureRead", "MeasureRead", "MeasureRead"]
    assert said[0][1]["measures"] == 3
    assert [body["position"] for _, body in said[1:]] == [0, 1, 2]
    traces = {row["traceparent"].split("-")[1] for row in await ingest.rows("SELECT traceparent FROM outbox")}
    view = (await editor.get(f"/v1/documents/{document}")).json()
    assert traces == {view["trace"]}
    text = (await editor.get(f"/v1/documents/{document}/text")).text
    for _, measure in said[1:]:
        start, end = measure["span"]
        assert measure["body"] in text[start:end]
    page = (await editor.get("/v1/documents?limit=1")).json()
    assert [item["document"] for item in page["items"]] == [document]


@pytest.mark.parametrize(
    ("name", "data", "code"),
    [
        ("空.txt", b"", "not-a-document"),
        ("图.png", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01" * 20, "not-a-document"),
        ("乱码.txt", b"\xff\xfe\xfd\xfc" + bytes(range(128, 256)) * 8 + b"\x81", "unreadable"),
    ],
)
async def test_what_is_no_document_is_refused_with_a_reason_and_said(ingest: Running, name: str, data: bytes, code: str) -> None:
    portal = await ingest.client("platform", "portal", "documents:write", "documents:read")
    refused = await portal.post("/v1/documents", files={"file": (name, data)})
    problem = refused.json()
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert problem["code"] in (code, "not-a-document")
    assert problem["detail"]
    assert problem["errors"][0]["hint"]
    [(event, body)] = await ingest.said()
    assert (event, body["name"], body["code"]) == ("DocumentRefused", name, problem["code"])
    assert (await portal.get("/v1/documents")).json()["items"] == []


async def test_a_document_over_the_limit_is_refused_and_one_at_the_limit_is_not(ingest: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    data = NOTICE.encode()
    monkeypatch.setattr(api, "DOCUMENT_LIMIT", len(data) - 1)
    portal = await ingest.client("platform", "portal", "documents:write")
    refused = await portal.post("/v1/documents", files={"file": ("措施.txt", data)})
    assert (refused.status_code, refused.json()["code"]) == (413, "too-large")
    monkeypatch.setattr(api, "_ENVELOPE", 0)
    unread = await portal.post("/v1/documents", files={"file": ("措施.txt", data)})
    assert (unread.status_code, unread.json()["code"]) == (413, "too-large")
    assert [event for event, _ in await ingest.said()] == ["DocumentRefused", "DocumentRefused"]
    monkeypatch.undo()
    monkeypatch.setattr(api, "DOCUMENT_LIMIT", len(data))
    assert (await portal.post("/v1/documents", files={"file": ("措施.txt", data)})).status_code == 202


async def test_a_form_without_a_file_says_how_to_send_one(ingest: Running) -> None:
    portal = await ingest.client("platform", "portal", "documents:write")
    for request in ({"data": {"text": "没有文件"}}, {"json": {"file": "x"}}, {"files": {"other": ("a.txt", b"x")}}):
        refused = await portal.post("/v1/documents", **request)  # type: ignore[arg-type]
        assert (refused.status_code, refused.json()["errors"][0]["at"]) == (422, "file")


async def test_a_document_that_is_not_there_is_not_found(ingest: Running) -> None:
    portal = await ingest.client("platform", "portal", "documents:read")
    for path in ("/v1/documents/doc-0000000000000000", "/v1/documents/doc-0000000000000000/text"):
        assert (await portal.get(path)).status_code == 404


async def test_a_key_without_the_scope_may_not_and_one_with_it_may(ingest: Running) -> None:
    reader = await ingest.client("platform", "reader", "documents:read")
    assert (await reader.post("/v1/documents", files={"file": ("措施.txt", NOTICE.encode())})).status_code == 403
    assert (await reader.get("/v1/documents")).status_code == 200
    writer = await ingest.client("platform", "writer", "documents:write")
    assert (await writer.get("/v1/documents")).status_code == 403


async def test_the_same_idempotency_key_gets_the_same_reply_and_another_request_does_not(ingest: Running) -> None:
    tax = await ingest.client("authority", "税务系统", "facts:write", department="税务")
    line = statement(revenue={"2025": 1})
    first = await tax.post("/v1/facts", content=line, headers={"Idempotency-Key": "k-1"})
    again = await tax.post("/v1/facts", content=line, headers={"Idempotency-Key": "k-1"})
    assert first.status_code == again.status_code == 200
    assert first.json() == again.json()
    assert len(await ingest.said()) == 1
    other = await tax.post("/v1/facts", content=statement(revenue={"2025": 2}), headers={"Idempotency-Key": "k-1"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")


async def test_good_lines_count_and_wrong_lines_are_told_each_on_its_own(ingest: Running) -> None:
    tax = await ingest.client("authority", "税务系统", "facts:write", "facts:read", department="市税务局")
    lines = [
        statement(revenue={"2024": Decimal("20000000.10"), "2025": 26000000}, taxpayer_type="general"),
        json.dumps({"uscc": USCC[:-1] + "0", "facts": {"revenue": {"2025": 1}}}),
        "",
        statement(revenu={"2025": 1}),
        statement(employees={"2025": 12}),
        "{not json}",
        statement(true_on="2026-03-31", profit={"2025Q1": -5.5}),
    ]
    reply = await tax.post("/v1/facts", content="\n".join(lines))
    assert reply.status_code == 200, reply.text
    body = reply.json()
    assert (body["accepted"], body["refused"]) == (2, 4)
    assert [(error["at"], error["code"]) for error in body["errors"]] == [
        ("line 2 uscc", "invalid-uscc"),
        ("line 4 facts.revenu", "unknown-fact"),
        ("line 5 facts.employees", "wrong-authority"),
        ("line 6", "unreadable"),
    ]
    assert "revenue（营业收入）" in body["errors"][1]["hint"]
    assert "统计" in body["errors"][2]["problem"]
    assert USCC[:-1] not in reply.text
    said = await ingest.said()
    assert [event for event, _ in said] == ["FactsStated", "FactsStated"]
    assert said[0][1]["facts"] == {"revenue": {"2024": Decimal("20000000.10"), "2025": 26000000}, "taxpayer_type": "general"}
    assert said[1][1]["true_on"] == "2026-03-31"
    [row] = await ingest.rows("SELECT body FROM outbox ORDER BY id LIMIT 1")
    assert b'"2024":20000000.10,' in row["body"]
    kept = (await tax.get(f"/v1/deliveries/{body['delivery']}")).json()
    assert (kept["accepted"], kept["refused"], kept["authority"], kept["errors"]) == (2, 4, "税务", body["errors"])
    statistics = await ingest.client("authority", "统计系统", "facts:read", department="统计")
    assert (await statistics.get(f"/v1/deliveries/{body['delivery']}")).status_code == 404
    assert (await statistics.get("/v1/deliveries")).json()["items"] == []
    assert len((await tax.get("/v1/deliveries")).json()["items"]) == 1


async def test_a_delivery_without_one_good_line_is_a_problem_that_says_why(ingest: Running) -> None:
    tax = await ingest.client("authority", "税务系统", "facts:write", department="税务")
    refused = await tax.post("/v1/facts", content=statement(employees={"2025": 12}))
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert (refused.json()["code"], refused.json()["refused"]) == ("wrong-authority", 1)
    empty = await tax.post("/v1/facts", content="\n\n")
    assert empty.status_code == 422
    assert await ingest.said() == []


async def test_only_an_authority_of_the_registry_may_state_facts(ingest: Running) -> None:
    for kind, department in (("operator", ""), ("officer", "税务"), ("authority", "气象")):
        other = await ingest.client(kind, f"{kind}-{department}", "facts:write", department=department)
        refused = await other.post("/v1/facts", content=statement(revenue={"2025": 1}))
        assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    tax = await ingest.client("authority", "税务系统", "facts:write", department="税务")
    assert (await tax.post("/v1/facts", content=statement(revenue={"2025": 1}))).status_code == 200


async def test_a_delivery_past_the_limits_is_refused_whole(ingest: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    tax = await ingest.client("authority", "税务系统", "facts:write", department="税务")
    line = statement(revenue={"2025": 1})
    monkeypatch.setattr(deliveries, "DELIVERY_LINES", 2)
    assert (await tax.post("/v1/facts", content=f"{line}\n{line}\n")).status_code == 200
    refused = await tax.post("/v1/facts", content=f"{line}\n{line}\n{line}\n")
    assert (refused.status_code, refused.json()["code"]) == (413, "too-large")
    monkeypatch.setattr(deliveries, "DELIVERY_LIMIT", len(line) - 1)
    assert (await tax.post("/v1/facts", content=line)).status_code == 413


async def test_the_tables_are_those_the_code_describes(ingest: Running, database: str) -> None:
    assert await differences(database, Table.metadata) == []
    await migrate(database, "ingest", down=True)
    left = await ingest.rows("SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '%_version'")
    assert left == []
    await migrate(database, "ingest")
