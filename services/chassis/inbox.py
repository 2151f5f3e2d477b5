"""The inbox: every event has its effect once, or is refused with a reason, or stops its key; never is one dropped.

Design §3 in code. A run is the consecutive events of one type of one poll of one partition. It is handled in one transaction with
its inbox rows and outbox rows. An exception undoes the run; after the retries it is tried in halves down to single events. If one
event fails while others succeed, its key is parked; if every event fails, the partition is Stuck and tried again for ever. A lone
failing event is parked only when the database answers a probe; otherwise it is Stuck too.
"""

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

import asyncpg
import structlog
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode
from pydantic import ValidationError
from sqlalchemy import Index, Text
from sqlmodel import Field, SQLModel
from uuid_utils.compat import uuid7

from contracts.events import Payload
from contracts.topics import EVENT_OF_TYPE
from services.chassis import clock
from services.chassis.bus import Heard, Stuck
from services.chassis.database import Connection, Instant, Pool, loads, transaction
from services.chassis.outbox import Said, crashpoint, put
from services.chassis.telemetry import Telemetry, current_traceparent, trace_id, traceparent_of
from services.chassis.waiting import Waiting, id_of, source_of
from services.chassis.work import Event, Handler, Refused, Subscriptions

RETRIES = (0.1, 0.5)
"""Pauses before a failing run is tried again, whole."""
DEADLINE = 120.0
"""Seconds a handler may take for a run; less than half of max.poll.interval."""
TURNS = 2
"""Runs of handlers that take turns at a time: one computes while the other waits for the database."""
PARKED_AN_HOUR = 20
INFRASTRUCTURE = (
    ConnectionError,
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # what a connection says that broke under a query
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.TransactionRollbackError,  # a deadlock or a serialisation failure: another transaction's doing
    asyncpg.LockNotAvailableError,
)
"""Failures that are no event's fault: the database is gone, full or busy, so the partition waits."""

S = TypeVar("S")
log = structlog.get_logger()


class InboxRow(SQLModel, table=True):
    """Events heard, by consumer, source and id."""

    __tablename__ = "inbox"
    __table_args__ = (Index("inbox_over", "topic", "heard_at"),)
    consumer: str = Field(primary_key=True, sa_type=Text)
    source: str = Field(primary_key=True, sa_type=Text)
    event_id: str = Field(primary_key=True, sa_type=Text)
    heard_at: datetime = Field(sa_type=Instant)
    topic: str | None = Field(default=None, sa_type=Text)


@dataclass
class UnitOfWork(Generic[S]):
    """The `Work` of one transaction (see work.Work)."""

    store: S
    connection: Connection
    now: datetime
    today: date
    traces: dict[str | None, str | None] = field(default_factory=dict)  # trace id -> traceparent of this work's span for it
    said: list[Said] = field(default_factory=list)

    def new_id(self) -> str:
        return str(uuid7())

    def trace_of(self, event: Event[Payload] | None = None) -> str | None:
        if event is not None:
            return self.traces.get(trace_id(event.trace), event.trace)
        return current_traceparent() or next(iter(self.traces.values()), None)

    def say(self, payload: Payload, *, because: Event[Payload] | None = None, trace: str | None = None) -> None:
        if trace is not None:
            own = self.trace_of()
            self.said.append(Said(payload, trace, own if trace_id(own) != trace_id(trace) else None))
        else:
            self.said.append(Said(payload, self.trace_of(because)))

    async def written(self) -> None:
        await put(self.connection, self.said, self.now)
        self.said.clear()

    async def finish(self) -> None:
        """Write what was said into the outbox; the caller commits."""
        await self.written()


@dataclass(frozen=True)
class _Item:
    heard: Heard
    event: Event[Payload] | None
    kind: type[Payload] | None
    broken: str | None = None  # why the bytes are no event

    @property
    def name(self) -> tuple[str, str]:
        """Source and id, by which the inbox knows it."""
        return source_of(self.heard), id_of(self.heard)


def decode(heard: Heard, *, strict: bool = False) -> _Item:
    """The event in a record, or why there is none. `strict` (tests) forbids unknown fields."""
    headers = heard.headers
    kind = EVENT_OF_TYPE.get(headers.get("ce_type", ""))
    if "ce_id" not in headers or "ce_type" not in headers:
        return _Item(heard, None, None, "no CloudEvents headers ce_id and ce_type (binary mode)")
    if kind is None:
        return _Item(heard, None, None)
    try:
        payload = kind.model_validate(loads(heard.body or b""), extra="forbid" if strict else "ignore")
        moment = datetime.fromisoformat(headers["ce_time"])
        if moment.tzinfo is None:
            raise ValueError("ce_time has no zone")
    except (ValueError, KeyError, RecursionError) as error:
        what = (
            "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:5])
            if isinstance(error, ValidationError)
            else type(error).__name__
        )
        return _Item(heard, None, kind, f"the body is no {kind.__name__}: {what}")
    event = Event(
        id=headers["ce_id"],
        source=headers.get("ce_source", ""),
        time=moment,
        key=heard.key,
        partition=heard.partition,
        payload=payload,
        trace=_trace(heard),
    )
    return _Item(heard, event, kind)


def _trace(heard: Heard) -> str | None:
    """The traceparent a record came with; a malformed one is none."""
    traceparent = heard.headers.get("traceparent")
    return traceparent if trace_id(traceparent) else None


class Inbox(Generic[S]):
    """Processes records of one service; `process` is what the bus calls."""

    def __init__(
        self,
        pool: Pool,
        *,
        service: str,
        subscriptions: Subscriptions,
        store: Callable[[Connection], S],
        telemetry: Telemetry,
        timezone: str,
        wake: Callable[[], None],
        crash: str | None = None,
    ) -> None:
        self._pool, self._service, self._subscriptions, self._store = pool, service, subscriptions, store
        self._telemetry, self._timezone, self._wake, self._crash = telemetry, timezone, wake, crash
        self._turns = asyncio.Semaphore(TURNS)

    async def process(self, topic: str, partition: int, records: list[Heard]) -> None:
        """Handle the records of one poll of one partition, in order. Raises Stuck; then none may be committed."""
        items = [decode(record) for record in records]
        for kind, run in itertools.groupby(items, key=lambda item: (item.kind, item.broken is not None)):
            await self._run(topic, kind[0], list(run))
        crashpoint("inbox.before_commit", self._crash)

    async def _run(self, topic: str, kind: type[Payload] | None, items: list[_Item]) -> None:
        handler = self._subscriptions.get(kind) if kind else None
        if items[0].broken is None and handler is None:
            return  # an event nobody here listens to
        failure: Exception | None = None
        for pause in (*RETRIES, None):
            try:
                await self._apply(topic, handler, items)
                return
            except Exception as error:
                failure = error
                self._telemetry.count("zhaoqi.events.failed", 1, topic=topic)
                if isinstance(error, INFRASTRUCTURE):
                    raise Stuck(f"{type(error).__name__}: the database does not answer") from error
                if pause is not None:
                    await asyncio.sleep(pause)
        assert failure is not None
        log.warning("inbox.run_failed", topic=topic, events=len(items), exc_info=failure)
        failed: dict[str, tuple[list[_Item], Exception]] = {}
        done = await self._halve(topic, handler, items, failed)
        if failed:
            await self._park_or_stop(topic, failed, done)

    async def _halve(
        self, topic: str, handler: Handler | None, items: list[_Item], failed: dict[str, tuple[list[_Item], Exception]]
    ) -> int:
        """Handle in halves down to single events; later events of a failed key wait behind it. Returns how many were new and done."""
        waiting = [item for item in items if item.heard.key in failed]
        for item in waiting:
            failed[item.heard.key][0].append(item)
        items = [item for item in items if item.heard.key not in failed]
        if not items:
            return 0
        try:
            return await self._apply(topic, handler, items)
        except INFRASTRUCTURE as error:
            raise Stuck(f"{type(error).__name__}: the database does not answer") from error
        except Exception as error:
            if len(items) == 1:
                failed[items[0].heard.key] = (items, error)
                return 0
            middle = len(items) // 2
            return await self._halve(topic, handler, items[:middle], failed) + await self._halve(topic, handler, items[middle:], failed)

    async def _park_or_stop(self, topic: str, failed: dict[str, tuple[list[_Item], Exception]], done: int) -> None:
        first = next(iter(failed.values()))[1]
        if not done and len(failed) > 1:
            raise Stuck(f"every event of the batch fails; the first with {type(first).__name__}") from first
        try:
            async with transaction(self._pool, principal=f"service:{self._service}") as connection:
                now = clock.now()
                waiting = Waiting(connection, self._service, now)
                recent = await waiting.parked_since(now - timedelta(hours=1))
                if recent + len(failed) > PARKED_AN_HOUR:
                    raise Stuck(f"{recent} keys were parked within the hour and {len(failed)} more would be; an operator must look")
                for items, error in failed.values():
                    await waiting.park([item.heard for item in items], f"{type(error).__name__}: {error}")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            raise Stuck(f"{type(error).__name__}: nothing can be parked, the database does not answer as it should") from error
        self._telemetry.count("zhaoqi.events.parked", sum(len(items) for items, _ in failed.values()), topic=topic)
        log.error("inbox.parked", topic=topic, keys=len(failed), error=type(first).__name__)

    async def _apply(self, topic: str, handler: Handler | None, items: list[_Item]) -> int:
        """One transaction: pass over what was heard before or is parked, handle the rest, keep what is refused; how many were new."""
        begun = time.monotonic()
        with self._spans(topic, "process", items) as spans:
            turn = self._turns if getattr(handler, "takes_turns", False) else nullcontext()
            async with turn, asyncio.timeout(DEADLINE), transaction(self._pool, principal=f"service:{self._service}") as connection:
                fresh, refused = await self._in_transaction(connection, handler, items, spans)
        self._wake()
        self._telemetry.count("zhaoqi.events.heard", fresh - refused, topic=topic)
        self._telemetry.count("zhaoqi.events.duplicate", len(items) - fresh, topic=topic)
        self._telemetry.count("zhaoqi.events.refused", refused, topic=topic)
        self._telemetry.took(time.monotonic() - begun, topic=topic)
        return fresh

    @contextmanager
    def _spans(self, topic: str, operation: str, items: Sequence[_Item]) -> Iterator[dict[str | None, trace.Span]]:
        """The spans of work on these items, by trace id; the first is the current one."""
        spans = self._telemetry.batch_spans(
            f"process {topic}",
            SpanKind.CONSUMER,
            [_trace(item.heard) for item in items],
            attributes={
                "messaging.destination.name": topic,
                "messaging.operation.name": operation,
                "messaging.consumer.group.name": self._service,
                "zhaoqi.event": items[0].kind.__name__ if items[0].kind else "unreadable",
            },
        )
        try:
            with trace.use_span(next(iter(spans.values())), end_on_exit=False, record_exception=False, set_status_on_exception=False):
                yield spans
        except BaseException as error:
            for span in spans.values():
                span.set_status(Status(StatusCode.ERROR, type(error).__name__))
            raise
        finally:
            for span in spans.values():
                span.end()

    async def _in_transaction(
        self, connection: Connection, handler: Handler | None, items: list[_Item], spans: dict[str | None, trace.Span]
    ) -> tuple[int, int]:
        now = clock.now()
        waiting = Waiting(connection, self._service, now)
        if parked := await waiting.parked_among(list({item.heard.key for item in items})):
            behind = [item.heard for item in items if item.heard.key in parked]
            await waiting.park(behind, "waits behind a parked event of its key")
            items = [item for item in items if item.heard.key not in parked]
        rows = await connection.fetch(
            "INSERT INTO inbox (consumer, source, event_id, heard_at, topic)"
            " SELECT $1, s, e, $4, t FROM unnest($2::text[], $3::text[], $5::text[]) AS u(s, e, t)"
            " ON CONFLICT DO NOTHING RETURNING source, event_id",
            self._service,
            [item.name[0] for item in items],
            [item.name[1] for item in items],
            now,
            [item.heard.topic for item in items],
        )
        new = {(row["source"], row["event_id"]) for row in rows}
        fresh: dict[tuple[str, str], _Item] = {}
        for item in items:
            if item.name in new:
                fresh.setdefault(item.name, item)
        letters = [(item.heard, item.broken) for item in fresh.values() if item.broken is not None]
        events = [item.event for item in fresh.values() if item.event is not None]
        if events and handler is not None:
            refused = await self._handle(connection, handler, events, spans, now)
            letters += [(fresh[one.event.source, one.event.id].heard, one.reason) for one in refused]
        await waiting.refuse(letters)
        return len(fresh), len(letters)

    async def _handle(
        self,
        connection: Connection,
        handler: Handler,
        events: Sequence[Event[Payload]],
        spans: Mapping[str | None, trace.Span],
        now: datetime,
    ) -> list[Refused]:
        """Call the handler and write what it says."""
        work = UnitOfWork(
            store=self._store(connection),
            connection=connection,
            now=now,
            today=clock.city_day(now, self._timezone),
            traces={key: traceparent_of(span) for key, span in spans.items()},
        )
        refused = await handler(events, work)
        await work.finish()
        return refused

    async def release(self, key: str) -> int:
        """Handle what a parked key holds, in order, in one transaction; returns how many. An exception leaves all of it parked."""
        async with transaction(self._pool, principal="operator") as connection:
            items = [decode(heard) for heard in await Waiting(connection, self._service, clock.now()).take(key)]
            for kind, run in itertools.groupby(items, key=lambda item: (item.heard.topic, item.kind, item.broken is not None)):
                group = list(run)
                topic, event, _ = kind
                with self._spans(topic, "release", group) as spans:
                    await self._in_transaction(connection, self._subscriptions.get(event) if event else None, group, spans)
        self._wake()
        return len(items)

    async def drop(self, key: str) -> int:
        """Give up what a parked key holds: every event becomes a dead letter that says so; returns how many."""
        async with transaction(self._pool, principal="operator") as connection:
            taken = await Waiting(connection, self._service, clock.now()).take(key)
            items = [_Item(heard, None, None, "dropped by an operator") for heard in taken]
            await self._in_transaction(connection, None, items, {})
        return len(items)

    async def resend(self, letter: int, *, body: bytes | None = None) -> None:
        """Handle a dead letter again, with a mended body when one is given; raises NoSuchLetter, or what the handler raises."""
        async with transaction(self._pool, principal="operator") as connection:
            now = clock.now()
            heard = await Waiting(connection, self._service, now).letter(letter)
            item = decode(heard if body is None else replace(heard, body=body))
            handler = self._subscriptions.get(item.kind) if item.kind else None
            if item.event is None or handler is None:
                raise ValueError(item.broken or f"nobody here listens to {heard.headers.get('ce_type')}")
            with self._spans(heard.topic, "resend", [item]) as spans:
                refused = await self._handle(connection, handler, [item.event], spans, now)
            if refused:
                raise ValueError(refused[0].reason)
        self._wake()
