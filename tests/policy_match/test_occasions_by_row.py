"""A benefit that is had once for each row has one match for each row that surely qualifies, under the row's id."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.registry import load_figures, load_registry
from contracts.rules import parse_benefit
from services.policy_match.domain.enterprise import enterprise_of
from services.policy_match.domain.matches import Counts, Match, Offer, eligible

TODAY = date(2025, 6, 30)
NAMED = [{"field": "kind", "is": "=", "value": "技改"}]
EACH = {"each": "project", "where": NAMED, "pay": {"rate": Decimal("0.1"), "of": {"field": "invested"}}}
SOME = {"some": "project", "where": NAMED}


def decided(rows: Any, *, rule: Any = SOME, amount: Any = EACH, once: str = "item", copies: int = 1) -> tuple[dict[str, Match], Counts]:
    """The matches of one enterprise by occasion, and the counts of so many like it (more than a few are laid out as columns)."""
    benefit = parse_benefit({"id": "b", "rule": rule, "amount": amount, "stacking": {"once": once}})
    given = [enterprise_of({"uscc": str(n), "facts": {}, "records": {"project": rows}}) for n in range(copies)]
    matches, counts = eligible([Offer(benefit, 1)], given, as_of=TODAY, registry=load_registry(), figures=load_figures())
    return {key.occasion: match for key, match in matches.items() if key.uscc == "0"}, counts["b"]


def sums(matches: dict[str, Match]) -> dict[str, tuple[Decimal | None, Decimal | None]]:
    return {occasion: (match.low, match.high) for occasion, match in matches.items()}


P1 = {"id": "p1", "kind": "技改", "invested": 1000}
P2 = {"id": "p2", "kind": "技改", "invested": 3000}
OTHER = {"id": "p3", "kind": "新建", "invested": 9000}


@pytest.mark.parametrize("copies", [1, 70])
def test_each_row_that_pays_is_its_own_occasion(copies: int) -> None:
    matches, counts = decided([P1, P2, OTHER], copies=copies)
    assert sums(matches) == {"p1": (Decimal("100.00"), Decimal("100.00")), "p2": (Decimal("300.00"), Decimal("300.00"))}
    assert (counts.eligible, counts.low, counts.high) == (copies, 400 * copies, 400 * copies)
    assert len({match.key.id for match in matches.values()}) == 2


@pytest.mark.parametrize("copies", [1, 70])
def test_a_fixed_sum_is_had_for_each_row_on_which_the_rule_rests(copies: int) -> None:
    matches, counts = decided([P1, P2, OTHER], amount={"fixed": 500}, copies=copies)
    assert sums(matches) == {"p1": (500, 500), "p2": (500, 500)}
    assert counts.low == 1000 * copies


def test_a_cap_around_the_rows_leaves_each_what_the_others_leave() -> None:
    matches, counts = decided([P1, P2], amount={"cap": 350, "of": EACH})
    assert sums(matches) == {"p1": (Decimal("50.00"), Decimal("100.00")), "p2": (Decimal("250.00"), Decimal("300.00"))}
    assert (counts.low, counts.high) == (350, 350)


def test_a_row_in_doubt_has_no_match_of_its_own() -> None:
    matches, _ = decided([P1, {"id": "p4", "invested": 50}])
    assert set(matches) == {"p1"}


@pytest.mark.parametrize(
    ("rows", "rule", "amount", "once"),
    [
        ([P1, P2], SOME, EACH, "life"),
        ([{"kind": "技改", "invested": 1000}], SOME, EACH, "item"),  # a row without an id
        ([P1, {**P2, "id": "p1"}], SOME, EACH, "item"),  # two of the same id
        ([OTHER], {"all": []}, {"fixed": 5}, "item"),  # nothing says by which rows
        ([OTHER], {"any": [SOME, {"all": []}]}, {"fixed": 5}, "item"),  # eligible without a row
        ([P1], {"all": [SOME, {"some": "project", "where": []}]}, {"fixed": 5}, "item"),  # two tests: which rows?
    ],
)
def test_without_rows_to_tell_apart_there_is_one_occasion(rows: Any, rule: Any, amount: Any, once: str) -> None:
    matches, counts = decided(rows, rule=rule, amount=amount, once=once)
    assert set(matches) == {""}
    assert counts.eligible == 1
