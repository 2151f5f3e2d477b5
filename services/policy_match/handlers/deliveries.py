"""Bulk files of facts: noted when they are said, loaded shard by shard, and only the enterprises whose values changed decided anew.

A shard's lines stay in the database until the transaction that loads them, so a process that dies has loaded a shard or has not.
What counts of two statements is a matter of when they are true and became known, never of when they are loaded (`domain.profile`);
files therefore need no order among themselves or with what is stated one by one.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Protocol

from contracts.events import FactsDelivered, Payload
from services.chassis.work import Event, Refused, Work
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.handlers import Matching
from services.policy_match.handlers.deciding import decided, say
from services.policy_match.handlers.ranking import decidable

TOGETHER = 4096
"""Enterprises that are decided together."""
LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True)
class Delivered:
    """A bulk file as it was said: `identity` names its event, `known_on` is when it was said."""

    delivery: str
    identity: str
    authority: str
    address: str
    sha256: str
    rows: int
    true_on: date
    known_on: datetime
    traceparent: str | None

    def event(self) -> Event[Payload]:
        """The event that caused what comes of the file."""
        said = FactsDelivered(
            delivery=self.delivery, authority=self.authority, address=self.address, sha256=self.sha256, rows=self.rows, true_on=self.true_on
        )
        source, _, name = self.identity.rpartition("/")
        return Event(name, source, self.known_on, self.delivery, 0, said, self.traceparent)


@dataclass(frozen=True)
class Loaded:
    """What came of the lines of a shard: how many, the enterprises whose values changed, and how many lines were left out because
    their enterprise has a new USCC."""

    lines: int
    changed: Sequence[str]
    left_out: int


class Loading(Matching, Protocol):
    """The further queries of bulk files."""

    async def add_deliveries(self, deliveries: Collection[Delivered], at: datetime) -> None:
        """Note files that are to be loaded, once each."""

    async def claim_delivery(self, now: datetime, until: datetime) -> Delivered | None:
        """A file that is to be fetched, which nobody else gets before `until`."""

    async def keep_shards(self, delivery: str, shards: Mapping[int, bytes], now: datetime) -> None:
        """Keep the packed lines of a file that was fetched, once."""

    async def next_shard(self, now: datetime) -> tuple[Delivered, int] | None:
        """A shard of a file whose lines are to be loaded, and which nobody else loads until this transaction ends."""

    async def load_shard(self, delivered: Delivered, partition: int, at: datetime) -> Loaded:
        """Keep what the lines of a shard state, and let go of the lines."""

    async def shard_loaded(self, delivery: str, loaded: Loaded) -> None:
        """Note that a shard of a file is loaded. Another that is noted now is waited for until its transaction ends: do this last."""

    async def postpone(self, delivery: str, until: datetime, problem: str) -> None:
        """Note why a file cannot be fetched or loaded now, and when to try again."""

    async def failures(self, delivery: str) -> int:
        """How often a file could not be fetched or loaded in a row."""

    async def some(self, usccs: Collection[str]) -> list[Enterprise]:
        """These enterprises."""


async def on_delivered(events: Sequence[Event[FactsDelivered]], work: Work[Loading]) -> list[Refused]:
    """Note that files lie ready; they are fetched and loaded by the job `load`."""
    await work.store.add_deliveries(
        [
            Delivered(
                delivery=event.payload.delivery,
                identity=f"{event.source}/{event.id}",
                authority=event.payload.authority,
                address=event.payload.address,
                sha256=event.payload.sha256,
                rows=event.payload.rows,
                true_on=event.payload.true_on,
                known_on=event.time,
                traceparent=work.trace_of(event),
            )
            for event in events
        ],
        work.now,
    )
    return []


class NotLoaded(Exception):
    """The lines of a shard could not be loaded; the cause is its `__cause__`."""

    def __init__(self, delivery: str) -> None:
        super().__init__(f"{delivery} is not loaded")
        self.delivery = delivery


async def load_next(work: Work[Loading]) -> bool:
    """Load the lines of one shard of one file and say what changed; False when nothing is left to load. Raises NotLoaded."""
    found = await work.store.next_shard(work.now)
    if found is None:
        return False
    delivered, partition = found
    try:
        await work.store.lock_shards([partition])
        loaded = await work.store.load_shard(delivered, partition, work.now)
        await _decide(loaded.changed, partition, delivered.event(), work)
        await work.store.shard_loaded(delivered.delivery, loaded)
    except Exception as error:
        raise NotLoaded(delivered.delivery) from error
    return True


async def _decide(changed: Sequence[str], partition: int, cause: Event[Payload], work: Work[Loading]) -> None:
    """Decide enterprises against every benefit, by columns."""
    found = await decidable(work, await work.store.offers(), as_of=None)
    for start in range(0, len(changed) if found.offers else 0, TOGETHER):
        usccs = changed[start : start + TOGETHER]
        before = found.without_waiting(await work.store.matches(usccs))
        after, _ = await decided(found.offers, await work.store.some(usccs), work.today)
        await say(work, before, after, as_of=work.today, partition=partition, cause=lambda _: cause)


async def put_off(delivery: str, problem: str, work: Work[Loading]) -> None:
    """Try a file again later: after seconds at first, after minutes in the end."""
    failures = await work.store.failures(delivery)
    pause = min(timedelta(seconds=2.0 ** min(failures, 10)), LONGEST_PAUSE)
    await work.store.postpone(delivery, work.now + pause, problem)
