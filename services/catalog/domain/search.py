"""Chinese full text: what is kept of a text so that its words are found, what is asked for, and where the words stand.

Chinese has no blanks, and PostgreSQL's parser knows no Chinese word, so a text is kept as the pairs of neighbouring characters
(bigrams) with their places; other scripts as whole words. Both sides are cut the same way, so whatever stands in a text is found by
any stretch of two or more of its characters, and by one character where a pair begins with it. Needs no extension of PostgreSQL.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import NamedTuple

LONGEST = 16383
"""The last place a tsvector can name; what stands behind is found, but ranked as if it stood there."""
_RUN = re.compile(r"[\u3400-\u9fff]+|[^\W_\u3400-\u9fff]+")
_CHINESE = re.compile(r"[\u3400-\u9fff]")


class Highlight(NamedTuple):
    """A stretch of a text in which words that were asked for stand; `marks` are their places in it."""

    field: str
    words: str
    marks: list[tuple[int, int]]


def tsvector(*texts: tuple[str, str]) -> str:
    """The text of a tsvector for texts with their weights (A to D); the weight of the heaviest text counts most."""
    places: dict[str, list[str]] = {}
    offset = 1
    for weight, text in texts:
        folded = _folded(text)
        for at, token in _tokens(folded):
            places.setdefault(token, []).append(f"{min(offset + at, LONGEST)}{weight}")
        offset += len(folded) + 2  # no pair spans two texts
    return " ".join(f"'{token}':{','.join(where[:255])}" for token, where in places.items())


def tsquery(words: str) -> str | None:
    """The text of a tsquery: every word, its pairs one after the other; None where there is nothing to look for."""
    wanted: list[str] = []
    for run in _runs(words):
        if len(run) > 1 and _CHINESE.match(run):
            wanted.append(" <-> ".join(f"'{run[i : i + 2]}'" for i in range(len(run) - 1)))
        else:
            wanted.append(f"'{run}':*")
    return " & ".join(f"({word})" for word in dict.fromkeys(wanted)) or None


def highlight(field: str, text: str, words: str, *, around: int = 40) -> Highlight | None:
    """The stretch of a text around the first words found, with the places of all words in it; None where none stands there."""
    marks = places_of(text, words)
    if not marks:
        return None
    start = max(0, marks[0][0] - around)
    end = min(len(text), marks[0][1] + 2 * around)
    within = [(a - start, b - start) for a, b in marks if a >= start and b <= end]
    return Highlight(field, text[start:end], within)


def places_of(text: str, words: str) -> list[tuple[int, int]]:
    """Where the words stand in a text, over line breaks too; stretches that touch are one."""
    folded = _aligned(text)
    found = [
        match.span()
        for run in _runs(words)
        for match in re.finditer(r"\s*".join(map(re.escape, run)) if _CHINESE.match(run) else re.escape(run), folded)
    ]
    return _joined(sorted(found))


def _joined(places: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    out: list[tuple[int, int]] = []
    for start, end in places:
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    for run in _RUN.finditer(text):
        word, start = run.group(), run.start()
        if _CHINESE.match(word):
            yield from ((start + i, word[i : i + 2]) for i in range(len(word)))  # the last is one character alone
        else:
            yield start, word


def _runs(words: str) -> list[str]:
    """The words asked for; here a blank parts two words."""
    return _RUN.findall(unicodedata.normalize("NFKC", words).casefold())


def _folded(text: str) -> str:
    """Widths and cases made one; line breaks that a text extractor leaves inside Chinese words taken out."""
    return re.sub(r"(?<=[\u3400-\u9fff])\s+(?=[\u3400-\u9fff])", "", unicodedata.normalize("NFKC", text).casefold())


def _aligned(text: str) -> str:
    """The same, character for character, so that places in it are places in the text."""
    return text.translate(_FOLDS)


class _Folds(dict[int, str]):
    """What each character is folded to, learnt as it comes; one that would become several stays."""

    def __missing__(self, code: int) -> str:
        folded = unicodedata.normalize("NFKC", chr(code)).casefold()
        return self.setdefault(code, folded if len(folded) == 1 else chr(code))


_FOLDS = _Folds()
