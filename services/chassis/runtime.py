"""A running service: its database, relay, consumer and keys, and the two doors an API goes through.

`command` is a request that changes something: one transaction holds the change, its events and the reply kept for its
Idempotency-Key. `Runtime.read` only looks.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Annotated, Any, Generic, TypeVar

import asyncpg
from fastapi import Request, Response, Security

from contracts.topics import TOPIC_OF, TOPICS
from services.chassis import clock, outbox
from services.chassis.auth import BEARER, Keys, Principal
from services.chassis.bus import Consumer, Producer, create_topics
from services.chassis.database import Connection, Pool, migrate, open_pool, transaction
from services.chassis.inbox import Inbox, UnitOfWork
from services.chassis.outbox import Relay
from services.chassis.problems import Fault
from services.chassis.replies import Reply, once
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry, current_traceparent
from services.chassis.waiting import troubles
from services.chassis.work import Subscriptions, Work

S = TypeVar("S")

Job = Callable[["Runtime[Any]"], Coroutine[Any, Any, None]]
"""Timed work: runs until cancelled; each tick does its work under `Runtime.alone`."""


class Runtime(Generic[S]):
    """A running service: what its API and jobs work with."""

    def __init__(
        self, name: str, settings: Settings, store: Callable[[Connection], S], subscriptions: Subscriptions, telemetry: Telemetry
    ) -> None:
        self.name, self.settings, self.telemetry = name, settings, telemetry
        self._store, self._subscriptions = store, subscriptions
        self.pool: Pool
        self.keys: Keys
        self.relay: Relay
        self.inbox: Inbox[S]
        self.consumer: Consumer | None = None
        self.failed: str | None = None
        self.closing = False
        self._listeners: list[Callable[[], None]] = []

    def after_commit(self, listener: Callable[[], None]) -> None:
        """Call `listener` after every commit of this process, from its event loop; it must return at once."""
        self._listeners.append(listener)

    def _committed(self) -> None:
        self.relay.wake()
        for listener in self._listeners:
            listener()

    async def open(self) -> list[asyncio.Task[None]]:
        """Migrate, connect, and start the relay and the consumer; returns their tasks."""
        settings = self.settings
        await migrate(settings.database_url, self.name)
        self.pool = await open_pool(settings.database_url, service=self.name)
        neighbour = settings.service_key.get_secret_value() if settings.service_key else None
        self.keys = Keys(self.pool, settings.secret.get_secret_value(), service_key=neighbour)
        said = [topic for topic in TOPICS.values() if self.name in (topic.said_by, *topic.heard_by)]
        if settings.kafka_in_memory:
            await outbox.say_again(self.pool)
        else:
            await create_topics(settings.kafka, said)
        self._producer = Producer(settings.kafka)
        self.relay = Relay(
            self.pool, self._producer, service=self.name, telemetry=self.telemetry, in_memory=settings.kafka_in_memory, crash=settings.crash
        )
        self.inbox = Inbox(
            self.pool,
            service=self.name,
            subscriptions=self._subscriptions,
            store=self._store,
            telemetry=self.telemetry,
            timezone=settings.timezone,
            wake=self._committed,
            crash=settings.crash,
        )
        tasks = [asyncio.create_task(self.relay.run(), name="relay"), asyncio.create_task(self._measure(), name="measure")]
        topics = {TOPIC_OF[event].name for event in self._subscriptions}
        if topics:
            self.consumer = Consumer(
                settings.kafka,
                group=self.name,
                topics=sorted(topics),
                process=self.inbox.process,
                telemetry=self.telemetry,
                session=3.0 if settings.kafka_in_memory else 10.0,  # the mock lets a killed member's group wait twice this long
            )
            tasks.append(asyncio.create_task(self.consumer.run(), name="consumer"))
        return tasks

    async def close(self) -> None:
        """Give back what `open` took."""
        await self._producer.stop()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.pool.close(), 5)
        self.telemetry.shutdown()

    @asynccontextmanager
    async def work(self, principal: Principal) -> AsyncIterator[UnitOfWork[S]]:
        """One transaction of a command or a tick; what was said is sent after the commit."""
        async with transaction(self.pool, principal=principal.id, uscc=principal.uscc, department=principal.department) as connection:
            now = clock.now()
            work = UnitOfWork(self._store(connection), connection, now, clock.city_day(now, self.settings.timezone))
            trace = current_traceparent()
            if trace:
                work.traces[trace.split("-")[1]] = trace
            yield work
            await work.finish()
        self._committed()

    @asynccontextmanager
    async def read(self, principal: Principal) -> AsyncIterator[S]:
        """One look, in which the database refuses to write: a change goes through `work`, where what it says is sent."""
        told = {"principal": principal.id, "uscc": principal.uscc, "department": principal.department}
        async with transaction(self.pool, **told, readonly=True) as connection:
            yield self._store(connection)

    async def alone(self, job: str, do: Callable[[UnitOfWork[S]], Awaitable[None]]) -> bool:
        """Run a tick of a job as one unit of work, if no other process is running it; says whether it ran."""
        async with self.work(Principal("operator", f"job:{job}", frozenset())) as work:
            if not await work.connection.fetchval("SELECT pg_try_advisory_xact_lock(hashtext('zhaoqi.job'), hashtext($1))", job):
                return False
            await do(work)
            return True

    async def _measure(self) -> None:
        """Keep the gauges of what waits up to date."""
        while True:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                async with self.pool.acquire() as connection:
                    depth, age = await outbox.depth(connection)
                    trouble = await troubles(connection)
                self.telemetry.gauge("zhaoqi.outbox.depth", depth)
                self.telemetry.gauge("zhaoqi.outbox.age", age)
                self.telemetry.gauge("zhaoqi.dead_letters", trouble["dead_letters"])
                self.telemetry.gauge("zhaoqi.parked_keys", trouble["parked_keys"])
            await asyncio.sleep(5)

    async def not_ready(self) -> list[Fault]:
        """What keeps this service from working, in plain words."""
        faults = []
        if self.failed:
            faults.append(Fault("process", self.failed, "see the log, then restart the service"))
        try:
            async with asyncio.timeout(2), self.pool.acquire() as connection:
                await connection.fetchval("SELECT 1")
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            faults.append(Fault("database", f"does not answer ({type(error).__name__})", "start PostgreSQL or correct ZHAOQI_DATABASE_URL"))
        if self.relay.trouble:
            faults.append(Fault("relay", self.relay.trouble, "start the broker or correct ZHAOQI_KAFKA"))
        if self.consumer is not None:
            state = self.consumer.state
            if state.trouble:
                faults.append(Fault("consumer", state.trouble, "start the broker or correct ZHAOQI_KAFKA"))
            elif not state.assigned:
                faults.append(Fault("consumer", "no partition is assigned yet", "wait; or there are more members than partitions"))
            faults += [Fault(f"partition {place}", why, "mend the cause; it goes on by itself") for place, why in state.held.items()]
            faults += [
                Fault(f"partition {place}", what, "replay what is missing, then place the group anew") for place, what in state.gone.items()
            ]
        return faults


def runtime_of(request: Request) -> Runtime[Any]:
    """The runtime behind a request."""
    runtime: Runtime[Any] = request.app.state.runtime
    return runtime


def allow(scope: str) -> Callable[..., Awaitable[Principal]]:
    """A dependency: the caller, who must hold `scope`."""

    async def dependency(request: Request, _: Annotated[object, Security(BEARER, scopes=[scope])]) -> Principal:
        return await runtime_of(request).keys.principal(request, scope)

    return dependency


async def command(request: Request, principal: Principal, do: Callable[[Work[Any]], Awaitable[Reply]]) -> Response:
    """Run a change as one transaction; with an Idempotency-Key, the same request gets the same reply for 24 hours."""
    key = request.headers.get("idempotency-key")
    async with runtime_of(request).work(principal) as work:
        if key is None:
            return (await do(work)).response()
        return await once(request, key, lambda: do(work), connection=work.connection, principal=principal.id, now=work.now)
