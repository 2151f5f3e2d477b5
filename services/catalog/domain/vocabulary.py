"""Facts known by the registry's own wordings: which one a figure is said of, which yes-or-no or graded one some words ask for."""

import re
from collections.abc import Iterator
from functools import lru_cache

from contracts.rules import Fact, Registry
from services.catalog.domain.naming import Node, named, plain_quotes
from services.catalog.domain.quantities import Figure

_LEAST = 3  # characters of a wording that is looked for inside longer words; a shorter one has to end them
_FOLDED = (
    ("营收", "营业收入"),
    ("研究开发费用", "研发费用"),
    ("研发经费支出", "研发费用"),
    ("职工总数", "从业人数"),
    ("(", "（"),
    (")", "）"),
)


def figure_fact(words: str, figure: Figure, registry: Registry) -> str | None:
    """The fact that a figure is said of: the one whose longest wording stands in the words and whose values are counted so."""
    found = [(place, fact) for place, fact in _wordings(_folded(words), registry) if _counts(registry.facts[fact], figure)]
    if found:
        return max(found)[1]
    tail = _folded(words).rstrip("达到为有")
    for name, fact in registry.facts.items():  # 占地5亩: the unit says what the printed words leave out (占地面积)
        if fact.unit and fact.unit == figure.unit and any(len(tail) > 1 and w.startswith(tail[-4:].lstrip("的对且或")) for w in fact.vocab):
            return name
    return None


def fact_said(words: str, registry: Registry) -> str | None:
    """The fact with periods and figures that words without a figure name (占营业收入总额, 财政收入总量)."""
    found = [
        f for f in _wordings(_folded(words), registry) if registry.facts[f[1]].type in ("number", "money") and registry.facts[f[1]].periods
    ]
    return max(found)[1] if found else None


def state(words: str, registry: Registry) -> Node | None:
    """A yes-or-no fact, or one of a list of codes, that the words name by a wording of its own; None where they name none."""
    for _, name in sorted(_wordings(_folded(words), registry), reverse=True):
        fact = registry.facts[name]
        period = {"period": "last_year"} if fact.periods else {}
        if fact.type == "bool":
            return {"fact": name, **period, "is": "=", "value": True}
        if fact.type == "code" and fact.codes not in (None, "district", "industry", "legal_form"):
            codes = named(registry, str(fact.codes), words)
            if codes:
                return {"fact": name, **period, "is": "in", "value": codes}
    return None


def _folded(words: str) -> str:
    for printed, meant in _FOLDED:
        words = words.replace(printed, meant)
    return plain_quotes(words)


def _wordings(words: str, registry: Registry) -> Iterator[tuple[tuple[int, int], str]]:
    """Wordings of facts inside the words, as ((length, place), fact): the longest and then the last counts most."""
    for wording, fact in _index(registry):
        at = words.rfind(wording)
        if at >= 0 and (len(wording) >= _LEAST or at + len(wording) == len(words)):
            yield (len(wording), at), fact


def _index(registry: Registry) -> tuple[tuple[str, str], ...]:
    return _indexed(tuple((name, tuple(fact.vocab), fact.name) for name, fact in registry.facts.items()))


@lru_cache(maxsize=4)
def _indexed(facts: tuple[tuple[str, tuple[str, ...], str], ...]) -> tuple[tuple[str, str], ...]:
    found = {(_folded(w), name) for name, vocab, own in facts for w in (*vocab, own)}
    return tuple(sorted((w, name) for w, name in found if len(w) >= 2))


def _counts(fact: Fact, figure: Figure) -> bool:
    if figure.money:
        return fact.type == "money"
    if figure.share:
        return fact.type in ("ratio", "money", "number")
    if re.fullmatch("年|个月|会计年度|天|日", figure.unit):
        return fact.type == "date" or (fact.type == "number" and fact.unit in ("月", "天") and figure.unit != "年")
    return fact.type == "number" and fact.unit in (None, "", figure.unit, "件" if figure.unit == "项" else None)
