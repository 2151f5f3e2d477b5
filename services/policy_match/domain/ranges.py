"""Arithmetic with numbers known only to lie between two bounds, exact in fractions: what a result waits for is what its parts wait for."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import Final

from services.policy_match.domain.values import Exact, Range, Value


def added(ranges: Iterable[Range]) -> Range:
    low: Exact | None = Fraction(0)
    high: Exact | None = Fraction(0)
    missing: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()
    for item in ranges:
        low = None if low is None or item.low is None else Fraction(low) + Fraction(item.low)
        high = None if high is None or item.high is None else Fraction(high) + Fraction(item.high)
        missing += item.missing
        judged += item.judged
    return Range(low, high, missing, judged)


def tidy(total: Range) -> Value:
    """A range of one point is a number, and waits for nothing."""
    return total.low if total.exact and total.low is not None else total


def multiplied(left: Range, right: Range) -> Range:
    """The range of the product; nothing times whatever is nothing, also where that has no bound."""
    if left.low is not None and left.low == left.high and right.low is not None and right.low == right.high:
        point = Fraction(left.low) * Fraction(right.low)
        return Range(point, point, left.missing + right.missing, left.judged + right.judged)
    ends = [_product(a, b) for a in _ends(left) for b in _ends(right)]
    low, high = min(ends), max(ends)
    return Range(
        None if low == _MINUS else low[1], None if high == _PLUS else high[1], left.missing + right.missing, left.judged + right.judged
    )


# An end of a range that can be ordered: (-1, 0) is without lower bound, (1, 0) without upper bound, (0, x) the number x.
_End = tuple[int, Fraction]
_MINUS: Final[_End] = (-1, Fraction(0))
_PLUS: Final[_End] = (1, Fraction(0))


def _ends(item: Range) -> tuple[_End, _End]:
    return (
        _MINUS if item.low is None else (0, Fraction(item.low)),
        _PLUS if item.high is None else (0, Fraction(item.high)),
    )


def _product(a: _End, b: _End) -> _End:
    sign_a, sign_b = _sign(a), _sign(b)
    if sign_a * sign_b == 0:
        return (0, Fraction(0))
    if a[0] or b[0]:
        return _PLUS if sign_a * sign_b > 0 else _MINUS
    return (0, a[1] * b[1])


def _sign(end: _End) -> int:
    return end[0] or (end[1] > 0) - (end[1] < 0)


def minus(item: Range) -> Range:
    low = None if item.high is None else -Fraction(item.high)  # a Decimal's own minus would round
    return Range(low, None if item.low is None else -Fraction(item.low), item.missing, item.judged)


def lowest(items: list[Range]) -> Range:
    """The range of the smallest of several numbers."""
    ends = [_ends(item) for item in items]
    return _joined(min(end[0] for end in ends), min(end[1] for end in ends), items)


def highest(items: list[Range]) -> Range:
    """The range of the greatest of several numbers."""
    ends = [_ends(item) for item in items]
    return _joined(max(end[0] for end in ends), max(end[1] for end in ends), items)


def hull(items: list[Range]) -> Range:
    """From the lowest to the highest that any of them may be: one of them holds, not known which."""
    ends = [_ends(item) for item in items]
    return _joined(min(end[0] for end in ends), max(end[1] for end in ends), items)


def _joined(low: _End, high: _End, items: list[Range]) -> Range:
    return Range(
        None if low[0] else low[1],
        None if high[0] else high[1],
        tuple(m for item in items for m in item.missing),
        tuple(j for item in items for j in item.judged),
    )
