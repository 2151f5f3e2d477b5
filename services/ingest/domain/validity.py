"""Days and terms: dates as documents print them, from when to when a document holds, what it repeals and amends."""

import calendar
import re
from datetime import date, timedelta

from .marks import number_of
from .text import Text, squeeze, tidy

Dated = tuple[str, Text]  # an ISO day of the city, and the words that say it

DAY = (
    r"(?:\d{4}\s*年\s*\d{1,2}\s*月\s*\d{1,2}\s*日"
    r"|[二一][〇零○Oo0一二三四五六七八九]{3}年[一二三四五六七八九十]{1,2}月[一二三四五六七八九十]{1,3}日)"
)


def iso_day(words: str) -> str | None:
    """2026年3月9日, 二〇二六年三月九日, 2026-03-09 as 2026-03-09; None when there is no such day."""
    s = squeeze(words)
    m = re.search(r"(\d{4})[年\-/.](\d{1,2})[月\-/.](\d{1,2})", s)
    if m:
        y, mo, d = int(m[1]), int(m[2]), int(m[3])
    elif m := re.search(r"([二一][〇零○Oo0一二三四五六七八九]{3})年([一二三四五六七八九十]{1,2})月([一二三四五六七八九十]{1,3})日", s):
        digits = {c: str(i) for i, c in enumerate("〇一二三四五六七八九")} | dict.fromkeys("零○Oo0", "0")
        y, mo, d = int("".join(digits[c] for c in m[1])), number_of(m[2]), number_of(m[3])
    else:
        return None
    try:
        return date(y, mo, d).isoformat()
    except ValueError:
        return None


def validity(text: Text, *, issued: str | None) -> tuple[Dated | None, Dated | None]:
    """(first day, last day) of 自…起施行，有效期…年 and 执行期…至…, both inclusive; what depends on an event stays unknown.

    ``issued`` is the day of issue, from which 自印发之日起 counts.
    """
    issue_day = date.fromisoformat(issued) if issued else None
    begins_on: Dated | None = None
    ends_on: Dated | None = None
    s = text.s
    what = r"(?:本)(?:办法|措施|规定|细则|意见|方案|政策|通知|条例|规则|指南|若干措施|若干政策|文件|政策措施|实施细则|政策意见)"
    day = rf"(?:{DAY})"
    begins = rf"自?\s*({day}|(?:(?:本)?(?:政策|文件|措施|通知)?\s*)?(?:印发|发布|公布|颁布)之日)"
    m = re.search(
        rf"{what}[^。\n]{{0,40}}?{begins}\s*起\s*(?:正式|试)?\s*(?:施行|实施|执行|生效|试行|\S{{0,3}}个月|\S{{0,2}}年|至)", _one_line(s)
    )
    if not m:
        return None, None
    line = _one_line(s)
    first = iso_day(m[1]) or (issued)
    if first:
        begins_on = (first, text.part(m.start(1), m.end(1)))
    sentence = line[m.start() : (line.find("。", m.end()) + 1) or len(line)]
    begun = date.fromisoformat(first) if first else issue_day
    at = m.start()
    if till := re.search(
        rf"(?:有效期|执行期|施行|实施|执行|期限|截至|截止|至)[^。]{{0,12}}?(?:至|到)\s*({day})|起至\s*({day})|截(?:至|止)\s*({day})",
        sentence,
    ):
        group = next(g for g in (1, 2, 3) if till[g])
        if last := iso_day(till[group]):
            ends_on = (last, text.part(at + till.start(group), at + till.end(group)))
    elif begun and (
        span := re.search(
            r"(?:有效期|期限|实施期|执行期|试行期|起)[^。\d一二三四五六七八九十两]{0,6}([\d一二三四五六七八九十两]{1,3})\s*(年|个月)",
            sentence,
        )
    ):
        months = number_of(span[1]) * (12 if span[2] == "年" else 1)
        if 0 < months <= 600:
            ends_on = ((_after(begun, months) - timedelta(days=1)).isoformat(), text.part(at + span.start(1), at + span.end(2)))
    return begins_on, ends_on


def _one_line(s: str) -> str:
    """Line breaks made blanks, so that offsets stay."""
    return s.replace("\n", " ")


def _after(day: date, months: int) -> date:
    year, month = day.year + (day.month - 1 + months) // 12, (day.month - 1 + months) % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))


_ITEM = (
    r"(?:[《«][^《》«»]{3,120}[》»](?:\s*[（(][^（）()]{3,40}[）)])?"
    r"|[\u4e00-\u9fff]{1,10}[〔\[［【](?:19|20)\d{2}[〕\]］】]\s*第?\d{1,5}\s*号)"
)
_LIST = rf"{_ITEM}(?:\s*(?:[、，,]|以及|和|及|与)?\s*原?{_ITEM})*"
_REPEALED = re.compile(rf"({_LIST})([^。\n《》«»]{{0,40}}?)(?<![未不])废止")
_REPEALING = re.compile(rf"(?<![未不])废止(?:了|下列|以下)?\s*({_LIST})")
_PARTLY = re.compile(r"第.{1,6}[条款项章节]|条款|部分|不一致|相关(?:规定|内容)|除")


def succession(text: Text) -> tuple[list[tuple[Text, Dated | None]], list[Text]]:
    """(documents this one repeals: 《…》、《…》同时废止, with the day where it says 自…起废止; documents it amends: 对《…》作如下修改).

    What is repealed only in part is not among them.
    """
    repeals: list[tuple[Text, Dated | None]] = []
    amends: list[Text] = []
    for m in [*_REPEALED.finditer(text.s), *_REPEALING.finditer(text.s)]:
        between = m[2] if m.re is _REPEALED else ""
        if _PARTLY.search(between):
            continue
        on: Dated | None = None
        if (day := re.search(rf"自\s*({DAY})\s*起", between)) and (iso := iso_day(day[1])):
            on = (iso, text.part(m.start(2) + day.start(1), m.start(2) + day.end(1)))
        for item in re.finditer(_ITEM, m[1]):
            words = tidy(text.part(m.start(1) + item.start(), m.start(1) + item.end()))
            if all(words.span != former.span for former, _ in repeals):
                repeals.append((words, on))
    for m in re.finditer(
        r"(?:对|将)\s*([《«][^《》«»]{3,120}[》»](?:\s*[（(][^（）()]{3,40}[）)])?)[^。\n]{0,20}?(?:作如下修改|修改如下|予以修改|进行修订|修改为|作出修改)",
        text.s,
    ):
        amends.append(tidy(text.part(m.start(1), m.end(1))))
    return repeals, amends
