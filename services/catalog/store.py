"""What catalog keeps: documents and measures as heard, benefits with where they stand, and every step of their history."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, ClassVar, Literal

import asyncpg
from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Identity, Index, MetaData, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, TSVECTOR
from sqlmodel import Field, SQLModel

from contracts.events import DocumentRead, MeasureRead
from contracts.rules import dumps
from services.catalog.domain.facets import Listed, level_of, listed
from services.catalog.domain.review import Standing
from services.catalog.domain.search import tsquery, tsvector
from services.catalog.handlers import Awaiting, DocumentHeard, Entry, Kept
from services.chassis.database import Connection


class Table(SQLModel):
    """The tables of this service, apart from those of its neighbours in one test process."""

    metadata: ClassVar[MetaData] = MetaData()


class DocumentRow(Table, table=True):
    """A version of a document: the event said of it, and what became of it."""

    __tablename__ = "documents"
    document: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    measures: int
    said: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    trace: str | None = Field(default=None, sa_type=Text)
    heard_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    drafted_at: datetime | None = Field(default=None, sa_column=Column(TIMESTAMP(timezone=True)))
    replaced_by: int | None = None
    replaces: int | None = None
    changed: list[str] | None = Field(default=None, sa_column=Column(ARRAY(Text)))
    repealed_on: date | None = None
    level: str | None = Field(default=None, sa_type=Text)


class MeasureRow(Table, table=True):
    """A measure: the event said of it, and what is searched."""

    __tablename__ = "measures"
    __table_args__ = (Index("measures_of", "document", "position"), Index("measures_words", "words", postgresql_using="gin"))
    document: str = Field(sa_type=Text)
    version: int = Field(primary_key=True)
    measure: str = Field(primary_key=True, sa_type=Text)
    position: int
    title: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    said: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    words: str = Field(sa_column=Column(TSVECTOR, nullable=False))
    heading: str = Field(sa_column=Column(TSVECTOR, nullable=False))


class BenefitRow(Table, table=True):
    """A benefit: where it stands, its newest version and the one on offer as JSON text."""

    __tablename__ = "benefits"
    __table_args__ = (
        UniqueConstraint("seq"),
        Index("benefits_on_offer", "seq", postgresql_where=text("offer IS NOT NULL")),
        Index("benefits_of", "document", "seq"),
        Index("benefits_due", "last_day", postgresql_where=text("offer IN ('published', 'suspended')")),
    )
    id: str = Field(primary_key=True, sa_type=Text)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    document: str = Field(sa_type=Text)
    measure: str = Field(sa_type=Text)
    offer: str | None = Field(default=None, sa_type=Text)
    pending: str | None = Field(default=None, sa_type=Text)
    amended: bool
    authors: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    version: int
    body: str = Field(sa_type=Text)
    offered_version: int | None = None
    offered: str | None = Field(default=None, sa_type=Text)
    unread: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    findings: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    trace: str | None = Field(default=None, sa_type=Text)
    changed_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    last_day: date | None = None


class ListedRow(Table, table=True):
    """What lists and search look at: a line for a benefit's newest version, one for that on offer, so that no draft shows through."""

    __tablename__ = "listed"
    __table_args__ = (Index("listed_words", "words", postgresql_using="gin"),)
    benefit: str = Field(sa_column=Column(Text, ForeignKey("benefits.id", ondelete="CASCADE"), primary_key=True))
    side: str = Field(primary_key=True, sa_type=Text)
    title: str = Field(sa_type=Text)
    department: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    mode: str = Field(sa_type=Text)
    districts: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    industries: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    first_day: date | None = None
    last_day: date | None = None
    words: str = Field(sa_column=Column(TSVECTOR, nullable=False))
    heading: str = Field(sa_column=Column(TSVECTOR, nullable=False))


class HistoryRow(Table, table=True):
    """A step of a benefit's history: who, when, why."""

    __tablename__ = "history"
    __table_args__ = (Index("history_of", "benefit", "seq"), Index("changes", "seq", postgresql_where=text("event IS NOT NULL")))
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    benefit: str = Field(sa_column=Column(Text, ForeignKey("benefits.id"), nullable=False))
    version: int
    action: str = Field(sa_type=Text)
    status_before: str | None = Field(default=None, sa_type=Text)
    status: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    why: str = Field(sa_type=Text)
    at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    event: str | None = Field(default=None, sa_type=Text)
    body: str | None = Field(default=None, sa_type=Text)


class SessionRow(Table, table=True):
    """An officer at the page: hashes of the cookie and of the API key it was opened with, and the token that every form carries."""

    __tablename__ = "sessions"
    cookie: bytes = Field(primary_key=True)
    key: bytes
    token: str = Field(sa_type=Text)
    closes_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))


class AwaitingRow(Table, table=True):
    """Something about a benefit that awaits a person, until it is settled."""

    __tablename__ = "awaiting"
    __table_args__ = (UniqueConstraint("seq"), Index("awaiting_open", "benefit", postgresql_where=text("settled_at IS NULL")))
    id: str = Field(primary_key=True, sa_type=Text)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    benefit: str = Field(sa_column=Column(Text, ForeignKey("benefits.id"), nullable=False))
    kind: str = Field(sa_type=Text)
    role: str = Field(sa_type=Text)
    words: str = Field(sa_type=Text)
    document: str = Field(sa_type=Text)
    version: int | None = None
    since: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    settled_at: datetime | None = Field(default=None, sa_column=Column(TIMESTAMP(timezone=True)))
    settled_by: str | None = Field(default=None, sa_type=Text)
    settled_why: str | None = Field(default=None, sa_type=Text)


_BENEFIT = (
    "id", "document", "measure", "offer", "pending", "amended", "authors", "version", "body", "offered_version", "offered",
    "unread", "findings", "trace", "changed_at", "last_day",
)  # fmt: skip
_AWAITING = tuple(field.name for field in fields(Awaiting))
_LISTED = tuple(field.name for field in fields(Listed))
_ENTRY = tuple(field.name for field in fields(Entry))
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


class BadCursor(ValueError):
    """A place in a list that this service did not give."""


class Store:
    """The queries of catalog, bound to one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # documents and measures -------------------------------------------------------------------------------------------

    async def lock_documents(self, documents: Sequence[str]) -> None:
        """Wait until nobody else works on these documents, and keep them until the transaction ends."""
        await self._connection.execute(
            "SELECT pg_advisory_xact_lock(hashtext('catalog.document'), key)"
            " FROM (SELECT DISTINCT hashtext(d) AS key FROM unnest($1::text[]) AS d ORDER BY key) AS keys",
            list(documents),
        )

    async def add_documents(self, heard: Sequence[tuple[DocumentRead, str | None]], now: datetime) -> None:
        """Keep versions of documents with their traces; those that are there stay."""
        await self._connection.execute(
            "INSERT INTO documents (document, version, measures, said, trace, heard_at, level)"
            " SELECT d, v, m, s, t, $6, l FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[], $5::text[], $7::text[])"
            " AS u(d, v, m, s, t, l) ON CONFLICT DO NOTHING",
            [read.document for read, _ in heard],
            [read.version for read, _ in heard],
            [read.measures for read, _ in heard],
            [read.model_dump() for read, _ in heard],
            [trace for _, trace in heard],
            now,
            [level_of(read.facts.issuer) for read, _ in heard],
        )

    async def add_measures(self, measures: Sequence[MeasureRead]) -> None:
        """Keep measures; those that are there stay."""
        await self._connection.execute(
            "INSERT INTO measures (document, version, measure, position, title, body, said, words, heading)"
            " SELECT d, v, m, p, t, b, s, w::tsvector, h::tsvector"
            " FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::text[], $6::text[], $7::jsonb[], $8::text[], $9::text[])"
            " AS u(d, v, m, p, t, b, s, w, h) ON CONFLICT DO NOTHING",
            [measure.document for measure in measures],
            [measure.version for measure in measures],
            [measure.measure for measure in measures],
            [measure.position for measure in measures],
            [measure.title for measure in measures],
            [measure.body for measure in measures],
            [measure.model_dump() for measure in measures],
            [tsvector(("A", measure.title), ("D", measure.body)) for measure in measures],
            [tsvector(("A", measure.title)) for measure in measures],
        )

    async def replaced(self, document: str, version: int, *, by: int, changed: Sequence[str]) -> None:
        """Note that a version of a document was replaced, and which measures' words changed by it."""
        await self._connection.execute("UPDATE documents SET replaced_by = $3 WHERE document = $1 AND version = $2", document, version, by)
        await self._connection.execute(
            "UPDATE documents SET replaces = $2, changed = $4 WHERE document = $1 AND version = $3", document, version, by, list(changed)
        )

    async def repealed(self, document: str, on: date) -> None:
        """Note that a document lost its force."""
        await self._connection.execute("UPDATE documents SET repealed_on = $2 WHERE document = $1", document, on)

    async def force_of(self, document: str, version: int | None) -> tuple[date | None, int | None]:
        """The day a document was repealed, and the version that replaced this one; None for neither."""
        row = await self._connection.fetchrow(
            "SELECT max(repealed_on) AS repealed_on, max(replaced_by) FILTER (WHERE version = $2) AS replaced_by"
            " FROM documents WHERE document = $1",
            document,
            version,
        )
        return (row["repealed_on"], row["replaced_by"]) if row else (None, None)

    async def facts_of(self, documents: Sequence[str]) -> dict[str, tuple[dict[str, Any], str | None]]:
        """What the newest versions of documents say of themselves, and their level."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT ON (document) document, said->'facts' AS facts, level FROM documents WHERE document = ANY($1)"
            " ORDER BY document, version DESC",
            list(set(documents)),
        )
        return {row["document"]: (row["facts"], row["level"]) for row in rows}

    async def undrafted(self, documents: Sequence[str]) -> list[DocumentHeard]:
        """Those of the documents' versions that are complete, from which nothing was drafted yet, and before which nothing waits.

        A version after the first is complete when it is also known what it replaces.
        """
        rows = await self._connection.fetch(
            f"{_HEARD} WHERE d.document = ANY($1) AND d.drafted_at IS NULL AND (d.version = 1 OR d.replaces IS NOT NULL)"
            " AND NOT EXISTS (SELECT FROM documents f WHERE f.document = d.document AND f.version < d.version AND f.drafted_at IS NULL)"
            " GROUP BY d.document, d.version HAVING count(m.measure) >= d.measures",
            list(documents),
        )
        return [_heard(row) for row in rows]

    async def heard(self, document: str, version: int) -> DocumentHeard | None:
        """A version of a document with its measures; None when there is none."""
        row = await self._connection.fetchrow(
            f"{_HEARD} WHERE d.document = $1 AND d.version = $2 GROUP BY d.document, d.version", document, version
        )
        return _heard(row) if row else None

    async def drafted(self, heard: Sequence[DocumentHeard], now: datetime) -> None:
        """Note that these documents' benefits were drafted."""
        await self._connection.execute(
            "UPDATE documents SET drafted_at = $3 FROM unnest($1::text[], $2::int[]) AS u(d, v) WHERE document = d AND version = v",
            [one.read.document for one in heard],
            [one.read.version for one in heard],
            now,
        )

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
        where.add("m.said->>'units' ILIKE {}", _like(department))
        where.add("EXISTS (SELECT FROM documents d WHERE d.document = m.document AND d.version = m.version AND d.level = {})", level)
        where.add("NOT EXISTS (SELECT FROM measures n WHERE n.measure = m.measure AND n.version > m.version)")
        where.add(
            "NOT EXISTS (SELECT FROM documents d WHERE d.document = m.document AND d.version > m.version AND d.drafted_at IS NOT NULL)"
        )
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

    async def measure(self, measure: str) -> dict[str, Any] | None:
        """The newest version of a measure; None when there is none."""
        said: dict[str, Any] | None = await self._connection.fetchval(
            "SELECT said FROM measures WHERE measure = $1 ORDER BY version DESC LIMIT 1", measure
        )
        return said

    # benefits ---------------------------------------------------------------------------------------------------------

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
        return _kept(row) if row else None

    async def take_benefits(self, document: str) -> list[Kept]:
        """The benefits of a document, locked until the transaction ends."""
        rows = await self._connection.fetch("SELECT * FROM benefits WHERE document = $1 ORDER BY seq FOR UPDATE", document)
        return [_kept(row) for row in rows]

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
        lines = [{"benefit": benefit, "side": side, **asdict(listed(body))} for benefit, side, body in sides]
        names = ", ".join(_LISTED)
        await self._connection.execute(
            f"INSERT INTO listed (benefit, side, {names})"
            f" SELECT benefit, side, {', '.join(f'{name}::tsvector' if name in ('words', 'heading') else name for name in _LISTED)}"
            " FROM jsonb_to_recordset($1::jsonb) AS line(benefit text, side text, title text, department text, kind text, mode text,"
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
        return _kept(row) if row else None

    async def beside(self, document: str, benefit: str) -> list[Kept]:
        """The other benefits of a document."""
        rows = await self._connection.fetch("SELECT * FROM benefits WHERE document = $1 AND id <> $2 ORDER BY seq", document, benefit)
        return [_kept(row) for row in rows]

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
        where.add("l.department ILIKE {}", _like(asked.department))
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
        return [_kept(row) for row in rows], _next(rows, limit, ranked=rank is not None, key="seq")

    async def _rank(self, where: "_Where", found: str) -> str | None:
        """How what is found is ranked: by all words while it is little, by headings where it is much; None where no words are looked for.

        Reading the words of 10,000 clauses takes 100 ms, and of a word that stands in most of them none says more than another.
        """
        if not where.ranked:
            return None
        await self._connection.execute("SET LOCAL enable_seqscan = off")  # the planner takes long words for short and reads them all
        many = await self._connection.fetchval(f"SELECT count(*) FROM (SELECT FROM {found} WHERE {where} LIMIT {RANKED}) s", *where.values)
        return where.rank("words" if many < RANKED else "heading")

    # what awaits whom -------------------------------------------------------------------------------------------------

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
            " WHERE a.settled_at IS NULL AND a.seq > $1 AND ($2::text IS NULL OR a.role = $2)"
            " AND ($3::text IS NULL OR b.body::jsonb->>'department' ILIKE $3) AND ($4::text IS NULL OR a.document = $4)"
            " ORDER BY a.seq LIMIT $5",
            after,
            role,
            _like(department),
            document,
            limit,
        )
        return [
            (row["place"], Awaiting(**{name: row["awaited"][name] for name in _AWAITING} | {"since": row["since"]}), _kept(row))
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
            " WHERE b.pending IS NOT NULL AND ($1::text IS NULL OR l.department ILIKE $1 OR l.department = '')"
            " ORDER BY b.changed_at, b.seq LIMIT $2",
            _like(department),
            limit,
        )
        return [(_kept(row), row["listed_kind"], row["heard_at"], row["issued"]) for row in rows]

    # the officer's page -----------------------------------------------------------------------------------------------

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

    # histories --------------------------------------------------------------------------------------------------------

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


_HEARD = (
    "SELECT d.said, d.trace, d.replaces, d.changed,"
    " (SELECT max(repealed_on) FROM documents r WHERE r.document = d.document) AS repealed_on,"
    " coalesce(array_agg(m.said ORDER BY m.position) FILTER (WHERE m.measure IS NOT NULL), '{}') AS measures"
    " FROM documents d LEFT JOIN measures m USING (document, version)"
)
_TYPES = {"amended": "boolean", "version": "int", "offered_version": "int", "changed_at": "timestamptz", "last_day": "date"}
_LISTS = ("unread", "findings")


def _heard(row: asyncpg.Record) -> DocumentHeard:
    return DocumentHeard(
        read=DocumentRead.model_validate(row["said"]),
        measures=[MeasureRead.model_validate(said) for said in row["measures"]],
        trace=row["trace"],
        replaces=row["replaces"],
        changed=frozenset(row["changed"] or ()),
        repealed_on=row["repealed_on"],
    )


def _row(kept: Kept) -> dict[str, Any]:
    standing = kept.standing
    return {
        **{name: getattr(kept, name) for name in _BENEFIT if name in Kept.__dataclass_fields__},
        "offer": standing.offer,
        "pending": standing.pending,
        "amended": standing.amended,
        "authors": sorted(standing.authors),
        "last_day": listed(kept.offered).last_day if kept.offered else None,
    }


def _kept(row: asyncpg.Record) -> Kept:
    standing = Standing(row["offer"], row["pending"], row["amended"], frozenset(row["authors"]))
    values: dict[str, Any] = {field.name: standing if field.name == "standing" else row[field.name] for field in fields(Kept)}
    return Kept(**values)


def _like(words: str | None) -> str | None:
    """A pattern that finds the words anywhere."""
    if not words:
        return None
    for special in ("\\", "%", "_"):
        words = words.replace(special, f"\\{special}")
    return f"%{words}%"


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
            self.values.append(key(last))
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
