"""The second pass: where each enterprise stands among those that a population test ranks."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction

from contracts.rules import Benefit, Figures, PopulationTest, Registry, walk
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.interpreter import Scope, answer, ranked_figure, value
from services.policy_match.domain.values import Exact


@dataclass(frozen=True, slots=True)
class Standing:
    """The figures ranked for one test, best first (as negated where the highest is best), and how many could not be."""

    figures: Sequence[Fraction]
    ascending: bool
    unranked: int

    @property
    def ranked(self) -> int:
        return len(self.figures)

    def place(self, figure: Exact) -> int | None:
        """Competition ranking: one more than the number that are strictly better; None for a figure that was not ranked."""
        exact = Fraction(figure) if self.ascending else -Fraction(figure)
        better = bisect_left(self.figures, exact)
        return better + 1 if better < len(self.figures) and self.figures[better] == exact else None


@dataclass(frozen=True, slots=True)
class Population:
    standings: Mapping[PopulationTest, Standing] = field(default_factory=dict)


def rank_population(
    benefits: Iterable[Benefit], enterprises: Iterable[Enterprise], *, as_of: date, registry: Registry, figures: Figures
) -> Population:
    """The standings for every population test of the benefits, in one pass over the enterprises.

    Ranked are the enterprises for which `among` is true and the figure known.
    """
    asked: dict[PopulationTest, str] = {}
    for benefit in benefits:
        for test in walk(benefit):
            if isinstance(test, PopulationTest):
                asked.setdefault(test, benefit.id)
    ranked: dict[PopulationTest, list[Fraction]] = {test: [] for test in asked}
    unranked = dict.fromkeys(asked, 0)
    for enterprise in enterprises if asked else ():
        for test, benefit_id in asked.items():
            scope = Scope(enterprise, as_of, registry, figures, benefit_id)
            member = answer(test.among, scope)
            if member.value is False:
                continue
            figure = value(ranked_figure(test), scope)
            if member.value is True and isinstance(figure, Decimal | Fraction):
                ranked[test].append(Fraction(figure) if test.order == "asc" else -Fraction(figure))
            else:
                unranked[test] += 1
    return Population({test: Standing(sorted(ranked[test]), test.order == "asc", unranked[test]) for test in asked})


def together(parts: Iterable[Population]) -> Population:
    """The standings of a city that was ranked a part at a time, for the same tests."""
    found: dict[PopulationTest, list[Standing]] = {}
    for part in parts:
        for test, standing in part.standings.items():
            found.setdefault(test, []).append(standing)
    return Population(
        {
            test: Standing(
                sorted(figure for one in standings for figure in one.figures),
                standings[0].ascending,
                sum(one.unranked for one in standings),
            )
            for test, standings in found.items()
        }
    )
