"""Values as officers write them (2000万元, 3%, 2025年6月30日, 1年前, 小型、微型), read and written by the type of the attribute."""

import re
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.rules import LIST_OPERATORS, Entry, Registry

PERIODS = {
    "": "不分期间", "last_year": "上年度", "this_year": "本年度", "year-2": "前年度", "last_quarter": "上季度",
    "same_quarter_last_year": "上年同期季度", "month-1": "上月",
}  # fmt: skip


class Uncorrectable(ValueError):
    """A form that cannot be taken: which field, what is wrong and what to write."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(problem)
        self.field, self.problem = field, problem


def read(text: str, operator: str, entry: Entry | None, registry: Registry) -> Any:
    """A value as an officer writes it. Raises Uncorrectable."""
    text = text.strip()
    if operator == "during":
        return period(text)
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
        return day(text)
    if sort in ("money", "number", "ratio"):
        return number(text, sort)
    if sort == "code":
        codes = _codes(text, entry, registry)
        if len(codes) != 1:
            raise Uncorrectable("value", f"“{text}”对应多个代码；请改用“为下列之一”")
        return codes[0]
    if sort is None and re.fullmatch(r"[\d.,]+\s*(?:[万亿]?元|[万亿]|%|‰)?", text):
        return number(text, "ratio" if text.endswith(("%", "‰")) else "money")
    return text


def number(text: str, sort: str) -> Decimal:
    """A number with its unit, in yuan or as a fraction; `sort` is money, ratio or number. Raises Uncorrectable."""
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


def day(text: str) -> Any:
    """A day, or so long ago. Raises Uncorrectable."""
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


def period(text: str) -> str:
    """A period, printed or relative. Raises Uncorrectable."""
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
