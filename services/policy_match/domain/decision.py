"""The decision for one enterprise, one benefit and one day: the outcome, the sum, what would settle it, and the reasons."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from contracts.rules import AmountRange, Benefit, Decision, Figures, Finding, Outcome, Registry, Span
from services.policy_match.domain.amount import NO_AMOUNT, AmountInterval, interval
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.in_time import eligible_from
from services.policy_match.domain.interpreter import Scope, answer, value
from services.policy_match.domain.near_miss import near_miss
from services.policy_match.domain.population import Population
from services.policy_match.domain.reasons import finding, leaves
from services.policy_match.domain.truth import TRUE, Answer, both, either
from services.policy_match.domain.values import relation

_OUTCOMES: dict[bool | None, Outcome] = {True: "eligible", False: "ineligible", None: "undetermined"}


def outcome(
    benefit: Benefit, enterprise: Enterprise, *, as_of: date, registry: Registry, figures: Figures, population: Population | None = None
) -> tuple[Outcome, AmountInterval]:
    """The outcome and the sum, without reasons. Raises TypeMismatch for a rule that `check` refuses."""
    scope = _scope(benefit, enterprise, as_of, registry, figures, population)
    result = settled(benefit, scope)
    return _OUTCOMES[result.value], _amount(benefit, result, scope)


def decide(
    benefit: Benefit,
    enterprise: Enterprise,
    *,
    as_of: date,
    registry: Registry,
    figures: Figures,
    explain: bool = True,
    population: Population | None = None,
    rule_version: int | None = None,
    facts_as_known_at: datetime | None = None,
) -> Decision:
    """The whole decision; with `explain` also every test, the near miss and the day on which it turns. Raises TypeMismatch."""
    scope = _scope(benefit, enterprise, as_of, registry, figures, population)
    result = settled(benefit, scope)
    amount = _amount(benefit, result, scope)
    missing = tuple(dict.fromkeys(result.missing))
    state = _OUTCOMES[result.value]
    return Decision.model_construct(
        benefit=benefit.id,
        enterprise=enterprise.uscc,
        as_of=as_of,
        language=1,
        outcome=state,
        amount=AmountRange.model_construct(
            low=str(amount.low),
            high=None if amount.high is None else str(amount.high),
            missing=tuple(name for name in dict.fromkeys(amount.missing) if name not in missing),
        ),
        tests=_findings(benefit, scope) if explain else (),
        missing=missing,
        judged=tuple(dict.fromkeys(result.judged)),
        near_miss=near_miss(benefit.rule, scope) if explain and state == "ineligible" and in_force(benefit, scope).value is True else None,
        eligible_from=_eligible_from(benefit, scope) if explain and state != "eligible" else None,
        rule_version=rule_version,
        facts_as_known_at=facts_as_known_at,
    )


def settled(benefit: Benefit, scope: Scope) -> Answer:
    """Whether the benefit is in force and its rule true; while it is not in force, the rule is not asked."""
    force = in_force(benefit, scope)
    return force if force.value is False else both((force, answer(benefit.rule, scope)))


def in_force(benefit: Benefit, scope: Scope) -> Answer:
    """Whether the day lies in `valid` or in `window`; a benefit without dates is in force."""
    if benefit.valid is None:
        return TRUE
    spans = [benefit.valid] if benefit.window is None else [benefit.valid, benefit.window]
    return either(_within(span, scope) for span in spans)


def _within(span: Span, scope: Scope) -> Answer:
    ends = []
    if span.from_ is not None:
        ends.append(relation(">=", scope.as_of, value(span.from_, scope)))
    if span.to is not None:
        ends.append(relation("<=", scope.as_of, value(span.to, scope)))
    return both(ends)


def _scope(
    benefit: Benefit, enterprise: Enterprise, as_of: date, registry: Registry, figures: Figures, population: Population | None
) -> Scope:
    return Scope(enterprise, as_of, registry, figures, benefit.id, population.standings if population else None)


def _amount(benefit: Benefit, result: Answer, scope: Scope) -> AmountInterval:
    if result.value is False:
        return NO_AMOUNT
    found = interval(benefit.amount, scope)
    return found if result.value is True else AmountInterval(NO_AMOUNT.low, found.high, found.missing)


def _findings(benefit: Benefit, scope: Scope) -> tuple[Finding, ...]:
    force = in_force(benefit, scope)
    first: Iterable[Finding] = () if force.value is True else (_force_finding(benefit, force, scope),)
    return (*first, *(finding(leaf, scope) for leaf in leaves(benefit.rule)))


def _force_finding(benefit: Benefit, force: Answer, scope: Scope) -> Finding:
    spans = [span for span in (benefit.valid, benefit.window) if span is not None]
    ends = [tuple("…" if end is None else _day(end, scope) for end in (span.from_, span.to)) for span in spans]
    return Finding.model_construct(
        path="valid",
        value="false" if force.value is False else "unknown",
        why=None if force.value is False else "missing",
        fact=None,
        found=scope.as_of.isoformat(),
        wanted=" or ".join(f"between [{low}, {high}]" for low, high in ends),
        quote=next((span.quote for span in spans if span.quote), None),
        article=next((span.article for span in spans if span.article), None),
    )


def _day(end: object, scope: Scope) -> str:
    found = value(end, scope)
    return found.isoformat() if isinstance(found, date) else found if isinstance(found, str) else "?"


def _eligible_from(benefit: Benefit, scope: Scope) -> date | None:
    force = in_force(benefit, scope).value is True
    return eligible_from(benefit, scope, lambda later: settled(benefit, later).value is True, in_force=force)
