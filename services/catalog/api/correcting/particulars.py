"""The form of title, department, kind, mode and days."""

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from contracts.registry import load_registry
from services.catalog.api.correcting.draft import draft_of, saved
from services.catalog.api.desk import title_of
from services.catalog.api.paged import Seated, routes, typed
from services.catalog.api.pages.frame import Filled
from services.catalog.api.pages.particulars import particulars as particulars_page_of
from services.catalog.api.sessions import checked
from services.catalog.domain.correcting.particulars import hidden_days, particulars_of, with_particulars
from services.chassis.problems import Problem

router = routes()


@router.get("/benefits/{benefit}/particulars")
async def particulars_page(benefit: str, request: Request, seat: Seated) -> Response:
    """The form of title, department, kind, mode and days."""
    draft = await draft_of(request, seat, benefit)
    registry = load_registry()
    filled = Filled(particulars_of(draft.said, registry))
    return HTMLResponse(particulars_page_of(seat, draft.kept, title_of(draft.kept), filled, hidden_days(draft.said, registry)))


@router.post("/benefits/{benefit}/particulars")
async def correct_particulars(benefit: str, request: Request, seat: Seated) -> Response:
    """Correct title, department, kind, mode and days."""
    form = await checked(request, seat)
    draft = await draft_of(request, seat, benefit)
    registry = load_registry()

    def page(filled: Filled, wrong: Problem) -> str:
        return particulars_page_of(seat, draft.kept, title_of(draft.kept), filled, hidden_days(draft.said, registry), wrong=wrong)

    return await saved(request, seat, benefit, lambda: with_particulars(draft.said, typed(form), registry), page)
