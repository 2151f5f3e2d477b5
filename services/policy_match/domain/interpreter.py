"""The definition of what a rule means: it walks the rule for one enterprise on one day. Slow and obvious; the oracle.

Kleene's three values throughout: a missing fact is unknown, never zero and never false. What would settle an unknown
answer travels with it, and is dropped as soon as a node above is decided without it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Protocol

from contracts.rules import (
    OPEN,
    TWINS,
    Ago,
    All,
    AnyOf,
    AtLeast,
    Compared,
    CountOf,
    CountTest,
    EarliestOf,
    EarliestTest,
    FactTest,
    FactValue,
    FieldTest,
    FieldValue,
    Figures,
    Judged,
    LatestOf,
    LatestTest,
    Node,
    NoneOf,
    Not,
    Percentile,
    Plus,
    PopulationTest,
    PublicFigure,
    Rank,
    Registry,
    Shift,
    Some,
    SumOf,
    SumTest,
    Times,
)
from services.policy_match.domain.enterprise import Enterprise, Row
from services.policy_match.domain.periods import Period, canonical, key_of, resolve, step
from services.policy_match.domain.values import (
    FALSE,
    NOTHING,
    OPEN_END,
    TRUE,
    Answer,
    Exact,
    Range,
    TypeMismatch,
    Unknown,
    Value,
    added,
    as_date,
    as_range,
    both,
    either,
    merged,
    multiplied,
    negated,
    relation,
    same_text,
    typed,
    under,
)


class Ranking(Protocol):
    """Where a figure stands among the enterprises ranked for one population test."""

    @property
    def ranked(self) -> int: ...

    @property
    def unranked(self) -> int: ...

    def place(self, figure: Exact) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything an answer depends on. `row` is the row at hand inside `where` and `each`; `moved` is the period that `every`
    moves along, with the number of periods; `rankings` are those of the second pass, by population test."""

    enterprise: Enterprise
    as_of: date
    registry: Registry
    figures: Figures
    benefit: str = ""
    rankings: Mapping[PopulationTest, Ranking] | None = None
    row: tuple[str, Row] | None = None
    moved: tuple[str, int] | None = None

    def at_row(self, kind: str, row: Row) -> Scope:
        return Scope(self.enterprise, self.as_of, self.registry, self.figures, self.benefit, self.rankings, (kind, row), self.moved)

    def moving(self, period: str, n: int) -> Scope:
        return Scope(
            self.enterprise, self.as_of, self.registry, self.figures, self.benefit, self.rankings, self.row, (canonical(period), n)
        )


# ---------------------------------------------------------------------------------------------------------------- rules


def answer(rule: Node, scope: Scope) -> Answer:
    """The answer of a rule (`contracts.rules.Rule`) for one enterprise. Raises TypeMismatch for a rule that `check` refuses."""
    return _ANSWERS[type(rule)](rule, scope)


def _all(rule: All, scope: Scope) -> Answer:
    return both(answer(limb, scope) for limb in rule.all)


def _any(rule: AnyOf, scope: Scope) -> Answer:
    return either(answer(limb, scope) for limb in rule.any)


def _not(rule: Not, scope: Scope) -> Answer:
    return negated(answer(rule.not_, scope))


def _at_least(rule: AtLeast, scope: Scope) -> Answer:
    answers = [answer(limb, scope) for limb in rule.of]
    surely = sum(a.value is True for a in answers)
    if surely >= rule.at_least:
        return TRUE
    unknown = [a for a in answers if a.value is None]
    if surely + len(unknown) < rule.at_least:
        return FALSE
    return Answer(None, tuple(m for a in unknown for m in a.missing), tuple(j for a in unknown for j in a.judged))


def _judged(rule: Judged, scope: Scope) -> Answer:
    return _by_a_person(Answer(None, (), (rule.judged,)), scope)


def _by_a_person(open_: Answer, scope: Scope) -> Answer:
    """What waits for one judgement only is settled by it."""
    if open_.value is not None or open_.missing or len(set(open_.judged)) != 1:
        return open_
    holds = (judgement_of(open_.judged[0], scope) or {}).get("holds")
    return open_ if not isinstance(holds, bool) else TRUE if holds else FALSE


def judgement_of(text: str, scope: Scope) -> Row | None:
    """The newest judgement a person gave on this text of this benefit."""
    wanted = same_text(text)
    rows = [
        row
        for row in existing_rows("judgement", scope) or ()
        if row.get("benefit") == scope.benefit and isinstance(row.get("text"), str) and same_text(row["text"]) == wanted
    ]
    return max(rows, key=lambda row: str(row.get("decided_on", "")), default=None)


def _fact_test(test: FactTest, scope: Scope) -> Answer:
    if test.take != "every":
        return _by_a_person(compared(test, fact_value(test, scope), scope), scope)
    assert test.period is not None
    periods = window(test, scope)
    if isinstance(periods, Unknown):
        return Answer(None, periods.missing, periods.judged)
    if not periods:
        return FALSE
    here = resolve(test.period, scope.as_of)
    return both(
        compared(test, stated(test.fact, period, scope), scope.moving(test.period, period.number - here.number)) for period in periods
    )


def _field_test(test: FieldTest, scope: Scope) -> Answer:
    return compared(test, field_value(test, scope), scope)


def _some(test: Some, scope: Scope) -> Answer:
    rows = existing_rows(test.some, scope)
    if rows is None:
        return Answer(None, (test.some,))
    return either(row_answer(test.where, test.some, row, scope) for row in rows)


def _none(test: NoneOf, scope: Scope) -> Answer:
    rows = existing_rows(test.none, scope)
    if rows is None:
        return Answer(None, (test.none,))
    return negated(either(row_answer(test.where, test.none, row, scope) for row in rows))


def _record_test(test: CountTest | SumTest | EarliestTest | LatestTest, scope: Scope) -> Answer:
    return compared(test, value(test, scope), scope)


def _population(test: PopulationTest, scope: Scope) -> Answer:
    member = answer(test.among, scope)
    if member.value is False:
        return FALSE
    figure = value(ranked_figure(test), scope)
    own = figure if isinstance(figure, Unknown) else Unknown()
    if member.value is None or isinstance(figure, Unknown):
        return Answer(None, member.missing + own.missing, member.judged + own.judged)
    place = place_of(test, figure, scope)
    if place is None:
        return FALSE if figure is NOTHING else Answer(None, (f"population:{ranked_figure(test).fact}",))
    return compared(test, place, scope)


def ranked_figure(test: PopulationTest) -> FactValue:
    """The figure by which a population test ranks."""
    fact = test.rank if isinstance(test, Rank) else test.percentile if isinstance(test, Percentile) else ""
    given = {name: getattr(test, name) for name in ("period", "over", "take", "since", "base_if_zero") if getattr(test, name) is not None}
    return FactValue(fact=fact, **given)


def place_of(test: PopulationTest, figure: Value, scope: Scope) -> Exact | None:
    """The rank, or its share of the number ranked; None before the second pass, or for a figure that it did not rank."""
    ranking = (scope.rankings or {}).get(test)
    if ranking is None or not isinstance(figure, Decimal | Fraction):
        return None
    place = ranking.place(figure)
    if place is None:  # it has changed since the city was ranked
        return None
    return Decimal(place) if isinstance(test, Rank) else Fraction(place, max(ranking.ranked, 1))


_ANSWERS: dict[type, Callable[[Any, Scope], Answer]] = {
    All: _all,
    AnyOf: _any,
    Not: _not,
    AtLeast: _at_least,
    Judged: _judged,
    FactTest: _fact_test,
    FieldTest: _field_test,
    Some: _some,
    NoneOf: _none,
    CountTest: _record_test,
    SumTest: _record_test,
    EarliestTest: _record_test,
    LatestTest: _record_test,
    Rank: _population,
    Percentile: _population,
}


def compared(test: Compared, left: Value, scope: Scope) -> Answer:
    """The left side, already known or not, against what the test asks of it."""
    twin = TWINS.get(test.is_)
    return negated(_holds(twin, test, left, scope)) if twin else _holds(test.is_, test, left, scope)


def _holds(op: str, test: Compared, left: Value, scope: Scope) -> Answer:
    if op == "between":
        lo, hi = test.value if isinstance(test.value, tuple) else (test.value, test.value)
        above = relation(">" if test.open in ("lo", "both") else ">=", left, value(lo, scope))
        below = relation("<" if test.open in ("hi", "both") else "<=", left, value(hi, scope))
        return both((above, below))
    if op == "during":
        period = resolve(str(test.value), scope.as_of)
        return both((relation(">=", left, period.first), relation("<=", left, period.last)))
    right = value(test.value, scope)
    if op not in ("in", "under", "has", "has_all"):
        return relation(op, left, right)
    wanted = right if isinstance(right, tuple) else tuple(right) if isinstance(right, frozenset) else (right,)
    unknown = merged((left, *wanted))
    if unknown is not None:
        return Answer(None, unknown.missing, unknown.judged)
    if left is NOTHING or NOTHING in wanted:
        return FALSE
    if op == "in":
        return either(relation("=", left, item) for item in wanted)
    if op == "under":
        if not isinstance(left, str):
            raise TypeMismatch("under 只用于代码")
        return TRUE if under(left, [str(item) for item in wanted]) else FALSE
    if not isinstance(left, frozenset):
        raise TypeMismatch(f"{op} 只用于集合")
    holds = left.issuperset(wanted) if op == "has_all" else not left.isdisjoint(wanted)
    return TRUE if holds else FALSE


# --------------------------------------------------------------------------------------------------------------- values


def value(node: Any, scope: Scope) -> Value:
    """What a right side or a figure is worth. Raises TypeMismatch where it is used in the wrong place."""
    kind = type(node)
    if kind is str:
        return same_text(node)
    if kind is tuple:
        return tuple(value(item, scope) for item in node)
    reckon = _VALUES.get(kind)
    if reckon is not None:
        return reckon(node, scope)
    if isinstance(node, bool | Decimal):
        return node
    raise TypeMismatch(f"{kind.__name__} 不能用在这里")


def stated(fact: str, period: Period | None, scope: Scope) -> Value:
    """One stated value of a fact, or Unknown by its name (`revenue@2024`)."""
    label = fact if period is None else f"{fact}@{key_of(period)}"
    if fact.startswith(OPEN):
        return Unknown((label,))
    raw = scope.enterprise.facts.get(fact)
    if period is not None:
        raw = raw.get(key_of(period)) if isinstance(raw, dict | Mapping) else None
    if raw is None:
        return Unknown((label,))
    entry = scope.registry.facts.get(fact)
    return typed(raw, entry.type if entry else None)


def window(node: FactValue, scope: Scope) -> list[Period] | Unknown:
    """The periods a fact with modifiers looks at, oldest first; Unknown while the day of `since` is unknown."""
    assert node.period is not None
    last = resolve(node.period, scope.as_of)
    if scope.moved is not None and scope.moved[0] == canonical(node.period):
        last = last.later(scope.moved[1])
    periods = [last.later(-back) for back in range((node.over or 1) - 1, -1, -1)]
    if node.since is None:
        return periods
    since = value(node.since, scope)
    if isinstance(since, Unknown):
        return since
    if since is NOTHING:
        return []
    day = as_date(since) if isinstance(since, str) else since
    if not isinstance(day, date):
        raise TypeMismatch("since 应为日期")
    return [period for period in periods if period.last >= day]


def fact_value(node: FactValue, scope: Scope) -> Value:
    """A fact with its modifiers."""
    if node.period is None:
        return stated(node.fact, None, scope)
    periods = window(node, scope)
    if isinstance(periods, Unknown):
        return periods
    if not periods:
        return NOTHING
    if node.take is None:
        return stated(node.fact, periods[-1], scope)
    if node.take in ("growth", "increase"):
        changes = [_change(node, period, scope) for period in periods]
        unknown = merged(changes)
        return unknown if unknown is not None else sum(map(_fraction, changes), Fraction(0)) / len(changes)
    values = [stated(node.fact, period, scope) for period in periods]
    unknown = merged(values)
    if unknown is not None:
        return unknown
    numbers = list(map(_fraction, values))
    if node.take == "min":
        return min(numbers)
    if node.take == "max":
        return max(numbers)
    return sum(numbers, Fraction(0)) / (len(numbers) if node.take == "mean" else 1)


def _change(node: FactValue, period: Period, scope: Scope) -> Value:
    """Growth or increase against the same period one year before."""
    now = stated(node.fact, period, scope)
    before = stated(node.fact, period.year_before(), scope)
    if not isinstance(before, Unknown) and _fraction(before) == 0 and node.base_if_zero is not None:
        before = node.base_if_zero
    undefined = node.take == "growth" and not isinstance(before, Unknown) and _fraction(before) <= 0
    judged = (undefined_growth(node, period),) if undefined else ()
    unknown = merged((now, before))
    if unknown is not None:
        return Unknown(unknown.missing, unknown.judged + judged)
    if undefined:
        return Unknown((), judged)
    return _fraction(now) - _fraction(before) if node.take == "increase" else _fraction(now) / _fraction(before) - 1


def undefined_growth(node: FactValue, period: Period) -> str:
    """The text for a person to judge: a growth that known facts leave undefined."""
    return node.quote or f"{node.fact}@{period.key} 的同比增长率：上年同期为零或负数，无法计算"


def _fraction(item: Value) -> Fraction:
    if isinstance(item, Decimal | Fraction):
        return Fraction(item)
    raise TypeMismatch(f"{item!r} 不是数值")


def field_value(node: FieldValue, scope: Scope) -> Value:
    """A field of the row at hand."""
    if scope.row is None:
        raise TypeMismatch(f"field “{node.field}” 只能写在 where 或 each 里")
    kind, row = scope.row
    return stated_field(kind, node.field, row, scope)


def stated_field(kind: str, name: str, row: Row, scope: Scope) -> Value:
    known = scope.registry.kinds.get(kind)
    entry = known.fields.get(name) if known else None
    raw = row.get(name)
    if raw is None:
        return OPEN_END if entry is not None and entry.type == "end" else Unknown((f"{kind}.{name}",))
    return typed(raw, entry.type if entry else None)


# -------------------------------------------------------------------------------------------------------------- records


def existing_rows(kind: str, scope: Scope) -> Sequence[Row] | None:
    """The rows there are on that day, in order; None for a table that is absent."""
    rows = scope.enterprise.records.get(kind)
    if rows is None:
        return None
    known = scope.registry.kinds.get(kind)
    begins = known.begins() if known else None
    if begins is None:
        return rows
    return [row for row in rows if row.get(begins) is None or as_date(row[begins]) <= scope.as_of]


def row_answer(where: Sequence[Any], kind: str, row: Row, scope: Scope) -> Answer:
    """Whether the row meets `where`."""
    inside = scope.at_row(kind, row)
    return both(answer(condition, inside) for condition in where)


def matching(where: Sequence[Any], kind: str, scope: Scope) -> tuple[list[Row], list[tuple[Row, Answer]]] | None:
    """The rows that meet `where` and those in doubt; None for a table that is absent."""
    rows = existing_rows(kind, scope)
    if rows is None:
        return None
    answers = [(row, row_answer(where, kind, row, scope)) for row in rows]
    return [row for row, a in answers if a.value is True], [(row, a) for row, a in answers if a.value is None]


def _count(node: CountOf, scope: Scope) -> Value:
    found = matching(node.where, node.count, scope)
    if found is None:
        return Unknown((node.count,))
    sure, doubtful = found
    return _tidy(added([Range(Decimal(len(sure)), Decimal(len(sure))), *(_doubt(Range(Decimal(0), Decimal(1)), a) for _, a in doubtful)]))


def _sum(node: SumOf, scope: Scope) -> Value:
    found = matching(node.where, node.sum, scope)
    if found is None:
        return Unknown((node.sum,))
    sure, doubtful = found
    parts = [_summand(node, row, scope) for row in sure]
    for row, a in doubtful:
        part = _summand(node, row, scope)
        low = None if part.low is None else min(Fraction(part.low), Fraction(0))
        high = None if part.high is None else max(Fraction(part.high), Fraction(0))
        parts.append(_doubt(Range(low, high, part.missing), a))
    return _tidy(added(parts))


def _summand(node: SumOf, row: Row, scope: Scope) -> Range:
    item = stated_field(node.sum, node.field, row, scope)
    if not isinstance(item, Unknown):
        return as_range(item)
    known = scope.registry.kinds.get(node.sum)
    entry = known.fields.get(node.field) if known else None
    return Range(None if entry is not None and entry.signed else Fraction(0), None, item.missing)


def _doubt(part: Range, a: Answer) -> Range:
    return Range(part.low, part.high, a.missing + part.missing, a.judged)


def _tidy(total: Range) -> Value:
    """A range of one point is a number, and waits for nothing."""
    return total.low if total.exact and total.low is not None else total


def _extreme(node: EarliestOf | LatestOf, scope: Scope) -> Value:
    kind = node.earliest if isinstance(node, EarliestOf) else node.latest
    found = matching(node.where, kind, scope)
    if found is None:
        return Unknown((kind,))
    sure, doubtful = found
    if doubtful:
        return Unknown(tuple(m for _, a in doubtful for m in a.missing), tuple(j for _, a in doubtful for j in a.judged))
    values = [stated_field(kind, node.field, row, scope) for row in sure]
    unknown = merged(values)
    if unknown is not None:
        return unknown
    if not values:
        return NOTHING
    days: list[Any] = [as_date(item) if isinstance(item, str) else item for item in values]
    return min(days) if isinstance(node, EarliestOf) else max(days)  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------------------- figures, dates, sums


def _figure(node: PublicFigure, scope: Scope) -> Value:
    on = scope.as_of if node.on is None else value(node.on, scope)
    if isinstance(on, Unknown) or on is NOTHING:
        return on
    day = as_date(on) if isinstance(on, str) else on
    if not isinstance(day, date):
        raise TypeMismatch("figure 的 on 应为日期")
    found = scope.figures.at(node.figure, day)
    if found is None:
        return Unknown((f"figure:{node.figure}@{day.isoformat()}",))
    return typed(found, None)


def _ago(node: Ago, scope: Scope) -> Value:
    return step(scope.as_of, node.ago, -1)


def _shift(node: Shift, scope: Scope) -> Value:
    day = value(node.of, scope)
    if isinstance(day, Unknown) or day is NOTHING or day == OPEN_END:
        return day
    day = as_date(day) if isinstance(day, str) else day
    if not isinstance(day, date):
        raise TypeMismatch("shift 的 of 应为日期")
    return step(day, node.shift)


def _plus(node: Plus, scope: Scope) -> Value:
    return _reckoned([value(item, scope) for item in node.plus], lambda ranges: added(ranges))


def _times(node: Times, scope: Scope) -> Value:
    def product(ranges: list[Range]) -> Range:
        total = Range(Fraction(1), Fraction(1))
        for item in ranges:
            total = multiplied(total, item)
        return total

    return _reckoned([value(item, scope) for item in node.times], product)


def _reckoned(values: list[Value], reckon: Callable[[list[Range]], Range]) -> Value:
    unknown = merged(values)
    if unknown is not None:
        return unknown
    if any(item is NOTHING for item in values):
        return NOTHING
    return _tidy(reckon([as_range(item) for item in values]))


_VALUES: dict[type, Callable[[Any, Scope], Value]] = {
    FactValue: fact_value,
    FactTest: fact_value,
    FieldValue: field_value,
    FieldTest: field_value,
    CountOf: _count,
    CountTest: _count,
    SumOf: _sum,
    SumTest: _sum,
    EarliestOf: _extreme,
    EarliestTest: _extreme,
    LatestOf: _extreme,
    LatestTest: _extreme,
    PublicFigure: _figure,
    Ago: _ago,
    Shift: _shift,
    Plus: _plus,
    Times: _times,
}
