"""How conditions are found by the grammar of a target phrase, and how lists, windows and graded lines become one rule."""

from typing import Any

import pytest

from contracts.registry import load_registry
from services.catalog.domain.composing import bare
from services.catalog.domain.conditions import conditions
from services.catalog.domain.drafts import Clause, Document, drafts
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage
from services.catalog.domain.provisions import provisions
from services.catalog.domain.requirements import requirements


def said(text: str, which: int = 0) -> list[tuple[str, str]]:
    """The conditions of one provision, as (attribute, words)."""
    passage = Passage.of(text)
    found = provisions(passage, Lexicon())
    listed = requirements(passage, found, Lexicon())
    return [(c.attribute, passage.text[c.span.start : c.span.end]) for c in conditions(passage, found[which], listed.get(which, ()))]


def rule(body: str) -> Any:
    """The rule of the only draft of a clause, without its evidence."""
    clause = Clause("doc", 1, "doc/1", "一", "支持企业发展", body)
    (draft,) = drafts([clause], Document("措施"), registry=load_registry(), city="350200")
    return bare(draft.benefit["rule"])


@pytest.mark.parametrize(
    ("words", "wanted"),
    [
        ("对获评省级智慧园区的仓储设施公司，给予5万元奖励。", {("资质认定", "获评省级智慧园区"), ("主体类型", "仓储设施公司")}),
        ("对承接跨境电商业务的港口公司，给予5万元奖励。", {("产品或业务", "承接跨境电商业务"), ("主体类型", "港口公司")}),
        ("对见习期满留用过半数的见习单位，给予5万元奖励。", {("主体类型", "见习期满留用过半数的见习单位")}),
        ("对新建标准化民宿的，给予5万元奖励。", {("项目类型", "新建标准化民宿")}),
        ("办公补助：对租用办公用房的律师事务所，给予5万元奖励。", {("租赁要求", "租用办公用房"), ("主体类型", "律师事务所")}),
    ],
)
def test_a_target_is_what_is_asked_and_who_is_meant(words: str, wanted: set[tuple[str, str]]) -> None:
    assert wanted <= set(said(words))


def test_what_stands_in_brackets_only_explains() -> None:
    assert said("对取得经营资质（证书由外贸企业协会核发）的企业，给予5万元奖励。") == [("资质认定", "取得经营资质")]


def test_who_gives_and_what_is_paid_on_are_no_conditions() -> None:
    assert said("对受疫情影响的中小微企业，政府性融资担保机构免收融资担保费。") == [
        ("受疫情影响", "受疫情影响"),
        ("企业规模", "中小微企业"),
    ]
    assert ("社保缴纳", "缴纳的失业保险费") not in said("对招用退役军人的企业，按其缴纳的失业保险费给予50%补贴。")


def test_a_cap_on_what_is_given_is_no_condition() -> None:
    assert all("不超过" not in words for _, words in said("对获评绿色工厂的企业，给予10%补助，补助期限不超过3年，每年总额不超过10万元。"))


def test_the_sentence_before_says_for_whom_where_the_own_one_names_nobody() -> None:
    assert ("行业", "住宿餐饮企业") in said("住宿餐饮企业实行阶梯奖励政策。企业每年给予20万元奖励。")


def test_a_lead_before_a_colon_governs_every_part_behind_it() -> None:
    text = "新纳入限额以上的商贸企业：年销售额达到1亿元的，给予5万元奖励；对年零售额达到2亿元的，给予8万元奖励。"
    assert all("纳统情况" in dict(said(text, which)) for which in (0, 1))


def test_a_number_above_governs_the_numbers_under_it() -> None:
    text = (
        "第四条 对注册在本市的物流企业给予奖励。"
        "（一）对年营业收入500万元以上的，给予5万元奖励。（二）对年营业收入900万元以上的，给予9万元奖励。"
    )
    passage = Passage.of(text)
    found = provisions(passage, Lexicon())
    last = conditions(passage, found[-1])
    assert {"注册地", "上年度营业收入"} <= {c.attribute for c in last}


def test_a_list_of_conditions_ends_with_its_article() -> None:
    text = "第一条 申请扶持的企业须符合以下条件：（一）注册地在本市；（二）从业人员20人以上。第二条 对获评绿色工厂的企业，给予10万元奖励。"
    assert [attribute for attribute, _ in said(text)] == ["资质认定"]


def test_of_a_list_one_item_does() -> None:
    node = rule(
        "对企业给予10万元奖励。申报企业须符合下列条件之一：（一）营业收入2000万元以上；（二）研发费用500万元以上；（三）具有较强潜力。"
    )
    revenue = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}
    research = {"fact": "rd_expense", "period": "last_year", "is": ">=", "value": 5000000}
    assert node == {"any": [revenue, research, {"judged": "具有较强潜力"}]}


def test_of_a_list_so_many_items_do() -> None:
    node = rule(
        "对企业给予10万元奖励。申报企业须满足下列条件中两项：（1）营业收入2000万元以上；（2）研发费用500万元以上；（3）从业人员90人以上。"
    )
    assert node["at_least"] == 2
    assert [test["fact"] for test in node["of"]] == ["revenue", "rd_expense", "employees"]


def test_a_score_does_instead_of_the_list() -> None:
    node = rule("对企业给予10万元奖励。申报条件：评价得分60分以上或满足下列条件之一：（1）营业收入2000万元以上；（2）研发费用500万元以上。")
    assert {way["fact"] for way in node["any"]} == {"review_score", "revenue", "rd_expense"}


def test_a_list_of_which_all_is_asked_stays_so() -> None:
    node = rule("对企业给予10万元奖励。申报企业须同时符合下列条件：（一）营业收入2000万元以上；（二）研发费用500万元以上。")
    assert [test["fact"] for test in node["all"]] == ["revenue", "rd_expense"]


@pytest.mark.parametrize(
    ("window", "test"),
    [
        ("自创办之日起2年内", {"fact": "founded_on", "is": ">=", "value": {"ago": {"years": 2}}}),
        (
            "自迁入之日起18个月内",
            {
                "some": "change",
                "where": [
                    {"field": "kind", "is": "=", "value": "迁入"},
                    {"field": "changed_on", "is": ">=", "value": {"ago": {"months": 18}}},
                ],
            },
        ),
        ("上市后3年内", {"some": "public_listing", "where": [{"field": "listed_on", "is": ">=", "value": {"ago": {"years": 3}}}]}),
    ],
)
def test_a_window_begins_with_an_event(window: str, test: dict[str, Any]) -> None:
    revenue = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}
    assert rule(f"对{window}营业收入达到2000万元的企业，给予10万元奖励。") == {"all": [test, revenue]}


def test_a_window_without_a_record_is_an_open_fact_and_not_forgotten() -> None:
    assert "open.业务发生期间年" in str(rule("对自获得授权之日起1年内实现量产的企业，给予10万元奖励。"))


def test_each_trade_has_its_own_line() -> None:
    node = rule("对批发、零售、住宿当年销售额分别达到1亿元、5000万元、500万元的企业，给予10万元奖励。")
    lines = [(way["all"][0]["value"], way["all"][1]["value"]) for way in node["any"]]
    assert lines == [(["F51"], 100000000), (["F52"], 50000000), (["H61"], 5000000)]


def test_each_size_has_its_own_share() -> None:
    node = rule(
        "对上年度销售收入小于5000万元（含）的，研发费用占比不低于5%；5000万元至2亿元（含）不低于4%；2亿元以上不低于3%的企业，给予10万元奖励。"
    )
    assert [float(way["all"][1]["value"]["times"][0]) for way in node["any"]] == [0.05, 0.04, 0.03]


def test_lines_of_trades_that_nobody_knows_are_for_a_person() -> None:
    node = rule("对甲类、乙类当年销售额分别达到1亿元、5000万元的企业，给予10万元奖励。")
    assert "judged" in node


@pytest.mark.parametrize(
    ("words", "fact"),
    [
        ("单品年销售收入5000万元以上", "open.产品年销售额"),
        ("上一年度发明专利申请30件以上", "open.专利申请数"),
        ("未能及时复工复产", "judged"),
        ("符合外资到资奖励条件", "judged"),
    ],
)
def test_words_that_mean_something_else_are_not_taken_for_a_fact_of_the_register(words: str, fact: str) -> None:
    node = rule(f"对{words}的企业，给予10万元奖励。")
    assert fact in str(node)
    assert not any(known in str(node) for known in ("'sales'", "'patents'", "'status'", "'foreign_capital_paid'"))
