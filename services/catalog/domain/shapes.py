"""Forms of an amount that words beyond a figure say: full steps, years in a row, a match to what others paid, what was paid before."""

import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from services.catalog.domain.amounts import Amount
from services.catalog.domain.naming import Node, Setting
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import NUMERAL, Figure, comparisons, exact, numeral, plain
from services.catalog.domain.steps import Share
from services.catalog.domain.times import period
from services.catalog.domain.vocabulary import fact_said

_STEP = re.compile(
    rf"(?P<of>[^,。;]{{0,20}}?)每(?P<more>新增|增加|增长|超过|超)?(?:达到?|满)?(?P<n>{NUMERAL})(?P<u>[百千万亿]*元)[^,。;每]{{0,10}},?[^,。;每]{{0,6}}$"
)
_AID = "配套|补贴|补助|奖励|资助"
_MATCH = re.compile(rf"1[:∶](?P<r>\d+(?:\.\d+)?)(?:的?比例)?[^,。;]{{0,8}}?(?:{_AID})|(?P<same>等额)(?:的)?(?:{_AID})?")
_LEVELS = (("国家", r"国家|中央"), ("省", r"省级?"), ("市", r"市级|市"), ("区", r"区级|区"))
_NET = re.compile(r"扣除(?P<a>[^,。;()]{2,30})|(?:予以|给予)?(?P<b>补足|补齐)(?:差额|到)?")


def per_step(text: str, share: Share, setting: Setting, near: str = "") -> Node | None:
    """每新增1000万元奖励2万元: a sum for every full step of the figure, or of its growth.

    A step without a figure of its own (首次达到1000万元的, …; 每增加500万元, 再奖励20万元) counts from the last line of the `near` words.
    """
    if not share.figure.money:
        return None
    left = max(text.rfind(c, 0, share.figure.span.start) for c in "。;") + 1
    step = _STEP.search(text[left : share.figure.span.start])
    if step is None:
        return None
    size = plain(Figure(numeral(step["n"]), step["u"], Span(0, 0)).base)
    fact = fact_said(step["of"], setting.registry)
    if fact is not None:
        base: Node = {"fact": fact, "period": period(step["of"])} | (
            {"take": "increase"} if step["more"] in ("新增", "增加", "增长") else {}
        )
        return {"per": exact(share.figure.base), "count": base, "step": size}
    earlier = fact_said(near, setting.registry)
    lines = [c for c in comparisons(near) if c.figures[0].money]
    if earlier is None or not lines or step["more"] not in ("增加", "超过", "超", "新增"):
        return None
    above: Node = {"plus": [{"fact": earlier, "period": period(near)}, -plain(lines[-1].figures[-1].base)]}
    return {"per": exact(share.figure.base), "count": above, "step": size}


def instalments(text: str, amount: Amount, paid: Sequence[Node]) -> Node | None:
    """连续三年分别给予…, 首年…、第二年…: one payment a year, as many as are named."""
    span = Span(max(0, amount.shares[0].figure.span.start - 40), amount.shares[-1].figure.span.end)
    words = text[span.start : span.end]
    named = len(re.findall(r"首年|次年|第[一二三四五]年", words))
    years = re.search(r"(?:连续|分)(?P<n>[两二三四五\d])年[^。;]{0,40}分别|(?P<m>[两二三四五\d])年内[^。;]{0,40}分别", words)
    told = named == len(paid) or (years is not None and numeral(years["n"] or years["m"]) == len(paid))
    if any(share.adds for share in amount.shares) or len(paid) < 2:
        return None
    if not told and (spans := _years_long(text, amount)):  # 前2年80%, 后3年50%
        return {"instalments": [node for node, years in zip(paid, spans, strict=True) for _ in range(years)]}
    return {"instalments": list(paid)} if told else None


def _years_long(text: str, amount: Amount) -> list[int]:
    """For how many years each figure is paid: 前2年…, 后3年…; none where one of them does not say."""
    found = []
    for before, share in zip((None, *amount.shares), amount.shares, strict=False):
        start = before.figure.span.end if before else max(0, share.figure.span.start - 40)
        said = re.findall(r"[前后](\d|[一两二三四五])年", text[start : share.figure.span.start])
        if not said:
            return []
        found.append(int(numeral(said[-1])))
    return found


def within_both(text: str, amount: Amount, paid: Sequence[Node]) -> Node | None:
    """按利息的50%, 最高不超过贷款额的2%, 不超过100万元且不超过总投资30%: one figure that may not pass another."""
    if len(amount.shares) != 2 or not amount.shares[1].ceiling or not amount.shares[1].figure.share:
        return None
    between = text[amount.shares[0].figure.span.end : amount.shares[1].figure.span.start]
    both = re.match(r"[^。;]{0,16}?[,、](?:且|但)(?:最高)?(?:不超过|不高于)|[^。;]{0,16},(?:最高)?(?:不超过|不高于)", between)
    if both is None:
        return None
    least = {"min": [_settled(p) for p in paid]}
    return {"judged": paid[0]["judged"], "between": [0, least]} if "judged" in paid[0] else least


def _settled(node: Node) -> Any:
    return node["between"][1] if "judged" in node and "between" in node else node


def matched(text: str, span: Span) -> Node | None:
    """按1:0.5配套, 等额奖励: so much of what the enterprise received from another level; several levels add up, each with its ceiling."""
    found: list[Node] = []
    start = span.start
    for match in _MATCH.finditer(text, span.start, span.end):
        before = text[max(start, match.start() - 40) : match.start()]
        level = next((name for name, said in _LEVELS if re.search(said, before)), None)
        where: list[Node] = [{"field": "level", "is": "=", "value": level}] if level else [{"judged": before.strip(",;。") or "上级资金"}]
        found.append({"rate": exact(Decimal(match["r"])) if match["r"] else 1, "of": _received(where)})
        start = match.end()
        most = re.match(rf"[^。;]{{0,20}}?(?:最高|不超过)(?:不超过)?(?P<n>{NUMERAL})(?P<u>[万亿]*元)", text[match.end() : span.end])
        if most:
            found[-1] = {"cap": exact(Figure(numeral(most["n"]), most["u"], Span(0, 0)).base), "of": found[-1]}
    if len(found) == 1:
        return found[0].get("of") if "cap" in found[0] else found[0]
    return {"sum": found} if found else None


_EVENT = re.compile(
    r"(?P<what>每(?!年|月|人|亩|家|户|个?企业)[\u4e00-\u9fa5]{2,8}?)(?:1|一)(?P<u>[家个名项件款支只]|人次?)[^,。;\d]{0,12},?[^,。;\d]{0,10}$"
)


def per_event(text: str, share: Share) -> Node | None:
    """每引进一家, 给予10万元; 每成功推荐1个…: a sum for each time."""
    left = max(text.rfind(c, 0, share.figure.span.start) for c in "。;")
    said = _EVENT.search(text[max(left + 1, share.figure.span.start - 60) : share.figure.span.start])
    if not share.figure.money or said is None:
        return None
    return {"per": exact(share.figure.base), "count": {"fact": "open." + said["what"].removeprefix("每") + said["u"] + "数"}}


_TIMES = re.compile(
    rf"(?P<t>[^,。;]{{4,40}}?)的?,[^,。;]{{0,16}}?(?:按[^,。;]{{0,12}}?(?P<n>{NUMERAL})倍(?:给予|予以|执行|奖励|补助|计算)|(?:奖励|补助|补贴|标准|金额)[^,。;]{{0,6}}?(?:翻倍|加倍|翻番))"
)


def multiplied(text: str, span: Span, whole: Node) -> Node:
    """对…的, 按上述标准的1.5倍给予, …翻倍: the amount times a factor where the words before it are met."""
    said = _TIMES.search(text, span.start, min(len(text), span.end + 60))
    if said is None:
        return whole
    factor = exact(numeral(said["n"])) if said["n"] else 2
    return {"case": [[{"judged": said["t"].removeprefix("其中").removeprefix("对")}, {"times": [factor, whole]}]], "else": whole}


_BY_SHARES = re.compile(r"(?:按|分别按)(?P<p>\d+%?(?:[、:]\d+%?)+)(?:的)?(?:比例)?")
_IN_PARTS = re.compile(r"分(?P<n>[两二三四五\d])年(?:等额|平均|均分)?[^,。;]{0,6}(?:兑付|拨付|兑现|发放|支付|奖励|补助|到位)")
_BY_STAGES = re.compile(r"[^,。;]{2,20}(?:拨付|兑付|兑现|预拨|发放|支付)(?:[^,。;]{0,8})\d+%[^。;]{0,40}")


def paid_out(text: str, span: Span, amount: Amount, whole: Node) -> tuple[Node, tuple[str, ...]]:
    """分三年按40%、30%、30%兑付: instalments a year apart. Stages that hang on events change no sum and are told to the officer."""
    if amount.parts:
        return {"instalments": [{"fixed": exact(s.figure.base)} for s in amount.parts]}, ()
    words = text[span.start : min(len(text), span.end + 40)]
    years, shares = _IN_PARTS.search(words), _BY_SHARES.search(words)
    if "instalments" in str(whole):
        return whole, ()
    if shares and "年" in words[max(0, shares.start() - 12) : shares.end() + 12]:
        parts = [Decimal(p) for p in re.findall(r"\d+", shares["p"])]
        total = sum(parts, Decimal(0))
        if total in (10, 100):
            return {"instalments": [{"times": [exact(p / total), whole]} for p in parts]}, ()
    if years and (count := int(numeral(years["n"]))) in (2, 4, 5):
        return {"instalments": [{"times": [exact(Decimal(1) / count), whole]}] * count}, ()
    staged = _BY_STAGES.search(words)
    said = years.group() if years else staged.group() if staged else ""
    return whole, (f"分次拨付，总额不变：{said}",) if said else ()


def net(text: str, span: Span, whole: Node) -> Node:
    """扣除已奖励金额, 补齐: less what was paid before; which payments those are a person says."""
    said = _NET.search(text, span.start, min(len(text), span.end + 40))
    if said is None or (said["a"] and not re.search("已|奖励|补助|补贴|资助|享受|拨付", said["a"])):
        return whole
    return {"less": whole, "paid": _received([{"judged": said["a"] or "此前已按同一标准奖励的金额"}])}


def _received(where: Sequence[Node]) -> Node:
    return {"sum": "benefit_received", "field": "amount", "where": list(where)}
