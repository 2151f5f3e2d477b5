"""Rules of many benefits over the answers of their tests: each distinct gate is joined once, a few words of bits at a time.

Sure and possible are alike to Kleene's and and or, so an answer is two rows of bits, one behind the other, and one operation joins both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.distinct import Gate, Tree
from services.policy_match.domain.sheet import Sheet, Truth

Held = NDArray[np.uint64]
"""Answers: rows x two (sure, possible) x words of bits."""


class Gates:
    """Rules over rows of answers, of which there are `number`; ~row stands for the negation of a row. A gate that several rules share has
    a row of its own behind those: `rows` are all. Any other is joined where it is used, while its bits are in the processor's cache."""

    def __init__(self, rules: Sequence[Tree], number: int) -> None:
        uses = Counter[Gate]()

        def count(tree: Tree) -> None:
            if not isinstance(tree, int):
                uses[tree] += 1
                if uses[tree] == 1:
                    for limb in tree.limbs:
                        count(limb)

        row_of: dict[Gate, int] = {}
        self._shared: list[_Step] = []

        def limb_of(tree: Tree) -> int | _Step:
            if isinstance(tree, int):
                return tree
            if uses[tree] == 1:
                return step_of(tree)
            if tree not in row_of:
                step = step_of(tree)
                row_of[tree] = number + len(self._shared)
                self._shared.append(step)
            return row_of[tree]

        def step_of(gate: Gate) -> _Step:
            limbs = [limb_of(limb) for limb in gate.limbs]
            rows = [limb for limb in limbs if isinstance(limb, int)]
            gates = [limb for limb in limbs if not isinstance(limb, int)]
            return _Step(gate.kind, gate.n, [row for row in rows if row >= 0], [~row for row in rows if row < 0], gates)

        for rule in rules:
            count(rule)
        self._rules = [step_of(Gate("all", (rule,)) if isinstance(rule, int) else rule) for rule in rules]
        self._number, self.rows = number, number + len(self._shared)

    def decide(self, held: Held, sheet: Sheet, out: Held) -> None:
        """From the rows of answers, which are filled, write for whom each rule holds and for whom it does not: two x rules x words."""
        join = _Joining(held, sheet)
        for place, step in enumerate(self._shared, self._number):
            join(step, held[place])
        found = np.empty(held.shape[1:], dtype=held.dtype)
        for step, holds, fails in zip(self._rules, *out, strict=True):
            sure, possible = join(step, found)
            holds[:] = sure
            np.bitwise_xor(possible, sheet.every, fails)


class _Step(NamedTuple):
    """A gate of a kind over its limbs: rows, negations of rows, and gates that only it uses."""

    kind: str
    n: int
    rows: Sequence[int]
    negated: Sequence[int]
    gates: Sequence[_Step]


class _Joining:
    """Joins gates over the rows of answers of one stretch."""

    def __init__(self, held: Held, sheet: Sheet) -> None:
        self._rows, self._sheet = list(held), sheet
        self._turned = list(held[:, ::-1])  # possible before sure
        self._spare = np.empty(held.shape[1:], dtype=held.dtype)

    def __call__(self, step: _Step, out: Truth) -> Truth:
        """Write the gate's answer to `out`, and give it back."""
        rows, negated, every = self._rows, step.negated, self._sheet.every
        joins = _JOINS.get(step.kind)
        if joins is None or not (step.rows or negated or step.gates):
            truths = [rows[row] for row in step.rows] + [every ^ self._turned[row] for row in negated]
            out[:] = self._sheet.gate(step.kind, step.n, truths + [self(gate, np.empty_like(out)) for gate in step.gates])
            return out
        join, other = joins
        found: Truth | None = None
        if negated:  # by De Morgan; what is sure of a negation is what was not possible
            turned = self._turned[negated[0]]
            if len(negated) > 1:
                other(rows[negated[0]], rows[negated[1]], self._spare)
                for row in negated[2:]:
                    other(self._spare, rows[row], self._spare)
                turned = self._spare[::-1]
            found = np.bitwise_xor(turned, every, out)
        for row in step.rows:
            found = rows[row] if found is None else join(found, rows[row], out)
        for gate in step.gates:
            found = self(gate, out) if found is None else join(found, self(gate, np.empty_like(out)), out)
        if found is not None and found is not out:  # there is one limb at least
            out[:] = found
        return out


_JOINS: Mapping[str, tuple[np.ufunc, np.ufunc]] = {
    "all": (np.bitwise_and, np.bitwise_or),
    "any": (np.bitwise_or, np.bitwise_and),
}
"""What joins the limbs of a gate, and what joins those of its negation."""
