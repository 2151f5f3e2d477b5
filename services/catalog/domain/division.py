"""How a text is divided: blocks under printed numbers, sentences, and stretches that list conditions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span

DEPARTMENTS = re.compile(
    r"[(〔\[【]?(?:责任单位|牵头单位|责任部门|牵头部门|实施单位|主办单位|负责单位|主管部门)(?:和|及)?[^:]{0,8}:(?P<d>[^。)〕\]】]{2,200}?)(?=[)〕\]】。]|[一二三四五六七八九十]{1,2}、|$)[)〕\]】]?"
)
SENTENCE_END = re.compile(r"[。!?]|(?<=[一-鿿”»)])\.(?=[一-鿿(«“\d]|$)|(?<=%)\.(?=[一-鿿]|$)")


@dataclass(frozen=True)
class Block:
    """The words under one printed number, with the numbers above it."""

    label: str
    path: tuple[str, ...]
    span: Span
    department: str | None


def _rank(label: str) -> int:
    for rank, shape in enumerate(
        (r"第.+[章节]", r"第.+条", r"[一二三四五六七八九十]+[、,.]", r"\([一二三四五六七八九十]+\)", r"\d+[.、]", r"\(\d+\)", r"[①-⑳]")
    ):
        if re.fullmatch(shape, label):
            return rank
    return 9


def blocks(passage: Passage) -> list[Block]:
    """The text cut at its printed numbers; the words before the first number are a block without label."""
    cuts = [(0, ""), *passage.numberings]
    found: list[Block] = []
    stack: list[tuple[int, str]] = []
    for i, (at, label) in enumerate(cuts):
        end = cuts[i + 1][0] if i + 1 < len(cuts) else len(passage.text)
        if end <= at:
            continue
        rank = _rank(label) if label else -1
        while stack and stack[-1][0] >= rank:
            stack.pop()
        if label:
            stack.append((rank, label))
        start = at + len(label)
        inner = passage.text[start:end]
        department = None
        hit = DEPARTMENTS.search(inner)
        if hit:
            department = passage.quote(Span(start + hit.start("d"), start + hit.end("d")))
        found.append(Block(label, tuple(name for _, name in stack), Span(start, end), department))
    return found


def pieces(text: str, span: Span, cut: re.Pattern[str]) -> list[Span]:
    """`span` cut after every match that stands outside brackets and quotation marks."""
    depth = [0] * (len(text) + 1)
    level = 0
    for i in range(span.start, span.end):
        if text[i] in "(“《«〔[":
            level += 1
        elif text[i] in ")”》»〕]":
            level = max(0, level - 1)
        depth[i + 1] = level
    out, start = [], span.start
    for m in cut.finditer(text, span.start, span.end):
        if depth[m.start()] == 0 and m.end() > start:
            out.append(Span(start, m.end()))
            start = m.end()
    if start < span.end:
        out.append(Span(start, span.end))
    return out


def sentences(text: str, span: Span) -> list[Span]:
    """The sentences of a stretch, each with its stop."""
    return pieces(text, span, SENTENCE_END)


_CONDITIONS = re.compile(r"条件|资格|要求$")


def zones(passage: Passage, lexicon: Lexicon) -> list[Span]:
    """Stretches under a heading such as 条件要求 or after "应符合以下条件:", up to the next heading: they condition, they do not give."""
    text = passage.text
    found: list[Span] = []
    begins = [(at, words) for at, words in passage.headings if _CONDITIONS.search(words) or lexicon.condition_heading.search(words)]
    begins += [(at, words) for at, words in passage.lone_lines if lexicon.condition_heading.fullmatch(words)]
    begins += [(m.start(), m.group()) for m in lexicon.condition_zone.finditer(text)]
    parts = [b for b in blocks(passage) if b.label]
    for at, words in sorted(begins):
        if any(z.start <= at < z.end for z in found):
            continue
        after = at + len(words)
        colon, stop = text.find(":", after), text.find("。", after)
        if words.endswith("的") and colon >= 0 and (colon < stop or stop < 0):  # 符合下列条件之一的企业给予奖励:… the list stands behind
            at = after = colon + 1
        ends = [i for i, _ in passage.headings if i >= after]
        ends += [i for i, words in passage.lone_lines if i >= after and lexicon.notice_heading.fullmatch(words)]
        ends += [place for place, label in passage.numberings if place >= after and label.startswith("第")][:1]
        ends += [m.start() for m in (lexicon.other_zone.search(text, after), _NEXT_POINT.search(text, after)) if m]
        ends += _next_part(parts, at)
        found.append(Span(at, min(ends, default=len(text))))
    return found


def _next_part(parts: Sequence[Block], at: int) -> list[int]:
    """Where the article ends that a list of conditions stands in."""
    inside = [b for b in parts if b.span.start <= at]
    behind = [b for b in parts if b.span.start > at]
    if not inside or not behind or at > inside[-1].span.end:
        return []
    rank = _rank(inside[-1].label)
    if re.search(r"^\D*(?:1|一)\D*$", behind[0].label):  # its items: the list ends where a number stands above theirs
        rank = min(rank, _rank(behind[0].label) - 1)
    return [b.span.start - len(b.label) for b in behind if _rank(b.label) <= rank][:1]


_NEXT_POINT = re.compile(r"(?<=[。;:)])[一二三四五六七八九十]{1,2}、")
