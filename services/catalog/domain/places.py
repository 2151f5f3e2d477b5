"""Places: from a span in the words of a measure to the span in the raw text of its document."""

from collections.abc import Sequence
from typing import Any

Run = tuple[int, int, int, int]
"""A stretch that was taken over as it stands: from and to in the words, from and to in the raw text."""


def in_raw(node: Any, runs: Sequence[Run]) -> Any:
    """The same rule, amount or benefit (plain data) with every `span` counted in the raw text; one that lies in no run is left out."""
    if isinstance(node, dict):
        placed = {key: in_raw(value, runs) for key, value in node.items() if key != "span"}
        span = _placed(node["span"], runs) if node.get("span") else None
        return placed | ({"span": list(span)} if span else {})
    if isinstance(node, list | tuple):
        return [in_raw(item, runs) for item in node]
    return node


def _placed(span: Sequence[int], runs: Sequence[Run]) -> tuple[int, int] | None:
    start, end = span
    first = next((run for run in runs if run[0] <= start < run[1]), None)
    last = next((run for run in runs if run[0] < end <= run[1]), None)
    if first is None or last is None:
        return None
    begin = first[2] + (start - first[0] if _plain(first) else 0)
    stop = last[3] - (last[1] - end if _plain(last) else 0)
    return begin, stop


def _plain(run: Run) -> bool:
    """Whether a run has as many characters in the words as in the raw text, so that each has its place."""
    return run[1] - run[0] == run[3] - run[2]
