"""What catalog does: its values and its ports. What officers and the clock do: `commands`; what it hears of documents: `documents`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cache
from typing import Any, Literal, Protocol

from contracts.events import DocumentRead, MeasureRead
from contracts.registry import load_registry
from contracts.rules import Benefit
from services.catalog.domain.departments import Departments
from services.catalog.domain.drafts import Clause, Document, Draft
from services.catalog.domain.readiness import Readiness
from services.catalog.domain.review import Action, Standing
from services.chassis.work import Work


@dataclass(frozen=True)
class Kept:
    """A benefit as it is stored. `body` is the JSON text of the newest version, `offered` that of the version on offer."""

    id: str
    document: str
    measure: str
    standing: Standing
    version: int
    body: str
    offered_version: int | None
    offered: str | None
    unread: list[str]
    findings: list[str]
    trace: str | None  # the document's, kept
    changed_at: datetime


@dataclass(frozen=True)
class Entry:
    """A line of a benefit's history."""

    benefit: str
    version: int
    action: str
    status_before: str | None
    status: str
    by: str
    why: str
    at: datetime
    event: str | None = None
    body: str | None = None  # the version's JSON text, where this step made it


@dataclass(frozen=True)
class DocumentHeard:
    """A document's version whose measures have all arrived and from which nothing was drafted yet."""

    read: DocumentRead
    measures: Sequence[MeasureRead]
    trace: str | None
    replaces: int | None = None
    changed: frozenset[str] = frozenset()  # measures whose words are not those of the version it replaces
    repealed_on: date | None = None


@dataclass(frozen=True)
class Awaiting:
    """Something about a benefit that awaits a person of a role, and since when; `kind` is changed, terms, unread, removed or repealed.

    It is settled when the benefit is published, withdrawn or expires, or when a person says that it stands as it is.
    """

    id: str
    benefit: str
    kind: str
    role: str
    words: str
    document: str
    version: int | None  # of the document, where a version gave rise to it
    since: datetime
    settled_at: datetime | None = None
    settled_by: str | None = None
    settled_why: str | None = None


@dataclass(frozen=True)
class Finding:
    """Something an officer should know before deciding; an `error` keeps a benefit from being published."""

    at: str
    severity: str  # error or warning
    problem: str
    hint: str


@dataclass(frozen=True)
class Checks:
    """What the checks of a benefit found: findings, its cases, and whom it would reach (None where it was not computed).

    `rule` and `amount` are the matcher's lines in Chinese: path, depth, words, quote, article.
    """

    findings: tuple[Finding, ...]
    cases: tuple[dict[str, Any], ...] = ()
    reach: dict[str, Any] | None = None
    readiness: Readiness | None = None
    rule: tuple[dict[str, Any], ...] = ()
    amount: tuple[dict[str, Any], ...] = ()

    @property
    def clean(self) -> bool:
        """Whether nothing keeps the benefit from being published."""
        return all(finding.severity != "error" for finding in self.findings) and all(case["passed"] for case in self.cases)


@dataclass(frozen=True)
class Force:
    """What became of a measure since a version of its document: the day of a repeal, and the versions that changed it or left it out."""

    repealed_on: date | None = None
    changed_in: int | None = None
    left_out_in: int | None = None


class Drafting(Protocol):
    """The extraction of drafts from the clauses of one document: pure."""

    def __call__(self, clauses: Sequence[Clause], document: Document) -> Sequence[Draft]:
        """The drafts, in the order of their clauses; spans count in the body of each clause."""


class Simulation(Protocol):
    """The matcher's word on a benefit that is not published yet."""

    async def __call__(self, benefit: Benefit, *, reach: bool) -> Checks:
        """Its findings, cases and, if asked for, reach. Raises Unavailable."""


class Unavailable(Exception):
    """The matcher does not answer, so nothing can be said about a benefit's cases."""


class Unclean(Exception):
    """A benefit that its checks keep from being published."""

    def __init__(self, checks: Checks) -> None:
        super().__init__("the checks found errors")
        self.checks = checks


class Store(Protocol):
    """What the handlers ask of the database."""

    async def lock_documents(self, documents: Sequence[str]) -> None:
        """Wait until nobody else works on these documents, and keep them until the transaction ends."""

    async def add_documents(self, heard: Sequence[tuple[DocumentRead, str | None]], now: datetime) -> None:
        """Keep versions of documents with their traces; those that are there stay."""

    async def add_measures(self, measures: Sequence[MeasureRead]) -> None:
        """Keep measures; those that are there stay."""

    async def replaced(self, document: str, version: int, *, by: int, changed: Sequence[str]) -> None:
        """Note that a version of a document was replaced, and which measures' words changed by it."""

    async def repealed(self, document: str, on: date) -> None:
        """Note that a document lost its force."""

    async def undrafted(self, documents: Sequence[str]) -> list[DocumentHeard]:
        """Those of the documents' versions that are complete, from which nothing was drafted yet, and before which nothing waits.

        A version after the first is complete when it is also known what it replaces.
        """

    async def heard(self, document: str, version: int) -> DocumentHeard | None:
        """A version of a document with its measures; None when there is none."""

    async def drafted(self, heard: Sequence[DocumentHeard], now: datetime) -> None:
        """Note that these documents' benefits were drafted."""

    async def add_benefits(self, kept: Sequence[Kept], entries: Sequence[Entry]) -> None:
        """Keep new benefits with the first lines of their history."""

    async def take_benefit(self, benefit: str) -> Kept | None:
        """A benefit, locked until the transaction ends; None when there is none."""

    async def put_benefit(self, kept: Kept, entry: Entry) -> None:
        """Keep a changed benefit and the line of its history."""

    async def take_benefits(self, document: str) -> list[Kept]:
        """The benefits of a document, locked until the transaction ends."""

    async def add_awaiting(self, entries: Sequence[Awaiting]) -> None:
        """Put entries on the list of what awaits whom; what is there and open stays once."""

    async def settle(self, benefit: str, now: datetime, *, by: str, why: str) -> None:
        """Take all that a benefit has on the list of what awaits whom from it."""

    async def settle_one(self, awaiting: str, now: datetime, *, by: str, why: str) -> Awaiting | None:
        """Take an entry from the list and give it back; None when there is none that is open."""

    async def due(self, today: date) -> list[str]:
        """Benefits on offer whose last day has passed."""

    async def beside(self, document: str, benefit: str) -> list[Kept]:
        """The other benefits of a document."""

    async def benefit(self, benefit: str) -> Kept | None:
        """A benefit; None when there is none."""

    async def force_of(self, document: str, measure: str, version: int | None) -> Force:
        """What became of the words of a benefit since the version they were read from."""


@dataclass(frozen=True)
class Officer:
    """Who acts: the principal as written into histories, the roles it holds, and the departments it acts for (None: for every one)."""

    name: str
    roles: frozenset[str]
    departments: frozenset[str] | None = None


@cache
def known_departments() -> Departments:
    """The departments by every name the registry has for them."""
    return Departments(load_registry())


def entry_of(
    before: Kept,
    after: Kept,
    action: Action | Literal["note"],
    by: Officer,
    why: str,
    work: Work[Store],
    *,
    event: str | None = None,
    body: str | None = None,
) -> Entry:
    """The line of a benefit's history that a step makes."""
    return Entry(
        benefit=after.id,
        version=after.version,
        action=action,
        status_before=before.standing.status,
        status=after.standing.status,
        by=by.name,
        why=why,
        at=work.now,
        event=event,
        body=body,
    )
