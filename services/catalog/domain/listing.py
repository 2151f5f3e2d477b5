"""`zhaoqi benefits`: the benefits of one document as plain data with printed numbers and the words that say them.

The same analysis as `drafts`, before anything is mapped to facts. Attribute names and the six types are those of the benefit vocabulary.
"""

import re
from collections.abc import Sequence
from typing import Any

from services.catalog.domain.amounts import amount, gold_amount
from services.catalog.domain.conditions import conditions, deadlines, general
from services.catalog.domain.division import sentences
from services.catalog.domain.drafts import Document
from services.catalog.domain.junctions import branches
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.provisions import Provision, provisions
from services.catalog.domain.recognition import Condition, Wordings
from services.catalog.domain.requirements import requirements

_CASH = r"奖励|补助|补贴|资助|奖补|资金支持|配套|奖金|津贴"
_CHARGES = r"税|社会保险费|养老保险|失业保险|公积金|租金|房租|工会经费|保证金|保障金|[水电气]费|电价|分摊|滞纳金|亏损|申报|费率|加计|研发费用"
_FORGONE = r"免[征收缴交税除租予]|减[征免半缴收]|缓[缴征交]|补缴|暂[缓退]|延[期长]|顺延|退税|退还|返还|留抵|抵减|扣除|税率|征收率|费率|先征后|不承担|不[予再]?计|欠费|优先|优惠|滞纳金|降低"
_LENT = (
    r"贷款|贴息|担保|风险补[偿贴]|融资|债券|基金|保费|信用保险|续贷|授信|避险|转贷|利率|"
    r"(?<!社会)(?<!养老)(?<!失业)(?<!工伤)(?<!医疗)(?<!伤害)保险(?:费|产品)"
)
_HOSTS = (
    r"(?:载体|平台|(?<![种养]植)(?<!养殖)(?<!花卉)(?<!生产)基地|园区|孵化器|众创空间|示范区|特色村|示范村|小镇|乡镇|会议|赛事|会展|竞赛|论坛|展会)(?:建设|运营|管理|承办)*(?:单位|机构|方)?(?:的)?,|"
    r"举办|主办|承办|服务平台|创[新业]平台|机场|服务中心|第三方服务机构|社区建设|(?:组织|开展)[^,。;]{0,12}(?:赛事|展会|活动)(?!的)|"
    r"(?:认定|评)为[^。;]{0,30}(?:载体|平台|(?<!植)(?<!殖)基地|园区|孵化器|众创空间|示范区)|孵化服务|(?:给予|奖励)[^,。;\d]{0,8}(?:载体|平台|园区|孵化器)"
)
_PEOPLE = r"就业|招用|吸纳|稳岗|毕业生|裁员|社保补贴|社会保险补贴|创业补贴|创业资助|培训|技能|人才|职称|返乡|实习|见习|青年,|博士|每人每月|证(?:书)?的?人员"
# The first type whose words occur and whose second words do not: what is given comes before whom it is given to.
TYPES: tuple[tuple[str, str, str], ...] = (
    ("人才", r"稳岗|裁员", r"(?!)"),
    ("税费", rf"(?:{_FORGONE})[^。;]*(?:{_CHARGES})|(?:{_CHARGES})[^。;]*(?:{_FORGONE})", rf"{_LENT}|{_CASH}"),
    ("税费", r"先征后[补返退]", r"(?!)"),
    ("融资", _LENT, r"(?!)"),
    ("平台载体", _HOSTS, r"(?!)"),
    ("人才", _PEOPLE, r"(?!)"),
    ("税费", _CHARGES, _CASH),
    ("其他", r"采购|用地|土地|证明|手续|审批|通关|场地使用费", _CASH),
)
_WIDE = re.compile(r"不(?:得)?重复(?:享受|支持|奖励|资助)|就高|从高|不重叠")
_NEAR = 60
_TERM = re.compile(r"有效期|执行期|施行|执行至|截至")


def benefits(text: str, document: Document, *, lexicon: Lexicon | None = None, wordings: Wordings | None = None) -> dict[str, Any]:
    """Every benefit of a document's raw text, in the shape of the gold set: document, common, benefits.

    `text` is the document as decoded, with its line breaks; all quoted words occur in it once blanks are removed.
    """
    lexicon = lexicon or Lexicon()
    passage = Passage.of(text)
    found = provisions(passage, lexicon)
    listed = requirements(passage, found, lexicon)
    return {
        "document": {
            "title": document.title,
            "doc_number": document.doc_number,
            "issuer": document.issuer,
            "issue_date": document.issue_date.isoformat() if document.issue_date else None,
            "valid_from": document.valid_from.isoformat() if document.valid_from else None,
            "valid_to": document.valid_to.isoformat() if document.valid_to else None,
        },
        "common": _common(passage, found, lexicon, wordings),
        "benefits": [
            _told(passage, p, i, conditions(passage, p, listed.get(i, ()), wordings=wordings), lexicon, document.title) for i, p in enumerate(found)
        ],
    }


def _told(passage: Passage, provision: Provision, i: int, governed: Sequence[Condition], lexicon: Lexicon, title: str) -> dict[str, Any]:
    words = passage.quote(provision.span)
    plain = passage.text[provision.span.start : provision.span.end]
    said = gold_amount(passage, amount(passage, provision, lexicon))
    asked = [c for c in governed if not c.excepted]
    logic = _logic(passage.text, asked)
    return {
        "id": f"{i + 1:02d}",
        "article": provision.block.label.rstrip(".、,"),
        "title_or_first_words": plain[:20],
        "text": words,
        "benefit_type": _type(plain, _announcing(passage.text, provision, title)),
        "amount": said,
        "conditions": [
            {"attribute": c.attribute, "operator": c.operator, "value": c.value, "unit": c.unit, "evidence": passage.quote(c.span)}
            for c in asked
        ],
        "exclusions": [passage.quote(s) for s in (*(c.span for c in governed if c.excepted), *_exclusions(passage, provision))],
        "deadlines": [passage.quote(s) for s in deadlines(passage, provision)],
        "department": provision.block.department,
    } | ({"condition_logic": logic} if logic else {})


def _logic(text: str, conditions: Sequence[Condition]) -> str | None:
    """How the conditions hang together ("c1 AND (c2 OR c3)", counted as listed); None where all are asked."""
    groups = branches(text, conditions)
    if all(len(ways) == 1 for ways in groups):
        return None

    def way(places: list[int]) -> str:
        names = " AND ".join(f"c{i + 1}" for i in places)
        return f"({names})" if len(places) > 1 else names

    either = [
        " OR ".join(way(places) for places in ways) if len(ways) > 1 else " AND ".join(f"c{i + 1}" for i in ways[0]) for ways in groups
    ]
    return either[0] if len(groups) == 1 else " AND ".join(f"({o})" if " OR " in o else o for o in either)


def _type(words: str, announced: str) -> str:
    """One of the six types; where the words say none and only specify (补贴标准: 10000元), by those that announce them."""
    for said in (words, announced):
        kind = next((name for name, pattern, other in TYPES if re.search(pattern, said) and not re.search(other, said)), None)
        if kind is not None:
            return kind
    return "资金补助"


def _announcing(text: str, provision: Provision, title: str) -> str:
    """What stands before a provision that is only the sum under a label (补贴标准: …); "" for any other."""
    before = text[max(0, provision.span.start - _NEAR) : provision.span.start]
    return before + title if re.search(r"(?:标准|额度|金额)[:】]$", before) else ""


def _exclusions(passage: Passage, provision: Provision) -> list[Span]:
    """Sentences of the same article that forbid to have it twice."""
    return [s for s in sentences(passage.text, provision.block.span) if _WIDE.search(passage.text[s.start : s.end]) and len(s) < 120]


def _common(passage: Passage, found: Sequence[Provision], lexicon: Lexicon, wordings: Wordings | None) -> dict[str, Any]:
    """What stands behind the last benefit or under 服务对象 and holds for all of them."""
    tail = Span(found[-1].span.end if found else 0, len(passage.text))
    closing = sentences(passage.text, tail)
    return {
        "conditions": [
            {"attribute": c.attribute, "operator": c.operator, "value": c.value, "unit": c.unit, "evidence": passage.quote(c.span)}
            for c in general(passage, lexicon, wordings)
        ],
        "exclusions": [passage.quote(s) for s in closing if _WIDE.search(passage.text[s.start : s.end])],
        "deadlines": [
            passage.quote(s)
            for s in closing
            if _TERM.search(passage.text[s.start : s.end]) and re.search(r"\d", passage.text[s.start : s.end])
        ],
    }
