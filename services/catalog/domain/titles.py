"""Titles held and lists stood on: honours, certificates, stores of candidates. A title that the registry does not know is an open fact."""

import re

from contracts.rules import Registry
from services.catalog.domain.naming import Node, Told, any_of, named, named_at, open_fact, plain_quotes
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import phrase_of
from services.catalog.domain.times import WHEN, happened

_FIRST = re.compile(r"首次|首获|首评|初次|(?<!重)新(?:认定|获评?|列入|入选|评|通过|增)")
_AGAIN = re.compile(r"重新认定|复审|复核通过|再次认定")
_RECOGNISED = r"首次|首获|新(?:认定|获|列入|入选|评)|被?认定|获评|获得|取得|通过|评为|评定|入选|列入|纳入|授予|荣获|获"
_WHEN_RECOGNISED = re.compile(rf"(?P<w>{WHEN})(?:以来|内|度|中|期间|,)?[^,。;的]{{0,4}}?(?:{_RECOGNISED})")
_LEVEL = re.compile(r"(国家级|省级|市级|区级|县级)[和、或及]?$")
_VERB = re.compile(
    r"^.*?(?:首次|新)?(?:获评|荣获|获得|取得|被?认定(?:的|为)?|通过|评为|入选|入围|列为|列入|纳入|授予|获批|确认为|评定为|命名为|备案为|进入|属于)(?:了|的|为)?"
)
_LIST_WORD = re.compile(r"(?:公告|公示)?(?:名单|名录|目录|清单|年报库|数据库|项目库|后备库|储备库|库)(?:的?企业)?$")
_LESSER = re.compile("提名|后备|培育|候选|入围")


def title(words: str) -> str:
    """What is held, without the verb before it: 获得绿色工厂称号 → 绿色工厂称号."""
    return re.sub(r"^(?:对|为|给|首获|首次)+", "", _VERB.sub("", words)).strip("的,、") or words


_ROW = re.compile(r"(?:[、和及或](?:以及)?[^,。;:、和及或的对给予]{2,24}?(?:奖|称号|荣誉|认证|品牌))+")
_ONE = re.compile(r"[^、和及或]{2,}")


def honour(text: str, span: Span, registry: Registry) -> Told:
    """One of the titles named in a row (获评甲奖、乙奖的单位): any of them, each asked for as it is worded."""
    row = _ROW.match(text, span.end)
    own = one_honour(text, span, registry)
    if row is None:
        return own
    others = [one_honour(text, Span(row.start() + m.start(), row.start() + m.end()), registry) for m in _ONE.finditer(row.group())]
    ways: list[Node] = []
    for way in (own, *others):
        if way.node not in ways:
            ways.append(way.node)
    return Told(any_of(ways), own.notes)


def one_honour(text: str, span: Span, registry: Registry) -> Told:
    """A title held: in the set of honours where it only has to stand, a certificate where it says first, when or of which level.

    A title that the registry does not know is an open fact: nobody is known to lack it.
    """
    words = text[span.start : span.end]
    if named(registry, "lists", words) and (_LIST_WORD.search(words) or re.search("后备|培育", words)):
        return listed(text, span, registry)
    titles, places = named_at(registry, "honours", text, span)
    notes: tuple[str, ...] = ()
    lesser = [p for p in places if _LESSER.match(text, p.end)]
    if lesser:  # 中国质量奖提名奖 is not 中国质量奖
        full = [p for p in places if p not in lesser]
        other: Node = {"fact": open_fact(text[lesser[0].start : lesser[0].end] + "提名或培育", "资质"), "is": "=", "value": True}
        if not full:
            return Told(other)
        return Told({"any": [one_honour(text, full[0], registry).node, other]})
    if not titles and "科技型企业" in words:
        titles, notes = ["高新技术企业", "科技型中小企业"], ("“科技型企业”没有统一的认定，按高新技术企业和科技型中小企业理解，请核对",)
    if "专精特新企业" in plain_quotes(words):
        known = registry.codes.get("honours", {})
        titles = [t for t in ("专精特新中小企业", "专精特新“小巨人”") if t in known] or titles
    if not titles:
        return Told({"fact": open_fact(title(words), "资质"), "is": "=", "value": True}, notes)
    begin, end = (places[0].start, max(p.end for p in places)) if places else (span.start, span.end)
    phrase = phrase_of(text, Span(begin, end))
    before, after = text[phrase.start : begin], text[end : min(phrase.end, end + 8)]
    where: list[Node] = [{"field": "name"} | ({"is": "=", "value": titles[0]} if len(titles) == 1 else {"is": "in", "value": titles})]
    level = _LEVEL.search(before)
    if level and not any(level[1] in w for t in titles for w in registry.codes["honours"][t]):
        where.append({"field": "level", "is": "=", "value": level[1]})
    firsts = [m for m in _FIRST.finditer(before) if not re.search("规上|上规|规模以上|入统|达到|突破", before[m.end() :])]
    first = bool(firsts) or bool(_FIRST.match(after)) or bool(_FIRST.search(text, span.start, span.end))
    again = bool(_AGAIN.search(before[-16:] + text[begin:end] + after))
    when = _WHEN_RECOGNISED.search(text[phrase.start : min(phrase.end, end + 12)])
    day = happened("awarded_on", when["w"]) if when else None
    if first != again:
        where.append({"field": "first", "is": "=", "value": first})
    if day:
        where.append(day)
    elif first == again:
        if len(where) == 1 and not first:
            return Told({"fact": "honours", "is": "has", "value": titles}, notes)
        where.append({"field": "expires_on", "is": ">=", "value": {"ago": {"days": 0}}})
    return Told({"some": "certificate", "where": where}, notes)


def listed(text: str, span: Span, registry: Registry) -> Told:
    """On a named list or in a store of candidates: a member of `lists`, or the honour the list records; otherwise an open fact."""
    words = text[span.start : span.end]
    codes, _ = named_at(registry, "lists", text, span)
    if codes:
        return Told({"fact": "lists", "is": "has", "value": codes})
    titles, _ = named_at(registry, "honours", text, span)
    if titles and not re.search("后备|培育|储备", words):
        return honour(text, span, registry)
    if re.search(r"规模以上|规上|限额以上|限上", words):
        return Told({"fact": "above_scale", "period": "last_year", "is": "=", "value": True})
    return Told({"fact": open_fact(title(words), "名单"), "is": "=", "value": True})
