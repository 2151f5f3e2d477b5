"""A benefit that is published or changed, and a day that begins: every shard is decided against what is due."""

from collections.abc import Mapping, Sequence
from typing import Literal

from contracts.events import (
    BenefitAmended,
    BenefitEvent,
    BenefitExpired,
    BenefitPublished,
    BenefitResumed,
    BenefitSuspended,
    BenefitWithdrawn,
    SweepDue,
)
from contracts.rules import tests_a_fact
from services.chassis.work import Event, Refused, Work, takes_turns
from services.policy_match.domain.matches import Counts, Match
from services.policy_match.handlers import SHARDS, Kept, Matching, Run
from services.policy_match.handlers.asking import Asking, look_for_gaps
from services.policy_match.handlers.deciding import decided, say
from services.policy_match.handlers.ranking import decidable, rank_anew

Reason = Literal["published", "amended", "suspended", "resumed", "withdrawn", "expired"]
AFTER: Mapping[type[BenefitEvent], tuple[str, Reason]] = {
    BenefitPublished: ("published", "published"),
    BenefitAmended: ("published", "amended"),
    BenefitResumed: ("published", "resumed"),
    BenefitSuspended: ("suspended", "suspended"),
    BenefitWithdrawn: ("withdrawn", "withdrawn"),
    BenefitExpired: ("expired", "expired"),
}
"""How a benefit stands after each of its events, and why it is swept."""

TOGETHER = 48
"""Benefits of which the matches of a shard are held at the same time."""


async def on_benefits(events: Sequence[Event[BenefitEvent]], work: Work[Matching]) -> list[Refused]:
    """Keep each benefit and have every shard decided against it."""
    newest = {event.payload.benefit.id: event for event in events}
    kept = await work.store.keep_benefits(
        [
            Kept(
                event.payload.benefit,
                event.payload.version,
                AFTER[type(event.payload)][0],
                tests_a_fact(event.payload.benefit.rule),
                work.trace_of(event),
            )
            for event in newest.values()
        ],
        work.now,
    )
    await rank_anew(work, await work.store.offers(kept))
    for benefit, event in newest.items():
        if benefit in kept:
            reason = AFTER[type(event.payload)][1]
            for shard in range(SHARDS):
                due = SweepDue(partition=shard, benefit=benefit, version=event.payload.version, as_of=work.today, reason=reason)
                work.say(due, because=event)
    return []


async def on_day(work: Work[Matching]) -> None:
    """Have everything decided anew for this day, once: ages are reached, windows open, validity ends."""
    if not await work.store.begin_day(work.today, work.now):
        return
    if offers := await work.store.offers():
        await rank_anew(work, offers)
        await work.store.forget_standings(work.today)
        for shard in range(SHARDS):
            work.say(SweepDue(partition=shard, as_of=work.today, reason="day"))


@takes_turns
async def on_sweeps(events: Sequence[Event[SweepDue]], work: Work[Asking]) -> list[Refused]:
    """Decide the enterprises of a shard against the benefits that are due, and say what changed."""
    shards = sorted({event.payload.partition for event in events})
    await work.store.lock_shards(shards)
    for shard in shards:
        await _sweep(shard, [event for event in events if event.payload.partition == shard], work)
    return []


async def _sweep(shard: int, events: Sequence[Event[SweepDue]], work: Work[Asking]) -> None:
    causes = {event.payload.benefit: event for event in events}
    every = causes.get(None)
    due = None if every else [name for name in causes if name is not None]
    as_of = max(work.today, *(event.payload.as_of for event in events))  # a sweep that waited is decided for the present day
    found = await decidable(work, await work.store.offers(due), as_of=as_of)
    offers = found.offers
    offered = {offer.benefit.id: offer.version for offer in offers}
    matched = await work.store.matched(shard) if every else {name for name in causes if name is not None}
    over = matched - offered.keys() - found.waiting  # of which nobody is eligible any more
    city = await work.store.city(shard) if offers else None
    counts: dict[str, Counts] = {}

    def cause(match: Match) -> Event[SweepDue]:
        event = causes.get(match.key.benefit, every)
        assert event is not None
        return event

    lots = [offers[start : start + TOGETHER] for start in range(0, len(offers), TOGETHER)]
    for names, some in (*(([offer.benefit.id for offer in lot], lot) for lot in lots), (sorted(over), ())):
        before = await work.store.shard_matches(shard, names)
        after, counted = await decided(some, city or (), as_of, found.population) if some else ({}, {})
        await say(work, before, after, as_of=as_of, partition=shard, cause=cause)
        counts |= counted
    reasons = {name: (causes.get(name) or events[-1]).payload.reason for name in offered}
    await work.store.add_runs([Run(name, offered[name], shard, as_of, reasons[name], counts[name]) for name in offered], work.now)
    if every and city:
        await look_for_gaps(work, offers, city, partition=shard, as_of=as_of, population=found.population, because=every)
