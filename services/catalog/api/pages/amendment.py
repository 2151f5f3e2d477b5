"""An amendment: what is on offer beside what is pending, with the words, the rule and the amount that changed."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.catalog.api.html import Html, h, text_of
from services.catalog.api.pages.benefit import no_matcher, span_of
from services.catalog.api.pages.frame import page, row, table
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.particulars import MODES, ONCE, PAYS
from services.catalog.domain.marking import differences
from services.catalog.handlers import Checks, Kept


def amendment(seat: Seat, kept: Kept, before: Mapping[str, Any], after: Mapping[str, Any], was: Checks | None, now: Checks | None) -> str:
    """What is on offer beside what is pending: words, rule, amount."""
    return page(
        f"修订对照：{after.get('title') or '（无名称）'}",
        seat,
        h("p", h("a", "返回事项", href=f"/desk/benefits/{kept.id}")),
        h("p", f"左为现行第 {kept.offered_version} 版，右为修订第 {kept.version} 版。", h("del", "删去"), " ", h("ins", "新增")),
        *(
            text_of([h("h2", heading), _side_by_side(before.get(name) or "", after.get(name) or "")])
            for heading, name in (("名称", "title"), ("条文", "text"))
        ),
        h("h2", "规则"),
        _lines(was.rule, now.rule) if was and now else no_matcher(),
        h("h2", "金额"),
        _lines(was.amount, now.amount) if was and now else no_matcher(),
        h("h2", "其他"),
        _others(before, after),
    )


def _side_by_side(before: str, after: str) -> Html:
    if before == after:
        return h("div", h("p", before, class_="clause"), h("p", "（没有变化）", class_="quiet"), class_="sides")
    found = differences(before, after)
    left = [h("del", one.words) if one.what == "gone" else one.words for one in found if one.what != "new"]
    right = [h("ins", one.words) if one.what == "new" else one.words for one in found if one.what != "gone"]
    return h("div", h("p", *left, class_="clause"), h("p", *right, class_="clause"), class_="sides")


def _lines(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> Html:
    old, new = [(line["depth"], line["words"]) for line in before], [(line["depth"], line["words"]) for line in after]
    return h("div", _column(old, new, "del"), _column(new, old, "ins"), class_="sides")


def _column(lines: Sequence[tuple[int, str]], other: Sequence[tuple[int, str]], sign: str) -> Html:
    items = [h("li", words if (depth, words) in other else h(sign, words), class_=f"d{min(depth, 4)}") for depth, words in lines]
    return h("ol", *items, class_="rule") if items else h("p", "没有。", class_="quiet")


def _others(before: Mapping[str, Any], after: Mapping[str, Any]) -> Html:
    lines = []
    for words, shown in _OTHERS.items():
        one, other = shown(before), shown(after)
        if one != other:
            lines.append(row(words, h("del", one) if one else "", h("ins", other) if other else ""))
    return table(("项目", "现行", "修订"), lines) if lines else h("p", "没有变化。", class_="quiet")


def _plain(name: str) -> Callable[[Mapping[str, Any]], str]:
    return lambda said: str(said.get(name) or "")


_OTHERS: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "政策": _plain("policy"),
    "条款": _plain("article"),
    "责任部门": _plain("department"),
    "联系方式": _plain("contact"),
    "类别": _plain("kind"),
    "兑现方式": lambda said: MODES.get(str(said.get("mode")), ""),
    "给付": lambda said: PAYS.get(str(said.get("pays") or "money"), ""),
    "有效期": lambda said: span_of(said.get("valid") or {}),
    "申报期": lambda said: span_of(said.get("window") or {}),
    "享受次数": lambda said: ONCE.get(str((said.get("stacking") or {}).get("once") or ""), ""),
    "就高不重复的组": lambda said: "、".join(_named(group) for group in (said.get("stacking") or {}).get("groups") or ()),
    "享受后的义务": lambda said: "；".join(str(one.get("quote") or "") for one in said.get("obligations") or ()),
    "资金池": lambda said: str((said.get("budget") or {}).get("pool") or ""),
    "用例": lambda said: "；".join(str(case.get("name")) for case in said.get("cases") or ()),
}
"""What an amendment may change beside words, rule and amount, and how it is shown."""


def _named(group: Any) -> str:
    return str(group.get("name")) if isinstance(group, Mapping) else str(group)
