"""The HTTP edge of ingest: documents come in here, are read, and are refused with the reason where they must be."""

from pathlib import PurePosixPath
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException

from services.chassis import dialer
from services.chassis.app import Reply, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.bodies import body_within
from services.chassis.outbox import TooLarge
from services.chassis.problems import Fault, Problem
from services.ingest.api import deliveries, documents, sources
from services.ingest.api.bodies import kept_refusal
from services.ingest.api.documents import DocumentReceipt, receipt
from services.ingest.domain.reading import NotADocument
from services.ingest.domain.result import Read
from services.ingest.handlers import Received, read_received, refuse_document
from services.ingest.handlers.documents import NotReplaced, keep_document
from services.ingest.sandbox import Overwhelmed, read_safely
from services.ingest.sources import Unfetched, client, fetch, ocr_of

DOCUMENT_LIMIT = 20 * 1024 * 1024
"""Bytes a document may have."""
_ENVELOPE = 1024 * 1024  # bytes of a multipart body around the file

router = APIRouter()
router.include_router(documents.router)
router.include_router(deliveries.router)
router.include_router(sources.router)


class Address(BaseModel):
    """The address of a document that ingest fetches itself."""

    url: str = Field(max_length=2000)


_MISSING = Fault("file", "缺少文件", '以 multipart/form-data 提交，文件放在 file 字段；或以 application/json 提交 {"url": "https://…"}')

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
    return kept_refusal(problem.body())


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
