"""Why: what each test of a rule asked and found, in the order in which it stands in the rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Any, Literal, NamedTuple

from contracts.rules import (
    Ago,
    All,
    AnyOf,
    AtLeast,
    Compared,
    CountOf,
    EarliestOf,
    FactTest,
    FactValue,
    FieldValue,
    Finding,
    Judged,
    LatestOf,
    Node,
    NoneOf,
    Not,
    Percentile,
    Plus,
    PopulationTest,
    PublicFigure,
    Rank,
    Shift,
    Some,
    SumOf,
    Times,
    dumps,
)
from services.policy_match.domain.interpreter import Scope, answer, matching, place_of, ranked_figure, ranking_of, stated, value, window
from services.policy_match.domain.periods import key_of, resolve
from services.policy_match.domain.truth import Answer
from services.policy_match.domain.values import NOTHING, OPEN_END, Range, TypeMismatch, Unknown, Value


class Leaf(NamedTuple):
    """A test or a judged text with its place, the nearest quotation above it, and whether an odd number of `not` stand above."""

    path: str
    node: Node
    quote: str | None
    article: str | None
    negated: bool


def leaves(rule: Node, path: str = "", quote: str | None = None, article: str | None = None, negated: bool = False) -> Iterator[Leaf]:
    quote, article = rule.quote or quote, rule.article or article
    for step, limb in limbs(rule):
        yield from leaves(limb, f"{path}/{step}" if path else step, quote, article, negated != isinstance(rule, Not))
    if not isinstance(rule, All | AnyOf | AtLeast | Not):
        yield Leaf(path, rule, quote, article, negated)


def limbs(rule: Node) -> Iterator[tuple[str, Node]]:
    """The nodes right below, with the step that leads to each."""
    if isinstance(rule, All):
        yield from ((f"all/{n}", limb) for n, limb in enumerate(rule.all))
    elif isinstance(rule, AnyOf):
        yield from ((f"any/{n}", limb) for n, limb in enumerate(rule.any))
    elif isinstance(rule, AtLeast):
        yield from ((f"of/{n}", limb) for n, limb in enumerate(rule.of))
    elif isinstance(rule, Not):
        yield "not", rule.not_


_WORDS: dict[bool | None, Literal["true", "false", "unknown"]] = {True: "true", False: "false", None: "unknown"}


def finding(leaf: Leaf, scope: Scope) -> Finding:
    """What one test asked, what it found, from whom, and the words of the clause behind it."""
    node, result = leaf.node, answer(leaf.node, scope)
    fact, label, found = _looked_at(node, scope)
    standing = ranking_of(node, scope) if isinstance(node, PopulationTest) else None
    known = fact is not None and found is not None
    entry = (scope.registry.facts.get(fact) or scope.registry.kinds.get(fact)) if fact else None
    return Finding.model_construct(
        path=leaf.path,
        value=_WORDS[result.value],
        why=_why(result),
        fact=label,
        found=found,
        wanted=wanted(node, scope),
        source=entry.authority if known and entry else None,
        known_at=scope.enterprise.known_at.get(fact) if known and fact else None,
        quote=leaf.quote,
        article=leaf.article,
        ranked=standing.ranked if standing else None,
        unranked=standing.unranked if standing else None,
    )


def _why(result: Answer) -> Literal["missing", "judged"] | None:
    if result.value is not None:
        return None
    return "missing" if result.missing or not result.judged else "judged"


def _looked_at(node: Node, scope: Scope) -> tuple[str | None, str | None, Any]:
    """The fact or record kind a test asks, its name with the period, and what was found there."""
    if isinstance(node, FactTest):
        return node.fact, label(node, scope), _found_fact(node, scope)
    if isinstance(node, PopulationTest):
        figure = ranked_figure(node)
        place = place_of(node, value(figure, scope), scope)
        return figure.fact, label(figure, scope), None if place is None else shown(place)
    if isinstance(node, Some | NoneOf):
        kind = node.some if isinstance(node, Some) else node.none
        rows = matching(node.where, kind, scope)
        return kind, kind, None if rows is None else _number_of_rows(rows)
    for key in ("count", "sum", "earliest", "latest"):
        asked = getattr(node, key, None)
        if isinstance(asked, str):
            return asked, asked, shown(value(node, scope))
    return None, None, None


def _number_of_rows(rows: tuple[list[Any], list[Any]]) -> Any:
    sure, doubtful = len(rows[0]), len(rows[1])
    return (Decimal(sure), Decimal(sure + doubtful)) if doubtful else Decimal(sure)


def _found_fact(node: FactTest, scope: Scope) -> Any:
    if node.take == "every":
        periods = window(node, scope)
        return None if isinstance(periods, Unknown) else tuple(shown(stated(node.fact, period, scope)) for period in periods)
    if node.take is None:  # as it was stated, not as it is compared
        raw = scope.enterprise.facts.get(node.fact)
        if node.period is not None:
            raw = raw.get(key_of(resolve(node.period, scope.as_of))) if isinstance(raw, Mapping) else None
        return None if isinstance(value(node, scope), Unknown) else raw
    return shown(value(node, scope))


def label(node: FactValue, scope: Scope) -> str:
    """`revenue@2024`, `rd_expense@2022..2024`."""
    if node.period is None:
        return node.fact
    last = resolve(node.period, scope.as_of)
    first = last.later(1 - (node.over or 1))
    return f"{node.fact}@{last.key}" if first == last else f"{node.fact}@{first.key}..{last.key}"


def shown(found: Value) -> Any:
    """A value as a decision writes it: numbers and texts; a range as [from, to]; what is unknown or does not exist as null."""
    if isinstance(found, Unknown) or found is NOTHING or found == OPEN_END:
        return None
    if isinstance(found, Range):
        return (None if found.low is None else _decimal(found.low), None if found.high is None else _decimal(found.high))
    if isinstance(found, Fraction):
        return _decimal(found)
    if isinstance(found, date):
        return found.isoformat()
    if isinstance(found, frozenset):
        return tuple(sorted(found))
    return found


def _decimal(exact: Decimal | Fraction) -> Decimal:
    """Exact where a decimal can say it in six places, else rounded half up to six."""
    if isinstance(exact, Decimal):
        return exact
    millionths = Decimal(exact.numerator * 10**6) / Decimal(exact.denominator)
    rounded = millionths.to_integral_value(ROUND_HALF_UP).scaleb(-6).normalize()
    return Decimal(format(rounded, "f"))


# ---------------------------------------------------------------------------------------------------------- what was asked


def wanted(node: Node, scope: Scope) -> str:
    """What a test asks, resolved for the day: `>= 0.03 × revenue@2024`."""
    if isinstance(node, Judged):
        return node.judged
    if isinstance(node, Some | NoneOf):
        rows = " and ".join(_condition(c, scope) for c in node.where) or "any row"
        return f"{'some' if isinstance(node, Some) else 'none'} where {rows}"
    assert isinstance(node, Compared)
    asked = f"{node.is_} {_right(node, scope)}"
    if isinstance(node, FactTest) and node.take is not None:
        asked = f"{node.take} {asked}"
    if isinstance(node, PopulationTest):
        asked = f"{'rank' if isinstance(node, Rank) else 'percentile' if isinstance(node, Percentile) else ''} {asked}"
    where = getattr(node, "where", ())
    return f"{asked} where {' and '.join(_condition(c, scope) for c in where)}" if where else asked


def _right(test: Compared, scope: Scope) -> str:
    if test.is_ == "during":
        return resolve(str(test.value), scope.as_of).key
    if test.is_ == "between" and isinstance(test.value, tuple):
        left, right = "(" if test.open in ("lo", "both") else "[", ")" if test.open in ("hi", "both") else "]"
        return f"{left}{_written(test.value[0], scope)}, {_written(test.value[1], scope)}{right}"
    return _written(test.value, scope)


def _condition(node: Any, scope: Scope) -> str:
    if isinstance(node, All | AnyOf | AtLeast):
        word = " and " if isinstance(node, All) else " or " if isinstance(node, AnyOf) else f" ({node.at_least} of) "
        return "(" + word.join(_condition(limb, scope) for _, limb in limbs(node)) + ")"
    if isinstance(node, Not):
        return f"not {_condition(node.not_, scope)}"
    if isinstance(node, FieldValue):
        return f"{node.field} {wanted(node, scope)}"
    if isinstance(node, FactTest):
        return f"{label(node, scope)} {wanted(node, scope)}"
    return wanted(node, scope)


def _written(item: Any, scope: Scope) -> str:
    """A right side in one line, with periods and dates resolved."""
    if isinstance(item, tuple):
        return "[" + ", ".join(_written(part, scope) for part in item) + "]"
    if isinstance(item, str):
        return item
    if isinstance(item, bool | Decimal):
        return dumps(item)
    if isinstance(item, FactValue):
        return f"{item.take} {label(item, scope)}" if item.take else label(item, scope)
    if isinstance(item, FieldValue):
        return item.field
    if isinstance(item, Times):
        return " × ".join(f"({_written(part, scope)})" if isinstance(part, Plus) else _written(part, scope) for part in item.times)
    if isinstance(item, Plus):
        return " + ".join(_written(part, scope) for part in item.plus)
    if isinstance(item, PublicFigure):
        return f"{item.figure}@{scope.as_of.isoformat() if item.on is None else _written(item.on, scope)}"
    if isinstance(item, Ago | Shift):
        try:
            day = value(item, scope)
        except TypeMismatch:  # of a field: there is no row here
            return f"{_written(item.of, scope)} {_steps(item)}" if isinstance(item, Shift) else "?"
        return (
            day.isoformat() if isinstance(day, date) else f"{_written(item.of, scope)} {_steps(item)}" if isinstance(item, Shift) else "?"
        )
    kind = next(
        (f"{key} {name}" for key in ("count", "sum", "earliest", "latest") if isinstance(name := getattr(item, key, None), str)), "?"
    )
    field = f".{item.field}" if isinstance(item, SumOf | EarliestOf | LatestOf) else ""
    assert isinstance(item, CountOf | SumOf | EarliestOf | LatestOf)
    return f"{kind}{field}" + (f" where {' and '.join(_condition(c, scope) for c in item.where)}" if item.where else "")


def _steps(shift: Shift) -> str:
    parts = ((shift.shift.years, "years"), (shift.shift.months, "months"), (shift.shift.days, "days"))
    return " ".join(f"{n:+d} {unit}" for n, unit in parts if n)
