"""What an enterprise reads: plain Chinese, exact sums, the clause's own words, and unknown said as unknown."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from contracts.registry import load_registry
from contracts.rules import Decision, Finding, dumps, loads, parse_benefit, parse_rule
from services.notify.domain.message import Told, amount, compose, deadline, next_steps, place, reason, short, text
from services.notify.domain.naming import Words, percent, period, yuan

WORDS = Words(load_registry())


def benefit(rule: Any = None, **more: Any) -> Any:
    given = {"id": "ben-1", "title": "研发补助", "policy": "《若干措施》", "article": "第五条", "text": "给予10万元奖励。"}
    return parse_benefit({**given, "rule": rule or {"all": []}, **more})


def told(given: Any = None, low: str | None = None, high: str | None = None, **more: Any) -> Told:
    return Told(
        benefit=given or benefit(), low=Decimal(low) if low else None, high=Decimal(high) if high else None, **{"deadline": None, **more}
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("100000.00", "10万元"), ("123456.78", "123,456.78元"), ("125000000", "1.25亿元"), ("9999", "9,999元"), ("0", "0元"),
        ("10050", "10,050元"), ("35000000", "3500万元"),
    ],
)  # fmt: skip
def test_a_sum_of_money_is_never_rounded(value: str, words: str) -> None:
    assert yuan(Decimal(value)) == words


@pytest.mark.parametrize(("value", "words"), [("0.03", "3%"), ("0.003", "3‰"), ("0.155", "15.5%"), ("1", "100%"), ("0", "0%")])
def test_a_ratio_is_said_as_percent(value: str, words: str) -> None:
    assert percent(Decimal(value)) == words


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("last_year", "上年度"), ("2025", "2025年"), ("2025Q1", "2025年第1季度"), ("2025-03", "2025年3月"), ("year-2", "2年前"),
        ("2022..2024", "2022年至2024年"),
    ],
)  # fmt: skip
def test_a_period_is_said_as_people_say_it(name: str, words: str) -> None:
    assert period(name) == words


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}, "上年度营业收入不低于2000万元"),
        (
            {"fact": "rd_expense", "period": "last_year", "is": ">=",
             "value": {"times": [0.03, {"fact": "revenue", "period": "last_year"}]}},
            "上年度研发费用不低于上年度营业收入的3%",
        ),
        ({"fact": "revenue", "period": "last_year", "take": "growth", "is": ">", "value": 0.15}, "上年度营业收入同比增长率高于15%"),
        ({"fact": "industry", "is": "under", "value": ["C39", "I65"]}, "行业属于计算机、通信和其他电子设备制造业、软件和信息技术服务业"),
        ({"fact": "founded_on", "is": "<=", "value": {"ago": {"years": 1}}}, "成立日期不晚于1年前"),
        ({"fact": "dishonest", "is": "=", "value": False}, "不属于“严重失信”"),
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
            {"some": "certificate", "where": [{"field": "name", "is": "=", "value": "高新技术企业"}]},
            "有资质证书记录（名称为高新技术企业）",
        ),
        (
            {"fact": "rd_expense", "period": "last_year", "over": 3, "take": "sum", "is": ">=", "value": 10000000},
            "截至上年度的近3年研发费用合计不低于1000万元",
        ),
        (
            {"rank": "revenue", "period": "last_year", "take": "increase", "among": {"all": []}, "is": "<=", "value": 20},
            "上年度营业收入同比增加额在符合条件的企业中位列前20名",
        ),
        ({"not": {"judged": "存在重大违法"}}, "不是“存在重大违法”"),
    ],
)  # fmt: skip
def test_a_condition_is_said_with_the_registrys_names(rule: dict[str, Any], words: str) -> None:
    assert WORDS.wanted(parse_rule(loads(dumps(rule)))) == words


@pytest.mark.parametrize(
    ("low", "high", "given", "words"),
    [
        (None, None, {}, "以审核为准"),
        ("100000", "100000", {"amount": {"fixed": 100000}}, "10万元"),
        ("0", "300000", {"amount": {"fixed": 1}}, "最高30万元，以审核为准"),
        ("100000", "300000", {"amount": {"fixed": 1}}, "10万元至30万元，以审核为准"),
        (None, None, {"amount": {"judged": "一次性15—20万元", "between": [150000, 200000]}}, "一次性15—20万元（以审核为准）"),
        ("50000", "50000", {"amount": {"fixed": 50000}, "pays": "relief"}, "减免5万元"),
    ],
)
def test_how_much_is_a_sum_a_range_or_upon_review(low: str | None, high: str | None, given: dict[str, Any], words: str) -> None:
    assert amount(told(benefit(**given), low, high)) == words


def test_by_when_is_a_day_or_said_to_be_unwritten() -> None:
    assert deadline(told(deadline=date(2025, 12, 31))) == "2025年12月31日（含当日）"
    assert deadline(told()) == "文件未写明截止日期"


@pytest.mark.parametrize(
    ("mode", "word"),
    [("direct", "无需申请"), ("confirm", "点“确认”"), ("apply", "提出申请"), ("inform", "仅供知悉"), (None, "未写明办理方式")],
)
def test_what_to_do_next_follows_the_way_it_is_paid(mode: str | None, word: str) -> None:
    given = benefit(**({"mode": mode} if mode else {}), department="市工信局")
    steps = "".join(next_steps(told(given)))
    assert word in steps
    assert "市工信局" in steps


RULE = {
    "all": [
        {
            "fact": "revenue",
            "period": "last_year",
            "is": ">=",
            "value": 20000000,
            "quote": "上年度营业收入2000万元以上",
            "article": "第五条",
        },
        {"not": {"fact": "dishonest", "is": "=", "value": True}},
        {"judged": "有健全的财务制度"},
        {
            "any": [
                {"fact": "tax_credit", "period": "last_year", "is": "=", "value": "A"},
                {"fact": "district", "is": "under", "value": ["350205"]},
            ]
        },
    ]
}


def finding(path: str, value: str, **more: Any) -> Finding:
    return Finding.model_validate({"path": path, "value": value, "wanted": "…", **more})


def test_a_reason_names_what_was_found_what_is_wanted_and_who_stated_it() -> None:
    known = datetime(2025, 6, 20, tzinfo=UTC)
    told_why = reason(
        finding(
            "all/0", "true", fact="revenue@2024", found=Decimal(26000000), source="税务", known_at=known, quote="上年度营业收入2000万元以上"
        ),
        benefit(RULE),
        WORDS,
    )
    assert told_why.sentence == "2024年营业收入为2600万元，符合“上年度营业收入不低于2000万元”的要求。"
    assert told_why.source == "数据来源：市税务局，2025年6月20日获知"
    assert told_why.quote == "上年度营业收入2000万元以上"


def test_a_test_under_not_is_told_the_right_way_round() -> None:
    good = reason(finding("all/1/not", "false", fact="dishonest", found=False), benefit(RULE), WORDS)
    assert (good.outcome, good.sentence) == ("true", "经核对不属于“严重失信”，符合要求。")
    bad = reason(finding("all/1/not", "true", fact="dishonest", found=True), benefit(RULE), WORDS)
    assert bad.outcome == "false"
    assert bad.sentence == "经核对属于“严重失信”，不符合要求。"


def test_what_is_unknown_is_said_to_be_unknown_and_not_a_no() -> None:
    missing = reason(finding("all/3/any/0", "unknown", why="missing", fact="tax_credit@2024"), benefit(RULE), WORDS)
    assert "暂缺2024年纳税信用等级数据" in missing.sentence
    assert "不等于不符合" in missing.sentence
    judged = reason(finding("all/2", "unknown", why="judged"), benefit(RULE), WORDS)
    assert judged.sentence == "“有健全的财务制度”：需由主管部门人工认定。"


def decision(outcome: str, *tests: Finding) -> Decision:
    return Decision.model_validate(
        {
            "benefit": "ben-1", "enterprise": "x", "as_of": "2025-06-30", "outcome": outcome, "amount": {"low": "0.00", "high": None},
            "tests": tests,
        }
    )  # fmt: skip


def test_an_eligible_message_leaves_out_the_alternatives_that_did_not_matter() -> None:
    tests = (
        finding("all/0", "true", fact="revenue@2024", found=Decimal(26000000)),
        finding("all/1/not", "false", fact="dishonest", found=False),
        finding("all/3/any/0", "unknown", why="missing", fact="tax_credit@2024"),
        finding("all/3/any/1", "true", fact="district", found="350205"),
    )
    message = compose(told(benefit(RULE)), decision("eligible", *tests), load_registry())
    assert [why.outcome for why in message.why] == ["true"] * 3
    assert message.why_note is None
    assert "注册地为海沧区" in message.why[2].sentence


def test_the_whole_message_says_benefit_reason_clause_amount_deadline_and_step() -> None:
    given = benefit(RULE, amount={"fixed": 100000}, mode="confirm", obligations=[{"quote": "5年内不迁离"}])
    known = told(given, "100000", "100000", deadline=date(2025, 12, 31), document="关于促进发展的若干措施", doc_number="厦府〔2025〕1号")
    tests = (finding("all/0", "true", fact="revenue@2024", found=Decimal(26000000), quote="上年度营业收入2000万元以上", article="第五条"),)
    whole = text(compose(known, decision("eligible", *tests), load_registry()))
    for part in ("研发补助", "《关于促进发展的若干措施》（厦府〔2025〕1号）", "第五条", "“给予10万元奖励。”", "上年度营业收入2000万元以上",
                 "金额：10万元", "截止：2025年12月31日", "点“确认”", "5年内不迁离"):  # fmt: skip
        assert part in whole


def test_without_a_decision_the_message_stands_and_says_that_reasons_cannot_be_had() -> None:
    message = compose(told(), None, load_registry())
    assert message.why == ()
    assert "暂时无法取得判定依据" in (message.why_note or "")


def test_a_withdrawn_message_says_why_it_no_longer_holds() -> None:
    assert "信息变化" in short(told(status="withdrawn", withdrawn_because="facts"))


def test_a_bare_number_is_named_as_a_place_in_the_document() -> None:
    assert [place(article) for article in ("8", "2.", "第五条", "（三）", None)] == ["第8项", "第2项", "第五条", "（三）", ""]
