"""One message in words: which benefit, why, in which words of which clause, how much, by when, and what to do next.

Words are made when a message is read, from the benefit, the match and the decision of that moment. The sentences of the decision are
policy_match's, which knows what a rule means; here they are placed. Where they cannot be had, the message stands without and says so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from contracts.rules import Benefit, Decision, JudgedAmount, Reason, walk
from contracts.rules.words import day, yuan

UPON_REVIEW = "以审核为准"
NO_DEADLINE = "文件未写明截止日期"
_PAYS = {"relief": "减免", "credit": "额度"}


@dataclass(frozen=True)
class Told:
    """What is known of a match: the benefit (None while its event has not arrived), the amount in yuan, the deadline, the document."""

    benefit: Benefit | None
    low: Decimal | None
    high: Decimal | None
    deadline: date | None
    document: str | None = None  # its title
    doc_number: str | None = None
    repealed_on: date | None = None
    standing: str | None = None  # published, suspended, withdrawn, expired
    status: str = "new"
    withdrawn_because: str | None = None


@dataclass(frozen=True)
class Message:
    """A message as an enterprise reads it."""

    title: str
    short: str
    what: str
    why: tuple[Reason, ...]
    why_note: str | None  # set where reasons cannot be given, or no longer hold
    document: str | None
    article: str | None
    clause: str | None
    amount: str
    reckoned: str | None  # how the amount comes about
    deadline: str
    next: tuple[str, ...]
    owed: tuple[str, ...]  # obligations after payment, in the clause's words
    department: str | None
    contact: str | None


def amount(told: Told) -> str:
    """How much: a sum, a range, or 以审核为准 with the clause's own words where it has some."""
    written = told.benefit.amount if told.benefit else None
    judged = next((node.judged for node in walk(written) if isinstance(node, JudgedAmount)), None)
    prefix = _PAYS.get((told.benefit.pays if told.benefit else None) or "", "")
    if judged is not None:
        return f"{prefix}{judged}（{UPON_REVIEW}）"
    if told.low is None:
        return UPON_REVIEW
    if told.high is None:
        return f"{prefix}不低于{yuan(told.low)}，{UPON_REVIEW}" if told.low else UPON_REVIEW
    if told.low == told.high:
        return f"{prefix}{yuan(told.low)}"
    if not told.low:
        return f"{prefix}最高{yuan(told.high)}，{UPON_REVIEW}"
    return f"{prefix}{yuan(told.low)}至{yuan(told.high)}，{UPON_REVIEW}"


def deadline(told: Told) -> str:
    """By when."""
    return f"{day(told.deadline)}（含当日）" if told.deadline else NO_DEADLINE


def title(told: Told) -> str:
    """The benefit's name."""
    if told.benefit is None:
        return "惠企事项"
    return told.benefit.title or told.benefit.id


def short(told: Told) -> str:
    """One line for a list."""
    if told.status == "withdrawn":
        return f"“{title(told)}”：{_withdrawn(told)}"
    return f"贵企业符合“{title(told)}”的条件，金额：{amount(told)}，截止：{deadline(told)}"


def _withdrawn(told: Told) -> str:
    reasons: Mapping[str | None, str] = {
        "facts": "因部门提供的信息变化，目前不再符合条件",
        "benefit": "该事项已调整、暂停或撤回",
        "time": "因时间变化（如政策到期），目前不再符合条件",
    }
    return reasons.get(told.withdrawn_because, "目前不再符合条件")


def next_steps(told: Told) -> tuple[str, ...]:
    """What to do, by the way the benefit is paid."""
    if told.status == "withdrawn":
        return ("无需办理。如认为有误，请联系主管部门核实信息。",)
    benefit = told.benefit
    office = (benefit.department if benefit else None) or "主管部门"
    contact = f"（{benefit.contact}）" if benefit and benefit.contact else ""
    by = f"请于{day(told.deadline)}前（含当日）" if told.deadline else "文件未写明截止日期，请尽早"
    if told.standing == "suspended":
        return (f"该事项目前暂停办理，恢复后将再通知；详情请咨询{office}{contact}。",)
    match benefit.mode if benefit else None:
        case "direct":
            return (f"无需申请，也无需确认：由{office}核实后直接兑付，请留意到账。",)
        case "confirm":
            return (f"{by}在本消息中点“确认”。", f"确认后由{office}审核、公示并拨付，无需另行申请。")
        case "apply":
            return (f"{by}向{office}{contact}提出申请；在本消息中点“确认”可表示有意申请。",)
        case "inform":
            return (f"本消息仅供知悉；如需了解详情，请咨询{office}{contact}。",)
    return (f"文件未写明办理方式，请向{office}{contact}咨询。",)


def compose(told: Told, decision: Decision | None) -> Message:
    """The whole message; without a decision in words it says that reasons cannot be shown now."""
    benefit = told.benefit
    said = decision.in_words if decision is not None else None
    reasons: Sequence[Reason] = ()
    heed: Sequence[str] = ()
    note = reckoned = None
    if benefit is None:
        note = "事项内容尚未送达，暂时不能说明原因，请稍后查看。"
    elif decision is None or said is None:
        note = "暂时无法取得判定依据，请稍后再看；这不影响本消息的结论。"
    elif decision.outcome == "eligible":  # an alternative that was not needed is no reason
        reasons = [one for one in said.reasons if one.outcome == "true"]
        reckoned = said.amount if benefit.amount is not None else None
        heed = said.next  # when it can be claimed
    else:
        reasons = said.reasons
        if told.status != "withdrawn":
            note = "以下是最新的判定：与发出本消息时相比，情况已有变化，结论正在更新。"
    head = f"《{told.document}》" if told.document else (benefit.policy if benefit else None)
    document = f"{head}（{told.doc_number}）" if head and told.doc_number and told.doc_number not in head else head
    if document and told.repealed_on:
        document += f"（已于{day(told.repealed_on)}废止）"
    if told.status == "withdrawn":
        what = f"此前告知的“{title(told)}”：{_withdrawn(told)}。"
    else:
        what = f"经比对部门数据，贵企业符合{document or '有关政策'}中“{title(told)}”的条件。"
    return Message(
        title=title(told),
        short=short(told),
        what=what,
        why=tuple(reasons),
        why_note=note,
        document=document,
        article=benefit.article if benefit else None,
        clause=benefit.text if benefit else None,
        amount=amount(told),
        reckoned=reckoned,
        deadline=deadline(told),
        next=(*next_steps(told), *(heed if told.status != "withdrawn" else ())),
        owed=tuple(item.quote for item in (benefit.obligations or ()) if item.quote) if benefit else (),
        department=benefit.department if benefit else None,
        contact=benefit.contact if benefit else None,
    )


def place(article: str | None) -> str:
    """Where in the document: 第五条 and （三） as they are printed, a bare number as 第…项."""
    bare = re.fullmatch(r"\s*(\d+)\s*[.．、]?\s*", article or "")
    return f"第{bare[1]}项" if bare else article or ""


def text(message: Message) -> str:
    """The message as plain lines, for a channel that shows text only."""
    lines = [message.title, message.what]
    if message.why_note:
        lines.append(message.why_note)
    for number, item in enumerate(message.why, 1):
        lines.append(f"{number}. {item.sentence}" + (f"（{item.source}）" if item.source else ""))
        if item.quote:
            lines.append(f"   依据{place(item.article) or '原文'}：“{item.quote}”")
    if message.clause:
        lines.append(f"{message.document or '文件'}{place(message.article)}原文：“{message.clause}”")
    lines += [f"金额：{message.amount}", *([f"   计算：{message.reckoned}"] if message.reckoned else [])]
    lines += [f"截止：{message.deadline}", *(f"下一步：{step}" for step in message.next)]
    lines += [f"领取后应当：{owed}" for owed in message.owed]
    return "\n".join(lines)
