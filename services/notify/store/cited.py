"""What messages cite, as it was heard: benefits, documents and claims."""

from collections.abc import Collection, Mapping
from dataclasses import astuple
from datetime import date, datetime
from typing import Any

from contracts.events import ClaimEvent
from contracts.rules import Benefit
from services.chassis.database import Connection, transposed
from services.notify.domain.inbox import Document


class Cited:
    """The queries of what messages cite."""

    _db: Connection

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
            *transposed([astuple(row) for row in rows], 5),
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
            *transposed([(c.claim, c.match, state, c.amount, c.why, at) for c, state, at in rows], 6),
        )

    async def claims(self, match: str) -> list[dict[str, Any]]:
        """The claims of a match, newest first."""
        rows = await self._db.fetch(
            "SELECT id AS claim, state, amount::text AS amount, why, at FROM claims WHERE match = $1 ORDER BY at DESC, id", match
        )
        return [dict(row) for row in rows]
