"""Documents as they are read back: what each version says of itself, its text, and what became of every clause from one to another."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from contracts.events import DocumentFacts, Span
from services.chassis.app import Reply, allow, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem
from services.ingest.domain.versions import Difference, Piece, differences, in_raw
from services.ingest.handlers import Kept, MeasureKept, RepealKept, Runs
from services.ingest.handlers.documents import point_of

router = APIRouter(tags=["documents"])

Reader = Annotated[Principal, Depends(allow("documents:read"))]
Version = Annotated[int | None, Query(ge=1, le=1_000_000, description="版本；不写为最新")]


class DocumentReceipt(BaseModel):
    """What became of an upload."""

    document: str = Field(examples=["doc-1f2e3d4c5b6a7988"])
    version: int = Field(description="1 为新文件；更大的取代了前一版，举措的编号不变")
    status: str = Field(description="read：已读取；needs_ocr：只有图像，等待识别")
    measures: int = Field(description="读出的举措数")
    title: str
    notes: list[str] = Field(description="需要人留意的情况，例如哪几页没有文字层")


class Repealed(BaseModel):
    """Since when a document has no force, by which document, in which words."""

    on: date
    by: str
    words: str


class DocumentView(DocumentReceipt):
    """A version of a document: what it says of itself and what was read from it."""

    name: str = Field(description="上传时的文件名")
    sha256: str
    facts: DocumentFacts
    repealed: Repealed | None = Field(description="文件已被废止时，自何日起、由哪份文件")
    received_at: datetime
    trace: str | None = Field(description="追踪编号（trace id）")


class DocumentPage(BaseModel):
    """Documents in their newest versions, the newest first."""

    items: list[DocumentView]
    next: str | None = Field(description="下一页的 cursor；没有下一页为 null")


class Versions(BaseModel):
    """Every version of a document, the newest first."""

    items: list[DocumentView]


class FactChange(BaseModel):
    """A thing the document says of itself that is not what it was."""

    fact: str = Field(examples=["valid_to"])
    before: Any = Field(serialization_alias="from")
    after: Any = Field(serialization_alias="to")


class Side(BaseModel):
    """A measure in one of the two versions."""

    number: str
    title: str
    section: list[str]
    units: list[str]
    span: Span | None = Field(description="正文在这一版原文中的起止位置")


class PieceView(BaseModel):
    """Words that stayed, went or came, with their places in the raw texts of the two versions."""

    kind: Literal["same", "removed", "added"]
    text: str
    before: Span | None = Field(serialization_alias="from", description="在旧版原文中的起止位置")
    after: Span | None = Field(serialization_alias="to", description="在新版原文中的起止位置")


class ClauseChange(BaseModel):
    """What became of one measure."""

    measure: str
    kind: Literal["unchanged", "changed", "added", "removed"]
    before: Side | None = Field(serialization_alias="from")
    after: Side | None = Field(serialization_alias="to")
    title: list[PieceView] = Field(description="标题的字词；未变时为空")
    body: list[PieceView] = Field(description="正文的字词；未变时为空")


class Diff(BaseModel):
    """Clause by clause, what became of a document from one version to another, in the order of the latter."""

    document: str
    before: int = Field(serialization_alias="from")
    after: int = Field(serialization_alias="to")
    counts: dict[str, int] = Field(examples=[{"unchanged": 18, "changed": 1, "added": 1, "removed": 0}])
    facts: list[FactChange]
    items: list[ClauseChange]


@router.get("/v1/documents", response_model=DocumentPage)
async def documents(
    request: Request,
    principal: Reader,
    status: Annotated[Literal["read", "needs_ocr"] | None, Query(description="needs_ocr：等待识别的扫描件")] = None,
    q: Annotated[str | None, Query(max_length=100, description="标题、发文字号、发文机关或文件名中的字词")] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 50,
    cursor: Annotated[int | None, Query(description="上一页的 next")] = None,
) -> Response:
    """Every document in its newest version, the newest first."""
    async with runtime_of(request).read(principal) as store:
        rows: list[tuple[int, Kept]] = await store.documents(limit, status=status, words=q, before=cursor)
        repealed = await store.repealed([kept.document for _, kept in rows])
    after = str(rows[-1][0]) if len(rows) == limit else None
    return Reply({"items": [_view(kept, repealed) for _, kept in rows], "next": after}).response()


@router.get("/v1/documents/{document}", response_model=DocumentView)
async def document(document: str, request: Request, principal: Reader, version: Version = None) -> Response:
    """A version of a document, by default the newest: status, facts, counts, trace."""
    async with runtime_of(request).read(principal) as store:
        kept: Kept | None = await store.document(document, version)
        repealed = await store.repealed([document])
    if kept is None:
        raise _missing(version)
    return Reply(_view(kept, repealed), headers=(("ETag", f'"{kept.version}"'),)).response()


@router.get("/v1/documents/{document}/text", response_class=PlainTextResponse)
async def text(document: str, request: Request, principal: Reader, version: Version = None) -> Response:
    """The raw text of a version, by default the newest; every span [from, to) of that version counts its characters."""
    async with runtime_of(request).read(principal) as store:
        raw = await store.text(document, version)
    if raw is None:
        raise _missing(version)
    return PlainTextResponse(raw)


@router.get("/v1/documents/{document}/versions", response_model=Versions)
async def versions(document: str, request: Request, principal: Reader) -> Response:
    """Every version of a document, the newest first; all stay readable."""
    async with runtime_of(request).read(principal) as store:
        kept: list[Kept] = await store.versions(document)
        repealed = await store.repealed([document])
    if not kept:
        raise _missing(None)
    return Reply({"items": [_view(one, repealed) for one in kept]}).response()


@router.get("/v1/documents/{document}/diff", response_model=Diff)
async def diff(
    document: str,
    request: Request,
    principal: Reader,
    to: Annotated[int | None, Query(ge=1, le=1_000_000, description="新版；不写为最新")] = None,
    from_: Annotated[int | None, Query(alias="from", ge=1, le=1_000_000, description="旧版；不写为新版的前一版")] = None,
) -> Response:
    """What became of every measure from one version to another: unchanged, changed word by word, added, removed."""
    async with runtime_of(request).read(principal) as store:
        new: Kept | None = await store.document(document, to)
        if new is None:
            raise _missing(to)
        old: Kept | None = await store.document(document, from_ or max(new.version - 1, 1))
        if old is None:
            raise _missing(from_)
        before: list[MeasureKept] = await store.measures(document, old.version)
        after: list[MeasureKept] = await store.measures(document, new.version)
    found = await asyncio.to_thread(differences, [point_of(m.said) for m in before], [point_of(m.said) for m in after])
    return Reply(
        {
            "document": document,
            "from": old.version,
            "to": new.version,
            "counts": dict.fromkeys(("unchanged", "changed", "added", "removed"), 0) | Counter(one.kind for one in found),
            "facts": [
                {"fact": fact, "from": old.facts.get(fact), "to": new.facts.get(fact)}
                for fact in DocumentFacts.model_fields
                if old.facts.get(fact) != new.facts.get(fact)
            ],
            "items": _changes(document, found, before, after),
        }
    ).response()


def _changes(
    document: str, found: Sequence[Difference], before: Sequence[MeasureKept], after: Sequence[MeasureKept]
) -> list[dict[str, Any]]:
    old, new = ({m.said.measure: m for m in measures} for measures in (before, after))
    items = []
    for one in found:
        measure = f"{document}/{one.path}"
        was, is_ = old.get(measure), new.get(measure)
        items.append(
            {
                "measure": measure,
                "kind": one.kind,
                "from": _side(was),
                "to": _side(is_),
                "title": _pieces(one.title, was.title_runs if was else (), is_.title_runs if is_ else ()),
                "body": _pieces(one.body, was.said.runs if was else (), is_.said.runs if is_ else ()),
            }
        )
    return items


def _side(measure: MeasureKept | None) -> dict[str, Any] | None:
    return {name: getattr(measure.said, name) for name in Side.model_fields} if measure else None


def _pieces(pieces: Sequence[Piece], before: Runs, after: Runs) -> list[dict[str, Any]]:
    return [
        {
            "kind": piece.kind,
            "text": piece.text,
            "from": in_raw(piece.before, before) if piece.before else None,
            "to": in_raw(piece.after, after) if piece.after else None,
        }
        for piece in pieces
    ]


def receipt(kept: Kept) -> dict[str, Any]:
    """What is told of a version right after its upload."""
    return {
        "document": kept.document,
        "version": kept.version,
        "status": kept.status,
        "measures": kept.measures,
        "title": kept.facts["title"],
        "notes": kept.notes,
    }


def trace_id(traceparent: str | None) -> str | None:
    """The trace id of a traceparent."""
    return traceparent.split("-")[1] if traceparent else None


def _view(kept: Kept, repealed: dict[str, RepealKept]) -> dict[str, Any]:
    repeal = repealed.get(kept.document)
    return {
        **receipt(kept),
        "name": kept.name,
        "sha256": kept.sha256,
        "facts": kept.facts,
        "repealed": {"on": repeal.on, "by": repeal.by, "words": repeal.mention.words} if repeal else None,
        "received_at": kept.received_at,
        "trace": trace_id(kept.trace),
    }


def _missing(version: int | None) -> Problem:
    if version is not None:
        return Problem("not-found", "没有这份文件的这一版本；请核对编号与版本，各版本见 /versions")
    return Problem("not-found", "没有这份文件；请核对编号，或先上传")
