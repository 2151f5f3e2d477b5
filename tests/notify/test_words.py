"""What an enterprise reads: plain Chinese, exact sums, the clause's own words, and unknown said as unknown."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.rules import Decision, Reason, parse_benefit
from services.notify.domain.message import Told, amount, compose, deadline, next_steps, place, short, text


def benefit(rule: Any = None, **more: Any) -> Any:
    given = {"id": "ben-1", "title": "研发补助", "policy": "《若干措施》", "article": "第五条", "text": "给予10万元奖励。"}
    return parse_benefit({**given, "rule": rule or {"all": []}, **more})


def told(given: Any = None, low: str | None = None, high: str | None = None, **more: Any) -> Told:
    return Told(
        benefit=given or benefit(), low=Decimal(low) if low else None, high=Decimal(high) if high else None, **{"deadline": None, **more}
    )


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


def reason(path: str, outcome: str, sentence: str = "…", **more: Any) -> Reason:
    return Reason.model_validate({"path": path, "outcome": outcome, "sentence": sentence, **more})


WINDOW = "申请时间：2025年9月1日至2025年12月31日，还没有开始。"


def decision(outcome: str, *reasons: Reason) -> Decision:
    return Decision.model_validate(
        {
            "benefit": "ben-1", "enterprise": "x", "as_of": "2025-06-30", "outcome": outcome, "amount": {"low": "0.00", "high": None},
            "in_words": {"summary": "…", "reasons": reasons, "amount": "定额10万元，可得10万元。", "next": [WINDOW]},
        }
    )  # fmt: skip


def test_an_eligible_message_leaves_out_the_alternatives_that_did_not_matter() -> None:
    said = (
        reason("all/0", "true"), reason("all/1/not", "true"), reason("all/3/any/0", "unknown"),
        reason("all/3/any/1", "true", "注册地为海沧区，要求属于海沧区，符合。"),
    )  # fmt: skip
    message = compose(told(benefit(RULE)), decision("eligible", *said))
    assert [why.outcome for why in message.why] == ["true"] * 3
    assert message.why_note is None
    assert "注册地为海沧区" in message.why[2].sentence


def test_a_decision_that_has_changed_since_is_shown_whole_and_said_to_be_newer() -> None:
    message = compose(told(benefit(RULE)), decision("undetermined", reason("all/0", "true"), reason("all/3/any/0", "unknown")))
    assert [why.outcome for why in message.why] == ["true", "unknown"]
    assert "情况已有变化" in (message.why_note or "")
    assert message.reckoned is None


def test_the_whole_message_says_benefit_reason_clause_amount_deadline_and_step() -> None:
    given = benefit(RULE, amount={"fixed": 100000}, mode="confirm", obligations=[{"quote": "5年内不迁离"}])
    known = told(given, "100000", "100000", deadline=date(2025, 12, 31), document="关于促进发展的若干措施", doc_number="厦府〔2025〕1号")
    said = reason(
        "all/0", "true", "2024年营业收入2600万元，要求不低于2000万元，符合。", source="数据来自市税务局，2025年3月1日",
        quote="上年度营业收入2000万元以上", article="第五条",
    )  # fmt: skip
    whole = text(compose(known, decision("eligible", said)))
    for part in ("研发补助", "《关于促进发展的若干措施》（厦府〔2025〕1号）", "第五条", "“给予10万元奖励。”", "上年度营业收入2000万元以上",
                 "2024年营业收入2600万元，要求不低于2000万元，符合。（数据来自市税务局，2025年3月1日）", "计算：定额10万元",
                 "金额：10万元", f"下一步：{WINDOW}", "截止：2025年12月31日", "点“确认”", "5年内不迁离"):  # fmt: skip
        assert part in whole


def test_without_a_decision_the_message_stands_and_says_that_reasons_cannot_be_had() -> None:
    message = compose(told(), None)
    assert message.why == ()
    assert "暂时无法取得判定依据" in (message.why_note or "")


def test_a_withdrawn_message_says_why_it_no_longer_holds() -> None:
    assert "信息变化" in short(told(status="withdrawn", withdrawn_because="facts"))


def test_a_bare_number_is_named_as_a_place_in_the_document() -> None:
    assert [place(article) for article in ("8", "2.", "第五条", "（三）", None)] == ["第8项", "第2项", "第五条", "（三）", ""]
