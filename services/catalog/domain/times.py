"""Time as clauses say it: the period of a figure, years taken together, and when something happened."""

import re
from datetime import date

from services.catalog.domain.naming import Node
from services.catalog.domain.quantities import Figure, numeral, windows

_QUARTER = re.compile(r"(20\d\d)年第?([一二三四])季度")
_YEAR = re.compile(r"(20\d\d)年")
LAST_YEAR = r"上一?(?:会计)?年度?末?|去年"
THIS_YEAR = r"当年度?|本年度?|今年"
LOOK_BACK = r"(?:近|前|最近|过去)([一二两三四五六七八九十\d]+)(?:个)?(?:会计)?年(?:度|内|来)?|([一二两三四五六七八九十\d]+)年内"
_COUNT = r"[一二两三四五六七八九十\d]+"
WHEN = rf"(?:{LAST_YEAR}|{THIS_YEAR}|20\d\d年度?|(?:近|前|最近|过去){_COUNT}年(?:度|内|来)?|{_COUNT}年内)"


def period(words: str) -> str:
    """The calendar period that a figure is of: a printed one stays as printed, without one the last year is meant."""
    quarter = _QUARTER.search(words)
    if quarter:
        return f"{quarter[1]}Q{'一二三四'.index(quarter[2]) + 1}"
    year = _YEAR.search(words)
    if year:
        return year[1]
    if re.search(r"上(?:一)?季度|季度", words) and not re.search("年", words):
        return "last_quarter"
    return "this_year" if re.search(THIS_YEAR, words) else "last_year"


def over(words: str, take: str | None) -> Node | None:
    """近两年均值, 近三年累计, 连续两年, 近三年平均增长率: the years taken together, and how."""
    years = re.search(r"(?:近|连续|前)([一二两三四五\d])(?:个)?(?:会计)?年度?", words)
    if years is None or (count := int(numeral(years[1]))) < 2:
        return None
    if take == "growth":
        return {"over": count} if re.search("平均|均", words) else None
    how = next(
        (
            how
            for said, how in (("均值|平均|年均", "mean"), ("总额|累计|合计|总和", "sum"), ("连续|均达|每年", "every"))
            if re.search(said, words)
        ),
        None,
    )
    return {"over": count, "take": how} if how else None


def steps(figure: Figure) -> dict[str, int] | None:
    """A span of time as calendar steps."""
    count = int(figure.value)
    return {
        "年": {"years": count},
        "会计年度": {"years": count},
        "个月": {"months": count},
        "天": {"days": count},
        "日": {"days": count},
    }.get(figure.unit)


def happened(field: str, words: str) -> Node | None:
    """The test of a row's day that the words ask for (上年度, 当年, 2025年, 近三年, …以后); None where they say no time."""
    for printed in windows(words):
        start, end = printed.start, printed.end
        if start and end:
            whole_year = (start, end) == (date(start.year, 1, 1), date(start.year, 12, 31))
            value = str(start.year) if whole_year else [start.isoformat(), end.isoformat()]
            return {"field": field, "is": "during" if whole_year else "between", "value": value}
        if start or end:
            return {"field": field, "is": ">=" if start else "<=", "value": (start or end).isoformat()}  # type: ignore[union-attr]
    back = re.search(LOOK_BACK, words)
    if back:
        return {"field": field, "is": ">=", "value": {"ago": {"years": int(numeral(back[1] or back[2]))}}}
    if re.search(LAST_YEAR, words):
        return {"field": field, "is": "during", "value": "last_year"}
    if re.search(THIS_YEAR, words):
        return {"field": field, "is": "during", "value": "this_year"}
    return None
