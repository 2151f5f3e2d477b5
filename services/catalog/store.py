"""What catalog keeps: documents and measures as heard, benefits with where they stand, and every step of their history."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, ClassVar

import asyncpg
from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Identity, Index, MetaData, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlmodel import Field, SQLModel

from contracts.events import DocumentRead, MeasureRead
from contracts.rules import dumps, loads
from services.catalog.domain.review import Standing
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


class MeasureRow(Table, table=True):
    """A measure: the event said of it, and what is searched."""

    __tablename__ = "measures"
    __table_args__ = (Index("measures_of", "document", "position"),)
    document: str = Field(sa_type=Text)
    version: int = Field(primary_key=True)
    measure: str = Field(primary_key=True, sa_type=Text)
    position: int
    title: str = Field(sa_type=Text)
    body: str = Field(sa_type=Text)
    said: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class BenefitRow(Table, table=True):
    """A benefit: where it stands, its newest version and the one on offer as JSON text, and what is searched."""

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
    title: str = Field(sa_type=Text)
    department: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    last_day: date | None = None


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
    "unread", "findings", "trace", "changed_at", "title", "department", "kind", "last_day",
)  # fmt: skip
_AWAITING = tuple(field.name for field in fields(Awaiting))
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
            "INSERT INTO documents (document, version, measures, said, trace, heard_at)"
            " SELECT d, v, m, s, t, $6 FROM unnest($1::text[], $2::int[], $3::int[], $4::jsonb[], $5::text[]) AS u(d, v, m, s, t)"
            " ON CONFLICT DO NOTHING",
            [read.document for read, _ in heard],
            [read.version for read, _ in heard],
            [read.measures for read, _ in heard],
            [read.model_dump() for read, _ in heard],
            [trace for _, trace in heard],
            now,
        )

    async def add_measures(self, measures: Sequence[MeasureRead]) -> None:
        """Keep measures; those that are there stay."""
        await self._connection.execute(
            "INSERT INTO measures (document, version, measure, position, title, body, said)"
            " SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::int[], $5::text[], $6::text[], $7::jsonb[])"
            " ON CONFLICT DO NOTHING",
            [measure.document for measure in measures],
            [measure.version for measure in measures],
            [measure.measure for measure in measures],
            [measure.position for measure in measures],
            [measure.title for measure in measures],
            [measure.body for measure in measures],
            [measure.model_dump() for measure in measures],
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

    async def measures(self, limit: int, *, document: str | None, words: str | None, after: str | None) -> list[dict[str, Any]]:
        """Measures of the newest versions, by document and in the document's order, after the measure `after`."""
        rows = await self._connection.fetch(
            "SELECT said FROM measures m WHERE ($1::text IS NULL OR document = $1)"
            " AND ($2::text IS NULL OR title ILIKE $2 OR body ILIKE $2)"
            " AND ($3::text IS NULL OR (document, position) > (SELECT document, position FROM measures WHERE measure = $3 LIMIT 1))"
            " AND NOT EXISTS (SELECT FROM measures n WHERE n.measure = m.measure AND n.version > m.version)"
            " AND NOT EXISTS (SELECT FROM documents d WHERE d.document = m.document AND d.version > m.version AND d.drafted_at IS NOT NULL)"
            " ORDER BY document, position LIMIT $4",
            document,
            _like(words),
            after,
            limit,
        )
        return [row["said"] for row in rows]

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
        if entry.event is not None:
            await self._connection.execute("SELECT pg_advisory_xact_lock(hashtext('catalog.changes'))")
        places = ", ".join(f"${place}" for place in range(1, len(_ENTRY) + 1))
        await self._connection.execute(
            f"INSERT INTO history ({', '.join(_ENTRY)}) VALUES ({places})", *(getattr(entry, name) for name in _ENTRY)
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

    async def benefits(
        self,
        limit: int,
        *,
        offered: bool,
        status: str | None,
        department: str | None,
        kind: str | None,
        document: str | None,
        words: str | None,
        after: int,
    ) -> list[tuple[int, Kept]]:
        """Benefits in the order they were drafted, each with its place; with `offered` only those that are or were on offer."""
        rows = await self._connection.fetch(
            "SELECT * FROM benefits WHERE seq > $1 AND ($2 OR offer IS NOT NULL) AND ($3::text IS NULL OR department ILIKE $3)"
            " AND ($4::text IS NULL OR kind = $4) AND ($5::text IS NULL OR document = $5)"
            " AND ($6::text IS NULL OR title ILIKE $6 OR body ILIKE $6)"
            f" AND {STATUSES.get(status, 'true') if status else 'true'} ORDER BY seq LIMIT $7",
            after,
            not offered,
            _like(department),
            kind,
            document,
            _like(words),
            limit,
        )
        return [(row["seq"], _kept(row)) for row in rows]

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
    standing, said = kept.standing, loads(kept.body)
    on_offer = loads(kept.offered) if kept.offered else {}
    return {
        **{name: getattr(kept, name) for name in _BENEFIT if name in Kept.__dataclass_fields__},
        "offer": standing.offer,
        "pending": standing.pending,
        "amended": standing.amended,
        "authors": sorted(standing.authors),
        "title": said.get("title") or "",
        "department": said.get("department") or "",
        "kind": said.get("kind") or "其他",
        "last_day": _last_day(on_offer),
    }


def _last_day(benefit: dict[str, Any]) -> date | None:
    """The last day a benefit is in force: the later end of `valid` and `window` (rules §3); None while one is open or no plain date."""
    ends = [benefit[name].get("to") for name in ("valid", "window") if benefit.get(name)]
    try:
        return max(date.fromisoformat(end) for end in ends) if ends else None
    except (TypeError, ValueError):
        return None


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
