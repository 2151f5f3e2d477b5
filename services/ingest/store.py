"""What ingest keeps: documents with their bytes, text and measures; deliveries of facts with what came of them."""

from collections.abc import Sequence
from dataclasses import asdict, astuple, fields
from datetime import date, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

import asyncpg
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Identity, Index, LargeBinary, MetaData, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlmodel import Field, SQLModel

from contracts.events import MeasureRead
from contracts.topics import TOPICS
from services.chassis.database import Connection
from services.ingest.domain.succession import Known, Mention, Names
from services.ingest.handlers import Delivery, Kept, MeasureKept, RepealKept, Source


class Table(SQLModel):
    """The tables of this service, apart from those of its neighbours in one test process."""

    metadata: ClassVar[MetaData] = MetaData()


class DocumentRow(Table, table=True):
    """A version of a document."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("seq"), Index("documents_with_bytes", "sha256"))
    document: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    sha256: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    facts: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    measures: int
    notes: list[str] = Field(default_factory=list, sa_column=Column(JSONB, nullable=False))
    raw: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    text: str = Field(sa_type=Text)
    names: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    received_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    trace: str | None = Field(default=None, sa_type=Text)


class MeasureRow(Table, table=True):
    """A measure of a document's version, as it was said."""

    __tablename__ = "measures"
    __table_args__ = (
        UniqueConstraint("document", "version", "measure"),
        ForeignKeyConstraint(["document", "version"], ["documents.document", "documents.version"]),
    )
    document: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    position: int = Field(primary_key=True)
    measure: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))
    places: dict[str, Any] = Field(sa_column=Column(JSONB, nullable=False))


class RepealRow(Table, table=True):
    """What a version of a document says of another: that it is repealed."""

    __tablename__ = "repeals"
    __table_args__ = (
        UniqueConstraint("seq"),
        ForeignKeyConstraint(["by", "version"], ["documents.document", "documents.version"]),
        Index("repeals_of", "repealed"),
    )
    by: str = Field(primary_key=True, sa_type=Text)
    version: int = Field(primary_key=True)
    place: int = Field(primary_key=True)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    name: str | None = Field(default=None, sa_type=Text)
    number: str | None = Field(default=None, sa_type=Text)
    words: str = Field(sa_type=Text)
    repealed_on: date | None = None
    repealed: str | None = Field(default=None, sa_type=Text)


class DeliveryRow(Table, table=True):
    """A delivery of facts."""

    __tablename__ = "deliveries"
    __table_args__ = (UniqueConstraint("seq"), Index("deliveries_of", "authority", "seq"))
    delivery: str = Field(primary_key=True, sa_type=Text)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    authority: str = Field(sa_type=Text)
    principal: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Text)
    received_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    accepted: int
    refused: int
    errors: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    trace: str | None = Field(default=None, sa_type=Text)


class DeliveredFileRow(Table, table=True):
    """A part of the checked file of a bulk delivery, packed."""

    __tablename__ = "delivered_files"
    __table_args__ = (ForeignKeyConstraint(["delivery"], ["deliveries.delivery"]), Index("delivered_files_age", "kept_at"))
    delivery: str = Field(primary_key=True, sa_type=Text)
    part: int = Field(primary_key=True)
    kept_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SourceRow(Table, table=True):
    """A list page that is watched."""

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("seq"), UniqueConstraint("url"), Index("sources_due", "due_at"))
    source: str = Field(primary_key=True, sa_type=Text)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    url: str = Field(sa_type=Text)
    principal: str = Field(sa_type=Text)
    added_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    due_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    looked_at: datetime | None = Field(default=None, sa_column=Column(TIMESTAMP(timezone=True)))
    etag: str | None = Field(default=None, sa_type=Text)
    modified: str | None = Field(default=None, sa_type=Text)
    seen: list[str] | None = Field(default=None, sa_column=Column(JSONB))
    documents: int
    failures: int
    problem: str | None = Field(default=None, sa_type=Text)


_PART = 4 * 1024 * 1024  # bytes of a file that are one row
_KNOWN = "document, names, facts, status, measures"
_REPEAL = ("by", "version", "place", "name", "number", "words", "repealed_on", "repealed")
_SOURCE = ", ".join(field.name for field in fields(Source))
_KEPT = ", ".join(field.name for field in fields(Kept))
_DELIVERY = ", ".join(field.name for field in fields(Delivery))


class Store:
    """The queries of ingest, bound to one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    # documents --------------------------------------------------------------------------------------------------------

    async def lock_documents(self) -> None:
        """Wait until nobody else keeps a document, and keep others from it until the transaction ends."""
        await self._connection.execute("SELECT pg_advisory_xact_lock(hashtext('ingest.documents'))")

    async def document(self, document: str, version: int | None = None) -> Kept | None:
        """A version of a document, by default its newest; None when there is none."""
        row = await self._connection.fetchrow(
            f"SELECT {_KEPT} FROM documents WHERE document = $1 AND ($2::int IS NULL OR version = $2) ORDER BY version DESC LIMIT 1",
            document,
            version,
        )
        return Kept(**row) if row else None

    async def with_bytes(self, sha256: str) -> Kept | None:
        """The version of a document that has these bytes, the newest of several; None when there is none."""
        row = await self._connection.fetchrow(f"SELECT {_KEPT} FROM documents WHERE sha256 = $1 ORDER BY seq DESC LIMIT 1", sha256)
        return Kept(**row) if row else None

    async def versions(self, document: str) -> list[Kept]:
        """Every version of a document, the newest first."""
        rows = await self._connection.fetch(f"SELECT {_KEPT} FROM documents WHERE document = $1 ORDER BY version DESC", document)
        return [Kept(**row) for row in rows]

    async def text(self, document: str, version: int | None = None) -> str | None:
        """The raw text of a version, by default the newest, which all its spans count in; None when there is no such version."""
        text: str | None = await self._connection.fetchval(
            "SELECT text FROM documents WHERE document = $1 AND ($2::int IS NULL OR version = $2) ORDER BY version DESC LIMIT 1",
            document,
            version,
        )
        return text

    async def documents(self, limit: int, *, status: str | None, words: str | None, before: int | None) -> list[tuple[int, Kept]]:
        """Documents in their newest versions, the newest first, each with its place; `words` of title, 字号, issuer or file name."""
        rows = await self._connection.fetch(
            f"SELECT seq, {_KEPT} FROM documents d WHERE ($1::bigint IS NULL OR seq < $1) AND ($2::text IS NULL OR status = $2)"
            " AND ($3::text IS NULL OR concat_ws(E'\\n', facts->>'title', facts->>'doc_number', facts->>'issuer', name) ILIKE $3)"
            " AND NOT EXISTS (SELECT FROM documents n WHERE n.document = d.document AND n.version > d.version)"
            " ORDER BY seq DESC LIMIT $4",
            before,
            status,
            _like(words),
            limit,
        )
        return [(row["seq"], _value(Kept, row)) for row in rows]

    async def known(self, *, numbers: Sequence[str], called: Sequence[str]) -> list[Known]:
        """The documents whose newest version has a 字号 that ends one of these, or one of these names."""
        rows = await self._connection.fetch(
            f"SELECT {_KNOWN} FROM documents d WHERE (names->>'number' IS NOT NULL"
            " AND EXISTS (SELECT FROM unnest($1::text[]) AS said WHERE said LIKE '%' || (names->>'number'))"
            " OR names->'works' ?| $2 OR names->'names' ?| $2)"
            " AND NOT EXISTS (SELECT FROM documents n WHERE n.document = d.document AND n.version > d.version) ORDER BY seq",
            list(numbers),
            list(called),
        )
        return [_known(row) for row in rows]

    async def known_document(self, document: str) -> Known | None:
        """How a document's newest version is known; None when there is no such document."""
        row = await self._connection.fetchrow(f"SELECT {_KNOWN} FROM documents WHERE document = $1 ORDER BY version DESC LIMIT 1", document)
        return _known(row) if row else None

    async def measures(self, document: str, version: int) -> list[MeasureKept]:
        """The measures of a version, in its order."""
        rows = await self._connection.fetch(
            "SELECT body, places FROM measures WHERE document = $1 AND version = $2 ORDER BY position", document, version
        )
        return [MeasureKept(MeasureRead.model_validate(row["body"]), row["places"]["title"]) for row in rows]

    async def measure_ids(self, document: str) -> list[str]:
        """Every id that a measure of any version of a document has."""
        rows = await self._connection.fetch("SELECT DISTINCT measure FROM measures WHERE document = $1", document)
        return [row["measure"] for row in rows]

    async def add_document(self, kept: Kept, *, raw: bytes, text: str, names: Names, measures: Sequence[MeasureKept]) -> None:
        """Store a version."""
        places = ", ".join(f"${place}" for place in range(1, len(fields(Kept)) + 4))
        await self._connection.execute(
            f"INSERT INTO documents ({_KEPT}, raw, text, names) VALUES ({places})",
            *(getattr(kept, field.name) for field in fields(Kept)),
            raw,
            text,
            asdict(names),
        )
        await self._connection.execute(
            "INSERT INTO measures (document, version, position, measure, body, places)"
            " SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::jsonb[], $6::jsonb[])",
            kept.document,
            kept.version,
            [measure.said.position for measure in measures],
            [measure.said.measure for measure in measures],
            [measure.said.model_dump() for measure in measures],
            [{"title": [list(run) for run in measure.title_runs]} for measure in measures],
        )

    # repeals ----------------------------------------------------------------------------------------------------------

    async def add_repeals(self, repeals: Sequence[RepealKept]) -> None:
        """Store what a version says it repeals."""
        await self._connection.copy_records_to_table(
            "repeals",
            records=[(r.by, r.version, r.place, r.mention.name, r.mention.number, r.mention.words, r.on, r.repealed) for r in repeals],
            columns=list(_REPEAL),
        )

    async def open_repeals(self) -> list[RepealKept]:
        """What was said to be repealed and is not known yet, the oldest first."""
        rows = await self._connection.fetch("SELECT * FROM repeals WHERE repealed IS NULL ORDER BY seq")
        return [_repeal(row) for row in rows]

    async def settle_repeal(self, repeal: RepealKept) -> None:
        """Note which document a repeal means."""
        await self._connection.execute(
            "UPDATE repeals SET repealed = $4 WHERE by = $1 AND version = $2 AND place = $3",
            repeal.by,
            repeal.version,
            repeal.place,
            repeal.repealed,
        )

    async def repealed(self, documents: Sequence[str]) -> dict[str, RepealKept]:
        """For each of the documents that lost its force, who said so last."""
        rows = await self._connection.fetch(
            "SELECT DISTINCT ON (repealed) * FROM repeals WHERE repealed = ANY($1) AND repealed_on IS NOT NULL ORDER BY repealed, seq DESC",
            list(documents),
        )
        return {row["repealed"]: _repeal(row) for row in rows}

    # deliveries of facts ----------------------------------------------------------------------------------------------

    async def add_delivery(self, delivery: Delivery) -> None:
        """Store a delivery."""
        values = astuple(delivery)
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await self._connection.execute(f"INSERT INTO deliveries ({_DELIVERY}) VALUES ({places})", *values)

    async def delivery(self, delivery: str) -> Delivery | None:
        """A delivery; None when there is none."""
        row = await self._connection.fetchrow(f"SELECT {_DELIVERY} FROM deliveries WHERE delivery = $1", delivery)
        return Delivery(**row) if row else None

    async def deliveries(self, limit: int, *, authority: str | None, before: int | None) -> list[tuple[int, Delivery]]:
        """Deliveries of one authority, or of all, the newest first, each with its place in the list."""
        rows = await self._connection.fetch(
            f"SELECT seq, {_DELIVERY} FROM deliveries WHERE ($1::text IS NULL OR authority = $1) AND ($2::bigint IS NULL OR seq < $2)"
            " ORDER BY seq DESC LIMIT $3",
            authority,
            before,
            limit,
        )
        return [(row["seq"], _value(Delivery, row)) for row in rows]

    async def add_file(self, delivery: str, file: Path, at: datetime) -> None:
        """Store the checked file of a delivery, and let go of those whose events nobody can hear any more."""
        kept = timedelta(seconds=TOPICS["facts.v1"].kept)
        await self._connection.execute("DELETE FROM delivered_files WHERE kept_at < $1", at - kept)
        with file.open("rb") as source:
            for part in count():
                if not (body := source.read(_PART)):
                    break
                await self._connection.execute("INSERT INTO delivered_files VALUES ($1, $2, $3, $4)", delivery, part, at, body)

    async def file_part(self, delivery: str, part: int) -> bytes | None:
        """A part of the checked file of a delivery, from 0; None where there is none."""
        body: bytes | None = await self._connection.fetchval(
            "SELECT body FROM delivered_files WHERE delivery = $1 AND part = $2", delivery, part
        )
        return body

    # sources ----------------------------------------------------------------------------------------------------------

    async def add_source(self, source: Source) -> Source:
        """Watch a page; one that is watched already is given back as it stands."""
        values = [getattr(source, field.name) for field in fields(Source)]
        places = ", ".join(f"${place}" for place in range(1, len(values) + 1))
        await self._connection.execute(f"INSERT INTO sources ({_SOURCE}) VALUES ({places}) ON CONFLICT (url) DO NOTHING", *values)
        row = await self._connection.fetchrow(f"SELECT {_SOURCE} FROM sources WHERE url = $1", source.url)
        return Source(**row)

    async def sources(self, limit: int, *, before: int | None) -> list[tuple[int, Source]]:
        """Watched pages, the newest first, each with its place in the list."""
        rows = await self._connection.fetch(
            f"SELECT seq, {_SOURCE} FROM sources WHERE $1::bigint IS NULL OR seq < $1 ORDER BY seq DESC LIMIT $2", before, limit
        )
        return [(row["seq"], _value(Source, row)) for row in rows]

    async def remove_source(self, source: str) -> bool:
        """Watch a page no more; says whether it was watched."""
        return bool(await self._connection.fetchval("DELETE FROM sources WHERE source = $1 RETURNING true", source))

    async def claim_source(self, now: datetime, until: datetime) -> Source | None:
        """One page that is due, which nobody else gets before `until`."""
        row = await self._connection.fetchrow(
            "UPDATE sources SET due_at = $2 WHERE source = (SELECT source FROM sources WHERE due_at <= $1 ORDER BY due_at LIMIT 1"
            f" FOR UPDATE SKIP LOCKED) RETURNING {_SOURCE}",
            now,
            until,
        )
        return Source(**row) if row else None

    async def settle_source(self, source: Source) -> None:
        """Keep what a look at a page gave; one that is no longer watched stays so."""
        await self._connection.execute(
            "UPDATE sources SET due_at = $2, looked_at = $3, etag = $4, modified = $5, seen = $6, documents = $7, failures = $8,"
            " problem = $9 WHERE source = $1",
            source.source,
            source.due_at,
            source.looked_at,
            source.etag,
            source.modified,
            source.seen,
            source.documents,
            source.failures,
            source.problem,
        )


def _known(row: asyncpg.Record) -> Known:
    said = row["names"]
    names = Names(said["title"], said["number"], said["issuer"], tuple(said["names"]), tuple(said["works"]))
    issued = row["facts"].get("issue_date")
    return Known(row["document"], names, date.fromisoformat(issued) if issued else None, row["status"] == "read", row["measures"])


def _repeal(row: asyncpg.Record) -> RepealKept:
    mention = Mention(row["name"], row["number"], row["words"])
    return RepealKept(row["by"], row["version"], row["place"], mention, row["repealed_on"], row["repealed"])


def _like(words: str | None) -> str | None:
    """A pattern that finds the words anywhere."""
    if not words:
        return None
    for special in ("\\", "%", "_"):
        words = words.replace(special, f"\\{special}")
    return f"%{words}%"


def _value(kind: Any, row: asyncpg.Record) -> Any:
    return kind(**{field.name: row[field.name] for field in fields(kind)})
