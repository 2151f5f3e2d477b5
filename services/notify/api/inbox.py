"""An enterprise's inbox over REST and as a live stream: what it is told, why, and its answers."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator
from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

from contracts.events import BenefitConfirmed, BenefitDeclined, FeedbackGiven, MessageRead, Payload, Yuan
from contracts.registry import load_registry
from contracts.topics import TOPICS
from contracts.uscc import uscc_problem
from services.chassis.app import Reply, Runtime, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.bus import partition_of
from services.chassis.problems import Problem
from services.chassis.work import Work
from services.notify import sources
from services.notify.channels.stream import Hub, Listener
from services.notify.domain import message as words
from services.notify.domain import question
from services.notify.domain.inbox import Message
from services.notify.store import AnswerRow, Store

HEARTBEAT = 15.0
"""Seconds after which a silent stream says that it lives."""
LONGEST = 3600.0
"""Seconds after which a stream ends, so that its key is checked anew; the client comes back with Last-Event-ID."""

router = APIRouter(prefix="/v1/inbox/{uscc}", tags=["inbox"])
Reader = Annotated[Principal, Depends(allow("messages:read"))]
Uscc = Annotated[str, Path(description="统一社会信用代码")]


class Question(BaseModel):
    """One fact the enterprise is asked to state of itself, by POST /v1/facts."""

    fact: str
    period: str | None
    name: str
    type: str
    form: str = Field(description="怎样填写")


class Item(BaseModel):
    """A message in a list. Amounts in yuan; both null: 以审核为准."""

    id: str
    kind: Literal["match", "question"] = Field(description="匹配到的事项，或请企业补充信息")
    seq: int = Field(description="随每次变化增大；可作为消息流的 after 或 Last-Event-ID")
    benefit: str
    version: int
    occasion: str
    title: str
    short: str
    status: str = Field(description="new read confirmed declined withdrawn")
    low: Yuan | None
    high: Yuan | None
    amount: str
    deadline: date | None
    questions: list[Question] = Field(description="请企业补充的事实；匹配到的事项为空")
    benefits: int | None = Field(description="补充后可判定的事项数；匹配到的事项为 null")
    created_at: datetime
    updated_at: datetime


class Items(BaseModel):
    """One page, newest first."""

    items: list[Item]
    next: str | None


class Why(BaseModel):
    """One condition: `outcome` true, false or unknown; the words of the clause behind it."""

    outcome: str
    sentence: str
    quote: str | None
    article: str | None
    source: str | None


class Full(Item):
    """A message in full."""

    what: str
    why: list[Why]
    why_note: str | None = Field(description="原因暂不可得或已有变化时的说明")
    document: str | None
    article: str | None
    clause: str | None
    reckoned: str | None = Field(description="金额怎样算出")
    deadline_text: str
    next: list[str]
    owed: list[str]
    department: str | None
    contact: str | None
    claims: list[dict[str, Any]]
    text: str = Field(description="全文，纯文本")


class Declined(BaseModel):
    """Why an enterprise says no."""

    reason: str | None = Field(None, max_length=1000)


class Feedback(BaseModel):
    """好差评：1 to 5, and whether the benefit is not for this enterprise."""

    rating: int | None = Field(None, ge=1, le=5)
    not_for_me: bool = False
    words: str | None = Field(None, max_length=1000)


class Answered(BaseModel):
    """How a message stands after an answer."""

    id: str
    status: str
    seq: int


def told(message: Message) -> words.Told:
    """What the domain puts into words."""
    document = message.document
    return words.Told(
        benefit=message.about,
        low=message.low,
        high=message.high,
        deadline=message.deadline,
        document=document.title if document else None,
        doc_number=document.doc_number if document else None,
        repealed_on=message.repealed_on,
        standing=message.standing,
        status=message.status,
        withdrawn_because=message.withdrawn_because,
    )


def _item(message: Message) -> dict[str, Any]:
    known = told(message)
    asked = message.questions is not None
    questions = question.questions(message.questions or (), load_registry())
    withdrawn = message.status == "withdrawn"
    return {
        "id": message.id,
        "kind": "question" if asked else "match",
        "seq": message.seq,
        "benefit": message.benefit,
        "version": message.version,
        "occasion": message.occasion,
        "title": question.TITLE if asked else words.title(known),
        "short": question.short(questions, message.benefits or 0, message.high, withdrawn=withdrawn) if asked else words.short(known),
        "status": message.status,
        "low": message.low,
        "high": message.high,
        "amount": question.amount(message.high) if asked else words.amount(known),
        "deadline": message.deadline,
        "questions": [Question(**asdict(one)) for one in questions],
        "benefits": message.benefits,
        "created_at": message.created_at,
        "updated_at": message.updated_at,
    }


def _asking(message: Message) -> Full:
    """A message that asks, in full."""
    questions = question.questions(message.questions or (), load_registry())
    withdrawn = message.status == "withdrawn"
    what, steps = question.what(questions, message.benefits or 0, withdrawn=withdrawn), question.next_steps(questions, withdrawn=withdrawn)
    return Full(
        **_item(message),
        what=what,
        why=[],
        why_note=None,
        document=None,
        article=None,
        clause=None,
        reckoned=None,
        deadline_text=words.NO_DEADLINE,
        next=list(steps),
        owed=[],
        department=None,
        contact=None,
        claims=[],
        text="\n".join([question.TITLE, what, *steps]),
    )


def _own(principal: Principal, uscc: str) -> None:
    principal.must_own(uscc)
    if problem := uscc_problem(uscc):
        raise Problem("invalid-uscc", problem)


def _cursor(message: Message) -> str:
    return base64.urlsafe_b64encode(f"{message.created_at.isoformat()} {message.id}".encode()).decode()


def _after(cursor: str | None) -> tuple[datetime, str] | None:
    if cursor is None:
        return None
    try:
        moment, _, identity = base64.urlsafe_b64decode(cursor).decode().partition(" ")
        return datetime.fromisoformat(moment), identity
    except (ValueError, binascii.Error) as error:
        raise Problem("invalid-request", "cursor 不是本接口给出的值；请原样使用上一页的 next") from error


@router.get("/messages")
async def messages(
    request: Request,
    uscc: Uscc,
    principal: Reader,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    cursor: str | None = None,
    status: str | None = None,
) -> Items:
    """The messages of one enterprise, newest first."""
    _own(principal, uscc)
    async with runtime_of(request).read(principal) as store:
        found = await store.inbox(uscc, after=_after(cursor), limit=limit + 1, status=status)
    page = found[:limit]
    return Items(items=[Item(**_item(message)) for message in page], next=_cursor(page[-1]) if len(found) > limit else None)


@router.get("/messages/{message}")
async def message(request: Request, uscc: Uscc, message: str, principal: Reader) -> Full:
    """One message in full: which benefit, why, which words of which clause, how much, by when, what to do."""
    _own(principal, uscc)
    runtime = runtime_of(request)
    async with runtime.read(principal) as store:
        found = await store.message(uscc, message)
        if found is None:
            raise Problem("not-found", "没有这条消息")
        claims = await store.claims(found.id)
    if found.questions is not None:
        return _asking(found)
    decision = await sources.decision(runtime.settings, uscc, found.benefit) if found.about else None
    composed = words.compose(told(found), decision)
    return Full(
        **_item(found),
        what=composed.what,
        why=[Why(outcome=w.outcome, sentence=w.sentence, quote=w.quote, article=w.article, source=w.source) for w in composed.why],
        why_note=composed.why_note,
        document=composed.document,
        article=composed.article,
        clause=composed.clause,
        reckoned=composed.reckoned,
        deadline_text=composed.deadline,
        next=list(composed.next),
        owed=list(composed.owed),
        department=composed.department,
        contact=composed.contact,
        claims=claims,
        text=words.text(composed),
    )


async def _answer(
    request: Request, principal: Principal, uscc: str, message: str, kind: str, feedback: Feedback | None = None, why: str | None = None
) -> Response:
    """Keep an answer, move the message on where it moves, and say the event in the match's own trace."""
    _own(principal, uscc)
    if principal.kind not in ("enterprise", "platform"):
        raise Problem("not-allowed", "只有企业本身或其所在平台可以答复消息")

    async def do(work: Work[Store]) -> Reply:
        await work.store.lock(partition_of(uscc, TOPICS["matches.v1"].partitions))
        found = await work.store.message(uscc, message)
        if found is None:
            raise Problem("not-found", "没有这条消息")
        if found.questions is not None and kind != "read":
            raise Problem("conflict", "这条消息请企业补充信息；请以 POST /v1/facts 填写，填写后立即判定")
        status = _moved(found, kind)
        seq = await work.store.answer(found, kind=kind, status=status, at=work.now)
        if status is not None or kind == "feedback":
            given = feedback or Feedback()
            await work.store.keep_answer(
                AnswerRow(
                    id=work.new_id(),
                    message=found.id,
                    kind=kind,
                    rating=given.rating,
                    not_for_me=given.not_for_me,
                    words=given.words or why,
                    by=principal.id,
                    at=work.now,
                )
            )
            if found.questions is None:  # what is said of answers is said of benefits
                work.say(_event(found, kind, given, why, work.now), trace=found.traceparent)
        return Reply({"id": found.id, "status": status or found.status, "seq": seq})

    return await command(request, principal, do)


def _moved(message: Message, kind: str) -> str | None:
    """The status after an answer, None where it stays. Raises Problem `conflict` for an answer this message cannot take."""
    if kind == "feedback":
        return None
    if kind == "read":
        return "read" if message.status == "new" else None
    if message.status == "withdrawn":
        raise Problem("conflict", "该消息已撤回，不能再答复；如认为有误，请联系主管部门核实信息")
    if message.about is not None and message.about.mode in ("direct", "inform"):
        raise Problem("conflict", "该事项无需企业确认")
    return kind if message.status != kind else None


def _event(message: Message, kind: str, feedback: Feedback, why: str | None, at: datetime) -> Payload:
    match kind:
        case "read":
            return MessageRead(uscc=message.uscc, message=message.id, benefit=message.benefit, occasion=message.occasion)
        case "confirmed":
            return BenefitConfirmed(uscc=message.uscc, message=message.id, benefit=message.benefit, occasion=message.occasion)
        case "declined":
            return BenefitDeclined(uscc=message.uscc, message=message.id, benefit=message.benefit, occasion=message.occasion, reason=why)
        case _:
            return FeedbackGiven(
                uscc=message.uscc,
                message=message.id,
                benefit=message.benefit,
                rating=feedback.rating,
                not_for_me=feedback.not_for_me,
                given_at=at,
            )


_ANSWERED: dict[int | str, dict[str, Any]] = {200: {"model": Answered}}


@router.post("/messages/{message}/read", responses=_ANSWERED)
async def read(request: Request, uscc: Uscc, message: str, principal: Reader) -> Response:
    """The enterprise opened the message."""
    return await _answer(request, principal, uscc, message, "read")


@router.post("/messages/{message}/confirm", responses=_ANSWERED)
async def confirm(request: Request, uscc: Uscc, message: str, principal: Reader) -> Response:
    """The enterprise says yes (确认兑付)."""
    return await _answer(request, principal, uscc, message, "confirmed")


@router.post("/messages/{message}/decline", responses=_ANSWERED)
async def decline(request: Request, uscc: Uscc, message: str, principal: Reader, body: Declined | None = None) -> Response:
    """The enterprise says no; it may still confirm later."""
    return await _answer(request, principal, uscc, message, "declined", why=body.reason if body else None)


@router.post("/messages/{message}/feedback", responses=_ANSWERED)
async def feedback(request: Request, uscc: Uscc, message: str, principal: Reader, body: Feedback) -> Response:
    """The enterprise rates the message (好差评) or says that the benefit is not for it."""
    if body.rating is None and not body.not_for_me and not body.words:
        raise Problem("invalid-request", "请给出 rating、not_for_me 或 words 之一")
    return await _answer(request, principal, uscc, message, "feedback", feedback=body)


@router.get("/stream", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})
async def stream(
    request: Request,
    uscc: Uscc,
    principal: Reader,
    after: Annotated[int | None, Query(ge=0, description="从该 seq 之后开始；缺省为此刻")] = None,
    last_event_id: Annotated[int | None, Header()] = None,
) -> StreamingResponse:
    """New and changed messages as they come (Server-Sent Events; `id` is the seq). Last-Event-ID or `after` resumes without a gap."""
    _own(principal, uscc)
    runtime: Runtime[Store] = runtime_of(request)
    start = last_event_id if last_event_id is not None else after
    if start is None:
        async with runtime.read(principal) as store:
            start = await store.last_seq(uscc)
    hub: Hub = request.app.state.hub
    return StreamingResponse(
        _events(hub, Listener(uscc, start)),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(hub: Hub, listener: Listener) -> AsyncIterator[str]:
    loop = asyncio.get_running_loop()
    end = loop.time() + LONGEST
    with hub.listening(listener):
        yield f"retry: 2000\nid: {listener.after}\n\n"
        while loop.time() < end and not listener.lost.is_set():
            try:
                async with asyncio.timeout(HEARTBEAT):
                    message = await listener.waiting.get()
            except TimeoutError:
                yield ": still here\n\n"
                continue
            yield f"id: {message.seq}\nevent: message\ndata: {Item(**_item(message)).model_dump_json()}\n\n"
