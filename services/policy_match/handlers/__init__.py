"""What policy_match does with each event: its values and its ports.

`sweeps`: a new benefit, or a new day, is decided against every enterprise. `facts`: a changed fact is decided against every benefit.
`deliveries`: a bulk file of facts, shard by shard. `ranking`: ranks within the city. `answers`: what enterprises answer.
`deciding`: what all of them do in the end.

No pair is lost between them, because each decides under the lock of the enterprise's shard: a fact that changes while a benefit is
published sees the new benefit, or is seen by the benefit's sweep, which comes after the commit that stored it. What is said is the set
difference between what was remembered and what is decided now, so a repetition says nothing.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Protocol

from contracts.rules import Benefit
from contracts.topics import TOPICS
from services.policy_match.domain.enterprise import Enterprise, enterprise_of
from services.policy_match.domain.interpreter import Ranked
from services.policy_match.domain.matches import City, Counts, Key, Match, Offer
from services.policy_match.domain.population import Population
from services.policy_match.domain.profile import Profile, Statement

SHARDS = TOPICS["sweeps.v1"].partitions


@dataclass(frozen=True)
class Kept:
    """A benefit as it is kept: `matched` when its rule tests a fact, so that it is pushed; the others are listed for all."""

    benefit: Benefit
    version: int
    status: str
    matched: bool
    traceparent: str | None


@dataclass(frozen=True)
class Run:
    """The counts of one benefit over one shard."""

    benefit: str
    version: int
    partition: int
    as_of: date
    reason: str
    counts: Counts


@dataclass(frozen=True)
class Dispute:
    """An enterprise says that a fact is wrong."""

    id: str
    uscc: str
    fact: str
    authority: str
    claimed: Any
    reason: str | None
    at: datetime


@dataclass(frozen=True)
class Answer:
    """What an enterprise did with a message."""

    id: str
    uscc: str
    benefit: str
    occasion: str | None
    message: str | None
    kind: str
    reason: str | None
    rating: int | None
    not_for_me: bool
    at: datetime


class Matching(Protocol):
    """The queries the handlers need, bound to one transaction."""

    async def lock_shards(self, partitions: Iterable[int]) -> None:
        """Wait until no other transaction decides enterprises of these shards."""

    async def keep_benefits(self, rows: Collection[Kept], at: datetime) -> set[str]:
        """Keep benefits unless a newer version is known; returns the ids of those kept."""

    async def offers(self, benefits: Collection[str] | None = None) -> list[Offer]:
        """The published benefits that are matched, of these ids or all."""

    async def city(self, partition: int) -> City:
        """Every enterprise of a shard."""

    async def parts(self, usccs: Collection[str]) -> dict[tuple[str, str], Profile]:
        """What each authority says of these enterprises."""

    async def put_parts(self, parts: Mapping[tuple[str, str], Profile], partition: int, at: datetime) -> None:
        """Keep what authorities say of enterprises."""

    async def add_statements(self, statements: Collection[Statement]) -> None:
        """Keep statements, once each."""

    async def statements(self, uscc: str) -> list[Statement]:
        """All statements about an enterprise, in the order in which they became known."""

    async def formers(self, usccs: Collection[str]) -> dict[str, str]:
        """Those of these USCCs that were replaced, with the one in force."""

    async def partitions(self, usccs: Collection[str]) -> dict[str, int]:
        """The shards of the known ones of these enterprises."""

    async def move(self, moves: Mapping[str, tuple[str, date]]) -> None:
        """Give what is kept under a former USCC to its successor (former -> USCC, since)."""

    async def matched(self, partition: int) -> set[str]:
        """The benefits for which somebody of a shard is remembered."""

    async def shard_matches(self, partition: int, benefits: Collection[str]) -> dict[Key, Match]:
        """The matches of a shard for these benefits."""

    async def matches(self, usccs: Collection[str]) -> dict[Key, Match]:
        """The matches of these enterprises."""

    async def put_matches(self, matches: Collection[Match], partition: int, at: datetime) -> None:
        """Keep new and changed matches."""

    async def drop_matches(self, keys: Collection[Key]) -> None:
        """Forget matches."""

    async def add_runs(self, runs: Collection[Run], at: datetime) -> None:
        """Keep the counts of a sweep."""

    async def add_disputes(self, disputes: Collection[Dispute]) -> None:
        """Keep disputes, once each."""

    async def add_answers(self, answers: Collection[Answer]) -> None:
        """Keep answers, once each."""

    async def whole_city(self) -> list[City]:
        """Every enterprise of the city, each once."""

    async def put_standings(self, population: Population, as_of: date, at: datetime) -> None:
        """Keep where enterprises stand on a day."""

    async def forget_standings(self, before: date) -> None:
        """Let go of what stood before a day."""

    async def population(self, ranks: Iterable[Ranked], as_of: date) -> Population:
        """Where enterprises stand on a day, for those of these of which that is known."""

    async def begin_day(self, day: date, at: datetime) -> bool:
        """Note that a day's sweep was said; False when it was before."""


def enterprise_of_profile(profile: Profile) -> Enterprise:
    """The enterprise as the domain decides it, with the moments at which its facts became known."""
    given = {"uscc": profile.uscc, "name": profile.name, "facts": dict(profile.facts), "records": dict(profile.records)}
    return replace(enterprise_of(given), known_at=profile.known_at())
