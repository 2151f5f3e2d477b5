"""What a handler holds in its hands: events, one unit of work, refusals. Nothing here touches a driver.

A handler is `async def on_x(events: Sequence[Event[X]], work: Work[Store]) -> list[Refused]`. It gets the consecutive events of one
type of one poll of one partition, in order, inside one transaction. It is done with an event, refuses it with a reason (a dead
letter), or raises, which undoes the whole batch (design §3).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, Protocol, TypeVar

from contracts.events import Payload

P = TypeVar("P", bound=Payload, covariant=True)
S = TypeVar("S", covariant=True)


@dataclass(frozen=True)
class Event(Generic[P]):
    """One event as heard: the envelope's fields and the payload."""

    id: str
    source: str
    time: datetime
    key: str
    partition: int
    payload: P
    trace: str | None = None  # the W3C traceparent it came with


@dataclass(frozen=True)
class Refused:
    """An event that will never be handled, and why; it becomes a dead letter."""

    event: Event[Payload]
    reason: str


class Work(Protocol[S]):
    """One transaction: the change, the event heard and the events to say stand or fall together."""

    @property
    def store(self) -> S:
        """The service's queries, bound to this transaction."""

    @property
    def now(self) -> datetime:
        """The moment of this work, in UTC; handlers read no other clock."""

    @property
    def today(self) -> date:
        """The city's day of `now`."""

    def new_id(self) -> str:
        """A fresh UUIDv7 as text; handlers make no id by other means."""

    def say(self, payload: Payload, *, because: Event[Payload] | None = None, trace: str | None = None) -> None:
        """Put an event into the outbox of this transaction.

        `because`: the event heard that caused it; it stays in that event's trace. `trace`: a kept traceparent to go on with
        (a draft keeps its document's); the work's own span is linked. With neither, the work's own span is the parent.
        """

    async def written(self) -> None:
        """Write what was said so far into the outbox, so that much need not be held; it stands or falls with the rest."""

    def trace_of(self, event: Event[Payload] | None = None) -> str | None:
        """The traceparent to keep in a row that waits, for an event heard or for the work itself."""


Handler = Callable[[Sequence[Event[Any]], Any], Awaitable[list[Refused]]]
H = TypeVar("H", bound=Handler)
Subscriptions = Mapping[type[Payload], Handler]
"""A service's wiring: which handler hears which event."""


def takes_turns(handler: H) -> H:
    """Mark a handler that needs the processor or the memory for long: a process runs two such runs at a time, the others wait unhurried."""
    handler.takes_turns = True  # type: ignore[attr-defined]
    return handler
