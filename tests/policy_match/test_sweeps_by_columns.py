"""What a sweep or a simulation finds by columns and masks is what the interpreter finds, one pair after another, amounts and counts too."""

import io
from collections.abc import Sequence
from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.rules import Benefit, JudgedAmount, parse_benefit, walk
from services.policy_match.domain import gathering
from services.policy_match.domain import matches as matches_
from services.policy_match.domain.amount import AmountInterval, interval
from services.policy_match.domain.cohort import verdicts
from services.policy_match.domain.columns import Columns
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import clauses_of
from services.policy_match.domain.enterprise import Enterprise, enterprise_of, type_problems
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.matches import Counts, Key, Match, Offer
from services.policy_match.domain.payments import deadline
from services.policy_match.domain.population import Population, rank_population
from services.policy_match.domain.values import TypeMismatch
from tests.policy_match import rules_at_random as random_
from tests.policy_match.worlds_at_random import FIGURES, QUICK, REGISTRY, TODAY, enterprise, exact, populations, rules, validities


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every city of more than a few enterprises is put together of several parts."""
    monkeypatch.setattr(gathering, "TOGETHER", 16)


def test_a_city_saved_and_read_again_is_the_same() -> None:
    benefits = [parse_benefit(exact({"id": f"b{n}", "rule": rule})) for n, rule in enumerate(_SAMPLE)]
    city = [enterprise_of(exact({"uscc": f"企业{seed}", **enterprise(seed)})) for seed in range(300)]
    columns = columns_of(city, REGISTRY)
    file = io.BytesIO()
    columns.save(file)
    file.seek(0)
    again = Columns.load(file)
    assert again.usccs == columns.usccs
    assert [again.enterprise(row) for row in range(300)] == [columns.enterprise(row) for row in range(300)]
    one, other = (verdicts(clauses_of(benefits), found, as_of=TODAY, registry=REGISTRY, figures=FIGURES) for found in (columns, again))
    assert (one.eligible == other.eligible).all()
    assert (one.ineligible == other.ineligible).all()
    assert one.counts().min(axis=0).any()


_SAMPLE: list[Any] = [
    {"fact": "revenue", "period": "last_year", "is": ">=", "value": 10},
    {"fact": "district", "is": "under", "value": ["350200"]},
    {"fact": "honours", "is": "has", "value": ["专精特新“小巨人”"]},
    {"fact": "founded_on", "is": "<=", "value": {"ago": {"years": 2}}},
    {"some": "certificate", "where": [{"field": "expires_on", "is": ">=", "value": "2023-06-30"}]},
    {"sum": "project", "field": "invested", "is": ">=", "value": 15},
]


def test_an_enterprise_put_together_from_columns_is_decided_as_the_one_that_was_given() -> None:
    city = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(500)]
    columns = columns_of(city, REGISTRY)
    for row, given_ in enumerate(city):
        again = columns.enterprise(row)
        for rule in _SAMPLE:
            node = parse_benefit(exact({"id": "b", "rule": rule}))
            assert _said(node, again) == _said(node, given_)
        assert set(again.records) == set(given_.records)


def _said(benefit: Benefit, enterprise: Enterprise) -> Any:
    try:
        return settled(benefit, Scope(enterprise, TODAY, REGISTRY, FIGURES, benefit.id))
    except TypeMismatch as error:
        return str(error)


@cache
def offered() -> st.SearchStrategy[dict[str, Any]]:
    """A benefit with an amount and a validity."""
    return st.fixed_dictionaries({"rule": rules(), "valid": validities(), "amount": st.one_of(random_.amounts(), st.just({"fixed": 1000}))})


def one_by_one(offers: Sequence[Offer], city: Sequence[Enterprise]) -> tuple[dict[Key, Match], dict[str, Counts]]:
    """Matches and counts as the interpreter finds them."""
    matches: dict[Key, Match] = {}
    counts: dict[str, Counts] = {}
    for offer in offers:
        benefit = offer.benefit
        said_, faulty, sums = [], 0, [AmountInterval(Decimal(0), Decimal(0))]
        upon_review = benefit.amount is None or any(isinstance(node, JudgedAmount) for node in walk(benefit.amount))
        for enterprise_ in city:
            scope = Scope(enterprise_, TODAY, REGISTRY, FIGURES, benefit.id)
            try:
                value = settled(benefit, scope).value
                amount = interval(benefit.amount, scope) if value else sums[0]
                end = deadline(benefit, scope) if value else None
            except TypeMismatch:
                faulty += 1
                said_.append(None)
                continue
            said_.append(value)
            if value:
                key = Key(enterprise_.uscc, benefit.id, "")
                told = not upon_review or (amount.low == amount.high and amount.low > 0)
                matches[key] = Match(key, offer.version, amount.low if told else None, amount.high if told else None, end)
                sums.append(amount)
        highs = [amount.high for amount in sums]
        high = None if None in highs else sum((high for high in highs if high is not None), Decimal("0.00"))
        low = sum((amount.low for amount in sums), Decimal("0.00"))
        counts[benefit.id] = Counts(said_.count(True), said_.count(False), said_.count(None), faulty, low, high)
    return matches, counts


@pytest.mark.parametrize("few", [0, 1000])
def test_a_sweep_finds_what_the_interpreter_finds(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches_, "FEW", few)
    city = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(100)]

    @settings(QUICK, max_examples=12)
    @given(st.lists(offered(), min_size=4, max_size=8))
    def run(given_: list[Any]) -> None:
        offers = [Offer(parse_benefit(exact({"id": f"b{n}", **benefit})), n) for n, benefit in enumerate(given_)]
        assert matches_.eligible(offers, city, as_of=TODAY, registry=REGISTRY, figures=FIGURES) == one_by_one(offers, city)

    run()


def test_enterprises_that_changed_since_count_as_they_are_now() -> None:
    before = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(90)]
    now = {f"u{n}": enterprise_of(exact({"uscc": f"u{n}", **enterprise(1000 + n)})) for n in range(70, 170)}

    @settings(QUICK, max_examples=8)
    @given(st.lists(offered(), min_size=4, max_size=8))
    def run(given_: list[Any]) -> None:
        offers = [Offer(parse_benefit(exact({"id": f"b{n}", **benefit})), n) for n, benefit in enumerate(given_)]
        held = matches_.City(columns_of(before, REGISTRY), now)
        city = [*before[:70], *now.values()]
        assert matches_.eligible(offers, held, as_of=TODAY, registry=REGISTRY, figures=FIGURES) == one_by_one(offers, city)

    run()


@pytest.mark.parametrize("few", [0, 1000])
def test_a_rank_is_one_in_the_whole_city(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches_, "FEW", few)
    rule = {
        "rank": "revenue",
        "period": "last_year",
        "among": {"fact": "size", "is": "in", "value": ["small", "micro"]},
        "is": "<=",
        "value": 5,
    }
    benefit = parse_benefit(exact({"id": "b0", "rule": rule, "amount": {"fixed": 1000}}))
    city = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(200) if not _wrong(seed)]
    shards = [matches_.City(columns_of(city[:70], REGISTRY)), matches_.City(columns_of(city[70:], REGISTRY), {city[-1].uscc: city[-1]})]
    given_ = {"as_of": TODAY, "registry": REGISTRY, "figures": FIGURES}
    standings = matches_.ranked([benefit], shards, **given_)
    found = [matches_.eligible([Offer(benefit, 1)], shard, **given_, population=standings) for shard in shards]
    everyone = Population(rank_population([benefit], city, **given_).standings)
    expected = [settled(benefit, Scope(one, TODAY, REGISTRY, FIGURES, "b0", everyone.standings)).value for one in city]
    counts = matches_.added(counts["b0"] for _, counts in found)
    assert (counts.eligible, counts.ineligible, counts.undetermined) == tuple(expected.count(value) for value in (True, False, None))
    assert counts.eligible >= 5
    assert {key.uscc for matches, _ in found for key in matches} == {one.uscc for one, value in zip(city, expected, strict=True) if value}


def _wrong(seed: int) -> bool:
    return any(True for _ in type_problems(enterprise_of(exact({"uscc": "u", **enterprise(seed)})), REGISTRY))


def test_columns_rank_whom_the_interpreter_ranks() -> None:
    city = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(150)]
    ranked_figures = 0

    @settings(QUICK, max_examples=40)
    @given(st.lists(populations(), min_size=1, max_size=4))
    def run(written: list[Any]) -> None:
        nonlocal ranked_figures
        benefits = [parse_benefit(exact({"id": f"b{n}", "rule": rule})) for n, rule in enumerate(written)]
        renewed = {one.uscc: one for one in city[120:]}
        shards = [matches_.City(columns_of(city[:70], REGISTRY)), matches_.City(columns_of(city[70:130], REGISTRY), renewed)]
        given_: dict[str, Any] = {"as_of": TODAY, "registry": REGISTRY, "figures": FIGURES}
        found = matches_.ranked(benefits, shards, **given_)
        assert found == rank_population(benefits, city, **given_)
        assert found is not None
        ranked_figures += sum(standing.ranked for standing in found.standings.values())

    run()
    assert ranked_figures > 1000
