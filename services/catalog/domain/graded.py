"""Thresholds that depend on another fact: one line for each trade, one share for each size. Each step is a way to meet the condition."""

import re
from collections.abc import Sequence
from decimal import Decimal

from contracts.rules import Registry
from services.catalog.domain.bounds import share_of
from services.catalog.domain.condition import Condition
from services.catalog.domain.naming import Node, all_of, any_of, named
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import NUMERAL, Figure, figures, plain
from services.catalog.domain.rows import Rows
from services.catalog.domain.times import period
from services.catalog.domain.vocabulary import figure_fact

_MONEY = rf"{NUMERAL}[百千万亿]*元"
_TOLD = r"(?:销售额|销售收入|营业收入|营收|营业额|产值|纳税额)"
_NAME = r"[\u4e00-\u9fa5]{2,12}?"
_BY_TRADE = re.compile(
    rf"(?P<names>{_NAME}(?:[、和及]{_NAME})+?)(?:业|企业|行业)*(?P<figure>(?:上一?年度?|当年|年度?)?{_TOLD})分别(?:达到?|在|为|不低于|超过)?"
    rf"(?P<lines>{_MONEY}(?:(?:及?以上)?[、和及]{_MONEY})+)(?:及?以上)?"
)
_BESIDE = re.compile(
    rf"(?P<figure>(?:上一?年度?|当年|年度?)?{_TOLD})(?:分别)?(?:达到?|在|为|不低于|超过)?(?P<lines>{_MONEY}\([^()]{{2,40}}\)(?:、{_MONEY}\([^()]{{2,40}}\))+)(?:及?以上)?"
)
_BY_SIZE = re.compile(
    rf"(?P<size>[^,。;:]{{0,10}}{_TOLD})(?:小于|不超过|低于|不足|在)(?P<a>{_MONEY})(?:\(含\))?(?:以下)?(?:的)?(?:企业)?,?(?P<part>[^,。;:\d]{{0,24}}?)"
    rf"不低于(?P<p>\d+(?:\.\d+)?)%[;,](?P<b>{_MONEY})(?:\(不?含\))?(?:至|到|-|—)(?P<c>{_MONEY})(?:\(不?含\))?(?:的)?(?:企业)?,?[^,。;:\d]{{0,24}}?不低于(?P<q>\d+(?:\.\d+)?)%[;,]"
    rf"(?P<d>{_MONEY})(?:\(不含\))?以上(?:\(不含\))?(?:的)?(?:企业)?,?[^,。;:\d]{{0,24}}?不低于(?P<r>\d+(?:\.\d+)?)%"
)


def graded(text: str, target: Span, governed: Sequence[Condition], registry: Registry) -> list[Rows]:
    """What the words of a target ask of each trade or size, as one test in the place of the conditions that were read in them."""
    found = []
    for pattern, read in ((_BY_TRADE, _by_trade), (_BESIDE, _beside), (_BY_SIZE, _by_size)):
        for m in pattern.finditer(text, target.start, target.end):
            inside = tuple(i for i, c in enumerate(governed) if c.span.meets(Span(m.start(), m.end())) and c.comparison is not None)
            if inside:  # what cannot be computed is for a person: the first line alone would be another condition
                found.append(Rows("graded", (), inside, read(m, registry) or {"judged": m.group()}, span=Span(m.start(), m.end())))
    return found


def _by_trade(m: re.Match[str], registry: Registry) -> Node | None:
    """批发、零售当年销售额分别达到1亿元、5000万元."""
    return _ways(re.split("[、和及]", m["names"]), figures(m["lines"]), m["figure"], registry)


def _beside(m: re.Match[str], registry: Registry) -> Node | None:
    """营业收入分别在2亿元(交通运输)、1亿元(租赁和商务服务)及以上."""
    trades = re.findall(r"\(([^()]*)\)", m["lines"])
    return _ways(trades, figures(re.sub(r"\([^()]*\)", "", m["lines"])), m["figure"], registry)


def _ways(trades: Sequence[str], lines: Sequence[Figure], said: str, registry: Registry) -> Node | None:
    fact = figure_fact(said, lines[0], registry) if lines else None
    codes = [_trade(trade, registry) for trade in trades]
    if fact is None or len(trades) != len(lines) or not all(codes):
        return None
    return any_of(
        [
            all_of(
                [
                    {"fact": "industry", "is": "under", "value": code},
                    {"fact": fact, "period": period(said), "is": ">=", "value": plain(line.base)},
                ]
            )
            for code, line in zip(codes, lines, strict=True)
        ]
    )


def _trade(name: str, registry: Registry) -> list[str]:
    """The codes of a trade that is named in full or by the beginning of its name (交通运输)."""
    stem = re.sub("^对|(?:业|企业|行业)$", "", name)
    codes = named(registry, "industry", name) or named(registry, "industry", stem + "业")
    return codes or [code for code, many in registry.codes["industry"].items() if len(stem) > 1 and any(w.startswith(stem) for w in many)]


def _by_size(m: re.Match[str], registry: Registry) -> Node | None:
    """销售收入小于5000万元(含)的,研发费用占比不低于5%;5000万元至2亿元(含)不低于4%;2亿元以上不低于3%."""
    low, high = figures(m["a"])[0], figures(m["c"])[0]
    fact = figure_fact(m["size"], low, registry)
    share = share_of(f"{m['part']}占{m['size']}" if "占" not in m["part"] or "占比" in m["part"] else m["part"], registry)
    if fact is None or figures(m["b"])[0].base != low.base or figures(m["d"])[0].base != high.base:
        return None
    of_size: Node = {"fact": fact, "period": period(m["size"])}
    sizes: list[Node] = [
        of_size | {"is": "<=", "value": plain(low.base)},
        of_size | {"is": "between", "value": [plain(low.base), plain(high.base)], "open": "lo"},
        of_size | {"is": ">", "value": plain(high.base)},
    ]
    asked = [_share(m[name], m["part"], share) for name in ("p", "q", "r")]
    return any_of([all_of([size, least]) for size, least in zip(sizes, asked, strict=True)])


def _share(printed: str, part: str, share: tuple[str, str] | None) -> Node:
    """A least share; a person's judgement where the words do not say of what."""
    if share is None:
        return {"judged": f"{part}不低于{printed}%"}
    rate = (Decimal(printed) / 100).normalize()
    return {"fact": share[0], "period": "last_year", "is": ">=", "value": {"times": [rate, {"fact": share[1], "period": "last_year"}]}}
