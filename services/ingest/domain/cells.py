"""A table of one authority: what its columns mean by the registry, and what a cell says or what is wrong with it.

A column is a fact (`district`), a fact of a period (`revenue@2025`) or, in the table of one record kind, a field. A blank cell says
nothing. What a value may be is said once, in `statements`; a table only writes it as text.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from contracts.rules import NUMERIC, Entry, Registry
from contracts.uscc import uscc_problem
from services.ingest.domain.statements import PERIODS, Fault, check_of, typed

_WORDS: Mapping[str, bool] = {"true": True, "1": True, "是": True, "false": False, "0": False, "否": False}
_ROW_ID = Entry(name="明细编号", type="text")
_NAME = Entry(name="企业名称", type="text")


@dataclass(frozen=True)
class Column:
    """A column: its heading, the fact or field it states, for which period, and what the registry says of its values."""

    heading: str
    name: str
    period: str | None
    entry: Entry


@dataclass(frozen=True)
class Wrong:
    """Why a cell cannot be used, and what to do."""

    code: str
    problem: str
    hint: str


def columns_of(headings: Sequence[str], registry: Registry, *, authority: str, kind: str | None) -> tuple[list[Column], list[Fault]]:
    """The columns of a table but `uscc`, and every fault of its head; with `kind` it is the table of that record kind."""
    faults = [Fault(f"column {h[:60]}", "invalid-request", "列名重复", "每列只应出现一次") for h in set(headings) if headings.count(h) > 1]
    if "uscc" not in headings:
        faults.append(Fault("column uscc", "invalid-uscc", "缺少 uscc 列", "请补上统一社会信用代码列，列名 uscc"))
    columns = []
    for heading in headings:
        if heading == "uscc":
            continue
        found = _fact(heading, registry, authority) if kind is None else _field(heading, registry, authority, kind)
        if isinstance(found, Column):
            columns.append(found)
        else:
            faults.append(found)
    if kind is not None and "id" not in headings:
        faults.append(Fault("column id", "invalid-request", "缺少 id 列", "每行须有不重复的 id，请用来源系统中这一行的编号"))
    if kind is None and not faults and not any(column.name for column in columns):
        faults.append(Fault("columns", "invalid-request", "没有任何事实", "每项事实一列，列名如 district 或 revenue@2025"))
    return columns, faults


def _fact(heading: str, registry: Registry, authority: str) -> Column | Fault:
    if heading == "name":
        return Column(heading, "", None, _NAME)
    at = f"column {heading[:60]}"
    name, _, period = heading.partition("@")
    fact = registry.facts.get(name)
    if fact is None:
        return Fault(at, "unknown-fact", "登记表中没有这一事实", "列名写登记表的编号，如 district 或 revenue@2025")
    if fact.authority != authority:
        return Fault(at, "wrong-authority", f"{fact.name}由{fact.authority}提供", "请删去这一列，由其主管部门提供")
    if bool(period) != bool(fact.periods) or (period and not any(PERIODS[one][0].fullmatch(period) for one in fact.periods)):
        asked = f"列名写作 {name}@期间，{'、'.join(PERIODS[one][1] for one in fact.periods)}" if fact.periods else f"列名写作 {name}"
        return Fault(at, "invalid-request", "期间的写法不对", asked)
    return Column(heading, name, period or None, fact)


def _field(heading: str, registry: Registry, authority: str, kind: str) -> Column | Fault:
    known = registry.kinds[kind]
    if heading == "id":
        return Column(heading, "id", None, _ROW_ID)
    if heading not in known.fields:
        return Fault(f"column {heading[:60]}", "unknown-fact", f"{known.name}没有这一字段", f"可用：{'、'.join(known.fields)}")
    return Column(heading, heading, None, known.fields[heading])


def kind_fault(kind: str, registry: Registry, *, authority: str) -> Fault | None:
    """Why an authority may not deliver the records of a kind."""
    known = registry.kinds.get(kind)
    if known is None:
        return Fault("kind", "unknown-fact", "登记表中没有这一类明细", f"可用：{'、'.join(registry.kinds)}")
    if known.authority != authority:
        return Fault("kind", "wrong-authority", f"{known.name}由{known.authority}提供", "请由其主管部门提供")
    return None


def cell(text: str, entry: Entry) -> Any | Wrong:
    """What a cell that is not blank says: a value of the entry's type with exact numbers, or why it says none."""
    value: Any = text.strip()
    if entry.type in NUMERIC:
        try:
            value = Decimal(value)
        except InvalidOperation:
            return Wrong("invalid-request", f"{entry.name}应为数值", typed(entry))
        if not value.is_finite() or int(value.as_tuple().exponent) < -12:
            return Wrong("invalid-request", f"{entry.name}过大或过细", typed(entry))
    elif entry.type == "bool":
        value = _WORDS.get(value.lower(), value)
    elif entry.type == "set":
        try:
            value = json.loads(value)
        except ValueError:
            return Wrong("invalid-request", f"{entry.name}应为 JSON 数组", '写成 ["高新技术企业"]；没有就写 []')
    problem = check_of(entry)(value)
    return Wrong("invalid-request", problem, typed(entry)) if problem else value


def code(text: str) -> Wrong | None:
    """What is wrong with the code of an enterprise."""
    problem = uscc_problem(text)
    return Wrong("invalid-uscc", problem, "请核对营业执照上的 18 位代码") if problem else None
