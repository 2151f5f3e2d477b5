"""One clause as it is read, and what every draft of it says."""

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

from services.catalog.domain.composing import Ground, Rule
from services.catalog.domain.drafts.clauses import Clause, Document
from services.catalog.domain.facts import told
from services.catalog.domain.naming import Setting
from services.catalog.domain.offers import district
from services.catalog.domain.passage import Passage


@dataclass(frozen=True)
class Reading:
    """A clause as it is read: in which document, in which setting."""

    clause: Clause
    document: Document
    setting: Setting

    @cached_property
    def body(self) -> Passage:
        return Passage.of(self.clause.body)

    @cached_property
    def title(self) -> Passage:
        return Passage.of(self.clause.title)

    @property
    def article(self) -> str:
        """How the clause is cited."""
        return self.clause.number or self.clause.title

    @property
    def ground(self) -> Ground:
        """Where the words of the body stand."""
        return Ground(self.body, self.article, self.clause.offset)

    @property
    def heading(self) -> Ground:
        """Where the words of the title stand, which is not known in the raw text."""
        return Ground(self.title, self.article, None)

    @property
    def validity(self) -> tuple[date | None, date | None]:
        """From when to when the document holds."""
        return self.document.valid_from or self.document.issue_date, self.document.valid_to


def frame(reading: Reading, text: str) -> dict[str, Any]:
    """What every draft of a clause says of itself; `text` is the verbatim clause it is drafted from."""
    clause, document = reading.clause, reading.document
    return {
        "id": clause.measure,
        "title": clause.title,
        "policy": document.title,
        "article": reading.article,
        "text": text,
        "language": 1,
        "department": "、".join(clause.units) or None,
        "source": {"document": clause.document, "version": clause.version, "sha256": document.sha256},
    }


def take_territory(reading: Reading, rule: Rule) -> None:
    """A district's own measure holds for the enterprises of that district."""
    if any(t.get("fact") == "district" for t in rule.tests):
        return
    where, unit = district(reading.body, reading.clause.units, reading.setting)
    if where is None:
        return
    answer = told(where, str(where.value), reading.setting)
    rule.take(answer.node | ({"quote": unit, "article": reading.article} if unit is not None else reading.ground.evidence(where.span)))
    rule.notes.append("适用地区按责任单位所在区理解，请核对" if unit is not None else "适用地区按条文所述试点或所在区理解，请核对")


def without_none(benefit: dict[str, Any]) -> dict[str, Any]:
    """Without the fields that say nothing; an amount that is none says so."""
    return {k: v for k, v in benefit.items() if v is not None or k == "amount"}
