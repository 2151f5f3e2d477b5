"""A tiny service built from the chassis's parts, by which its promises are proved: it hears notes and writes one effect for each.

Its events and topics stand in the contracts' map only while a test runs, under names of their own, so tests share a broker in peace.
Run as a program it is the same service in a process that a fault test may kill.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, UploadFile

import services
from contracts import topics
from contracts.events import Payload
from services.chassis import clock
from services.chassis.app import Reply, allow, command, create_app, runtime_of, serve
from services.chassis.auth import Principal
from services.chassis.database import Connection
from services.chassis.work import Event, Refused, Work

PARTITIONS = 3

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
class Handlers:
    """What the service does. `sick` holds the keys whose notes fail, `*` for all; `calls` how many notes came at once."""

    sick: set[str] = field(default_factory=set)
    calls: list[int] = field(default_factory=list)

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


@contextmanager
def registered(name: str) -> Iterator[None]:
    """The events stand in the contracts' map, in the topics of the service of this name."""
    mine = [
        topics.Topic(f"notes-{name}.v1", name, (name,), "key", PARTITIONS, -1, (Noted, Unheard)),
        topics.Topic(f"echoes-{name}.v1", name, (name,), "key", PARTITIONS, -1, (Echoed,)),
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
    name = os.environ["NOTES_NAME"]
    with registered(name):
        serve(create_app(name, store=Store, subscriptions=Handlers().subscriptions, routers=[router]))


if __name__ == "__main__":
    _main()
