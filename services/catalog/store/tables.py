"""The tables of catalog, and what queries on them are bound to."""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import ARRAY, BigInteger, Column, ForeignKey, Identity, Index, MetaData, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, TSVECTOR
from sqlmodel import Field, SQLModel

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
    departments: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))


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
    departments: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
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


class AskingRow(Table, table=True):
    """A draft that waits for a model, or waited: when it is asked again, or what came of it and how much was thrown away."""

    __tablename__ = "askings"
    __table_args__ = (Index("askings_of", "document"),)
    benefit: str = Field(sa_column=Column(Text, ForeignKey("benefits.id"), primary_key=True))
    version: int = Field(primary_key=True)
    document: str = Field(sa_type=Text)
    attempts: int
    characters: int
    due_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    outcome: str | None = Field(default=None, sa_type=Text)
    dropped: dict[str, int] | None = Field(default=None, sa_column=Column(JSONB))


class ProposalRow(Table, table=True):
    """A proposal of a model for a draft, its node as JSON text, and what a person decided."""

    __tablename__ = "proposals"
    __table_args__ = (UniqueConstraint("seq"), Index("proposals_of", "benefit", "seq"))
    id: str = Field(primary_key=True, sa_type=Text)
    seq: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), nullable=False))
    benefit: str = Field(sa_column=Column(Text, ForeignKey("benefits.id"), nullable=False))
    version: int
    author: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    quote: str = Field(sa_type=Text)
    node: str = Field(sa_type=Text)
    made_at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))
    decision: str | None = Field(default=None, sa_type=Text)
    decided_by: str | None = Field(default=None, sa_type=Text)
    decided_why: str | None = Field(default=None, sa_type=Text)
    decided_at: datetime | None = Field(default=None, sa_column=Column(TIMESTAMP(timezone=True)))


class ImportRow(Table, table=True):
    """A package of a policy that was taken: whose, its manifest and raw text, and the drafts it became."""

    __tablename__ = "imports"
    __table_args__ = (Index("imports_of", "document", "version"),)
    package: str = Field(primary_key=True, sa_type=Text)
    key: str = Field(sa_type=Text)
    signer: str = Field(sa_type=Text)
    document: str = Field(sa_type=Text)
    version: int
    manifest: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    benefits: list[dict[str, Any]] = Field(sa_column=Column(JSONB, nullable=False))
    brought: bool
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_column=Column(TIMESTAMP(timezone=True), nullable=False))


class Bound:
    """Queries bound to one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
