"""Amounts as the rule language writes them: slices, steps, sums on top, instalments, factors, matches, ceilings of their own."""

from decimal import Decimal
from typing import Any

import pytest

from tests.drafting import amount_of, conditions_in, draft, only

CONTRIBUTION = {"fact": "local_contribution", "period": "last_year"}


def bare(node: Any) -> Any:
    if isinstance(node, dict):
        return {k: bare(v) for k, v in node.items() if k not in ("quote", "article", "span")}
    return [bare(n) for n in node] if isinstance(node, list) else node


def amount(body: str) -> dict[str, Any]:
    shape: dict[str, Any] = bare(amount_of(only(body)))
    return shape


def test_rates_by_part_are_slices_of_one_figure() -> None:
    body = "企业年度研发费用在500万元以下的部分，按5%给予补助；500万元至2000万元的部分，按8%给予补助；2000万元以上的部分，按10%给予补助。"
    rates = [[0, Decimal("0.05")], [5000000, Decimal("0.08")], [20000000, Decimal("0.1")]]
    assert amount(body) == {"tiers": rates, "on": {"fact": "rd_expense", "period": "last_year"}, "marginal": True}


def test_a_line_between_two_steps_is_of_the_upper_one() -> None:
    body = "对地方经济贡献达到500万元至1000万元的企业，按其地方经济贡献的20%给予奖励；达到1000万元（含）以上的，按30%给予奖励。"
    cases = amount(body)["case"]
    assert [case[0]["value"] for case in cases] == [10000000, [5000000, 10000000]]
    assert [case[1]["of"] for case in cases] == [CONTRIBUTION, CONTRIBUTION]


def test_what_is_for_some_of_them_comes_before_what_is_for_all() -> None:
    body = "对技术改造项目，按设备投资额的12%给予补助，最高1000万元；其中列入重点项目库的，补助比例提高到15%，最高1500万元。"
    shape = amount(body)
    assert shape["case"] == [[{"judged": "列入重点项目库"}, shape["case"][0][1]]]
    assert (shape["case"][0][1]["cap"], shape["else"]["cap"]) == (15000000, 10000000)


def test_a_sum_on_top_adds_and_asks_nothing_of_the_others() -> None:
    benefit = only("对上年度营业收入首次达到1000万元的企业，奖励50万元；每增加500万元，再奖励20万元，最高500万元。")
    step = {"per": 200000, "count": {"plus": [{"fact": "revenue", "period": "last_year"}, -10000000]}, "step": 5000000}
    assert bare(amount_of(benefit)) == {"cap": 5000000, "of": {"sum": [{"fixed": 500000}, step]}}
    assert "每增加" not in str(conditions_in(benefit["rule"]))


def test_figures_in_a_row_pair_with_names_in_a_row_and_their_ceilings() -> None:
    body = "对新认定的国家级、省级、市级孵化器，分别给予运营单位100万元、50万元、20万元奖励，年度考核优秀的，每年再给予10万元补贴。"
    first, top = amount(body)["sum"]
    assert [case[0]["judged"] for case in first["case"]] == ["新认定的国家级孵化器", "省级孵化器", "市级孵化器"]
    assert top == {"case": [[{"judged": "年度考核优秀"}, {"fixed": 100000}]]}
    both = "对国内、省内首台装备，按销售价格的10%、5%分别给予研制单位奖励，最高分别不超过500万元、200万元。"
    assert [case[1]["cap"] for case in amount(both)["case"]] == [5000000, 2000000]


@pytest.mark.parametrize(
    ("body", "parts"),
    [
        ("对企业按实缴资本的1%给予奖励，分三年按40%、30%、30%的比例兑付。", 3),
        ("对新入统的企业给予10万元奖励（第一年5万元，第二年3万元，第三年2万元）。", 3),
        ("对租赁用房的企业，第一年按租金的50%、第二年按租金的40%给予补贴。", 2),
        ("对新建项目，前2年给予企业地方经济贡献80%的奖励，后3年给予企业地方经济贡献50%的奖励。", 5),
    ],
)
def test_payments_of_several_years_are_instalments(body: str, parts: int) -> None:
    assert len(amount(body)["instalments"]) == parts


def test_stages_of_paying_out_change_no_sum_and_are_told() -> None:
    (found,) = draft("对揭榜的企业，给予100万元资助，立项后拨付40%，验收通过后拨付60%。")
    assert bare(amount_of(found.benefit)) == {"fixed": 1000000}
    assert any("分次拨付" in finding for finding in found.findings)


def test_a_factor_holds_where_its_words_are_met() -> None:
    shape = amount("对购买设备的企业，按设备价款的20%给予补助，其中购买首台套产品的上浮50%。")
    assert shape["case"][0][0] == {"judged": "购买首台套产品"}
    assert shape["case"][0][1]["times"][1] == shape["else"]
    (found,) = draft("对考核优秀的企业，补助标准上浮20%。")
    assert found.benefit["amount"] is None
    assert any("上浮" in finding for finding in found.findings)


def test_matches_of_several_levels_add_up_each_with_its_ceiling() -> None:
    body = "对获得国家立项的企业，按国家拨付经费的1:1给予配套，最高1000万元；获得省级立项的，按1:0.5配套，最高300万元。"
    assert [part["cap"] for part in amount(body)["sum"]] == [10000000, 3000000]


def test_what_happens_several_times_is_paid_each_time() -> None:
    shape = amount("对商业载体，每引进一家首店给予10万元奖励，每年最高不超过100万元。")
    assert shape == {"cap": 1000000, "of": {"per": 100000, "count": {"fact": "open.引进家数"}}}


def test_a_ceiling_may_be_a_share_of_another_figure() -> None:
    shape = amount("对投保的企业，按保险费的80%给予资助，对企业的资助额不超过企业上年度出口额的0.06%。")
    assert shape["min"][1]["of"] == {"fact": "exports", "period": "last_year"}


def test_a_base_is_the_figure_of_whom_the_words_say() -> None:
    assert amount("对企业高级管理人员，按其个人对地方经济贡献的60%予以奖励。")["of"] == {"fact": "open.个人对地方经济贡献"}
    assert amount("对营业收入增长20%以上的企业，按增量部分的2%给予奖励。")["of"] == {
        "fact": "revenue",
        "period": "last_year",
        "take": "increase",
    }
    assert amount("对固定资产投资1000万元以上的企业，按投资额的5%给予补助。")["of"]["fact"] == "fixed_investment"


def test_a_time_to_claim_that_hangs_on_an_event_is_said_and_not_dropped() -> None:
    (found,) = draft("对首次认定的高新技术企业，给予30万元奖励，自获得认定之日起6个月内申报。")
    assert any("自获得认定之日起6个月内申报" in finding for finding in found.findings)
