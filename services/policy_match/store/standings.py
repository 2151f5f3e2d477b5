"""Where the city's enterprises stand for population tests, as it was found on one day; held in memory once read."""

import asyncio
from collections.abc import Iterable
from datetime import date, datetime
from fractions import Fraction
from hashlib import sha256
from uuid import UUID

from contracts.rules import PopulationTest
from services.chassis.database import Connection, dumps
from services.policy_match.domain.interpreter import Ranked
from services.policy_match.domain.matches import City
from services.policy_match.domain.population import Population, Standing
from services.policy_match.store.shards import city_of

_HELD: dict[tuple[bytes, datetime], Standing] = {}


class Standings:
    """The queries of standings."""

    _db: Connection
    _changed: bool

    async def whole_city(self) -> list[City]:
        """Every shard, read one after the other; anew if an enterprise went from one to another meanwhile."""
        while True:
            epochs = await self._epochs()
            city = [await city_of(self._db, partition, hold=not self._changed) for partition in sorted(epochs)]
            if await self._epochs() == epochs:
                return city

    async def _epochs(self) -> dict[int, UUID]:
        return {row["partition"]: row["epoch"] for row in await self._db.fetch("SELECT partition, epoch FROM shards")}

    async def put_standings(self, population: Population, as_of: date, at: datetime) -> None:
        """Keep where enterprises stand on a day."""
        await self._db.executemany(
            "INSERT INTO standings (test, as_of, at, ascending, unranked, figures) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (test)"
            " DO UPDATE SET as_of = excluded.as_of, at = excluded.at, unranked = excluded.unranked, figures = excluded.figures",
            [
                (_key(*ranked), as_of, at, standing.ascending, standing.unranked, " ".join(map(str, standing.figures)))
                for ranked, standing in population.standings.items()
            ],
        )

    async def forget_standings(self, before: date) -> None:
        """Let go of what stood before a day."""
        await self._db.execute("DELETE FROM standings WHERE as_of < $1", before)

    async def population(self, ranks: Iterable[Ranked], as_of: date) -> Population:
        """Where enterprises stand on a day, for those of these of which that is known."""
        wanted = {_key(*ranked): ranked for ranked in ranks}
        if not wanted:
            return Population()
        rows = await self._db.fetch("SELECT test, at FROM standings WHERE test = ANY($1) AND as_of = $2", list(wanted), as_of)
        return Population({wanted[row["test"]]: await self._standing(row["test"], row["at"]) for row in rows})

    async def _standing(self, key: bytes, at: datetime) -> Standing:
        held = _HELD.get((key, at))
        if held is None:
            row = await self._db.fetchrow("SELECT ascending, unranked, figures FROM standings WHERE test = $1 AND at = $2", key, at)
            assert row is not None, "standings are written before the sweeps that read them, and these are one's at a time"
            figures = await asyncio.to_thread(lambda: [Fraction(text) for text in row["figures"].split()])
            held = Standing(figures, row["ascending"], row["unranked"])
            for former in [place for place in _HELD if place[0] == key]:
                del _HELD[former]
            _HELD[key, at] = held
        return held


def _key(benefit: str, test: PopulationTest) -> bytes:
    """What a test of a benefit is kept by: the hash of how it is written, and whose it is."""
    return sha256(dumps([benefit, test.model_dump(by_alias=True, exclude_none=True)]).encode()).digest()
