"""Who may have it: the conditions that govern a provision, each with its words, an attribute, an operator and a value.

A condition is looked for in the provision's own words before and around what is given, in the words that announced it, in a date that
opens its sentence, and in the items of a separate list of conditions that speak of the same matter.
What no wording names is kept as it stands, under the attribute "其他条件": a condition is never dropped.
"""

import re
from dataclasses import dataclass
from datetime import date

from services.catalog.domain.attributes import MEASURED, SAID, Measured, Said
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.provisions import Provision
from services.catalog.domain.quantities import Comparison, Window, comparisons, plain, windows

SIZES = (("大", "大型"), ("中", "中型"), ("小", "小型"), ("微", "微型"))


@dataclass(frozen=True)
class Condition:
    """`value` is as printed: text, a list of texts, a number, a pair of dates; `unit` the printed unit of a number."""

    attribute: str
    operator: str
    value: object
    unit: str | None
    span: Span
    comparison: Comparison | None = None
    window: Window | None = None


@dataclass(frozen=True)
class Wordings:
    """The tables of `attributes` as one value, so that a test can take entries out."""

    said: tuple[Said, ...] = SAID
    measured: tuple[Measured, ...] = MEASURED


def conditions(passage: Passage, provision: Provision, lexicon: Lexicon, wordings: Wordings | None = None) -> list[Condition]:
    """All conditions of a provision in the order of their words."""
    wordings = wordings or Wordings()
    text = passage.text
    found: list[Condition] = []
    for region in _regions(passage, provision, lexicon):
        found += _in_region(text, region, provision, wordings)
    return _settled(found)


def _regions(passage: Passage, provision: Provision, lexicon: Lexicon) -> list[Span]:
    regions = list(provision.intro)
    regions += [Span(s.span.start, max(end, s.span.start)) for s, end in zip(provision.strands, provision.ends, strict=True)]
    return regions


def _in_region(text: str, region: Span, provision: Provision, wordings: Wordings) -> list[Condition]:
    found: list[Condition] = []
    given = [f.span for f in provision.given]
    for window in windows(text[region.start : region.end]):
        span = Span(window.span.start + region.start, window.span.end + region.start)
        found.append(_dated(text, region, Window(window.start, window.end, span)))
    dated = [c.span for c in found]
    for comparison in comparisons(text[region.start : region.end]):
        span = _shift(comparison.span, region.start)
        if any(span.meets(g) for g in given) or any(_shift(comparison.figures[0].span, region.start).meets(d) for d in dated):
            continue
        measured = _measured(text, region, comparison, wordings)
        if measured:
            found.append(measured)
    taken = [c.span for c in found if c.comparison]
    for said in wordings.said:
        for m in re.finditer(said.wording, text[region.start : region.end]):
            span = Span(region.start + m.start("v"), region.start + m.end("v"))
            if len(span) < 2 or any(span.within(t) for t in taken):
                continue
            if any(c.attribute == said.attribute and c.span.meets(span) for c in found):
                continue
            found.append(Condition(said.attribute, said.operator, _value(said, text[span.start : span.end]), None, span))
    return found


def _shift(span: Span, by: int) -> Span:
    return Span(span.start + by, span.end + by)


def _dated(text: str, region: Span, window: Window) -> Condition:
    after = text[window.span.end : window.span.end + 8]
    attribute = "业务发生期间"
    if re.match(r"到期", after):
        attribute = "贷款到期时间"
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
    subject = re.split(r"[对的且、]|并(?!购)", subject)[-1] or subject
    figure = comparison.figures[0]
    unit = figure.unit.lstrip("万亿千百") if figure.money else figure.unit
    attribute = None
    for row in wordings.measured:
        if row.units and not _unit_fits(unit, row.units):
            continue
        if not row.units and not (figure.money or figure.share):
            continue
        if re.search(row.subject, text[region.start + comparison.subject.start : region.start + comparison.subject.end]):
            attribute = row.attribute
            break
    span = _shift(comparison.span, region.start)
    start = span.end - len(text[span.start : span.end])
    keep = max(start, region.start + comparison.subject.end - max(len(subject), 2))
    value: object = plain(figure.value)
    if comparison.operator == "between":
        value = [plain(f.value) for f in comparison.figures]
    return Condition(attribute or subject or "其他条件", comparison.operator, value, figure.unit, Span(keep, span.end), comparison=comparison)


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
