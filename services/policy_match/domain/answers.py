"""The answers of all distinct tests on one stretch of rows, from the lines drawn through columns: what lies at or above each, what below.

A test of one column is a gate over such lines: between is "at least" and "below", not between is "below" or "at least". Kleene's
connectives give unknown where the column is, so nothing is lost, and many tests share a line, which is drawn once.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.columns import Column, Columns, Key
from services.policy_match.domain.distinct import Tree, flat
from services.policy_match.domain.gates import Held
from services.policy_match.domain.questions import Change, Codes, Joint, Members, Question, Sign, Spans
from services.policy_match.domain.sheet import FEW_SPANS, Sheet


class Line(NamedTuple):
    """The rows whose code is at least `at`, or who hold the member `at`."""

    key: Key
    at: int | str


class Answers:
    """Distinct tests as gates over rows of answers: `trees` has that of each atom, where ~row stands for the negation of a row. There are
    `rows` rows to be filled."""

    def __init__(self, columns: Columns, questions: Mapping[int, Question]) -> None:
        self._columns = columns
        self._numbers: dict[Hashable, int] = {}
        self._others: list[tuple[int, Question]] = []  # answered one by one
        self.trees: dict[int, Tree] = {atom: self._tree(question) for atom, question in questions.items()}
        drawn: dict[Key, list[tuple[int, int | str]]] = {}
        for line, number in self._numbers.items():
            if isinstance(line, Line):
                drawn.setdefault(line.key, []).append((number, line.at))
        self._lines = [Lines(columns, key, places) for key, places in drawn.items()]
        self.rows = len(self._numbers)

    def answer(self, sheet: Sheet, held: Held) -> None:
        """Fill the rows with the answers of a sheet."""
        for lines in self._lines:
            lines.answer(sheet, held)
        for row, question in self._others:
            held[row] = sheet.truth(question)

    def _tree(self, question: Question, not_: bool = False) -> Tree:
        """The gates of a question, or of its negation, over numbers of lines."""
        match question:
            case Codes() if _few(question):
                spans, inside = _lesser(question)
                inside ^= not_
                if not spans:
                    return self._line(question.key, 1, inside)
                return flat("any" if inside else "all", [self._span(question.key, span, not inside) for span in spans])
            case Members() if question.members:
                return flat(
                    "all" if question.every ^ not_ else "any", [self._line(question.key, member, not_) for member in question.members]
                )
            case Joint():
                not_ ^= question.kind == "not"
                return flat("any" if not_ else "all", [self._tree(part, not_) for part in question.parts])
        # growth is asked anew for each benefit, whose judgements may settle it; columns answer it once
        signed: Hashable = question if isinstance(question, Sign | Change) else len(self._numbers)
        if signed not in self._numbers:
            self._numbers[signed] = len(self._numbers)
            self._others.append((self._numbers[signed], question))
        number = self._numbers[signed]
        return ~number if not_ else number

    def _span(self, key: Key, span: tuple[int, int], not_: bool) -> Tree:
        """The rows whose code lies in a span, or outside; beyond the last code there is no row."""
        start, stop = span
        column = self._columns.columns[key]
        assert isinstance(column, Column)
        closed = stop <= len(column.values)
        ends = [self._line(key, start, not_)] if start > 1 or not closed else []
        return flat("any" if not_ else "all", [*ends, self._line(key, stop, not not_)] if closed else ends)

    def _line(self, key: Key, at: int | str, not_: bool) -> int:
        number = self._numbers.setdefault(Line(key, at), len(self._numbers))
        return ~number if not_ else number


class Lines:
    """The lines drawn through one column, which are compared with all its rows at once."""

    def __init__(self, columns: Columns, key: Key, places: Sequence[tuple[int, int | str]]) -> None:
        self._key, self._rows = key, np.array([row for row, _ in places])
        column = columns.columns[key]
        if isinstance(column, Column):
            self._codes: NDArray[np.unsignedinteger[Any]] | None = np.array([at for _, at in places], dtype=column.codes.dtype)[:, None]
        else:
            self._codes, self._members = None, np.stack([column.holding(str(at)) for _, at in places])

    def answer(self, sheet: Sheet, held: Held) -> None:
        """Fill the rows of the lines."""
        if self._codes is None:
            lines = self._members[:, sheet.words]
        else:
            lines = np.packbits(sheet.codes_of(self._key) >= self._codes, axis=1, bitorder="little").view(np.uint64)
        held[self._rows, 0] = lines
        held[self._rows, 1] = lines | sheet.unknown(self._key)


def _few(question: Codes) -> bool:
    """Whether it has a line for each of its ends."""
    return not question.whole and bool(question.true or question.false) and len(_lesser(question)[0]) <= FEW_SPANS


def _lesser(question: Codes) -> tuple[Spans, bool]:
    """The side with fewer spans, and whether that is what is true."""
    inside = len(question.true) <= len(question.false)
    return (question.true, True) if inside else (question.false, False)
