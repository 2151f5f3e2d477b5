"""What is over is forgotten, and nothing by which an event could have its effect twice, or be lost."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.topics import TOPICS
from services.chassis import clock, retention
from services.chassis.bus import Producer
from services.chassis.outbox import Relay
from services.chassis.replies import KEPT
from services.chassis.retention import SENT, SLACK, forget_once, over
from services.chassis.runtime import Runtime
from tests.notes import Noted, Store
from tests.notes_room import Notes

MONTH = timedelta(days=30)


@asynccontextmanager
async def at_work(notes: Notes, *, in_memory: bool = False) -> AsyncIterator[Runtime[Any]]:
    """The service's runtime with a database and nothing else."""
    async with notes.pool() as pool:
        runtime: Runtime[Any] = Runtime(notes.name, notes.settings(kafka_in_memory=in_memory), Store, notes.subscriptions, notes.telemetry)
        runtime.pool = pool
        runtime.relay = Relay(
            pool, Producer(notes.bootstrap), service=notes.name, telemetry=notes.telemetry, in_memory=in_memory, crash=None
        )
        yield runtime


def keep(notes: Notes, monkeypatch: pytest.MonkeyPatch, kept: timedelta) -> None:
    """The notes' topic is kept so long; that of the echoes for ever."""
    monkeypatch.setitem(TOPICS, notes.topic, replace(TOPICS[notes.topic], kept=int(kept.total_seconds())))


async def heard(notes: Notes, topic: str | None, id: str, at: datetime) -> None:
    await notes.rows("INSERT INTO inbox VALUES ($1, '/zhaoqi/tests', $2, $3, $4)", notes.name, id, at, topic)


async def said(notes: Notes, topic: str, key: str, at: datetime, sent: datetime | None) -> None:
    await notes.rows(
        "INSERT INTO outbox (event_id, type, topic, key, body, said_at, published_at) VALUES (gen_random_uuid(), 't', $1, $2, '', $3, $4)",
        *(topic, key, at, sent),
    )


async def ids(notes: Notes) -> set[str]:
    return {row["event_id"] for row in await notes.rows("SELECT event_id FROM inbox")}


async def keys(notes: Notes) -> set[str]:
    return {row["key"] for row in await notes.rows("SELECT key FROM outbox")}


async def test_what_was_heard_outlives_its_topic_and_stays_for_ever_where_the_topic_does(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(notes, monkeypatch, MONTH)
    async with at_work(notes) as runtime:
        now = clock.now()
        for id, topic, age in (
            ("the broker may still have it", notes.topic, MONTH + timedelta(days=1)),
            ("its segment may", notes.topic, MONTH + SLACK - timedelta(hours=1)),
            ("nobody has it any more", notes.topic, MONTH + SLACK + timedelta(hours=1)),
            ("kept for ever", notes.echoes, timedelta(days=4000)),
            ("of a topic nobody knows", "gone.v1", timedelta(days=4000)),
            ("from before topics were noted", None, timedelta(days=4000)),
        ):
            await heard(notes, topic, id, now - age)
        before = await ids(notes)
        await forget_once(runtime)
        assert before - await ids(notes) == {"nobody has it any more"}


async def test_an_event_heard_again_while_the_broker_may_have_it_still_has_one_effect(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(notes, monkeypatch, MONTH)
    async with at_work(notes) as runtime:
        poll = notes.batch([Noted(key="k", number=1)])
        await notes.inbox(runtime.pool).process(notes.topic, 0, poll)
        assert {row["topic"] for row in await notes.rows("SELECT topic FROM inbox")} == {notes.topic}
        await notes.rows("UPDATE inbox SET heard_at = heard_at - $1::interval", MONTH + timedelta(days=7))
        await forget_once(runtime)
        await notes.inbox(runtime.pool).process(notes.topic, 0, poll)
    assert await notes.effects() == [("k", 1)]


async def test_what_waits_to_be_sent_is_never_forgotten_and_what_was_sent_stays_a_week(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(notes, monkeypatch, MONTH)
    async with at_work(notes) as runtime:
        now = clock.now()
        old = now - timedelta(days=400)
        await said(notes, notes.topic, "waits", old, None)
        await said(notes, notes.topic, "sent lately", old, now - SENT + timedelta(hours=1))
        await said(notes, notes.topic, "sent long ago", old, now - SENT - timedelta(hours=1))
        await said(notes, notes.echoes, "the second copy of what is kept for ever", old, old)
        before = await keys(notes)
        await forget_once(runtime)
        assert before - await keys(notes) == {"sent long ago"}


async def test_a_broker_in_memory_says_all_again_so_nothing_that_was_heard_or_said_is_forgotten(
    notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(notes, monkeypatch, MONTH)
    async with at_work(notes, in_memory=True) as runtime:
        old = clock.now() - timedelta(days=4000)
        await heard(notes, notes.topic, "heard", old)
        await said(notes, notes.topic, "said", old, old)
        await forget_once(runtime)
        assert (await ids(notes), await keys(notes)) == ({"heard"}, {"said"})


async def test_a_reply_is_forgotten_after_its_day(notes: Notes) -> None:
    async with at_work(notes, in_memory=True) as runtime:
        now = clock.now()
        for key, age in (("today", KEPT - timedelta(minutes=1)), ("yesterday", KEPT + timedelta(minutes=1))):
            await notes.rows("INSERT INTO replies (principal, idempotency_key, request, at) VALUES ('p', $1, '', $2)", key, now - age)
        await forget_once(runtime)
        assert [row["idempotency_key"] for row in await notes.rows("SELECT idempotency_key FROM replies")] == ["today"]


async def test_many_rows_go_in_small_transactions_found_by_an_index(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(notes, monkeypatch, MONTH)
    monkeypatch.setattr(retention, "BATCH", 300)
    monkeypatch.setattr(retention, "REST", 0)
    async with at_work(notes) as runtime:
        now = clock.now()
        many = "INSERT INTO inbox SELECT $1, 's', n::text, $2::timestamptz + n * interval '1 second', $3 FROM generate_series(1, 4000) AS n"
        await notes.rows(many, notes.name, now - timedelta(days=400), notes.topic)
        await notes.rows(many.replace("n::text", "'young' || n"), notes.name, now - timedelta(hours=2), notes.topic)
        sizes = []

        async def alone(job: str, do: Any) -> bool:
            before = len(await ids(notes))
            ran = await Runtime.alone(runtime, job, do)
            sizes.append(before - len(await ids(notes)))
            return ran

        monkeypatch.setattr(runtime, "alone", alone)
        await forget_once(runtime)
        assert len(await ids(notes)) == 4000
        assert max(sizes) == 300
        await notes.rows("ANALYZE inbox")
        [kind] = [one for one in over(now, in_memory=False, topics=[TOPICS[notes.topic]]) if one.table == "inbox"]
        plan = await notes.rows(
            "EXPLAIN SELECT ctid FROM inbox WHERE heard_at < $1 AND topic = $2 ORDER BY heard_at LIMIT 300", kind.before, kind.topic
        )
        assert "inbox_over" in str(plan)


async def test_one_process_a_database_forgets_and_another_leaves_it_to_that_one(notes: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(notes, monkeypatch, MONTH)
    async with at_work(notes) as runtime:
        await heard(notes, notes.topic, "old", clock.now() - timedelta(days=400))
        inside, ended = asyncio.Event(), asyncio.Event()

        async def busy(_: object) -> None:
            inside.set()
            await ended.wait()

        other = asyncio.create_task(runtime.alone("forget", busy))
        await inside.wait()
        await forget_once(runtime)
        assert await ids(notes) == {"old"}
        ended.set()
        await other
        await forget_once(runtime)
        assert await ids(notes) == set()


async def test_a_running_service_forgets_without_being_asked(on_mock: Notes) -> None:
    async with on_mock.pool():
        await on_mock.rows("INSERT INTO replies (principal, idempotency_key, request, at) VALUES ('p', 'k', '', '2020-01-01')")
    async with on_mock.serving(), asyncio.timeout(20):
        while await on_mock.rows("SELECT FROM replies"):  # noqa: ASYNC110 - looked at from outside
            await asyncio.sleep(0.02)
