"""What keeps pairs undetermined: the facts that are missing, for how many enterprises and benefits, and what an enterprise could answer.

A fact is missing for a pair exactly when the decision would name it: the test that wants it and every node above that test are unknown.
So each node of a rule is decided for all rows as a rule of its own, and a test counts where its whole way up to the benefit is unknown.
Of a test of records the kind is named, whatever it lacks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import numpy as np

from contracts.rules import Benefit, FactTest, FactValue, Figures, Node, PopulationTest, Registry, facts_of, walk
from services.policy_match.domain.amount import interval
from services.policy_match.domain.cohort import verdicts
from services.policy_match.domain.columns import Bits, Columns, Key, bits_of, pack, padded, unpack
from services.policy_match.domain.distinct import clauses_of, constant, limbs_of
from services.policy_match.domain.interpreter import Scope, answer, ranked_figure
from services.policy_match.domain.periods import key_of, resolve
from services.policy_match.domain.population import Population

TOGETHER = 64
"""Benefits whose nodes are decided together: their bits stay small."""


class Wanted(NamedTuple):
    """What one enterprise's own answers would settle: the facts asked for, the benefits, and up to how many yuan (None: no limit known)."""

    questions: tuple[str, ...]
    benefits: int
    up_to: Decimal | None


@dataclass(frozen=True)
class Gaps:
    """`missing` says for how many enterprises a fact or kind keeps a benefit undetermined, `enterprises` for how many it keeps any."""

    missing: Mapping[tuple[str, str], int] = field(default_factory=dict)
    enterprises: Mapping[str, int] = field(default_factory=dict)
    wanted: Mapping[str, Wanted] = field(default_factory=dict)


def gaps_of(
    benefits: Sequence[Benefit],
    columns: Columns,
    *,
    left_out: Collection[str] = (),
    as_of: date,
    registry: Registry,
    figures: Figures,
    own: str,
    population: Population | None = None,
) -> Gaps:
    """The gaps of the enterprises of columns but some (by USCC). `own` is the authority that is each enterprise itself."""
    looking = _Looking(columns, left_out, as_of, registry, figures, own, population)
    for start in range(0, len(benefits), TOGETHER):
        looking.at(benefits[start : start + TOGETHER])
    return looking.found()


def added(parts: Sequence[Gaps]) -> Gaps:
    """The gaps of several lots of enterprises together."""
    missing: dict[tuple[str, str], int] = defaultdict(int)
    enterprises: dict[str, int] = defaultdict(int)
    wanted: dict[str, Wanted] = {}
    for part in parts:
        for pair, number in part.missing.items():
            missing[pair] += number
        for label, number in part.enterprises.items():
            enterprises[label] += number
        wanted |= part.wanted
    return Gaps(missing, enterprises, wanted)


def authority_of(label: str, registry: Registry) -> str | None:
    """Who states what a label names (`revenue@2025`, a record kind); None for what the registry lacks."""
    name = label.partition("@")[0]
    entry = registry.facts.get(name) or registry.kinds.get(name)
    return entry.authority if entry else None


class _Looking:
    def __init__(
        self,
        columns: Columns,
        left_out: Collection[str],
        as_of: date,
        registry: Registry,
        figures: Figures,
        own: str,
        population: Population | None,
    ) -> None:
        self._columns, self._as_of, self._registry, self._figures, self._population = columns, as_of, registry, figures, population
        self._own = own
        there = np.zeros(padded(columns.rows), dtype=np.bool_)
        there[: columns.rows] = True
        there[[columns.row_of[uscc] for uscc in left_out if uscc in columns.row_of]] = False
        self._there = pack(there)
        self._missing: dict[tuple[str, str], int] = {}
        self._by_label: dict[str, Bits] = {}
        self._asked: dict[int, list[tuple[Benefit, set[str]]]] = defaultdict(list)
        self._paid: dict[str, Decimal | None] = {}  # by benefits whose amount is the same for all

    def at(self, benefits: Sequence[Benefit]) -> None:
        """Look at some benefits."""
        trees = [list(_nodes(benefit.rule)) for benefit in benefits]
        asked = list(benefits)
        for benefit, tree in zip(benefits, trees, strict=True):
            asked += [benefit.model_copy(update={"rule": node, "valid": None, "window": None}) for node, _ in tree]
        decided = verdicts(
            clauses_of(asked),
            self._columns,
            as_of=self._as_of,
            registry=self._registry,
            figures=self._figures,
            population=self._population,
        )
        unknown = self._there & ~(decided.eligible | decided.ineligible)
        for number, rows in decided.faulty.items():  # nothing that is missing would settle these
            unknown[number] &= ~bits_of(sorted(rows), padded(self._columns.rows))
        first = len(benefits)
        for number, (benefit, tree) in enumerate(zip(benefits, trees, strict=True)):
            way = [unknown[number]] * len(tree)
            lacking = []
            for place, (node, above) in enumerate(tree):
                way[place] = unknown[first + place] & (unknown[number] if above is None else way[above])
                if not limbs_of(node):
                    lacking.append(self._labels(node, way[place]))
            self._causes(benefit, lacking)
            self._ask(benefit, tree, way)
            first += len(tree)

    def _causes(self, benefit: Benefit, lacking: Sequence[Mapping[str, Bits]]) -> None:
        """Count what the tests of a benefit lack; a fact may be missing in one of them here and in another there."""
        by_label: dict[str, Bits] = {}
        for labels in lacking:
            for label, bits in labels.items():
                by_label[label] = by_label[label] | bits if label in by_label else bits
        for label, bits in by_label.items():
            if number := int(np.bitwise_count(bits).sum()):
                self._missing[label, benefit.id] = number
                before = self._by_label.get(label)
                self._by_label[label] = bits if before is None else before | bits

    def _labels(self, test: Node, rows: Bits) -> dict[str, Bits]:
        """What a test lacks in these rows, in which it is unknown."""
        if not rows.any():
            return {}
        if not _plain(test):
            return self._named(test, rows)
        found: dict[str, Bits] = {}
        lacking = np.zeros_like(rows)
        for fact, period in _keys(test, self._as_of):
            column = self._columns.columns.get((fact, period))
            bits = rows if column is None else rows & ~column.known
            if column is not None and column.odd:
                bits = bits & ~bits_of(list(column.odd), padded(self._columns.rows))
            found[f"{fact}@{period}" if period else fact] = bits
            lacking = lacking | bits
        for kind in sorted(facts_of(test) & self._registry.kinds.keys()):
            table = self._columns.tables.get(kind)
            found[kind] = rows if table is None else rows & (~table.present | ~lacking)  # a rank's own facts may be what is lacking
        return found

    def _named(self, test: Node, rows: Bits) -> dict[str, Bits]:
        """What the interpreter names, row by row."""
        found: dict[str, list[int]] = defaultdict(list)
        names = facts_of(test)
        for row in np.flatnonzero(unpack(rows, self._columns.rows)).tolist():
            scope = Scope(self._columns.enterprise(row, names), self._as_of, self._registry, self._figures)
            missing = (label.partition(".")[0] if label.partition(".")[0] in names else label for label in answer(test, scope).missing)
            for label in set(missing):
                found[label].append(row)
        return {label: bits_of(of, padded(self._columns.rows)) for label, of in found.items() if not label.startswith("figure:")}

    def _ask(self, benefit: Benefit, tree: Sequence[tuple[Node, int | None]], way: Sequence[Bits]) -> None:
        """Note the enterprises for which nothing but their own answers is missing."""
        own_names = {name for name in facts_of(benefit.rule) if authority_of(name, self._registry) == self._own}
        if not own_names:
            return
        questions: dict[str, Bits] = {}
        others = np.zeros_like(self._there)
        for (node, _), rows in zip(tree, way, strict=True):
            if limbs_of(node) or not rows.any():
                continue
            labels = self._labels(node, rows)
            own = {label: bits for label, bits in labels.items() if label.partition("@")[0] in own_names}
            for label, bits in own.items():
                questions[label] = questions.get(label, np.zeros_like(bits)) | bits
            settled = np.bitwise_or.reduce([*own.values(), np.zeros_like(rows)])
            alien = np.bitwise_or.reduce([*(bits for label, bits in labels.items() if label not in own), np.zeros_like(rows)])
            others = others | (rows & ~settled) | alien
        for label, bits in questions.items():
            for row in np.flatnonzero(unpack(bits & ~others, self._columns.rows)).tolist():
                asked = self._asked[row]
                if not asked or asked[-1][0] is not benefit:
                    asked.append((benefit, set()))
                asked[-1][1].add(label)

    def found(self) -> Gaps:
        """All that was found."""
        numbers = {label: int(np.bitwise_count(bits).sum()) for label, bits in self._by_label.items()}
        return Gaps(self._missing, numbers, {self._columns.usccs[row]: self._wanted(row, asked) for row, asked in self._asked.items()})

    def _wanted(self, row: int, asked: Sequence[tuple[Benefit, set[str]]]) -> Wanted:
        up_to: Decimal | None = Decimal("0.00")
        for benefit, _ in asked:
            if benefit.pays in (None, "money") and up_to is not None:
                high = self._paid[benefit.id] if benefit.id in self._paid else self._high(benefit, row)
                up_to = None if high is None else up_to + high
        questions = set[str]().union(*(labels for _, labels in asked))
        return Wanted(tuple(sorted(questions)), len(asked), up_to)

    def _high(self, benefit: Benefit, row: int) -> Decimal | None:
        """Up to how much a benefit would pay to the enterprise of a row."""
        enterprise = self._columns.enterprise(row, facts_of(benefit.amount) | {"judgement"})
        standings = self._population.standings if self._population else None
        high = interval(benefit.amount, Scope(enterprise, self._as_of, self._registry, self._figures, benefit.id, standings)).high
        if constant(benefit.amount):
            self._paid[benefit.id] = high
        return high


def _nodes(rule: Node) -> Iterator[tuple[Node, int | None]]:
    """The nodes of a rule down to its tests, each with the place of the one above it."""
    waiting: list[tuple[Node, int | None]] = [(rule, None)]
    place = 0
    while waiting:
        node, above = waiting.pop()
        yield node, above
        waiting += [(limb, place) for limb in limbs_of(node)]
        place += 1


def _plain(test: Node) -> bool:
    """Whether all that a test looks at is missing wherever it is unknown, and known to be what it looks at without looking."""
    if isinstance(test, PopulationTest):
        return True
    if isinstance(test, FactTest):
        return all(getattr(node, "since", None) is None for node in walk(test)) and (test.take != "every" or constant(test.value))
    return not any(isinstance(node, FactTest | FactValue) for node in walk(test))


def _keys(test: Node, as_of: date) -> Iterator[Key]:
    """The facts a test looks at, with their periods."""
    nodes = [node for node in walk(test) if isinstance(node, FactTest | FactValue)]
    nodes += [ranked_figure(node) for node in walk(test) if isinstance(node, PopulationTest)]
    for node in nodes:
        if node.period is None:
            yield node.fact, ""
            continue
        last = resolve(node.period, as_of)
        for back in range(node.over or 1):
            period = last.later(-back)
            yield node.fact, key_of(period)
            if node.take in ("growth", "increase"):
                yield node.fact, key_of(period.year_before())
