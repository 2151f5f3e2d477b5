"""Which facts and record kinds a rule, an amount or a whole benefit looks at."""

from __future__ import annotations

from collections.abc import Iterator

from contracts.rules.node import walk
from contracts.rules.rule import OPEN, Compared, NoneOf, Rule, Some


def facts_of(rule: object) -> frozenset[str]:
    """The ids of the facts and record kinds that a rule, an amount or a whole benefit looks at, `open.` ids left out."""
    return frozenset(name for name in _asked(rule) if not name.startswith(OPEN))


def open_facts_of(rule: object) -> frozenset[str]:
    """The `open.` ids it looks at: facts the registry does not have yet."""
    return frozenset(name for name in _asked(rule) if name.startswith(OPEN))


def _asked(rule: object) -> Iterator[str]:
    for node in walk(rule):
        for key in ("fact", "some", "none", "count", "sum", "earliest", "latest", "each", "rank", "percentile"):
            name = node.__dict__.get(key)
            if isinstance(name, str):
                yield name


def tests_a_fact(rule: Rule) -> bool:
    """Whether at least one test of the rule asks a fact, a record or the population; a rule of `judged` texts asks none."""
    return any(bool(facts_of(node)) for node in walk(rule) if isinstance(node, Compared | Some | NoneOf))
