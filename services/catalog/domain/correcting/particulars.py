"""What a benefit says beside its rule and amount, from the fields of a form: title, who, how, from when to when."""

from collections.abc import Mapping
from typing import Any, get_args

from contracts.rules import Entry, Kind, Registry
from services.catalog.domain.correcting.values import Uncorrectable, day, written

KINDS = {kind: kind for kind in get_args(Kind)}
MODES = {"direct": "免申即享，直接兑付", "confirm": "免申即享，确认后兑付", "apply": "申报（即申即享）", "inform": "只告知"}
PAYS = {"money": "资金", "relief": "减免（税费、租金等）", "credit": "信贷额度"}
ONCE = {"": "未规定", "life": "只享受一次", "year": "每年一次", "quarter": "每季度一次", "month": "每月一次", "item": "每个项目一次"}
TEXTS = {"title": "名称", "policy": "政策", "department": "责任部门", "contact": "联系方式"}
DAYS = {"valid.from": "有效期自", "valid.to": "有效期至", "window.from": "申报期自", "window.to": "申报截止"}
_DAY = Entry(name="", type="date")
OPEN_END = "不限"


def particulars_of(benefit: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """What the form shows; "" for a day that hangs on something no field can show."""
    days = {}
    for name in DAYS:
        span, _, end = name.partition(".")
        at = (benefit.get(span) or {}).get(end)
        days[name] = "" if at is None else written(at, _DAY, registry)
    return {
        **{name: str(benefit.get(name) or "") for name in TEXTS},
        "kind": str(benefit.get("kind") or "其他"),
        "mode": str(benefit.get("mode") or "apply"),
        "pays": str(benefit.get("pays") or "money"),
        "once": str((benefit.get("stacking") or {}).get("once") or ""),
        **days,
    }


def hidden_days(benefit: Mapping[str, Any], registry: Registry) -> frozenset[str]:
    """The days that stand in the benefit and that no field can show."""
    shown = particulars_of(benefit, registry)
    return frozenset(
        name for name in DAYS if not shown[name] and (benefit.get(name.partition(".")[0]) or {}).get(name.partition(".")[2]) is not None
    )


def with_particulars(benefit: Mapping[str, Any], given: Mapping[str, str], registry: Registry) -> dict[str, Any]:
    """The benefit as the fields have it. An empty day is none, unless one stands there that no field can show. Raises Uncorrectable."""
    if not given.get("title", "").strip():
        raise Uncorrectable("title", "请填写名称")
    for name, known in (("kind", KINDS), ("mode", MODES), ("pays", PAYS), ("once", ONCE)):
        if given.get(name, "") not in known:
            raise Uncorrectable(name, f"请从列出的里面选：{'、'.join(known.values())}")
    found = dict(benefit)
    for name in TEXTS:
        _set(found, name, given.get(name, "").strip() or None)
    found |= {"kind": given["kind"], "mode": given["mode"]}
    _set(found, "pays", given["pays"] if given["pays"] != "money" or benefit.get("pays") else None)
    kept = hidden_days(benefit, registry)
    for span in ("valid", "window"):
        ends = {end: _end(benefit, f"{span}.{end}", given, kept) for end in ("from", "to")}
        old = benefit.get(span) or {}
        evidence = {name: value for name, value in old.items() if name not in ends}
        _set(found, span, {**ends, **evidence} if any(end is not None for end in ends.values()) else None)
    stacking = {name: value for name, value in (benefit.get("stacking") or {}).items() if name != "once"}
    _set(found, "stacking", (stacking | ({"once": given["once"]} if given["once"] else {})) or None)
    return found


def _set(benefit: dict[str, Any], name: str, value: Any) -> None:
    if value is None:
        benefit.pop(name, None)
    else:
        benefit[name] = value


def _end(benefit: Mapping[str, Any], name: str, given: Mapping[str, str], kept: frozenset[str]) -> Any:
    text = given.get(name, "").strip()
    span, _, end = name.partition(".")
    if text == OPEN_END:
        return None
    if not text:
        return (benefit.get(span) or {}).get(end) if name in kept else None
    try:
        found = day(text)
    except Uncorrectable as error:
        raise Uncorrectable(name, error.problem) from error
    other = given.get(f"{span}.{'to' if end == 'from' else 'from'}", "").strip()
    if end == "to" and other and isinstance(found, str):
        first = day(other) if other != OPEN_END else None
        if isinstance(first, str) and first > found:
            raise Uncorrectable(name, f"{DAYS[name]} {found} 早于 {first}，请核对")
    return found
