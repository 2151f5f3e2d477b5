"""Tables of facts as authorities deliver them in bulk: CSV, Parquet or XLSX in, checked lines out.

A distinct value of a column is looked at once, by the domain (`cells`), however often it stands there; plain numbers are told by a
pattern. The good rows are written as JSON Lines of the form that POST /v1/facts takes, packed with Zstandard; what matching loads is
that file, so nothing that was refused can reach it. Rows are named by their number in the file, the head being row 1.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import sha256
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from contracts.rules import NUMERIC, Entry, Registry
from services.chassis.database import dumps, loads
from services.ingest.domain.cells import Column, Wrong, cell, code, columns_of
from services.ingest.domain.reading import NotADocument
from services.ingest.domain.statements import Fault, Statement
from services.ingest.handlers import FAULTS_KEPT
from services.ingest.handlers.deliveries import CheckedTable

ROWS = 1_000_000
"""Rows a table may have."""
_AT_ONCE = 65_536  # rows
_BLOCK = 16 * 1024 * 1024  # bytes of CSV
_PLAIN = {signed: rf"^{'-?' if signed else ''}(0|[1-9][0-9]{{0,17}})(\.[0-9]{{1,12}})?$" for signed in (True, False)}
_TEXT = pa.string()


Sheet = Callable[[bytes], Iterator[list[str | None]]]
"""Reads the rows of a workbook's first sheet. Raises NotADocument."""


class BadTable(ValueError):
    """A table of which nothing can be used, with every fault of its head or form."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__(faults[0].problem)
        self.faults = faults


def statements(checked: CheckedTable, true_on: date) -> tuple[Statement, ...]:
    """The good rows of a table one by one."""
    with pa.CompressedInputStream(str(checked.file), "zstd") as packed:
        lines = packed.read().splitlines()
    given = [loads(line) for line in lines]
    return tuple(Statement(one["uscc"], one.get("name"), true_on, one["facts"], one.get("records", {})) for one in given)


def check_table(source: Path, target: Path, registry: Registry, *, sheet: Sheet, authority: str, kind: str | None = None) -> CheckedTable:
    """Check every cell of a table and write its good rows to `target`; `sheet` reads a workbook. Raises BadTable.

    With `kind` it is the table of that record kind, of which an enterprise's rows are good together or not at all.
    """
    headings, batches = _opened(source, sheet)
    columns, faults = columns_of(headings, registry, authority=authority, kind=kind)
    if faults:
        raise BadTable(*faults)
    found = _Found()
    with pa.CompressedOutputStream(str(target), "zstd") as out:
        lines = _facts(batches, columns, found) if kind is None else _records(batches, columns, kind, found)
        for some in lines:
            out.write(some)
    digest = sha256()
    with target.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return CheckedTable(found.accepted, found.refused, tuple(found.faults[:FAULTS_KEPT]), target, digest.hexdigest())


@dataclass
class _Found:
    """What came of the rows so far."""

    rows: int = 0
    accepted: int = 0
    refused: int = 0
    faults: list[Fault] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  # enterprises that have had their row

    def fault(self, row: int, heading: str, wrong: Wrong) -> None:
        """Note what is wrong in a row of the lot at hand."""
        if len(self.faults) < FAULTS_KEPT:
            self.faults.append(Fault(f"row {row + self.rows + 2} {heading}".strip(), wrong.code, wrong.problem, wrong.hint))


# ------------------------------------------------------------------------------------------------------------- reading

_Batches = Iterator[pa.RecordBatch]


def _opened(source: Path, sheet: Sheet) -> tuple[list[str], _Batches]:
    """The headings of a table, and its rows as text in lots. Raises BadTable."""
    with source.open("rb") as file:
        start = file.read(4)
    try:
        if start == b"PAR1":
            table = pyarrow.parquet.ParquetFile(source)
            return list(table.schema_arrow.names), _counted(map(_as_text, table.iter_batches(_AT_ONCE)))
        if start == b"PK\x03\x04":
            return _workbook(source.read_bytes(), sheet)
        return _csv(source)
    except pa.ArrowException as error:
        raise BadTable(Fault("file", "unreadable", "不是完整的 CSV、Parquet 或 XLSX 表格", "请重新导出后提交")) from error
    except NotADocument as refused:
        raise BadTable(Fault("file", refused.code, refused.detail, refused.hint)) from refused


def _counted(batches: _Batches) -> _Batches:
    """The rows in lots, their number in bounds and each lot readable. Raises BadTable."""
    rows = 0
    while True:
        try:
            batch = next(batches, None)
        except pa.ArrowException as error:
            at = re.search(r"[Rr]ow #([0-9]+)", str(error))
            where = f"row {at[1]}" if at else f"after row {rows + 1}"
            raise BadTable(Fault(where, "unreadable", "这一行的列数与表头不同，或文件已损坏", "请检查引号与分隔符，重新导出")) from error
        if batch is None:
            return
        rows += batch.num_rows
        if rows > ROWS:
            raise BadTable(Fault("file", "too-large", f"超过 {ROWS} 行", "请拆成几次提供"))
        yield batch


def _csv(source: Path) -> tuple[list[str], _Batches]:
    encoding = "utf-8-sig" if _is_utf8(source) else "gb18030"
    try:
        with source.open(encoding=encoding, newline="") as file:
            headings = [heading.strip() for heading in next(csv.reader(file), [])]
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadTable(Fault("file", "unreadable", "不是 UTF-8 或 GB18030 文本", "请另存为 UTF-8 的 CSV 后提交")) from error
    return headings, _counted(_read_csv(source, headings, "gb18030" if encoding == "gb18030" else "utf8"))


def _read_csv(source: Path, headings: list[str], encoding: str) -> _Batches:
    yield from pyarrow.csv.open_csv(
        source,
        read_options=pyarrow.csv.ReadOptions(column_names=headings, skip_rows=1, block_size=_BLOCK, encoding=encoding, use_threads=False),
        parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(column_types=dict.fromkeys(headings, _TEXT), null_values=[""], strings_can_be_null=True),
    )


def _is_utf8(source: Path) -> bool:
    try:
        with source.open(encoding="utf-8") as file:
            while file.read(1 << 20):
                pass
    except UnicodeDecodeError:
        return False
    return True


def _workbook(data: bytes, sheet: Sheet) -> tuple[list[str], _Batches]:
    rows = list(sheet(data))
    headings = [heading or "" for heading in rows[0]] if rows else []
    width = len(headings)
    if any(len(row) > width for row in rows):
        raise BadTable(Fault("file", "unreadable", "有的行比表头长", "请检查第一个工作表：首行为列名，其下每行一家企业"))
    cells = [[row[i] if i < len(row) else None for row in rows[1:]] for i in range(width)]
    table = pa.table([pa.array(column, _TEXT) for column in cells], names=headings) if len(set(headings)) == width else pa.table({})
    return headings, _counted(iter(table.to_batches(_AT_ONCE)))


def _as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Typed columns as a person would write them. Raises BadTable."""
    return pa.RecordBatch.from_arrays([_column_as_text(column) for column in batch.columns], names=batch.schema.names)


def _column_as_text(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _column_as_text(column.dictionary_decode())
    if pa.types.is_floating(kind):
        return pa.array(
            [None if value is None or value != value else repr(value).removesuffix(".0") for value in column.to_pylist()], _TEXT
        )
    if pa.types.is_timestamp(kind):
        return column.cast(pa.date32()).cast(_TEXT)
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        return pa.array([None if value is None else dumps(value) for value in column.to_pylist()], _TEXT)
    return column.cast(_TEXT)


# ------------------------------------------------------------------------------------------------------------ checking


def _cells(batch: pa.RecordBatch, columns: list[Column], found: _Found) -> tuple[dict[str, pa.Array], list[str | None], Any]:
    """The JSON of every cell by heading (null where blank), the enterprise of each row, and which rows are wrong."""
    usccs: list[str | None] = pc.utf8_trim_whitespace(batch.column("uscc").cast(_TEXT)).to_pylist()
    wrong = [False] * batch.num_rows
    for row, uscc in enumerate(usccs):
        if problem := code(uscc or ""):
            wrong[row] = True
            found.fault(row, "uscc", problem)
    bad = pa.array(wrong, pa.bool_())
    cells: dict[str, pa.Array] = {}
    for column in columns:
        texts = pc.utf8_trim_whitespace(batch.column(column.heading).cast(_TEXT))
        texts = pc.if_else(pc.equal(texts, ""), pa.scalar(None, _TEXT), texts)
        cells[column.heading], faults = _json(texts, column.entry)
        if faults:
            odd = pc.and_(pc.is_null(cells[column.heading]), pc.is_valid(texts))
            for row in pc.indices_nonzero(odd).to_pylist():
                found.fault(row, column.heading, faults[texts[row].as_py()])
            bad = pc.or_(bad, odd)
    return cells, usccs, bad


def _json(texts: pa.Array, entry: Entry) -> tuple[pa.Array, Mapping[str, Wrong]]:
    """The JSON of each text, null where it is blank or wrong, and why texts are wrong."""
    if entry.type not in NUMERIC:
        return _looked_at(texts, entry)
    plain = pc.match_substring_regex(texts, _PLAIN[entry.signed])
    if pc.all(plain, min_count=0).as_py():
        return texts, {}
    rest, faults = _looked_at(pc.if_else(plain, pa.scalar(None, _TEXT), texts), entry)
    return pc.if_else(plain, texts, rest), faults


def _looked_at(texts: pa.Array, entry: Entry) -> tuple[pa.Array, Mapping[str, Wrong]]:
    encoded = texts.dictionary_encode()
    said = {text: cell(text, entry) for text in encoded.dictionary.to_pylist()}
    values = pa.array([None if isinstance(value, Wrong) else dumps(value) for value in said.values()], _TEXT)
    return values.take(encoded.indices), {text: value for text, value in said.items() if isinstance(value, Wrong)}


_NOTHING = Wrong("invalid-request", "没有任何事实", "请填写至少一项，或删去这一行")
_TWICE = Wrong("invalid-request", "这家企业在前面的行中已经出现", "每家企业只应有一行；更正请另行提供")
_SAME_ID = Wrong("invalid-request", "每行须有不重复的 id", "请用来源系统中这一行的编号")
_BESIDE = Wrong("invalid-request", "这家企业的另一行有误", "一家企业的明细整体替换，请改正后一并提供")


def _facts(batches: _Batches, columns: list[Column], found: _Found) -> Iterator[bytes]:
    """The lines of the good rows."""
    facts: dict[str, list[Column]] = {}
    for column in columns:
        facts.setdefault(column.name, []).append(column)
    for batch in batches:
        cells, usccs, bad = _cells(batch, columns, found)
        stated = _joined([_fact(name, of, cells) for name, of in facts.items() if name])
        wrong = bad.to_pylist()
        for row, (uscc, empty) in enumerate(zip(usccs, pc.equal(stated, "").to_pylist(), strict=True)):
            if wrong[row]:
                continue
            if empty or uscc in found.seen:
                wrong[row] = True
                found.fault(row, "", _NOTHING if empty else _TWICE)
            found.seen.add(str(uscc))
        yield _lines(batch, cells.get("name"), stated, wrong, found)


def _fact(name: str, columns: list[Column], cells: Mapping[str, pa.Array]) -> pa.Array:
    """`"fact":value` or `"fact":{"period":value,…}`, null where nothing is said."""
    if columns[0].period is None:
        return _said(f'"{name}":', cells[columns[0].heading], "")
    periods = _joined([_said(f'"{column.period}":', cells[column.heading], "") for column in columns])
    return _said(f'"{name}":{{', pc.if_else(pc.equal(periods, ""), pa.scalar(None, _TEXT), periods), "}")


def _said(before: str, cells: pa.Array, after: str) -> pa.Array:
    return pc.binary_join_element_wise(before, cells, after, "")


def _joined(pieces: list[pa.Array]) -> pa.Array:
    """The pieces of each row with commas between them; blank where there is none. (Arrow's own skipping of nulls loses such rows.)"""
    return pc.utf8_ltrim(pc.binary_join_element_wise(*(pc.coalesce(_said(",", piece, ""), "") for piece in pieces), ""), ",")


def _lines(batch: pa.RecordBatch, names: pa.Array | None, stated: pa.Array, wrong: list[bool], found: _Found) -> bytes:
    name = "" if names is None else pc.coalesce(_said(',"name":', names, ""), "")
    uscc = pc.utf8_trim_whitespace(batch.column("uscc").cast(_TEXT))
    lines = pc.binary_join_element_wise('{"uscc":"', uscc, '","facts":{', stated, "}", name, "}\n", "")
    good = lines.filter(pc.invert(pa.array(wrong, pa.bool_())))
    found.rows += batch.num_rows
    found.accepted += len(good)
    found.refused += batch.num_rows - len(good)
    return "".join(good.to_pylist()).encode()


def _records(batches: _Batches, columns: list[Column], kind: str, found: _Found) -> Iterator[bytes]:
    """One line for each enterprise whose rows are all good, once all are read."""
    tables: dict[str, list[str]] = {}
    ids: set[tuple[str, str]] = set()
    spoilt: set[str] = set()
    rows: dict[str, list[int]] = {}
    for batch in batches:
        cells, usccs, bad = _cells(batch, columns, found)
        said = _joined([_said(f'"{column.name}":', cells[column.heading], "") for column in columns]).to_pylist()
        for row, (uscc, wrong, identity, line) in enumerate(zip(usccs, bad.to_pylist(), cells["id"].to_pylist(), said, strict=True)):
            of = str(uscc)
            if not wrong and (identity is None or (of, identity) in ids):
                wrong = True
                found.fault(row, "id", _SAME_ID)
            if wrong:
                spoilt.add(of)
            else:
                ids.add((of, identity))
                tables.setdefault(of, []).append(f"{{{line}}}")
                rows.setdefault(of, []).append(row + found.rows)
        found.rows += batch.num_rows
    total, found.rows = found.rows, 0
    for of in spoilt & tables.keys():
        del tables[of]
        for row in rows[of]:
            found.fault(row, "", _BESIDE)
    found.accepted = sum(map(len, tables.values()))
    found.refused = total - found.accepted
    out = io.StringIO()
    for of, lines in tables.items():
        out.write(f'{{"uscc":"{of}","facts":{{}},"records":{{"{kind}":[{",".join(lines)}]}}}}\n')
    yield out.getvalue().encode()
