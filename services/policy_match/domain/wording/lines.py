"""A rule and an amount line by line, so that an officer can hold them against the clause.

Each line has the path of its node and the clause's own words for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from contracts.rules import All, AnyOf, AtLeast, Case, Each, Node, Not, Registry
from services.policy_match.domain.reasons import limbs
from services.policy_match.domain.wording.amounts import FORMS, amount_words
from services.policy_match.domain.wording.asked import Asked, group_words
from services.policy_match.domain.wording.terms import Terms


class Line(NamedTuple):
    """One line of a rule or an amount: its path, how deep it stands, its words, and the clause's words behind it."""

    path: str
    depth: int
    words: str
    quote: str | None
    article: str | None


def rule_lines(rule: Node, registry: Registry) -> list[Line]:
    """The rule, a line for every group and every test."""
    return list(_lines(rule, "rule", 0, Asked(Terms(registry))))


def amount_lines(amount: Node | None, registry: Registry) -> list[Line]:
    """The amount in one line, after it each amount and each condition inside it; none where nothing can be computed."""
    return [] if amount is None else list(_parts(amount, "amount", 0, Asked(Terms(registry)), None))


_SEVERAL = ("sum", "min", "max", "times", "instalments", "tiers")
_INNER = ("of", "less", "else_", "pay")


def _parts(amount: Node, path: str, depth: int, asked: Asked, row: str | None) -> Iterator[Line]:
    yield Line(path, depth, amount_words(amount, asked, row), amount.quote, amount.article)
    below = amount.each if isinstance(amount, Each) else row
    inside: list[tuple[str, Any]] = [(name.rstrip("_"), amount.__dict__[name]) for name in _INNER if name in amount.__dict__]
    for name in _SEVERAL:
        items = amount.__dict__.get(name)
        if isinstance(items, tuple):
            inside += [(f"{name}/{n}/1", item[1]) if name == "tiers" else (f"{name}/{n}", item) for n, item in enumerate(items)]
    if isinstance(amount, Case):
        for n, (rule, pay) in enumerate(amount.case):
            yield Line(f"{path}/case/{n}/0", depth + 1, asked.test(rule, row), rule.quote, rule.article)
            inside.append((f"case/{n}/1", pay))
    for where, part in inside:
        if isinstance(part, FORMS):
            yield from _parts(part, f"{path}/{where}", depth + 1, asked, below)


def _lines(node: Node, path: str, depth: int, asked: Asked) -> Iterator[Line]:
    words = group_words(node) if isinstance(node, All | AnyOf | AtLeast | Not) else asked.test(node)
    yield Line(path, depth, words, node.quote, node.article)
    for name, limb in limbs(node):
        yield from _lines(limb, f"{path}/{name}", depth + 1, asked)
