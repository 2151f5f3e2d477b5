"""Amounts and figures as officers write them: what is shown reads back, every form can be written."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.registry import load_registry
from contracts.rules import dumps, loads, parse_amount
from services.catalog.domain.correcting.amounts import FORMS, amount_of, fields_of, form_of, is_amount
from services.catalog.domain.correcting.figures import read_figure, written_figure
from services.catalog.domain.correcting.values import Uncorrectable

REGISTRY = load_registry()
RD = {"fact": "rd_expense", "period": "last_year"}
SMALL = {"fact": "size", "is": "=", "value": "small"}
EXAMPLES: dict[str, dict[str, Any]] = {
    "fixed": {"fixed": 200000, "quote": "给予20万元"},
    "rate": {"rate": Decimal("0.05"), "of": {**RD, "take": "increase"}},
    "per": {"per": 1500, "count": {"count": "insured_person", "where": [{"field": "months", "is": ">=", "value": 3}]}, "step": 10},
    "tiers": {
        "tiers": [[0, {"fixed": 1}], [20000000, {"rate": Decimal("0.01"), "of": RD}]],
        "on": {**RD, "fact": "revenue"},
        "edge": "upto",
    },
    "case": {"case": [[SMALL, {"fixed": 5}], [{"judged": "优秀"}, {"cap": 9, "of": {"fixed": 10}}]], "else": {"fixed": 1}},
    "each": {
        "each": "project",
        "where": [{"field": "total", "is": ">=", "value": 1}],
        "pay": {"rate": Decimal("0.1"), "of": {"field": "invested"}},
        "best": 2,
    },
    "sum": {"sum": [{"fixed": 1}, {"cap": 5, "of": {"fixed": 6}}]},
    "min": {"min": [{"fixed": 1}, RD]},
    "max": {"max": [{"fixed": 1}, {"judged": "一事一议", "between": [0, 5]}]},
    "cap": {"cap": 1000000, "of": {"rate": Decimal("0.05"), "of": RD}},
    "floor": {"floor": 10000, "of": {"less": {"fixed": 9}, "paid": {"sum": "benefit_received", "field": "amount", "where": []}}},
    "times": {"times": [Decimal("1.2"), {"fixed": 100}]},
    "less": {
        "less": {"fixed": 500000},
        "paid": {"sum": "benefit_received", "field": "amount", "where": [{"field": "policy", "is": "=", "value": "甲"}]},
    },
    "instalments": {"instalments": [{"fixed": 1}, {"fixed": 2}, {"fixed": 3}]},
    "judged": {"judged": "一次性15—20万元", "between": [150000, 200000]},
}


def amount(form: str, fields: dict[str, str], node: dict[str, Any] | None = None) -> dict[str, Any]:
    found = amount_of(form, fields, node, REGISTRY, kind=None)
    parse_amount(loads(dumps(found)))
    return found


def test_there_is_an_example_of_every_form_of_the_language() -> None:
    assert EXAMPLES.keys() == FORMS.keys()
    for form, node in EXAMPLES.items():
        parse_amount(loads(dumps(node)))
        assert (form_of(node), is_amount(node)) == (form, True)
    assert not is_amount({"sum": "project", "field": "total"})
    assert not is_amount(RD)


@pytest.mark.parametrize("form", FORMS)
def test_a_form_sent_as_it_is_shown_changes_nothing(form: str) -> None:
    node = EXAMPLES[form]
    assert amount(form, fields_of(node, REGISTRY, None), node) == node


@pytest.mark.parametrize(
    ("form", "fields", "found"),
    [
        ("fixed", {"fixed": "30万元"}, {"fixed": 300000}),
        (
            "rate",
            {"rate": "3‰", "of": "上年度营业收入同比增加额"},
            {"of": {"fact": "revenue", "period": "last_year", "take": "increase"}, "rate": Decimal("0.003")},
        ),
        (
            "per",
            {"per": "1500元", "count": "2025年12月参保人数", "step": ""},
            {"count": {"fact": "insured_persons", "period": "2025-12"}, "per": 1500},
        ),
        (
            "tiers",
            {
                "on": "上年度营业收入",
                "line.0": "2000万元",
                "pay.0": "20万元",
                "line.1": "1亿元",
                "pay.1": "50万元",
                "line.2": "",
                "pay.2": "",
            },
            {"tiers": [[20000000, {"fixed": 200000}], [100000000, {"fixed": 500000}]], "on": {"fact": "revenue", "period": "last_year"}},
        ),
        (
            "tiers",
            {"on": "上年度研发费用", "line.0": "0", "pay.0": "5%", "line.1": "500万元", "pay.1": "8%", "marginal": "1", "edge": "upto"},
            {"tiers": [[0, Decimal("0.05")], [5000000, Decimal("0.08")]], "on": RD, "edge": "upto", "marginal": True},
        ),
        (
            "case",
            {"attribute": "size", "operator": "=", "value": "小型", "pay.new": "上年度研发费用的5%", "else": "1万元"},
            {"case": [[SMALL, {"rate": Decimal("0.05"), "of": RD}]], "else": {"fixed": 10000}},
        ),
        (
            "each",
            {"each": "project", "pay": "已投资的10%", "best": "2"},
            {"each": "project", "where": [], "pay": {"rate": Decimal("0.1"), "of": {"field": "invested"}}, "best": 2},
        ),
        ("sum", {"parts.0": "1万元", "parts.1": "上年度研发费用的5%"}, {"sum": [{"fixed": 10000}, {"rate": Decimal("0.05"), "of": RD}]}),
        ("max", {"parts.0": "1万元", "parts.1": "2万元", "parts.2": ""}, {"max": [{"fixed": 10000}, {"fixed": 20000}]}),
        ("cap", {"of": "上年度研发费用的5%", "cap": "100万元"}, {"of": {"rate": Decimal("0.05"), "of": RD}, "cap": 1000000}),
        ("floor", {"of": "上年度研发费用", "floor": "1万元"}, {"of": RD, "floor": 10000}),
        ("times", {"parts.0": "120%", "parts.1": "20万元"}, {"times": [Decimal("1.2"), {"fixed": 200000}]}),
        (
            "less",
            {"less": "50万元", "paid": "已享受政策记录的金额合计"},
            {"less": {"fixed": 500000}, "paid": {"sum": "benefit_received", "field": "amount"}},
        ),
        ("instalments", {"parts.0": "10万元", "parts.1": "10万元"}, {"instalments": [{"fixed": 100000}, {"fixed": 100000}]}),
        ("judged", {"words": "视贡献确定", "low": "", "high": "20万元"}, {"judged": "视贡献确定", "between": [0, 200000]}),
    ],
)
def test_every_form_is_written_from_its_fields(form: str, fields: dict[str, str], found: dict[str, Any]) -> None:
    assert amount(form, fields) == found


@pytest.mark.parametrize(
    ("form", "fields", "field"),
    [
        ("fixed", {"fixed": "很多"}, "fixed"),
        ("fixed", {"fixed": "5%"}, "fixed"),
        ("fixed", {"fixed": "-5万元"}, "fixed"),
        ("fixed", {"fixed": ""}, "fixed"),
        ("rate", {"rate": "5%", "of": "研发费用"}, "of"),
        ("rate", {"rate": "5%", "of": "上年度好运"}, "of"),
        ("per", {"per": "1500元", "count": "连续3期营业收入"}, "count"),
        ("tiers", {"on": "上年度营业收入", "line.0": "1亿元", "pay.0": "1万元", "line.1": "1万元", "pay.1": "2万元"}, "line.0"),
        ("tiers", {"on": "上年度营业收入"}, "line.0"),
        ("tiers", {"on": "上年度营业收入", "line.0": "1亿元", "pay.0": ""}, "pay.0"),
        ("case", {}, "pay.new"),
        ("case", {"attribute": "revenue", "operator": ">=", "value": "", "pay.new": "1万元"}, "period"),
        ("each", {"each": "nothing", "pay": "1万元"}, "each"),
        ("each", {"each": "project", "pay": "1万元", "best": "0"}, "best"),
        ("sum", {"parts.0": "1万元"}, "parts"),
        ("judged", {"words": "", "high": "1万元"}, "words"),
        ("judged", {"words": "酌情", "low": "9万元", "high": "1万元"}, "high"),
        ("luck", {}, "form"),
    ],
)
def test_a_field_that_cannot_be_taken_is_named(form: str, fields: dict[str, str], field: str) -> None:
    with pytest.raises(Uncorrectable) as error:
        amount(form, fields)
    assert error.value.field == field
    assert error.value.problem


def test_another_form_takes_in_what_stands_there_and_keeps_its_words() -> None:
    rate = {"rate": Decimal("0.05"), "of": RD, "quote": "按5%"}
    assert amount("cap", {"cap": "100万元", "of": ""}, rate) == {"of": rate, "cap": 1000000, "quote": "按5%"}
    assert amount("max", {"parts.0": "1万元"}, rate) == {"max": [rate, {"fixed": 10000}], "quote": "按5%"}
    assert amount("fixed", {"fixed": "1万元"}, rate) == {"fixed": 10000, "quote": "按5%"}


def test_a_part_is_taken_out_of_a_list_and_a_rich_one_stays_where_nothing_is_written() -> None:
    node = EXAMPLES["case"]
    fields = fields_of(node, REGISTRY, None)
    assert fields["pay.1"] == "", "a cap within a case has a page of its own"
    assert amount("case", fields | {"drop.0": "1", "pay.0": ""}, node) == {"case": [node["case"][1]], "else": {"fixed": 1}}
    assert amount("sum", fields_of(EXAMPLES["sum"], REGISTRY, None) | {"parts.2": "3元"}, EXAMPLES["sum"])["sum"][1:] == [
        {"cap": 5, "of": {"fixed": 6}},
        {"fixed": 3},
    ]


FACTS = [(name, entry) for name, entry in REGISTRY.facts.items() if entry.type in ("money", "number", "ratio")]
UNITS = {"year": ["last_year", "this_year", "year-2", "2025"], "quarter": ["last_quarter", "2025Q3"], "month": ["month-1", "2025-03"]}


@st.composite
def a_fact(draw: st.DrawFn) -> dict[str, Any]:
    name, entry = draw(st.sampled_from(FACTS))
    node: dict[str, Any] = {"fact": name}
    if entry.periods:
        node["period"] = draw(st.sampled_from([period for unit in entry.periods for period in UNITS[unit]]))
        how = draw(st.sampled_from(["", "growth", "increase", "sum", "mean", "min", "max"]))
        if how:
            node |= {"take": how} | ({"over": draw(st.integers(2, 5))} if how in ("sum", "mean", "min", "max") else {})
    return node


FIGURES = st.recursive(
    st.one_of(a_fact(), st.integers(0, 10**10).map(Decimal), st.just({"figure": "LPR-1Y"}), st.just({"count": "project"})),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"plus": parts}),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: {"times": parts}),
    ),
    max_leaves=6,
)


@given(FIGURES)
def test_a_figure_that_is_shown_reads_back_to_itself(figure: Any) -> None:
    text = written_figure(figure, "money", REGISTRY)
    if text:
        assert read_figure(text, "money", REGISTRY) == figure


@given(a_fact())
def test_every_figure_of_the_registry_has_words_that_read_back(figure: dict[str, Any]) -> None:
    assert read_figure(written_figure(figure, "number", REGISTRY), "number", REGISTRY) == figure


@given(st.text("上年度营业收入研发费用合计×+（）的5%万元截至连续3期 ", max_size=20))
def test_whatever_is_typed_is_read_or_refused_by_its_field(text: str) -> None:
    try:
        read_figure(text, "money", REGISTRY, field="of")
    except Uncorrectable as error:
        told = (error.field, bool(error.problem))
        assert told == ("of", True)
