"""One message in words: which benefit, why, in which words of which clause, how much, by when, and what to do next.

Words are made when a message is read, from the benefit, the match and the decision of that moment. What is not known is said to be
not known; where the decision cannot be had, the message stands without its reasons and says so.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from contracts.rules import Benefit, Decision, FactTest, Finding, Judged, JudgedAmount, Node, NoneOf, Registry, Some, walk
from services.notify.domain.naming import Words, day, yuan

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
class Reason:
    """One test of the rule: how it came out, in a sentence, and the words of the clause behind it."""

    outcome: str  # "true", "false", "unknown"
    sentence: str
    quote: str | None
    article: str | None
    source: str | None  # who stated the fact, and when


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


def reason(finding: Finding, benefit: Benefit, words: Words) -> Reason:
    """One test in a sentence: what was found, what is wanted, who stated it and when. Under a `not`, what is asked is its opposite."""
    negated = finding.path.split("/").count("not") % 2 == 1
    outcome = {"true": "false", "false": "true"}.get(finding.value, finding.value) if negated else finding.value
    node = _node_at(benefit.rule, finding.path)
    wanted = words.wanted(node) if node is not None else finding.wanted
    if negated:
        wanted = f"不是‘{wanted}’"
    quote = finding.quote or (node.quote if node else None)
    article = finding.article or (node.article if node else None)
    return Reason(outcome, _sentence(finding, node, wanted, outcome, words), quote, article, _source(finding, words))


def _sentence(finding: Finding, node: Node | None, wanted: str, outcome: str, words: Words) -> str:
    if finding.path == "valid":
        return f"该事项{'不在有效期内' if outcome == 'false' else '的有效期尚不能确定'}（要求：{finding.wanted}）。"
    if isinstance(node, Judged):
        settled = {"true": "经主管部门认定符合", "false": "经主管部门认定不符合", "unknown": "需由主管部门人工认定"}
        return f"“{wanted}”：{settled[outcome]}。"
    if finding.why == "judged":
        return f"“{wanted}”：现有数据无法计算，需由主管部门人工认定。"
    name = words.name(finding.fact) if finding.fact else None
    if outcome == "unknown":
        office = words.authority(finding.fact) if finding.fact else None
        return f"要求“{wanted}”：暂缺{name or '有关'}数据{f'（由{office}提供）' if office else ''}，尚不能判断，不等于不符合。"
    verdict = "符合" if outcome == "true" else "未达到"
    if name is None or finding.found is None:
        return f"{verdict}“{wanted}”的要求。"
    if isinstance(finding.found, bool):
        return f"经核对{words.whether(name, yes=finding.found)}，{'符合' if outcome == 'true' else '不符合'}要求。"
    return f"{name}{_found(finding, node, words)}，{verdict}“{wanted}”的要求。"


def _found(finding: Finding, node: Node | None, words: Words) -> str:
    """What was found: rows by number, a figure taken from a fact (growth, mean …) by what it is, a value as it was stated."""
    if isinstance(node, Some | NoneOf):
        number = words.value(finding.found) if isinstance(finding.found, Decimal) else "若干"
        return f"中有{number}条符合条件"
    if isinstance(node, FactTest):
        taken = {"growth": "同比增长率", "increase": "同比增加额", "sum": "合计", "mean": "平均", "min": "最低", "max": "最高"}
        entry = words.entry(node.fact)
        return f"{taken.get(node.take or '', '')}为{words.value(finding.found, entry, ratio=node.take == 'growth')}"
    return f"为{words.value(finding.found)}"


def _source(finding: Finding, words: Words) -> str | None:
    if finding.source is None:
        return None
    return f"数据来源：{words.office(finding.source)}" + (f"，{day(finding.known_at.date())}获知" if finding.known_at else "")


def _node_at(rule: Any, path: str) -> Node | None:
    """The node a finding speaks of: its path names keys and positions in turn (`all/2/any/0`)."""
    here = rule
    for step in path.split("/") if path else []:
        if isinstance(here, tuple) and step.isdigit() and int(step) < len(here):
            here = here[int(step)]
        else:
            here = getattr(here, {"not": "not_", "else": "else_"}.get(step, step), None)
        if here is None:
            return None
    return here if isinstance(here, Node) else None


def compose(told: Told, decision: Decision | None, registry: Registry) -> Message:
    """The whole message; without a decision it says that reasons cannot be shown now."""
    benefit, words = told.benefit, Words(registry)
    reasons: Sequence[Reason] = ()
    note = None
    if benefit is None:
        note = "事项内容尚未送达，暂时不能说明原因，请稍后查看。"
    elif decision is None:
        note = "暂时无法取得判定依据，请稍后再看；这不影响本消息的结论。"
    else:
        reasons = [reason(finding, benefit, words) for finding in decision.tests]
        if decision.outcome == "eligible":  # an alternative that was not needed is no reason
            reasons = [one for one in reasons if one.outcome == "true"]
        elif told.status != "withdrawn":
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
        deadline=deadline(told),
        next=next_steps(told),
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
    lines += [f"金额：{message.amount}", f"截止：{message.deadline}", *(f"下一步：{step}" for step in message.next)]
    lines += [f"领取后应当：{owed}" for owed in message.owed]
    return "\n".join(lines)
