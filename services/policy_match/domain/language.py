"""Whether the registry can answer what a benefit asks: facts, record kinds, fields, periods, and values of the right type."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from contracts.rules import (
    NUMERIC,
    OPEN,
    TWINS,
    Ago,
    Benefit,
    Compared,
    CountOf,
    EarliestOf,
    FactValue,
    FieldValue,
    LatestOf,
    Node,
    NoneOf,
    Plus,
    PopulationTest,
    PublicFigure,
    Registry,
    RuleCase,
    SharedCap,
    Shift,
    Some,
    Span,
    SumOf,
    Times,
)
from services.policy_match.domain.interpreter import ranked_figure
from services.policy_match.domain.periods import resolve
from services.policy_match.domain.values import TypeMismatch, typed


class CheckFinding(NamedTuple):
    """One thing found: a stable code, where, what is wrong, what to do."""

    code: str
    at: str
    problem: str
    hint: str


def language_problems(benefit: Benefit, registry: Registry) -> list[CheckFinding]:
    """What makes the benefit undecidable: facts, kinds, fields, periods and types the registry does not know."""
    return [finding for place in places(benefit) for finding in _place_problems(place, registry)]


class Place(NamedTuple):
    """A node with its path, and the record kind whose row it looks at."""

    at: str
    node: Node
    row: str | None


_KIND_KEYS = ("some", "none", "count", "sum", "earliest", "latest", "each")


def kind_of(node: Node) -> str | None:
    """The record kind a node looks at."""
    return next((name for key in _KIND_KEYS if isinstance(name := node.__dict__.get(key), str)), None)


def places(node: Any, at: str = "", row: str | None = None) -> Iterator[Place]:
    if isinstance(node, tuple):
        for position, item in enumerate(node):
            yield from places(item, f"{at}/{position}", row)
    elif isinstance(node, Node) and not isinstance(node, RuleCase):
        yield Place(at, node, row)
        fields = type(node).model_fields
        kind = kind_of(node)
        for name, item in node.__dict__.items():
            inside = kind if kind is not None and name in ("where", "pay") else row
            yield from places(item, f"{at}/{fields[name].alias or name}".lstrip("/"), inside)


def _place_problems(place: Place, registry: Registry) -> Iterator[CheckFinding]:
    at, node, row = place
    if isinstance(node, FactValue):
        yield from _fact_problems(at, node, registry)
    elif isinstance(node, PopulationTest):
        yield from _fact_problems(at, ranked_figure(node), registry, numbers_only=True)
    if isinstance(node, FieldValue):
        if row is None:
            yield CheckFinding("field-outside-row", at, f"field “{node.field}” 只能写在 where 或 each 里", "请移入 where，或改用 fact")
        else:
            yield from _field_problems(at, row, node.field, registry)
    kind = kind_of(node)
    if kind is not None:
        if kind not in registry.kinds:
            yield CheckFinding("unknown-kind", at, f"登记册没有记录类型 “{kind}”", f"可用：{'、'.join(registry.kinds)}")
        elif isinstance(node, SumOf | EarliestOf | LatestOf):
            yield from _field_problems(at, kind, node.field, registry)
        if row is not None and isinstance(node, Some | NoneOf | CountOf | SumOf) and isinstance(node, Compared | Some | NoneOf):
            yield CheckFinding("record-in-row", at, "where 里只能写同一行的条件和企业的事实，不能再写记录条件", "请移到 where 之外")
    yield from _type_problems(place, registry)


def _fact_problems(at: str, node: FactValue, registry: Registry, *, numbers_only: bool = False) -> Iterator[CheckFinding]:
    if node.fact.startswith(OPEN):
        return
    fact = registry.facts.get(node.fact)
    if fact is None:
        yield CheckFinding(
            "unknown-fact", at, f"登记册没有事实 “{node.fact}”", f"请改用登记册里的事实，或写作 “{OPEN}{node.fact}” 表示尚未登记"
        )
        return
    known = "、".join(fact.periods)
    if node.period is None and fact.periods:
        yield CheckFinding("period-missing", at, f"{fact.name}（{node.fact}）按期间统计，缺少 period", f"请写明期间：{known}")
    elif node.period is not None and not fact.periods:
        yield CheckFinding("period-needless", at, f"{fact.name}（{node.fact}）不分期间", "请删去 period")
    elif node.period is not None and (kind := resolve(node.period, date(2000, 1, 1)).kind) not in fact.periods:
        yield CheckFinding("period-wrong", at, f"{fact.name}（{node.fact}）没有按 {kind} 的数", f"请改用：{known}")
    if fact.type not in NUMERIC and (numbers_only or node.take not in (None, "every")):
        yield CheckFinding("wrong-type", at, f"{fact.name}（{node.fact}）不是数值", "take 与排名只用于数值")


def _field_problems(at: str, kind: str, field: str, registry: Registry) -> Iterator[CheckFinding]:
    known = registry.kinds.get(kind)
    if known is not None and field not in known.fields:
        yield CheckFinding("unknown-field", at, f"记录 “{kind}” 没有字段 “{field}”", f"可用：{'、'.join(known.fields)}")


# ---------------------------------------------------------------------------------------------------------------- types

# The sorts of value that can be compared with one another.
_SORTS = {"number": "数值", "date": "日期", "text": "文字", "bool": "真假值", "set": "集合"}
_WRITTEN = {
    "number": "数值不加引号和单位：2000万元写作 20000000，3% 写作 0.03", "date": "日期写作 \"2025-06-30\"", "text": "文字和代码加引号",
    "bool": "写作 true 或 false", "set": "写作列表 [\"…\"]",
}  # fmt: skip
_SORT_OF = {"text": "text", "code": "text", "bool": "bool", "date": "date", "end": "date", "set": "set"} | dict.fromkeys(NUMERIC, "number")
_ALLOWED: dict[str, tuple[str, ...]] = {
    "=": ("number", "date", "text", "bool"),
    "<": ("number", "date"),
    "<=": ("number", "date"),
    ">": ("number", "date"),
    ">=": ("number", "date"),
    "between": ("number", "date"),
    "during": ("date",),
    "in": ("text",),
    "under": ("text",),
    "has": ("set",),
    "has_all": ("set",),
}


def _sort(node: Any, row: str | None, registry: Registry) -> str | None:
    """The sort of a value or of a test's left side; None where nothing is known of it."""
    if isinstance(node, bool):
        return "bool"
    if isinstance(node, Decimal | CountOf | SumOf | Plus | Times | PopulationTest):
        return "number"
    if isinstance(node, Ago | Shift | EarliestOf | LatestOf):
        return "date"
    if isinstance(node, str):
        return "text"
    if isinstance(node, FactValue):
        fact = registry.facts.get(node.fact)
        return "number" if node.take not in (None, "every") else _SORT_OF[fact.type] if fact else None
    if isinstance(node, FieldValue) and row in registry.kinds:
        field = registry.kinds[str(row)].fields.get(node.field)
        return _SORT_OF[field.type] if field else None
    return None


def _type_problems(place: Place, registry: Registry) -> Iterator[CheckFinding]:
    at, node, row = place
    if isinstance(node, Compared):
        yield from _comparison_problems(at, node, row, registry)
    if isinstance(node, FactValue | PopulationTest) and node.since is not None:
        yield from _must_be("date", f"{at}/since", node.since, row, registry)
    if isinstance(node, PublicFigure) and node.on is not None:
        yield from _must_be("date", f"{at}/on", node.on, row, registry)
    if isinstance(node, Shift):
        yield from _must_be("date", f"{at}/of", node.of, row, registry)
    if isinstance(node, Span):
        for key, end in (("from", node.from_), ("to", node.to)):
            if end is not None:
                yield from _must_be("date", f"{at}/{key}", end, row, registry)
    if isinstance(node, SharedCap):
        yield from _must_be("number", f"{at}/at", node.at, row, registry)
    for key in ("plus", "times"):
        for position, item in enumerate(node.__dict__.get(key) or ()):
            yield from _must_be("number", f"{at}/{key}/{position}", item, row, registry)
    if isinstance(node, SumOf | EarliestOf | LatestOf):
        field = registry.field(str(kind_of(node)), node.field)
        sort = "number" if isinstance(node, SumOf) else "date"
        if field is not None and _SORT_OF[field.type] != sort:
            yield CheckFinding("wrong-type", at, f"字段 “{node.field}” 不是{_SORTS[sort]}", f"这里需要{_SORTS[sort]}字段")
    if type(node).__name__ in _MONEY_KEYS:
        for key in _MONEY_KEYS[type(node).__name__]:
            for position, item in enumerate(_figures(node.__dict__.get(key))):
                yield from _must_be("number", f"{at}/{key}/{position}", item, row, registry)


_MONEY_KEYS = {
    "Fixed": ("fixed",), "Rate": ("rate", "of"), "Per": ("per", "count", "step"), "Tiers": ("on", "tiers"), "Case": ("case", "else_"),
    "Each": ("pay",), "Total": ("sum",), "Least": ("min",), "Most": ("max",), "Cap": ("cap", "of"), "Floor": ("floor", "of"),
    "Less": ("less", "paid"), "Instalments": ("instalments",), "JudgedAmount": ("between",),
}  # fmt: skip


def _figures(item: Any) -> Iterator[Any]:
    """The facts and fields that stand where an amount takes a figure."""
    if isinstance(item, tuple):
        for part in item:
            yield from _figures(part)
    elif isinstance(item, FactValue | FieldValue) and not isinstance(item, Compared):
        yield item


def _must_be(sort: str, at: str, item: Any, row: str | None, registry: Registry) -> Iterator[CheckFinding]:
    found = _sort(item, row, registry)
    if sort == "date" and isinstance(item, str):
        found = "date" if _reads_as_date(item) else "text"
    if isinstance(item, tuple):
        yield CheckFinding("wrong-type", at, "这里不能是列表", f"应为{_SORTS[sort]}")
    elif found is not None and found != sort:
        given = f"“{item}”" if isinstance(item, str) else ""
        yield CheckFinding("wrong-type", at, f"应为{_SORTS[sort]}，得到{_SORTS[found]}{given}", _WRITTEN[sort])


def _reads_as_date(text: str) -> bool:
    try:
        typed(text, "date")
    except TypeMismatch:
        return False
    return len(text) == 10


def _comparison_problems(at: str, test: Compared, row: str | None, registry: Registry) -> Iterator[CheckFinding]:
    sort = _sort(test, row, registry)
    if sort is None:
        return
    op = TWINS.get(test.is_, test.is_)
    if sort not in _ALLOWED[op]:
        allowed = "、".join(name for name, sorts in _ALLOWED.items() if sort in sorts)
        yield CheckFinding("wrong-type", f"{at}/is", f"“{test.is_}” 不能用于{_SORTS[sort]}", f"可用：{allowed} 及其否定")
        return
    if op == "during":
        return
    right = test.value if isinstance(test.value, tuple) else (test.value,)
    for position, item in enumerate(right):
        place = f"{at}/value/{position}" if isinstance(test.value, tuple) else f"{at}/value"
        if op in ("has", "has_all", "in"):
            if _sort(item, row, registry) not in ("text", "set", None):
                yield from _must_be("text", place, item, row, registry)
        else:
            yield from _must_be(sort, place, item, row, registry)
