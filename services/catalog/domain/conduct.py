"""Conduct: credit, penalties and accidents, each with its field, weight and look-back."""

import re

from contracts.rules import Registry
from services.catalog.domain.naming import Node, Told, all_of
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import phrase_of
from services.catalog.domain.quantities import NUMERAL, Figure, numeral, plain
from services.catalog.domain.times import LOOK_BACK, happened
from services.catalog.domain.vocabulary import state


def credit(words: str, around: str, registry: Registry) -> Told:
    grade = re.search(r"([A-D]\+?)级?", words)
    if grade and "纳税" in words:
        return Told({"fact": "tax_credit", "period": "last_year", "is": "=", "value": grade[1]})
    if grade and "信用" in words:
        return Told({"fact": "public_credit", "is": "=", "value": grade[1]})
    tests: list[Node] = []
    if re.search(r"失信|黑名单", words):
        tests.append({"fact": "dishonest", "is": "=", "value": False})
    if re.search(r"经营异常|异常名录", words):
        tests.append({"fact": "abnormal", "is": "=", "value": False})
    if re.search(r"拖欠.{0,4}工资|欠薪", words):
        tests.append({"fact": "wage_arrears", "is": "=", "value": False})
    tests += record_of_conduct(words)
    if not tests and (node := state(around, registry)):
        return Told(node)
    if not tests:
        return Told({"judged": words})
    return Told(all_of(tests))


def looked_back(text: str, span: Span) -> str:
    """近三年 … said earlier in the sentence than the words that look back on it."""
    start = max(text.rfind(c, 0, span.start) for c in "。;") + 1
    phrase = phrase_of(text, span)
    back = re.search(LOOK_BACK, text[start : phrase.start])
    return back.group() if back and not re.search(LOOK_BACK, text[phrase.start : span.end]) else ""


_FIELDS = (
    "安全生产",
    "环境保护",
    "生态环境",
    "人力资源",
    "市场监管",
    "消防",
    "社保",
    "统计",
    "财税",
    "税务",
    "海关",
    "通关",
    "外汇",
    "质量",
)
_FINE = re.compile(rf"(?P<n>{NUMERAL})(?P<u>[百千万亿]*元)(?:\(含\))?以上")


def record_of_conduct(words: str) -> list[Node]:
    """No penalty, no accident: none of the rows that the words describe, by field, weight, sum and look-back."""
    found: list[Node] = []
    if not re.search(r"处罚|违法|违规|违纪|事故|罚款|受罚", words):
        return found
    since = re.search(LOOK_BACK, words)
    for part in re.split(r"[;,](?=[^,;]*(?:年内|年度内|近.年))|且(?=[一二三])|(?<=事故)或", words):
        if since and not re.search(LOOK_BACK, part):
            part = since.group() + part
        accident = bool(re.search("事故", part)) and not re.search(r"处罚|罚款", part)
        day = happened("happened_on" if accident else "decided_on", part)
        where: list[Node] = [day] if day else []
        if day is None and "年度内" in part:  # the year applied for: the last or this one
            field = "happened_on" if accident else "decided_on"
            where.append({"any": [{"field": field, "is": "during", "value": year} for year in ("last_year", "this_year")]})
        fields = [name for name in _FIELDS if name in part] or (["环境保护"] if "环境" in part else [])
        if accident:
            kinds = [k for k in ("生产安全", "安全", "质量") if k in part.replace("安全生产", "生产安全")][:2]
            where += [{"field": "kind", "is": "in", "value": kinds}] if kinds else []
            if re.search("重大", part):
                where.append({"field": "severity", "is": "in", "value": ["重大", "特别重大"]})
        else:
            where += [{"field": "field", "is": "in", "value": fields}] if fields else []
            fine = _FINE.search(part)
            if fine:
                where.append({"field": "amount", "is": ">=", "value": plain(Figure(numeral(fine["n"]), fine["u"], Span(0, 0)).base)})
            elif re.search("重大|严重", part):
                where.append({"field": "serious", "is": "=", "value": True})
        if where and re.search(r"处罚|违法|违规|违纪|事故|罚款|受罚", part):
            found.append({"none": "accident" if accident else "penalty", "where": where})
    return found
