"""Where a phrase begins and ends, and what stands in it only as an aside."""

import re

from services.catalog.domain.passage import Span

_ASIDE = re.compile(r"\([^()]{1,60}\)")  # what stands in brackets ends no phrase around it


def without_asides(words: str) -> str:
    """The words with everything in brackets blotted out, every character in its place."""
    return _ASIDE.sub(lambda m: "·" * len(m.group()), words)


def phrase_of(text: str, span: Span) -> Span:
    """The unbroken words around a condition: from the stop or the 对 before it to the stop behind it."""
    left, right = max(0, span.start - 160), min(len(text), span.end + 160)
    plain_text = _ASIDE.sub(lambda m: m.group() if m.end() > span.start - left > m.start() else "·" * len(m.group()), text[left:right])
    start = left + max(plain_text.rfind(c, 0, span.start - left) for c in ",。;:(") + 1
    target = text.rfind("对", start, span.start + 1)
    ends = [left + i for i in (plain_text.find(c, span.end - left) for c in ",。;:)") if i >= 0]
    return Span(target + 1 if target >= 0 else start, min(ends, default=len(text)))
