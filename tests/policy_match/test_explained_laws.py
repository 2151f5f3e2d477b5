"""The sentences of a decision say what it says and nothing else, for every rule and enterprise."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contracts.registry import load_registry
from services.policy_match.domain import TypeMismatch
from tests.policy_match import rules_at_random
from tests.policy_match.explaining import explained, sentence
from tests.policy_match.worlds_at_random import QUICK, enterprise, rules, validities

REGISTRY = load_registry()
VERDICT = {"true": "，符合。", "false": "，不符合", "unknown": "还不能判断。"}
IDS = sorted({*REGISTRY.facts, *(field for kind in REGISTRY.kinds.values() for field in kind.fields), *REGISTRY.kinds}, key=len)
FOREIGN = re.compile(rf"(?<![A-Za-z])({'|'.join(map(re.escape, (i for i in IDS if len(i) > 2)))})(?![A-Za-z])|_|None|True|False|[a-z]{{3}}")


def in_chinese(words: str) -> bool:
    return words.strip() != "" and FOREIGN.search(words) is None


@QUICK
@given(rules(), rules_at_random.amounts(), validities(), st.integers(0, 2**32))
def test_the_sentences_never_contradict_the_decision(rule: Any, amount: Any, valid: Any, seed: int) -> None:
    firms = [enterprise(seed + n) for n in range(6)]
    try:
        decision, words = explained(
            rule, firms[0]["facts"], firms[0]["records"], others=[(f["facts"], f["records"]) for f in firms[1:]],
            today=date(2025, 6, 30), amount=amount, valid=valid,
        )  # fmt: skip
    except TypeMismatch:  # a fact stated wrongly: there is no decision either
        return
    by_path = {reason.path: reason for reason in words.reasons}
    for test in decision.tests:
        turned = {"true": "false", "false": "true"}.get(test.value, test.value) if test.path.split("/").count("not") % 2 else test.value
        assert by_path[test.path].outcome == turned
        assert (by_path[test.path].quote, by_path[test.path].article) == (test.quote, test.article)
    for reason in words.reasons:
        said = {outcome for outcome, verdict in VERDICT.items() if verdict in reason.sentence}
        assert said == {reason.outcome}, reason.sentence
        if reason.outcome != "false":
            assert "还差" not in reason.sentence
            assert "超出" not in reason.sentence
    summary = {"eligible": "贵企业符合", "ineligible": "不", "undetermined": "还不能判断"}
    assert summary[decision.outcome] in words.summary
    assert (decision.outcome == "eligible") == ("贵企业符合" in words.summary)
    said = (words.summary, words.amount, *words.next, *(r.sentence for r in words.reasons))
    assert [text for text in said if not in_chinese(text)] == []
    if decision.outcome == "undetermined":
        assert len(words.next) >= (1 if decision.missing or decision.judged else 0)
    if decision.near_miss is not None:
        assert any("离符合条件还差" in text for text in words.next)
    if decision.eligible_from is not None:
        assert any("起符合条件" in text for text in words.next)


@given(st.fractions(min_value=0, max_value=2, max_denominator=10**6), st.sampled_from(["0.03", "0.055", "0.15", "1"]))
def test_a_rounded_share_stays_on_its_side_of_the_line(share: Any, line: str) -> None:
    """29,999 of 1,000,000 is not said to be 3 %."""
    asked = {"times": [float(line), {"fact": "revenue", "period": "2025"}]}
    facts = {"revenue": {"2025": share.denominator}, "rd_expense": {"2025": share.numerator}}
    found = sentence({"fact": "rd_expense", "period": "2025", "is": ">=", "value": asked}, facts)
    shown = re.search(r"的约?(-?[\d.]+)([%‰])（", found)
    assert shown is not None, found
    read = Decimal(shown[1]) / (100 if shown[2] == "%" else 1000)
    assert (read >= Decimal(line)) == (share >= Decimal(line)) == ("，符合。" in found)
