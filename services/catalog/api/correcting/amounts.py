"""The form of an amount, or of a part of one."""

from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse

from contracts.registry import load_registry
from contracts.rules import OPEN, RuleError, parse_benefit
from services.catalog.api.asking import simulation
from services.catalog.api.correcting.draft import Draft, Place, correction_of, draft_of, node_of, saved
from services.catalog.api.desk import title_of
from services.catalog.api.paged import Seated, routes, text_of, typed
from services.catalog.api.pages.amount import amount as amount_page_of
from services.catalog.api.pages.frame import Filled
from services.catalog.api.sessions import checked
from services.catalog.domain.correcting import amounts
from services.catalog.domain.correcting.paths import backed_by, evidence_of, replaced, row_of
from services.catalog.domain.correcting.values import Uncorrectable
from services.catalog.handlers import Unavailable
from services.chassis.problems import Problem

router = routes()


def _amount(draft: Draft, path: str) -> dict[str, Any] | None:
    """The amount at a place; None where the benefit has none. Raises Problem."""
    node = node_of(draft, path)
    if path.split("/")[0] != "amount" or (node is None and path != "amount") or not (node is None or amounts.is_amount(node)):
        raise Problem("not-found", "这里不是金额；它可能已经改动，请回到事项页")
    found: dict[str, Any] | None = node
    return found


async def _lines(request: Request, draft: Draft) -> tuple[dict[str, Any], ...]:
    """The matcher's words for the amount, part by part; none while it does not answer."""
    try:
        return (await simulation(request)(parse_benefit(draft.said), reach=False)).amount
    except (Unavailable, RuleError):
        return ()


@router.get("/benefits/{benefit}/amount")
async def amount_page(
    benefit: str, request: Request, seat: Seated, path: Place = "amount", form: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """The form of an amount or of a part of it; `form` asks for another way to reckon it."""
    draft = await draft_of(request, seat, benefit)
    node, kind, registry = _amount(draft, path), row_of(draft.said, path), load_registry()
    now = amounts.form_of(node) if node is not None else "fixed"
    chosen = form if form in amounts.FORMS else now
    filled = Filled(amounts.fields_of(node, registry, kind) if node is not None and chosen == now else {"operator": ">="})
    lines = await _lines(request, draft)
    return HTMLResponse(
        amount_page_of(seat, draft.kept, title_of(draft.kept), path, chosen, node, filled, lines, registry, kind=kind, clause=draft.clause)
    )


@router.post("/benefits/{benefit}/amount")
async def correct_amount(benefit: str, request: Request, seat: Seated) -> Response:
    """Correct an amount, take what it holds in its place, or take it out."""
    form = await checked(request, seat)
    draft = await draft_of(request, seat, benefit)
    path, registry = text_of(form, "path"), load_registry()
    node, kind, how = _amount(draft, path), row_of(draft.said, path), text_of(form, "how")
    chosen = text_of(form, "form") if text_of(form, "form") in amounts.FORMS else amounts.form_of(node) if node else "fixed"
    lines = await _lines(request, draft)

    def change() -> dict[str, Any]:
        if how == "remove" and path == "amount":
            return replaced(draft.said, path, None)
        if how == "unwrap" and node is not None:
            return replaced(draft.said, path, _unwrapped(node))
        if how != "correct":
            raise Problem("invalid-request", "没有说明要作何种改正")
        given = typed(form)
        period = correction_of(given).period if given.get("pay.new", "").strip() else ""
        other = given.get("other", "").strip()
        given |= {"period": period} | ({"attribute": f"{OPEN}{other}"} if other and not given.get("attribute") else {})
        new = amounts.amount_of(chosen, given, node, registry, kind=kind)
        words = text_of(form, "quote")
        if path == "amount":
            if not words and not new.get("quote"):
                raise Uncorrectable("quote", "请从条文中摘录金额所依据的原话")
            new = backed_by(new, draft.evidence(words)) if words else new
        return replaced(draft.said, path, new)

    def page(filled: Filled, wrong: Problem) -> str:
        return amount_page_of(
            seat, draft.kept, title_of(draft.kept), path, chosen, node, filled, lines, registry, kind=kind, clause=draft.clause, wrong=wrong
        )

    return await saved(request, seat, benefit, change, page)


def _unwrapped(node: dict[str, Any]) -> dict[str, Any]:
    """The amount inside a cap, a floor or the like, with the words of the whole where it has none of its own."""
    inner = next(
        (node[slot.key] for slot in amounts.FORMS[amounts.form_of(node)].slots if slot.main and amounts.is_amount(node.get(slot.key))), None
    )
    if inner is None:
        raise Uncorrectable("form", "里面没有可以单独保留的金额")
    return {**inner, **(evidence_of(inner) or evidence_of(node))}
