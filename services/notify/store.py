"""notify's tables and queries: messages in bulk, the inbox by keyset, webhooks with their deliveries and attempts.

A webhook delivery is a row made in the transaction that changes its message, so none is forgotten; `claim` gives due rows to one
process for a while, and `settle` writes what became of them.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, DateTime, Identity, Index, Numeric, Text, UniqueConstraint, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

from contracts.events import ClaimEvent
from contracts.rules import Benefit, loads, parse_benefit
from services.chassis.database import Connection, dumps
from services.notify.domain.delivery import Delivery, Tried, Webhook
from services.notify.domain.inbox import Document, Message
from services.notify.handlers import Asked, Matched

CLAIMED = timedelta(seconds=60)
"""How long a process may take to send a delivery it claimed; a crash gives it back after this."""


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


_MESSAGE = """
    SELECT m.id, m.uscc, m.benefit, m.occasion, m.version, m.low, m.high, m.deadline, m.as_of, m.status, m.withdrawn_because,
           m.seq, m.traceparent, m.created_at, m.updated_at, m.questions, m.benefits, b.body::text AS body, b.status AS standing,
           d.id AS doc, d.version AS doc_version, d.title AS doc_title, d.doc_number, d.issuer, d.repealed_on
    FROM messages m
    LEFT JOIN benefits b ON b.id = m.benefit
    LEFT JOIN documents d ON d.id = b.body #>> '{source,document}'
"""


@lru_cache(maxsize=2048)
def _benefit(body: str) -> Benefit:
    """A kept benefit, parsed once per text."""
    return parse_benefit(loads(body))


def _message(row: Any) -> Message:
    values = dict(row)
    body = values.pop("body")
    document = Document(
        values.pop("doc"), values.pop("doc_version"), values.pop("doc_title"), values.pop("doc_number"), values.pop("issuer")
    )
    return Message(**values, about=_benefit(body) if body else None, document=document if document.id else None)


class Store:
    """The queries, bound to one connection's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection

    # what the handlers write --------------------------------------------------------------------------------------------

    async def lock(self, partition: int) -> None:
        """Wait until no other transaction writes messages of this partition."""
        await self._db.execute("SELECT pg_advisory_xact_lock(hashtext('zhaoqi.inbox'), $1)", partition)

    async def keep_benefits(self, rows: Collection[tuple[Benefit, int, str]], at: datetime) -> None:
        """Keep (benefit, version, status), unless a newer version is known."""
        await self._db.execute(
            "INSERT INTO benefits (id, version, status, body, changed_at)"
            " SELECT i, v, s, b, $5 FROM unnest($1::text[], $2::int[], $3::text[], $4::jsonb[]) AS u(i, v, s, b)"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, status = excluded.status, body = excluded.body,"
            " changed_at = excluded.changed_at WHERE benefits.version <= excluded.version",
            [benefit.id for benefit, _, _ in rows],
            [version for _, version, _ in rows],
            [status for _, _, status in rows],
            [benefit.model_dump(by_alias=True) for benefit, _, _ in rows],
            at,
        )

    async def keep_documents(self, rows: Collection[Document]) -> None:
        """Keep documents, unless a newer version is known."""
        await self._db.execute(
            "INSERT INTO documents (id, version, title, doc_number, issuer)"
            " SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::text[], $5::text[])"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, title = excluded.title, doc_number = excluded.doc_number,"
            " issuer = excluded.issuer WHERE documents.version <= excluded.version",
            *_columns([astuple(row) for row in rows], 5),
        )

    async def repeal_documents(self, rows: Mapping[str, date]) -> None:
        """Keep the day on which documents lost their force."""
        await self._db.execute(
            "UPDATE documents SET repealed_on = u.day FROM unnest($1::text[], $2::date[]) AS u(id, day) WHERE documents.id = u.id",
            list(rows),
            list(rows.values()),
        )

    async def keep_claims(self, rows: Collection[tuple[ClaimEvent, str, datetime]]) -> None:
        """Keep (claim, state, since)."""
        await self._db.execute(
            "INSERT INTO claims (id, match, state, amount, why, at)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::numeric[], $5::text[], $6::timestamptz[])"
            " ON CONFLICT (id) DO UPDATE SET state = excluded.state, amount = coalesce(excluded.amount, claims.amount),"
            " why = excluded.why, at = excluded.at",
            *_columns([(c.claim, c.match, state, c.amount, c.why, at) for c, state, at in rows], 6),
        )

    async def put(self, rows: Collection[Matched], at: datetime) -> None:
        """One message per match, new or changed, and a delivery of it to every webhook."""
        put = await self._db.fetch(
            "INSERT INTO messages (id, uscc, benefit, occasion, version, low, high, deadline, as_of, traceparent, status, created_at,"
            " updated_at) SELECT u.*, 'new', $11, $11 FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::int[],"
            " $6::numeric[], $7::numeric[], $8::date[], $9::date[], $10::text[]) AS u"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, low = excluded.low, high = excluded.high,"
            " deadline = excluded.deadline, as_of = excluded.as_of, traceparent = excluded.traceparent, updated_at = $11,"
            " status = CASE messages.status WHEN 'withdrawn' THEN 'new' ELSE messages.status END, withdrawn_because = NULL,"
            " seq = nextval('message_seq')"
            " RETURNING id, xmax = 0 AS made",
            *_columns([astuple(row) for row in rows], 10),
            at,
        )
        await self._deliver([row["id"] for row in put if row["made"]], "message.created", at)
        await self._deliver([row["id"] for row in put if not row["made"]], "message.changed", at)

    async def ask(self, rows: Collection[Asked], at: datetime) -> None:
        """One message per enterprise that is asked, new or changed, and a delivery of it to every webhook."""
        put = await self._db.fetch(
            "INSERT INTO messages (id, uscc, benefit, occasion, version, questions, benefits, high, as_of, traceparent, status, created_at,"
            " updated_at) SELECT u.id, u.uscc, '', '', 1, u.questions::jsonb, u.benefits, u.high, u.as_of, u.trace, 'new', $8, $8"
            " FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::numeric[], $6::date[], $7::text[])"
            " AS u(id, uscc, questions, benefits, high, as_of, trace)"
            " ON CONFLICT (id) DO UPDATE SET version = messages.version + 1, questions = excluded.questions, benefits = excluded.benefits,"
            " high = excluded.high, as_of = excluded.as_of, traceparent = excluded.traceparent, updated_at = $8, status = 'new',"
            " withdrawn_because = NULL, seq = nextval('message_seq') RETURNING id, xmax = 0 AS made",
            *_columns([(r.id, r.uscc, dumps(r.questions), r.benefits, r.up_to, r.as_of, r.traceparent) for r in rows], 7),
            at,
        )
        await self._deliver([row["id"] for row in put if row["made"]], "message.created", at)
        await self._deliver([row["id"] for row in put if not row["made"]], "message.changed", at)

    async def withdraw(self, lost: Mapping[str, str], at: datetime) -> None:
        """Mark the messages of lost matches (match -> reason), and a delivery of each to every webhook."""
        rows = await self._db.fetch(
            "UPDATE messages SET status = 'withdrawn', withdrawn_because = u.reason, updated_at = $3, seq = nextval('message_seq')"
            " FROM unnest($1::text[], $2::text[]) AS u(id, reason) WHERE messages.id = u.id AND status <> 'withdrawn'"
            " RETURNING messages.id",
            list(lost),
            list(lost.values()),
            at,
        )
        await self._deliver([row["id"] for row in rows], "message.withdrawn", at)

    async def _deliver(self, messages: Sequence[str], kind: str, at: datetime) -> None:
        if not messages:
            return
        await self._db.execute(
            "INSERT INTO deliveries (webhook, id, message, body, state, due, traceparent, created_at)"
            " SELECT w.id, m.id || '.' || m.seq, m.id, jsonb_build_object('type', $2::text, 'timestamp', $3::timestamptz, 'data',"
            "  jsonb_build_object('message', m.id, 'seq', m.seq, 'uscc', m.uscc, 'benefit', m.benefit, 'version', m.version,"
            "  'occasion', m.occasion, 'low', m.low::text, 'high', m.high::text, 'deadline', m.deadline, 'status', m.status,"
            "  'as_of', m.as_of)"
            "  || CASE WHEN m.questions IS NULL THEN '{}' ELSE jsonb_build_object('questions', m.questions) END),"
            "  'waiting', $3, m.traceparent, $3"
            " FROM webhooks w CROSS JOIN messages m WHERE w.removed_at IS NULL AND m.id = ANY($1)",
            messages,
            kind,
            at,
        )

    # the inbox ----------------------------------------------------------------------------------------------------------

    async def inbox(self, uscc: str, *, after: tuple[datetime, str] | None, limit: int, status: str | None) -> list[Message]:
        """An enterprise's messages, newest first, from behind (created_at, id)."""
        rows = await self._db.fetch(
            _MESSAGE + " WHERE m.uscc = $1 AND ($2::timestamptz IS NULL OR (m.created_at, m.id) < ($2, $3))"
            " AND ($4::text IS NULL OR m.status = $4) ORDER BY m.created_at DESC, m.id DESC LIMIT $5",
            uscc,
            *(after or (None, None)),
            status,
            limit,
        )
        return [_message(row) for row in rows]

    async def message(self, uscc: str, message: str) -> Message | None:
        """One message of an enterprise."""
        row = await self._db.fetchrow(_MESSAGE + " WHERE m.uscc = $1 AND m.id = $2", uscc, message)
        return _message(row) if row else None

    async def changed(self, after: Mapping[str, int]) -> list[Message]:
        """What changed in these inboxes (USCC -> last seq seen), in the order of the changes."""
        rows = await self._db.fetch(
            _MESSAGE + " JOIN unnest($1::text[], $2::bigint[]) AS u(uscc, seq) ON m.uscc = u.uscc AND m.seq > u.seq ORDER BY m.seq",
            list(after),
            list(after.values()),
        )
        return [_message(row) for row in rows]

    async def last_seq(self, uscc: str) -> int:
        """The seq of the newest change in an inbox; 0 when it is empty."""
        return int(await self._db.fetchval("SELECT coalesce(max(seq), 0) FROM messages WHERE uscc = $1", uscc))

    async def claims(self, match: str) -> list[dict[str, Any]]:
        """The claims of a match, newest first."""
        rows = await self._db.fetch(
            "SELECT id AS claim, state, amount::text AS amount, why, at FROM claims WHERE match = $1 ORDER BY at DESC, id", match
        )
        return [dict(row) for row in rows]

    async def answer(self, message: Message, *, kind: str, status: str | None, at: datetime) -> int:
        """Write a message's new status (None: it stays), and a delivery of it to every webhook; returns its seq."""
        if status is None:
            return message.seq
        seq: int = await self._db.fetchval(
            "UPDATE messages SET status = $2, updated_at = $3, seq = nextval('message_seq') WHERE id = $1 RETURNING seq",
            message.id,
            status,
            at,
        )
        await self._deliver([message.id], f"message.{kind}", at)
        return seq

    async def keep_answer(self, row: AnswerRow) -> None:
        """Keep what an enterprise did with a message."""
        await self._db.execute(
            "INSERT INTO answers (id, message, kind, rating, not_for_me, words, by, at) VALUES ($1,$2,$3,$4,$5,$6,$7,$8)",
            row.id,
            row.message,
            row.kind,
            row.rating,
            row.not_for_me,
            row.words,
            row.by,
            row.at,
        )

    async def ledger(self, benefit: str | None, *, after: str, limit: int) -> list[dict[str, Any]]:
        """Which message exists for whom since when, in the order of ids from behind `after`."""
        rows = await self._db.fetch(
            "SELECT id, uscc, benefit, occasion, version, as_of, status, withdrawn_because, created_at, updated_at, traceparent"
            " FROM messages WHERE id > $2 AND ($1::text IS NULL OR benefit = $1) ORDER BY id LIMIT $3",
            benefit,
            after,
            limit,
        )
        return [dict(row) for row in rows]

    # webhooks -----------------------------------------------------------------------------------------------------------

    async def add_webhook(self, webhook: Webhook) -> None:
        """Register an address."""
        await self._db.execute(
            "INSERT INTO webhooks (id, principal, url, generation, rotated_at, created_at) VALUES ($1,$2,$3,$4,$5,$6)", *astuple(webhook)
        )

    async def webhooks(self, principal: str | None = None) -> list[Webhook]:
        """The addresses in use, of one principal or of all."""
        rows = await self._db.fetch(
            "SELECT id, principal, url, generation, rotated_at, created_at FROM webhooks"
            " WHERE removed_at IS NULL AND ($1::text IS NULL OR principal = $1) ORDER BY id",
            principal,
        )
        return [Webhook(**dict(row)) for row in rows]

    async def rotate(self, webhook: str, at: datetime) -> int:
        """Give a webhook its next secret; returns the generation."""
        generation: int = await self._db.fetchval(
            "UPDATE webhooks SET generation = generation + 1, rotated_at = $2 WHERE id = $1 RETURNING generation", webhook, at
        )
        return generation

    async def remove_webhook(self, webhook: str, at: datetime) -> None:
        """Stop using an address; what waits for it is given up."""
        await self._db.execute("UPDATE webhooks SET removed_at = $2 WHERE id = $1", webhook, at)
        await self._db.execute("UPDATE deliveries SET state = 'failed' WHERE webhook = $1 AND state = 'waiting'", webhook)

    async def attempts(self, webhook: str, *, before: int | None, limit: int) -> list[dict[str, Any]]:
        """Tries of a webhook, newest first, from behind id `before`."""
        rows = await self._db.fetch(
            "SELECT a.id, a.delivery, a.status, a.error, a.milliseconds, a.at, d.state, d.tries,"
            " CASE d.state WHEN 'waiting' THEN d.due END AS next_at FROM attempts a"
            " JOIN deliveries d ON d.webhook = a.webhook AND d.id = a.delivery"
            " WHERE a.webhook = $1 AND ($2::bigint IS NULL OR a.id < $2) ORDER BY a.id DESC LIMIT $3",
            webhook,
            before,
            limit,
        )
        return [dict(row) for row in rows]

    async def replay(self, webhook: str, *, since: datetime | None, at: datetime) -> int:
        """Send again: what failed, or everything made since a moment; returns how many."""
        done: str = await self._db.execute(
            "UPDATE deliveries SET state = 'waiting', tries = 0, due = $3"
            " WHERE webhook = $1 AND CASE WHEN $2::timestamptz IS NULL THEN state = 'failed' ELSE created_at >= $2 END",
            webhook,
            since,
            at,
        )
        return int(done.split()[-1])

    async def claim(self, at: datetime, limit: int) -> list[Delivery]:
        """Due deliveries, for this process alone until CLAIMED has passed."""
        rows = await self._db.fetch(
            "WITH due AS (SELECT webhook, id FROM deliveries WHERE state = 'waiting' AND due <= $1 ORDER BY due LIMIT $2"
            " FOR UPDATE SKIP LOCKED)"
            " UPDATE deliveries d SET due = $3 FROM due, webhooks w WHERE d.webhook = due.webhook AND d.id = due.id AND w.id = d.webhook"
            " RETURNING d.id AS delivery, d.body, d.tries, d.traceparent, w.id, w.principal, w.url, w.generation, w.rotated_at,"
            " w.created_at",
            at,
            limit,
            at + CLAIMED,
        )
        return [
            Delivery(
                Webhook(row["id"], row["principal"], row["url"], row["generation"], row["rotated_at"], row["created_at"]),
                row["delivery"],
                row["body"],
                row["tries"],
                row["traceparent"],
            )
            for row in rows
        ]

    async def settle(self, tried: Sequence[Tried]) -> None:
        """Write a row per attempt and how each delivery goes on."""
        await self._db.execute(
            "INSERT INTO attempts (webhook, delivery, status, error, milliseconds, at)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::int[], $4::text[], $5::int[], $6::timestamptz[])",
            *_columns([(t.webhook, t.delivery, t.status, t.error, t.milliseconds, t.at) for t in tried], 6),
        )
        await self._db.execute(
            "UPDATE deliveries d SET state = CASE WHEN w.removed_at IS NULL THEN u.state ELSE 'failed' END, tries = d.tries + 1,"
            " due = coalesce(u.due, d.due) FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS u(webhook, id, state, due)"
            " JOIN webhooks w ON w.id = u.webhook WHERE d.webhook = u.webhook AND d.id = u.id",
            *_columns([(t.webhook, t.delivery, t.state, t.due) for t in tried], 4),
        )


def _columns(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns, the form `unnest` takes; so many empty columns when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]
