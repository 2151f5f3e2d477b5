"""Services that a work plan or a list of measures offers to a group of enterprises: no sum, but somebody in particular.

An offer is read only where the words name the group (小微企业, 出口企业, 某区的企业 …); a measure for everybody is no benefit of anyone.
Sentences that report results tell whom a measure reached, never what it promises.
"""
# ruff: noqa: E501 (a table: one wording, one line)

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from services.catalog.domain.attributes import Wordings
from services.catalog.domain.condition import Condition, inside_another
from services.catalog.domain.division import sentences
from services.catalog.domain.naming import Setting, named
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.recognition import recognised


class Group(NamedTuple):
    """A wording for a group of enterprises, and the attribute it speaks of."""

    attribute: str
    operator: str
    wording: str


GROUPS: tuple[Group, ...] = (
    Group("企业规模", "in", r"(?<!科技型)(?<!创新型)(?<!特新)(?<!特新”)(?:大中小微|中小微|小微|中小|小型微型)(?:型)?(?:工业|商贸|外贸|科技|制造)?企业(?:(?:和|及|、)个体工商户)?"),
    Group("企业规模", "in", r"(?:规模以上|规上|限额以上|限上)[^,。;、的]{0,6}企业"),
    Group("主体类型", "=", r"个体工商户"),
    Group("资质认定", "in", r"(?:国家级?)?高新技术企业|科技型中小企业|科技型企业|专精特新“小巨人”(?:企业)?(?!后备)|“?专精特新”?(?:中小)?企业|单项冠军企业|瞪羚企业|独角兽企业|技术先进型服务企业|总部企业|创新型中小企业"),
    Group("资质认定", "in", r"(?:经认证的经营者(?:\(AEO\))?|AEO)(?:高级认证)?企业"),
    Group("主体类型", "=", r"外商投资企业|外资企业|台资企业|台商投资企业|台企(?:台胞)?|台商台胞|港澳台资企业|民营企业"),
    Group("主体类型", "=", r"出口企业|进出口企业|进口企业|出口(?!信用|总|退|环节|额|查验|便利|原产)[\u4e00-\u9fa5]{2,12}?企业"),
    Group("行业", "=", r"外贸企业|跨境电商企业"),
    Group("信用状况", "=", r"(?:纳税)?信用[A-D]级企业|信用等级高的(?:企业|机构)|高信用企业|守信企业"),
    Group("名单入选", "in", r"“?三高”?企业|“?白名单”?企业|上市后备企业|“小巨人”后备企业|倍增计划企业|重点外贸企业"),
    Group("行业", "=", r"(?<=向)[^,。;()]{2,30}(?:制造|产业|行业|业)(?=提供|开展|推出)|(?<=在)[^,。;()]{2,40}?(?:等\d*个)?领域(?=推行|投入使用)"),
    Group("其他条件", "=", r"(?:^|(?<=[,。;]))(?:经|被)[^,。;]{4,24}的(?:企业|项目)(?=,)|(?<=,)[^,。;]{2,20},完成[^,。;]{4,60}的[^,。;]{0,6}(?:项目|企业)(?=,[^,。;]{0,12}(?:工作日|即时|即可|当场))"),
    Group("纳税人类型", "=", r"增值税一般纳税人|小规模纳税人"),
)  # fmt: skip
RESULT = re.compile(
    r"截[至止](?!上)|累计(?!补|奖|不超过|最高|采购|[^,。;]{0,12}(?:以上|不超过|不得超过|最高))|已(?:为|有|向|办理|发放|服务|出具|接收|通过|协调|完成|达|在|建成|发展)|共(?:办理|发放|完成|审结|推出|计|精简)|惠及企业|获评|荣获|获[^,。]{0,20}(?:肯定|推广|银奖)|同比[^,。;]{0,6}?(?:增长|下降|提高|提升|减少|增加)(?:了|约)?\d+(?:\.\d+)?%(?![^,。;]{0,8}(?:以上|以下|以内|的|\())|年\d+月至|占比"
)
SERVES = re.compile(
    r"为|向|面向|对|支持|帮助|助力|服务|便利|惠及|满足|引导|推动|提供|推出|打造|提升|解决|聚焦|便捷|可|赋能|扶持|培育|加大|拉长|拓展"
)
APPEAL_ONLY = re.compile(r"^(?:[一二三四五六七八九十]是)?(?:鼓励|引导|推动|号召|倡导)")
# A number of things to be done is a plan, and a first chance among others no promise to anybody.
PLAN = re.compile(
    r"(?:每年|力争|到20\d\d年|年内)[^。;]{0,40}?(?:不少于|不低于|超过|达到?)\d|优先[^,。;]{0,20}(?:开放|提供)[^,。;]{0,12}机会"
)
_TARGET = re.compile(r"(?:^|(?<=[,;。:]))对(?!接|应|外(?!贸)|标|照|口)(?P<who>[^。;,]{4,60}?)(?:,|,?(?:提供|给予|予以|实行|开展|推行))")
BORDER = re.compile(r"(?:区(?:人民)?政府|区税务局|区人民?法院|区法院|管委会)$")


@dataclass(frozen=True)
class Offer:
    """The group an offer is made to and the sentences that make it."""

    conditions: tuple[Condition, ...]
    words: tuple[Span, ...]


def offers(passage: Passage, title: Passage, setting: Setting) -> list[tuple[str, Offer]]:
    """Offers of one measure: ("title" | "body", offer), each condition's span lying in the passage that is named.

    A group in the title governs the whole measure; otherwise each sentence speaks for the group that it names.
    """
    headed = _groups(title.text, Span(0, len(title.text)), setting)
    if headed:
        return [("title", Offer(tuple(headed), (Span(0, len(title.text)),)))]
    found: dict[tuple[tuple[str, str], ...], tuple[list[Condition], list[Span]]] = {}
    for results in (False, True):
        for sentence in sentences(passage.text, Span(0, len(passage.text))):
            for part in _parts(passage.text, sentence):
                words = passage.text[part.start : part.end]
                if bool(RESULT.search(words)) != results or APPEAL_ONLY.match(words) or PLAN.search(words):
                    continue
                groups = [c for c in _groups(passage.text, part, setting) if SERVES.search(words)]
                groups += [
                    c
                    for c in asked_of_target(passage.text, part)
                    if not any(c.span.meets(g.span) or c.attribute == g.attribute for g in groups)
                ]
                if results:
                    groups = [c for c in groups if _reached(passage.text, part, c)]
                if groups:
                    key = tuple(sorted((c.attribute, str(c.value)) for c in groups))
                    kept = found.setdefault(key, (groups, []))
                    kept[1].append(part)
        if found:
            break
    return [("body", Offer(tuple(groups), tuple(words))) for groups, words in found.values()]


def asked_of_target(text: str, part: Span) -> list[Condition]:
    """What the target of a service (对纳税信用A级的企业, …) asks beyond the group's name."""
    target = _TARGET.search(text, part.start, part.end)
    if target is None:
        return []
    found = recognised(text, Span(target.start("who"), target.end("who")), (), Wordings())
    return [c for c in found if not inside_another(c, found) and c.attribute not in ("主体类型", "行业")]


def _reached(text: str, part: Span, group: Condition) -> bool:
    """In a sentence of results: the group is whom the measure served, not what somebody hopes to become."""
    before = text[max(part.start, group.span.start - 16) : group.span.start]
    return bool(re.search(r"(?:为|惠及|服务|向|支持|提供给)[^,。;]{0,12}$", before)) or group.attribute == "入驻载体"


def _parts(text: str, sentence: Span) -> list[Span]:
    cuts = [m.start() for m in re.finditer(r";", text[sentence.start : sentence.end])]
    edges = [sentence.start, *(sentence.start + c + 1 for c in cuts), sentence.end]
    return [Span(a, b) for a, b in pairwise(edges) if b > a]


def _groups(text: str, region: Span, setting: Setting) -> list[Condition]:
    found: list[Condition] = []
    for group in GROUPS:
        for m in re.finditer(group.wording, text[region.start : region.end]):
            span = Span(region.start + m.start(), region.start + m.end())
            if re.search(r"(?:不含|不包括|除|非)$", text[max(region.start, span.start - 3) : span.start]):
                continue
            if not any(c.span.meets(span) or (c.attribute == group.attribute and c.value == m.group()) for c in found):
                found.append(Condition(group.attribute, group.operator, m.group(), None, span))
    for m in re.finditer(r"([\u4e00-\u9fa5]{2,12}?)(?:产业(?!政策|化|园|链)|企业|行业)", text[region.start : region.end]):
        span = Span(region.start + m.start(), region.start + m.end())
        codes = named(setting.registry, "industry", m.group())
        denied = re.search(r"(?:不含|不包括|除|非)$", text[max(region.start, span.start - 3) : span.start]) or m.group().startswith(
            ("不含", "除")
        )
        if codes and not denied and not any(c.span.meets(span) for c in found) and not re.search(r"金融|银行|平台企业", m.group()):
            start = _where_named(setting, m.group())
            found.append(Condition("行业", "=", m.group()[start:], None, Span(span.start + start, span.end)))
    for wording in _parks(setting):
        pilot = re.search(rf"(?:以|在){re.escape(wording)}(?:为试点|成立|试点|设立|率先)", text[region.start : region.end])
        if pilot and not any(c.attribute == "入驻载体" for c in found):
            start = region.start + pilot.start() + 1
            found.append(Condition("入驻载体", "=", wording, None, Span(start, start + len(wording))))
    return found


def _parks(setting: Setting) -> list[str]:
    table = setting.registry.codes.get("park", {})
    return sorted((w for many in table.values() for w in many), key=len, reverse=True)


def _where_named(setting: Setting, words: str) -> int:
    """Where the trade's own name begins inside a longer run of characters."""
    table = setting.registry.codes.get("industry", {})
    places = [words.find(w) for many in table.values() for w in many if w in words]
    return min(places) if places else 0


def district(passage: Passage, units: tuple[str, ...], setting: Setting) -> tuple[Condition | None, str | None]:
    """Where an offer holds when a district makes it: the words in the text that say so, or else the unit that answers for it.

    Returns the condition, and the unit's words when the condition's span is empty because only the unit names the district.
    """
    table = setting.registry.codes.get("district", {})
    own = [u for u in units if BORDER.search(re.sub(r"\s", "", u))]
    codes = {c for u in own for c in named(setting.registry, "district", re.sub(r"\s", "", u)) if c != setting.city}
    trial = re.search(r"在(?P<v>[\u4e00-\u9fa5]{2,4}区)(?:率先)?试点", passage.text)
    if trial and named(setting.registry, "district", trial["v"]):
        return Condition("注册地", "=", trial["v"], None, Span(trial.start(), trial.end())), None
    if len(codes) != 1:
        return None, None
    code = codes.pop()
    for wording in sorted(table[code], key=len, reverse=True):
        m = re.search(re.escape(wording), passage.text)
        if m and len(wording) > 2:
            return Condition("注册地", "=", wording, None, Span(m.start(), m.end())), None
    return Condition("注册地", "=", table[code][0], None, Span(0, 0)), next(
        u for u in own if named(setting.registry, "district", re.sub(r"\s", "", u))
    )
