"""Rules of many benefits over the answers of their tests: gates of one kind and width are joined with few operations on many rows.

Sure and possible are alike to Kleene's and and or, so a row of answers is two rows of bits and one operation joins both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.distinct import Gate, Tree
from services.policy_match.domain.sheet import Sheet

Held = NDArray[np.uint64]
"""Answers: two (sure, possible) x rows x words of bits."""

TOGETHER: Final = 16
"""So many gates are joined at once: their bits stay in the processor's cache."""


class Gates:
    """The distinct gates of rules, each with a row of its own behind those of the atoms: `number` of these, `atoms` says which. `rows`
    are all there are, `of_rules` those where the rules are answered."""

    def __init__(self, rules: Sequence[Tree], atoms: Mapping[Tree, int], number: int) -> None:
        depths: dict[Gate, int] = {}

        def depth(tree: Tree) -> int:
            if isinstance(tree, int):
                return 0
            if tree not in depths:
                depths[tree] = 1 + max(map(depth, tree.limbs), default=0)
            return depths[tree]

        for rule in rules:
            depth(rule)
        alike: dict[tuple[int, str, int, int], list[Gate]] = {}
        for gate, level in depths.items():
            alike.setdefault((level, gate.kind, gate.n, len(gate.limbs)), []).append(gate)
        row_of = dict(atoms)
        self.rows = number
        self._steps: list[tuple[str, int, int, NDArray[np.intp]]] = []
        for (_, kind, n, width), gates in sorted(alike.items(), key=lambda item: item[0]):
            limbs = np.array([[row_of[limb] for limb in gate.limbs] for gate in gates], dtype=np.intp).reshape(len(gates), width)
            self._steps.append((kind, n, self.rows, limbs))
            row_of.update(zip(gates, range(self.rows, self.rows + len(gates)), strict=True))
            self.rows += len(gates)
        self.of_rules = np.array([row_of[rule] for rule in rules], dtype=np.intp)

    def decide(self, held: Held, sheet: Sheet) -> None:
        """Fill the rows of the gates; those of the atoms are filled."""
        beside = np.empty((TOGETHER, held.shape[2]), dtype=np.uint64)
        for kind, n, first, limbs in self._steps:
            if kind in ("all", "any") and limbs.shape[1]:
                for start in range(0, len(limbs), TOGETHER):
                    some = limbs[start : start + TOGETHER]
                    for side in held:
                        _join(kind, side, some, side[first + start : first + start + len(some)], beside[: len(some)])
            else:
                for row, of in enumerate(limbs.tolist(), first):
                    held[:, row] = sheet.gate(kind, n, [held[:, limb] for limb in of])


def _join(kind: str, given: NDArray[np.uint64], limbs: NDArray[np.intp], made: NDArray[np.uint64], beside: NDArray[np.uint64]) -> None:
    """Make the gates over the limbs, which stand in the columns of `limbs`."""
    join = np.bitwise_and if kind == "all" else np.bitwise_or
    made[:] = given[limbs[:, 0]]
    for column in limbs.T[1:]:
        join(made, np.take(given, column, axis=0, out=beside, mode="clip"), out=made)
