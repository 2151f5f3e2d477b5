"""Shards as they stand in the database, held in memory as columns.

A revision counts the changes of a shard's profiles and is moved on under the shard's lock; an epoch ends when enterprises are taken
out. What is held in an epoch at a revision is whole once the enterprises with a later revision are read again.
"""

import asyncio
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import UUID

import orjson

from contracts.registry import load_registry
from contracts.rules import loads
from services.chassis.database import Connection
from services.policy_match.domain.columns import Columns
from services.policy_match.domain.enterprise import Enterprise, enterprise_of
from services.policy_match.domain.gathering import Gathering, columns_of
from services.policy_match.domain.matches import City

READ_AT_ONCE = 4096
"""Rows of profiles read before they become columns."""


@dataclass(frozen=True)
class _Held:
    """A shard as it stood in an epoch at a revision; no other epoch, of whatever database, has the same name."""

    epoch: UUID
    revision: int
    city: City


_HELD: dict[int, _Held] = {}
_INEXACT = re.compile(r"[0-9.]{17}")  # more digits than a binary float keeps


def decoded(text: str) -> Any:
    """JSON whose numbers are worth exactly what is written, though some may be binary floats: of at most 15 digits these keep all."""
    return loads(text) if _INEXACT.search(text) else orjson.loads(text)


def put_together(rows: Iterable[Any]) -> Iterator[Enterprise]:
    """The enterprises of rows of profiles, those of one enterprise together."""
    for uscc, parts in groupby(rows, key=itemgetter("uscc")):
        name, facts, records = "", dict[str, Any](), dict[str, Any]()
        for part in parts:
            name = max(name, part["name"])
            facts.update(decoded(part["facts"]))
            records.update(decoded(part["records"]))
        yield Enterprise(uscc, name, facts, records)


def _gather(rows: Iterable[Any], gathering: Gathering) -> None:
    for enterprise in put_together(rows):
        gathering.add(enterprise)


def exactly(given: Enterprise) -> Enterprise:
    """The enterprise with its numbers as the domain has them."""
    return enterprise_of({"uscc": given.uscc, "name": given.name, "facts": given.facts, "records": given.records})


async def city_of(db: Connection, partition: int, *, hold: bool) -> City:
    """The enterprises of a shard as columns, held in memory afterwards if `hold`: then only what changed since is read."""
    stands = await db.fetchrow("SELECT epoch, revision FROM shards WHERE partition = $1", partition)
    if stands is None:
        return City(columns_of((), load_registry()))
    held = _HELD.get(partition)
    if held is None or held.epoch != stands["epoch"] or held.revision > stands["revision"] or held.city.worn:
        columns = await _columns(db, partition)
        held = _Held(stands["epoch"], stands["revision"], City(columns))
    elif held.revision < stands["revision"]:
        renewed = {**held.city.renewed, **await _changed_since(db, partition, held.revision)}
        held = _Held(stands["epoch"], stands["revision"], City(held.city.columns, renewed))
    if hold:
        _HELD[partition] = held
    return held.city


async def _columns(db: Connection, partition: int) -> Columns:
    """All enterprises of a shard, read and laid out apart from the event loop."""
    gathering = Gathering(load_registry())
    async with db.transaction():
        cursor = await db.cursor(
            "SELECT uscc, name, facts::text, records::text FROM profiles WHERE partition = $1 ORDER BY uscc", partition
        )
        pending: list[Any] = []  # the last enterprise may have more rows to come
        while rows := await cursor.fetch(READ_AT_ONCE):
            pending += rows
            last = pending[-1]["uscc"]
            await asyncio.to_thread(_gather, [row for row in pending if row["uscc"] != last], gathering)
            pending = [row for row in pending if row["uscc"] == last]
    _gather(pending, gathering)
    return await asyncio.to_thread(gathering.columns)


async def _changed_since(db: Connection, partition: int, revision: int) -> dict[str, Enterprise]:
    rows = await db.fetch(
        "SELECT uscc, name, facts::text, records::text FROM profiles WHERE uscc IN"
        " (SELECT uscc FROM profiles WHERE partition = $1 AND revision > $2) ORDER BY uscc",
        partition,
        revision,
    )
    return {enterprise.uscc: exactly(enterprise) for enterprise in put_together(rows)}
