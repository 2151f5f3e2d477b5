"""One enterprise against every benefit: each of its values finds a mask of the benefits it falsifies; what no value falsifies matches.

Agrees with the interpreter on every pair. Tests of one fact against a constant are looked up: a value is placed among the thresholds
that tests of the fact name, or found by itself, and what the tests make of it is remembered. Other tests are decided by the
interpreter's own functions, once each, and only while a benefit that asks them is still open. So are all of an enterprise of which
something is stated that is not of its fact's type.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from contracts.rules import NUMERIC, FactTest, Figures, Judged, Registry
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import NOBODY, Clauses, Gate, Tree, atoms_of, constant, force_of, kleene, signature
from services.policy_match.domain.enterprise import Enterprise, type_problems
from services.policy_match.domain.interpreter import Scope, compared, value, window
from services.policy_match.domain.periods import key_of
from services.policy_match.domain.population import Population
from services.policy_match.domain.values import Known, Nothing, TypeMismatch, Unknown, as_date, typed

_REMEMBERED = 65_536
"""The values of a fact of which it is remembered what the tests make of them."""

_NOBODYS = "\0"
"""The benefit of no judgement."""


class Outcomes(NamedTuple):
    """Benefits by their numbers, one bit each; those in neither set are undetermined. `faulty` are those whose rule cannot be
    computed, among the undetermined."""

    eligible: int
    ineligible: int
    faulty: int


class Profile(NamedTuple):
    """An enterprise's values in the order in which they are looked up; `odd` where one of its values is not of its fact's type."""

    enterprise: Enterprise
    placed: Sequence[Any]
    found: Sequence[Any]
    odd: bool


@dataclass(frozen=True, slots=True)
class _Asked:
    """The tests of one fact in one period, each with the benefits that need it to be true."""

    fact: str
    period: str
    tests: Sequence[tuple[FactTest, int]]

    @property
    def benefits(self) -> int:
        return _union(benefits for _, benefits in self.tests)


class Percolator:
    """The benefits as they stand on one day, made ready for one enterprise after another."""

    def __init__(
        self, clauses: Clauses, *, as_of: date, registry: Registry, figures: Figures, population: Population | None = None
    ) -> None:
        self.clauses, self._as_of, self._registry, self._figures = clauses, as_of, registry, figures
        self._rankings = population.standings if population else None
        self._nobody = Scope(NOBODY, as_of, registry, figures)
        self._number = len(clauses.benefits)
        self.every = (1 << self._number) - 1
        self._always = self._forces()
        self._personal = 0  # benefits of which some test waits for a person's judgement
        by_fact: dict[tuple[str, str], dict[int, int]] = {}
        others: dict[Tree, int] = {}
        judged = 0
        alike = self._alike()
        for number, rule in enumerate(clauses.rules):
            bit = 1 << number
            if any(clauses.atoms[atom].benefit for atom in atoms_of(rule)):
                self._personal |= bit
            dated = clauses.dated[number]
            for part in (*(rule.limbs if isinstance(rule, Gate) and rule.kind == "all" else (rule,)), *(() if dated is None else (dated,))):
                node = clauses.atoms[part].node if isinstance(part, int) else None
                place = self._place(node) if isinstance(node, FactTest) else None
                if place is not None and isinstance(part, int):
                    tests = by_fact.setdefault(place, {})
                    tests[part] = tests.get(part, 0) | bit
                elif isinstance(node, Judged):
                    judged |= bit
                else:
                    plain = _renumbered(part, alike)
                    others[plain] = others.get(plain, 0) | bit
        self._always |= judged << self._number
        self._others = tuple(others.items())
        self._ordered: list[_Asked] = []
        self._listed: list[_Asked] = []
        self._cells: list[tuple[list[Any], dict[int, int], int]] = []
        self._values: list[_Values] = []
        for (fact, period), numbers in by_fact.items():
            asked = _Asked(fact, period, [(_fact_test(clauses.atoms[atom].node), mask) for atom, mask in numbers.items()])
            cuts = self._cuts(asked)
            if cuts is None:
                self._listed.append(asked)
                self._values.append(_Values(asked.benefits << self._number, self._made_of(asked)))
            else:
                self._ordered.append(asked)
                self._cells.append((cuts, {}, asked.benefits << self._number))
        self._make = [self._made_of(asked) for asked in self._ordered]

    # making ready ----------------------------------------------------------------------------------------------------------

    def _forces(self) -> int:
        """What is known without a look at the enterprise: benefits not in force, or perhaps not."""
        always = 0
        for number, benefit in enumerate(self.clauses.benefits):
            if self.clauses.dated[number] is None:
                try:
                    holds = force_of(benefit, self._as_of, self._registry, self._figures)
                except TypeMismatch:
                    always |= 1 << (2 * self._number + number)
                    continue
                if holds is not True:
                    always |= 1 << (number if holds is False else self._number + number)
        return always

    def _alike(self) -> dict[int, int]:
        """One atom for those that differ only in whose judgement may settle them: the first."""
        first: dict[Any, int] = {}
        return {
            number: first.setdefault(signature(atom.node) if isinstance(atom.node, FactTest) else number, number)
            for number, atom in enumerate(self.clauses.atoms)
        }

    def _place(self, test: FactTest) -> tuple[str, str] | None:
        """The fact and period a test looks at, if it is one, and the test compares it with a constant."""
        if test.take is not None or test.fact not in self._registry.facts or not constant(test.value):
            return None
        if test.period is None:
            return test.fact, ""
        if test.since is not None:
            return None
        periods = window(test, self._nobody)
        return None if isinstance(periods, Unknown) or not periods else (test.fact, key_of(periods[-1]))

    def _cuts(self, asked: _Asked) -> list[Any] | None:
        """The thresholds at which tests of a number or a day change their answer; None for values without an order."""
        kind = self._registry.facts[asked.fact].type
        if kind not in NUMERIC and kind != "date":
            return None
        cuts: set[Any] = set()
        for test, _ in asked.tests:
            if test.is_ == "during":
                return None
            try:
                found = value(test.value, self._nobody)
                for item in found if isinstance(found, tuple) else (found,):
                    if isinstance(item, Unknown | Nothing):
                        continue
                    cut = as_date(item) if kind == "date" and isinstance(item, str) else item
                    if isinstance(cut, bool) or not isinstance(cut, date if kind == "date" else Decimal | Fraction):
                        return None
                    cuts.add(cut)
            except TypeMismatch:
                return None
        return sorted(cuts)

    def _made_of(self, asked: _Asked) -> Callable[[Any], int]:
        """What the tests of a fact make of a value: the benefits that are falsified, then those left unknown, then faults."""
        kind = self._registry.facts[asked.fact].type

        def made(raw: Any) -> int:
            falsified = unknown = faulty = 0
            for test, benefits in asked.tests:
                try:
                    known: Known = raw if isinstance(raw, date) else typed(raw, kind)
                    holds = compared(test, known, self._nobody).value
                except TypeMismatch:
                    faulty |= benefits
                    continue
                if holds is None:
                    unknown |= benefits
                elif not holds:
                    falsified |= benefits
            return falsified | unknown << self._number | faulty << 2 * self._number

        return made

    # one enterprise --------------------------------------------------------------------------------------------------------

    def profile(self, enterprise: Enterprise) -> Profile:
        """The enterprise made ready to be matched."""
        if any(True for _ in type_problems(enterprise, self._registry)):
            return Profile(enterprise, (), (), odd=True)
        placed = [_stated(enterprise, asked) for asked in self._ordered]
        days = [as_date(raw) if isinstance(raw, str) else raw for raw in placed]
        return Profile(enterprise, days, [_stated(enterprise, asked) for asked in self._listed], odd=False)

    def decide(self, enterprise: Enterprise) -> Outcomes:
        """How every benefit comes out for an enterprise."""
        return self.match(self.profile(enterprise))

    def match(self, profile: Profile) -> Outcomes:
        """How every benefit comes out for an enterprise made ready."""
        if profile.odd:
            return self._anew(profile.enterprise, 0, self.every, self.every)
        marks = self._always
        for position, ((cuts, cells, absent), placed) in enumerate(zip(self._cells, profile.placed, strict=True)):
            if placed is None:
                marks |= absent
                continue
            at = bisect_left(cuts, placed)
            cell = 2 * at + 1 if at < len(cuts) and cuts[at] == placed else 2 * at
            mark = cells.get(cell)
            if mark is None:
                mark = cells[cell] = self._make[position](placed)
            marks |= mark
        for values, raw in zip(self._values, profile.found, strict=True):
            marks |= values[raw]
        number, every = self._number, self.every
        if self._others:
            marks |= self._rest(marks, profile.enterprise)
        ineligible = marks & every
        undetermined = (marks >> number) & every & ~ineligible
        faulty = marks >> 2 * number
        if faulty or (undetermined & self._personal and profile.enterprise.records.get("judgement")):
            return self._anew(profile.enterprise, ineligible, undetermined, faulty)
        return Outcomes(every & ~ineligible & ~undetermined, ineligible, 0)

    def _rest(self, marks: int, enterprise: Enterprise) -> int:
        """What the tests that cannot be looked up say of the benefits still open."""
        number = self._number
        open_ = self.every & ~marks
        found = 0
        scope = Scope(enterprise, self._as_of, self._registry, self._figures, _NOBODYS, self._rankings)
        answers: dict[int, bool | None] = {}

        def answer(atom: int) -> bool | None:
            if atom not in answers:
                answers[atom] = self.clauses.atoms[atom].answer(scope).value
            return answers[atom]

        for tree, benefits in self._others:
            if benefits & open_:
                try:
                    holds = kleene(tree, answer)
                except TypeMismatch:
                    found |= benefits << 2 * number
                    continue
                if holds is False:
                    open_ &= ~benefits
                    found |= benefits
                elif holds is None:
                    found |= benefits << number
        return found

    def _anew(self, enterprise: Enterprise, ineligible: int, undetermined: int, faulty: int) -> Outcomes:
        """Decide by the whole rule what has a fault in it, for it may stand where it is never asked, and what a person may settle."""
        failed = 0
        eligible = self.every & ~ineligible & ~undetermined
        settling = undetermined & self._personal if enterprise.records.get("judgement") else 0
        for number in numbers(faulty | settling):
            bit = 1 << number
            benefit = self.clauses.benefits[number]
            scope = Scope(enterprise, self._as_of, self._registry, self._figures, benefit.id, self._rankings)
            eligible &= ~bit
            ineligible &= ~bit
            try:
                holds = settled(benefit, scope).value
            except TypeMismatch:
                failed |= bit
                continue
            if holds is not None:
                eligible, ineligible = (eligible | bit, ineligible) if holds else (eligible, ineligible | bit)
        return Outcomes(eligible, ineligible, failed)


class _Values(dict[Any, int]):
    """What the tests of a fact make of a value, found once for each; None is a fact that nobody stated."""

    def __init__(self, absent: int, make: Callable[[Any], int]) -> None:
        super().__init__({None: absent})
        self._absent, self._make = absent, make

    def __missing__(self, raw: Any) -> int:
        if len(self) > _REMEMBERED:
            self.clear()
            self[None] = self._absent
        found = self[raw] = self._make(raw)
        return found


def numbers(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _stated(enterprise: Enterprise, asked: _Asked) -> Any:
    raw = enterprise.facts.get(asked.fact)
    if asked.period:
        return raw.get(asked.period) if isinstance(raw, Mapping) else None
    return raw


def _renumbered(tree: Tree, alike: Mapping[int, int]) -> Tree:
    if isinstance(tree, int):
        return alike[tree]
    return Gate(tree.kind, tuple(_renumbered(limb, alike) for limb in tree.limbs), tree.n)


def _fact_test(node: Any) -> FactTest:
    assert isinstance(node, FactTest)
    return node


def _union(masks: Iterator[int]) -> int:
    found = 0
    for mask in masks:
        found |= mask
    return found
