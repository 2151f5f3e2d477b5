"""What is read and what comes of it: the clauses of a document, and drafts."""

from dataclasses import dataclass
from datetime import date
from typing import Any


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
