"""The desk of a department: what awaits whom and is late, what documents changed, and what is on offer."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.catalog.api.html import Child, Html, h, text_of
from services.catalog.api.pages.frame import field, form, moment, page, row, stands, table
from services.catalog.api.sessions import Seat
from services.catalog.domain.review import ROLES, WORDS, Standing
from services.catalog.domain.working_rules import Task
from services.catalog.handlers import Awaiting, Kept


@dataclass(frozen=True)
class Row:
    """A line of the desk."""

    kept: Kept
    title: str
    department: str
    text: str
    task: Task | None


def desk(
    seat: Seat,
    rows: Sequence[Row],
    awaiting: Sequence[tuple[Awaiting, Kept, str]],
    found: Sequence[tuple[Kept, str]],
    *,
    department: str,
    words: str,
    source: str,
) -> str:
    """A department's desk: what awaits me, what awaits others, what its document changed, and what is on offer."""
    roles = seat.officer.roles if seat.officer else frozenset()
    mine = [row for row in rows if row.task and row.task.role in roles]
    others = [row for row in rows if row not in mine]
    late = sum(1 for row in rows if row.task and row.task.late)
    return page(
        f"{department or '全部部门'}的工作台",
        seat,
        h(
            "form",
            h("div", field("部门（全称或通用简称；留空为全部）", "department", department)),
            h("div", field("查找事项（名称、原文中的字词）", "q", words, type="search")),
            h("div", h("button", "查看")),
            method="get",
            action="/desk",
            role="search",
            class_="steps",
        ),
        h("p", f"待处理 {len(rows)} 项，其中逾期 ", h("span", str(late), class_="bad" if late else None), f" 项。期限依据：{source}。"),
        h("h2", f"等我处理（{len(mine)}）"),
        _tasks(mine),
        h("h2", f"等他人处理（{len(others)}）"),
        _tasks(others),
        h("h2", f"文件有变，等人核对（{len(awaiting)}）"),
        _awaiting(seat, awaiting),
        h("h2", f"查找“{words}”（{len(found)}）" if words else f"对外有效（{len(found)}）"),
        _offered(found),
        h("p", "惠企政策清单：", h("a", "CSV", href="/desk/list.csv"), "　", h("a", "XLSX", href="/desk/list.xlsx")),
    )


def _tasks(rows: Sequence[Row]) -> Html:
    if not rows:
        return h("p", "没有。", class_="quiet")
    lines = [
        row(
            [_link(one.kept, one.title), _pending(one.kept.standing), h("div", one.text, class_="quiet")],
            one.department or h("span", "文件未写明", class_="quiet"),
            f"等待{ROLES[one.task.role]}：{one.task.what}" if one.task else None,
            _due(one.task),
            moment(one.kept.changed_at),
        )
        for one in rows
    ]
    return table(("事项", "责任部门", "等待谁做什么", "应发布日", "最近变动"), lines)


def _link(kept: Kept, title: str) -> Html:
    return h("a", title or "（无名称）", href=f"/desk/benefits/{kept.id}")


def _pending(standing: Standing) -> Html:
    words = WORDS[standing.pending] if standing.pending else WORDS[standing.status]
    return text_of([" ", h("span", f"修订稿·{words}" if standing.offer else words, class_="tag")])


def _due(task: Task | None) -> Child:
    if task is None or task.due is None:
        return h("span", "未规定", class_="quiet")
    return [h("time", task.due.isoformat()), h("div", f"已逾期 {task.late} 个工作日", class_="bad") if task.late else None]


def _awaiting(seat: Seat, awaiting: Sequence[tuple[Awaiting, Kept, str]]) -> Html:
    if not awaiting:
        return h("p", "没有。", class_="quiet")
    lines = [
        row(_link(kept, title), entry.words, ROLES.get(entry.role, entry.role), moment(entry.since), _settle(seat, entry.id, at))
        for at, (entry, kept, title) in enumerate(awaiting)
    ]
    return table(("事项", "变化", "等待谁", "自", "处理"), lines)


def _settle(seat: Seat, awaiting: str, at: int) -> Html:
    why = field("维持不变的理由", "why", area=True, key=f"why-{at}", required=True, maxlength=2000)
    return form(seat, f"/desk/awaiting/{awaiting}", why, h("button", "维持不变", class_="second"))


def _offered(found: Sequence[tuple[Kept, str]]) -> Html:
    if not found:
        return h("p", "没有。", class_="quiet")
    lines = [row(_link(kept, title), stands(kept.standing), moment(kept.changed_at)) for kept, title in found]
    return table(("事项", "状态", "最近变动"), lines)
