"""Drafts from clauses: what an officer gets, said on clauses written for the purpose."""

import re
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.rules import Benefit
from services.catalog.domain.drafts import Document
from tests.drafting import amount_of, conditions_in, draft, only


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("对中小微企业，给予10万元补助。", {"fact": "size", "is": "in", "value": ["medium", "small", "micro"]}),
        ("对上年度营业收入2000万元以上的企业，给予10万元奖励。", {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}),
        ("对上年度营业收入超过2000万元的企业，给予10万元奖励。", {"fact": "revenue", "period": "last_year", "is": ">", "value": 20000000}),
        ("对上年度营业收入不超过2亿元的企业，给予10万元奖励。", {"fact": "revenue", "period": "last_year", "is": "<=", "value": 200000000}),
        (
            "对营业收入增速达到15%的企业，给予10万元奖励。",
            {"fact": "revenue", "period": "last_year", "take": "growth", "is": ">=", "value": "0.15"},
        ),
        ("对注册成立满3年的企业，给予10万元奖励。", {"fact": "founded_on", "is": "<=", "value": {"ago": {"years": 3}}}),
        ("对在职职工人数30人（含）以下的企业，给予5万元补助。", {"fact": "employees", "period": "last_year", "is": "<=", "value": 30}),
        ("对在职职工人数不满30人的企业，给予5万元补助。", {"fact": "employees", "period": "last_year", "is": "<", "value": 30}),
        ("对高新技术企业，给予20万元奖励。", {"fact": "honours", "is": "has", "value": ["高新技术企业"]}),
        ("对增值税小规模纳税人，给予1万元补助。", {"fact": "taxpayer_type", "is": "in", "value": ["small_scale"]}),
    ],
)
def test_a_condition_is_a_test_on_the_registry(body: str, wanted: dict[str, Any]) -> None:
    tests = conditions_in(only(body)["rule"])
    assert wanted in [
        {k: str(v) if k == "value" and not isinstance(v, int | list | dict | str) else v for k, v in t.items()} for t in tests
    ]


def test_a_first_recognition_is_looked_for_in_the_certificates() -> None:
    tests = conditions_in(only("对首次认定为高新技术企业的企业，给予10万元奖励。")["rule"])
    named = {"field": "name", "is": "=", "value": "高新技术企业"}
    assert {"some": "certificate", "where": [named, {"field": "first", "is": "=", "value": True}]} in tests


def test_a_share_of_research_is_compared_with_revenue_of_the_same_year() -> None:
    tests = conditions_in(only("对上年度研发费用占营业收入比例3%以上的企业，给予10万元奖励。")["rule"])
    share = {"times": [Decimal("0.03"), {"fact": "revenue", "period": "last_year"}]}
    assert [t for t in tests if t["fact"] == "rd_expense"] == [{"fact": "rd_expense", "period": "last_year", "is": ">=", "value": share}]


def test_what_the_registry_lacks_is_an_open_fact_and_not_dropped() -> None:
    tests = conditions_in(only("对办展3天以上的企业，给予5万元补助。")["rule"])
    assert {"fact": "open.展会天数", "is": ">=", "value": 3} in tests


def test_what_only_a_person_can_decide_is_judged() -> None:
    tests = conditions_in(only("对示范效应明显的企业，给予5万元补助。")["rule"])
    assert [t for t in tests if "judged" in t]


def test_excluded_records_and_lists_are_conditions_of_their_own() -> None:
    tests = conditions_in(only("对未列入严重失信主体名单、经营异常名录的企业，给予5万元补助。")["rule"])
    assert {"fact": "dishonest", "is": "=", "value": False} in tests or {"all": [
        {"fact": "dishonest", "is": "=", "value": False}, {"fact": "abnormal", "is": "=", "value": False}]} in tests  # fmt: skip


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("对小微企业，给予一次性奖励10万元。", {"fixed": 100000}),
        ("对小微企业，给予最高30万元补助。", {"judged": "给予最高30万元补助", "between": [0, 300000]}),
        (
            "对高新技术企业，按照其研发费用年度增量部分10%的标准给予补助，每家企业补助最高不超过100万元。",
            {"cap": 1000000, "of": {"rate": "0.1", "of": {"fact": "rd_expense", "period": "last_year", "take": "increase"}}},
        ),
        ("对出口企业，按贷款实际利息的40%给予贴息。", {"rate": "0.4", "of": {"fact": "open.贷款实际利息"}}),
        ("对小微企业，给予15-20万元奖励。", {"judged": "给予15-20万元奖励", "between": [150000, 200000]}),
        (
            "对旅行社，每人每晚奖励20元，每家旅行社奖励总额不超过100万元。",
            {"cap": 1000000, "of": {"per": 20, "count": {"fact": "open.补助数量人晚"}}},
        ),
    ],
)
def test_an_amount_is_exact_in_yuan(body: str, wanted: dict[str, Any]) -> None:
    def plain(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: plain(v) for k, v in node.items()}
        if isinstance(node, list):
            return [plain(n) for n in node]
        return node if isinstance(node, int | str) else str(node)

    assert plain(amount_of(only(body))) == wanted


def test_steps_are_cases_with_the_higher_line_first() -> None:
    body = "对举办展会的企业，规模达到50个标准展位以上的，给予5万元补助；规模达到100个标准展位以上的，给予8万元补助。"
    amount = amount_of(only(body))
    assert [step["value"] for step, _ in amount["case"]] == [100, 50]
    assert [paid for _, paid in amount["case"]] == [{"fixed": 80000}, {"fixed": 50000}]


def test_a_wholly_forgone_charge_is_relief_of_the_whole() -> None:
    benefit = only("对小微企业，免征残疾人就业保障金。")
    assert benefit["pays"] == "relief"
    assert amount_of(benefit) == {"rate": 1, "of": {"fact": "open.残疾人就业保障金"}}


def test_a_credit_line_is_never_money() -> None:
    assert only("对小微企业，贷款额度最高500万元。")["pays"] == "credit"


def test_every_target_group_with_its_own_amount_is_one_benefit() -> None:
    found = draft("对首次获评质量奖的单位，给予300万元奖励。对小微企业，给予5万元补助。")
    assert [amount_of(d.benefit) for d in found] == [{"fixed": 3000000}, {"fixed": 50000}]


@pytest.mark.parametrize(
    "body",
    [
        "鼓励企业加大研发投入，推动产业转型升级，完善服务体系。",
        "探索建立企业服务机制，加快推进数字化改革。",
        "截至2025年9月底，累计兑现资金47.03亿元，惠及企业35906家。",
        "支持各区对企业给予补助。",
        "省级财政对出台促销政策的地市给予资金支持。",
    ],
)
def test_a_clause_that_exhorts_reports_or_addresses_an_authority_gives_no_benefit(body: str) -> None:
    assert draft(body, title="优化环境") == []


def test_a_service_for_a_named_group_is_a_draft_without_money() -> None:
    benefit = only("推出纯信用、利率低的贷款产品，精准支持小微企业融资需求。", title="优化金融服务")
    assert benefit["amount"] is None
    assert benefit["mode"] == "inform"
    assert conditions_in(benefit["rule"]) == [{"fact": "size", "is": "in", "value": ["small", "micro"]}]


def test_a_districts_measure_holds_for_that_district() -> None:
    found = draft(
        "建立协作机制，为企业提供反担保服务。", title="建立反担保机制", units=("湖里区政府", "湖里区法院"), enterprise_benefit=True
    )
    assert conditions_in(found[0].benefit["rule"]) == [{"fact": "district", "is": "under", "value": ["350206"]}]
    assert any("责任单位" in note for note in found[0].findings)


def test_a_measure_that_is_no_benefit_of_enterprises_offers_nothing() -> None:
    assert draft("为小微企业提供服务。", enterprise_benefit=False) == []


def test_validity_is_the_documents_unless_the_clause_prints_its_own() -> None:
    assert only("对小微企业，给予5万元补助。")["valid"] == {"from": "2025-02-01", "to": "2027-01-31"}
    own = only("自2025年3月1日至2025年12月31日，对小微企业，给予5万元补助。")
    assert own["valid"] == {"from": "2025-03-01", "to": "2025-12-31"}


def test_once_and_groups_are_read_from_their_words() -> None:
    document = Document("措施", clauses=("同一事项按照就高不重复原则执行。",))
    stacking = only("对小微企业，给予一次性奖励10万元。", document=document)["stacking"]
    assert stacking == {"groups": ["措施"], "once": "life"}


def test_contradictory_wording_is_a_finding() -> None:
    found = draft("对上年度研发费用大于200万元（含）的企业，给予10万元奖励。")
    assert any("自相矛盾" in note for note in found[0].findings)
    assert {"fact": "rd_expense", "period": "last_year", "is": ">=", "value": 2000000} in conditions_in(found[0].benefit["rule"])


def test_a_condition_on_ownership_is_a_finding_for_the_fair_competition_review() -> None:
    assert any("公平竞争" in note for note in draft("对民营企业，给予10万元奖励。")[0].findings)


GROUPS = ("小微企业", "高新技术企业", "上年度营业收入2000万元以上的企业", "受疫情影响的外贸企业", "在职职工人数30人（含）以下的企业")
GIFTS = ("给予10万元奖励", "按照设备投资额的8%给予补助，单个项目最高不超过400万元", "免征房产税", "给予最高30 万元\n资助", "优先给予支持")


@given(
    groups=st.lists(st.sampled_from(GROUPS), min_size=1, max_size=3, unique=True),
    gifts=st.lists(st.sampled_from(GIFTS), min_size=3, max_size=3),
    filler=st.text(alphabet="推动完善服务企业、，。\n ", max_size=20),
)
def test_every_quote_stands_in_the_clause_and_every_span_points_to_it(groups: list[str], gifts: list[str], filler: str) -> None:
    body = filler + "。" + "".join(f"对{g}，{gift}。" for g, gift in zip(groups, gifts, strict=False))
    raw = " " * 100 + body
    for found in draft(body, title="措施"):
        Benefit.model_validate(found.benefit)
        for node in _nodes(found.benefit["rule"]) + _nodes(found.benefit["amount"]):
            if "quote" in node:
                assert node["quote"] in body or re.sub(r"\s", "", node["quote"]) in re.sub(r"\s", "", "措施")
                if "span" in node:
                    assert raw[slice(*node["span"])] == node["quote"]


def _nodes(node: Any) -> list[dict[str, Any]]:
    if isinstance(node, dict):
        return [node, *(n for v in node.values() for n in _nodes(v))]
    return [n for v in node for n in _nodes(v)] if isinstance(node, list) else []


def test_or_binds_the_condition_before_it_and_the_phrase_behind_it() -> None:
    body = "对注册成立满3年，且上年度营业收入2000万元以上或研发费用100万元以上的企业，给予10万元奖励。"
    age, either = conditions_in(only(body)["rule"])
    assert age["fact"] == "founded_on"
    assert [way["fact"] for way in either["any"]] == ["revenue", "rd_expense"]


def test_an_exception_asks_for_the_contrary() -> None:
    tests = conditions_in(only("对外贸企业（物流企业除外），给予10万元奖励。")["rule"])
    assert {"not": {"fact": "industry", "is": "under", "value": ["G"]}} in tests


def test_a_share_that_names_only_its_base_leans_on_the_figure_before_it() -> None:
    body = "对上年度研发费用总额不低于100万元，且占营业收入总额比重不低于3%的企业，给予10万元奖励。"
    share = {"times": [Decimal("0.03"), {"fact": "revenue", "period": "last_year"}]}
    assert {"fact": "rd_expense", "period": "last_year", "is": ">=", "value": share} in conditions_in(only(body)["rule"])


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("对近两年研发费用总额均值在1000万元以上的企业，给予10万元奖励。", {"over": 2, "take": "mean"}),
        ("对近三年研发费用累计1000万元以上的企业，给予10万元奖励。", {"over": 3, "take": "sum"}),
        ("对近三年营业收入平均增长率达到15%以上的企业，给予10万元奖励。", {"over": 3, "take": "growth"}),
    ],
)
def test_years_are_taken_together_as_the_words_say(body: str, wanted: dict[str, Any]) -> None:
    (test,) = [t for t in conditions_in(only(body)["rule"]) if "over" in t]
    assert {k: test[k] for k in wanted} == wanted


def test_a_growth_asked_of_every_year_is_for_a_person() -> None:
    assert any("judged" in t for t in conditions_in(only("对连续两年营业收入增速达到15%的企业，给予10万元奖励。")["rule"]))


def test_a_look_back_for_penalties_has_its_years() -> None:
    tests = conditions_in(only("对近三年未发生重大违法行为的企业，给予10万元奖励。")["rule"])
    since = {"field": "decided_on", "is": ">=", "value": {"ago": {"years": 3}}}
    assert {"none": "penalty", "where": [since, {"field": "serious", "is": "=", "value": True}]} in tests


def test_a_share_of_what_lies_above_a_line_is_marginal() -> None:
    amount = amount_of(only("对规上企业，营业收入超过2000万元的部分，按1%给予奖励。"))
    assert amount == {"tiers": [[0, 0], [20000000, Decimal("0.01")]], "on": {"fact": "revenue", "period": "last_year"}, "marginal": True}


def test_an_amount_in_foreign_money_is_not_taken_for_yuan() -> None:
    tests = conditions_in(only("对上年度出口额100万美元以上的企业，给予10万元奖励。")["rule"])
    assert all(t.get("value") != 1000000 for t in tests)


def test_the_year_of_a_figure_is_its_period_and_no_condition_of_its_own() -> None:
    tests = conditions_in(only("对2023年度工业总产值达到1亿元以上的企业，给予10万元奖励。")["rule"])
    assert tests == [{"fact": "output_value", "period": "2023", "is": ">=", "value": 100000000}]


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "body",
    ["对企业，" * 8000 + "给予10万元奖励。", "对营业收入" + "2000万元以上、" * 2000 + "的企业给予奖励。", "（" * 5000 + "给予10万元"],
)
def test_a_text_without_stops_is_read_in_time(body: str) -> None:
    draft(body)
