"""Messages in bulk, the inbox by keyset, and what enterprises did with them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple
from datetime import datetime
from functools import lru_cache
from typing import Any

from contracts.rules import Benefit, loads, parse_benefit
from services.chassis.database import Connection, dumps, transposed
from services.notify.domain.inbox import Document, Message
from services.notify.handlers import Asked, Matched
from services.notify.store.tables import AnswerRow

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


class Messages:
    """The queries of messages. A delivery of every change is made in the transaction that makes it, so none is forgotten."""

    _db: Connection

    async def lock(self, partition: int) -> None:
        """Wait until no other transaction writes messages of this partition."""
        await self._db.execute("SELECT pg_advisory_xact_lock(hashtext('zhaoqi.inbox'), $1)", partition)

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
            *transposed([astuple(row) for row in rows], 10),
            at,
        )
        await self._deliver_put(put, at)

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
            *transposed([(r.id, r.uscc, dumps(r.questions), r.benefits, r.up_to, r.as_of, r.traceparent) for r in rows], 7),
            at,
        )
        await self._deliver_put(put, at)

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

    async def _deliver_put(self, put: Sequence[Any], at: datetime) -> None:
        """Of rows with id and made: whether the message is a new one."""
        await self._deliver([row["id"] for row in put if row["made"]], "message.created", at)
        await self._deliver([row["id"] for row in put if not row["made"]], "message.changed", at)

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
