"""Every benefit against every enterprise: each distinct test is decided once for all rows, the rules are combined by bit operations.

Agrees with the interpreter on every pair. What columns cannot decide (a value of the wrong kind, a window that depends on the
enterprise, a judgement given) the interpreter's own functions decide, enterprise by enterprise, once for each distinct test.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from contracts.rules import FactTest, Figures, Judged, Outcome, Registry
from services.policy_match.domain.answers import Answers
from services.policy_match.domain.column_tests import Asking
from services.policy_match.domain.columns import Columns, bits_of, pack, padded, rows_of, unpack
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import NOBODY, Atom, Clauses, Gate, Tree, atoms_of, by_a_person, force_of, grown
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.gates import Gates
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.population import Population
from services.policy_match.domain.questions import Question, Settled
from services.policy_match.domain.record_tests import Found, Records, RecordTest
from services.policy_match.domain.sheet import Sheet, Truth
from services.policy_match.domain.values import TypeMismatch

STRETCH = 2**17
"""The rows decided together: their bits stay in the processor's cache."""

Finder = Callable[[int, Collection[str]], Enterprise]
"""The enterprise of a row, with at least the facts and records of these names."""


@dataclass(frozen=True)
class Verdicts:
    """For each benefit the enterprises that are eligible and those that are not, as bits by row; the others are undetermined.
    `faulty` are those, among the undetermined, whose rule cannot be computed."""

    clauses: Clauses
    rows: int
    eligible: NDArray[np.uint64]  # benefits x words
    ineligible: NDArray[np.uint64]
    faulty: Mapping[int, frozenset[int]]

    def counts(self) -> NDArray[np.int64]:
        """Eligible, ineligible and undetermined enterprises, by benefit."""
        eligible, ineligible = (
            np.bitwise_count(bits).sum(axis=1, dtype=np.uint32).astype(np.int64) for bits in (self.eligible, self.ineligible)
        )
        return np.stack([eligible, ineligible, self.rows - eligible - ineligible], axis=1)

    def rows_eligible(self, benefit: int) -> NDArray[np.int64]:
        """The rows of the enterprises eligible for a benefit."""
        return np.flatnonzero(unpack(self.eligible[benefit], self.rows))

    def rows_by_outcome(self, benefit: int) -> dict[Outcome, list[int]]:
        """The rows of all enterprises, by how the benefit came out for them."""
        yes, no = unpack(self.eligible[benefit], self.rows), unpack(self.ineligible[benefit], self.rows)
        found: dict[Outcome, NDArray[np.bool_]] = {"eligible": yes, "ineligible": no, "undetermined": ~(yes | no)}
        return {outcome: np.flatnonzero(holds).tolist() for outcome, holds in found.items()}


def verdicts(
    clauses: Clauses,
    columns: Columns,
    *,
    as_of: date,
    registry: Registry,
    figures: Figures,
    population: Population | None = None,
    enterprise: Finder | None = None,
) -> Verdicts:
    """Decide all pairs. `enterprise` finds an enterprise for the interpreter; without it one is put together from the columns."""
    city = _City(clauses, columns, as_of, registry, figures, population, enterprise or columns.enterprise)
    return city.verdicts()


def _stretches(words: int) -> list[range]:
    number = -(-words * 64 // STRETCH)
    return [range(start, stop) for start, stop in pairwise(words * n // number for n in range(number + 1))] if number else []


_NEVER: Final = Gate("any", ())
"""The rule of a benefit that is not in force."""


class _City:
    def __init__(
        self,
        clauses: Clauses,
        columns: Columns,
        as_of: date,
        registry: Registry,
        figures: Figures,
        population: Population | None,
        enterprise: Finder,
    ) -> None:
        self.clauses, self.columns, self.enterprise = clauses, columns, enterprise
        self.as_of, self.registry, self.figures = as_of, registry, figures
        self.rankings = population.standings if population else None
        every = np.zeros(padded(columns.rows), dtype=np.bool_)
        every[: columns.rows] = True
        self.every = pack(every)
        self.nobody = Scope(NOBODY, as_of, registry, figures)
        self.sheet = Sheet(columns.columns, self.every)
        self.unknown = np.stack([np.zeros_like(self.every), self.every])
        self.records = Records(columns, self.every, self.nobody, self._of_enterprise)
        self.faults: dict[int, frozenset[int]] = {}  # by atom, the rows for which it cannot be computed
        self.odd = {key for key, column in columns.columns.items() if column.odd}
        table = columns.tables.get("judgement")
        self.judged = frozenset[int]() if table is None else frozenset(np.flatnonzero(np.diff(table.starts)).tolist())

    def verdicts(self) -> Verdicts:
        clauses, words = self.clauses, len(self.every)
        force = [self._force(number) for number in range(len(clauses.benefits))]
        rules = [self._rule(number) if holds is not False else _NEVER for number, holds in enumerate(force)]
        asked = {atom for rule in rules for atom in atoms_of(rule)}
        answers = Answers(self.columns, {atom: self._settled(atom) for atom in sorted(asked)})
        gates = Gates([grown(rule, answers.trees) for rule in rules], answers.rows)
        found = np.empty((2, len(rules), words), dtype=np.uint64)
        stretches = _stretches(words)
        space = np.empty(gates.rows * 2 * max(map(len, stretches), default=0), dtype=np.uint64)
        for stretch in stretches:
            sheet = Sheet(self.columns.columns, self.every, stretch.start * 64, stretch.stop * 64)
            held = space[: gates.rows * 2 * len(stretch)].reshape(gates.rows, 2, len(stretch))
            answers.answer(sheet, held)
            gates.decide(held, sheet, found[:, :, sheet.words])
        eligible, ineligible = found
        eligible[[number for number, holds in enumerate(force) if holds is None]] = 0
        return Verdicts(clauses, self.columns.rows, eligible, ineligible, self._faulty(force, eligible, ineligible))

    def _rule(self, number: int) -> Tree:
        """A benefit's rule, with the test of its validity where that depends on facts."""
        rule, dated = self.clauses.rules[number], self.clauses.dated[number]
        return rule if dated is None else Gate("all", (rule, dated))

    def _force(self, number: int) -> bool | TypeMismatch | None:
        """Whether a benefit is in force; True where that depends on facts, and so is an atom of its own."""
        if self.clauses.dated[number] is not None:
            return True
        try:
            return force_of(self.clauses.benefits[number], self.as_of, self.registry, self.figures)
        except TypeMismatch as error:
            return error

    # tests -----------------------------------------------------------------------------------------------------------------

    def _settled(self, number: int) -> Question:
        """The question for an atom, to be put to each stretch; already answered where the interpreter had to be asked."""
        atom = self.clauses.atoms[number]
        question, odd = self._asked(atom)
        if question is None:
            return self._decided(number, range(self.columns.rows), self.unknown)
        rows = set(odd)
        if atom.benefit and self.judged:
            true, possible = self.sheet.truth(question)
            rows.update(row for row in rows_of(true ^ possible) if row in self.judged)
        return self._decided(number, sorted(rows), self.sheet.truth(question)) if rows else question

    def _asked(self, atom: Atom) -> tuple[Question | None, Collection[int]]:
        """The question of an atom with the rows of which the interpreter must be asked; no question where that is all of them."""
        node = atom.node
        if isinstance(node, FactTest):
            asking = Asking(self.columns.columns, self.nobody, self.columns.by_period)
            question = asking.question(node)
            return question, self._odd(asking)
        if isinstance(node, Judged):
            return Settled(self.unknown), ()
        if isinstance(node, RecordTest):
            found = self.records.found(node)
            return (None, ()) if found is None else (Settled(found.truth), found.odd)
        return None, ()

    def _odd(self, asking: Asking) -> set[int]:
        return {row for key in asking.asked & self.odd for row in self.columns.columns[key].odd}

    def _of_enterprise(self, test: FactTest) -> Found | None:
        """A test of the enterprise inside a record test."""
        if by_a_person(test) and self.judged:
            return None
        asking = Asking(self.columns.columns, self.nobody, self.columns.by_period)
        question = asking.question(test)
        return None if question is None else Found(self.sheet.truth(question), frozenset(self._odd(asking)))

    def _decided(self, number: int, rows: Iterable[int], truth: Truth) -> Settled:
        """The truth with what the interpreter says of these rows."""
        atom = self.clauses.atoms[number]
        values: dict[bool | None, list[int]] = {True: [], False: [], None: []}
        faults: list[int] = []
        for row in rows:
            scope = Scope(self.enterprise(row, atom.names), self.as_of, self.registry, self.figures, atom.benefit, self.rankings)
            try:
                values[atom.answer(scope).value].append(row)
            except TypeMismatch:
                faults.append(row)
        length = len(self.every) * 64
        if faults:
            self.faults[number] = frozenset(faults)
        true = bits_of(values[True], length)
        possible = true | bits_of(values[None] + faults, length)
        others = ~(possible | bits_of(values[False], length))
        return Settled(np.bitwise_or(truth & others, np.stack([true, possible])))

    # faults ----------------------------------------------------------------------------------------------------------------

    def _faulty(
        self, force: list[bool | TypeMismatch | None], eligible: NDArray[np.uint64], ineligible: NDArray[np.uint64]
    ) -> dict[int, frozenset[int]]:
        """Decide anew, by the whole rule, the pairs of which a test cannot be computed: it may stand where it is never asked."""
        faulty: dict[int, frozenset[int]] = {}
        for number, benefit in enumerate(self.clauses.benefits):
            dated, holds = self.clauses.dated[number], force[number]
            if isinstance(holds, TypeMismatch):
                eligible[number] = ineligible[number] = 0
                faulty[number] = frozenset(range(self.columns.rows))
            if not self.faults or holds is False or isinstance(holds, TypeMismatch):
                continue
            atoms = {*atoms_of(self.clauses.rules[number]), *(() if dated is None else (dated,))}
            names = frozenset().union(*(self.clauses.atoms[atom].names for atom in atoms))
            failed = []
            for row in sorted(frozenset().union(*(self.faults.get(atom, ()) for atom in atoms))):
                scope = Scope(self.enterprise(row, names), self.as_of, self.registry, self.figures, benefit.id, self.rankings)
                word, bit = row // 64, np.uint64(1 << row % 64)
                eligible[number, word] &= ~bit
                ineligible[number, word] &= ~bit
                try:
                    value = settled(benefit, scope).value
                except TypeMismatch:
                    failed.append(row)
                    continue
                if value is not None:
                    (eligible if value else ineligible)[number, word] |= bit
            if failed:
                faulty[number] = frozenset(failed)
        return faulty
