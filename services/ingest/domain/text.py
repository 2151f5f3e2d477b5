"""Bytes to lines of clean text in which every character still knows where it stands in the raw text."""

import html
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

Span = tuple[int, int]

SENTENCE_END = "。！？!?；;"
_NEWLINES = "\n\r\f\v\x1c\x1d\x1e\x85\u2028\u2029"
_BLOCK_TAGS = (
    "address article aside blockquote body br caption center dd div dl dt footer form h1 h2 h3 h4 h5 h6 header hr html li "
    "main nav ol p pre section table tbody tfoot thead title tr ul "
)
_CELL_TAGS = frozenset({"td", "th"})
_INLINE_TAGS = (
    "a abbr b big button cite code col colgroup em font i iframe img input ins label link meta o:p option q s select small "
    "span strong sub sup u "
)
_HIDDEN_TAGS = ("script", "style", "noscript")
_BLOCKS = frozenset(_BLOCK_TAGS.split())
_KNOWN_TAGS = _BLOCKS | _CELL_TAGS | set(_INLINE_TAGS.split()) | set(_HIDDEN_TAGS)
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9:-]{0,30})(?:\s[^<>]{0,2000})?/?>")
_PAGE = re.compile(r"<!doctype\s+html|<html[\s>]|<body[\s>]", re.IGNORECASE)
_DOCTYPE = re.compile(r"<![a-zA-Z][^<>]{0,300}>")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_KEPT = frozenset("，：；？！（）［］｛｝．…" + "①②③④⑤⑥⑦⑧⑨⑩⑪⑫⑬⑭⑮⑯⑰⑱⑲⑳")  # NFKC would make them half-width, or a number of the text
_PAGE_MARKS = (
    re.compile(r"[\s·]*[—–─－-]{1,3}\s*\d{1,4}\s*[—–─－-]{1,3}[\s·]*"),
    re.compile(r"[#\s]*Page\s*(\d{1,5})\s*(?:of\s*\d{1,5})?\s*[:：]?", re.IGNORECASE),
    re.compile(r"第\s*\d{1,4}\s*页\s*(?:[,，/，]?\s*共\s*\d{1,4}\s*页)?"),
)
_RULE = re.compile(r"[-=_*─—]{3,}|(?:[-*_]\s+){2,}[-*_]")
_HEADING = re.compile(r"\s{0,3}#{1,6}\s+")


@dataclass(frozen=True, slots=True)
class Text:
    """A string with, for each character, the half-open stretch of the raw text it was printed as."""

    s: str
    at: tuple[int, ...]
    to: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.s)

    def __bool__(self) -> bool:
        return bool(self.s)

    def __add__(self, other: "Text") -> "Text":
        return Text(self.s + other.s, self.at + other.at, self.to + other.to)

    def part(self, start: int, end: int | None = None) -> "Text":
        return Text(self.s[start:end], self.at[start:end], self.to[start:end])

    def strip(self, blanks: str | None = None) -> "Text":
        start = len(self.s) - len(self.s.lstrip(blanks))
        return self.part(start, start + len(self.s.strip(blanks)))

    @property
    def span(self) -> Span:
        """From where to where in the raw text; (0, 0) for no characters."""
        return (self.at[0], max(self.to)) if self.s else (0, 0)

    def runs(self) -> tuple[tuple[int, int, int, int], ...]:
        """(text from, text to, raw from, raw to): the pieces of raw text, in order, that make up this string.

        Within a run characters stand one for one, or the run is one printed sign that several characters stand for (¼, &nbsp;).
        """
        found: list[tuple[int, int, int, int]] = []
        i = 0
        while i < len(self.s):
            start, end = self.at[i], self.to[i]
            j = i + 1
            while j < len(self.s) and self.at[j] == start and self.to[j] == end:
                j += 1
            if start < end:  # else a blank that markup stands for
                single = j == i + 1 and end == start + 1
                if found and single and found[-1][1] == i and found[-1][3] == start and found[-1][1] - found[-1][0] == start - found[-1][2]:
                    found[-1] = (found[-1][0], j, found[-1][2], end)
                else:
                    found.append((i, j, start, end))
            i = j
        return tuple(found)


NOTHING = Text("", (), ())


@dataclass(frozen=True, slots=True)
class Line:
    """One printed line: its text (never blank), and what stood between it and the line before."""

    text: Text
    gap: bool = False  # an empty line, a rule or a page break came before
    rule: bool = False  # a drawn rule came before
    page: bool = False  # a page began before

    @property
    def s(self) -> str:
        return self.text.s


def squeeze(text: str) -> str:
    """NFKC and no blanks: the form in which printed words are compared."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def plain(raw: str) -> str:
    """The words of a stretch of raw text without markup, page marks and blanks (NFKC)."""
    return squeeze("".join(line.s for line in lines_of(raw)))


# --- characters -----------------------------------------------------------------------------------------------------


def _printed(cluster: str) -> str:
    """NFKC, but full-width Chinese punctuation stays as printed."""
    if cluster in _KEPT:
        return cluster
    return unicodedata.normalize("NFKC", cluster)


def _characters(raw: str, start: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Printed characters of raw[start:end] with their places; a base and its combining marks are one."""
    i = start
    while i < end:
        j = i + 1
        while j < end and raw[j] > "\u02ff" and (unicodedata.combining(raw[j]) or "\u1160" <= raw[j] <= "\u11ff"):
            j += 1
        for c in _printed(raw[i:j]):
            yield c, i, j
        i = j


def _stream(raw: str) -> Text:
    """The whole raw text without tags and entities; a block tag is a line end, a cell's end a tab."""
    s: list[str] = []
    at: list[int] = []
    to: list[int] = []

    def put(c: str, start: int, end: int) -> None:
        s.append(c)
        at.append(start)
        to.append(end)

    def words(start: int, end: int) -> None:
        for c, i, j in _characters(raw, start, end):
            if c == "\f" and not in_cell:  # a page break is a line of its own
                for sign in "\n\f\n":
                    put(sign, i, j)
            elif c in _NEWLINES:
                put(" " if in_cell else "\n", i, j)
            elif c in "\u200b\u200c\u200d\u2060\ufeff\u00ad":
                continue
            else:
                put(c, i, j)

    i, in_cell = 0, False
    page = bool(_PAGE.search(raw, 0, 5000))  # a whole web page: whatever looks like a tag is one
    hidden_ends = dict.fromkeys(_HIDDEN_TAGS, True)
    for m in re.finditer(r"[<&]", raw):
        k = m.start()
        if k < i:
            continue
        if raw.startswith("<!--", k):
            close = raw.find("-->", k)
            if close < 0:
                continue
            words(i, k)
            i = close + 3
        elif doctype := _DOCTYPE.match(raw, k):
            words(i, k)
            i = doctype.end()
        elif (tag := _TAG.match(raw, k)) and ((name := tag[1].lower()) in _KNOWN_TAGS or page):
            words(i, k)
            i = tag.end()
            if name in _HIDDEN_TAGS and not tag[0].startswith("</") and hidden_ends[name]:
                end = re.compile(rf"</{name}\s*>", re.IGNORECASE).search(raw, i)
                hidden_ends[name] = end is not None
                i = end.end() if end else i
            elif name in _CELL_TAGS:
                in_cell = not tag[0].startswith("</")
                if not in_cell:
                    put("\t", k, k)
            elif name in _BLOCKS:
                in_cell = in_cell and name not in ("tr", "table", "tbody")
                put(" " if in_cell else "\n", k, k)
        elif entity := _ENTITY.match(raw, k):
            meant = html.unescape(entity[0])
            if meant != entity[0]:
                words(i, k)
                i = entity.end()
                for c in unicodedata.normalize("NFKC", meant):
                    put(" " if c.isspace() else c, k, i)
    words(i, len(raw))
    return Text("".join(s), tuple(at), tuple(to))


# --- lines ----------------------------------------------------------------------------------------------------------


def lines_of(raw: str) -> list[Line]:
    """The printed lines of a text, without markup and page furniture."""
    stream = _stream(raw)
    found: list[Line] = []
    gap = rule = page = False
    start = 0
    pending: list[tuple[int, int, int]] = []  # bare numbers next to a page mark: (position in found, number, page)
    breaks = stream.s.count("\f")
    last_page: int | None = 1 if breaks else None
    for piece in stream.s.split("\n"):
        text = stream.part(start, start + len(piece))
        start += len(piece) + 1
        bare = piece.strip()
        if piece == "\f":
            if found and not page and last_page is not None and found[-1].s.isdigit():
                pending.append((len(found) - 1, int(found[-1].s), last_page))
            gap = page = True
            last_page = (last_page or 0) + 1
            continue
        if not bare:
            gap = True
            continue
        mark = next((m for p in _PAGE_MARKS if (m := p.fullmatch(bare))), None)
        if mark:
            gap = page = True
            last_page = int(mark[1]) if mark.re.groups and mark[1] else None
            continue
        if _RULE.fullmatch(bare):
            gap = rule = True
            continue
        text = _without_markdown(text)
        if not text.s.strip():
            gap = True
            continue
        if (page or not found) and last_page is not None and bare.isdigit():
            pending.append((len(found), int(bare), last_page))
        found.append(Line(text.strip(" \u3000\r"), gap, rule, page))
        gap = rule = page = False
    if breaks and found and not page and last_page is not None and found[-1].s.isdigit():
        pending.append((len(found) - 1, int(found[-1].s), last_page))
    return _without_page_numbers(found, pending, breaks=breaks)


def _without_page_numbers(found: list[Line], pending: list[tuple[int, int, int]], *, breaks: int) -> list[Line]:
    """A bare number at an edge of a page is its printed number when it runs along with the pages.

    Between form feeds nothing else says that it is one (a table's row may begin there): it must do so on most pages.
    """
    shift: dict[int, int] = {}
    for _, number, page in pending:
        shift[number - page] = shift.get(number - page, 0) + 1
    least = max(2, (breaks + 1) * 6 // 10)
    numbers = {where for where, number, page in pending if shift[number - page] >= least or (not breaks and number == page)}
    kept: list[Line] = []
    carry = False
    for i, line in enumerate(found):
        if i in numbers:
            carry = True
            continue
        kept.append(Line(line.text, True, line.rule, True) if carry else line)
        carry = False
    return kept


def _without_markdown(text: Text) -> Text:
    """Heading signs, bold signs, quote signs and the bars of a table row."""
    if m := _HEADING.match(text.s):
        text = text.part(m.end())
    if text.s.startswith("> "):
        text = text.part(2)
    if text.s.count("**") >= 2:
        pieces, i = NOTHING, 0
        for m in re.finditer(r"\*\*", text.s):
            pieces, i = pieces + text.part(i, m.start()), m.end()
        text = pieces + text.part(i)
    bare = text.s.strip()
    if bare.startswith("|") and bare.endswith("|") and bare.count("|") >= 3:
        if not bare.strip("|-: \t"):
            return NOTHING
        inner = text.strip().strip("|")
        return Text("".join("\t" if c == "|" else c for c in inner.s), inner.at, inner.to)
    return text


def join(parts: Iterable[Text]) -> Text:
    """Lines broken inside a sentence put together again; a blank stays only between two Latin words."""
    s: list[str] = []
    at: list[int] = []
    to: list[int] = []
    for part in parts:
        if not part.s:
            continue
        if s and _latin(s[-1][-1]) and _latin(part.s[0]):
            s.append(" ")
            at.append(to[-1])
            to.append(to[-1])
        s.append(part.s)
        at.extend(part.at)
        to.extend(part.to)
    return Text("".join(s), tuple(at), tuple(to))


def tidy(text: Text) -> Text:
    """Blanks made single, and left out between two Chinese characters (justified lines) and at both ends."""
    keep: list[int] = []
    s = text.s
    for i, c in enumerate(s):
        if c.isspace():
            before = s[keep[-1]] if keep else ""
            after = next((d for d in s[i + 1 : i + 40] if not d.isspace()), "")
            if not before or not after or before.isspace() or (_wide(before) and _wide(after)):
                continue
        keep.append(i)
    while keep and s[keep[-1]].isspace():
        keep.pop()
    return Text("".join(" " if s[i].isspace() else s[i] for i in keep), tuple(text.at[i] for i in keep), tuple(text.to[i] for i in keep))


def _latin(c: str) -> bool:
    return c.isascii() and c.isalpha()


def _wide(c: str) -> bool:
    return not c.isascii() or c in ",.:;()"


def width(s: str) -> int:
    """Printed width in half-width cells, blanks of justified lines left out."""
    return sum(2 if unicodedata.east_asian_width(c) in "WFA" else 1 for c in s if not c.isspace())


def whole(lines: Sequence[Line]) -> Text:
    """Lines as one text, each line end kept as a newline, for patterns that look over several lines."""
    s: list[str] = []
    at: list[int] = []
    to: list[int] = []
    for line in lines:
        s.append(line.s + "\n")
        at.extend(line.text.at)
        to.extend(line.text.to)
        at.append(to[-1])
        to.append(to[-1])
    return Text("".join(s), tuple(at), tuple(to))
