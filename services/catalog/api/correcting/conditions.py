"""The forms of conditions: one corrected, given to a person or taken out, and one more put in."""

from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse

from contracts.registry import load_registry
from services.catalog.api.correcting.draft import Draft, Place, correction_of, draft_of, node_of, saved
from services.catalog.api.desk import title_of
from services.catalog.api.paged import Seated, routes, text_of, typed
from services.catalog.api.pages.correction import WAYS, addition, correction, fields_of
from services.catalog.api.pages.frame import Filled
from services.catalog.api.sessions import checked
from services.catalog.domain.correcting import amounts
from services.catalog.domain.correcting.conditions import about_records, corrected, judged, with_condition
from services.catalog.domain.correcting.paths import backed_by, quote_at, record_of, replaced, row_of
from services.chassis.problems import Problem

router = routes()


def _test(draft: Draft, path: str) -> tuple[dict[str, Any], str | None]:
    """The test at a place, and the record kind whose row it looks at. Raises Problem."""
    node = node_of(draft, path)
    if not isinstance(node, dict) or (path.startswith("amount") and amounts.is_amount(node)):
        raise Problem("not-found", "这里不是一项条件")
    return node, row_of(draft.said, path) if "field" in node else None


@router.get("/benefits/{benefit}/test")
async def test_page(benefit: str, request: Request, seat: Seated, path: Place) -> Response:
    """The form of one test."""
    draft = await draft_of(request, seat, benefit)
    node, kind = _test(draft, path)
    filled = Filled(fields_of(node, load_registry(), kind))
    return HTMLResponse(
        correction(
            seat,
            draft.kept,
            title_of(draft.kept),
            path,
            node,
            filled,
            load_registry(),
            kind=kind,
            quote=quote_at(draft.said, path),
            clause=draft.clause,
        )
    )


@router.post("/benefits/{benefit}/test")
async def correct(benefit: str, request: Request, seat: Seated) -> Response:
    """Correct a test, give it to a person to decide, or take it out."""
    form = await checked(request, seat)
    draft = await draft_of(request, seat, benefit)
    path = text_of(form, "path")
    node, kind = _test(draft, path)

    def change() -> dict[str, Any]:
        how = text_of(form, "how")
        if how == "remove":
            return replaced(draft.said, path, None)
        if how == "judge":
            return replaced(draft.said, path, judged(node, text_of(form, "words")))
        if how != "correct":
            raise Problem("invalid-request", "没有说明要作何种改正")
        after = corrected(node, correction_of(typed(form)), load_registry(), kind=kind)
        words = text_of(form, "quote")
        return replaced(draft.said, path, backed_by(after, draft.evidence(words)) if words else after)

    def page(filled: Filled, wrong: Problem) -> str:
        known = Filled(fields_of(node, load_registry(), kind) | dict(filled.values), filled.at, filled.problem)
        return correction(
            seat,
            draft.kept,
            title_of(draft.kept),
            path,
            node,
            known,
            load_registry(),
            kind=kind,
            quote=quote_at(draft.said, path),
            clause=draft.clause,
            wrong=wrong,
        )

    return await saved(request, seat, benefit, change, page)


def _group(draft: Draft, path: str) -> dict[str, Any]:
    """A node that a condition can be put into or beside. Raises Problem."""
    node = node_of(draft, path)
    if not isinstance(node, dict) or (amounts.is_amount(node) and "each" not in node) or row_of(draft.said, path) is not None:
        raise Problem("not-found", "这里不能增加条件")
    return node


@router.get("/benefits/{benefit}/more")
async def more_page(benefit: str, request: Request, seat: Seated, path: Place = "rule", how: str = "fact") -> Response:
    """The form of one more condition."""
    draft = await draft_of(request, seat, benefit)
    node = _group(draft, path)
    filled = Filled({"operator": ">=", "period": ""})
    return HTMLResponse(
        addition(seat, draft.kept, title_of(draft.kept), path, node, filled, load_registry(), how=_way(node, how), clause=draft.clause)
    )


def _way(node: dict[str, Any], how: str) -> str:
    return how if how in WAYS and record_of(node) is None else "fact"


@router.post("/benefits/{benefit}/more")
async def add(benefit: str, request: Request, seat: Seated) -> Response:
    """Put one more condition into a group, beside a lone test, or into what rows must meet."""
    form = await checked(request, seat)
    draft = await draft_of(request, seat, benefit)
    path, registry = text_of(form, "path"), load_registry()
    node = _group(draft, path)
    how, kind = _way(node, text_of(form, "how")), record_of(node)

    def change() -> dict[str, Any]:
        words = text_of(form, "quote")
        evidence = draft.evidence(words)
        if how == "record":
            new = about_records(text_of(form, "quantifier"), text_of(form, "kind"), text_of(form, "at_least"), registry)
        elif how == "judge":
            new = judged({"quote": evidence["quote"]}, text_of(form, "words"))
        else:
            new = corrected({}, correction_of(typed(form)), registry, kind=kind)
        return replaced(draft.said, path, with_condition(node, backed_by(new, evidence), either=bool(text_of(form, "either"))))

    def page(filled: Filled, wrong: Problem) -> str:
        return addition(seat, draft.kept, title_of(draft.kept), path, node, filled, registry, how=how, clause=draft.clause, wrong=wrong)

    group = next((key for key in ("all", "any", "of") if isinstance(node.get(key), list)), None)
    beside = f"{path}/{group}/{len(node[group])}" if group else f"{path}/{'any' if text_of(form, 'either') else 'all'}/1"
    to = f"/more?path={beside}" if how == "record" else "?done=edit"
    return await saved(request, seat, benefit, change, page, to=to)
