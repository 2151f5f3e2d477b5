"""A service's handlers on a real database without a broker: records go in through its inbox, what it says comes out of its outbox."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import groupby
from typing import Any, TypeVar

import asyncpg
import uvicorn
from fastapi import FastAPI

from contracts.events import Payload
from contracts.topics import EVENT_OF_TYPE, TOPIC_OF, TOPICS, key_of, type_name
from contracts.uscc import check_character
from services.chassis.bus import Heard, partition_of
from services.chassis.database import loads, migrate, open_pool
from services.chassis.inbox import Inbox
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry
from services.chassis.work import Subscriptions
from tests.running import SECRET, Running

T = TypeVar("T")


def uscc(number: int) -> str:
    """A valid code of nobody (GB 32100)."""
    first = f"91350200MA{number:07d}"
    return first + check_character(first)


def usccs_in(partition: int, count: int) -> list[str]:
    """So many codes that lie in one partition of facts.v1."""
    found: list[str] = []
    number = 0
    while len(found) < count:
        number += 1
        if partition_of(uscc(number), TOPICS["facts.v1"].partitions) == partition:
            found.append(uscc(number))
    return found


def traceparent() -> str:
    """A new trace."""
    return f"00-{uuid.uuid4().hex}-{uuid.uuid4().hex[:16]}-01"


def record(payload: Payload, *, source: str = "/zhaoqi/test", trace: str | None = None, identity: str | None = None) -> Heard:
    """A payload as it would lie on the broker."""
    topic = TOPIC_OF[type(payload)]
    key = key_of(payload)
    partition = payload.partition if topic.key == "partition" else partition_of(key, topic.partitions)  # type: ignore[attr-defined]
    headers = {
        "ce_id": identity or str(uuid.uuid4()),
        "ce_type": type_name(type(payload)),
        "ce_source": source,
        "ce_time": datetime.now(UTC).isoformat(),  # noqa: TID251 - the harness is the edge here
        "traceparent": trace or traceparent(),
    }
    return Heard(topic.name, partition, 0, key, headers, payload.model_dump_json(exclude_none=True).encode())


@dataclass
class Room:
    """One service at work. `hear` gives it events; `said` takes what it said since the last time."""

    service: str
    pool: asyncpg.Pool
    inbox: Inbox[Any]
    heard: list[Heard] = field(default_factory=list)

    async def hear(self, *events: Payload | Heard) -> None:
        """Process events in order, one poll per run of one partition."""
        records = [event if isinstance(event, Heard) else record(event) for event in events]
        for (topic, partition), run in groupby(records, key=lambda one: (one.topic, one.partition)):
            await self.inbox.process(topic, partition, list(run))

    async def said(self) -> list[Heard]:
        """What waits in the outbox, in order, as records; afterwards it is marked as sent."""
        rows = await self.pool.fetch(
            "WITH sent AS (UPDATE outbox SET published_at = said_at WHERE published_at IS NULL RETURNING *) SELECT * FROM sent ORDER BY id"
        )
        return [
            Heard(
                row["topic"],
                row["partition"] if row["partition"] is not None else partition_of(row["key"], TOPICS[row["topic"]].partitions),
                row["id"],
                row["key"],
                {
                    "ce_id": str(row["event_id"]),
                    "ce_type": row["type"],
                    "ce_source": f"/zhaoqi/{self.service}",
                    "ce_time": row["said_at"].isoformat(),
                    "traceparent": row["traceparent"] or "",
                },
                row["body"],
            )
            for row in rows
        ]


def payloads(records: Iterable[Heard]) -> list[Payload]:
    """What records say."""
    return [EVENT_OF_TYPE[one.headers["ce_type"]].model_validate(loads(one.body or b""), extra="forbid") for one in records]


def room_of(service: Running) -> Room:
    """The room of a service that runs with its API."""
    return Room(service.runtime.name, service.runtime.pool, service.runtime.inbox)


def alone(database: str, **more: Any) -> Settings:
    """What a service is told whose broker is away: what it says waits in its outbox."""
    return Settings(database_url=database, kafka="127.0.0.1:9", kafka_in_memory=True, secret=SECRET, **more)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield  # the test runner keeps its own


@asynccontextmanager
async def serving(app: FastAPI) -> AsyncIterator[str]:
    """An app behind a real socket, from its start to its end; gives its address."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[listening]))
        try:
            async with asyncio.timeout(20):
                while not server.started:
                    if task.done():
                        await task
                    await asyncio.sleep(0.01)
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task


async def eventually(look: Callable[[], Awaitable[T]], *, within: float = 10) -> T:
    """What `look` gives as soon as it gives something. Raises TimeoutError."""
    async with asyncio.timeout(within):
        while not (seen := await look()):  # noqa: ASYNC110 - looked at from outside, there is no event to wait for
            await asyncio.sleep(0.02)
    return seen


@asynccontextmanager
async def room(url: str, service: str, subscriptions: Subscriptions, store: Callable[[Any], Any], *, size: int = 8) -> AsyncIterator[Room]:
    """A migrated database, a pool and an inbox."""
    await migrate(url, service)
    pool = await open_pool(url, service=service, size=size)
    try:
        inbox: Inbox[Any] = Inbox(
            pool,
            service=service,
            subscriptions=subscriptions,
            store=store,
            telemetry=Telemetry(service),
            timezone="Asia/Shanghai",
            wake=lambda: None,
        )
        yield Room(service, pool, inbox)
    finally:
        await pool.close()
