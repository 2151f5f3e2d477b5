"""Every benefit against every enterprise: each distinct test is decided once for all rows, the rules are combined by bit operations.

Agrees with the interpreter on every pair. What columns cannot decide (a value of the wrong kind, a window that depends on the
enterprise, a judgement given) the interpreter's own functions decide, enterprise by enterprise, once for each distinct test.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from contracts.rules import FactTest, Figures, Judged, Outcome, Registry
from services.policy_match.domain.column_tests import Asking, Codes, Question, Settled
from services.policy_match.domain.columns import Column, Columns, Key, bits_of, pack, padded, rows_of, unpack
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import NOBODY, Atom, Clauses, atoms_of, by_a_person, force_of
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.population import Population
from services.policy_match.domain.record_tests import Found, Records, RecordTest
from services.policy_match.domain.sheet import Sheet, Thresholds, Truth
from services.policy_match.domain.values import TypeMismatch

STRETCH = 2**16
"""The rows decided together: their bits stay in the processor's cache."""
THREADS = 2
"""So many stretches are decided at the same time."""

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
        table = columns.tables.get("judgement")
        self.judged = frozenset[int]() if table is None else frozenset(np.flatnonzero(np.diff(table.starts)).tolist())

    def verdicts(self) -> Verdicts:
        clauses, words = self.clauses, len(self.every)
        force = [self._force(number) for number in range(len(clauses.benefits))]
        asked = {atom for rule, holds in zip(clauses.rules, force, strict=True) if holds is not False for atom in atoms_of(rule)}
        questions = {atom: self._settled(atom) for atom in sorted(asked | {a for a in clauses.dated if a is not None})}
        found = np.zeros((len(clauses.benefits), 2, words), dtype=np.uint64)
        answers = _Answers(self.columns, questions)

        def decide(start: int) -> None:
            sheet = Sheet(self.columns.columns, self.every, start, min(start + STRETCH, words * 64))
            answer = answers.on(sheet).__getitem__
            for number, rule in enumerate(clauses.rules):
                dated, holds = clauses.dated[number], force[number]
                if holds is not False:
                    place = found[number, :, sheet.words]
                    truth = sheet.tree(rule, answer, place)
                    if dated is not None or truth is not place:
                        place[:] = truth if dated is None else truth & answer(dated)
                    if holds is None:
                        place[0] = 0

        with ThreadPoolExecutor(THREADS) as pool:  # numpy lets others run while it computes
            for _ in pool.map(decide, range(0, words * 64, STRETCH)):
                pass
        eligible, ineligible = found[:, 0], np.bitwise_xor(found[:, 1], self.every, out=found[:, 1])
        return Verdicts(clauses, self.columns.rows, eligible, ineligible, self._faulty(force, eligible, ineligible))

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
        return {row for key in asking.asked if (column := self.columns.columns.get(key)) is not None for row in column.odd}

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


class _Answers:
    """The answers of all atoms on a stretch of rows."""

    def __init__(self, columns: Columns, questions: Mapping[int, Question]) -> None:
        groups: dict[tuple[Key, bool, int], list[tuple[int, Codes]]] = {}
        self._others: list[tuple[int, Question]] = []
        for atom, question in questions.items():
            group = Thresholds.group(question)
            if group is None or not isinstance(question, Codes):
                self._others.append((atom, question))
            else:
                groups.setdefault(group, []).append((atom, question))
        self._order = [atom for group in groups.values() for atom, _ in group]
        self._groups: list[tuple[Thresholds, int, int]] = []
        at = 0
        for (key, negative, _), alike in groups.items():
            column = columns.columns[key]
            assert isinstance(column, Column)
            thresholds = Thresholds(key, column, [question for _, question in alike], negative=negative)
            self._groups.append((thresholds, at, at := at + len(alike)))

    def on(self, sheet: Sheet) -> dict[int, Truth]:
        """The answers of the rows of a sheet, by atom."""
        held = np.empty((len(self._order), 2, len(sheet.every)), dtype=np.uint64)
        for thresholds, start, stop in self._groups:
            thresholds.answer(sheet, held[start:stop])
        found: dict[int, Truth] = dict(zip(self._order, held, strict=True))
        found.update((atom, sheet.truth(question)) for atom, question in self._others)
        return found
