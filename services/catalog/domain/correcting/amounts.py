"""One form of an amount from the fields of a page: every form of rules.md §3, its parts in words or left as they are.

A field left empty keeps the part that stands there; a part too rich for a field is corrected at its own place. Taking another form
puts what stands there inside it where that makes sense (a cap around a rate, the rest of a case).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from contracts.rules import Registry
from services.catalog.domain.correcting.conditions import Correction, corrected
from services.catalog.domain.correcting.figures import EXAMPLE, read_figure, read_share, written_figure
from services.catalog.domain.correcting.paths import bare, evidence_of
from services.catalog.domain.correcting.values import Uncorrectable

Sort = Literal["money", "ratio", "number", "figure", "part"]
"""What a field takes: yuan, a fraction, a plain number, any figure, or a figure or amount."""


class Slot(NamedTuple):
    """A field of a form. `main`: what stands there moves in when another form is taken."""

    key: str
    label: str
    sort: Sort
    hint: str = ""
    optional: bool = False
    main: bool = False


@dataclass(frozen=True)
class Form:
    """A form of an amount: its name, its fields, and the list it holds (`parts`, `tiers` or `case`), if any."""

    name: str
    slots: tuple[Slot, ...] = ()
    holds: Literal["parts", "tiers", "case"] | None = None


_SHARE = "如 上年度研发费用、上年度研发费用同比增加额、已投资（逐项时）"
_PART = "如 20万元，或 上年度研发费用的5%"
FORMS: Mapping[str, Form] = {
    "fixed": Form("定额", (Slot("fixed", "金额", "money", "如 20万元"),)),
    "rate": Form("按比例", (Slot("of", "以什么为基数", "part", _SHARE), Slot("rate", "比例", "ratio", "如 5%、3‰"))),
    "per": Form(
        "按数量",
        (
            Slot("count", "数量", "figure", "如 上年度参保人数、参保人员记录的条数"),
            Slot("per", "每一份多少", "money", "如 1500元"),
            Slot("step", "每满多少算一份（不写则按每单位）", "number", "如 1000万", optional=True),
        ),
    ),
    "tiers": Form("分档", (Slot("on", "按什么分档", "figure", "如 上年度营业收入"),), "tiers"),
    "case": Form("分情形", (Slot("else", "其余企业", "part", f"{_PART}；不写则为零", optional=True, main=True),), "case"),
    "each": Form(
        "逐项计算",
        (
            Slot("pay", "每一项给多少", "part", "如 已投资的5%，或 2万元"),
            Slot("best", "只取最高的几项", "number", "不写则都算", optional=True),
        ),
    ),
    "sum": Form("各项相加", holds="parts"),
    "min": Form("各项取低", holds="parts"),
    "max": Form("各项取高（就高）", holds="parts"),
    "cap": Form("封顶", (Slot("of", "原金额", "part", _PART, main=True), Slot("cap", "最高不超过", "money", "如 100万元"))),
    "floor": Form("保底", (Slot("of", "原金额", "part", _PART, main=True), Slot("floor", "最低不少于", "money", "如 1万元"))),
    "times": Form("乘以系数", holds="parts"),
    "less": Form(
        "减去已付（补齐）",
        (Slot("less", "应得总额", "part", _PART, main=True), Slot("paid", "已付金额", "figure", "如 已享受政策记录的金额合计")),
    ),
    "instalments": Form("逐年分期", holds="parts"),
    "judged": Form(
        "由人在幅度内确定", (Slot("low", "最低", "money", "不写为零", optional=True), Slot("high", "最高", "money", "如 20万元"))
    ),
}
SPARE = 2
"""Empty places after a list, so that it can grow."""
EDGES = {"from": "归上一档（达到即是）", "upto": "归下一档（超过才是）"}


def form_of(node: Mapping[str, Any]) -> str:
    """The form an amount has."""
    return next(key for key in FORMS if key in node and (key not in ("sum", "min", "max") or isinstance(node[key], list | tuple)))


def is_amount(node: Any) -> bool:
    """Whether a node is an amount, not a figure."""
    return isinstance(node, Mapping) and any(
        key in node and (key not in ("sum", "times") or isinstance(node[key], list | tuple)) for key in FORMS
    )


def fields_of(node: Mapping[str, Any], registry: Registry, kind: str | None) -> dict[str, str]:
    """What the form shows of an amount; "" for a part that only its own place can show."""
    form = form_of(node)
    within = node.get("each") if form == "each" else kind
    found = {
        slot.key: _shown(node[slot.key], slot.sort, registry, within)
        for slot in FORMS[form].slots
        if slot.key in node and node[slot.key] is not None
    }
    if form == "judged":
        low, high = node["between"]
        found |= {"words": str(node["judged"]), "low": _shown(low, "money", registry, kind), "high": _shown(high, "money", registry, kind)}
    if form == "each":
        found["each"] = str(node["each"])
    if form == "tiers":
        found |= {"edge": str(node.get("edge") or "from"), "marginal": "1" if node.get("marginal") else ""}
    for position, item in enumerate(_items(form, node)):
        if form == "tiers":
            found[f"line.{position}"] = _shown(item[0], _sort_of(node.get("on"), registry), registry, kind)
            found[f"pay.{position}"] = _shown(item[1], "ratio" if node.get("marginal") else "part", registry, kind)
        elif form == "case":
            found[f"pay.{position}"] = _shown(item[1], "part", registry, kind)
        else:
            found[f"parts.{position}"] = _shown(item, "factor" if form == "times" else "part", registry, kind)
    return found


def amount_of(
    form: str, given: Mapping[str, str], node: Mapping[str, Any] | None, registry: Registry, *, kind: str | None
) -> dict[str, Any]:
    """The amount as the fields have it; `node` is what stands there now. Raises Uncorrectable."""
    if form not in FORMS:
        raise Uncorrectable("form", "请选择金额的算法")
    same = node is not None and form_of(node) == form
    old: Mapping[str, Any] = node if node is not None and same else {}
    moved = node if node is not None and not same else None
    within = _kind_of_each(given, registry) if form == "each" else kind
    found: dict[str, Any] = {}
    for slot in FORMS[form].slots if form != "judged" else ():
        part = _part(given.get(slot.key, ""), slot, old.get(slot.key), moved if slot.main else None, registry, within)
        if part is not None:
            found[slot.key] = part
    if form == "each":
        found = _each(found, within, old)
    elif form == "judged":
        found = _in_range(given, old, registry)
    elif form == "tiers":
        found = {"tiers": _tiers(given, old, found["on"], registry, kind), **found}
        found |= {"edge": "upto"} if given.get("edge") == "upto" else {}
        found |= {"marginal": True} if given.get("marginal") else {}
    elif form == "case":
        found = {"case": _branches(given, old, registry, kind), **found}
    elif FORMS[form].holds == "parts":
        found[form] = _parts(form, given, old, moved, registry, kind)
    return found | evidence_of(node or {})


def _part(text: str, slot: Slot, old: Any, moved: Mapping[str, Any] | None, registry: Registry, kind: str | None) -> Any:
    """A field read; left empty it keeps what stands there and could not be shown, or takes what moves in."""
    if text.strip():
        return _read(text, slot.sort, old, registry, kind, slot.key)
    if moved is not None:
        return dict(moved)
    hidden = old is not None and not _shown(old, slot.sort, registry, kind)
    if hidden:
        return old
    if not slot.optional:
        raise Uncorrectable(slot.key, f"请填写“{slot.label}”，{slot.hint or f'如 {EXAMPLE}'}")
    return None


def _read(text: str, sort: str, old: Any, registry: Registry, kind: str | None, field: str) -> Any:
    if old is not None and text.strip() == _shown(old, sort, registry, kind):
        return old  # as it was, with its words
    if sort == "part":
        share = read_share(text, registry, kind=kind, field=field)
        if share is not None:
            return share
    read = read_figure(text, "money" if sort in ("part", "figure") else sort, registry, kind=kind, field=field)
    if isinstance(read, Decimal | int) and read < 0:
        raise Uncorrectable(field, "金额不能为负")
    amount = sort == "part" and isinstance(read, Decimal) and (old is None or is_amount(old))
    return {"fixed": read} if amount else read


def _shown(node: Any, sort: str, registry: Registry, kind: str | None) -> str:
    if isinstance(node, Mapping) and sort in ("part", "factor"):
        plain = bare(node)
        if plain.keys() == {"fixed"}:
            return written_figure(plain["fixed"], "money", registry, kind=kind)
        if plain.keys() == {"rate", "of"}:
            share, of = (
                written_figure(plain["rate"], "ratio", registry, kind=kind),
                written_figure(plain["of"], "number", registry, kind=kind),
            )
            simple = share.endswith("%") and of and isinstance(plain["of"], Mapping)
            return f"{of}的{share}" if simple else ""
        if is_amount(plain) and "times" not in plain:
            return ""
    return written_figure(node, "money" if sort in ("part", "figure") else sort, registry, kind=kind)


def _sort_of(on: Any, registry: Registry) -> str:
    """How the lines of tiers are written: as the figure they divide."""
    entry = registry.facts.get(on.get("fact", "")) if isinstance(on, Mapping) else None
    if isinstance(on, Mapping) and on.get("take") == "growth":
        return "ratio"
    return entry.type if entry is not None and entry.type in ("money", "ratio", "number") else "number"


def _items(form: str, node: Mapping[str, Any]) -> Sequence[Any]:
    key = {"tiers": "tiers", "case": "case"}.get(form, form if FORMS[form].holds else "")
    return node.get(key) or () if key else ()


def _parts(
    form: str, given: Mapping[str, str], old: Mapping[str, Any], moved: Mapping[str, Any] | None, registry: Registry, kind: str | None
) -> list[Any]:
    standing = list(_items(form, old))
    found: list[Any] = [dict(moved)] if moved is not None else []
    for position in _positions("parts", given, len(standing)):
        if given.get(f"drop.{position}"):
            continue
        was = standing[position] if position < len(standing) else None
        name = f"parts.{position}"
        slot = Slot(name, "一项", "part", optional=was is None)
        part = _part_of_times(given.get(name, ""), slot, was, registry, kind) if form == "times" else None
        part = part if part is not None else _part(given.get(name, ""), slot, was, None, registry, kind)
        if part is not None:
            found.append(part)
    if len(found) < 2:
        raise Uncorrectable("parts", "请至少填写两项")
    return found


def _part_of_times(text: str, slot: Slot, was: Any, registry: Registry, kind: str | None) -> Any:
    """A factor: 1.2, 120%, or what is multiplied (20万元 has a unit, a factor has none)."""
    stripped = text.strip()
    if not stripped or "元" in stripped or "的" in stripped:
        return None
    return _read(text, "factor", was, registry, kind, slot.key)


def _tiers(given: Mapping[str, str], old: Mapping[str, Any], on: Any, registry: Registry, kind: str | None) -> list[list[Any]]:
    standing = list(old.get("tiers") or ())
    marginal = bool(given.get("marginal"))
    found: list[list[Any]] = []
    for position in _positions("line", given, len(standing)):
        if given.get(f"drop.{position}"):
            continue
        was = standing[position] if position < len(standing) else (None, None)
        at, pays = f"line.{position}", f"pay.{position}"
        if was[0] is None and not (given.get(at, "") + given.get(pays, "")).strip():
            continue
        line = _part(given.get(at, ""), Slot(at, f"第 {position + 1} 档的起点", _sort_of(on, registry)), was[0], None, registry, kind)  # type: ignore[arg-type]
        what = Slot(pays, f"第 {position + 1} 档给多少", "ratio" if marginal else "part")
        found.append([line, _part(given.get(pays, ""), what, was[1], None, registry, kind)])
    if not found:
        raise Uncorrectable("line.0", "请至少填写一档")
    lines = [line for line, _ in found if isinstance(line, Decimal | int)]
    if lines != sorted(set(lines)):
        raise Uncorrectable("line.0", "各档的起点应由小到大，且不重复")
    return found


def _branches(given: Mapping[str, str], old: Mapping[str, Any], registry: Registry, kind: str | None) -> list[list[Any]]:
    found: list[list[Any]] = []
    for position, (rule, pay) in enumerate(old.get("case") or ()):
        if given.get(f"drop.{position}"):
            continue
        slot = Slot(f"pay.{position}", f"情形 {position + 1} 给多少", "part")
        found.append([rule, _part(given.get(slot.key, ""), slot, pay, None, registry, kind)])
    if given.get("pay.new", "").strip():
        change = Correction(*(given.get(name, "") for name in ("attribute", "operator", "value", "period", "take")))
        pay = _part(given["pay.new"], Slot("pay.new", "新情形给多少", "part"), None, None, registry, kind)
        found.append([corrected({}, change, registry), pay])
    if not found:
        raise Uncorrectable("pay.new", "请至少写一种情形：条件和金额")
    return found


def _kind_of_each(given: Mapping[str, str], registry: Registry) -> str:
    kind = given.get("each", "")
    if kind not in registry.kinds:
        raise Uncorrectable("each", "请选择逐项计算的是哪一类记录")
    return kind


def _each(found: Mapping[str, Any], kind: str | None, old: Mapping[str, Any]) -> dict[str, Any]:
    best = found.get("best")
    if best is not None and (not isinstance(best, Decimal | int) or best < 1 or best != int(best)):
        raise Uncorrectable("best", "请写整数，如 3")
    where = list(old.get("where") or ()) if old.get("each") == kind else []
    return {"each": kind, "where": where, "pay": found["pay"]} | ({"best": int(best)} if best is not None else {})


def _in_range(given: Mapping[str, str], old: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    words = given.get("words", "").strip()
    if not words:
        raise Uncorrectable("words", "请写明由人确定的内容，如 一次性15—20万元")
    was = old.get("between") or (None, None)
    low = _part(given.get("low", ""), FORMS["judged"].slots[0], was[0], None, registry, None) or Decimal(0)
    high = _part(given.get("high", ""), FORMS["judged"].slots[1], was[1], None, registry, None)
    if isinstance(low, Decimal | int) and isinstance(high, Decimal | int) and low > high:
        raise Uncorrectable("high", "最高不能少于最低")
    return {"judged": words, "between": [low, high]}


def _positions(name: str, given: Mapping[str, str], standing: int) -> range:
    """The places of a list that a form sends."""
    sent = [int(key.rpartition(".")[2]) for key in given if key.startswith(f"{name}.") and key.rpartition(".")[2].isdecimal()]
    return range(min(max([standing, *(position + 1 for position in sent)]), standing + 50))
