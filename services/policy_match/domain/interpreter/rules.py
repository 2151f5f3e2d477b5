"""How rules join and what a person decides (rules.md 2: all, any, not, at_least, judged)."""

from __future__ import annotations

from contracts.rules import All, AnyOf, AtLeast, Judged, Not
from services.policy_match.domain.enterprise import Row
from services.policy_match.domain.interpreter.records import existing_rows
from services.policy_match.domain.interpreter.scope import Scope, answer, truth_of
from services.policy_match.domain.truth import FALSE, TRUE, Answer, both, either, negated
from services.policy_match.domain.values import same_text


@truth_of(All)
def _all(rule: All, scope: Scope) -> Answer:
    return both(answer(limb, scope) for limb in rule.all)


@truth_of(AnyOf)
def _any(rule: AnyOf, scope: Scope) -> Answer:
    return either(answer(limb, scope) for limb in rule.any)


@truth_of(Not)
def _not(rule: Not, scope: Scope) -> Answer:
    return negated(answer(rule.not_, scope))


@truth_of(AtLeast)
def _at_least(rule: AtLeast, scope: Scope) -> Answer:
    answers = [answer(limb, scope) for limb in rule.of]
    surely = sum(a.value is True for a in answers)
    if surely >= rule.at_least:
        return TRUE
    unknown = [a for a in answers if a.value is None]
    if surely + len(unknown) < rule.at_least:
        return FALSE
    return Answer(None, tuple(m for a in unknown for m in a.missing), tuple(j for a in unknown for j in a.judged))


@truth_of(Judged)
def _judged(rule: Judged, scope: Scope) -> Answer:
    return settled_by_a_person(Answer(None, (), (rule.judged,)), scope)


def settled_by_a_person(open_: Answer, scope: Scope) -> Answer:
    """The answer once a person has judged: what waits for one text only is settled by the newest judgement on it (rules.md 1)."""
    if open_.value is not None or open_.missing or len(set(open_.judged)) != 1:
        return open_
    holds = (judgement_of(open_.judged[0], scope) or {}).get("holds")
    return open_ if not isinstance(holds, bool) else TRUE if holds else FALSE


def judgement_of(text: str, scope: Scope) -> Row | None:
    """The newest judgement a person gave on this text of this benefit, a row of `judgement`; None where there is none (rules.md 1)."""
    wanted = same_text(text)
    rows = [
        row
        for row in existing_rows("judgement", scope) or ()
        if row.get("benefit") == scope.benefit and isinstance(row.get("text"), str) and same_text(row["text"]) == wanted
    ]
    return max(rows, key=lambda row: str(row.get("decided_on", "")), default=None)
