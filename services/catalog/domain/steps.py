"""The figures of an amount and what chooses each: the case before it, the name it is paired with, a ceiling of its own.

A figure may also add to the others (再给予), raise them (上浮20%) or only say how they are paid out (第一年2万元, …).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import Figure


@dataclass(frozen=True)
class Share:
    """One figure with its part in the amount. `each` is what words before it count (每间, 每人每月), as a part of the unit.

    `tier` are the words that choose it, `head` what a name in a row shares with the last one (国家级、省级企业: 企业), `cap` its own
    ceiling. `nested` figures are for some of those the figure before is for (其中…); `adds` are paid on top of the others.
    """

    figure: Figure
    unit: str
    ceiling: bool
    floor: bool
    low: Decimal | None
    tier: Span | None = None
    each: str = ""
    head: Span | None = None
    cap: "Share | None" = None
    nested: bool = False
    adds: bool = False


_GAP = re.compile(r"(?:、|和|及|或|以及)(?:最高|不超过)?")
_RAISES = re.compile(r"(?:上浮|再提高|上调|增加)(?:幅度)?(?:最高|不超过|至多)?$")
_ADDS = re.compile(r"(?:再|另外?|额外|叠加)(?:次)?(?:一次性)?(?:给予|按|奖励|补贴|补助|资助|增加|予以|奖补)")
_GIVING_TAIL = re.compile(
    r"(?:的|(?:由)?(?:[省市区县]级?)?财政|可|再|另|每年|年度|一次性|最高|分别|各|不超过|不低于|给予|予以|奖励|补助|补贴|资助|奖补|返还|资金|享受|按(?:照)?[^,;。]*|"
    r"每(?!年)[^,;。\d的]{1,8}|单[个家户项笔][^,;。\d]{0,6}|为|上浮|上调|再提高|"
    r"(?:补[助贴]|奖励|资助|返还|支持|扣除)?(?:比例|标准|额度)(?:统一)?(?:为|是|可|提高到|提高至|提至|上调至|调整为|增至)?|(?<=给予|予以|奖励)企业|(?<=给予)单位)*$"
)
# A piece that only gives, or says of what: nothing in it chooses the figure.
_GIVES = re.compile(
    r"(?:可|再|另|并|一次性|每年|年度)*(?:按照?|参照|依照|以[^,;。]+为基数|给予|予以|发放|奖励|补助|补贴|资助|奖补|最高|不超过|每(?!引进|招|新增|增加|满))"
)
_ALSO = re.compile(r"[^;。]{0,24},(?:并|同时)(?:按|给予|予以|每|一次性|奖励|再)")
_FOR_EACH_MORE = re.compile(r"[^,;。]{0,16},每(?!年|[家户个]企业|个?标准)[\u4e00-\u9fa5]{2,8}(?:1|一)?[家个名人项]")


def in_rows(text: str, shares: Sequence[Share]) -> list[list[Share]]:
    """Figures named directly after one another (100万元、50万元和20万元) stand in one row."""
    rows: list[list[Share]] = []
    for share in shares:
        gap = text[rows[-1][-1].figure.span.end : share.figure.span.start] if rows else ""
        if rows and _GAP.fullmatch(gap):
            rows[-1].append(share)
        else:
            rows.append([share])
    return rows


def chosen(text: str, span: Span, shares: Sequence[Share]) -> list[Share]:
    """Each figure with the words that choose it."""
    out: list[Share] = []
    end = span.start
    for row in in_rows(text, shares):
        at = row[0].figure.span.start
        region = Span(max(end, max(text.rfind(c, span.start, at) for c in ";。") + 1), at)
        names, head = _names(text, region, len(row)) if len(row) > 1 else ([], None)
        words = text[region.start : region.end]
        also = bool(out) and bool(_ALSO.match(words) or _FOR_EACH_MORE.match(words))
        adds = also or (bool(out) and bool(_ADDS.search(words)))
        nested = bool(re.search(r"(?:^|[,;。:(])其中|^[^()]*\([^()]*$", words)) and bool(out)
        for i, share in enumerate(row):
            tier = names[i] if names else (_case(text, region) if i == 0 and not also else None)
            own_head = head if names and i < len(row) - 1 else None
            out.append(replace(share, tier=tier, head=own_head, adds=adds, nested=nested))
        end = row[-1].figure.span.end
    return out


def _case(text: str, region: Span) -> Span | None:
    """The words that say when a figure is given: those before it, without the giving and the base."""
    for m in reversed(list(re.finditer(r"[^,;。:()]+(?:\([^()]*\)[^,;。:()]*)*", text[region.start : region.end]))):
        if _GIVES.match(m.group()):
            continue
        tail = _GIVING_TAIL.search(m.group())
        words = m.group()[: tail.start()] if tail else m.group()
        lead = re.match(r"(?:其中)?(?:对(?!外)(?:于)?)?", words)
        skip = lead.end() if lead else 0
        if len(words) - skip >= 2 and not re.match("[、和及]", words):
            return Span(region.start + m.start() + skip, region.start + m.start() + len(words))
    return None


def case_before(text: str, span: Span, share: Share) -> Span | None:
    """The case that a figure standing alone is given in."""
    at = share.figure.span.start
    return _case(text, Span(max(text.rfind(c, span.start, at) for c in ";。") + 1 or span.start, at))


_SEPARATED = (r"、", r"、|以及|和|及(?!其|以上)|或|与")


def _names(text: str, region: Span, count: int) -> tuple[list[Span], Span | None]:
    """As many names in a row as there are figures (国家级、省级、市级孵化器), and what the last one says for all of them."""
    plain = re.sub(r"\([^()]*\)|“[^“”]*”", lambda m: "·" * len(m.group()), text[region.start : region.end])
    for phrase in reversed(list(re.finditer(r"[^,;。:]+", plain))):
        words = re.sub(r"(?:的)?(?:,)?(?:分别|给予|予以|一次性).*$", "", phrase.group())
        if _GIVES.match(words):
            continue
        lead = re.match(r"(?:其中)?(?:对(?!外)(?:于)?)?", words)
        skip = lead.end() if lead else 0
        edges = _edges(words, skip, count)
        if edges:
            at = region.start + phrase.start()
            return [Span(at + a, at + b) for a, b in edges], _head(text, [Span(at + a, at + b) for a, b in edges])
    return [], None


def _edges(words: str, skip: int, count: int) -> list[tuple[int, int]] | None:
    for separator in _SEPARATED:
        cuts = [m.span() for m in re.finditer(separator, words[skip:])]
        if len(cuts) == count - 2 and separator == "、":  # the last two are joined by a word
            last = list(re.finditer(r"以及|和|及(?!其|以上)|或|与", words[skip:]))
            cuts += [last[-1].span()] if last and (not cuts or last[-1].start() > cuts[-1][0]) else []
        if len(cuts) == count - 1:
            starts = [skip, *(skip + b for _, b in cuts)]
            ends = [*(skip + a for a, _ in cuts), len(words)]
            pairs = list(zip(starts, ends, strict=True))
            return pairs if all(b > a for a, b in pairs) else None
    return None


def _head(text: str, names: Sequence[Span]) -> Span | None:
    """国家级、省级、市级孵化器: what follows the sign that all of them end with (级)."""
    sign, last = text[names[0].end - 1], names[-1]
    at = text.find(sign, last.start, last.end - 1)
    grade = re.match(r".{1,3}?(?=[级类]\w)", text[last.start : last.end])  # 国家、省、市级企业
    start = at + 1 if at >= 0 else last.start + grade.end() if grade else None
    return Span(start, last.end) if start is not None else None


def with_ceilings(shares: Sequence[Share], caps: Sequence[Share], text: str) -> tuple[list[Share], list[Share]]:
    """Figures with their own ceilings, and the ceilings left for all of them.

    As many ceilings in a row as there are figures pair with them; one that stands before a later figure is of the figure before it.
    """
    rows = in_rows(text, caps)
    if rows and len(rows[-1]) == len(shares) > 1:
        return [replace(s, cap=c) for s, c in zip(shares, rows[-1], strict=True)], [c for row in rows[:-1] for c in row]
    out = list(shares)
    common = []
    for cap in caps:
        before = [i for i, s in enumerate(out) if s.figure.span.end <= cap.figure.span.start]
        later = before and before[-1] < len(out) - 1
        if later and out[before[-1]].cap is None and cap.figure.money:
            out[before[-1]] = replace(out[before[-1]], cap=cap)
        else:
            common.append(cap)
    if len(common) == 1 and out[:-1] and all(s.cap for s in out[:-1]):  # each has its own, the last one too
        return [*out[:-1], replace(out[-1], cap=common[0])], []
    return out, common


def raises(text: str, span: Span, share: Share) -> bool:
    """上浮20%, 再提高10%: the figure says by how much another is raised."""
    return share.figure.share and bool(_RAISES.search(text[max(span.start, share.figure.span.start - 8) : share.figure.span.start]))


def raising(text: str, span: Span, shares: Sequence[Share]) -> list[Share]:
    """按标准上浮20%: a factor beside other figures, a rate when it stands alone."""
    raised = [s for s in shares if raises(text, span, s)]
    return raised if len(raised) < len(shares) else []


def parts(text: str, shares: Sequence[Share]) -> list[Share]:
    """给予5万元奖励(第一年2万元, 第二年2万元, 第三年1万元): what stands in brackets and adds up to the sum before is how it is paid."""
    for i, whole in enumerate(shares[:-1]):
        opened = text.find("(", whole.figure.span.end, shares[i + 1].figure.span.start)
        closed = text.find(")", opened) if opened >= 0 else -1
        inside = [s for s in shares[i + 1 :] if s.figure.span.end <= closed]
        if len(inside) > 1 and sum((s.figure.base for s in inside), Decimal(0)) == whole.figure.base and inside[0].figure.money:
            return inside
    return []
