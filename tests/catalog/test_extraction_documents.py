"""Drafts from the maintainers' five official documents: services and conveniences, never invented money."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from contracts.registry import load_registry
from contracts.rules import Benefit
from services.catalog.domain.drafts import Clause, Document, Draft, drafts
from services.ingest.domain.reading import read

pytestmark = pytest.mark.shared


def _day(given: tuple[str, Any] | None) -> date | None:
    return date.fromisoformat(given[0]) if given else None


@pytest.fixture(scope="module")
def drafted(shared: Path) -> list[tuple[Clause, Draft]]:
    found: list[tuple[Clause, Draft]] = []
    for file in sorted((shared / "documents").glob("*.txt")):
        reading = read(file.read_bytes(), name=file.name)
        facts = reading.document
        document = Document(
            facts.title.text if facts.title else file.stem, issue_date=_day(facts.issue_date), valid_to=_day(facts.valid_to)
        )
        clauses = {
            f"{file.stem}/{m.path}": Clause(
                file.stem,
                1,
                f"{file.stem}/{m.path}",
                m.number.text,
                m.title.text,
                m.body.text,
                units=tuple(m.units_full),
                enterprise_benefit=m.enterprise_benefit,
                benefit_type=m.benefit_type,
            )
            for m in reading.measures
        }
        found += [(clauses[d.measure], d) for d in drafts(list(clauses.values()), document, registry=load_registry(), city="350200")]
    return found


def nodes(node: Any) -> Iterator[dict[str, Any]]:
    if isinstance(node, dict):
        yield node
        for value in node.values():
            yield from nodes(value)
    elif isinstance(node, list):
        for item in node:
            yield from nodes(item)


def test_every_draft_is_written_in_the_language(drafted: list[tuple[Clause, Draft]]) -> None:
    for _, draft in drafted:
        Benefit.model_validate(draft.benefit)


def test_every_quote_stands_in_the_clause_its_heading_or_its_units(drafted: list[tuple[Clause, Draft]]) -> None:
    for clause, draft in drafted:
        for node in [*nodes(draft.benefit["rule"]), *nodes(draft.benefit["amount"])]:
            if "quote" in node:
                assert any(node["quote"] in words for words in (clause.body, clause.title, *clause.units)), node


def test_every_draft_has_a_quoted_condition_or_amount(drafted: list[tuple[Clause, Draft]]) -> None:
    for _, draft in drafted:
        assert any("quote" in node for node in [*nodes(draft.benefit["rule"]), *nodes(draft.benefit["amount"])])


def test_several_drafts_test_a_fact_of_the_registry(drafted: list[tuple[Clause, Draft]]) -> None:
    registry = load_registry()
    testing = [d for _, d in drafted if any(node.get("fact") in registry.facts for node in nodes(d.benefit["rule"]))]
    assert len(testing) >= 8


def test_no_money_is_invented(drafted: list[tuple[Clause, Draft]]) -> None:
    money = [d.benefit for _, d in drafted if d.benefit["amount"] is not None and d.benefit.get("pays") is None]
    assert money == []
