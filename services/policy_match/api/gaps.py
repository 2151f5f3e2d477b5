"""What is missing from each authority, and for how many enterprises it keeps which benefits undetermined."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field

from contracts.registry import load_registry
from services.chassis.app import allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem

router = APIRouter(prefix="/v1/gaps", tags=["facts"])
Reader = Annotated[Principal, Depends(allow("facts:read"))]


class HeldUp(BaseModel):
    """A benefit that cannot be decided for so many enterprises without the fact."""

    benefit: str
    enterprises: int


class Gap(BaseModel):
    """A fact or a record kind that is missing."""

    fact: str = Field(description="事实的编号与期间，如 revenue@2025；或明细的种类")
    name: str
    period: str | None
    enterprises: int = Field(description="因缺少它而有事项不能判定的企业数")
    benefits: list[HeldUp]
    as_of: date


class Gaps(BaseModel):
    """What is missing from one authority, that of the most enterprises first, as counted each day."""

    items: list[Gap]
    next: str | None


@router.get("")
async def gaps(
    request: Request,
    principal: Reader,
    authority: Annotated[str | None, Query(max_length=60, description="登记表中的部门；部门自己的密钥可省略")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: Annotated[str | None, Query(description="上一页的 next")] = None,
) -> Gaps:
    """The missing facts of an authority; an authority sees its own."""
    registry = load_registry()
    asked = authority or principal.department
    known = next((key for key, entry in registry.authorities.items() if asked in (key, entry.name)), None)
    if principal.kind == "enterprise" or (principal.kind == "authority" and authority and not _same(authority, principal, known)):
        raise Problem("not-found", "没有这个部门的缺项清单")
    if known is None:
        raise Problem("invalid-request", f"authority 应为登记表中的部门：{'、'.join(registry.authorities)}")
    async with runtime_of(request).read(principal) as store:
        found = await store.gaps(known, limit=limit + 1, after=_after(cursor))
    items = []
    for one in found[:limit]:
        name, _, period = one.label.partition("@")
        entry = registry.facts.get(name) or registry.kinds[name]
        benefits = [HeldUp(benefit=benefit, enterprises=number) for benefit, number in one.benefits.items()]
        items.append(
            Gap(fact=one.label, name=entry.name, period=period or None, enterprises=one.enterprises, benefits=benefits, as_of=one.as_of)
        )
    return Gaps(items=items, next=f"{items[-1].enterprises} {items[-1].fact}" if len(found) > limit else None)


def _same(authority: str, principal: Principal, known: str | None) -> bool:
    return known is not None and principal.department in (authority, known, load_registry().authorities[known].name)


def _after(cursor: str | None) -> tuple[int, str] | None:
    if cursor is None:
        return None
    number, _, label = cursor.partition(" ")
    if not number.isdigit():
        raise Problem("invalid-request", "cursor 不是本接口给出的值；请原样使用上一页的 next")
    return int(number), label
