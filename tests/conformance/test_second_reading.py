"""The interpreter and a second reading of rules.md, which share no code, say the same of thousands of random cases."""

from collections import Counter
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.rules import Decision, parse_benefit
from services.policy_match.domain import decide
from services.policy_match.domain.enterprise import enterprise_of, type_problems
from services.policy_match.domain.population import rank_population
from tests.conformance.near_rules import near_rules
from tests.conformance.second import amounts
from tests.conformance.second import rules as second
from tests.conformance.second.nearness import eligible_from, near_miss
from tests.conformance.second.rules import Gap, World
from tests.policy_match import rules_at_random as random_
from tests.policy_match.worlds_at_random import FIGURES, QUICK, REGISTRY, TODAY, enterprise, exact, rules, validities

OUTCOMES = {True: "eligible", False: "ineligible"}
SEEDS = st.integers(0, 2**32)


def city_of(seed: int, number: int) -> list[Any]:
    """Some enterprises as plain data, of which nothing is stated wrongly."""
    found: list[Any] = []
    while len(found) < number:
        one, seed = exact(enterprise(seed)), seed + 1
        if not any(True for _ in type_problems(enterprise_of({"uscc": "u", **one}), REGISTRY)):
            found.append(one)
    return found


def both(plain: Any, city: list[Any], *, explain: bool) -> Iterator[tuple[Decision, World]]:
    """The decision on each enterprise, and the world in which the second reading looks at it."""
    benefit = parse_benefit(plain)
    enterprises = [enterprise_of({"uscc": f"u{n}", **one}) for n, one in enumerate(city)]
    population = rank_population([benefit], enterprises, as_of=TODAY, registry=REGISTRY, figures=FIGURES)
    worlds = World({}, {}, TODAY, city=[(one["facts"], one["records"]) for one in city])
    for read, one in zip(enterprises, city, strict=True):
        decision = decide(benefit, read, as_of=TODAY, registry=REGISTRY, figures=FIGURES, explain=explain, population=population)
        yield decision, World(one["facts"], one["records"], TODAY, city=worlds.city, ranked=worlds.ranked)


def agree(plain: Any, seed: int, seen: Counter[str]) -> None:
    for decision, world in both(plain, city_of(seed, 6), explain=False):
        found = amounts.outcome(plain, world)
        gap = found if isinstance(found, Gap) else Gap()
        low, high = amounts.payable(plain, world)
        outcome = "undetermined" if isinstance(found, Gap) else OUTCOMES[found]
        assert (decision.outcome, decision.amount.low, decision.amount.high) == (outcome, str(low), None if high is None else str(high))
        assert (set(decision.missing), set(decision.judged)) == (set(gap.missing), set(gap.judged))
        seen.update([outcome, *(["an interval"] if low != high else ["a sum"] if low else [])])


def random_benefits() -> st.SearchStrategy[Any]:
    return st.builds(
        lambda rule, amount, valid: exact({"id": "b", "rule": rule, "amount": amount, "valid": valid}),
        rules(), random_.amounts(), validities(),
    )  # fmt: skip


def compare(examples: int) -> Counter[str]:
    seen: Counter[str] = Counter()

    @settings(QUICK, max_examples=examples)
    @given(random_benefits(), SEEDS)
    def run(plain: Any, seed: int) -> None:
        agree(plain, seed, seen)

    run()
    return seen


def test_a_second_reading_says_the_same_of_outcomes_sums_and_what_is_missing() -> None:
    assert sum(compare(30).values()) >= 180


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_second_reading_says_the_same_of_thousands_of_cases(capsys: pytest.CaptureFixture[str]) -> None:
    seen = compare(2_000)
    with capsys.disabled():
        print("\n" + ", ".join(f"{name} {number}" for name, number in seen.most_common()))
    pairs = sum(seen[outcome] for outcome in ("eligible", "ineligible", "undetermined"))
    assert pairs >= 10_000
    assert min(seen.values()) >= pairs / 20


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("every", lambda truths: False if False in (given := list(truths)) else all(truth is True for truth in given)),
        ("covered", lambda code: code),
        ("year_before", lambda period: (period[0], period[1] - 1)),
        ("by_a_person", lambda found, world: found),
        ("exact", lambda number: Fraction(round(number))),
    ],
)
@pytest.mark.slow
def test_a_difference_in_one_function_is_found(name: str, wrong: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(second, name, wrong)
    with pytest.raises((AssertionError, TypeError)):
        compare(1_500)


# ------------------------------------------------------------------------------------------------- near misses and days


def plainly(value: Any) -> Any:
    """Numbers alike however they are held; of codes and sets only that they change, for several may do."""
    return Fraction(value) if isinstance(value, Decimal | Fraction) and not isinstance(value, bool) else isinstance(value, bool) and value


def agree_on_near_misses(rule: Any, seed: int, seen: Counter[str]) -> None:
    plain = exact({"id": "b", "rule": rule, "amount": None})
    for decision, world in both(plain, city_of(seed, 3), explain=True):
        if decision.outcome == "ineligible":
            mine = near_miss(plain["rule"], world)
            theirs = None if decision.near_miss is None else {(c.fact, plainly(c.to)) for c in decision.near_miss.change}
            assert theirs == (None if mine is None else {(c["fact"], plainly(c["to"])) for c in mine})
            seen["none" if mine is None else f"{len(mine)} changes"] += 1


def compare_near_misses(examples: int) -> Counter[str]:
    seen: Counter[str] = Counter()

    @settings(QUICK, max_examples=examples)
    @given(near_rules(), SEEDS)
    def run(rule: Any, seed: int) -> None:
        agree_on_near_misses(rule, seed, seen)

    run()
    return seen


def test_a_near_miss_is_what_trying_every_change_finds() -> None:
    assert compare_near_misses(60)["1 changes"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_near_misses_are_what_trying_finds_in_thousands_of_cases(capsys: pytest.CaptureFixture[str]) -> None:
    seen = compare_near_misses(2_500)
    with capsys.disabled():
        print("\n" + ", ".join(f"{name} {number}" for name, number in seen.most_common()))
    assert sum(seen.values()) >= 2_000
    assert min(seen["none"], seen["1 changes"], seen["2 changes"]) >= 100


def agree_on_days(plain: Any, seed: int, seen: Counter[str]) -> None:
    for decision, world in both(plain, city_of(seed, 2), explain=True):
        if decision.outcome != "eligible":
            day: date | None = eligible_from(plain, world)
            assert decision.eligible_from == day
            seen["never" if day is None else "at the turn of a month" if day.day == 1 else "on another day"] += 1


def compare_days(examples: int) -> Counter[str]:
    """Of benefits that rank nobody: where others stand on another day is not known today."""
    seen: Counter[str] = Counter()

    @settings(QUICK, max_examples=examples)
    @given(random_benefits().filter(lambda plain: "among" not in str(plain)), SEEDS)
    def run(plain: Any, seed: int) -> None:
        agree_on_days(plain, seed, seen)

    run()
    return seen


def test_the_day_on_which_time_brings_a_benefit_is_the_first_of_all_days() -> None:
    assert compare_days(10)["never"] > 0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_day_is_the_first_in_hundreds_of_cases(capsys: pytest.CaptureFixture[str]) -> None:
    seen = compare_days(400)
    with capsys.disabled():
        print("\n" + ", ".join(f"{name} {number}" for name, number in seen.most_common()))
    assert min(seen["at the turn of a month"], seen["on another day"]) >= 20
