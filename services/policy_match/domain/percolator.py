"""One enterprise against every benefit: each of its values finds a mask of the benefits it falsifies; what no value falsifies matches.

Agrees with the interpreter on every pair. Tests of one fact against a constant are looked up: a value is placed among the thresholds
that tests of the fact name, or found by itself, and what the tests make of it is remembered. Other tests are decided by the
interpreter's own functions, once each, and only while a benefit that asks them is still open. So are all of an enterprise of which
something is stated that is not of its fact's type.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from contracts.rules import FactTest, Figures, Judged, Node, PopulationTest, Registry
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import NOBODY, Clauses, Gate, Tree, atoms_of, force_of, kleene, signature
from services.policy_match.domain.enterprise import Enterprise, type_problems
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.lookups import Asked, Values, place_of
from services.policy_match.domain.population import Population
from services.policy_match.domain.values import TypeMismatch, as_date

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


class Percolator:
    """The benefits as they stand on one day, made ready for one enterprise after another."""

    def __init__(
        self, clauses: Clauses, *, as_of: date, registry: Registry, figures: Figures, population: Population | None = None
    ) -> None:
        self.clauses, self._as_of, self._registry, self._figures = clauses, as_of, registry, figures
        self._rankings = population.standings if population else None
        self._number = len(clauses.benefits)
        self.every = (1 << self._number) - 1
        self._always = self._forces()
        self._personal = 0  # benefits of which some test waits for a person's judgement
        nobody = Scope(NOBODY, as_of, registry, figures)
        by_fact: dict[tuple[str, str], dict[int, tuple[FactTest, int]]] = {}
        others: dict[Tree, int] = {}
        judged = 0
        alike = self._alike()
        for number, rule in enumerate(clauses.rules):
            bit = 1 << number
            if any(clauses.atoms[atom].benefit for atom in atoms_of(rule)):
                self._personal |= bit
            for part, node in self._parts(number):
                place = place_of(node, nobody) if isinstance(node, FactTest) else None
                if place is not None and isinstance(part, int) and isinstance(node, FactTest):
                    tests = by_fact.setdefault(place, {})
                    tests[part] = node, tests[part][1] | bit if part in tests else bit
                elif isinstance(node, Judged):
                    judged |= bit
                else:
                    plain = _renumbered(part, alike)
                    others[plain] = others.get(plain, 0) | bit
        self._always |= judged << self._number
        self._others = tuple(others.items())
        self._ordered: list[Asked] = []  # facts whose values are placed among thresholds
        self._cells: list[tuple[list[Any], dict[int, int], int]] = []  # their thresholds, marks by the place between them, mark if absent
        self._listed: list[Asked] = []  # facts whose values are found by themselves
        self._values: list[Values] = []
        for (fact, period), found in by_fact.items():
            asked = Asked(fact, period, tuple(found.values()), self._number, nobody)
            cuts = asked.cuts()
            if cuts is None:
                self._listed.append(asked)
                self._values.append(Values(asked.absent, asked.mark))
            else:
                self._ordered.append(asked)
                self._cells.append((cuts, {}, asked.absent))

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

    def _parts(self, number: int) -> Iterator[tuple[Tree, Node | None]]:
        """What must all be true for a benefit, each with its test where it is a single one."""
        rule, dated = self.clauses.rules[number], self.clauses.dated[number]
        limbs = rule.limbs if isinstance(rule, Gate) and rule.kind == "all" else (rule,)
        for part in limbs if dated is None else (*limbs, dated):
            yield part, self.clauses.atoms[part].node if isinstance(part, int) else None

    # one enterprise --------------------------------------------------------------------------------------------------------

    def profile(self, enterprise: Enterprise) -> Profile:
        """The enterprise made ready to be matched."""
        if any(True for _ in type_problems(enterprise, self._registry)):
            return Profile(enterprise, (), (), odd=True)
        placed = [asked.stated(enterprise) for asked in self._ordered]
        days = [as_date(raw) if isinstance(raw, str) else raw for raw in placed]
        return Profile(enterprise, days, [asked.stated(enterprise) for asked in self._listed], odd=False)

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
                mark = cells[cell] = self._ordered[position].mark(placed)
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
                asked = self.clauses.atoms[atom]
                whose = replace(scope, benefit=asked.benefit) if isinstance(asked.node, PopulationTest) else scope  # each ranks for itself
                answers[atom] = asked.answer(whose).value
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


def numbers(mask: int) -> Iterator[int]:
    """The numbers of the bits that are set."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _renumbered(tree: Tree, alike: Mapping[int, int]) -> Tree:
    if isinstance(tree, int):
        return alike[tree]
    return Gate(tree.kind, tuple(_renumbered(limb, alike) for limb in tree.limbs), tree.n)
