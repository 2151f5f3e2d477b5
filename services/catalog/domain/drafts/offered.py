"""A measure that offers a service without a sum, as drafts that tell the groups it names."""

import re

from services.catalog.domain import terms
from services.catalog.domain.composing import Rule, bare
from services.catalog.domain.drafts.clauses import Draft
from services.catalog.domain.drafts.reading import Reading, frame, take_territory, without_none
from services.catalog.domain.facts import told
from services.catalog.domain.junctions import leaning
from services.catalog.domain.naming import Node
from services.catalog.domain.offers import asked_of_target, district, offers
from services.catalog.domain.passage import Span


def offered(reading: Reading) -> list[Draft]:
    """The drafts of a measure that offers a service, one for each group it names; they only inform."""
    clause, body, title, setting = reading.clause, reading.body, reading.title, reading.setting
    found: list[Draft] = []
    seen: list[Node] = []
    made = offers(body, title, setting)
    where, _ = district(body, clause.units, setting)
    if (
        not made
        and where is not None
        and re.search(r"(?<!涉)企业(?!群众|家|和群众)|经营主体|市场主体(?!登记)|纳税人", body.text + title.text)
    ):
        made = [("body", None)]  # type: ignore[list-item]
    for source, offer in made:
        rule = Rule()
        ground = reading.heading if source == "title" else reading.ground
        for condition in offer.conditions if offer else ():
            answer = told(*leaning(ground.passage.text, condition, []), setting, text=ground.passage.text)
            rule.take(answer.node | ground.evidence(condition.span))
            rule.notes += answer.notes
        targets = asked_of_target(body.text, Span(0, len(body.text))) if source == "title" else []
        for condition in targets:
            if offer is None or all(c.attribute != condition.attribute for c in offer.conditions):
                answer = told(*leaning(body.text, condition, []), setting, text=body.text)
                rule.take(answer.node | reading.ground.evidence(condition.span))
        take_territory(reading, rule)
        said = bare(rule.node) if rule.tests else None
        if said is None or said in seen:
            continue
        seen.append(said)
        group = "、".join(str(c.value) for c in offer.conditions) if offer else ""
        benefit = frame(reading, clause.body) | {
            "title": clause.title if len(made) == 1 or not group else f"{clause.title}（{group}）",
            "kind": terms.kind(clause.body, clause.benefit_type, None),
            "rule": rule.node,
            "amount": None,
            "mode": "inform",
            "valid": terms.valid(*reading.validity, None, None),
        }
        notes = [*rule.notes, "服务类举措，没有读出金额"]
        found.append(Draft(clause.measure, without_none(benefit), (), tuple(dict.fromkeys(notes))))
    return found
