"""What is known of an enterprise now, added up from what its authorities stated.

Of each fact, and of each of its periods, the statement that is true on the latest day counts, of equal ones the one learnt last; a
late delivery about the past changes nothing that is newer. A record table is replaced whole. An explicit null takes a value back:
from then on it is unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple

NAME = "enterprise.name"
"""The key under which the origin of the name stands."""


@dataclass(frozen=True, slots=True)
class Statement:
    """What one authority stated of one enterprise in one delivery: true on a day, known on a moment."""

    id: str
    uscc: str
    authority: str
    delivery: str
    true_on: date
    known_on: datetime
    name: str | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    records: Mapping[str, Any] = field(default_factory=dict)


class Origin(NamedTuple):
    """Who stated a value, on which day it is true, and when it became known."""

    authority: str
    true_on: date
    known_on: datetime


@dataclass(frozen=True, slots=True)
class Profile:
    """An enterprise now. `stated` names the origin of `fact`, `fact@period` and record kind."""

    uscc: str
    name: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    records: Mapping[str, Any] = field(default_factory=dict)
    stated: Mapping[str, Origin] = field(default_factory=dict)

    @property
    def known_on(self) -> datetime | None:
        """When anything was learnt last."""
        return max((origin.known_on for origin in self.stated.values()), default=None)

    def known_at(self) -> dict[str, datetime]:
        """When each fact (over its periods) and record kind was stated last."""
        latest: dict[str, datetime] = {}
        for key, origin in self.stated.items():
            name = key.partition("@")[0]
            latest[name] = max(origin.known_on, latest.get(name, origin.known_on))
        return latest


def restated(profile: Profile, statements: Iterable[Statement]) -> Profile:
    """The profile after these statements, taken in their order."""
    name = profile.name
    facts: dict[str, Any] = dict(profile.facts)
    records: dict[str, Any] = dict(profile.records)
    stated: dict[str, Origin] = dict(profile.stated)
    for statement in statements:
        origin = Origin(statement.authority, statement.true_on, statement.known_on)
        origins = {id(o): o for o in stated.values()}.values()  # few, shared by many values
        newest = all((o.true_on, o.known_on) <= (origin.true_on, origin.known_on) for o in origins)

        def counts(key: str, origin: Origin = origin, newest: bool = newest) -> bool:
            if not newest:
                former = stated.get(key)
                if former is not None and (former.true_on, former.known_on) > (origin.true_on, origin.known_on):
                    return False
            stated[key] = origin
            return True

        if statement.name and counts(NAME):
            name = statement.name
        for fact, value in statement.facts.items():
            if not isinstance(value, Mapping):
                if counts(fact):
                    _set(facts, fact, value)
                continue
            before = facts.get(fact)
            periods = dict(before) if isinstance(before, Mapping) else {}
            for period, item in value.items():
                if counts(f"{fact}@{period}"):
                    _set(periods, period, item)
            _set(facts, fact, periods or None)
        for kind, rows in statement.records.items():
            if counts(kind):
                _set(records, kind, rows)
    return Profile(profile.uscc, name, facts, records, stated)


def joined(one: Profile, other: Profile) -> Profile:
    """What two authorities say of one enterprise, together; the name is that of the later statement."""
    first, second = one.stated.get(NAME), other.stated.get(NAME)
    later = second is not None and (first is None or (first.true_on, first.known_on) <= (second.true_on, second.known_on))
    return Profile(
        one.uscc,
        other.name if later else one.name,
        {**one.facts, **other.facts},
        {**one.records, **other.records},
        {**one.stated, **other.stated, **({NAME: first} if first and not later else {})},
    )


def whole(parts: Mapping[tuple[str, str], Profile]) -> dict[str, Profile]:
    """The enterprises of which these are all the parts, by (USCC, authority)."""
    found: dict[str, Profile] = {}
    for (uscc, _), part in sorted(parts.items(), key=lambda one: one[0]):
        found[uscc] = joined(found[uscc], part) if uscc in found else part
    return found


def _set(values: dict[str, Any], key: str, value: Any) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value
