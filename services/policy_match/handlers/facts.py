"""What authorities state of one enterprise: kept, and decided against every benefit at once."""

from collections.abc import Iterable, Mapping, Sequence

from contracts.events import EnterpriseRenamed, FactDisputed, FactsStated, Payload
from services.chassis.work import Event, Refused, Work
from services.policy_match.domain.matches import Key, Match
from services.policy_match.domain.profile import Profile, Statement, restated, whole
from services.policy_match.handlers import Dispute, Matching, enterprise_of_profile
from services.policy_match.handlers.deciding import decided, say
from services.policy_match.handlers.ranking import decidable

REGISTRAR = "市场监管"
"""The authority that renames enterprises."""


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
        known = await work.store.parts(causes.keys())
        await _redecide(work, _added_up(known, stated), known=known, shard=shard, causes=causes)
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
    await _redecide(work, _added_up({}, history), known={}, shard=shard, causes=causes, lost=before_move)
    return []


async def on_disputes(events: Sequence[Event[FactDisputed]], work: Work[Matching]) -> list[Refused]:
    """Keep that an enterprise disputes a fact; its authority answers, and the answer comes as a statement."""
    await work.store.add_disputes(
        [Dispute(p.dispute, p.uscc, p.fact, p.authority, p.claimed, p.reason, event.time) for event in events for p in (event.payload,)]
    )
    return []


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
    known: Mapping[tuple[str, str], Profile],
    shard: int,
    causes: Mapping[str, Event[Payload]],
    lost: Mapping[Key, Match] | None = None,
) -> None:
    """Keep what was stated and decide these enterprises against every benefit.

    `known` is all that was known of them before; `lost` are matches that end in any case.

    Ranks are left as they were, but those of an enterprise that has lost its matches with its former USCC are found again.
    """
    await work.store.put_parts(parts, shard, work.now)
    usccs = {uscc for uscc, _ in parts}
    found = await decidable(work, await work.store.offers(), as_of=work.today if lost else None)
    before = {**(lost or {}), **found.without_waiting(await work.store.matches(usccs))}
    enterprises = [enterprise_of_profile(profile) for profile in whole({**known, **parts}).values()]
    after, _ = await decided(found.offers, enterprises, work.today, found.population)
    await say(work, before, after, as_of=work.today, partition=shard, cause=lambda match: causes[match.key.uscc])
