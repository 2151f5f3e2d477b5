"""Figures as sums: factor x column for each of several columns, and a constant; in the smallest integers that keep the proportions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from services.policy_match.domain.columns import Key


@dataclass(frozen=True, slots=True)
class Sum:
    """Factor x column for each column, and a constant."""

    terms: Mapping[Key, Fraction]
    constant: Fraction

    def less(self, other: Sum) -> Sum:
        terms = {key: self.terms.get(key, Fraction(0)) - other.terms.get(key, Fraction(0)) for key in {**self.terms, **other.terms}}
        return Sum(terms, self.constant - other.constant)

    def times(self, factor: Fraction) -> Sum:
        return Sum({key: share * factor for key, share in self.terms.items()}, self.constant * factor)

    def by(self, other: Sum) -> Sum | None:
        """The product, if one of the two is a constant."""
        if other.terms:
            return None if self.terms else other.times(self.constant)
        return self.times(other.constant)


def integers(shares: list[Fraction], constant_: Fraction) -> tuple[list[int], int]:
    """The same proportions in integers, as small as they can be."""
    common = lcm(constant_.denominator, *(share.denominator for share in shares))
    whole = [int(share * common) for share in (*shares, constant_)]
    divisor = gcd(*whole) or 1
    return [part // divisor for part in whole[:-1]], whole[-1] // divisor
