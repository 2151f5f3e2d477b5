"""Decide, and say only what differs from what was remembered."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Literal, Protocol

from contracts.events import MatchChanged, MatchFound, MatchLost, Payload, SweepDue
from contracts.registry import load_figures, load_registry
from services.chassis.work import Event, Work
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.matches import City, Counts, Key, Match, Offer, difference, eligible
from services.policy_match.domain.population import Population
from services.policy_match.handlers import Matching


async def decided(
    offers: Sequence[Offer], city: Sequence[Enterprise] | City, as_of: date, population: Population | None = None
) -> tuple[dict[Key, Match], dict[str, Counts]]:
    """Decide apart from the event loop, which has other partitions and requests to serve."""
    return await asyncio.to_thread(
        eligible, offers, city, as_of=as_of, registry=load_registry(), figures=load_figures(), population=population
    )


TOGETHER = 8192
"""Matches that are written, and said, at once."""


class Cause(Protocol):
    def __call__(self, match: Match, /) -> Event[Payload]: ...


async def say(
    work: Work[Matching], before: Mapping[Key, Match], after: Mapping[Key, Match], *, as_of: date, partition: int, cause: Cause
) -> None:
    """Write the set difference and say it."""
    found, changed, lost = difference(before, after)
    for kind, matches in ((MatchFound, found), (MatchChanged, changed)):
        for some in _lots(matches):
            await work.store.put_matches(some, partition, work.now)
            for match in some:
                uscc, benefit, occasion = match.key
                work.say(
                    kind(
                        match=match.key.id,
                        uscc=uscc,
                        benefit=benefit,
                        version=match.version,
                        occasion=occasion,
                        as_of=as_of,
                        low=match.low,
                        high=match.high,
                        deadline=match.deadline,
                    ),
                    because=cause(match),
                )
            if len(some) == TOGETHER:
                await work.written()
    for some in _lots(lost):
        await work.store.drop_matches([match.key for match in some])
        for match in some:
            uscc, benefit, occasion = match.key
            event = cause(match)
            work.say(
                MatchLost(
                    match=match.key.id,
                    uscc=uscc,
                    benefit=benefit,
                    version=match.version,
                    occasion=occasion,
                    as_of=as_of,
                    reason=_why_lost(event.payload),
                ),
                because=event,
            )
        if len(some) == TOGETHER:
            await work.written()


def _lots(matches: Sequence[Match]) -> Iterator[Sequence[Match]]:
    return (matches[start : start + TOGETHER] for start in range(0, len(matches), TOGETHER))


def _why_lost(cause: Payload) -> Literal["facts", "benefit", "time"]:
    if isinstance(cause, SweepDue):
        return "time" if cause.reason in ("day", "expired") else "benefit"
    return "facts"
