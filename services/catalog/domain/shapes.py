"""Forms of an amount that words beyond a figure say: full steps, years in a row, a match to what others paid, what was paid before."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from services.catalog.domain.amounts import Amount, Share
from services.catalog.domain.naming import Node, Setting
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import NUMERAL, Figure, numeral, plain
from services.catalog.domain.times import period
from services.catalog.domain.vocabulary import fact_said

_STEP = re.compile(
    rf"(?P<of>[^,。;]{{0,20}}?)每(?P<more>新增|增加|增长|超过|超)?(?:达到?|满)?(?P<n>{NUMERAL})(?P<u>[百千万亿]*元)[^,。;每]{{0,10}}$"
)
_IN_YEARS = re.compile(r"连续(?:[两二三四五\d])年|首年|第一年|分(?:[两二三四五\d])年|(?:[两二三四五\d])年内[^。;]{0,40}分别")
_AID = "配套|补贴|补助|奖励|资助"
_MATCH = re.compile(rf"1[:∶](?P<r>\d+(?:\.\d+)?)(?:的?比例)?[^,。;]{{0,8}}?(?:{_AID})|(?P<same>等额)(?:的)?(?:{_AID})?")
_LEVELS = (("国家", r"国家|中央"), ("省", r"省级?"), ("市", r"市级|市"), ("区", r"区级|区"))
_NET = re.compile(r"扣除(?P<a>[^,。;()]{2,30})|(?:予以|给予)?(?P<b>补足|补齐)(?:差额|到)?")


def per_step(text: str, share: Share, setting: Setting) -> Node | None:
    """每新增1000万元奖励2万元: a sum for every full step of the figure, or of its growth."""
    if not share.figure.money:
        return None
    left = max(text.rfind(c, 0, share.figure.span.start) for c in ",。;") + 1
    step = _STEP.search(text[left : share.figure.span.start])
    fact = fact_said(step["of"], setting.registry) if step else None
    if step is None or fact is None:
        return None
    base: Node = {"fact": fact, "period": period(step["of"])} | ({"take": "increase"} if step["more"] in ("新增", "增加", "增长") else {})
    size = Figure(numeral(step["n"]), step["u"], Span(0, 0)).base
    return {"per": _exact(share.figure.base), "count": base, "step": plain(size)}


def instalments(text: str, span: Span, paid: Sequence[Node]) -> Node | None:
    """连续三年分别给予…, 首年…、第二年…: one payment a year."""
    return {"instalments": list(paid)} if len(paid) > 1 and _IN_YEARS.search(text[span.start : span.end]) else None


def within_both(text: str, amount: Amount, paid: Sequence[Node]) -> Node | None:
    """按利息的50%, 最高不超过贷款额的2%: a share of one figure that may not pass a share of another."""
    if len(amount.shares) != 2 or not all(s.figure.share for s in amount.shares) or not amount.shares[1].ceiling:
        return None
    between = text[amount.shares[0].figure.span.end : amount.shares[1].figure.span.start]
    return {"min": [_settled(p) for p in paid]} if re.match(r"[^。;]{0,16},?(?:且|但)?(?:最高)?(?:不超过|不高于)", between) else None


def _settled(node: Node) -> Any:
    return node["between"][1] if "judged" in node and "between" in node else node


def matched(text: str, span: Span) -> Node | None:
    """按1:0.5配套, 等额奖励: so much of what the enterprise received from another level."""
    match = _MATCH.search(text, span.start, span.end)
    if match is None:
        return None
    before = text[max(span.start, match.start() - 40) : match.start()]
    level = next((name for name, said in _LEVELS if re.search(said, before)), None)
    where: list[Node] = [{"field": "level", "is": "=", "value": level}] if level else [{"judged": before.strip(",;。") or "上级资金"}]
    rate = Decimal(match["r"]) if match["r"] else Decimal(1)
    return {"rate": plain(rate) if rate == rate.to_integral_value() else rate, "of": _received(where)}


def net(text: str, span: Span, whole: Node) -> Node:
    """扣除已奖励金额, 补齐: less what was paid before; which payments those are a person says."""
    said = _NET.search(text, span.start, min(len(text), span.end + 40))
    if said is None or (said["a"] and not re.search("已|奖励|补助|补贴|资助|享受|拨付", said["a"])):
        return whole
    return {"less": whole, "paid": _received([{"judged": said["a"] or "此前已按同一标准奖励的金额"}])}


def _received(where: Sequence[Node]) -> Node:
    return {"sum": "benefit_received", "field": "amount", "where": list(where)}


def _exact(value: Decimal) -> Any:
    return plain(value) if value == value.to_integral_value() else value.normalize()
