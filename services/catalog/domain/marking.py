"""A clause beside its rule: which words belong to which test, and what differs between two versions of a text."""

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal, NamedTuple


class Piece(NamedTuple):
    """A stretch of a clause and the numbers of the tests that quote it, from 1."""

    words: str
    tests: tuple[int, ...]


def marked(text: str, quotes: Sequence[str | None]) -> tuple[list[Piece], list[int]]:
    """The clause in pieces, and the numbers of the quotations that do not stand in it (they come from elsewhere in the document)."""
    spans: list[tuple[int, int, int]] = []
    elsewhere: list[int] = []
    for number, quote in enumerate(quotes, 1):
        if not quote or not quote.strip():
            continue
        found = re.search(r"\s*".join(re.escape(char) for char in re.sub(r"\s", "", quote)), text)
        if found:
            spans.append((*found.span(), number))
        else:
            elsewhere.append(number)
    edges = sorted({0, len(text), *(edge for start, end, _ in spans for edge in (start, end))})
    pieces = [Piece(text[start:end], tuple(number for a, b, number in spans if a <= start and end <= b)) for start, end in pairwise(edges)]
    return pieces, elsewhere


class Difference(NamedTuple):
    """A stretch of words that stayed, went, or came."""

    what: Literal["same", "gone", "new"]
    words: str


def differences(before: str, after: str) -> list[Difference]:
    """How one text became the other; what went stands before what came in its place."""
    found: list[Difference] = []
    for what, a, b, c, d in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if what == "equal":
            found.append(Difference("same", before[a:b]))
            continue
        found += [Difference("gone", before[a:b])] if b > a else []
        found += [Difference("new", after[c:d])] if d > c else []
    return found
