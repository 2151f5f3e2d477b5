"""A rule reads in Chinese as the clause would say it; every wording of the language has words."""

from typing import Any

import pytest
from hypothesis import given, settings

from contracts.registry import load_registry
from contracts.rules import dumps, loads, parse_amount, parse_rule
from services.policy_match.domain.wording import amount_lines, rule_lines
from tests.policy_match import rules_at_random

REVENUE = {"fact": "revenue", "period": "last_year"}


def rule(given: Any) -> list[str]:
    return ["　" * line.depth + line.words for line in rule_lines(parse_rule(loads(dumps(given))), load_registry())]


def amount(given: Any) -> str:
    line, *_ = amount_lines(parse_amount(loads(dumps(given))), load_registry())
    return line.words


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({**REVENUE, "is": ">=", "value": 20000000}, "上年度营业收入不低于2000万元"),
        ({**REVENUE, "take": "growth", "is": ">", "value": 0.15}, "上年度营业收入同比增长率高于15%"),
        ({"fact": "size", "is": "in", "value": ["small", "micro"]}, "企业规模为小型或微型"),
        ({"fact": "founded_on", "is": "<=", "value": {"ago": {"years": 1}}}, "成立日期不晚于1年前"),
        ({"fact": "founded_on", "is": "during", "value": "2025"}, "成立日期在2025年内"),
        ({"fact": "dishonest", "is": "=", "value": False}, "不属于“严重失信”"),
        ({"fact": "honours", "is": "has", "value": ["高新技术企业"]}, "资质荣誉有高新技术企业"),
        ({"fact": "open.展会天数", "is": ">=", "value": 3}, "展会天数（尚未登记）不低于3"),
        ({"judged": "确有发展潜力"}, "由人认定：确有发展潜力"),
        (
            {"fact": "rd_expense", "period": "last_year", "is": ">=", "value": {"times": [0.03, REVENUE]}},
            "上年度研发费用不低于上年度营业收入的3%",
        ),
        ({"fact": "industry", "is": "under", "value": ["C39", "I65"]}, "行业属于计算机、通信和其他电子设备制造业或软件和信息技术服务业"),
        ({"fact": "size", "is": "not_in", "value": ["small", "micro"]}, "企业规模不为小型、微型中的任何一项"),
        (
            {"fact": "employees", "period": "last_year", "is": "between", "value": [20, 300], "open": "hi"},
            "上年度从业人数在20人至300人之间（不含上限）",
        ),
        (
            {"none": "penalty", "where": [
                {"field": "decided_on", "is": ">=", "value": {"ago": {"years": 3}}}, {"field": "amount", "is": ">=", "value": 100000}]},
            "没有行政处罚记录（处罚决定日期不早于3年前，且罚款金额不低于10万元）",
        ),
        (
            {"some": "certificate", "where": [
                {"field": "name", "is": "=", "value": "高新技术企业"}, {"field": "first", "is": "=", "value": True}]},
            "有资质证书记录（名称为高新技术企业，且是“首次认定”）",
        ),
        (
            {"fact": "rd_expense", "period": "last_year", "over": 3, "take": "sum", "is": ">=", "value": 10000000},
            "截至上年度的近3年研发费用合计不低于1000万元",
        ),
        (
            {"fact": "rd_expense", "period": "last_year", "over": 2, "take": "every", "is": ">=", "value": {"times": [0.03, REVENUE]}},
            "截至上年度的近2年研发费用每一期不低于同期营业收入的3%",
        ),
        (
            {"rank": "revenue", "period": "last_year", "take": "increase", "among": {"all": []}, "is": "<=", "value": 20},
            "上年度营业收入同比增加额在全市企业中排在前20名",
        ),
    ],
)  # fmt: skip
def test_a_test_reads_as_a_clause_would_say_it(given: Any, words: str) -> None:
    assert rule(given) == [words]


def test_groups_stand_above_their_limbs_with_the_paths_an_officer_edits() -> None:
    test = {**REVENUE, "is": "<", "value": 1, "quote": "不足1元", "article": "第五条"}
    lines = rule_lines(parse_rule(loads(dumps({"any": [test, {"not": {"all": []}}]}))), load_registry())
    assert [(line.path, line.depth, line.words) for line in lines] == [
        ("rule", 0, "符合下列任一项："),
        ("rule/any/0", 1, "上年度营业收入低于1元"),
        ("rule/any/1", 1, "不属于下列情形："),
        ("rule/any/1/not", 2, "不设条件，所有企业均符合"),
    ]
    assert (lines[1].quote, lines[1].article) == ("不足1元", "第五条")


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"fixed": 200000}, "20万元"),
        ({"fixed": 1234.5}, "1,234.50元"),
        ({"cap": 1000000, "of": {"rate": 0.05, "of": REVENUE}}, "上年度营业收入的5%，最高不超过100万元"),
        ({"judged": "15—20万元", "between": [150000, 200000]}, "由主管部门在15万元至20万元之间确定（15—20万元）"),
        ({"instalments": [150000, 100000]}, "逐年分期：15万元、10万元"),
        (
            {"tiers": [[0, 10000], [20000000, 50000]], "on": REVENUE},
            "按上年度营业收入分档：0元起1万元；2000万元起5万元（恰为分界数的归上一档）",
        ),
    ],
)
def test_an_amount_reads_exactly(given: Any, words: str) -> None:
    assert amount(given) == words


@given(rules_at_random.rules())
@settings(max_examples=60)
def test_every_rule_of_the_language_has_words_on_every_line(given: Any) -> None:
    assert all(line.words.strip() for line in rule_lines(parse_rule(loads(dumps(given))), load_registry()))


@given(rules_at_random.amounts())
@settings(max_examples=60)
def test_every_amount_of_the_language_has_words(given: Any) -> None:
    assert amount(given)


def test_each_amount_inside_an_amount_has_its_own_line_and_its_place() -> None:
    given = {
        "cap": 1000000,
        "of": {"case": [[{"fact": "size", "is": "=", "value": "small"}, {"fixed": 200000}]], "else": {"sum": [{"fixed": 1}, {"fixed": 2}]}},
    }
    lines = amount_lines(parse_amount(loads(dumps(given))), load_registry())
    assert [(line.path, line.depth) for line in lines] == [
        ("amount", 0), ("amount/of", 1), ("amount/of/case/0/0", 2), ("amount/of/else", 2), ("amount/of/else/sum/0", 3),
        ("amount/of/else/sum/1", 3), ("amount/of/case/0/1", 2),
    ]  # fmt: skip
    assert [line.words for line in lines[2:4]] == ["企业规模为小型", "以下各项之和：1元；2元"]
