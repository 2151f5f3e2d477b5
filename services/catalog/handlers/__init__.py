"""What catalog does: its values and its ports; takes benefits through review to publication. What it hears of documents: `documents`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, Protocol

from contracts import events
from contracts.events import DocumentRead, MeasureRead
from contracts.registry import load_registry
from contracts.rules import Benefit, RuleError, dumps, facts_of, loads, parse_benefit
from services.catalog.domain import review
from services.catalog.domain.drafts import Clause, Document, Draft
from services.catalog.domain.fairness import unfair
from services.catalog.domain.lint import lint
from services.catalog.domain.readiness import Readiness, readiness
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

    async def force_of(self, document: str, version: int | None) -> tuple[date | None, int | None]:
        """The day a document was repealed, and the version that replaced this one; None for neither."""


# commands of officers and of the clock --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Officer:
    """Who acts: the principal as written into histories, and the roles it holds."""

    name: str
    roles: frozenset[str]


CLOCK = Officer("service:catalog", frozenset())
"""The passing of time acts as the service itself."""


async def edit(benefit: str, given: Mapping[str, Any], work: Work[Store], *, by: Officer, version: int, why: str = "") -> Kept | None:
    """Replace what is pending of a benefit; None when there is no such benefit.

    Raises Refusal, Stale when `version` is not the newest, RuleError when it is not of the language.
    """
    kept = await work.store.take_benefit(benefit)
    if kept is None:
        return None
    _must_be(kept, version)
    standing, _ = review.take(kept.standing, "edit", by=by.name, roles=by.roles)
    parsed = parse_benefit({**given, "id": benefit})
    after = replace(kept, standing=standing, version=kept.version + 1, body=dumps(parsed), changed_at=work.now)
    await work.store.put_benefit(after, entry_of(kept, after, "edit", by, why, work, body=after.body))
    return after


class Stale(Exception):
    """A change that was made against another version than the newest."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the newest version is {version}")
        self.version = version


async def act(
    benefit: str, action: Action, work: Work[Store], *, by: Officer, why: str, version: int | None, simulation: Simulation
) -> Kept | None:
    """Take a step of the review and say what follows from it; None when there is no such benefit.

    Raises Refusal, Stale, and, when it would be published, Unclean or Unavailable.
    """
    kept = await work.store.take_benefit(benefit)
    if kept is None:
        return None
    if version is not None:
        _must_be(kept, version)
    standing, event = review.take(kept.standing, action, by=by.name, roles=by.roles)
    after = replace(kept, standing=standing, changed_at=work.now)
    if action == "publish":
        checks = await check(kept, work.store, simulation, reach=False)
        if not checks.clean:
            raise Unclean(checks)
        after = replace(after, offered=kept.body, offered_version=kept.version)
    await work.store.put_benefit(after, entry_of(kept, after, action, by, why, work, event=event))
    if action in ("publish", "withdraw"):
        await work.store.settle(benefit, work.now, by=by.name, why=why)
    if event is not None:
        _say(event, after, work, by=by, why=why)
    return after


async def settle(awaiting: str, work: Work[Store], *, by: Officer, why: str) -> Awaiting | None:
    """Take an entry from the list of what awaits whom: the benefit stands as it is. None when there is none. Raises Refusal."""
    if not by.roles & set(review.ROLES):
        raise review.Refusal("not-allowed", "须由经办、审核或发布角色的人员处理")
    return await work.store.settle_one(awaiting, work.now, by=by.name, why=why)


async def expire(work: Work[Store]) -> None:
    """Take from offer what has passed its last day."""
    for benefit in await work.store.due(work.today):
        kept = await work.store.take_benefit(benefit)
        if kept is None:
            continue
        standing, event = review.take(kept.standing, "expire", by=CLOCK.name, roles=CLOCK.roles)
        after = replace(kept, standing=standing, changed_at=work.now)
        await work.store.put_benefit(after, entry_of(kept, after, "expire", CLOCK, "有效期已满", work, event=event))
        await work.store.settle(benefit, work.now, by=CLOCK.name, why="有效期已满")
        if event is not None:
            _say(event, after, work, by=CLOCK, why="有效期已满")


async def check(kept: Kept, store: Store, simulation: Simulation, *, reach: bool) -> Checks:
    """What keeps a benefit's newest version from being published, and what an officer should know. Raises Unavailable."""
    own, benefit = await look(kept, store)
    if benefit is None:
        return Checks(tuple(own))
    told = await simulation(benefit, reach=reach)
    if all(finding.severity != "error" for finding in told.findings):  # else it has said the same, and where
        own += unregistered(benefit)
    doubts, grade = await doubted(kept, benefit, store)
    return replace(told, findings=(*own, *told.findings, *doubts), readiness=grade)


async def look(kept: Kept, store: Store) -> tuple[list[Finding], Benefit | None]:
    """What can be said of a benefit's newest version without the matcher: whether it is of the language, and its document in force."""
    own, benefit = read_rule(kept)
    repealed, replaced_by = await store.force_of(kept.document, benefit.source.version if benefit and benefit.source else None)
    if repealed:
        own.append(Finding("source", "error", f"来源文件已于 {repealed} 废止", "请撤回这一事项，或改据新文件"))
    if replaced_by:
        own.append(Finding("source", "warning", f"来源文件已有第 {replaced_by} 版", "请核对条文是否变化"))
    return own, benefit


async def doubted(kept: Kept, benefit: Benefit, store: Store) -> tuple[list[Finding], Readiness]:
    """The lints as warnings, and how ready the benefit is to be given without an application."""
    registry = load_registry()
    beside = [other for one in await store.beside(kept.document, kept.id) if (other := read_rule(one)[1]) is not None]
    doubts = lint(benefit, registry=registry, others=beside)
    found = [Finding(doubt.at, "warning", doubt.problem, doubt.hint) for doubt in (*doubts, *unfair(benefit, registry=registry))]
    return found, readiness(benefit, doubts, kept.unread)


def read_rule(kept: Kept) -> tuple[list[Finding], Benefit | None]:
    """A benefit's newest version, or what keeps it from being of the language."""
    try:
        return [], parse_benefit(loads(kept.body))
    except RuleError as error:
        return [Finding(problem.at, "error", problem.problem, problem.hint) for problem in error.problems], None


def unregistered(benefit: Benefit) -> list[Finding]:
    """Facts and record kinds that the registry does not have."""
    registry = load_registry()
    unknown = sorted(facts_of(benefit) - registry.facts.keys() - registry.kinds.keys())
    hint = "请改用登记表中的事实，或写作 open.名称 先行标明"
    return [Finding("rule", "error", f"登记表中没有“{fact}”", hint) for fact in unknown]


def _must_be(kept: Kept, version: int) -> None:
    if version != kept.version:
        raise Stale(kept.version)


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


def _say(event: str, kept: Kept, work: Work[Store], *, by: Officer, why: str) -> None:
    """Say an event of the version on offer, in the trace of the document it came from."""
    if kept.offered is None or kept.offered_version is None:
        raise ValueError(f"{event} of a benefit that was never on offer")
    what: dict[str, Any] = {"benefit": parse_benefit(loads(kept.offered)), "version": kept.offered_version, "by": by.name}
    if event in ("BenefitSuspended", "BenefitWithdrawn"):
        what["reason"] = why
    said: type[events.BenefitEvent] = getattr(events, event)
    work.say(said(**what), trace=kept.trace)
