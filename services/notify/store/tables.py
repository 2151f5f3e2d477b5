"""The tables of notify."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel


class Table(SQLModel, registry=registry()):
    """The tables of this service; each service has a registry of its own, because table names repeat between them."""


def _moment(*, null: bool = False) -> Any:
    return Field(default=None, sa_column=Column(DateTime(timezone=True), nullable=null))


class BenefitRow(Table, table=True):
    """The newest version of a benefit and how it stands."""

    __tablename__ = "benefits"
    id: str = Field(primary_key=True, sa_type=Text)
    version: int
    status: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_type=JSONB)
    changed_at: datetime = _moment()


class DocumentRow(Table, table=True):
    """What messages cite of a document."""

    __tablename__ = "documents"
    id: str = Field(primary_key=True, sa_type=Text)
    version: int
    title: str = Field(sa_type=Text)
    doc_number: str | None = Field(default=None, sa_type=Text)
    issuer: str | None = Field(default=None, sa_type=Text)
    repealed_on: date | None = None


class ClaimRow(Table, table=True):
    """Where a claim stands."""

    __tablename__ = "claims"
    __table_args__ = (Index("claims_match", "match"),)
    id: str = Field(primary_key=True, sa_type=Text)
    match: str = Field(sa_type=Text)
    state: str = Field(sa_type=Text)
    amount: Decimal | None = Field(default=None, sa_type=Numeric(18, 2))
    why: str | None = Field(default=None, sa_type=Text)
    at: datetime = _moment()


class MessageRow(Table, table=True):
    """One message: what an enterprise is told of one match, whose `id` it has, or what it is asked; `seq` grows with every change."""

    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("uscc", "benefit", "occasion"),
        CheckConstraint("status IN ('new', 'read', 'confirmed', 'declined', 'withdrawn')"),
        Index("messages_ledger", "benefit", "id"),
    )
    id: str = Field(primary_key=True, sa_type=Text)
    uscc: str = Field(sa_type=Text)
    benefit: str = Field(sa_type=Text)
    occasion: str = Field(sa_type=Text)
    version: int
    low: Decimal | None = Field(default=None, sa_type=Numeric(18, 2))
    high: Decimal | None = Field(default=None, sa_type=Numeric(18, 2))
    deadline: date | None = None
    as_of: date
    status: str = Field(sa_type=Text)
    withdrawn_because: str | None = Field(default=None, sa_type=Text)
    seq: int = Field(sa_column=Column(BigInteger, nullable=False, server_default=text("nextval('message_seq')")))
    traceparent: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = _moment()
    updated_at: datetime = _moment()
    questions: list[str] | None = Field(default=None, sa_column=Column(JSONB(none_as_null=True), nullable=True))
    benefits: int | None = None


class AnswerRow(Table, table=True):
    """What an enterprise did with a message."""

    __tablename__ = "answers"
    __table_args__ = (CheckConstraint("kind IN ('read', 'confirmed', 'declined', 'feedback')"), Index("answers_message", "message", "at"))
    id: str = Field(primary_key=True, sa_type=Text)
    message: str = Field(foreign_key="messages.id", sa_type=Text)
    kind: str = Field(sa_type=Text)
    rating: int | None = None
    not_for_me: bool = False
    words: str | None = Field(default=None, sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = _moment()


class WebhookRow(Table, table=True):
    """Where a platform hears of messages. Its secrets are derived from its id and `generation`, and stand in no table."""

    __tablename__ = "webhooks"
    id: str = Field(primary_key=True, sa_type=Text)
    principal: str = Field(sa_type=Text)
    url: str = Field(sa_type=Text)
    generation: int = 1
    rotated_at: datetime | None = _moment(null=True)
    created_at: datetime = _moment()
    removed_at: datetime | None = _moment(null=True)


class DeliveryRow(Table, table=True):
    """One webhook's telling of one change of a message; `id` is the `webhook-id` a receiver deduplicates by."""

    __tablename__ = "deliveries"
    __table_args__ = (
        CheckConstraint("state IN ('waiting', 'delivered', 'failed')"),
        Index("deliveries_due", "due", postgresql_where=text("state = 'waiting'")),
    )
    webhook: str = Field(foreign_key="webhooks.id", primary_key=True, sa_type=Text)
    id: str = Field(primary_key=True, sa_type=Text)
    message: str = Field(sa_type=Text)
    body: dict[str, Any] = Field(sa_type=JSONB)
    state: str = Field(sa_type=Text)
    tries: int = 0
    due: datetime = _moment()
    traceparent: str | None = Field(default=None, sa_type=Text)
    created_at: datetime = _moment()


class AttemptRow(Table, table=True):
    """One try of a delivery: the HTTP status, or what went wrong."""

    __tablename__ = "attempts"
    __table_args__ = (Index("attempts_webhook", "webhook", "id"),)
    id: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    webhook: str = Field(foreign_key="webhooks.id", sa_type=Text)
    delivery: str = Field(sa_type=Text)
    status: int | None = None
    error: str | None = Field(default=None, sa_type=Text)
    milliseconds: int
    at: datetime = _moment()
