"""What is over is forgotten, in small transactions, by one process a database: events heard and said, and kept replies.

An inbox row is what keeps an event from having its effect twice, so it outlives every way by which the event can come again: the
broker says again what it still holds. Rows of topics that are kept for ever stay for ever, and so does everything while the broker
is in memory, which says all of the outbox again at each start. An outbox row outlives its sending, so that what a broker lost can
be said again; of topics that are kept for ever the outbox is the second copy, and stays.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import structlog

from contracts.topics import TOPICS, Topic
from services.chassis import clock
from services.chassis.inbox import UnitOfWork
from services.chassis.replies import KEPT
from services.chassis.runtime import Runtime

EVERY = 3600.0
"""Seconds between two looks."""
BATCH = 5000
"""Rows of one transaction."""
REST = 0.05
"""Seconds between two transactions, in which others come through."""
SLACK = timedelta(days=14)
"""How much longer than its topic an inbox row stays: a broker drops whole segments, by default a week of events, by their newest."""
SENT = timedelta(days=7)
"""How long a sent event stays in the outbox."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Over:
    """Rows that are over: those of `table` (and of `topic`, if the table has topics) whose `since` lies before a moment."""

    table: str
    since: str
    before: datetime
    topic: str | None = None


def over(now: datetime, *, in_memory: bool, topics: Iterable[Topic]) -> list[Over]:
    """What may be forgotten now. Each kind has an index by topic and time."""
    found = [Over("replies", "at", now - KEPT)]
    for topic in topics:
        if topic.kept > 0 and not in_memory:
            found.append(Over("inbox", "heard_at", now - timedelta(seconds=topic.kept) - SLACK, topic.name))
            found.append(Over("outbox", "published_at", now - SENT, topic.name))
    return found


async def forget(runtime: Runtime[Any]) -> None:
    """Forget for ever; a look that fails because the database is away is taken again an hour later."""
    while True:
        try:
            await forget_once(runtime)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            log.warning("forget.failed", error=type(error).__name__)
        await asyncio.sleep(EVERY)


async def forget_once(runtime: Runtime[Any]) -> None:
    """Forget all that is over; where another process is at it, leave it to that one."""
    for kind in over(clock.now(), in_memory=runtime.settings.kafka_in_memory, topics=TOPICS.values()):
        while True:
            gone = await _some(runtime, kind)
            if gone is None:
                return
            if gone < BATCH:
                break
            await asyncio.sleep(REST)


async def _some(runtime: Runtime[Any], kind: Over) -> int | None:
    """Forget up to BATCH rows, the oldest first, and say how many; None where another process is at it."""
    gone = 0
    values = [kind.before, BATCH, *([kind.topic] if kind.topic else [])]

    async def tick(work: UnitOfWork[Any]) -> None:
        nonlocal gone
        deleted = await work.connection.execute(
            f"DELETE FROM {kind.table} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {kind.table} WHERE {kind.since} < $1"
            f"{' AND topic = $3' if kind.topic else ''} ORDER BY {kind.since} LIMIT $2))",
            *values,
        )
        gone = int(deleted.rpartition(" ")[2])

    if not await runtime.alone("forget", tick):
        return None
    if gone:
        log.info("forgotten", table=kind.table, topic=kind.topic, rows=gone)
    return gone
