"""A text as it is compared, never as it is quoted: blanks and page marks out, widths made one, every character knowing where it stood.

Patterns run over `Passage.text`; every quote is cut from the raw text, so it occurs there word for word.
"""

import re
import unicodedata
from bisect import bisect_left
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

# A page mark that a text extractor leaves inside sentences, with the printed page number that may follow it.
PAGE_MARK = re.compile(
    r"\n?[ \t]*#[ \t]*Page[ \t]*\d+:[ \t]*\n(?:\s*[-—]*\s*\d{1,4}\s*[-—]*\s*\n)?|^[ \t]*[-—][ \t]*[\d０-９]{1,4}[ \t]*[-—][ \t]*$", re.M
)
# How a printed heading, article or item begins: 第三条, 一、, (二), 4., (1), ①.
NUMBERING = re.compile(
    r"(?:(?<=[\s。；;：:）)〕>】])|^)"
    r"(第[ \u3000]?[一二三四五六七八九十百零\d]+[ \u3000]?[条章节项]"
    r"|[一二三四五六七八九十]{1,3}\s?[、，,.．](?=[^\d])"
    r"|[（(][一二三四五六七八九十]{1,3}[）)]"
    r"|\d{1,2}\s?[.．、](?!\d)|\d{1,2}[.．、](?=20\d\d\s?年)"
    r"|[（(]\d{1,2}[）)](?![万亿元%])"
    r"|[①-⑳])"
)


_GOES_ON_BEHIND = ",、;:。(《“的和与及或并在为对由按"
_TOPICS = "政策|补贴|补助|奖励|资助|措施|返还|贴息|减免|支持"
_FORM = "标准|对象|条件|内容|流程|材料|要求|渠道|依据|时间|期限"
_NAMED = re.compile(
    rf"[ \t\u3000]*(?:[（(]?[一二三四五六七八九十\d]{{1,3}}[)）、.．])?(?:[\u4e00-\u9fa5]{{2,14}}(?:{_TOPICS}|{_FORM}))[ \t]*"
)
_OPENS = re.compile(r"[ \t]*(?:对(?!接|应|外|照|象)|鼓励|凡|符合|支持|[\u4e00-\u9fa5]{2,8}[:：])")
_SUM_AT_END = re.compile(r"(?:元|%|％|\d[万亿]|奖励|补贴|补助|资助)[ \t]*$")
_OPENS_SURELY = re.compile(r"[ \t]*(?:对(?!接|应|外|照|象)|鼓励)")
_ENDS = re.compile(r"(?:元|%|％|[万亿]|奖励|补贴|补助|资助|支持|政策|月|年|人|次|机构|窗口|部门|局|委|中心|号[）)]?)[ \t]*$")
# A line that holds nothing but a short name: the heading of what follows.
HEADING = re.compile(r"^[ \t]*([\u4e00-\u9fa5/]{2,8})[ \t]*$", re.M)


@dataclass(frozen=True)
class Span:
    """A stretch of `Passage.text`, end excluded."""

    start: int
    end: int

    def __len__(self) -> int:
        return self.end - self.start

    def meets(self, other: "Span") -> bool:
        return self.start < other.end and other.start < self.end

    def within(self, other: "Span") -> bool:
        return other.start <= self.start and self.end <= other.end

    def moved(self, by: int) -> "Span":
        """The same stretch counted from elsewhere."""
        return Span(self.start + by, self.end + by)


@dataclass(frozen=True)
class Passage:
    """`raw` as published; `text` without blanks, in NFKC; `at[i]` is where the i-th character of `text` stands in `raw`."""

    raw: str
    text: str
    at: tuple[int, ...]

    @classmethod
    def of(cls, raw: str) -> "Passage":
        hidden = [False] * len(raw)
        for mark in PAGE_MARK.finditer(raw):
            for i in range(*mark.span()):
                hidden[i] = True
        kept: list[str] = []
        at: list[int] = []
        for i, char in enumerate(raw):
            if hidden[i] or char.isspace():
                continue
            for one in unicodedata.normalize("NFKC", char):
                if not one.isspace():
                    kept.append(one)
                    at.append(i)
        return cls(raw, "".join(kept), tuple(at))

    def quote(self, span: Span) -> str:
        """The exact words of the source, line breaks and all."""
        return self.raw[self.at[span.start] : self.at[span.end - 1] + 1] if len(span) > 0 else ""

    def place(self, span: Span) -> tuple[int, int]:
        """From and to in the raw text."""
        return self.at[span.start], self.at[span.end - 1] + 1

    @cached_property
    def headings(self) -> tuple[tuple[int, str], ...]:
        """Lines that stand alone as a short name, as (place in `text`, words); a name printed once only is no heading of a form."""
        lines = self.lone_lines
        return tuple((at, words) for at, words in lines if sum(words == other for _, other in lines) > 1)

    @cached_property
    def lone_lines(self) -> tuple[tuple[int, str], ...]:
        """Every line that stands alone as a short name, as (place in `text`, words); whether it is a heading its words must say."""
        where = {raw_at: i for i, raw_at in reversed(list(enumerate(self.at)))}
        return tuple((where[m.start(1)], m[1]) for m in HEADING.finditer(self.raw) if m.start(1) in where)

    @cached_property
    def breaks(self) -> tuple[int, ...]:
        """Places in `text` where a printed paragraph ends although no stop says so.

        A line ends one when it is much shorter than the lines of its text and the next one opens a sentence or is a heading.
        """
        lines = [(m.start(), m.end(), m.group().strip()) for m in re.finditer(r"[^\n]*[^\s][^\n]*", self.raw)]
        widths = sorted(len(line) for _, _, line in lines)
        if not widths:
            return ()
        wide = widths[len(widths) * 9 // 10]
        found = []
        i = 0
        for (_, end, line), (_, _, following) in pairwise(lines):
            named = _NAMED.fullmatch(line) is not None
            surely = _SUM_AT_END.search(line) and _OPENS_SURELY.match(following)
            if not (surely or named or (_OPENS.match(following) and _ENDS.search(line)) or _NAMED.fullmatch(following)) or (
                len(line) * 5 >= wide * 4 and not surely
            ):
                continue
            i = bisect_left(self.at, end, i)
            if 0 < i < len(self.text) and self.text[i - 1] not in _GOES_ON_BEHIND:
                found.append(i)
        return tuple(dict.fromkeys(found))

    @cached_property
    def numberings(self) -> tuple[tuple[int, str], ...]:
        """Every printed numbering as (place in `text`, label); blanks of the raw text tell it from a decimal inside a sentence."""
        where = {raw_at: i for i, raw_at in reversed(list(enumerate(self.at)))}
        found = []
        for match in NUMBERING.finditer(self.raw):
            start = match.start(1)
            if start in where:
                found.append((where[start], unicodedata.normalize("NFKC", re.sub(r"\s", "", match.group(1)))))
        return tuple(found)
