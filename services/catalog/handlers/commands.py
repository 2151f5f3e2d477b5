"""What officers and the clock do with a benefit: edit it, take it through review, let it expire."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from contracts import events
from contracts.rules import dumps, loads, parse_benefit
from services.catalog.domain import review
from services.catalog.domain.review import Action, Standing
from services.catalog.handlers import Awaiting, Kept, Officer, Simulation, Store, Unclean, entry_of, known_departments
from services.catalog.handlers.checking import check, look
from services.chassis.work import Work

CLOCK = Officer("service:catalog", frozenset())
"""The passing of time acts as the service itself."""


class Stale(Exception):
    """A change that was made against another version than the newest."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the newest version is {version}")
        self.version = version


async def edit(benefit: str, given: Mapping[str, Any], work: Work[Store], *, by: Officer, version: int, why: str = "") -> Kept | None:
    """Replace what is pending of a benefit; None when there is no such benefit.

    Raises Refusal, Stale when `version` is not the newest, RuleError when it is not of the language.
    """
    kept = await work.store.take_benefit(benefit)
    if kept is None:
        return None
    standing, _ = _may(kept, "edit", by, version)
    parsed = parse_benefit({**given, "id": benefit})
    after = replace(kept, standing=standing, version=kept.version + 1, body=dumps(parsed), changed_at=work.now)
    await work.store.put_benefit(after, entry_of(kept, after, "edit", by, why, work, body=after.body))
    return after


async def act(
    benefit: str, action: Action, work: Work[Store], *, by: Officer, why: str, version: int | None, simulation: Simulation
) -> Kept | None:
    """Take a step of the review and say what follows from it; None when there is no such benefit.

    What is to be published is checked before its row is locked, so that nobody waits for the matcher, and must be the same after.
    Raises Refusal, Stale, and, when it would be published, Unclean or Unavailable.
    """
    if action == "publish":
        seen = await work.store.benefit(benefit)
        if seen is None:
            return None
        _may(seen, action, by, version)
        checks = await check(await look(seen, work.store), simulation, reach=False)
        if not checks.clean:
            raise Unclean(checks)
        version = seen.version
    kept = await work.store.take_benefit(benefit)
    if kept is None:
        return None
    standing, event = _may(kept, action, by, version)
    after = replace(kept, standing=standing, changed_at=work.now)
    if action == "publish":
        after = replace(after, offered=kept.body, offered_version=kept.version)
    await work.store.put_benefit(after, entry_of(kept, after, action, by, why, work, event=event))
    if action in ("publish", "withdraw"):
        await work.store.settle(benefit, work.now, by=by.name, why=why)
    if event is not None:
        _say(event, after, work, by=by, why=why)
    return after


def _may(kept: Kept, action: Action, by: Officer, version: int | None) -> tuple[Standing, str | None]:
    """Where a benefit stands after a step, and the event to say. Raises Refusal, Stale."""
    _must_be_theirs(kept, by)
    if version is not None and version != kept.version:
        raise Stale(kept.version)
    return review.take(kept.standing, action, by=by.name, roles=by.roles)


def _must_be_theirs(kept: Kept, by: Officer) -> None:
    """A benefit is its departments' business; one whose document names none is everybody's. Raises Refusal."""
    responsible = known_departments().named(loads(kept.body).get("department"))
    if by.departments is not None and responsible and not by.departments & set(responsible):
        raise review.Refusal("not-allowed", f"这一事项由{'、'.join(responsible)}负责；请由该部门的人员办理")


async def settle(awaiting: str, work: Work[Store], *, by: Officer, why: str) -> Awaiting | None:
    """Take an entry from the list of what awaits whom: the benefit stands as it is. None when there is none. Raises Refusal."""
    if not by.roles & set(review.ROLES):
        raise review.Refusal("not-allowed", "须由经办、审核或发布角色的人员处理")
    entry = await work.store.settle_one(awaiting, work.now, by=by.name, why=why)
    kept = await work.store.benefit(entry.benefit) if entry else None
    if kept is not None:
        _must_be_theirs(kept, by)
    return entry


async def expire(work: Work[Store]) -> None:
    """Take from offer what has passed its last day."""
    for benefit in await work.store.due(work.today):
        kept = await work.store.take_benefit(benefit)
        if kept is None:
            continue
        standing, event = review.take(kept.standing, "expire", by=CLOCK.name, roles=CLOCK.roles)
        after = replace(kept, standing=standing, changed_at=work.now)
        await work.store.put_benefit(after, entry_of(kept, after, "expire", CLOCK, "有效期已满", work, event=event))
        await work.store.settle(benefit, work.now, by=CLOCK.name, why="有效期已满")
        if event is not None:
            _say(event, after, work, by=CLOCK, why="有效期已满")


def _say(event: str, kept: Kept, work: Work[Store], *, by: Officer, why: str) -> None:
    """Say an event of the version on offer, in the trace of the document it came from."""
    if kept.offered is None or kept.offered_version is None:
        raise ValueError(f"{event} of a benefit that was never on offer")
    what: dict[str, Any] = {"benefit": parse_benefit(loads(kept.offered)), "version": kept.offered_version, "by": by.name}
    if event in ("BenefitSuspended", "BenefitWithdrawn"):
        what["reason"] = why
    said: type[events.BenefitEvent] = getattr(events, event)
    work.say(said(**what), trace=kept.trace)
