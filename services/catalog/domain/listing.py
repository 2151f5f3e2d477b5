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

# The first type whose words occur in the provision; the order is from the particular to the general.
TYPES: tuple[tuple[str, str], ...] = (
    ("人才", r"就业|招用|吸纳|稳岗|毕业生|裁员|失业保险|社保补贴|社会保险补贴|创业补贴|培训补贴|技能|人才|职称|返乡|实习|见习"),
    ("融资", r"贷款|贴息|担保|风险补偿|风险补贴|融资|债券|基金|保险费|保险费用|保费|信用保险|续贷|授信|避险|转贷"),
    ("税费", r"税|社会保险费|滞纳金|租金|房租|工会经费|保证金|水费|电费|电价|气费|残疾人就业保障金|免收|分摊费用|抵减"),
    ("平台载体", r"举办方|主办方|承办单位|承办方|服务平台|创业平台|创新平台|孵化|众创|基地|示范区|园区|机场|载体"),
    ("其他", r"采购|用地|土地|证明|手续|审批|通关"),
)
_CASH = re.compile(r"奖励|补助|资助|奖补|补贴|资金支持")
_WIDE = re.compile(r"不(?:得)?重复(?:享受|支持|奖励|资助)|就高|从高|不重叠")
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
            _told(passage, p, i, conditions(passage, p, listed.get(i, ()), wordings=wordings), lexicon) for i, p in enumerate(found)
        ],
    }


def _told(passage: Passage, provision: Provision, i: int, governed: Sequence[Condition], lexicon: Lexicon) -> dict[str, Any]:
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
        "benefit_type": _type(plain),
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


def _type(words: str) -> str:
    """One of the six types, by what is given before by whom it is given to."""
    kind = next((name for name, pattern in TYPES if re.search(pattern, words)), None)
    if kind == "平台载体" and not _CASH.search(words):
        return "其他"
    return kind or "资金补助"


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
