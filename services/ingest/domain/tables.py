"""Annex tables: tab-separated, HTML and Markdown rows, PDF columns folded into lines, and rows run together in one line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from .text import NOTHING, Line, Text, join, squeeze, tidy, width
from .units import likely_units, units_of
from .values import Clause

# Column names as Chinese lists print them, by what the column holds.
_ROLES = (
    ("seq", re.compile(r"序号|编号|条目")),
    ("units", re.compile(r".{0,6}(?:单位|部门)(?:名称)?")),
    (
        "body",
        re.compile(
            r"(?:具体|主要|兑现|政策|创新|经验|改革|服务|工作|支持|扶持|奖补|补助|奖励|优惠)*(?:做法|内容|成效|措施内容|标准|政策内容|举措内容|做法及成效|说明)(?:(?:及|和|与|、)?(?:主要)?(?:成效|效果|标准|做法|内容))*"
        ),
    ),
    (
        "title",
        re.compile(
            r"(?:创新|改革|政策|服务|惠企|典型|试点|主要|重点|工作|具体|任务|兑现|支持|扶持|申报|措施|事项|项目|经验|案例)*(?:举措|事项|名称|项目|任务|措施|政策|案例|清单|条款)(?:名称)?"
        ),
    ),
    (
        "other",
        re.compile(
            r".{0,6}(?:依据|流程|材料|方式|条件|对象|时限|期限|电话|联系人|备注|范围|类型|类别|来源|日期|时间|网址|渠道|要求|程序|领域|层级)(?:及.{1,6})?"
        ),
    ),
)
_NOTE = re.compile(r"[（(]?\s*(?:备注|注|说明)\s*[：:]")
_OPENS_UNIT = re.compile(r"(?:国|省|市|区|县|州|中|各|人民|.{1,3}[省市区县州])")


@dataclass(frozen=True, slots=True)
class Columns:
    """A recognised table head: the role and the name of each column, left to right."""

    roles: tuple[str, ...]
    names: tuple[Text, ...]
    printed: str  # squeezed, to know it again where it is repeated
    tabs: bool

    def at(self, role: str) -> int | None:
        return self.roles.index(role) if role in self.roles else None


def head_of(lines: Sequence[Line], start: int) -> tuple[Columns, int] | None:
    """The table head that begins at lines[start], and the index after it. A head may be cut over several lines (序/号)."""
    first = lines[start].s
    if "\t" in first:
        names = _cells(lines[start].text)
        while names and not names[-1]:
            names.pop()
        found = _columns(names, tabs=True)
        return (found, start + 1) if found else None
    if len(first) > 90 or not squeeze(first).startswith("序"):
        return None
    cells: list[Text] = []
    for size, line in enumerate(lines[start : start + 12], 1):
        cells += _words(line.text) if len(line.s) <= 90 else [line.text]
        if cells[0].s == "序" and len(cells) > 1:
            cells = [join(cells[:2]), *cells[2:]]
        if cells[0].s not in ("序", "序号") or any(_role(cell) in (None, "seq") for cell in cells[1:]):
            return None
        found = _columns(cells, tabs=False)
        following = lines[start + size : start + size + 1]
        if found and not (following and len(following[0].s) <= 90 and _columns([*cells, *_words(following[0].text)], tabs=False)):
            return found, start + size
    return None


def _role(cell: Text, taken: Sequence[str] = ()) -> str | None:
    """What the column of this name holds; a second column of a role is `other`; None where it is no column name."""
    name = squeeze(cell.s)
    roles = [role for role, pattern in _ROLES if pattern.fullmatch(name)]
    return next((role for role in roles if role == "other" or role not in taken), "other" if roles else None)


def _columns(cells: Sequence[Text], *, tabs: bool) -> Columns | None:
    roles: list[str] = []
    for cell in cells:
        role = _role(cell, roles)
        if role is None:
            return None
        roles.append(role)
    if len(roles) < 3 or "seq" not in roles or not {"title", "body"} & set(roles):
        return None
    if "body" not in roles:  # a table of names only: its last text column says what is done
        rest = [i for i, r in enumerate(roles) if r == "other"]
        if rest:
            roles[rest[-1]] = "body"
    if "title" not in roles and "body" not in roles:
        return None
    return Columns(tuple(roles), tuple(tidy(c) for c in cells), "".join(squeeze(c.s) for c in cells), tabs)


def _cells(text: Text) -> list[Text]:
    found: list[Text] = []
    start = 0
    for i, c in enumerate(text.s + "\t"):
        if c == "\t":
            found.append(text.part(start, i).strip())
            start = i + 1
    return found


def _words(text: Text) -> list[Text]:
    return [text.part(m.start(), m.end()) for m in re.finditer(r"\S+", text.s)]


def rows_of(lines: Sequence[Line], columns: Columns, *, annex: str, section: tuple[Text, ...]) -> tuple[list[Clause], list[Line]]:
    """The rows below a head as clauses, and the lines that did not belong to the table."""
    lines = _without_repeated_heads(lines, columns)
    end = next((i for i, line in enumerate(lines) if _NOTE.match(line.s)), len(lines))
    rest = list(lines[end:])
    found = _tab_rows(lines[:end], columns) if columns.tabs else _folded_rows(lines[:end], columns)
    clauses: list[Clause] = []
    for number, cells in found:
        title, body, units = _cell(cells, columns, "title"), _cell(cells, columns, "body"), _cell(cells, columns, "units")
        others = tuple(
            (columns.names[i], tidy(cells[i]))
            for i, role in enumerate(columns.roles)
            if role == "other" and i < len(cells) and cells[i].s.strip()
        )
        printed = int(squeeze(number.s)) if squeeze(number.s).isdecimal() else len(clauses) + 1
        clauses.append(
            Clause(
                "table",
                tidy(number),
                tidy(title),
                tidy(body) or tidy(title),
                section,
                (printed,),
                annex,
                units_of(tidy(units)),
                context=others,
            )
        )
    return clauses, rest


def _cell(cells: Sequence[Text], columns: Columns, role: str) -> Text:
    i = columns.at(role)
    return cells[i] if i is not None and i < len(cells) else NOTHING


def _without_repeated_heads(lines: Sequence[Line], columns: Columns) -> list[Line]:
    kept: list[Line] = []
    i = 0
    while i < len(lines):
        printed, j = "", i
        while j < len(lines) and len(printed) < len(columns.printed) and columns.printed.startswith(printed):
            printed += squeeze(lines[j].s)
            j += 1
        if printed == columns.printed:
            i = j
        else:
            kept.append(lines[i])
            i += 1
    return kept


def _tab_rows(lines: Sequence[Line], columns: Columns) -> list[tuple[Text, list[Text]]]:
    """A row begins with its number and a tab; lines without tabs go on with the last cell."""
    seq = columns.at("seq") or 0
    rows: list[list[Text]] = []
    for line in lines:
        cells = _cells(line.text)
        while len(cells) > len(columns.roles) and not cells[-1]:
            cells.pop()
        if "\t" in line.s and len(cells) > seq and (squeeze(cells[seq].s).isdecimal() or len(cells) >= len(columns.roles)):
            rows.append(cells)
        elif rows:
            for k, cell in enumerate(cells):
                at = len(rows[-1]) - 1 if k == 0 else len(rows[-1])
                rows[-1][at:] = [join([rows[-1][at], cell])] if k == 0 else [cell]
    return [(row[seq], row) for row in rows]


# --- columns folded into lines ----------------------------------------------------------------------------------------


def _folded_rows(lines: Sequence[Line], columns: Columns) -> list[tuple[Text, list[Text]]]:
    """A PDF table read column by column: its number alone, then the narrow columns' lines, then the wide one's."""
    sizes = sorted(width(line.s) for line in lines)
    full = sizes[len(sizes) * 9 // 10] if sizes else 0
    starts: list[int] = []
    for i, line in enumerate(lines):
        if squeeze(line.s) == str(len(starts) + 1) and i + 1 < len(lines) and width(lines[i + 1].s) < full * 0.6:
            starts.append(i)
    if not starts:  # rows that stand in one line each: no table that was folded
        return []
    blocks = [list(lines[a + 1 : b]) for a, b in zip(starts, [*starts[1:], len(lines)], strict=True)]
    heads = [_narrow(block, full) for block in blocks]
    column = max((width(block[0].s) for block, head in zip(blocks, heads, strict=True) if head > 1), default=0)
    rows: list[tuple[Text, list[Text]]] = []
    for start, block, head in zip(starts, blocks, heads, strict=True):
        number = lines[start].text.strip()
        narrow = block[:head]
        title_size = _title_lines(narrow, column) if columns.at("units") is not None else len(narrow)
        cells = [NOTHING] * len(columns.roles)
        body, units = block[head:], narrow[title_size:]
        if not units and columns.at("units") is not None and (columns.at("units") or 0) > (columns.at("body") or 0):
            tail = (
                next((k for k in range(len(body) - 1, 0, -1) if width(body[k].s) >= full * 0.6 or body[k].s.endswith("。")), len(body) - 1)
                + 1
            )
            if likely_units(squeeze("".join(x.s for x in body[tail:]))):
                body, units = body[:tail], body[tail:]
        for role, part in (("title", narrow[:title_size]), ("units", units), ("body", body)):
            place = columns.at(role)
            if place is not None:
                cells[place] = join(x.text for x in part)
        rows.append((number, cells))
    return rows


def _narrow(block: Sequence[Line], full: int) -> int:
    """How many lines stand before the wide column begins."""
    return next((i for i, line in enumerate(block) if width(line.s) >= full * 0.6), len(block))


def _title_lines(lines: Sequence[Line], column: int) -> int:
    """How many of the narrow lines are the title, the others being units.

    A column is filled: only its last line is short. The units must read as a list of names; among equals the later cut wins.
    """
    best, lowest = len(lines), 40
    for k in range(1, len(lines)):
        title, units = lines[:k], lines[k:]
        cost = sum(10 for x in title[:-1] if width(x.s) <= column - 4)
        most = max(width(x.s) for x in units)
        cost += sum(3 for x in units[:-1] if width(x.s) <= most - 4)
        words = squeeze("".join(x.s for x in units))
        cost += 0 if likely_units(words) else 20
        cost += 0 if _OPENS_UNIT.match(words) else 2
        joined = "".join(x.s for x in title).rstrip()
        cost += 10 if joined.endswith(("、", "，", ",")) else 0
        cost += 1 if joined.count("“") != joined.count("”") else 0
        if cost <= lowest:
            best, lowest = k, cost
    return best


# --- rows run together in one line ------------------------------------------------------------------------------------

_CITATION = re.compile(
    r"\s*(?:\d{1,2}[.．、]\s*)?(?:《[^》]{2,60}》(?:[（(][^（）()]{2,30}[）)])?(?:附件)?(?:第\s*\d{1,4}\s*[条项款])?"
    r"|[^\s《》，。；、]{0,14}(?:公告|通知|函|令|字|税发|规|发|办|财税|国函|财|政|税|号|国)?[^\s《》，。；、]{0,6}[（(〔\[]?\s*\d{4}\s*[年〕\])）]?\s*第?\s*\d{1,4}\s*号\s*[）)]?"
    r"|[^\s《》，。；、\d]{2,14}令第\s*\d{1,4}\s*号|(?:财政部|税务总局|海关总署|商务部|国家税务总局|国务院|[^\s《》，。；、\d（(]{2,10}(?:部|总局|总署|委|局))(?=\s)"
    r"|[^\s《》，。；\d]{4,30}[（(]第[一二三四五六七八九十]{1,3}期[）)])\s*[；;、，,]?\s*"
)
_FLOW = re.compile(
    r"受理\s*(?:[（(][^（）()]{1,12}[）)])?\s*→|办理(?:纳税|缴费|[^。，；\s]{0,4})申报时|无需办理|\d[.．、]\s*[^。；]{2,14}(?:提交申请|受理申请)|\d{4}年度[^。，]{2,16}时，"
)


def run_together_rows(text: Text, *, section: tuple[Text, ...]) -> tuple[Text, list[Clause]] | None:
    """Rows of a list whose cells and line breaks are lost: (text before the table, clauses), or None when there is no such table.

    The head 序号…… gives the columns; a row begins with the next number after a blank; a heading 一、…… may stand between rows.
    """
    head = re.search(r"序号(?=[^\s。，]{0,40}(?:内容|事项|举措|措施|政策))[^\s。，；：]{6,60}", text.s)
    if not head:
        return None
    starts: list[tuple[int, int]] = []  # where the number, where the row's words begin
    at = head.end()
    while m := re.compile(rf"\s{len(starts) + 1}(?=\s|[\u4e00-\u9fff《“]|1[.．、]\D)").search(text.s, at):
        starts.append((m.start() + 1, m.end()))
        at = m.end()
    if len(starts) < 3:
        return None
    clauses: list[Clause] = []
    group: tuple[Text, ...] = ()
    before = text.part(head.end(), starts[0][0])
    for k, (number, words) in enumerate(starts):
        heading = re.search(r"(?:^|\s)([一二三四五六七八九十]{1,3}、[^\s。；]{4,40})\s*$", before.s)
        if heading:
            group = (tidy(before.part(heading.start(1), heading.end(1))),)
        row = text.part(words, starts[k + 1][0] if k + 1 < len(starts) else None)
        following = re.search(r"\s[一二三四五六七八九十]{1,3}、[^\s。；]{4,40}\s*$", row.s)
        before = row.part(following.start()) if following else NOTHING
        row = row.part(0, following.start()) if following else row
        clauses.append(_run_together_row(text.part(number, words), row, (*section, *group)))
    return text.part(0, head.start()), clauses


def _run_together_row(number: Text, row: Text, section: tuple[Text, ...]) -> Clause:
    start = 0
    while (m := _CITATION.match(row.s, start)) and m.end() > start:
        start = m.end()
    flow = _FLOW.search(row.s, start + 6)
    stop = flow.start() if flow else len(row.s)
    body = tidy(row.part(start, stop))
    context = [(row.part(0, 0), tidy(part)) for part in (row.part(0, start), row.part(stop)) if part.s.strip()]
    title = re.match(r"[^。；，,]{4,40}", body.s)
    return Clause(
        "table",
        tidy(number),
        body.part(0, title.end()) if title else body,
        body,
        section,
        (int(squeeze(number.s)),),
        context=tuple(context),
    )
