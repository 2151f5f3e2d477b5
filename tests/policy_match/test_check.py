"""What `check` refuses, what it passes, and what it asks an officer to look at twice."""

import json
from pathlib import Path
from typing import Any

import pytest

from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit, loads, parse_benefit
from services.policy_match.domain import Report, check

HONEST = {"fact": "dishonest", "is": "=", "value": False}
REVENUE = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}


def benefit(rule: Any = HONEST, **more: Any) -> Benefit:
    return parse_benefit(loads(json.dumps({"id": "b", "rule": rule, **more}, ensure_ascii=False)))


def report(rule: Any = HONEST, others: list[Benefit] | None = None, **more: Any) -> Report:
    return check(benefit(rule, **more), registry=load_registry(), figures=load_figures(), others=others or [])


def codes(found: Report, what: str = "errors") -> list[tuple[str, str]]:
    return [(problem.code, problem.at) for problem in getattr(found, what)]


def test_a_sound_benefit_has_neither_error_nor_warning() -> None:
    found = report({"all": [HONEST, REVENUE]}, amount={"fixed": 100}, text="给予一次性奖励", stacking={"once": "life"})
    assert (found.errors, found.warnings, found.open_facts) == ((), (), ())


@pytest.mark.parametrize(
    ("rule", "code", "at"),
    [
        ({"all": [{"fact": "revenu", "period": "2024", "is": ">=", "value": 1}]}, "unknown-fact", "rule/all/0"),
        ({"fact": "revenue", "is": ">=", "value": 1}, "period-missing", "rule"),
        ({"fact": "district", "period": "2024", "is": "=", "value": "350205"}, "period-needless", "rule"),
        ({"fact": "exports", "period": "2024Q1", "is": ">=", "value": 1}, "period-wrong", "rule"),
        ({"fact": "exports", "period": "last_quarter", "is": ">=", "value": 1}, "period-wrong", "rule"),
        ({"some": "certificat", "where": []}, "unknown-kind", "rule"),
        ({"some": "certificate", "where": [{"field": "nam", "is": "=", "value": "A"}]}, "unknown-field", "rule/where/0"),
        ({"sum": "project", "field": "money", "where": [], "is": ">=", "value": 1}, "unknown-field", "rule"),
        ({"field": "name", "is": "=", "value": "A"}, "field-outside-row", "rule"),
        ({"some": "certificate", "where": [{"none": "penalty", "where": []}]}, "record-in-row", "rule/where/0"),
        ({**REVENUE, "value": "20000000"}, "wrong-type", "rule/value"),
        ({**REVENUE, "value": {"fact": "district"}}, "wrong-type", "rule/value"),
        ({**REVENUE, "value": {"times": [0.1, {"fact": "founded_on"}]}}, "wrong-type", "rule/value/times/1"),
        ({"fact": "district", "is": "=", "value": 350205}, "wrong-type", "rule/value"),
        ({"fact": "district", "is": ">=", "value": "350205"}, "wrong-type", "rule/is"),
        ({"fact": "dishonest", "is": "=", "value": "否"}, "wrong-type", "rule/value"),
        ({"fact": "founded_on", "is": "<=", "value": "2025年6月30日"}, "wrong-type", "rule/value"),
        ({"fact": "founded_on", "is": "<=", "value": {"shift": {"years": 1}, "of": {"fact": "district"}}}, "wrong-type", "rule/value/of"),
        ({"fact": "honours", "is": "=", "value": "A"}, "wrong-type", "rule/is"),
        ({"fact": "honours", "is": "has", "value": [5]}, "wrong-type", "rule/value/0"),
        ({"fact": "above_scale", "period": "last_year", "over": 2, "take": "sum", "is": ">=", "value": 1}, "wrong-type", "rule"),
        ({"rank": "district", "among": {"all": []}, "is": "<=", "value": 3}, "wrong-type", "rule"),
        ({"latest": "certificate", "field": "name", "where": [], "is": ">=", "value": "2024-01-01"}, "wrong-type", "rule"),
    ],
)
def test_what_the_registry_cannot_answer_is_an_error_with_its_place(rule: Any, code: str, at: str) -> None:
    found = report(rule)
    assert (code, at) in codes(found)
    assert all(problem.hint and problem.problem for problem in found.errors)


@pytest.mark.parametrize(
    ("more", "at"),
    [
        ({"amount": {"rate": 0.1, "of": {"fact": "district"}}}, "amount/of/0"),
        ({"valid": {"from": 2025, "to": None}}, "valid/from"),
        ({"stacking": {"caps": [{"name": "c", "at": "x"}]}}, "stacking/caps/0/at"),
    ],
)
def test_amounts_dates_and_caps_are_held_to_their_types(more: Any, at: str) -> None:
    assert ("wrong-type", at) in codes(report(**more))


def test_an_open_fact_is_counted_and_warned_of_but_no_error() -> None:
    found = report({"all": [HONEST, {"fact": "open.展会天数", "is": ">=", "value": 3}]})
    assert (found.errors, found.open_facts) == ((), ("open.展会天数",))
    assert ("no-authority", "rule") in codes(found, "warnings")


@pytest.mark.parametrize(
    "limbs",
    [
        [REVENUE, {**REVENUE, "is": "<", "value": 10000000}],
        [REVENUE, {"all": [{**REVENUE, "is": "<", "value": 20000000}]}],
        [{**REVENUE, "is": "between", "value": [10, 20], "open": "hi"}, {**REVENUE, "value": 20}],
        [{"fact": "size", "is": "=", "value": "small"}, {"fact": "size", "is": "in", "value": ["large", "medium"]}],
        [{"fact": "size", "is": "=", "value": "small"}, {"fact": "size", "is": "!=", "value": "small"}],
        [HONEST, {"fact": "dishonest", "is": "=", "value": True}],
        [HONEST, {"not": HONEST}],
        [{"some": "penalty", "where": []}, {"none": "penalty", "where": []}],
    ],
)
def test_limbs_that_can_never_hold_together_are_an_error(limbs: list[Any]) -> None:
    assert {code for code, _ in codes(report({"all": limbs}))} == {"contradiction"}


@pytest.mark.parametrize(
    "limbs",
    [
        [REVENUE, {**REVENUE, "is": "<=", "value": 20000000}],
        [REVENUE, {**REVENUE, "period": "year-2", "is": "<", "value": 10}],
        [{"fact": "honours", "is": "has", "value": ["A"]}, {"fact": "honours", "is": "has", "value": ["B"]}],
        [{"fact": "size", "is": "in", "value": ["small", "micro"]}, {"fact": "size", "is": "!=", "value": "small"}],
        [REVENUE, {**REVENUE, "is": "<", "value": {"fact": "profit", "period": "last_year"}}],
    ],
)
def test_limbs_that_may_hold_together_are_none(limbs: list[Any]) -> None:
    assert report({"all": limbs}).errors == ()


@pytest.mark.parametrize(
    ("rule", "more", "code"),
    [
        ({**REVENUE, "quote": "大于2000万元（含）"}, {}, "inclusive-mismatch"),
        (HONEST, {"text": "营业收入不低于2000万元(不含)的企业"}, "inclusive-mismatch"),
        ({"any": [HONEST, {"not": HONEST}]}, {}, "repeats-negation"),
        ({"any": [REVENUE, {**REVENUE, "is": "<"}]}, {}, "repeats-negation"),
        (HONEST, {"amount": {"rate": 5, "of": {"fact": "revenue", "period": "2024"}}}, "rate-over-one"),
        ({"fact": "profit", "period": "last_year", "take": "growth", "is": ">=", "value": 0.1}, {}, "growth-base"),
        (HONEST, {"stacking": {"groups": ["g"]}}, "named-once"),
        (HONEST, {"stacking": {"caps": [{"name": "c", "at": 5}]}}, "named-once"),
        ({"not": {"latest": "certificate", "field": "awarded_on", "where": [], "is": ">=", "value": "2024-01-01"}}, {}, "latest-under-not"),
        ({"judged": "择优扶持"}, {}, "judged-only"),
        (HONEST, {"text": "给予一次性奖励10万元"}, "once-missing"),
        ({"fact": "size", "is": "=", "value": "tiny"}, {}, "unknown-code"),
        ({"fact": "exports", "period": "2024", "is": ">=", "value": {"figure": "某汇率"}}, {}, "unknown-figure"),
        ({**REVENUE, "value": 2000, "quote": "营业收入2000万元以上"}, {}, "unit"),
        ({"fact": "layoff_rate", "period": "2024", "is": "<=", "value": 5.5}, {}, "share-over-one"),
        ({**REVENUE, "take": "growth", "value": 15}, {}, "share-over-one"),
    ],
)
def test_what_should_be_looked_at_twice_is_warned_of(rule: Any, more: Any, code: str) -> None:
    found = report(rule, **more)
    assert code in {warning for warning, _ in codes(found, "warnings")}
    assert found.errors == ()


@pytest.mark.parametrize(
    ("rule", "more"),
    [
        ({**REVENUE, "quote": "不低于2000万元（含）"}, {}),
        ({**REVENUE, "quote": "不大于2000万元（含）"}, {}),
        ({**REVENUE, "quote": "1亿元（含）以上、5亿元（不含）以下"}, {}),
        ({"fact": "profit", "period": "last_year", "take": "growth", "base_if_zero": 1, "is": ">=", "value": 0.1}, {}),
        ({"all": [{"some": "certificate", "where": []},
                  {"not": {"latest": "certificate", "field": "awarded_on", "where": [], "is": ">=", "value": "2024-01-01"}}]}, {}),
        (HONEST, {"text": "给予一次性奖励", "stacking": {"once": "life"}}),
        ({"all": [HONEST, {"judged": "择优"}]}, {}),
        (HONEST, {"amount": {"rate": 1, "of": {"fact": "revenue", "period": "2024"}}}),
    ],
)  # fmt: skip
def test_what_is_usual_is_not_warned_of(rule: Any, more: Any) -> None:
    assert report(rule, **more).warnings == ()


def test_groups_and_caps_are_compared_with_the_other_benefits() -> None:
    other = benefit(stacking={"groups": [{"name": "g", "per": "life"}], "caps": [{"name": "c", "at": 9}]}).model_copy(update={"id": "o"})
    found = report(stacking={"groups": ["g"], "caps": [{"name": "c", "at": 5}]}, others=[other])
    assert codes(found, "warnings") == [("cap-differs", "stacking/caps/0")]


def case(**more: Any) -> dict[str, Any]:
    return {
        "name": "上年营收两千万",
        "as_of": "2025-06-30",
        "facts": {"revenue": {"2024": 20000000}},
        "records": {},
        "expect": "eligible",
        **more,
    }


def test_the_cases_that_travel_with_a_rule_are_decided() -> None:
    found = report(REVENUE, amount={"fixed": 100000}, cases=[case(amount="100000.00"), case(facts={}, expect="undetermined")])
    assert (found.errors, found.cases_passed) == ((), 2)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (case(expect="ineligible"), "应为“不符合”，得到“符合”；此例满足全部条件"),
        (case(facts={"revenue": {"2024": 19999999}}), "得到“不符合”；2024年营业收入19,999,999元，要求不低于2000万元，还差1元，不符合"),
        (case(facts={}), "得到“待定”；要求2024年营业收入不低于2000万元；缺少2024年营业收入（由市税务局提供），还不能判断"),
        (case(amount="100000.01"), "金额应为 100000.01"),
        (case(facts={"revenue": {"2024": "很多"}}), "应为数值"),
    ],
)
def test_a_case_that_fails_is_an_error(given: Any, word: str) -> None:
    found = report(REVENUE, amount={"fixed": 100000}, cases=[given])
    assert codes(found) == [("case-fails", "cases/0")]
    assert word in found.errors[0].problem


def test_every_wording_of_the_field_passes_but_for_what_is_warned_of(shared: Path) -> None:
    wordings = loads((shared / "examples" / "wordings.json").read_text(encoding="utf-8"))
    known = {"rule", "amount", "stacking", "valid", "window", "recheck", "procedure", "budget", "obligations"}
    failing = {}
    for wording in wordings:
        if wording["rule"] is not None:
            given = {key: value for key, value in wording.items() if key in known}
            found = check(parse_benefit({"id": str(wording["n"]), **given}), registry=load_registry(), figures=load_figures())
            if found.errors:
                failing[wording["n"]] = found.errors
    assert failing == {}
