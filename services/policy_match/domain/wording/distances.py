"""How far: the gap between a figure and what is asked, how long ago a day was, and when it will be long enough."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

from contracts.rules import Compared, Entry, Span, Steps
from contracts.rules.words import plain
from services.policy_match.domain.interpreter import Scope, value
from services.policy_match.domain.periods import step
from services.policy_match.domain.values import OPPOSITES, Exact, Range, Unknown
from services.policy_match.domain.wording.terms import Terms, rounded


def gap(test: Compared, left: Exact, bounds: list[Range], entry: Entry | None, wanted: bool, terms: Terms) -> str:
    """How far the figure lies on the wrong side; nothing where it lies on the right one."""
    if not bounds or not all(bound.exact for bound in bounds):
        return ""
    op = test.is_ if wanted else OPPOSITES.get(test.is_)
    low, high = Fraction(bounds[0].low or 0), Fraction(bounds[-1].low or 0)
    if test.is_ == "between":
        if not wanted:
            return ""
        op = ">=" if left < low else "<=" if left > high else ">" if left == low else "<"
        if low < left < high:
            return ""
    if op == ">=" and left < low:
        return f"，还差{_difference(low - Fraction(left), entry, terms)}"
    if op == ">" and left < low:
        return f"，还差{_difference(low - Fraction(left), entry, terms)}以上"
    if op == "<=" and left > high:
        return f"，超出{_difference(Fraction(left) - high, entry, terms)}"
    if op == "<" and left > high:
        return f"，超出{_difference(Fraction(left) - high, entry, terms)}以上"
    if (op == ">" and left == low) or (op == "<" and left == high):
        return "，恰好相等不算"
    return ""


def _difference(by: Fraction, entry: Entry | None, terms: Terms) -> str:
    if entry is not None and entry.type == "ratio":
        shown, exact = rounded(by * 100, 2, (Fraction(0),))
        return f"{'' if exact else '约'}{plain(shown)}个百分点"
    return terms.value(by, entry, beside=(Fraction(0),))


def age(since: date, today: date) -> str:
    """How long ago, in completed years and months: 2年零3个月; in days below a month."""
    months = (today.year - since.year) * 12 + today.month - since.month
    while months > 0 and since > step(today, Steps(months=months), -1):
        months -= 1
    if months <= 0:
        return f"{(today - since).days}天"
    years, rest = divmod(months, 12)
    return "零".join(([f"{years}年"] if years else []) + ([f"{rest}个月"] if rest else []))


def turns(since: date, ago: Steps, *, strictly: bool) -> date | None:
    """The first day on which `since` lies that long back; None beyond the calendar."""
    day = step(since, ago)
    if day.year >= 9999 or day.year <= 1:
        return None
    while (back := step(day, ago, -1)) < since or (strictly and back == since):
        day = step(day, Steps(days=1))
    return day


def backwards(steps: Steps) -> bool:
    return min(steps.years, steps.months, steps.days) < 0


def days_of(span: Span, scope: Scope, terms: Terms) -> str:
    """From when to when; an absent end is open."""
    begin, end = (None if bound is None else value(bound, scope) for bound in (span.from_, span.to))

    def written(bound: object) -> str:
        return "尚未公布的日期" if isinstance(bound, Unknown) else terms.value(bound).strip("“”")

    if end is None:
        return "不限" if begin is None else f"自{written(begin)}起"
    return f"至{written(end)}止" if begin is None else f"{written(begin)}至{written(end)}"
