"""What catalog hears of documents: drafts from new measures, successors for changed ones, and what a person must see before deciding."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from contracts.events import DocumentRead, DocumentRepealed, DocumentReplaced, MeasureRead
from contracts.rules import RuleError, dumps, loads, parse_benefit
from services.catalog.domain import review
from services.catalog.domain.drafts import Clause, Document, Draft
from services.catalog.domain.places import in_raw
from services.catalog.domain.review import Standing
from services.catalog.domain.succession import pair, propose, told, told_terms
from services.catalog.handlers import Awaiting, DocumentHeard, Drafting, Entry, Kept, Officer, Store, entry_of
from services.chassis.work import Event, Refused, Work

EXTRACTION = Officer("service:catalog", frozenset({"editor"}))
"""The extraction proposes as an editor does; what it proposes takes the same way through review."""
ASKED_OF = {"changed": "editor", "terms": "editor", "unread": "editor", "removed": "publisher", "repealed": "publisher"}
"""Whose turn it is, by what happened: an editor looks at words, a publisher takes back what has lost its ground."""


async def on_documents_read(heard: Sequence[Event[DocumentRead]], work: Work[Store], *, drafting: Drafting) -> list[Refused]:
    """Keep the documents; draft from those whose measures were heard already (the two topics have no order between them)."""
    documents = sorted({event.payload.document for event in heard})
    await work.store.lock_documents(documents)
    await work.store.add_documents([(event.payload, work.trace_of(event)) for event in heard], work.now)
    await _draft(documents, work, drafting)
    return []


async def on_measures_read(heard: Sequence[Event[MeasureRead]], work: Work[Store], *, drafting: Drafting) -> list[Refused]:
    """Keep the measures; draft from the documents that are complete with them."""
    documents = sorted({event.payload.document for event in heard})
    await work.store.lock_documents(documents)
    await work.store.add_measures([event.payload for event in heard])
    await _draft(documents, work, drafting)
    return []


async def on_documents_replaced(heard: Sequence[Event[DocumentReplaced]], work: Work[Store], *, drafting: Drafting) -> list[Refused]:
    """Note which versions were replaced; propose successors where the new version is complete with that."""
    documents = sorted({event.payload.document for event in heard})
    await work.store.lock_documents(documents)
    for event in heard:
        said = event.payload
        await work.store.replaced(said.document, said.replaces, by=said.version, changed=said.changed)
    await _draft(documents, work, drafting)
    return []


async def on_documents_repealed(heard: Sequence[Event[DocumentRepealed]], work: Work[Store]) -> list[Refused]:
    """Note which documents lost their force: nothing of them can be published from then on, what is published awaits a publisher.

    Nothing is withdrawn by itself.
    """
    await work.store.lock_documents(sorted({event.payload.document for event in heard}))
    for event in heard:
        said = event.payload
        await work.store.repealed(said.document, said.repealed_on)
        succession = _Succession(work, said.document, None)
        words = _repealed(said.repealed_on, said.by)
        for kept in await work.store.take_benefits(said.document):
            await succession.note(kept, "repealed", words)
        await succession.keep()
    return []


def _repealed(on: date, by: str | None) -> str:
    return f"来源文件自 {on} 起废止{f'（依据 {by}）' if by else ''}；请撤回这一事项，或改据新文件"


async def _draft(documents: Sequence[str], work: Work[Store], drafting: Drafting) -> None:
    """Draft from what is complete; a version that waited for the one before it follows in the same turn."""
    while complete := await work.store.undrafted(documents):
        for heard in complete:
            succession = _Succession(work, heard.read.document, heard.read.version)
            former = await work.store.heard(heard.read.document, heard.replaces) if heard.replaces else None
            if former is None:
                succession.new += _drafts(heard, heard.measures, work, drafting)
            else:
                await _succeed(former, heard, succession, work, drafting)
            if heard.repealed_on:
                for kept in list(succession.new):
                    await succession.note(kept, "repealed", _repealed(heard.repealed_on, None))
            await succession.keep()
        await work.store.drafted(complete, work.now)


@dataclass
class _Succession:
    """What a version, or a repeal, makes of the benefits of its document: collected, then kept at once."""

    work: Work[Store]
    document: str
    version: int | None
    new: list[Kept] = field(default_factory=list)
    awaiting: list[Awaiting] = field(default_factory=list)

    def ask(self, kept: Kept, kind: str, words: str) -> None:
        """Put a benefit on the list of what awaits whom."""
        role = ASKED_OF[kind]
        self.awaiting.append(Awaiting(self.work.new_id(), kept.id, kind, role, words, self.document, self.version, self.work.now))

    async def note(self, kept: Kept, kind: str, words: str) -> None:
        """Tell a person something about a benefit, which stays as it is; what was taken back is left alone."""
        if kept.standing.offer == "withdrawn":
            return
        told = replace(kept, findings=[*kept.findings, *([words] if words not in kept.findings else [])], changed_at=self.work.now)
        if kept in self.new:
            self.new[self.new.index(kept)] = told
        else:
            await self.work.store.put_benefit(told, entry_of(kept, told, "note", EXTRACTION, words, self.work))
        self.ask(kept, kind, words)

    async def keep(self) -> None:
        """Keep new drafts with the first lines of their histories, and what awaits whom."""
        now = self.work.now
        entries = [Entry(one.id, 1, "draft", None, "draft", EXTRACTION.name, "自动提取", now, None, one.body) for one in self.new]
        await self.work.store.add_benefits(self.new, entries)
        await self.work.store.add_awaiting(self.awaiting)


async def _succeed(former: DocumentHeard, heard: DocumentHeard, succession: _Succession, work: Work[Store], drafting: Drafting) -> None:
    """Propose successors for the benefits of changed measures, note those of removed ones, draft from new ones; the rest stands."""
    old, new = ({measure.measure: measure for measure in one.measures} for one in (former, heard))
    kept: dict[str, list[Kept]] = defaultdict(list)
    for benefit in await work.store.take_benefits(heard.read.document):
        kept[benefit.measure].append(benefit)
    version = heard.read.version
    terms = told_terms(former.read.facts.model_dump(mode="json"), heard.read.facts.model_dump(mode="json"))
    added = [measure for measure in heard.measures if measure.measure not in old]
    changed = [measure for measure in heard.measures if measure.measure in heard.changed and measure.measure in old]
    succession.new += _drafts(heard, added, work, drafting)
    before, after = (
        _by_measure(_read(one, [measures[m.measure] for m in changed], work, drafting)) for one, measures in ((former, old), (heard, new))
    )
    for measure in changed:
        words = f"来源文件第 {version} 版改动了条文：{_told(old[measure.measure], measure)}"
        standing = [one for one in kept[measure.measure] if one.standing.offer != "withdrawn"]
        drafts, was = after[measure.measure], before[measure.measure]
        goes_on = pair([_text(loads(one.body)) for one in standing], [_text(draft.benefit) for draft in drafts])
        reads = pair([_text(draft.benefit) for draft in was], [_text(loads(one.body)) for one in standing])
        for draft, i in zip(drafts, goes_on, strict=True):
            if i is None:
                succession.new.append(_new(draft, heard, measure, work))
                continue
            j = reads[i]
            base = _parsed(was[j].benefit, old[measure.measure])[0] if j is not None else None
            await _propose(standing[i], draft, base, measure, words, heard, succession, work)
        for i, one in enumerate(standing):
            if i not in goes_on:
                await succession.note(one, "unread", f"{words}；新条文中没有读出这一事项，请核对是否仍然成立")
    for name, benefits in kept.items():
        for one in benefits:
            if name not in new:
                await succession.note(one, "removed", f"来源文件第 {version} 版已没有这条举措；请核对是否撤回")
            elif terms and name not in heard.changed:
                await succession.note(one, "terms", f"来源文件第 {version} 版：{terms}；条文本身未变，请核对是否修订")


async def _propose(
    kept: Kept,
    draft: Draft,
    base: dict[str, Any] | None,
    measure: MeasureRead,
    words: str,
    heard: DocumentHeard,
    succession: _Succession,
    work: Work[Store],
) -> None:
    """Propose a successor as a draft; what is in review stays as its reviewer reads it, and the editor is told."""
    if kept.standing.pending in ("in_review", "approved"):
        await succession.note(kept, "changed", f"{words}；修订稿正在审核，未作改动，请退回后核对")
        return
    given, _ = _parsed(draft.benefit, measure)
    proposal = propose(loads(kept.body), base, given, body=measure.body)
    body, problems = body_of(proposal.benefit)
    action: review.Action = "edit" if kept.standing.pending == "draft" else "amend"
    standing, _ = review.take(kept.standing, action, by=EXTRACTION.name, roles=EXTRACTION.roles)
    after = replace(
        kept,
        standing=standing,
        version=kept.version + 1,
        body=body,
        unread=list(draft.unread),
        findings=list(dict.fromkeys([words, *proposal.findings, *draft.findings, *problems])),
        trace=heard.trace or kept.trace,
        changed_at=work.now,
    )
    await work.store.put_benefit(after, entry_of(kept, after, action, EXTRACTION, words, work, body=body))
    succession.ask(after, "changed", words)


def _told(old: MeasureRead, new: MeasureRead) -> str:
    said = told(old.body, new.body)
    return said if old.title == new.title else f"标题“{old.title}”改为“{new.title}”；{said}"


def _text(benefit: dict[str, Any]) -> str:
    return f"{benefit.get('title') or ''}\n{benefit.get('text') or ''}"


def _by_measure(drafts: Sequence[Draft]) -> dict[str, list[Draft]]:
    found: dict[str, list[Draft]] = defaultdict(list)
    for draft in drafts:
        found[draft.measure].append(draft)
    return found


# --- drafts ------------------------------------------------------------------------------------------------------------


def _read(heard: DocumentHeard, measures: Sequence[MeasureRead], work: Work[Store], drafting: Drafting) -> Sequence[Draft]:
    return drafting([_clause(measure) for measure in measures], _document(heard.read, work.today))


def _drafts(heard: DocumentHeard, measures: Sequence[MeasureRead], work: Work[Store], drafting: Drafting) -> list[Kept]:
    by_id = {measure.measure: measure for measure in measures}
    return [_new(draft, heard, by_id[draft.measure], work) for draft in _read(heard, measures, work, drafting)]


def _new(draft: Draft, heard: DocumentHeard, measure: MeasureRead, work: Work[Store]) -> Kept:
    given = in_raw(draft.benefit, measure.runs) | {"id": f"ben-{work.new_id()}"}
    body, problems = body_of(given)
    return Kept(
        id=given["id"],
        document=heard.read.document,
        measure=draft.measure,
        standing=Standing(),
        version=1,
        body=body,
        offered_version=None,
        offered=None,
        unread=list(draft.unread),
        findings=[*draft.findings, *problems],
        trace=heard.trace,
        changed_at=work.now,
    )


def _parsed(benefit: dict[str, Any], measure: MeasureRead) -> tuple[dict[str, Any], list[str]]:
    """A drafted benefit as it is kept: placed in the raw text, in the one form of the language; and what is wrong with it."""
    body, problems = body_of(in_raw(benefit, measure.runs))
    return loads(body), problems


def body_of(given: dict[str, Any]) -> tuple[str, list[str]]:
    """A benefit as JSON text in the one form of the language, or as it is with what keeps it from being of the language."""
    try:
        return dumps(parse_benefit(loads(dumps(given)))), []
    except RuleError as error:
        return dumps(given), [f"{problem.at}：{problem.problem}" for problem in error.problems]


def _clause(measure: MeasureRead) -> Clause:
    return Clause(
        document=measure.document,
        version=measure.version,
        measure=measure.measure,
        number=measure.number,
        title=measure.title,
        body=measure.body,
        section=tuple(measure.section),
        units=tuple(measure.units),
        offset=0 if measure.runs else None,
        enterprise_benefit=measure.enterprise_benefit,
        benefit_type=measure.benefit_type,
    )


def _document(read: DocumentRead, today: date) -> Document:
    facts = read.facts
    return Document(
        title=facts.title,
        issuer=facts.issuer,
        doc_number=facts.doc_number,
        issue_date=facts.issue_date,
        valid_from=facts.valid_from,
        valid_to=facts.valid_to,
        clauses=tuple(facts.clauses),
        sha256=read.sha256,
        read_on=today,
    )
