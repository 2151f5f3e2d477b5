"""Where the words stand that may condition a provision: its target phrase, what announced it, and what stands above or before it."""

import re
from collections.abc import Sequence
from itertools import pairwise

from services.catalog.domain.division import blocks
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import windows
from services.catalog.domain.strands import Provision, Strand

# A phrase before the target that only announces what the article is about.
ANNOUNCES = re.compile(
    r"(?:^|继续|持续|积极|大力|全力|进一步|着力)(?:支持|鼓励|引导|推动|稳定|激励|吸引|加大|加强|强化|实施|培育|打造|推进|促进|扩大|提升|优化|完善|健全|落实|构建|发挥|深化|聚焦|帮助|返还|降低|减轻|加快|做好|保障|开展|统筹)"
)
_TARGET = re.compile(r"(?:^|[,;:。】])(?:同时,?|另外,?|此外,?|其中,?|并)?(?=对(?!接|应|外(?!贸)|标|照|口|其|该))")
ANAPHOR = re.compile(r"上述|前述|以上(?:企业|单位|项目)")
_ENDED = re.compile(r"的,[^,]{0,12}$|[^,。;]的$")
_NAMED = re.compile(r"[^,。;]{0,16}(?:企业|单位|旅行社|机构)[^,。;的]{4,}|[^,。;]{2,80}(?:企业|单位|人员|青年|载体|项目),")


def regions(passage: Passage, provision: Provision) -> list[Span]:
    """The words that may condition a provision: each strand from its target phrase to where its giving ends, and what announced it."""
    text = passage.text
    found = [*provision.intro, *_above(passage, provision)]
    first = provision.strands[0]
    for strand, end in zip(provision.strands, provision.ends, strict=True):
        start = strand.span.start
        if strand is first and provision.lead is not None:
            start = provision.lead
        begins = _aimed(text, start, min(end, max(provision.gives_at, strand.span.start)))
        head = start
        if begins and _heading(text, start, begins):
            head = _heading(text, start, begins)
        dated = re.compile(r"(?:^|[,。;])((?:自)?20\d\d年[^,。;]{0,24}),$").search(text[start:head])
        if dated:
            head = start + dated.start(1)
        if head > start and re.match(r"对承租其", text[head : head + 4]):
            head = start
        if strand is first and head < provision.gives_at < end:
            found += [Span(head, provision.gives_at), Span(provision.gives_at, end)]
        else:
            found.append(Span(head, max(end, head)))
        if (ANAPHOR.search(text[head:end]) or (strand is first and text[head] == "按")) and strand.span.start > strand.block.span.start:
            found.append(sentence_before(text, strand))
    lead = text.find(":", first.sentence.start, first.span.start)
    if lead > 0 and 8 < lead - first.sentence.start < 120 and not ANNOUNCES.search(text[first.sentence.start : lead]):
        found.append(Span(first.sentence.start, lead))  # 年增速达10%的企业:批发企业…;零售企业…
    opening = _opening(text, first.sentence, first.span)
    if opening:
        found.append(opening)
    return found


def targets(text: str, provision: Provision) -> list[tuple[Span, bool]]:
    """The words that say for whom: from "对", or from the beginning; sure where what is given stands behind 对… or "的,"."""
    first = provision.strands[0]
    begins = _aimed(text, first.span.start, provision.gives_at)
    if begins:
        return [(Span(_heading(text, first.span.start, begins) or begins[0], provision.gives_at), True)]
    words = text[first.span.start : provision.gives_at]
    whole = Span(first.span.start, provision.gives_at)
    if _ENDED.search(words) or _NAMED.match(words):
        return [(whole, True)]
    return [] if any(ANNOUNCES.search(piece) for piece in re.split("[,:]", words)) else [(whole, False)]


def _aimed(text: str, start: int, end: int) -> list[int]:
    """Where phrases begin that say for whom (对…)."""
    return [start + m.end() for m in _TARGET.finditer(text[start:end])]


def _heading(text: str, start: int, begins: Sequence[int]) -> int:
    """Where the first target begins behind a heading or an appeal (办公补助:对…, 鼓励发展,对…); 0 without one before a target."""
    stops = [i for i in range(start, begins[-1]) if text[i] in ",;。:"]
    edges = [start, *(i + 1 for i in stops)]
    last = max((b for a, b in pairwise([*edges, begins[-1]]) if text[b - 1] == ":" or ANNOUNCES.search(text[a : b - 1])), default=0)
    return next((at for at in begins if at >= last), 0) if last else 0


def _above(passage: Passage, provision: Provision) -> list[Span]:
    """The words of the number above, where they say for whom (第四条 对…的企业给予奖励。(一)…)."""
    path = provision.block.path
    over = [b.span for b in blocks(passage) if len(path) > 1 and b.path == path[:-1] and b.span.end <= provision.block.span.start]
    return [over[-1]] if over and len(over[-1]) < 160 and _aimed(passage.text, over[-1].start, over[-1].end) else []


def sentence_before(text: str, strand: Strand) -> Span:
    """The sentence before a strand's own, within its block."""
    start = text.rfind("。", 0, max(0, strand.sentence.start - 1)) + 1
    return Span(max(start, strand.block.span.start), strand.sentence.start)


def _opening(text: str, sentence: Span, strand: Span) -> Span | None:
    """A window that opens the sentence ("自…至…,") governs all its parts."""
    if sentence.start == strand.start:
        return None
    for window in windows(text[sentence.start : strand.start]):
        at = sentence.start + window.span.start
        if text[at] in "自从" or at - sentence.start < 2:
            return window.span.moved(sentence.start)
    return None


def own_begin(provision: Provision) -> int:
    """Where a provision's own sentence begins to speak of it; what stands before is said of others too."""
    return provision.strands[0].span.start if provision.lead is None else provision.lead
