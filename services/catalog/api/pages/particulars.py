"""What a benefit says beside its rule and amount, as a form."""

from services.catalog.api.html import h
from services.catalog.api.pages.correction import back
from services.catalog.api.pages.frame import Filled, form, page
from services.catalog.api.sessions import Seat
from services.catalog.domain.correcting.particulars import DAYS, KINDS, MODES, ONCE, OPEN_END, PAYS
from services.catalog.handlers import Kept
from services.chassis.problems import Problem


def particulars(seat: Seat, kept: Kept, title: str, filled: Filled, hidden_days: frozenset[str], *, wrong: Problem | None = None) -> str:
    """Title, department, kind, mode and days, each a field."""
    days = [
        filled.text(
            words,
            name,
            hint="以文件所述事件为准，留空则不改" if name in hidden_days else f"如 2026-01-01、2026年1月1日；没有则留空，或写“{OPEN_END}”",
        )
        for name, words in DAYS.items()
    ]
    return page(
        f"改正基本信息：{title or '（无名称）'}",
        seat,
        back(kept),
        form(
            seat,
            f"/desk/benefits/{kept.id}/particulars",
            filled.version(kept.version),
            filled.text("名称", "title", required=True, maxlength=200),
            filled.text("政策", "policy", maxlength=300),
            filled.text("责任部门", "department", hint="几个部门用顿号隔开；写全称，如 市工业和信息化局", maxlength=300),
            filled.text("联系方式", "contact", maxlength=200),
            filled.choice("类别", "kind", KINDS),
            filled.choice("兑现方式", "mode", MODES),
            filled.choice("给付", "pays", PAYS),
            filled.choice("享受次数", "once", ONCE),
            h("div", *(h("div", day) for day in days), class_="steps"),
            filled.why(),
            h("p", h("button", "保存基本信息")),
        ),
        wrong=wrong,
    )
