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
from services.policy_match.domain.interpreter import Ranked, Scope, answer, ranked_figure, value
from services.policy_match.domain.values import Exact, TypeMismatch


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
    """Standings by benefit and test: a person's judgement of who is ranked holds for one benefit, and each is ranked at its own time."""

    standings: Mapping[Ranked, Standing] = field(default_factory=dict)


def rank_population(
    benefits: Iterable[Benefit], enterprises: Iterable[Enterprise], *, as_of: date, registry: Registry, figures: Figures
) -> Population:
    """The standings for every population test of the benefits, in one pass over the enterprises.

    Ranked are the enterprises for which `among` is true and the figure known. One of which that cannot be computed (a value of the
    wrong kind) counts as unranked: it must not keep the others from their ranks.
    """
    asked = list(dict.fromkeys(ranked for benefit in benefits for ranked in ranks_of(benefit)))
    placed: list[list[Fraction]] = [[] for _ in asked]
    unranked = [0] * len(asked)
    for enterprise in enterprises if asked else ():
        for n, (benefit, test) in enumerate(asked):
            scope = Scope(enterprise, as_of, registry, figures, benefit)
            try:
                member = answer(test.among, scope)
                figure = value(ranked_figure(test), scope) if member.value is not False else None
            except TypeMismatch:
                unranked[n] += 1
                continue
            if member.value is True and isinstance(figure, Decimal | Fraction):
                placed[n].append(Fraction(figure) if test.order == "asc" else -Fraction(figure))
            elif member.value is not False:
                unranked[n] += 1
    return Population({ranked: Standing(sorted(placed[n]), ranked[1].order == "asc", unranked[n]) for n, ranked in enumerate(asked)})


def ranks_of(benefit: Benefit) -> tuple[Ranked, ...]:
    """The tests of a benefit that rank the whole city."""
    return tuple((benefit.id, node) for node in walk(benefit) if isinstance(node, PopulationTest))


def together(parts: Iterable[Population]) -> Population:
    """The standings of a city that was ranked a part at a time, for the same tests."""
    found: dict[Ranked, list[Standing]] = {}
    for part in parts:
        for ranked, standing in part.standings.items():
            found.setdefault(ranked, []).append(standing)
    return Population(
        {
            ranked: Standing(
                sorted(figure for one in standings for figure in one.figures),
                standings[0].ascending,
                sum(one.unranked for one in standings),
            )
            for ranked, standings in found.items()
        }
    )
