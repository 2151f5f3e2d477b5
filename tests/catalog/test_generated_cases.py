"""Cases that travel with a draft: they follow from the clause, the interpreter agrees with them, and a changed rule fails them."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.registry import load_figures, load_registry
from contracts.rules import dumps, loads, parse_benefit
from services.catalog.domain.drafts import Document
from services.policy_match.domain import check
from tests.drafting import NOTICE, draft, only

REGISTRY, FIGURES = load_registry(), load_figures()


def failures(benefit: dict[str, Any]) -> list[str]:
    found = check(parse_benefit(loads(dumps(benefit))), registry=REGISTRY, figures=FIGURES)
    return [error.problem for error in found.errors if error.code == "case-fails"]


def outcomes(benefit: dict[str, Any]) -> list[str]:
    return [case["expect"] for case in benefit.get("cases", ())]


def test_a_draft_has_a_case_on_the_line_one_below_it_and_one_unknown() -> None:
    benefit = only("对上年度营业收入2000万元以上的企业，给予10万元奖励。")
    assert outcomes(benefit) == ["eligible", "ineligible", "undetermined"]
    met, short, unknown = benefit["cases"]
    assert met["facts"]["revenue"] == {"2024": 20000000}
    assert met["amount"] == "100000.00"
    assert short["facts"]["revenue"] == {"2024": 19999999}
    assert "revenue" not in unknown["facts"]
    assert all("自动生成" in case["name"] for case in benefit["cases"])
    assert failures(benefit) == []


def test_a_rule_that_leaves_something_to_a_person_has_no_cases() -> None:
    assert outcomes(only("对示范效应明显的小微企业，给予10万元奖励。")) == []
    assert outcomes(only("对办展3天以上的企业，给予5万元补助。")) == []


WHOM = (
    "上年度营业收入2000万元以上的",
    "上年度研发费用100万元以上且研发费用占营业收入比例不低于4%的",
    "上年度营业收入1000万元以上且同比增长20%以上的",
    "注册成立满3年的",
    "上年度首次认定为高新技术企业的",
    "在职职工人数30人（含）以下的",
    "上年度末从业人数50人以上且较前一年度增长10%以上的",
    "列入重点上市后备企业名单的",
    "上年度首次纳入规模以上工业统计的",
    "对上年度技术开发合同成交额合计达到50万元以上的",
    "上年度营业收入首次达到1亿元的",
)
WIDE = ("", "本措施适用于在本市注册登记、具有独立法人资格的企业。", "被列入严重失信主体名单的企业，不享受本措施。")


@settings(deadline=None, max_examples=40)
@given(whom=st.lists(st.sampled_from(WHOM), min_size=1, max_size=3, unique=True), wide=st.sampled_from(WIDE))
def test_the_interpreter_agrees_with_every_generated_case(whom: list[str], wide: str) -> None:
    body = f"对{'，且'.join(whom)}企业，给予10万元奖励。"
    document = Document(NOTICE.title, valid_from=NOTICE.valid_from, valid_to=NOTICE.valid_to, clauses=(wide,) if wide else ())
    for found in draft(body, document=document):
        assert failures(found.benefit) == []


@pytest.mark.parametrize("whom", WHOM[:6])
def test_a_rule_changed_at_its_line_fails_a_case(whom: str) -> None:
    benefit = only(f"对{whom}企业，给予10万元奖励。")
    assert outcomes(benefit)
    changed = deepcopy(benefit)
    changed["rule"] = {"all": []}
    assert failures(changed)


def test_a_stricter_sign_fails_the_case_on_the_line() -> None:
    benefit = only("对上年度营业收入2000万元以上的企业，给予10万元奖励。")
    benefit["rule"]["is"] = ">"
    assert failures(benefit)
