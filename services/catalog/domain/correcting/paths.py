"""Places in a benefit, such as rule/all/0 or amount/cap: what stands there, whose row it looks at, and something else put there."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from services.catalog.domain.correcting.values import Uncorrectable
from services.catalog.domain.places import Run, in_raw

ROOTS = ("rule", "amount")
RECORDS = ("some", "none", "count", "sum", "earliest", "latest", "each")
EVIDENCE = ("quote", "article", "span")


def node_at(benefit: Mapping[str, Any], path: str) -> Any:
    """The node at a path that begins with rule or amount. Raises Uncorrectable where there is none."""
    here: Any = {root: benefit.get(root) for root in ROOTS}
    for step in path.split("/"):
        try:
            here = here[int(step)] if isinstance(here, list | tuple) else here[step]
        except (KeyError, IndexError, ValueError, TypeError) as error:
            raise Uncorrectable("path", f"事项里没有 {path}；它可能已经改动，请回到事项页") from error
    return here


def row_of(benefit: Mapping[str, Any], path: str) -> str | None:
    """The record kind whose row a node looks at; None where it looks at the enterprise alone."""
    here: Any = benefit
    kind: str | None = None
    for step in path.split("/"):
        if isinstance(here, Mapping) and (step == "where" or (step == "pay" and "each" in here)):
            kind = record_of(here) or kind
        here = here[int(step)] if isinstance(here, list | tuple) else here[step]
    return kind


def record_of(node: Mapping[str, Any]) -> str | None:
    """The record kind that a record test or an amount over rows looks at."""
    return next((node[key] for key in RECORDS if isinstance(node.get(key), str)), None)


def replaced(benefit: Mapping[str, Any], path: str, node: Any) -> dict[str, Any]:
    """The benefit with another node at a path; None takes the node out, and an empty group with it."""
    changed = _replaced({root: benefit.get(root) for root in ROOTS}, path.split("/"), node)
    return {**benefit, "rule": changed.get("rule") or {"all": []}, "amount": changed.get("amount")}


def _replaced(here: Any, steps: list[str], node: Any) -> Any:
    step, rest = steps[0], steps[1:]
    if isinstance(here, list | tuple):
        at = int(step)
        below = _replaced(here[at], rest, node) if rest else node
        return [*here[:at], *([] if below is None else [below]), *here[at + 1 :]]
    below = _replaced(here[step], rest, node) if rest else node
    if step == "case" and rest and rest[1:] == ["0"] and node is None:  # a branch without a condition is for everybody
        below = _replaced(here[step], rest, {"all": []})
    if below is None or (below == [] and step in ("all", "any", "of")):
        kept = {key: value for key, value in here.items() if key != step}
        return kept if set(here) == set(ROOTS) else None
    found = {**here, step: below}
    if step == "of" and isinstance(below, list) and found.get("at_least", 0) > len(below):
        found["at_least"] = len(below)
    return found


def evidence_of(node: Mapping[str, Any]) -> dict[str, Any]:
    """The words a node was read from, and where they stand."""
    return {name: node[name] for name in EVIDENCE if name in node}


def bare(node: Any) -> Any:
    """A node as plain data without its quotations."""
    if isinstance(node, Mapping):
        return {key: bare(value) for key, value in node.items() if key not in EVIDENCE}
    return [bare(one) for one in node] if isinstance(node, list | tuple) else node


def evidence_in(words: str, clause: str, runs: Sequence[Run], article: str | None) -> dict[str, Any]:
    """Words of the clause as it has them, whatever its line breaks, with their place in the raw text. Raises Uncorrectable."""
    dense = re.sub(r"\s", "", words)
    found = re.search(r"\s*".join(map(re.escape, dense)), clause) if dense else None
    if found is None:
        raise Uncorrectable("quote", f"条文里没有“{words}”；请从条文中原样摘录" if dense else "请从条文中摘录这一项所依据的原话")
    placed = in_raw({"span": list(found.span())}, runs)
    return {"quote": found[0], **({"article": article} if article else {}), **placed}
