"""A test is corrected as officers write, its words stay with it, and a wrong form says what to write instead."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.registry import load_registry
from contracts.rules import dumps, loads, parse_rule
from services.catalog.domain.correcting.conditions import Correction, corrected, judged
from services.catalog.domain.correcting.paths import node_at, replaced
from services.catalog.domain.correcting.values import Uncorrectable, read, written
from services.catalog.domain.marking import differences, marked

REGISTRY = load_registry()
QUOTED = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000, "quote": "营业收入2000万元以上", "span": [3, 15]}


def change(node: dict[str, Any], attribute: str, operator: str, value: str = "", period: str = "", take: str = "") -> dict[str, Any]:
    return corrected(node, Correction(attribute, operator, value, period, take), REGISTRY)


@pytest.mark.parametrize(
    ("attribute", "operator", "value", "period", "found"),
    [
        ("revenue", ">=", "3000万元", "last_year", 30000000),
        ("revenue", ">", "1.5亿元", "2025", 150000000),
        ("revenue", "<", "1,234.50元", "last_year", Decimal("1234.5")),
        ("revenue", "between", "100万元至500万元", "last_year", [1000000, 5000000]),
        ("layoff_rate", "<=", "5.5%", "last_year", Decimal("0.055")),
        ("employees", ">=", "50人", "last_year", 50),
        ("founded_on", "<=", "1年前", "", {"ago": {"years": 1}}),
        ("founded_on", ">=", "2025年6月30日", "", "2025-06-30"),
        ("founded_on", "during", "2025年第1季度", "", "2025Q1"),
        ("founded_on", "during", "上年度", "", "last_year"),
        ("dishonest", "=", "否", "", False),
        ("size", "in", "小型、微型", "", ["small", "micro"]),
        ("district", "under", "350203", "", ["350203"]),
        ("honours", "has", "高新技术企业、专精特新中小企业", "", ["高新技术企业", "专精特新中小企业"]),
        ("open.展会天数", ">=", "3", "", 3),
    ],
)
def test_a_value_is_read_as_officers_write_it(attribute: str, operator: str, value: str, period: str, found: Any) -> None:
    node = change(QUOTED, attribute, operator, value, period)
    assert (node["value"], node["is"], node["quote"], node["span"]) == (found, operator, QUOTED["quote"], [3, 15])
    parse_rule(loads(dumps(node)))


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        (("revenue", ">=", "很多", "last_year"), "value"),
        (("revenue", ">=", "5%", "last_year"), "value"),
        (("revenue", ">=", "5万元", ""), "period"),
        (("founded_on", ">=", "2025-13-45", ""), "value"),
        (("founded_on", ">=", "2025-01-01", "last_year"), "period"),
        (("size", "=", "巨型", ""), "value"),
        (("size", ">=", "小型", ""), "operator"),
        (("dishonest", "=", "也许", ""), "value"),
        (("luck", ">=", "1", ""), "attribute"),
        (("open.", ">=", "1", ""), "attribute"),
        (("employees", ">=", "", "last_year"), "value"),
        (("founded_on", "during", "某年", ""), "value"),
        (("revenue", "between", "5万元", "last_year"), "value"),
    ],
)
def test_a_wrong_field_is_named_with_what_to_write(fields: tuple[str, ...], field: str) -> None:
    with pytest.raises(Uncorrectable) as refused:
        change(QUOTED, *fields)
    assert refused.value.field == field
    assert refused.value.problem


def test_an_empty_value_keeps_what_the_test_compares_with() -> None:
    node = {**QUOTED, "value": {"times": [2, {"fact": "rd_expense", "period": "last_year"}]}}
    assert change(node, "revenue", "<=", "", "this_year")["value"] == node["value"]


def test_what_the_form_does_not_show_stays_while_the_attribute_does() -> None:
    node = {**QUOTED, "over": 3, "take": "every", "since": {"fact": "founded_on"}}
    kept = change(node, "revenue", ">=", "1万元", "last_year")
    assert (kept["over"], kept["take"], kept["since"]) == (3, "every", {"fact": "founded_on"})
    assert "over" not in change(node, "total_assets", ">=", "1万元", "last_year")
    growth = change(QUOTED, "revenue", ">=", "10%", "last_year", "growth")
    assert (growth["take"], growth["value"]) == ("growth", Decimal("0.1"))


def test_a_field_of_a_record_is_corrected_by_its_own_type() -> None:
    node = {"field": "amount", "is": ">=", "value": 1, "quote": "罚款10万元"}
    found = corrected(node, Correction("amount", ">=", "10万元"), REGISTRY, kind="penalty")
    assert found == {"field": "amount", "is": ">=", "value": 100000, "quote": "罚款10万元"}
    with pytest.raises(Uncorrectable):
        corrected(node, Correction("revenue", ">=", "1"), REGISTRY, kind="penalty")


@given(st.decimals(min_value=0, max_value=10**12, places=2))
def test_a_sum_that_the_form_shows_is_read_back_as_it_was(value: Decimal) -> None:
    entry = REGISTRY.facts["revenue"]
    assert read(written(value, entry, REGISTRY), ">=", entry, REGISTRY) == value


@pytest.mark.parametrize("fact", [name for name, fact in REGISTRY.facts.items() if fact.codes and fact.type == "code"])
def test_every_code_that_the_form_shows_is_read_back_as_it_was(fact: str) -> None:
    entry = REGISTRY.facts[fact]
    for code in list(REGISTRY.codes[str(entry.codes)])[:200]:
        assert read(written([code], entry, REGISTRY), "in", entry, REGISTRY) == [code]


RULE = {
    "all": [QUOTED, {"any": [{"judged": "甲"}, {"not": {"judged": "乙"}}]}, {"at_least": 2, "of": [{"judged": "丙"}, {"judged": "丁"}]}]
}


def test_a_node_is_replaced_or_taken_out_where_it_stands() -> None:
    given = {
        "title": "甲",
        "rule": RULE,
        "amount": {"cap": 9, "of": {"case": [[{"judged": "甲"}, {"fixed": 1}], [{"judged": "乙"}, {"fixed": 2}]]}},
    }
    assert node_at(given, "rule/all/1/any/0") == {"judged": "甲"}
    assert node_at(replaced(given, "rule/all/1/any/1/not", {"judged": "戊"}), "rule/all/1/any/1") == {"not": {"judged": "戊"}}
    assert replaced(given, "rule/all/1/any/1/not", None)["rule"]["all"][1] == {"any": [{"judged": "甲"}]}
    assert replaced(given, "rule/all/2/of/0", None)["rule"]["all"][2] == {"at_least": 1, "of": [{"judged": "丁"}]}
    assert replaced({"rule": {"any": [{"judged": "甲"}]}}, "rule/any/0", None) == {"rule": {"all": []}, "amount": None}
    assert replaced(given, "rule", None) == {**given, "rule": {"all": []}}
    assert replaced(given, "amount/of/case/1/0", None)["amount"]["of"]["case"][1] == [{"all": []}, {"fixed": 2}]
    assert replaced(given, "amount", None)["amount"] is None
    with pytest.raises(Uncorrectable):
        node_at(given, "rule/all/9")


def test_a_test_given_to_a_person_keeps_its_words() -> None:
    assert judged(QUOTED, "") == {"judged": "营业收入2000万元以上", "quote": "营业收入2000万元以上", "span": [3, 15]}


def test_every_quotation_is_marked_where_it_stands_and_a_foreign_one_is_named() -> None:
    pieces, elsewhere = marked("对营业收入\n2000万元以上的企业", ["营业收入2000万元以上", "2000万元以上", "别处的话", None])
    assert "".join(piece.words for piece in pieces) == "对营业收入\n2000万元以上的企业"
    assert [(piece.words, piece.tests) for piece in pieces if piece.tests] == [("营业收入\n", (1,)), ("2000万元以上", (1, 2))]
    assert elsewhere == [3]


@given(st.text("甲乙丙丁", max_size=30), st.text("甲乙丙丁", max_size=30))
def test_differences_hold_both_texts(before: str, after: str) -> None:
    found = differences(before, after)
    assert "".join(d.words for d in found if d.what != "new") == before
    assert "".join(d.words for d in found if d.what != "gone") == after
