"""Questions put to a stretch of rows: Kleene's three values as two sets of bits, one for true and one for false."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.column_tests import Change, Codes, Days, Joint, Members, Question, Settled, Sign, Spans
from services.policy_match.domain.columns import Bits, Column, Key, SetColumn, pack
from services.policy_match.domain.distinct import Gate, Tree
from services.policy_match.domain.values import OPEN_END

COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
_FEW_SPANS: Final = 6  # as many spans are compared one by one; more are looked up


class Truth(NamedTuple):
    """The rows for which something is true, and those for which it is false; for the others it is unknown."""

    true: Bits
    false: Bits


class Sheet:
    """Some rows of columns: whole words of bits from `start` to before `stop` (rows, the last word padded); `every` marks real rows."""

    def __init__(self, columns: Mapping[Key, Column | SetColumn], every: Bits, start: int = 0, stop: int | None = None) -> None:
        self.columns = columns
        self.start, self.stop = start, len(every) * 64 if stop is None else stop
        self.words = slice(self.start // 64, self.stop // 64)
        self.every = every[self.words]
        self._none = np.zeros_like(self.every)
        self._from: dict[tuple[Key, int], Bits] = {}
        self._is: dict[tuple[Key, int], Bits] = {}
        self._reckoned: dict[Sign | Change, Truth] = {}

    def truth(self, question: Question) -> Truth:
        """The answer of each row."""
        if not isinstance(question, Sign | Change):
            return _FORMS[type(question)](self, question)
        if question not in self._reckoned:
            self._reckoned[question] = _FORMS[type(question)](self, question)
        return self._reckoned[question]

    def known(self, key: Key) -> Bits:
        column = self.columns.get(key)
        return self._none if column is None else column.known[self.words]

    def _codes_of(self, key: Key) -> NDArray[np.unsignedinteger[Any]]:
        column = self.columns[key]
        assert isinstance(column, Column)
        return column.codes[self.start : self.stop]

    def numbers(self, key: Key) -> NDArray[np.int64]:
        column = self.columns[key]
        assert isinstance(column, Column)
        return column.numbers[self.start : self.stop]

    def from_code(self, key: Key, code: int) -> Bits:
        """The rows whose code is at least so great."""
        if code <= 0:
            return self.every
        if code == 1:
            return self.known(key)
        found = self._from.get((key, code))
        if found is None:
            column = self.columns[key]
            assert isinstance(column, Column)
            beyond = code > len(column.values)
            found = self._from[key, code] = self._none if beyond else pack(self._codes_of(key) >= column.codes.dtype.type(code))
        return found

    def _in(self, key: Key, spans: Spans) -> Bits:
        """The rows whose code lies in one of the spans."""
        if len(spans) > _FEW_SPANS:
            column = self.columns[key]
            assert isinstance(column, Column)
            inside = np.zeros(len(column.values) + 1, dtype=np.bool_)
            for start, stop in spans:
                inside[start:stop] = True
            return np.bitwise_and(pack(inside[self._codes_of(key)]), self.every)
        found = self._none
        for number, (start, stop) in enumerate(spans):
            part = self._span(key, start, stop)
            found = part if number == 0 else found | part
        return found

    def _span(self, key: Key, start: int, stop: int) -> Bits:
        column = self.columns.get(key)
        count = len(column.values) if isinstance(column, Column) else 0
        if start <= 1 or stop > count:  # one threshold, which others may share
            upper = self._none if stop > count else self.from_code(key, stop)
            return self.from_code(key, start) ^ upper
        if stop - start == 1:
            found = self._is.get((key, start))
            if found is None:
                codes = self._codes_of(key)
                found = self._is[key, start] = pack(codes == codes.dtype.type(start))
            return found
        return self.from_code(key, start) ^ self.from_code(key, stop)

    def _of_codes(self, question: Codes) -> Truth:
        true, false, key = question.true, question.false, question.key
        if not true and not false:
            return Truth(self._none, self._none)
        first = min(span[0] for span in (*true, *false))
        everything = self.every if first == 0 else self.known(key)
        if len(false) < len(true):
            found = self._in(key, false)
            return Truth(everything ^ found, found)
        found = self._in(key, true)
        return Truth(found, everything ^ found)

    def _of_members(self, question: Members) -> Truth:
        column = self.columns[question.key]
        assert isinstance(column, SetColumn)
        known = column.known[self.words]
        found = known if question.every else self._none
        for member in question.members:
            held = column.holding(member)[self.words]
            found = found & held if question.every else found | held
        return Truth(found, known ^ found)

    def _of_sign(self, question: Sign) -> Truth:
        known = self.every
        total: NDArray[np.int64] | None = None
        for key, factor in question.terms:
            known = known & self.known(key)
            if factor:
                part = self.numbers(key) if factor == 1 else self.numbers(key) * factor
                total = part if total is None else total + part
        if total is None:
            holds = COMPARE[question.op](question.constant, 0)
            return Truth(known, self._none) if holds else Truth(self._none, known)
        found = pack(COMPARE[question.op](total, -question.constant)) & known
        return Truth(found, known ^ found)

    def _of_change(self, question: Change) -> Truth:
        known = self.known(question.now[0]) & self.known(question.then[0])
        base = self.numbers(question.then[0])
        if question.zero is not None:
            base = np.where(base == 0, question.zero, base)
        if question.growth:
            known = known & pack(base > 0)
        total = self.numbers(question.now[0]) * question.now[1] - base * question.then[1]
        found = pack(COMPARE[question.op](total, -question.constant)) & known
        return Truth(found, known ^ found)

    def _of_days(self, question: Days) -> Truth:
        known = self.known(question.left)
        other = self.columns.get(question.right)
        if not isinstance(other, Column):
            days: Any = OPEN_END.toordinal()
        else:
            table = np.full(len(other.values) + 1, OPEN_END.toordinal(), dtype=np.int64)
            moved = question.moved
            table[1:] = other.values if moved is None else [moved[int(day)] for day in other.values]
            days = table[other.codes[self.start : self.stop]]
        if question.right not in question.open:
            known = known & self.known(question.right)
        found = pack(COMPARE[question.op](self.numbers(question.left), days)) & known
        return Truth(found, known ^ found)

    def _of_settled(self, question: Settled) -> Truth:
        return Truth(question.true[self.words], question.false[self.words])

    def _of_joint(self, question: Joint) -> Truth:
        return self.gate(question.kind, 0, [self.truth(part) for part in question.parts])

    def tree(self, tree: Tree, atoms: Callable[[int], Truth]) -> Truth:
        """A rule from the answers of its atoms."""
        if isinstance(tree, Gate):
            return self.gate(tree.kind, tree.n, [self.tree(limb, atoms) for limb in tree.limbs])
        return atoms(tree)

    def gate(self, kind: str, n: int, limbs: list[Truth]) -> Truth:
        """Kleene's connectives, row by row."""
        if kind == "not":
            return Truth(limbs[0].false, limbs[0].true)
        if kind == "at_least":
            surely = self._at_least(n, [limb.true for limb in limbs])
            possibly = self._at_least(n, [self.every ^ limb.false for limb in limbs])
            return Truth(surely, self.every ^ possibly)
        if len(limbs) == 1:
            return limbs[0]
        if not limbs:
            return Truth(self.every, self._none) if kind == "all" else Truth(self._none, self.every)
        if kind == "all":
            true, false = limbs[0].true & limbs[1].true, limbs[0].false | limbs[1].false
            for limb in limbs[2:]:
                np.bitwise_and(true, limb.true, out=true)
                np.bitwise_or(false, limb.false, out=false)
            return Truth(true, false)
        true, false = limbs[0].true | limbs[1].true, limbs[0].false & limbs[1].false
        for limb in limbs[2:]:
            np.bitwise_or(true, limb.true, out=true)
            np.bitwise_and(false, limb.false, out=false)
        return Truth(true, false)

    def _at_least(self, n: int, sets: list[Bits]) -> Bits:
        """The rows that lie in n or more of the sets."""
        reached = [self._none] * n
        for rows in sets:
            for number in range(n - 1, 0, -1):
                reached[number] = reached[number] | (reached[number - 1] & rows)
            reached[0] = reached[0] | rows
        return reached[n - 1]


_FORMS: dict[type, Callable[[Sheet, Any], Truth]] = {
    Codes: Sheet._of_codes,
    Members: Sheet._of_members,
    Sign: Sheet._of_sign,
    Change: Sheet._of_change,
    Days: Sheet._of_days,
    Settled: Sheet._of_settled,
    Joint: Sheet._of_joint,
}
