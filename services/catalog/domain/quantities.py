"""Figures as policy texts print them: numerals, money, shares, counts, spans of time and calendar windows.

Inclusive and exclusive wording follows 民法典 第一千二百五十九条: 以上, 以下, 以内, 届满 include the figure, 不满, 超过, 以外 do not;
"(含)" and "(不含)" beside the figure win over both.
"""

import calendar
import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.catalog.domain.passage import Span

NUMERAL = r"(?:\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[一二两三四五六七八九十百千]{1,5})"
CURRENCY = r"(?:人民币|美元|港元|港币|欧元|新台币|元)"
SCALE = {"十": 10, "百": 100, "千": 1000, "万": 10_000, "百万": 1_000_000, "千万": 10_000_000, "亿": 100_000_000, "万亿": 10**12, "": 1}
_DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"两": 2, "〇": 0}
_STEPS = {"十": 10, "百": 100, "千": 1000}


def numeral(printed: str) -> Decimal:
    """The value of a printed numeral, Arabic or Chinese (to 9999). Raises ValueError for anything else."""
    printed = printed.replace(",", "")
    if re.fullmatch(r"\d+(?:\.\d+)?", printed):
        return Decimal(printed)
    total = digit = 0
    for char in printed:
        if char in _DIGITS:
            digit = _DIGITS[char]
        elif char in _STEPS:
            total += (digit or 1) * _STEPS[char]
            digit = 0
        else:
            raise ValueError(f"不是数字: {printed}")
    return Decimal(total + digit)


def plain(value: Decimal) -> int | float:
    """As JSON prints it: an integer where it is one."""
    return int(value) if value == value.to_integral_value() else float(value)


def exact(value: Decimal) -> int | Decimal:
    """As an amount of the rule language holds it: an integer where it is one, else the decimal without trailing zeros."""
    return int(value) if value == value.to_integral_value() else value.normalize()


@dataclass(frozen=True)
class Figure:
    """A number with the unit as printed; `base` is the value in the unit's base (yuan for money, a fraction for shares)."""

    value: Decimal
    unit: str
    span: Span

    @property
    def money(self) -> bool:
        return self.unit.endswith(("元", "币"))

    @property
    def share(self) -> bool:
        return self.unit in ("%", "‰", "个百分点")

    @property
    def base(self) -> Decimal:
        if self.unit == "‰":
            return self.value / 1000
        if self.share:
            return self.value / 100
        scale = re.match(r"万亿|千万|百万|[十百千万亿]?", self.unit)
        return self.value * SCALE[scale.group() if scale and len(self.unit) > len(scale.group()) else ""]


_FIGURE = re.compile(
    rf"(?P<n>{NUMERAL})(?P<u>(?:万亿|千万|百万|[百千万亿])?{CURRENCY}|%|‰|个百分点"
    r"|(?:万|亿)?(?:千瓦时|平方米|平方公里|立方米|标箱|千瓦|千伏|公里|公顷|周岁|会计年度|小时|分钟|学时|课时|个月|季度|工作日|国家|个|家|户|人次|人|名|项|场|次|天|日|年|岁|件|台|辆|吨|亩|座|晚|夜|届|期|位|倍|分|套|种|米|页|款|支|笔|只|份|单|例|间|张))"
)


def figures(text: str) -> list[Figure]:
    """Every number with a unit, in order."""
    found = []
    for m in _FIGURE.finditer(text):
        try:
            value = numeral(m["n"])
        except ValueError:
            continue
        if (
            not m["n"][0].isdigit()
            and m["u"] in ("个", "种", "项", "日", "件", "期", "次", "年", "家", "名", "分", "人", "位")
            and len(m["n"]) > 2
        ):
            continue
        figure = Figure(value, m["u"], Span(m.start(), m.end()))
        found += [*_in_a_row(text, figure), figure]
    found += [f for f in _without_currency(text) if all(not f.span.meets(other.span) for other in found)]
    found.sort(key=lambda f: f.span.start)
    return found


_BARE = re.compile(
    r"(?:(?P<given>(?:奖励|补助|补贴|资助|给予)(?:企业|单位|其)?|[-—~至到])|(?<![\d.]))(?P<n>\d+(?:\.\d+)?)(?P<u>[万亿])(?:元)?"
    r"(?P<aid>的?(?:一次性)?(?:奖励|补助|补贴|资助|小额|创业|担保|贷款)|[-—~至到](?=\d+(?:\.\d+)?[万亿](?:元|的|[,。;]|$)))?"
)


def _without_currency(text: str) -> list[Figure]:
    """奖励50万, 10万—100万的贷款: money although no currency is printed, as what is given says."""
    found = []
    for m in _BARE.finditer(text):
        if m["given"] or m["aid"]:
            found.append(Figure(numeral(m["n"]), m["u"] + "元", Span(m.start("n"), m.end("u"))))
    return found


_IN_A_ROW = re.compile(r"(?:(?<![\d.年第])(?:\d+(?:\.\d+)?|[一二两三四五六七八九十百]{1,3})[万亿]?(?:、|和|及|或|以及))+$")


def _in_a_row(text: str, last: Figure) -> list[Figure]:
    """50、30、10万元 and 50万、30万、10万元: the unit is printed once, behind the last figure."""
    if not (last.money or last.share):
        return []
    left = max(0, last.span.start - 40)
    row = _IN_A_ROW.search(text[left : last.span.start])
    found = []
    for m in re.finditer(r"(?P<n>[\d.]+|[一二两三四五六七八九十百]+)(?P<u>[万亿]?)(?:、|和|及|或|以及)", row.group() if row else ""):
        assert row is not None
        at = left + row.start()
        unit = m["u"] + last.unit.lstrip("百千万亿") if m["u"] else last.unit
        found.append(Figure(numeral(m["n"]), unit, Span(at + m.start(), at + m.end("u"))))
    return found


@dataclass(frozen=True)
class Window:
    """A calendar stretch, both days included; an open side is None. `year` is false where the printed day names none."""

    start: date | None
    end: date | None
    span: Span


_Y, _M, _D = r"(?P<y{i}>20\d\d)年", r"(?P<m{i}>1[0-2]|0?[1-9])月份?", r"(?P<d{i}>3[01]|[12]\d|0?[1-9])日"


def _day(i: int, needs_year: bool) -> str:
    year = _Y.format(i=i) if needs_year else f"(?:{_Y.format(i=i)})?"
    return f"{year}(?:{_M.format(i=i)}(?:{_D.format(i=i)})?)?"


_RANGE = re.compile(
    rf"(?:自|从)?{_day(1, True)}(?:\(含(?:当日)?\))?起?(?:至|到|—|-|~|－)+"
    r"(?P<same>(?:20\d\d年)?(?:1[0-2]|0?[1-9])月(?:(?:3[01]|[12]\d|0?[1-9])日)?|20\d\d年)(?:\(含(?:当日)?\))?(?:止|期间)?"
)
_YEARS = re.compile(r"(?P<a>20\d\d)(?:年)?[-—~至](?P<b>20\d\d)年(?!\d)")
_QUARTER = re.compile(r"(?P<y>20\d\d)年(?:第)?(?P<q>[一二三四])季度")
_HALF = re.compile(r"(?P<y>20\d\d)年(?P<h>上|下)半年")
_MONTHS = re.compile(r"(?P<y>20\d\d)年(?P<a>1[0-2]|0?[1-9])月份?(?:、(?:1[0-2]|0?[1-9])月份?)*、(?P<b>1[0-2]|0?[1-9])月份?")
_SINGLE = re.compile(r"(?P<y>20\d\d)年(?:(?P<m>1[0-2]|0?[1-9])月份?(?:(?P<d>3[01]|[12]\d|0?[1-9])日)?)?")
_BEFORE = re.compile(r"(?:\(含当?日?\))?(?:\(含当日\))?底?(?P<w>以前|之前|前|以后|之后|后|起|止|底)")


def _last(year: int, month: int | None, day: int | None) -> date:
    month = month or 12
    return date(year, month, min(day, calendar.monthrange(year, month)[1]) if day else calendar.monthrange(year, month)[1])


def windows(text: str) -> list[Window]:
    """Calendar windows in order of their place: ranges, quarters, half years, months in a row, and single years, months or days.

    A single day followed by 前 or 后 (以前, 以后, 起, 止) is a window open on the other side.
    """
    found: list[Window] = []

    def add(start: date | None, end: date | None, a: int, b: int) -> None:
        span = Span(a, b)
        if not any(w.span.meets(span) for w in found):
            found.append(Window(start, end, span))

    for m in _RANGE.finditer(text):
        y, mo, d = int(m["y1"]), m["m1"], m["d1"]
        tail = re.match(r"(?:(20\d\d)年)?(?:(1[0-2]|0?[1-9])月(?:(3[01]|[12]\d|0?[1-9])日)?)?", m["same"])
        assert tail is not None
        y2 = int(tail[1]) if tail[1] else y
        add(date(y, int(mo or 1), int(d or 1)), _last(y2, int(tail[2]) if tail[2] else None, int(tail[3]) if tail[3] else None), *m.span())
    for m in _YEARS.finditer(text):
        add(date(int(m["a"]), 1, 1), date(int(m["b"]), 12, 31), *m.span())
    for m in _QUARTER.finditer(text):
        q = "一二三四".index(m["q"])
        add(date(int(m["y"]), 3 * q + 1, 1), _last(int(m["y"]), 3 * q + 3, None), *m.span())
    for m in _HALF.finditer(text):
        first = 1 if m["h"] == "上" else 7
        add(date(int(m["y"]), first, 1), _last(int(m["y"]), first + 5, None), *m.span())
    for m in _MONTHS.finditer(text):
        add(date(int(m["y"]), int(m["a"]), 1), _last(int(m["y"]), int(m["b"]), None), *m.span())
    for m in _SINGLE.finditer(text):
        y, mo, d = int(m["y"]), m["m"], m["d"]
        try:
            start, end = date(y, int(mo or 1), int(d or 1)), _last(y, int(mo) if mo else None, int(d) if d else None)
        except ValueError:
            continue
        side = _BEFORE.match(text, m.end())
        if side and side["w"] in ("以前", "之前", "前", "止", "底"):
            add(None, end, m.start(), side.end())
        elif side:
            add(start, None, m.start(), side.end())
        else:
            add(start, end, *m.span())
    return sorted(found, key=lambda w: w.span.start)


_AT_LEAST = r"(?:不低于|不少于|不小于|达到?|满|超过|高于|大于|多于|突破|实现|至少|≥|>)"
_AT_MOST = r"(?:不超过|不高于|不大于|不多于|不满|未满|低于|少于|小于|未达到?|未超过|≤|<)"


@dataclass(frozen=True)
class Comparison:
    """`operator` is one of >=, >, <=, <, between; `subject` holds the words before the figure; `span` covers the whole test."""

    operator: str
    figures: tuple[Figure, ...]
    subject: Span
    span: Span
    contradictory: bool = False
    wording: str = ""  # the bounding word, where no 含 or 不含 stands beside the figure


_BRACKETED = re.compile(r"\([^()]{1,60}\)")


def comparisons(text: str, start: int = 0, end: int | None = None) -> list[Comparison]:
    """Figures with a bound ("达到…", "…以上", "…(含)以下", "A至B") between `start` and `end`, each with the words it is said of."""
    end = len(text) if end is None else end
    text = _BRACKETED.sub(lambda m: re.sub("[,。;:]", "·", m.group()), text)  # a comma in brackets ends no phrase
    found: list[Comparison] = []
    taken = 0
    every = [f for f in figures(text[:end]) if f.span.start >= start]
    skip: set[int] = set()
    for i, figure in enumerate(every):
        if i in skip:
            continue
        left = max(start, taken, figure.span.start - 120)  # what is further away is said of something else
        head = re.compile(rf"(?P<s>[^,。;:]*?)(?P<w>{_AT_MOST}|{_AT_LEAST})?(?P<aux>了|为|在|约|有|总分|总数|累计|合计)?$").search(
            text[left : figure.span.start]
        )
        assert head is not None
        if figure.share and not head["w"]:  # 达到职工总数10%: the base stands between the bound and the figure
            head = (
                re.compile(rf"(?P<s>[^,。;:]*?)(?P<w>{_AT_MOST}|{_AT_LEAST})(?P<aux>[^,。;:\d]{{1,20}})$").search(
                    text[left : figure.span.start]
                )
                or head
            )
        word = head["w"] or ""
        tail_text = text[figure.span.end : min(end, figure.span.end + 14)]
        mark = re.match(r"(?P<inc>\(含(?:本数|当日)?(?:,下同)?\))|(?P<exc>\(不含(?:本数)?(?:,下同)?\))", tail_text)
        rest = tail_text[mark.end() :] if mark else tail_text
        note = re.match(r"\([^()]{1,12}\)(?=[及或]?以[上下内])", rest)
        gap = note.end() if note else 0
        bound = re.match(r"(?P<k>[及或]?以上|[及或]?以下|[及或]?以内|[及或]?以外|之内|之间|内(?=[的,、。;]|$))", rest[gap:])
        span_end = figure.span.end + (mark.end() if mark else 0) + (gap + bound.end() if bound else 0)
        if not mark:
            after = re.match(r"\((?P<no>不)?含(?:本数)?(?:,下同)?\)", text[span_end : min(end, span_end + 10)])
            if after:
                span_end += after.end()
        else:
            after = None
        included: bool | None = None
        if mark:
            included = mark["inc"] is not None
        elif after:
            included = after["no"] is None
        kind = bound["k"] if bound else ""
        nxt = every[i + 1] if i + 1 < len(every) else None
        between = nxt and re.fullmatch(r"(?:以上)?(?:至|到|—|-|~|–)+", text[span_end : nxt.span.start])
        if between and nxt is not None:
            stop = nxt.span.end
            closing = re.match(r"\((不)?含(?:本数)?\)", text[stop : stop + 8])
            stop += closing.end() if closing else 0
            tail = re.match(r"之间|以下", text[stop : stop + 2])
            stop += tail.end() if tail else 0
            skip.add(i + 1)
            found.append(
                Comparison("between", (figure, nxt), Span(left + head.start("s"), left + head.end("s")), Span(left + head.start("s"), stop))
            )
            taken = stop
            continue
        operator = None
        contradictory = False
        if "以下" in kind or "以内" in kind or kind in ("之内", "内"):
            operator = "<" if included is False else "<="
        elif "以上" in kind:
            operator = ">" if included is False else ">="
            if word in ("超过", "高于", "大于", "多于") and included is None:
                operator = ">="
        elif word and re.fullmatch(_AT_MOST, word):
            strict = word in ("不满", "未满", "低于", "少于", "小于", "未达", "未达到", "<")
            operator = "<" if strict else "<="
            contradictory = strict and included is True
            if included is not None:
                operator = "<=" if included else "<"
        elif word and re.fullmatch(_AT_LEAST, word):
            strict = word in ("超过", "高于", "大于", "多于", ">")
            operator = ">" if strict else ">="
            contradictory = strict and included is True
            if included is not None:
                operator = ">=" if included else ">"
        if operator is None:
            continue
        found.append(
            Comparison(
                operator,
                (figure,),
                Span(left + head.start("s"), left + head.end("s")),
                Span(left + head.start("s"), span_end),
                contradictory,
                "" if included is not None else re.sub("^[及或]", "", kind or word),
            )
        )
        taken = span_end
    return found
