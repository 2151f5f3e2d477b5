"""The registry's names in a text: which codes words name and where they stand; what stands for a fact that the registry lacks."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from contracts.rules import Registry
from services.catalog.domain.passage import Span

Node = dict[str, Any]


@dataclass(frozen=True)
class Told:
    """A rule node, and what an officer should know about how it was made."""

    node: Node
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Setting:
    """Where the reading takes place: the registry, the deployment's city and, where the document is a district's, its code.

    `inclusive` says of a bounding word (以上, 超过 …) whether it includes the figure, where the document settles it (含本数, 下同);
    `meanings` what the document says its own terms ask for (本措施所称…是指).
    """

    registry: Registry
    city: str
    place: str | None = None
    inclusive: Mapping[str, bool] = field(default_factory=dict)
    meanings: Mapping[str, Node] = field(default_factory=dict)


def all_of(tests: Sequence[Node]) -> Node:
    """All of the tests as one node."""
    return tests[0] if len(tests) == 1 else {"all": list(tests)}


def any_of(tests: Sequence[Node]) -> Node:
    """Any of the tests as one node."""
    return tests[0] if len(tests) == 1 else {"any": list(tests)}


def named(registry: Registry, codes: str, words: str) -> list[str]:
    """The codes of a list that the words name, longest wording first; a wording that stands under several codes means all of them."""
    return named_at(registry, codes, words, Span(0, len(words)))[0]


def named_at(registry: Registry, codes: str, text: str, span: Span) -> tuple[list[str], list[Span]]:
    """The codes whose wordings meet `span`, although they may begin before it or end behind it, and where those wordings stand."""
    table: Mapping[str, Sequence[str]] = registry.codes.get(codes, {})
    left, right = max(0, span.start - 30), min(len(text), span.end + 30)
    found: list[str] = []
    places: list[Span] = []
    words = plain_quotes(text[left:right])
    standing = {w for many in table.values() for w in many if _plain(w) in words}
    for wording in sorted(standing, key=lambda w: len(_plain(w)), reverse=True):
        for m in _shape(wording).finditer(text, left, right):
            place = Span(m.start(), m.end())
            if place.meets(span) and not any(place.meets(p) for p in places):
                places.append(place)
                found += [code for code, many in table.items() if wording in many and code not in found]
    return found, places


def plain_quotes(words: str) -> str:
    """The words without quotation marks of any kind."""
    return re.sub(f"[{_QUOTES}]", "", words)


_QUOTES = '“”‘’"「」'


@lru_cache(maxsize=4096)
def _plain(wording: str) -> str:
    return plain_quotes(wording).replace("（", "(").replace("）", ")")


@lru_cache(maxsize=4096)
def _shape(wording: str) -> re.Pattern[str]:
    return re.compile(f"[{_QUOTES}]?".join(re.escape(char) for char in _plain(wording)))


def open_fact(words: str, otherwise: str) -> str:
    """The id of a fact that the registry lacks, named by the words that ask for it."""
    return "open." + (re.sub(r"\W", "", words)[:24] or otherwise)
