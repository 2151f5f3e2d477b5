"""Builds and runs the app of a service: HTTP, telemetry, the tasks of its runtime, and an end to all of them.

`/healthz` says that the process lives; `/readyz` says what is not ready.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import structlog
import uvicorn
from fastapi import APIRouter, FastAPI, Request, Response
from opentelemetry.context import Context, attach, detach
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from starlette.types import Receive, Scope, Send

from services.chassis import inbox, operations, problems, retention
from services.chassis.database import Connection
from services.chassis.logs import configure_logs
from services.chassis.problems import Problem
from services.chassis.replies import Reply
from services.chassis.runtime import Job, Runtime, allow, command, runtime_of
from services.chassis.settings import Settings
from services.chassis.telemetry import Telemetry, telemetry_of
from services.chassis.work import Subscriptions

# What the main and the API of a service need, in one place.
__all__ = ["Job", "Reply", "Runtime", "allow", "command", "create_app", "runtime_of", "serve"]

log = structlog.get_logger()


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
        tasks += [asyncio.create_task(job(runtime), name=job.__name__) for job in (retention.forget, *jobs)]
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
    app.include_router(operations.router)
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
