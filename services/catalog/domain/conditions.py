"""Who may have it: the conditions that govern a provision, each with its words, an attribute, an operator and a value.

A condition is looked for in the provision's own words before and around what is given, in the words that announced it, in a date that
opens its sentence, and in the items of a separate list of conditions that speak of the same matter.
What no wording names is kept as it stands, under the attribute "其他条件": a condition is never dropped.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.catalog.domain.attributes import FIGURE_NAMES, HEADS, MEASURED, NAMES, SAID, Measured, Said, named_after
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.provisions import Provision, zones
from services.catalog.domain.quantities import Comparison, Figure, Window, comparisons, plain, windows
from services.catalog.domain.requirements import Requirement, says_whom

SIZES = (("大", "大型"), ("中", "中型"), ("小", "小型"), ("微", "微型"))


@dataclass(frozen=True)
class Condition:
    """`value` is as printed: text, a list of texts, a number, a pair of dates; `unit` the printed unit of a number.

    `excepted` is true where the words make an exception (除…外, 不含, 未…): the rule asks for the contrary.
    """

    attribute: str
    operator: str
    value: object
    unit: str | None
    span: Span
    comparison: Comparison | None = None
    window: Window | None = None
    excepted: bool = False


@dataclass(frozen=True)
class Wordings:
    """The tables of `attributes` as one value, so that a test can take entries out."""

    said: tuple[Said, ...] = SAID
    measured: tuple[Measured, ...] = MEASURED
    heads: tuple[tuple[str, str], ...] = HEADS


# May stand several times in one provision; of any other attribute the words nearest to the giving count.
REPEATED = frozenset({"资质认定", "违法记录", "注册地", "年龄", "采购项目金额", "榜单排名", "其他条件", "知识产权", "首次认定"})
# A condition of the key's attribute says nothing of its own inside one of these.
INSIDE = {
    "行业": ("资质认定", "纳统情况", "产业政策符合", "名单入选", "承租国有房产", "项目入库", "行业"),
    "名单入选": ("信用状况",),
    "企业规模": ("资质认定", "纳统情况", "上市板块", "上市阶段", "名单入选", "项目入库", "创办主体"),
    "主体类型": ("企业规模", "招用对象", "人员身份", "签订合同", "证明材料", "承租国有房产", "资质认定", "上市阶段"),
    "人员身份": ("招用对象",),
    "社保缴纳": ("缴税困难", "招用对象"),
    "生产经营困难": ("受疫情影响",),
    "缴税困难": ("受疫情影响",),
    "产品或业务": ("行业", "设备用途", "项目类型", "投保险种", "融资租赁标的物", "承租国有房产"),
    "项目类型": ("资质认定", "参加展会", "上市阶段", "融资租赁标的物", "示范效应", "采购项目金额"),
    "设立机构": ("注册地",),
    "业务发生期间": ("纳统情况", "项目入库", "名单入选", "亏损发生年度", "资质认定", "证明材料"),
    "首次认定": ("贷款类型", "知识产权质押融资"),
    "知识产权": ("知识产权质押融资",),
    "兼并重组": ("基金类型",),
    "贷款风险发生": ("受疫情影响",),
    "评估结果": ("验收结果",),
    "设备用途": ("项目类型",),
}
# What may stand behind the giving verb: who receives it.
RECIPIENTS = frozenset({"主体类型", "企业规模", "资质认定", "人员身份", "行业", "榜单排名"})
# The base of the amount and a condition at once: what did not grow gets nothing.
GROWTH = frozenset({"产量增量", "研发费用增量"})
# A phrase before the target that only announces what the article is about.
_ANNOUNCES = re.compile(
    r"(?:^|继续|持续|积极|大力|全力|进一步|着力)(?:支持|鼓励|引导|推动|稳定|激励|吸引|加大|加强|强化|实施|培育|打造|推进|促进|扩大|提升|优化|完善|健全|落实|构建|发挥|深化|聚焦|帮助|返还|降低|减轻|加快|做好|保障|开展|统筹)"
)
_TARGET = re.compile(r"(?:^|[,;:。])(?:同时,?|另外,?|此外,?|其中,?|并)?(?=对(?!接|应|外(?!贸)|标|照|口))")
_ANAPHOR = re.compile(r"上述|前述|以上(?:企业|单位|项目)")
_DEADLINE = re.compile(r"(?:延长?至|延至|执行至|截至|截止|有效期至|延续到|期限[^,。;]{0,4}至|最迟|不晚于|至)$")
_HAPPENED = re.compile(r"到期|注册|成立|设立|取得|获得|认定|申报的|开工|投产|签订|购置|登记")


def conditions(
    passage: Passage, provision: Provision, items: Sequence[Requirement] = (), *, wordings: Wordings | None = None
) -> list[Condition]:
    """All conditions of a provision in the order of their words; `items` are the entries of a separate list that govern it."""
    wordings = wordings or Wordings()
    text = passage.text
    found: list[Condition] = []
    for region in _regions(passage, provision):
        found += _in_region(text, region, provision.given, wordings)
    own = _nearest([replace(c, excepted=_denied(text, c)) for c in _kept(text, found, provision)], provision)
    own += _unnamed(text, provision, own, wordings)
    listed = _listed(text, provision, items, own, wordings)
    if any(c.attribute == "主体类型" for c in listed):  # "担保机构应…" says better who it is than "给予担保机构"
        own = [c for c in own if c.attribute != "主体类型"]
    return _settled([*own, *(_told_apart(text, provision, c) for c in listed)])


_LEADING = re.compile(r"^(?:同时|另外|此外|其中|并|且|及|和)?(?:对于?|为|向|给|凡|在|经)?(?=.{3})")
_IDLE = re.compile(
    r"^(?:(?:可|应|须|要|允许|由|按|依|根据|采取|予以|给予|实行|经|在此基础上|符合|其|分|并|同时|鼓励|支持|引导|推动|落实|执行|继续|持续|充分|通过|加|大力|优化|完善|提升)|.*(?:规定|条件|批准|申请|原则|标准|方式|基础上|政策|办法|形式|程序|流程|力度|需求|以下|上述)$)"
)


def _unnamed(text: str, provision: Provision, known: Sequence[Condition], wordings: Wordings) -> list[Condition]:
    """Phrases of the target that no wording knows: kept as they stand, under the attribute that their last word suggests."""
    found: list[Condition] = []
    for region in _targets(text, provision):
        for phrase in re.finditer(r"[^,。;:]+", text[region.start : region.end]):
            span = Span(region.start + phrase.start(), region.start + phrase.end())
            lead = _LEADING.match(phrase.group())
            words = phrase.group()[lead.end() if lead else 0 :].rstrip("的等")
            start = span.start + (lead.end() if lead else 0)
            covered = sum(max(0, min(span.end, c.span.end) - max(span.start, c.span.start)) for c in known)
            if len(words) < 4 or len(words) > 70 or covered * 2 >= len(words):
                continue
            named = named_after(words, NAMES)
            attribute = named or next((name for name, ends in wordings.heads if re.search(ends, words)), "其他条件")
            if _IDLE.match(words) and not named_after(words, NAMES, at_least=0.7):
                continue
            if attribute == "其他条件" and not phrase.group().endswith("的"):
                continue
            if any(c.attribute == attribute for c in (*known, *found)) and attribute not in REPEATED:
                continue
            found.append(Condition(attribute, "contains", words, None, Span(start, start + len(words))))
    return found


def _targets(text: str, provision: Provision) -> list[Span]:
    """The words that say for whom: from "对", or from the beginning where what is given stands behind "的,"."""
    first = provision.strands[0]
    begins = [m.end() for m in _TARGET.finditer(text, first.span.start, provision.gives_at)]
    if begins:
        return [Span(begins[-1], provision.gives_at)]
    words = text[first.span.start : provision.gives_at]
    return (
        [Span(first.span.start, provision.gives_at)]
        if re.search(r"的,[^,]{0,12}$", words) or re.match(r"[^,。;]{0,8}(?:企业|单位)[^,。;的]{4,}", words)
        else []
    )


def _told_apart(text: str, provision: Provision, condition: Condition) -> Condition:
    """Words that stand earlier too are quoted with their phrase, so that the quote says which place is meant."""
    start, end = condition.span.start, condition.span.end
    for _ in range(3):
        if text.find(text[start:end], provision.span.start) == start:
            break
        start = max(text.rfind(c, 0, start) for c in ",;。:") + 1
        end = min((i + 1 for i in (text.find(c, end) for c in ",;。:") if i >= 0), default=end)
    return replace(condition, span=Span(start, end)) if end - start < 80 else condition


def general(passage: Passage, lexicon: Lexicon, wordings: Wordings | None = None) -> list[Condition]:
    """Conditions under a heading that says for whom the whole document is (服务对象, 适用范围); of several like stretches the first."""
    wordings = wordings or Wordings()
    zone = next((z for z in zones(passage, lexicon) if says_whom(passage, z)), None)
    if zone is None:
        return []
    found = _in_region(passage.text, zone, (), wordings)
    return _settled([c for c in found if not _inside_another(c, found)])


_SUBJECT = re.compile(
    r"(?:^|[)。;])(?P<v>[^,。;:()]{2,30}?(?:机构|出资方|转让方|管理人|银行|单位|载体|资本|资金)等?(?:[^,。;:()]{0,6}方)?)(?=(?:\([^()]*\))?(?:应|需|须))"
)


def _listed(text: str, provision: Provision, items: Sequence[Requirement], own: list[Condition], wordings: Wordings) -> list[Condition]:
    """Conditions from a separate list: of one attribute those nearest in words to the provision, none that it says itself."""
    about = text[provision.span.start : provision.span.end]
    found: list[Condition] = []
    for item in items:
        region = Span(item.span.start, item.span.end)
        several = _in_region(text, region, (), wordings)
        for m in _SUBJECT.finditer(text, region.start, region.end):
            several.insert(0, Condition("主体类型", "=", m["v"], None, Span(m.start("v"), m.end("v"))))
        found += [c for c in several if not _inside_another(c, several)]
    out: list[Condition] = []
    for c in sorted(
        found,
        key=lambda c: -_likeness(about, text[max(0, c.span.start - 20) : c.span.end]) if c.attribute in ("上市阶段", "上市板块") else 0,
    ):
        if (
            any(o.attribute == c.attribute for o in own)
            and c.attribute not in REPEATED
            and not (c.attribute == "主体类型" and c.operator == "=")
        ):
            continue
        if not any(o.attribute == c.attribute and (c.attribute not in REPEATED or o.span.meets(c.span)) for o in out):
            out.append(c)
    return out


def _likeness(a: str, b: str) -> int:
    return len({a[i : i + 3] for i in range(len(a) - 2)} & {b[i : i + 3] for i in range(len(b) - 2)})


def _inside_another(c: Condition, found: list[Condition]) -> bool:
    return any(
        o is not c
        and o.attribute in INSIDE.get(c.attribute, ())
        and o.span.meets(c.span)
        and (len(o.span) >= len(c.span) or c.attribute == "人员身份")
        for o in found
    )


def deadlines(passage: Passage, provision: Provision) -> list[Span]:
    """Words that say by when: dates and spans of time that bound the act, not the enterprise."""
    text, found = passage.text, []
    for strand in provision.strands:
        for window in windows(text[strand.span.start : strand.span.end]):
            span = _shift(window.span, strand.span.start)
            if _is_deadline(text, window, span):
                left = max((text.rfind(c, strand.span.start, span.start) for c in ",;。"), default=-1) + 1
                right = min((i for i in (text.find(c, span.end, strand.span.end) for c in ",;。") if i >= 0), default=strand.span.end)
                found.append(Span(max(left, strand.span.start), right))
    return found


def _is_deadline(text: str, window: Window, span: Span) -> bool:
    after = text[span.end : span.end + 6]
    if _DEADLINE.search(text[max(0, span.start - 8) : span.start]) and not re.match(r"[^,。;]{0,4}(?:期间)", after):
        return True
    return window.start is None and not _HAPPENED.match(after)


def _regions(passage: Passage, provision: Provision) -> list[Span]:
    """The words that may condition a provision: each strand from its target phrase to where its giving ends, and what announced it."""
    text = passage.text
    regions = list(provision.intro)
    first = provision.strands[0]
    for strand, end in zip(provision.strands, provision.ends, strict=True):
        start = strand.span.start
        if strand is first and provision.lead is not None:
            start = provision.lead
        begins = [m.end() for m in _TARGET.finditer(text, start, min(end, max(provision.gives_at, strand.span.start)))]
        head = start
        if begins and any(_ANNOUNCES.search(piece) for piece in re.split("[,;。:]", text[start : begins[-1]])):
            head = begins[-1]
        dated = re.compile(r"(?:^|[,。;])((?:自)?20\d\d年[^,。;]{0,24}),$").search(text[start:head])
        if dated:
            head = start + dated.start(1)
        if head > start and re.match(r"对承租其", text[head : head + 4]):
            head = start
        if strand is first and head < provision.gives_at < end:
            regions += [Span(head, provision.gives_at), Span(provision.gives_at, end)]
        else:
            regions.append(Span(head, max(end, head)))
        if (_ANAPHOR.search(text[head:end]) or (strand is first and text[head] == "按")) and strand.span.start > strand.block.span.start:
            before = text.rfind("。", 0, max(0, strand.sentence.start - 1)) + 1
            regions.append(Span(max(before, strand.block.span.start), strand.sentence.start))
    opening = _opening(text, first.sentence, first.span)
    if opening:
        regions.append(opening)
    return regions


def _opening(text: str, sentence: Span, strand: Span) -> Span | None:
    """A window that opens the sentence ("自…至…,") governs all its parts."""
    if sentence.start == strand.start:
        return None
    for window in windows(text[sentence.start : strand.start]):
        at = sentence.start + window.span.start
        if text[at] in "自从" or at - sentence.start < 2:
            return _shift(window.span, sentence.start)
    return None


def _kept(text: str, found: list[Condition], provision: Provision) -> list[Condition]:
    """Without what belongs to the amount, to the giver, or to a fuller condition around it."""
    given = [f.span for f in provision.given]
    out = []
    for c in found:
        if any(c.span.meets(g) for g in given) or c.span.start < provision.gives_at < c.span.end - 1:
            continue
        if c.attribute in GROWTH:
            out.append(c)
            continue
        if (
            c.span.start >= provision.gives_at
            and (c.attribute not in RECIPIENTS or (provision.by == "relief" and c.attribute == "人员身份"))
            and c.span.start < provision.ends[0]
        ):
            continue
        if (
            c.span.start >= provision.ends[0]
            and c.attribute not in RECIPIENTS
            and c.span.start < provision.span.end
            and len(provision.given) > 1
        ):
            continue
        if c.attribute == "主体类型" and re.match(r"(?:免|对|要|应(?!在)|与|加大|为企业)", text[c.span.end : c.span.end + 3]):
            continue
        if not _inside_another(c, found):
            out.append(c)
    if any(c.attribute == "受疫情影响" for c in out):
        out = [c for c in out if c.attribute != "生产经营困难"]
    return out


def _nearest(found: list[Condition], provision: Provision) -> list[Condition]:
    """One condition of an attribute: the first before the giving, else the first behind it; "上述…" points to fuller words elsewhere."""
    out: list[Condition] = []
    for c in sorted(
        found,
        key=lambda c: (
            bool(_ANAPHOR.search(str(c.value))),
            any(c.span.within(i) for i in provision.intro),
            c.span.start >= provision.gives_at,
            c.span.start,
            -len(c.span),
        ),
    ):
        same = [o for o in out if o.attribute == c.attribute and o.excepted == c.excepted]
        if not any(c.attribute not in REPEATED or o.span.meets(c.span) for o in same):
            out.append(c)
    return out


_DENIED = re.compile(r"(?:未曾?|不在|不属于?|不是|(?<!除)非|没有|不得)(?:被|获得?|享受过?|列入)?$")
_MEMBERSHIPS = frozenset({"资质认定", "名单入选", "项目入库", "上市板块", "行业", "主体类型", "企业规模"})


def _denied(text: str, condition: Condition) -> bool:
    """True where the words stand under 除…外, …除外, 不含…, or behind 未, 不属于."""
    before = text[max(0, condition.span.start - 40) : condition.span.start]
    after = text[condition.span.end : condition.span.end + 40]
    bracket = before.rpartition("(")[2] if "(" in before and ")" not in before.rpartition("(")[2] else None
    if bracket is not None and (re.match(r"(?:不含|不包括|除)", bracket) or re.match(r"[^()。;]{0,30}除外", after)):
        return True
    if re.search(r"除[^。;,]{0,20}$", before) and re.match(r"[^。;,]{0,20}(?:以外|之外|外)", after):
        return True
    return condition.attribute in _MEMBERSHIPS and bool(_DENIED.search(before))


def _in_region(text: str, region: Span, figures_given: Sequence[Figure], wordings: Wordings) -> list[Condition]:
    found: list[Condition] = []
    given = [f.span for f in figures_given]
    for window in windows(text[region.start : region.end]):
        span = _shift(window.span, region.start)
        if not _is_deadline(text, window, span):
            found.append(_dated(text, region, Window(window.start, window.end, span)))
    dated = [c.span for c in found]
    for comparison in comparisons(text[region.start : region.end]):
        span = _shift(comparison.span, region.start)
        if any(span.meets(g) for g in given) or any(_shift(comparison.figures[0].span, region.start).meets(d) for d in dated):
            continue
        measured = None if _excepted(text, region, span) else _measured(text, region, comparison, wordings)
        if measured:
            found.append(measured)
    bounded = [_shift(c.comparison.span, region.start) for c in found if c.comparison]
    found = [c for c in found if c.window is None or not any(c.span.within(b) for b in bounded)]  # the year of a figure is its period
    taken = [c.span for c in found if c.comparison]
    for said in wordings.said:
        for m in re.finditer(said.wording, text[region.start : region.end]):
            span = Span(region.start + m.start("v"), region.start + m.end("v"))
            if len(span) < 2 or any(span.within(t) for t in taken) or (said.attribute not in CITES and _cited(text, span)):
                continue
            if any(c.attribute == said.attribute and c.span.meets(span) for c in found):
                continue
            found.append(Condition(said.attribute, said.operator, _value(said, text[span.start : span.end]), None, span))
    return found


# Attributes whose words may stand in the title of a cited document.
CITES = frozenset({"证明材料", "产业政策符合", "标准制定", "项目类型"})


def _cited(text: str, span: Span) -> bool:
    """Inside 《…》: the name of a document, not a condition."""
    return text.rfind("《", 0, span.start + 1) > text.rfind("》", 0, span.start + 1)


def _excepted(text: str, region: Span, span: Span) -> bool:
    """Inside 除…以外: what does not count."""
    out = re.search(r"除[^。;]{0,80}$", text[region.start : span.start])
    return bool(out) and bool(re.match(r"[^。;]{0,60}?(?:以外|之外|除外)", text[span.end : region.end]))


def _shift(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


# What a date is the date of, by the words behind it.
DATED = (
    (r"到期", "贷款到期时间"),
    (r"(?:取得|获得)[^,。;]{0,14}许可", "许可证取得时间"),
    (r"[^,。;]{0,4}(?:注册|成立|设立|登记)", "注册时间"),
    (r"[^,。;]{0,4}(?:认定|获评)", "认定时间"),
    (r"[^,。;]{0,4}签订", "合同签订时间"),
    (r"[^,。;]{0,4}发放的[^,。;]{0,10}贷款", "贷款发放时间"),
    (r"[^,。;]{0,4}入驻", "入驻时间"),
    (r"[^,。;]{0,4}落户", "落户时间"),
)


def _dated(text: str, region: Span, window: Window) -> Condition:
    after = text[window.span.end : window.span.end + 24]
    attribute = next((name for words, name in DATED if re.match(words, after)), "业务发生期间")
    value: object = [_iso(window.start), _iso(window.end)]
    operator = "within_period"
    if window.start is None:
        operator, value = "<=", _iso(window.end)
    elif window.end is None:
        operator, value = ">=", _iso(window.start)
    return Condition(attribute, operator, value, None, window.span, window=window)


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _measured(text: str, region: Span, comparison: Comparison, wordings: Wordings) -> Condition | None:
    subject = text[region.start + comparison.subject.start : region.start + comparison.subject.end]
    subject = re.split(r"[对的且、]|并(?!购)", subject)[-1]
    after = text[region.start + comparison.span.end : region.start + comparison.span.end + 8]
    if comparison.operator in ("<=", "<") and re.match(r"(?:补|完成|申请|提出|缴|办理|提交|按)", after):
        return None
    figure = comparison.figures[0]
    unit = figure.unit.lstrip("万亿千百") if figure.money else figure.unit
    attribute = None
    whole = re.sub(r"\([^()]*\)", "", text[region.start + comparison.subject.start : region.start + comparison.subject.end])
    for row, said in ((row, said) for said in (re.sub(r"\([^()]*\)", "", subject), whole) for row in wordings.measured):
        if row.units and not _unit_fits(unit, row.units):
            continue
        if not row.units and not (figure.money or figure.share):
            continue
        if re.search(row.subject, said) or (row.after and re.match(row.after, after)):
            attribute = row.attribute
            break
    attribute = attribute or named_after(subject, FIGURE_NAMES, at_least=0.6)
    if attribute is None and (len(subject) < 3 or re.search(r"[、按照给予]$|^按", subject)):
        return None
    span = _shift(comparison.span, region.start)
    start = span.end - len(text[span.start : span.end])
    keep = max(start, region.start + comparison.subject.end - max(len(subject), 2))
    value: object = plain(figure.value)
    if comparison.operator == "between":
        value = [plain(f.value) for f in comparison.figures]
    return Condition(
        attribute or subject or "其他条件", comparison.operator, value, figure.unit, Span(keep, span.end), comparison=comparison
    )


def _unit_fits(unit: str, units: str) -> bool:
    return unit in re.findall(r"个月|会计年度|周岁|人次|千伏|千瓦|分钟|小时|平方米|学时|课时|.", units)


def _value(said: Said, words: str) -> object:
    if said.attribute == "企业规模":
        sizes = [name for char, name in SIZES if char in words.partition("企业")[0]]
        sizes += ["个体工商户"] if "个体" in words else []
        return sizes or [words]
    if said.operator in ("first_time", "not"):
        return True if said.operator == "first_time" else words
    return [w for w in re.split(r"、|以及|和|或", words) if w] if said.operator == "in" else words


def _settled(found: list[Condition]) -> list[Condition]:
    return sorted(found, key=lambda c: (c.span.start, c.span.end))
