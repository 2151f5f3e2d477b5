"""What ingest does with a document that was read: a document of its own or the next version of another, and what it repeals."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Literal

from contracts.events import DocumentFacts, DocumentRead, DocumentRepealed, DocumentReplaced, Figure, MeasureRead
from services.chassis.work import Work
from services.ingest.domain.reading import Document, Excerpt, Measure, Reading
from services.ingest.domain.result import Read
from services.ingest.domain.succession import (
    Known,
    Names,
    Repeal,
    amended_by,
    edition,
    is_meant,
    meant,
    names_of,
    repeals_of,
    same_number,
)
from services.ingest.domain.versions import Point, paths, same_words
from services.ingest.handlers import Kept, MeasureKept, Received, RepealKept, Store

CLAUSE_KINDS = ("goal", "principle")
"""Kinds of words that are no measure and govern none: what a plan aims at."""


class NotReplaced(Exception):
    """A document that cannot be the version it was said to be: `code` is a problem code of design §9, the rest is Chinese."""

    def __init__(self, code: Literal["not-found", "conflict"], detail: str, hint: str) -> None:
        super().__init__(detail)
        self.code: str = code
        self.detail = detail
        self.hint = hint


@dataclass(frozen=True)
class _Former:
    """The version that a new one replaces, and how the new one's measures go on with its own: ids, and indices or None."""

    document: str
    version: int
    measures: Sequence[MeasureKept]
    paths: Sequence[str]
    aligned: Sequence[int | None]


async def keep_document(received: Received, read: Read, work: Work[Store], *, replaces: str | None = None) -> tuple[Kept, bool]:
    """Store a reading and say it: DocumentRead, one MeasureRead for each measure, then what it replaces and repeals.

    It is the next version of the document it `replaces`, or of one that has its 字号 and issuer, or of one that it says it corrects or
    is a new edition of and whose measures it mostly prints again; else a document of its own. The same bytes again change and say
    nothing, unless they awaited OCR and are read now. A document with pages that are only pictures is kept as `needs_ocr`, without
    measures, as a document of its own: it awaits a person.

    Returns the version as it stands and whether it is new. Raises NotReplaced when it cannot replace what it is said to.
    """
    await work.store.lock_documents()
    standing = await work.store.with_bytes(received.digest)
    if standing is not None and replaces not in (None, standing.document):
        raise NotReplaced("conflict", f"这份文件已收录为 {standing.document}", "同样的内容只收录一次；请核对 replaces 的编号")
    if standing is not None and (standing.status == "read" or read.needs_ocr):
        return standing, False
    names = names_of(read.reading.document, fallback=read.reading.name)
    former, notes = await _former(read, names, work, replaces=standing.document if standing else replaces)
    document, version = (former.document, former.version + 1) if former else (received.document, 1)
    paths = former.paths if former else [measure.path for measure in read.reading.measures]
    measures = [
        MeasureKept(measure_of(measure, f"{document}/{path}", document, version=version, position=position), measure.title.runs)
        for position, (measure, path) in enumerate(zip(read.reading.measures, paths, strict=True))
    ]
    facts = facts_of(read.reading)
    status: Literal["read", "needs_ocr"] = "needs_ocr" if read.needs_ocr else "read"
    repeals = [] if read.needs_ocr else repeals_of(read.reading.document)
    notes += [f"文中废止“{r.mention.words}”，但没有读出日期，请核对。" for r in repeals if r.on is None]
    kept = Kept(
        document=document,
        version=version,
        sha256=received.digest,
        name=received.name,
        status=status,
        facts=facts.model_dump(mode="json"),
        measures=len(measures),
        notes=[*read.notes, *notes],
        received_at=work.now,
        trace=work.trace_of(),
    )
    await work.store.add_document(kept, raw=received.data, text=read.reading.raw, names=names, measures=measures)
    work.say(
        DocumentRead(
            document=document,
            version=version,
            sha256=kept.sha256,
            name=kept.name,
            facts=facts,
            measures=len(measures),
            status=status,
        )
    )
    for measure in measures:
        work.say(measure.said)
    if former:
        work.say(DocumentReplaced(document=document, version=version, replaces=former.version, changed=_changed(former, measures)))
    await _repeal(kept, names, repeals, work)
    return kept, True


# --- versions ----------------------------------------------------------------------------------------------------------


async def _former(read: Read, names: Names, work: Work[Store], *, replaces: str | None) -> tuple[_Former | None, list[str]]:
    """The version that a reading replaces, and notes for a person where that is in doubt. Raises NotReplaced."""
    if replaces is not None:
        known = await work.store.known_document(replaces)
        if known is None:
            raise NotReplaced("not-found", f"没有 {replaces} 这份文件", "请核对 replaces 的编号，或不带 replaces 上传")
        if read.needs_ocr and known.read:
            raise NotReplaced("conflict", "扫描件尚未识别，不能取代已读取的文件", "请上传有文字层的文件，或不带 replaces 上传，等待识别")
        return await _aligned(known, read, work), []
    amends = amended_by(read.reading.document)
    numbers = [number for number in (names.number, *(mention.number for mention in amends)) if number]
    wanted = [*names.works, *(mention.name for mention in amends if mention.name)]
    candidates = await work.store.known(numbers=numbers, called=wanted)
    again = same_number(names, candidates)
    corrected = edition(names, amends, candidates, issued=_day(read.reading.document.issue_date))
    known = again or corrected
    if known is None:
        return None, []
    if read.needs_ocr:
        return None, [f"可能是“{known.names.title}”（{known.document}）的新版本；请识别后以 replaces={known.document} 上传。"]
    former = await _aligned(known, read, work)
    if again is None and 2 * sum(i is not None for i in former.aligned) < len(former.measures):
        note = f"本文件更正或修订“{known.names.title}”（{known.document}），但没有印出其大部分条文，未作为其新版本；请核对由此变动的事项。"
        return None, [note]
    return former, []


async def _aligned(known: Known, read: Read, work: Work[Store]) -> _Former:
    standing = await work.store.document(known.document)
    if standing is None:
        raise LookupError(f"document {known.document} is known and is not in the store")
    measures = await work.store.measures(known.document, standing.version)
    taken = [path_of(measure) for measure in await work.store.measure_ids(known.document)]
    before = [point_of(measure.said) for measure in measures]
    found, aligned = await asyncio.to_thread(paths, before, [_point(measure) for measure in read.reading.measures], taken=taken)
    return _Former(known.document, standing.version, measures, found, aligned)


def _changed(former: _Former, measures: Sequence[MeasureKept]) -> list[str]:
    return [
        measure.said.measure
        for measure, i in zip(measures, former.aligned, strict=True)
        if i is not None and not same_words(point_of(former.measures[i].said), point_of(measure.said))
    ]


def path_of(measure: str) -> str:
    """The part of a measure's id that tells it from others of its document."""
    return measure.partition("/")[2]


def point_of(said: MeasureRead) -> Point:
    """A measure that was said, as versions compare it."""
    return Point(path_of(said.measure), said.number, said.title, said.body, tuple(said.section), tuple(said.units))


def _point(measure: Measure) -> Point:
    section = tuple(excerpt.text for excerpt in measure.section)
    return Point(measure.path, measure.number.text, measure.title.text, measure.body.text, section, tuple(_units(measure)))


# --- repeals -----------------------------------------------------------------------------------------------------------


async def _repeal(kept: Kept, names: Names, repeals: Sequence[Repeal], work: Work[Store]) -> None:
    """Say which known documents a version repeals, and whether an earlier one repealed it; what is not known yet is remembered."""
    numbers = [repeal.mention.number for repeal in repeals if repeal.mention.number]
    candidates = await work.store.known(numbers=numbers, called=[repeal.mention.name for repeal in repeals if repeal.mention.name])
    others = [known for known in candidates if known.document != kept.document]
    said: list[RepealKept] = []
    for place, repeal in enumerate(repeals):
        if is_meant(repeal.mention, names):
            continue  # its own former version, whose place it takes
        known = meant(repeal.mention, others)
        said.append(RepealKept(kept.document, kept.version, place, repeal.mention, repeal.on, known.document if known else None))
    already = await work.store.repealed([repeal.repealed for repeal in said if repeal.repealed])
    waiting = [repeal for repeal in await work.store.open_repeals() if repeal.by != kept.document and is_meant(repeal.mention, names)]
    await work.store.add_repeals(said)
    settled = [replace(repeal, repealed=kept.document) for repeal in waiting]
    for one in settled:
        await work.store.settle_repeal(one)
    for one in [*said, *settled]:
        before = already.get(one.repealed or "")
        if one.repealed and one.on and (before is None or before.on != one.on):
            work.say(DocumentRepealed(document=one.repealed, repealed_on=one.on, by=one.by))


# --- what is said ------------------------------------------------------------------------------------------------------


def facts_of(reading: Reading) -> DocumentFacts:
    """What a document says of itself, as the event carries it."""
    document: Document = reading.document
    return DocumentFacts(
        title=_words(document.title) or reading.name,
        doc_number=_words(document.doc_number),
        issuer=_words(document.issuer),
        issue_date=_day(document.issue_date),
        printed_date=_day(document.printed_date),
        valid_from=_day(document.valid_from),
        valid_to=_day(document.valid_to),
        attachments=[excerpt.text for excerpt in document.attachments],
        open_status=_words(document.open_status),
        clauses=[remark.text.text for remark in reading.remarks if remark.kind not in CLAUSE_KINDS],
    )


def measure_of(measure: Measure, identity: str, document: str, *, version: int, position: int) -> MeasureRead:
    """A measure as the event carries it; `identity` is its id, and its spans point into the raw text of this version."""
    return MeasureRead(
        document=document,
        version=version,
        measure=identity,
        position=position,
        number=measure.number.text,
        title=measure.title.text,
        section=[excerpt.text for excerpt in measure.section],
        units=_units(measure),
        body=measure.body.text,
        span=measure.body.span,
        runs=list(measure.body.runs),
        figures=[
            Figure(value=Decimal(f.value), unit=f.unit, raw=f.raw.text, as_of=f.as_of, role=f.role, span=f.raw.span)
            for f in measure.figures
        ],
        audience=list(measure.audience),
        enterprise_benefit=measure.enterprise_benefit,
        benefit_type=measure.benefit_type,
    )


def _units(measure: Measure) -> list[str]:
    return list(measure.units_full) or [excerpt.text for excerpt in measure.units]


def _words(excerpt: Excerpt | None) -> str | None:
    return excerpt.text if excerpt else None


def _day(found: tuple[str, Excerpt] | None) -> date | None:
    return date.fromisoformat(found[0]) if found else None
