"""Chapter 4 of rules.md: the first day on which a benefit comes by itself, and what an enterprise just misses, both by trying.

`eligible_from` looks at every day. `near_miss` tries every set of tests, smallest first, and every value at which a test may turn; it
knows tests of facts against constants and of the existence or number of certificates, and raises NotTried for others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from itertools import combinations, product
from typing import Any, NamedTuple

from tests.conformance.second.amounts import outcome
from tests.conformance.second.rules import (
    REGISTRY,
    Gap,
    Json,
    Span,
    World,
    bounds,
    every,
    opposite,
    period_of,
    some,
    stated,
    truth,
    written,
)

UNITS = {"money": Fraction(1, 100), "ratio": Fraction(1, 10_000), "number": Fraction(1)}


class NotTried(Exception):
    """A form of test that has no such trial here."""


def eligible_from(benefit: Json, world: World) -> date | None:
    """The first of the days of the next three years on which the benefit is due if no fact changes."""
    last = date(world.day.year + 3, world.day.month, world.day.day)
    days = (world.day + timedelta(days=n) for n in range(1, (last - world.day).days + 1))
    return next((day for day in days if outcome(benefit, replace(world, day=day)) is True), None)


class Leaf(NamedTuple):
    path: str
    test: Json
    wanted: bool  # whether it has to hold, or under a `not`, not to


def leaves(rule: Json, path: str = "", wanted: bool = True) -> Iterator[Leaf]:
    below = f"{path}/" if path else ""
    for key, step in (("all", "all"), ("any", "any"), ("of", "of")):
        if isinstance(rule.get(key), list):
            for number, limb in enumerate(rule[key]):
                yield from leaves(limb, f"{below}{step}/{number}", wanted)
            return
    if "not" in rule:
        yield from leaves(rule["not"], f"{below}not", not wanted)
    else:
        yield Leaf(path, rule, wanted)


def _with(rule: Json, said: Mapping[str, Any], path: str = "") -> Any:
    """What the rule says if its leaves say this."""
    below = f"{path}/" if path else ""
    limbs = {
        key: [_with(limb, said, f"{below}{key}/{n}") for n, limb in enumerate(rule[key])] for key in ("all", "any", "of") if key in rule
    }
    if "all" in rule:
        return every(limbs["all"])
    if "any" in rule:
        return some(limbs["any"])
    if "of" in rule:
        sure, possible = sum(limb is True for limb in limbs["of"]), sum(limb is not False for limb in limbs["of"])
        return True if sure >= rule["at_least"] else False if possible < rule["at_least"] else Gap()
    return opposite(_with(rule["not"], said, f"{below}not")) if "not" in rule else said[path]


class Wish(NamedTuple):
    """The fact that would have to change, in which period it is asked, and the values at which its tests may turn."""

    label: str
    fact: str
    asked: str | None
    today: str | None
    found: Any
    row: bool = False


def near_miss(rule: Json, world: World) -> list[dict[str, Any]] | None:
    """The changes of the nearest way out of a false rule, as `{fact, from, to}`; None if there is none."""
    tests = list(leaves(rule))
    said: dict[str, Any] = {leaf.path: truth(leaf.test, world) for leaf in tests}
    wrong = [leaf for leaf in tests if said[leaf.path] is (not leaf.wanted)]
    open_ = {leaf.path: wish for leaf in wrong if (wish := _wish(leaf, world)) is not None}
    able = [leaf for leaf in wrong if leaf.path in open_]
    for size in range(1, len(able) + 1):
        ways = [way for way in combinations(able, size) if _with(rule, said | {leaf.path: leaf.wanted for leaf in way}) is not False]
        if ways:
            plans = [(plan, number) for number, way in enumerate(ways) if (plan := _plan(way, open_, rule, tests, world)) is not None]
            best = min(plans, key=lambda plan: (plan[0][0], plan[1]), default=None)
            return best[0][1] if best is not None and best[0][1] else None
    return None


def _plan(
    way: Iterable[Leaf], wishes: Mapping[str, Wish], rule: Json, tests: list[Leaf], world: World
) -> tuple[Fraction, list[dict[str, Any]]] | None:
    """The least that has to change for these tests."""
    targets: dict[str, list[Leaf]] = {}
    for leaf in way:
        targets.setdefault(wishes[leaf.path].label, []).append(leaf)
    choices = []
    for label, asked in targets.items():
        wish = wishes[asked[0].path]
        choices.append([(label, wish, value) for value in _values(wish, tests, world)])
    best: tuple[Fraction, list[dict[str, Any]]] | None = None
    for chosen in product(*choices):
        later, granted = world, {}
        for label, wish, value in chosen:
            if wish.row:
                granted |= {leaf.path: leaf.wanted for leaf in targets[label]}
                if value != max(_rows_wanted(leaf) for leaf in targets[label]):
                    break
            else:
                later = _changed(later, wish, value)
        else:
            now = {leaf.path: granted.get(leaf.path, truth(leaf.test, later)) for leaf in tests}
            if all(now[leaf.path] is leaf.wanted for leaf in way) and _with(rule, now) is not False:
                distance = sum((_distance(wish.found, value) for _, wish, value in chosen), Fraction(0))
                changes = [{"fact": label, "from": wish.found, "to": value} for label, wish, value in chosen if wish.found != value]
                if best is None or distance < best[0]:
                    best = distance, changes
    return best


def _wish(leaf: Leaf, world: World) -> Wish | None:
    """What would have to change for a test; None where nobody can change it any more."""
    test = leaf.test
    if "some" in test or "none" in test or "count" in test:
        kind = test.get("some", test.get("none", test.get("count")))
        number = Fraction(0)
        if "count" in test:
            rows = [truth({"all": test["where"]}, replace(world, row=(kind, row))) for row in world.records.get(kind, ())]
            number = Fraction(sum(found is True for found in rows))
        return Wish(kind, kind, None, None, number, row=True) if _more_rows(leaf) else None
    if "fact" not in test or "take" in test:
        if "judged" in test:
            return None
        raise NotTried(test)
    entry = REGISTRY["facts"][test["fact"]]
    if entry.get("fixed"):
        return None
    today = asked = None
    if "period" in test:
        period = period_of(test["period"], world.day)
        today = written(period)
        if bounds(period)[1] < world.day:
            period = (period[0], period[1] + 1)
            if re_literal(test["period"]) or bounds(period)[1] < world.day:
                return None
        asked = written(period)
    found = _stated(test["fact"], asked, world)
    found = _stated(test["fact"], today, world) if found is None else found
    if found is None or (isinstance(found, Fraction) and test["is"] == ("!=" if leaf.wanted else "=")):
        return None  # anything but one number is no direction to go
    return Wish(test["fact"] if asked is None else f"{test['fact']}@{asked}", test["fact"], asked, today, found)


def re_literal(period: str) -> bool:
    return period[0].isdigit()


def _stated(fact: str, period: str | None, world: World) -> Any:
    found = stated(fact, None if period is None else period_of(period, world.day), world)
    return None if isinstance(found, Gap) else found.low if isinstance(found, Span) else found


def _values(wish: Wish, tests: list[Leaf], world: World) -> list[Any]:
    """Every value at which a test of the fact may turn, and the one it has."""
    kind = REGISTRY["facts"][wish.fact] if not wish.row else {}
    asked = [leaf.test["value"] for leaf in tests if leaf.test.get("fact", leaf.test.get("count")) == wish.fact and "value" in leaf.test]
    if wish.row:
        return sorted({Fraction(1), *(Fraction(value) + more for value in asked for more in (0, 1))})
    listed = [item for value in asked for item in (value if isinstance(value, list) else [value])]
    if isinstance(wish.found, Fraction):
        unit = UNITS[kind["type"]]
        near = {Fraction(item) + step for item in listed for step in (-unit, 0, unit)} | {wish.found}
        return sorted(value for value in near if value >= 0 or kind.get("signed"))
    if isinstance(wish.found, bool):
        return [True, False]
    if isinstance(wish.found, frozenset):
        members = sorted(set(listed) | wish.found)
        return [frozenset(some_) for size in range(len(members) + 1) for some_ in combinations(members, size)]
    return [*dict.fromkeys([wish.found, *listed, *REGISTRY["codes"][kind["codes"]]])]


def _more_rows(leaf: Leaf) -> bool:
    """Whether a further row is what is wanted: rows that are there cannot be undone."""
    if "count" in leaf.test:
        return leaf.test["is"] in ((">=", ">") if leaf.wanted else ("<", "<="))
    return ("some" in leaf.test) is leaf.wanted


def _rows_wanted(leaf: Leaf) -> Fraction:
    if "count" not in leaf.test:
        return Fraction(1)
    return Fraction(leaf.test["value"]) + (leaf.test["is"] in (">", "<="))


def _changed(world: World, wish: Wish, value: Any) -> World:
    """As if the new value were stated, in the period asked and where the test looks today."""
    raw = sorted(value) if isinstance(value, frozenset) else value
    if wish.asked is None:
        return replace(world, facts={**world.facts, wish.fact: raw})
    series = {**world.facts.get(wish.fact, {}), **{str(period): raw for period in (wish.asked, wish.today)}}
    return replace(world, facts={**world.facts, wish.fact: series})


def _distance(old: Any, new: Any) -> Fraction:
    if isinstance(old, Fraction):
        return abs(new - old) / max(abs(old), Fraction(1))
    return Fraction(old != new)
