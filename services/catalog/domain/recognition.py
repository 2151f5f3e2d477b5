"""Conditions in a stretch of words: dates, bounded figures and wordings of the tables, each with its words and its value.

Where a stretch may condition a benefit is decided in `conditions`; here only what its words say.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.catalog.domain.attributes import ASKING, FIGURE_NAMES, HEADS, MEASURED, SAID, Measured, Said, named_after
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import without_asides
from services.catalog.domain.quantities import NUMERAL, Comparison, Figure, Window, comparisons, numeral, plain, windows

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
    asking: tuple[tuple[str, str], ...] = ASKING
    heads: tuple[tuple[str, str], ...] = HEADS


# A condition of the key's attribute says nothing of its own inside one of these.
INSIDE = {
    "行业": ("资质认定", "贷款对象", "纳统情况", "产业政策符合", "名单入选", "承租国有房产", "项目入库", "行业"),
    "名单入选": ("信用状况",),
    "企业规模": ("资质认定", "贷款对象", "纳统情况", "上市板块", "上市阶段", "名单入选", "项目入库", "创办主体"),
    "主体类型": (
        "企业规模",
        "贷款对象",
        "入驻载体",
        "推荐注册企业数",
        "招用对象",
        "人员身份",
        "签订合同",
        "证明材料",
        "承租国有房产",
        "资质认定",
        "上市阶段",
    ),
    "人员身份": ("招用对象",),
    "社保缴纳": ("缴税困难", "招用对象"),
    "生产经营困难": ("受疫情影响",),
    "缴税困难": ("受疫情影响",),
    "产品或业务": ("行业", "设备用途", "项目类型", "投保险种", "融资租赁标的物", "承租国有房产"),
    "项目类型": (
        "资质认定",
        "参加展会",
        "上市阶段",
        "融资租赁标的物",
        "示范效应",
        "采购项目金额",
        "融资方式",
        "项目阶段",
        "项目状态",
        "评估结果",
    ),
    "设立机构": ("注册地",),
    "项目状态": ("验收结果",),
    "业务发生期间": ("纳统情况", "项目入库", "名单入选", "亏损发生年度", "资质认定", "证明材料"),
    "首次认定": ("贷款类型", "知识产权质押融资", "标准制定"),
    "知识产权": ("知识产权质押融资", "投保险种", "资质认定", "前沿技术"),
    "证明材料": ("注册地",),
    "招用对象": ("引进劳动力",),
    "就业状态": ("就业年限",),
    "资质认定": ("人员资格", "榜单排名", "名单入选", "标准制定"),
    "入驻载体": ("就业地",),
    "纳统情况": ("企业发展阶段",),
    "注册地": ("推荐注册企业数", "业务迁回结算", "就业地", "就业状态"),
    "就业地": ("就业状态", "引进劳动力"),
    "捐赠支出占比": ("利润总额",),
    "兼并重组": ("基金类型", "融资方式"),
    "贷款风险发生": ("受疫情影响",),
    "评估结果": ("验收结果",),
    "验收结果": ("上市阶段",),
    "设备用途": ("项目类型",),
}
_DEADLINE = re.compile(r"(?:延长?至|延至|执行至|截至|截止|有效期至|延续到|期限[^,。;]{0,4}至|最迟|不晚于|至)$")
_HAPPENED = re.compile(r"到期|注册|成立|设立|取得|获得|认定|申报的|开工|投产|签订|购置|登记")


def recognised(text: str, region: Span, figures_given: Sequence[Figure], wordings: Wordings) -> list[Condition]:
    """Every condition that the words of `region` say; figures that are given away condition nothing."""
    found: list[Condition] = []
    given = [f.span for f in figures_given]
    for window in windows(text[region.start : region.end]):
        span = moved(window.span, region.start)
        if not is_deadline(text, window, span):
            found.append(_dated(text, region, Window(window.start, window.end, span)))
    dated = [c.span for c in found]
    since = _since_events(text, region)
    found += since
    for printed in comparisons(text[region.start : region.end]):
        comparison = _behind(printed, since, region)
        if comparison is None:
            continue
        span = moved(comparison.span, region.start)
        if any(span.meets(g) for g in given) or any(moved(comparison.figures[0].span, region.start).meets(d) for d in dated):
            continue
        measured = None if _excepted(text, region, span) else _measured(text, region, comparison, wordings)
        if measured:
            found.append(measured)
    bounded = [moved(c.comparison.span, region.start) for c in found if c.comparison]
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

_WITHIN = re.compile(
    rf"(?:自|从)?(?P<event>[^,。;:()、的对自从]{{1,14}}?)(?:之日|当日|当年|之后)?(?:起|后|以来)(?P<n>{NUMERAL})(?P<u>个?(?:年|月|会计年度))(?:以)?内"
)
# What a stretch of time is counted from; what is done in it may be what is given, which is none.
EVENTS = (
    (r"创办|开办|成立|注册|设立|登记", "成立年限"),
    (r"落户|迁入", "落户时间"),
    (r"入驻", "入驻时间"),
    (r"认定|获评|评定|获批|评为", "认定时间"),
    (r"贷款|放款", "贷款发放时间"),
)
_HAPPENS = "|".join(said for said, _ in EVENTS) + "|授权|立项|完成|获奖|上市|挂牌|投产|竣工|毕业|升规|纳统|入库"
_ACTED = re.compile(r"(?:补|申请|提出|缴|办理|提交|按|给予|奖励|分期|兑现|享受|每年|免|减|退)")


def _since_events(text: str, region: Span) -> list[Condition]:
    """Windows that begin with something that happened: 自落户之日起3年内."""
    found = []
    for m in _WITHIN.finditer(text, region.start, region.end):
        if _ACTED.match(text, m.end()) or (not re.search(r"之日|当日|当年", m.group()) and not re.search(f"(?:{_HAPPENS})$", m["event"])):
            continue
        unit = "个月" if m["u"].endswith("月") else "年"
        figure = Figure(numeral(m["n"]), unit, Span(m.start("n"), m.end("u")))
        attribute = next((name for said, name in EVENTS if re.search(said, m["event"])), "业务发生期间")
        comparison = Comparison("<=", (figure,), Span(m.start(), m.start("n")), Span(m.start(), m.end()))
        found.append(Condition(attribute, "<=", plain(figure.value), unit, Span(m.start(), m.end()), comparison=comparison))
    return found


def _behind(comparison: Comparison, since: Sequence[Condition], region: Span) -> Comparison | None:
    """A bounded figure without the window that stands before it (落户之日起3年内|营业收入达到…); None where it is the window's own."""
    for window in since:
        end = window.span.end - region.start
        if comparison.figures[0].span.start < end and moved(comparison.figures[0].span, region.start).meets(window.span):
            return None
        if comparison.subject.start < end <= comparison.subject.end and comparison.subject.start >= window.span.start - region.start - 1:
            subject = Span(end, comparison.subject.end)
            comparison = replace(comparison, subject=subject, span=Span(end, comparison.span.end))
    return comparison


# Attributes whose words may stand in the title of a cited document.
CITES = frozenset({"证明材料", "产业政策符合", "标准制定", "项目类型"})


def _cited(text: str, span: Span) -> bool:
    """Inside 《…》: the name of a document, not a condition."""
    return text.rfind("《", 0, span.start + 1) > text.rfind("》", 0, span.start + 1)


def _excepted(text: str, region: Span, span: Span) -> bool:
    """Inside 除…以外: what does not count."""
    out = re.search(r"除[^。;]{0,80}$", text[region.start : span.start])
    return bool(out) and bool(re.match(r"[^。;]{0,60}?(?:以外|之外|除外)", text[span.end : region.end]))


def moved(span: Span, by: int) -> Span:
    """The same stretch counted from elsewhere."""
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
    printed = without_asides(text[region.start + comparison.subject.start : region.start + comparison.subject.end])
    printed = printed.rpartition("(")[2] or printed.rstrip("(")
    subject = re.split(r"[对的且、]|并(?!购)", printed)[-1]
    if _PART.fullmatch(subject):  # 科技人员占职工总数的比例: named by what stands before it
        subject = "的".join(re.split(r"[对且、]|并(?!购)", printed)[-1].split("的")[-2:])
    owned = _OWNER.match(subject)
    subject = subject[owned.end() :] if owned else subject
    after = text[region.start + comparison.span.end : region.start + comparison.span.end + 8]
    if comparison.operator in ("<=", "<") and (
        re.match(r"(?:补|完成|申请|提出|缴|办理|提交|按|给予|奖励|分期|兑现|享受|每年)", after) or _OF_THE_GIFT.search(subject)
    ):
        return None
    figure = comparison.figures[0]
    unit = figure.unit.lstrip("万亿千百") if figure.money else figure.unit
    attribute = None
    length, subject = len(subject), subject.replace("·", "")
    for row, said in ((row, said) for said in (subject, printed.replace("·", "")) for row in wordings.measured):
        if row.units and not _unit_fits(unit, row.units):
            continue
        if not row.units and not (figure.money or figure.share):
            continue
        if re.search(row.subject, said) or (row.after and re.match(row.after, after)):
            attribute = row.attribute
            break
    attribute = attribute or named_after(subject, FIGURE_NAMES)
    if attribute is None and (len(subject) < 3 or re.search(r"[、按照给予]$|^按", subject)):
        return None
    span = moved(comparison.span, region.start)
    start = span.end - len(text[span.start : span.end])
    keep = max(start, region.start + comparison.subject.end - max(length, 2))
    value: object = plain(figure.value)
    if comparison.operator == "between":
        value = [plain(f.value) for f in comparison.figures]
    return Condition(
        attribute or subject or "其他条件", comparison.operator, value, figure.unit, Span(keep, span.end), comparison=comparison
    )


_PART = re.compile(r"(?:比例|比重|比率|占比|总额|部分|合计|累计|金额|数量)(?:均|应|须)?(?:达到?|为|在)?")
# How long or how much is given: no condition.
_OF_THE_GIFT = re.compile(
    r"(?:补助|补贴|贴息|奖励|资助|扶持|支持|享受|计算|返还)[^,。;]{0,6}(?:期限|时间|年限|额度|总额|金额|最高|最长|标准)|(?:每年|最高|最长|总额|额度|累计|次数不?得?)$"
)
# Whose figure it is (规上工业企业年产值): said by a condition of its own. What is left has to name the figure.
_OWNER = re.compile(r"(?!.*(?:引进|被投|招商|占)).*?(?:企业|单位|机构|项目|[造务]业)(?!数)(?=[^达到为在]{2})")


def _unit_fits(unit: str, units: str) -> bool:
    return unit.lstrip("万亿") in re.findall(r"个百分点|个月|会计年度|周岁|人次|千伏|千瓦|分钟|小时|平方米|学时|课时|.", units)


def _value(said: Said, words: str) -> object:
    if said.attribute == "企业规模":
        sizes = [name for char, name in SIZES if char in words.partition("企业")[0]]
        sizes += ["个体工商户"] if "个体" in words else []
        return sizes or [words]
    if said.operator in ("first_time", "not"):
        return True if said.operator == "first_time" else words
    return [w for w in re.split(r"、|以及|和|或", words) if w] if said.operator == "in" else words


def inside_another(c: Condition, found: list[Condition]) -> bool:
    """True where a fuller condition around it already says it."""
    return any(
        o is not c
        and o.attribute in INSIDE.get(c.attribute, ())
        and o.span.meets(c.span)
        and (len(o.span) >= len(c.span) - (3 if c.attribute == "项目类型" else 0) or c.attribute in ("人员身份", "知识产权"))
        for o in found
    )


def is_deadline(text: str, window: Window, span: Span) -> bool:
    """True for a date by which something must be done; "…前成立" tells of the enterprise and is none."""
    after = text[span.end : span.end + 6]
    if _DEADLINE.search(text[max(0, span.start - 8) : span.start]) and not re.match(r"[^,。;]{0,4}(?:期间)", after):
        return True
    return window.start is None and not _HAPPENED.match(after)
