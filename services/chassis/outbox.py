"""The outbox: events stand in the same transaction as the change they tell of, and one relay sends them in order.

The relay holds an advisory lock (one per database), polls the flag `published_at IS NULL`, never a cursor, because identity values
are given out before they commit. A row is marked only after the broker acknowledged it: at least once on the wire. A commit in its
own process wakes it at once; the poll is the safety net.
"""

import asyncio
import os
import signal
from collections import defaultdict, deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg
import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode
from sqlalchemy import BigInteger, Column, Identity, Index, LargeBinary, Text, text
from sqlmodel import Field, SQLModel
from uuid_utils.compat import uuid7

from contracts.events import Payload
from contracts.topics import TOPIC_OF, TOPICS, key_of, type_name
from services.chassis import clock
from services.chassis.bus import LONGEST_PAUSE, Producer, Record
from services.chassis.database import Connection, Instant, Pool, encode
from services.chassis.telemetry import Telemetry, trace_id, traceparent_of

LARGEST = 256 * 1024
"""Bytes an event may have (design §3)."""
BATCH = 1000
BATCH_BYTES = 1024 * 1024
"""Bytes of one batch; together with HELD less than what the in-memory broker keeps of a partition."""
POLL = 0.05
OVERHEAD = 512
"""Bytes that headers and framing add to an event, at most."""
HELD = 3 * 1024 * 1024
"""Bytes of one partition that may wait uncommitted on the in-memory broker, which drops the oldest past 5 MiB."""

log = structlog.get_logger()


class Outbox(SQLModel, table=True):
    """Events said and, once `published_at` stands, acknowledged by the broker."""

    __table_args__ = (
        Index("outbox_waiting", "id", postgresql_where=text("published_at IS NULL")),
        Index("outbox_over", "topic", "published_at", postgresql_where=text("published_at IS NOT NULL")),
    )

    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    event_id: UUID
    type: str = Field(sa_type=Text)
    topic: str = Field(sa_type=Text)
    key: str = Field(sa_type=Text)
    partition: int | None = None
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    said_at: datetime = Field(sa_type=Instant)
    traceparent: str | None = Field(default=None, sa_type=Text)
    link: str | None = Field(default=None, sa_type=Text)
    published_at: datetime | None = Field(default=None, sa_type=Instant)


class TooLarge(ValueError):
    """An event that is larger than any event may be."""


@dataclass(frozen=True)
class Said:
    """An event on its way into the outbox; made, it is known to fit. Raises TooLarge."""

    payload: Payload
    traceparent: str | None
    link: str | None = None
    body: bytes = field(init=False)

    def __post_init__(self) -> None:
        body = encode(self.payload.model_dump(by_alias=True, exclude_none=True))
        if len(body) > LARGEST:
            raise TooLarge(f"{type(self.payload).__name__} has {len(body)} bytes; an event may have {LARGEST}: say less, or an address")
        object.__setattr__(self, "body", body)

    def row(self, now: datetime) -> tuple[object, ...]:
        """The outbox row."""
        event = type(self.payload)
        topic = TOPIC_OF[event]
        partition = getattr(self.payload, "partition", None) if topic.key == "partition" else None
        return uuid7(), type_name(event), topic.name, key_of(self.payload), partition, self.body, now, self.traceparent, self.link


async def put(connection: Connection, said: Sequence[Said], now: datetime) -> None:
    """Write events into the outbox of the transaction that is open on `connection`, in order."""
    if said:
        await connection.copy_records_to_table(
            "outbox",
            records=(event.row(now) for event in said),
            columns=["event_id", "type", "topic", "key", "partition", "body", "said_at", "traceparent", "link"],
        )


def crashpoint(step: str, configured: str | None) -> None:
    """Kill this process here, if a fault test named this step."""
    if configured == step:
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass
class _Backlog:
    """What lies uncommitted on each partition of the in-memory broker: (offset, bytes) in order."""

    sent: dict[tuple[str, int], deque[tuple[int, int]]] = field(default_factory=lambda: defaultdict(deque))

    def add(self, topic: str, partition: int, *, offset: int, size: int) -> None:
        self.sent[topic, partition].append((offset, size))

    def full(self) -> list[tuple[str, int]]:
        return [place for place, sent in self.sent.items() if sum(size for _, size in sent) > HELD]

    def committed(self, topic: str, partition: int, offset: int) -> None:
        sent = self.sent[topic, partition]
        while sent and sent[0][0] < offset:
            sent.popleft()


class Relay:
    """Sends the outbox of one database; `wake()` after a commit, `run()` until cancelled."""

    def __init__(self, pool: Pool, producer: Producer, *, service: str, telemetry: Telemetry, in_memory: bool, crash: str | None) -> None:
        self._pool, self._producer, self._telemetry = pool, producer, telemetry
        self._service, self._crash = service, crash
        self._backlog = _Backlog() if in_memory else None
        self._wake = asyncio.Event()
        self.trouble: str | None = "the relay has not started"

    def wake(self) -> None:
        """Something was committed: look at once."""
        self._wake.set()

    async def run(self) -> None:
        """Send for ever; one process per database leads, the others wait for its lock."""
        pause = 0.1
        while True:
            try:
                async with self._pool.acquire() as connection:
                    if not await connection.fetchval("SELECT pg_try_advisory_lock(hashtext('zhaoqi.relay'))"):
                        self.trouble = None  # another process leads; this one is well
                        await asyncio.sleep(0.5)
                        continue
                    # The pool unlocks when it takes the connection back; the server does when the connection breaks.
                    await self._recall(connection)
                    while True:
                        sent = await self._send_some(connection)
                        self.trouble, pause = None, 0.1
                        if not sent:
                            await self._rest()
            except Exception as error:  # whatever it is: what is committed is sent, or readiness says why not
                self.trouble = f"the relay waits: {type(error).__name__}"
                log.warning("relay.failed", detail=str(error) if isinstance(error, Producer.Failed) else None, exc_info=error)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def _rest(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(POLL):  # never asyncio.wait_for: on Python 3.11 it swallows a cancellation that meets the wake
                await self._wake.wait()
        self._wake.clear()

    async def _send_some(self, connection: Connection) -> int:
        rows = await connection.fetch(
            "SELECT id, event_id, type, topic, key, partition, body, said_at, traceparent, link FROM"
            " (SELECT *, sum(octet_length(body)) OVER (ORDER BY id) - octet_length(body) AS bytes_before FROM"
            "   (SELECT * FROM outbox WHERE published_at IS NULL ORDER BY id LIMIT $1) AS waiting) AS measured"
            " WHERE bytes_before < $2 ORDER BY id",
            BATCH,
            BATCH_BYTES,
        )
        if not rows:
            return 0
        await self._room()
        crashpoint("relay.before_send", self._crash)
        spans = {}
        by_topic: dict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_topic[row["topic"]].append(row)
        for topic, group in by_topic.items():
            links: dict[str | None, list[str]] = defaultdict(list)
            for row in group:
                if row["link"]:
                    links[trace_id(row["traceparent"])].append(row["link"])
            spans[topic] = self._telemetry.batch_spans(
                f"send {topic}",
                SpanKind.PRODUCER,
                [row["traceparent"] for row in group],
                attributes={"messaging.destination.name": topic, "messaging.operation.name": "send"},
                links=links,
            )
        parents = {(topic, key): traceparent_of(span) for topic, by_trace in spans.items() for key, span in by_trace.items()}
        records = [
            Record(
                topic=row["topic"],
                key=row["key"],
                partition=row["partition"],
                body=row["body"],
                headers={
                    "ce_specversion": "1.0",
                    "ce_id": str(row["event_id"]),
                    "ce_type": row["type"],
                    "ce_source": f"/zhaoqi/{self._service}",
                    "ce_time": row["said_at"].isoformat().replace("+00:00", "Z"),
                    "ce_subject": row["key"],
                    "content-type": "application/json",
                    **({"traceparent": parent} if (parent := parents[row["topic"], trace_id(row["traceparent"])]) else {}),
                },
            )
            for row in rows
        ]
        started = [span for by_trace in spans.values() for span in by_trace.values()]
        try:
            acknowledged = await self._producer.send_all(records)
            crashpoint("relay.before_mark", self._crash)
            await connection.execute("UPDATE outbox SET published_at = $1 WHERE id = ANY($2)", clock.now(), [row["id"] for row in rows])
        except BaseException as error:
            for span in started:
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            for span in started:
                span.end()
        for topic, group in by_topic.items():
            self._telemetry.count("zhaoqi.events.said", len(group), topic=topic)
        if self._backlog is not None:
            for record, (partition, offset) in zip(records, acknowledged, strict=True):
                self._backlog.add(record.topic, partition, offset=offset, size=len(record.body) + OVERHEAD)
        return len(rows)

    async def _recall(self, connection: Connection) -> None:
        """On the in-memory broker: what an earlier leader sent and nobody committed yet fills partitions too."""
        if self._backlog is None:
            return
        self._backlog.sent.clear()
        for topic in (topic for topic in TOPICS.values() if topic.said_by == self._service):
            largest = await connection.fetchval("SELECT coalesce(max(octet_length(body)), 0) FROM outbox WHERE topic = $1", topic.name)
            for partition in range(topic.partitions):
                end = await self._producer.end(topic.name, partition)
                heard = [await self._producer.committed(group, topic.name, partition) for group in topic.heard_by] if end else [0]
                if end > min(heard):
                    self._backlog.add(topic.name, partition, offset=end - 1, size=(end - min(heard)) * (largest + OVERHEAD))

    async def _room(self) -> None:
        """On the in-memory broker: wait until no partition holds more than it may, so that nothing is dropped unheard."""
        while self._backlog is not None and (full := self._backlog.full()):
            for topic, partition in full:
                groups = TOPICS[topic].heard_by
                heard = [await self._producer.committed(group, topic, partition) for group in groups]
                self._backlog.committed(topic, partition, min(heard))
            if self._backlog.full():
                self.trouble = "the relay waits for listeners: the in-memory broker is full"
                await asyncio.sleep(0.1)


async def say_again(pool: Pool) -> None:
    """A broker in memory forgets everything when it ends: say all of the outbox again; the inboxes pass over what they heard."""
    await pool.execute("UPDATE outbox SET published_at = NULL WHERE published_at IS NOT NULL")


async def depth(connection: Connection) -> tuple[int, float]:
    """How many events wait, and for how many seconds the oldest of them has waited."""
    row = await connection.fetchrow("SELECT count(*) AS waiting, min(said_at) AS oldest FROM outbox WHERE published_at IS NULL")
    assert row is not None
    return row["waiting"], (clock.now() - row["oldest"]).total_seconds() if row["oldest"] else 0.0
