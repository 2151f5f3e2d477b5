"""The phrase that says for whom: cut into what is asked (获评…, 招用…) and who is meant (…的旅行社), each named by its verb or its noun.

This is grammar, not wordings: it names what no table of wordings recognised.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from services.catalog.domain.attributes import NAMES, Wordings, named_after
from services.catalog.domain.passage import Span
from services.catalog.domain.phrases import without_asides

_LEAD = re.compile(
    r"^(?:【[^【】]{2,12}】)?(?:不含|不包括|同时|另外|此外|其中|并且|并(?!购|列|网)|而?且|以及|及|和|凡是?)*(?:对(?!接|外)于?|为(?!主)|向(?=[^,]{2,20}的$)|给|鼓励(?!类)|支持|引导|允许)?"
    r"(?:年度内?|年内|当年)?"
)
_TAIL = re.compile(
    r"(?:的|等|后|分别|一次性|每[间块家个场人户亩辆台项件次]|择优|当年|可(?:以)?|按规定|再|额外|予以|给予|各|均|最高|进行|由|(?:省|市|县|区)(?:本)?级?(?:财政)?)+$"
)
_BARE = re.compile(
    r"(?:各类|相关|有关|所有|上述|以上|该|其|申报|申请|符合(?:规定|上述)?条件的?|本(?:市|省|区|县)|[我全](?:市|省|区|县))*"
    r"(?:企业|单位|项目|机构|人员|个人|主体|公司|对象|部分|活动|产品|服务|申请人|企业和单位|企业或(?:单位|机构|项目)|经营主体|市场主体|期间|费用|金额|投资|情况|单位或个人)?"
)
_AND = re.compile(r"(?:并且|而且|同时|且(?!慢)|并(?!购|列|网|轨|联|非|未|不)|以及(?=[获取完实参开新建纳列在与]))")
_WHOSE = re.compile(
    r"^(?P<who>[^的在对自从由]{1,16}?(?:企业|单位|机构|公司|旅行社|纳税人|事务所|协会|合作社|毕业生|劳动力|人才|青年|人员|项目|领域|[造务售发]业|市场|市场·+|基地|载体|孵化器|平台))"
    r"(?=·*(?:固定资产|总投|计划|实际|设备|单|注册资|营业|主营|年?产值|年?销售|从业|面积|完成|在|当年度?|首次|首|新|年度|年|上年|已|自|在|将|因|受|与|入选|获|通过|完成|实现|取得|购|参加|招用|吸纳|使用|租|投资|建|设立|组织|提供|开展|引进|实施|获|初次|于|因|依法|创办|开办|聘用|经营|从事))"
)


_BOUND = re.compile(r"\d(?:[^,。;:]{0,3})(?:元|%|亩|吨|千瓦|平方米|家|个|人|名|张|场|次)")
_SPENT = re.compile(r"(?:产生|发生|支付|缴纳|承担)$")  # …发生的费用: what is paid on
_GIVER = re.compile(r"(?:局|委|厅|部门|政府|财政|支行|贸促会|委员会|领导小组)$")


@dataclass(frozen=True)
class Atom:
    """A piece of a target phrase; `head` for the noun that says who or what is meant, `attribute` None where nothing tells it."""

    span: Span
    attribute: str | None
    head: bool = False


def atoms(text: str, region: Span, wordings: Wordings) -> list[Atom]:
    """The pieces of a target phrase in their order; bare nouns (企业, 单位) and words of procedure are none."""
    plain = without_asides(text[region.start : region.end])
    found: list[Atom] = []
    for clause in re.finditer(r"[^,。;:]+", plain):
        lead = _LEAD.match(clause.group())
        start = clause.start() + (lead.end() if lead else 0)
        end = clause.start() + len(_TAIL.sub("", clause.group()).rstrip("·"))
        if found and re.search("鼓励|引导|允许", clause.group()[: lead.end() if lead else 0]):
            continue  # what others are to do, not whom it is for
        if end - start >= 2:
            found += _of_clause(plain, start, end, wordings, ended=plain[end : clause.end()].startswith("的"))
    return [Atom(Span(a.span.start + region.start, a.span.end + region.start), a.attribute, a.head) for a in found]


def _of_clause(words: str, start: int, end: int, wordings: Wordings, *, ended: bool) -> list[Atom]:
    """`ended` where the clause closes with 的 (通过认定的,): then all of it is asked and no noun follows."""
    noun = words[start:end]
    plain_noun = "的" not in noun and not ended and not _WHOSE.match(noun)
    if plain_noun and (_BARE.fullmatch(noun) or _GIVER.search(noun)):
        return []
    if plain_noun and _of_noun(noun, wordings) == "项目类型" and not re.search("[可应须以]", noun):
        return [Atom(Span(start, end), "项目类型", head=True)]  # 新建…项目: what is meant, not only what is done
    if plain_noun and not _asks(noun, wordings):
        return [Atom(Span(start, end), _of_noun(noun, wordings), head=True)]
    stops = [i for i in range(start, end) if words[i] == "的"]
    edges = [start, *(i + 1 for i in stops), end + 1]
    segments = [Span(a, b - 1) for a, b in pairwise(edges)]
    meant = None if ended or not stops else segments.pop()
    found: list[Atom] = []
    waiting: Span | None = None  # words so far that nothing names
    for segment in segments:
        who = _WHOSE.match(words[segment.start : segment.end])
        if who and not _BARE.fullmatch(who["who"]):
            found.append(Atom(Span(segment.start, segment.start + who.end("who")), _of_noun(who["who"], wordings), head=True))
        for piece in _pieces(words, Span(segment.start + (who.end("who") if who else 0), segment.end)):
            attribute = _asks(words[piece.start : piece.end], wordings)
            if attribute is not None:
                found += [Atom(waiting, None)] if waiting else []
                found.append(Atom(piece, attribute))
                waiting = None
            elif _BOUND.search(words, piece.start, piece.end) or _SPENT.search(words[piece.start : piece.end]):
                waiting = None  # a figure is read as one; what is spent is paid on
            elif len(piece) >= 3:
                waiting = Span(waiting.start if waiting else piece.start, piece.end)
    noun = words[meant.start : meant.end] if meant else ""
    if meant and not _BARE.fullmatch(noun) and len(noun) < 24:  # 见习期满留用率过半的见习单位: who is meant, in more words
        found.append(Atom(Span(waiting.start if waiting else meant.start, end), _of_noun(noun, wordings), head=True))
    elif waiting:
        found.append(Atom(waiting, None))
    return found


def _pieces(words: str, span: Span) -> list[Span]:
    """What 且 and 并 join."""
    found, at = [], span.start
    for stop in _AND.finditer(words, span.start, span.end):
        found.append(Span(at, stop.start()))
        at = stop.end()
    return [piece for piece in (*found, Span(at, span.end)) if len(piece) > 1]


_WHEN = re.compile(r"^(?:当年度?|年度内?|上一?年度?|首次|初次|已|连续|累计|每年|全年|20\d\d年度?|[并且])*")


def _asks(words: str, wordings: Wordings) -> str | None:
    """What words ask, by the verb they begin with."""
    words = _WHEN.sub("", words)
    return next((name for name, verb in wordings.asking if re.search(verb, words)), None)


def _of_noun(noun: str, wordings: Wordings) -> str | None:
    """What a noun says, by its last word."""
    return next((name for name, ends in wordings.heads if re.search(ends, noun)), None) or named_after(noun, NAMES)
