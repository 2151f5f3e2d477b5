"""Forms that correct a draft: a condition, the amount, the particulars, the cases; what is refused is shown with what was typed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from contracts.registry import load_registry
from contracts.rules import OPEN, RuleError, loads, parse_benefit
from services.catalog.api.asking import officer, refusals, simulation, there
from services.catalog.api.desk import shown, title_of
from services.catalog.api.paged import Seated, principal_of, routes, text_of, typed, version_of, why_of
from services.catalog.api.pages.amount import amount as amount_page_of
from services.catalog.api.pages.case import case as case_page_of
from services.catalog.api.pages.correction import WAYS, addition, correction, fields_of
from services.catalog.api.pages.frame import Filled
from services.catalog.api.pages.particulars import particulars as particulars_page_of
from services.catalog.api.review import SCOPES
from services.catalog.api.sessions import Seat, checked
from services.catalog.domain.correcting import amounts
from services.catalog.domain.correcting.case_form import case_of, fields_of_case, with_room
from services.catalog.domain.correcting.cases import case_at, with_case, with_new_cases, without_case
from services.catalog.domain.correcting.conditions import Correction, about_records, corrected, judged, with_condition
from services.catalog.domain.correcting.particulars import DAYS, TEXTS, hidden_days, particulars_of, with_particulars
from services.catalog.domain.correcting.paths import evidence_in, evidence_of, node_at, record_of, replaced, row_of
from services.catalog.domain.correcting.values import Uncorrectable, read
from services.catalog.handlers import Kept, Unavailable, commands
from services.chassis import clock
from services.chassis.app import runtime_of
from services.chassis.problems import Fault, Problem

router = routes()
Place = Annotated[str, Query(max_length=200)]
LABELS = {
    "attribute": "属性", "operator": "比较", "value": "值", "period": "期间", "path": "位置", "case": "用例", "quote": "所依据的原话",
    "kind": "记录", "quantifier": "要求", "at_least": "条数", "name": "用例名称", "as_of": "判断的日期", "expect": "应得的结果",
    "amount": "应得金额", "form": "算法", "words": "由人确定的内容", "parts": "各项", "best": "只取最高的几项",
    "each": "记录", "more": "记录",
    **TEXTS, **DAYS, **{slot.key: slot.label for form in amounts.FORMS.values() for slot in form.slots},
}  # fmt: skip


@dataclass(frozen=True)
class _Draft:
    """A benefit as its forms see it: its newest version as plain data, and the measure it came from."""

    kept: Kept
    said: dict[str, Any]
    measure: dict[str, Any]

    @property
    def clause(self) -> str:
        """The words it must be true to."""
        return str(self.measure.get("body") or self.said.get("text") or "")

    def evidence(self, words: str) -> dict[str, Any]:
        """Words of the clause with their place. Raises Uncorrectable where they do not stand in it."""
        return evidence_in(words, self.clause, self.measure.get("runs") or (), self.said.get("article"))


async def _draft(request: Request, seat: Seat, benefit: str) -> _Draft:
    async with runtime_of(request).read(principal_of(seat)) as store:
        kept = there(await store.benefit(benefit))
        measure = await store.measure(kept.measure)
    return _Draft(kept, loads(kept.body), measure or {})


Change = Callable[[], dict[str, Any]]
Shown = Callable[[Filled, Problem], str]


async def _saved(request: Request, seat: Seat, benefit: str, change: Change, page: Shown, *, to: str = "?done=edit") -> Response:
    """Make the change of a form; what is refused is shown on its page again, with what was typed and where it is wrong."""
    form = await checked(request, seat)
    try:
        who, why, changed = principal_of(seat, SCOPES["edit"]), why_of(form), change()
        with refusals():
            async with runtime_of(request).work(who) as work:
                there(await commands.edit(benefit, changed, work, by=officer(who), version=version_of(form), why=why))
    except Uncorrectable as error:
        problem = Problem("invalid-request", "没有保存，请改正后再交", errors=[Fault(_label(error.field), error.problem)])
        return HTMLResponse(page(Filled(typed(form), error.field, error.problem), problem), problem.status)
    except Problem as problem:
        return HTMLResponse(page(Filled(typed(form)), problem), problem.status)
    return RedirectResponse(f"/desk/benefits/{benefit}{to}", 303)


def _label(field: str) -> str:
    """What a field is called on its page."""
    name, _, rest = field.partition(".")
    numbered = {"fact": "第 {} 条事实", "line": "第 {} 档的起点", "pay": "第 {} 项给多少", "parts": "第 {} 项"}
    if field not in LABELS and name in numbered and rest.split(".")[0].isdecimal():
        return numbered[name].format(int(rest.split(".")[0]) + 1)
    return LABELS.get(field, "")


def _node(draft: _Draft, path: str) -> Any:
    """What stands at a place of the rule or the amount. Raises Problem."""
    try:
        return node_at(draft.said, path)
    except Uncorrectable as error:
        raise Problem("not-found", error.problem) from error


# --------------------------------------------------------------------------------------------------------- conditions


def _test(draft: _Draft, path: str) -> tuple[dict[str, Any], str | None]:
    """The test at a place, and the record kind whose row it looks at. Raises Problem."""
    node = _node(draft, path)
    if not isinstance(node, dict) or (path.startswith("amount") and amounts.is_amount(node)):
        raise Problem("not-found", "这里不是一项条件")
    return node, row_of(draft.said, path) if "field" in node else None


@router.get("/benefits/{benefit}/test")
async def test_page(benefit: str, request: Request, seat: Seated, path: Place) -> Response:
    """The form of one test."""
    draft = await _draft(request, seat, benefit)
    node, kind = _test(draft, path)
    filled = Filled(fields_of(node, load_registry(), kind))
    return HTMLResponse(correction(seat, draft.kept, title_of(draft.kept), path, node, filled, load_registry(), kind=kind))


@router.post("/benefits/{benefit}/test")
async def correct(benefit: str, request: Request, seat: Seated) -> Response:
    """Correct a test, give it to a person to decide, or take it out."""
    form = await checked(request, seat)
    draft = await _draft(request, seat, benefit)
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
        return replaced(draft.said, path, corrected(node, _correction(typed(form)), load_registry(), kind=kind))

    def page(filled: Filled, wrong: Problem) -> str:
        known = Filled(fields_of(node, load_registry(), kind) | dict(filled.values), filled.at, filled.problem)
        return correction(seat, draft.kept, title_of(draft.kept), path, node, known, load_registry(), kind=kind, wrong=wrong)

    return await _saved(request, seat, benefit, change, page)


def _correction(given: dict[str, str]) -> Correction:
    """The fields of one test. Raises Uncorrectable."""
    given = {name: value.strip() for name, value in given.items()}
    other, printed = given.get("other", ""), given.get("printed", "")
    attribute = given.get("attribute") or (f"{OPEN}{other}" if other else "")
    period = read(printed, "during", None, load_registry()) if printed else given.get("period", "")
    return Correction(attribute, given.get("operator", ""), given.get("value", ""), period, given.get("take", ""))


def _group(draft: _Draft, path: str) -> dict[str, Any]:
    """A node that a condition can be put into or beside. Raises Problem."""
    node = _node(draft, path)
    if not isinstance(node, dict) or (amounts.is_amount(node) and "each" not in node) or row_of(draft.said, path) is not None:
        raise Problem("not-found", "这里不能增加条件")
    return node


@router.get("/benefits/{benefit}/more")
async def more_page(benefit: str, request: Request, seat: Seated, path: Place = "rule", how: str = "fact") -> Response:
    """The form of one more condition."""
    draft = await _draft(request, seat, benefit)
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
    draft = await _draft(request, seat, benefit)
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
            new = corrected({}, _correction(typed(form)), registry, kind=kind)
        return replaced(draft.said, path, with_condition(node, new | evidence, either=bool(text_of(form, "either"))))

    def page(filled: Filled, wrong: Problem) -> str:
        return addition(seat, draft.kept, title_of(draft.kept), path, node, filled, registry, how=how, clause=draft.clause, wrong=wrong)

    group = next((key for key in ("all", "any", "of") if isinstance(node.get(key), list)), None)
    beside = f"{path}/{group}/{len(node[group])}" if group else f"{path}/{'any' if text_of(form, 'either') else 'all'}/1"
    to = f"/more?path={beside}" if how == "record" else "?done=edit"
    return await _saved(request, seat, benefit, change, page, to=to)


# ------------------------------------------------------------------------------------------------------------- amounts


def _amount(draft: _Draft, path: str) -> dict[str, Any] | None:
    """The amount at a place; None where the benefit has none. Raises Problem."""
    node = _node(draft, path)
    if path.split("/")[0] != "amount" or (node is None and path != "amount") or not (node is None or amounts.is_amount(node)):
        raise Problem("not-found", "这里不是金额；它可能已经改动，请回到事项页")
    found: dict[str, Any] | None = node
    return found


async def _lines(request: Request, draft: _Draft) -> tuple[dict[str, Any], ...]:
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
    draft = await _draft(request, seat, benefit)
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
    draft = await _draft(request, seat, benefit)
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
        period = _correction(given).period if given.get("pay.new", "").strip() else ""
        other = given.get("other", "").strip()
        given |= {"period": period} | ({"attribute": f"{OPEN}{other}"} if other and not given.get("attribute") else {})
        new = amounts.amount_of(chosen, given, node, registry, kind=kind)
        words = text_of(form, "quote")
        if path == "amount":
            if not words and not new.get("quote"):
                raise Uncorrectable("quote", "请从条文中摘录金额所依据的原话")
            new |= draft.evidence(words) if words else {}
        return replaced(draft.said, path, new)

    def page(filled: Filled, wrong: Problem) -> str:
        return amount_page_of(
            seat, draft.kept, title_of(draft.kept), path, chosen, node, filled, lines, registry, kind=kind, clause=draft.clause, wrong=wrong
        )

    return await _saved(request, seat, benefit, change, page)


def _unwrapped(node: dict[str, Any]) -> dict[str, Any]:
    """The amount inside a cap, a floor or the like, with the words of the whole where it has none of its own."""
    inner = next(
        (node[slot.key] for slot in amounts.FORMS[amounts.form_of(node)].slots if slot.main and amounts.is_amount(node.get(slot.key))), None
    )
    if inner is None:
        raise Uncorrectable("form", "里面没有可以单独保留的金额")
    return {**inner, **(evidence_of(inner) or evidence_of(node))}


# --------------------------------------------------------------------------------------------------------- particulars


@router.get("/benefits/{benefit}/particulars")
async def particulars_page(benefit: str, request: Request, seat: Seated) -> Response:
    """The form of title, department, kind, mode and days."""
    draft = await _draft(request, seat, benefit)
    registry = load_registry()
    filled = Filled(particulars_of(draft.said, registry))
    return HTMLResponse(particulars_page_of(seat, draft.kept, title_of(draft.kept), filled, hidden_days(draft.said, registry)))


@router.post("/benefits/{benefit}/particulars")
async def correct_particulars(benefit: str, request: Request, seat: Seated) -> Response:
    """Correct title, department, kind, mode and days."""
    form = await checked(request, seat)
    draft = await _draft(request, seat, benefit)
    registry = load_registry()

    def page(filled: Filled, wrong: Problem) -> str:
        return particulars_page_of(seat, draft.kept, title_of(draft.kept), filled, hidden_days(draft.said, registry), wrong=wrong)

    return await _saved(request, seat, benefit, lambda: with_particulars(draft.said, typed(form), registry), page)


# --------------------------------------------------------------------------------------------------------------- cases


def _case(draft: _Draft, position: str) -> dict[str, Any] | None:
    """The case at a place; None for a new one. Raises Problem."""
    if position == "new":
        return None
    try:
        return case_at(draft.said, int(position) if position.isdecimal() else -1)
    except Uncorrectable as error:
        raise Problem("not-found", error.problem) from error


def _must_be_of_the_language(draft: _Draft) -> None:
    try:
        parse_benefit(draft.said)
    except RuleError as error:
        raise Problem("conflict", "规则还有错误，改正之后才能写用例") from error


@router.get("/benefits/{benefit}/case")
async def case_page(benefit: str, request: Request, seat: Seated, case: Annotated[str, Query(max_length=9)] = "new") -> Response:
    """The form of one case, or of a new one."""
    draft = await _draft(request, seat, benefit)
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
    draft = await _draft(request, seat, benefit)
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

    return await _saved(request, seat, benefit, change, page)


@router.post("/benefits/{benefit}/cases")
async def cases(benefit: str, request: Request, seat: Seated) -> Response:
    """Make the generated cases anew from the rule as it is now, or take a case out; with a reason, because cases guard the rule."""
    form = await checked(request, seat)
    try:
        who, why = principal_of(seat, SCOPES["edit"]), why_of(form)
        said = (await _draft(request, seat, benefit)).said
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
