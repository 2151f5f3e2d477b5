"""惠企政策清单 as JSON, CSV and XLSX: what is on offer, for a website, a spreadsheet, or another platform; and what the registry lacks."""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from contracts.rules import OPEN, loads, parse_benefit
from services.catalog.api.asking import Limit, Reader, must_be_officer
from services.catalog.api.benefits import Asked
from services.catalog.domain.roster import COLUMNS, line
from services.catalog.store import Filter
from services.chassis.app import Reply, runtime_of
from services.chassis.auth import Principal

router = APIRouter()
Cell = str | int | date | Decimal | None
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PAGE = 500
"""Benefits read at once."""


@router.get(
    "/v1/lists/benefits.{form}",
    tags=["lists"],
    responses={200: {"content": {"application/json": {}, "text/csv": {}, XLSX: {}}, "description": "惠企政策清单"}},
)
async def benefits_list(
    form: Literal["json", "csv", "xlsx"],
    request: Request,
    principal: Reader,
    asked: Annotated[Asked, Depends()],
    q: Annotated[str | None, Query(max_length=100, description="名称、原文、政策或部门中的字词")] = None,
) -> Response:
    """The list of benefits on offer (published, amended or not), whole, in one file."""
    return await list_file(request, principal, form, Filter("offered", status="published", words=q, **asdict(asked)))


class Unregistered(BaseModel):
    """A fact that benefits ask for and the registry lacks."""

    fact: str = Field(description="尚未登记的事实，以 open. 开头")
    name: str = Field(description="原文所用的名称")
    number: int = Field(description="用到它的事项数")
    benefits: list[str] = Field(description="其中至多 20 项的编号")


class UnregisteredList(BaseModel):
    """What the keeper of the registry may want to register, the most asked for first."""

    items: list[Unregistered]


@router.get("/v1/lists/unregistered-facts", response_model=UnregisteredList, tags=["lists"])
async def unregistered_facts(request: Request, principal: Reader, limit: Limit = 50) -> Response:
    """Facts without an authority that drafts and offers ask for; for officers, among them whoever keeps the registry."""
    must_be_officer(principal)
    async with runtime_of(request).read(principal) as store:
        found = await store.unregistered(limit)
    items = [Unregistered(fact=fact, name=fact.removeprefix(OPEN), number=number, benefits=some) for fact, number, some in found]
    return Reply(UnregisteredList(items=items).model_dump()).response()


async def list_file(request: Request, principal: Principal, form: str, filtered: Filter) -> Response:
    """The benefits a filter keeps, whole, as a file."""
    lines: list[dict[str, Cell]] = []
    after: str | None = None
    async with runtime_of(request).read(principal) as store:
        while True:
            rows, after = await store.benefits(PAGE, filtered, officer=False, after=after)
            facts = await store.facts_of([kept.document for kept in rows])
            for kept in rows:
                said, level = facts.get(kept.document, ({}, None))
                lines.append(line(parse_benefit(loads(kept.offered or kept.body)), kept.offered_version or kept.version, said, level))
            if after is None:
                break
    if form == "json":
        return Reply({"columns": COLUMNS, "items": lines}).response()
    table: list[Sequence[Cell]] = [list(COLUMNS.values()), *([row[name] for name in COLUMNS] for row in lines)]
    body, media = (csv_of(table), "text/csv; charset=utf-8") if form == "csv" else (xlsx_of(table), XLSX)
    return Response(body, media_type=media, headers={"Content-Disposition": f'attachment; filename="benefits.{form}"'})


def csv_of(table: Sequence[Sequence[Cell]]) -> bytes:
    """RFC 4180 with the mark by which spreadsheets know UTF-8; a text that a spreadsheet would compute gets an apostrophe before it."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([_harmless(cell) for cell in row] for row in table)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _harmless(cell: Cell) -> Any:
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in ("=", "+", "-", "@", "\t", "\r") else cell


def xlsx_of(table: Iterable[Sequence[Cell]]) -> bytes:
    """A workbook of one sheet (ECMA-376), its heading row fixed; texts stay texts, numbers and days are typed."""
    rows = "".join(
        f'<row r="{at}">' + "".join(_cell(cell, f"{_letters(column)}{at}", heading=at == 1) for column, cell in enumerate(row)) + "</row>"
        for at, row in enumerate(table, 1)
    )
    sheet = (
        f'{_XML}<worksheet xmlns="{_MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" topLeftCell="A2"'
        f' activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>{rows}</sheetData></worksheet>'
    )
    out = io.BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as book:
        for name, part in (*_PARTS.items(), ("xl/worksheets/sheet1.xml", sheet)):
            book.writestr(name, part)
    return out.getvalue()


def _cell(cell: Cell, at: str, *, heading: bool) -> str:
    if cell is None:
        return ""
    if isinstance(cell, date):
        return f'<c r="{at}" s="2"><v>{(cell - date(1899, 12, 30)).days}</v></c>'
    if isinstance(cell, int | Decimal):
        return f'<c r="{at}"><v>{cell:f}</v></c>'
    text = escape("".join(char for char in cell if char >= " " or char in "\t\n"))  # XML knows no other control characters
    style = ' s="1"' if heading else ""
    return f'<c r="{at}" t="inlineStr"{style}><is><t xml:space="preserve">{text}</t></is></c>'


def _letters(column: int) -> str:
    return (_letters(column // 26 - 1) if column >= 26 else "") + chr(ord("A") + column % 26)


_XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_RELS = "http://schemas.openxmlformats.org/package/2006/relationships"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": f'{_XML}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
    f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/>'
    f'<Override PartName="/xl/styles.xml" ContentType="{_TYPE}.styles+xml"/></Types>',
    "_rels/.rels": f'{_XML}<Relationships xmlns="{_RELS}">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'{_XML}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">'
    '<sheets><sheet name="惠企政策清单" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'{_XML}<Relationships xmlns="{_RELS}">'
    f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
    f'<Relationship Id="rId2" Type="{_OFFICE}/styles" Target="styles.xml"/></Relationships>',
    "xl/styles.xml": f'{_XML}<styleSheet xmlns="{_MAIN}"><numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/></font><font><b/><sz val="11"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>'
    '<cellXfs count="3"><xf/><xf fontId="1" applyFont="1"/><xf numFmtId="164" applyNumberFormat="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>',
}
"""What a workbook needs beside its sheet."""
