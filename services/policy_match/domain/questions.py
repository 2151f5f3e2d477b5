"""Questions to columns: which codes make a test true and which false, or what sum has which sign; placed exactly, in integers.

A threshold is placed among a column's distinct values once; rows are then compared by their codes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.columns import Column, Key
from services.policy_match.domain.values import as_date, same_text

Spans = tuple[tuple[int, int], ...]
"""Codes from the first to before the second, each; apart from one another."""


@dataclass(frozen=True, slots=True)
class Codes:
    """True where the row's code lies in one of `true`, false where in one of `false`, else unknown. The two together are all codes
    from 1, or from 0 where no row is unknown (`whole`), or none at all."""

    key: Key
    true: Spans
    false: Spans
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Members:
    """Whether a row holds any, or all, of the members; unknown where the set is."""

    key: Key
    members: tuple[str, ...]
    every: bool


@dataclass(frozen=True, slots=True)
class Sign:
    """How the sum of factor x column, plus a constant, compares with 0; unknown where a column is."""

    op: str
    terms: tuple[tuple[Key, int], ...]
    constant: int


@dataclass(frozen=True, slots=True)
class Change:
    """How `now` x the one column, less `then` x the other, plus a constant, compares with 0. In the other column `zero`, where given,
    stands for 0; what is then not above 0 leaves a growth undefined, hence unknown."""

    op: str
    now: tuple[Key, int]
    then: tuple[Key, int]
    constant: int
    zero: int | None
    growth: bool


@dataclass(frozen=True, slots=True)
class Days:
    """How one column of days compares with another, moved day by day as the table says (ordinal -> ordinal). In the `open` ones a
    day that is not stated has not come yet: it is later than every day."""

    op: str
    left: Key
    right: Key
    moved: Mapping[int, int] | None
    open: frozenset[Key]


@dataclass(frozen=True, slots=True)
class Settled:
    """What was found by other means: where it is true for sure, and where it may be true."""

    truth: NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Joint:
    """Kleene's and, or the negation of the only part."""

    kind: Literal["all", "not"]
    parts: tuple[Question, ...]


Question = Codes | Members | Sign | Change | Days | Settled | Joint


def opposite(question: Question | None) -> Question | None:
    """Its negation."""
    if isinstance(question, Codes):
        return Codes(question.key, question.false, question.true, question.whole)
    return None if question is None else Joint("not", (question,))


def joint(parts: list[Question | None]) -> Question | None:
    """Kleene's and; of two questions about one column a single one."""
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    first = known[0]
    if isinstance(first, Codes) and all(isinstance(part, Codes) and part.key == first.key and (part.true or part.false) for part in known):
        false = apart([span for part in known if isinstance(part, Codes) for span in part.false])
        start, end = int(not first.whole), max(stop for _, stop in (*first.true, *first.false))
        return Codes(first.key, left_over(list(false), start, end), false, first.whole)
    return Joint("all", tuple(known))


def place_of(column: Column, right: Any) -> tuple[int, int] | None:
    """How many of the column's values are less than the right side, and how many not greater; None where they cannot be compared."""
    if column.sort == "number":
        if not isinstance(right, Decimal | Fraction):
            return None
        up, down = right.as_integer_ratio()
        return _among(column.values, up * 10**column.scale, down)
    if column.sort == "date":
        day = as_date(right) if isinstance(right, str) else right
        if not isinstance(day, date):
            return None
        return _among(column.values, day.toordinal(), 1)
    if column.sort == "bool":
        if not isinstance(right, bool):
            return None
        return bisect_left(column.values, right), bisect_right(column.values, right)
    if not isinstance(right, str):
        return None
    return bisect_left(column.compared, same_text(right)), bisect_right(column.compared, same_text(right))


def _among(values: NDArray[np.signedinteger[Any]], up: int, down: int) -> tuple[int, int]:
    """How many of the values, which are distinct, are less than up/down, and how many not greater."""
    ceiling = -(-up // down)
    if not len(values) or ceiling <= values[0]:  # compared as they are: what is searched for must not be rounded
        less = 0
    elif ceiling > values[-1]:
        less = len(values)
    else:
        less = int(values.searchsorted(ceiling))
    return less, less + int(less < len(values) and ceiling * down == up and values[less] == ceiling)


def span_of(op: str, place: tuple[int, int], count: int) -> tuple[int, int]:
    """The codes for which `value op right` holds."""
    less, not_greater = place
    if op == "=":
        return less + 1, not_greater + 1
    if op == "<":
        return 1, less + 1
    if op == "<=":
        return 1, not_greater + 1
    return (not_greater if op == ">" else less) + 1, count + 1


def beginning(texts: list[str], prefix: str) -> tuple[int, int]:
    """The codes of the texts that begin so."""
    length = len(prefix)
    return bisect_left(texts, prefix) + 1, bisect_right(texts, prefix, key=lambda text: text[:length]) + 1


def codes_in(key: Key, spans: list[tuple[int, int]], count: int) -> Codes:
    if len(spans) == 1 and 1 <= spans[0][0] < spans[0][1]:
        [(start, stop)] = spans
        return Codes(key, ((start, stop),), (*(((1, start),) if start > 1 else ()), *(((stop, count + 1),) if stop <= count else ())))
    return Codes(key, apart(spans), left_over(spans, 1, count + 1))


def apart(spans: list[tuple[int, int]]) -> Spans:
    """The same codes in spans that are apart, in order."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(span for span in spans if span[0] < span[1]):
        if merged and start <= merged[-1][1]:
            merged[-1] = merged[-1][0], max(stop, merged[-1][1])
        else:
            merged.append((start, stop))
    return tuple(merged)


def left_over(spans: list[tuple[int, int]], first: int, end: int) -> Spans:
    """The codes from `first` to before `end` that lie in none of the spans."""
    rest, at = [], first
    for start, stop in (*apart(spans), (end, end)):
        if at < start:
            rest.append((at, start))
        at = max(at, stop)
    return tuple(rest)
