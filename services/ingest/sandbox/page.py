"""A web page to the lines of its document: navigation, scripts, sharing buttons and the site's foot are left behind, tables kept as rows.

What is left behind is so by what it is (controls, hidden parts, links around the document, the identification that every government
site prints at its foot), never by the site it is on. The document is the innermost block that holds all prose, from its title on; blocks
beside it are kept when they hold attachments or the catalogue entry of the page (索引号, 发文字号 …).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from urllib.parse import urldefrag, urljoin

from selectolax.lexbor import LexborHTMLParser, LexborNode

from services.ingest.domain.watching import Link
from services.ingest.sandbox.numbering import written

_DROPPED = frozenset((
    "script", "style", "noscript", "template", "svg", "iframe", "object", "embed", "canvas", "audio", "video", "map", "link", "meta",
    "base", "head", "nav", "footer", "aside", "header", "button", "select", "option", "datalist", "input", "textarea", "dialog",
))  # fmt: skip
_LANDMARKS = frozenset({"nav", "footer", "aside", "header"})  # dropped unless the title stands in them
_ROLES = frozenset({"navigation", "banner", "contentinfo", "search", "toolbar", "menu", "menubar", "dialog"})
_INLINE = frozenset((
    "a", "abbr", "acronym", "b", "basefont", "bdi", "bdo", "big", "br", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "o:p", "publishtime", "q", "ruby", "rp", "rt", "s", "samp", "small", "span", "st1:chsdate", "strike",
    "strong", "sub", "sup", "time", "tt", "u", "var", "wbr",
))  # fmt: skip
_TEXT_BLOCKS = frozenset((
    "p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "ul", "ol", "dl", "dd", "dt", "pre", "blockquote", "thead", "tr",
))  # fmt: skip
_FOOT = re.compile(r"网站标识码|ICP备|公网安备")  # 国办发〔2017〕47号《政府网站发展指引》: what the foot of a government site must show
_ENTRY = re.compile(r"索\s*引\s*号|发文字号|文\s*号|发布机构|发文机关|主题分类|成文日期|发布日期|有\s*效\s*性|公开方式|体裁分类")
_PROSE = re.compile(
    r"[\u4e00-\u9fff].{8,}[。；]|^[一二三四五六七八九十]{1,3}、|^第[一二三四五六七八九十百]{1,5}[条章]|\d\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日$"
)
_ATTACHED = re.compile(r"\.(?:docx?|xlsx?|pdf|wps|et|ofd|zip|rar|ceb)(?:$|[?#&])", re.IGNORECASE)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_NUMBERED = re.compile(r"[（(]?(?:[0-9０-９①-⑳㈠-㈩]|[一二三四五六七八九十]+[、.．）)]|第)")
_LISTS = {"a": "lowerLetter", "A": "upperLetter", "i": "lowerRoman", "I": "upperRoman", "1": "decimal",
          "lower-alpha": "lowerLetter", "lower-latin": "lowerLetter", "upper-alpha": "upperLetter", "upper-latin": "upperLetter",
          "lower-roman": "lowerRoman", "upper-roman": "upperRoman", "decimal": "decimal",
          "cjk-ideographic": "chineseCounting", "simp-chinese-informal": "chineseCounting", "cjk-decimal": "ideographDigital"}  # fmt: skip
_FOOT_WORDS = re.compile(r"主办|承办|版权|网站|备案|浏览器|分辨率|技术支持|维护")
_SERVICE = re.compile(r"分享|打印|关闭|收藏|返回|回到顶部|扫一扫|浏览次数|上一[篇条]|下一[篇条]|字[号体]|当前位置|您的位置|您现在的位置")
_FOOT_SIZE = 1_000  # characters a site's foot has at most
_DEPTH = 200  # blocks nested deeper are read as if they stood at this depth
_SPAN = 1_000


@dataclass(eq=False)
class _Block:
    """An element: its words and elements in order, and what stands below it, counted once."""

    tag: str
    attributes: dict[str, str]
    parent: "_Block | None" = None
    children: list["_Block | str"] = field(default_factory=list)
    size: int = 0  # characters outside links, without blanks
    links: int = 0
    prose: bool = False
    attached: bool = False

    @property
    def blocks(self) -> "list[_Block]":
        return [one for one in self.children if isinstance(one, _Block)]

    def below(self) -> "Iterator[_Block]":
        """Every element below, in order."""
        stack = self.blocks[::-1]
        while stack:
            one = stack.pop()
            yield one
            stack.extend(one.blocks[::-1])

    def text(self) -> str:
        """Every word below, run together."""
        found: list[str] = []
        stack: list[_Block | str] = [self]
        while stack:
            one = stack.pop()
            if isinstance(one, str):
                found.append(one)
            else:
                stack.extend(one.children[::-1])
        return "".join(found)


def text_of(html: str) -> str:
    """The lines of the document on a page; empty when the page shows none."""
    tree = LexborHTMLParser(html)
    declared = next(
        (m.attributes.get("content") or "" for m in tree.css("meta") if (m.attributes.get("name") or "").lower() == "articletitle"), ""
    )
    if tree.body is None:
        return ""
    body = _converted(tree.body)
    title, place = _title(body, declared)
    _prune(body, title)
    _count(body)
    main = _main(body)
    if place is not None and (place not in body.below() or place in main.below()):
        place = None
    shown = [*_around(body, main, place)]
    lines = [line for block in shown for line in (*_lines(block), "")]
    if title and _squeeze(title) not in _squeeze("".join(lines)):
        lines[:0] = [title, ""]
    return "\n".join(lines)


def _converted(root: LexborNode) -> _Block:
    """The parsed page as plain values: the parser's own nodes die with their parents."""
    body = _Block("body", {})
    stack: list[tuple[LexborNode, _Block, int]] = [(root, body, 0)]
    while stack:
        node, block, depth = stack.pop()
        for one in node.iter(include_text=True):
            if one.tag == "-text":
                if text := one.text_content:
                    block.children.append(text)
            elif one.tag and one.tag[0] not in "-_!":
                inner = block
                if depth < _DEPTH:
                    inner = _Block(one.tag, {key: value or "" for key, value in one.attributes.items()}, block)
                    block.children.append(inner)
                if one.tag not in ("script", "style", "noscript", "template", "svg"):
                    stack.append((one, inner, depth + 1))
    return body


def _title(body: _Block, declared: str) -> tuple[str, _Block | None]:
    """The document's title and the innermost element that is it: declared in the page's head, else its only first-rank heading."""
    title = " ".join(declared.split())
    if not title:
        found = [one for one in body.below() if one.tag in ("ucaptitle", "h1") and one.text().strip()]
        return (" ".join(found[0].text().split()), found[0]) if len(found) == 1 else ("", None)
    wanted = _squeeze(title)
    places = [one for one in body.below() if len(one.children) < 50 and _squeeze(one.text()[:2000]) == wanted]
    return title, places[-1] if places else None


def _prune(body: _Block, title: str) -> None:
    """Take out controls, landmarks, hidden parts and the site's foot."""
    wanted = _squeeze(title)

    def titled(block: _Block) -> bool:
        return bool(wanted) and wanted in _squeeze(block.text())

    stack = [body]
    while stack:
        block = stack.pop()
        kept: list[_Block | str] = []
        for one in block.children:
            if isinstance(one, _Block):
                landmark = one.tag in _LANDMARKS or one.attributes.get("role", "").lower() in _ROLES
                hidden = "hidden" in one.attributes or _HIDDEN.search(one.attributes.get("style", ""))
                href = one.attributes.get("href", "").strip().lower()
                control = one.tag == "a" and href.startswith("javascript:") and not _ATTACHED.search(one.text().strip())
                if (landmark and not titled(one)) or (one.tag in _DROPPED and one.tag not in _LANDMARKS) or hidden or control:
                    continue
                stack.append(one)
            kept.append(one)
        block.children = kept
    for mark in [one for one in body.below() if any(isinstance(text, str) and _FOOT.search(text) for text in one.children)]:
        foot, block = None, mark
        while block.parent is not None and len(_squeeze(block.text())) <= _FOOT_SIZE and not titled(block):
            if any(_PROSE.search(line) and not _FOOT_WORDS.search(line) for line in _lines(block)):
                break
            foot, block = block, block.parent
        if foot is not None and foot.parent is not None and foot in foot.parent.children:
            foot.parent.children.remove(foot)


def _count(body: _Block) -> None:
    """Sizes, links and prose of every element, from the innermost out."""
    order = [body, *body.below()]
    for block in reversed(order):
        own: list[str] = []
        for one in block.children:
            if isinstance(one, str):
                own.append(one)
                block.size += len(_squeeze(one))
                continue
            if one.tag in _INLINE and one.tag not in ("a", "br"):
                own.append(one.text())
            elif one.tag == "br":
                own.append("\n")
            elif one.tag == "a":
                own.append("|")
            block.size += one.size if one.tag != "a" else 0
            block.links += one.links + (one.tag == "a")
            block.prose |= one.prose and one.tag != "a"
            block.attached |= one.attached or (one.tag == "a" and bool(_ATTACHED.search(one.attributes.get("href", ""))))
        block.prose |= any(_PROSE.search(line.strip()) for line in "".join(own).split("\n"))
        block.prose |= block.tag == "table" and _is_data(block)


def _is_data(table: _Block) -> bool:
    """Whether a table shows data: two rows or more of three cells or more that say something of their own."""
    rows = [[cell for cell in row.blocks if cell.tag in ("td", "th") and cell.size and cell.size < 2_000] for row in _rows(table)]
    return sum(1 for row in rows if len(row) >= 3) >= 2


def _main(body: _Block) -> _Block:
    """The innermost block that holds all prose."""
    block = body
    while True:
        holding = [one for one in block.blocks if one.prose]
        if len(holding) != 1 or holding[0].tag in _TEXT_BLOCKS or holding[0].tag in _INLINE:
            return block
        inner = holding[0]
        if inner.tag == "table":
            cells = [cell for row in _rows(inner) for cell in row.blocks if cell.prose]
            if len(cells) != 1 or cells[0].size < 300 or inner.size - cells[0].size > inner.size * 0.05 or _is_data(inner):
                return block
            inner = cells[0]
        if any(isinstance(one, str) and _PROSE.search(one.strip()) for one in block.children):
            return block
        block = inner


def _around(body: _Block, main: _Block, place: _Block | None) -> Iterator[_Block]:
    """The document in order: its catalogue entry, its title and what stands between title and text, the text, its attachments."""
    order = {one: i for i, one in enumerate(body.below())}
    begin = order[place] if place is not None else order.get(main, 0)
    inside = {main, *main.below()}
    outer: set[_Block] = set()
    for one in (main, place):
        while one is not None:
            outer.add(one)
            one = one.parent
    skip: set[_Block] = set()
    for one in order:
        if one.parent in skip or (one in inside and one is not main):
            skip.add(one)
            continue
        if one is main or one is place:
            skip.add(one)
            yield _document_alone(one)
            continue
        if one in outer or one.tag in ("td", "th", "tr", "tbody", "thead"):
            continue
        before = order[one] < order.get(main, 0)
        entry = before and len(set(_ENTRY.findall(one.text()))) >= 3
        between = before and order[one] > begin and place is not None and one.tag not in _INLINE and not _is_service(one)
        attachments = not before and ((one.attached and one.links <= 50) or _squeeze(one.text()).startswith("附件"))
        if entry or between or attachments:
            if entry and any(len(set(_ENTRY.findall(inner.text()))) >= 3 for inner in one.blocks if inner.tag not in ("tbody", "tr")):
                continue  # an inner block is the entry itself
            skip.add(one)
            yield one
    if main is body:
        yield _document_alone(main)


def _document_alone(block: _Block) -> _Block:
    """A block without those of its parts that lead elsewhere or serve the reader of the page: menus, paths, sharing, printing."""
    block.children = [one for one in block.children if isinstance(one, str) or not _is_service(one)]
    return block


def _is_service(block: _Block) -> bool:
    if block.prose or block.attached:
        return False
    if _SERVICE.match(_squeeze(block.text()[:200]).lstrip("【[")) and block.size <= 60:
        return True
    return block.links >= 2 and block.size <= sum(len(_squeeze(one.text())) for one in block.below() if one.tag == "a")


def _lines(block: _Block) -> Iterator[str]:
    """The printed lines of a block; rows of a table as cells divided by tabs."""
    buffer: list[str] = []
    for piece in _pieces(block):
        if piece == "\n":
            if line := _tidy("".join(buffer)):
                yield line
            buffer.clear()
        elif piece.startswith("\x00"):  # a finished row
            if line := _tidy("".join(buffer)):
                yield line
            buffer.clear()
            yield piece[1:]
        else:
            buffer.append(piece)
    if line := _tidy("".join(buffer)):
        yield line


def _pieces(block: _Block) -> Iterator[str]:
    """Words and line ends, in order."""
    stack: list[_Block | str | None] = [block]
    while stack:
        one = stack.pop()
        if one is None:
            yield "\n"
        elif isinstance(one, str):
            yield one
        elif one.tag == "br" or one.tag == "hr":
            yield "\n"
        elif one.tag == "pre":
            yield "\n"
            for line in one.text().splitlines():
                yield line
                yield "\n"
        elif one.tag == "table" and not _is_frame(one):
            yield "\n"
            for row in _grid(one):
                yield "\x00" + "\t".join(row).rstrip("\t")
        else:
            if one.tag not in _INLINE:
                yield "\n"
                stack.append(None)
            stack.extend(one.children[::-1])
            if one.tag == "li" and (label := _label(one)):
                stack.append(label)


def _label(item: _Block) -> str:
    """The number a browser prints before an item of an ordered list, unless the item prints one itself."""
    owner = item.parent
    if owner is None or owner.tag != "ol" or _NUMBERED.match(item.text().strip()):
        return ""
    named = re.search(r"list-style(?:-type)?\s*:\s*([a-z-]+)", owner.attributes.get("style", "") + ";" + item.attributes.get("style", ""))
    form = named[1] if named else owner.attributes.get("type", "1")
    if form not in _LISTS:
        return ""
    start = owner.attributes.get("start", "1")
    number = int(start) if start.lstrip("-").isdigit() else 1
    for one in owner.blocks:
        if one.tag == "li":
            own = one.attributes.get("value", "")
            number = int(own) if own.isdigit() else number
            if one is item:
                break
            number += 1
    return written(number, _LISTS[form]) + ("、" if _LISTS[form].startswith(("chinese", "ideo")) else ". ")


def _is_frame(table: _Block) -> bool:
    """Whether a table is there for the look: it holds tables, or never has two cells in a row."""
    if any(one.tag == "table" for one in table.below()):
        return True
    return all(sum(1 for cell in row.blocks if cell.tag in ("td", "th")) < 2 for row in _rows(table))


def _rows(table: _Block) -> list[_Block]:
    found: list[_Block] = []
    for one in table.blocks:
        if one.tag == "tr":
            found.append(one)
        elif one.tag in ("thead", "tbody", "tfoot"):
            found += [row for row in one.blocks if row.tag == "tr"]
    return found


def _grid(table: _Block) -> Iterator[list[str]]:
    """Rows as printed; a cell that spans rows says its words in each of them."""
    caption = next((one for one in table.blocks if one.tag == "caption"), None)
    if caption is not None and (words := _tidy(caption.text())):
        yield [words]
    hanging: dict[int, tuple[int, str]] = {}  # column -> rows to go, words
    for row in _rows(table):
        printed: list[str] = []
        own = False
        for cell in (one for one in row.blocks if one.tag in ("td", "th")):
            while len(printed) in hanging:
                printed.append(_hung(hanging, len(printed)))
            words = " ".join(_lines(cell)).replace("\t", " ")
            own = own or bool(words)
            down, across = _span(cell, "rowspan"), _span(cell, "colspan")
            for column in range(across):
                if down > 1:
                    hanging[len(printed)] = (down - 1, words if column == 0 else "")
                printed.append(words if column == 0 else "")
        while len(printed) in hanging:
            printed.append(_hung(hanging, len(printed)))
        if own:
            yield printed


def _hung(hanging: dict[int, tuple[int, str]], column: int) -> str:
    rows, words = hanging.pop(column)
    if rows > 1:
        hanging[column] = (rows - 1, words)
    return words


def _span(cell: _Block, name: str) -> int:
    value = cell.attributes.get(name, "1").strip()
    return min(max(int(value), 1), _SPAN) if value.isdigit() else 1


def _tidy(text: str) -> str:
    return re.sub(r"[ \t\r\n\f]+", " ", text).strip(" \u3000\xa0\u200b\ufeff")


def _squeeze(text: str) -> str:
    return re.sub(r"\s+", "", text)


def links_of(html: str, base: str) -> tuple[Link, ...]:
    """Every link of a page: absolute, without fragment, with its words (or its title, where the page shortens them)."""
    tree = LexborHTMLParser(html)
    declared = next((node.attributes.get("href") for node in tree.css("base")), None)
    base = urljoin(base, declared) if declared else base
    found: list[Link] = []
    for node in tree.css("a"):
        href = (node.attributes.get("href") or "").strip()
        if not href or href.startswith("#"):
            continue
        try:
            url = urldefrag(urljoin(base, href)).url
        except ValueError:  # an address that is none
            continue
        words = " ".join(node.text().split())
        title = " ".join((node.attributes.get("title") or "").split())
        found.append(Link(url, title if len(title) > len(words) else words))
    return tuple(found)
