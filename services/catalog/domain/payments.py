"""The amount of a provision as rules.md §3 writes it, in yuan and exact; where the words leave it open, a range for a person to decide."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from services.catalog.domain.amounts import RATIO, Amount, base_words, giving_words
from services.catalog.domain.bases import base_of, fact_named
from services.catalog.domain.naming import Node, Setting, open_fact
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import NUMERAL, Figure, exact, numeral, plain
from services.catalog.domain.rows import Rows
from services.catalog.domain.rows import counted as counted_rows
from services.catalog.domain.shapes import matched, multiplied, net, paid_out, per_event, per_step
from services.catalog.domain.stepped import stepped
from services.catalog.domain.steps import Share, raises
from services.catalog.domain.strands import Provision


@dataclass(frozen=True)
class Payment:
    """The amount as a node, without its evidence; what kind of payment it is; what the officer should know of the reading."""

    amount: Node | None
    pays: str | None = None
    notes: tuple[str, ...] = ()


def payment(passage: Passage, provision: Provision, amount: Amount, described: Sequence[Rows], *, setting: Setting) -> Payment:
    """What is paid. `pays` is absent for money; relief and credit lines are never added to money.

    `described` are the rows (loans, contracts, hires) that the provision speaks of: an amount adds up or counts the same ones.
    """
    text = passage.text
    said = text[amount.words.start : amount.words.end]
    pays = _pays(text[provision.span.start : provision.span.end], said, amount)
    ratios = [m.span("r") for m in RATIO.finditer(text, provision.span.start, provision.span.end)]
    others = [s for s in amount.shares if (s.figure.span.start, s.figure.span.end) not in ratios]
    match = matched(text, provision.span) if all(share.ceiling for share in others) else None
    if match is not None:
        top = next((share for share in (*amount.shares, *amount.caps) if share.figure.money), None)
        one = top is not None and "sum" not in match  # several matches have their ceilings already
        return Payment({"cap": exact(top.figure.base), "of": match} if top and one else match, pays)
    if amount.kind == "none":
        return Payment(None, pays if pays == "relief" else None, ("没有读出金额，以审核为准",))
    if re.search(r"减按", said):
        return Payment(None, "relief", ("减按征收：应缴税额按较低税率计算，减免额未换算",))
    if amount.relief is not None:
        base = text[amount.base.start : amount.base.end] if amount.base else said
        node: Node = {"rate": plain(amount.relief / 100), "of": {"fact": open_fact(base, "金额基数")}}
        return Payment(node, "relief")
    if amount.counted and amount.counted_of:
        unit = text[amount.counted_of.start : amount.counted_of.end]
        most: Node = {"per": plain(amount.counted.value), "count": {"fact": open_fact(unit, "数量")}}
        return Payment(_up_to(said, most, amount.kind == "range"), pays)
    if amount.kind in ("rate", "rate_capped") and raises(text, provision.span, amount.shares[0]):
        return Payment(None, pays, ("只读出上浮的比例，所上浮的标准在他处",))
    each = [_one(passage, provision, amount, share, described, setting) for share in amount.shares]
    paid = [node for node in each if node is not None]
    if len(paid) < len(each):
        return Payment(None, pays, ("金额只有下限或无法换算成元，以审核为准",))
    whole = stepped(passage, amount, paid, setting=setting) if amount.kind == "tiered" else paid[0]
    whole = multiplied(text, provision.span, _raised(passage, amount, whole))
    own = [share.cap for share in amount.shares if share.cap]
    caps = [cap for cap in amount.caps if cap not in own]
    staged = amount.kind == "tiered" and re.search("分阶段|分期|合计", text[provision.span.start : amount.shares[0].figure.span.start])
    notes: list[str] = []
    if caps and not staged:
        whole = _capped(whole, caps[0], described, setting, text)
        if len(caps) > 1:
            notes.append("条文还有其他封顶：" + "；".join(f"{plain(c.figure.value)}{c.unit}" for c in caps[1:]))
    whole, later = paid_out(text, provision.span, amount, whole)
    return Payment(net(text, provision.span, whole), pays, (*notes, *later))


def _pays(text: str, said: str, amount: Amount) -> str | None:
    if re.search(r"免征|免收|免缴|减免|减征|减半|抵减|扣除|退税|缓缴|延期缴|滞纳金|免除|全免", text) and not any(
        s.figure.money for s in amount.shares
    ):
        return None if amount.shares and re.search("补助|奖励|补贴|资助|奖补|贴息", said) else "relief"
    if re.search(r"(?:贷款|授信|担保)[^,。;]{0,10}(?:额度|最高|上限)|额度最高", said) and not re.search(r"贴息|补贴|补助|奖励|补偿", said):
        return "credit"
    return None


def _up_to(words: str, most: Any, ceiling: bool) -> Node:
    return {"judged": words, "between": [0, most]} if ceiling else most


def _capped(whole: Node, cap: Share, described: Sequence[Rows], setting: Setting, text: str) -> Node:
    """A ceiling in yuan, or one that is itself a share of a figure (不超过出口额的0.06%)."""
    if cap.figure.money:
        return {"cap": exact(cap.figure.base), "of": whole}
    of = re.search(r"不(?:超过|高于)(?P<b>[^,。;]{2,24}?)的?$", text[max(0, cap.figure.span.start - 30) : cap.figure.span.start])
    most = {"rate": exact(cap.figure.base), "of": base_of(of["b"] if of else "", described, setting)}
    return {"min": [_settled(whole), most]}


def _settled(node: Node) -> Any:
    return node["between"][1] if "judged" in node and "between" in node else node


def _raised(passage: Passage, amount: Amount, whole: Node) -> Node:
    """按标准上浮20%: so much more where the words before it are met; 最高可上浮30% leaves it to a person."""
    for share in amount.raised:
        more: Node = {"times": [exact(1 + share.figure.base), whole]}
        said = passage.text[share.tier.start : share.tier.end] if share.tier else ""
        if share.ceiling or len(said) < 4:
            clause = giving_words(passage.text, Span(0, len(passage.text)), share)
            more = {"judged": passage.text[clause.start : clause.end], "between": [_settled(whole), _settled(more)]}
        if share.tier is not None and len(said) >= 4:
            whole = {"case": [[{"judged": said, "quote": passage.quote(share.tier)}, more]], "else": whole}
        else:
            whole = more
    return whole


def _one(passage: Passage, provision: Provision, amount: Amount, share: Share, described: Sequence[Rows], setting: Setting) -> Node | None:
    text = passage.text
    clause = giving_words(text, provision.span, share)
    words = text[clause.start : clause.end]
    if share.floor and not share.ceiling:
        return None
    if (steps := per_step(text, share, setting, text[provision.span.start : amount.shares[0].figure.span.start])) is not None:
        return _up_to(words, steps, share.ceiling)
    if share.figure.share:
        above = _ABOVE.search(text[max(0, share.figure.span.start - 60) : share.figure.span.start])
        if above:
            return _marginal(share, above, setting)
        at = base_words(text, provision.span, share) or amount.base
        near = text[provision.span.start : share.figure.span.start]
        base = base_of(text[at.start : at.end] if at else "", described, setting, near=near, points=share.unit == "个百分点")
        rate: Node = {"rate": exact(share.figure.base), "of": base}
        if share.low is not None:
            low = exact(share.low * share.figure.base / share.figure.value)
            return {"judged": words, "between": [{"rate": low, "of": base}, rate]}
        return _up_to(words, rate, share.ceiling)
    if (counted := per_event(text, share)) is not None:
        return _up_to(words, counted, share.ceiling)
    if "/" in share.unit + share.each:
        unit = (share.unit + share.each).partition("/")[2].replace("/", "")
        many = counted_rows(described, unit) or {"fact": open_fact("补助数量" + unit, "补助数量")}
        return _up_to(words, {"per": exact(share.figure.base), "count": many}, share.ceiling)
    if share.low is not None:
        scale = share.figure.base / share.figure.value if share.figure.value else Decimal(1)
        return {"judged": words, "between": [plain(share.low * scale), exact(share.figure.base)]}
    if share.ceiling:
        return {"judged": words, "between": [0, exact(share.figure.base)]}
    return {"fixed": exact(share.figure.base)}


# 对营业收入超过2000万元的部分, 按1%: the share is of what lies above the line.
_ABOVE = re.compile(rf"(?P<of>[^,。;]{{2,24}}?)(?:超过|超出|高于)(?P<n>{NUMERAL})(?P<u>[万亿]*元)(?:以上)?的?部分,?按?[^,。;]{{0,8}}$")


def _marginal(share: Share, above: re.Match[str], setting: Setting) -> Node:
    line = Figure(numeral(above["n"]), above["u"], Span(0, 0)).base
    return {"tiers": [[0, 0], [plain(line), exact(share.figure.base)]], "on": fact_named(above["of"], setting), "marginal": True}
