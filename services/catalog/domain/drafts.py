"""From clauses to drafts of computable benefits: the rule, the amount and the terms, each with the words it comes from.

`drafts` reads the clauses of one document that ingest has divided. A draft is a proposal to an officer: what could not be read is said
in `unread`, what was taken for granted in `findings`. Evidence or nothing: every quote occurs in the clause, in its heading, among its
units or in a document-wide clause.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from contracts.rules import Registry
from services.catalog.domain import terms
from services.catalog.domain.amounts import amount as read_amount
from services.catalog.domain.cases import generated
from services.catalog.domain.composing import Ground, Rule, bare, composed, steps_of
from services.catalog.domain.conditions import conditions
from services.catalog.domain.facts import told
from services.catalog.domain.governing import Governing, asked_beside, governing
from services.catalog.domain.graded import graded
from services.catalog.domain.junctions import leaning
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.naming import Node, Setting
from services.catalog.domain.offers import RESULT, asked_of_target, district, offers
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.payments import payment
from services.catalog.domain.provisions import provisions
from services.catalog.domain.recognition import Condition
from services.catalog.domain.requirements import Requirement, requirements
from services.catalog.domain.rows import LENDERS, rows
from services.catalog.domain.strands import Provision


@dataclass(frozen=True)
class Clause:
    """One measure of a document as ingest divided it. `offset` is where `body` begins in the raw text of the document, None if unknown."""

    document: str
    version: int
    measure: str
    number: str
    title: str
    body: str
    section: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    offset: int | None = None
    enterprise_benefit: bool | None = None
    benefit_type: str | None = None


@dataclass(frozen=True)
class Document:
    """What the document says of itself, and the clauses that govern all its measures (附则, 总则, 条件要求, definitions).

    `read_on` is the day of the reading; yearly dates for applying are those of the next time from then.
    """

    title: str
    issuer: str | None = None
    doc_number: str | None = None
    issue_date: date | None = None
    valid_from: date | None = None
    valid_to: date | None = None
    clauses: tuple[str, ...] = ()
    sha256: str | None = None
    read_on: date | None = None


@dataclass(frozen=True)
class Draft:
    """`benefit` is an object of rules.md §3 as plain values; `unread` the words not understood; `findings` what to check first."""

    measure: str
    benefit: dict[str, Any]
    unread: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()


def drafts(clauses: Sequence[Clause], document: Document, *, registry: Registry, city: str) -> list[Draft]:
    """Every draft of a document's clauses, in their order. `city` is the division code of the deployment (GB/T 2260).

    A clause that only exhorts, or that promises everybody something, gives none.
    """
    lexicon = Lexicon()
    setting = Setting(registry, city)
    begins = [day for day in (document.valid_from or document.issue_date, document.read_on) if day]
    wide = governing(document.clauses, [c.body for c in clauses], setting, since=max(begins, default=None))
    setting = replace(setting, inclusive=wide.inclusive, meanings=wide.meanings)
    found = [(clause, draft) for clause in clauses for draft in _of_clause(clause, document, setting, lexicon)]
    rules: dict[str, list[Node]] = {}
    for clause, draft in found:
        rules.setdefault(clause.number, []).append(draft.benefit["rule"])
    return [_with_cases(_governed(_referring(clause, draft, rules), wide), registry) for clause, draft in found]


def _with_cases(draft: Draft, registry: Registry) -> Draft:
    """A draft with the cases that follow from its own rule, on the first day it is in force or can be claimed."""
    begins = [span["from"] for name in ("valid", "window") if (span := draft.benefit.get(name)) and span.get("from")]
    day = date.fromisoformat(max(begins)) if begins else None
    cases = generated(draft.benefit["rule"], draft.benefit["amount"], as_of=day, registry=registry)
    return replace(draft, benefit=draft.benefit | {"cases": cases}) if cases else draft


_REFERS = re.compile(r"(?:符合|满足|具备|享受|获得)(?:本[\u4e00-\u9fa5]{2,6})?(?P<n>第[一二三四五六七八九十百\d]+条)(?![^,。;]{0,20}不)")


def _referring(clause: Clause, draft: Draft, rules: dict[str, list[Node]]) -> Draft:
    """A draft that asks for what another article asks (符合第二条条件的企业), with that article's rule."""
    body = Passage.of(draft.benefit["text"])
    rule = Rule(list(draft.benefit["rule"].get("all", [draft.benefit["rule"]])))
    for m in _REFERS.finditer(body.text):
        asked = rules.get(m["n"], []) if m["n"] != clause.number else []
        node: Node = asked[0] if len(asked) == 1 else {"any": asked}
        said = Ground(body, _article(clause), None).evidence(Span(m.start(), m.end()))
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


def _of_clause(clause: Clause, document: Document, setting: Setting, lexicon: Lexicon) -> list[Draft]:
    body = Passage.of(clause.body)
    promised = [p for p in provisions(body, lexicon) if not _reports(body, p)]
    listed = requirements(body, promised, lexicon)
    said = [Span(p.lead or p.span.start, p.span.end) for p in promised] + [i.span for items in listed.values() for i in items]
    around = _around(clause, document, body, said, setting) if promised else {}
    drafted = [
        _promised(clause, document, body, p, listed.get(i, []), around, setting=setting, lexicon=lexicon) for i, p in enumerate(promised)
    ]
    found = _distinct([d for d in drafted if d is not None])
    if not found and clause.enterprise_benefit is not False:
        found = _offered(clause, document, body, setting)
    return [_numbered(d, clause.title, i, len(found)) for i, d in enumerate(found, 1)]


def _around(clause: Clause, document: Document, body: Passage, said: Sequence[Span], setting: Setting) -> dict[str, Any]:
    """What a clause says beside its provisions, and so of each of them: the terms, and under "beside" the tests with their notes."""
    texts = [body.text, *(Passage.of(c).text for c in document.clauses)]
    tests, notes = asked_beside(body, said, setting)
    opened = terms.window(body)
    return {
        "beside": ([test | {"article": _article(clause)} for test in tests], notes + ([] if opened else terms.claim_times(body))),
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


def _article(clause: Clause) -> str:
    return clause.number or clause.title


def _promised(
    clause: Clause,
    document: Document,
    body: Passage,
    provision: Provision,
    items: Sequence[Requirement],
    around: Mapping[str, Any],
    *,
    setting: Setting,
    lexicon: Lexicon,
) -> Draft | None:
    governed = [c for c in conditions(body, provision, items) if not terms.opens(body, provision, c)]
    target = Span(provision.span.start, provision.gives_at)
    graded_in = Span(provision.lead or provision.strands[0].sentence.start, provision.gives_at)
    described = [*graded(body.text, graded_in, governed, setting.registry), *rows(body.text, target, governed)]
    amount = read_amount(body, provision, lexicon)
    paid = payment(body, provision, amount, described, setting=setting)
    ground = Ground(body, _article(clause), clause.offset)
    rule = composed(ground, governed, described, setting=setting, steps=steps_of(amount, paid.amount))
    for term, meaning in setting.meanings.items():
        if term in body.text[provision.span.start : provision.gives_at]:
            rule.take(dict(meaning))
    for condition in _of_title(clause, setting):
        title = Passage.of(clause.title)
        answer = told(condition, title.text[condition.span.start : condition.span.end], setting)
        if not any(c.attribute == condition.attribute for c in governed):
            rule.take(answer.node | Ground(title, _article(clause), None).evidence(condition.span))
            rule.notes += answer.notes
    _territory(clause, body, rule, setting)
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
    benefit = _frame(clause, document, text) | {
        "title": _short(body, provision, clause),
        "kind": terms.kind(text, clause.benefit_type, paid.pays, money=paid.amount is not None),
        "rule": rule.node if rule.tests else {"all": []},
        "amount": _evidenced(paid.amount, clause, body),
        "pays": paid.pays,
        "mode": terms.mode(body.text, bool(paid.amount)),
        "valid": terms.valid(document.valid_from or document.issue_date, document.valid_to, body, provision),
        "stacking": terms.stacking(body, provision, document.title, _article(clause), document.clauses, setting=setting),
        **{name: said for name, said in around.items() if name != "beside"},
    }
    findings = [*paid.notes, *rule.notes]
    if nobody:
        findings.append("没有读出可判断的条件，由人判断，不向任何企业推送")
    return Draft(clause.measure, _without_none(benefit), tuple(unread), tuple(dict.fromkeys(findings)))


def _of_title(clause: Clause, setting: Setting) -> tuple[Condition, ...]:
    """The group that the measure's title names governs what its body promises."""
    title = Passage.of(clause.title)
    made = offers(Passage.of(""), title, setting)
    return made[0][1].conditions if made else ()


def _offered(clause: Clause, document: Document, body: Passage, setting: Setting) -> list[Draft]:
    found: list[Draft] = []
    seen: list[Node] = []
    title = Passage.of(clause.title)
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
        passage = title if source == "title" else body
        for condition in offer.conditions if offer else ():
            answer = told(*leaning(passage.text, condition, []), setting, text=passage.text)
            rule.take(answer.node | Ground(passage, _article(clause), clause.offset if passage is body else None).evidence(condition.span))
            rule.notes += answer.notes
        targets = asked_of_target(body.text, Span(0, len(body.text))) if source == "title" else []
        for condition in targets:
            if offer is None or all(c.attribute != condition.attribute for c in offer.conditions):
                answer = told(*leaning(body.text, condition, []), setting, text=body.text)
                rule.take(answer.node | Ground(body, _article(clause), clause.offset).evidence(condition.span))
        _territory(clause, body, rule, setting)
        said = bare(rule.node) if rule.tests else None
        if said is None or said in seen:
            continue
        seen.append(said)
        group = "、".join(str(c.value) for c in offer.conditions) if offer else ""
        benefit = _frame(clause, document, clause.body) | {
            "title": clause.title if len(made) == 1 or not group else f"{clause.title}（{group}）",
            "kind": terms.kind(clause.body, clause.benefit_type, None),
            "rule": rule.node,
            "amount": None,
            "mode": "inform",
            "valid": terms.valid(document.valid_from or document.issue_date, document.valid_to, None, None),
        }
        notes = [*rule.notes, "服务类举措，没有读出金额"]
        found.append(Draft(clause.measure, _without_none(benefit), (), tuple(dict.fromkeys(notes))))
    return found


def _territory(clause: Clause, body: Passage, rule: Rule, setting: Setting) -> None:
    """A district's own measure holds for the enterprises of that district."""
    if any(t.get("fact") == "district" for t in rule.tests):
        return
    where, unit = district(body, clause.units, setting)
    if where is None:
        return
    answer = told(where, str(where.value), setting)
    ground = Ground(body, _article(clause), clause.offset)
    rule.take(answer.node | ({"quote": unit, "article": ground.article} if unit is not None else ground.evidence(where.span)))
    rule.notes.append("适用地区按责任单位所在区理解，请核对" if unit is not None else "适用地区按条文所述试点或所在区理解，请核对")


def _frame(clause: Clause, document: Document, text: str) -> dict[str, Any]:
    return {
        "id": clause.measure,
        "title": clause.title,
        "policy": document.title,
        "article": _article(clause),
        "text": text,
        "language": 1,
        "department": "、".join(clause.units) or None,
        "source": {"document": clause.document, "version": clause.version, "sha256": document.sha256},
    }


def _evidenced(amount: Node | None, clause: Clause, body: Passage) -> Node | None:
    if amount is None:
        return None
    span = amount.pop("_span", None)
    if span is not None:
        return amount | Ground(body, _article(clause), clause.offset).evidence(span)
    return amount


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


def _without_none(benefit: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in benefit.items() if v is not None or k == "amount"}
