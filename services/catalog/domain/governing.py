"""Clauses that govern a whole document: for whom it is, who is shut out, 含本数, when to apply, what a term means, what is paid once.

They stand in 附则, 总则 or the introduction, or in an article that speaks of 本措施 itself. Every sentence is read on its own; one that
says nothing of these is left alone. Every test bears the sentence it comes from.
"""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from services.catalog.domain.attributes import Wordings
from services.catalog.domain.composing import Ground, composed
from services.catalog.domain.condition import Condition, inside_another
from services.catalog.domain.conditions import denied
from services.catalog.domain.division import sentences
from services.catalog.domain.facts import told
from services.catalog.domain.naming import Node, Setting
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.quantities import windows
from services.catalog.domain.recognition import recognised

_SELF = r"本(?:若干)?(?:措施|政策|办法|意见|通知|方案|规定|细则|实施细则|计划|行动方案|实施方案|指南|条款)"
_ABOUT_ITSELF = re.compile(
    rf"{_SELF}(?:所称|适用|的适用|自|不适用)|(?:企业|单位|主体|对象)[^。;]{{0,8}}不(?:得|能|再|予)?(?:享受|适用){_SELF}"
)
_FOR = re.compile(rf"{_SELF}(?:的)?(?:适用(?:于|范围|对象)?(?:为|是|包括)?|所称(?:的)?企业(?:,)?(?:是)?指)(?P<who>[^。]+)")
_ASKED = re.compile(
    r"^(?:附则|总则)?(?:凡)?(?:申报|申请|享受|获得)[^,。;]{0,16}?(?:企业|单位|主体|对象|机构|者)(?:还|均)?(?:应当?|须|需|必须)(?:同时)?(?:符合|满足|具备|是|为)?(?P<what>[^。]+)"
)
_DUTY = re.compile(
    r"提交|提供|填报|登录|上传|报送|报名|提出申请|申请时间|承诺书|配合|接受|材料|专款专用|按(?:规定|要求|时)?(?:办理|申报|使用)"
)
_GIVES = "享受|适用|支持|奖励|资助|补助|奖补|扶持|兑现|受理|纳入|给予|申[报请]"
_SHUT_OUT = re.compile(
    rf"^(?P<who>[^。]{{4,}}?),?(?:均|一律|原则上)?(?:不(?:得|能|再|予)?(?:{_GIVES})|不列入|不符合[^,。;]{{0,8}}条件)(?:{_SELF}|本条|上述|以上)?"
)
_DISCRETION = re.compile(
    r"一事一议|择优(?:扶持|支持|给予|遴选)|遴选[^,。;]{0,10}(?:个|家|名)"
    r"|按(?:照)?(?:上级|新)政策执行|综合(?:评审|考量)后?确定|从其规定"
)
_TWICE = re.compile(r"重复|叠加|就高|从高|同时享受")
_COUNTS = re.compile(
    r"(?P<words>(?:[“\"]?(?:以上|以下|以内|不低于|不高于|不超过|超过|不足|未满|满|达到)[”\"]?[、和及与,]?)+)[^。;“”]{0,6}?(?P<no>不)?(?:含|包括|包含)本[数级]"
)
_BELOW = re.compile(r"\((?P<no>不)?含(?:本数)?[,、]?(?:下同|全文同)\)")
_EVERY_YEAR = re.compile(
    r"每年(?P<m1>1[0-2]|[1-9])月(?:(?P<d1>3[01]|[12]\d|[1-9])日)?(?:起)?(?:至|到|-|—|~)(?:当年)?(?P<m2>1[0-2]|[1-9])月(?:(?P<d2>3[01]|[12]\d|[1-9])日)?"
)
_CLAIM = re.compile(r"申报|申请|提交|受理|填报")
_MEANS = re.compile(
    rf"(?:{_SELF})?(?:所称|所指)?(?:的)?[“\"]?(?P<term>[^“”\",。;:()]{{2,16}}?)[”\"]?,?(?:是指|系指|指的是|指)(?P<what>[^。]{{4,}})"
)


@dataclass(frozen=True)
class Governing:
    """What holds for every benefit of a document."""

    tests: tuple[Node, ...] = ()
    notes: tuple[str, ...] = ()
    inclusive: Mapping[str, bool] = field(default_factory=dict)
    window: dict[str, Any] | None = None
    meanings: Mapping[str, Node] = field(default_factory=dict)


def governing(wide: Sequence[str], articles: Sequence[str], setting: Setting, *, since: date | None) -> Governing:
    """What governs all benefits. `wide` are clauses that belong to no measure; of the measures' own words, `articles`, only what speaks
    of the document as a whole counts. `since` is the day from which dates that come back every year are looked for.
    """
    tests: list[Node] = []
    notes: list[str] = []
    inclusive: dict[str, bool] = {}
    window: dict[str, Any] | None = None
    meanings: dict[str, Node] = {}
    for own, words in [*((True, clause) for clause in wide), *((False, article) for article in articles)]:
        passage = Passage.of(words)
        for mark in _BELOW.finditer(passage.text):
            for word in ("以上", "以下", "以内"):
                inclusive[word] = mark["no"] is None
        for sentence in _sentences(passage):
            said = passage.text[sentence.start : sentence.end]
            defined = _MEANS.match(said)
            if defined and (own or said.startswith("本")):
                meaning = _meaning(passage, _part(sentence, defined, "what"), setting)
                meanings |= {defined["term"]: meaning} if meaning and defined["term"] not in _EVERYDAY else {}
            if not own and not _ABOUT_ITSELF.search(said):
                continue
            for counts in _COUNTS.finditer(said):
                for word in re.findall(r"以上|以下|以内|不低于|不高于|不超过|超过|不足|未满|满|达到", counts["words"]):
                    inclusive[word] = counts["no"] is None
            window = window or _claimed(said, since, notes)
            found, more = _asked(passage, sentence, setting)
            tests += found
            notes += more
    return Governing(tuple(tests), tuple(dict.fromkeys(notes)), inclusive, window, meanings)


def asked_beside(passage: Passage, given: Sequence[Span], setting: Setting) -> tuple[list[Node], list[str]]:
    """Sentences of a measure that give nothing but ask something of whoever applies (申报企业应当…) or shut somebody out."""
    tests: list[Node] = []
    notes: list[str] = []
    for sentence in _sentences(passage):
        if any(sentence.meets(span) for span in given) or _MEANS.match(passage.text[sentence.start : sentence.end]):
            continue
        found, more = _asked(passage, sentence, setting)
        tests += found
        notes += more
    return tests, notes


# Words that a document explains and yet uses of everybody.
_EVERYDAY = frozenset({"企业", "单位", "以上", "以下", "奖励", "补助", "申报企业"})


def _meaning(passage: Passage, region: Span, setting: Setting) -> Node | None:
    """What a definition asks for; None where its words ask for nothing that is recognised."""
    several = recognised(passage.text, region, (), Wordings())
    several = sorted((c for c in several if not inside_another(c, several)), key=lambda c: c.span.start)
    several = [replace(c, excepted=denied(passage.text, c)) for c in several]
    rule = composed(Ground(passage, "附则", None), several, (), setting=setting, steps=None)
    return rule.node | Ground(passage, "附则", None).evidence(region) if rule.tests else None


def _sentences(passage: Passage) -> list[Span]:
    found = []
    for sentence in sentences(passage.text, Span(0, len(passage.text))):
        start = sentence.start
        for stop in [*re.finditer(";", passage.text[sentence.start : sentence.end]), None]:
            end = sentence.start + stop.end() if stop else sentence.end
            label = re.match(r"附则|总则|(?:第[一二三四五六七八九十]+[条章])|[(]?[一二三四五六七八九十\d]+[)、.]", passage.text[start:end])
            if end > start:
                found.append(Span(start + (label.end() if label else 0), end))
            start = end
    return found


def _asked(passage: Passage, sentence: Span, setting: Setting) -> tuple[list[Node], list[str]]:
    said = passage.text[sentence.start : sentence.end]
    if _TWICE.search(said):
        return [], []
    if _DISCRETION.search(said):
        return [{"judged": said.rstrip("。;"), "quote": passage.quote(sentence).rstrip("。；;."), "article": "附则"}], []
    shut = _SHUT_OUT.match(said)
    if shut:
        return _of(passage, sentence, Span(sentence.start, sentence.start + shut.end("who")), setting, out=True)
    meant = _FOR.match(said)
    if meant:
        return _of(passage, sentence, _part(sentence, meant, "who"), setting, out=False)
    asked = _ASKED.match(said)
    if asked and not _DUTY.search(asked["what"]):
        return _of(passage, sentence, _part(sentence, asked, "what"), setting, out=False)
    return [], []


def _part(sentence: Span, match: re.Match[str], group: str) -> Span:
    return Span(sentence.start + match.start(group), sentence.start + match.end(group))


# Whom a sentence shuts out by their conduct: the test is already the contrary (not dishonest, none of the penalties).
_CONDUCT = frozenset({"信用状况", "违法记录"})


def _of(passage: Passage, sentence: Span, region: Span, setting: Setting, *, out: bool) -> tuple[list[Node], list[str]]:
    text = passage.text
    several = recognised(text, region, (), Wordings())
    several = [c for c in several if not inside_another(c, several)]
    quote = {"quote": passage.quote(sentence).rstrip("。；;."), "article": "附则"}
    tests: list[Node] = []
    notes: list[str] = []
    if out:
        conduct = told(
            Condition("信用状况", "not", text[region.start : region.end], None, region), text[region.start : region.end], setting
        )
        if "judged" not in conduct.node:
            return [conduct.node | quote], []
    for condition in several:
        words = text[condition.span.start : condition.span.end]
        answer = told(condition, words, setting, text=text)
        against = (out or denied(text, condition)) and condition.attribute not in _CONDUCT
        tests.append(({"not": answer.node} if against else answer.node) | quote)
        notes += answer.notes
    if not tests:
        words = text[region.start : region.end].rstrip("。;,的")
        if out or not re.fullmatch(rf"(?:在)?[^,。;]{{0,10}}(?:企业|单位|经营主体|市场主体)|{_SELF}.*", words):
            tests.append(({"not": {"judged": words}} if out else {"judged": words}) | quote)
    return tests, notes


def _claimed(said: str, since: date | None, notes: list[str]) -> dict[str, Any] | None:
    """When to apply. Of dates that come back every year those of the first year that is not over; the language has no yearly window."""
    if not _CLAIM.search(said):
        return None
    yearly = _EVERY_YEAR.search(said)
    if yearly and since:
        begin, end = (int(yearly["m1"]), int(yearly["d1"] or 1)), (int(yearly["m2"]), int(yearly["d2"] or 31))
        over_new_year = end < begin
        year = since.year - over_new_year
        while _day(year + over_new_year, *end) < since:
            year += 1
        notes.append("申报期每年重复，这里写的是最近一期，请逐年更新")
        return {"from": _day(year, *begin).isoformat(), "to": _day(year + over_new_year, *end).isoformat()}
    for found in windows(said):
        if re.search(r"(?:申报|申请|提交|受理|填报)(?:时间|期限|截止)?[^,。;]{0,10}$", said[: found.span.start]) or re.match(
            r"[^,。;]{0,8}(?:申报|提交|提出申请|受理)", said[found.span.end :]
        ):
            return {"from": found.start.isoformat() if found.start else None, "to": found.end.isoformat() if found.end else None}
    return None


def _day(year: int, month: int, day: int) -> date:
    return date(year, month, min(day, monthrange(year, month)[1]))
