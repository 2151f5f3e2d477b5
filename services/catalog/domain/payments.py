"""The amount of a provision as rules.md §3 writes it, in yuan and exact; where the words leave it open, a range for a person to decide.

A share needs a base: a fact of the registry where it knows one, an `open.` fact named by the printed base where it does not.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from services.catalog.domain.amounts import Amount, Share
from services.catalog.domain.attributes import MEASURED
from services.catalog.domain.facts import FIGURES, told
from services.catalog.domain.naming import Node, Setting, named_at, open_fact
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.provisions import Provision
from services.catalog.domain.quantities import NUMERAL, Figure, comparisons, figures, numeral, plain
from services.catalog.domain.recognition import Condition
from services.catalog.domain.records import Rows, added_up, market_step, one_honour
from services.catalog.domain.records import counted as counted_rows
from services.catalog.domain.shapes import instalments, matched, net, per_step, within_both
from services.catalog.domain.times import period
from services.catalog.domain.vocabulary import fact_said


@dataclass(frozen=True)
class Payment:
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
    match = matched(text, provision.span) if all(share.ceiling for share in amount.shares) else None
    if match is not None:
        top = next((share for share in (*amount.shares, *amount.caps) if share.figure.money), None)
        return Payment(({"cap": _yuan(top), "of": match} if top else match) | {"_span": amount.words}, pays)
    if amount.kind == "none":
        return Payment(None, pays if pays == "relief" else None, ("没有读出金额，以审核为准",))
    if re.search(r"减按", said):
        return Payment(None, "relief", ("减按征收：应缴税额按较低税率计算，减免额未换算",))
    if amount.relief is not None:
        base = text[amount.base.start : amount.base.end] if amount.base else said
        node: Node = {"rate": plain(amount.relief / 100), "of": {"fact": open_fact(base, "金额基数")}}
        return Payment(node | {"_span": amount.words}, "relief")
    if amount.counted and amount.counted_of:
        unit = text[amount.counted_of.start : amount.counted_of.end]
        most: Node = {"per": plain(amount.counted.value), "count": {"fact": open_fact(unit, "数量")}}
        return Payment(_up_to(said, most, amount.kind == "range") | {"_span": amount.words}, pays)
    notes: list[str] = []
    whole = (
        _several(passage, amount, described, setting=setting)
        if amount.kind == "tiered"
        else _one(passage, amount, amount.shares[0], described, setting)
    )
    if whole is None:
        return Payment(None, pays, ("金额只有下限或无法换算成元，以审核为准",))
    if amount.caps and not (
        amount.kind == "tiered" and re.search("分阶段|分期|合计", text[provision.span.start : amount.shares[0].figure.span.start])
    ):
        whole = {"cap": _yuan(amount.caps[0]), "of": whole}
        if len(amount.caps) > 1:
            notes.append("条文还有其他封顶：" + "；".join(f"{plain(c.figure.value)}{c.unit}" for c in amount.caps[1:]))
    return Payment(net(text, provision.span, whole) | {"_span": amount.words}, pays, tuple(notes))


def _pays(text: str, said: str, amount: Amount) -> str | None:
    if re.search(r"免征|免收|免缴|减免|减征|减半|抵减|扣除|退税|缓缴|延期缴|滞纳金|免除|全免", text) and not any(
        s.figure.money for s in amount.shares
    ):
        return "relief"
    if re.search(r"(?:贷款|授信|担保)[^,。;]{0,10}(?:额度|最高|上限)|额度最高", said) and not re.search(r"贴息|补贴|补助|奖励|补偿", said):
        return "credit"
    return None


def _yuan(share: Share) -> Any:
    base = share.figure.base
    return plain(base) if base == base.to_integral_value() else base.normalize()


def _up_to(words: str, most: Any, ceiling: bool) -> Node:
    return {"judged": words, "between": [0, most]} if ceiling else most


def _one(passage: Passage, amount: Amount, share: Share, described: Sequence[Rows], setting: Setting) -> Node | None:
    text = passage.text
    words = text[amount.words.start : amount.words.end]
    if share.floor and not share.ceiling:
        return None
    if (steps := per_step(text, share, setting)) is not None:
        return _up_to(words, steps, share.ceiling)
    if share.figure.share:
        above = _ABOVE.search(text[max(0, share.figure.span.start - 60) : share.figure.span.start])
        if above:
            return _marginal(share, above, setting)
        named = text[amount.base.start : amount.base.end] if amount.base else ""
        base = added_up(described, named) or _fact_named(named, setting)
        rate = share.figure.base.normalize()
        node: Node = {"rate": plain(rate) if rate == rate.to_integral_value() else rate, "of": base}
        return _up_to(words, node, share.ceiling)
    if "/" in share.unit + share.each:
        counted = (share.unit + share.each).partition("/")[2].replace("/", "")
        many = counted_rows(described, counted) or {"fact": open_fact("补助数量" + counted, "补助数量")}
        return _up_to(words, {"per": _yuan(share), "count": many}, share.ceiling)
    if share.low is not None:
        scale = share.figure.base / share.figure.value if share.figure.value else Decimal(1)
        return {"judged": words, "between": [plain(share.low * scale), _yuan(share)]}
    if share.ceiling:
        return {"judged": words, "between": [0, _yuan(share)]}
    return {"fixed": _yuan(share)}


# 对营业收入超过2000万元的部分, 按1%: the share is of what lies above the line.
_ABOVE = re.compile(rf"(?P<of>[^,。;]{{2,24}}?)(?:超过|超出|高于)(?P<n>{NUMERAL})(?P<u>[万亿]*元)(?:以上)?的?部分,?按?[^,。;]{{0,8}}$")


def _marginal(share: Share, above: re.Match[str], setting: Setting) -> Node:
    line = Figure(numeral(above["n"]), above["u"], Span(0, 0)).base
    rate = share.figure.base.normalize()
    return {"tiers": [[0, 0], [plain(line), rate]], "on": _fact_named(above["of"], setting), "marginal": True}


def _fact_named(words: str, setting: Setting) -> Node:
    """The fact that a printed base names, an `open.` one where the registry has none."""
    cost = re.search(r"费用|费率|利息|保费|租息|担保费", words) and not re.search("研发|研究开发", words)
    for row in MEASURED:
        if not cost and row.attribute in FIGURES and not row.units and words and re.search(row.subject, words):
            fact, take = FIGURES[row.attribute]
            if fact in ("registered_capital", "paid_in_capital"):
                return {"fact": fact}
            node: Node = {"fact": fact, "period": period(words)}
            if take or re.search(r"增量|净增|增长部分|新增", words):
                node["take"] = take if take == "increase" else "increase"
            return node
    said = fact_said(words, setting.registry)
    if said:
        grown = {"take": "increase"} if re.search(r"增量|净增|增长部分|新增", words) else {}
        return {"fact": said, "period": period(words), **grown}
    return {"fact": open_fact(words, "金额基数")}


def _several(passage: Passage, amount: Amount, described: Sequence[Rows], *, setting: Setting) -> Node | None:
    """Steps as cases: each chosen by the words before it. Stages that are all reached add up only when a person says so."""
    cases: list[list[Any]] = []
    lines: list[Decimal | None] = []
    lead: _Line | None = None
    for share in amount.shares:
        paid = _one(passage, amount, share, described, setting)
        if paid is None:
            return None
        line = _line(passage, share, lead)
        lead = line if line and not line.bare else lead
        cases.append([_chosen(passage, share, line, setting), paid])
        lines.append(line.condition.comparison.figures[0].base if line and line.condition.comparison else None)
    paid_each = [case[1] for case in cases]
    if re.search("分阶段|分步|分期", text_before(passage, amount)):
        stages = [[_stage(passage, share, setting) or chosen, paid] for share, (chosen, paid) in zip(amount.shares, cases, strict=True)]
        return {"sum": [{"case": [stage]} for stage in stages]}
    if (whole := within_both(passage.text, amount, paid_each) or instalments(passage.text, amount_span(amount), paid_each)) is not None:
        return whole
    known = [line for line in lines if line is not None]
    if len(known) == len(cases) and known == sorted(known) and lead and lead.condition.operator in (">", ">="):
        cases.reverse()  # the first true case counts: 达到50个, 达到100个 begin with the higher line
    return {"case": cases}


def text_before(passage: Passage, amount: Amount) -> str:
    """The words of the article up to the first figure, as far as they may announce it."""
    at = amount.shares[0].figure.span.start
    return passage.text[max(passage.text.rfind("。", 0, at), at - 120, 0) : at]


def _stage(passage: Passage, share: Share, setting: Setting) -> Node | None:
    """A stage on the way to the stock market that a step of the amount is paid for."""
    if share.tier is None:
        return None
    step = market_step(passage.text[share.tier.start : share.tier.end], setting.registry).node
    return step | {"quote": passage.quote(share.tier)} if "judged" not in step else None


def amount_span(amount: Amount) -> Span:
    """From somewhat before the first figure to the last: where words say what the figures are for."""
    return Span(max(0, amount.shares[0].figure.span.start - 40), amount.shares[-1].figure.span.end)


@dataclass(frozen=True)
class _Line:
    """The line that a step is chosen by: as a condition, with the words it is said in."""

    condition: Condition
    words: str
    bare: bool = False


def _line(passage: Passage, share: Share, lead: _Line | None) -> _Line | None:
    """What the words of a step ask for; a bare figure is asked of what the step before it was asked of (达到1亿元、5亿元)."""
    if share.tier is None or len(share.tier) < 2:
        return None
    words = passage.text[share.tier.start : share.tier.end]
    bounds = comparisons(words)
    bare = figures(words)
    if lead is not None and lead.condition.comparison is not None and bare and bare[0].span.start == 0 and len(bounds) < 2:
        said = lead.words[: lead.condition.comparison.figures[0].span.start] + words[: bare[0].span.end]
        comparison = replace(lead.condition.comparison, figures=(bare[0],))
        return _Line(replace(lead.condition, comparison=comparison, unit=bare[0].unit, span=share.tier), said, True)
    if len(bounds) != 1:
        return None
    bound = bounds[0]
    subject = words[bound.subject.start : bound.subject.end]
    fits = (row for row in MEASURED if re.search(row.subject, subject) and (not row.units or bound.figures[0].unit[-1:] in row.units))
    row = next(fits, None)
    if row is None:
        return None
    return _Line(Condition(row.attribute, bound.operator, None, bound.figures[0].unit, share.tier, comparison=bound), words)


def _chosen(passage: Passage, share: Share, line: _Line | None, setting: Setting) -> Node:
    if share.tier is None or len(share.tier) < 2:
        return {"judged": "符合该档条件"}
    quote = passage.quote(share.tier)
    if line is not None:
        return told(line.condition, line.words, setting).node | {"quote": quote}
    if named_at(setting.registry, "honours", passage.text, share.tier)[0]:
        return one_honour(passage.text, share.tier, setting.registry).node | {"quote": quote}
    return {"judged": passage.text[share.tier.start : share.tier.end], "quote": quote}
