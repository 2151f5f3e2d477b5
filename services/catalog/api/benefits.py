"""Reading measures and benefits over HTTP: lists and search, one of each, history, checks, and the feed of changes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from contracts.events import MeasureRead
from services.catalog.api.asking import Limit, Reader, must_be_officer, seen, simulation, unavailable
from services.catalog.api.views import (
    BenefitPage,
    BenefitView,
    Change,
    ChangePage,
    ChecksView,
    History,
    HistoryLine,
    MeasurePage,
    StatusWord,
    checks_of,
    highlights,
    replied,
    view_of,
)
from services.catalog.domain.facets import Level
from services.catalog.handlers import Entry, Unavailable, checking
from services.catalog.store import BadCursor, Filter
from services.chassis.app import Reply, allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem

router = APIRouter()

Place = Annotated[str | None, Query(max_length=200, description="上一页的 next")]
Department = Annotated[
    str | None, Query(max_length=100, description="责任部门的全称或登记表所列的其他名称，如 市工业和信息化局、市工信局；区级部门写明区名")
]
LevelWord = Annotated[Level | None, Query(description="发文机关的层级")]
ON_OFFER = ("published", "amended", "suspended", "expired", "withdrawn")


@dataclass(frozen=True)
class Asked:
    """The filters that lists and files of benefits share."""

    department: Department = None
    level: LevelWord = None
    district: Annotated[str | None, Query(pattern="^[0-9]{2,12}$", description="区划代码（GB/T 2260）；不限地区的也列出")] = None
    industry: Annotated[str | None, Query(pattern="^[A-T][0-9]{0,4}$", description="行业代码（GB/T 4754）；不限行业的也列出")] = None
    kind: str | None = None
    mode: Annotated[Literal["direct", "confirm", "apply", "inform"] | None, Query(description="兑现方式")] = None
    document: str | None = None
    valid_on: Annotated[date | None, Query(description="在这一天有效；起始日尚未确定的不列出")] = None


@router.get("/v1/measures", response_model=MeasurePage, tags=["measures"])
async def measures(
    request: Request,
    principal: Annotated[Principal, Depends(allow("documents:read"))],
    document: str | None = None,
    department: Department = None,
    level: LevelWord = None,
    q: Annotated[str | None, Query(max_length=100, description="标题或正文中的字词，空格隔开的都要有")] = None,
    limit: Limit = 50,
    cursor: Place = None,
) -> Response:
    """Measures (举措) of the documents' newest versions."""
    async with runtime_of(request).read(principal) as store:
        with _places():
            items, following = await store.measures(limit, document=document, department=department, level=level, words=q, after=cursor)
    page: dict[str, Any] = {"items": items, "next": following}
    if q:
        page["highlights"] = {item["measure"]: highlights(item, q, "title", "body") for item in items}
    return Reply(page).response()


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
    asked: Annotated[Asked, Depends()],
    status: Annotated[StatusWord | None, Query(description="published 包括修订后仍有效的；草稿等只有人员可见")] = None,
    q: Annotated[str | None, Query(max_length=100, description="名称、原文、政策或部门中的字词，空格隔开的都要有")] = None,
    limit: Limit = 50,
    cursor: Place = None,
) -> Response:
    """Benefits (惠企事项). Officers see drafts too; everybody else what is or was on offer, in its offered version."""
    newest = principal.kind == "officer" and status not in ON_OFFER
    filtered = Filter("newest" if newest else "offered", status=status, words=q, **asdict(asked))
    async with runtime_of(request).read(principal) as store:
        with _places():
            rows, following = await store.benefits(limit, filtered, officer=principal.kind == "officer", after=cursor)
    items = [view_of(kept, newest=newest) for kept in rows]
    if q:
        items = [item | {"highlights": highlights(item["benefit"], q, "title", "text", "policy")} for item in items]
    return Reply({"items": items, "next": following}).response()


@router.get("/v1/benefits/{benefit}", response_model=BenefitView, tags=["benefits"])
async def benefit(benefit: str, request: Request, principal: Reader) -> Response:
    """A benefit, whole."""
    return replied(await seen(request, principal, benefit), newest=principal.kind == "officer").response()


@router.get("/v1/benefits/{benefit}/history", response_model=History, tags=["benefits"])
async def history(benefit: str, request: Request, principal: Reader) -> Response:
    """Who did what with a benefit, when and why; for officers."""
    must_be_officer(principal)
    await seen(request, principal, benefit)
    async with runtime_of(request).read(principal) as store:
        entries: list[Entry] = await store.history(benefit)
    return Reply({"items": [{name: getattr(entry, name) for name in HistoryLine.model_fields} for entry in entries]}).response()


@router.get("/v1/benefits/{benefit}/checks", response_model=ChecksView, tags=["review"])
async def checks(
    benefit: str, request: Request, principal: Reader, reach: Annotated[bool, Query(description="是否对全市企业试算")] = True
) -> Response:
    """What keeps a benefit's newest version from being published, its cases, and, with `reach`, whom it would reach."""
    must_be_officer(principal)
    kept = await seen(request, principal, benefit)
    async with runtime_of(request).read(principal) as store:
        looked = await checking.look(kept, store)
    try:
        found = await checking.check(looked, simulation(request), reach=reach)
    except Unavailable as error:
        raise unavailable() from error
    return Reply(checks_of(found)).response()


@router.get("/v1/changes", response_model=ChangePage, tags=["benefits"])
async def changes(
    request: Request, principal: Reader, limit: Limit = 50, cursor: Annotated[int | None, Query(description="上一页的 next")] = None
) -> Response:
    """What changed on offer, in order; ask again with `next` for what came since."""
    async with runtime_of(request).read(principal) as store:
        rows: list[tuple[int, Entry]] = await store.changes(limit, after=cursor or 0)
    items = [{name: getattr(entry, name) for name in Change.model_fields} for _, entry in rows]
    return Reply({"items": items, "next": str(rows[-1][0] if rows else cursor or 0)}).response()


@contextmanager
def _places() -> Iterator[None]:
    try:
        yield
    except BadCursor as error:
        raise Problem("invalid-request", "cursor 不是本服务给出的；请用上一页的 next，并保持其他条件不变") from error
