"""What a model proposed for a draft, on the page of the benefit: apart from the rule, and said to be a proposal."""

from collections.abc import Mapping, Sequence
from typing import Any

from contracts.registry import load_registry
from contracts.rules import OPEN
from services.catalog.api.html import Child, Html, h
from services.catalog.api.pages.frame import field, form, moment
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.conditions import OPERATORS, TAKES
from services.catalog.domain.correcting.values import PERIODS, written
from services.catalog.handlers import Kept
from services.catalog.handlers.proposals import Proposed

DECISIONS = {"accepted": "已采纳", "rejected": "未采纳"}


def proposals(seat: Seat, kept: Kept, proposed: Sequence[Proposed]) -> list[Child]:
    """The section; nothing where nothing was ever proposed."""
    if not proposed:
        return []
    may = kept.standing.pending == "draft" and seat.officer is not None and "editor" in seat.officer.roles
    return [
        h("h2", "模型的建议"),
        h("p", "以下由模型提出，只供参考：未经采纳，不是规则的一部分，不参与任何判断。请对照原文核对。", class_="quiet"),
        *(_proposal(seat, kept, one, may=may) for one in proposed),
    ]


def _proposal(seat: Seat, kept: Kept, one: Proposed, *, may: bool) -> Html:
    decided = (
        f"{DECISIONS[one.decision]}（{one.decided_by}，{moment(one.decided_at)}）：{one.decided_why}"
        if one.decision and one.decided_at
        else None
    )
    to = f"/desk/benefits/{kept.id}/proposals/{one.id}"
    return h(
        "div",
        h("p", h("span", "建议", class_="tag"), f"{'金额' if one.kind == 'amount' else '条件'}：{in_words(one.node)}"),
        h("p", "原文：", h("mark", one.quote)),
        h("p", f"提出者 {one.author}，{moment(one.made_at)}，依据第 {one.version} 版", class_="quiet"),
        h("p", decided) if decided else None,
        form(
            seat,
            to,
            h("input", type="hidden", name="version", value=kept.version),
            field("理由", "why", key=f"why-{one.id}", area=True, required=True, maxlength=2000),
            h("button", "采纳到草稿", name="how", value="accept"),
            h("button", "不采纳", name="how", value="reject", class_="second"),
        )
        if may and not decided
        else None,
        class_="box",
    )


def in_words(node: Mapping[str, Any]) -> str:
    """A proposed test or amount in a few Chinese words."""
    if "fact" in node and "is" in node:
        registry = load_registry()
        entry = registry.facts.get(node["fact"])
        name = entry.name if entry else str(node["fact"]).removeprefix(OPEN) + "（未登记）"
        how = f"{PERIODS.get(node.get('period', ''), node.get('period', ''))}{name}" if node.get("period") else name
        if node.get("take"):
            how += TAKES.get(node["take"], node["take"])
        value = node["value"]
        shown = "是" if value is True else "否" if value is False else written(value, entry, registry) or str(value)
        return f"{how} {OPERATORS[node['is']]} {shown}"
    if "fixed" in node:
        return f"定额 {node['fixed']} 元"
    if "judged" in node:
        return f"最高 {node['between'][1]} 元，由人核定"
    if "cap" in node:
        return f"{in_words(node['of'])}，最高 {node['cap']} 元"
    entry = load_registry().facts.get(node["of"]["fact"])
    return f"{entry.name if entry else node['of']['fact']} × {node['rate']}"
