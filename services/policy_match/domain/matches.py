"""Which pairs of enterprise and benefit are eligible, and what changed since they were last decided.

Only eligible pairs are remembered; how many are not, and how many cannot be decided, is counted. A pair whose rule cannot be computed
(a value of the wrong kind) is undetermined and counted as faulty too: it must not hold up its neighbours, nor pass unseen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import NamedTuple
from uuid import UUID, uuid5

import numpy as np

from contracts.rules import Benefit, Figures, Registry
from services.policy_match.domain.cohort import Finder, verdicts
from services.policy_match.domain.columns import Columns, bits_of, padded
from services.policy_match.domain.distinct import clauses_of
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.interpreter import Ranked
from services.policy_match.domain.payments import Pays, occasion
from services.policy_match.domain.percolator import Percolator
from services.policy_match.domain.population import Population, rank_population, ranks_of, together
from services.policy_match.domain.ranking import rank_columns
from services.policy_match.domain.values import TypeMismatch

_MATCHES = UUID("6f1f1d6c-6a3e-5d0e-9d0b-2f6c1a7e4b21")
"""The namespace of match ids."""


class Key(NamedTuple):
    """What a match, a claim and a message are unique by."""

    uscc: str
    benefit: str
    occasion: str

    @property
    def id(self) -> str:
        """The id of the match (UUIDv5), the same whenever the pair is found again."""
        return str(uuid5(_MATCHES, "\n".join(self)))


@dataclass(frozen=True)
class Offer:
    """A benefit that is offered now, in its version."""

    benefit: Benefit
    version: int

    @cached_property
    def ranks(self) -> tuple[Ranked, ...]:
        """Its tests that rank the whole city."""
        return ranks_of(self.benefit)


@dataclass(frozen=True, slots=True)
class Match:
    """An eligible pair. Amounts in yuan; both None: 以审核为准; `high` None: no upper limit known."""

    key: Key
    version: int
    low: Decimal | None
    high: Decimal | None
    deadline: date | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How a benefit came out over some enterprises; `faulty` are among the undetermined. The amount is that of the eligible."""

    eligible: int = 0
    ineligible: int = 0
    undetermined: int = 0
    faulty: int = 0
    low: Decimal = Decimal("0.00")
    high: Decimal | None = Decimal("0.00")


class Difference(NamedTuple):
    """What became of matches between two decisions."""

    found: list[Match]
    changed: list[Match]
    lost: list[Match]


FEW = 64
"""So many enterprises are decided one by one; more are laid out as columns first."""


@dataclass(frozen=True)
class City:
    """Enterprises as columns, and those that have changed or come since (by USCC), which count instead."""

    columns: Columns
    renewed: Mapping[str, Enterprise] = field(default_factory=dict)

    @property
    def worn(self) -> bool:
        """Whether so many have changed that it is better laid out anew."""
        return len(self.renewed) > max(1000, self.columns.rows // 32)


def eligible(
    offers: Iterable[Offer],
    enterprises: Iterable[Enterprise] | City,
    *,
    as_of: date,
    registry: Registry,
    figures: Figures,
    population: Population | None = None,
) -> tuple[dict[Key, Match], dict[str, Counts]]:
    """Every eligible pair, and the counts of each benefit. Without a `population` what is asked of a rank stays unknown."""
    offered = list(offers)
    decide = _Deciding(offered, as_of, registry, figures, population)
    if not isinstance(enterprises, City):
        return decide.some(list(enterprises))
    matches, counts = decide.by_columns(enterprises.columns, enterprises.renewed.keys())
    if enterprises.renewed:
        more, others = decide.some(list(enterprises.renewed.values()))
        matches |= more
        counts = {name: added([found, others[name]]) for name, found in counts.items()}
    return matches, counts


def ranked(benefits: Sequence[Benefit], shards: Iterable[City], *, as_of: date, registry: Registry, figures: Figures) -> Population | None:
    """Where the enterprises of a city stand for the population tests of benefits; None if there is no such test."""
    asked = [benefit for benefit in benefits if ranks_of(benefit)]
    if not asked:
        return None
    parts = [rank_population(asked, (), as_of=as_of, registry=registry, figures=figures)]
    for shard in shards:
        parts.append(rank_columns(asked, shard.columns, shard.renewed, as_of=as_of, registry=registry, figures=figures))
        if shard.renewed:
            parts.append(rank_population(asked, shard.renewed.values(), as_of=as_of, registry=registry, figures=figures))
    return together(parts)


def added(counts: Iterable[Counts]) -> Counts:
    """The counts of several lots of enterprises together."""
    lots = list(counts)
    highs = [lot.high for lot in lots if lot.high is not None]
    return Counts(
        eligible=sum(lot.eligible for lot in lots),
        ineligible=sum(lot.ineligible for lot in lots),
        undetermined=sum(lot.undetermined for lot in lots),
        faulty=sum(lot.faulty for lot in lots),
        low=sum((lot.low for lot in lots), Decimal("0.00")),
        high=sum(highs, Decimal("0.00")) if len(highs) == len(lots) else None,
    )


class _Found(NamedTuple):
    """For one benefit the rows of the eligible, and how many are undetermined, and of these faulty."""

    rows: Sequence[int]
    undetermined: int
    faulty: int


class _Deciding:
    """Benefits on one day."""

    def __init__(self, offers: Sequence[Offer], as_of: date, registry: Registry, figures: Figures, population: Population | None) -> None:
        self._offers, self._as_of, self._registry, self._figures, self._population = offers, as_of, registry, figures, population
        self._prepared = _prepared(tuple(offer.benefit for offer in offers))

    def some(self, enterprises: Sequence[Enterprise]) -> tuple[dict[Key, Match], dict[str, Counts]]:
        """Some enterprises, by their columns or, if they are few, one by one."""
        if len(enterprises) > FEW:
            columns = columns_of(enterprises, self._registry, names=self._prepared.names)
            return self.by_columns(columns, (), lambda row, _: enterprises[row])
        percolator = self._prepared.percolator(self._as_of, self._registry, self._figures, self._population)
        outcomes = [percolator.decide(enterprise) for enterprise in enterprises]
        found = []
        for n in range(len(self._offers)):
            rows = [row for row, outcome in enumerate(outcomes) if outcome.eligible >> n & 1]
            undetermined = sum(1 for outcome in outcomes if not (outcome.eligible | outcome.ineligible) >> n & 1)
            found.append(_Found(rows, undetermined, sum(outcome.faulty >> n & 1 for outcome in outcomes)))
        return self._matched(found, [one.uscc for one in enterprises], len(enterprises), lambda row, _: enterprises[row])

    def by_columns(
        self, columns: Columns, left_out: Collection[str], enterprise: Finder | None = None
    ) -> tuple[dict[Key, Match], dict[str, Counts]]:
        """The enterprises of columns but some."""
        result = verdicts(
            self._prepared.clauses,
            columns,
            as_of=self._as_of,
            registry=self._registry,
            figures=self._figures,
            population=self._population,
            enterprise=enterprise,
        )
        rows = frozenset(columns.row_of[uscc] for uscc in left_out if uscc in columns.row_of)
        if rows:
            kept = ~bits_of(sorted(rows), padded(columns.rows))
            np.bitwise_and(result.eligible, kept, out=result.eligible)
            np.bitwise_and(result.ineligible, kept, out=result.ineligible)
        number = columns.rows - len(rows)
        found = []
        for n, (yes, no, _) in enumerate(result.counts().tolist()):
            faulty = result.faulty.get(n, frozenset()) - rows
            found.append(_Found(result.rows_eligible(n).tolist(), number - yes - no, len(faulty)))
        return self._matched(found, columns.usccs, number, enterprise or columns.enterprise)

    def _matched(
        self, found: Sequence[_Found], usccs: Sequence[str], number: int, enterprise: Finder
    ) -> tuple[dict[Key, Match], dict[str, Counts]]:
        """The pairs with what they pay, of so many enterprises; `usccs` are by row."""
        matches: dict[Key, Match] = {}
        counts: dict[str, Counts] = {}
        for offer, (rows, undetermined, faulty) in zip(self._offers, found, strict=True):
            benefit, when = offer.benefit, occasion(offer.benefit, self._as_of)
            pays = Pays(benefit, self._as_of, self._registry, self._figures, self._population)
            low, high, failed = Decimal("0.00"), Decimal("0.00"), 0
            unlimited = False
            for row in rows:
                try:
                    amount, end, by_occasion = pays.same or pays.to(enterprise(row, pays.names))
                except TypeMismatch:
                    failed += 1
                    continue
                for which, part in by_occasion.items() or ((when, amount),):
                    key = Key(usccs[row], benefit.id, which)
                    matches[key] = Match(key, offer.version, *pays.told(part), end)
                low += amount.low
                high += amount.high or 0
                unlimited = unlimited or amount.high is None
            counts[benefit.id] = Counts(
                eligible=len(rows) - failed,
                ineligible=number - len(rows) - undetermined,
                undetermined=undetermined + failed,
                faulty=faulty + failed,
                low=low,
                high=None if unlimited else high,
            )
        return matches, counts


class _Prepared:
    """Benefits made ready to be decided, and remembered while the same ones are offered."""

    def __init__(self, benefits: tuple[Benefit, ...]) -> None:
        self.clauses = clauses_of(benefits)
        self.names = frozenset(name for atom in self.clauses.atoms for name in (*atom.names, "judgement"))
        self._percolator: tuple[tuple[object, ...], Percolator] | None = None

    def percolator(self, as_of: date, registry: Registry, figures: Figures, population: Population | None) -> Percolator:
        asked = (as_of, registry, figures, population)
        held = self._percolator
        if held is None or held[0][0] != as_of or any(one is not other for one, other in zip(held[0][1:], asked[1:], strict=True)):
            ready = Percolator(self.clauses, as_of=as_of, registry=registry, figures=figures, population=population)
            held = self._percolator = (asked, ready)
        return held[1]


_REMEMBERED: dict[tuple[int, ...], _Prepared] = {}
"""By the identities of the benefits, which the clauses hold on to."""


def _prepared(benefits: tuple[Benefit, ...]) -> _Prepared:
    key = tuple(map(id, benefits))
    found = _REMEMBERED.get(key)
    if found is None:
        while len(_REMEMBERED) >= 4:
            _REMEMBERED.pop(next(iter(_REMEMBERED)), None)
        found = _REMEMBERED[key] = _Prepared(benefits)
    return found


def difference(before: Mapping[Key, Match], after: Mapping[Key, Match]) -> Difference:
    """What was found, changed and lost."""
    return Difference(
        found=[match for key, match in after.items() if key not in before],
        changed=[match for key, match in after.items() if key in before and before[key] != match],
        lost=[match for key, match in before.items() if key not in after],
    )
