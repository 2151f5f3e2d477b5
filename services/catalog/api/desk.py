"""The officer's page over HTTP: sign in, the desk, a benefit, its steps, an amendment side by side.

Served whole by catalog: no script, no build step. Every change goes through the same functions as the API, with the same refusals,
which are said on the page they belong to. Forms that correct a draft: `correcting`.
"""

from datetime import date
from typing import Annotated, Any, Literal, get_args

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from contracts.registry import load_registry
from contracts.rules import loads, parse_benefit
from services.catalog.api.asking import officer, refusals, simulation, there
from services.catalog.api.lists import list_file
from services.catalog.api.paged import Seated, principal_of, routes, text_of, version_of, why_of
from services.catalog.api.pages import desk as desk_page
from services.catalog.api.pages.amendment import amendment
from services.catalog.api.pages.benefit import benefit as benefit_of
from services.catalog.api.pages.frame import sheet, sign_in
from services.catalog.api.review import SCOPES
from services.catalog.api.sessions import Seat, checked, leave, remember, resize, seat_of, sit
from services.catalog.domain.review import WORDS, Action, Standing
from services.catalog.domain.working_rules import task_of
from services.catalog.handlers import Kept, Unavailable, checking, commands, proposals
from services.catalog.sources import working_rules
from services.catalog.store import Filter
from services.chassis import clock
from services.chassis.app import runtime_of
from services.chassis.problems import Problem

SHOWN = 200
"""Lines of each list of the desk."""
SAID = 40
"""Characters of its clause by which a benefit is told from others of its name."""
router = routes()


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
        await sit(request, response, text_of(form, "key"))
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
    resize(request, response, text_of(form, "size"))
    return response


@router.get("/style.css")
async def style() -> Response:
    """The style sheet."""
    return Response(sheet(), media_type="text/css; charset=utf-8", headers={"Cache-Control": "max-age=3600"})


# ------------------------------------------------------------------------------------------------------------- the desk


@router.get("")
async def desk(
    request: Request,
    seat: Seated,
    department: Annotated[str | None, Query(max_length=100)] = None,
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The desk of the officer's department, or of another."""
    who = principal_of(seat)
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
        said = loads(kept.body)
        text = str(said.get("text") or "").strip()
        words = f"{said.get('article') or ''}　{text[:SAID]}{'……' if len(text) > SAID else ''}"
        rows.append(desk_page.Row(kept, str(said.get("title") or ""), str(said.get("department") or ""), words, task))
    rows.sort(key=lambda row: -(row.task.late if row.task else 0))
    return HTMLResponse(
        desk_page.desk(
            seat,
            rows,
            [(entry, kept, title_of(kept)) for _, entry, kept in awaiting],
            [(kept, title_of(kept)) for kept in found],
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
    who, why = principal_of(seat, SCOPES["edit"]), why_of(form)
    with refusals():
        async with runtime_of(request).work(who) as work:
            entry = await commands.settle(awaiting, work, by=officer(who), why=why)
    if entry is None:
        raise Problem("not-found", "没有这一待办，或已有人处理")
    return RedirectResponse("/desk", 303)


@router.get("/list.{form}")
async def list_page(form: str, request: Request, seat: Seated) -> Response:
    """The list of what is on offer, as a file."""
    if form not in ("csv", "xlsx"):
        raise Problem("not-found", "清单有 CSV 和 XLSX 两种")
    return await list_file(request, principal_of(seat), form, Filter("offered", status="published"))


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
    return HTMLResponse(await shown(request, seat, benefit, reach=reach, done=told))


async def shown(
    request: Request, seat: Seat, benefit: str, *, reach: bool = False, wrong: Problem | None = None, done: str | None = None
) -> str:
    """The page of a benefit."""
    who = principal_of(seat)
    async with runtime_of(request).read(who) as store:
        kept = there(await store.benefit(benefit))
        history = await store.history(benefit)
        measure = await store.measure(kept.measure)
        proposed = await store.proposals(benefit)
        looked = await checking.look(kept, store)
    try:
        checks, matcher = await checking.check(looked, simulation(request), reach=reach), True
    except Unavailable:
        checks, matcher = checking.unchecked(looked), False
    said = loads(kept.body)
    clause = str((measure or {}).get("body") or said.get("text") or "")
    return benefit_of(seat, kept, said, clause, checks, history, load_registry(), proposed, matcher=matcher, wrong=wrong, done=done)


@router.get("/benefits/{benefit}/amendment")
async def amendment_page(benefit: str, request: Request, seat: Seated) -> Response:
    """What is on offer beside what is pending."""
    async with runtime_of(request).read(principal_of(seat)) as store:
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


@router.post("/benefits/{benefit}/proposals/{proposal}")
async def decide(benefit: str, proposal: str, request: Request, seat: Seated) -> Response:
    """Take a model's proposal over into the draft, or turn it down."""
    form = await checked(request, seat)
    decisions: dict[str, Literal["accepted", "rejected"]] = {"accept": "accepted", "reject": "rejected"}
    try:
        who, why, decision = principal_of(seat, SCOPES["edit"]), why_of(form), decisions.get(text_of(form, "how"))
        if decision is None:
            raise Problem("invalid-request", "没有说明是否采纳")
        with refusals():
            async with runtime_of(request).work(who) as work:
                done = await proposals.decide(benefit, proposal, decision, work, by=officer(who), why=why, version=version_of(form))
        there(done)
    except Problem as problem:
        return HTMLResponse(await shown(request, seat, benefit, wrong=problem), problem.status)
    return RedirectResponse(f"/desk/benefits/{benefit}", 303)


# ------------------------------------------------------------------------------------------------- the steps of the review


def _step(action: Action) -> None:
    async def step(benefit: str, request: Request, seat: Seated) -> Response:
        form = await checked(request, seat)
        try:
            who, why = principal_of(seat, SCOPES[action]), why_of(form)
            with refusals():
                async with runtime_of(request).work(who) as work:
                    done = await commands.act(
                        benefit, action, work, by=officer(who), why=why, version=version_of(form), simulation=simulation(request)
                    )
            there(done)
        except Problem as problem:
            return HTMLResponse(await shown(request, seat, benefit, wrong=problem), problem.status)
        return RedirectResponse(f"/desk/benefits/{benefit}?done={action}", 303)

    router.add_api_route(f"/benefits/{{benefit}}/{action}", step, methods=["POST"], name=f"desk-{action}")


for _action in get_args(Action):
    if _action in SCOPES and _action != "edit":
        _step(_action)


def title_of(kept: Kept) -> str:
    """The title of a benefit's newest version."""
    return str(loads(kept.body).get("title") or "")
