"""The second pass: a rank is decided for the whole city at one moment, and stands until the next.

Those moments are the publication, amendment or resumption of a benefit that ranks, and each day's beginning. Between them a changed
fact moves nobody's rank and no match of such a benefit: decided alone, an enterprise would be ranked among figures that are no longer
the others'. A sweep that comes on another day than its ranking leaves such a benefit to that day's own.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from contracts.registry import load_figures, load_registry
from services.chassis.work import Work
from services.policy_match.domain.matches import Key, Match, Offer, ranked
from services.policy_match.domain.population import Population
from services.policy_match.handlers import Matching


async def rank_anew(work: Work[Matching], offers: Collection[Offer]) -> None:
    """Rank the city for those of these benefits that rank, as of today."""
    ranking = [offer for offer in offers if offer.ranks]
    if not ranking:
        return
    city = await work.store.whole_city()
    benefits = [offer.benefit for offer in ranking]
    population = await asyncio.to_thread(ranked, benefits, city, as_of=work.today, registry=load_registry(), figures=load_figures())
    assert population is not None
    await work.store.put_standings(population, work.today, work.now)


@dataclass(frozen=True)
class Decidable:
    """The benefits that can be decided now, what their ranks are taken from, and the ids of those that wait for their ranking."""

    offers: Sequence[Offer]
    population: Population | None
    waiting: frozenset[str]

    def without_waiting(self, matches: Mapping[Key, Match]) -> dict[Key, Match]:
        """These matches but those of benefits that wait: they stand as they are."""
        return {key: match for key, match in matches.items() if key.benefit not in self.waiting}


async def decidable(work: Work[Matching], offers: Sequence[Offer], *, as_of: date | None) -> Decidable:
    """Which of these benefits can be decided with the ranks of a day; with None, those that do not rank."""
    ranking = [offer for offer in offers if offer.ranks]
    if not ranking:
        return Decidable(offers, None, frozenset())
    ranks = {asked for offer in ranking for asked in offer.ranks}
    population = await work.store.population(ranks, as_of) if as_of else Population()
    waiting = frozenset(offer.benefit.id for offer in ranking if not all(asked in population.standings for asked in offer.ranks))
    return Decidable([offer for offer in offers if offer.benefit.id not in waiting], population, waiting)
