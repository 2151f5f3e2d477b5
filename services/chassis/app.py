"""Builds and runs a service: HTTP app, database, bus, relay and jobs in one process, and the two doors an API goes through.

`command` is a request that changes something: one transaction holds the change, its events and the reply kept for its
Idempotency-Key. `query` only reads. `/healthz` says that the process lives; `/readyz` says what is not ready.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Generic, TypeVar

import asyncpg
import structlog
import uvicorn
from fastapi import APIRouter, Depends, FastAPI, Request, Response, Security
from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from starlette.types import Receive, Scope, Send

from contracts.topics import TOPIC_OF, TOPICS
from services.chassis import clock, inbox, outbox, problems
from services.chassis.auth import BEARER, Keys, Principal
from services.chassis.bus import Consumer, KafkaFailure, Producer, Stuck, create_topics
from services.chassis.database import Connection, Pool, dumps, migrate, open_pool, transaction
from services.chassis.inbox import Inbox, UnitOfWork
from services.chassis.outbox import Relay
from services.chassis.problems import Fault, Problem
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry, configure_logs, current_traceparent, telemetry_of
from services.chassis.work import Subscriptions, Work

S = TypeVar("S")
KEPT = timedelta(hours=24)
"""How long a reply is kept for its Idempotency-Key."""
log = structlog.get_logger()


@dataclass(frozen=True)
class Reply:
    """What a command answers: a JSON body, a status, headers."""

    body: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        """The HTTP response."""
        return Response(dumps(self.body), status_code=self.status, headers=dict(self.headers), media_type="application/json")


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
        """One read-only look."""
        async with transaction(self.pool, principal=principal.id, uscc=principal.uscc, department=principal.department) as connection:
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
                    trouble = await inbox.troubles(connection)
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


async def _digest(request: Request) -> bytes:
    """What tells one request from another; of a form its fields and files, because the same form is never encoded twice alike."""
    parts = [request.method.encode(), request.url.path.encode(), request.url.query.encode()]
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        for name, value in (await request.form()).multi_items():
            parts.append(name.encode())
            if isinstance(value, str):
                parts.append(value.encode())
            else:
                parts += [(value.filename or "").encode(), sha256(await value.read()).digest()]
                await value.seek(0)
    else:
        parts.append(await request.body())
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()


async def command(request: Request, principal: Principal, do: Callable[[Work[Any]], Awaitable[Reply]]) -> Response:
    """Run a change as one transaction; with an Idempotency-Key, the same request gets the same reply for 24 hours."""
    runtime = runtime_of(request)
    key = request.headers.get("idempotency-key")
    async with runtime.work(principal) as work:
        if key is None:
            return (await do(work)).response()
        if not 1 <= len(key) <= 200:
            raise Problem("invalid-request", "Idempotency-Key 须为 1 至 200 个字符")
        digest = await _digest(request)
        await work.connection.execute(
            "DELETE FROM replies WHERE principal = $1 AND idempotency_key = $2 AND at < $3", principal.id, key, work.now - KEPT
        )
        first = await work.connection.fetchval(
            "INSERT INTO replies (principal, idempotency_key, request, at) VALUES ($1,$2,$3,$4) ON CONFLICT DO NOTHING RETURNING true",
            principal.id,
            key,
            digest,
            work.now,
        )
        if not first:
            kept = await work.connection.fetchrow("SELECT * FROM replies WHERE principal = $1 AND idempotency_key = $2", principal.id, key)
            if kept is None or kept["request"] != digest:
                raise Problem("conflict", "该 Idempotency-Key 已用于另一个请求；请换一个新的键")
            return Response(kept["body"], status_code=kept["status"], headers=kept["headers"], media_type="application/json")
        reply = await do(work)
        response = reply.response()
        await work.connection.execute(
            "UPDATE replies SET status = $3, headers = $4, body = $5 WHERE principal = $1 AND idempotency_key = $2",
            principal.id,
            key,
            reply.status,
            dict(reply.headers),
            bytes(response.body),
        )
        return response


class _App(FastAPI):
    """Begins each request without a current span: a connection whose reading was once paused goes on in that request's context."""

    def openapi(self) -> dict[str, Any]:
        """The description of the API, in which problems have their schema."""
        described = super().openapi()
        described["components"]["schemas"]["Problem"] = problems.SCHEMA
        return described

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        token = attach(Context())
        try:
            await super().__call__(scope, receive, send)
        finally:
            detach(token)


def create_app(
    name: str,
    *,
    store: Callable[[Connection], Any],
    subscriptions: Subscriptions,
    routers: Sequence[APIRouter],
    jobs: Sequence[Job] = (),
    settings: Settings | None = None,
    telemetry: Telemetry | None = None,
    title: str = "",
) -> FastAPI:
    """The ASGI app of a service; nothing is opened before it starts. Without `settings` the environment is read at the start."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        told = settings or Settings()
        configure_logs(name)
        otlp = bool(os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
        own = telemetry or telemetry_of(name, traces=told.traces, otlp=otlp)
        FastAPIInstrumentor.instrument_app(
            app, tracer_provider=own.tracers, meter_provider=own.meters, excluded_urls="healthz,readyz", exclude_spans=["receive", "send"]
        )
        app.middleware_stack = None  # built for the lifespan already, without the instrumentation: the first request builds it anew
        HTTPXClientInstrumentor().instrument(tracer_provider=own.tracers, meter_provider=own.meters)
        runtime = Runtime(name, told, store, subscriptions, own)
        tasks = await runtime.open()
        app.state.runtime = runtime
        tasks += [asyncio.create_task(job(runtime), name=job.__name__) for job in jobs]
        for task in tasks:
            task.add_done_callback(lambda done: _watch(runtime, done))
        log.info("service.started", service=name, http=told.http)
        try:
            yield
        finally:
            runtime.closing = True
            await _end(tasks)
            await runtime.close()
            HTTPXClientInstrumentor().uninstrument()
            FastAPIInstrumentor.uninstrument_app(app)

    app = _App(title=title or f"Zhaoqi {name}", version="1", lifespan=lifespan, docs_url="/docs", redoc_url=None, responses=problems.ERRORS)
    problems.install(app)
    for gone in (*inbox.INFRASTRUCTURE, TimeoutError):
        app.add_exception_handler(gone, _unavailable)
    for router in routers:
        app.include_router(router)
    app.include_router(_health)
    app.include_router(_ops)
    return app


async def _unavailable(_: Request, error: Exception) -> Response:
    log.warning("request.unavailable", exc_info=error)
    return problems.response(Problem("unavailable", "数据库或依赖的服务暂时没有应答；请稍后用同一个 Idempotency-Key 重试"))


async def _end(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Cancel and wait. A library may swallow a cancellation (so does asyncio.wait_for of Python 3.11), hence it is said three times."""
    left: set[asyncio.Task[None]] = set(tasks)
    for _ in range(3):
        for task in left:
            task.cancel()
        if left:
            _, left = await asyncio.wait(left, timeout=4)
    for task in left:
        log.error("task.will_not_end", task=task.get_name())


def _watch(runtime: Runtime[Any], task: asyncio.Task[None]) -> None:
    if runtime.closing:
        return
    error = None if task.cancelled() else task.exception()
    runtime.failed = f"{task.get_name()} ended: {type(error).__name__ if error else 'nobody asked it to'}"
    log.error("task.ended", task=task.get_name(), exc_info=error)


def serve(app: FastAPI) -> None:
    """Run a service at ZHAOQI_HTTP until SIGTERM."""
    host, _, port = Settings().http.rpartition(":")
    uvicorn.run(app, host=host, port=int(port), access_log=False, log_config=None, timeout_graceful_shutdown=5)


_health = APIRouter(tags=["health"])


@_health.get("/healthz")
async def healthz() -> dict[str, str]:
    """The process lives."""
    return {"status": "alive"}


@_health.get("/readyz")
async def readyz(request: Request) -> Response:
    """200 when everything works; 503 with what does not, why, and what to do."""
    faults = await runtime_of(request).not_ready()
    if faults:
        return problems.response(Problem("unavailable", "服务尚未就绪", errors=faults))
    return Reply({"status": "ready"}).response()


_ops = APIRouter(tags=["operations"], prefix="/ops", dependencies=[Depends(allow("ops"))])


@_ops.get("/trouble")
async def trouble(request: Request) -> Response:
    """What an operator should look at: dead letters, parked keys, what waits in the outbox, lag (null: not known now), what rests."""
    runtime = runtime_of(request)
    async with runtime.pool.acquire() as connection:
        letters = await connection.fetch(
            "SELECT id, topic, partition, \"offset\", event_id, headers->>'ce_type' AS type, reason, at FROM dead_letters"
            " WHERE resolved_at IS NULL ORDER BY id LIMIT 200"
        )
        parked = await connection.fetch(
            "SELECT encode(sha256(convert_to(key, 'UTF8')), 'hex') AS key, topic, count(*) AS events, min(at) AS since,"
            " (array_agg(error ORDER BY id))[1] AS error"
            " FROM parked GROUP BY key, topic ORDER BY since LIMIT 200"
        )
        waiting, age = await outbox.depth(connection)
    lag: dict[str, int] | None = None
    if runtime.consumer is not None:
        with suppress(Stuck, KafkaFailure):
            lag = await runtime.consumer.behind()
    state = runtime.consumer.state if runtime.consumer else None
    return Reply(
        {
            "dead_letters": [dict(row) for row in letters],
            "parked": [dict(row) for row in parked],
            "outbox": {"waiting": waiting, "seconds": round(age, 3)},
            "lag": lag,
            "paused": {**state.held, **state.gone} if state else {},
        }
    ).response()


@_ops.post("/dead-letters/{letter}/resend")
async def resend(letter: int, request: Request) -> Response:
    """Handle a dead letter again; a request body, if there is one, takes the place of the event's."""
    runtime = runtime_of(request)
    try:
        await runtime.inbox.resend(letter, body=await request.body() or None)
    except LookupError as error:
        raise Problem("not-found", f"没有待处理的死信 {letter}") from error
    except ValueError as error:
        raise Problem("conflict", f"死信仍不能处理：{error}") from error
    except Exception as error:
        log.warning("ops.resend_failed", exc_info=error)
        raise Problem("conflict", f"处理仍然失败（{type(error).__name__}），死信保留；原因见日志") from error
    return Reply({"resent": letter}).response()


async def _parked_key(runtime: Runtime[Any], digest: str) -> str:
    key: str | None = await runtime.pool.fetchval(
        "SELECT key FROM parked WHERE encode(sha256(convert_to(key, 'UTF8')), 'hex') = $1 LIMIT 1", digest
    )
    if key is None:
        raise Problem("not-found", "没有这个被搁置的键")
    return key


@_ops.post("/parked/{digest}/release")
async def release(digest: str, request: Request) -> Response:
    """Handle what a parked key (named by the SHA-256 `trouble` shows) holds, in order."""
    runtime = runtime_of(request)
    key = await _parked_key(runtime, digest)
    try:
        return Reply({"released": await runtime.inbox.release(key)}).response()
    except Exception as error:
        log.warning("ops.release_failed", exc_info=error)
        raise Problem("conflict", f"处理仍然失败（{type(error).__name__}），事件继续搁置；原因见日志") from error


@_ops.post("/parked/{digest}/drop")
async def drop(digest: str, request: Request) -> Response:
    """Give up what a parked key holds; its events become dead letters."""
    runtime = runtime_of(request)
    return Reply({"dropped": await runtime.inbox.drop(await _parked_key(runtime, digest))}).response()
