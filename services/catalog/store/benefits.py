"""Benefits with where they stand, and every step of their history."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import date
from typing import Any

import asyncpg

from contracts.rules import dumps
from services.catalog.domain.facets import Listed, listed
from services.catalog.domain.review import Standing
from services.catalog.handlers import Entry, Kept, known_departments
from services.catalog.store.tables import Bound

_BENEFIT = (
    "id", "document", "measure", "offer", "pending", "amended", "authors", "version", "body", "offered_version", "offered",
    "unread", "findings", "trace", "changed_at", "last_day",
)  # fmt: skip
_LISTED = tuple(field.name for field in fields(Listed))
_ENTRY = tuple(field.name for field in fields(Entry))
_TYPES = {"amended": "boolean", "version": "int", "offered_version": "int", "changed_at": "timestamptz", "last_day": "date"}
_LISTS = ("unread", "findings")


class Benefits(Bound):
    """Benefits one by one, and their histories."""

    async def add_benefits(self, kept: Sequence[Kept], entries: Sequence[Entry]) -> None:
        """Keep new benefits with the first lines of their history."""
        rows = [_row(one) for one in kept]
        names = [name for name in _BENEFIT if name not in (*_LISTS, "authors")]
        arrays = ", ".join(f"${place}::{_TYPES.get(name, 'text')}[]" for place, name in enumerate((*names, *_LISTS), 1))
        lists = ", ".join(f"{name}::jsonb" for name in _LISTS)
        await self._connection.execute(  # a new benefit has no authors; a list within an array would be taken for a dimension of it
            f"INSERT INTO benefits ({', '.join((*names, *_LISTS))}, authors) SELECT {', '.join(names)}, {lists}, '{{}}'"
            f" FROM unnest({arrays}) AS u({', '.join((*names, *_LISTS))})",
            *([row[name] for row in rows] for name in names),
            *([dumps(row[name]) for row in rows] for name in _LISTS),
        )
        await self._list([(one.id, "newest", one.body) for one in kept])
        await self._connection.copy_records_to_table(
            "history", records=[tuple(getattr(entry, name) for name in _ENTRY) for entry in entries], columns=list(_ENTRY)
        )

    async def take_benefit(self, benefit: str) -> Kept | None:
        """A benefit, locked until the transaction ends; None when there is none."""
        row = await self._connection.fetchrow("SELECT * FROM benefits WHERE id = $1 FOR UPDATE", benefit)
        return kept_of(row) if row else None

    async def take_benefits(self, document: str) -> list[Kept]:
        """The benefits of a document, locked until the transaction ends."""
        rows = await self._connection.fetch("SELECT * FROM benefits WHERE document = $1 ORDER BY seq FOR UPDATE", document)
        return [kept_of(row) for row in rows]

    async def put_benefit(self, kept: Kept, entry: Entry) -> None:
        """Keep a changed benefit and the line of its history. Lines of the feed get their numbers in the order of their commits."""
        row = _row(kept)
        names = [name for name in _BENEFIT if name != "id"]
        changes = ", ".join(f"{name} = ${place}" for place, name in enumerate(names, 2))
        await self._connection.execute(f"UPDATE benefits SET {changes} WHERE id = $1", kept.id, *(row[name] for name in names))
        sides = [(kept.id, "newest", kept.body), *([(kept.id, "offered", kept.offered)] if kept.offered is not None else [])]
        await self._list(sides)
        if entry.event is not None:
            await self._connection.execute("SELECT pg_advisory_xact_lock(hashtext('catalog.changes'))")
        places = ", ".join(f"${place}" for place in range(1, len(_ENTRY) + 1))
        await self._connection.execute(
            f"INSERT INTO history ({', '.join(_ENTRY)}) VALUES ({places})", *(getattr(entry, name) for name in _ENTRY)
        )

    async def _list(self, sides: Sequence[tuple[str, str, str]]) -> None:
        """Keep what lists and search look at, for (benefit, side, JSON text)."""
        lines = [{"benefit": benefit, "side": side, **asdict(listed(body, known_departments()))} for benefit, side, body in sides]
        names = ", ".join(_LISTED)
        await self._connection.execute(
            f"INSERT INTO listed (benefit, side, {names})"
            f" SELECT benefit, side, {', '.join(f'{name}::tsvector' if name in ('words', 'heading') else name for name in _LISTED)}"
            " FROM jsonb_to_recordset($1::jsonb) AS line(benefit text, side text, title text, departments text[], kind text, mode text,"
            " words text, heading text, districts text[], industries text[], first_day date, last_day date)"
            f" ON CONFLICT (benefit, side) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in _LISTED)}",
            lines,
        )

    async def due(self, today: date) -> list[str]:
        """Benefits on offer whose last day has passed."""
        rows = await self._connection.fetch(
            "SELECT id FROM benefits WHERE offer IN ('published', 'suspended') AND last_day < $1 ORDER BY seq", today
        )
        return [row["id"] for row in rows]

    async def benefit(self, benefit: str) -> Kept | None:
        """A benefit; None when there is none."""
        row = await self._connection.fetchrow("SELECT * FROM benefits WHERE id = $1", benefit)
        return kept_of(row) if row else None

    async def beside(self, document: str, benefit: str) -> list[Kept]:
        """The other benefits of a document."""
        rows = await self._connection.fetch("SELECT * FROM benefits WHERE document = $1 AND id <> $2 ORDER BY seq", document, benefit)
        return [kept_of(row) for row in rows]

    async def history(self, benefit: str) -> list[Entry]:
        """The history of a benefit, the oldest line first."""
        rows = await self._connection.fetch(f"SELECT {', '.join(_ENTRY)} FROM history WHERE benefit = $1 ORDER BY seq", benefit)
        return [Entry(**row) for row in rows]

    async def changes(self, limit: int, *, after: int) -> list[tuple[int, Entry]]:
        """The feed of what was said of benefits, in order, each with its place."""
        rows = await self._connection.fetch(
            f"SELECT seq, {', '.join(_ENTRY)} FROM history WHERE event IS NOT NULL AND seq > $1 ORDER BY seq LIMIT $2", after, limit
        )
        return [(row["seq"], Entry(**{name: row[name] for name in _ENTRY})) for row in rows]


def _row(kept: Kept) -> dict[str, Any]:
    standing = kept.standing
    return {
        **{name: getattr(kept, name) for name in _BENEFIT if name in Kept.__dataclass_fields__},
        "offer": standing.offer,
        "pending": standing.pending,
        "amended": standing.amended,
        "authors": sorted(standing.authors),
        "last_day": listed(kept.offered, known_departments()).last_day if kept.offered else None,
    }


def kept_of(row: asyncpg.Record) -> Kept:
    standing = Standing(row["offer"], row["pending"], row["amended"], frozenset(row["authors"]))
    values: dict[str, Any] = {field.name: standing if field.name == "standing" else row[field.name] for field in fields(Kept)}
    return Kept(**values)
