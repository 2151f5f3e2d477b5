"""One test of a draft's rule from the fields of a form: attribute, operator, value, period; the quotation stays."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from contracts.rules import NUMERIC, OPEN, Entry, Registry
from services.catalog.domain.correcting.figures import read_figure
from services.catalog.domain.correcting.paths import evidence_of, record_of
from services.catalog.domain.correcting.values import Uncorrectable, read

OPERATORS = {
    ">=": "不低于（≥）", ">": "高于（＞）", "<=": "不高于（≤）", "<": "低于（＜）", "=": "等于（＝）", "!=": "不等于（≠）",
    "between": "在……至……之间（含）", "during": "在某期间内", "in": "为下列之一", "not_in": "不为下列任何一个",
    "under": "属于（含下级）", "not_under": "不属于（含下级）", "has": "包括下列之一", "has_all": "同时包括", "has_none": "不包括",
}  # fmt: skip
TAKES = {"": "数值本身", "growth": "同比增长率", "increase": "同比增加额"}
_ORDERED: Mapping[str, tuple[str, ...]] = {
    "number": (">=", ">", "<=", "<", "=", "!=", "between"),
    "date": (">=", ">", "<=", "<", "=", "!=", "between", "during"),
    "bool": ("=", "!="),
    "text": ("=", "!=", "in", "not_in"),
    "code": ("=", "!=", "in", "not_in", "under", "not_under"),
    "set": ("has", "has_all", "has_none"),
}
_SORTS = {"money": "number", "ratio": "number", "end": "date"}


@dataclass(frozen=True)
class Correction:
    """The fields of the form. An empty value keeps what the test compares with, if its attribute stays."""

    attribute: str
    operator: str
    value: str = ""
    period: str = ""
    take: str = ""


def judged(node: Mapping[str, Any], words: str) -> dict[str, Any]:
    """The test given to a person to decide, with its quotation."""
    words = words.strip() or str(node.get("quote") or "")
    if not words:
        raise Uncorrectable("value", "请写明由人认定的内容")
    return {"judged": words, **evidence_of(node)}


def corrected(node: Mapping[str, Any], change: Correction, registry: Registry, *, kind: str | None = None) -> dict[str, Any]:
    """The test as the form has it; `kind` is the record kind whose row it looks at. Raises Uncorrectable."""
    entry = entry_of(change.attribute, registry, kind)
    left = {"field" if kind else "fact": change.attribute}
    same = node.get("field" if kind else "fact") == change.attribute
    if not kind:
        left |= _modifiers(node if same else {}, change, entry)
    allowed = operators_of(entry, ratio=change.take == "growth")
    if change.operator not in allowed:
        raise Uncorrectable("operator", f"这一属性可用：{'、'.join(OPERATORS[one] for one in allowed)}")
    if not change.value.strip():
        if not same or "value" not in node:
            raise Uncorrectable("value", "请填写比较的值")
        value = node["value"]
    else:
        value = _compared(change, Entry(name="", type="ratio") if change.take == "growth" else entry, registry, kind)
    extra = {"open": node["open"]} if same and change.operator == "between" and "open" in node else {}
    return {**left, "is": change.operator, "value": value, **extra, **evidence_of(node)}


def _compared(change: Correction, entry: Entry | None, registry: Registry, kind: str | None) -> Any:
    """What the test compares with: a plain value, or for a figure another figure (3% × 上年度营业收入)."""
    try:
        return read(change.value, change.operator, entry, registry)
    except Uncorrectable as error:
        if entry is None or entry.type not in NUMERIC or change.operator == "between":
            raise
        try:
            return read_figure(change.value, entry.type, registry, kind=kind)
        except Uncorrectable as other:
            raise other if re.search(r"[×*+年季月]", change.value) else error from other


def _modifiers(node: Mapping[str, Any], change: Correction, entry: Entry | None) -> dict[str, Any]:
    periods = getattr(entry, "periods", ())
    if entry is not None and not periods and change.period:
        raise Uncorrectable("period", f"{entry.name}不分期间，请选“不分期间”")
    if periods and not change.period:
        raise Uncorrectable("period", f"{entry.name if entry else ''}按期间统计，请选择期间")
    found: dict[str, Any] = {"period": change.period} if change.period else {}
    folded = node.get("take") not in (None, "growth", "increase")
    for name in ("over", "since", "base_if_zero") if change.take or folded else ():
        if name in node:
            found[name] = node[name]
    if folded and not change.take:
        found["take"] = node["take"]  # 连续, 平均 and the like stay: the form does not show them
    elif change.take:
        found["take"] = change.take
        if change.take == "increase":
            found.pop("over", None)
    return found


def entry_of(attribute: str, registry: Registry, kind: str | None) -> Entry | None:
    """What the registry knows of an attribute; None for one it does not have yet. Raises Uncorrectable for an unknown id."""
    if kind is not None:
        rows = registry.kinds.get(kind)
        if rows is None or attribute not in rows.fields:
            raise Uncorrectable("attribute", "这类记录没有这一字段")
        return rows.fields[attribute]
    if attribute.startswith(OPEN) and len(attribute) > len(OPEN):
        return None
    if attribute not in registry.facts:
        raise Uncorrectable("attribute", "登记表中没有这一属性；尚未登记的请在“其他属性”中写明名称")
    return registry.facts[attribute]


def operators_of(entry: Entry | None, *, ratio: bool = False) -> tuple[str, ...]:
    """The operators that fit an attribute; all of them where its type is not known."""
    if ratio:
        return _ORDERED["number"]
    return tuple(OPERATORS) if entry is None else _ORDERED[_SORTS.get(entry.type, entry.type)]


QUANTIFIERS = {"some": "有这样的记录", "none": "没有这样的记录", "count": "这样的记录不少于若干条"}


def about_records(how: str, kind: str, at_least: str, registry: Registry) -> dict[str, Any]:
    """A test on the rows of a record kind, its conditions still to be added. Raises Uncorrectable."""
    if kind not in registry.kinds:
        raise Uncorrectable("kind", "请选择一类记录")
    if how not in QUANTIFIERS:
        raise Uncorrectable("quantifier", f"请选择：{'、'.join(QUANTIFIERS.values())}")
    if how != "count":
        return {how: kind, "where": []}
    number = read(at_least, ">=", Entry(name="", type="number"), registry) if at_least.strip() else None
    if number is None or number < 1 or number != int(number):
        raise Uncorrectable("at_least", "请填写条数，如 2")
    return {"count": kind, "where": [], "is": ">=", "value": int(number)}


def with_condition(node: Mapping[str, Any], new: Mapping[str, Any], *, either: bool = False) -> dict[str, Any]:
    """A group, a record test or an amount over rows with one more condition; a lone test becomes a group of the two.

    `either`: the new one holds in place of a lone test, not beside it.
    """
    if record_of(node) is not None:
        return {**node, "where": [*(node.get("where") or ()), dict(new)]}
    for key in ("all", "any", "of"):
        if isinstance(node.get(key), list | tuple):
            return {**node, key: [*node[key], dict(new)]}
    return {"any" if either else "all": [dict(node), dict(new)]}
