"""What the catalogue doubts in a draft: each lint beside a draft that it leaves alone."""

from typing import Any

import pytest

from contracts.registry import load_registry
from contracts.rules import Benefit, dumps, loads, parse_benefit
from services.catalog.domain.fairness import unfair
from services.catalog.domain.lint import lint
from services.catalog.domain.readiness import readiness

REVENUE = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000, "quote": "上年度营业收入不低于2000万元"}
CLEAN: dict[str, Any] = {
    "id": "ben-1",
    "title": "研发补助",
    "text": "对上年度营业收入不低于2000万元的企业，给予一次性奖励20万元。",
    "rule": REVENUE,
    "amount": {"fixed": 200000, "quote": "给予一次性奖励20万元"},
    "pays": "money",
    "mode": "direct",
}


def draft(**changes: Any) -> Benefit:
    return parse_benefit(loads(dumps(CLEAN | changes)))


def quoted(text: str, **test: Any) -> dict[str, Any]:
    """A draft of one test whose quotation is the whole condition of the clause."""
    return {"text": f"{text}，给予奖励20万元。", "rule": {**test, "quote": text}}


def codes(benefit: Benefit, *others: Benefit) -> set[str]:
    return {doubt.code for doubt in lint(benefit, registry=load_registry(), others=others)}


def fair(benefit: Benefit) -> dict[str, str]:
    return {doubt.code: doubt.problem for doubt in unfair(benefit)}


def tiers(first_upper: str, second: str) -> dict[str, Any]:
    def between(*tests: tuple[str, int]) -> dict[str, Any]:
        return {"all": [{"fact": "revenue", "period": "last_year", "is": op, "value": value} for op, value in tests]}

    return {"amount": {"case": [[between((">=", 10), (first_upper, 50)), 1], [between((second, 50)), 2]]}}


BY_LIST = {"fact": "lists", "is": "has", "value": ["重点企业名单"]}
GROWTH = {"fact": "revenue", "period": "last_year", "take": "growth", "is": ">=", "value": 0.1}
PLAIN = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}
RATE = {"rate": 0.1, "of": {"fact": "open.设备款"}}
DATED = {"valid": {"from": "2026-01-01", "to": "2026-12-31"}}


@pytest.mark.parametrize(
    ("code", "doubtful", "right"),
    [
        (
            "no-source",
            quoted("展会不少于3天", fact="open.展会天数", **{"is": ">=", "value": 3}),
            quoted("注册资本不低于100万元", fact="registered_capital", **{"is": ">=", "value": 1000000}),
        ),
        ("no-period", quoted("营业收入不低于2000万元", **PLAIN), quoted("2025年营业收入不低于2000万元", **PLAIN)),
        ("no-base", quoted("上年度营业收入增长10%", **GROWTH), quoted("上年度营业收入同比增长10%", **GROWTH)),
        (
            "no-base",
            {"amount": {**RATE, "quote": "给予10%的补助"}},
            {"amount": {**RATE, "quote": "按设备款的10%给予补助"}},
        ),
        ("inclusive-missing", quoted("上年度营业收入2000万元以上", **PLAIN), quoted("上年度营业收入2000万元以上（含本数）", **PLAIN)),
        ("inclusive-missing", quoted("上年度营业收入1,000万元以上", **PLAIN), quoted("上年度营业收入1,000万元以上(含)", **PLAIN)),
        ("contradictory-words", quoted("上年度营业收入大于2000万元（含）", **PLAIN), quoted("上年度营业收入大于2000万元（不含）", **PLAIN)),
        (
            "contradictory-words",
            quoted("上年度营业收入不低于2000万元（不含）", **PLAIN),
            quoted("上年度营业收入不低于2000万元（含）", **PLAIN),
        ),
        ("undefined-list", quoted("列入重点企业名单的企业", **BY_LIST), quoted("列入市工信局发布的重点企业名单的企业", **BY_LIST)),
        ("undefined-list", quoted("符合产业目录", **BY_LIST), quoted("符合《鼓励产业目录》", **BY_LIST)),
        ("overlapping-tiers", tiers("<=", ">="), tiers("<", ">=")),
        ("overlapping-tiers", tiers("<=", ">="), tiers("<=", ">")),
        (
            "overlapping-tiers",
            {"text": "投资500万元以下的奖励5万元，500万元以上的奖励10万元。"},
            {"text": "投资不满500万元的奖励5万元，500万元以上的奖励10万元。"},
        ),
        (
            "window-before-validity",
            {**DATED, "window": {"from": "2025-03-01", "to": "2025-03-31"}},
            {**DATED, "window": {"from": "2026-03-01", "to": "2026-03-31"}},
        ),
        (
            "window-after-validity",
            {**DATED, "window": {"from": "2027-03-01", "to": "2027-03-31"}},
            {**DATED, "window": {"from": "2026-12-01", "to": "2027-01-31"}},
        ),
        (
            "window-reversed",
            {**DATED, "window": {"from": "2026-03-31", "to": "2026-03-01"}},
            {**DATED, "window": {"from": "2026-03-01", "to": "2026-03-01"}},
        ),
    ],
)
def test_a_doubtful_draft_is_doubted_and_its_clear_twin_is_not(code: str, doubtful: dict[str, Any], right: dict[str, Any]) -> None:
    assert code in codes(draft(**doubtful))
    assert code not in codes(draft(**right))


def test_a_clear_draft_is_left_alone() -> None:
    assert codes(draft()) == set()
    assert fair(draft()) == {}


@pytest.mark.parametrize(
    ("other", "clashes"),
    [
        ({"amount": {"fixed": 1}}, True),
        ({}, True),
        ({"rule": PLAIN | {"value": 1}}, False),
        ({"amount": {"fixed": 1}, "stacking": {"groups": ["研发"]}}, False),
    ],
)
def test_a_neighbour_that_asks_the_same_clashes_unless_the_two_are_told_apart(other: dict[str, Any], clashes: bool) -> None:
    mine = draft(stacking={"groups": [{"name": "研发", "per": "year"}]})
    assert ("clash" in codes(mine, draft(id="ben-2", **other))) is clashes
    assert "clash" not in codes(mine, mine)


def test_the_same_words_are_doubted_once_and_every_doubt_says_what_to_do() -> None:
    twice = draft(
        rule={"all": [PLAIN | {"quote": "营业收入不低于2000万元"}, PLAIN | {"quote": "营业收入不低于2000万元"}]},
        text="营业收入不低于2000万元",
    )
    found = lint(twice, registry=load_registry())
    assert len(found) == len({(doubt.code, doubt.problem) for doubt in found})
    assert all(doubt.hint and doubt.problem and doubt.at for doubt in found)


@pytest.mark.parametrize(
    ("code", "favouring", "open_to_all"),
    [
        (
            "fair-ownership",
            quoted("民营企业", fact="ownership", **{"is": "=", "value": "private"}),
            quoted("小微企业", fact="size", **{"is": "in", "value": ["small", "micro"]}),
        ),
        (
            "fair-place",
            quoted("注册地在思明区", fact="district", **{"is": "under", "value": ["350203"]}),
            quoted("从事软件业", fact="industry", **{"is": "under", "value": ["I65"]}),
        ),
        ("fair-place", quoted("在本市纳税", fact="tax_district", **{"is": "under", "value": ["3502"]}), {}),
        ("fair-moving", {"text": "对新迁入本市的企业，给予奖励20万元。"}, {"text": "对新设立的企业，给予奖励20万元。"}),
        (
            "fair-staying",
            {"obligations": [{"quote": "5年内不迁离", "until": {"years": 5}}]},
            {"obligations": [{"quote": "5年内不改变用途", "until": {"years": 5}}]},
        ),
        (
            "fair-named",
            {"text": "对某某航空股份有限公司，给予奖励20万元。"},
            {"text": "对依法设立的有限责任公司、股份有限公司，给予奖励20万元。"},
        ),
        (
            "fair-named",
            {"text": "由某某担保有限公司提供担保。"},
            {"text": "由某某担保有限公司提供担保。", "department": "某某担保有限公司"},
        ),
    ],
)
def test_what_favours_by_ownership_place_or_name_is_flagged_with_the_provision(
    code: str, favouring: dict[str, Any], open_to_all: dict[str, Any]
) -> None:
    found = fair(draft(**favouring))
    assert "公平竞争审查条例" in found[code]
    assert code not in fair(draft(**open_to_all))


def test_the_article_on_subsidies_is_cited_only_where_something_is_paid() -> None:
    asks = quoted("民营企业", fact="ownership", **{"is": "=", "value": "private"})
    assert "第十条" in fair(draft(**asks))["fair-ownership"]
    free = draft(**asks, amount=None, pays=None, mode="inform")
    assert "第十条" not in fair(free)["fair-ownership"]


@pytest.mark.parametrize(
    ("changes", "unread", "grade", "missing"),
    [
        ({}, (), "免申即享", set()),
        (quoted("展会不少于3天", fact="open.展会天数", **{"is": ">=", "value": 3}), (), "补齐后可免申即享", {"数据齐全"}),
        ({"amount": None}, (), "补齐后可免申即享", {"标准清晰"}),
        ({"amount": {"judged": "给予15—20万元", "between": [150000, 200000]}}, (), "补齐后可免申即享", {"标准清晰"}),
        ({"rule": {"all": [REVENUE, {"judged": "经评审确有发展潜力"}]}}, (), "暂须申报", {"范围明确"}),
        ({}, ("成长性好的",), "暂须申报", {"范围明确"}),
        ({"rule": {"all": []}}, (), "暂须申报", {"范围明确"}),
    ],
)
def test_the_grade_says_which_of_the_three_tests_fails_and_what_is_missing(
    changes: dict[str, Any], unread: tuple[str, ...], grade: str, missing: set[str]
) -> None:
    benefit = draft(**changes)
    found = readiness(benefit, lint(benefit, registry=load_registry()), unread)
    assert found.grade == grade
    assert {criterion.name for criterion in found.criteria if criterion.missing} == missing
