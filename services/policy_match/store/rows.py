"""Between rows and the domain's values.

The origin that most values of a profile share stands once, under "*": a delivery states dozens of facts on one day.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from services.policy_match.domain.profile import NAME, Origin, Profile

USUAL = "*"
"""The key in `stated` of the origin of every value that has none of its own there."""

_day = lru_cache(maxsize=4096)(date.fromisoformat)
_instant = lru_cache(maxsize=4096)(datetime.fromisoformat)  # few deliveries, many facts: the same moments over and over


def profile_of(row: Any, facts: Mapping[str, Any], records: Mapping[str, Any]) -> Profile:
    """The profile of a row with uscc, authority, name and stated."""
    authority = row["authority"]
    own = {key: Origin(authority, _day(true_on), _instant(known_on)) for key, (true_on, known_on) in row["stated"].items()}
    usual = own.pop(USUAL, None)
    stated = own if usual is None else dict.fromkeys(_keys(row["name"], facts, records), usual) | own
    return Profile(row["uscc"], row["name"], facts, records, stated)


def stated_of(profile: Profile) -> dict[str, tuple[date, datetime]]:
    """The column `stated` of a profile."""
    if not profile.stated:
        return {}
    origins = {id(origin): origin for origin in profile.stated.values()}  # few, shared by many values
    ((usual_id, _),) = Counter(map(id, profile.stated.values())).most_common(1)
    usual = origins[usual_id]
    present = set(_keys(profile.name, profile.facts, profile.records))
    own = {key: (o.true_on, o.known_on) for key, o in profile.stated.items() if o != usual or key not in present}
    return {USUAL: (usual.true_on, usual.known_on), **own}


def _keys(name: str, facts: Mapping[str, Any], records: Mapping[str, Any]) -> list[str]:
    """What values are known by: the name, `fact`, `fact@period` and record kinds."""
    keys = [NAME] if name else []
    for fact, value in facts.items():
        if isinstance(value, Mapping):
            keys += [f"{fact}@{period}" for period in value]
        else:
            keys.append(fact)
    return keys + list(records)
