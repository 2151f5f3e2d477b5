"""What ingest does with a document or a delivery of facts: keep it and say so, in one transaction and one trace."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal, Protocol

from contracts.events import DocumentFacts, DocumentRead, DocumentRefused, FactsStated, Figure, MeasureRead
from services.chassis.work import Work
from services.ingest.domain.reading import Document, Excerpt, Measure, Reading
from services.ingest.domain.result import Read
from services.ingest.domain.statements import Checked

FAULTS_KEPT = 1000
"""Faults of a delivery that are kept and answered; a delivery with more is wrong throughout."""
CLAUSE_KINDS = ("goal", "principle")
"""Kinds of words that are no measure and govern none: what a plan aims at."""


@dataclass(frozen=True)
class Received:
    """A document as it was sent: its name as given, its bytes and its declared type."""

    name: str
    data: bytes
    declared: str | None = None  # the media type its sender gave

    @property
    def digest(self) -> str:
        """SHA-256 of the bytes, in hex."""
        return sha256(self.data).hexdigest()

    @property
    def document(self) -> str:
        """The id of the document these bytes are: the same bytes are the same document (design §4)."""
        return f"doc-{self.digest[:16]}"


@dataclass(frozen=True)
class Kept:
    """A version of a document as it is stored, without its bytes and text. `notes` are for the person who looks after it."""

    document: str
    version: int
    sha256: str
    name: str
    status: str
    facts: dict[str, Any]
    measures: int
    notes: list[str]
    received_at: datetime
    trace: str | None


@dataclass(frozen=True)
class Delivery:
    """One delivery of facts and what came of it; `errors` are its first faults (at, code, problem, hint)."""

    delivery: str
    authority: str
    principal: str
    sha256: str
    received_at: datetime
    accepted: int
    refused: int
    errors: list[dict[str, Any]]
    trace: str | None


@dataclass(frozen=True)
class Source:
    """A list page that is watched. `seen` are the addresses of documents already known, None before the first look."""

    source: str
    url: str
    principal: str
    added_at: datetime
    due_at: datetime
    looked_at: datetime | None
    etag: str | None
    modified: str | None
    seen: list[str] | None
    documents: int
    failures: int
    problem: str | None


class Reader(Protocol):
    """Reads a document of any format. Raises NotADocument."""

    async def __call__(self, data: bytes, name: str, *, declared: str | None = None) -> Read: ...


class Ocr(Protocol):
    """Reads the pictures of a document."""

    async def text(self, data: bytes) -> str | None:
        """The text of every page, pages divided by form feeds; None when it gives none now."""


class Store(Protocol):
    """What the handlers ask of the database."""

    async def document(self, document: str) -> Kept | None:
        """The newest version of a document; None when there is none."""

    async def add_document(self, kept: Kept, *, raw: bytes, text: str, measures: Sequence[dict[str, Any]]) -> bool:
        """Store a version; False when it is there already, and then nothing changes."""

    async def add_delivery(self, delivery: Delivery) -> None:
        """Store a delivery."""

    async def add_source(self, source: Source) -> Source:
        """Watch a page; one that is watched already is given back as it stands."""

    async def claim_source(self, now: datetime, until: datetime) -> Source | None:
        """One page that is due, which nobody else gets before `until`."""

    async def settle_source(self, source: Source) -> None:
        """Keep what a look at a page gave; one that is no longer watched stays so."""


async def read_received(received: Received, *, reader: Reader, ocr: Ocr | None) -> Read:
    """Read a document; where pages are only pictures and there is an OCR, read what it sees in them. Raises NotADocument."""
    read = await reader(received.data, received.name, declared=received.declared)
    seen = await ocr.text(received.data) if ocr is not None and read.needs_ocr else None
    if seen is None or not seen.strip():
        return read
    found = await reader(seen.encode("utf-8", "replace"), f"{received.name}.txt")
    notes = (*read.notes, "文字由识别服务给出，请对照原件核对。")
    return replace(found, reading=replace(found.reading, name=received.name), format=read.format, pages=read.pages, notes=notes)


async def watch(url: str, work: Work[Store], *, principal: str) -> Source:
    """Watch a list page from now on."""
    return await work.store.add_source(
        Source(f"src-{work.new_id()}", url, principal, work.now, work.now, None, None, None, None, 0, 0, None)
    )


async def keep_document(received: Received, read: Read, work: Work[Store]) -> tuple[Kept, bool]:
    """Store a reading and say it: DocumentRead, then one MeasureRead for each measure. The same bytes again change and say nothing.

    A document with pages that are only pictures is kept and said as `needs_ocr`, without measures: it awaits a person.

    Returns the document as it stands and whether it is new.
    """
    status: Literal["read", "needs_ocr"] = "needs_ocr" if read.needs_ocr else "read"
    reading = read.reading
    facts = facts_of(reading)
    measures = [measure_of(measure, received.document, position) for position, measure in enumerate(reading.measures)]
    kept = Kept(
        document=received.document,
        version=1,
        sha256=received.digest,
        name=received.name,
        status=status,
        facts=facts.model_dump(mode="json"),
        measures=len(measures),
        notes=list(read.notes),
        received_at=work.now,
        trace=work.trace_of(),
    )
    rows = [measure.model_dump() for measure in measures]
    if not await work.store.add_document(kept, raw=received.data, text=reading.raw, measures=rows):
        standing = await work.store.document(received.document)
        if standing is None:
            raise LookupError(f"document {received.document} was refused by the store and is not in it")
        return standing, False
    work.say(
        DocumentRead(
            document=kept.document,
            version=kept.version,
            sha256=kept.sha256,
            name=kept.name,
            facts=facts,
            measures=len(measures),
            status=status,
        )
    )
    for measure in measures:
        work.say(measure)
    return kept, True


def refuse_document(received: Received, work: Work[Store], *, code: str, reason: str) -> None:
    """Say that bytes were turned away; the content is not kept."""
    work.say(DocumentRefused(sha256=received.digest, name=received.name, code=code, reason=reason))


async def keep_statements(data: bytes, checked: Checked, work: Work[Store], *, authority: str, principal: str) -> Delivery:
    """Say every good line as FactsStated and keep what came of the delivery."""
    delivery = Delivery(
        delivery=f"del-{work.new_id()}",
        authority=authority,
        principal=principal,
        sha256=sha256(data).hexdigest(),
        received_at=work.now,
        accepted=len(checked.statements),
        refused=checked.refused,
        errors=[
            {"at": fault.at, "code": fault.code, "problem": fault.problem, "hint": fault.hint} for fault in checked.faults[:FAULTS_KEPT]
        ],
        trace=work.trace_of(),
    )
    await work.store.add_delivery(delivery)
    for statement in checked.statements:
        work.say(
            FactsStated.model_construct(
                uscc=statement.uscc,
                authority=authority,
                true_on=statement.true_on,
                name=statement.name,
                facts=dict(statement.facts),
                records=dict(statement.records),
                delivery=delivery.delivery,
            )
        )
    return delivery


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


def measure_of(measure: Measure, document: str, position: int) -> MeasureRead:
    """A measure as the event carries it; spans point into the raw text of version 1."""
    return MeasureRead(
        document=document,
        version=1,
        measure=f"{document}/{measure.path}",
        position=position,
        number=measure.number.text,
        title=measure.title.text,
        section=[excerpt.text for excerpt in measure.section],
        units=list(measure.units_full) or [excerpt.text for excerpt in measure.units],
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


def _words(excerpt: Excerpt | None) -> str | None:
    return excerpt.text if excerpt else None


def _day(found: tuple[str, Excerpt] | None) -> date | None:
    return date.fromisoformat(found[0]) if found else None
