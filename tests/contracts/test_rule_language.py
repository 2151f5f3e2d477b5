"""What may be written in the rule language, and that nothing of it is lost on the way through the models."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from contracts.rules import (
    All,
    Benefit,
    Budget,
    Decision,
    FactTest,
    Obligation,
    Procedure,
    Recheck,
    RuleError,
    Span,
    Stacking,
    dumps,
    facts_of,
    loads,
    open_facts_of,
    parse_amount,
    parse_benefit,
    parse_rule,
)
from contracts.rules import tests_a_fact as asks_a_fact  # else pytest takes it for a test

WHOLE = """{"title": "研发奖励", "id": "b-1", "policy": "p", "article": "第五条", "text": "…", "kind": "资金补助", "language": 1, \
"rule": {"all": [{"fact": "industry", "is": "under", "value": ["C39", "I65"], "quote": "电子信息", "span": [3, 7]}, \
{"at_least": 1, "of": [{"judged": "优秀"}, {"not": {"some": "penalty", "where": []}}]}, \
{"fact": "rd_expense", "period": "last_year", "over": 2, "take": "every", "is": ">=", \
"value": {"times": [0.030, {"fact": "revenue", "period": "last_year"}]}}, \
{"rank": "revenue", "period": "2024", "among": {"all": []}, "is": "<=", "value": 20}, \
{"field": "x", "is": "between", "value": [{"ago": {"years": 1}}, \
{"shift": {"months": -2, "days": 3}, "of": "2025-01-01"}], "open": "lo"}]}, \
"amount": {"paid": {"sum": "benefit_received", "field": "amount", "where": []}, \
"less": {"cap": 1e6, "of": {"tiers": [[0, {"fixed": 0}], [2E+7, {"rate": {"figure": "LPR-1Y"}, \
"of": {"fact": "revenue", "period": "2024"}}]], \
"on": {"fact": "revenue", "period": "2024"}, "edge": "upto"}}}, "pays": "money", "mode": "confirm", \
"valid": {"from": "2025-01-01", "to": null}, "window": null, "recheck": {"review": {"all": []}}, \
"stacking": {"groups": ["a", {"name": "b", "per": "item"}], "caps": [{"name": "c", "at": 5000000.00, "per": "year"}], "once": "year"}, \
"budget": {"pool": "x", "total": 30000000, "per": null, "order": "first_come"}, \
"obligations": [{"quote": "5年内不迁离", "must": null, "until": {"years": 5}}], \
"procedure": {"approval": [[0, "经办"], [200000.01, "分管领导"]], "funding": [{"level": "市", "share": 0.5}]}, \
"cases": [{"name": "刚满一年", "as_of": "2025-06-30", "facts": {"revenue": {"2024": 1.50}}, "records": {}, \
"expect": "eligible", "amount": "1.00"}], \
"source": {"document": "doc-1", "version": 3, "sha256": "ab"}}"""


def test_a_whole_benefit_comes_back_byte_for_byte() -> None:
    assert dumps(parse_benefit(loads(WHOLE))) == WHOLE


def test_every_wording_of_the_field_comes_back_byte_for_byte(shared: Path) -> None:
    text = (shared / "examples" / "wordings.json").read_text(encoding="utf-8")
    readers: dict[str, Any] = {
        "rule": parse_rule, "amount": parse_amount, "stacking": Stacking.model_validate, "valid": Span.model_validate,
        "window": Span.model_validate, "recheck": Recheck.model_validate, "procedure": Procedure.model_validate,
        "budget": Budget.model_validate,
    }  # fmt: skip
    wordings = loads(text)
    assert len(wordings) == 141
    for exact, plain in zip(wordings, json.loads(text), strict=True):
        for key, given in exact.items():
            if key == "obligations":
                assert dumps([Obligation.model_validate(o) for o in given]) == json.dumps(plain[key], ensure_ascii=False)
            elif key != "n" and given is not None:
                assert dumps(readers[key](given)) == json.dumps(plain[key], ensure_ascii=False), exact["n"]


def test_through_pydantics_own_json_the_value_stays_the_same() -> None:
    benefit = parse_benefit(loads(WHOLE))
    assert Benefit.model_validate_json(benefit.model_dump_json()) == benefit
    assert json.loads(benefit.model_dump_json()) == json.loads(WHOLE)


def test_the_schema_accepts_what_the_models_accept_and_refuses_what_they_refuse() -> None:
    validator = jsonschema.Draft202012Validator(Benefit.model_json_schema())
    assert validator.is_valid(json.loads(WHOLE))
    assert not validator.is_valid({"id": "x", "rule": {"fact": "revenue", "is": "≥", "value": 1}})


@pytest.mark.parametrize(
    ("given", "value"),
    [("350205", str), (350205, Decimal), (True, bool), (0.5, Decimal), (["a"], tuple)],
)
def test_a_text_stays_a_text_and_a_number_becomes_exact(given: Any, value: type) -> None:
    operator = "in" if isinstance(given, list) else "="
    test = parse_rule({"fact": "district", "is": operator, "value": given})
    assert isinstance(test, FactTest)
    assert type(test.value) is value


def test_no_binary_rounding_creeps_in() -> None:
    test = parse_rule(loads('{"fact": "f", "is": "=", "value": 0.1000000000000000055511151231257827}'))
    assert isinstance(test, FactTest)
    assert test.value == Decimal("0.1000000000000000055511151231257827")


@pytest.mark.parametrize(
    ("given", "at", "word"),
    [
        ({"all": [{"fact": "a", "iss": "=", "value": 1}]}, "all/0/iss", "不认识的键"),
        ({"all": [{"fact": "a", "value": 1}]}, "all/0/is", "缺少"),
        ({"any": [{"all": [{"frist": 1}]}]}, "any/0/all/0", "认不出的结构"),
        ({"fact": "a", "is": "≥", "value": 1}, "is", "不是允许的取值"),
        ({"at_least": 3, "of": [{"all": []}]}, "", "at_least 应在 1"),
        ({"at_least": 0, "of": [{"all": []}]}, "", "at_least 应在 1"),
        ({"fact": "a", "is": "between", "value": 5}, "", "[下限, 上限]"),
        ({"fact": "a", "is": "in", "value": "x"}, "", "应为列表"),
        ({"fact": "a", "is": "=", "value": ["x"]}, "", "不是列表"),
        ({"fact": "a", "is": "during", "value": "2025-13"}, "", "期间"),
        ({"fact": "a", "is": "=", "value": 1, "open": "lo"}, "", "open 只用于 between"),
        ({"fact": "a", "period": "last year", "is": "=", "value": 1}, "period", "写法不对"),
        ({"fact": "a", "take": "growth", "is": "=", "value": 1}, "", "period"),
        ({"fact": "a", "period": "2024", "take": "sum", "is": "=", "value": 1}, "", "over"),
        ({"fact": "a", "period": "2024", "over": 2, "is": "=", "value": 1}, "", "take"),
        ({"fact": "a", "period": "2024", "base_if_zero": 2, "is": "=", "value": 1}, "", "base_if_zero"),
        ({"fact": "a", "is": ">=", "value": {"fact": "b", "period": "2024", "over": 2, "take": "every"}}, "value", "every"),
        ({"fact": "a", "is": "=", "value": {"ago": {}}}, "value/ago", "years"),
        ({"fact": "a", "is": "=", "value": {"ago": {"years": 1.5}}}, "value/ago/years", "整数"),
        ({"fact": "a", "is": "=", "value": {"ago": {"years": True}}}, "value/ago/years", "整数"),
        ({"rank": "a", "among": {"rank": "b", "among": {"all": []}, "is": "=", "value": 1}, "is": "=", "value": 1}, "", "among"),
        ({"fact": "a", "is": "=", "value": float("nan")}, "value", "有限"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(given: Any, at: str, word: str) -> None:
    with pytest.raises(RuleError) as caught:
        parse_rule(given)
    assert any(p.at == at and word in p.problem + p.hint for p in caught.value.problems), caught.value.problems


@pytest.mark.parametrize(
    "given",
    [
        {"fixed": "100"},
        {"fixed": True},
        {"rate": 0.5},
        {"tiers": [], "on": 1},
        {"tiers": [[5, 1], [0, 1]], "on": 1},
        {"cap": 5},
        5,
        {"sum": "project"},
    ],
)
def test_what_is_no_amount_is_refused(given: Any) -> None:
    with pytest.raises(RuleError):
        parse_amount(given)


def test_a_sum_with_a_list_is_an_amount_and_with_a_name_a_record_value() -> None:
    listed, named = {"sum": [{"fixed": 1}]}, {"rate": 1, "of": {"sum": "project", "field": "total", "where": []}}
    assert dumps(parse_amount(listed)) == json.dumps(listed)
    assert dumps(parse_amount(named)) == json.dumps(named)


def test_nan_is_not_json() -> None:
    with pytest.raises(ValueError, match="NaN"):
        loads('{"x": NaN}')


def test_facts_and_records_are_found_wherever_they_stand() -> None:
    benefit = parse_benefit(loads(WHOLE))
    assert facts_of(benefit.rule) == {"industry", "penalty", "rd_expense", "revenue"}
    assert facts_of(benefit) == {"industry", "penalty", "rd_expense", "revenue", "benefit_received"}
    assert open_facts_of(parse_rule({"fact": "open.展会", "is": "=", "value": 1})) == {"open.展会"}


@pytest.mark.parametrize(
    ("rule", "asks"),
    [
        ({"fact": "district", "is": "=", "value": "350205"}, True),
        ({"not": {"some": "penalty", "where": []}}, True),
        ({"rank": "revenue", "period": "2024", "among": {"all": []}, "is": "<=", "value": 3}, True),
        ({"any": [{"judged": "a"}, {"fact": "open.b", "is": "=", "value": True}]}, False),
        ({"all": []}, False),
    ],
)
def test_a_rule_of_judgements_and_open_facts_tests_no_fact(rule: Any, asks: bool) -> None:
    assert asks_a_fact(parse_rule(rule)) is asks


def test_nodes_are_frozen_and_can_be_made_in_code() -> None:
    test = FactTest(fact="district", is_="under", value=("350200",))
    assert dumps(All(all=(test,))) == '{"all": [{"fact": "district", "is": "under", "value": ["350200"]}]}'
    with pytest.raises(ValueError, match="frozen"):
        test.fact = "other"  # type: ignore[misc]


def test_a_decision_is_read_back_as_it_was_written() -> None:
    text = (
        '{"benefit": "b", "enterprise": "e", "as_of": "2025-06-30", "language": 1, "outcome": "undetermined", '
        '"amount": {"low": "0.00", "high": "100000.00", "missing": []}, "tests": [{"path": "all/2", "value": "unknown", "why": "missing", '
        '"fact": "rd_expense@2024", "found": null, "wanted": ">= 0.03 × revenue@2024", "source": null, "known_at": null, '
        '"quote": "研发费用占比不低于3%", "article": "第五条"}], "missing": ["rd_expense@2024"], "judged": [], '
        '"near_miss": {"change": [{"fact": "rd_expense@2025", "from": 2700000, "to": 3000000}], "until": "2025-12-31"}, '
        '"eligible_from": "2025-09-01", "rule_version": 3, "facts_as_known_at": "2025-06-30T08:00:00Z"}'
    )
    assert dumps(Decision.model_validate(loads(text))) == text
