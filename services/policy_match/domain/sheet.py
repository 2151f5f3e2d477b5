"""Questions put to a stretch of rows: Kleene's three values as two sets of bits, where it is true for sure and where it may be true."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import eq, ge, gt, le, lt
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.columns import Bits, Column, Key, SetColumn, pack
from services.policy_match.domain.questions import Change, Codes, Days, Joint, Members, Question, Settled, Sign, Spans
from services.policy_match.domain.values import OPEN_END

COMPARE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"=": eq, "<": lt, "<=": le, ">": gt, ">=": ge}
FEW_SPANS: Final = 6  # as many spans are compared one by one; more are looked up

Truth = NDArray[np.uint64]
"""Two rows of bits: where something is true, and where it is not false. Kleene's and, or and at-least work on both alike."""


def truth_of(true: Bits, false: Bits, every: Bits) -> Truth:
    """From where it is true and where it is false."""
    return np.stack([true, every ^ false])


class Sheet:
    """Some rows of columns: whole words of bits from `start` to before `stop` (rows, the last word padded); `every` marks real rows."""

    def __init__(self, columns: Mapping[Key, Column | SetColumn], every: Bits, start: int = 0, stop: int | None = None) -> None:
        self.columns = columns
        self.start, self.stop = start, len(every) * 64 if stop is None else stop
        self.words = slice(self.start // 64, self.stop // 64)
        self.every = every[self.words]
        self.none = np.zeros_like(self.every)
        self._from: dict[tuple[Key, int], Bits] = {}
        self._is: dict[tuple[Key, int], Bits] = {}
        self._unknown: dict[Key, Bits] = {}
        self._positive: dict[Key, Bits] = {}

    def truth(self, question: Question) -> Truth:
        """The answer of each row."""
        return _FORMS[type(question)](self, question)

    def _answered(self, true: Bits, known: Bits) -> Truth:
        found = np.empty((2, len(true)), dtype=np.uint64)
        found[0] = true
        np.bitwise_or(true, self.every ^ known, out=found[1])
        return found

    def known(self, key: Key) -> Bits:
        column = self.columns.get(key)
        return self.none if column is None else column.known[self.words]

    def unknown(self, key: Key) -> Bits:
        found = self._unknown.get(key)
        if found is None:
            found = self._unknown[key] = self.every ^ self.known(key)
        return found

    def codes_of(self, key: Key) -> NDArray[np.unsignedinteger[Any]]:
        column = self.columns[key]
        assert isinstance(column, Column)
        return column.codes[self.start : self.stop]

    def numbers(self, key: Key) -> NDArray[np.int64]:
        column = self.columns[key]
        assert isinstance(column, Column)
        return column.numbers[self.start : self.stop]

    def from_code(self, key: Key, code: int) -> Bits:
        """The rows whose code is at least so great."""
        found = self._from.get((key, code))
        if found is None:
            if code <= 0:
                return self.every
            if code == 1:
                return self.known(key)
            column = self.columns[key]
            assert isinstance(column, Column)
            beyond = code > len(column.values)
            found = self._from[key, code] = self.none if beyond else pack(self.codes_of(key) >= column.codes.dtype.type(code))
        return found

    def _in(self, key: Key, spans: Spans) -> Bits:
        """The rows whose code lies in one of the spans."""
        if len(spans) > FEW_SPANS:
            column = self.columns[key]
            assert isinstance(column, Column)
            inside = np.zeros(len(column.values) + 1, dtype=np.bool_)
            for start, stop in spans:
                inside[start:stop] = True
            return np.bitwise_and(pack(inside[self.codes_of(key)]), self.every)
        if not spans:
            return self.none
        found = self._span(key, *spans[0])
        for span in spans[1:]:
            found = found | self._span(key, *span)
        return found

    def _span(self, key: Key, start: int, stop: int) -> Bits:
        column = self.columns.get(key)
        count = len(column.values) if isinstance(column, Column) else 0
        if stop > count:  # one threshold, which other tests may share
            return self.from_code(key, start)
        if start > 1 and stop - start == 1:
            found = self._is.get((key, start))
            if found is None:
                codes = self.codes_of(key)
                found = self._is[key, start] = pack(codes == codes.dtype.type(start))
            return found
        return self.from_code(key, start) ^ self.from_code(key, stop)

    def _of_codes(self, question: Codes) -> Truth:
        true, false, key = question.true, question.false, question.key
        found = np.empty((2, len(self.every)), dtype=np.uint64)
        if not true and not false:
            found[0], found[1] = self.none, self.every
        elif question.whole:
            found[:] = self._in(key, true)
        elif len(true) <= len(false):
            inside = self._in(key, true)
            found[0] = inside
            np.bitwise_or(inside, self.unknown(key), out=found[1])
        else:
            np.bitwise_xor(self.every, self._in(key, false), out=found[1])
            np.bitwise_and(found[1], self.known(key), out=found[0])
        return found

    def _of_members(self, question: Members) -> Truth:
        column = self.columns[question.key]
        assert isinstance(column, SetColumn)
        known = column.known[self.words]
        found = known if question.every else self.none
        for member in question.members:
            held = column.holding(member)[self.words]
            found = found & held if question.every else found | held
        return self._answered(found, known)

    def _of_sign(self, question: Sign) -> Truth:
        known = self.every
        total: NDArray[np.int64] | None = None
        for key, factor in question.terms:
            known = known & self.known(key)
            if factor:
                part = self.numbers(key) if factor == 1 else self.numbers(key) * factor
                total = part if total is None else total + part
        if total is None:
            return self._answered(known if COMPARE[question.op](question.constant, 0) else self.none, known)
        return self._answered(pack(COMPARE[question.op](total, -question.constant)) & known, known)

    def _of_change(self, question: Change) -> Truth:
        (now, times), (then, less) = question.now, question.then
        base, known = self.numbers(then), self.known(now) & self.known(then)
        if question.zero is not None:
            base = np.where(base == 0, question.zero, base)
        if question.growth:
            known &= self._above(then) if question.zero is None else pack(base > 0)
        reached = base * less
        if question.constant:
            reached -= question.constant
        return self._answered(pack(COMPARE[question.op](self.numbers(now) * times, reached)) & known, known)

    def _above(self, key: Key) -> Bits:
        """The rows whose number is above 0."""
        found = self._positive.get(key)
        if found is None:
            found = self._positive[key] = pack(self.numbers(key) > 0)
        return found

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
        return self._answered(pack(COMPARE[question.op](self.numbers(question.left), days)) & known, known)

    def _of_settled(self, question: Settled) -> Truth:
        return question.truth[:, self.words]

    def _of_joint(self, question: Joint) -> Truth:
        return self.gate(question.kind, 0, [self.truth(part) for part in question.parts])

    def gate(self, kind: str, n: int, limbs: Sequence[Truth]) -> Truth:
        """Kleene's connectives, row by row."""
        if kind == "not":
            return self.every ^ limbs[0][::-1]
        if kind == "at_least":
            return self._at_least(n, limbs)
        if not limbs:
            return np.stack([self.every, self.every] if kind == "all" else [self.none, self.none])
        if len(limbs) == 1:
            return limbs[0]
        join = np.bitwise_and if kind == "all" else np.bitwise_or
        found: Truth = join(limbs[0], limbs[1])
        for limb in limbs[2:]:
            join(found, limb, out=found)
        return found

    def _at_least(self, n: int, limbs: Sequence[Truth]) -> Truth:
        """The rows for which n or more of the limbs hold."""
        reached = [np.stack([self.none, self.none])] * n
        for limb in limbs:
            for number in range(n - 1, 0, -1):
                reached[number] = reached[number] | (reached[number - 1] & limb)
            reached[0] = reached[0] | limb
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
