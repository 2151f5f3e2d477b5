"""What an answer depends on, and the two questions that may be asked of it: does a rule hold, and what is a value worth."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Protocol, TypeVar

from contracts.rules import Figures, Node, PopulationTest, Registry
from services.policy_match.domain.enterprise import Enterprise, Row
from services.policy_match.domain.periods import canonical
from services.policy_match.domain.truth import Answer
from services.policy_match.domain.values import Exact, TypeMismatch, Value, same_text

_Meaning = TypeVar("_Meaning", bound=Callable[..., object])


class Ranking(Protocol):
    """Where a figure stands among the enterprises ranked for one population test."""

    @property
    def ranked(self) -> int: ...

    @property
    def unranked(self) -> int: ...

    def place(self, figure: Exact) -> int | None:
        """The rank, 1 being the best; None for a figure that was not ranked."""
        ...


Ranked = tuple[str, PopulationTest]
"""A population test of a benefit, named by its id."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Everything an answer depends on. `row` is the row at hand inside `where` and `each`; `moved` is the period that `every`
    moves along, with the number of periods; `rankings` are those of the second pass."""

    enterprise: Enterprise
    as_of: date
    registry: Registry
    figures: Figures
    benefit: str = ""
    rankings: Mapping[Ranked, Ranking] | None = None
    row: tuple[str, Row] | None = None
    moved: tuple[str, int] | None = None

    def at_row(self, kind: str, row: Row) -> Scope:
        return Scope(self.enterprise, self.as_of, self.registry, self.figures, self.benefit, self.rankings, (kind, row), self.moved)

    def moving(self, period: str, n: int) -> Scope:
        return Scope(
            self.enterprise, self.as_of, self.registry, self.figures, self.benefit, self.rankings, self.row, (canonical(period), n)
        )


# Rules hold values and values hold rules (`where`): each section enters its meanings here, where every other section can ask for them.
_TRUTH: dict[type, Callable[[Any, Scope], Answer]] = {}
_WORTH: dict[type, Callable[[Any, Scope], Value]] = {}


def truth_of(*nodes: type[Node]) -> Callable[[_Meaning], _Meaning]:
    """Enter the function below as what these nodes mean where a rule stands."""
    return _enter(_TRUTH, nodes)


def worth_of(*nodes: type[Node]) -> Callable[[_Meaning], _Meaning]:
    """Enter the function below as what these nodes mean where a value stands."""
    return _enter(_WORTH, nodes)


def _enter(meanings: dict[type, Callable[..., Any]], nodes: tuple[type[Node], ...]) -> Callable[[_Meaning], _Meaning]:
    def enter(meaning: _Meaning) -> _Meaning:
        meanings.update(dict.fromkeys(nodes, meaning))
        return meaning

    return enter


def answer(rule: Node, scope: Scope) -> Answer:
    """Whether a rule (`contracts.rules.Rule`) holds for one enterprise on one day, and what would settle it (rules.md 1 and 2).

    Raises TypeMismatch for a rule that `check` refuses.
    """
    return _TRUTH[type(rule)](rule, scope)


def value(node: Any, scope: Scope) -> Value:
    """What E, the right side of a test or a figure of an amount, is worth: money in yuan, ratios as fractions (rules.md 2, E).

    A test of a fact, of a field or of records is worth its left side. Raises TypeMismatch where it is used in the wrong place.
    """
    kind = type(node)
    if kind is str:
        return same_text(node)
    if kind is tuple:
        return tuple(value(item, scope) for item in node)
    worth = _WORTH.get(kind)
    if worth is not None:
        return worth(node, scope)
    if isinstance(node, bool | Decimal):
        return node
    raise TypeMismatch(f"{kind.__name__} 不能用在这里")
