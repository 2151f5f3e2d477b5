"""What awaits whom, what is pending on whose desk, and the sessions of officers at the page."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime

from services.catalog.handlers import Awaiting, Kept
from services.catalog.store.benefits import kept_of
from services.catalog.store.search import full_names
from services.catalog.store.tables import Bound

_AWAITING = tuple(field.name for field in fields(Awaiting))


class Desk(Bound):
    """The lists of a desk, and who sits at it."""

    async def add_awaiting(self, entries: Sequence[Awaiting]) -> None:
        """Put entries on the list of what awaits whom; what is there and open stays once."""
        await self._connection.execute(
            f"INSERT INTO awaiting ({', '.join(_AWAITING[:8])})"
            " SELECT i, b, k, r, w, d, v, s FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::int[],"
            " $8::timestamptz[]) AS u(i, b, k, r, w, d, v, s) WHERE NOT EXISTS (SELECT FROM awaiting a"
            " WHERE a.benefit = b AND a.kind = k AND a.words = w AND a.settled_at IS NULL)",
            *([getattr(entry, name) for entry in entries] for name in _AWAITING[:8]),
        )

    async def settle(self, benefit: str, now: datetime, *, by: str, why: str) -> None:
        """Take all that a benefit has on the list of what awaits whom from it."""
        await self._connection.execute(
            "UPDATE awaiting SET settled_at = $2, settled_by = $3, settled_why = $4 WHERE benefit = $1 AND settled_at IS NULL",
            benefit,
            now,
            by,
            why,
        )

    async def settle_one(self, awaiting: str, now: datetime, *, by: str, why: str) -> Awaiting | None:
        """Take an entry from the list and give it back; None when there is none that is open."""
        row = await self._connection.fetchrow(
            "UPDATE awaiting SET settled_at = $2, settled_by = $3, settled_why = $4 WHERE id = $1 AND settled_at IS NULL"
            f" RETURNING {', '.join(_AWAITING)}",
            awaiting,
            now,
            by,
            why,
        )
        return Awaiting(**row) if row else None

    async def awaiting(
        self, limit: int, *, role: str | None, department: str | None, document: str | None, after: int
    ) -> list[tuple[int, Awaiting, Kept]]:
        """What awaits whom, the longest waiting first, each with its place and its benefit."""
        rows = await self._connection.fetch(
            "SELECT b.*, a.seq AS place, to_jsonb(a) AS awaited, a.since FROM awaiting a JOIN benefits b ON b.id = a.benefit"
            " JOIN listed l ON l.benefit = b.id AND l.side = 'newest'"
            " WHERE a.settled_at IS NULL AND a.seq > $1 AND ($2::text IS NULL OR a.role = $2)"
            " AND ($3::text[] IS NULL OR l.departments && $3 OR l.departments = '{}') AND ($4::text IS NULL OR a.document = $4)"
            " ORDER BY a.seq LIMIT $5",
            after,
            role,
            full_names(department),
            document,
            limit,
        )
        return [
            (row["place"], Awaiting(**{name: row["awaited"][name] for name in _AWAITING} | {"since": row["since"]}), kept_of(row))
            for row in rows
        ]

    async def pending(self, limit: int, *, department: str | None) -> list[tuple[Kept, str, datetime | None, date | None]]:
        """Benefits with something pending, the longest untouched first: each with its kind, its document's arrival and day of issue.

        One whose document names no department waits on the desk of every department, lest it wait on none.
        """
        rows = await self._connection.fetch(
            "SELECT b.*, l.kind AS listed_kind, d.heard_at, d.issued"
            " FROM benefits b JOIN listed l ON l.benefit = b.id AND l.side = 'newest'"
            " LEFT JOIN LATERAL (SELECT heard_at, (said->'facts'->>'issue_date')::date AS issued FROM documents"
            " WHERE document = b.document ORDER BY version DESC LIMIT 1) d ON true"
            " WHERE b.pending IS NOT NULL AND ($1::text[] IS NULL OR l.departments && $1 OR l.departments = '{}')"
            " ORDER BY b.changed_at, b.seq LIMIT $2",
            full_names(department),
            limit,
        )
        return [(kept_of(row), row["listed_kind"], row["heard_at"], row["issued"]) for row in rows]

    async def open_session(self, cookie: bytes, key: bytes, token: str, *, now: datetime, closes_at: datetime) -> None:
        """Keep a session; those that have closed are forgotten."""
        await self._connection.execute("DELETE FROM sessions WHERE closes_at <= $1", now)
        await self._connection.execute("INSERT INTO sessions VALUES ($1, $2, $3, $4)", cookie, key, token, closes_at)

    async def session(self, cookie: bytes, now: datetime) -> tuple[bytes, str] | None:
        """The key's hash and the token of an open session."""
        row = await self._connection.fetchrow("SELECT key, token FROM sessions WHERE cookie = $1 AND closes_at > $2", cookie, now)
        return (row["key"], row["token"]) if row else None

    async def close_session(self, cookie: bytes) -> None:
        """Forget a session."""
        await self._connection.execute("DELETE FROM sessions WHERE cookie = $1", cookie)
