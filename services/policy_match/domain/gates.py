"""Rules of many benefits over the answers of their tests: gates of one kind and width are joined with few operations on many rows.

Sure and possible are alike to Kleene's and and or, so a row of answers is two rows of bits and one operation joins both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.distinct import Gate, Tree
from services.policy_match.domain.sheet import Sheet

Held = NDArray[np.uint64]
"""Answers: two (sure, possible) x rows x words of bits."""

TOGETHER: Final = 16
"""So many gates are joined at once: their bits stay in the processor's cache."""


class Gates:
    """The distinct gates of rules. A gate that stands inside another has a row of its own behind those of the atoms: `number` of these,
    `atoms` says which; `rows` are all. The others are written to where the rules are answered."""

    def __init__(self, rules: Sequence[Tree], atoms: Mapping[Tree, int], number: int) -> None:
        inside: dict[Gate, int] = {}  # with how many levels of gates lie below

        def level(tree: Tree) -> int:
            if isinstance(tree, int):
                return 0
            return 1 + max((_inner(limb) for limb in tree.limbs), default=0)

        def _inner(limb: Tree) -> int:
            if not isinstance(limb, int) and limb not in inside:
                inside[limb] = level(limb)
            return 0 if isinstance(limb, int) else inside[limb]

        for rule in rules:
            level(rule)
        row_of = dict(atoms)
        self._steps: list[_Step] = []
        alike: dict[tuple[int, str, int, int], list[Gate]] = {}
        for gate, below in inside.items():
            alike.setdefault((below, *_form(gate)), []).append(gate)
        for (_, kind, n, _), gates in sorted(alike.items(), key=lambda item: item[0]):
            places = np.arange(number, number + len(gates))
            self._steps.append(_Step(kind, n, _limbs(gates, row_of), places))
            row_of.update(zip(gates, places.tolist(), strict=True))
            number += len(gates)
        self.rows = number
        self._last: list[_Step] = []
        outside: dict[tuple[str, int, int], list[tuple[int, Gate]]] = {}
        for place, rule in enumerate(rules):
            gate = Gate("all", (rule,)) if isinstance(rule, int) or rule in inside else rule
            outside.setdefault(_form(gate), []).append((place, gate))
        for (kind, n, _), given in outside.items():
            places = np.array([place for place, _ in given], dtype=np.intp)
            self._last.append(_Step(kind, n, _limbs([gate for _, gate in given], row_of), places))

    def decide(self, held: Held, sheet: Sheet, out: Held) -> None:
        """Answer the rules from the rows of the atoms, which are filled, and write them to `out`."""
        for steps, to in ((self._steps, held), (self._last, out)):
            for step in steps:
                step.take(held, sheet, to)


class _Step(NamedTuple):
    """Gates of one kind over as many limbs, one gate a row of `limbs`, and the rows to which they are written."""

    kind: str
    n: int
    limbs: NDArray[np.intp]
    places: NDArray[np.intp]

    def take(self, held: Held, sheet: Sheet, out: Held) -> None:
        if self.kind in ("not", "at_least") or not self.limbs.shape[1]:
            for place, limbs in zip(self.places.tolist(), self.limbs.tolist(), strict=True):
                out[:, place] = sheet.gate(self.kind, self.n, [held[:, limb] for limb in limbs])
            return
        for start in range(0, len(self.limbs), TOGETHER):
            some = slice(start, start + TOGETHER)
            for side, to in zip(held, out, strict=True):
                to[self.places[some]] = _joined(self.kind, side, self.limbs[some])


def _joined(kind: str, given: NDArray[np.uint64], limbs: NDArray[np.intp]) -> NDArray[np.uint64]:
    """The gates over the limbs, which stand in the columns of `limbs`."""
    join = np.bitwise_and if kind == "all" else np.bitwise_or
    made: NDArray[np.uint64] = np.take(given, limbs[:, 0], axis=0)
    for column in limbs.T[1:]:
        join(made, np.take(given, column, axis=0), out=made)
    return made


def _form(gate: Gate) -> tuple[str, int, int]:
    return gate.kind, gate.n, len(gate.limbs)


def _limbs(gates: Sequence[Gate], row_of: Mapping[Tree, int]) -> NDArray[np.intp]:
    return np.array([[row_of[limb] for limb in gate.limbs] for gate in gates], dtype=np.intp).reshape(len(gates), -1)
