"""The HTTP edge of ingest: documents and facts come in here, are read and checked, and are refused with the reason where they must be."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from contracts.registry import load_registry
from services.chassis import clock, dialer
from services.chassis.app import Reply, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.bodies import body_within
from services.chassis.outbox import TooLarge
from services.chassis.problems import Fault, Problem
from services.ingest.api import documents, sources
from services.ingest.api.documents import DocumentReceipt, receipt, trace_id
from services.ingest.domain.reading import NotADocument
from services.ingest.domain.result import Read
from services.ingest.domain.statements import authority_of, check
from services.ingest.handlers import Delivery, Received, keep_statements, read_received, refuse_document
from services.ingest.handlers.documents import NotReplaced, keep_document
from services.ingest.sandbox import Overwhelmed, read_safely
from services.ingest.sources import Unfetched, client, fetch, ocr_of

DOCUMENT_LIMIT = 20 * 1024 * 1024
"""Bytes a document may have."""
DELIVERY_LIMIT = 50 * 1024 * 1024
"""Bytes a delivery of facts may have."""
DELIVERY_LINES = 100_000
"""Lines a delivery of facts may have."""
_ENVELOPE = 1024 * 1024  # bytes of a multipart body around the file

router = APIRouter()
router.include_router(documents.router)
router.include_router(sources.router)


class LineError(BaseModel):
    """What is wrong with a line of a delivery."""

    at: str = Field(examples=["line 3 facts.revenue"])
    code: str = Field(examples=["wrong-authority"])
    problem: str
    hint: str


class DeliveryReceipt(BaseModel):
    """What became of a delivery; at most the first 1,000 errors are told."""

    delivery: str
    accepted: int
    refused: int
    errors: list[LineError]


class DeliveryView(DeliveryReceipt):
    """A delivery of facts by an authority."""

    authority: str
    principal: str
    sha256: str
    received_at: datetime
    trace: str | None = Field(description="追踪编号（trace id）")


class DeliverySummary(BaseModel):
    """A delivery in a list, without its errors."""

    delivery: str
    authority: str
    accepted: int
    refused: int
    received_at: datetime


class DeliveryPage(BaseModel):
    """Deliveries, the newest first."""

    items: list[DeliverySummary]
    next: str | None


class Address(BaseModel):
    """The address of a document that ingest fetches itself."""

    url: str = Field(max_length=2000)


_MISSING = Fault("file", "缺少文件", '以 multipart/form-data 提交，文件放在 file 字段；或以 application/json 提交 {"url": "https://…"}')
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[int | None, Query(description="上一页的 next")]

_UPLOAD = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary", "description": "文本、Markdown、网页、DOCX、XLSX 或 PDF，至多 20 MB"}
                    },
                }
            },
            "application/json": {"schema": Address.model_json_schema()},
        },
    }
}
_LINES = {
    "requestBody": {
        "required": True,
        "content": {
            "application/jsonl": {
                "schema": {"type": "string"},
                "example": '{"uscc": "91350200MA0000000X", "true_on": "2026-06-30", "facts": {"revenue": {"2025": 26000000}}}\n',
            }
        },
    }
}


@router.post("/v1/documents", status_code=202, response_model=DocumentReceipt, openapi_extra=_UPLOAD, tags=["documents"])
async def upload(
    request: Request,
    principal: Annotated[Principal, Depends(allow("documents:write"))],
    replaces: Annotated[str | None, Query(max_length=100, description="所取代的文件的编号；同字号或写明更正、修订的自动识别")] = None,
) -> Response:
    """Read a document. 202 with its id and version; the same bytes again answer 200 and change nothing."""
    body, whole = await body_within(request, DOCUMENT_LIMIT + _ENVELOPE)
    received = await _given(request, body) if whole else Received("", body)
    try:
        if len(received.data) > DOCUMENT_LIMIT or not whole:
            limit = DOCUMENT_LIMIT // 1024 // 1024
            raise NotADocument("too-large", f"文件超过 {limit} MB 的限制。", "请删去图片，或拆分后分别上传。")
        read = await read_received(received, reader=read_safely, ocr=ocr_of(runtime_of(request).settings))
        return await command(request, principal, lambda work: _keep(work, received, read, replaces))
    except NotADocument as refusal:
        reason = refusal
    except NotReplaced as refused:
        raise Problem(refused.code, refused.detail, errors=[Fault("replaces", refused.detail, refused.hint)]) from refused
    except Overwhelmed as error:
        raise Problem("unavailable", "正在读取的文件太多，请稍后重新上传") from error
    except TooLarge:
        reason = NotADocument("too-large", "文件中有一条举措过长，超过 256 KB。", "请检查文件的编号与分段是否完整。")
    return await command(request, principal, lambda work: _refuse(work, received, reason))


async def _keep(work: Any, received: Received, read: Read, replaces: str | None) -> Reply:
    kept, new = await keep_document(received, read, work, replaces=replaces)
    return Reply(receipt(kept), 202 if new else 200, (("Location", f"/v1/documents/{kept.document}"),))


async def _refuse(work: Any, received: Received, refusal: NotADocument) -> Reply:
    refuse_document(received, work, code=refusal.code, reason=refusal.detail)
    problem = Problem(refusal.code, refusal.detail, errors=[Fault("file", refusal.detail, refusal.hint)])
    return _problem(problem.body())


@router.post("/v1/facts", response_model=DeliveryReceipt, openapi_extra=_LINES, tags=["facts"])
async def state(request: Request, principal: Annotated[Principal, Depends(allow("facts:write"))]) -> Response:
    """Take facts from their authority: JSON Lines of at most 50 MB and 100,000 lines. Good lines count, wrong ones are told."""
    registry = load_registry()
    authority = authority_of(principal.department, registry)
    if principal.kind != "authority" or authority is None:
        raise Problem("not-allowed", "只有登记表中的数据提供部门可以提供事实；请使用部门密钥，其 department 应为登记表中的部门")
    data, whole = await body_within(request, DELIVERY_LIMIT)
    if not whole:
        raise Problem("too-large", f"一次最多 {DELIVERY_LIMIT // 1024 // 1024} MB，请分批提供")
    runtime = runtime_of(request)
    today = clock.city_day(clock.now(), runtime.settings.timezone)
    try:
        checked = await asyncio.to_thread(check, data, registry, authority=authority, today=today, line_limit=DELIVERY_LINES)
    except ValueError as error:
        raise Problem("too-large", f"一次最多 {DELIVERY_LINES} 行，请分批提供") from error

    async def keep(work: Any) -> Reply:
        delivery = await keep_statements(data, checked, work, authority=authority, principal=principal.id)
        receipt = {"delivery": delivery.delivery, "accepted": delivery.accepted, "refused": delivery.refused, "errors": delivery.errors}
        if delivery.accepted:
            return Reply(receipt, headers=(("Location", f"/v1/deliveries/{delivery.delivery}"),))
        return _nothing_accepted(receipt)

    try:
        return await command(request, principal, keep)
    except TooLarge as error:
        raise Problem("too-large", "有一行的事实与明细合计超过 256 KB；请减少这家企业的明细") from error


def _nothing_accepted(receipt: dict[str, Any]) -> Reply:
    codes = {error["code"] for error in receipt["errors"]}
    problem = Problem(
        codes.pop() if len(codes) == 1 else "invalid-request", "没有一行可以采用，逐行原因见 errors" if receipt["errors"] else "没有内容"
    )
    problem.status = 422
    return _problem({**problem.body(), **receipt})


@router.get("/v1/deliveries", response_model=DeliveryPage, tags=["facts"])
async def deliveries(
    request: Request, principal: Annotated[Principal, Depends(allow("facts:read"))], limit: Limit = 50, cursor: Cursor = None
) -> Response:
    """Deliveries of facts, the newest first; an authority sees its own."""
    async with runtime_of(request).read(principal) as store:
        rows = await store.deliveries(limit, authority=_sees(principal), before=cursor)
    return _page(rows, limit, lambda delivery: {name: getattr(delivery, name) for name in DeliverySummary.model_fields})


@router.get("/v1/deliveries/{delivery}", response_model=DeliveryView, tags=["facts"])
async def delivery(delivery: str, request: Request, principal: Annotated[Principal, Depends(allow("facts:read"))]) -> Response:
    """What came of a delivery."""
    async with runtime_of(request).read(principal) as store:
        found: Delivery | None = await store.delivery(delivery)
    if found is None or _sees(principal) not in (None, found.authority):
        raise Problem("not-found", "没有这次提供；请核对编号")
    view = asdict(found)
    return Reply({**view, "trace": trace_id(found.trace)}).response()


def _sees(principal: Principal) -> str | None:
    """The authority whose deliveries a principal may see: None for all, "" for none."""
    if principal.kind == "authority":
        return authority_of(principal.department, load_registry()) or ""
    return "" if principal.kind == "enterprise" else None


async def _given(request: Request, body: bytes) -> Received:
    """The document of a request: a file of a form, or the address of one."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        return await _file(request)
    try:
        address = Address.model_validate_json(body)
    except ValidationError as error:
        raise Problem("invalid-request", "没有收到文件", errors=[_MISSING]) from error
    try:
        async with client() as http:
            fetched = await fetch(http, address.url, allow=dialer.allowed(runtime_of(request).settings.source_allow))
    except Unfetched as failed:
        raise Problem("unreadable", failed.problem, errors=[Fault("url", failed.problem, failed.hint)]) from failed
    if fetched is None:
        raise Problem("unreadable", "该网址没有给出内容", errors=[Fault("url", "该网址没有给出内容", "请下载后上传文件")])
    return Received(fetched.name, fetched.data, fetched.declared)


async def _file(request: Request) -> Received:
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise Problem("invalid-request", "没有收到文件", errors=[_MISSING])
            name = PurePosixPath((file.filename or "").replace("\\", "/")).name.replace("\x00", "")[-200:]
            return Received(name, await file.read(), file.content_type)
    except MultiPartException as error:
        raise Problem("invalid-request", "上传的内容不是完整的 multipart/form-data", errors=[_MISSING]) from error


def _problem(body: dict[str, Any]) -> Reply:
    """A refusal that is itself kept, with what was said of it: the transaction commits."""
    return Reply(body, body["status"], (("Content-Type", "application/problem+json"),))


def _page(rows: Sequence[tuple[int, Any]], limit: int, view: Any) -> Response:
    after = str(rows[-1][0]) if len(rows) == limit else None
    return Reply({"items": [view(value) for _, value in rows], "next": after}).response()
