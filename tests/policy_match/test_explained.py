"""A decision reads as a shop owner would want to hear it: what was found, what is asked, what is missing, who says so, what to do."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from contracts.rules import dumps
from services.policy_match.domain.profile import Origin
from tests.policy_match.explaining import explained, sentence

REVENUE = {"fact": "revenue", "period": "last_year"}
RD = {"fact": "rd_expense", "period": "last_year"}
RD_SHARE = {**RD, "is": ">=", "value": {"times": [0.03, REVENUE]}}
YEARS = {"ago": {"years": 3}}
HITECH = {
    "some": "certificate",
    "where": [{"field": "name", "is": "=", "value": "高新技术企业"}, {"field": "awarded_on", "is": "during", "value": "last_year"}],
}
HELD = [
    {"name": "高新技术企业", "awarded_on": "2025-03-01"}, {"name": "高新技术企业", "awarded_on": "2022-03-01"},
    {"name": "瞪羚企业", "awarded_on": "2025-09-01"},
]  # fmt: skip
FINES = {"none": "penalty", "where": [{"field": "amount", "is": ">=", "value": 100000}]}
STAFF = {"count": "insured_person", "where": [{"field": "status", "is": "=", "value": "登记失业"}], "is": ">=", "value": 3}
PROJECTS = {"sum": "project", "field": "invested", "where": [{"field": "kind", "is": "=", "value": "技改"}], "is": ">=", "value": 30000000}
LATEST = {"latest": "certificate", "field": "awarded_on", "where": [], "is": ">=", "value": "2024-01-01"}

ONE_TEST: list[tuple[Any, Any, Any, str]] = [  # a rule with one test, facts, records, the sentence
    # figures
    ({**REVENUE, "is": ">=", "value": 20000000}, {"revenue": {"2025": 26000000}}, {},
     "2025年营业收入2600万元，要求不低于2000万元，符合。"),
    ({**REVENUE, "is": ">=", "value": 20000000}, {"revenue": {"2025": 19999999.5}}, {},
     "2025年营业收入19,999,999.50元，要求不低于2000万元，还差0.50元，不符合。"),
    ({**REVENUE, "is": ">=", "value": 20000000}, {}, {},
     "要求2025年营业收入不低于2000万元；缺少2025年营业收入（由市税务局提供），还不能判断。"),
    ({**REVENUE, "is": ">", "value": 20000000}, {"revenue": {"2025": 20000000}}, {},
     "2025年营业收入2000万元，要求高于2000万元，恰好相等不算，不符合。"),
    ({**REVENUE, "is": "<=", "value": 400000000}, {"revenue": {"2025": 412500000}}, {},
     "2025年营业收入4.125亿元，要求不高于4亿元，超出1250万元，不符合。"),
    ({"not": {**REVENUE, "is": ">=", "value": 20000000}}, {"revenue": {"2025": 26000000}}, {},
     "2025年营业收入2600万元，要求低于2000万元，超出600万元以上，不符合。"),
    ({"fact": "employees", "period": "last_year", "is": "between", "value": [20, 300]}, {"employees": {"2025": 12}}, {},
     "2025年从业人数12人，要求在20人至300人之间，还差8人，不符合。"),
    ({"fact": "layoff_rate", "period": "2025", "is": "<=", "value": 0.055}, {"layoff_rate": {"2025": 0.06}}, {},
     "2025年裁员率6%，要求不高于5.5%，超出0.5个百分点，不符合。"),
    ({"fact": "insured_persons", "period": "month-1", "is": ">=", "value": 130}, {"insured_persons": {"2026-05": 127}}, {},
     "2026年5月参保人数127人，要求不低于130人，还差3人，不符合。"),
    # shares and other figures on the right
    (RD_SHARE, {"revenue": {"2025": 26000000}, "rd_expense": {"2025": 702000}}, {},
     "2025年研发费用占营业收入的2.7%（70.2万元÷2600万元），要求不低于3%，还差0.3个百分点，不符合。"),
    (RD_SHARE, {"revenue": {"2025": 26000000}}, {},
     "要求2025年研发费用不低于2025年营业收入的3%；缺少2025年研发费用（由市税务局提供），还不能判断。"),
    (RD_SHARE, {"revenue": {"2025": 1000000}, "rd_expense": {"2025": 29999}}, {},
     "2025年研发费用占营业收入的2.9999%（29,999元÷100万元），要求不低于3%，还差0.0001个百分点，不符合。"),
    ({**REVENUE, "is": ">=", "value": {"times": [1.2, {"fact": "revenue", "period": "year-2"}]}}, {"revenue": {"2025": 110, "2024": 100}},
     {},
     "2025年营业收入110元，要求不低于2024年营业收入的1.2倍（即120元），还差10元，不符合。"),
    # growth, sums, every year
    ({**REVENUE, "take": "growth", "is": ">=", "value": 0.15}, {"revenue": {"2025": 27600000, "2024": 24000000}}, {},
     "2025年营业收入2760万元，上年同期2400万元，同比增长15%，要求不低于15%，符合。"),
    ({**REVENUE, "take": "growth", "is": ">=", "value": 0.15}, {"revenue": {"2025": 23000000, "2024": 25000000}}, {},
     "2025年营业收入2300万元，上年同期2500万元，同比下降8%，要求不低于15%，还差23个百分点，不符合。"),
    ({**REVENUE, "take": "increase", "is": ">=", "value": 5000000}, {"revenue": {"2025": 26000000, "2024": 24000000}}, {},
     "2025年营业收入2600万元，上年同期2400万元，同比增加200万元，要求不低于500万元，还差300万元，不符合。"),
    ({**RD, "over": 3, "take": "sum", "is": ">=", "value": 10000000}, {"rd_expense": {"2025": 4000000, "2024": 3000000, "2023": 2000000}},
     {},
     "2023年至2025年研发费用合计900万元，要求不低于1000万元，还差100万元，不符合。"),
    ({**RD, "over": 3, "take": "mean", "is": ">=", "value": 1}, {"rd_expense": {"2025": 4, "2024": 3, "2023": 3}}, {},
     "2023年至2025年研发费用平均约3.33元，要求不低于1元，符合。"),
    ({**RD, "over": 2, "take": "every", "is": ">=", "value": 1000000}, {"rd_expense": {"2025": 900000, "2024": 1100000}}, {},
     "2024年研发费用110万元达到，2025年研发费用90万元未达到，要求2024年至2025年研发费用每一期不低于100万元，不符合。"),
    # days and ages
    ({"fact": "founded_on", "is": "<=", "value": YEARS}, {"founded_on": "2024-03-30"}, {},
     "成立日期为2024年3月30日，至今2年零3个月，要求满3年，不符合；2027年3月30日起符合。"),
    ({"fact": "founded_on", "is": "<=", "value": YEARS}, {"founded_on": "2023-06-30"}, {},
     "成立日期为2023年6月30日，至今3年，要求满3年，符合。"),
    ({"fact": "founded_on", "is": ">", "value": YEARS}, {"founded_on": "2020-01-01"}, {},
     "成立日期为2020年1月1日，至今6年零5个月，要求不满3年，不符合。"),
    ({"fact": "founded_on", "is": "<=", "value": {"ago": {"months": 1}}}, {"founded_on": "2026-06-20"}, {},
     "成立日期为2026年6月20日，至今10天，要求满1个月，不符合；2026年7月20日起符合。"),
    ({"fact": "founded_on", "is": "during", "value": "last_year"}, {"founded_on": "2024-02-14"}, {},
     "成立日期为2024年2月14日，要求在2025年内，不符合。"),
    ({"fact": "founded_on", "is": ">=", "value": "2025-01-01"}, {"founded_on": "2024-02-14"}, {},
     "成立日期为2024年2月14日，要求不早于2025年1月1日，不符合。"),
    # codes, sets, yes and no
    ({"fact": "district", "is": "under", "value": ["350205"]}, {"district": "350206"}, {}, "注册地为湖里区，要求属于海沧区，不符合。"),
    ({"fact": "industry", "is": "under", "value": ["C39", "I65"]}, {"industry": "C2710"}, {},
     "行业为医药制造业（C2710），要求属于计算机、通信和其他电子设备制造业或软件和信息技术服务业，不符合。"),
    ({"fact": "size", "is": "in", "value": ["small", "micro"]}, {"size": "micro"}, {}, "企业规模为微型，要求为小型或微型，符合。"),
    ({"fact": "size", "is": "!=", "value": "large"}, {"size": "large"}, {}, "企业规模为大型，要求不为大型，不符合。"),
    ({"fact": "honours", "is": "has", "value": ["高新技术企业"]}, {"honours": []}, {}, "没有登记资质荣誉，要求有高新技术企业，不符合。"),
    ({"fact": "honours", "is": "has_all", "value": ["高新技术企业", "瞪羚企业"]}, {"honours": ["瞪羚企业"]}, {},
     "现有资质荣誉：瞪羚企业，要求同时有高新技术企业、瞪羚企业，还缺高新技术企业，不符合。"),
    ({"not": {"fact": "honours", "is": "has", "value": ["高新技术企业"]}}, {"honours": ["高新技术企业"]}, {},
     "现有资质荣誉：高新技术企业，要求没有高新技术企业，不符合。"),
    ({"not": {"fact": "dishonest", "is": "=", "value": True}}, {"dishonest": True}, {}, "经核对属于“严重失信”，要求不属于，不符合。"),
    ({"fact": "dishonest", "is": "=", "value": False}, {"dishonest": False}, {}, "经核对不属于“严重失信”，要求不属于，符合。"),
    ({"fact": "dishonest", "is": "=", "value": False}, {}, {},
     "要求不属于“严重失信”；缺少“严重失信”的情况（由市公共信用信息中心提供），还不能判断。"),
    ({"fact": "above_scale", "period": "last_year", "is": "=", "value": True}, {"above_scale": {"2025": False}}, {},
     "经核对2025年不属于“规上/限上”，要求属于，不符合。"),
    ({"fact": "honours", "is": "has", "value": ["专精特新「小巨人」"]}, {"honours": ["专精特新“小巨人”"]}, {},
     "现有资质荣誉：专精特新“小巨人”，要求有专精特新“小巨人”，符合。"),
    # records
    (HITECH, {}, {"certificate": HELD},
     "要求有资质证书记录（名称为高新技术企业，且认定日期在2025年内）；现有资质证书记录3条，1条符合所列条件：“高新技术企业”（2025年3月1日）；"
     "2条不计：“高新技术企业”（2022年3月1日，认定日期不合）、“瞪羚企业”（2025年9月1日，名称不合），符合。"),
    (HITECH, {}, {"certificate": []}, "要求有资质证书记录（名称为高新技术企业，且认定日期在2025年内）；现在没有资质证书记录，不符合。"),
    (HITECH, {}, {"certificate": [{"name": "高新技术企业"}]},
     "要求有资质证书记录（名称为高新技术企业，且认定日期在2025年内）；现有资质证书记录1条，1条不能确定：“高新技术企业”，"
     "缺少资质证书的“认定日期”（由市工业和信息化局提供），还不能判断。"),
    (FINES, {}, {"penalty": [{"field": "环保", "amount": 200000, "decided_on": "2025-03-01"}]},
     "要求没有行政处罚记录（罚款金额不低于10万元）；现有行政处罚记录1条，1条属于所列情形：“环保”（2025年3月1日），不符合。"),
    (FINES, {}, {"penalty": [{"field": "环保", "amount": 5000, "decided_on": "2025-03-01"}]},
     "要求没有行政处罚记录（罚款金额不低于10万元）；现有行政处罚记录1条，都不属于所列情形：“环保”（2025年3月1日，罚款金额为5,000元），符合。"),
    (FINES, {}, {}, "要求没有行政处罚记录（罚款金额不低于10万元）；缺少行政处罚记录（由市公共信用信息中心提供），还不能判断。"),
    (STAFF, {}, {"insured_person": [{"status": "登记失业", "hired_on": "2026-01-05"}, {"status": "在职", "hired_on": "2026-01-05"}]},
     "要求参保人员记录（人员身份为“登记失业”）的条数不低于3条；现有参保人员记录2条，1条符合所列条件：“登记失业”（2026年1月5日）；"
     "1条不计：“在职”（2026年1月5日，人员身份不合），共1条，还差2条，不符合。"),
    (PROJECTS, {}, {"project": [{"kind": "技改", "invested": 20000000, "started_on": "2025-01-01"}]},
     "要求投资项目记录（项目类型为“技改”）的已投资合计不低于3000万元；现有投资项目记录1条，1条符合所列条件：“技改”（2025年1月1日），"
     "已投资合计2000万元，还差1000万元，不符合。"),
    (LATEST, {}, {"certificate": HELD[1:2]},
     "要求资质证书记录最近的认定日期不早于2024年1月1日；现有资质证书记录1条：“高新技术企业”（2022年3月1日），最近的认定日期为2022年3月1日，不符合。"),
    # what only a person decides, and what nobody states yet
    ({"judged": "确有发展潜力"}, {}, {}, "“确有发展潜力”：要由主管部门认定，还不能判断。"),
    ({"not": {"judged": "存在重大违法"}}, {}, {}, "“存在重大违法”（属于的不能享受）：要由主管部门认定，还不能判断。"),
    ({"judged": "确有发展潜力"}, {},
     {"judgement": [{"benefit": "b", "text": "确有发展潜力", "holds": True, "decided_on": "2026-03-01"}]},
     "主管部门已于2026年3月1日认定属于“确有发展潜力”，符合。"),
    ({"fact": "open.展会天数", "is": ">=", "value": 3}, {}, {}, "要求“展会天数”不低于3；缺少“展会天数”，还不能判断。"),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "facts", "records", "words"), ONE_TEST)
def test_a_requirement_reads_as_one_sentence(rule: Any, facts: Any, records: Any, words: str) -> None:
    assert sentence(rule, facts, records) == words


def test_a_place_among_others_says_of_how_many() -> None:
    others = [({"revenue": {"2025": n}}, {}) for n in range(100, 150)]
    rule = {"rank": "revenue", "period": "last_year", "among": {"all": []}, "is": "<=", "value": 20}
    said = "2025年营业收入120元，在51家企业中排第30名，要求2025年营业收入在全市企业中排在前20名，不符合。"
    assert sentence(rule, {"revenue": {"2025": 120}}, others=others) == said


def test_alternatives_stand_below_the_line_that_says_how_many_it_takes() -> None:
    small = {"all": [{"fact": "size", "is": "=", "value": "small"}, {**REVENUE, "is": "<", "value": 1000000}]}
    words = explained({"any": [{"fact": "size", "is": "=", "value": "micro"}, small]}, {"size": "small"})[1]
    assert [(reason.depth, reason.path, reason.outcome) for reason in words.reasons] == [
        (0, "", "unknown"), (1, "any/0", "false"), (1, "any/1", "unknown"), (2, "any/1/all/0", "true"), (2, "any/1/all/1", "unknown"),
    ]  # fmt: skip
    assert words.reasons[0].sentence == "以下2项符合其中一项即可：已符合0项，还不能判断。"
    assert words.reasons[2].sentence == "以下2项要同时符合：已符合1项，还不能判断。"


def test_what_must_not_hold_together_is_said_as_what_must_be_missing() -> None:
    """Not both of two: one of them not. Not one of two: neither."""
    both = {"not": {"all": [{"fact": "dishonest", "is": "=", "value": True}, {"fact": "abnormal", "is": "=", "value": True}]}}
    words = explained(both, {"dishonest": True, "abnormal": False})[1]
    assert [(reason.outcome, reason.sentence) for reason in words.reasons] == [
        ("true", "以下2项符合其中一项即可：已符合1项，符合。"),
        ("false", "经核对属于“严重失信”，要求不属于，不符合。"),
        ("true", "经核对不属于“经营异常”，要求不属于，符合。"),
    ]
    neither = {"not": {"any": both["not"]["all"]}}
    assert [reason.depth for reason in explained(neither, {"dishonest": True, "abnormal": False})[1].reasons] == [0, 0]


def test_each_reason_names_who_stated_it_and_on_which_day_it_was_true() -> None:
    now = datetime(2026, 3, 2, tzinfo=UTC)
    stated = {"revenue@2025": Origin("税务", date(2026, 3, 1), now), "employees@2025": Origin("统计", date(2026, 2, 1), now)}
    rule = {"all": [{**REVENUE, "is": ">=", "value": 1, "quote": "营业收入1元以上", "article": "第五条"},
                    {**REVENUE, "is": ">=", "value": {"fact": "employees", "period": "last_year"}}]}  # fmt: skip
    one, two = explained(rule, {"revenue": {"2025": 5}, "employees": {"2025": 5}}, stated=stated)[1].reasons
    assert (one.source, one.quote, one.article) == ("数据来自市税务局，2026年3月1日", "营业收入1元以上", "第五条")
    assert two.source == "数据来自市税务局（2026年3月1日）、市统计局（2026年2月1日）"


KNOWN = {"revenue": {"2025": 26000000}, "rd_expense": {"2025": 1200000}, "employees": {"2025": 12}}


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ({"fixed": 200000}, "可得20万元。"),
        ({"cap": 100000, "of": {"rate": 0.1, "of": RD}}, "按2025年研发费用120万元的10%计12万元，封顶10万元，可得10万元。"),
        ({"floor": 200000, "of": {"rate": 0.1, "of": RD}}, "按2025年研发费用120万元的10%计12万元，保底20万元，可得20万元。"),
        ({"per": 1500, "count": {"fact": "employees", "period": "last_year"}},
         "按2025年从业人数12人，每人给1,500元，计1.8万元，可得1.8万元。"),
        ({"per": 20000, "count": REVENUE, "step": 10000000}, "按2025年营业收入2600万元，每满1000万元给2万元，计4万元，可得4万元。"),
        (
            {"tiers": [[0, 10000], [20000000, 50000]], "on": REVENUE},
            "2025年营业收入2600万元，属于达到2000万元的一档：5万元，可得5万元。",
        ),
        (
            {"case": [[{**REVENUE, "is": ">=", "value": 50000000}, 300000]], "else": 100000},
            "属于其余情形：10万元，可得10万元。",
        ),
        ({"sum": [{"fixed": 50000}, {"rate": 0.01, "of": RD}]},
         "定额5万元，加上按2025年研发费用120万元的1%计1.2万元，合计6.2万元，可得6.2万元。"),
        ({"min": [{"fixed": 50000}, {"rate": 0.01, "of": RD}]},
         "定额5万元，与按2025年研发费用120万元的1%计1.2万元，取其低者，为1.2万元，可得1.2万元。"),
        ({"instalments": [60000, 40000]}, "分2年发放：第1年6万元、第2年4万元，可得10万元。"),
        ({"judged": "15—20万元", "between": [150000, 200000]}, "“15—20万元”由主管部门核定（15万元至20万元），以审核为准。"),
        (
            {"cap": 500000, "of": {"rate": 0.05, "of": {"fact": "exports", "period": "last_year"}}},
            "按2025年出口额（暂缺）的5%计算，封顶50万元，可得0元至50万元；还缺2025年出口额，金额不能完全确定，以审核为准。",
        ),
    ],
)  # fmt: skip
def test_an_amount_is_told_with_its_figures(amount: Any, words: str) -> None:
    assert explained({"all": []}, KNOWN, amount=amount)[1].amount == words


def test_an_amount_over_rows_names_each_row() -> None:
    amount = {"each": "project", "where": [], "pay": {"rate": 0.1, "of": {"field": "invested"}}}
    projects = [{"kind": "技改", "invested": 100000}, {"kind": "展览", "invested": 200000}]
    said = "投资项目记录2条：“技改”按已投资10万元的10%计1万元；“展览”按已投资20万元的10%计2万元，合计3万元，可得3万元。"
    assert explained({"all": []}, {}, {"project": projects}, amount=amount)[1].amount == said


def test_a_sum_that_is_nothing_today_is_told_as_the_rule_has_it() -> None:
    ladder = {"case": [[{**REVENUE, "is": ">=", "value": 50000000}, 300000], [{**REVENUE, "is": ">=", "value": 30000000}, 100000]]}
    words = explained({**REVENUE, "is": ">=", "value": 30000000}, KNOWN, amount=ladder)[1].amount
    assert words == "如果符合条件，可得：2025年营业收入不低于5000万元的，30万元；2025年营业收入不低于3000万元的，10万元。"


def test_relief_is_not_said_to_be_paid_and_what_limits_the_sum_is_said() -> None:
    stacking = {"groups": ["研发补助"], "caps": [{"name": "科技专项", "at": 5000000}], "once": "year"}
    words = explained({"all": []}, amount={"fixed": 50000}, pays="relief", stacking=stacking)[1].amount
    assert words == (
        "可减免5万元。与同属“研发补助”的其他事项不重复享受：同一年度只按其中最高的一项给付，已领取的计算在内。"
        "“科技专项”的各事项同一年度合计最高500万元。每家企业每年只能享受一次。"
    )


@pytest.mark.parametrize(
    ("rule", "facts", "records", "step"),
    [
        ({"fact": "insured_persons", "period": "month-1", "is": ">=", "value": 130}, {"insured_persons": {"2026-05": 127}}, {},
         "离符合条件还差：2026年6月参保人数达到130人（比现有的127人多3人），最迟2026年6月30日。"),
        (STAFF, {}, {"insured_person": []}, "离符合条件还差：再新增3条符合条件的参保人员记录。"),
        (PROJECTS, {}, {"project": []}, "离符合条件还差：再有符合条件的投资项目，已投资增加3000万元。"),
        ({"fact": "honours", "is": "has", "value": ["高新技术企业"]}, {"honours": []}, {}, "离符合条件还差：资质荣誉新增高新技术企业。"),
        ({"fact": "founded_on", "is": "<=", "value": YEARS}, {"founded_on": "2024-03-30"}, {},
         "如果其他情况不变，2027年3月30日起符合条件。"),
        ({"all": [{**REVENUE, "is": ">=", "value": 1}]}, {}, {}, "请向市税务局核实或补报：2025年营业收入。"),
        ({"fact": "open.展会天数", "is": ">=", "value": 3}, {}, {}, "“展会天数”目前没有部门提供数据，请向政策主管部门说明。"),
        ({"judged": "确有发展潜力"}, {}, {}, "“确有发展潜力”由政策主管部门认定。"),
    ],
)  # fmt: skip
def test_what_to_do_next_is_said(rule: Any, facts: Any, records: Any, step: str) -> None:
    assert step in explained(rule, facts, records)[1].next


@pytest.mark.parametrize(
    ("standing", "more", "summary"),
    [
        ("published", {}, "按2026年6月30日已知的情况，贵企业符合“研发补助”的条件。"),
        ("suspended", {}, "该事项目前暂停办理。按2026年6月30日已知的情况，贵企业符合“研发补助”的条件。"),
        ("expired", {"valid": {"from": "2025-01-01", "to": "2025-12-31"}},
         "该事项已到期，不再办理。按2026年6月30日已知的情况，“研发补助”不在有效期内，不能享受。"),
        ("withdrawn", {}, "该事项已撤回，不再办理。按2026年6月30日已知的情况，贵企业符合“研发补助”的条件。"),
    ],
)  # fmt: skip
def test_the_summary_says_how_the_benefit_stands(standing: str, more: Any, summary: str) -> None:
    assert explained({"all": []}, standing=standing, **more)[1].summary == summary


def test_a_benefit_out_of_force_says_from_when_to_when_it_holds() -> None:
    words = explained({"all": []}, valid={"from": "2027-01-01", "to": "2027-12-31", "quote": "自2027年1月1日起施行"})[1]
    assert words.reasons[0].sentence == "有效期为2027年1月1日至2027年12月31日，2026年6月30日不在其内，不符合。"
    assert words.reasons[0].quote == "自2027年1月1日起施行"
    assert "如果其他情况不变，2027年1月1日起符合条件。" in words.next


def test_a_window_that_has_not_opened_or_is_over_is_said() -> None:
    def window(begin: str, end: str) -> str:
        return explained({"all": []}, window={"from": begin, "to": end})[1].next[0]

    assert window("2026-07-01", "2026-08-31") == "申请时间：2026年7月1日至2026年8月31日，还没有开始。"
    assert window("2026-01-01", "2026-02-28") == "申请时间：2026年1月1日至2026年2月28日，已经结束。"
    assert window("2026-06-01", "2026-06-30") == "申请时间：2026年6月1日至2026年6月30日。"


def test_without_sentences_a_decision_is_written_in_its_stable_shape() -> None:
    decision, words = explained({"all": []})
    assert "in_words" in dumps(decision)
    assert "in_words" not in dumps(decision.model_copy(update={"in_words": None}))
    assert words == decision.in_words
