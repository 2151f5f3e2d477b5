"""Wrong money first: clauses of every shape of the trade, and the rule and amount that a lawyer would take them for."""

from datetime import date
from typing import Any

import pytest

from contracts.registry import load_registry
from contracts.rules import Benefit
from services.catalog.domain.drafts import Clause, Document, Draft, drafts
from tests.drafting import amount_of, conditions_in, draft, only

CLOSING = (
    "附则本措施所称“以上”“不低于”均含本数，下同。本措施适用于在本市注册登记、具有独立法人资格的企业。"
    "被列入严重失信主体名单或者经营异常名录的企业，不享受本措施。同一事项按就高不重复原则执行。"
    "符合条件的企业应当于每年3月1日至6月30日提出申请。"
)


def asked_in(body: str, **more: Any) -> list[dict[str, Any]]:
    return conditions_in(only(body, **more)["rule"])


def certificate(name: str, **more: Any) -> dict[str, Any]:
    where = [{"field": "name", "is": "=", "value": name}]
    where += [{"field": "level", "is": "=", "value": more["level"]}] if "level" in more else []
    where += [{"field": "first", "is": "=", "value": more["first"]}] if "first" in more else []
    where += [{"field": "awarded_on", "is": "during", "value": more["during"]}] if "during" in more else []
    return {"some": "certificate", "where": where}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("对上年度首次认定为高新技术企业的，给予一次性奖励20万元。", certificate("高新技术企业", first=True, during="last_year")),
        ("对上年度新认定的专精特新中小企业，给予一次性奖励10万元。", certificate("专精特新中小企业", first=True, during="last_year")),
        ("对2025年度重新认定的高新技术企业，给予10万元奖励。", certificate("高新技术企业", first=False, during="2025")),
        ("对首次认定及重新认定的高新技术企业，给予10万元奖励。", {"some": "certificate", "where": [
            {"field": "name", "is": "=", "value": "高新技术企业"}, {"field": "expires_on", "is": ">=", "value": {"ago": {"days": 0}}}]}),
        ("对有效期内的高新技术企业，给予10万元奖励。", {"fact": "honours", "is": "has", "value": ["高新技术企业"]}),
        ("对新认定的市级企业技术中心，给予一次性奖励30万元。", certificate("企业技术中心", level="市级", first=True)),
        ("对列入重点上市后备企业名单的企业，给予一次性奖励30万元。", {"fact": "lists", "is": "has", "value": ["上市后备企业"]}),
        ("对入选科技型中小企业名单的企业，给予5万元奖励。", {"fact": "honours", "is": "has", "value": ["科技型中小企业"]}),
        ("对在北交所上市的企业，给予一次性奖励200万元。", {"fact": "stock_listing", "is": "in", "value": ["北交所"]}),
    ],
)  # fmt: skip
def test_a_title_is_asked_for_as_it_is_worded_and_nothing_beside_it(body: str, wanted: dict[str, Any]) -> None:
    assert asked_in(body) == [wanted]


def test_a_title_the_registry_does_not_know_is_open_and_not_a_no() -> None:
    assert asked_in("对获得市长杯金榜称号的企业，给予5万元奖励。") == [{"fact": "open.市长杯金榜称号", "is": "=", "value": True}]


@pytest.mark.parametrize(
    ("words", "fact", "value"),
    [
        ("上年度出口额500万元以上", "exports", 5000000),
        ("上年度进口额1000万元以上", "imports", 10000000),
        ("上年度末从业人数50人以上", "employees", 50),
        ("参保人数20人以上", "insured_persons", 20),
        ("上年度平均参保人数300人以上", "average_insured", 300),
        ("上年度资产总额1亿元以上", "total_assets", 100000000),
    ],
)
def test_a_figure_is_asked_of_the_fact_the_registry_knows_it_by(words: str, fact: str, value: int) -> None:
    assert asked_in(f"对{words}的企业，给予5万元奖励。") == [{"fact": fact, "period": "last_year", "is": ">=", "value": value}]


def test_growth_in_per_cent_is_growth_and_not_an_increase_in_yuan() -> None:
    for words in ("研发费用同比增长15%以上", "研发费用增量同比增长15%以上"):
        (test,) = asked_in(f"对上年度{words}的企业，给予5万元奖励。")
        assert (test["fact"], test["take"], str(test["value"])) == ("rd_expense", "growth", "0.15")


def test_growth_without_a_subject_is_of_the_figure_before_it() -> None:
    staff, growth = asked_in("对上年度末从业人数50人以上且较前一年度增长10%以上的企业，给予5万元奖励。")
    assert (growth["fact"], growth["take"], str(growth["value"])) == (staff["fact"], "growth", "0.1")


def test_a_loan_is_a_row_and_its_interest_the_base() -> None:
    benefit = only("对2026年1月1日以后取得流动资金贷款的小型微型企业，按实际支付利息的30%给予贴息，单个企业每年最高不超过10万元。")
    where = [{"field": "kind", "is": "=", "value": "流动资金贷款"}, {"field": "drawn_on", "is": ">=", "value": "2026-01-01"}]
    assert conditions_in(benefit["rule"])[0] == {"some": "loan", "where": where}
    amount = amount_of(benefit)
    assert amount["cap"] == 100000
    assert amount["of"]["of"] == {"sum": "loan", "field": "interest", "where": where}


def test_what_a_lender_lends_is_no_loan_of_its_own() -> None:
    body = "对小额贷款公司向小微企业发放流动资金贷款的，按贷款金额的1%给予补助。"
    assert "loan" not in str(only(body)["rule"])


def test_contracts_are_added_up_and_paid_by_their_sum() -> None:
    benefit = only("对上年度技术开发、技术转让合同成交额合计达到50万元以上的企业，按合同成交额的2%给予补助，单个企业年度最高不超过40万元。")
    kinds = {"field": "kind", "is": "in", "value": ["技术开发", "技术转让"]}
    where = [kinds, {"field": "signed_on", "is": "during", "value": "last_year"}]
    assert conditions_in(benefit["rule"]) == [{"sum": "contract", "field": "amount", "where": where, "is": ">=", "value": 500000}]
    assert amount_of(benefit)["of"]["of"] == {"sum": "contract", "field": "amount", "where": where}


def test_persons_hired_are_rows_paid_by_the_head() -> None:
    benefit = only("对招用登记失业人员并为其缴纳社会保险费6个月以上的中小微企业，按每人1500元给予一次性吸纳就业补贴。")
    where = [{"field": "status", "is": "=", "value": "登记失业"}, {"field": "months", "is": ">=", "value": 6}]
    assert conditions_in(benefit["rule"])[0] == {"some": "insured_person", "where": where}
    assert amount_of(benefit) == {"per": 1500, "count": {"count": "insured_person", "where": where}}
    assert benefit["stacking"]["once"] == "item"


def test_a_ladder_pays_for_the_highest_line_crossed_for_the_first_time() -> None:
    benefit = only("对上年度营业收入首次达到1亿元、5亿元的工业企业，分别给予20万元、50万元奖励。")

    def crossed(line: int) -> dict[str, Any]:
        before = {
            "fact": "revenue",
            "period": "year-2",
            "over": 9,
            "take": "max",
            "since": {"fact": "founded_on"},
            "is": "<",
            "value": line,
        }
        return {"all": [{"fact": "revenue", "period": "last_year", "is": ">=", "value": line}, before]}

    assert {"any": [crossed(500000000), crossed(100000000)]} in conditions_in(benefit["rule"])
    cases = [[case["all"][0]["value"], paid] for case, paid in amount_of(benefit)["case"]]
    assert cases == [[500000000, {"fixed": 500000}], [100000000, {"fixed": 200000}]]


def test_who_reaches_any_step_of_an_amount_has_the_benefit() -> None:
    body = "对营业收入5000万元以下、5000万元至2亿元、2亿元以上的企业，分别给予30万元、40万元、50万元奖励。"
    (steps,) = asked_in(body)
    assert len(steps["any"]) == 3


def test_no_penalty_has_its_fields_its_sum_and_its_years() -> None:
    (test,) = asked_in("对近三年在安全生产、环境保护方面未受到10万元（含）以上罚款的企业，给予5万元奖励。")
    assert test["none"] == "penalty"
    assert test["where"] == [
        {"field": "decided_on", "is": ">=", "value": {"ago": {"years": 3}}},
        {"field": "field", "is": "in", "value": ["安全生产", "环境保护"]},
        {"field": "amount", "is": ">=", "value": 100000},
    ]


def test_a_place_in_a_ranking_by_a_known_figure_is_a_rule_on_the_city() -> None:
    (test,) = asked_in("对上年度财政收入总量列全市前20名的企业，给予50万元奖励。")
    assert (test["rank"], test["is"], test["value"]) == ("fiscal_revenue", "<=", 20)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("按照产值每新增1000万元奖励2万元的标准给予奖励，每家企业最高奖励300万元。", {"cap": 3000000, "of": {
            "per": 20000, "count": {"fact": "output_value", "period": "last_year", "take": "increase"}, "step": 10000000}}),
        ("对高新技术企业，连续三年分别给予15万元、10万元、5万元奖励。", {"instalments": [
            {"fixed": 150000}, {"fixed": 100000}, {"fixed": 50000}]}),
        ("对高新技术企业，按其所获国家级奖励资金给予等额配套奖励。", {"rate": 1, "of": {
            "sum": "benefit_received", "field": "amount", "where": [{"field": "level", "is": "=", "value": "国家"}]}}),
    ],
)  # fmt: skip
def test_an_amount_has_the_form_its_words_say(body: str, wanted: dict[str, Any]) -> None:
    assert amount_of(only(body)) == wanted


def test_what_was_paid_before_is_taken_off() -> None:
    amount = amount_of(only("对规上工业企业，按照产值同比增量的0.3%予以奖励（扣除一季度已奖励金额）。"))
    assert amount["less"]["of"] == {"fact": "output_value", "period": "last_year", "take": "increase"}
    assert amount["paid"]["sum"] == "benefit_received"


def closing(body: str, *wide: str, read_on: date | None = None) -> Draft:
    document = Document(
        "措施", issue_date=date(2026, 1, 20), valid_from=date(2026, 2, 1), valid_to=date(2028, 12, 31), clauses=wide, read_on=read_on
    )
    (found,) = draft(body, document=document)
    Benefit.model_validate(found.benefit)
    return found


def test_a_closing_clause_governs_every_benefit() -> None:
    benefit = closing("对小微企业，给予5万元补助。", CLOSING).benefit
    asked = conditions_in(benefit["rule"])
    assert {"fact": "district", "is": "under", "value": ["350200"]} in asked
    assert {"fact": "legal_form", "is": "in", "value": ["company", "cooperative"]} in asked
    assert {"all": [{"fact": "dishonest", "is": "=", "value": False}, {"fact": "abnormal", "is": "=", "value": False}]} in asked
    assert benefit["stacking"]["groups"] == ["措施"]
    assert benefit["mode"] == "apply"
    assert all("本措施" in t["quote"] for t in benefit["rule"]["all"][1:])


@pytest.mark.parametrize(("read_on", "year"), [(date(2026, 1, 1), 2026), (date(2026, 6, 30), 2026), (date(2026, 7, 1), 2027), (None, 2026)])
def test_a_yearly_time_to_apply_is_the_next_one(read_on: date | None, year: int) -> None:
    found = closing("对小微企业，给予5万元补助。", CLOSING, read_on=read_on)
    assert found.benefit["window"] == {"from": f"{year}-03-01", "to": f"{year}-06-30"}
    assert any("每年" in note for note in found.findings)


def test_the_document_says_whether_its_bounds_include_the_figure() -> None:
    for words, operator in (("均不含本数", ">"), ("均含本数", ">=")):
        found = closing("对上年度营业收入2000万元以上的企业，给予5万元补助。", f"本措施所称“以上”{words}。")
        assert conditions_in(found.benefit["rule"])[0]["is"] == operator


def test_what_stands_beside_a_figure_wins_over_the_closing_clause() -> None:
    found = closing("对上年度营业收入2000万元（含）以上的企业，给予5万元补助。", "本措施所称“以上”均不含本数。")
    assert conditions_in(found.benefit["rule"])[0]["is"] == ">="


def test_who_applies_is_asked_what_a_sentence_beside_the_gift_asks() -> None:
    asked = asked_in("对小微企业，给予5万元补助。申报企业应当近三年未发生重大违法行为。")
    assert any(t.get("none") == "penalty" for t in asked)


def test_a_duty_of_procedure_is_no_condition() -> None:
    assert len(asked_in("对小微企业，给予5万元补助。申报企业应当提交申请材料。")) == 1


def test_a_term_of_the_documents_own_asks_for_what_it_means() -> None:
    found = closing(
        "对骨干成长企业，给予5万元补助。", "本措施所称“骨干成长企业”，是指上年度营业收入5000万元以上且营业收入同比增长20%以上的企业。"
    )
    meant = conditions_in(found.benefit["rule"])
    assert [t["fact"] for t in meant] == ["revenue", "revenue"]


def test_what_another_article_asks_is_asked_here_too() -> None:
    first = Clause("d", 1, "d/1", "第二条", "补助研发", "对上年度研发费用100万元以上的企业，给予5万元补助。")
    second = Clause("d", 1, "d/2", "第三条", "再奖励", "对符合第二条条件的高新技术企业，再给予2万元奖励。")
    found = drafts([first, second], Document("措施"), registry=load_registry(), city="350200")
    asked = conditions_in(found[1].benefit["rule"])
    assert {"fact": "honours", "is": "has", "value": ["高新技术企业"]} in asked
    assert {"all": [{"fact": "rd_expense", "period": "last_year", "is": ">=", "value": 1000000}]} in asked


def test_discretion_is_said_to_be_a_persons() -> None:
    assert any("judged" in t for t in conditions_in(closing("对小微企业，给予5万元补助。", "原则上择优扶持。").benefit["rule"]))


def test_a_plan_that_counts_what_will_be_done_offers_nobody_anything() -> None:
    body = "每年面向全市发布不少于100项场景需求，优先向民营企业开放测试验证机会。"
    assert draft(body, title="开放创新场景") == []


def test_a_service_asks_what_its_target_says() -> None:
    benefit = only("对纳税信用等级为A级的小型微型企业，担保机构按不高于0.8%的年费率收取担保费。", title="支持小微企业信用融资")
    assert {"fact": "tax_credit", "period": "last_year", "is": "=", "value": "A"} in conditions_in(benefit["rule"])


def test_growth_asked_for_is_no_report_of_growth() -> None:
    assert len(draft("对同比增长10%以上的规上工业企业给予10万元奖励。")) == 1
    assert draft("同比增长10%，给予企业奖励100万元已全部兑现1.2亿元。") == []


def test_stages_on_the_way_to_the_market_add_up_and_each_has_its_part() -> None:
    benefit = only(
        "对在北交所上市的企业，分阶段奖励800万元，其中对办理辅导备案登记手续的，奖励100万元；"
        "对经北交所正式受理申请材料的，奖励300万元；对在北交所成功发行上市的，奖励400万元。"
    )
    (ways,) = conditions_in(benefit["rule"])
    steps = [way["where"][0]["value"] for way in ways["any"]]
    assert steps == ["辅导备案", "受理", "发行"]
    stages = amount_of(benefit)["sum"]
    assert [stage["case"][0][1] for stage in stages] == [{"fixed": 1000000}, {"fixed": 3000000}, {"fixed": 4000000}]


def test_a_nominee_is_not_a_laureate_and_each_is_paid_as_said() -> None:
    benefit = only("对首次获评中国质量奖、中国质量奖提名奖的单位，分别予以300万元、100万元资助。")
    laureate, nominee = conditions_in(benefit["rule"])[0]["any"]
    assert laureate == certificate("中国质量奖", first=True)
    assert nominee["fact"].startswith("open.")
    (best, paid), (other, less) = amount_of(benefit)["case"]
    assert (best["some"], paid) == ("certificate", {"fixed": 3000000})
    assert (other["fact"], less) == (nominee["fact"], {"fixed": 1000000})


def test_a_pool_a_joint_cap_and_the_sharing_of_cost_are_terms() -> None:
    benefit = closing(
        "对小微企业，给予5万元补助。",
        "本项目每年资助总额不超过300万元，即申即享。单家企业全年累计不超过50万元。补助资金由市区按6:4比例承担。",
    ).benefit
    assert benefit["budget"] == {"pool": "措施", "total": 3000000, "per": "year", "order": "first_come"}
    assert benefit["stacking"]["caps"] == [{"name": "措施 合计", "at": 500000, "per": "year"}]
    assert [(one["level"], str(one["share"])) for one in benefit["procedure"]["funding"]] == [("市", "0.6"), ("区", "0.4")]


def test_software_services_are_not_the_whole_trade_of_information() -> None:
    (test,) = asked_in("对软件和信息技术服务业企业，给予5万元奖励。")
    assert test == {"fact": "industry", "is": "under", "value": ["I65"]}


def test_money_without_a_named_group_is_for_a_person_and_not_for_everybody() -> None:
    found = draft("贷款贴息：按照贷款实际利息的40%给予贴息支持，年度贴息不超过50万元。")
    assert all("judged" in d.benefit["rule"] for d in found)
    assert any("由人判断" in note for d in found for note in d.findings)


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        ("对扩大中小微企业覆盖面的企业，给予5万元补助。", {"fact": "size", "is": "in", "value": ["medium", "small", "micro"]}),
        ("对小微企业无法正常经营的，给予5万元补助。", {"judged": "小微企业无法正常经营的"}),
    ],
)
def test_a_word_is_read_with_the_words_before_it(body: str, wanted: dict[str, Any]) -> None:
    assert wanted in asked_in(body)


def test_months_out_of_work_are_not_left_out() -> None:
    (hired,) = (t for t in asked_in("对招用登记失业半年以上人员的企业，按每人1000元给予补贴。") if "some" in t)
    assert {"judged": "失业半年以上"} in hired["where"]
