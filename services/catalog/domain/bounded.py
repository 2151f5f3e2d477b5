"""Bounded figures as conditions: what a figure that the words bound is said of, in which unit (年营业收入达到2000万元)."""

import re
from collections.abc import Sequence
from dataclasses import replace

from services.catalog.domain.attributes import FIGURE_NAMES, Wordings, named_after
from services.catalog.domain.condition import Condition
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import without_asides
from services.catalog.domain.quantities import Comparison, plain


def measured(text: str, region: Span, comparison: Comparison, wordings: Wordings) -> Condition | None:
    """A bounded figure as a condition, `comparison` counted from the region; None where it tells of what is given, or of nothing."""
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
    span = comparison.span.moved(region.start)
    keep = max(span.start, region.start + comparison.subject.end - max(length, 2))
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


def behind(comparison: Comparison, since: Sequence[Condition], region: Span) -> Comparison | None:
    """A bounded figure without the window that stands before it (落户之日起3年内|营业收入达到…); None where it is the window's own."""
    for window in since:
        end = window.span.end - region.start
        if comparison.figures[0].span.start < end and comparison.figures[0].span.moved(region.start).meets(window.span):
            return None
        if comparison.subject.start < end <= comparison.subject.end and comparison.subject.start >= window.span.start - region.start - 1:
            subject = Span(end, comparison.subject.end)
            comparison = replace(comparison, subject=subject, span=Span(end, comparison.span.end))
    return comparison


def excepted(text: str, region: Span, span: Span) -> bool:
    """Inside 除…以外: what does not count."""
    out = re.search(r"除[^。;]{0,80}$", text[region.start : span.start])
    return bool(out) and bool(re.match(r"[^。;]{0,60}?(?:以外|之外|除外)", text[span.end : region.end]))
