"""The same city and the same benefits put to other engines, each in the form it is best at.

`verdicts` is what an engine says of every pair (true or not true); it must be ours before `runs` are timed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from contracts.rules import Benefit
from tests.bench.plain import Verdicts
from tests.bench.queries import DuckDB, Polars
from tests.bench.rule_engines import OpenFisca, Zen
from tests.bench.workload import City


class Peer(Protocol):
    """An engine with the city in its memory. Each of `runs` decides every pair in its own way; the best of them counts."""

    name: str
    version: str
    enterprises: int
    runs: Mapping[str, Callable[[], Any]]

    def verdicts(self, run: str) -> Verdicts:
        """What a run says of every pair."""


class PeerMissing(Exception):
    """The engine cannot be imported; the message says why."""


PEERS: tuple[Callable[[City, Sequence[Benefit]], Peer], ...] = (Polars, DuckDB, OpenFisca, Zen)


def peer(make: Callable[[City, Sequence[Benefit]], Peer], city: City, benefits: Sequence[Benefit]) -> Peer:
    """An engine ready to be asked. Raises PeerMissing where it cannot be imported."""
    try:
        return make(city, benefits)
    except ImportError as error:
        raise PeerMissing(f"{error}; `make bench` installs it into .bench (Python {sys.version.split()[0]})") from error
