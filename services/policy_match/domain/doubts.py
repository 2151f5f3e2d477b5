"""What in a benefit contradicts itself, and what an officer should look at twice before it is published."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from contracts.rules import (
    All,
    AnyOf,
    AtLeast,
    Benefit,
    Compared,
    CountOf,
    FactTest,
    FactValue,
    FieldTest,
    Figures,
    Group,
    Judged,
    LatestTest,
    Node,
    NoneOf,
    Not,
    PopulationTest,
    PublicFigure,
    Rate,
    Registry,
    Some,
    Tiers,
    Times,
    dumps,
    open_facts_of,
)
from contracts.rules.words import plain
from services.policy_match.domain.interpreter import ranked_figure
from services.policy_match.domain.language import CheckFinding, places
from services.policy_match.domain.reasons import leaves, limbs
from services.policy_match.domain.values import OPPOSITES, same_text


def contradictions(benefit: Benefit) -> Iterator[CheckFinding]:
    """Limbs of one `all` that can never be true together."""
    for at, node, _ in places(benefit):
        if not isinstance(node, All):
            continue
        for left, tests in _by_left(node).items():
            clash = _clash(tests)
            if clash is not None:
                yield CheckFinding("contradiction", at, f"对 {left} 的要求互相矛盾：{clash}", "这些条件不可能同时成立，请核对原文")
        for one, other in _negations(node.all):
            yield CheckFinding("contradiction", at, f"第 {one + 1} 项与第 {other + 1} 项互为否定", "这些条件不可能同时成立，请核对原文")


def _by_left(node: All) -> dict[str, list[Compared]]:
    """The tests of an `all`, nested ones included, by what they look at."""
    groups: dict[str, list[Compared]] = {}

    def gather(limb: Node) -> None:
        if isinstance(limb, All):
            for part in limb.all:
                gather(part)
        elif isinstance(limb, FactTest | FieldTest) and getattr(limb, "take", None) != "every":
            groups.setdefault(_left_key(limb), []).append(limb)

    gather(node)
    return groups


def _left_key(test: Compared) -> str:
    skipped = {"is_", "value", "open", "quote", "article", "span"}
    parts = {name: item for name, item in test.__dict__.items() if name not in skipped and item is not None}
    return str(parts.get("fact") or parts.get("field")) + "".join(
        f" {k}={dumps(v)}" for k, v in sorted(parts.items()) if k not in ("fact", "field")
    )


def _clash(tests: Sequence[Compared]) -> str | None:
    """In words why tests of one value cannot all hold, by their literal right sides; None where nothing speaks against it."""
    low: tuple[Any, int] | None = None  # (bound, 1 where the bound itself is out)
    high: tuple[Any, int] | None = None
    members: frozenset[Any] | None = None
    for test in tests:
        op, value = test.is_, test.value
        if op in ("=", "in") and _literal(value):
            listed = frozenset(_same(v) for v in (value if isinstance(value, tuple) else (value,)))
            members = listed if members is None else members & listed
        if op in (">", ">=", "between") and _literal(value):
            bound = (value[0] if isinstance(value, tuple) else value, int(op == ">" or test.open in ("lo", "both")))
            low = bound if low is None or (_sorts_together(low, bound) and bound > low) else low
        if op in ("<", "<=", "between") and _literal(value):
            bound = (value[1] if isinstance(value, tuple) else value, int(op == "<" or test.open in ("hi", "both")))
            high = bound if high is None or (_sorts_together(high, bound) and (bound[0], -bound[1]) < (high[0], -high[1])) else high
    for test in tests:
        if members is not None and test.is_ in ("!=", "not_in") and _literal(test.value):
            members -= frozenset(_same(v) for v in (test.value if isinstance(test.value, tuple) else (test.value,)))
    if members is not None and not members:
        return "没有一个取值同时满足"
    if low and high and _sorts_together(low, high) and (low[0] > high[0] or (low[0] == high[0] and (low[1] or high[1]))):
        return f"下限 {low[0]} 高于上限 {high[0]}"
    return None


def _literal(value: Any) -> bool:
    return all(_literal(v) for v in value) if isinstance(value, tuple) else isinstance(value, bool | Decimal | str)


def _same(value: Any) -> Any:
    return same_text(value) if isinstance(value, str) else value


def _sorts_together(one: tuple[Any, int], other: tuple[Any, int]) -> bool:
    return type(one[0]) is type(other[0])


def _negations(parts: Sequence[Any]) -> Iterator[tuple[int, int]]:
    """Pairs of limbs of which one repeats the negation of the other."""
    for one in range(len(parts)):
        for other in range(one + 1, len(parts)):
            if _negates(parts[one], parts[other]) or _negates(parts[other], parts[one]):
                yield one, other


def _negates(one: Any, other: Any) -> bool:
    if isinstance(one, Not) and _bare(one.not_) == _bare(other):
        return True
    if isinstance(one, Some) and isinstance(other, NoneOf):
        return (one.some, _bare(one.where)) == (other.none, _bare(other.where))
    if isinstance(one, FactTest) and type(one) is type(other) and one.take != "every":
        return _left_key(one) == _left_key(other) and _bare(one.value) == _bare(other.value) and OPPOSITES.get(one.is_) == other.is_
    return False


def _bare(node: Any) -> Any:
    """The node as plain data without its quotations."""
    if isinstance(node, tuple):
        return tuple(_bare(item) for item in node)
    if isinstance(node, Node):
        left_out = ("quote", "article", "span")
        return (type(node).__name__, tuple(sorted((k, repr(_bare(v))) for k, v in node.__dict__.items() if k not in left_out)))
    return _same(node)


# ------------------------------------------------------------------------------------------------------------- warnings

_INCLUSIVE_MISMATCH = re.compile(r"(?<!不)(大于|超过|高于|多于|早于|晚于|小于|低于|少于|不足|不满|未满)[^，。；、（）()]{0,20}[（(]含")
_EXCLUSIVE_MISMATCH = re.compile(r"(不低于|不少于|不小于|不高于|不超过|不多于|不大于|至少)[^，。；、（）()]{0,20}[（(]不含")


def warnings(benefit: Benefit, registry: Registry, figures: Figures) -> Iterator[CheckFinding]:
    words = [("text", benefit.text or ""), *((at, node.quote) for at, node, _ in places(benefit) if node.quote)]
    for at, text in words:
        found = _INCLUSIVE_MISMATCH.search(text) or _EXCLUSIVE_MISMATCH.search(text)
        if found:
            yield CheckFinding("inclusive-mismatch", at, f"含与不含自相矛盾：“{found[0]}…”", "请向发文单位核实，再定用 >= 还是 >")
    for at, node, _ in places(benefit):
        yield from _place_warnings(at, node, registry, figures)
    tests = [leaf.node for leaf in leaves(benefit.rule)]
    if tests and all(isinstance(test, Judged) for test in tests):
        yield CheckFinding("judged-only", "rule", "规则只有需要人工认定的内容", "没有企业能被自动找到；请看能否写出可比对的条件")
    kinds = {test.some for test in tests if isinstance(test, Some)}
    for leaf in leaves(benefit.rule):
        if leaf.negated and isinstance(leaf.node, LatestTest) and leaf.node.latest not in kinds:
            yield CheckFinding(
                "latest-under-not", f"rule/{leaf.path}", "not 之下的 latest：没有记录的企业也会符合", "如不是本意，请再加一个 some 条件"
            )
    if (benefit.stacking is None or benefit.stacking.once is None) and any("一次性" in text for _, text in words):
        yield CheckFinding("once-missing", "stacking/once", "条文写明“一次性”，但没有写 once", "请写明 life、year、quarter、month 或 item")
    for name in sorted(open_facts_of(benefit)):
        yield CheckFinding("no-authority", "rule", f"“{name}” 还没有提供单位", "请在登记册中登记，并指定唯一的提供单位")


def _place_warnings(at: str, node: Node, registry: Registry, figures: Figures) -> Iterator[CheckFinding]:
    if isinstance(node, All | AnyOf | AtLeast):
        for one, other in _negations([limb for _, limb in limbs(node)]):
            yield CheckFinding("repeats-negation", at, f"第 {one + 1} 项与第 {other + 1} 项互为否定", "总有一项不成立，请核对原文")
    if isinstance(node, Rate) and isinstance(node.rate, Decimal) and node.rate > 1 and _is_money(node.of, registry):
        yield CheckFinding("rate-over-one", f"{at}/rate", f"比例 {node.rate} 大于 1", "百分之五写作 0.05")
    if isinstance(node, Tiers) and node.marginal and _is_money(node.on, registry):
        for position, (_, rate) in enumerate(node.tiers):
            if isinstance(rate, Decimal) and rate > 1:
                yield CheckFinding("rate-over-one", f"{at}/tiers/{position}/1", f"比例 {rate} 大于 1", "百分之五写作 0.05")
    if isinstance(node, Times) and any(isinstance(f, FactValue) and _is_money(f, registry) for f in node.times):
        for position, factor in enumerate(node.times):
            if isinstance(factor, Decimal) and factor > 1:
                yield CheckFinding("rate-over-one", f"{at}/times/{position}", f"比例 {factor} 大于 1", "百分之五写作 0.05")
    if isinstance(node, FactValue | PopulationTest) and node.take == "growth" and node.base_if_zero is None:
        name = node.fact if isinstance(node, FactValue) else ranked_figure(node).fact
        fact = registry.facts.get(name)
        if fact is not None and fact.signed:
            yield CheckFinding(
                "growth-base", at, f"{fact.name} 的上年同期可能为零或负数，增长率无法计算", "请写明 base_if_zero，或改用 increase"
            )
    if isinstance(node, PublicFigure) and node.figure not in figures.figures:
        yield CheckFinding("unknown-figure", at, f"公布数据里没有 “{node.figure}”", "在补入之前一律按未知处理")
    if isinstance(node, FactTest | FieldTest) and node.is_ in ("=", "!=", "in", "not_in"):
        yield from _code_warnings(at, node, registry)
    if isinstance(node, Compared):
        yield from _unit_warnings(at, node, registry)


def _unit_warnings(at: str, test: Compared, registry: Registry) -> Iterator[CheckFinding]:
    """A figure written in another unit than the language's: 2000 for 2000万元, 3 for 3 %."""
    fact = registry.facts.get(test.fact) if isinstance(test, FactTest) else None
    share = isinstance(test, FactTest) and (test.take == "growth" or (fact is not None and fact.type == "ratio"))
    for number in test.value if isinstance(test.value, tuple) else (test.value,):
        if not isinstance(number, Decimal):
            continue
        if share and number > 1:
            yield CheckFinding("share-over-one", f"{at}/value", f"{plain(number)} 即 {plain(number * 100)}%", "百分之三写作 0.03")
        printed = re.search(rf"(?<![\d.,，]){re.escape(plain(number))}\s*([万亿])", test.quote or "") if number else None
        if printed:
            said = f"原文为“{printed[0]}”，规则写作 {plain(number)}"
            yield CheckFinding("unit", f"{at}/value", said, "金额以元为单位，2000万元写作 20000000")


def _is_money(figure: Any, registry: Registry) -> bool:
    if isinstance(figure, FactValue):
        fact = registry.facts.get(figure.fact)
        return fact is None or fact.type == "money"
    return not isinstance(figure, CountOf)


def _code_warnings(at: str, test: FactTest | FieldTest, registry: Registry) -> Iterator[CheckFinding]:
    fact = registry.facts.get(test.fact) if isinstance(test, FactTest) else None
    if fact is None or fact.type != "code" or fact.codes in (None, "district", "industry"):
        return
    known = registry.codes[str(fact.codes)]
    for item in test.value if isinstance(test.value, tuple) else (test.value,):
        if isinstance(item, str) and item not in known:
            yield CheckFinding("unknown-code", f"{at}/value", f"{fact.name} 没有代码 “{item}”", f"可用：{'、'.join(known)}")


def shared_names(benefit: Benefit, others: Iterable[Benefit]) -> Iterator[CheckFinding]:
    stacking = benefit.stacking
    if stacking is None:
        return
    rest = [other.stacking for other in others if other.stacking is not None and other.id != benefit.id]
    groups = {_group(group) for other in rest for group in other.groups or ()}
    for position, group in enumerate(stacking.groups or ()):
        if _group(group) not in groups:
            yield CheckFinding(
                "named-once", f"stacking/groups/{position}", f"只有本事项属于 “{_group(group)}” 组", "请核对组名，或补上同组的事项"
            )
    for position, cap in enumerate(stacking.caps or ()):
        same = [other for others_caps in rest for other in others_caps.caps or () if other.name == cap.name]
        if not same:
            yield CheckFinding(
                "named-once", f"stacking/caps/{position}", f"只有本事项受 “{cap.name}” 限额约束", "请核对名称，或补上同限额的事项"
            )
        if any(_bare(other.at) != _bare(cap.at) or other.per != cap.per for other in same):
            yield CheckFinding(
                "cap-differs", f"stacking/caps/{position}", f"“{cap.name}” 在不同事项中的限额不一致", "同名限额应相同，请核对原文"
            )


def _group(group: str | Group) -> str:
    return group.name if isinstance(group, Group) else group
