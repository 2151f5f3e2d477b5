"""The laws of the language, on random rules: what is learnt never turns an answer round, and a second reading agrees."""

import json
from copy import deepcopy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from contracts.registry import load_figures, load_registry
from contracts.rules import dumps, loads, parse_amount, parse_benefit, parse_rule
from services.policy_match.domain import decide, outcome
from services.policy_match.domain.amount import interval
from services.policy_match.domain.enterprise import enterprise_of
from services.policy_match.domain.interpreter import Scope, answer
from services.policy_match.domain.language import language_problems
from services.policy_match.domain.truth import Answer
from tests.conformance.second.rules import Gap, World, truth
from tests.policy_match import rules_at_random as random_

TODAY = "2025-06-30"
QUICK = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
THOROUGH = settings(QUICK, max_examples=5000)
DAYS = st.sampled_from([TODAY, "2024-12-31", "2025-01-01", "2024-02-29"])


def exact(plain: Any) -> Any:
    """Plain data with the exact numbers a file would give."""
    return loads(json.dumps(plain, ensure_ascii=False))


def scope_of(facts: Any, records: Any, today: str = TODAY) -> Scope:
    enterprise = enterprise_of({"uscc": "u", "facts": exact(facts), "records": exact(records)})
    return Scope(enterprise, date.fromisoformat(today), load_registry(), load_figures(), benefit="b")


def answered(rule: Any, facts: Any, records: Any) -> Answer:
    return answer(parse_rule(exact(rule)), scope_of(facts, records))


def agree(rule: Any, facts: Any, today: str) -> None:
    second = truth(exact(rule), World(exact(facts), {}, date.fromisoformat(today)))
    assert answer(parse_rule(exact(rule)), scope_of(facts, {}, today)).value is (None if isinstance(second, Gap) else second)


@settings(QUICK, max_examples=200)
@given(random_.scalar_rules(), random_.facts(), DAYS)
def test_a_second_reading_of_the_language_agrees(rule: Any, facts: Any, today: str) -> None:
    agree(rule, facts, today)


@pytest.mark.slow
@THOROUGH
@given(random_.scalar_tests(), random_.facts(), DAYS)
def test_a_second_reading_agrees_on_thousands_of_tests(rule: Any, facts: Any, today: str) -> None:
    agree(rule, facts, today)


@pytest.mark.slow
@THOROUGH
@given(random_.scalar_rules(), random_.facts(), DAYS)
def test_a_second_reading_agrees_on_thousands_of_rules(rule: Any, facts: Any, today: str) -> None:
    agree(rule, facts, today)


@st.composite
def learnt(draw: st.DrawFn) -> tuple[Any, Any, Any, Any]:
    """What is known of an enterprise, and the same with more of it known."""
    facts, records = draw(random_.facts()), draw(random_.records())
    less_facts, less_records = deepcopy(facts), deepcopy(records)
    for name in list(facts):
        if draw(st.booleans()):
            less_facts.pop(name)
        elif isinstance(facts[name], dict):
            for period in list(facts[name]):
                if draw(st.booleans()):
                    less_facts[name].pop(period)
    for kind, rows in records.items():
        if draw(st.booleans()):
            less_records.pop(kind)
            continue
        for position, row in enumerate(rows):
            for field in row:
                if field != "expires_on" and field != "awarded_on" and draw(st.booleans()):
                    less_records[kind][position].pop(field)
    return less_facts, less_records, facts, records


@QUICK
@given(random_.rules(), learnt())
def test_learning_a_fact_never_turns_true_into_false_or_back(rule: Any, known: tuple[Any, Any, Any, Any]) -> None:
    before, after = answered(rule, known[0], known[1]).value, answered(rule, known[2], known[3]).value
    assert before is None or after is before


@QUICK
@given(random_.amounts(), learnt())
def test_an_amount_stays_within_what_was_said_before_a_fact_was_learnt(amount: Any, known: tuple[Any, Any, Any, Any]) -> None:
    node = parse_amount(exact(amount))
    before, after = interval(node, scope_of(known[0], known[1])), interval(node, scope_of(known[2], known[3]))
    assert Decimal(0) <= before.low <= after.low
    assert before.high is None or (after.high is not None and after.high <= before.high)
    assert after.high is None or after.low <= after.high


@QUICK
@given(random_.amounts(), random_.facts(), random_.records())
def test_what_an_amount_waits_for_is_named_and_a_known_sum_waits_for_nothing(amount: Any, facts: Any, records: Any) -> None:
    found = interval(parse_amount(exact(amount)), scope_of(facts, records))
    if found.low == found.high:
        return
    judged = "judged" in json.dumps(amount)
    assert found.missing or judged


TWINS = {"=": "!=", "in": "not_in", "under": "not_under", "has": "has_none"}


@QUICK
@given(random_.scalar_tests(), random_.facts())
def test_a_negation_twin_says_the_opposite_and_waits_for_the_same(test: Any, facts: Any) -> None:
    assume(test["is"] in TWINS and test.get("take") != "every")
    one, other = answered(test, facts, {}), answered({**test, "is": TWINS[test["is"]]}, facts, {})
    assert other == (one if one.value is None else Answer(not one.value))


@QUICK
@given(random_.held(), random_.facts(), random_.records())
def test_none_is_the_negation_of_some(where: Any, facts: Any, records: Any) -> None:
    one, other = ({key: "certificate", "where": where} for key in ("some", "none"))
    one = answered(one, facts, records)
    assert answered(other, facts, records) == (one if one.value is None else Answer(not one.value))


@QUICK
@given(st.lists(random_.rules(), max_size=3), random_.facts(), random_.records())
def test_not_all_is_any_not(limbs: Any, facts: Any, records: Any) -> None:
    one = answered({"not": {"all": limbs}}, facts, records)
    other = answered({"any": [{"not": limb} for limb in limbs]}, facts, records)
    assert one == other


@QUICK
@given(random_.rules(), random_.facts(), random_.records())
def test_what_settles_an_answer_is_named_exactly_while_it_is_unknown(rule: Any, facts: Any, records: Any) -> None:
    found = answered(rule, facts, records)
    assert (found.value is None) == bool(found.missing or found.judged)


def whole(rule: Any, amount: Any) -> Any:
    return {"id": "b", "rule": rule, "amount": amount, "valid": {"from": "2024-01-01", "to": "2026-12-31"}}


@QUICK
@given(random_.rules(), random_.amounts(), random_.facts(), random_.records())
def test_a_decision_is_reproducible_byte_for_byte_and_agrees_with_the_bare_outcome(
    rule: Any, amount: Any, facts: Any, records: Any
) -> None:
    registry, figures, today = load_registry(), load_figures(), date.fromisoformat(TODAY)
    enterprise = enterprise_of({"uscc": "u", "facts": exact(facts), "records": exact(records)})
    text = json.dumps(whole(rule, amount), ensure_ascii=False)
    first, second = (decide(parse_benefit(loads(text)), enterprise, as_of=today, registry=registry, figures=figures) for _ in range(2))
    assert dumps(first) == dumps(second)
    state, sum_ = outcome(parse_benefit(loads(text)), enterprise, as_of=today, registry=registry, figures=figures)
    assert (first.outcome, first.amount.low, first.amount.high) == (state, str(sum_.low), None if sum_.high is None else str(sum_.high))
    if first.near_miss is not None:
        assert first.outcome == "ineligible"
        assert first.near_miss.change


@QUICK
@given(random_.rules(), random_.amounts())
def test_random_rules_are_rules_the_registry_can_answer_and_come_back_as_written(rule: Any, amount: Any) -> None:
    text = json.dumps(whole(rule, amount), ensure_ascii=False)
    benefit = parse_benefit(loads(text))
    assert dumps(benefit) == text
    assert language_problems(benefit, load_registry()) == []


@pytest.mark.parametrize("stated", ["20000000", "2e7", "2.0E+7", "20000000.00"])
@pytest.mark.parametrize("asked", ["20000000", "2e7", "2.0E+7"])
def test_a_number_is_the_same_however_it_is_written(stated: str, asked: str) -> None:
    rule = parse_rule(loads(f'{{"fact": "revenue", "period": "2024", "is": "=", "value": {asked}}}'))
    enterprise = enterprise_of(loads(f'{{"uscc": "u", "facts": {{"revenue": {{"2024": {stated}}}}}}}'))
    assert answer(rule, Scope(enterprise, date.fromisoformat(TODAY), load_registry(), load_figures())).value is True
