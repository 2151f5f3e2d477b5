"""DOCX to lines: paragraphs with their automatic numbers, tables as rows of tab-separated cells, in the order in which they are printed.

Read from the XML itself (ECMA-376 Part 1 §17), so that content controls, tracked insertions, text boxes, hyperlinks and formulas are
not left out; deleted and hidden words are not printed and not read. A merged cell says its words in every row it covers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from services.ingest.sandbox.archive import Package, attribute, child, local
from services.ingest.sandbox.numbering import Numbering, numbering_of

_NOT_PRINTED = frozenset(
    {"del", "moveFrom", "instrText", "delText", "delInstrText", "rPr", "pPr", "rt", "Fallback", "docPr", "sdtPr", "sdtEndPr"}
)
_BOXES = {("Wingdings", "A8"): "□", ("Wingdings", "6F"): "□", ("Wingdings", "FE"): "☑", ("Wingdings", "FC"): "√",
          ("Wingdings 2", "A3"): "□", ("Wingdings 2", "52"): "☑", ("Wingdings 2", "50"): "√"}  # fmt: skip
_DEPTH = 50  # nesting of tables, boxes and controls; real documents stay below ten
_COLUMNS = 64


@dataclass(frozen=True)
class _Style:
    parent: str | None
    number: str | None
    level: int | None
    hidden: bool


@dataclass
class _Reader:
    """What is needed to print a paragraph: its styles, the lists and how far they have counted."""

    styles: dict[str, _Style]
    usual: str | None  # the default paragraph style
    numbering: Numbering
    pictures: int = 0

    def lines(self, blocks: Element, *, depth: int = 0) -> Iterator[str]:
        """The printed lines of block-level content."""
        if depth > _DEPTH:
            raise ValueError("content is nested deeper than any document")
        for block in blocks:
            name = local(block)
            if name == "p":
                yield from self._paragraph(block, depth)
            elif name == "tbl":
                yield from self._table(block, depth)
            elif name == "AlternateContent":
                yield from self.lines(_choice(block), depth=depth + 1)
            elif name not in _NOT_PRINTED and name not in ("sectPr", "tblPr", "tcPr", "trPr", "tblGrid"):
                yield from self.lines(block, depth=depth + 1)

    def _paragraph(self, paragraph: Element, depth: int) -> Iterator[str]:
        boxes: list[str] = []
        text = "".join(self._words(paragraph, boxes, depth))
        yield from boxes
        label = self._label(paragraph)
        if label and text.strip():
            text = text.lstrip(" \u3000")
            tight = label[-1] in "、）)" or (label[-1] in ".．" and not text[0].isascii())
            text = label + ("" if tight or label[-1].isspace() else " ") + text
        yield from text.split("\n")

    def _words(self, element: Element, boxes: list[str], depth: int) -> Iterator[str]:
        if depth > _DEPTH:
            raise ValueError("content is nested deeper than any document")
        for one in element:
            name = local(one)
            if name == "t":
                yield one.text or ""
            elif name in ("tab", "ptab"):
                yield "\t"
            elif name in ("br", "cr"):
                yield "\f\n" if attribute(one, "type") == "page" else "\n"
            elif name == "noBreakHyphen":
                yield "-"
            elif name == "sym":
                yield _symbol(one)
            elif name == "txbxContent":
                boxes.extend(self.lines(one, depth=depth + 1))
            elif name == "AlternateContent":
                yield from self._words(_choice(one), boxes, depth + 1)
            elif name in ("blip", "imagedata"):
                self.pictures += 1
            elif name == "r" and self._hidden(one):
                continue
            elif name not in _NOT_PRINTED:
                yield from self._words(one, boxes, depth + 1)

    def _hidden(self, run: Element) -> bool:
        properties = child(run, "rPr")
        own = child(properties, "vanish")
        if own is not None:
            return attribute(own, "val") not in ("0", "false")
        style = self.styles.get(attribute(child(properties, "rStyle"), "val") or "")
        return style is not None and style.hidden

    def _label(self, paragraph: Element) -> str:
        properties = child(paragraph, "pPr")
        style = attribute(child(properties, "pStyle"), "val") or self.usual
        number = attribute(child(properties, "numPr", "numId"), "val")
        level = attribute(child(properties, "numPr", "ilvl"), "val")
        if number is None:
            number, inherited = self._of_style(style)
            if number is None:
                return ""
            if level is None and inherited is not None:
                level = str(inherited)
            elif level is None and style:
                level = str(self.numbering.level_of_style(number, style))
        return self.numbering.next(number, int(level or 0)) if number != "0" else ""

    def _of_style(self, style: str | None) -> tuple[str | None, int | None]:
        seen: set[str] = set()
        while style and style in self.styles and style not in seen:
            seen.add(style)
            found = self.styles[style]
            if found.number is not None:
                return found.number, found.level if found.level is not None else self.numbering.level_of_style(found.number, style)
            style = found.parent
        return None, None

    def _table(self, table: Element, depth: int) -> Iterator[str]:
        above: dict[int, str] = {}
        for row in _unwrapped(table, "tr"):
            cells = list(_unwrapped(row, "tc"))
            if len(cells) == 1:  # a frame around text, or a heading across the whole width
                above.clear()
                yield from self.lines(cells[0], depth=depth + 1)
                continue
            printed = [""] * min(int(attribute(child(row, "trPr", "gridBefore"), "val") or 0), _COLUMNS)
            now: dict[int, str] = {}
            for cell in cells:
                column, properties = len(printed), child(cell, "tcPr")
                merge = child(properties, "vMerge")
                text = " ".join(" ".join(self.lines(cell, depth=depth + 1)).split())
                if merge is not None:
                    if attribute(merge, "val") != "restart":
                        text = above.get(column, "")
                    now[column] = text
                span = int(attribute(child(properties, "gridSpan"), "val") or 1)
                printed += [text] + [""] * min(span - 1, _COLUMNS)
            above = now
            yield "\t".join(printed).rstrip("\t")


def text_of(package: Package) -> tuple[str, int]:
    """The text of a document, its footnotes after it, and how many pictures it shows."""
    styles, usual = _styles(package)
    lists = package.other("numbering")
    reader = _Reader(styles, usual, numbering_of(package.tree(lists) if lists else None))
    body = child(package.tree(package.main), "body")
    lines = list(reader.lines(body)) if body is not None else []
    for kind in ("footnotes", "endnotes"):
        part = package.other(kind)
        if part:
            notes = [one for one in package.tree(part) if attribute(one, "type") in (None, "normal")]
            lines += [line for note in notes for line in reader.lines(note)]
    return "\n".join(line.rstrip(" ") for line in lines).strip("\n") + "\n", reader.pictures


def _styles(package: Package) -> tuple[dict[str, _Style], str | None]:
    part = package.other("styles")
    if part is None:
        return {}, None
    found: dict[str, _Style] = {}
    usual = None
    for one in package.tree(part):
        if local(one) != "style":
            continue
        identity = attribute(one, "styleId") or ""
        level, vanish = attribute(child(one, "pPr", "numPr", "ilvl"), "val"), child(one, "rPr", "vanish")
        found[identity] = _Style(
            attribute(child(one, "basedOn"), "val"),
            attribute(child(one, "pPr", "numPr", "numId"), "val"),
            int(level) if level else None,
            vanish is not None and attribute(vanish, "val") not in ("0", "false"),
        )
        if attribute(one, "type") == "paragraph" and attribute(one, "default") in ("1", "true"):
            usual = identity
    return found, usual


def _choice(alternatives: Element) -> Element:
    """One of several drawings of the same thing: the first that carries text, else the first."""
    options = [one for one in alternatives if local(one) in ("Choice", "Fallback")]
    with_text = (one for one in options if any(local(inner) == "t" for inner in one.iter()))
    return next(with_text, options[0] if options else alternatives)


def _unwrapped(element: Element, name: str) -> Iterator[Element]:
    """Rows or cells, also where content controls or tracked insertions stand around them; deleted rows are not printed."""
    for one in element:
        if local(one) == name:
            if child(one, "trPr", "del") is None:
                yield one
        elif local(one) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _unwrapped(one, name)


def _symbol(one: Element) -> str:
    font, code = attribute(one, "font") or "", (attribute(one, "char") or "").upper()
    if code.startswith("F0"):
        return _BOXES.get((font, code[2:]), "")
    try:
        return chr(int(code, 16))
    except ValueError:
        return ""
