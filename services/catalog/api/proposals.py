"""Proposals of a model over HTTP: what was proposed for a draft, and an editor's word on each."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from services.catalog.api.asking import Reader, answered, must_be_officer, officer, seen
from services.catalog.api.review import IfMatch, Step, version_of
from services.catalog.api.views import BenefitView, replied
from services.catalog.handlers import proposals
from services.chassis.app import Reply, allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem

router = APIRouter()


class ProposalView(BaseModel):
    """A proposal of a model: no part of the rule, and decided by nobody but a person."""

    id: str
    version: int = Field(description="所依据的事项版本")
    author: str = Field(examples=["model:name"])
    kind: Literal["condition", "amount"]
    quote: str = Field(description="条文中的原话")
    node: dict[str, Any] = Field(description="规则语言中的条件或金额")
    made_at: datetime
    decision: Literal["accepted", "rejected"] | None = Field(description="经办人员的决定；未决定为 null")
    decided_by: str | None
    decided_why: str | None
    decided_at: datetime | None


class Proposals(BaseModel):
    """What a model proposed for a benefit, the oldest first."""

    items: list[ProposalView]


@router.get("/v1/benefits/{benefit}/proposals", response_model=Proposals, tags=["review"])
async def proposed(benefit: str, request: Request, principal: Reader) -> Response:
    """What a model proposed for a benefit's drafts; for officers. Nothing of it decides anything until an editor accepts it."""
    must_be_officer(principal)
    await seen(request, principal, benefit)
    async with runtime_of(request).read(principal) as store:
        found = await store.proposals(benefit)
    return Reply({"items": [{name: getattr(one, name) for name in ProposalView.model_fields} for one in found]}).response()


@router.post("/v1/benefits/{benefit}/proposals/{proposal}/{decision}", response_model=BenefitView, tags=["review"])
async def decide(
    benefit: str,
    proposal: str,
    decision: Literal["accept", "reject"],
    request: Request,
    body: Step,
    principal: Annotated[Principal, Depends(allow("benefits:edit"))],
    if_match: IfMatch = None,
) -> Response:
    """Take a proposal over into the draft, as an edit of one's own, or turn it down (editor)."""
    must_be_officer(principal)

    async def change(work: Any) -> Reply:
        kept = await proposals.decide(
            *(benefit, proposal, "accepted" if decision == "accept" else "rejected", work),
            by=officer(principal),
            why=body.why,
            version=version_of(if_match),
        )
        if kept is None:
            raise Problem("not-found", "没有这条建议；请核对编号")
        return replied(kept, newest=True)

    return await answered(request, principal, change)
