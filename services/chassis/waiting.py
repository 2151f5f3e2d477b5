"""What was heard and is not handled: dead letters, which were refused, and parked events, which wait behind one that failed.

Both live in the consumer's database with bytes, headers and place, so that they can be listed, mended and sent again, and no broker
forgets them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
from sqlalchemy import BigInteger, Identity, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services.chassis.bus import Heard
from services.chassis.database import Connection, Instant


class _Kept(SQLModel):
    id: int | None = Field(default=None, sa_type=BigInteger, sa_column_args=(Identity(always=True),), primary_key=True)
    consumer: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    event_id: str = Field(sa_type=Text)
    topic: str = Field(sa_type=Text)
    partition: int
    offset: int = Field(sa_type=BigInteger)
    key: str = Field(sa_type=Text)
    headers: dict[str, str] = Field(sa_type=JSONB)
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    at: datetime = Field(sa_type=Instant)


class DeadLetter(_Kept, table=True):
    """Events refused, with the reason; they can be listed, mended and sent again."""

    __tablename__ = "dead_letters"
    __table_args__ = (UniqueConstraint("consumer", "source", "event_id"),)
    reason: str = Field(sa_type=Text)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)
    resolution: str | None = Field(default=None, sa_type=Text)


class Parked(_Kept, table=True):
    """Events that wait behind one that failed, in the order of their key."""

    __tablename__ = "parked"
    __table_args__ = (UniqueConstraint("consumer", "source", "event_id"), Index("parked_keys", "consumer", "key", "id"))
    error: str = Field(sa_type=Text)


def source_of(heard: Heard) -> str:
    """The source of a record's event."""
    return heard.headers.get("ce_source", "")


def id_of(heard: Heard) -> str:
    """The id of a record's event; of a record without an envelope its place."""
    return heard.headers.get("ce_id") or f"{heard.topic}/{heard.partition}/{heard.offset}"


@dataclass(frozen=True)
class Waiting:
    """The dead letters and parked events of one consumer, within one transaction."""

    connection: Connection
    consumer: str
    now: datetime

    async def refuse(self, letters: Sequence[tuple[Heard, str]]) -> None:
        """Keep dead letters, each with its reason."""
        await self._keep("dead_letters", "reason", letters)

    async def park(self, records: Sequence[Heard], error: str) -> None:
        """Keep events behind the one that failed."""
        await self._keep("parked", "error", [(heard, error) for heard in records])

    async def _keep(self, table: str, why: str, letters: Sequence[tuple[Heard, str]]) -> None:
        if letters:
            await self.connection.executemany(
                f'INSERT INTO {table} (consumer, source, event_id, topic, partition, "offset", key, headers, body, at, {why})'
                " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11) ON CONFLICT DO NOTHING",
                [
                    (
                        *(self.consumer, source_of(heard), id_of(heard)),
                        *(heard.topic, heard.partition, heard.offset, heard.key, dict(heard.headers), heard.body),
                        *(self.now, _storable(reason)),
                    )
                    for heard, reason in letters
                ],
            )

    async def parked_among(self, keys: Sequence[str]) -> set[str]:
        """Which keys are parked. A key that seems parked is locked and looked at again, because it may be released meanwhile."""
        query = "SELECT DISTINCT key FROM parked WHERE consumer = $1 AND key = ANY($2)"
        parked = {row["key"] for row in await self.connection.fetch(query, self.consumer, keys)}
        if parked:
            for key in sorted(parked):
                await self._lock(key)
            parked = {row["key"] for row in await self.connection.fetch(query, self.consumer, keys)}
        return parked

    async def parked_since(self, moment: datetime) -> int:
        """How many keys were parked after that moment and still are."""
        query = "SELECT count(*) FROM (SELECT FROM parked WHERE consumer = $1 GROUP BY key HAVING min(at) > $2) AS keys"
        count: int = await self.connection.fetchval(query, self.consumer, moment)
        return count

    async def take(self, key: str) -> list[Heard]:
        """Everything a parked key holds, in order; no longer parked when this transaction commits."""
        await self._lock(key)
        rows = await self.connection.fetch("DELETE FROM parked WHERE consumer = $1 AND key = $2 RETURNING *", self.consumer, key)
        return [_heard(row) for row in sorted(rows, key=lambda row: row["id"])]

    async def letter(self, number: int) -> Heard:
        """An open dead letter, resolved when this transaction commits. Raises NoSuchLetter."""
        row = await self.connection.fetchrow(
            "UPDATE dead_letters SET resolved_at = $2, resolution = 'resent' WHERE id = $1 AND resolved_at IS NULL RETURNING *",
            number,
            self.now,
        )
        if row is None:
            raise NoSuchLetter(f"no open dead letter {number}")
        return _heard(row)

    async def _lock(self, key: str) -> None:
        await self.connection.execute("SELECT pg_advisory_xact_lock(hashtext('zhaoqi.parked'), hashtext($1))", f"{self.consumer}/{key}")


class NoSuchLetter(Exception):
    """There is no open dead letter of this number."""


def _heard(row: asyncpg.Record) -> Heard:
    return Heard(row["topic"], row["partition"], row["offset"], row["key"], row["headers"], row["body"])


def _storable(text: str) -> str:
    """A message that PostgreSQL keeps: bounded, without NUL."""
    return text[:2000].replace("\x00", "\ufffd")


async def troubles(connection: Connection) -> dict[str, Any]:
    """How many dead letters are open and how many keys are parked."""
    row = await connection.fetchrow(
        "SELECT (SELECT count(*) FROM dead_letters WHERE resolved_at IS NULL) AS dead_letters,"
        " (SELECT count(DISTINCT key) FROM parked) AS parked_keys"
    )
    assert row is not None
    return dict(row)
