"""Figures of an amount or of a test's right side as officers write them: 20万元, 上年度研发费用, 5% × 上年度营业收入, 已投资.

What is written can be read back to the same figure; what has no such words is shown as nothing and stays as it is.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from contracts.rules import OPEN, Entry, Registry
from services.catalog.domain.correcting.paths import bare
from services.catalog.domain.correcting.values import PERIODS, Uncorrectable, number, period, written

FOLDS = {
    "sum": "合计", "mean": "平均", "min": "最低值", "max": "最高值", "growth": "同比增长率", "increase": "同比增加额"
}  # fmt: skip
UNREGISTERED = "（尚未登记）"
_FACT = re.compile(
    r"(?:截至)?(?P<period>上年度|本年度|前年度|上季度|上年同期季度|上月|\d{4}年(?:第[1-4一二三四]季度|\d{1,2}月|度)?)?"
    rf"(?:连续(?P<over>\d+)期)?(?P<name>.+?)(?P<take>{'|'.join(FOLDS.values())})?"
)
_SHARE = re.compile(r"(?P<of>.+?)的(?P<rate>\d+(?:\.\d+)?\s*[%‰])")
EXAMPLE = "20万元、上年度研发费用、5% × 上年度营业收入"


def read_figure(text: str, sort: str, registry: Registry, *, kind: str | None = None, field: str = "value") -> Any:
    """A figure in words; `sort` is money, ratio or number, `kind` the record kind whose fields may be named. Raises Uncorrectable."""
    text = text.strip()
    for sign, key in (("+", "plus"), ("×", "times")):
        parts = _split(text.translate(_SIGNS), sign)
        if len(parts) > 1:
            within = "factor" if key == "times" else sort
            return {key: [read_figure(part, within, registry, kind=kind, field=field) for part in parts]}
    if not text:
        raise Uncorrectable(field, f"请填写，如 {EXAMPLE}")
    if re.match(r"-?\d[\d,.]*(?!年)", text) and not re.match(r"\d{4}年", text):
        try:
            return number(text, "ratio" if sort == "factor" else sort)
        except Uncorrectable as error:
            raise Uncorrectable(field, error.problem) from error
    return _named(text, registry, kind, field)


_SIGNS = str.maketrans({"＋": "+", "*": "×", "✕": "×", "(": "（", ")": "）"})


def _split(text: str, sign: str) -> list[str]:
    """The parts between a sign, brackets left whole; a bracket around everything is taken off."""
    if text.startswith("（") and text.endswith("）") and _depths(text)[:-1].count(0) == 0:
        text = text[1:-1]
    depths = _depths(text)
    cuts = [at for at, char in enumerate(text) if char == sign and depths[at] == 0]
    return [part.strip() for part in (text[a + 1 : b] for a, b in zip([-1, *cuts], [*cuts, len(text)], strict=True))]


def _depths(text: str) -> list[int]:
    depth, found = 0, []
    for char in text:
        depth += {"（": 1, "）": -1}.get(char, 0)
        found.append(depth)
    return found


def _named(text: str, registry: Registry, kind: str | None, field: str) -> Any:
    if kind is not None:
        fields = [name for name, entry in registry.kinds[kind].fields.items() if text == entry.name]
        if fields:
            return {"field": fields[0]}
    if re.fullmatch(r"[A-Z]+-\d+[YM]", text):
        return {"figure": text}
    for name, rows in registry.kinds.items():
        if text == f"{rows.name}记录的条数":
            return {"count": name}
        for one, entry in rows.fields.items():
            if text == f"{rows.name}记录的{entry.name}合计":
                return {"sum": name, "field": one}
    found = _FACT.fullmatch(text)
    if found is None:
        raise Uncorrectable(field, f"“{text}”看不懂；请写成如 {EXAMPLE}")
    fact = _fact(found["name"], registry, field)
    return _measured(fact, found, registry, field)


def _fact(name: str, registry: Registry, field: str) -> str:
    if name.endswith(UNREGISTERED) and len(name) > len(UNREGISTERED):
        return OPEN + name.removesuffix(UNREGISTERED)
    found = [fact for fact, entry in registry.facts.items() if entry.name == name]
    found = found or [fact for fact, entry in registry.facts.items() if name in entry.vocab]
    if len(found) != 1:
        known = f"登记表中没有“{name}”这一属性；尚未登记的请写成“{name}{UNREGISTERED}”"
        raise Uncorrectable(field, f"“{name}”对应多个属性，请写全称" if found else known)
    return found[0]


def _measured(fact: str, found: re.Match[str], registry: Registry, field: str) -> dict[str, Any]:
    entry = registry.facts.get(fact)
    node: dict[str, Any] = {"fact": fact}
    if found["period"]:
        node["period"] = period(found["period"])
    if entry is not None and bool(entry.periods) != bool(found["period"]):
        raise Uncorrectable(field, f"{entry.name}按期间统计，请写明，如“上年度{entry.name}”" if entry.periods else f"{entry.name}不分期间")
    if found["over"]:
        node["over"] = int(found["over"])
    if found["take"]:
        node["take"] = next(key for key, words in FOLDS.items() if words == found["take"])
    folds = node.get("take") in ("sum", "mean", "min", "max")
    if folds != ("over" in node) and not (node.get("take") == "growth" and "over" in node):
        raise Uncorrectable(field, "几个期间合在一起请写成如“截至上年度连续3期研发费用合计”")
    return node


def written_figure(node: Any, sort: str, registry: Registry, *, kind: str | None = None) -> str:
    """A figure in words that read back to it; "" for one that has none."""
    text = _written(node, sort, registry, kind)
    try:
        return text if text and read_figure(text, sort, registry, kind=kind) == bare(node) else ""
    except Uncorrectable:
        return ""


def _written(node: Any, sort: str, registry: Registry, kind: str | None) -> str:
    if isinstance(node, bool):
        return ""
    if isinstance(node, int | Decimal):
        if sort == "factor":
            return f"{Decimal(node):f}"
        return written(node, Entry(name="", type="money" if sort == "money" else "ratio" if sort == "ratio" else "number"), registry)
    if not isinstance(node, Mapping):
        return ""
    for key, sign in (("plus", " + "), ("times", " × ")):
        if key in node:
            parts = [_written(part, "factor" if key == "times" else sort, registry, kind) for part in node[key]]
            parts = [f"（{part}）" if any(mark in part for mark in "+×") else part for part in parts]
            return sign.join(parts) if all(parts) else ""
    if "field" in node and "sum" not in node:
        rows = registry.kinds.get(kind or "")
        return rows.fields[node["field"]].name if rows and node["field"] in rows.fields else ""
    if "figure" in node:
        return str(node["figure"])
    if isinstance(node.get("count"), str) and node["count"] in registry.kinds:
        return f"{registry.kinds[node['count']].name}记录的条数"
    if isinstance(node.get("sum"), str) and node["sum"] in registry.kinds:
        rows = registry.kinds[node["sum"]]
        return f"{rows.name}记录的{rows.fields[node['field']].name}合计" if node["field"] in rows.fields else ""
    return _written_fact(node, registry) if "fact" in node else ""


def _written_fact(node: Mapping[str, Any], registry: Registry) -> str:
    entry = registry.facts.get(node["fact"])
    name = entry.name if entry else node["fact"].removeprefix(OPEN) + UNREGISTERED
    when = printed(node["period"]) if node.get("period") else ""
    over = f"截至{when}连续{node['over']}期" if node.get("over") else when
    return f"{over}{name}{FOLDS.get(node.get('take', ''), '')}"


def printed(name: str) -> str:
    """A period as officers write it; "" for none."""
    if not name:
        return ""
    found = re.fullmatch(r"(\d{4})(?:Q([1-4])|-(\d{2}))?", name)
    if found is None:
        return PERIODS.get(name, name)
    year, quarter, month = found.groups()
    return f"{year}年" + (f"第{quarter}季度" if quarter else f"{int(month)}月" if month else "")


def read_share(text: str, registry: Registry, *, kind: str | None, field: str) -> dict[str, Any] | None:
    """“上年度研发费用的5%” as an amount; None for other words. Raises Uncorrectable."""
    found = _SHARE.fullmatch(text.strip())
    if found is None:
        return None
    return {"rate": number(found["rate"], "ratio"), "of": read_figure(found["of"], "number", registry, kind=kind, field=field)}
