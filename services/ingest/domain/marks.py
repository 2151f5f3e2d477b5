"""Numbering marks of Chinese official writing: 第一章, 第一条, 一、, （一）, 1., （1）, ①, and which of them really count."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

DIGITS = "零〇一二三四五六七八九"
CHINESE_NUMBER = "[〇零一二三四五六七八九十百两]{1,7}"

# GB/T 9704-2012 §7.3.3: the levels of a text are 一、 （一） 1. （1）; laws and rules are divided into 章 节 条.
_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("part", re.compile(rf"第\s*({CHINESE_NUMBER}|\d{{1,3}})\s*(?:编|篇|部分)(?=\s|[：:、]|$)[\s：:、]*")),
    ("chapter", re.compile(rf"第\s*({CHINESE_NUMBER}|\d{{1,3}})\s*章\s*")),
    ("division", re.compile(rf"第\s*({CHINESE_NUMBER}|\d{{1,3}})\s*节\s*")),
    ("article", re.compile(rf"第\s*({CHINESE_NUMBER}|\d{{1,3}})\s*条(?!例|款|第|规定|的|所)(?:\s*之[一二三四五六七八九])?[\s：:、.．]*")),
    (
        "question",
        re.compile(rf"(?:[Qq问]|问题|第(?=\s*[^\s、.：:]{{1,4}}\s*问))\s*({CHINESE_NUMBER}|\d{{1,3}})\s*(?:[.．、：:]|问[：:、\s])\s*"),
    ),
    ("ask", re.compile(r"(?:问|提问)\s*[：:]\s*()")),
    ("cn", re.compile(rf"({CHINESE_NUMBER})\s*[、.．]\s*")),
    ("(cn)", re.compile(rf"[（(]\s*({CHINESE_NUMBER})\s*[）)]\s*[、.．]?\s*")),
    ("1.1.1", re.compile(r"(\d{1,2}\.\d{1,2}\.\d{1,2})(?![.\d%])[、.．\s]\s*")),
    ("1.1", re.compile(r"(\d{1,2}\.\d{1,2})(?![.\d%])[、.．\s]\s*(?=[^\W\d])")),
    ("1.", re.compile(r"(\d{1,3})\s*(?:[、．]|\.(?!\d)|\.(?=(?:19|20)\d\d\s*年))\s*")),
    ("(1)", re.compile(r"[（(]\s*(\d{1,3})\s*[）)]\s*[、.．]?\s*")),
    ("1)", re.compile(r"(\d{1,3})\s*[）)]\s*")),
    ("①", re.compile(r"([①-⑳])\s*")),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A numbering mark at the start of a line: its style, its number, the length of its printing, with and without blanks after."""

    kind: str
    ordinal: int
    printed: int
    length: int


def number_of(words: str) -> int:
    """The value of a Chinese or Arabic whole number below 1,000 (二十一, 一百零三, 12); 0 if it is none."""
    if words.isdigit() and words.isascii():
        return int(words)
    total, digit = 0, 0
    for c in words:
        if c in DIGITS:
            digit = max(0, DIGITS.index(c) - 1) if c not in "零〇" else 0
        elif c == "两":
            digit = 2
        elif c == "十":
            total, digit = total + (digit or 1) * 10, 0
        elif c == "百":
            total, digit = total + (digit or 1) * 100, 0
        else:
            return 0
    return total + digit


def mark_of(s: str) -> Mark | None:
    """The numbering mark a line begins with, if any; whether it counts is for `Numbering` to say."""
    lead = len(s) - len(s.lstrip())
    for kind, pattern in _PATTERNS:
        m = pattern.match(s, lead)
        if not m:
            continue
        if kind == "ask":  # questions without numbers are counted
            ordinal = 1
        elif kind == "①":
            ordinal = ord(m[1]) - ord("①") + 1
        elif kind in ("1.1", "1.1.1"):
            ordinal = int(m[1].rsplit(".", 1)[1])
        else:
            ordinal = number_of(m[1])
        if ordinal:
            return Mark(kind, ordinal, len(s[: m.end()].rstrip()), m.end())
    return None


class Numbering:
    """Follows the series of a text: a mark counts when it begins a series or goes on with one.

    A line of a paragraph may begin with `3.5 吨` or `（二）` by chance of a line break; numbers out of series are text.
    """

    def __init__(self, marks: Iterable[Mark | None] = ()) -> None:
        self.open: list[Mark] = []
        printed = {(mark.kind, mark.ordinal) for mark in marks if mark}
        # The last number met of each kind. An excerpt may begin in the middle of a series: 二、 where 三、 follows and no 一、 is.
        self._last = {
            kind: ordinal - 1
            for kind, ordinal in sorted(printed, reverse=True)
            if kind in _SERIES and ordinal > 1 and (kind, 1) not in printed and (kind, ordinal + 1) in printed
        }

    def accept(self, mark: Mark, *, after_sentence: bool) -> int | None:
        """The depth (0 is outermost) at which the mark stands, or None when it is only text.

        ``after_sentence``: the line before ended a sentence or a heading, so that numbers forgotten or printed twice are forgiven.
        """
        depth = next((i for i, m in enumerate(self.open) if m.kind == mark.kind), None)
        if mark.kind == "ask":
            mark = replace(mark, ordinal=self._last.get("ask", 0) + 1)
            depth = len(self.open) if depth is None else depth
        elif depth is not None:
            step = mark.ordinal - self.open[depth].ordinal
            if step != 1 and not (after_sentence and (mark.ordinal == 1 or 0 <= step <= 3)):
                return None
            if mark.ordinal == 1 and not after_sentence:
                return None
        elif mark.ordinal == 1 or mark.ordinal == self._last.get(mark.kind, -1) + 1:
            depth = len(self.open)
            rank = _RANK.get(mark.kind)
            if rank is not None:  # 章 节 条 never stand below one another the wrong way round
                depth = next((i for i, m in enumerate(self.open) if _RANK.get(m.kind, 9) >= rank), depth)
        else:
            return None
        del self.open[depth:]
        self.open.append(mark)
        self._last[mark.kind] = mark.ordinal
        return depth


_SERIES = ("chapter", "article", "cn", "(cn)")
_RANK = {"part": 0, "chapter": 1, "division": 2, "article": 3}
