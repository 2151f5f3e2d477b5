"""Correct one test of a draft's rule from the fields of a form: attribute, operator, value, period; the quotation stays.

Values are written as officers write them (2000万元, 3%, 2025年6月30日, 1年前, 小型、微型) and read by the type of the attribute.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.rules import LIST_OPERATORS, OPEN, Entry, Registry
from services.catalog.domain.cases import LABEL, generated
from services.catalog.domain.lint import plain_day

OPERATORS = {
    ">=": "不低于（≥）", ">": "高于（＞）", "<=": "不高于（≤）", "<": "低于（＜）", "=": "等于（＝）", "!=": "不等于（≠）",
    "between": "在……至……之间（含）", "during": "在某期间内", "in": "为下列之一", "not_in": "不为下列任何一个",
    "under": "属于（含下级）", "not_under": "不属于（含下级）", "has": "包括下列之一", "has_all": "同时包括", "has_none": "不包括",
}  # fmt: skip
PERIODS = {
    "": "不分期间", "last_year": "上年度", "this_year": "本年度", "year-2": "前年度", "last_quarter": "上季度",
    "same_quarter_last_year": "上年同期季度", "month-1": "上月",
}  # fmt: skip
TAKES = {"": "数值本身", "growth": "同比增长率", "increase": "同比增加额"}
_EVIDENCE = ("quote", "article", "span")
_ORDERED: Mapping[str, tuple[str, ...]] = {
    "number": (">=", ">", "<=", "<", "=", "!=", "between"),
    "date": (">=", ">", "<=", "<", "=", "!=", "between", "during"),
    "bool": ("=", "!="),
    "text": ("=", "!=", "in", "not_in"),
    "code": ("=", "!=", "in", "not_in", "under", "not_under"),
    "set": ("has", "has_all", "has_none"),
}
_SORTS = {"money": "number", "ratio": "number", "end": "date"}


class Uncorrectable(ValueError):
    """A form that cannot be taken: which field, what is wrong and what to write."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field, self.problem = field, problem


@dataclass(frozen=True)
class Correction:
    """The fields of the form. An empty value keeps what the test compares with, if its attribute stays."""

    attribute: str
    operator: str
    value: str = ""
    period: str = ""
    take: str = ""


def node_at(rule: Any, path: str) -> Any:
    """The node at a path such as rule/all/0. Raises Uncorrectable where there is none."""
    node = {"rule": rule}
    for step in path.split("/"):
        try:
            node = node[int(step)] if isinstance(node, list) else node[step]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise Uncorrectable("path", f"规则里没有 {path}；规则可能已经改动，请回到事项页") from error
    return node


def replaced(rule: Any, path: str, node: Any) -> Any:
    """The rule with another node at a path; None takes the node out, and an empty group with it."""
    steps = path.split("/")
    return _replaced({"rule": rule}, steps, node).get("rule", {"all": []})


def _replaced(here: Any, steps: list[str], node: Any) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(here, list):
        at = int(step)
        below = _replaced(here[at], rest, node) if rest else node
        return [*here[:at], *([] if below is None else [below]), *here[at + 1 :]]
    below = _replaced(here[step], rest, node) if rest else node
    if below is None or (below == [] and step in ("all", "any", "of")):
        kept = {key: value for key, value in here.items() if key != step}
        return kept if "rule" in here else None
    found = {**here, step: below}
    if step == "of" and found.get("at_least", 0) > len(below):
        found["at_least"] = len(below)
    return found


def judged(node: Mapping[str, Any], words: str) -> dict[str, Any]:
    """The test given to a person to decide, with its quotation."""
    words = words.strip() or str(node.get("quote") or "")
    if not words:
        raise Uncorrectable("value", "请写明由人认定的内容")
    return {"judged": words, **_evidence(node)}


def without_case(benefit: Mapping[str, Any], position: int) -> dict[str, Any]:
    """The benefit without one of its cases. Raises Uncorrectable where there is none."""
    cases = list(benefit.get("cases") or ())
    if not 0 <= position < len(cases):
        raise Uncorrectable("case", "没有这一用例；事项可能已经改动，请回到事项页")
    return {**benefit, "cases": [*cases[:position], *cases[position + 1 :]]}


def with_new_cases(benefit: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """The benefit with its generated cases made anew from the rule as it is now; cases that people wrote stay. Raises Uncorrectable."""
    cases = list(benefit.get("cases") or ())
    own = [case for case in cases if not case["name"].startswith(LABEL)]
    begins = [plain_day((benefit.get(span) or {}).get("from")) for span in ("valid", "window")]
    days = [plain_day(case["as_of"]) for case in cases if case["name"].startswith(LABEL)] or begins
    first = max((day for day in days if day is not None), default=None)
    made = generated(benefit["rule"], benefit.get("amount"), as_of=first, registry=registry)
    if not made:
        raise Uncorrectable("case", "按现在的规则写不出用例：规则里有须由人认定的内容、尚未登记的事实，或没有写明有效期的起始日")
    return {**benefit, "cases": [*own, *made]}


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
        value = read(change.value, change.operator, Entry(name="", type="ratio") if change.take == "growth" else entry, registry)
    extra = {"open": node["open"]} if same and change.operator == "between" and "open" in node else {}
    return {**left, "is": change.operator, "value": value, **extra, **_evidence(node)}


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


def read(text: str, operator: str, entry: Entry | None, registry: Registry) -> Any:
    """A value as an officer writes it. Raises Uncorrectable."""
    text = text.strip()
    if operator == "during":
        return _period(text)
    if operator == "between":
        parts = re.split(r"\s*(?:至|到|~|～|—+)\s*", text)
        if len(parts) != 2:
            raise Uncorrectable("value", "请写成“下限至上限”，如 100万元至500万元")
        return [_one(part, entry, registry) for part in parts]
    if operator in LIST_OPERATORS:
        parts = [part for part in re.split(r"\s*[、，,；;]\s*|\n", text) if part]
        return [code for part in parts for code in _codes(part, entry, registry)]
    return _one(text, entry, registry)


def _one(text: str, entry: Entry | None, registry: Registry) -> Any:
    sort = entry.type if entry else None
    if sort == "bool":
        if text not in ("是", "否"):
            raise Uncorrectable("value", "请填 是 或 否")
        return text == "是"
    if sort in ("date", "end"):
        return _day(text)
    if sort in ("money", "number", "ratio"):
        return _number(text, sort)
    if sort == "code":
        codes = _codes(text, entry, registry)
        if len(codes) != 1:
            raise Uncorrectable("value", f"“{text}”对应多个代码；请改用“为下列之一”")
        return codes[0]
    if sort is None and re.fullmatch(r"[\d.,]+\s*(?:[万亿]?元|[万亿]|%|‰)?", text):
        return _number(text, "ratio" if text.endswith(("%", "‰")) else "money")
    return text


def _number(text: str, sort: str) -> Decimal:
    found = re.fullmatch(r"(-?[\d,]+(?:\.\d+)?)\s*(万|亿)?\s*(%|‰|元|[^\d\s]{0,4})", text)
    try:
        number = Decimal(found[1].replace(",", "")) if found else None
    except InvalidOperation:
        number = None
    if found is None or number is None:
        example = {"money": "2000万元", "ratio": "3%"}.get(sort, "50")
        raise Uncorrectable("value", f"“{text}”不是数值；请写成如 {example}")
    unit = {"%": Decimal("0.01"), "‰": Decimal("0.001")}.get(found[3], Decimal(1))
    if unit != 1 and sort != "ratio":
        raise Uncorrectable("value", "这一属性不是比例，请勿写百分号")
    return _plain(number * unit * {"万": 10**4, "亿": 10**8}.get(found[2] or "", 1))


def _plain(number: Decimal) -> Decimal:
    return number.to_integral_value() if number == number.to_integral_value() else number.normalize()


def _day(text: str) -> Any:
    ago = re.fullmatch(r"(\d+)\s*(年|个月|月|天|日)(?:以)?前", text)
    if ago:
        return {"ago": {{"年": "years", "个月": "months", "月": "months"}.get(ago[2], "days"): int(ago[1])}}
    printed = re.fullmatch(r"(\d{4})[-年./](\d{1,2})[-月./](\d{1,2})日?", text)
    try:
        return date(int(printed[1]), int(printed[2]), int(printed[3])).isoformat() if printed else _no_day(text)
    except ValueError:
        return _no_day(text)


def _no_day(text: str) -> Any:
    raise Uncorrectable("value", f"“{text}”不是日期；请写成 2025-06-30、2025年6月30日，或 1年前")


def _period(text: str) -> str:
    named = {words: name for name, words in PERIODS.items() if name}
    if text in named:
        return named[text]
    printed = re.fullmatch(r"(\d{4})年?(?:度|(?:第([1-4一二三四])季度)|(?:(\d{1,2})月))?", text)
    if printed:
        year, quarter, month = printed.groups()
        return year + (f"Q{'一二三四'.find(quarter) + 1 or quarter}" if quarter else f"-{int(month):02d}" if month else "")
    raise Uncorrectable("value", f"“{text}”不是期间；请写成 上年度、2025年、2025年第1季度 或 2025年3月")


def _codes(text: str, entry: Entry | None, registry: Registry) -> list[str]:
    """Codes by their names or other wordings; a text that is no code stays as it is."""
    listed = registry.codes.get(entry.codes, {}) if entry and entry.codes else {}
    if text in listed or not listed:
        return [text]
    found = [code for code, names in listed.items() if text in names]
    if found:
        return found
    if entry is not None and entry.type == "code" and not re.fullmatch(r"[A-Z]?\d{1,6}|[A-Z]", text):
        known = "、".join(names[0] for names in list(listed.values())[:12])
        raise Uncorrectable("value", f"“{text}”不在{entry.name}的代码表里；如：{known}")
    return [text]


def written(value: Any, entry: Entry | None, registry: Registry) -> str:
    """A plain value as the form shows it, so that reading it gives the value back; "" for one the form cannot show."""
    if isinstance(value, list):
        parts = [written(part, entry, registry) for part in value]
        return "、".join(parts) if all(parts) else ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, int | Decimal):
        return _figure(Decimal(value), entry)
    if isinstance(value, str):
        names = registry.codes.get(entry.codes, {}).get(value) if entry and entry.codes else None
        unique = names and [code for code, other in registry.codes[str(entry and entry.codes)].items() if names[0] in other] == [value]
        return names[0] if names and unique and not re.search(r"[、，,；;]", names[0]) else value
    if isinstance(value, dict) and value.keys() == {"ago"} and len(value["ago"]) == 1:
        (unit, number), *_ = value["ago"].items()
        return f"{number}{ {'years': '年', 'months': '个月', 'days': '天'}.get(unit, '') }前"
    return ""


def _figure(value: Decimal, entry: Entry | None) -> str:
    if entry is not None and entry.type == "ratio":
        return f"{(value * 100).normalize():f}%"
    if entry is not None and entry.type == "money":
        for size, unit in ((10**8, "亿元"), (10**4, "万元")):
            if abs(value) >= size and value / size * 100 % 1 == 0:
                return f"{(value / size).normalize():f}{unit}"
        return f"{value:f}元"
    return f"{value:f}"


def _evidence(node: Mapping[str, Any]) -> dict[str, Any]:
    return {name: node[name] for name in _EVIDENCE if name in node}
