"""One message that asks: what an enterprise is to say of itself, how many benefits hang on it, and up to how much."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from contracts.rules import Registry
from contracts.rules.words import yuan

TITLE = "补充信息，可能享受更多政策"
_FORMS = {
    "bool": "是或否",
    "number": "数值",
    "money": "金额，按元填写",
    "ratio": "比例，3% 写作 0.03",
    "date": "日期，如 2025-06-30",
    "end": "日期，如 2025-06-30",
    "set": "可多选",
    "text": "文字",
    "code": "选一项",
}


@dataclass(frozen=True)
class Question:
    """One fact asked for: its id and period, its name, and the form of its answer."""

    fact: str
    period: str | None
    name: str
    type: str
    form: str


def questions(labels: Sequence[str], registry: Registry) -> list[Question]:
    """The facts asked for (`financing_need`, `revenue@2025`); what the registry no longer has is not asked."""
    found = []
    for label in labels:
        fact, _, period = label.partition("@")
        entry = registry.facts.get(fact)
        if entry is not None:
            found.append(Question(fact, period or None, entry.name, entry.type, _FORMS[entry.type]))
    return found


def amount(up_to: Decimal | None) -> str:
    """How much hangs on the answers."""
    return f"合计最高{yuan(up_to)}，以审核为准" if up_to else "以审核为准"


def short(asked: Sequence[Question], benefits: int, up_to: Decimal | None, *, withdrawn: bool) -> str:
    """One line for a list."""
    if withdrawn:
        return "所需信息已补齐或不再需要，无需填写。"
    return f"请补充：{_named(asked)}。据此可判定{benefits}项政策，{amount(up_to)}。"


def what(asked: Sequence[Question], benefits: int, *, withdrawn: bool) -> str:
    """Why it is asked."""
    if withdrawn:
        return "此前请贵企业补充的信息已补齐或不再需要。"
    return f"有{benefits}项政策，部门数据已核对，只差贵企业自己才知道的信息：{_named(asked)}。未填写不等于不符合。"


def next_steps(asked: Sequence[Question], *, withdrawn: bool) -> tuple[str, ...]:
    """What to do."""
    if withdrawn:
        return ("无需办理。",)
    return (
        *(f"填写“{one.name}”{f'（{one.period}）' if one.period else ''}：{one.form}。" for one in asked),
        "填写后立即判定，符合的政策另行通知。",
    )


def _named(asked: Sequence[Question]) -> str:
    return "、".join(f"{one.period}年{one.name}" if one.period and one.period.isdigit() else one.name for one in asked)
