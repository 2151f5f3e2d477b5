"""Versions of a document: which point of the new one goes on with which of the old, what each is called, and what its words became."""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Literal

Kind = Literal["unchanged", "changed", "added", "removed"]
LIKE = 0.5
"""Likeness from which a point goes on with another whatever its number; half of what tells the two from all others is the same."""
COMMON = 64
"""Texts that have a phrase from which on it tells nothing."""
LIKE_IN_PLACE = 0.3
"""Likeness that is enough where the number or the title is the same too."""
COMPARED = 4_000_000
"""Pairs of tokens up to which two texts are compared token by token; longer ones are compared by sentences first."""

_TOKEN = re.compile(
    r"\d+(?:[.,，]\d+)*\s*(?:[%％‰]|[十百千万亿]*(?:元|户|家|人|年|个月|月|日|天|个|次|项|倍|分)?)|[A-Za-z]+|\s+|.", re.DOTALL
)
_SENTENCE = re.compile(r"[^。；;！？\n]*[。；;！？\n]|[^。；;！？\n]+")


@dataclass(frozen=True, slots=True)
class Point:
    """A measure as versions compare it. ``path`` is its id within the document."""

    path: str
    number: str
    title: str
    body: str
    section: tuple[str, ...] = ()
    units: tuple[str, ...] = ()


_NOWHERE = Point("", "", "", "")


@dataclass(frozen=True, slots=True)
class Piece:
    """Words that stayed, went or came; ``before`` and ``after`` are [from, to) in the old and the new words, None where they are not."""

    kind: Literal["same", "removed", "added"]
    text: str
    before: tuple[int, int] | None
    after: tuple[int, int] | None


@dataclass(frozen=True, slots=True)
class Difference:
    """What became of one point. ``title`` and ``body`` are in pieces, and empty where nothing changed."""

    path: str
    kind: Kind
    before: Point | None
    after: Point | None
    title: tuple[Piece, ...] = ()
    body: tuple[Piece, ...] = ()


def folded(text: str) -> str:
    """Words by which texts are held equal: NFKC, without blanks."""
    return re.sub(r"\s+", "", unicodedata.normalize("NFKC", text))


def same_words(one: Point, other: Point) -> bool:
    """Whether two points say the same: title, body and units in charge. A number or a place among headings is no change of words."""
    return (folded(one.title), folded(one.body), [folded(u) for u in one.units]) == (
        folded(other.title),
        folded(other.body),
        [folded(u) for u in other.units],
    )


# --- which goes on with which ------------------------------------------------------------------------------------------


def align(before: Sequence[Point], after: Sequence[Point]) -> list[int | None]:
    """For each point of the new version the index of the point of the old it goes on with, or None; no old point goes on twice.

    Equal words come first, wherever they stand now; then the likeliest pairs; last what kept number and title with new words.
    """
    found: list[int | None] = [None] * len(after)
    free = set(range(len(before)))
    for exact in (
        lambda p: (folded(p.title), folded(p.body), p.section, p.path),
        lambda p: (folded(p.title), folded(p.body), p.section),
        lambda p: (folded(p.title), folded(p.body)),
        lambda p: folded(p.body),
    ):
        waiting: dict[object, list[int]] = defaultdict(list)
        for i in sorted(free):
            waiting[exact(before[i])].append(i)
        for j, point in enumerate(after):
            if found[j] is None and (same := waiting.get(exact(point))):
                found[j] = same.pop(0)
                free.discard(found[j])
    left = [j for j, i in enumerate(found) if i is None]
    for i, j in _likeliest(before, after, sorted(free), left):
        if found[j] is None and i in free:
            found[j] = i
            free.discard(i)
    by_name = {(before[i].path, folded(before[i].title)): i for i in free if before[i].title}
    for j in left:
        i = by_name.get((after[j].path, folded(after[j].title)), -1)
        if found[j] is None and i in free:
            found[j] = i
            free.discard(i)
    return found


def _likeliest(before: Sequence[Point], after: Sequence[Point], old: Sequence[int], new: Sequence[int]) -> list[tuple[int, int]]:
    """Pairs that are alike enough, the likeliest first; of equally likely ones those that kept number, heading and place."""
    bodies = _likeness([folded(before[i].body) for i in old], [folded(after[j].body) for j in new])
    titles = _likeness([folded(before[i].title) for i in old], [folded(after[j].title) for j in new])
    found: list[tuple[float, bool, bool, int, int, int]] = []
    for a, b in bodies.keys() | titles.keys():
        i, j = old[a], new[b]
        one, other = before[i], after[j]
        body, title = bodies.get((a, b), 0.0), titles.get((a, b), 0.0)
        like = 0.75 * body + 0.25 * title if one.title and other.title else body
        in_place = one.path == other.path or (one.title and folded(one.title) == folded(other.title))
        if like >= LIKE or (in_place and like >= LIKE_IN_PLACE):
            found.append((-round(like, 6), one.path != other.path, one.section != other.section, abs(i - j), i, j))
    return [(pair[4], pair[5]) for pair in sorted(found)]


def _likeness(old: Sequence[str], new: Sequence[str]) -> dict[tuple[int, int], float]:
    """How alike texts are: the weight of the pairs of neighbouring tokens that both have (Dice), where there are any.

    A pair weighs the less the more texts have it: the set phrases of official writing make no two measures one.
    """
    before, after = [_pairs(text) for text in old], [_pairs(text) for text in new]
    having = Counter(pair for counted in (*before, *after) for pair in counted)
    weight = {pair: 1 / max(texts - 1, 1) for pair, texts in having.items() if texts <= COMMON}
    where: dict[tuple[str, ...], list[tuple[int, int]]] = defaultdict(list)
    for a, counted in enumerate(before):
        for pair, times in counted.items():
            if pair in weight:
                where[pair].append((a, times))
    sizes = [_size(counted, weight) for counted in before]
    found: dict[tuple[int, int], float] = {}
    for b, counted in enumerate(after):
        shared: dict[int, float] = defaultdict(float)
        for pair, times in counted.items():
            for a, there in where.get(pair, ()):
                shared[a] += weight[pair] * min(times, there)
        size = _size(counted, weight)
        found.update({(a, b): 2 * both / (sizes[a] + size) for a, both in shared.items()})
    return found


def _size(counted: Counter[tuple[str, ...]], weight: Mapping[tuple[str, ...], float]) -> float:
    return sum(weight.get(pair, 0.0) * times for pair, times in counted.items())


def _pairs(text: str) -> Counter[tuple[str, ...]]:
    tokens = _TOKEN.findall(text)
    return Counter(pairwise(tokens)) if len(tokens) > 1 else Counter([tuple(tokens)] if tokens else [])


def paths(before: Sequence[Point], after: Sequence[Point], *, taken: Collection[str]) -> tuple[list[str], list[int | None]]:
    """The id of each point of the new version, and the index of the old point it goes on with.

    What goes on keeps its id even if it was renumbered. What is new takes the id its number gives, or the next free one with ``~2``,
    ``~3``, …; an id that some version of the document ever had (``taken``) is never given to another point.
    """
    aligned = align(before, after)
    used = {*taken, *(point.path for point in before)}
    found: list[str] = []
    for point, i in zip(after, aligned, strict=True):
        path = before[i].path if i is not None else _free(point.path, used)
        used.add(path)
        found.append(path)
    return found, aligned


def _free(path: str, used: Collection[str]) -> str:
    stem, n = re.sub(r"~\d+$", "", path), 2
    while path in used:
        path, n = f"{stem}~{n}", n + 1
    return path


# --- what became of the words ------------------------------------------------------------------------------------------


def differences(before: Sequence[Point], after: Sequence[Point]) -> list[Difference]:
    """What became of each point of two versions whose ids are kept: in the order of the new, each that went after what stood before it."""
    old = {point.path: point for point in before}
    kept = {point.path for point in after}
    gone: dict[str | None, list[Point]] = defaultdict(list)
    last: str | None = None
    for point in before:
        if point.path in kept:
            last = point.path
        else:
            gone[last].append(point)
    found = [_difference(point, None) for point in gone[None]]
    for point in after:
        found.append(_difference(old.get(point.path), point))
        found += [_difference(other, None) for other in gone[point.path]]
    return found


def _difference(old: Point | None, new: Point | None) -> Difference:
    kind: Kind = "added" if old is None else "removed" if new is None else "unchanged" if same_words(old, new) else "changed"
    path = (new or old or _NOWHERE).path
    if kind == "unchanged":
        return Difference(path, kind, old, new)
    one, other = old or _NOWHERE, new or _NOWHERE
    return Difference(path, kind, old, new, words(one.title, other.title), words(one.body, other.body))


def words(before: str, after: str) -> tuple[Piece, ...]:
    """The pieces of two texts in reading order: those that stayed and went make up the old, those that stayed and came the new."""
    old, new = _TOKEN.findall(before), _TOKEN.findall(after)
    if len(old) * len(new) > COMPARED:
        old, new = _SENTENCE.findall(before), _SENTENCE.findall(after)
    steps = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return tuple(_pieces(_without_specks([("".join(old[i:k]), "".join(new[j:m]), op == "equal") for op, i, k, j, m in steps])))


def _without_specks(steps: Sequence[tuple[str, str, bool]]) -> list[tuple[str, str, bool]]:
    """A single character that happens to stand in both between two changes belongs to the change around it."""
    found: list[tuple[str, str, bool]] = []
    for n, (old, new, same) in enumerate(steps):
        speck = same and len(old) == 1 and 0 < n < len(steps) - 1 and all(old_ and new_ for old_, new_, _ in (steps[n - 1], steps[n + 1]))
        if found and not found[-1][2] and (not same or speck):
            found[-1] = (found[-1][0] + old, found[-1][1] + new, False)
        else:
            found.append((old, new, same))
    return found


def _pieces(steps: Iterable[tuple[str, str, bool]]) -> Iterable[Piece]:
    i = j = 0
    for old, new, same in steps:
        if same:
            yield Piece("same", new, (i, i + len(old)), (j, j + len(new)))
        else:
            if old:
                yield Piece("removed", old, (i, i + len(old)), None)
            if new:
                yield Piece("added", new, None, (j, j + len(new)))
        i, j = i + len(old), j + len(new)


def in_raw(span: tuple[int, int], runs: Sequence[Sequence[int]]) -> tuple[int, int] | None:
    """The span in the raw text of a span in words that ``runs`` (words from, to, raw from, to) place there; None where they do not."""
    start, end = span
    touched = [run for run in runs if run[0] < end and start < run[1]]
    if not touched:
        return None
    first, last = touched[0], touched[-1]
    plain = [run[1] - run[0] == run[3] - run[2] for run in (first, last)]
    return (
        first[2] + (max(start - first[0], 0) if plain[0] else 0),
        last[3] - (max(last[1] - end, 0) if plain[1] else 0),
    )
