"""Read benefits and enterprises from files, checking them on the way in: what cannot be decided is refused with where and why.

Enterprises come as JSON Lines, or as Parquet or CSV with one column per fact (`revenue@2024`). Beside a table `E.csv` each record
kind has a file of its own, `E.certificate.csv` or `certificate.csv` (the same for Parquet), with a column `uscc` and one per field.
A record file that is given is complete: an enterprise without rows holds nothing, unless its column `has:<kind>` is empty.
A blank cell is unknown; a set is a JSON array. Messages name the place in the file, never the enterprise.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from contracts.rules import NUMERIC, OPEN, Benefit, Entry, Registry, RuleError, fault_in, loads, parse_benefit
from services.policy_match.domain import Enterprise, FactError, enterprise_of, language_problems, parse_enterprise, type_problems

Table = list[dict[str, Any]]


class BadContent(ValueError):
    """A file that cannot be used, with one line for each fault."""

    def __init__(self, *problems: str) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


# ------------------------------------------------------------------------------------------------------------- benefits


def raw_benefits(path: Path) -> list[Any]:
    """The JSON array of a benefits file. Raises BadContent."""
    try:
        given = loads(_text(path))
    except ValueError as error:
        raise BadContent(f"{path}：不是合法的 JSON：{fault_in(error)}") from error
    if not isinstance(given, list):
        raise BadContent(f"{path}：应为事项的 JSON 数组；请写成 […]，只有一个事项也要放在数组里")
    return given


def read_benefits(path: Path, registry: Registry) -> list[Benefit]:
    """Benefits that can be decided. Raises BadContent naming every fault of every benefit."""
    benefits: list[Benefit] = []
    problems: list[str] = []
    for position, given in enumerate(raw_benefits(path)):
        where = f"{path}：{benefit_name(given, position)}"
        try:
            benefit = parse_benefit(given)
        except RuleError as error:
            problems += [f"{where}：{p.at or '（根）'}：{p.problem}；{p.hint}" for p in error.problems]
            continue
        problems += [f"{where}：{p.at}：{p.problem}；{p.hint}" for p in language_problems(benefit, registry)]
        if any(benefit.id == other.id for other in benefits):
            problems.append(f"{where}：id 重复；每个事项的 id 应唯一")
        benefits.append(benefit)
    if problems:
        raise BadContent(*problems)
    return benefits


def benefit_name(given: Any, position: int) -> str:
    name = given.get("id") if isinstance(given, dict) else None
    return name if isinstance(name, str) and name else f"第 {position + 1} 项"


# ---------------------------------------------------------------------------------------------------------- enterprises


def read_enterprises(path: Path, registry: Registry) -> list[Enterprise]:
    """The enterprises of a file, in its order. Raises BadContent where a line or a cell is not what the registry asks."""
    return list(enterprises_in(path, registry))


def enterprises_in(path: Path, registry: Registry) -> Iterator[Enterprise]:
    """The enterprises of a file one by one, so that a whole city need not be held; nothing counts before the last was taken.

    Raises BadContent naming the faults of all lines: in the end, or once they are too many.
    """
    placed = _from_tables(path, registry) if path.suffix.lower() in (".parquet", ".csv") else _from_lines(path)
    places: dict[str, str] = {}
    problems: list[str] = []
    for where, enterprise in placed:
        problems += [f"{where}：{problem}" for problem in type_problems(enterprise, registry)]
        if enterprise.uscc in places:
            problems.append(f"{where}：与{places[enterprise.uscc]}是同一统一社会信用代码；每家企业只应出现一次")
        places[enterprise.uscc] = where
        if len(problems) > 50:
            problems.append("……问题过多，其余未列")
            break
        if not problems:
            yield enterprise
    if problems:
        raise BadContent(*problems)


def _from_lines(path: Path) -> Iterator[tuple[str, Enterprise]]:
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="\n") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            where = f"{path} 第 {number} 行"
            try:
                yield where, parse_enterprise(line)
            except FactError as error:
                raise BadContent(f"{where}：{error}") from error


_ENCODINGS = ("utf-8-sig", "gb18030")


def _encoding(path: Path) -> str:
    """In which encoding a file is text from end to end. Raises BadContent."""
    for encoding in _ENCODINGS:
        try:
            with path.open(encoding=encoding, newline="\n") as text:
                while text.read(1 << 20):
                    pass
        except UnicodeDecodeError:
            continue
        except OSError as error:
            raise BadContent(f"{path}：无法读取：{error.strerror or error}") from error
        return encoding
    raise BadContent(f"{path}：不是 UTF-8 或 GB18030 文本；请另存为 UTF-8")


def _text(path: Path) -> str:
    with path.open(encoding=_encoding(path), newline="") as text:
        return text.read()


def _from_tables(path: Path, registry: Registry) -> Iterator[tuple[str, Enterprise]]:
    tables = {kind: _record_table(found, kind, registry) for kind, found in _record_files(path, registry)}
    for number, row in enumerate(_table(path), 2):
        where = f"{path} 第 {number} 行"
        uscc = row.get("uscc")
        if not isinstance(uscc, str) or not uscc.strip():
            raise BadContent(f"{where}：缺少 uscc；请补上统一社会信用代码列")
        facts: dict[str, Any] = {}
        for column, cell in row.items():
            if column in ("uscc", "name") or column.startswith("has:") or cell is None:
                continue
            fact, _, period = column.partition("@")
            value = _typed(cell, registry.facts.get(fact), f"{where} {column} 列")
            if period:
                facts.setdefault(fact, {})[period] = value
            else:
                facts[fact] = value
        records = {
            kind: rows.get(uscc.strip(), [])
            for kind, rows in tables.items()
            if uscc.strip() in rows or f"has:{kind}" not in row or row[f"has:{kind}"] not in (None, "")
        }
        try:
            yield where, enterprise_of({"uscc": uscc.strip(), "name": row.get("name") or "", "facts": facts, "records": records})
        except FactError as error:
            raise BadContent(f"{where}：{error}") from error


def _record_files(path: Path, registry: Registry) -> Iterator[tuple[str, Path]]:
    for kind in registry.kinds:
        named = [path.with_name(name) for name in (f"{path.stem}.{kind}{path.suffix}", f"{kind}{path.suffix}")]
        found = [candidate for candidate in named if candidate.is_file() and candidate != path]
        if len(found) > 1:
            raise BadContent(f"{found[0]} 与 {found[1]} 都是 {kind} 的记录；请只留一个")
        yield from ((kind, candidate) for candidate in found)


def _record_table(path: Path, kind: str, registry: Registry) -> Mapping[str, list[dict[str, Any]]]:
    """The rows of each enterprise."""
    fields = registry.kinds[kind].fields
    rows: dict[str, list[dict[str, Any]]] = {}
    for number, row in enumerate(_table(path), 2):
        uscc = row.get("uscc")
        if not isinstance(uscc, str) or not uscc.strip():
            raise BadContent(f"{path} 第 {number} 行：缺少 uscc；请补上统一社会信用代码列")
        cells = {
            name: _typed(cell, fields.get(name), f"{path} 第 {number} 行 {name} 列")
            for name, cell in row.items()
            if name != "uscc" and cell is not None
        }
        rows.setdefault(uscc.strip(), []).append(cells)
    return rows


def _table(path: Path) -> Table:
    """The rows of a table; a blank cell is None."""
    if path.suffix.lower() == ".csv":
        rows = csv.DictReader(io.StringIO(_text(path), newline=""))
        return [{name: cell if cell and cell.strip() else None for name, cell in row.items() if name is not None} for row in rows]
    import pyarrow as pa  # here, so that the other commands do not wait for it
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise BadContent(f"{path}：不是可读的 Parquet 文件：{error}") from error
    rows_: Table = table.to_pylist()
    return [{name: None if cell == "" else cell for name, cell in row.items()} for row in rows_]


_WORDS = {"true": True, "1": True, "是": True, "false": False, "0": False, "否": False}


def _typed(cell: Any, entry: Entry | None, where: str) -> Any:
    """A cell as JSON would have it, by the registry's type. Raises BadContent."""
    if isinstance(cell, datetime | date):
        return cell.isoformat()[:10]
    if isinstance(cell, float) and cell != cell:  # NaN is how some writers leave a cell blank
        return None
    if not isinstance(cell, str) or entry is None:
        return list(cell) if isinstance(cell, tuple | list) else cell
    text = cell.strip()
    if entry.type in NUMERIC:
        try:
            return Decimal(text)
        except InvalidOperation as error:
            raise BadContent(f"{where}：{entry.name} 应为数值") from error
    if entry.type == "bool":
        if text.lower() not in _WORDS:
            raise BadContent(f"{where}：{entry.name} 应为 true 或 false")
        return _WORDS[text.lower()]
    if entry.type == "set":
        try:
            members = loads(text)
        except ValueError as error:
            raise BadContent(f'{where}：{entry.name} 应为 JSON 数组，如 ["…"]') from error
        return members
    return text


# ----------------------------------------------------------------------------------------------------------- unlisted


def unlisted(enterprise: Enterprise, registry: Registry) -> Iterator[str]:
    """Facts and record kinds that it has and the registry lacks: they are ignored, and said."""
    yield from (fact for fact in enterprise.facts if fact not in registry.facts and not fact.startswith(OPEN))
    yield from (f"records/{kind}" for kind in enterprise.records if kind not in registry.kinds)
