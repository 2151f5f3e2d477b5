"""Chapters 1 and 2 of rules.md: what a rule says of one enterprise, and what would settle it.

Everything is plain JSON (numbers int or Decimal). A rule is True, False or a Gap; a value is a date, text, bool, set, list, a Span of
numbers, VOID (known not to exist) or a Gap.
"""

from __future__ import annotations

import calendar
import json
import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

CONTRACTS = Path(__file__).parents[3] / "contracts"
REGISTRY: Final[dict[str, Any]] = tomllib.loads((CONTRACTS / "registry.toml").read_text("utf-8"))
FIGURES: Final[dict[str, Any]] = tomllib.loads((CONTRACTS / "figures.toml").read_text("utf-8"), parse_float=Decimal)["figures"]
NEGATED = {"!=": "=", "not_in": "in", "not_under": "under", "has_none": "has"}
NEVER = date.max  # the end of what has not ended
VOID = object()  # a value known not to exist
INFINITE = float("inf")
Json = Any


class Gap(NamedTuple):
    """Not known: the facts that are missing and the texts a person must judge."""

    missing: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()


class Span(NamedTuple):
    """A number between two others; `gap` says what would narrow it. Only bounds that are infinite are floats."""

    low: Any
    high: Any
    gap: Gap = Gap()


Truth = bool | Gap


@dataclass(frozen=True)
class World:
    """One enterprise on one day, seen by one benefit. `row` is the row at hand with its kind, `along` the period that `every` moves
    and how far, `city` all the enterprises that may be ranked."""

    facts: Mapping[str, Any]
    records: Mapping[str, Any]
    day: date
    benefit: str = "b"
    row: tuple[str, Mapping[str, Any]] | None = None
    along: tuple[str, int] | None = None
    city: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = ()
    ranked: dict[str, tuple[list[Fraction], int]] = field(default_factory=dict)


def merged(gaps: Iterable[Any]) -> Gap:
    found = [gap for gap in gaps if isinstance(gap, Gap)]
    return Gap(tuple(m for gap in found for m in gap.missing), tuple(j for gap in found for j in gap.judged))


def every(truths: Iterable[Truth]) -> Truth:
    given = list(truths)
    if any(truth is False for truth in given):
        return False
    return merged(given) if any(isinstance(truth, Gap) for truth in given) else True


def some(truths: Iterable[Truth]) -> Truth:
    return opposite(every([opposite(truth) for truth in truths]))


def opposite(truth: Truth) -> Truth:
    return truth if isinstance(truth, Gap) else not truth


def exact(number: Any) -> Fraction:
    return Fraction(number)


def point(number: Any) -> Span:
    return Span(exact(number), exact(number))


# -------------------------------------------------------------------------------------------------------------------- rules


def truth(rule: Json, world: World) -> Truth:
    """What a rule says."""
    if "all" in rule:
        return every(truth(limb, world) for limb in rule["all"])
    if "any" in rule:
        return some(truth(limb, world) for limb in rule["any"])
    if "not" in rule:
        return opposite(truth(rule["not"], world))
    if "at_least" in rule:
        limbs = [truth(limb, world) for limb in rule["of"]]
        sure, open_ = sum(limb is True for limb in limbs), sum(isinstance(limb, Gap) for limb in limbs)
        return True if sure >= rule["at_least"] else False if sure + open_ < rule["at_least"] else merged(limbs)
    if "judged" in rule:
        return by_a_person(Gap((), (rule["judged"],)), world)
    if "some" in rule or "none" in rule:
        kind = rule.get("some", rule.get("none"))
        rows = rows_of(kind, world)
        if rows is None:
            return Gap((kind,))
        found = some(met(rule, kind, row, world) for row in rows)
        return found if "some" in rule else opposite(found)
    if "rank" in rule or "percentile" in rule:
        return placed(rule, world)
    if "fact" in rule and rule.get("take") == "every":
        return in_every_period(rule, world)
    found = compared(rule, value(rule, world), world)
    return by_a_person(found, world) if "fact" in rule else found


def by_a_person(found: Truth, world: World) -> Truth:
    """A judgement settles what waits for that one judgement and nothing else."""
    if not isinstance(found, Gap) or found.missing or len(set(found.judged)) != 1:
        return found
    said = judgement(found.judged[0], world).get("holds")
    return said if isinstance(said, bool) else found


def judgement(text: str, world: World) -> Mapping[str, Any]:
    """The newest one on a text of the benefit; empty if there is none."""
    rows = [
        row
        for row in rows_of("judgement", world) or ()
        if row.get("benefit") == world.benefit and isinstance(row.get("text"), str) and same(row["text"]) == same(text)
    ]
    newest = max((row.get("decided_on", "") for row in rows), default=None)
    return next((row for row in rows if row.get("decided_on", "") == newest), {})


def met(test: Json, kind: str, row: Mapping[str, Any], world: World) -> Truth:
    return every(truth(condition, replace(world, row=(kind, row))) for condition in test.get("where", ()))


def in_every_period(test: Json, world: World) -> Truth:
    periods = window(test, world)
    if isinstance(periods, Gap):
        return periods
    if not periods:
        return False
    here = period_of(test["period"], world.day)[1]
    name = _plain_word(test["period"])
    return every(compared(test, stated(test["fact"], period, world), replace(world, along=(name, period[1] - here))) for period in periods)


def placed(test: Json, world: World) -> Truth:
    """The second pass: a place among the enterprises for which `among` is true and the figure known."""
    name = test.get("rank", test.get("percentile"))
    figure = {"fact": name, **{key: test[key] for key in ("period", "over", "take", "since", "base_if_zero") if key in test}}
    key = json.dumps(test, default=str)
    if key not in world.ranked:
        worlds = [replace(world, facts=facts, records=records) for facts, records in world.city]
        members = [other for other in worlds if truth(test["among"], other) is True]
        figures = [found.low for other in members if isinstance(found := value(figure, other), Span)]
        world.ranked[key] = figures, len(figures)
    figures, number = world.ranked[key]
    member, own = truth(test["among"], world), value(figure, world)
    if member is False:
        return False
    if isinstance(member, Gap) or isinstance(own, Gap):
        return merged((member, own))
    if own is VOID:
        return False
    better = sum(other < own.low if test.get("order") == "asc" else other > own.low for other in figures)
    return compared(test, point(better + 1 if "rank" in test else Fraction(better + 1, number)), world)


def compared(test: Json, left: Any, world: World) -> Truth:
    """The left side against what the test asks of it."""
    operator = test["is"]
    if operator in NEGATED:
        return opposite(compared({**test, "is": NEGATED[operator]}, left, world))
    if operator == "between":
        low, high = test["value"]
        above = related(">" if test.get("open") in ("lo", "both") else ">=", left, value(low, world))
        return every((above, related("<" if test.get("open") in ("hi", "both") else "<=", left, value(high, world))))
    if operator == "during":
        first, last = bounds(period_of(test["value"], world.day))
        return every((related(">=", left, first), related("<=", left, last)))
    right = value(test["value"], world)
    if operator in ("=", "<", "<=", ">", ">="):
        return related(operator, left, right)
    listed = list(right) if isinstance(right, list | frozenset) else [right]
    if any(isinstance(item, Gap) for item in (left, *listed)):
        return merged((left, *listed))
    if any(item is VOID for item in (left, *listed)):
        return False
    if operator == "in":
        return any(related("=", left, item) is True for item in listed)
    if operator == "under":
        return any(left.startswith(covered(parent)) for parent in listed)
    return all(item in left for item in listed) if operator == "has_all" else any(item in left for item in listed)


def covered(code: str) -> str:
    """What a code and its children begin with: a division code without its trailing pairs of zeros."""
    return re.sub(r"(00)+$", "", code) if re.fullmatch(r"\d{6}", code) else code


def related(operator: str, left: Any, right: Any) -> Truth:
    if isinstance(left, Gap) or isinstance(right, Gap):
        return merged((left, right))
    if left is VOID or right is VOID:
        return False
    if isinstance(left, Span):
        return _spans_related(operator, left, right)
    if isinstance(left, date) or isinstance(right, date):
        left, right = _day(left), _day(right)
    return _RELATIONS[operator](left, right)


def _spans_related(operator: str, left: Span, right: Span) -> Truth:
    """Decided where all numbers of the one stand alike to all numbers of the other."""
    if operator == "=":
        if left.low == left.high == right.low == right.high:
            return True
        return False if left.high < right.low or right.high < left.low else merged((left.gap, right.gap))
    if operator in (">", ">="):
        left, right, operator = right, left, operator.replace(">", "<")
    holds = _RELATIONS[operator]
    if left.high != INFINITE and right.low != -INFINITE and holds(left.high, right.low):
        return True
    if left.low != -INFINITE and right.high != INFINITE and not holds(left.low, right.high):
        return False
    return merged((left.gap, right.gap))


_RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: a == b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


def _day(item: Any) -> date:
    return item if isinstance(item, date) else date.fromisoformat(item)


def same(text: str) -> str:
    """Texts are compared after NFKC and with one kind of quotes."""
    return "".join('"' if letter in "“”„‟‘’‚‛「」『』〝〞'`´«»‹›" else letter for letter in unicodedata.normalize("NFKC", text))


# ------------------------------------------------------------------------------------------------------------------- values


def value(node: Json, world: World) -> Any:
    """What stands on the right of a test, or the left side of one."""
    if isinstance(node, bool):
        return node
    if isinstance(node, int | Decimal):
        return point(node)
    if isinstance(node, str):
        return same(node)
    if isinstance(node, list):
        return [value(item, world) for item in node]
    if "fact" in node:
        return of_fact(node, world)
    if "field" in node and not {"sum", "earliest", "latest"} & node.keys():
        assert world.row is not None
        return of_field(world.row[0], node["field"], world.row[1])
    if "count" in node or "sum" in node:
        return counted(node, world)
    if "earliest" in node or "latest" in node:
        return utmost(node, world)
    if "figure" in node:
        return public(node, world)
    if "ago" in node:
        return stepped(world.day, node["ago"], -1)
    if "shift" in node:
        day = value(node["of"], world)
        return day if isinstance(day, Gap) or day is VOID or day == NEVER else stepped(_day(day), node["shift"], 1)
    parts = [value(item, world) for item in node.get("plus", node.get("times"))]
    if any(isinstance(part, Gap) for part in parts):
        return merged(parts)
    if any(part is VOID for part in parts):
        return VOID
    total = parts[0]
    for part in parts[1:]:
        total = plus(total, part) if "plus" in node else times(total, part)
    return total


def plus(a: Span, b: Span) -> Span:
    return Span(a.low + b.low, a.high + b.high, merged((a.gap, b.gap)))


def times(a: Span, b: Span) -> Span:
    """Nothing times whatever is nothing, without bounds too."""
    ends = [Fraction(0) if 0 in (x, y) else x * y for x in (a.low, a.high) for y in (b.low, b.high)]
    return Span(min(ends), max(ends), merged((a.gap, b.gap)))


def stated(fact: str, period: tuple[str, int] | None, world: World) -> Any:
    """One value as an authority stated it."""
    label = fact if period is None else f"{fact}@{written(period)}"
    found = world.facts.get(fact)
    if period is not None:
        found = found.get(written(period)) if isinstance(found, Mapping) else None
    if found is None or fact.startswith("open."):
        return Gap((label,))
    return _typed(found, REGISTRY["facts"][fact]["type"])


def _typed(found: Any, kind: str) -> Any:
    if isinstance(found, bool):
        return found
    if isinstance(found, int | Decimal | Fraction):
        return point(found)
    if isinstance(found, list):
        return frozenset(same(item) for item in found)
    return date.fromisoformat(found) if kind in ("date", "end") else same(found)


def window(node: Json, world: World) -> list[tuple[str, int]] | Gap:
    """The periods a fact looks at, the oldest first."""
    unit, last = period_of(node["period"], world.day)
    if world.along is not None and world.along[0] == _plain_word(node["period"]):
        last += world.along[1]
    periods = [(unit, last - back) for back in reversed(range(node.get("over", 1)))]
    if "since" not in node:
        return periods
    since = value(node["since"], world)
    if isinstance(since, Gap):
        return since
    return [] if since is VOID else [period for period in periods if bounds(period)[1] >= _day(since)]


def of_fact(node: Json, world: World) -> Any:
    if "period" not in node:
        return stated(node["fact"], None, world)
    periods = window(node, world)
    if isinstance(periods, Gap):
        return periods
    if not periods:
        return VOID
    take = node.get("take")
    if take in ("growth", "increase"):
        given = [changed(node, period, world) for period in periods]
    else:
        given = [stated(node["fact"], period, world) for period in periods]
    if any(isinstance(item, Gap) for item in given):
        return merged(given)
    if take is None:
        return given[0]
    numbers = [item.low for item in given]
    if take in ("min", "max"):
        return point(min(numbers) if take == "min" else max(numbers))
    return point(sum(numbers) if take == "sum" else sum(numbers) / len(numbers))


def changed(node: Json, period: tuple[str, int], world: World) -> Any:
    """Growth or increase against the same period one year before."""
    now, before = stated(node["fact"], period, world), stated(node["fact"], year_before(period), world)
    if isinstance(before, Span) and before.low == 0 and "base_if_zero" in node:
        before = point(node["base_if_zero"])
    undefined: Gap | None = None
    if node["take"] == "growth" and isinstance(before, Span) and before.low <= 0:
        text = node.get("quote") or f"{node['fact']}@{written(period)} 的同比增长率：上年同期为零或负数，无法计算"
        undefined = Gap((), (text,))
    if undefined is not None or isinstance(now, Gap) or isinstance(before, Gap):
        return merged((now, before, undefined))
    return point(now.low - before.low if node["take"] == "increase" else now.low / before.low - 1)


def of_field(kind: str, name: str, row: Mapping[str, Any]) -> Any:
    entry = REGISTRY["kinds"][kind]["fields"].get(name, {"type": "text"})
    found = row.get(name)
    if found is None:
        return NEVER if entry["type"] == "end" else Gap((f"{kind}.{name}",))
    return _typed(found, entry["type"])


def rows_of(kind: str, world: World) -> list[Mapping[str, Any]] | None:
    """The rows that exist on the day; None where the table is absent."""
    rows = world.records.get(kind)
    if rows is None:
        return None
    begins = next((name for name, entry in REGISTRY["kinds"][kind]["fields"].items() if entry.get("begins")), None)
    return [row for row in rows if row.get(begins) is None or date.fromisoformat(row[begins]) <= world.day]


def counted(node: Json, world: World) -> Any:
    """The number of rows, or the sum of a field, between what is sure and what is possible."""
    kind = node.get("count", node.get("sum"))
    rows = rows_of(kind, world)
    if rows is None:
        return Gap((kind,))
    total = point(0)
    for row in rows:
        holds = met(node, kind, row, world)
        if holds is False:
            continue
        part = point(1) if "count" in node else summand(kind, node["field"], row)
        if isinstance(holds, Gap):
            part = Span(min(part.low, Fraction(0)), max(part.high, Fraction(0)), merged((holds, part.gap)))
        total = plus(total, part)
    return total if total.low != total.high else point(total.low)


def summand(kind: str, name: str, row: Mapping[str, Any]) -> Span:
    found = of_field(kind, name, row)
    if not isinstance(found, Gap):
        return found  # type: ignore[no-any-return]
    signed = REGISTRY["kinds"][kind]["fields"][name].get("signed", False)
    return Span(-INFINITE if signed else Fraction(0), INFINITE, found)


def utmost(node: Json, world: World) -> Any:
    """The first or the last day of the rows that count."""
    kind = node.get("earliest", node.get("latest"))
    rows = rows_of(kind, world)
    if rows is None:
        return Gap((kind,))
    answers = [(row, met(node, kind, row, world)) for row in rows]
    if any(isinstance(holds, Gap) for _, holds in answers):
        return merged(holds for _, holds in answers)
    days = [of_field(kind, node["field"], row) for row, holds in answers if holds]
    if any(isinstance(day, Gap) for day in days):
        return merged(days)
    return VOID if not days else min(days) if "earliest" in node else max(days)


def public(node: Json, world: World) -> Any:
    """A dated public figure: the value of the newest date that is not later."""
    on = value(node["on"], world) if "on" in node else world.day
    if isinstance(on, Gap) or on is VOID:
        return on
    day = _day(on)
    series = FIGURES.get(node["figure"], {"values": []})
    held = [entry["value"] for entry in series["values"] if entry["since"] <= day]
    if not held or day > series.get("until", NEVER):
        return Gap((f"figure:{node['figure']}@{day.isoformat()}",))
    return point(held[-1])


# -------------------------------------------------------------------------------------------------------------------- time

_MONTHS = {"year": 12, "quarter": 3, "month": 1}
_WORDS = {"last_year": "year-1", "this_year": "year-0", "last_quarter": "quarter-1", "same_quarter_last_year": "quarter-5"}


def _plain_word(word: str) -> str:
    return _WORDS.get(word, word)


def period_of(word: str, day: date) -> tuple[str, int]:
    """A calendar period: its unit, and how many of them lie before it since the year 0."""
    word = _plain_word(word)
    if relative := re.fullmatch(r"(year|quarter|month)-(\d+)", word):
        months = day.year * 12 + day.month - 1
        return relative[1], months // _MONTHS[relative[1]] - int(relative[2])
    year = int(word[:4])
    if "Q" in word:
        return "quarter", year * 4 + int(word[5]) - 1
    return ("month", year * 12 + int(word[5:]) - 1) if "-" in word else ("year", year)


def written(period: tuple[str, int]) -> str:
    unit, number = period
    if unit == "year":
        return f"{number:04}"
    return f"{number // 4:04}Q{number % 4 + 1}" if unit == "quarter" else f"{number // 12:04}-{number % 12 + 1:02}"


def bounds(period: tuple[str, int]) -> tuple[date, date]:
    """The first and the last day."""
    size = _MONTHS[period[0]]
    first, after = period[1] * size, (period[1] + 1) * size
    return date(first // 12, first % 12 + 1, 1), date(after // 12, after % 12 + 1, 1) - timedelta(days=1)


def year_before(period: tuple[str, int]) -> tuple[str, int]:
    return period[0], period[1] - 12 // _MONTHS[period[0]]


def stepped(day: date, steps: Mapping[str, int], sign: int) -> date:
    """Calendar steps, clipped to the month's end; then the days."""
    months = day.year * 12 + day.month - 1 + sign * (steps.get("years", 0) * 12 + steps.get("months", 0))
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1])) + timedelta(days=sign * steps.get("days", 0))
