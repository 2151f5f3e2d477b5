"""What policy_match does with each event: a new benefit is decided against every enterprise, a changed fact against every benefit.

No pair is lost between the two, because both are decided under the lock of the enterprise's shard: a fact that changes while a benefit
is published sees the new benefit, or is seen by the benefit's sweep, which comes after the commit that stored it. What is said is the
set difference between what was remembered and what is decided now, so a repetition says nothing.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, Protocol

from contracts.events import (
    BenefitAmended,
    BenefitConfirmed,
    BenefitDeclined,
    BenefitEvent,
    BenefitExpired,
    BenefitPublished,
    BenefitResumed,
    BenefitSuspended,
    BenefitWithdrawn,
    EnterpriseRenamed,
    FactDisputed,
    FactsStated,
    FeedbackGiven,
    MatchChanged,
    MatchFound,
    MatchLost,
    MessageRead,
    Payload,
    SweepDue,
)
from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit, tests_a_fact
from contracts.topics import TOPICS
from services.chassis.work import Event, Refused, Work
from services.policy_match.domain.enterprise import Enterprise, enterprise_of
from services.policy_match.domain.matches import City, Counts, Key, Match, Offer, difference, eligible
from services.policy_match.domain.profile import Profile, Statement, restated

SHARDS = TOPICS["sweeps.v1"].partitions
REGISTRAR = "市场监管"
"""The authority that renames enterprises."""

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
AnswerEvent = MessageRead | BenefitConfirmed | BenefitDeclined | FeedbackGiven
ANSWERS: Mapping[type[Payload], str] = {
    MessageRead: "read",
    BenefitConfirmed: "confirmed",
    BenefitDeclined: "declined",
    FeedbackGiven: "feedback",
}


@dataclass(frozen=True)
class Kept:
    """A benefit as it is kept: `matched` when its rule tests a fact, so that it is pushed; the others are listed for all."""

    benefit: Benefit
    version: int
    status: str
    matched: bool
    traceparent: str | None


@dataclass(frozen=True)
class Run:
    """The counts of one benefit over one shard."""

    benefit: str
    version: int
    partition: int
    as_of: date
    reason: str
    counts: Counts


@dataclass(frozen=True)
class Dispute:
    """An enterprise says that a fact is wrong."""

    id: str
    uscc: str
    fact: str
    authority: str
    claimed: Any
    reason: str | None
    at: datetime


@dataclass(frozen=True)
class Answer:
    """What an enterprise did with a message."""

    id: str
    uscc: str
    benefit: str
    occasion: str | None
    message: str | None
    kind: str
    reason: str | None
    rating: int | None
    not_for_me: bool
    at: datetime


class Matching(Protocol):
    """The queries the handlers need, bound to one transaction."""

    async def lock_shards(self, partitions: Iterable[int]) -> None:
        """Wait until no other transaction decides enterprises of these shards."""

    async def keep_benefits(self, rows: Collection[Kept], at: datetime) -> set[str]:
        """Keep benefits unless a newer version is known; returns the ids of those kept."""

    async def offers(self, benefits: Collection[str] | None = None) -> list[Offer]:
        """The published benefits that are matched, of these ids or all."""

    async def city(self, partition: int) -> City:
        """Every enterprise of a shard."""

    async def profiles(self, usccs: Collection[str]) -> dict[str, Profile]:
        """Those of these enterprises that are known."""

    async def parts(self, usccs: Collection[str], authorities: Collection[str] | None = None) -> dict[tuple[str, str], Profile]:
        """What these authorities, or all, say of these enterprises."""

    async def put_parts(self, parts: Mapping[tuple[str, str], Profile], partition: int, at: datetime) -> None:
        """Keep what authorities say of enterprises."""

    async def add_statements(self, statements: Collection[Statement]) -> None:
        """Keep statements, once each."""

    async def statements(self, uscc: str) -> list[Statement]:
        """All statements about an enterprise, in the order in which they became known."""

    async def formers(self, usccs: Collection[str]) -> dict[str, str]:
        """Those of these USCCs that were replaced, with the one in force."""

    async def partitions(self, usccs: Collection[str]) -> dict[str, int]:
        """The shards of the known ones of these enterprises."""

    async def move(self, moves: Mapping[str, tuple[str, date]]) -> None:
        """Give what is kept under a former USCC to its successor (former -> USCC, since)."""

    async def shard_matches(self, partition: int, benefits: Collection[str] | None) -> dict[Key, Match]:
        """The matches of a shard, for these benefits or all."""

    async def matches(self, usccs: Collection[str]) -> dict[Key, Match]:
        """The matches of these enterprises."""

    async def put_matches(self, matches: Collection[Match], partition: int, at: datetime) -> None:
        """Keep new and changed matches."""

    async def drop_matches(self, keys: Collection[Key]) -> None:
        """Forget matches."""

    async def add_runs(self, runs: Collection[Run], at: datetime) -> None:
        """Keep the counts of a sweep."""

    async def add_disputes(self, disputes: Collection[Dispute]) -> None:
        """Keep disputes, once each."""

    async def add_answers(self, answers: Collection[Answer]) -> None:
        """Keep answers, once each."""

    async def begin_day(self, day: date, at: datetime) -> bool:
        """Note that a day's sweep was said; False when it was before."""


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
    for benefit, event in newest.items():
        if benefit in kept:
            reason = AFTER[type(event.payload)][1]
            for shard in range(SHARDS):
                due = SweepDue(partition=shard, benefit=benefit, version=event.payload.version, as_of=work.today, reason=reason)
                work.say(due, because=event)
    return []


async def on_day(work: Work[Matching]) -> None:
    """Have everything decided anew for this day, once: ages are reached, windows open, validity ends."""
    if await work.store.begin_day(work.today, work.now) and await work.store.offers():
        for shard in range(SHARDS):
            work.say(SweepDue(partition=shard, as_of=work.today, reason="day"))


async def on_sweeps(events: Sequence[Event[SweepDue]], work: Work[Matching]) -> list[Refused]:
    """Decide the enterprises of a shard against the benefits that are due, and say what changed."""
    shards = sorted({event.payload.partition for event in events})
    await work.store.lock_shards(shards)
    for shard in shards:
        await _sweep(shard, [event for event in events if event.payload.partition == shard], work)
    return []


async def _sweep(shard: int, events: Sequence[Event[SweepDue]], work: Work[Matching]) -> None:
    causes = {event.payload.benefit: event for event in events}
    every = causes.get(None)
    due = None if every else [name for name in causes if name is not None]
    as_of = max(work.today, *(event.payload.as_of for event in events))  # a sweep that waited is decided for the present day
    offers = await work.store.offers(due)
    before = await work.store.shard_matches(shard, due)
    if not offers and not before:
        return
    after, counts = await _decided(offers, await work.store.city(shard) if offers else (), as_of)

    def cause(match: Match) -> Event[SweepDue]:
        found = causes.get(match.key.benefit, every)
        assert found is not None
        return found

    await _say(work, before, after, as_of=as_of, partition=shard, cause=cause)
    version = {offer.benefit.id: offer.version for offer in offers}
    reasons = {name: (causes.get(name) or events[-1]).payload.reason for name in version}
    await work.store.add_runs([Run(name, version[name], shard, as_of, reasons[name], counts[name]) for name in version], work.now)


async def on_facts(events: Sequence[Event[FactsStated]], work: Work[Matching]) -> list[Refused]:
    """Keep what authorities stated and decide these enterprises against every benefit; say only what changed."""
    shard = events[0].partition
    await work.store.lock_shards([shard])
    replaced = await work.store.formers({event.payload.uscc for event in events})
    refused = [
        Refused(event, "the enterprise has a new USCC since it was re-registered; state its facts under that one")
        for event in events
        if event.payload.uscc in replaced
    ]
    causes = {event.payload.uscc: event for event in events if event.payload.uscc not in replaced}
    stated = [
        Statement(
            id=f"{event.source}/{event.id}",
            uscc=event.payload.uscc,
            authority=event.payload.authority,
            delivery=event.payload.delivery or event.id,
            true_on=event.payload.true_on,
            known_on=event.time,
            name=event.payload.name,
            facts=event.payload.facts,
            records=event.payload.records,
        )
        for event in events
        if event.payload.uscc not in replaced
    ]
    if stated:
        await work.store.add_statements(stated)
        known = await work.store.parts(causes.keys(), {statement.authority for statement in stated})
        await _redecide(work, _added_up(known, stated), shard=shard, causes=causes)
    return refused


async def on_renamed(events: Sequence[Event[EnterpriseRenamed]], work: Work[Matching]) -> list[Refused]:
    """An enterprise keeps its identity: its name is updated, and what is kept under a former USCC moves to the new one."""
    shard = events[0].partition
    moves = {
        event.payload.former_uscc: (event.payload.uscc, event.payload.renamed_on)
        for event in events
        if event.payload.former_uscc and event.payload.former_uscc != event.payload.uscc
    }
    await work.store.lock_shards({shard, *(await work.store.partitions(moves)).values()})
    before_move = await work.store.matches(moves)
    await work.store.move(moves)
    causes: dict[str, Event[Payload]] = {}
    stated = []
    for event in events:
        renamed = event.payload
        causes[renamed.uscc] = event
        if renamed.former_uscc:
            causes[renamed.former_uscc] = event
        identity = f"{event.source}/{event.id}"
        stated.append(Statement(identity, renamed.uscc, REGISTRAR, identity, renamed.renamed_on, event.time, name=renamed.name))
    await work.store.add_statements(stated)
    history = [statement for uscc in {statement.uscc for statement in stated} for statement in await work.store.statements(uscc)]
    await _redecide(work, _added_up({}, history), shard=shard, causes=causes, lost=before_move)
    return []


async def on_disputes(events: Sequence[Event[FactDisputed]], work: Work[Matching]) -> list[Refused]:
    """Keep that an enterprise disputes a fact; its authority answers, and the answer comes as a statement."""
    await work.store.add_disputes(
        [Dispute(p.dispute, p.uscc, p.fact, p.authority, p.claimed, p.reason, event.time) for event in events for p in (event.payload,)]
    )
    return []


async def on_answers(events: Sequence[Event[AnswerEvent]], work: Work[Matching]) -> list[Refused]:
    """Keep what enterprises answered."""
    await work.store.lock_shards({event.partition for event in events})
    await work.store.add_answers([_answer(event) for event in events])
    return []


def _answer(event: Event[AnswerEvent]) -> Answer:
    said = event.payload
    feedback = said if isinstance(said, FeedbackGiven) else None
    return Answer(
        id=f"{event.source}/{event.id}",
        uscc=said.uscc,
        benefit=said.benefit,
        occasion=None if isinstance(said, FeedbackGiven) else said.occasion,
        message=said.message,
        kind=ANSWERS[type(said)],
        reason=said.reason if isinstance(said, BenefitDeclined) else None,
        rating=feedback.rating if feedback else None,
        not_for_me=feedback.not_for_me if feedback else False,
        at=feedback.given_at if feedback else event.time,
    )


def _added_up(known: Mapping[tuple[str, str], Profile], statements: Iterable[Statement]) -> dict[tuple[str, str], Profile]:
    """What each authority says of each enterprise after these statements, taken in their order."""
    groups: dict[tuple[str, str], list[Statement]] = {}
    for statement in statements:
        groups.setdefault((statement.uscc, statement.authority), []).append(statement)
    return {place: restated(known.get(place, Profile(place[0])), group) for place, group in groups.items()}


async def _redecide(
    work: Work[Matching],
    parts: Mapping[tuple[str, str], Profile],
    *,
    shard: int,
    causes: Mapping[str, Event[Payload]],
    lost: Mapping[Key, Match] | None = None,
) -> None:
    """Keep what was stated and decide these enterprises against every benefit; `lost` are matches that end in any case."""
    await work.store.put_parts(parts, shard, work.now)
    usccs = {uscc for uscc, _ in parts}
    offers = await work.store.offers()
    before = {**(lost or {}), **await work.store.matches(usccs)}
    profiles = await work.store.profiles(usccs) if offers else {}
    after, _ = await _decided(offers, [enterprise_of_profile(profile) for profile in profiles.values()], work.today)
    await _say(work, before, after, as_of=work.today, partition=shard, cause=lambda match: causes[match.key.uscc])


def enterprise_of_profile(profile: Profile) -> Enterprise:
    """The enterprise as the domain decides it, with the moments at which its facts became known."""
    given = {"uscc": profile.uscc, "name": profile.name, "facts": dict(profile.facts), "records": dict(profile.records)}
    return replace(enterprise_of(given), known_at=profile.known_at())


async def _decided(offers: Sequence[Offer], city: Sequence[Enterprise] | City, as_of: date) -> tuple[dict[Key, Match], dict[str, Counts]]:
    """Decide apart from the event loop, which has other partitions and requests to serve."""
    return await asyncio.to_thread(eligible, offers, city, as_of=as_of, registry=load_registry(), figures=load_figures())


class _Cause(Protocol):
    def __call__(self, match: Match, /) -> Event[Payload]: ...


async def _say(
    work: Work[Matching], before: Mapping[Key, Match], after: Mapping[Key, Match], *, as_of: date, partition: int, cause: _Cause
) -> None:
    """Write the set difference and say it."""
    found, changed, lost = difference(before, after)
    await work.store.put_matches([*found, *changed], partition, work.now)
    await work.store.drop_matches([match.key for match in lost])
    for kind, matches in ((MatchFound, found), (MatchChanged, changed)):
        for match in matches:
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
    for match in lost:
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


def _why_lost(cause: Payload) -> Literal["facts", "benefit", "time"]:
    if isinstance(cause, SweepDue):
        return "time" if cause.reason in ("day", "expired") else "benefit"
    return "facts"
