"""A match becomes one message; the enterprise reads it, answers it, and hears of changes as they come."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Response

from contracts.events import (
    BenefitPublished,
    ClaimOffered,
    ClaimPaid,
    DocumentFacts,
    DocumentRead,
    DocumentRepealed,
    MatchChanged,
    MatchFound,
    MatchLost,
)
from contracts.rules import dumps, parse_benefit
from services.notify.channels.stream import Hub
from services.notify.main import build
from services.notify.store import Table
from tests.running import Running, differences, running
from tests.service_room import Room, alone, record, room_of, serving, traceparent, uscc

ME, OTHER = uscc(1), uscc(2)
DAY = date(2025, 6, 30)
BENEFIT = parse_benefit(
    {
        "id": "ben-1", "title": "营收增长奖励", "article": "第五条", "text": "上年度营业收入2000万元以上的，给予10万元奖励。",
        "rule": {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000, "quote": "上年度营业收入2000万元以上"},
        "amount": {"fixed": 100000}, "mode": "confirm", "department": "市工信局", "source": {"document": "doc-1", "version": 1},
    }
)  # fmt: skip
DOCUMENT = DocumentRead(
    document="doc-1",
    version=1,
    sha256="0" * 64,
    name="a.txt",
    measures=1,
    facts=DocumentFacts(title="若干措施", doc_number="厦府〔2025〕1号"),
)
DECISION = {
    "benefit": "ben-1", "enterprise": ME, "as_of": "2025-06-30", "language": 1, "outcome": "eligible",
    "amount": {"low": "100000.00", "high": "100000.00", "missing": []},
    "tests": [
        {"path": "", "value": "true", "why": None, "fact": "revenue@2024", "found": 26000000, "wanted": ">= 20000000", "source": "税务",
         "known_at": "2025-06-20T08:00:00Z", "quote": "上年度营业收入2000万元以上", "article": "第五条"}
    ],
    "missing": [], "judged": [], "near_miss": None, "eligible_from": None, "rule_version": 1, "facts_as_known_at": "2025-06-20T08:00:00Z",
    "in_words": {
        "summary": "贵企业符合“营收增长奖励”的条件。",
        "reasons": [
            {"path": "", "depth": 0, "outcome": "true", "sentence": "2024年营业收入2600万元，要求不低于2000万元，符合。",
             "source": "数据来自市税务局，2025年3月1日", "quote": "上年度营业收入2000万元以上", "article": "第五条"}
        ],
        "amount": "可得10万元。", "next": [],
    },
}  # fmt: skip


def found(number: int = 1, *, code: str = ME, benefit: str = "ben-1", kind: Any = MatchFound, **more: Any) -> Any:
    given = {"low": Decimal(100000), "high": Decimal(100000), "deadline": date(2025, 12, 31), "version": 1, **more}
    return kind(match=f"match-{number}", uscc=code, benefit=benefit, occasion="", as_of=DAY, **given)


def lost(number: int = 1, *, code: str = ME) -> MatchLost:
    return MatchLost(match=f"match-{number}", uscc=code, benefit="ben-1", version=1, occasion="", as_of=DAY, reason="facts")


@pytest.fixture
async def service(database: str) -> AsyncIterator[Running]:
    async with running(build(settings=alone(database))) as opened:
        yield opened


@pytest.fixture
def notify(service: Running) -> Room:
    return room_of(service)


async def enterprise(service: Running, code: str = ME) -> httpx.AsyncClient:
    return await service.client("enterprise", code, "messages:read", uscc=code)


async def test_tables_and_migrations_agree(service: Running, database: str) -> None:
    assert await differences(database, Table.metadata) == []


async def test_a_match_has_one_message_however_often_it_is_told(service: Running, notify: Room) -> None:
    trace = traceparent()
    event = record(found(), trace=trace)
    await notify.hear(event, event, found())
    await notify.hear(found(kind=MatchChanged, low=Decimal(5), high=Decimal(7), version=2))
    (row,) = await service.rows("SELECT * FROM messages")
    assert (row["low"], row["high"], row["version"], row["status"]) == (5, 7, 2, "new")
    await notify.hear(lost())
    assert [tuple(row) for row in await service.rows("SELECT status, withdrawn_because FROM messages")] == [("withdrawn", "facts")]
    await notify.hear(record(found(), trace=trace))
    (row,) = await service.rows("SELECT status, withdrawn_because, traceparent FROM messages")
    assert (row["status"], row["withdrawn_because"]) == ("new", None)
    assert row["traceparent"].split("-")[1] == trace.split("-")[1]


async def test_a_change_that_comes_alone_still_becomes_a_message(service: Running, notify: Room) -> None:
    await notify.hear(found(kind=MatchChanged))
    assert len(await service.rows("SELECT 1 FROM messages")) == 1


async def test_the_inbox_is_read_newest_first_and_page_by_page(service: Running, notify: Room) -> None:
    await notify.hear(DOCUMENT, BenefitPublished(benefit=BENEFIT, version=1))
    for number in range(5):
        await notify.hear(found(number, benefit=f"ben-{number + 1}"))
    caller = await enterprise(service)
    seen, cursor, pages = [], None, 0
    while pages == 0 or cursor:
        page = (await caller.get(f"/v1/inbox/{ME}/messages", params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        seen += [item["id"] for item in page["items"]]
        cursor, pages = page["next"], pages + 1
    assert (seen, pages) == ([f"match-{number}" for number in (4, 3, 2, 1, 0)], 3)
    assert page["items"][0]["short"] == "贵企业符合“营收增长奖励”的条件，金额：10万元，截止：2025年12月31日（含当日）"
    assert (await caller.get(f"/v1/inbox/{ME}/messages", params={"cursor": "x"})).json()["code"] == "invalid-request"


async def test_an_enterprise_sees_its_own_inbox_only(service: Running, notify: Room) -> None:
    await notify.hear(found(1, code=OTHER))
    caller = await enterprise(service)
    for path in (f"{OTHER}/messages", f"{OTHER}/messages/match-1", f"{OTHER}/stream", f"{ME}/messages/match-1"):
        assert (await caller.get(f"/v1/inbox/{path}")).status_code == 404
    assert (await caller.post(f"/v1/inbox/{OTHER}/messages/match-1/confirm")).status_code == 404


async def test_without_reasons_the_message_is_still_shown_and_says_so(service: Running, notify: Room) -> None:
    await notify.hear(DOCUMENT, BenefitPublished(benefit=BENEFIT, version=1), found())
    body = (await (await enterprise(service)).get(f"/v1/inbox/{ME}/messages/match-1")).json()
    assert body["why"] == []
    assert "暂时无法取得判定依据" in body["why_note"]
    assert body["clause"] == BENEFIT.text


@asynccontextmanager
async def neighbour() -> AsyncIterator[str]:
    """A stand-in for policy_match that gives one decision."""
    app = FastAPI()

    @app.get("/v1/enterprises/{code}/decisions/{benefit}")
    async def decision(code: str, benefit: str) -> Response:
        return Response(dumps(DECISION), media_type="application/json")

    async with serving(app) as address:
        yield address


async def test_the_full_message_says_what_why_in_which_words_how_much_and_by_when(database: str) -> None:
    async with neighbour() as address:
        settings = alone(database, policy_match_url=address, service_key="the neighbours' key")
        async with running(build(settings=settings)) as service:
            notify = room_of(service)
            await notify.hear(DOCUMENT, BenefitPublished(benefit=BENEFIT, version=1), found())
            await notify.hear(ClaimOffered(claim="c-1", match="match-1", uscc=ME, benefit="ben-1", occasion="", by="x"))
            await notify.hear(
                ClaimPaid(claim="c-1", match="match-1", uscc=ME, benefit="ben-1", occasion="", by="x", amount=Decimal(100000))
            )
            body = (await (await enterprise(service)).get(f"/v1/inbox/{ME}/messages/match-1")).json()
            await notify.hear(DocumentRepealed(document="doc-1", repealed_on=DAY))
            later = (await (await enterprise(service)).get(f"/v1/inbox/{ME}/messages/match-1")).json()
    assert body["document"] == "《若干措施》（厦府〔2025〕1号）"
    assert body["why"] == [
        {
            "outcome": "true", "sentence": "2024年营业收入2600万元，要求不低于2000万元，符合。",
            "quote": "上年度营业收入2000万元以上", "article": "第五条", "source": "数据来自市税务局，2025年3月1日",
        }
    ]  # fmt: skip
    assert (body["amount"], body["deadline_text"]) == ("10万元", "2025年12月31日（含当日）")
    assert "点“确认”" in body["next"][0]
    assert [(claim["state"], claim["amount"]) for claim in body["claims"]] == [("paid", "100000.00")]
    assert "2025年6月30日废止" in later["document"]


async def test_answers_move_the_message_on_and_are_said(service: Running, notify: Room) -> None:
    await notify.hear(BenefitPublished(benefit=BENEFIT, version=1))
    trace = traceparent()
    await notify.hear(record(found(), trace=trace))
    caller = await enterprise(service)
    at = f"/v1/inbox/{ME}/messages/match-1"
    for _ in range(2):
        assert (await caller.post(f"{at}/read")).json()["status"] == "read"
    assert (await caller.post(f"{at}/decline", json={"reason": "暂不需要"})).json()["status"] == "declined"
    for _ in range(2):
        assert (await caller.post(f"{at}/confirm", headers={"Idempotency-Key": "k"})).json()["status"] == "confirmed"
    assert (await caller.post(f"{at}/feedback", json={})).status_code == 422
    assert (await caller.post(f"{at}/feedback", json={"rating": 2, "not_for_me": True})).json()["status"] == "confirmed"
    said = await service.said()
    assert [name for name, _ in said] == ["MessageRead", "BenefitDeclined", "BenefitConfirmed", "FeedbackGiven"]
    assert said[1][1]["reason"] == "暂不需要"
    rows = await service.rows("SELECT DISTINCT split_part(traceparent, '-', 2) AS trace FROM outbox")
    assert [row["trace"] for row in rows] == [trace.split("-")[1]]
    await notify.hear(lost())
    assert (await caller.post(f"{at}/confirm")).json()["code"] == "conflict"
    officer = await service.client("officer", "经办", "messages:read", department="x")
    assert (await officer.post(f"{at}/confirm")).status_code == 403


async def test_a_benefit_that_needs_no_yes_takes_none(service: Running, notify: Room) -> None:
    direct = parse_benefit({**BENEFIT.model_dump(by_alias=True), "mode": "direct"})
    await notify.hear(BenefitPublished(benefit=direct, version=1), found())
    reply = await (await enterprise(service)).post(f"/v1/inbox/{ME}/messages/match-1/confirm")
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")


async def test_the_ledger_says_which_message_exists_for_whom_and_why(service: Running, notify: Room) -> None:
    traces = [traceparent() for _ in range(3)]
    for number in range(3):
        await notify.hear(record(found(number, code=uscc(number + 1)), trace=traces[number]))
    platform = await service.client("platform", "平台", "messages:read")
    first = (await platform.get("/v1/ledger", params={"benefit": "ben-1", "limit": 2})).json()
    rest = (await platform.get("/v1/ledger", params={"benefit": "ben-1", "limit": 2, "cursor": first["next"]})).json()
    entries = first["items"] + rest["items"]
    assert [entry["uscc"] for entry in entries] == [uscc(number + 1) for number in range(3)]
    assert [entry["trace_id"] for entry in entries] == [trace.split("-")[1] for trace in traces]
    assert entries[0]["why"] == {"match": "match-0", "version": 1, "as_of": "2025-06-30", "withdrawn_because": None}
    assert rest["next"] is None
    operator = await service.client("operator", "运维", "ops")
    assert len((await operator.get("/v1/ledger")).json()["items"]) == 3
    assert (await (await enterprise(service)).get("/v1/ledger")).status_code == 403


# --- the live stream ----------------------------------------------------------------------------------------------------


class Stream:
    """One open stream, read event by event."""

    def __init__(self, lines: AsyncIterator[str]) -> None:
        self._lines = lines

    async def event(self) -> dict[str, str]:
        """The next event that is no comment."""
        fields: dict[str, str] = {}
        async with asyncio.timeout(10):
            async for line in self._lines:
                if not line and "data" in fields:
                    return fields
                name, _, value = line.partition(": ")
                fields[name] = value
        raise AssertionError("the stream ended")


@asynccontextmanager
async def listening(address: str, service: Running, **headers: str) -> AsyncIterator[Stream]:
    key = (await enterprise(service)).headers["authorization"]
    async with (
        httpx.AsyncClient(base_url=address, headers={"authorization": key}) as client,
        client.stream("GET", f"/v1/inbox/{ME}/stream", headers={name.replace("_", "-"): value for name, value in headers.items()}) as reply,
    ):
        assert reply.headers["content-type"].startswith("text/event-stream")
        lines = reply.aiter_lines()
        assert (await anext(lines)).startswith("retry")
        yield Stream(lines)


async def test_the_stream_tells_at_once_and_resumes_without_a_gap(database: str) -> None:
    app = build(settings=alone(database))
    async with serving(app) as address:
        service = Running(app, app.state.runtime)
        notify = room_of(service)
        await notify.hear(found(1))
        async with listening(address, service) as stream:
            begun = asyncio.get_running_loop().time()
            await notify.hear(found(2, benefit="ben-2"), found(9, code=OTHER))
            told = await stream.event()
            assert '"id":"match-2"' in told["data"]
            assert asyncio.get_running_loop().time() - begun < 0.45  # sooner than the poll
        await notify.hear(found(3, benefit="ben-3"))
        await notify.hear(lost(1))
        async with listening(address, service, last_event_id=told["id"]) as stream:
            assert '"id":"match-3"' in (await stream.event())["data"]
            withdrawn = await stream.event()
            assert '"status":"withdrawn"' in withdrawn["data"]
            assert int(withdrawn["id"]) > int(told["id"])


async def test_a_stream_hears_what_another_process_wrote(database: str) -> None:
    here, there = build(settings=alone(database)), build(settings=alone(database))
    async with serving(here) as address, serving(there):
        service = Running(here, here.state.runtime)
        async with listening(address, service) as stream:
            await room_of(Running(there, there.state.runtime)).hear(found(1))
            assert '"id":"match-1"' in (await stream.event())["data"]


@pytest.mark.parametrize("ticks", range(5))
async def test_a_wake_up_never_swallows_the_end(ticks: int) -> None:
    hub = Hub()
    resting = asyncio.create_task(hub.rest())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    hub.wake()
    for _ in range(ticks):
        await asyncio.sleep(0)
    if resting.cancel():  # it had not ended by itself
        with pytest.raises(asyncio.CancelledError):
            await resting
