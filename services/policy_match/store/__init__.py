"""policy_match's tables and queries: bulk statements on whole shards, and the few rows one enterprise is shown.

Every enterprise row holds its shard: the partition of its USCC on facts.v1.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from contracts.rules import Benefit, loads, parse_benefit
from services.chassis.database import Connection, transposed
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.matches import City, Key, Match, Offer
from services.policy_match.domain.profile import Profile, Statement, whole
from services.policy_match.handlers import Answer, Dispute, Kept, Run
from services.policy_match.store.deliveries import Deliveries
from services.policy_match.store.gaps import Missings
from services.policy_match.store.rows import profile_of, stated_of
from services.policy_match.store.shards import city_of
from services.policy_match.store.standings import Standings


@dataclass(frozen=True)
class Standing:
    """A match as an enterprise sees it: since when, with its newest answer (read, confirmed, declined)."""

    match: Match
    since: datetime
    answer: str | None


MANY_OFFERS = 4096
"""So many versions of offered benefits are held before those no longer offered are let go."""
_OFFERS: dict[tuple[Any, ...], Offer] = {}  # by id, version, and the moment and transaction that wrote the row


@lru_cache(maxsize=64)
def _benefit(body: str) -> Benefit:
    """A kept benefit, parsed once per text."""
    return parse_benefit(loads(body))


def _match(row: Any) -> Match:
    return Match(Key(row["uscc"], row["benefit"], row["occasion"]), row["version"], row["low"], row["high"], row["deadline"])


class Store(Deliveries, Standings, Missings):
    """The queries, bound to one connection's transaction."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        self._changed = False  # whether this transaction changed profiles, which it may still take back

    async def lock_shards(self, partitions: Iterable[int]) -> None:
        """Wait until no other transaction decides enterprises of these shards; in their order, so that two never wait in a ring."""
        for partition in sorted(partitions):
            await self._db.execute("SELECT pg_advisory_xact_lock(hashtext('zhaoqi.shard'), $1)", partition)

    # benefits -----------------------------------------------------------------------------------------------------------

    async def keep_benefits(self, rows: Collection[Kept], at: datetime) -> set[str]:
        """Keep benefits unless a newer version is known; returns the ids of those kept."""
        kept = await self._db.fetch(
            "INSERT INTO benefits (id, version, status, matched, body, traceparent, changed_at)"
            " SELECT u.*, $7 FROM unnest($1::text[], $2::int[], $3::text[], $4::bool[], $5::jsonb[], $6::text[]) AS u"
            " ON CONFLICT (id) DO UPDATE SET version = excluded.version, status = excluded.status, matched = excluded.matched,"
            " body = excluded.body, traceparent = excluded.traceparent, changed_at = excluded.changed_at"
            " WHERE benefits.version <= excluded.version RETURNING id",
            *transposed(
                [(r.benefit.id, r.version, r.status, r.matched, r.benefit.model_dump(by_alias=True), r.traceparent) for r in rows], 6
            ),
            at,
        )
        return {row["id"] for row in kept}

    async def offers(self, benefits: Collection[str] | None = None) -> list[Offer]:
        """The published benefits that are matched, of these ids or all."""
        return await self._offers("matched AND ($1::text[] IS NULL OR id = ANY($1))", None if benefits is None else list(benefits))

    async def general(self) -> list[Offer]:
        """The published benefits whose rule tests no fact: listed for all, pushed to no one."""
        return await self._offers("NOT matched")

    async def _offers(self, which: str, *values: object) -> list[Offer]:
        """Read only those of which this version of the row is not held in memory."""
        row = "id, version, changed_at, xmin::text AS written"
        rows = await self._db.fetch(f"SELECT {row} FROM benefits WHERE status = 'published' AND {which} ORDER BY id", *values)
        places = [tuple(found) for found in rows]
        unread = {place[0]: place for place in places if place not in _OFFERS}
        if unread:
            if len(_OFFERS) > MANY_OFFERS:
                for gone in _OFFERS.keys() - set(places):
                    del _OFFERS[gone]
            for found in await self._db.fetch(f"SELECT {row}, body::text AS body FROM benefits WHERE id = ANY($1)", list(unread)):
                place = tuple(found)[:4]
                unread[place[0]] = place  # changed a moment ago, perhaps
                _OFFERS[place] = Offer(_benefit(found["body"]), found["version"])
        return [_OFFERS[unread.get(place[0], place)] for place in places]

    async def benefit(self, benefit: str) -> Offer | None:
        """A benefit, however it stands."""
        row = await self._db.fetchrow("SELECT body::text AS body, version FROM benefits WHERE id = $1", benefit)
        return Offer(_benefit(row["body"]), row["version"]) if row else None

    async def benefit_status(self, benefit: str) -> str | None:
        """How a benefit stands: published, suspended, withdrawn, expired."""
        return await self._db.fetchval("SELECT status FROM benefits WHERE id = $1", benefit)  # type: ignore[no-any-return]

    # enterprises --------------------------------------------------------------------------------------------------------

    async def enterprises(self, partition: int | None = None) -> list[Enterprise]:
        """Every enterprise of a shard, or of the city."""
        rows = await self._db.fetch(
            "SELECT uscc, name, facts, records FROM profiles WHERE $1::int IS NULL OR partition = $1 ORDER BY uscc, authority", partition
        )
        city: dict[str, tuple[list[str], dict[str, Any], dict[str, Any]]] = {}
        for row in rows:
            names, facts, records = city.setdefault(row["uscc"], ([], {}, {}))
            names.append(row["name"])
            facts.update(row["facts"])
            records.update(row["records"])
        return [Enterprise(uscc, max(names), facts, records) for uscc, (names, facts, records) in city.items()]

    async def shards(self) -> list[int]:
        """The shards in which there are enterprises."""
        return [row["partition"] for row in await self._db.fetch("SELECT partition FROM shards ORDER BY partition")]

    async def city(self, partition: int) -> City:
        """The enterprises of a shard as columns. They are held in memory, and only what changed since is read."""
        return await city_of(self._db, partition, hold=not self._changed)

    async def profiles(self, usccs: Collection[str]) -> dict[str, Profile]:
        """Those of these enterprises that are known."""
        return whole(await self.parts(usccs))

    async def parts(self, usccs: Collection[str]) -> dict[tuple[str, str], Profile]:
        """What each authority says of these enterprises."""
        rows = await self._db.fetch("SELECT uscc, authority, name, facts, records, stated FROM profiles WHERE uscc = ANY($1)", list(usccs))
        return {(row["uscc"], row["authority"]): profile_of(row, row["facts"], row["records"]) for row in rows}

    async def put_parts(self, parts: Mapping[tuple[str, str], Profile], partition: int, at: datetime) -> None:
        """Keep what authorities say of enterprises."""
        if not parts:
            return
        self._changed = True
        await self._db.execute(
            "WITH shard AS (INSERT INTO shards VALUES ($7, gen_random_uuid(), 1)"
            " ON CONFLICT (partition) DO UPDATE SET revision = shards.revision + 1 RETURNING revision)"
            " INSERT INTO profiles (uscc, authority, name, facts, records, stated, partition, changed_at, revision)"
            " SELECT u.*, $7, $8, shard.revision"
            " FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::jsonb[], $6::jsonb[]) AS u, shard"
            " ON CONFLICT (uscc, authority) DO UPDATE SET name = excluded.name, facts = excluded.facts, records = excluded.records,"
            " stated = excluded.stated, changed_at = excluded.changed_at, revision = excluded.revision",
            *transposed([(p.uscc, of, p.name, dict(p.facts), dict(p.records), stated_of(p)) for (_, of), p in parts.items()], 6),
            partition,
            at,
        )

    async def add_statements(self, statements: Collection[Statement]) -> None:
        """Keep statements, once each."""
        await self._db.execute(
            "INSERT INTO statements (id, uscc, authority, delivery, true_on, known_on, name, facts, records)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::timestamptz[], $7::text[],"
            " $8::jsonb[], $9::jsonb[]) ON CONFLICT (id) DO NOTHING",
            *transposed(
                [
                    (s.id, s.uscc, s.authority, s.delivery, s.true_on, s.known_on, s.name, dict(s.facts), dict(s.records))
                    for s in statements
                ],
                9,
            ),
        )

    async def statements(self, uscc: str) -> list[Statement]:
        """All statements about an enterprise, in the order in which they became known."""
        rows = await self._db.fetch(
            "SELECT id, uscc, authority, delivery, true_on, known_on, name, facts, records FROM statements"
            " WHERE uscc = $1 ORDER BY known_on, id",
            uscc,
        )
        return [Statement(**dict(row)) for row in rows]

    async def formers(self, usccs: Collection[str]) -> dict[str, str]:
        """Those of these USCCs that were replaced, with the one in force."""
        rows = await self._db.fetch("SELECT former, uscc FROM former_usccs WHERE former = ANY($1)", list(usccs))
        return {row["former"]: row["uscc"] for row in rows}

    async def partitions(self, usccs: Collection[str]) -> dict[str, int]:
        """The shards of the known ones of these enterprises."""
        rows = await self._db.fetch("SELECT DISTINCT uscc, partition FROM profiles WHERE uscc = ANY($1)", list(usccs))
        return {row["uscc"]: row["partition"] for row in rows}

    async def move(self, moves: Mapping[str, tuple[str, date]]) -> None:
        """Give what is kept under a former USCC to its successor (former -> USCC, since)."""
        if not moves:
            return
        former, uscc, since = list(moves), [uscc for uscc, _ in moves.values()], [since for _, since in moves.values()]
        await self._db.execute(
            "INSERT INTO former_usccs (former, uscc, since) SELECT * FROM unnest($1::text[], $2::text[], $3::date[])"
            " ON CONFLICT (former) DO UPDATE SET uscc = excluded.uscc, since = excluded.since",
            former,
            uscc,
            since,
        )
        for table in ("statements", "disputes", "answers"):
            await self._db.execute(
                f"UPDATE {table} t SET uscc = u.uscc FROM unnest($1::text[], $2::text[]) AS u(former, uscc) WHERE t.uscc = u.former",
                former,
                uscc,
            )
        self._changed = True
        await self._db.execute(
            "WITH gone AS (DELETE FROM profiles WHERE uscc = ANY($1) RETURNING partition)"
            " UPDATE shards SET epoch = gen_random_uuid() WHERE partition IN (SELECT partition FROM gone)",
            former,
        )

    # matches ------------------------------------------------------------------------------------------------------------

    async def matched(self, partition: int) -> set[str]:
        """The benefits for which somebody of a shard is remembered."""
        return {row["benefit"] for row in await self._db.fetch("SELECT DISTINCT benefit FROM matches WHERE partition = $1", partition)}

    async def shard_matches(self, partition: int, benefits: Collection[str]) -> dict[Key, Match]:
        """The matches of a shard for these benefits."""
        rows = await self._db.fetch(
            "SELECT uscc, benefit, occasion, version, low, high, deadline FROM matches WHERE partition = $1 AND benefit = ANY($2)",
            partition,
            list(benefits),
        )
        return {match.key: match for match in map(_match, rows)}

    async def matches(self, usccs: Collection[str]) -> dict[Key, Match]:
        """The matches of these enterprises."""
        rows = await self._db.fetch(
            "SELECT uscc, benefit, occasion, version, low, high, deadline FROM matches WHERE uscc = ANY($1)", list(usccs)
        )
        return {match.key: match for match in map(_match, rows)}

    async def put_matches(self, matches: Collection[Match], partition: int, at: datetime) -> None:
        """Keep new and changed matches."""
        if matches:
            await self._db.execute(
                "INSERT INTO matches (uscc, benefit, occasion, version, low, high, deadline, partition, since)"
                " SELECT u.*, $8, $9 FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::numeric[], $6::numeric[],"
                " $7::date[]) AS u ON CONFLICT (uscc, benefit, occasion) DO UPDATE SET version = excluded.version,"
                " low = excluded.low, high = excluded.high, deadline = excluded.deadline",
                *transposed([(*m.key, m.version, m.low, m.high, m.deadline) for m in matches], 7),
                partition,
                at,
            )

    async def drop_matches(self, keys: Collection[Key]) -> None:
        """Forget matches."""
        if keys:
            await self._db.execute(
                "DELETE FROM matches m USING unnest($1::text[], $2::text[], $3::text[]) AS u(uscc, benefit, occasion)"
                " WHERE m.uscc = u.uscc AND m.benefit = u.benefit AND m.occasion = u.occasion",
                *transposed(list(keys), 3),
            )

    async def standing(self, uscc: str) -> list[Standing]:
        """The matches of one enterprise with its answers, newest first."""
        rows = await self._db.fetch(
            "SELECT m.*, a.kind AS answer FROM matches m LEFT JOIN LATERAL ("
            "  SELECT kind FROM answers a WHERE a.uscc = m.uscc AND a.benefit = m.benefit AND a.occasion = m.occasion"
            "  ORDER BY at DESC, id DESC LIMIT 1) a ON true WHERE m.uscc = $1 ORDER BY m.since DESC, m.benefit",
            uscc,
        )
        return [Standing(_match(row), row["since"], row["answer"]) for row in rows]

    async def add_runs(self, runs: Collection[Run], at: datetime) -> None:
        """Keep the counts of a sweep."""
        await self._db.execute(
            "INSERT INTO runs (benefit, version, partition, as_of, reason, eligible, ineligible, undetermined, faulty, low, high, at)"
            " SELECT u.*, $12 FROM unnest($1::text[], $2::int[], $3::int[], $4::date[], $5::text[], $6::int[], $7::int[], $8::int[],"
            " $9::int[], $10::numeric[], $11::numeric[]) AS u",
            *transposed([(r.benefit, r.version, r.partition, r.as_of, r.reason, *astuple(r.counts)) for r in runs], 11),
            at,
        )

    async def last_run(self, benefit: str) -> dict[str, Any] | None:
        """The counts of the last sweep of each shard, added up."""
        row = await self._db.fetchrow(
            "SELECT max(version) AS version, max(as_of) AS as_of, max(at) AS at, count(*) AS shards, sum(eligible) AS eligible,"
            " sum(ineligible) AS ineligible, sum(undetermined) AS undetermined, sum(faulty) AS faulty, sum(low) AS low,"
            " CASE WHEN bool_and(high IS NOT NULL) THEN sum(high) END AS high"
            " FROM (SELECT DISTINCT ON (partition) * FROM runs WHERE benefit = $1 ORDER BY partition, id DESC) last",
            benefit,
        )
        return dict(row) if row and row["shards"] else None

    # what else is heard -------------------------------------------------------------------------------------------------

    async def add_disputes(self, disputes: Collection[Dispute]) -> None:
        """Keep disputes, once each."""
        await self._db.execute(
            "INSERT INTO disputes (id, uscc, fact, authority, claimed, reason, at) SELECT * FROM unnest($1::text[], $2::text[],"
            " $3::text[], $4::text[], $5::jsonb[], $6::text[], $7::timestamptz[]) ON CONFLICT (id) DO NOTHING",
            *transposed([astuple(dispute) for dispute in disputes], 7),
        )

    async def disputes(self, uscc: str) -> list[Dispute]:
        """The disputes of an enterprise, newest first."""
        rows = await self._db.fetch(
            "SELECT id, uscc, fact, authority, claimed, reason, at FROM disputes WHERE uscc = $1 ORDER BY at DESC, id", uscc
        )
        return [Dispute(**dict(row)) for row in rows]

    async def add_answers(self, answers: Collection[Answer]) -> None:
        """Keep answers, once each."""
        await self._db.execute(
            "INSERT INTO answers (id, uscc, benefit, occasion, message, kind, reason, rating, not_for_me, at)"
            " SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::int[],"
            " $9::bool[], $10::timestamptz[]) ON CONFLICT (id) DO NOTHING",
            *transposed([astuple(answer) for answer in answers], 10),
        )

    async def begin_day(self, day: date, at: datetime) -> bool:
        """Note that a day's sweep was said; False when it was before."""
        return bool(await self._db.fetchval("INSERT INTO days (day, at) VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true", day, at))
