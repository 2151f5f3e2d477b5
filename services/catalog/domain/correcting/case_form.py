"""One case by its form: an enterprise's facts and records in words with units, and what the rule should make of them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any

from contracts.rules import (
    OPEN,
    CountOf,
    Each,
    EarliestOf,
    Entry,
    FactValue,
    LatestOf,
    NoneOf,
    Percentile,
    Rank,
    Registry,
    Some,
    SumOf,
    parse_benefit,
    walk,
)  # fmt: skip
from services.catalog.domain.cases import LABEL
from services.catalog.domain.correcting.cases import EXPECTED, NOTHING, fact_written
from services.catalog.domain.correcting.figures import printed
from services.catalog.domain.correcting.paths import RECORDS
from services.catalog.domain.correcting.values import Uncorrectable, number, period, read
from services.catalog.domain.lint import plain_day

KNOWN = {"unknown": "未知", "none": "已知没有", "rows": "有下列记录"}
SPARE = 3
"""Empty lines for facts that the rule does not ask for."""


def fields_of_case(benefit: Mapping[str, Any], case: Mapping[str, Any], registry: Registry) -> dict[str, str]:
    """What the form shows of a case: what it states, after it what the rule asks besides, and an empty row of each record kind."""
    found = {name: str(case.get(name) or "") for name in ("name", "as_of", "expect", "amount")}
    stated = {}
    for fact, value in (case.get("facts") or {}).items():
        for when, one in value.items() if isinstance(value, Mapping) else (("", value),):
            stated[fact, when] = fact_written(one, registry.facts.get(fact), registry)
    for asked in _asked(benefit, plain_day(case.get("as_of"))):
        stated.setdefault(asked, "")
    for at, ((fact, when), value) in enumerate(stated.items()):
        found |= {f"fact.{at}": fact, f"fact.{at}.period": printed(when), f"fact.{at}.value": value}
    records = case.get("records") or {}
    for kind in dict.fromkeys([*records, *_kinds(benefit)]):
        if kind not in registry.kinds:
            continue
        found |= {f"known.{kind}": "unknown" if kind not in records else "rows" if records[kind] else "none"}
        for at, row in enumerate(records.get(kind, ())):
            for name, entry in registry.kinds[kind].fields.items():
                found[f"row.{kind}.{at}.{name}"] = fact_written(row[name], entry, registry) if name in row else ""
    return with_room(found, registry, facts=0)


def with_room(fields: Mapping[str, str], registry: Registry, *, facts: int = SPARE, kind: str = "") -> dict[str, str]:
    """The form with more empty lines for facts, and an empty row after the rows of each record kind, one more kind among them."""
    found = dict(fields)
    if kind in registry.kinds:
        found.setdefault(f"known.{kind}", "rows")
    lines = fact_count(found)
    for at in range(lines, lines + facts):
        found |= {f"fact.{at}": "", f"fact.{at}.period": "", f"fact.{at}.value": ""}
    for one in kinds_on(found):
        at = row_count(found, one)
        filled = at and any(found.get(f"row.{one}.{at - 1}.{name}") for name in registry.kinds[one].fields)
        if filled or not at:
            found |= {f"row.{one}.{at}.{name}": "" for name in registry.kinds[one].fields}
    return found


def fact_count(fields: Mapping[str, str]) -> int:
    """How many lines for facts a form has."""
    return 1 + max((int(key[5:]) for key in fields if re.fullmatch(r"fact\.\d{1,3}", key)), default=-1)


def kinds_on(fields: Mapping[str, str]) -> list[str]:
    """The record kinds on a form."""
    return [key.removeprefix("known.") for key in fields if key.startswith("known.")]


def row_count(fields: Mapping[str, str], kind: str) -> int:
    """How many rows of a record kind a form has."""
    return 1 + max((int(key.split(".")[2]) for key in fields if re.fullmatch(rf"row\.{kind}\.\d{{1,3}}\..+", key)), default=-1)


def _asked(benefit: Mapping[str, Any], as_of: date | None) -> Iterator[tuple[str, str]]:
    """The registered facts that rule and amount look at, each with the printed periods that they mean on a day."""
    given = parse_benefit(benefit)
    for node in (*walk(given.rule), *walk(given.amount)):
        fact = getattr(node, "fact", None) or getattr(node, "rank", None) or getattr(node, "percentile", None)
        if not isinstance(node, FactValue | Rank | Percentile) or not isinstance(fact, str) or fact.startswith(OPEN):
            continue
        if node.period is None:
            yield fact, ""
        elif as_of is not None:
            for back in range(node.over or 1):
                yield fact, _on(node.period, as_of, back)
                if node.take in ("growth", "increase"):
                    yield fact, _year_before(_on(node.period, as_of, back))


def _kinds(benefit: Mapping[str, Any]) -> list[str]:
    given = parse_benefit(benefit)
    found = []
    for node in (*walk(given.rule), *walk(given.amount)):
        if isinstance(node, Some | NoneOf | CountOf | SumOf | EarliestOf | LatestOf | Each):
            found += [name for key in RECORDS if isinstance(name := node.__dict__.get(key), str)]
    return list(dict.fromkeys(found))


_WORDS = {"last_year": "year-1", "this_year": "year-0", "last_quarter": "quarter-1", "same_quarter_last_year": "quarter-5"}


def _on(name: str, as_of: date, back: int) -> str:
    """The printed period that a period means on a day, so many periods earlier."""
    relative = re.fullmatch(r"(year|quarter|month)-(\d+)", _WORDS.get(name, name))
    if relative:
        unit, steps = relative[1], int(relative[2]) + back
    else:
        at = re.fullmatch(r"(\d{4})(?:Q(\d)|-(\d\d))?", name)
        if at is None:
            return name
        unit, steps = ("quarter" if at[2] else "month" if at[3] else "year"), back
        as_of = date(int(at[1]), int(at[3] or int(at[2] or 1) * 3 - 2), 1)
    months = as_of.year * 12 + as_of.month - 1 - steps * {"year": 12, "quarter": 3, "month": 1}[unit]
    year, month = divmod(months, 12)
    return f"{year}" + {"year": "", "quarter": f"Q{month // 3 + 1}", "month": f"-{month + 1:02d}"}[unit]


def _year_before(name: str) -> str:
    return f"{int(name[:4]) - 1}{name[4:]}" if name[:4].isdecimal() else name


def case_of(given: Mapping[str, str], was: Mapping[str, Any] | None, registry: Registry) -> dict[str, Any]:
    """A case from the fields of its form; `was` is the one that is corrected. Raises Uncorrectable.

    An empty value is a fact that is not known. A case that a person corrected is no longer a generated one.
    """
    name = given.get("name", "").strip().removeprefix(LABEL)
    if not name:
        raise Uncorrectable("name", "请填写用例的名称，如 刚满一年的企业")
    try:
        as_of = date.fromisoformat(str(read(given.get("as_of", ""), "=", Entry(name="", type="date"), registry)))
    except (Uncorrectable, ValueError) as error:
        raise Uncorrectable("as_of", "请填写日期，如 2026-06-30") from error
    expect = given.get("expect", "")
    if expect not in EXPECTED:
        raise Uncorrectable("expect", "请选择应得的结果")
    found: dict[str, Any] = {"name": name, "as_of": as_of.isoformat(), "facts": _facts(given, registry)}
    found |= {"records": _records(given, was or {}, registry), "expect": expect}
    amount = given.get("amount", "").strip()
    if amount:
        try:
            found["amount"] = f"{number(amount, 'money'):.2f}"
        except Uncorrectable as error:
            raise Uncorrectable("amount", error.problem) from error
    return found


def _facts(given: Mapping[str, str], registry: Registry) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for line in range(fact_count(given)):
        key = f"fact.{line}"
        attribute, value = given.get(key, "").strip(), given.get(f"{key}.value", "").strip()
        when = given.get(f"{key}.period", "").strip()
        if not value:
            continue
        entry = registry.facts.get(attribute)
        if entry is None:
            raise Uncorrectable(key, "请选择属性")
        read_value = _value(value, entry, registry, f"{key}.value")
        if not entry.periods:
            if when:
                raise Uncorrectable(f"{key}.period", f"{entry.name}不分期间，请留空")
            _put(found, attribute, read_value, key, entry)
            continue
        try:
            at = period(when if not re.fullmatch(r"\d{4}Q[1-4]|\d{4}-\d\d", when) else _spelt(when))
        except Uncorrectable as error:
            raise Uncorrectable(f"{key}.period", f"{entry.name}按期间统计：{error.problem}") from error
        if not at[:4].isdecimal():
            raise Uncorrectable(f"{key}.period", "用例里请写明年度、季度或月份，如 2025年")
        _put(found.setdefault(attribute, {}), at, read_value, key, entry)
    return found


def _put(where: dict[str, Any], key: str, value: Any, field: str, entry: Entry) -> None:
    if key in where:
        raise Uncorrectable(field, f"{entry.name}填了两次")
    where[key] = value


def _spelt(name: str) -> str:
    return f"{name[:4]}年第{name[5]}季度" if name[4] == "Q" else f"{name[:4]}年{int(name[5:])}月"


def _value(text: str, entry: Entry, registry: Registry, field: str) -> Any:
    try:
        if entry.type == "set":
            return [] if text == NOTHING else read(text, "has", entry, registry)
        found = read(text, "=", entry, registry)
    except Uncorrectable as error:
        raise Uncorrectable(field, f"{entry.name}：{error.problem}") from error
    if isinstance(found, Mapping):
        raise Uncorrectable(field, f"{entry.name}：用例里请写明日期，如 2025-06-30")
    return found


def _records(given: Mapping[str, str], was: Mapping[str, Any], registry: Registry) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for kind in kinds_on(given):
        if kind not in registry.kinds:
            raise Uncorrectable("more", "请选择一类记录")
        rows = list(_rows(kind, given, (was.get("records") or {}).get(kind) or (), registry))
        known = given[f"known.{kind}"]
        if bool(rows) != (known == "rows"):
            name = registry.kinds[kind].name
            told = f"填写了{name}记录，请选“{KNOWN['rows']}”，或清空这些记录" if rows else f"选了“{KNOWN['rows']}”，请填写{name}记录"
            raise Uncorrectable(f"known.{kind}", told)
        if known != "unknown":
            found[kind] = rows
    return found


def _rows(kind: str, given: Mapping[str, str], before: Sequence[Mapping[str, Any]], registry: Registry) -> Iterator[dict[str, Any]]:
    for at in range(row_count(given, kind)):
        row = {
            name: _value(text, entry, registry, f"row.{kind}.{at}.{name}")
            for name, entry in registry.kinds[kind].fields.items()
            if (text := given.get(f"row.{kind}.{at}.{name}", "").strip())
        }
        if row:
            yield {"id": str(before[at].get("id", at + 1)) if at < len(before) else str(at + 1), **row}
