"""An enterprise as the matcher sees it: its facts by period and its record tables; what is absent is unknown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from contracts.rules import NUMERIC, Entry, Registry, fault_in, loads

Row = Mapping[str, Any]


class FactError(ValueError):
    """A fact that is not of the type its authority should state."""


@dataclass(frozen=True, slots=True)
class Enterprise:
    """`facts` map an id to a value or to {period: value}; `records` map a kind to its rows. An absent table is unknown, an empty
    one is known to hold nothing. `known_at` says for each id when it was stated last, where that is remembered."""

    uscc: str
    name: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    records: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    known_at: Mapping[str, datetime] = field(default_factory=dict)


def parse_enterprise(line: str | bytes) -> Enterprise:
    """One line of JSON: {"uscc", "name", "facts", "records"}. Raises FactError where it is not of that shape."""
    try:
        given = loads(line)
    except ValueError as error:
        raise FactError(f"不是合法的 JSON：{fault_in(error)}；每行应为一个 JSON 对象") from error
    return enterprise_of(given)


def enterprise_of(given: Any) -> Enterprise:
    """An enterprise from plain data. Raises FactError where it is not of the shape of `parse_enterprise`."""
    if not isinstance(given, dict) or not isinstance(given.get("uscc"), str):
        raise FactError('应为含 "uscc"（文字）的 JSON 对象')
    name, facts, records = given.get("name") or "", given.get("facts") or {}, given.get("records") or {}
    if not isinstance(name, str) or not isinstance(facts, dict) or not isinstance(records, dict):
        raise FactError('"name" 应为文字，"facts" 与 "records" 应为对象')
    for kind, rows in records.items():
        if rows is not None and (not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows)):
            raise FactError(f"records/{kind} 应为对象的列表")
    return Enterprise(
        uscc=given["uscc"],
        name=name,
        facts={fact: _known(value) for fact, value in facts.items() if value is not None},
        records={kind: tuple(_known(row) for row in rows) for kind, rows in records.items() if rows is not None},
    )


def _known(value: Any) -> Any:
    """The value with exact numbers, and without what is null: JSON null is absent."""
    if isinstance(value, bool | str | Decimal):
        return value
    if isinstance(value, int | float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return tuple(_known(item) for item in value if item is not None)
    return value


_KEYS = {"year": re.compile(r"\d{4}\Z"), "quarter": re.compile(r"\d{4}Q[1-4]\Z"), "month": re.compile(r"\d{4}-(0[1-9]|1[0-2])\Z")}


def type_problems(enterprise: Enterprise, registry: Registry) -> Iterator[str]:
    """What in the enterprise's file is not of the type or period the registry asks, each with its place."""
    for name, value in enterprise.facts.items():
        fact = registry.facts.get(name)
        if fact is None:
            continue
        if not fact.periods:
            yield from _type_problem(f"facts/{name}", value, fact)
        elif not isinstance(value, Mapping):
            yield f'facts/{name}：应按期间给出，如 {{"2024": …}}'
        else:
            for key, item in value.items():
                if not any(_KEYS[period].match(key) for period in fact.periods):
                    yield f"facts/{name}/{key}：不是这项事实的期间；可用：{'、'.join(fact.periods)}"
                else:
                    yield from _type_problem(f"facts/{name}/{key}", item, fact)
    for kind, rows in enterprise.records.items():
        fields = registry.kinds[kind].fields if kind in registry.kinds else {}
        for position, row in enumerate(rows):
            for name, value in row.items():
                if name in fields:
                    yield from _type_problem(f"records/{kind}/{position}/{name}", value, fields[name])


def _type_problem(at: str, value: Any, entry: Entry) -> Iterator[str]:
    kind, fits, wanted = entry.type, False, ""
    if kind in NUMERIC:
        fits, wanted = isinstance(value, Decimal) and value.is_finite(), "数值（不加引号和单位）"
    elif kind == "bool":
        fits, wanted = isinstance(value, bool), "true 或 false"
    elif kind == "set":
        fits, wanted = isinstance(value, tuple) and all(isinstance(item, str) for item in value), "文字的列表"
    elif kind in ("date", "end"):
        fits, wanted = isinstance(value, str) and _is_date(value), "日期（如 2025-06-30）"
    else:
        fits, wanted = isinstance(value, str), "文字（加引号）"
    if not fits:
        yield f"{at}：{entry.name} 应为{wanted}"


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return len(text) == 10
