"""Webhooks, their deliveries and attempts: `claim` gives due deliveries to one process for a while, `settle` writes what became of them."""

from collections.abc import Sequence
from dataclasses import astuple
from datetime import datetime, timedelta
from typing import Any

from services.chassis.database import Connection, transposed
from services.notify.domain.delivery import Delivery, Tried, Webhook

CLAIMED = timedelta(seconds=60)
"""How long a process may take to send a delivery it claimed; a crash gives it back after this."""


class Webhooks:
    """The queries of webhooks."""

    _db: Connection

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
            *transposed([(t.webhook, t.delivery, t.status, t.error, t.milliseconds, t.at) for t in tried], 6),
        )
        await self._db.execute(
            "UPDATE deliveries d SET state = CASE WHEN w.removed_at IS NULL THEN u.state ELSE 'failed' END, tries = d.tries + 1,"
            " due = coalesce(u.due, d.due) FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[]) AS u(webhook, id, state, due)"
            " JOIN webhooks w ON w.id = u.webhook WHERE d.webhook = u.webhook AND d.id = u.id",
            *transposed([(t.webhook, t.delivery, t.state, t.due) for t in tried], 4),
        )
