"""What catalog answers: the shapes of measures, benefits, their checks and changes, and how they are filled."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, Field

from contracts.events import MeasureRead
from contracts.rules import Benefit, loads
from services.catalog.domain.readiness import Readiness
from services.catalog.domain.search import highlight
from services.catalog.handlers import Awaiting, Checks, Kept
from services.chassis.app import Reply

StatusWord = Literal["draft", "in_review", "approved", "published", "amended", "suspended", "expired", "withdrawn"]


class HighlightView(BaseModel):
    """A stretch of a text in which words that were asked for stand; `marks` are their places in it, [from, to)."""

    field: Literal["title", "text", "policy", "body"]
    words: str
    marks: list[tuple[int, int]]


class MeasurePage(BaseModel):
    """Measures, by document and in its order; with `q` the best first."""

    items: list[MeasureRead]
    highlights: dict[str, list[HighlightView]] = Field(default={}, description="用 q 查找时，各举措命中的字词及其位置")
    next: str | None


class BenefitView(BaseModel):
    """A benefit and where it stands. An officer sees the newest version, everybody else the one on offer."""

    benefit: Benefit
    status: StatusWord
    revision: Literal["draft", "in_review", "approved"] | None = Field(description="已发布事项正在修订时，修订稿的状态")
    version: int = Field(description="所示版本，即 ETag")
    offered_version: int | None = Field(description="对外有效的版本")
    document: str
    measure: str
    unread: list[str] = Field(description="自动提取时没有读懂的原文")
    findings: list[str] = Field(description="自动提取时需要人核对之处")
    changed_at: datetime
    trace: str | None = Field(description="来源文件的追踪编号（trace id）")
    highlights: list[HighlightView] = Field(default=[], description="用 q 查找时，命中的字词及其位置")


class BenefitPage(BaseModel):
    """Benefits, in the order they were drafted; with `q` the best first."""

    items: list[BenefitView]
    next: str | None


class HistoryLine(BaseModel):
    """A step: who, when, why."""

    version: int
    action: str
    status_before: str | None
    status: str
    by: str
    why: str
    at: datetime


class History(BaseModel):
    """The history of a benefit, the oldest step first."""

    items: list[HistoryLine]


class FindingView(BaseModel):
    """Something to know before deciding."""

    at: str
    severity: Literal["error", "warning"]
    problem: str
    hint: str


class CaseResult(BaseModel):
    """What became of a case that travels with the rule."""

    name: str
    passed: bool
    why: str | None


class Sum(BaseModel):
    """Yuan over all who are eligible; `high` null: no upper limit known."""

    low: str
    high: str | None


class Reach(BaseModel):
    """Whom the newest version would reach, by the facts of today, and what it would cost."""

    eligible: int
    ineligible: int
    undetermined: int
    amount: Sum | None = None


class CriterionView(BaseModel):
    """One of the three tests of 免申即享."""

    name: Literal["范围明确", "标准清晰", "数据齐全"]
    met: bool
    missing: list[str]


class ReadinessView(BaseModel):
    """How far a benefit can go without an application."""

    grade: Literal["免申即享", "补齐后可免申即享", "暂须申报"]
    criteria: list[CriterionView]


class WordedLine(BaseModel):
    """A line of the rule or the amount in Chinese."""

    path: str
    depth: int
    words: str
    quote: str | None
    article: str | None


class ChecksView(BaseModel):
    """What the checks found; only with `clean` can it be published."""

    clean: bool
    findings: list[FindingView]
    cases: list[CaseResult]
    reach: Reach | None = Field(description="按当前企业档案试算；规则有错误、无法试算时为 null")
    readiness: ReadinessView | None = Field(description="免申即享成熟度；不符合规则语言时为 null")
    rule: list[WordedLine] = Field(description="规则的中文表述，逐行")
    amount: list[WordedLine] = Field(description="金额的中文表述")


class Change(BaseModel):
    """A published change: BenefitPublished, BenefitAmended, BenefitSuspended, BenefitResumed, BenefitWithdrawn or BenefitExpired."""

    event: str
    benefit: str
    version: int
    status: StatusWord
    at: datetime


class ChangePage(BaseModel):
    """Changes, the oldest first; `next` is never null, so that a reader goes on from where it stood."""

    items: list[Change]
    next: str


class AwaitingView(BaseModel):
    """Something about a benefit that awaits a person of a role; nothing happens to the benefit by itself."""

    awaiting: str
    benefit: str
    title: str
    department: str | None
    status: StatusWord
    revision: Literal["draft", "in_review", "approved"] | None
    kind: Literal["changed", "terms", "unread", "removed", "repealed"] = Field(
        description="changed：条文改动，已拟修订稿；terms：有效期等改动；unread：新条文没有读出；removed：新版没有这条；repealed：文件废止"
    )
    role: Literal["editor", "reviewer", "publisher"] = Field(description="等待何种角色的人员")
    words: str
    document: str
    version: int | None = Field(description="引起此事的文件版本")
    since: datetime


class AwaitingPage(BaseModel):
    """What awaits whom, the longest waiting first."""

    items: list[AwaitingView]
    next: str | None


class Settled(BaseModel):
    """An entry that left the list of what awaits whom: by whom and why."""

    awaiting: str
    benefit: str
    settled_by: str
    settled_why: str
    settled_at: datetime


def replied(kept: Kept, *, newest: bool) -> Reply:
    """The answer that shows one benefit."""
    view = view_of(kept, newest=newest)
    return Reply(view, headers=(("ETag", f'"{view["version"]}"'),))


def view_of(kept: Kept, *, newest: bool) -> dict[str, Any]:
    """A benefit as told: its newest version, or the one on offer."""
    if newest or kept.offered is None:
        body, version = kept.body, kept.version
    else:
        body, version = kept.offered, kept.offered_version or kept.version
    standing = kept.standing
    return {
        "benefit": loads(body),
        "status": standing.status,
        "revision": standing.pending if standing.offer is not None else None,
        "version": version,
        "offered_version": kept.offered_version,
        "document": kept.document,
        "measure": kept.measure,
        "unread": kept.unread,
        "findings": kept.findings,
        "changed_at": kept.changed_at,
        "trace": kept.trace.split("-")[1] if kept.trace else None,
    }


def checks_of(found: Checks) -> dict[str, Any]:
    """What the checks found, as told."""
    return {
        "clean": found.clean,
        "findings": [{"at": f.at, "severity": f.severity, "problem": f.problem, "hint": f.hint} for f in found.findings],
        "cases": list(found.cases),
        "reach": found.reach,
        "readiness": None if found.readiness is None else readiness_of(found.readiness),
        "rule": list(found.rule),
        "amount": list(found.amount),
    }


def readiness_of(found: Readiness) -> dict[str, Any]:
    """A grade as told."""
    criteria = [{"name": one.name, "met": one.met, "missing": list(one.missing)} for one in found.criteria]
    return {"grade": found.grade, "criteria": criteria}


def highlights(item: Mapping[str, Any], words: str, *names: str) -> list[dict[str, Any]]:
    """Where words stand in the named fields of a measure or benefit."""
    found = (highlight(name, str(item.get(name) or ""), words) for name in names)
    return [one._asdict() for one in found if one is not None]


def awaiting_of(entry: Awaiting, kept: Kept) -> dict[str, Any]:
    """An entry as told."""
    said = loads(kept.body)
    return {
        "awaiting": entry.id,
        "title": said.get("title") or "",
        "department": said.get("department"),
        "status": kept.standing.status,
        "revision": kept.standing.pending if kept.standing.offer is not None else None,
        **{name: getattr(entry, name) for name in ("benefit", "kind", "role", "words", "document", "version", "since")},
    }
