"""All clauses of a document as drafts: what they ask of one another, and what the document asks of all."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from contracts.rules import Registry
from services.catalog.domain import terms
from services.catalog.domain.cases import generated
from services.catalog.domain.composing import Ground, Rule, bare
from services.catalog.domain.drafts.clauses import Clause, Document, Draft
from services.catalog.domain.drafts.offered import offered
from services.catalog.domain.drafts.promised import promised
from services.catalog.domain.drafts.reading import Reading
from services.catalog.domain.governing import Governing, asked_beside, governing
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.naming import Node, Setting
from services.catalog.domain.offers import RESULT
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.provisions import provisions
from services.catalog.domain.requirements import requirements
from services.catalog.domain.strands import Provision


def drafts(clauses: Sequence[Clause], document: Document, *, registry: Registry, city: str) -> list[Draft]:
    """Every draft of a document's clauses, in their order. `city` is the division code of the deployment (GB/T 2260).

    A clause that only exhorts, or that promises everybody something, gives none.
    """
    lexicon = Lexicon()
    setting = Setting(registry, city)
    begins = [day for day in (document.valid_from or document.issue_date, document.read_on) if day]
    wide = governing(document.clauses, [c.body for c in clauses], setting, since=max(begins, default=None))
    setting = replace(setting, inclusive=wide.inclusive, meanings=wide.meanings)
    readings = [Reading(clause, document, setting) for clause in clauses]
    found = [(reading, draft) for reading in readings for draft in _of_clause(reading, lexicon)]
    rules: dict[str, list[Node]] = {}
    for reading, draft in found:
        rules.setdefault(reading.clause.number, []).append(draft.benefit["rule"])
    return [_with_cases(_governed(_referring(reading, draft, rules), wide), registry) for reading, draft in found]


def _with_cases(draft: Draft, registry: Registry) -> Draft:
    """A draft with the cases that follow from its own rule, on the first day it is in force or can be claimed."""
    begins = [span["from"] for name in ("valid", "window") if (span := draft.benefit.get(name)) and span.get("from")]
    day = date.fromisoformat(max(begins)) if begins else None
    cases = generated(draft.benefit["rule"], draft.benefit["amount"], as_of=day, registry=registry)
    return replace(draft, benefit=draft.benefit | {"cases": cases}) if cases else draft


_REFERS = re.compile(r"(?:符合|满足|具备|享受|获得)(?:本[\u4e00-\u9fa5]{2,6})?(?P<n>第[一二三四五六七八九十百\d]+条)(?![^,。;]{0,20}不)")


def _referring(reading: Reading, draft: Draft, rules: Mapping[str, Sequence[Node]]) -> Draft:
    """A draft that asks for what another article asks (符合第二条条件的企业), with that article's rule."""
    body = Passage.of(draft.benefit["text"])
    rule = Rule(list(draft.benefit["rule"].get("all", [draft.benefit["rule"]])))
    for m in _REFERS.finditer(body.text):
        asked = rules.get(m["n"], []) if m["n"] != reading.clause.number else []
        node: Node = asked[0] if len(asked) == 1 else {"any": list(asked)}
        said = Ground(body, reading.article, None).evidence(Span(m.start(), m.end()))
        rule.tests = [t for t in rule.tests if m["n"] not in str(t.get("judged", ""))]
        rule.take(({"all": [node]} if asked else {"judged": m.group()}) | said)
    return replace(draft, benefit=draft.benefit | {"rule": rule.node if rule.tests else {"all": []}})


def _governed(draft: Draft, wide: Governing) -> Draft:
    """A draft with what the document asks of every benefit."""
    benefit = dict(draft.benefit)
    rule = Rule()
    for test in benefit["rule"]["all"] if set(benefit["rule"]) == {"all"} else [benefit["rule"]]:
        rule.take(test)
    for test in wide.tests:
        own_place = test.get("fact") == "district" and any(t.get("fact") == "district" for t in rule.tests)
        if not own_place:  # a district's own measure says more than the city's
            rule.take(test)
    benefit["rule"] = rule.node if rule.tests else {"all": []}
    if wide.window and "window" not in benefit:
        benefit["window"] = wide.window
        if benefit["mode"] == "inform" and benefit["amount"] is not None:
            benefit["mode"] = "apply"  # a time to apply is a thing to apply for
    return replace(draft, benefit=benefit, findings=tuple(dict.fromkeys((*draft.findings, *wide.notes))))


def _of_clause(reading: Reading, lexicon: Lexicon) -> list[Draft]:
    body = reading.body
    given = [p for p in provisions(body, lexicon) if not _reports(body, p)]
    listed = requirements(body, given, lexicon)
    said = [Span(p.lead or p.span.start, p.span.end) for p in given] + [i.span for items in listed.values() for i in items]
    around = _around(reading, said) if given else {}
    drafted = [promised(reading, p, listed.get(i, []), around, lexicon=lexicon) for i, p in enumerate(given)]
    found = _distinct([d for d in drafted if d is not None])
    if not found and reading.clause.enterprise_benefit is not False:
        found = offered(reading)
    return [_numbered(d, reading.clause.title, i, len(found)) for i, d in enumerate(found, 1)]


def _around(reading: Reading, said: Sequence[Span]) -> dict[str, Any]:
    """What a clause says beside its provisions, and so of each of them: the terms, and under "beside" the tests with their notes."""
    body, document = reading.body, reading.document
    texts = [body.text, *(Passage.of(c).text for c in document.clauses)]
    tests, notes = asked_beside(body, said, reading.setting)
    opened = terms.window(body)
    return {
        "beside": ([test | {"article": reading.article} for test in tests], notes + ([] if opened else terms.claim_times(body))),
        "window": opened,
        "obligations": terms.obligations(body),
        "procedure": terms.procedure(texts),
        "budget": terms.budget(texts, document.title),
    }


def _distinct(found: list[Draft]) -> list[Draft]:
    """Without drafts that repeat an earlier one's rule and add no amount."""
    out: list[Draft] = []
    for draft in found:
        rule = bare(draft.benefit["rule"])
        if draft.benefit["amount"] is not None or all(bare(d.benefit["rule"]) != rule for d in out):
            out.append(draft)
    return out


def _reports(body: Passage, provision: Provision) -> bool:
    """Results achieved are no promise."""
    words = body.text[provision.span.start : provision.span.end]
    at = provision.gives_at - provision.span.start
    clause = words[max(words.rfind(c, 0, at) for c in ",;。") + 1 : at + 12]
    return bool(RESULT.search(clause) or re.search(r"截至(?!上)|兑现\d|年\d+月至", words))


def _numbered(draft: Draft, title: str, i: int, of: int) -> Draft:
    benefit = dict(draft.benefit)
    benefit["id"] = f"{draft.measure}#{i}" if of > 1 else draft.measure
    if of > 1 and benefit["title"] == title:  # several of one clause are told apart by their own first words
        words = re.split(r"[,;。:(]", Passage.of(benefit["text"]).text.removeprefix("对"))[0]
        benefit["title"] = f"{title}：{words[:24]}"
    return Draft(draft.measure, benefit, draft.unread, draft.findings)
