"""The ledger of pushes: which message exists for whom, since when, why, and under which trace."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Security
from pydantic import BaseModel, Field

from services.chassis.app import runtime_of
from services.chassis.auth import BEARER, Principal
from services.chassis.problems import Problem
from services.chassis.telemetry import trace_id

router = APIRouter(prefix="/v1/ledger", tags=["ledger"])


class Why(BaseModel):
    """The match a push rests on: this version of the benefit's rule was found true on that day."""

    match: str
    version: int
    as_of: date
    withdrawn_because: str | None = Field(description="facts benefit time；撤回的原因")


class Entry(BaseModel):
    """One message."""

    message: str
    uscc: str
    benefit: str
    occasion: str
    status: str
    since: datetime
    updated_at: datetime
    trace_id: str | None
    why: Why


class Entries(BaseModel):
    """One page, in the order of message ids."""

    items: list[Entry]
    next: str | None


async def reader(request: Request, _: Annotated[object, Security(BEARER, scopes=["messages:read"])]) -> Principal:
    """Someone who may see every enterprise's pushes: scope `messages:read` or `ops`, and no enterprise."""
    keys = runtime_of(request).keys
    try:
        principal = await keys.principal(request, "messages:read")
    except Problem as problem:
        if problem.code != "not-allowed":
            raise
        principal = await keys.principal(request, "ops")
    if principal.kind == "enterprise":
        raise Problem("not-allowed", "台账面向平台与运维；企业请查看自己的收件箱")
    return principal


@router.get("")
async def ledger(
    request: Request,
    principal: Annotated[Principal, Depends(reader)],
    benefit: str | None = None,
    cursor: str = "",
    limit: Annotated[int, Query(ge=1, le=5000)] = 500,
) -> Entries:
    """Every message, of one benefit or of all."""
    async with runtime_of(request).read(principal) as store:
        found = await store.ledger(benefit, after=cursor, limit=limit + 1)
    page = found[:limit]
    return Entries(items=[_entry(row) for row in page], next=page[-1]["id"] if len(found) > limit else None)


def _entry(row: dict[str, Any]) -> Entry:
    return Entry(
        message=row["id"],
        uscc=row["uscc"],
        benefit=row["benefit"],
        occasion=row["occasion"],
        status=row["status"],
        since=row["created_at"],
        updated_at=row["updated_at"],
        trace_id=trace_id(row["traceparent"]),
        why=Why(match=row["id"], version=row["version"], as_of=row["as_of"], withdrawn_because=row["withdrawn_because"]),
    )
