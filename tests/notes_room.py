"""The tiny service `notes` in a test's hands: its database, broker and HTTP, and what it left behind."""

import asyncio
import importlib
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from fastapi import FastAPI
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import services
from contracts import topics
from contracts.events import Payload
from services.chassis.app import Runtime, _end, create_app
from services.chassis.auth import Principal, new_key, store_key
from services.chassis.bus import Heard, partition_of
from services.chassis.database import Pool, encode, migrate, open_pool
from services.chassis.inbox import Inbox
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry
from tests.conftest import Broker
from tests.notes import MIGRATION, PARTITIONS, Handlers, Noted, Store, registered, router

SECRET = "a secret of the tests"


@dataclass
class Notes:
    """The service and what a test asks of it."""

    name: str
    database: str
    bootstrap: str = "127.0.0.1:1"
    in_memory: bool = True
    handlers: Handlers = field(default_factory=Handlers)
    spans: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def __post_init__(self) -> None:
        self.metrics = InMemoryMetricReader()
        self.telemetry = Telemetry(self.name, exporters=[self.spans], readers=[self.metrics])
        self.key = new_key()

    @property
    def topic(self) -> str:
        return f"notes-{self.name}.v1"

    @property
    def echoes(self) -> str:
        return f"echoes-{self.name}.v1"

    def registered(self) -> AbstractContextManager[None]:
        """The events stand in the contracts' map."""
        return registered(self.name)

    # ---- the service

    @property
    def sick(self) -> set[str]:
        """The keys whose notes fail, `*` for all."""
        return self.handlers.sick

    @property
    def calls(self) -> list[int]:
        """How many notes came at once."""
        return self.handlers.calls

    @property
    def subscriptions(self) -> dict[type[Payload], Any]:
        return self.handlers.subscriptions

    def settings(self, **more: Any) -> Settings:
        told = {"database_url": self.database, "kafka": self.bootstrap, "kafka_in_memory": self.in_memory, "secret": SECRET}
        return Settings(**{**told, **more})

    def app(self, **more: Any) -> FastAPI:
        """The HTTP app, not yet started."""
        return create_app(
            self.name,
            store=Store,
            subscriptions=self.subscriptions,
            routers=[router],
            settings=self.settings(**more),
            telemetry=self.telemetry,
        )

    # ---- what a test asks

    @asynccontextmanager
    async def pool(self) -> AsyncIterator[Pool]:
        """Connections to the migrated database."""
        await migrate(self.database, self.name)
        pool = await open_pool(self.database, service=self.name)
        try:
            yield pool
        finally:
            await pool.close()

    def inbox(self, pool: Pool) -> Inbox[Store]:
        """An inbox without a bus."""
        return Inbox(
            pool,
            service=self.name,
            subscriptions=self.subscriptions,
            store=Store,
            telemetry=self.telemetry,
            timezone="Asia/Shanghai",
            wake=lambda: None,
        )

    @asynccontextmanager
    async def running(self, **more: Any) -> AsyncIterator[Runtime[Store]]:
        """The service without its HTTP edge."""
        runtime = Runtime(self.name, self.settings(**more), Store, self.subscriptions, self.telemetry)
        tasks = await runtime.open()
        try:
            yield runtime
        finally:
            await _end(tasks)
            await runtime._producer.stop()
            await runtime.pool.close()

    @asynccontextmanager
    async def serving(self, **more: Any) -> AsyncIterator[httpx.AsyncClient]:
        """The whole app behind an HTTP client that may do everything."""
        app = self.app(**more)
        async with started(app):
            await self.allow(app.state.runtime.pool)
            transport = httpx.ASGITransport(app, raise_app_exceptions=False)
            headers = {"authorization": f"Bearer {self.key}"}
            async with httpx.AsyncClient(transport=transport, base_url="http://notes", headers=headers) as client:
                client.runtime = app.state.runtime  # type: ignore[attr-defined]
                yield client

    async def allow(self, pool: Pool) -> None:
        """Write the tests' key, which may do what the routes below ask for."""
        principal = Principal("platform", "tests", frozenset({"documents:write", "documents:read", "ops"}))
        async with pool.acquire() as connection:
            await store_key(connection, self.key, principal, secret=SECRET)

    async def rows(self, query: str, *values: Any) -> list[asyncpg.Record]:
        """What stands in the database, asked on a connection of its own."""
        connection = await asyncpg.connect(self.database)
        try:
            return await connection.fetch(query, *values)
        finally:
            await connection.close()

    async def effects(self, kind: str = "noted") -> list[tuple[str, int]]:
        """Every effect, in the order it was written."""
        return [(row["key"], row["number"]) for row in await self.rows("SELECT key, number FROM effects WHERE kind = $1 ORDER BY id", kind)]

    def finished_spans(self) -> list[ReadableSpan]:
        """Every span that has ended."""
        self.telemetry.tracers.force_flush()
        return list(self.spans.get_finished_spans())

    def heard(self, payload: Payload, *, id: str, offset: int = 0, partition: int = 0, **headers: str) -> Heard:
        """A record as it would lie on the broker."""
        topic = topics.TOPIC_OF[type(payload)].name
        told = {
            "ce_specversion": "1.0",
            "ce_id": id,
            "ce_type": topics.type_name(type(payload)),
            "ce_source": "/zhaoqi/tests",
            "ce_time": "2026-03-01T08:00:00Z",
            **headers,
        }
        return Heard(topic, partition, offset, topics.key_of(payload), told, encode(payload.model_dump(exclude_none=True)))

    def batch(self, notes: Sequence[Noted], *, first: int = 0) -> list[Heard]:
        """A poll of one partition: event ids and offsets count from `first`."""
        return [self.heard(note, id=f"e{first + n}", offset=first + n) for n, note in enumerate(notes)]


def key_in(partition: int, stem: str = "k") -> str:
    """A key that lies in this partition."""
    return next(key for n in range(1000) if partition_of(key := f"{stem}{n}", PARTITIONS) == partition)


async def until(condition: Callable[[], Awaitable[Any]], *, seconds: float = 20) -> Any:
    """What the condition gives as soon as it is true; AssertionError with its last answer after the deadline."""
    end = time.monotonic() + seconds
    while not (last := await condition()):
        assert time.monotonic() < end, f"not true within {seconds} s: {last!r}"
        await asyncio.sleep(0.02)
    return last


@asynccontextmanager
async def started(app: FastAPI) -> AsyncIterator[None]:
    """The app started and ended as a server does it, through its ASGI door."""
    orders: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    answers: asyncio.Queue[Any] = asyncio.Queue()
    living = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, orders.get, answers.put))  # type: ignore[arg-type]
    orders.put_nowait({"type": "lifespan.startup"})
    answer = await answers.get()
    assert answer["type"] == "lifespan.startup.complete", answer
    try:
        yield
    finally:
        orders.put_nowait({"type": "lifespan.shutdown"})
        await answers.get()
        await living


def join(notes: Notes, broker: Broker) -> Notes:
    """The service on this broker, its topics made."""
    notes.bootstrap, notes.in_memory = broker.bootstrap, broker.kind == "mock"
    broker.create_topics({notes.topic: PARTITIONS, notes.echoes: PARTITIONS})
    return notes


@contextmanager
def packaged(name: str, folder: Path) -> Iterator[None]:
    """A package `services.<name>` with one migration, for as long as a test runs."""
    migrations = folder / name / "migrations"
    migrations.mkdir(parents=True)
    (folder / name / "__init__.py").write_text("")
    (migrations / "0001_notes.py").write_text(MIGRATION)
    services.__path__.append(str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        services.__path__.remove(str(folder))
        sys.modules.pop(f"services.{name}", None)
