"""Conditions of time: a date with what happened on it, a stretch of time since something happened."""

import re
from collections.abc import Iterator
from datetime import date

from services.catalog.domain.condition import Condition
from services.catalog.domain.passage import Span
from services.catalog.domain.quantities import NUMERAL, Comparison, Figure, Window, numeral, plain, windows

_DEADLINE = re.compile(r"(?:延长?至|延至|执行至|截至|截止|有效期至|延续到|期限[^,。;]{0,4}至|最迟|不晚于|至)$")
_HAPPENED = re.compile(r"到期|注册|成立|设立|取得|获得|认定|申报的|开工|投产|签订|购置|登记")


def dated(text: str, region: Span) -> Iterator[Condition]:
    """The dates in a stretch of words that are not those by which something must be done."""
    for window in windows(text[region.start : region.end]):
        span = window.span.moved(region.start)
        if not is_deadline(text, window, span):
            yield _dated(text, Window(window.start, window.end, span))


def is_deadline(text: str, window: Window, span: Span) -> bool:
    """True for a date by which something must be done; "…前成立" tells of the enterprise and is none."""
    after = text[span.end : span.end + 6]
    if _DEADLINE.search(text[max(0, span.start - 8) : span.start]) and not re.match(r"[^,。;]{0,4}(?:期间)", after):
        return True
    return window.start is None and not _HAPPENED.match(after)


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


def _dated(text: str, window: Window) -> Condition:
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


def since_events(text: str, region: Span) -> list[Condition]:
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
