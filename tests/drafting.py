"""Clauses written for a test, and what is drafted from them."""

from datetime import date
from typing import Any

from contracts.registry import load_registry
from contracts.rules import Benefit
from services.catalog.domain.drafts import Clause, Document, Draft, drafts

NOTICE = Document(
    "关于支持企业发展的若干措施", "某市人民政府", issue_date=date(2025, 1, 10), valid_from=date(2025, 2, 1), valid_to=date(2027, 1, 31)
)


def draft(body: str, *, title: str = "支持企业发展", document: Document = NOTICE, **more: Any) -> list[Draft]:
    clause = Clause("doc-1", 1, "doc-1/01", "1", title, body, offset=100, **more)
    return drafts([clause], document, registry=load_registry(), city="350200")


def only(body: str, **more: Any) -> dict[str, Any]:
    found = draft(body, **more)
    assert len(found) == 1, [d.benefit["text"] for d in found]
    Benefit.model_validate(found[0].benefit)
    return found[0].benefit


def conditions_in(rule: dict[str, Any]) -> list[dict[str, Any]]:
    """The tests of a rule without their evidence."""

    def bare(node: Any) -> Any:
        if isinstance(node, dict):
            return {k: bare(v) for k, v in node.items() if k not in ("quote", "article", "span")}
        return [bare(n) for n in node] if isinstance(node, list) else node

    found = bare(rule)
    tests: list[dict[str, Any]] = found.get("all", [found])
    return tests


def amount_of(benefit: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in benefit["amount"].items() if k not in ("quote", "article", "span")}
