"""Drafts that wait for a model, what was asked about them, and what it proposed."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import asyncpg

from contracts.rules import dumps, loads
from services.catalog.handlers.proposals import Asking, Proposed
from services.catalog.store.tables import Bound

_PROPOSED = tuple(field.name for field in fields(Proposed))


class Proposals(Bound):
    """What a model is asked and what it proposes."""

    async def claim_asking(self, now: datetime, until: datetime) -> Asking | None:
        """A draft that no person has touched and that is due for a model; it is this process's until then. None when there is none."""
        row = await self._connection.fetchrow(
            "SELECT b.id, b.version, b.document, b.body, b.unread, coalesce(a.attempts, 0) AS attempts"
            " FROM benefits b LEFT JOIN askings a ON a.benefit = b.id AND a.version = b.version"
            " WHERE b.pending = 'draft' AND b.authors <@ $2 AND (a.benefit IS NULL OR a.outcome IS NULL AND a.due_at <= $1)"
            " ORDER BY a.due_at NULLS FIRST, b.seq LIMIT 1 FOR UPDATE OF b SKIP LOCKED",
            now,
            ["service:catalog"],
        )
        if row is None:
            return None
        await self._connection.execute(
            "INSERT INTO askings (benefit, version, document, attempts, characters, due_at) VALUES ($1, $2, $3, 0, 0, $4)"
            " ON CONFLICT (benefit, version) DO UPDATE SET due_at = excluded.due_at",
            *(row["id"], row["version"], row["document"], until),
        )
        return Asking(row["id"], row["version"], row["document"], loads(row["body"]), row["unread"], row["attempts"])

    async def spent(self, document: str) -> tuple[int, int]:
        """How often a model was asked about a document, and with how many characters."""
        row = await self._connection.fetchrow(
            "SELECT coalesce(sum(attempts), 0)::int AS calls, coalesce(sum(characters), 0)::int AS characters"
            " FROM askings WHERE document = $1",
            document,
        )
        return (row["calls"], row["characters"]) if row else (0, 0)

    async def ask(self, asking: Asking, characters: int) -> None:
        """Note that a model is asked now, before it is: a process that dies has spent what it sent."""
        await self._connection.execute(
            "UPDATE askings SET attempts = attempts + 1, characters = characters + $3 WHERE benefit = $1 AND version = $2",
            *(asking.benefit, asking.version, characters),
        )

    async def unanswered(self, asking: Asking, due_at: datetime) -> None:
        """Ask again then."""
        await self._connection.execute(
            "UPDATE askings SET due_at = $3 WHERE benefit = $1 AND version = $2", asking.benefit, asking.version, due_at
        )

    async def answered(self, asking: Asking, outcome: str, dropped: Mapping[str, int]) -> None:
        """Note that a draft waits for a model no more, why, and what of the answer was thrown away."""
        await self._connection.execute(
            "UPDATE askings SET outcome = $3, dropped = $4 WHERE benefit = $1 AND version = $2",
            *(asking.benefit, asking.version, outcome, dict(dropped)),
        )

    async def add_proposals(self, proposed: Sequence[Proposed]) -> None:
        """Keep proposals."""
        await self._connection.executemany(
            "INSERT INTO proposals (id, benefit, version, author, kind, quote, node, made_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
            [(one.id, one.benefit, one.version, one.author, one.kind, one.quote, dumps(one.node), one.made_at) for one in proposed],
        )

    async def proposals(self, benefit: str) -> list[Proposed]:
        """Everything that was proposed for a benefit, the oldest first."""
        rows = await self._connection.fetch("SELECT * FROM proposals WHERE benefit = $1 ORDER BY seq", benefit)
        return [_proposed(row) for row in rows]

    async def take_proposal(self, benefit: str, proposal: str) -> Proposed | None:
        """A proposal for a benefit, locked until the transaction ends; None when there is none."""
        row = await self._connection.fetchrow("SELECT * FROM proposals WHERE id = $2 AND benefit = $1 FOR UPDATE", benefit, proposal)
        return _proposed(row) if row else None

    async def decide_proposal(self, proposed: Proposed) -> None:
        """Keep what a person decided."""
        await self._connection.execute(
            "UPDATE proposals SET decision = $2, decided_by = $3, decided_why = $4, decided_at = $5 WHERE id = $1",
            *(proposed.id, proposed.decision, proposed.decided_by, proposed.decided_why, proposed.decided_at),
        )


def _proposed(row: asyncpg.Record) -> Proposed:
    values: dict[str, Any] = {name: row[name] for name in _PROPOSED}
    return Proposed(**values | {"node": loads(row["node"])})
