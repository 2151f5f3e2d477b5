"""The HTTP edge of catalog: measures, benefits and their review, checks, the feed of changes."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from contracts.events import MeasureRead
from contracts.rules import Benefit, RuleError, loads
from services.catalog import handlers
from services.catalog.domain.review import Action, Refusal
from services.catalog.handlers import Awaiting, Checks, Entry, Kept, Officer, Stale, Unavailable, Unclean
from services.catalog.sources import PolicyMatch
from services.chassis.app import Reply, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.outbox import TooLarge
from services.chassis.problems import Fault, Problem

router = APIRouter()

StatusWord = Literal["draft", "in_review", "approved", "published", "amended", "suspended", "expired", "withdrawn"]
Limit = Annotated[int, Query(ge=1, le=1000)]
Place = Annotated[int | None, Query(description="上一页的 next")]
IfMatch = Annotated[str | None, Header(alias="If-Match", description='所依据的版本，如 "3"')]
Reader = Annotated[Principal, Depends(allow("benefits:read"))]


class MeasurePage(BaseModel):
    """Measures, by document and in its order."""

    items: list[MeasureRead]
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


class BenefitPage(BaseModel):
    """Benefits, in the order they were drafted."""

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


class ChecksView(BaseModel):
    """What the checks found; only with `clean` can it be published."""

    clean: bool
    findings: list[FindingView]
    cases: list[CaseResult]
    reach: Reach | None = Field(description="按当前企业档案试算；规则有错误、无法试算时为 null")


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


class Step(BaseModel):
    """Why a step is taken."""

    why: str = Field(min_length=1, max_length=2000, examples=["条件与原文一致，同意发布"])


@router.get("/v1/measures", response_model=MeasurePage, tags=["measures"])
async def measures(
    request: Request,
    principal: Annotated[Principal, Depends(allow("documents:read"))],
    document: str | None = None,
    q: Annotated[str | None, Query(max_length=100, description="标题或正文中的字词")] = None,
    limit: Limit = 50,
    cursor: Annotated[str | None, Query(description="上一页的 next")] = None,
) -> Response:
    """Measures (举措) of the documents' newest versions."""
    async with runtime_of(request).read(principal) as store:
        items = await store.measures(limit, document=document, words=q, after=cursor)
    return Reply({"items": items, "next": items[-1]["measure"] if len(items) == limit else None}).response()


@router.get("/v1/measures/{document}/{path:path}", response_model=MeasureRead, tags=["measures"])
async def measure(
    document: str, path: str, request: Request, principal: Annotated[Principal, Depends(allow("documents:read"))]
) -> Response:
    """A measure: its words, units, figures and their places in the raw text."""
    async with runtime_of(request).read(principal) as store:
        said = await store.measure(f"{document}/{path}")
    if said is None:
        raise Problem("not-found", "没有这条举措；请核对编号")
    return Reply(said, headers=(("ETag", f'"{said["version"]}"'),)).response()


@router.get("/v1/benefits", response_model=BenefitPage, tags=["benefits"])
async def benefits(
    request: Request,
    principal: Reader,
    status: Annotated[StatusWord | None, Query(description="published 包括修订后仍有效的；草稿等只有人员可见")] = None,
    department: Annotated[str | None, Query(max_length=100)] = None,
    kind: str | None = None,
    document: str | None = None,
    q: Annotated[str | None, Query(max_length=100, description="事项内容中的字词")] = None,
    limit: Limit = 50,
    cursor: Place = None,
) -> Response:
    """Benefits (惠企事项). Officers see drafts too; everybody else what is or was on offer, in its offered version."""
    officer = principal.kind == "officer"
    async with runtime_of(request).read(principal) as store:
        rows = await store.benefits(
            limit, offered=not officer, status=status, department=department, kind=kind, document=document, words=q, after=cursor or 0
        )
    newest = officer and status not in ("published", "amended", "suspended", "expired", "withdrawn")
    return Reply(
        {"items": [_view(kept, newest=newest) for _, kept in rows], "next": str(rows[-1][0]) if len(rows) == limit else None}
    ).response()


@router.get("/v1/benefits/{benefit}", response_model=BenefitView, tags=["benefits"])
async def benefit(benefit: str, request: Request, principal: Reader) -> Response:
    """A benefit, whole."""
    return _replied(await _seen(request, principal, benefit), newest=principal.kind == "officer").response()


@router.get("/v1/benefits/{benefit}/history", response_model=History, tags=["benefits"])
async def history(benefit: str, request: Request, principal: Reader) -> Response:
    """Who did what with a benefit, when and why; for officers."""
    _must_be_officer(principal)
    await _seen(request, principal, benefit)
    async with runtime_of(request).read(principal) as store:
        entries: list[Entry] = await store.history(benefit)
    return Reply({"items": [{name: getattr(entry, name) for name in HistoryLine.model_fields} for entry in entries]}).response()


@router.get("/v1/benefits/{benefit}/checks", response_model=ChecksView, tags=["review"])
async def checks(
    benefit: str, request: Request, principal: Reader, reach: Annotated[bool, Query(description="是否对全市企业试算")] = True
) -> Response:
    """What keeps a benefit's newest version from being published, its cases, and, with `reach`, whom it would reach."""
    _must_be_officer(principal)
    kept = await _seen(request, principal, benefit)
    async with runtime_of(request).read(principal) as store:
        try:
            found = await handlers.check(kept, store, _simulation(request), reach=reach)
        except Unavailable as error:
            raise _unavailable() from error
    return Reply(_checks(found)).response()


@router.put(
    "/v1/benefits/{benefit}",
    response_model=BenefitView,
    tags=["review"],
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"type": "object", "description": "规则语言第 3 章的事项"}}},
        }
    },
)
async def edit(
    benefit: str, request: Request, principal: Annotated[Principal, Depends(allow("benefits:edit"))], if_match: IfMatch = None
) -> Response:
    """Replace a draft. `If-Match` names the version it is based on."""
    _must_be_officer(principal)
    version = _version(if_match)
    if version is None:
        raise Problem("invalid-request", "请在 If-Match 中写明所依据的版本（读取时的 ETag）")
    try:
        given = loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Problem("invalid-request", "内容不是 JSON") from error
    if not isinstance(given, dict) or given.get("id", benefit) != benefit:
        raise Problem("invalid-request", "内容应为一个事项，其 id 应与路径一致")

    async def change(work: Any) -> Reply:
        kept = await handlers.edit(benefit, given, work, by=_officer(principal), version=version)
        return _replied(_there(kept), newest=True)

    return await _answered(request, principal, change)


def _step(action: Action, scope: str, told: str) -> None:
    """Give the API one step of the review."""

    async def step(
        request: Request,
        body: Step,
        principal: Annotated[Principal, Depends(allow(scope))],
        benefit: Annotated[str, Path()],
        if_match: IfMatch = None,
    ) -> Response:
        _must_be_officer(principal)

        async def change(work: Any) -> Reply:
            kept = await handlers.act(
                benefit,
                action,
                work,
                by=_officer(principal),
                why=body.why,
                version=_version(if_match),
                simulation=_simulation(request),
            )
            return _replied(_there(kept), newest=True)

        return await _answered(request, principal, change)

    step.__doc__ = told
    router.add_api_route(
        f"/v1/benefits/{{benefit}}/{action}", step, methods=["POST"], response_model=BenefitView, tags=["review"], name=action
    )


_step("submit", "benefits:edit", "Submit a draft for review (editor).")
_step("send-back", "benefits:review", "Send what is in review or approved back to draft (reviewer).")
_step("approve", "benefits:review", "Approve what is in review (reviewer; nobody approves their own).")
_step(
    "publish",
    "benefits:publish",
    "Publish what is approved and whose checks are clean (publisher); says BenefitPublished or BenefitAmended.",
)
_step("amend", "benefits:edit", "Begin an amendment: a new draft, while the version on offer stays (editor).")
_step("suspend", "benefits:publish", "Let a published benefit rest (publisher); says BenefitSuspended.")
_step("resume", "benefits:publish", "Offer a suspended benefit again (publisher); says BenefitResumed.")
_step("withdraw", "benefits:publish", "Take a benefit back for good (publisher); says BenefitWithdrawn if it was on offer.")


@router.get("/v1/awaiting", response_model=AwaitingPage, tags=["review"])
async def awaiting(
    request: Request,
    principal: Reader,
    role: Literal["editor", "reviewer", "publisher"] | None = None,
    department: Annotated[str | None, Query(max_length=100)] = None,
    document: str | None = None,
    limit: Limit = 50,
    cursor: Place = None,
) -> Response:
    """What awaits whom: benefits whose document was replaced or repealed, until they are published anew, withdrawn, or left as they are."""
    _must_be_officer(principal)
    async with runtime_of(request).read(principal) as store:
        rows = await store.awaiting(limit, role=role, department=department, document=document, after=cursor or 0)
    items = [_awaiting(entry, kept) for _, entry, kept in rows]
    return Reply({"items": items, "next": str(rows[-1][0]) if len(rows) == limit else None}).response()


@router.post("/v1/awaiting/{awaiting}/settle", response_model=Settled, tags=["review"])
async def settle(awaiting: str, request: Request, body: Step, principal: Annotated[Principal, Depends(allow("benefits:edit"))]) -> Response:
    """Say that a benefit stands as it is, and why; the entry leaves the list."""
    _must_be_officer(principal)

    async def change(work: Any) -> Reply:
        entry = await handlers.settle(awaiting, work, by=_officer(principal), why=body.why)
        if entry is None:
            raise Problem("not-found", "没有这一待办，或已有人处理")
        return Reply({name: getattr(entry, name) for name in Settled.model_fields if name != "awaiting"} | {"awaiting": entry.id})

    return await _answered(request, principal, change)


@router.get("/v1/changes", response_model=ChangePage, tags=["benefits"])
async def changes(request: Request, principal: Reader, limit: Limit = 50, cursor: Place = None) -> Response:
    """What changed on offer, in order; ask again with `next` for what came since."""
    async with runtime_of(request).read(principal) as store:
        rows: list[tuple[int, Entry]] = await store.changes(limit, after=cursor or 0)
    items = [{name: getattr(entry, name) for name in Change.model_fields} for _, entry in rows]
    return Reply({"items": items, "next": str(rows[-1][0] if rows else cursor or 0)}).response()


async def _answered(request: Request, principal: Principal, change: Callable[[Any], Awaitable[Reply]]) -> Response:
    """Run a change; what it refuses becomes a problem."""
    try:
        return await command(request, principal, change)
    except Refusal as refusal:
        raise Problem(refusal.code, refusal.reason) from refusal
    except Stale as stale:
        raise Problem("stale-version", f"事项已是第 {stale.version} 版；请重新读取后再改") from stale
    except RuleError as error:
        faults = [Fault(problem.at, problem.problem, problem.hint) for problem in error.problems]
        raise Problem("rejected-rule", "事项不符合规则语言，详见 errors", errors=faults) from error
    except Unclean as unclean:
        errors = [Fault(f.at, f.problem, f.hint) for f in unclean.checks.findings if f.severity == "error"]
        if errors:
            raise Problem("rejected-rule", "检查发现错误，不能发布，详见 errors", errors=errors) from unclean
        failed = [
            Fault(f"cases/{case['name']}", case["why"] or "结果与预期不符", "请修改规则或用例")
            for case in unclean.checks.cases
            if not case["passed"]
        ]
        raise Problem("case-fails", "有用例未通过，不能发布，详见 errors", errors=failed) from unclean
    except Unavailable as error:
        raise _unavailable() from error
    except TooLarge as error:
        raise Problem("too-large", "事项超过 256 KB；请删减原文或用例") from error


def _unavailable() -> Problem:
    return Problem("unavailable", "匹配服务没有应答，用例与规则无法检查；事项未作任何变动，请稍后重试")


async def _seen(request: Request, principal: Principal, benefit: str) -> Kept:
    """A benefit the caller may see; a draft is not there for anybody but officers."""
    async with runtime_of(request).read(principal) as store:
        kept: Kept | None = await store.benefit(benefit)
    if kept is not None and principal.kind != "officer" and kept.offered is None:
        kept = None
    return _there(kept)


def _there(kept: Kept | None) -> Kept:
    if kept is None:
        raise Problem("not-found", "没有这一事项；请核对编号")
    return kept


def _must_be_officer(principal: Principal) -> None:
    if principal.kind != "officer":
        raise Problem("not-allowed", "审核与修改由人员（officer）进行；请使用有相应角色的人员密钥")


def _officer(principal: Principal) -> Officer:
    return Officer(principal.id, principal.roles)


def _simulation(request: Request) -> PolicyMatch:
    settings = runtime_of(request).settings
    return PolicyMatch(settings.policy_match_url, settings.service_key.get_secret_value() if settings.service_key else None)


def _version(if_match: str | None) -> int | None:
    """The version an If-Match header names; None without one or with `*`."""
    if if_match is None or if_match.strip() == "*":
        return None
    try:
        return int(if_match.strip().removeprefix("W/").strip('"'))
    except ValueError as error:
        raise Problem("stale-version", "If-Match 不是本服务给出的版本；请用读取时的 ETag") from error


def _replied(kept: Kept, *, newest: bool) -> Reply:
    view = _view(kept, newest=newest)
    return Reply(view, headers=(("ETag", f'"{view["version"]}"'),))


def _view(kept: Kept, *, newest: bool) -> dict[str, Any]:
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


def _awaiting(entry: Awaiting, kept: Kept) -> dict[str, Any]:
    said = loads(kept.body)
    return {
        "awaiting": entry.id,
        "title": said.get("title") or "",
        "department": said.get("department"),
        "status": kept.standing.status,
        "revision": kept.standing.pending if kept.standing.offer is not None else None,
        **{name: getattr(entry, name) for name in ("benefit", "kind", "role", "words", "document", "version", "since")},
    }


def _checks(found: Checks) -> dict[str, Any]:
    return {
        "clean": found.clean,
        "findings": [{"at": f.at, "severity": f.severity, "problem": f.problem, "hint": f.hint} for f in found.findings],
        "cases": list(found.cases),
        "reach": found.reach,
    }
