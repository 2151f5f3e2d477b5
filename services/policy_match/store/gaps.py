"""What is missing, as counted shard by shard, and what enterprises were asked."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from contracts.registry import load_registry
from services.chassis.database import Connection, dumps, transposed
from services.policy_match.domain.gaps import Gaps, Wanted, authority_of
from services.policy_match.handlers.asking import Asked


@dataclass(frozen=True)
class Missing:
    """One fact of one period, or one record kind: for how many enterprises it keeps any benefit undetermined, and for how many each."""

    label: str
    enterprises: int
    benefits: Mapping[str, int]
    as_of: date


class Missings:
    """The queries of gaps."""

    _db: Connection

    async def put_gaps(self, gaps: Gaps, partition: int, as_of: date) -> None:
        """Keep what is missing in a shard, in the place of what was."""
        registry = load_registry()
        rows = [
            (label, benefit, authority_of(label, registry), number)
            for (label, benefit), number in (*gaps.missing.items(), *(((label, ""), number) for label, number in gaps.enterprises.items()))
        ]
        await self._db.execute("DELETE FROM gaps WHERE partition = $1", partition)
        await self._db.execute(
            "INSERT INTO gaps (partition, label, benefit, authority, enterprises, as_of)"
            " SELECT $1, u.label, u.benefit, u.authority, u.number, $2"
            " FROM unnest($3::text[], $4::text[], $5::text[], $6::int[]) AS u(label, benefit, authority, number)",
            partition,
            as_of,
            *transposed(rows, 4),
        )

    async def gaps(self, authority: str, *, limit: int, after: tuple[int, str] | None) -> list[Missing]:
        """What is missing from an authority, that of the most enterprises first; `after` is the number and label of the last one."""
        rows = await self._db.fetch(
            "SELECT label, number, as_of FROM (SELECT label, sum(enterprises)::int AS number, min(as_of) AS as_of FROM gaps"
            " WHERE authority = $1 AND benefit = '' GROUP BY label) AS whole"
            " WHERE $3::int IS NULL OR (-number, label) > (-$3, $4) ORDER BY number DESC, label LIMIT $2",
            authority,
            limit,
            *(after or (None, None)),
        )
        parts = await self._db.fetch(
            "SELECT label, benefit, sum(enterprises)::int AS number FROM gaps WHERE authority = $1 AND benefit <> '' AND label = ANY($2)"
            " GROUP BY label, benefit ORDER BY number DESC, benefit",
            authority,
            [row["label"] for row in rows],
        )
        benefits: dict[str, dict[str, int]] = {}
        for part in parts:
            benefits.setdefault(part["label"], {})[part["benefit"]] = part["number"]
        return [Missing(row["label"], row["number"], benefits.get(row["label"], {}), row["as_of"]) for row in rows]

    async def asked(self, partition: int) -> dict[str, Asked]:
        """What the enterprises of a shard were asked last."""
        rows = await self._db.fetch("SELECT uscc, at, facts, benefits, up_to FROM questions WHERE partition = $1", partition)
        return {row["uscc"]: Asked(row["at"], Wanted(tuple(row["facts"]), row["benefits"], row["up_to"])) for row in rows}

    async def put_asked(self, asked: Mapping[str, Wanted], partition: int, at: datetime) -> None:
        """Keep what enterprises are asked now."""
        rows: Sequence[tuple[object, ...]] = [(uscc, dumps(w.questions), w.benefits, w.up_to) for uscc, w in asked.items()]
        await self._db.execute(
            "INSERT INTO questions (uscc, facts, benefits, up_to, partition, at) SELECT u.uscc, u.facts::jsonb, u.benefits, u.up_to, $5, $6"
            " FROM unnest($1::text[], $2::text[], $3::int[], $4::numeric[]) AS u(uscc, facts, benefits, up_to) ON CONFLICT (uscc) DO UPDATE"
            " SET facts = excluded.facts, benefits = excluded.benefits, up_to = excluded.up_to, partition = excluded.partition,"
            " at = excluded.at",
            *transposed(rows, 4),
            partition,
            at,
        )

    async def close_asked(self, usccs: Collection[str]) -> None:
        """Note that enterprises are asked nothing any more; when they were asked last stands."""
        await self._db.execute("UPDATE questions SET facts = '[]', benefits = 0, up_to = NULL WHERE uscc = ANY($1)", list(usccs))
