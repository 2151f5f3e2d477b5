"""The officer's page over HTTP: sign in, the desk, a benefit, its steps, one test by form, an amendment side by side.

Served whole by catalog: no script, no build step. Every change goes through the same functions as the API, with the same refusals,
which are said on the page they belong to.
"""

from collections.abc import Callable, Coroutine
from datetime import date
from importlib.resources import files
from typing import Annotated, Any, Literal, get_args

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import FormData

from contracts.registry import load_registry
from contracts.rules import OPEN, loads, parse_benefit
from services.catalog import handlers
from services.catalog.api.asking import officer, refusals, simulation, there
from services.catalog.api.lists import list_file
from services.catalog.api.pages import desk as desk_page
from services.catalog.api.pages.amendment import amendment
from services.catalog.api.pages.benefit import benefit as benefit_of
from services.catalog.api.pages.correction import correction, fields_of
from services.catalog.api.pages.frame import page, sign_in
from services.catalog.api.review import SCOPES
from services.catalog.api.sessions import Seat, checked, leave, remember, resize, seat_of, sit
from services.catalog.domain.correcting import (
    Correction,
    Uncorrectable,
    corrected,
    judged,
    node_at,
    read,
    replaced,
    with_new_cases,
    without_case,
)
from services.catalog.domain.review import WORDS, Action, Standing
from services.catalog.domain.working_rules import task_of
from services.catalog.handlers import Checks, Kept, Unavailable, proposals
from services.catalog.sources import working_rules
from services.catalog.store import Filter
from services.chassis import clock
from services.chassis.app import runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Fault, Problem

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""What every page of the desk is sent with: nothing but its own style sheet, in no frame, kept nowhere."""
SHOWN = 200
"""Lines of each list of the desk."""


class Page(APIRoute):
    """A route whose refusals are pages, and whose every answer carries the headers above."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, guarded."""
        inner = super().get_route_handler()

        async def guarded(request: Request) -> Response:
            try:
                response = await inner(request)
            except (Problem, RequestValidationError) as error:
                problem = error if isinstance(error, Problem) else Problem("invalid-request", "网址或表单不完整，请从页面上的链接进入")
                response = await _refused(request, problem)
            response.headers.update({name: value for name, value in HEADERS.items() if name.lower() not in response.headers})
            return response

        return guarded


router = APIRouter(prefix="/desk", route_class=Page, include_in_schema=False, default_response_class=HTMLResponse)


async def _refused(request: Request, problem: Problem) -> Response:
    seat = await seat_of(request)
    if problem.code == "unauthenticated" and request.method == "GET":
        return RedirectResponse("/desk/login", 303)
    return HTMLResponse(page(problem.title, seat, wrong=problem), problem.status)


async def _seated(request: Request) -> Seat:
    """An officer at the page. Raises Problem `unauthenticated`."""
    seat = await seat_of(request)
    if seat.officer is None:
        raise Problem("unauthenticated", "请先登录；没有作任何改动")
    return seat


Seated = Annotated[Seat, Depends(_seated)]


def _who(seat: Seat, scope: str = "benefits:read") -> Principal:
    if seat.officer is None or scope not in seat.officer.scopes:
        raise Problem("not-allowed", f"您的密钥没有所需的权限 {scope}")
    return seat.officer


# ----------------------------------------------------------------------------------------------------------- in and out


@router.get("/login")
async def login_page(request: Request) -> Response:
    """The form for the key."""
    seat = await seat_of(request)
    response = HTMLResponse(sign_in(seat))
    remember(request, response, seat)
    return response


@router.post("/login")
async def login(request: Request) -> Response:
    """Open a session."""
    seat = await seat_of(request)
    form = await checked(request, seat)
    response = RedirectResponse("/desk", 303)
    try:
        await sit(request, response, _text(form, "key"))
    except Problem as problem:
        return HTMLResponse(sign_in(seat, problem), problem.status)
    return response


@router.post("/leave")
async def leave_page(request: Request, seat: Seated) -> Response:
    """Close the session."""
    await checked(request, seat)
    response = RedirectResponse("/desk/login", 303)
    await leave(request, response)
    return response


@router.post("/text")
async def text_size(request: Request) -> Response:
    """Choose the size of the text."""
    seat = await seat_of(request)
    form = await checked(request, seat)
    response = RedirectResponse("/desk" if seat.officer else "/desk/login", 303)
    resize(request, response, _text(form, "size"))
    return response


@router.get("/style.css")
async def style() -> Response:
    """The style sheet."""
    sheet = files("services.catalog").joinpath("api/desk.css").read_bytes()
    return Response(sheet, media_type="text/css; charset=utf-8", headers={"Cache-Control": "max-age=3600"})


# ------------------------------------------------------------------------------------------------------------- the desk


@router.get("")
async def desk(
    request: Request,
    seat: Seated,
    department: Annotated[str | None, Query(max_length=100)] = None,
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The desk of the officer's department, or of another."""
    who = _who(seat)
    named = (who.department if department is None else department).strip()
    today = clock.city_day(clock.now(), runtime_of(request).settings.timezone)
    rules = working_rules()
    async with runtime_of(request).read(who) as store:
        pending = await store.pending(SHOWN, department=named or None)
        awaiting = await store.awaiting(SHOWN, role=None, department=named or None, document=None, after=0)
        asked = Filter("newest", words=q) if q else Filter("offered", status="published", department=named or None)
        found, _ = await store.benefits(SHOWN, asked, officer=True)
    timezone = runtime_of(request).settings.timezone
    rows = []
    for kept, kind, heard, issued in pending:
        since = _since(kept.standing, heard, issued, timezone)
        task = task_of(kept.standing, kind, since, today=today, rules=rules)
        rows.append(desk_page.Row(kept, _title(kept), str(loads(kept.body).get("department") or ""), task))
    rows.sort(key=lambda row: -(row.task.late if row.task else 0))
    return HTMLResponse(
        desk_page.desk(
            seat,
            rows,
            [(entry, kept, _title(kept)) for _, entry, kept in awaiting],
            [(kept, _title(kept)) for kept in found],
            department=named,
            words=q,
            source=f"{rules.title}（{rules.source}）",
        )
    )


def _since(standing: Standing, heard: Any, issued: date | None, timezone: str) -> date | None:
    """The day from which the working rules count: that of issue, or of arrival where that came later; an amendment has none."""
    if standing.offer is not None or heard is None:
        return None
    came = clock.city_day(heard, timezone)
    return max(came, issued) if issued else came


@router.post("/awaiting/{awaiting}")
async def settle(awaiting: str, request: Request, seat: Seated) -> Response:
    """Say that a benefit stands as it is."""
    form = await checked(request, seat)
    who, why = _who(seat, SCOPES["edit"]), _why(form)
    with refusals():
        async with runtime_of(request).work(who) as work:
            entry = await handlers.settle(awaiting, work, by=officer(who), why=why)
    if entry is None:
        raise Problem("not-found", "没有这一待办，或已有人处理")
    return RedirectResponse("/desk", 303)


@router.get("/list.{form}")
async def list_page(form: str, request: Request, seat: Seated) -> Response:
    """The list of what is on offer, as a file."""
    if form not in ("csv", "xlsx"):
        raise Problem("not-found", "清单有 CSV 和 XLSX 两种")
    return await list_file(request, _who(seat), form, Filter("offered", status="published"))


# ------------------------------------------------------------------------------------------------------------ a benefit


@router.get("/benefits/{benefit}")
async def benefit_page(
    benefit: str,
    request: Request,
    seat: Seated,
    reach: bool = False,
    done: str = "",
) -> Response:
    """A benefit, whole; `reach` decides it for every enterprise."""
    told = f"已{WORDS[done]}。" if done in WORDS else None
    return HTMLResponse(await _shown(request, seat, benefit, reach=reach, done=told))


async def _shown(
    request: Request, seat: Seat, benefit: str, *, reach: bool = False, wrong: Problem | None = None, done: str | None = None
) -> str:
    who = _who(seat)
    async with runtime_of(request).read(who) as store:
        kept = there(await store.benefit(benefit))
        history = await store.history(benefit)
        measure = await store.measure(kept.measure)
        proposed = await store.proposals(benefit)
        try:
            checks, matcher = await handlers.check(kept, store, simulation(request), reach=reach), True
        except Unavailable:
            findings, given = await handlers.look(kept, store)
            doubts, grade = await handlers.doubted(kept, given, store) if given else ([], None)
            checks, matcher = Checks((*findings, *doubts), readiness=grade), False
    said = loads(kept.body)
    clause = str((measure or {}).get("body") or said.get("text") or "")
    return benefit_of(seat, kept, said, clause, checks, history, proposed, matcher=matcher, wrong=wrong, done=done)


@router.get("/benefits/{benefit}/amendment")
async def amendment_page(benefit: str, request: Request, seat: Seated) -> Response:
    """What is on offer beside what is pending."""
    async with runtime_of(request).read(_who(seat)) as store:
        kept = there(await store.benefit(benefit))
    if kept.offered is None:
        raise Problem("not-found", "这一事项还没有发布过，没有可对照的现行版本")
    before, after = loads(kept.offered), loads(kept.body)
    ask = simulation(request)
    try:
        was, now = await ask(parse_benefit(before), reach=False), await ask(parse_benefit(after), reach=False)
    except (Unavailable, ValueError):
        return HTMLResponse(amendment(seat, kept, before, after, None, None))
    return HTMLResponse(amendment(seat, kept, before, after, was, now))


# ------------------------------------------------------------------------------------------------------------- one test


@router.get("/benefits/{benefit}/test")
async def test_page(benefit: str, request: Request, seat: Seated, path: Annotated[str, Query(max_length=200)]) -> Response:
    """The form of one test."""
    async with runtime_of(request).read(_who(seat)) as store:
        kept = there(await store.benefit(benefit))
    node, kind = _test(loads(kept.body).get("rule"), path)
    given = fields_of(node, load_registry(), kind)
    return HTMLResponse(correction(seat, kept, _title(kept), path, node, given, load_registry(), kind=kind))


@router.post("/benefits/{benefit}/test")
async def correct(benefit: str, request: Request, seat: Seated) -> Response:
    """Correct a test, give it to a person to decide, or take it out."""
    form = await checked(request, seat)
    who = _who(seat, SCOPES["edit"])
    async with runtime_of(request).read(who) as store:
        kept = there(await store.benefit(benefit))
    said, path = loads(kept.body), _text(form, "path")
    node, kind = _test(said.get("rule"), path)
    try:
        why = _why(form)
        after = _corrected(form, node, kind)
        changed = {**said, "rule": replaced(said["rule"], path, after)}
        with refusals():
            async with runtime_of(request).work(who) as work:
                there(await handlers.edit(benefit, changed, work, by=officer(who), version=_version(form), why=why))
    except (Uncorrectable, Problem) as error:
        problem = error if isinstance(error, Problem) else _wrong_field(error)
        given = fields_of(node, load_registry(), kind) | {name: str(value) for name, value in form.items()}
        return HTMLResponse(
            correction(seat, kept, _title(kept), path, node, given, load_registry(), kind=kind, wrong=problem), problem.status
        )
    return RedirectResponse(f"/desk/benefits/{benefit}?done=edit", 303)


@router.post("/benefits/{benefit}/proposals/{proposal}")
async def decide(benefit: str, proposal: str, request: Request, seat: Seated) -> Response:
    """Take a model's proposal over into the draft, or turn it down."""
    form = await checked(request, seat)
    decisions: dict[str, Literal["accepted", "rejected"]] = {"accept": "accepted", "reject": "rejected"}
    try:
        who, why, decision = _who(seat, SCOPES["edit"]), _why(form), decisions.get(_text(form, "how"))
        if decision is None:
            raise Problem("invalid-request", "没有说明是否采纳")
        with refusals():
            async with runtime_of(request).work(who) as work:
                done = await proposals.decide(benefit, proposal, decision, work, by=officer(who), why=why, version=_version(form))
        there(done)
    except Problem as problem:
        return HTMLResponse(await _shown(request, seat, benefit, wrong=problem), problem.status)
    return RedirectResponse(f"/desk/benefits/{benefit}", 303)


@router.post("/benefits/{benefit}/cases")
async def cases(benefit: str, request: Request, seat: Seated) -> Response:
    """Make the generated cases anew from the rule as it is now, or take a case out; with a reason, because cases guard the rule."""
    form = await checked(request, seat)
    try:
        who, why = _who(seat, SCOPES["edit"]), _why(form)
        async with runtime_of(request).read(who) as store:
            said = loads(there(await store.benefit(benefit)).body)
        position = _text(form, "case")
        if _text(form, "how") == "again":
            changed = with_new_cases(said, load_registry())
        else:
            changed = without_case(said, int(position) if position.isdecimal() else -1)
        with refusals():
            async with runtime_of(request).work(who) as work:
                there(await handlers.edit(benefit, changed, work, by=officer(who), version=_version(form), why=why))
    except (Uncorrectable, Problem) as error:
        problem = error if isinstance(error, Problem) else _wrong_field(error)
        return HTMLResponse(await _shown(request, seat, benefit, wrong=problem), problem.status)
    return RedirectResponse(f"/desk/benefits/{benefit}?done=edit", 303)


def _corrected(form: FormData, node: dict[str, Any], kind: str | None) -> dict[str, Any] | None:
    how = _text(form, "how")
    if how == "remove":
        return None
    if how == "judge":
        return judged(node, _text(form, "words"))
    if how != "correct":
        raise Problem("invalid-request", "没有说明要作何种改正")
    other = _text(form, "other")
    attribute = _text(form, "attribute") or (f"{OPEN}{other}" if other else "")
    printed = _text(form, "printed")
    period = read(printed, "during", None, load_registry()) if printed else _text(form, "period")
    change = Correction(attribute, _text(form, "operator"), _text(form, "value"), period, _text(form, "take"))
    return corrected(node, change, load_registry(), kind=kind)


def _test(rule: Any, path: str) -> tuple[dict[str, Any], str | None]:
    """The test at a path, and the record kind whose row it looks at. Raises Problem."""
    try:
        node = node_at(rule, path)
        if not isinstance(node, dict) or not path.startswith("rule"):
            raise Uncorrectable("path", "这里不是一项条件")
        record = node_at(rule, path.rpartition("/where/")[0]) if "/where/" in path and "field" in node else {}
    except Uncorrectable as error:
        raise Problem("not-found", error.problem) from error
    kind = next((record[key] for key in ("some", "none", "count", "sum", "earliest", "latest") if key in record), None)
    return node, kind


def _wrong_field(error: Uncorrectable) -> Problem:
    names = {"attribute": "属性", "operator": "比较", "value": "值", "period": "期间", "path": "位置", "case": "用例"}
    return Problem("invalid-request", "没有保存，请改正后再交", errors=[Fault(names.get(error.field, error.field), error.problem)])


# ------------------------------------------------------------------------------------------------- the steps of the review


def _step(action: Action) -> None:
    async def step(benefit: str, request: Request, seat: Seated) -> Response:
        form = await checked(request, seat)
        try:
            who, why = _who(seat, SCOPES[action]), _why(form)
            with refusals():
                async with runtime_of(request).work(who) as work:
                    done = await handlers.act(
                        benefit, action, work, by=officer(who), why=why, version=_version(form), simulation=simulation(request)
                    )
            there(done)
        except Problem as problem:
            return HTMLResponse(await _shown(request, seat, benefit, wrong=problem), problem.status)
        return RedirectResponse(f"/desk/benefits/{benefit}?done={action}", 303)

    router.add_api_route(f"/benefits/{{benefit}}/{action}", step, methods=["POST"], name=f"desk-{action}")


for _action in get_args(Action):
    if _action in SCOPES and _action != "edit":
        _step(_action)


def _text(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def _why(form: FormData) -> str:
    why = _text(form, "why") or _text(form, "why-judged") or _text(form, "why-remove")
    if not 1 <= len(why) <= 2000:
        raise Problem("invalid-request", "请填写理由（2000 字以内）；没有作任何改动")
    return why


def _version(form: FormData) -> int:
    version = _text(form, "version")
    if not version.isdecimal():
        raise Problem("invalid-request", "表单缺少版本；请刷新页面后重试")
    return int(version)


def _title(kept: Kept) -> str:
    return str(loads(kept.body).get("title") or "")
