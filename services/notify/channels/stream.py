"""The live stream: every listener of this process, fed by one query for all of them.

The query runs after each commit of this process and, because other processes write too, at least twice a second. A listener that
does not read is let go; it comes back with Last-Event-ID and misses nothing.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from services.notify.domain.inbox import Message

POLL = 0.5
PATIENCE = 1000
"""Messages a listener may leave unread."""


@dataclass(eq=False)
class Listener:
    """One open stream: whose inbox, the last change it has, and what waits for it; `lost` when it was let go."""

    uscc: str
    after: int
    waiting: asyncio.Queue[Message] = field(default_factory=lambda: asyncio.Queue(PATIENCE))
    lost: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """The listeners of this process."""

    def __init__(self) -> None:
        self._listeners: set[Listener] = set()
        self._wake = asyncio.Event()

    @property
    def idle(self) -> bool:
        """Whether nobody listens."""
        return not self._listeners

    def wake(self) -> None:
        """Something was committed, or somebody began to listen: look at once."""
        self._wake.set()

    @contextmanager
    def listening(self, listener: Listener) -> Iterator[None]:
        """Feed a listener while it is open."""
        self._listeners.add(listener)
        self.wake()
        try:
            yield
        finally:
            self._listeners.discard(listener)

    async def feed(self, changed: Callable[[Mapping[str, int]], Awaitable[list[Message]]]) -> None:
        """One look: give each listener what changed since its last, in order."""
        after: dict[str, int] = {}
        for listener in self._listeners:
            after[listener.uscc] = min(listener.after, after.get(listener.uscc, listener.after))
        for message in await changed(after):
            for listener in [one for one in self._listeners if one.uscc == message.uscc and one.after < message.seq]:
                try:
                    listener.waiting.put_nowait(message)
                    listener.after = message.seq
                except asyncio.QueueFull:
                    listener.lost.set()
                    self._listeners.discard(listener)

    async def rest(self) -> None:
        """Wait for the next reason to look."""
        try:
            async with asyncio.timeout(POLL):  # not wait_for: before Python 3.12 it swallows a cancellation that meets the wake-up
                await self._wake.wait()
        except TimeoutError:
            return
        self._wake.clear()
