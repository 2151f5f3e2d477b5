"""policy_match's tables. Every enterprise row holds its shard: the partition of its USCC on facts.v1."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Identity,
    Index,
    LargeBinary,
    Numeric,
    SmallInteger,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Table(SQLModel, registry=registry()):
    """The tables of this service; each service has a registry of its own, because table names repeat between them."""


def _moment() -> Any:
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=False))


class BenefitRow(Table, table=True):
    """The newest version of a benefit; `matched` when its rule tests a fact."""

    __tablename__ = "benefits"
    __table_args__ = (CheckConstraint("status IN ('published', 'suspended', 'withdrawn', 'expired')"),)
    id: str = Field(primary_key=True, sa_type=Text)
    version: int
    status: str = Field(sa_type=Text)
    matched: bool
    body: dict[str, Any] = Field(sa_type=JSONB)
    traceparent: str | None = Field(default=None, sa_type=Text)
    changed_at: datetime = _moment()


class StatementRow(Table, table=True):
    """What an authority stated of an enterprise in one delivery: true on a day, known on a moment."""

    __tablename__ = "statements"
    __table_args__ = (Index("statements_uscc", "uscc", "known_on"),)
    id: str = Field(primary_key=True, sa_type=Text)
    uscc: str = Field(sa_type=Text)
    authority: str = Field(sa_type=Text)
    delivery: str = Field(sa_type=Text)
    true_on: date
    known_on: datetime = _moment()
    name: str | None = Field(default=None, sa_type=Text)
    facts: dict[str, Any] = Field(sa_type=JSONB)
    records: dict[str, Any] = Field(sa_type=JSONB)


class ProfileRow(Table, table=True):
    """What one authority says of an enterprise now; `stated` is {fact, fact@period or kind: [true_on, known_on]}.

    One fact has one authority, so the parts of an enterprise never meet, and a delivery touches the part of its authority only.
    """

    __tablename__ = "profiles"
    __table_args__ = (Index("profiles_partition", "partition", "revision"),)
    uscc: str = Field(primary_key=True, sa_type=Text)
    authority: str = Field(primary_key=True, sa_type=Text)
    name: str = Field(sa_type=Text)
    partition: int = Field(sa_type=SmallInteger)
    facts: dict[str, Any] = Field(sa_type=JSONB)
    records: dict[str, Any] = Field(sa_type=JSONB)
    stated: dict[str, Any] = Field(sa_type=JSONB)
    changed_at: datetime = _moment()
    revision: int = Field(sa_type=BigInteger)


class ShardRow(Table, table=True):
    """How far the profiles of a shard have come: the revision of the last change, and an epoch that ends when some are taken out."""

    __tablename__ = "shards"
    partition: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    epoch: UUID
    revision: int = Field(sa_type=BigInteger)


class FormerUscc(Table, table=True):
    """A USCC that was replaced."""

    __tablename__ = "former_usccs"
    former: str = Field(primary_key=True, sa_type=Text)
    uscc: str = Field(sa_type=Text)
    since: date


class DisputeRow(Table, table=True):
    """A fact an enterprise says is wrong."""

    __tablename__ = "disputes"
    __table_args__ = (Index("disputes_uscc", "uscc", "at"),)
    id: str = Field(primary_key=True, sa_type=Text)
    uscc: str = Field(sa_type=Text)
    fact: str = Field(sa_type=Text)
    authority: str = Field(sa_type=Text)
    claimed: Any = Field(default=None, sa_column=Column(JSONB, nullable=True))
    reason: str | None = Field(default=None, sa_type=Text)
    at: datetime = _moment()


class MatchRow(Table, table=True):
    """An eligible pair; `since` when it was first found."""

    __tablename__ = "matches"
    __table_args__ = (Index("matches_shard", "partition", "benefit"),)
    uscc: str = Field(primary_key=True, sa_type=Text)
    benefit: str = Field(primary_key=True, sa_type=Text)
    occasion: str = Field(primary_key=True, sa_type=Text)
    version: int
    low: Decimal | None = Field(default=None, sa_type=Numeric(18, 2))
    high: Decimal | None = Field(default=None, sa_type=Numeric(18, 2))
    deadline: date | None = None
    partition: int = Field(sa_type=SmallInteger)
    since: datetime = _moment()


class RunRow(Table, table=True):
    """How a benefit came out over one shard in one sweep."""

    __tablename__ = "runs"
    __table_args__ = (Index("runs_last", "benefit", "partition", "id"),)
    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    benefit: str = Field(sa_type=Text)
    version: int
    partition: int = Field(sa_type=SmallInteger)
    as_of: date
    reason: str = Field(sa_type=Text)
    eligible: int
    ineligible: int
    undetermined: int
    faulty: int
    low: Decimal = Field(sa_type=Numeric(20, 2))
    high: Decimal | None = Field(default=None, sa_type=Numeric(20, 2))
    at: datetime = _moment()


class AnswerRow(Table, table=True):
    """What an enterprise did with a message."""

    __tablename__ = "answers"
    __table_args__ = (
        CheckConstraint("kind IN ('read', 'confirmed', 'declined', 'feedback')"),
        Index("answers_uscc", "uscc", "benefit", "at"),
    )
    id: str = Field(primary_key=True, sa_type=Text)
    uscc: str = Field(sa_type=Text)
    benefit: str = Field(sa_type=Text)
    occasion: str | None = Field(default=None, sa_type=Text)
    message: str | None = Field(default=None, sa_type=Text)
    kind: str = Field(sa_type=Text)
    reason: str | None = Field(default=None, sa_type=Text)
    rating: int | None = None
    not_for_me: bool = False
    at: datetime = _moment()


class DayRow(Table, table=True):
    """A day whose sweep was said."""

    __tablename__ = "days"
    day: date = Field(primary_key=True)
    at: datetime = _moment()


class DeliveryRow(Table, table=True):
    """A bulk file of facts: where it lies, how far it is loaded, and why not further."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'loading', 'loaded')"),
        Index("deliveries_due", "due_at", postgresql_where=text("state <> 'loaded'")),
    )
    delivery: str = Field(primary_key=True, sa_type=Text)
    identity: str = Field(sa_type=Text)
    authority: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    sha256: str = Field(sa_type=Text)
    rows: int
    true_on: date
    known_on: datetime = _moment()
    traceparent: str | None = Field(default=None, sa_type=Text)
    state: str = Field(sa_type=Text)
    due_at: datetime = _moment()
    failures: int
    problem: str | None = Field(default=None, sa_type=Text)
    loaded: int
    changed: int
    left_out: int


class DeliveredShardRow(Table, table=True):
    """The lines of a bulk file that lie in one shard, packed; gone once they are loaded."""

    __tablename__ = "delivered_shards"
    __table_args__ = (ForeignKeyConstraint(["delivery"], ["deliveries.delivery"]),)
    delivery: str = Field(primary_key=True, sa_type=Text)
    partition: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    lines: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class StandingsRow(Table, table=True):
    """The figures ranked for one population test of a benefit on one day, best first, as whole numbers or fractions divided by blanks."""

    __tablename__ = "standings"
    test: bytes = Field(sa_column=Column(LargeBinary, primary_key=True))
    as_of: date
    at: datetime = _moment()
    ascending: bool
    unranked: int
    figures: str = Field(sa_type=Text)


class GapRow(Table, table=True):
    """For how many enterprises of a shard a fact or record kind (`label`) keeps a benefit undetermined, or any where `benefit` is ""."""

    __tablename__ = "gaps"
    __table_args__ = (Index("gaps_authority", "authority", "label"),)
    partition: int = Field(sa_column=Column(SmallInteger, primary_key=True, autoincrement=False))
    label: str = Field(primary_key=True, sa_type=Text)
    benefit: str = Field(primary_key=True, sa_type=Text)
    authority: str | None = Field(default=None, sa_type=Text)
    enterprises: int
    as_of: date


class QuestionsRow(Table, table=True):
    """What an enterprise was asked last; no facts: nothing any more."""

    __tablename__ = "questions"
    __table_args__ = (Index("questions_partition", "partition"),)
    uscc: str = Field(primary_key=True, sa_type=Text)
    partition: int = Field(sa_type=SmallInteger)
    at: datetime = _moment()
    facts: list[str] = Field(sa_column=Column(JSONB, nullable=False))
    benefits: int
    up_to: Decimal | None = Field(default=None, sa_type=Numeric(20, 2))
