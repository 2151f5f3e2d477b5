"""Bulk files of facts in the database: noted, kept by shard, and loaded by COPY and statements over whole shards.

An enterprise of which the authority has said nothing yet gets its row from one INSERT. What the authority has said before is added up
with what it says now by the domain, a few thousand enterprises at a time, and written where it differs.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, fields
from datetime import datetime
from io import BytesIO
from typing import Any

import pyarrow as pa

from services.chassis.database import Connection, transposed
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.profile import Statement, restated
from services.policy_match.handlers.deliveries import Delivered, Loaded
from services.policy_match.store.rows import USUAL, profile_of, stated_of
from services.policy_match.store.shards import decoded, exactly, put_together

AT_ONCE = 4096
"""Enterprises of which the former and the new statements are added up together."""
_DELIVERED = ", ".join(field.name for field in fields(Delivered))
_FACTS, _RECORDS = "coalesce(d.line -> 'facts', '{}')", "coalesce(d.line -> 'records', '{}')"


class Deliveries:
    """The queries of bulk files."""

    _db: Connection
    _changed: bool

    async def add_deliveries(self, deliveries: Collection[Delivered], at: datetime) -> None:
        """Note files that are to be loaded, once each."""
        await self._db.executemany(
            f"INSERT INTO deliveries ({_DELIVERED}, state, due_at, failures, loaded, changed, left_out)"
            " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 'waiting', $10, 0, 0, 0, 0) ON CONFLICT (delivery) DO NOTHING",
            [(*astuple(delivered), at) for delivered in deliveries],
        )

    async def anything_due(self, now: datetime) -> bool:
        """Whether a file is to be fetched or loaded now."""
        return bool(await self._db.fetchval("SELECT EXISTS (SELECT FROM deliveries WHERE state <> 'loaded' AND due_at <= $1)", now))

    async def claim_delivery(self, now: datetime, until: datetime) -> Delivered | None:
        """A file that is to be fetched, which nobody else gets before `until`."""
        row = await self._db.fetchrow(
            "UPDATE deliveries SET due_at = $2 WHERE delivery = (SELECT delivery FROM deliveries WHERE state = 'waiting' AND due_at <= $1"
            f" ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING {_DELIVERED}",
            now,
            until,
        )
        return Delivered(**row) if row else None

    async def keep_shards(self, delivery: str, shards: Mapping[int, bytes], now: datetime) -> None:
        """Keep the packed lines of a file that was fetched, once."""
        waiting = await self._db.fetchval(
            "UPDATE deliveries SET state = CASE WHEN $3 THEN 'loading' ELSE 'loaded' END, due_at = $2, failures = 0, problem = NULL"
            " WHERE delivery = $1 AND state = 'waiting' RETURNING true",
            delivery,
            now,
            bool(shards),
        )
        if waiting:
            await self._db.executemany("INSERT INTO delivered_shards VALUES ($1, $2, $3)", [(delivery, *one) for one in shards.items()])

    async def next_shard(self, now: datetime) -> tuple[Delivered, int] | None:
        """A shard of a file whose lines are to be loaded, and which nobody else loads until this transaction ends."""
        row = await self._db.fetchrow(
            f"SELECT {', '.join(f'd.{field.name}' for field in fields(Delivered))}, s.partition"
            " FROM delivered_shards s JOIN deliveries d USING (delivery) WHERE d.state = 'loading' AND d.due_at <= $1"
            " ORDER BY d.known_on, d.delivery, s.partition LIMIT 1 FOR UPDATE OF s SKIP LOCKED",
            now,
        )
        if row is None:
            return None
        values = dict(row)
        partition: int = values.pop("partition")
        return Delivered(**values), partition

    async def postpone(self, delivery: str, until: datetime, problem: str) -> None:
        """Note why a file cannot be fetched or loaded now, and when to try again."""
        await self._db.execute(
            "UPDATE deliveries SET due_at = $2, problem = $3, failures = failures + 1 WHERE delivery = $1", delivery, until, problem
        )

    async def failures(self, delivery: str) -> int:
        """How often a file could not be fetched or loaded in a row."""
        failures: int = await self._db.fetchval("SELECT failures FROM deliveries WHERE delivery = $1", delivery)
        return failures

    async def how_loaded(self, delivery: str) -> dict[str, Any] | None:
        """How far a file is loaded; None when it was never announced."""
        row = await self._db.fetchrow("SELECT * FROM deliveries WHERE delivery = $1", delivery)
        return dict(row) if row else None

    async def some(self, usccs: Collection[str]) -> list[Enterprise]:
        """These enterprises."""
        rows = await self._db.fetch(
            "SELECT uscc, name, facts::text, records::text FROM profiles WHERE uscc = ANY($1) ORDER BY uscc", list(usccs)
        )
        return await asyncio.to_thread(lambda: [exactly(enterprise) for enterprise in put_together(rows)])

    async def load_shard(self, delivered: Delivered, partition: int, at: datetime) -> Loaded:
        """Keep what the lines of a shard state, and let go of the lines."""
        packed: bytes = await self._db.fetchval(
            "DELETE FROM delivered_shards WHERE delivery = $1 AND partition = $2 RETURNING lines", delivered.delivery, partition
        )
        left_out, lines = await self._staged(packed)
        self._changed = True
        revision: int = await self._db.fetchval(
            "INSERT INTO shards VALUES ($1, gen_random_uuid(), 1)"
            " ON CONFLICT (partition) DO UPDATE SET revision = shards.revision + 1 RETURNING revision",
            partition,
        )
        await self._db.execute(
            "INSERT INTO statements (id, uscc, authority, delivery, true_on, known_on, name, facts, records)"
            f" SELECT $1 || '/' || uscc, uscc, $2, $3, $4, $5, line ->> 'name', {_FACTS}, {_RECORDS}"
            " FROM delivered d ON CONFLICT (id) DO NOTHING",
            delivered.identity,
            delivered.authority,
            delivered.delivery,
            delivered.true_on,
            delivered.known_on,
        )
        await self._said_again(delivered, at)
        changed = [*await self._added_up(delivered, at, revision), *await self._new(delivered, partition, at, revision)]
        return Loaded(lines, sorted(changed), left_out)

    async def shard_loaded(self, delivery: str, loaded: Loaded) -> None:
        """Note that a shard of a file is loaded. Another that is noted now is waited for until its transaction ends: do this last."""
        await self._db.execute("SELECT FROM deliveries WHERE delivery = $1 FOR UPDATE", delivery)  # or the next would not see it done
        await self._db.execute(
            "UPDATE deliveries SET loaded = loaded + $2, changed = changed + $3, left_out = left_out + $4, failures = 0, problem = NULL,"
            " state = CASE WHEN EXISTS (SELECT FROM delivered_shards s WHERE s.delivery = $1) THEN state ELSE 'loaded' END"
            " WHERE delivery = $1",
            delivery,
            loaded.lines,
            len(loaded.changed),
            loaded.left_out,
        )

    async def _staged(self, packed: bytes) -> tuple[int, int]:
        """Lay the lines into a table that ends with the transaction: how many were left out, and how many are there.

        Their enterprise may have a new USCC, under which its facts are to be stated.
        """
        lines = await asyncio.to_thread(_unpacked, packed)
        await self._db.execute(
            "CREATE TEMP TABLE delivered (line jsonb NOT NULL, uscc text GENERATED ALWAYS AS (line ->> 'uscc') STORED) ON COMMIT DROP"
        )
        # A line of JSON holds no control characters, so that with these as quote and delimiter CSV takes it as it is.
        await self._db.copy_to_table(
            "delivered", source=BytesIO(lines), columns=["line"], format="csv", quote="\x01", delimiter="\x02", escape="\x01"
        )
        await self._db.execute("CREATE INDEX ON delivered (uscc)")
        left_out = len(await self._db.fetch("DELETE FROM delivered d USING former_usccs f WHERE d.uscc = f.former RETURNING 1"))
        await self._db.execute("ANALYZE delivered")
        there: int = await self._db.fetchval("SELECT count(*) FROM delivered")
        return left_out, there

    async def _said_again(self, delivered: Delivered, at: datetime) -> None:
        """Where an authority says all it said before once more, and nothing else, only the origin moves on; these lines are done."""
        await self._db.execute(
            "WITH same AS (UPDATE profiles p SET stated = $2, changed_at = $3 FROM delivered d WHERE p.uscc = d.uscc AND p.authority = $1"
            f" AND p.facts = {_FACTS} AND p.records = {_RECORDS} AND p.name = coalesce(d.line ->> 'name', '')"
            " AND p.stated ? '*' AND p.stated - '*' = '{}'"
            " AND ((p.stated -> '*' ->> 0)::date, (p.stated -> '*' ->> 1)::timestamptz) <= ($4, $5) RETURNING p.uscc)"
            " DELETE FROM delivered USING same WHERE delivered.uscc = same.uscc",
            delivered.authority,
            {USUAL: (delivered.true_on, delivered.known_on)},
            at,
            delivered.true_on,
            delivered.known_on,
        )

    async def _added_up(self, delivered: Delivered, at: datetime, revision: int) -> list[str]:
        """Add the lines to what the authority said before, line by line in the domain; the enterprises whose values changed."""
        changed: list[str] = []
        cursor = await self._db.cursor(
            "SELECT p.uscc, p.authority, p.name, p.facts::text AS facts, p.records::text AS records, p.stated, d.line ->> 'name' AS called,"
            f" ({_FACTS})::text AS new_facts, ({_RECORDS})::text AS new_records FROM delivered d"
            " JOIN profiles p ON p.uscc = d.uscc AND p.authority = $1 ORDER BY p.uscc",
            delivered.authority,
        )
        while rows := await cursor.fetch(AT_ONCE):
            renewed = await asyncio.to_thread(_all_restated, rows, delivered)
            changed += [uscc for uscc, *_, differs in renewed if differs]
            await self._db.execute(
                "UPDATE profiles p SET name = u.name, facts = u.facts, records = u.records, stated = u.stated, changed_at = $8,"
                " revision = CASE WHEN u.differs THEN $9 ELSE p.revision END FROM unnest($1::text[], $2::text[], $3::jsonb[],"
                " $4::jsonb[], $5::jsonb[], $6::bool[]) AS u(uscc, name, facts, records, stated, differs)"
                " WHERE p.uscc = u.uscc AND p.authority = $7",
                *transposed(renewed, 6),
                delivered.authority,
                at,
                revision,
            )
        return changed

    async def _new(self, delivered: Delivered, partition: int, at: datetime, revision: int) -> list[str]:
        """Rows for the enterprises of which the authority said nothing before; these enterprises."""
        rows = await self._db.fetch(
            "INSERT INTO profiles (uscc, authority, name, facts, records, stated, partition, changed_at, revision)"
            f" SELECT d.uscc, $1, coalesce(d.line ->> 'name', ''), {_FACTS}, {_RECORDS}, $2, $3, $4, $5 FROM delivered d"
            " WHERE NOT EXISTS (SELECT FROM profiles p WHERE p.uscc = d.uscc AND p.authority = $1) RETURNING uscc",
            delivered.authority,
            {USUAL: (delivered.true_on, delivered.known_on)},
            partition,
            at,
            revision,
        )
        return [row["uscc"] for row in rows]


def _unpacked(lines: bytes) -> bytes:
    with pa.CompressedInputStream(pa.BufferReader(lines), "zstd") as packed:
        content: bytes = packed.read()
    return content


def _all_restated(rows: Sequence[Any], delivered: Delivered) -> list[tuple[Any, ...]]:
    return [_restated(row, delivered) for row in rows]


def _restated(row: Any, delivered: Delivered) -> tuple[Any, ...]:
    """The row after one line: uscc, name, facts, records, stated, and whether a value or the name differs."""
    before = profile_of(row, decoded(row["facts"]), decoded(row["records"]))
    statement = Statement(
        id=delivered.identity,
        uscc=row["uscc"],
        authority=delivered.authority,
        delivery=delivered.delivery,
        true_on=delivered.true_on,
        known_on=delivered.known_on,
        name=row["called"],
        facts=decoded(row["new_facts"]),
        records=decoded(row["new_records"]),
    )
    after = restated(before, [statement])
    differs = (before.facts, before.records, before.name) != (after.facts, after.records, after.name)
    return before.uscc, after.name, after.facts, after.records, stated_of(after), differs
