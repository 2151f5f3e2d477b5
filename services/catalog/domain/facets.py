"""By what a benefit is found in a list: place, industry, days in force, and the level of government that issued its document."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Literal

from contracts.rules import All, AnyOf, Benefit, FactTest, Node, RuleError, loads, parse_benefit
from services.catalog.domain.departments import Departments
from services.catalog.domain.lint import plain_day
from services.catalog.domain.search import tsvector

Level = Literal["国家", "省", "市", "区"]
NEVER = date.max
"""Stands for a first day that nobody can tell yet: no day is on or after it."""
_PLACES = ("district", "tax_district", "statistics_district")


@dataclass(frozen=True)
class Listed:
    """A line of a list; departments go by their full names.

    Codes are those the rule asks for (none: any place, any industry); a day is None where nothing bounds it.
    """

    title: str
    departments: tuple[str, ...]
    kind: str
    mode: str
    words: str
    """The text of the tsvector of all its words; `heading` is that of its title and policy."""
    heading: str
    districts: tuple[str, ...] = ()
    industries: tuple[str, ...] = ()
    first_day: date | None = None
    last_day: date | None = None


def listed(body: str, known: Departments) -> Listed:
    """The line of a benefit's JSON text. What is not of the language yet is found by its words alone."""
    given = loads(body)
    title, department, kind, mode, policy, text = (
        str(given.get(name) or "") for name in ("title", "department", "kind", "mode", "policy", "text")
    )
    words = tsvector(("A", title), ("B", policy), ("D", text), ("D", department))
    line = Listed(title, known.named(department), kind or "其他", mode, words, tsvector(("A", title), ("B", policy)))
    try:
        benefit = parse_benefit(given)
    except RuleError:
        return line
    districts, industries = _codes(benefit.rule, _PLACES), _codes(benefit.rule, ("industry",))
    return replace(line, districts=districts, industries=industries, first_day=_first_day(benefit), last_day=_last_day(benefit))


def _codes(rule: Node, facts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(set(_asked(rule, facts))))


def _first_day(benefit: Benefit) -> date | None:
    """The first day in force; NEVER for one that hangs on an event not yet dated: unknown is not yes."""
    given = benefit.valid.from_ if benefit.valid else None
    return None if given is None else plain_day(given) or NEVER


def _asked(rule: Node, facts: tuple[str, ...]) -> Iterator[str]:
    """Codes that the rule asks for; what stands under `not` excludes and is no place to be found by."""
    if isinstance(rule, All | AnyOf):
        for limb in rule.all if isinstance(rule, All) else rule.any:
            yield from _asked(limb, facts)
    elif isinstance(rule, FactTest) and rule.fact in facts and rule.is_ in ("=", "in", "under"):
        given: Any = rule.value if isinstance(rule.value, tuple) else (rule.value,)
        yield from (re.sub(r"(?:00)+$", "", code) for code in given if isinstance(code, str))


def _last_day(benefit: Benefit) -> date | None:
    """The last day in force: the later end of `valid` and `window` (rules §3); None while one is open or no plain date."""
    spans = [span for span in (benefit.valid, benefit.window) if span is not None]
    ends = [plain_day(span.to) for span in spans]
    return None if not ends or any(end is None for end in ends) else max(end for end in ends if end is not None)


_LEVELS: tuple[tuple[Level, str], ...] = (
    ("区", r"(?<!治)[区县](?:人民政府|委|政府|管(?:理)?委(?:员)?会|[\u4e00-\u9fa5]{0,12}[局办])"),
    ("市", r"市(?!场)"),
    ("省", r"[省]|自治区"),
    ("国家", r"国务院|国家|中华人民共和国|全国|[\u4e00-\u9fa5]部(?:办公厅)?$|中国人民银行|税务总局|总局|海关总署"),
)


def level_of(issuer: str | None) -> Level | None:
    """The level of government an issuer belongs to, by its own name; None where the name does not tell."""
    name = re.sub(r"\s", "", issuer or "")
    return next((level for level, words in _LEVELS if re.search(words, name)), None)
