"""The answers of all distinct tests on one stretch of rows: tests of one column are answered together."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from services.policy_match.domain.columns import Column, Columns, Key
from services.policy_match.domain.distinct import Tree
from services.policy_match.domain.gates import Held
from services.policy_match.domain.questions import Change, Codes, Question, Sign, Spans
from services.policy_match.domain.sheet import FEW_SPANS, Sheet


class Answers:
    """The answers of distinct tests; `rows` says in which row each is, of so many (`number`)."""

    def __init__(self, columns: Columns, questions: Mapping[int, Question]) -> None:
        by_column: dict[Key, list[tuple[int, Codes]]] = {}
        others: dict[Hashable, tuple[Question, list[int]]] = {}
        for atom, question in questions.items():
            if isinstance(question, Codes) and Thresholds.fit(question):
                by_column.setdefault(question.key, []).append((atom, question))
            else:  # growth is asked anew for each benefit, whose judgements may settle it; columns answer it once
                others.setdefault(question if isinstance(question, Sign | Change) else atom, (question, []))[1].append(atom)
        self._columns: list[tuple[Thresholds, int, int]] = []
        order: list[int] = []
        for key, asked in by_column.items():
            column = columns.columns[key]
            assert isinstance(column, Column)
            thresholds = Thresholds(column, [question for _, question in asked])
            self._columns.append((thresholds, len(order), len(order) + len(asked)))
            order += (asked[number][0] for number in thresholds.order)
        self.rows: dict[Tree, int] = {atom: row for row, atom in enumerate(order)}
        self._others: list[tuple[int, Question]] = []
        for row, (question, atoms) in enumerate(others.values(), len(order)):
            self._others.append((row, question))
            self.rows.update(dict.fromkeys(atoms, row))
        self.number = len(order) + len(others)

    def answer(self, sheet: Sheet, held: Held) -> None:
        """Fill the rows of the tests with the answers of a sheet."""
        for thresholds, start, stop in self._columns:
            thresholds.answer(sheet, held[:, start:stop])
        for row, question in self._others:
            held[:, row] = sheet.truth(question)


class Thresholds:
    """Many questions about the codes of one column, each of few spans: the column is compared with all their ends at once.

    `order` are the numbers of the questions in the order in which they are answered: those alike follow one another.
    """

    def __init__(self, column: Column, questions: Sequence[Codes]) -> None:
        self._key, count = questions[0].key, len(column.values)
        asked: dict[tuple[bool, int], list[tuple[int, list[int]]]] = {}
        for number, question in enumerate(questions):
            negative, spans = _lesser(question)
            ends = [end for span in spans for end in span if end <= count]  # beyond the last code there is no row
            asked.setdefault((negative, len(ends)), []).append((number, ends))
        self.order = [number for alike in asked.values() for number, _ in alike]
        cuts = sorted({end for alike in asked.values() for _, ends in alike for end in ends})
        place = {cut: number for number, cut in enumerate(cuts)}
        self._alike: list[tuple[bool, int, int, NDArray[np.intp]]] = []
        at = 0
        for (negative, _), alike in asked.items():
            self._alike.append((negative, at, at := at + len(alike), np.array([[place[end] for end in ends] for _, ends in alike]).T))
        self._cuts = np.array(cuts, dtype=column.codes.dtype)[:, None]

    @staticmethod
    def fit(question: Codes) -> bool:
        """Whether a question can be answered here."""
        return not question.whole and bool(question.true and question.false) and len(_lesser(question)[1]) <= FEW_SPANS

    def answer(self, sheet: Sheet, out: Held) -> None:
        """Write the answers of all the questions, in `order`."""
        reached = np.packbits(sheet.codes_of(self._key) >= self._cuts, axis=1, bitorder="little").view(np.uint64)
        known, unknown = sheet.known(self._key), sheet.unknown(self._key)
        for negative, start, stop, ends in self._alike:
            sure, possible = out[:, start:stop]
            inside = possible if negative else sure
            np.take(reached, ends[0], axis=0, out=inside, mode="clip")
            for cuts in ends[1:]:
                np.bitwise_xor(inside, np.take(reached, cuts, axis=0), out=inside)
            if negative:
                np.bitwise_xor(inside, known, out=sure)
                np.bitwise_xor(inside, sheet.every, out=possible)
            else:
                np.bitwise_or(inside, unknown, out=possible)


def _lesser(question: Codes) -> tuple[bool, Spans]:
    """The side with fewer spans, and whether that is what is false."""
    negative = len(question.false) < len(question.true)
    return negative, question.false if negative else question.true
