"""A successor is proposed from the new clause, and nothing a person decided is lost without a word."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.catalog.domain.succession import changes, pair, propose, told, told_terms

OLD = {
    "id": "m/01",
    "title": "研发奖励",
    "rule": {"fact": "rd_expense", "is": ">", "value": 5_000_000, "quote": "研发费用超过500万元", "span": [10, 20]},
    "amount": {"fixed": 200_000, "quote": "奖励20万元", "span": [30, 36]},
    "source": {"document": "doc", "version": 1},
}
NEW: dict[str, Any] = {
    **OLD,
    "amount": {"fixed": 300_000, "quote": "奖励30万元", "span": [32, 38]},
    "rule": {**OLD["rule"], "span": [12, 22]},  # type: ignore[dict-item]
    "source": {"document": "doc", "version": 2},
}
BODY = "研发费用超过500万元的企业，奖励30万元。"


def test_what_nobody_touched_is_proposed_as_it_is_read_now() -> None:
    standing = {**OLD, "id": "ben-1"}
    proposal = propose(standing, OLD, NEW, body=BODY)
    assert proposal.benefit == {**NEW, "id": "ben-1"}
    assert proposal.findings == ()


def test_what_a_person_made_of_unchanged_words_stays_and_what_the_words_changed_is_proposed() -> None:
    cases = [{"name": "一家企业"}]
    rule = {"all": [OLD["rule"], {"fact": "district", "is": "in", "value": ["350203"], "quote": "思明区"}]}
    standing = {**OLD, "id": "ben-1", "title": "人员改过的标题", "rule": rule, "cases": cases}
    proposal = propose(standing, OLD, NEW, body=BODY)
    assert (proposal.benefit["title"], proposal.benefit["cases"], proposal.benefit["amount"]) == ("人员改过的标题", cases, NEW["amount"])
    assert proposal.benefit["rule"]["all"][1]["value"] == ["350203"]
    assert "span" not in str(proposal.benefit["rule"])
    assert proposal.benefit["source"]["version"] == 2
    assert proposal.findings == ("“思明区”在新条文中已找不到，请核对条件",)


def test_a_persons_amount_that_the_new_words_contradict_is_proposed_anew_and_said() -> None:
    standing = {**OLD, "id": "ben-1", "amount": {"fixed": 250_000}}
    proposal = propose(standing, OLD, NEW, body=BODY)
    assert proposal.benefit["amount"] == NEW["amount"]
    assert proposal.findings == ("金额曾由人员修改，现按新条文重新提出，请核对",)
    agreed = propose({**standing, "amount": {"fixed": 300_000}}, OLD, NEW, body=BODY)
    assert agreed.findings == ()


def test_each_benefit_of_a_clause_goes_on_with_the_one_whose_words_are_alike() -> None:
    small, large = "对小型企业给予一次性补贴5万元", "对规模以上工业企业给予奖励50万元"
    assert pair([small, large], [large.replace("50", "60"), small]) == [1, 0]
    assert pair([small, large], [large]) == [1]
    assert pair([small], ["完全不同的另一句话"]) == [0]
    assert pair([], [small]) == [None]


def test_the_finding_says_which_words_changed() -> None:
    assert told("给予奖励20万元，有效期3年。", "给予奖励30万元，有效期3年，先到先得。") == "“20万元”改为“30万元”，新增“，先到先得”"
    assert told("给予奖励。另行通知。", "给予奖励。") == "删去“另行通知。”"
    assert changes("给予 奖励", "给予\n奖励") == []


def test_a_longer_validity_is_told_and_an_equal_one_is_not() -> None:
    before = {"valid_from": "2026-01-01", "valid_to": "2028-12-31", "clauses": ["本措施由市工信局解释。"]}
    assert told_terms(before, before) is None
    assert told_terms(before, {**before, "valid_to": "2030-12-31"}) == "有效期截止日由 2028-12-31 改为 2030-12-31"
    assert "适用于全部举措的条文" in (told_terms(before, {**before, "clauses": ["同一项目不重复享受。"]}) or "")


@given(st.text("奖励补贴20万元，。 \n", max_size=40), st.text("奖励补贴30万元，。 \n", max_size=40))
def test_the_changes_taken_away_and_put_in_account_for_every_character(before: str, after: str) -> None:
    found = changes(before, after)
    gone, come = (sum(len("".join(words.split())) for words in side) for side in (zip(*found, strict=True) if found else ((), ())))
    assert len("".join(before.split())) - gone == len("".join(after.split())) - come
