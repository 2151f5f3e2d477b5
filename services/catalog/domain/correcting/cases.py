"""The cases of a draft: put in, taken out, made anew, and what a new one would say that the old one does not."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from contracts.rules import Entry, Registry
from services.catalog.domain.cases import LABEL, generated
from services.catalog.domain.correcting.figures import printed
from services.catalog.domain.correcting.values import Uncorrectable, written
from services.catalog.domain.lint import plain_day

EXPECTED = {"eligible": "符合", "ineligible": "不符合", "undetermined": "待定（缺事实或须由人认定）"}
NOTHING = "无"
"""How a set without members is written."""


def without_case(benefit: Mapping[str, Any], position: int) -> dict[str, Any]:
    """The benefit without one of its cases. Raises Uncorrectable where there is none."""
    cases = _cases(benefit, position)
    return {**benefit, "cases": [*cases[:position], *cases[position + 1 :]]}


def with_case(benefit: Mapping[str, Any], position: int | None, case: Mapping[str, Any]) -> dict[str, Any]:
    """The benefit with a case in place of another, or with one more. Raises Uncorrectable where there is none to replace."""
    if position is None:
        return {**benefit, "cases": [*(benefit.get("cases") or ()), dict(case)]}
    cases = _cases(benefit, position)
    return {**benefit, "cases": [*cases[:position], dict(case), *cases[position + 1 :]]}


def case_at(benefit: Mapping[str, Any], position: int) -> dict[str, Any]:
    """One of its cases. Raises Uncorrectable where there is none."""
    found: dict[str, Any] = _cases(benefit, position)[position]
    return found


def _cases(benefit: Mapping[str, Any], position: int) -> list[Any]:
    cases = list(benefit.get("cases") or ())
    if not 0 <= position < len(cases):
        raise Uncorrectable("case", "没有这一用例；事项可能已经改动，请回到事项页")
    return cases


# ------------------------------------------------------------------------------------------------------- generated cases


def with_new_cases(benefit: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    """The benefit with its generated cases made anew from the rule as it is now; cases that people wrote stay. Raises Uncorrectable."""
    own = [case for case in benefit.get("cases") or () if not case["name"].startswith(LABEL)]
    made = made_anew(benefit, registry)
    if not made:
        raise Uncorrectable("case", "按现在的规则写不出用例：规则里有须由人认定的内容、尚未登记的事实，或没有写明有效期的起始日")
    return {**benefit, "cases": [*own, *made]}


def made_anew(benefit: Mapping[str, Any], registry: Registry) -> list[dict[str, Any]]:
    """The cases that would be generated from the rule as it is now; none where none can be."""
    return generated(benefit["rule"], benefit.get("amount"), as_of=_day_in_force(benefit), registry=registry)


def _day_in_force(benefit: Mapping[str, Any]) -> date | None:
    """The day of the cases that were generated, if the benefit is still in force on it; else its first day."""
    spans = [benefit.get(name) or {} for name in ("valid", "window")]
    begins = [day for span in spans if (day := plain_day(span.get("from"))) is not None]
    ends = [plain_day(span.get("to")) for span in spans if span]
    last = None if None in ends or not ends else max(day for day in ends if day is not None)
    days = [day for case in benefit.get("cases") or () if case["name"].startswith(LABEL) and (day := plain_day(case["as_of"])) is not None]
    first = max(begins, default=None)
    held = [day for day in days if (first is None or day >= first) and (last is None or day <= last)]
    return max(held, default=first)


def outdated(benefit: Mapping[str, Any], case: Mapping[str, Any], registry: Registry) -> list[str]:
    """What a generated case has otherwise than the one that the rule as it is now would give; none where it is a person's or current."""
    if not case["name"].startswith(LABEL):
        return []
    made = made_anew(benefit, registry)
    now = next((one for one in made if one["name"] == case["name"]), None)
    if now is None:
        return ["按现在的规则不会再有这一用例" if made else "按现在的规则写不出用例"]
    was, will = _told(case, registry), _told(now, registry)
    return [
        f"{name}：原为{was.get(name, '未写')}，按现在的规则应为{will.get(name, '未写')}"
        for name in (was | will)
        if was.get(name) != will.get(name)
    ]


def _told(case: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """A case as names and values in words."""
    found = {"日期": str(case["as_of"]), "应得结果": EXPECTED[case["expect"]]}
    if case.get("amount") is not None:
        found["金额"] = f"{case['amount']}元"
    for fact, value in (case.get("facts") or {}).items():
        entry = registry.facts.get(fact)
        for when, one in value.items() if isinstance(value, Mapping) else (("", value),):
            found[f"{printed(when)}{entry.name if entry else fact}"] = fact_written(one, entry, registry)
    for kind, rows in (case.get("records") or {}).items():
        known = registry.kinds.get(kind)
        lines = ["、".join(f"{name}" for name in _row_written(kind, row, registry)) for row in rows]
        found[f"{known.name if known else kind}记录"] = "；".join(lines) or "没有"
    return found


def _row_written(kind: str, row: Mapping[str, Any], registry: Registry) -> list[str]:
    fields = registry.kinds[kind].fields if kind in registry.kinds else {}
    return [f"{fields[name].name} {fact_written(value, fields[name], registry)}" for name, value in row.items() if name in fields]


def fact_written(value: Any, entry: Entry | None, registry: Registry) -> str:
    """A value of a fact in words; 无 for a set without members."""
    return NOTHING if value == [] else written(value, entry, registry)
