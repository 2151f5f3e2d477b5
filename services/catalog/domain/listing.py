"""`zhaoqi benefits`: the benefits of one document as plain data with printed numbers and the words that say them.

The same analysis as `drafts`, before anything is mapped to facts. Attribute names and the six types are those of the benefit vocabulary.
"""

import re
from collections.abc import Sequence
from typing import Any

from services.catalog.domain.amounts import amount
from services.catalog.domain.attributes import Wordings
from services.catalog.domain.benefit_types import benefit_type
from services.catalog.domain.condition import Condition
from services.catalog.domain.conditions import conditions, deadlines, general
from services.catalog.domain.division import sentences
from services.catalog.domain.drafts import Document
from services.catalog.domain.junctions import branches
from services.catalog.domain.lexicon import Lexicon
from services.catalog.domain.passage import Passage, Span
from services.catalog.domain.printed import printed_amount
from services.catalog.domain.provisions import provisions
from services.catalog.domain.requirements import requirements
from services.catalog.domain.strands import Provision

_WIDE = re.compile(r"不(?:得)?重复(?:享受|支持|奖励|资助)|就高|从高|不重叠")
_NEAR = 60  # characters before a sum under a label that announce it
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
            _told(passage, p, i, conditions(passage, p, listed.get(i, ()), wordings=wordings), lexicon, document.title)
            for i, p in enumerate(found)
        ],
    }


def _told(passage: Passage, provision: Provision, i: int, governed: Sequence[Condition], lexicon: Lexicon, title: str) -> dict[str, Any]:
    words = passage.quote(provision.span)
    plain = passage.text[provision.span.start : provision.span.end]
    said = printed_amount(passage, amount(passage, provision, lexicon))
    asked = [c for c in governed if not c.excepted]
    logic = _logic(passage.text, asked)
    return {
        "id": f"{i + 1:02d}",
        "article": provision.block.label.rstrip(".、,"),
        "title_or_first_words": plain[:20],
        "text": words,
        "benefit_type": benefit_type(plain, _announcing(passage.text, provision, title)),
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


def _announcing(text: str, provision: Provision, title: str) -> str:
    """What stands before a provision that is only the sum under a label (补贴标准: …); "" for any other."""
    before = text[max(0, provision.span.start - _NEAR) : provision.span.start]
    return before + title if re.search(r"(?:标准|额度|金额)[:】]?$", before) else ""


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
