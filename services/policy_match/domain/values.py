"""What a value may be: known, unknown, known not to exist, or known to lie in a range; and how two of them compare.

Numbers are exact (decimals as stated, fractions once reckoned with), so no comparison ever divides or rounds.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import Any, Final, NamedTuple

from services.policy_match.domain.truth import FALSE, TRUE, Answer

Exact = Decimal | Fraction
OPEN_END: Final = date.max  # an end that has not come: later than every date


class Unknown(NamedTuple):
    """A value that facts and figures (`missing`) or a person's judgement (`judged`) would settle."""

    missing: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()


class Nothing:
    """A value known not to exist: the latest of no row, a window that holds no period."""


NOTHING: Final = Nothing()


class Range(NamedTuple):
    """A number known only to lie between two bounds; None is no bound. `missing` and `judged` would narrow it."""

    low: Exact | None
    high: Exact | None
    missing: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()

    @property
    def exact(self) -> bool:
        return self.low is not None and self.low == self.high


Known = Decimal | Fraction | date | str | bool | frozenset[str]
Value = Known | Unknown | Nothing | Range | tuple[Any, ...]


# What an operator becomes under a `not`; `between`, `during` and `has_all` become no operator.
OPPOSITES = {
    ">=": "<", ">": "<=", "<=": ">", "<": ">=", "=": "!=", "!=": "=", "in": "not_in", "not_in": "in",
    "under": "not_under", "not_under": "under", "has": "has_none", "has_none": "has",
}  # fmt: skip


class TypeMismatch(ValueError):
    """Two values of a rule that cannot be compared; `check` finds these before a benefit is published."""


_QUOTES = dict.fromkeys(map(ord, "“”„‟‘’‚‛「」『』〝〞'`´«»‹›"), '"')


@lru_cache(maxsize=262144)
def same_text(text: str) -> str:
    """The form in which texts are compared: NFKC, one kind of quotes."""
    return unicodedata.normalize("NFKC", text).translate(_QUOTES)


@lru_cache(maxsize=65536)
def as_date(text: str) -> date:
    """An ISO date. Raises TypeMismatch."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise TypeMismatch(f"{text!r} 不是日期；应写成 2025-06-30") from error


def day_of(value: Value, where: str) -> date:
    """The day that a known value is. Raises TypeMismatch with the place in the rule where a day should stand."""
    day = as_date(value) if isinstance(value, str) else value
    if not isinstance(day, date):
        raise TypeMismatch(f"{where} 应为日期")
    return day


def typed(raw: Any, kind: str | None) -> Known:
    """A stated value in the form in which it is compared; without a type from the registry, by its own shape."""
    if isinstance(raw, str):
        return as_date(raw) if kind in ("date", "end") else same_text(raw)
    if isinstance(raw, bool | Decimal | Fraction | date):
        return raw
    if isinstance(raw, int | float):
        return Decimal(repr(raw))
    if isinstance(raw, list | tuple | set | frozenset):
        return frozenset(same_text(str(item)) for item in raw)
    raise TypeMismatch(f"{raw!r} 不是可以比较的值（应为{kind or '文字、数值、真假值或列表'}）")


def merged(values: Iterable[Value]) -> Unknown | None:
    """Everything the unknown ones among the values wait for; None if none is unknown."""
    unknown = [value for value in values if isinstance(value, Unknown)]
    if not unknown:
        return None
    return Unknown(tuple(m for u in unknown for m in u.missing), tuple(j for u in unknown for j in u.judged))


def relation(op: str, left: Value, right: Value) -> Answer:
    """`left op right` for = < <= > >=. Unknown if either is unknown, false if either is known not to exist."""
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        unknown = merged((left, right))
        assert unknown is not None
        return Answer(None, *unknown)
    if left is NOTHING or right is NOTHING:
        return FALSE
    if isinstance(left, Range) or isinstance(right, Range):
        return _range_relation(op, as_range(left), as_range(right))
    return TRUE if _compare(op, left, right) else FALSE


def _compare(op: str, left: Any, right: Any) -> bool:
    if isinstance(left, date) and isinstance(right, str):
        right = as_date(right)
    elif isinstance(right, date) and isinstance(left, str):
        left = as_date(left)
    if _sort(left) is not _sort(right):
        raise TypeMismatch(f"{_sort(left).__name__} 与 {_sort(right).__name__} 不能比较")
    if op == "=":
        return bool(left == right)
    if isinstance(left, str):  # of the texts only dates have an order
        left, right = as_date(left), as_date(right)
    elif isinstance(left, bool | frozenset):
        raise TypeMismatch(f"{op} 不能用于真假值或集合")
    if op == "<":
        return bool(left < right)
    if op == "<=":
        return bool(left <= right)
    if op == ">":
        return bool(left > right)
    return bool(left >= right)


def _sort(value: Any) -> type:
    kind = type(value)
    return Decimal if kind is Fraction or issubclass(kind, Decimal) else kind  # a number written 2e7 is a Decimal of its own class


def as_range(value: Value) -> Range:
    """A number as a range of one point. Raises TypeMismatch for what is no number."""
    if isinstance(value, Range):
        return value
    if isinstance(value, Decimal | Fraction):
        return Range(value, value)
    raise TypeMismatch(f"{value!r} 不是数值")


def _range_relation(op: str, left: Range, right: Range) -> Answer:
    if op == "=":
        if left.exact and right.exact and left.low == right.low:
            return TRUE
        apart = _surely("<", left, right) or _surely(">", left, right)
        return FALSE if apart else _undecided(left, right)
    opposite = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}[op]
    if _surely(op, left, right):
        return TRUE
    return FALSE if _surely(opposite, left, right) else _undecided(left, right)


def _undecided(left: Range, right: Range) -> Answer:
    return Answer(None, left.missing + right.missing, left.judged + right.judged)


def _surely(op: str, left: Range, right: Range) -> bool:
    """Whether the relation holds wherever in their ranges the two numbers lie."""
    if op in (">", ">="):
        left, right, op = right, left, op.replace(">", "<")
    if left.high is None or right.low is None:
        return False
    return left.high < right.low if op == "<" else left.high <= right.low


def under(code: str, parents: Iterable[str]) -> bool:
    """Whether the code is one of the parents or a child of one; a division code covers what its non-zero pairs begin."""
    return any(code.startswith(stem(parent)) for parent in parents)


@lru_cache(maxsize=4096)
def stem(code: str) -> str:
    """What the code and all its children begin with."""
    if len(code) == 6 and code.isdigit():
        while code.endswith("00") and len(code) > 2:
            code = code[:-2]
    return code
