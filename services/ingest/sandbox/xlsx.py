"""XLSX to lines: one row a line, cells divided by tabs, values as the sheet shows them, visible sheets divided by form feeds.

Read from the XML itself (ECMA-376 Part 1 §18), so that a large sheet needs no more memory than its words. A cell merged over several
rows says its words in each of them; a formula that was saved without its value is told, not passed over.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from xml.etree.ElementTree import Element

from services.ingest.domain.reading import NotADocument
from services.ingest.sandbox.archive import Package, attribute, child, damaged, kind_of, local, open_package

COLUMNS = 256
"""Columns a sheet may use; a list that people read has a dozen."""
MERGED = 100_000
"""Cells that merged ranges may cover together."""

_CELL = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")
_BUILT_IN = {
    1: "0", 2: "0.00", 3: "#,##0", 4: "#,##0.00", 9: "0%", 10: "0.00%", 14: "yyyy-m-d", 15: "d-mmm-yy", 16: "d-mmm", 17: "mmm-yy",
    18: "h:mm AM/PM", 19: "h:mm:ss AM/PM", 20: "h:mm", 21: "h:mm:ss", 22: "yyyy-m-d h:mm", 27: 'yyyy"年"m"月"', 28: 'm"月"d"日"',
    29: 'm"月"d"日"', 30: "m-d-yy", 31: 'yyyy"年"m"月"d"日"', 32: 'h"时"mm"分"', 36: 'yyyy"年"m"月"', 37: "#,##0", 38: "#,##0",
    39: "#,##0.00",
    40: "#,##0.00", 45: "mm:ss", 50: 'yyyy"年"m"月"', 51: 'm"月"d"日"', 52: 'yyyy"年"m"月"', 53: 'm"月"d"日"', 54: 'm"月"d"日"',
    57: 'yyyy"年"m"月"', 58: 'm"月"d"日"',
}  # fmt: skip


@dataclass(frozen=True)
class _Book:
    strings: list[str]
    formats: list[str]  # by cell style
    since: datetime  # day 0


def text_of(package: Package) -> tuple[str, int, tuple[str, ...]]:
    """The text of a workbook's visible sheets, their number, and notes on what was left out."""
    workbook = package.tree(package.main)
    book = _book(package, workbook)
    parts = {identity: part for identity, (_, part) in package.related(package.main).items()}
    sheets: list[str] = []
    hidden: list[str] = []
    notes: list[str] = []
    for sheet in child(workbook, "sheets") or ():
        name, part = attribute(sheet, "name") or "", parts.get(attribute(sheet, "id") or "", "")
        if attribute(sheet, "state") in ("hidden", "veryHidden"):
            hidden.append(name)
            continue
        if part not in package.names:
            raise damaged(part or name)
        lines, unknown = _sheet(package, part, book)
        if lines:
            sheets.append("\n".join(lines))
        if unknown:
            raise NotADocument(
                "unreadable",
                f"工作表“{name}”有 {unknown[0]} 等 {len(unknown)} 个公式单元格没有保存计算结果。",
                "请用 WPS 或 Excel 打开，保存一次后重新上传。",
            )
    if hidden:
        notes.append(f"隐藏的工作表未读取：{'、'.join(hidden)}。")
    return "\n\f\n".join(sheets) + "\n", len(sheets), tuple(notes)


def rows_of(data: bytes) -> Iterator[list[str | None]]:
    """The rows of a workbook's first visible sheet, cell by cell: numbers with all their digits, days as 2025-06-30, None where blank.

    A formula that was saved without its value is refused. Raises NotADocument.
    """
    if kind_of(data) != "xlsx":
        raise NotADocument("not-a-document", "不是 XLSX 工作簿。", "请另存为 XLSX 或 CSV 后提交。")
    package = open_package(data)
    workbook = package.tree(package.main)
    book, parts = _book(package, workbook), {identity: part for identity, (_, part) in package.related(package.main).items()}
    for sheet in child(workbook, "sheets") or ():
        if attribute(sheet, "state") not in ("hidden", "veryHidden"):
            part = parts.get(attribute(sheet, "id") or "", "")
            if part not in package.names:
                raise damaged(part)
            for element in package.events(part):
                if local(element) == "row":
                    yield _row(element, book)
                    element.clear()
            return


def _row(row: Element, book: _Book) -> list[str | None]:
    cells: list[str | None] = []
    for cell in row:
        place = _CELL.fullmatch(attribute(cell, "r") or "")
        column = _column(place[1]) if place else len(cells)
        if column >= COLUMNS:
            raise NotADocument("too-large", f"工作表的列数超过 {COLUMNS} 列的限制。", "请删去多余的列，或拆分后分别上传。")
        text = _value(cell, book, exact=True)
        if text is None:
            raise NotADocument("unreadable", "有公式单元格没有保存计算结果。", "请用 WPS 或 Excel 打开，保存一次后重新提交。")
        cells += [None] * (column + 1 - len(cells))
        cells[column] = text or None
    return cells


def _book(package: Package, workbook: Element) -> _Book:
    mac = attribute(child(workbook, "workbookPr"), "date1904") in ("1", "true")
    return _Book(_strings(package), _formats(package), datetime(1904, 1, 1) if mac else datetime(1899, 12, 30))  # noqa: DTZ001 (a sheet's day has no zone)


def _sheet(package: Package, part: str, book: _Book) -> tuple[list[str], list[str]]:
    """The rows of a sheet as lines, and the formula cells without a value."""
    rows: dict[int, dict[int, str]] = {}
    merged: list[tuple[int, int, int, int]] = []
    unknown: list[str] = []
    covered = row_number = 0
    for element in package.events(part):
        name = local(element)
        if name == "row":
            row_number = int(attribute(element, "r") or row_number + 1)
            cells: dict[int, str] = {}
            column = -1
            for cell in element:
                place = _CELL.fullmatch(attribute(cell, "r") or "")
                column = _column(place[1]) if place else column + 1
                text = _value(cell, book)
                if text is None:
                    unknown.append(attribute(cell, "r") or "")
                elif text:
                    if column >= COLUMNS:
                        raise NotADocument("too-large", f"工作表的列数超过 {COLUMNS} 列的限制。", "请删去多余的列，或拆分后分别上传。")
                    cells[column] = text
            if cells:
                rows[row_number] = cells
            element.clear()
        elif name == "mergeCell":
            corners = [_CELL.fullmatch(corner) for corner in (attribute(element, "ref") or "").split(":")]
            if len(corners) == 2 and corners[0] and corners[1]:
                (left, top), (right, bottom) = ((_column(c[1]), int(c[2])) for c in corners if c)
                covered += max(bottom - top, 0)
                if covered > MERGED:
                    raise NotADocument("too-large", f"合并单元格覆盖超过 {MERGED} 行。", "请取消多余的合并后重新上传。")
                merged.append((top, left, bottom, right))
    last = max(rows, default=0)
    for top, left, bottom, _ in merged:
        words = rows.get(top, {}).get(left)
        for below in range(top + 1, min(bottom, last) + 1) if words else ():
            if words and rows.get(below):  # a row that is nothing but the merged cell's tail prints nothing of its own
                rows[below].setdefault(left, words)
    first = min((min(cells) for cells in rows.values()), default=0)
    lines = ["\t".join(cells.get(i, "") for i in range(first, max(cells) + 1)) for _, cells in sorted(rows.items())]
    return [line.lstrip("\t") if "\t" not in line.strip("\t") else line for line in lines], unknown


def _value(cell: Element, book: _Book, *, exact: bool = False) -> str | None:
    """What a cell shows, on one line, or with `exact` what it holds; None for a formula that was saved without its value."""
    kind, value = attribute(cell, "t") or "n", child(cell, "v")
    if kind == "inlineStr":
        return _one_line(_rich(child(cell, "is")))
    if value is None or value.text is None:
        return None if child(cell, "f") is not None and kind == "n" else ""  # a formula may well give an empty string
    if kind == "s":
        index = int(value.text)
        return book.strings[index] if 0 <= index < len(book.strings) else ""
    if kind == "b":
        return "TRUE" if value.text == "1" else "FALSE"
    if kind in ("str", "e", "d"):
        return _one_line(value.text)
    style = int(attribute(cell, "s") or 0)
    form = book.formats[style] if style < len(book.formats) else "General"
    return shown(value.text, "General" if exact and re.search(r"[0#]", form) else form, book.since)


def shown(number: str, form: str, since: datetime) -> str:
    """A number as its format shows it: percent, thousands, decimals, dates; other formats give the number itself."""
    try:
        value = Decimal(number)
    except InvalidOperation:
        return number
    if not value.is_finite() or value.adjusted() > 20:
        return number
    positive = form.split(";")[0]
    bare = re.sub(r'"[^"]*"|\\.|\[[^\]]*\]|_.|\*.', "", positive)
    if re.search(r"[ymdhs]", bare, re.IGNORECASE) and not re.search(r"[0#]", bare):
        return _date(value, positive, since)
    if "%" in bare:
        return f"{_rounded(value * 100, bare)}%"
    if re.search(r"[0#]", bare) and form != "General":
        prefix, suffix = re.match(r'^("[^"]*")?', positive), re.search(r'("[^"]*")$', positive)
        words = ((prefix[0] if prefix else "").strip('"'), (suffix[0] if suffix else "").strip('"'))
        return words[0] + _rounded(value, bare) + words[1]
    return _plain(value)


def _rounded(value: Decimal, form: str) -> str:
    decimals = re.search(r"\.([0#]+)", form)
    places = len(decimals[1]) if decimals else 0
    rounded = value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{rounded:,f}" if "," in form else f"{rounded:f}"
    spare = len(decimals[1]) - len(decimals[1].rstrip("#")) if decimals else 0
    for _ in range(spare):
        text = text.removesuffix("0")
    return text.removesuffix(".")


def _plain(value: Decimal) -> str:
    """A number without format: 15 significant digits, as the sheet shows binary fractions."""
    if value == value.to_integral_value():
        return f"{value:.0f}"
    digits = max(0, 14 - value.adjusted())
    return f"{round(value, digits):f}".rstrip("0").rstrip(".")


def _date(value: Decimal, form: str, since: datetime) -> str:
    if not 0 <= value < 2_958_466:
        return _plain(value)
    moment = since + timedelta(days=float(value))
    moment = (moment + timedelta(microseconds=500_000)).replace(microsecond=0)
    bare = re.sub(r'"|\\|\[[^\]]*\]|;.*', "", form).lower()
    day, clock = bare.partition("h")[0], "h" in bare
    if "年" in day or "月" in day:
        parts = (("y", f"{moment.year}年"), ("m", f"{moment.month}月"), ("d", f"{moment.day}日"))
        printed = "".join(words for sign, words in parts if sign in day)
    elif "d" not in day and "y" in day:
        printed = f"{moment.year}-{moment.month:02d}"
    else:
        printed = moment.date().isoformat() if re.search(r"[yd]", day) else ""
    return (printed + (f" {moment:%H:%M}" if clock else "")).strip() or f"{moment:%H:%M:%S}"


def _strings(package: Package) -> list[str]:
    part = package.other("sharedStrings")
    if part is None:
        return []
    found: list[str] = []
    for element in package.events(part):
        if local(element) == "si":
            found.append(_one_line(_rich(element)))
            element.clear()
    return found


def _rich(element: Element | None) -> str:
    """The words of a plain or rich string; phonetic readings are not part of it."""
    if element is None:
        return ""
    return "".join(_texts(element))


def _texts(element: Element) -> Iterator[str]:
    for one in element:
        if local(one) == "t":
            yield one.text or ""
        elif local(one) != "rPh":
            yield from _texts(one)


def _formats(package: Package) -> list[str]:
    part = package.other("styles")
    if part is None:
        return []
    root = package.tree(part)
    own: Mapping[int, str] = {
        int(attribute(one, "numFmtId") or 0): attribute(one, "formatCode") or "General" for one in child(root, "numFmts") or ()
    }
    ids = [int(attribute(one, "numFmtId") or 0) for one in child(root, "cellXfs") or ()]
    return [own.get(one) or _BUILT_IN.get(one, "General") for one in ids]


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _one_line(text: str) -> str:
    return " ".join(re.sub(r"_x000D_", " ", text).split())
