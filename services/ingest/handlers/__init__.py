"""What ingest does with what comes in: its values and its ports; sources and refusals. See also `documents`, `deliveries`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

from contracts.events import DocumentRefused, MeasureRead
from services.chassis.work import Work
from services.ingest.domain.result import Read
from services.ingest.domain.succession import Known, Mention, Names

FAULTS_KEPT = 1000
"""Faults of a delivery that are kept and answered; a delivery with more is wrong throughout."""


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


Runs = Sequence[Sequence[int]]
"""Where words stand in the raw text: pieces of (words from, to, raw from, to)."""


@dataclass(frozen=True)
class MeasureKept:
    """A measure of a version as it was said, and where its title stands in the raw text."""

    said: MeasureRead
    title_runs: Runs


@dataclass(frozen=True)
class RepealKept:
    """What a version of a document (`by`) says of another: that it is repealed. `repealed` is the document meant, None while unknown."""

    by: str
    version: int
    place: int
    mention: Mention
    on: date | None
    repealed: str | None


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

    async def lock_documents(self) -> None:
        """Wait until nobody else keeps a document, and keep others from it until the transaction ends."""

    async def with_bytes(self, sha256: str) -> Kept | None:
        """The version of a document that has these bytes, the newest of several; None when there is none."""

    async def known(self, *, numbers: Sequence[str], called: Sequence[str]) -> list[Known]:
        """The documents whose newest version has a 字号 that ends one of these, or one of these names."""

    async def known_document(self, document: str) -> Known | None:
        """How a document's newest version is known; None when there is no such document."""

    async def measures(self, document: str, version: int) -> list[MeasureKept]:
        """The measures of a version, in its order."""

    async def measure_ids(self, document: str) -> list[str]:
        """Every id that a measure of any version of a document has."""

    async def add_document(self, kept: Kept, *, raw: bytes, text: str, names: Names, measures: Sequence[MeasureKept]) -> None:
        """Store a version."""

    async def add_repeals(self, repeals: Sequence[RepealKept]) -> None:
        """Store what a version says it repeals."""

    async def open_repeals(self) -> list[RepealKept]:
        """What was said to be repealed and is not known yet, the oldest first."""

    async def settle_repeal(self, repeal: RepealKept) -> None:
        """Note which document a repeal means."""

    async def repealed(self, documents: Sequence[str]) -> dict[str, RepealKept]:
        """For each of the documents that lost its force, who said so last."""

    async def add_delivery(self, delivery: Delivery) -> None:
        """Store a delivery."""

    async def add_file(self, delivery: str, file: Path, at: datetime) -> None:
        """Store the checked file of a delivery."""

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


def refuse_document(received: Received, work: Work[Store], *, code: str, reason: str) -> None:
    """Say that bytes were turned away; the content is not kept."""
    work.say(DocumentRefused(sha256=received.digest, name=received.name, code=code, reason=reason))
