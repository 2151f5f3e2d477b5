"""The forms of cases: one written or corrected, generated ones made anew, one taken out."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from contracts.registry import load_registry
from contracts.rules import RuleError, parse_benefit
from services.catalog.api.asking import officer, refusals, there
from services.catalog.api.correcting.draft import Draft, draft_of, saved
from services.catalog.api.desk import shown, title_of
from services.catalog.api.paged import Seated, principal_of, routes, text_of, typed, version_of, why_of
from services.catalog.api.pages.case import case as case_page_of
from services.catalog.api.pages.frame import Filled
from services.catalog.api.review import SCOPES
from services.catalog.api.sessions import checked
from services.catalog.domain.correcting.case_form import case_of, fields_of_case, with_room
from services.catalog.domain.correcting.cases import case_at, with_case, with_new_cases, without_case
from services.catalog.domain.correcting.particulars import particulars_of
from services.catalog.domain.correcting.values import Uncorrectable
from services.catalog.handlers import commands
from services.chassis import clock
from services.chassis.app import runtime_of
from services.chassis.problems import Fault, Problem

router = routes()


def _case(draft: Draft, position: str) -> dict[str, Any] | None:
    """The case at a place; None for a new one. Raises Problem."""
    if position == "new":
        return None
    try:
        return case_at(draft.said, int(position) if position.isdecimal() else -1)
    except Uncorrectable as error:
        raise Problem("not-found", error.problem) from error


def _must_be_of_the_language(draft: Draft) -> None:
    try:
        parse_benefit(draft.said)
    except RuleError as error:
        raise Problem("conflict", "规则还有错误，改正之后才能写用例") from error


@router.get("/benefits/{benefit}/case")
async def case_page(benefit: str, request: Request, seat: Seated, case: Annotated[str, Query(max_length=9)] = "new") -> Response:
    """The form of one case, or of a new one."""
    draft = await draft_of(request, seat, benefit)
    _must_be_of_the_language(draft)
    registry = load_registry()
    today = clock.city_day(clock.now(), runtime_of(request).settings.timezone)
    begins = particulars_of(draft.said, registry)["valid.from"]
    given = _case(draft, case) or {"as_of": max(begins, today.isoformat()) if begins[:4].isdecimal() else today.isoformat()}
    filled = Filled(fields_of_case(draft.said, given, registry))
    return HTMLResponse(case_page_of(seat, draft.kept, title_of(draft.kept), case, filled, registry))


@router.post("/benefits/{benefit}/case")
async def correct_case(benefit: str, request: Request, seat: Seated) -> Response:
    """Keep a case, or show its form with more empty lines."""
    form = await checked(request, seat)
    draft = await draft_of(request, seat, benefit)
    _must_be_of_the_language(draft)
    position, registry = text_of(form, "case"), load_registry()
    was = _case(draft, position)

    def page(filled: Filled, wrong: Problem | None) -> str:
        return case_page_of(seat, draft.kept, title_of(draft.kept), position, filled, registry, wrong=wrong)

    if text_of(form, "how") == "more":
        return HTMLResponse(page(Filled(with_room(typed(form), registry, kind=text_of(form, "more")) | {"more": ""}), None))

    def change() -> dict[str, Any]:
        case = case_of(typed(form), was, registry)
        return with_case(draft.said, None if was is None else int(position), case)

    return await saved(request, seat, benefit, change, page)


@router.post("/benefits/{benefit}/cases")
async def cases(benefit: str, request: Request, seat: Seated) -> Response:
    """Make the generated cases anew from the rule as it is now, or take a case out; with a reason, because cases guard the rule."""
    form = await checked(request, seat)
    try:
        who, why = principal_of(seat, SCOPES["edit"]), why_of(form)
        said = (await draft_of(request, seat, benefit)).said
        position = text_of(form, "case")
        if text_of(form, "how") == "again":
            changed = with_new_cases(said, load_registry())
        else:
            changed = without_case(said, int(position) if position.isdecimal() else -1)
        with refusals():
            async with runtime_of(request).work(who) as work:
                there(await commands.edit(benefit, changed, work, by=officer(who), version=version_of(form), why=why))
    except (Uncorrectable, Problem) as error:
        told = Problem("invalid-request", "没有改动用例", errors=[Fault("", error.problem)]) if isinstance(error, Uncorrectable) else error
        return HTMLResponse(await shown(request, seat, benefit, wrong=told), told.status)
    return RedirectResponse(f"/desk/benefits/{benefit}?done=edit", 303)
