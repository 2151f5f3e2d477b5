"""What every form of a correction shares: the draft it is about, saving it, and showing it again where it is refused."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from contracts.registry import load_registry
from contracts.rules import OPEN, loads
from services.catalog.api.asking import officer, refusals, there
from services.catalog.api.paged import principal_of, typed, version_of, why_of
from services.catalog.api.pages.frame import Filled
from services.catalog.api.review import SCOPES
from services.catalog.api.sessions import Seat, checked
from services.catalog.domain.correcting import amounts
from services.catalog.domain.correcting.conditions import Correction
from services.catalog.domain.correcting.particulars import DAYS, TEXTS
from services.catalog.domain.correcting.paths import evidence_in, node_at
from services.catalog.domain.correcting.values import Uncorrectable, read
from services.catalog.handlers import Kept, commands
from services.chassis.app import runtime_of
from services.chassis.problems import Fault, Problem

Place = Annotated[str, Query(max_length=200)]
LABELS = {
    "attribute": "属性", "operator": "比较", "value": "值", "period": "期间", "path": "位置", "case": "用例", "quote": "所依据的原话",
    "kind": "记录", "quantifier": "要求", "at_least": "条数", "name": "用例名称", "as_of": "判断的日期", "expect": "应得的结果",
    "amount": "应得金额", "form": "算法", "words": "由人确定的内容", "parts": "各项", "best": "只取最高的几项",
    "each": "记录", "more": "记录",
    **TEXTS, **DAYS, **{slot.key: slot.label for form in amounts.FORMS.values() for slot in form.slots},
}  # fmt: skip


@dataclass(frozen=True)
class Draft:
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


async def draft_of(request: Request, seat: Seat, benefit: str) -> Draft:
    """The newest version of a benefit. Raises Problem where there is none, or the officer may not look."""
    async with runtime_of(request).read(principal_of(seat)) as store:
        kept = there(await store.benefit(benefit))
        measure = await store.measure(kept.measure)
    return Draft(kept, loads(kept.body), measure or {})


Change = Callable[[], dict[str, Any]]
Shown = Callable[[Filled, Problem], str]


async def saved(request: Request, seat: Seat, benefit: str, change: Change, page: Shown, *, to: str = "?done=edit") -> Response:
    """Make the change of a form; what is refused is shown on its page again, with what was typed and where it is wrong."""
    form = await checked(request, seat)
    try:
        who, why, changed = principal_of(seat, SCOPES["edit"]), why_of(form), change()
        with refusals():
            async with runtime_of(request).work(who) as work:
                there(await commands.edit(benefit, changed, work, by=officer(who), version=version_of(form), why=why))
    except Uncorrectable as error:
        problem = Problem("invalid-request", "没有保存，请改正后再交", errors=[Fault(label_of(error.field), error.problem)])
        return HTMLResponse(page(Filled(typed(form), error.field, error.problem), problem), problem.status)
    except Problem as problem:
        return HTMLResponse(page(Filled(typed(form)), problem), problem.status)
    return RedirectResponse(f"/desk/benefits/{benefit}{to}", 303)


def label_of(field: str) -> str:
    """What a field is called on its page."""
    name, _, rest = field.partition(".")
    numbered = {"fact": "第 {} 条事实", "line": "第 {} 档的起点", "pay": "第 {} 项给多少", "parts": "第 {} 项"}
    if field not in LABELS and name in numbered and rest.split(".")[0].isdecimal():
        return numbered[name].format(int(rest.split(".")[0]) + 1)
    return LABELS.get(field, "")


def node_of(draft: Draft, path: str) -> Any:
    """What stands at a place of the rule or the amount. Raises Problem."""
    try:
        return node_at(draft.said, path)
    except Uncorrectable as error:
        raise Problem("not-found", error.problem) from error


def correction_of(given: dict[str, str]) -> Correction:
    """The fields of one test. Raises Uncorrectable."""
    given = {name: value.strip() for name, value in given.items()}
    other, printed = given.get("other", ""), given.get("printed", "")
    attribute = given.get("attribute") or (f"{OPEN}{other}" if other else "")
    period = read(printed, "during", None, load_registry()) if printed else given.get("period", "")
    return Correction(attribute, given.get("operator", ""), given.get("value", ""), period, given.get("take", ""))
