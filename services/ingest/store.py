"""What ingest keeps: documents with their bytes, text and measures; deliveries of facts with what came of them."""

from collections.abc import Sequence
from dataclasses import astuple, fields
from datetime import datetime
from typing import Any, ClassVar

import asyncpg
from sqlalchemy import BigInteger, Column, ForeignKeyConstraint, Identity, Index, LargeBinary, MetaData, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP
from sqlmodel import Field, SQLModel

from services.chassis.database import Connection
from services.ingest.handlers import Delivery, Kept, Source


class Table(SQLModel):
    """The tables of this service, apart from those of its neighbours in one test process."""

    metadata: ClassVar[MetaData] = MetaData()


class DocumentRow(Table, table=True):
    """A version of a document."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("seq"),)
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


_SOURCE = ", ".join(field.name for field in fields(Source))
_KEPT = ", ".join(field.name for field in fields(Kept))
_DELIVERY = ", ".join(field.name for field in fields(Delivery))


class Store:
    """The queries of ingest, bound to one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def document(self, document: str) -> Kept | None:
        """The newest version of a document; None when there is none."""
        row = await self._connection.fetchrow(f"SELECT {_KEPT} FROM documents WHERE document = $1 ORDER BY version DESC LIMIT 1", document)
        return Kept(**row) if row else None

    async def text(self, document: str) -> str | None:
        """The raw text of the newest version, which all spans count in; None when there is no such document."""
        text: str | None = await self._connection.fetchval(
            "SELECT text FROM documents WHERE document = $1 ORDER BY version DESC LIMIT 1", document
        )
        return text

    async def documents(self, limit: int, *, before: int | None) -> list[tuple[int, Kept]]:
        """Documents, the newest first, each with its place in the list."""
        rows = await self._connection.fetch(
            f"SELECT seq, {_KEPT} FROM documents WHERE $1::bigint IS NULL OR seq < $1 ORDER BY seq DESC LIMIT $2", before, limit
        )
        return [(row["seq"], _value(Kept, row)) for row in rows]

    async def add_document(self, kept: Kept, *, raw: bytes, text: str, measures: Sequence[dict[str, Any]]) -> bool:
        """Store a version; False when it is there already, and then nothing changes."""
        added = await self._connection.fetchval(
            f"INSERT INTO documents ({_KEPT}, raw, text) VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12)"
            " ON CONFLICT DO NOTHING RETURNING true",
            *(getattr(kept, field.name) for field in fields(Kept)),
            raw,
            text,
        )
        if added:
            await self._connection.execute(
                "INSERT INTO measures (document, version, position, measure, body)"
                " SELECT $1, $2, * FROM unnest($3::int[], $4::text[], $5::jsonb[])",
                kept.document,
                kept.version,
                [measure["position"] for measure in measures],
                [measure["measure"] for measure in measures],
                list(measures),
            )
        return bool(added)

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


def _value(kind: Any, row: asyncpg.Record) -> Any:
    return kind(**{field.name: row[field.name] for field in fields(kind)})
