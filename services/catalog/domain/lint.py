"""Computability: what keeps the words of a draft from being computed as they stand, said before anyone signs.

A doubt is a warning for the officer and never an error: the clause may be right and the reader wrong. Each names its place in the
benefit, the words it is about, and what to do.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.rules import OPEN, All, Benefit, Case, FactTest, FactValue, Node, Rate, Registry, Rule, Span


class Doubt(NamedTuple):
    """A stable code, where, what is doubtful, what to do."""

    code: str
    at: str
    problem: str
    hint: str


class Place(NamedTuple):
    """A node of a benefit: its path, the nearest quotation at or above it, and the sentence of the clause that holds that quotation."""

    at: str
    node: Node
    quote: str
    sentence: str


def lint(benefit: Benefit, *, registry: Registry, others: Sequence[Benefit] = ()) -> list[Doubt]:
    """Every doubt about one draft; `others` are the benefits of the same policy. The same words are doubted once."""
    found = [
        doubt
        for at, node, quote, sentence in places(benefit)
        for doubt in _of_node(Place(at, node, quote, sentence), registry)
    ]  # fmt: skip
    found += [*_of_text(benefit), *_of_days(benefit), *_of_neighbours(benefit, others)]
    return list({(doubt.code, doubt.problem): doubt for doubt in reversed(found)}.values())[::-1]


def places(benefit: Benefit) -> Iterator[Place]:
    """Every node of the rule and the amount."""
    sentences = re.split(r"(?<=[。；;])", plain(benefit.text or ""))
    for root in ("rule", "amount"):
        yield from _places(getattr(benefit, root), root, "", sentences)


def _places(node: Any, at: str, quote: str, sentences: Sequence[str]) -> Iterator[Place]:
    if isinstance(node, tuple):
        for position, item in enumerate(node):
            yield from _places(item, f"{at}/{position}", quote, sentences)
    elif isinstance(node, Node):
        quote = plain(node.quote or "") or quote
        yield Place(at, node, quote, next((s for s in sentences if quote and quote in s), quote))
        for name, item in node.__dict__.items():
            yield from _places(item, f"{at}/{type(node).model_fields[name].alias or name}", quote, sentences)


def plain(text: str) -> str:
    """A text as it is compared: NFKC without blanks, with the stops of Chinese."""
    dense = re.sub(r"\s", "", unicodedata.normalize("NFKC", text))
    return re.sub(r"(?<=\d),(?=\d{3})", "", dense).translate(_STOPS)


_STOPS = str.maketrans(",;:", "，；：")  # NFKC makes them ASCII
_PERIOD = re.compile(
    r"上(?:一)?年度?|年度|[当本每近前后连首次去同]年|[一二两三四五六七八九十\d]+(?:个)?(?:会计)?(?:年|月|季)|季度|[当本每上]月|期间|截至|以来|期末|年末|年均|同期"
)
_BASE = re.compile(
    r"同比|环比|[比较](?:上|去|前|20\d\d|其|此前|原|基)|与上年|年度增[量幅]|基[数期准]|上(?:一)?年(?:度)?同期|在.{1,12}基础上"
)
_GROWTH = re.compile(r"增长|增速|增幅|增量|提[高升]|新增|增加")
_LISTED = re.compile(r"(?:列入|纳入|入选|属于|符合|进入|被评为|在)[^，。；、《》“”]{0,24}?(?:名单|目录|清单|名录|培育库|项目库|企业库)")
_WHOSE = re.compile(r"《|》|20\d\d|国家|国务院|[省市区县]级|[^上城]市[^场]|省|部(?!分|门)|[局委办厅](?!.*企业家)|本[措办细]|附件")


def _of_node(place: Place, registry: Registry) -> Iterator[Doubt]:
    at, node, quote, sentence = place
    for key in ("fact", "some", "none", "count", "sum", "earliest", "latest", "each", "rank", "percentile"):
        name = node.__dict__.get(key)
        if isinstance(name, str) and name.startswith(OPEN):
            words = f"“{quote}”" if quote else f"“{name.removeprefix(OPEN)}”"
            yield Doubt(
                "no-source", at, f"{words} 没有数据来源：登记册里没有“{name.removeprefix(OPEN)}”", "请商定提供单位并登记，或改用已有事实"
            )
    if isinstance(node, FactValue) and (fact := registry.facts.get(node.fact)) is not None and fact.periods and quote:
        if node.period is not None and not _PERIOD.search(sentence):
            yield Doubt("no-period", at, f"“{quote}” 没有写明期间（{fact.name}）", "请写明哪一年度、季度或月份；规则里的期间是推定的")
        if (node.take in ("growth", "increase") or (isinstance(node, FactTest) and _GROWTH.search(quote))) and not _BASE.search(sentence):
            yield Doubt("no-base", at, f"“{quote}” 没有写明基数", "请写明与哪一期相比，基数为零或负数时如何处理")
    if isinstance(node, Rate) and isinstance(node.of, FactValue) and node.of.fact.startswith(OPEN) and quote and _BARE_RATE.search(quote):
        yield Doubt("no-base", at, f"“{quote}” 没有写明以什么为基数", "请写明比例乘以哪一项金额")
    if isinstance(node, FactTest) and node.fact in ("lists", "honours") and quote and (listed := _LISTED.search(sentence)):
        yield from _undefined(at, listed[0], sentence)
    if isinstance(node, Case):
        yield from _overlaps(at, node)


_BARE_RATE = re.compile(
    r"^(?:给予|按|按照|最高|不超过|一次性)*\d+(?:\.\d+)?%(?:的)?(?:比例)?(?:给予|予以)?(?:一次性)?(?:补贴|补助|奖励|资助|贴息|支持)?$"
)


def _undefined(at: str, words: str, sentence: str) -> Iterator[Doubt]:
    start = sentence.find(words)
    if not _WHOSE.search(sentence[max(0, start - 16) : start + len(words) + 2]):
        yield Doubt("undefined-list", at, f"“{words}” 没有说明是哪一份", "请写明名单或目录的全称、发布单位和版本")


def _overlaps(at: str, node: Case) -> Iterator[Doubt]:
    """Branches of one amount whose bounds on the same figure meet: the first one wins, which the clause may not mean."""
    ranges = [bounds for rule, _ in node.case if (bounds := _bounds(rule)) is not None]
    for one, (left, low, high, _, top) in enumerate(ranges):
        for other, (again, floor, ceiling, bottom, _) in enumerate(ranges):
            if one != other and left == again and high is not None and floor is not None and (low is None or low <= floor):
                meets = high > floor or (high == floor and top and bottom)
                if meets and not (low == floor and high == ceiling and one > other):
                    yield Doubt(
                        "overlapping-tiers",
                        at,
                        f"第 {one + 1} 档与第 {other + 1} 档重叠（{floor} 至 {high}）",
                        "请写明各档的上下限是否包括本数",
                    )


def _bounds(rule: Rule) -> tuple[str, Decimal | None, Decimal | None, bool, bool] | None:
    """What one figure is asked to be: its name, the lower and upper line, and whether each line itself belongs to it."""
    tests = rule.all if isinstance(rule, All) else (rule,)
    found = {f"{test.fact}@{test.period}" for test in tests if isinstance(test, FactTest)}
    if len(found) != 1 or not all(isinstance(test, FactTest) for test in tests):
        return None
    low: tuple[Decimal, bool] | None = None
    high: tuple[Decimal, bool] | None = None
    for test in tests:
        assert isinstance(test, FactTest)
        lines = test.value if isinstance(test.value, tuple) else (test.value, test.value)
        if not all(isinstance(line, Decimal) for line in lines):
            return None
        if test.is_ in (">", ">=", "between"):
            low = (lines[0], test.is_ != ">" and test.open not in ("lo", "both"))  # type: ignore[assignment]
        if test.is_ in ("<", "<=", "between"):
            high = (lines[1], test.is_ != "<" and test.open not in ("hi", "both"))  # type: ignore[assignment]
    if low is None and high is None:
        return None
    return found.pop(), low and low[0], high and high[0], bool(low and low[1]), bool(high and high[1])


# ------------------------------------------------------------------------------------------------------ words of the clause

_LINE = re.compile(r"(\d+(?:\.\d+)?(?:万|亿)?(?:元|人|家|项|%|年|个月|平方米|吨|件|亩|倍|次|台|套|天)?)以([上下内])")
_STRICT = re.compile(r"(?<!不)(?:大于|超过|高于|多于|早于|晚于|小于|低于|少于|不足|不满|未满)[^，。；、()]{0,20}\(含")
_LOOSE = re.compile(r"(?:不低于|不少于|不小于|不高于|不超过|不多于|不大于|至少)[^，。；、()]{0,20}\(不含")
_SETTLED = re.compile(r"含本[数级]|[均都]含|\(不?含|包[含括]本数")


def _of_text(benefit: Benefit) -> Iterator[Doubt]:
    text = plain(benefit.text or "")
    for pattern in (_STRICT, _LOOSE):
        for found in pattern.finditer(text):
            yield Doubt(
                "contradictory-words",
                "text",
                f"“{found[0]}…)” 自相矛盾：前半句不含本数，括号里又说含，或相反",
                "请向发文单位核实，再定用 >= 还是 >",
            )
    lines: dict[str, set[str]] = {}
    for found in _LINE.finditer(text):
        if re.match(r"\(不?含", text[found.end() :]):
            continue
        lines.setdefault(found[1], set()).add(found[2])
        if not _SETTLED.search(text):
            yield Doubt(
                "inclusive-missing",
                "text",
                f"“{found[0]}” 没有写明是否包括本数",
                "没有写明时按《民法典》第一千二百五十九条包括本数；请核对是否符合本意",
            )
    for line, sides in lines.items():
        if "上" in sides and "下" in sides:
            yield Doubt("overlapping-tiers", "text", f"“{line}以上”与“{line}以下”都包括 {line}，两档重叠", "请写明恰为该数时属于哪一档")


# -------------------------------------------------------------------------------------------------------- days and neighbours


def _of_days(benefit: Benefit) -> Iterator[Doubt]:
    window, valid = _days(benefit.window), _days(benefit.valid)
    if window is None or valid is None:
        return
    if window[0] and valid[0] and window[0] < valid[0]:
        yield Doubt(
            "window-before-validity", "window", f"申报期自 {window[0]} 开始，早于有效期（自 {valid[0]}）", "请核对申报期与有效期的年份"
        )
    if window[0] and valid[1] and window[0] > valid[1]:
        yield Doubt(
            "window-after-validity",
            "window",
            f"申报期自 {window[0]} 开始，有效期已于 {valid[1]} 届满",
            "如属到期后申报上一期，请确认；否则请核对年份",
        )
    if window[0] and window[1] and window[0] > window[1]:
        yield Doubt("window-reversed", "window", f"申报期的开始 {window[0]} 晚于结束 {window[1]}", "请核对日期")


def _days(span: Span | None) -> tuple[date | None, date | None] | None:
    return None if span is None else (plain_day(span.from_), plain_day(span.to))


def plain_day(value: object) -> date | None:
    """A printed day; None where there is none, or where it hangs on something else."""
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else None
    except ValueError:
        return None


def _of_neighbours(benefit: Benefit, others: Sequence[Benefit]) -> Iterator[Doubt]:
    """Another benefit of the policy asks the same: paid twice, or two sums for one thing."""
    rule, groups = bare(benefit.rule), _groups(benefit)
    for other in others:
        asks_nothing = rule == bare(All(all=()))
        pays = benefit.amount is not None and other.amount is not None  # services to one group do not stand in each other's way
        if other.id == benefit.id or asks_nothing or not pays or bare(other.rule) != rule:
            continue
        name = other.title or other.id
        if bare(other.amount) == bare(benefit.amount):
            yield Doubt("clash", "rule", f"与“{name}”（{other.id}）的条件和金额都相同", "如是同一事项，请撤回其中一个")
        elif not groups & _groups(other):
            yield Doubt(
                "clash", "amount", f"与“{name}”（{other.id}）条件相同而金额不同，又没有说明能否同时享受", "请核对条件，或写明就高、不重复"
            )


def _groups(benefit: Benefit) -> frozenset[str]:
    given = (benefit.stacking.groups if benefit.stacking else None) or ()
    return frozenset(group if isinstance(group, str) else group.name for group in given)


def bare(node: Any) -> Any:
    """A node as plain data without its quotations, for comparison."""
    if isinstance(node, tuple):
        return tuple(bare(item) for item in node)
    if isinstance(node, Node):
        kept = sorted((name, repr(bare(item))) for name, item in node.__dict__.items() if name not in ("quote", "article", "span"))
        return type(node).__name__, tuple(kept)
    return node
