"""Strands: what one target phrase (对…的企业) governs inside a sentence, and the benefits that are made of them."""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise

from services.catalog.domain.division import DEPARTMENTS, Block, pieces, sentences
from services.catalog.domain.gifts import REACH, gift
from services.catalog.domain.lexicon import HEADING, Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import Figure


@dataclass(frozen=True)
class Strand:
    """What one target phrase governs inside a sentence."""

    span: Span
    sentence: Span
    block: Block


@dataclass(frozen=True)
class Provision:
    """One benefit's words: `strands` in order, the figures given, where the giving begins, and earlier words that announced it.

    `ends` tells for each strand where its giving ends: what follows in the sentence conditions nothing.
    `lead` is where the sentence's own introduction begins, when nothing was given before.
    """

    strands: tuple[Strand, ...]
    given: tuple[Figure, ...]
    gives_at: int
    by: str
    ends: tuple[int, ...] = ()
    lead: int | None = None
    intro: tuple[Span, ...] = ()

    @property
    def span(self) -> Span:
        return Span(self.strands[0].span.start, self.strands[-1].span.end)

    @property
    def block(self) -> Block:
        return self.strands[0].block


_SEMICOLON = re.compile(r";")
# 答:, 【政策内容】, 支持标准: what stands before is no part of the benefit, unless it says whom it is for.
_LABEL = re.compile(rf"答:|【[^【】]{{2,10}}】|{HEADING}:")
_WHOM = re.compile(r"(?:对象|条件|范围)[:】]")
_NEW_TARGET = re.compile(
    r"(?:,|(?<=奖励|补助|补贴|资助)、)(?=(?:同时,?|另外,?|此外,?|并)?(?:对(?!接|应|外|标|照|口|(?:企业|单位|其)的|[^,。;]{2,30}(?:费用?|租金|部分|支出|金额)(?:给予|予以|按))|允许|向))"
)


def strands(passage: Passage, block: Block, lexicon: Lexicon) -> list[Strand]:
    """The block's sentences, cut at semicolons and where a new target phrase begins after something was given."""
    text = passage.text
    body = block.span
    hit = DEPARTMENTS.search(text, body.start, body.end)
    parts = [body] if not hit else [Span(body.start, hit.start()), Span(hit.end(), body.end)]
    found: list[Strand] = []
    for piece in parts:
        for sentence in _printed(passage, sentences(text, piece)):
            for part in pieces(text, sentence, _SEMICOLON):
                start = part.start
                for label in _LABEL.finditer(text, part.start, part.end - 2):
                    whom = _WHOM.search(text, part.start, label.start())
                    start = start if whom else label.end()
                for m in _NEW_TARGET.finditer(text, part.start, part.end):
                    if m.end() > start and gift(text, Span(max(start, m.end() - REACH), m.end()), lexicon):
                        found.append(Strand(Span(start, m.end()), sentence, block))
                        start = m.end()
                found.append(Strand(Span(start, part.end), sentence, block))
    return found


def _printed(passage: Passage, found: list[Span]) -> list[Span]:
    """Sentences cut where a paragraph ends without a stop."""
    out = []
    for span in found:
        cuts = passage.breaks[bisect_right(passage.breaks, span.start) : bisect_left(passage.breaks, span.end)]
        edges = [span.start, *cuts, span.end]
        out += [Span(a, b) for a, b in pairwise(edges)]
    return out


_CITATION = re.compile(r"(?:〔20\d\d〕|\(?20\d\d年第?|\[20\d\d\])\d+号\)?[,;]?|》(?=[^的、等中第规和及(,。;)]{6})")


def without_citation(text: str, strand: Strand, lexicon: Lexicon) -> Strand:
    """Table rows run together begin with their legal basis; the provision begins after it."""
    for m in reversed(list(_CITATION.finditer(text, strand.span.start, strand.span.end))):
        rest = Span(m.end(), strand.span.end)
        got = gift(text, rest, lexicon)
        if len(rest) > 12 and got is not None and got.at > rest.start:
            return Strand(rest, strand.sentence, strand.block)
    return strand
