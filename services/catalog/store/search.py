"""Lists and search: what is asked for as SQL, in pages, the best first."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite
from typing import Any, Literal

import asyncpg

from services.catalog.domain.search import tsquery
from services.catalog.handlers import Kept, known_departments
from services.catalog.store.benefits import kept_of
from services.catalog.store.tables import Bound

STATUSES = {
    "draft": "pending = 'draft'",
    "in_review": "pending = 'in_review'",
    "approved": "pending = 'approved'",
    "published": "offer = 'published'",
    "amended": "offer = 'published' AND amended",
    "suspended": "offer = 'suspended'",
    "expired": "offer = 'expired'",
    "withdrawn": "offer = 'withdrawn'",
}
"""What a status asks for in a list: `published` is all that is in force, amended or not; a pending amendment is found by its own word."""

RANKED = 1000
"""So many found lines are ranked by all their words."""
_ALWAYS = object()


@dataclass(frozen=True)
class Filter:
    """What a list is asked for; None asks for nothing. `side` says which version is looked at and shown."""

    side: Literal["newest", "offered"]
    status: str | None = None
    department: str | None = None
    level: str | None = None
    district: str | None = None
    industry: str | None = None
    kind: str | None = None
    mode: str | None = None
    document: str | None = None
    valid_on: date | None = None
    words: str | None = None


_NOT_ONLY_ELSEWHERE = (
    "NOT EXISTS (SELECT FROM imports i WHERE i.document = m.document AND i.version = m.version AND i.brought)"
    " OR EXISTS (SELECT FROM benefits b WHERE b.document = m.document AND b.offer IS NOT NULL)"
)
"""A document that came in another city's package is listed here once something of it is, or was, on offer here."""


class BadCursor(ValueError):
    """A place in a list that this service did not give."""


class Search(Bound):
    """Measures and benefits by filters and words."""

    async def measures(
        self,
        limit: int,
        *,
        document: str | None = None,
        department: str | None = None,
        level: str | None = None,
        words: str | None = None,
        after: str | None = None,
    ) -> tuple[list[dict[str, Any]], str | None]:
        """Measures of the newest versions after a place, and the next place: in the documents' order, with `words` the best first.

        Raises BadCursor.
        """
        query = tsquery(words) if words else None
        if words and query is None:
            return [], None
        where = _Where("m", query)
        where.add("m.document = {}", document)
        where.add("m.departments && {}", full_names(department), "text[]")
        where.add("EXISTS (SELECT FROM documents d WHERE d.document = m.document AND d.version = m.version AND d.level = {})", level)
        where.add("NOT EXISTS (SELECT FROM measures n WHERE n.measure = m.measure AND n.version > m.version)")
        where.add(
            "NOT EXISTS (SELECT FROM documents d WHERE d.document = m.document AND d.version > m.version AND d.drafted_at IS NOT NULL)"
        )
        where.add(_NOT_ONLY_ELSEWHERE)
        rank = await self._rank(where, "measures m")
        where.after(after, "(m.document, m.position) > (SELECT document, position FROM measures WHERE measure = {} LIMIT 1)", str, rank)
        rows = await self._connection.fetch(
            f"WITH found AS (SELECT m.measure, m.version, m.document, m.position, {rank or 0} AS rank FROM measures m WHERE {where}"
            f" ORDER BY {'rank DESC, ' if rank else ''}m.document, m.position LIMIT {limit})"
            " SELECT measure, m.said, rank FROM found JOIN measures m USING (measure, version)"  # the whole rows of one page only
            " ORDER BY rank DESC, found.document, found.position",
            *where.values,
        )
        return [row["said"] for row in rows], _next(rows, limit, ranked=rank is not None, key="measure")

    async def benefits(self, limit: int, asked: Filter, *, officer: bool, after: str | None = None) -> tuple[list[Kept], str | None]:
        """Benefits after a place, and the next place: in the order they were drafted, with words the best first.

        What was never on offer has only a newest side, which an officer may see. Raises BadCursor.
        """
        query = tsquery(asked.words) if asked.words else None
        if asked.words and query is None:
            return [], None
        side = "'newest'" if asked.side == "newest" else "'offered'"
        if officer and asked.side == "offered":
            side = "CASE WHEN b.offered_version IS NULL THEN 'newest' ELSE 'offered' END"
        where = _Where("l", query)
        where.add(STATUSES.get(asked.status or "", "true"))
        where.add("l.departments && {}", full_names(asked.department), "text[]")
        where.add("l.kind = {}", asked.kind)
        where.add("l.mode = {}", asked.mode)
        where.add("b.document = {}", asked.document)
        where.add("EXISTS (SELECT FROM documents d WHERE d.document = b.document AND d.level = {})", asked.level)
        where.add(_COVERED.format(codes="l.districts", code="{0}"), _code(asked.district))
        where.add(_COVERED.format(codes="l.industries", code="{0}"), asked.industry)
        where.add("coalesce(l.first_day, '-infinity') <= {0} AND coalesce(l.last_day, 'infinity') >= {0}", asked.valid_on, "date")
        found = f"benefits b JOIN listed l ON l.benefit = b.id AND l.side = {side}"
        rank = await self._rank(where, found)
        where.after(after, "b.seq > {}", int, rank)
        rows = await self._connection.fetch(
            f"WITH found AS (SELECT b.id, {rank or 0} AS rank FROM {found} WHERE {where}"
            f" ORDER BY {'rank DESC, ' if rank else ''}b.seq LIMIT {limit})"
            " SELECT b.*, rank FROM found JOIN benefits b USING (id) ORDER BY rank DESC, b.seq",  # the whole rows of one page only
            *where.values,
        )
        return [kept_of(row) for row in rows], _next(rows, limit, ranked=rank is not None, key="seq")

    async def unregistered(self, limit: int) -> list[tuple[str, int, list[str]]]:
        """The `open.` ids that drafts and offers ask for, the most asked for first: each with how many benefits, and up to 20 of them."""
        rows = await self._connection.fetch(
            "SELECT fact, count(*) AS number, (array_agg(id ORDER BY seq))[:20] AS benefits FROM"
            " (SELECT DISTINCT id, seq, found #>> '{}' AS fact FROM benefits, jsonb_path_query(body::jsonb,"
            """ '$.** ? (@.type() == "string" && @ starts with "open.")') AS found"""
            " WHERE pending IS NOT NULL OR offer IN ('published', 'suspended')) AS asked"
            " GROUP BY fact ORDER BY number DESC, fact LIMIT $1",
            limit,
        )
        return [(row["fact"], row["number"], row["benefits"]) for row in rows]

    async def _rank(self, where: "_Where", found: str) -> str | None:
        """How what is found is ranked: by all words while it is little, by headings where it is much; None where no words are looked for.

        Reading the words of 10,000 clauses takes 100 ms, and of a word that stands in most of them none says more than another.
        """
        if not where.ranked:
            return None
        await self._connection.execute("SET LOCAL enable_seqscan = off")  # the planner takes long words for short and reads them all
        many = await self._connection.fetchval(f"SELECT count(*) FROM (SELECT FROM {found} WHERE {where} LIMIT {RANKED}) s", *where.values)
        return where.rank("words" if many < RANKED else "heading")


_COVERED = "(cardinality({codes}) = 0 OR EXISTS (SELECT FROM unnest({codes}) AS c WHERE starts_with({code}, c) OR starts_with(c, {code})))"
"""Whether a code is one of the codes, lies within one, or holds one; no codes mean any."""


class _Where:
    """The conditions of a list that are asked for, with their values; printed it is the SQL."""

    def __init__(self, table: str, query: str | None) -> None:
        self.values: list[Any] = []
        self._conditions: list[str] = []
        self._table, self.ranked = table, query is not None
        self.add(f"{table}.words @@ {{}}", query, "text::tsquery")

    def __str__(self) -> str:
        return " AND ".join(self._conditions) or "true"

    def add(self, condition: str, value: Any = _ALWAYS, kind: str = "text") -> None:
        """Ask for a condition, on a value if it has one; None asks for nothing."""
        if value is _ALWAYS:
            self._conditions.append(f"({condition})")
        elif value is not None:
            self.values.append(value)
            self._conditions.append(f"({condition.format(f'${len(self.values)}::{kind}')})")

    def rank(self, column: str) -> str:
        """Words near one another first, in a title before a clause, in a short text before a long one."""
        return f"ts_rank('{{0.1, 0.2, 0.4, 1}}', {self._table}.{column}, $1::text::tsquery, 1)::float8"

    def after(self, place: str | None, condition: str, key: Callable[[str], Any], rank: str | None) -> None:
        """Go on after a place: the line with this key, and of found words its rank. Raises BadCursor."""
        if place is None:
            return
        stood, _, last = place.rpartition("~") if rank else ("", "", place)
        try:
            at = key(last)
            if (isinstance(at, int) and not 0 <= at < 2**63) or (rank and not isfinite(float(stood))):
                raise ValueError(place)
            self.values.append(at)
            behind = condition.format(f"${len(self.values)}::{'bigint' if key is int else 'text'}")
            if rank:
                self.values.append(float(stood))
                at = f"${len(self.values)}::float8"
                behind = f"{rank} < {at} OR {rank} = {at} AND {behind}"
        except ValueError as error:
            raise BadCursor(place) from error
        self._conditions.append(f"({behind})")


def _next(rows: Sequence[asyncpg.Record], limit: int, *, ranked: bool, key: str) -> str | None:
    if len(rows) < limit:
        return None
    last = rows[-1]
    return f"{last['rank']!r}~{last[key]}" if ranked else str(last[key])


def _code(code: str | None) -> str | None:
    """A division code without the trailing pairs of zeros that stand for all of it."""
    return None if code is None else re.sub(r"(?:00)+$", "", code)


def full_names(department: str | None) -> list[str] | None:
    """The full names of the departments asked for; None where none is."""
    return list(known_departments().named(department)) if department else None
