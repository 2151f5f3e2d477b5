"""Amounts in the shape of `zhaoqi benefits`: printed numbers with their printed units."""

import re

from services.catalog.domain.amounts import Amount
from services.catalog.domain.passage import Passage
from services.catalog.domain.quantities import plain
from services.catalog.domain.steps import Share

# Units of measure, people and time are printed as part of a unit (元/人/月); other things that are counted are told by `per`.
_MEASURES = re.compile(
    r"(?:/(?:标箱|辆|人次?|晚|夜|场次?|吨|亩|台|套|千瓦时|千瓦|平方米|立方米|公里|天|日|小时|学时|课时|次|名|年|月|季度|学期|学年))*"
)


def _told_unit(share: Share) -> str:
    return share.unit + (share.each if _MEASURES.fullmatch(share.each) else "")


def printed_amount(passage: Passage, found: Amount) -> dict[str, object]:
    """In the shape of `zhaoqi benefits`: printed numbers with their printed units."""
    raw = passage.quote(found.words)
    said: dict[str, object] = {"kind": found.kind, "value": None, "unit": None, "cap": None, "raw": raw, "value_is_ceiling": False}
    if found.base:
        said["base"] = passage.text[found.base.start : found.base.end]
    if found.per:
        said["per"] = found.per
    if found.relief is not None:
        return said | {"value": plain(found.relief), "unit": "%"}
    if found.counted and found.counted_of:
        unit = found.counted.unit + passage.text[found.counted_of.start : found.counted_of.end]
        value = plain(found.counted.value)
        ceiling = found.kind == "range"
        return said | {"value": [None, value] if ceiling else value, "unit": unit, "value_is_ceiling": ceiling}
    if found.kind == "none":
        return said
    if found.parts:  # 5万元(第一年2万元, …): the sum is the ceiling of its payments, as where stages add up
        whole = found.shares[0]
        said["value"] = [{"tier": "", "value": plain(s.figure.value), "unit": _told_unit(s)} for s in found.parts]
        return said | {"kind": "tiered", "cap": {"value": plain(whole.figure.value), "unit": whole.unit, "per": None}}
    if found.caps and found.caps[0].figure.money:
        cap = found.caps[0]
        said["cap"] = {"value": plain(cap.figure.value), "unit": cap.unit.split("/")[0], "per": None}
        if found.cap_words:
            said["cap_raw"] = passage.quote(found.cap_words)
    first = found.shares[0]
    if found.kind == "tiered":
        said["value"] = [
            {"tier": passage.text[s.tier.start : s.tier.end] if s.tier else "", "value": plain(s.figure.value), "unit": _told_unit(s)}
            for s in found.shares
        ]
        said["value_is_ceiling"] = all(s.ceiling for s in found.shares)
        return said
    value = plain(first.figure.value)
    said["unit"] = _told_unit(first)
    if found.kind == "range":
        low = plain(first.low) if first.low is not None else None
        said["value"] = [value, None] if first.floor else [low, value]
        said["value_is_ceiling"] = first.ceiling
        if first.ceiling and not found.caps:
            said["cap"] = {"value": value, "unit": said["unit"], "per": found.per}
        return said
    said["value"] = value
    said["value_is_ceiling"] = first.ceiling
    return said
