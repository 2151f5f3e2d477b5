"""A provision that gives something, as a draft: for whom, how much, on which terms."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.catalog.domain import terms
from services.catalog.domain.amounts import amount as read_amount
from services.catalog.domain.composing import composed, steps_of
from services.catalog.domain.condition import Condition
from services.catalog.domain.conditions import conditions
from services.catalog.domain.drafts.clauses import Clause, Draft
from services.catalog.domain.drafts.reading import Reading, frame, take_territory, without_none
from services.catalog.domain.facts import told
from services.catalog.domain.graded import graded
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.offers import offers
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.payments import payment
from services.catalog.domain.requirements import Requirement
from services.catalog.domain.rows import LENDERS, rows
from services.catalog.domain.strands import Provision


def promised(
    reading: Reading, provision: Provision, items: Sequence[Requirement], around: Mapping[str, Any], *, lexicon: Lexicon
) -> Draft | None:
    """The draft of a provision; `items` are the entries of a separate list of conditions that govern it, `around` what the clause says
    beside its provisions. None where neither whom nor how much can be read."""
    clause, document, body, setting = reading.clause, reading.document, reading.body, reading.setting
    governed = [c for c in conditions(body, provision, items) if not terms.opens(body, c)]
    target = Span(provision.span.start, provision.gives_at)
    graded_in = Span(provision.lead or provision.strands[0].sentence.start, provision.gives_at)
    described = [*graded(body.text, graded_in, governed, setting.registry), *rows(body.text, target, governed)]
    amount = read_amount(body, provision, lexicon)
    paid = payment(body, provision, amount, described, setting=setting)
    ground = reading.ground
    rule = composed(ground, governed, described, setting=setting, steps=steps_of(amount, paid.amount))
    for term, meaning in setting.meanings.items():
        if term in body.text[provision.span.start : provision.gives_at]:
            rule.take(dict(meaning))
    for condition in _of_title(reading):
        answer = told(condition, reading.title.text[condition.span.start : condition.span.end], setting)
        if not any(c.attribute == condition.attribute for c in governed):
            rule.take(answer.node | reading.heading.evidence(condition.span))
            rule.notes += answer.notes
    take_territory(reading, rule)
    beside, notes = around["beside"]
    for test in beside:
        rule.take(dict(test))
    rule.notes += notes
    if not rule.tests and paid.amount is None:
        return None
    nobody = not rule.tests
    if nobody:  # never everybody: whom the words mean is for a person to say
        rule.take({"judged": _short(body, provision, clause)} | ground.evidence(_first_phrase(body, provision)))
    if amount.base and LENDERS.search(body.text, amount.base.start, amount.base.end):
        rule.take({"judged": body.text[amount.base.start : amount.base.end]} | ground.evidence(amount.base))
    unread = _left_over(body, provision, governed)
    text = body.quote(provision.span)
    benefit = frame(reading, text) | {
        "title": _short(body, provision, clause),
        "kind": terms.kind(text, clause.benefit_type, paid.pays, money=paid.amount is not None),
        "rule": rule.node if rule.tests else {"all": []},
        "amount": None if paid.amount is None else paid.amount | ground.evidence(amount.words),
        "pays": paid.pays,
        "mode": terms.mode(body.text, bool(paid.amount)),
        "valid": terms.valid(*reading.validity, body, provision),
        "stacking": terms.stacking(body, provision, document.title, reading.article, document.clauses, setting=setting),
        **{name: said for name, said in around.items() if name != "beside"},
    }
    findings = [*paid.notes, *rule.notes]
    if nobody:
        findings.append("没有读出可判断的条件，由人判断，不向任何企业推送")
    return Draft(clause.measure, without_none(benefit), tuple(unread), tuple(dict.fromkeys(findings)))


def _of_title(reading: Reading) -> tuple[Condition, ...]:
    """The group that the measure's title names governs what its body promises."""
    made = offers(Passage.of(""), reading.title, reading.setting)
    return made[0][1].conditions if made else ()


def _first_phrase(body: Passage, provision: Provision) -> Span:
    end = min((i for c in ",;。" if (i := body.text.find(c, provision.span.start, provision.span.end)) > provision.span.start), default=-1)
    return Span(provision.span.start, end if end > 0 else provision.span.end)


def _short(body: Passage, provision: Provision, clause: Clause) -> str:
    """A title: the clause's own where it holds one benefit, else the first words of the provision."""
    words = body.text[provision.span.start : provision.span.end].strip(",;。")
    head = re.split(r"[,;。]", words)[0]
    return clause.title if clause.title and clause.title not in ("", clause.number) and len(clause.title) <= 40 else head[:40]


_IDLE = re.compile(r"^(?:按(?:规定|照)?|依法|并|可|予以|其中|同时|采取.{0,10}方式|给予|符合条件的?|相关|上述|鼓励|支持)?[,。;]?$")


def _left_over(body: Passage, provision: Provision, governed: Sequence[Condition]) -> list[str]:
    """Phrases before the giving that no condition covers."""
    out = []
    start = provision.span.start
    for phrase in re.finditer(r"[^,。;]+", body.text[start : provision.gives_at]):
        span = Span(start + phrase.start(), start + phrase.end())
        covered = sum(len(range(max(span.start, c.span.start), min(span.end, c.span.end))) for c in governed)
        if len(span) >= 6 and covered * 3 < len(span) and not _IDLE.match(phrase.group()):
            out.append(body.quote(span))
    return out
