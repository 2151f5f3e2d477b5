"""The review over HTTP: edit a draft, and take each step from draft to publication and beyond."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from pydantic import BaseModel, Field

from contracts.rules import loads
from services.catalog.api.asking import Limit, Reader, answered, must_be_officer, officer, simulation, there
from services.catalog.api.views import AwaitingPage, BenefitView, Settled, awaiting_of, replied
from services.catalog.domain.review import Action
from services.catalog.handlers import commands
from services.chassis.app import Reply, allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem

router = APIRouter()
IfMatch = Annotated[str | None, Header(alias="If-Match", description='所依据的版本，如 "3"')]


class Step(BaseModel):
    """Why a step is taken."""

    why: str = Field(min_length=1, max_length=2000, examples=["条件与原文一致，同意发布"])


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
    must_be_officer(principal)
    version = version_of(if_match)
    if version is None:
        raise Problem("invalid-request", "请在 If-Match 中写明所依据的版本（读取时的 ETag）")
    try:
        given = loads(await request.body())
    except (ValueError, RecursionError) as error:
        raise Problem("invalid-request", "内容不是 JSON") from error
    if not isinstance(given, dict) or given.get("id", benefit) != benefit:
        raise Problem("invalid-request", "内容应为一个事项，其 id 应与路径一致")

    async def change(work: Any) -> Reply:
        kept = await commands.edit(benefit, given, work, by=officer(principal), version=version)
        return replied(there(kept), newest=True)

    return await answered(request, principal, change)


SCOPES: dict[Action, str] = {
    "edit": "benefits:edit",
    "submit": "benefits:edit",
    "send-back": "benefits:review",
    "approve": "benefits:review",
    "publish": "benefits:publish",
    "amend": "benefits:edit",
    "suspend": "benefits:publish",
    "resume": "benefits:publish",
    "withdraw": "benefits:publish",
}
"""The scope of each step that people take."""


def _step(action: Action, told: str) -> None:
    """Give the API one step of the review."""

    async def step(
        request: Request,
        body: Step,
        principal: Annotated[Principal, Depends(allow(SCOPES[action]))],
        benefit: Annotated[str, Path()],
        if_match: IfMatch = None,
    ) -> Response:
        must_be_officer(principal)

        async def change(work: Any) -> Reply:
            kept = await commands.act(
                benefit,
                action,
                work,
                by=officer(principal),
                why=body.why,
                version=version_of(if_match),
                simulation=simulation(request),
            )
            return replied(there(kept), newest=True)

        return await answered(request, principal, change)

    step.__doc__ = told
    router.add_api_route(
        f"/v1/benefits/{{benefit}}/{action}", step, methods=["POST"], response_model=BenefitView, tags=["review"], name=action
    )


_step("submit", "Submit a draft for review (editor).")
_step("send-back", "Send what is in review or approved back to draft (reviewer).")
_step("approve", "Approve what is in review (reviewer; nobody approves their own).")
_step(
    "publish",
    "Publish what is approved and whose checks are clean (publisher); says BenefitPublished or BenefitAmended.",
)
_step("amend", "Begin an amendment: a new draft, while the version on offer stays (editor).")
_step("suspend", "Let a published benefit rest (publisher); says BenefitSuspended.")
_step("resume", "Offer a suspended benefit again (publisher); says BenefitResumed.")
_step("withdraw", "Take a benefit back for good (publisher); says BenefitWithdrawn if it was on offer.")


@router.get("/v1/awaiting", response_model=AwaitingPage, tags=["review"])
async def awaiting(
    request: Request,
    principal: Reader,
    role: Literal["editor", "reviewer", "publisher"] | None = None,
    department: Annotated[str | None, Query(max_length=100, description="责任部门的全称或登记表所列的其他名称")] = None,
    document: str | None = None,
    limit: Limit = 50,
    cursor: Annotated[int | None, Query(description="上一页的 next")] = None,
) -> Response:
    """What awaits whom: benefits whose document was replaced or repealed, until they are published anew, withdrawn, or left as they are."""
    must_be_officer(principal)
    async with runtime_of(request).read(principal) as store:
        rows = await store.awaiting(limit, role=role, department=department, document=document, after=cursor or 0)
    items = [awaiting_of(entry, kept) for _, entry, kept in rows]
    return Reply({"items": items, "next": str(rows[-1][0]) if len(rows) == limit else None}).response()


@router.post("/v1/awaiting/{awaiting}/settle", response_model=Settled, tags=["review"])
async def settle(awaiting: str, request: Request, body: Step, principal: Annotated[Principal, Depends(allow("benefits:edit"))]) -> Response:
    """Say that a benefit stands as it is, and why; the entry leaves the list."""
    must_be_officer(principal)

    async def change(work: Any) -> Reply:
        entry = await commands.settle(awaiting, work, by=officer(principal), why=body.why)
        if entry is None:
            raise Problem("not-found", "没有这一待办，或已有人处理")
        return Reply({name: getattr(entry, name) for name in Settled.model_fields if name != "awaiting"} | {"awaiting": entry.id})

    return await answered(request, principal, change)


def version_of(if_match: str | None) -> int | None:
    """The version an If-Match header names; None without one or with `*`."""
    if if_match is None or if_match.strip() == "*":
        return None
    try:
        return int(if_match.strip().removeprefix("W/").strip('"'))
    except ValueError as error:
        raise Problem("stale-version", "If-Match 不是本服务给出的版本；请用读取时的 ETag") from error
