"""Whether a benefit may be published: it can be decided, does not contradict itself, and passes the cases that travel with it.

Everything is said with its place in the benefit, what is wrong and what to do, in the words an officer reads.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from contracts.rules import Benefit, Figures, Registry, RuleCase, open_facts_of
from services.policy_match.domain.decision import outcome
from services.policy_match.domain.doubts import contradictions, shared_names, warnings
from services.policy_match.domain.enterprise import FactError, enterprise_of, type_problems
from services.policy_match.domain.language import CheckFinding, language_problems
from services.policy_match.domain.wording import explained


@dataclass(frozen=True)
class Report:
    """What the check of one benefit found. Errors forbid publishing; warnings ask for a second look."""

    benefit: str
    errors: tuple[CheckFinding, ...]
    warnings: tuple[CheckFinding, ...]
    open_facts: tuple[str, ...]
    cases_passed: int


def check(benefit: Benefit, *, registry: Registry, figures: Figures, others: Iterable[Benefit] = ()) -> Report:
    """The report on one benefit; `others` are the benefits it shares groups and caps with."""
    errors = [*language_problems(benefit, registry), *contradictions(benefit)]
    passed = 0
    if not errors:
        for position, case in enumerate(benefit.cases or ()):
            problem = _case_problem(benefit, case, registry, figures)
            if problem is None:
                passed += 1
            else:
                errors.append(
                    CheckFinding("case-fails", f"cases/{position}", f"用例“{case.name}”不通过：{problem}", "请改正规则，或改正用例")
                )
    doubts = [*warnings(benefit, registry, figures), *shared_names(benefit, others)]
    return Report(benefit.id, tuple(errors), tuple(dict.fromkeys(doubts)), tuple(sorted(open_facts_of(benefit))), passed)


def _case_problem(benefit: Benefit, case: RuleCase, registry: Registry, figures: Figures) -> str | None:
    """Why a case that travels with the rule fails; None where it holds."""
    try:
        enterprise = enterprise_of({"uscc": "", "name": case.name, "facts": case.facts, "records": case.records})
    except FactError as error:
        return str(error)
    problems = list(type_problems(enterprise, registry))
    if problems:
        return "；".join(problems)
    state, amount = outcome(benefit, enterprise, as_of=case.as_of, registry=registry, figures=figures)
    if state != case.expect:
        return f"应为“{_OUTCOMES[case.expect]}”，得到“{_OUTCOMES[state]}”{_because(benefit, case, registry, figures)}"
    if case.amount is not None and not amount.low == amount.high == Decimal(case.amount):
        return f"金额应为 {case.amount}，得到 {amount.low}" + (
            "" if amount.low == amount.high else f"—{amount.high if amount.high is not None else '不限'}"
        )
    return None


_OUTCOMES = {"eligible": "符合", "ineligible": "不符合", "undetermined": "待定"}


def _because(benefit: Benefit, case: RuleCase, registry: Registry, figures: Figures) -> str:
    """The requirements that made the case come out as it did: those it does not meet, else those that are unknown."""
    enterprise = enterprise_of({"uscc": "", "name": case.name, "facts": case.facts, "records": case.records})
    decision = explained(benefit, enterprise, as_of=case.as_of, registry=registry, figures=figures)
    if decision.outcome == "eligible":
        return "；此例满足全部条件"
    decisive = "false" if decision.outcome == "ineligible" else "unknown"
    told = decision.in_words.reasons if decision.in_words else ()
    return "；" + "；".join(reason.sentence.rstrip("。") for reason in told if reason.outcome == decisive)
