"""How far a bulk file of facts is loaded."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, Field

from contracts.registry import load_registry
from services.chassis.app import allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem

router = APIRouter(prefix="/v1/loads", tags=["facts"])
Reader = Annotated[Principal, Depends(allow("facts:read"))]


class Load(BaseModel):
    """A bulk file on its way into the profiles."""

    delivery: str
    authority: str
    true_on: date
    known_on: datetime
    rows: int
    state: Literal["waiting", "loading", "loaded"] = Field(description="待取、载入中、已载入")
    loaded: int = Field(description="已载入的行数")
    changed: int = Field(description="其中数值有变化、已重新匹配的企业数")
    left_out: int = Field(description="因企业已换代码而未采用的行数")
    problem: str | None = Field(description="最近一次未能取得或载入的原因；会自动再试")


@router.get("/{delivery}")
async def load(delivery: str, request: Request, principal: Reader) -> Load:
    """How far a file is loaded; an authority sees its own."""
    async with runtime_of(request).read(principal) as store:
        found = await store.how_loaded(delivery)
    if found is None or principal.kind == "enterprise" or (principal.kind == "authority" and not _own(principal, found["authority"])):
        raise Problem("not-found", "没有这次提供的文件；不足 5,000 行的逐行生效，没有载入的过程")
    return Load(**{name: found[name] for name in Load.model_fields})


def _own(principal: Principal, authority: str) -> bool:
    return principal.department in (authority, load_registry().authorities[authority].name)
