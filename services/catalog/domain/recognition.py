"""Conditions in a stretch of words: dates, bounded figures and wordings of the tables, each with its words and its value.

Where a stretch may condition a benefit is decided in `conditions`; here only what its words say.
"""

import re
from collections.abc import Iterator, Sequence

from services.catalog.domain.attributes import Said, Wordings
from services.catalog.domain.bounded import behind, excepted, measured
from services.catalog.domain.condition import Condition
from services.catalog.domain.dated import dated, since_events
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import without_asides
from services.catalog.domain.quantities import Figure, comparisons

SIZES = (("大", "大型"), ("中", "中型"), ("小", "小型"), ("微", "微型"))


def recognised(text: str, region: Span, figures_given: Sequence[Figure], wordings: Wordings) -> list[Condition]:
    """Every condition that the words of `region` say; figures that are given away condition nothing."""
    given = [f.span for f in figures_given]
    found = list(dated(text, region))
    days = [c.span for c in found]
    since = since_events(text, region)
    found += since
    for printed in comparisons(text[region.start : region.end]):
        comparison = behind(printed, since, region)
        if comparison is None:
            continue
        span = comparison.span.moved(region.start)
        if any(span.meets(g) for g in given) or any(comparison.figures[0].span.moved(region.start).meets(d) for d in days):
            continue
        condition = None if excepted(text, region, span) else measured(text, region, comparison, wordings)
        if condition:
            found.append(condition)
    bounded = [c.comparison.span.moved(region.start) for c in found if c.comparison]
    found = [c for c in found if c.window is None or not any(c.span.within(b) for b in bounded)]  # the year of a figure is its period
    taken = [c.span for c in found if c.comparison]
    words = text[region.start : region.end]
    plain_words = without_asides(words)
    for said, m in _said(wordings, words, plain_words):
        span = _whole(text, region, said, Span(region.start + m.start("v"), region.start + m.end("v")))
        if (
            len(span) < 2
            or (said.attribute not in ("招用对象", "首次认定") and any(span.within(t) for t in taken))
            or (said.attribute not in CITES and _cited(text, span))
        ):
            continue
        if any(c.attribute == said.attribute and c.span.meets(span) for c in found):
            continue
        found.append(Condition(said.attribute, said.operator, _value(said, text[span.start : span.end]), None, span))
    return found


_EDGES = ",。;:()、的对为给将按于"
_URGES = re.compile(r"(?:允许|支持|鼓励|引导|推动|对于?|于)+(?=.{2})")
_GIVEN = re.compile(r"给予|予以|按照|可以?申请")


def _whole(text: str, region: Span, said: Said, span: Span) -> Span:
    """A find whose wording ends inside a word, up to where the phrase ends; without a verb that only urges or gives."""
    start, end = span.start, span.end
    if said.wording.startswith("(?P<v>[^"):
        inner = max(text.rfind(edge, start, min(end - 4, start + 12)) for edge in "的、")
        if inner >= 0 and start > region.start and text[start - 1] not in _EDGES:
            left = inner + 1
        else:
            reach = range(start, max(region.start, start - 12) - 1, -1)
            left = next((i for i in reach if i == region.start or text[i - 1] in _EDGES), start)
        start = left
        urges = _URGES.match(text, start, end)
        start = urges.end() if urges else start
    if said.wording.endswith("})"):
        limit = min(region.end, end + 12)
        end = next((i for i in range(end, limit + 1) if i == region.end or text[i] in _EDGES), end)
    given = _GIVEN.search(text, start + 2, end)
    return Span(start, given.start() if given else end)


def _said(wordings: Wordings, words: str, plain_words: str) -> Iterator[tuple[Said, re.Match[str]]]:
    """Where the wordings occur: as printed, and across what stands in brackets. What a bracket only explains says nothing."""
    for said in wordings.said:
        for m in re.finditer(said.wording, words):
            opened = words.rfind("(", 0, m.start("v"))
            inside = opened > words.rfind(")", 0, m.start("v")) and words.find(")", m.end("v") - 1) >= 0
            if not inside or _SAYS_MORE.match(words, opened + 1):
                yield said, m
        if plain_words != words:
            yield from ((said, m) for m in re.finditer(said.wording, plain_words) if "·" in m["v"].strip("·"))


_SAYS_MORE = re.compile(r"规上|规模以上|限上|限额以上|小微|中小|不?含|不?包括|除|限|仅|须|应|需|且|其中|属|女|男|[^()]{0,14}除外|\d")

# Attributes whose words may stand in the title of a cited document.
CITES = frozenset({"证明材料", "产业政策符合", "标准制定", "项目类型"})


def _cited(text: str, span: Span) -> bool:
    """Inside 《…》: the name of a document, not a condition."""
    return text.rfind("《", 0, span.start + 1) > text.rfind("》", 0, span.start + 1)


def _value(said: Said, words: str) -> object:
    if said.attribute == "企业规模":
        sizes = [name for char, name in SIZES if char in words.partition("企业")[0]]
        sizes += ["个体工商户"] if "个体" in words else []
        return sizes or [words]
    if said.operator in ("first_time", "not"):
        return True if said.operator == "first_time" else words
    return [w for w in re.split(r"、|以及|和|或", words) if w] if said.operator == "in" else words
