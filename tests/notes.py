"""A tiny service built from the chassis's parts, by which its promises are proved: it hears notes and writes one effect for each.

Its events and topics stand in the contracts' map only while a test runs, under names of their own, so tests share a broker in peace.
Run as a program it is the same service in a process that a fault test may kill.
"""

import asyncio
import importlib
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import httpx
from fastapi import APIRouter, Depends, FastAPI, Request, Response, UploadFile
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import services
from contracts import topics
from contracts.events import Payload
from services.chassis import clock
from services.chassis.app import Reply, Runtime, _end, allow, command, create_app, runtime_of, serve
from services.chassis.auth import Principal, new_key, store_key
from services.chassis.bus import Heard, partition_of
from services.chassis.database import Connection, Pool, encode, migrate, open_pool
from services.chassis.inbox import Inbox
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry
from services.chassis.work import Event, Refused, Work
from tests.conftest import Broker

PARTITIONS = 3
SECRET = "a secret of the tests"

MIGRATION = """
from alembic import op

revision = "notes_0001"
down_revision = None

def upgrade():
    op.execute("CREATE TABLE effects (id bigint GENERATED ALWAYS AS IDENTITY, kind text, key text, number bigint, trace text)")
    op.execute("CREATE TABLE taken (key text PRIMARY KEY)")

def downgrade():
    op.execute("DROP TABLE taken")
    op.execute("DROP TABLE effects")
"""


class Noted(Payload):
    """A note was taken. `refuse` is the reason for which it is refused; `fan` echoes follow it."""

    key: str
    number: int
    refuse: str | None = None
    fan: int = 0
    text: str = ""


class Echoed(Payload):
    """A note was echoed."""

    key: str
    number: int


class Unheard(Payload):
    """A fact nobody listens to."""

    key: str


class Sick(Exception):
    """What the handler raises for a key that is sick; like a database's, its words quote the row."""


class Store:
    """The effects."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def write(self, kind: str, rows: Sequence[tuple[str, int, str | None]]) -> None:
        await self._connection.execute(
            "INSERT INTO effects (kind, key, number, trace) SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::text[])",
            kind,
            *map(list, zip(*rows, strict=True)),
        )

    async def take(self, key: str) -> None:
        await self._connection.execute("INSERT INTO taken (key) VALUES ($1)", key)

    async def effects(self, key: str) -> list[int]:
        rows = await self._connection.fetch("SELECT number FROM effects WHERE key = $1 ORDER BY id", key)
        return [row["number"] for row in rows]


@dataclass
class Notes:
    """The service and what a test asks of it. `sick` holds the keys whose notes fail, `*` for all."""

    name: str
    database: str
    bootstrap: str = "127.0.0.1:1"
    in_memory: bool = True
    sick: set[str] = field(default_factory=set)
    calls: list[int] = field(default_factory=list)
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

    @contextmanager
    def registered(self) -> Iterator[None]:
        """The events stand in the contracts' map."""
        mine = [
            topics.Topic(self.topic, self.name, (self.name,), "key", PARTITIONS, -1, (Noted, Unheard)),
            topics.Topic(self.echoes, self.name, (self.name,), "key", PARTITIONS, -1, (Echoed,)),
        ]
        for topic in mine:
            topics.TOPICS[topic.name] = topic
            for event in topic.events:
                topics.TOPIC_OF[event] = topic
                topics.EVENT_OF_TYPE[topics.type_name(event)] = event
        try:
            yield
        finally:
            for topic in mine:
                for event in topic.events:
                    del topics.EVENT_OF_TYPE[topics.type_name(event)], topics.TOPIC_OF[event]
                del topics.TOPICS[topic.name]

    # ---- the service

    async def on_noted(self, events: Sequence[Event[Noted]], work: Work[Store]) -> list[Refused]:
        self.calls.append(len(events))
        for event in events:
            if "*" in self.sick or event.payload.key in self.sick:
                raise Sick(f"the note of {event.payload.key} cannot be kept")
        refused = [Refused(event, event.payload.refuse) for event in events if event.payload.refuse]
        kept = [event for event in events if not event.payload.refuse]
        if kept:
            await work.store.write("noted", [(event.payload.key, event.payload.number, work.trace_of(event)) for event in kept])
        for event in kept:
            for number in range(event.payload.fan):
                work.say(Echoed(key=f"{event.payload.key}-{number}", number=number), because=event)
        return refused

    async def on_echoed(self, events: Sequence[Event[Echoed]], work: Work[Store]) -> list[Refused]:
        await work.store.write("echoed", [(event.payload.key, event.payload.number, work.trace_of(event)) for event in events])
        return []

    @property
    def subscriptions(self) -> dict[type[Payload], Any]:
        return {Noted: self.on_noted, Echoed: self.on_echoed}

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


router = APIRouter()
Writer = Annotated[Principal, Depends(allow("documents:write"))]
Reader = Annotated[Principal, Depends(allow("documents:read"))]


@router.post("/notes")
async def note(body: Noted, request: Request, principal: Writer) -> Response:
    """Take a note."""

    async def do(work: Work[Store]) -> Reply:
        work.say(body)
        return Reply({"number": body.number, "id": work.new_id()}, status=202, headers=(("x-note", str(body.number)),))

    return await command(request, principal, do)


@router.post("/uploads")
async def upload(file: UploadFile, request: Request, principal: Writer) -> Response:
    """Count a file's bytes."""

    async def do(work: Work[Store]) -> Reply:
        return Reply({"bytes": len(await file.read()), "id": work.new_id()})

    return await command(request, principal, do)


@router.post("/taken/{key}")
async def take(key: str, request: Request, principal: Writer) -> Response:
    """Take a key, which the database refuses the second time, quoting it."""

    async def do(work: Work[Store]) -> Reply:
        await work.store.take(key)
        return Reply({})

    return await command(request, principal, do)


@router.get("/notes/{key}")
async def read(key: str, request: Request, principal: Reader) -> Any:
    """The numbers of a key's notes."""
    principal.must_own(key)
    async with runtime_of(request).read(principal) as store:
        return {"numbers": await store.effects(key), "at": clock.now()}


def _main() -> None:
    folder = Path(os.environ["NOTES_FOLDER"])
    services.__path__.append(str(folder))
    notes = Notes(os.environ["NOTES_NAME"], os.environ["ZHAOQI_DATABASE_URL"])
    with notes.registered():
        serve(create_app(notes.name, store=Store, subscriptions=notes.subscriptions, routers=[router]))


if __name__ == "__main__":
    _main()
