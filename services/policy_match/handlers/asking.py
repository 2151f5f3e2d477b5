"""Each day, once a shard is decided: what is missing is counted for its authorities, and enterprises are asked what only they can say."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from contracts.events import AnswerWanted, SweepDue
from contracts.registry import OWN, load_figures, load_registry
from services.chassis.work import Event, Work
from services.policy_match.domain.gaps import Gaps, Wanted, added, gaps_of
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.matches import City, Offer
from services.policy_match.domain.population import Population
from services.policy_match.handlers import Matching

SELDOM = timedelta(days=7)
"""How long an enterprise is left in peace between two questions."""
NOTHING = Wanted((), 0, None)


@dataclass(frozen=True)
class Asked:
    """What an enterprise was asked, and when."""

    at: datetime
    wanted: Wanted


class Asking(Matching, Protocol):
    """The further queries of gaps and questions."""

    async def put_gaps(self, gaps: Gaps, partition: int, as_of: date) -> None:
        """Keep what is missing in a shard, in the place of what was."""

    async def asked(self, partition: int) -> dict[str, Asked]:
        """What the enterprises of a shard were asked last."""

    async def put_asked(self, asked: Mapping[str, Wanted], partition: int, at: datetime) -> None:
        """Keep what enterprises are asked now."""

    async def close_asked(self, usccs: Collection[str]) -> None:
        """Note that enterprises are asked nothing any more; when they were asked last stands."""


async def look_for_gaps(
    work: Work[Asking],
    offers: Sequence[Offer],
    city: City,
    *,
    partition: int,
    as_of: date,
    population: Population | None,
    because: Event[SweepDue],
) -> None:
    """Count what is missing in a shard and ask its enterprises, each at most once a week and only where something is new.

    That nothing is wanted any more is said at once: it is no question.
    """
    gaps = await asyncio.to_thread(_gaps, offers, city, as_of, population)
    await work.store.put_gaps(gaps, partition, as_of)
    before = await work.store.asked(partition)
    said: dict[str, Wanted] = {}
    for uscc, wanted in gaps.wanted.items():
        last = before.get(uscc)
        if last is None or (last.wanted != wanted and work.now - last.at >= SELDOM):
            said[uscc] = wanted
    for uscc, last in before.items():
        if last.wanted.questions and uscc not in gaps.wanted:
            said[uscc] = NOTHING
    for uscc, wanted in said.items():
        answer = AnswerWanted(uscc=uscc, questions=list(wanted.questions), benefits=wanted.benefits, up_to=wanted.up_to, as_of=as_of)
        work.say(answer, because=because)
    kept = {uscc: wanted for uscc, wanted in said.items() if wanted is not NOTHING}
    await work.store.put_asked(kept, partition, work.now)
    await work.store.close_asked([uscc for uscc in said if uscc not in kept])


def _gaps(offers: Sequence[Offer], city: City, as_of: date, population: Population | None) -> Gaps:
    benefits = [offer.benefit for offer in offers]
    registry, figures = load_registry(), load_figures()
    lots = [(city.columns, tuple(city.renewed))]
    if city.renewed:
        lots.append((columns_of(list(city.renewed.values()), registry), ()))
    return added(
        [
            gaps_of(benefits, columns, left_out=left_out, as_of=as_of, registry=registry, figures=figures, own=OWN, population=population)
            for columns, left_out in lots
        ]
    )
