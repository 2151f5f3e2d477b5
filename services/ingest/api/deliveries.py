"""Facts come in from their authorities: a few as JSON Lines, many as one table; what is wrong is refused row by row, with the reason."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field, ValidationError

from contracts.registry import OWN, load_registry
from services.chassis import clock, dialer
from services.chassis.app import Reply, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.bodies import body_to_file, body_within
from services.chassis.outbox import TooLarge
from services.chassis.problems import Fault, Problem
from services.ingest.api.bodies import kept_refusal
from services.ingest.api.documents import trace_id
from services.ingest.domain.cells import kind_fault
from services.ingest.domain.statements import Checked, authority_of, check
from services.ingest.domain.statements import Fault as LineFault
from services.ingest.handlers import Delivery
from services.ingest.handlers.deliveries import BULK, CheckedTable, keep_statements, keep_table
from services.ingest.sandbox.xlsx import rows_of
from services.ingest.sources import Unfetched, client, download
from services.ingest.sources.deliveries import BadTable, check_table, statements

DELIVERY_LIMIT = 50 * 1024 * 1024
"""Bytes a delivery of lines may have."""
DELIVERY_LINES = 100_000
"""Lines a delivery may have."""
TABLE_LIMIT = 1024 * 1024 * 1024
"""Bytes a table may have."""

router = APIRouter(tags=["facts"])


class LineError(BaseModel):
    """What is wrong with a line or a row of a delivery."""

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


class TableAddress(BaseModel):
    """The address of a table that ingest fetches itself."""

    url: str = Field(max_length=2000)


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


Writer = Annotated[Principal, Depends(allow("facts:write"))]
Reader = Annotated[Principal, Depends(allow("facts:read"))]
Limit = Annotated[int, Query(ge=1, le=1000)]
Cursor = Annotated[int | None, Query(description="上一页的 next")]
TrueOn = Annotated[date | None, Query(description="这些事实为真的那一天；缺省为今天")]
Kind = Annotated[str | None, Query(max_length=60, description="明细的种类；给出时每行是一条明细，列为 uscc、id 与各字段")]

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
_TABLE = {
    "requestBody": {
        "required": True,
        "content": {
            "text/csv": {"schema": {"type": "string"}, "example": "uscc,district,revenue@2025\n91350200MA0000000X,350205,26000000\n"},
            "application/vnd.apache.parquet": {"schema": {"type": "string", "format": "binary"}},
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {"schema": {"type": "string", "format": "binary"}},
            "application/json": {"schema": TableAddress.model_json_schema()},
        },
    }
}


@router.post("/v1/facts", response_model=DeliveryReceipt, openapi_extra=_LINES)
async def state(request: Request, principal: Writer) -> Response:
    """Take facts from their authority, or from an enterprise what only it knows. Good lines count, wrong ones are told.

    JSON Lines of at most 50 MB and 100,000 lines.
    """
    authority = _authority(principal)
    data, whole = await body_within(request, DELIVERY_LIMIT)
    if not whole:
        raise Problem("too-large", f"一次最多 {DELIVERY_LIMIT // 1024 // 1024} MB，请分批提供")
    runtime = runtime_of(request)
    today = clock.city_day(clock.now(), runtime.settings.timezone)
    try:
        checked = await asyncio.to_thread(check, data, load_registry(), authority=authority, today=today, line_limit=DELIVERY_LINES)
    except ValueError as error:
        raise Problem("too-large", f"一次最多 {DELIVERY_LINES} 行，请分批提供") from error

    checked = _of_itself(checked, principal)
    return await _kept_one_by_one(request, principal, checked, sha256=sha256(data).hexdigest(), authority=authority)


@router.post("/v1/deliveries", response_model=DeliveryReceipt, openapi_extra=_TABLE)
async def deliver(request: Request, principal: Writer, true_on: TrueOn = None, kind: Kind = None) -> Response:
    """Take a whole table of facts from their authority: CSV, Parquet or XLSX of one column per fact (`revenue@2025`), or its address.

    At most 1 GB and 1,000,000 rows. Good rows count, wrong ones are told; a wrong head refuses the table. A blank cell says nothing.
    Up to 5,000 good rows take effect one by one at once; more are loaded as one file.
    """
    if principal.kind == "enterprise":
        raise Problem("not-allowed", "企业请用 POST /v1/facts 陈述本企业的事实")
    authority, registry = _authority(principal), load_registry()
    today = clock.city_day(clock.now(), runtime_of(request).settings.timezone)
    day = true_on or today
    if day > today:
        raise Problem("invalid-request", "true_on 晚于今天；尚未发生的事实请到时再提供")
    if kind is not None and (fault := kind_fault(kind, registry, authority=authority)):
        raise Problem(fault.code, fault.problem, errors=[Fault(fault.at, fault.problem, fault.hint)])
    with tempfile.TemporaryDirectory(prefix="zhaoqi-") as folder:
        given = Path(folder) / "given"
        digest = await _given(request, given)
        try:
            table = await asyncio.to_thread(
                check_table, given, Path(folder) / "checked", registry, sheet=rows_of, authority=authority, kind=kind
            )
        except BadTable as bad:
            errors = [Fault(fault.at, fault.problem, fault.hint) for fault in bad.faults]
            raise Problem(bad.faults[0].code, "整个表格不能采用，原因见 errors", errors=errors) from bad
        if table.accepted <= BULK:
            checked = Checked(await asyncio.to_thread(statements, table, day), table.refused, table.faults)
            return await _kept_one_by_one(request, principal, checked, sha256=digest, authority=authority)
        return await command(request, principal, lambda work: _kept(table, work, digest, authority, principal, day))


async def _kept(table: CheckedTable, work: Any, digest: str, authority: str, principal: Principal, day: date) -> Reply:
    return _receipt(await keep_table(table, work, sha256=digest, authority=authority, principal=principal.id, true_on=day))


async def _kept_one_by_one(request: Request, principal: Principal, checked: Checked, *, sha256: str, authority: str) -> Response:
    async def keep(work: Any) -> Reply:
        return _receipt(await keep_statements(checked, work, sha256=sha256, authority=authority, principal=principal.id))

    try:
        return await command(request, principal, keep)
    except TooLarge as error:
        raise Problem("too-large", "有一行的事实与明细合计超过 256 KB；请减少这家企业的明细") from error


async def _given(request: Request, file: Path) -> str:
    """Write the table of a request, sent or at an address, to a file; its SHA-256 in hex. Raises Problem."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        digest = await body_to_file(request, file, TABLE_LIMIT)
        if digest is None:
            raise Problem("too-large", f"一次最多 {TABLE_LIMIT // 1024 // 1024} MB，请拆成几次提供")
        return digest
    body, _ = await body_within(request, 10_000)
    try:
        address = TableAddress.model_validate_json(body)
    except ValidationError as error:
        raise Problem("invalid-request", '请求内容应为 {"url": "https://…"}，或直接提交表格') from error
    try:
        async with client() as http:
            allow = dialer.allowed(runtime_of(request).settings.source_allow)
            return await download(http, address.url, file, allow=allow, largest=TABLE_LIMIT)
    except Unfetched as failed:
        raise Problem("unreadable", failed.problem, errors=[Fault("url", failed.problem, failed.hint)]) from failed


def _authority(principal: Principal) -> str:
    """The authority for which a principal states facts; what only an enterprise knows it states itself, or its platform for it.

    Raises Problem.
    """
    if principal.kind in ("enterprise", "platform"):
        return OWN
    authority = authority_of(principal.department, load_registry())
    if principal.kind != "authority" or authority is None:
        raise Problem(
            "not-allowed", "只有登记表中的数据提供部门、企业本身及其所在平台可以提供事实；部门密钥的 department 应为登记表中的部门"
        )
    return authority


def _of_itself(checked: Checked, principal: Principal) -> Checked:
    """What an enterprise says of others is refused."""
    if principal.kind != "enterprise":
        return checked
    own = tuple(statement for statement in checked.statements if statement.uscc == principal.uscc)
    strange = len(checked.statements) - len(own)
    fault = LineFault("uscc", "not-allowed", "企业只能陈述本企业的事实", "请只提供本企业的统一社会信用代码")
    return Checked(own, checked.refused + strange, (*checked.faults, *([fault] if strange else [])))


def _receipt(delivery: Delivery) -> Reply:
    receipt = {"delivery": delivery.delivery, "accepted": delivery.accepted, "refused": delivery.refused, "errors": delivery.errors}
    if delivery.accepted:
        return Reply(receipt, headers=(("Location", f"/v1/deliveries/{delivery.delivery}"),))
    return _nothing_accepted(receipt)


def _nothing_accepted(receipt: dict[str, Any]) -> Reply:
    codes = {error["code"] for error in receipt["errors"]}
    problem = Problem(
        codes.pop() if len(codes) == 1 else "invalid-request", "没有一行可以采用，逐行原因见 errors" if receipt["errors"] else "没有内容"
    )
    problem.status = 422
    return kept_refusal({**problem.body(), **receipt})


@router.get("/v1/deliveries", response_model=DeliveryPage)
async def deliveries(request: Request, principal: Reader, limit: Limit = 50, cursor: Cursor = None) -> Response:
    """Deliveries of facts, the newest first; an authority sees its own."""
    async with runtime_of(request).read(principal) as store:
        rows = await store.deliveries(limit, authority=_sees(principal), before=cursor)
    return _page(rows, limit, lambda delivery: {name: getattr(delivery, name) for name in DeliverySummary.model_fields})


@router.get("/v1/deliveries/{delivery}", response_model=DeliveryView)
async def delivery(delivery: str, request: Request, principal: Reader) -> Response:
    """What came of a delivery."""
    async with runtime_of(request).read(principal) as store:
        found: Delivery | None = await store.delivery(delivery)
    if found is None or _sees(principal) not in (None, found.authority):
        raise Problem("not-found", "没有这次提供；请核对编号")
    view = asdict(found)
    return Reply({**view, "trace": trace_id(found.trace)}).response()


@router.get("/v1/deliveries/{delivery}/file", response_class=StreamingResponse)
async def file(delivery: str, request: Request, principal: Reader) -> Response:
    """The good rows of a table as JSON Lines packed with Zstandard, as its FactsDelivered names them; kept as long as that event."""
    runtime = runtime_of(request)

    async def part(number: int) -> bytes | None:
        async with runtime.read(principal) as store:
            body: bytes | None = await store.file_part(delivery, number)
            return body

    async with runtime.read(principal) as store:
        found: Delivery | None = await store.delivery(delivery)
    first = await part(0)
    if found is None or first is None or _sees(principal) not in (None, found.authority):
        raise Problem("not-found", "没有这次提供的文件；请核对编号，或该文件已过保存期")

    async def parts() -> AsyncIterator[bytes]:
        body: bytes | None = first
        number = 0
        while body:
            yield body
            number += 1
            body = await part(number)

    return StreamingResponse(parts(), media_type="application/zstd")


def _sees(principal: Principal) -> str | None:
    """The authority whose deliveries a principal may see: None for all, "" for none."""
    if principal.kind == "authority":
        return authority_of(principal.department, load_registry()) or ""
    return "" if principal.kind == "enterprise" else None


def _page(rows: Sequence[tuple[int, Any]], limit: int, view: Any) -> Response:
    after = str(rows[-1][0]) if len(rows) == limit else None
    return Reply({"items": [view(value) for _, value in rows], "next": after}).response()
