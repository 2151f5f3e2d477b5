"""Rows that several conditions describe together: loans taken, contracts made, persons hired.

What several conditions ask of one and the same row (a loan of a kind, drawn in a time) is one test; an amount that counts or adds up the
same rows uses the same filter.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.catalog.domain.condition import Condition
from services.catalog.domain.naming import Node, Told
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import phrase_of
from services.catalog.domain.quantities import NUMERAL, numeral, plain
from services.catalog.domain.times import happened

LENT = r"流动资金贷款|信用贷款|知识产权质押贷款|固定资产贷款|中长期贷款|技改贷款|设备更新贷款|设备购置与更新改造贷款|并购贷款|项目贷款|首贷"
LENDERS = re.compile(r"银行|金融机构|担保|保险公司|保险机构|小额贷款公司|租赁公司|基金|放贷")
# Whom a hire is asked to be, as the rows of insured persons say it.
HIRED: tuple[tuple[str, Node], ...] = (
    (r"登记失业", {"field": "status", "is": "=", "value": "登记失业"}),
    (r"就业困难", {"field": "status", "is": "=", "value": "就业困难人员"}),
    (r"退役军人", {"field": "status", "is": "=", "value": "退役军人"}),
    (r"毕业年度(?:内)?(?:的)?(?:高校)?毕业生|毕业年度", {"field": "status", "is": "=", "value": "毕业年度高校毕业生"}),
    (r"离校(?:[两二2]年内?)?未就业", {"field": "status", "is": "=", "value": "离校未就业"}),
)  # fmt: skip
CONTRACTS = ("技术开发", "技术转让", "技术许可", "技术咨询", "技术服务", "政府采购", "配套采购")


@dataclass(frozen=True)
class Rows:
    """Rows of one record kind that a provision describes: by which conditions (their places in the list), and the test they make.

    `span` is the stretch to quote where that is more than the conditions' own words.
    """

    kind: str
    where: tuple[Node, ...]
    conditions: tuple[int, ...]
    node: Node
    notes: tuple[str, ...] = ()
    span: Span | None = None


def rows(text: str, target: Span, governed: Sequence[Condition]) -> list[Rows]:
    """The rows that the words of a provision's target describe: loans taken, contracts made, persons hired."""
    found = (_loans(text, target, governed), _contracts(text, target, governed), _hires(text, governed))
    return [r for r in found if r is not None]


def _inside(governed: Sequence[Condition], *attributes: str) -> list[int]:
    return [i for i, c in enumerate(governed) if c.attribute in attributes and not c.excepted]


def _loans(text: str, target: Span, governed: Sequence[Condition]) -> Rows | None:
    """…取得流动资金贷款的企业: a loan of the enterprise. What a lender lends is no loan of its own."""
    words = text[target.start : target.end]
    taken = re.search(rf"(?:取得|获得|获|申请|办理|新增|发生|签订)[^,。;]{{0,12}}?(?P<k>{LENT}|(?:银行)?贷款)", words)
    if taken is None or any(LENDERS.search(str(c.value)) for c in governed if c.attribute == "主体类型"):
        return None
    kind = taken["k"] if re.fullmatch(LENT, taken["k"]) else None
    where: list[Node] = [{"field": "kind", "is": "=", "value": kind}] if kind else []
    places = [i for i in _inside(governed, "贷款类型", "贷款发放时间") if governed[i].comparison is None]
    dated = [i for i, c in enumerate(governed) if c.window is not None and 0 <= taken.start() + target.start - c.span.end < 12]
    phrase = phrase_of(text, Span(target.start + taken.start(), target.start + taken.end()))
    day = happened("drawn_on", text[phrase.start : target.start + taken.end()])
    if day:
        where.append(day)
    due = [i for i in _inside(governed, "贷款到期时间") if governed[i].window is not None]
    for i in due:
        value = governed[i].value
        where.append({"field": "due_on", "is": "between" if isinstance(value, list) else governed[i].operator, "value": value})
    chosen = tuple(dict.fromkeys((*places, *dated, *due)))
    if not chosen:
        return None
    return Rows("loan", tuple(where), chosen, {"some": "loan", "where": where})


def _contracts(text: str, target: Span, governed: Sequence[Condition]) -> Rows | None:
    """…技术合同成交额合计达到50万元: the contracts' sum."""
    words = text[target.start : target.end]
    spoken = re.search(r"合同[^,。;]{0,6}(?:成交)?(?:额|金额|总额)|采购(?:额|金额|总额)|采购[^,。;]{0,20}(?=\d)", words)
    if spoken is None:
        return None
    kinds = [k for k in CONTRACTS if k in words]
    if not kinds and re.search(r"配套产品|配套", words):
        kinds = ["配套采购"]
    where: list[Node] = [{"field": "kind", "is": "in", "value": kinds}] if kinds else []
    day = happened("signed_on", words)
    if day:
        where.append(day)
    if re.search(r"无关联|非关联", words):
        where.append({"field": "related", "is": "=", "value": False})
    sums = [
        i
        for i, c in enumerate(governed)
        if c.comparison is not None and c.comparison.figures[0].money and re.search("合同|成交|采购", text[c.span.start : c.span.end])
    ]
    others = [i for i in _inside(governed, "项目类型", "签订合同", "关联关系") if governed[i].span.within(target)]
    if not sums or not where:
        return None
    bound = governed[sums[0]].comparison
    assert bound is not None
    value = bound.figures[0].base
    test: Node = {"is": bound.operator, "value": plain(value) if value == value.to_integral_value() else value}
    return Rows("contract", tuple(where), tuple(sorted({*sums, *others})), {"sum": "contract", "field": "amount", "where": where} | test)


_STAFF = re.compile(
    rf"(?P<n>{NUMERAL})(?:名|人)(?:及)?以上(?:的)?(?:工作人员|员工|职工|人员)?[^,。;]{{0,8}}?(?:缴纳|参加|缴交)(?:社会保险费?|社保)(?P<m>半|{NUMERAL})(?P<u>年|个月)(?:及)?以上"
)


def staffed(text: str, span: Span) -> Told | None:
    """5名以上工作人员缴纳社保半年以上: so many persons insured for so long."""
    said = _STAFF.search(text, max(0, span.start - 20), min(len(text), span.end + 30))
    if said is None or not Span(said.start(), said.end()).meets(span):
        return None
    months = 6 if said["m"] == "半" else int(numeral(said["m"])) * (12 if said["u"] == "年" else 1)
    where = [{"field": "months", "is": ">=", "value": months}]
    return Told({"count": "insured_person", "where": where, "is": ">=", "value": int(numeral(said["n"]))})


def _hires(text: str, governed: Sequence[Condition]) -> Rows | None:
    """招用登记失业人员…并缴纳社会保险费6个月以上: persons hired, who they are, how long insured, how many."""
    chosen = _inside(governed, "招用对象")
    if not chosen:
        return None
    words = "".join(text[governed[i].span.start : governed[i].span.end] for i in chosen)
    whom = [dict(test) for said, test in HIRED if re.search(said, words)]
    where: list[Node] = [whom[0] if len(whom) == 1 else {"any": whom}] if whom else [{"judged": words}]
    lasting = re.search(rf"失业(?:满)?(?:半年|{NUMERAL}(?:年|个月))以上", words)
    if lasting:
        where.append({"judged": lasting.group()})
    for i in _inside(governed, "社保缴纳", "劳动合同期限", "就业年限"):
        bound = governed[i].comparison
        if bound is None and governed[i].attribute == "社保缴纳":
            where.append({"field": "insured_now", "is": "=", "value": True})
            chosen.append(i)
        if bound is None or bound.figures[0].unit not in ("个月", "年"):
            continue
        months = plain(bound.figures[0].value * (12 if bound.figures[0].unit == "年" else 1))
        field = "contract_months" if governed[i].attribute == "劳动合同期限" else "months"
        where.append({"field": field, "is": bound.operator, "value": months})
        chosen.append(i)
    several: Node | None = None
    for i in _inside(governed, "招用人数"):
        bound = governed[i].comparison
        if bound is not None and bound.operator != "between":
            several = {"count": "insured_person", "where": where, "is": bound.operator, "value": plain(bound.figures[0].value)}
            chosen.append(i)
    chosen += [i for i in _inside(governed, "人员身份") if any(re.search(said, str(governed[i].value)) for said, _ in HIRED)]
    return Rows("insured_person", tuple(where), tuple(sorted(set(chosen))), several or {"some": "insured_person", "where": where})


def added_up(described: Sequence[Rows], words: str) -> Node | None:
    """The figure that the words of an amount name, taken over the rows described: 实际支付利息, 合同成交额, 贷款本金."""
    for kind, said, field in (
        ("loan", r"利息", "interest"),
        ("loan", r"贷款(?:额|金额|本金|总额)|本金", "principal"),
        ("contract", r"合同|成交额|采购额|采购金额", "amount"),
    ):
        of = next((r for r in described if r.kind == kind), None)
        if of is not None and re.search(said, words):
            return {"sum": kind, "field": field, "where": list(of.where)}
    return None


def counted(described: Sequence[Rows], unit: str) -> Any | None:
    """How many rows an amount per unit pays for: 每人 counts the persons hired."""
    of = next((r for r in described if r.kind == "insured_person"), None)
    return {"count": "insured_person", "where": list(of.where)} if of is not None and re.search("人|名", unit) else None
