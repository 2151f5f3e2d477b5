"""What is asked of the rows of a record table, and of one field of a row (rules.md 2, RECORD_TEST)."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.rules import (
    CountOf,
    CountTest,
    EarliestOf,
    EarliestTest,
    FieldTest,
    FieldValue,
    LatestOf,
    LatestTest,
    NoneOf,
    Some,
    SumOf,
    SumTest,
)
from services.policy_match.domain.enterprise import Row
from services.policy_match.domain.interpreter.operators import compared
from services.policy_match.domain.interpreter.scope import Scope, answer, truth_of, value, worth_of
from services.policy_match.domain.ranges import added, tidy
from services.policy_match.domain.truth import Answer, both, either, negated
from services.policy_match.domain.values import NOTHING, OPEN_END, Range, TypeMismatch, Unknown, Value, as_date, as_range, merged, typed


@truth_of(Some)
def _some(test: Some, scope: Scope) -> Answer:
    return _any_row(test.where, test.some, scope)


@truth_of(NoneOf)
def _none(test: NoneOf, scope: Scope) -> Answer:
    return negated(_any_row(test.where, test.none, scope))


def _any_row(where: Sequence[Any], kind: str, scope: Scope) -> Answer:
    rows = existing_rows(kind, scope)
    if rows is None:
        return Answer(None, (kind,))
    return either(row_answer(where, kind, row, scope) for row in rows)


@truth_of(CountTest, SumTest, EarliestTest, LatestTest, FieldTest)
def _compared(test: CountTest | SumTest | EarliestTest | LatestTest | FieldTest, scope: Scope) -> Answer:
    return compared(test, value(test, scope), scope)


@worth_of(CountOf, CountTest)
def _count(node: CountOf, scope: Scope) -> Value:
    """How many rows match; a doubtful one counts 0 or 1."""
    found = matching(node.where, node.count, scope)
    if found is None:
        return Unknown((node.count,))
    sure, doubtful = found
    surely = Decimal(len(sure))
    return tidy(added([Range(surely, surely), *(Range(Decimal(0), Decimal(1), a.missing, a.judged) for _, a in doubtful)]))


@worth_of(SumOf, SumTest)
def _sum(node: SumOf, scope: Scope) -> Value:
    """What the field adds up to over the rows that match; a doubtful one adds 0 or its value."""
    found = matching(node.where, node.sum, scope)
    if found is None:
        return Unknown((node.sum,))
    sure, doubtful = found
    parts = [_summand(node, row, scope) for row in sure]
    for row, a in doubtful:
        part = _summand(node, row, scope)
        low = None if part.low is None else min(Fraction(part.low), Fraction(0))
        high = None if part.high is None else max(Fraction(part.high), Fraction(0))
        parts.append(Range(low, high, a.missing + part.missing, a.judged))
    return tidy(added(parts))


def _summand(node: SumOf, row: Row, scope: Scope) -> Range:
    """The field of one row; a missing one is 0 or more, or anything where the registry marks it `signed`."""
    item = stated_field(node.sum, node.field, row, scope)
    if not isinstance(item, Unknown):
        return as_range(item)
    entry = scope.registry.field(node.sum, node.field)
    return Range(None if entry is not None and entry.signed else Fraction(0), None, item.missing)


@worth_of(EarliestOf, EarliestTest, LatestOf, LatestTest)
def _extreme(node: EarliestOf | LatestOf, scope: Scope) -> Value:
    """The earliest or the latest of the rows that match, unknown while one is in doubt; of no row it does not exist."""
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


def existing_rows(kind: str, scope: Scope) -> Sequence[Row] | None:
    """The rows there are on the day of the decision, in their order: one that begins later does not exist for it.

    None for a table that is absent. Raises TypeMismatch for a beginning that is no day.
    """
    rows = scope.enterprise.records.get(kind)
    if rows is None:
        return None
    begins = scope.registry.begins(kind)
    if begins is None:
        return rows
    return [row for row in rows if row.get(begins) is None or as_date(row[begins]) <= scope.as_of]


def matching(where: Sequence[Any], kind: str, scope: Scope) -> tuple[list[Row], list[tuple[Row, Answer]]] | None:
    """The rows that meet `where`, and those in doubt with what would settle them; None for a table that is absent."""
    rows = existing_rows(kind, scope)
    if rows is None:
        return None
    answers = [(row, row_answer(where, kind, row, scope)) for row in rows]
    return [row for row, a in answers if a.value is True], [(row, a) for row, a in answers if a.value is None]


def row_answer(where: Sequence[Any], kind: str, row: Row, scope: Scope) -> Answer:
    """Whether one and the same row meets everything in `where`: one false makes it false, else one unknown makes it unknown."""
    inside = scope.at_row(kind, row)
    return both(answer(condition, inside) for condition in where)


@worth_of(FieldValue, FieldTest)
def _field(node: FieldValue, scope: Scope) -> Value:
    """A field of the row at hand."""
    if scope.row is None:
        raise TypeMismatch(f"field “{node.field}” 只能写在 where 或 each 里")
    kind, row = scope.row
    return stated_field(kind, node.field, row, scope)


def stated_field(kind: str, name: str, row: Row, scope: Scope) -> Value:
    """A field of a row, or Unknown by kind and field (`certificate.first`); an `end` left out is one that has not come.

    Raises TypeMismatch for a value that no type of the registry has.
    """
    entry = scope.registry.field(kind, name)
    raw = row.get(name)
    if raw is None:
        return OPEN_END if entry is not None and entry.type == "end" else Unknown((f"{kind}.{name}",))
    return typed(raw, entry.type if entry else None)
