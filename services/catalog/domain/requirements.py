"""Conditions that a document lists apart from what they govern: 条件要求, 申请条件, "应符合以下条件:".

A list stands behind its provisions, or opens the section they stand in; an article's list is the article's. An item that speaks of one of
them (by its heading or its opening words) governs that one, an item that speaks of none governs all of them.
"""

import re
from dataclasses import dataclass

from services.catalog.domain.division import blocks, zones
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.strands import Provision

_SUBHEADING = re.compile(r"(?<=[。;:])(?P<h>[^,。;:()]{2,14}?)(?:申请|申报|支持|享受|补贴)?条件(?:为)?:")
_ALL_OF_IT = re.compile(r"(?:享受|申请|申报|适用|符合)本(?:办法|措施|政策|意见|规定|细则|通知|方案|实施)")
_SAYS_WHOM = re.compile(r"对象|范围")


@dataclass(frozen=True)
class Requirement:
    """One item of a list of conditions: the words that say what it is for, and all its words."""

    heading: str
    span: Span


def requirements(passage: Passage, provisions: list[Provision], lexicon: Lexicon) -> dict[int, list[Requirement]]:
    """For each provision, by its place in the list, the items that govern it, in their order."""
    governed: dict[int, list[Requirement]] = {}
    floor = 0
    lists = [z for z in zones(passage, lexicon) if not says_whom(passage, z)]
    parts = blocks(passage)
    tops = [b.span.start for b in parts if len(b.path) == 1]
    articles = [b.span.start for b in parts if re.fullmatch("第.+条", b.label)]

    def top(at: int) -> int:
        return max((start for start in tops if start <= at), default=-1)

    for zone, following in zip(lists, (*lists[1:], None), strict=False):
        end = following.start if following else len(passage.text)
        before = [i for i, p in enumerate(provisions) if floor <= p.span.start < zone.start]
        after = [i for i, p in enumerate(provisions) if zone.end <= p.span.start < end]
        together = [i for i in after if top(provisions[i].span.start) == top(zone.start)]
        if together and all(top(provisions[i].span.start) != top(zone.start) for i in before):
            before = together  # the list opens its section
        near = before or after
        article = max((start for start in articles if start <= zone.start), default=None)
        if article is not None:  # an article's list is the article's
            ends = min((start for start in articles if start > article), default=len(passage.text))
            near = [i for i in (*before, *after) if article <= provisions[i].span.start < ends]
        floor = zone.end
        for item in _items(passage, zone):
            for i in _about(passage, item, near, provisions):
                governed.setdefault(i, []).append(item)
    return governed


def says_whom(passage: Passage, zone: Span) -> bool:
    """True for a stretch that says for whom the whole document is, and not what one provision asks for."""
    said = passage.text[max(0, zone.start - 20) : zone.start + 4].rpartition("。")[2]
    return bool(_SAYS_WHOM.match(passage.text[zone.start + 2 : zone.start + 4]) or _ALL_OF_IT.search(said))


def _items(passage: Passage, zone: Span) -> list[Requirement]:
    text = passage.text
    heads = [(m.start(), m["h"]) for m in _SUBHEADING.finditer(text, max(0, zone.start - 20), zone.end)]
    if len(heads) > 1:
        edges = [at for at, _ in heads] + [zone.end]
        return [Requirement(words + "条件", Span(a, b)) for (_, words), a, b in zip(heads, edges, edges[1:], strict=False)]
    inside = [b for b in blocks(passage) if zone.start <= b.span.start < zone.end and b.label]
    if not inside:
        return [Requirement("", zone)]
    top = min(len(b.path) for b in inside)
    items = [b for b in inside if len(b.path) == top]
    ends = [b.span.start - len(b.label) for b in items[1:]]
    found = []
    first = items[0].span.start - len(items[0].label)
    if first - zone.start > 12:
        found.append(Requirement("", Span(zone.start, first)))
    for a, b in zip([b.span.start for b in items], [*ends, zone.end], strict=True):
        opening = re.match(r"[^:。;]{2,50}?(?:条件|的)?[:,]", text[a:b])
        found.append(Requirement(opening.group() if opening else "", Span(a, b)))
    return found


def _about(passage: Passage, item: Requirement, near: list[int], provisions: list[Provision]) -> list[int]:
    """Which of the near provisions an item speaks of: the one that shares most of its opening words, if one stands out."""
    if len(near) < 2 or not item.heading:
        return near
    wanted = _pairs(item.heading)
    said = [_pairs(_introduced(passage, provisions[i], provisions[i - 1].span.end if i else 0)) for i in near]
    everywhere = set.intersection(*said)
    shares = [len((wanted - everywhere) & pairs) for pairs in said]
    best = max(shares)
    if best < 2 and not re.search("条件", item.heading):
        return near
    chosen = [i for i, share in zip(near, shares, strict=True) if share == best and best > 0]
    return chosen or near


def _introduced(passage: Passage, provision: Provision, floor: int) -> str:
    """A provision with what announced it and the heading of its block."""
    text, block = passage.text, provision.block.span
    near = provision.span.start - block.start < 160
    heading = (
        text[floor : provision.span.start]
        if floor > block.start
        else text[block.start : provision.span.start if near else block.start + 40]
    )
    return heading + text[provision.span.start : provision.span.end] + "".join(text[s.start : s.end] for s in provision.intro)


def _pairs(words: str) -> set[str]:
    plain = re.sub(r"\W|\d|条件|支持|资金|申请|符合|以下|需要|企业|应", " ", words)
    return {plain[i : i + 2] for i in range(len(plain) - 1) if " " not in plain[i : i + 2]}
