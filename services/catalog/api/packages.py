"""Policies from city to city over HTTP: a document with its benefits as one signed file, and another city's file as drafts here."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from contracts.registry import load_registry
from services.catalog.api.asking import Reader, answered, must_be_officer, officer
from services.catalog.domain.packaging import LARGEST, Unacceptable, pack, unpack
from services.catalog.handlers import Unavailable, packages
from services.catalog.handlers.packages import Import
from services.catalog.sources import Ingest
from services.catalog.sources.signatures import BadKey, signer_of, trusted_of
from services.chassis import clock
from services.chassis.app import Reply, allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.bodies import body_within
from services.chassis.problems import Fault, Problem

router = APIRouter()
MEDIA = "application/vnd.zhaoqi.policy+json"


class TakenView(BaseModel):
    """A benefit of a package, and the draft it became here."""

    benefit: str = Field(description="本市的事项编号")
    origin: str = Field(description="对方的事项编号")
    origin_version: int
    new: bool = Field(description="由这次导入新建；否则是以前导入过的同一版本")


class ImportView(BaseModel):
    """A package that was taken; its drafts await review, what to look at stands in their findings."""

    package: str = Field(description="政策包内容的摘要：内容相同，摘要相同")
    signer: str = Field(description="签名者，以本市信任名单中的名称为准")
    document: str
    version: int
    benefits: list[TakenView]
    by: str
    at: datetime


@router.get(
    "/v1/policies/{document}/package",
    tags=["packages"],
    responses={200: {"content": {MEDIA: {"schema": {"type": "object"}}}, "description": "签名的政策包（JSON）"}},
)
async def package(
    document: str,
    request: Request,
    principal: Reader,
    version: Annotated[int | None, Query(ge=1, description="文件的版本；不写为最新")] = None,
    drafts: Annotated[bool, Query(description="连同未发布的最新版本（人员专用）")] = False,
) -> Response:
    """A policy as one signed file: its text, measures, and the benefits on offer with their rules and cases."""
    if drafts:
        must_be_officer(principal)
    settings = runtime_of(request).settings
    if settings.package_key is None or not settings.package_issuer:
        raise Problem("unavailable", "没有设置签名的私钥与名称；请运维人员设置 ZHAOQI_PACKAGE_KEY 和 ZHAOQI_PACKAGE_ISSUER")
    async with runtime_of(request).read(principal) as store:
        chosen = version or await store.newest(document)
        heard = await store.heard(document, chosen) if chosen else None
        if heard is None:
            raise Problem("not-found", "没有这份文件的这一版本，或尚未读完")
        kept = await store.beside(document, "")
        before: Import | None = await store.import_of(document, chosen)
    try:
        key = settings.service_key.get_secret_value() if settings.service_key else None
        text = before.text if before else await Ingest(settings.ingest_url, key).text(document, chosen)
        found = packages.contents(heard, text, kept, drafts=drafts)
        if not found.benefits:
            raise Problem("conflict", "这份文件没有已发布的事项；人员可用 drafts=true 连同草稿导出")
        signer = signer_of(settings.package_key.get_secret_value())
        file = pack(
            found,
            issuer=settings.package_issuer,
            city=settings.city,
            at=clock.now().isoformat(timespec="seconds"),
            origin=before.origin if before else [],
            registry=load_registry(),
            key=signer.id,
            sign=signer.sign,
        )
    except BadKey as error:
        raise Problem("unavailable", str(error)) from error
    except Unavailable as error:
        raise Problem("unavailable", "文件服务没有应答，取不到原文；请稍后重试") from error
    except Unacceptable as error:
        raise _refused(error) from error
    return Response(file, media_type=MEDIA, headers={"Content-Disposition": f'attachment; filename="{document}-{chosen}.zhaoqi.json"'})


@router.post(
    "/v1/packages",
    response_model=ImportView,
    status_code=201,
    tags=["packages"],
    responses={200: {"model": ImportView, "description": "以前已导入过的同一政策包"}},
    openapi_extra={"requestBody": {"required": True, "content": {MEDIA: {"schema": {"type": "object"}}}}},
)
async def take(request: Request, principal: Annotated[Principal, Depends(allow("benefits:edit"))]) -> Response:
    """Take another city's package over: drafts that await review, never more (editor). The same package twice is taken once."""
    must_be_officer(principal)
    settings = runtime_of(request).settings
    file, whole = await body_within(request, LARGEST)
    if not whole:
        raise Problem("too-large", f"政策包超过 {LARGEST // 1024 // 1024} MB")
    try:
        trusted = trusted_of(settings.package_trusted)
        found = unpack(file, trusted=trusted.names, verify=trusted.verify)
    except BadKey as error:
        raise Problem("unavailable", str(error)) from error
    except Unacceptable as error:
        raise _refused(error) from error

    async def change(work: Any) -> Reply:
        try:
            done, new = await packages.take(found, work, by=officer(principal), city=settings.city)
        except Unacceptable as error:
            raise _refused(error) from error
        benefits = [{name: getattr(one, name) for name in TakenView.model_fields} for one in done.benefits]
        view = {name: getattr(done, name) for name in ImportView.model_fields if name != "benefits"} | {"benefits": benefits}
        return Reply(view, status=201 if new else 200)

    return await answered(request, principal, change)


def _refused(error: Unacceptable) -> Problem:
    return Problem("unreadable", "政策包不能采用，详见 errors", errors=[Fault(one.at, one.problem, one.hint) for one in error.wrong])
