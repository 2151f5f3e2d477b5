"""Where an enterprise stands among others (rules.md 2, POPULATION_TEST)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from contracts.rules import FactValue, Percentile, PopulationTest, Rank
from services.policy_match.domain.interpreter.operators import compared
from services.policy_match.domain.interpreter.scope import Ranking, Scope, answer, truth_of, value
from services.policy_match.domain.truth import FALSE, Answer
from services.policy_match.domain.values import NOTHING, Exact, Unknown, Value


@truth_of(Rank, Percentile)
def _population(test: PopulationTest, scope: Scope) -> Answer:
    """Decided in the second pass; in the first a member with a known figure waits for the population."""
    member = answer(test.among, scope)
    if member.value is False:
        return FALSE
    figure = value(ranked_figure(test), scope)
    own = figure if isinstance(figure, Unknown) else Unknown()
    if member.value is None or isinstance(figure, Unknown):
        return Answer(None, member.missing + own.missing, member.judged + own.judged)
    place = place_of(test, figure, scope)
    if place is None:
        return FALSE if figure is NOTHING else Answer(None, (f"population:{ranked_figure(test).fact}",))
    return compared(test, place, scope)


def ranked_figure(test: PopulationTest) -> FactValue:
    """The figure by which a population test ranks: the fact with the modifiers of the test."""
    fact = test.rank if isinstance(test, Rank) else test.percentile if isinstance(test, Percentile) else ""
    given = {name: getattr(test, name) for name in ("period", "over", "take", "since", "base_if_zero") if getattr(test, name) is not None}
    return FactValue(fact=fact, **given)


def ranking_of(test: PopulationTest, scope: Scope) -> Ranking | None:
    """Where enterprises stand for a test of the benefit at hand; None before the second pass."""
    return (scope.rankings or {}).get((scope.benefit, test))


def place_of(test: PopulationTest, figure: Value, scope: Scope) -> Exact | None:
    """The rank from 1, or for a percentile its share (0 to 1) of the number ranked, not rounded.

    None before the second pass, and for a figure that it did not rank: one that does not exist, or that has changed since.
    """
    ranking = ranking_of(test, scope)
    if ranking is None or not isinstance(figure, Decimal | Fraction):
        return None
    place = ranking.place(figure)
    if place is None:
        return None
    return Decimal(place) if isinstance(test, Rank) else Fraction(place, max(ranking.ranked, 1))
