"""List pages that ingest watches for new documents: add one, see how they fare, let one go."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.chassis import dialer
from services.chassis.app import Reply, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Fault, Problem
from services.ingest.handlers import Source, watch

router = APIRouter(tags=["sources"])


class NewSource(BaseModel):
    """A list page to watch."""

    url: str = Field(max_length=2000, examples=["https://www.xm.gov.cn/zwgk/flfg/sfbwj/"], description="公布文件的栏目页网址")


class SourceView(BaseModel):
    """A watched page and how it fares."""

    source: str
    url: str
    added_at: datetime
    due_at: datetime = Field(description="下次查看的时间")
    looked_at: datetime | None
    known: int | None = Field(description="已知的文件链接数；尚未查看过为 null。首次查看时已有的文件不会读取，可逐个上传")
    documents: int = Field(description="由此读入的文件数")
    failures: int = Field(description="连续失败的次数")
    problem: str | None = Field(description="最近一次失败的原因")


class SourcePage(BaseModel):
    """Watched pages, the newest first."""

    items: list[SourceView]
    next: str | None = Field(description="下一页的 cursor；没有下一页为 null")


@router.post("/v1/sources", status_code=201, response_model=SourceView)
async def add(new: NewSource, request: Request, principal: Annotated[Principal, Depends(allow("documents:write"))]) -> Response:
    """Watch a list page: its new documents are read as if they were uploaded. A page that is watched already stays as it is."""
    try:
        await dialer.check(new.url, dialer.allowed(runtime_of(request).settings.source_allow))
    except dialer.Refused as refused:
        raise Problem("invalid-request", f"不能查看该网址：{refused}", errors=[Fault("body.url", str(refused))]) from refused

    async def keep(work: Any) -> Reply:
        source = await watch(new.url, work, principal=principal.id)
        return Reply(_view(source), 201, (("Location", f"/v1/sources/{source.source}"),))

    return await command(request, principal, keep)


@router.get("/v1/sources", response_model=SourcePage)
async def sources(
    request: Request,
    principal: Annotated[Principal, Depends(allow("documents:read"))],
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: Annotated[int | None, Query(description="上一页的 next")] = None,
) -> Response:
    """Every watched page, the newest first."""
    async with runtime_of(request).read(principal) as store:
        rows = await store.sources(limit, before=cursor)
    after = str(rows[-1][0]) if len(rows) == limit else None
    return Reply({"items": [_view(source) for _, source in rows], "next": after}).response()


@router.delete("/v1/sources/{source}", status_code=204)
async def remove(source: str, request: Request, principal: Annotated[Principal, Depends(allow("documents:write"))]) -> Response:
    """Watch a page no more; the documents that came from it stay."""

    async def let_go(work: Any) -> Reply:
        if not await work.store.remove_source(source):
            raise Problem("not-found", "没有这个来源；请核对编号")
        return Reply(None, 204)

    return await command(request, principal, let_go)


def _view(source: Source) -> dict[str, Any]:
    names = set(SourceView.model_fields) - {"known"}
    return {**{name: getattr(source, name) for name in names}, "known": None if source.seen is None else len(source.seen)}
