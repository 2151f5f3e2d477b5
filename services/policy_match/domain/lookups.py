"""What the tests of one fact against constants make of its value: the interpreter finds it once, then it is looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from contracts.rules import NUMERIC, FactTest
from services.policy_match.domain.distinct import constant
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.interpreter import Scope, compared, value, window
from services.policy_match.domain.periods import key_of
from services.policy_match.domain.values import Nothing, TypeMismatch, Unknown, as_date, typed

_REMEMBERED = 65_536
"""The values of a fact of which it is remembered what the tests make of them."""


def place_of(test: FactTest, nobody: Scope) -> tuple[str, str] | None:
    """The fact and the one period ("" without) whose value alone decides the test on that day; None for any other test."""
    if test.take is not None or test.fact not in nobody.registry.facts or not constant(test.value):
        return None
    if test.period is None:
        return test.fact, ""
    if test.since is not None:
        return None
    periods = window(test, nobody)
    return None if isinstance(periods, Unknown) or not periods else (test.fact, key_of(periods[-1]))


@dataclass(frozen=True, slots=True)
class Asked:
    """The tests of one fact in one period, each with the mask of the benefits that need it to be true, out of `number` benefits.
    `nobody` is the scope of an enterprise of which nothing is known."""

    fact: str
    period: str
    tests: Sequence[tuple[FactTest, int]]
    number: int
    nobody: Scope

    @property
    def absent(self) -> int:
        """The mark of a fact that nobody stated: all these benefits are left unknown."""
        every = 0
        for _, benefits in self.tests:
            every |= benefits
        return every << self.number

    @property
    def _type(self) -> str:
        return self.nobody.registry.facts[self.fact].type

    def stated(self, enterprise: Enterprise) -> Any:
        """The value as it was stated, None where nobody did."""
        raw = enterprise.facts.get(self.fact)
        if self.period:
            return raw.get(self.period) if isinstance(raw, Mapping) else None
        return raw

    def cuts(self) -> list[Any] | None:
        """The thresholds at which tests of a number or a day change their answer, in order; None for values without an order."""
        kind = self._type
        if kind not in NUMERIC and kind != "date":
            return None
        cuts: set[Any] = set()
        for test, _ in self.tests:
            if test.is_ == "during":
                return None
            try:
                found = value(test.value, self.nobody)
                for item in found if isinstance(found, tuple) else (found,):
                    if isinstance(item, Unknown | Nothing):
                        continue
                    cut = as_date(item) if kind == "date" and isinstance(item, str) else item
                    if not isinstance(cut, date if kind == "date" else Decimal | Fraction):
                        return None
                    cuts.add(cut)
            except TypeMismatch:
                return None
        return sorted(cuts)

    def mark(self, raw: Any) -> int:
        """What the tests make of a value, three masks in one: the benefits it falsifies, then those left unknown, then the faults."""
        kind = self._type
        falsified = unknown = faulty = 0
        for test, benefits in self.tests:
            try:
                known = raw if isinstance(raw, date) else typed(raw, kind)
                holds = compared(test, known, self.nobody).value
            except TypeMismatch:
                faulty |= benefits
                continue
            if holds is None:
                unknown |= benefits
            elif not holds:
                falsified |= benefits
        return falsified | unknown << self.number | faulty << 2 * self.number


class Values(dict[Any, int]):
    """The marks of the values of a fact, made once for each; None is a fact that nobody stated."""

    def __init__(self, absent: int, mark: Callable[[Any], int]) -> None:
        super().__init__({None: absent})
        self._absent, self._mark = absent, mark

    def __missing__(self, raw: Any) -> int:
        if len(self) > _REMEMBERED:
            self.clear()
            self[None] = self._absent
        found = self[raw] = self._mark(raw)
        return found
