"""Explain one decision of a made-up enterprise."""

from datetime import date
from typing import Any

from contracts.registry import load_figures, load_registry
from contracts.rules import Decision, InWords, parse_benefit
from services.policy_match.domain import enterprise_of, rank_population, wording
from tests.policy_match.worlds_at_random import exact

TODAY = date(2026, 6, 30)
REGISTRY, FIGURES = load_registry(), load_figures()


def explained(
    rule: Any, facts: Any = None, records: Any = None, *, others: Any = (), today: date = TODAY, stated: Any = None, standing: Any = None,
    **benefit: Any,
) -> tuple[Decision, InWords]:  # fmt: skip
    one = parse_benefit(exact({"id": "b", "title": "研发补助", "rule": rule, **benefit}))
    firm, *rest = (
        enterprise_of(exact({"uscc": "u", "name": "n", "facts": f, "records": r})) for f, r in [(facts or {}, records or {}), *others]
    )
    ranked = rank_population([one], [firm, *rest], as_of=today, registry=REGISTRY, figures=FIGURES)
    decision = wording.explained(
        one, firm, as_of=today, registry=REGISTRY, figures=FIGURES, population=ranked, stated=stated, standing=standing
    )
    assert decision.in_words is not None
    return decision, decision.in_words


def sentence(rule: Any, facts: Any = None, records: Any = None, **more: Any) -> str:
    """The one sentence of a rule with one test."""
    [reason] = explained(rule, facts, records, **more)[1].reasons
    return reason.sentence
