"""What notify does without being asked: feed the live streams, and send webhook deliveries that are due."""

import asyncio

import asyncpg
import httpx
import structlog
from opentelemetry.trace import SpanKind, Status, StatusCode

from services.chassis import clock, dialer
from services.chassis.app import Job, Runtime
from services.chassis.auth import Principal
from services.chassis.telemetry import context_of
from services.notify.channels import webhook
from services.notify.channels.stream import Hub
from services.notify.domain.delivery import Delivery, Tried
from services.notify.store import Store

TOGETHER = 32
"""Deliveries sent at once."""
IDLE = 1.0
"""Seconds between looks while nothing is due."""
SELF = Principal("operator", "notify", frozenset())

log = structlog.get_logger()


def streaming(hub: Hub) -> Job:
    """Feed this process's live streams, after each commit of its own and at least twice a second."""

    async def stream(runtime: Runtime[Store]) -> None:
        runtime.after_commit(hub.wake)
        while True:
            await hub.rest()
            if hub.idle:
                continue
            try:
                async with runtime.read(SELF) as store:
                    await hub.feed(store.changed)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("stream.waits", error=type(error).__name__)
                await asyncio.sleep(1)

    return stream


async def deliver(runtime: Runtime[Store]) -> None:
    """Send what is due; several processes share the work, each row being claimed by one."""
    async with httpx.AsyncClient(timeout=dialer.TOTAL, trust_env=False, follow_redirects=False) as client:
        while True:
            try:
                sent = await _round(runtime, client)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("deliver.waits", error=type(error).__name__)
                sent = 0
            if not sent:
                await asyncio.sleep(IDLE)


async def _round(runtime: Runtime[Store], client: httpx.AsyncClient) -> int:
    async with runtime.work(SELF) as work:
        due = await work.store.claim(work.now, TOGETHER)
    if due:
        tried = await asyncio.gather(*(_send(runtime, client, delivery) for delivery in due))
        async with runtime.work(SELF) as work:
            await work.store.settle(tried)
    return len(due)


async def _send(runtime: Runtime[Store], client: httpx.AsyncClient, delivery: Delivery) -> Tried:
    """One try, as a span in the trace of its message."""
    settings = runtime.settings
    with runtime.telemetry.tracer.start_as_current_span(
        "deliver webhook", context=context_of(delivery.traceparent), kind=SpanKind.CLIENT
    ) as span:
        tried = await webhook.deliver(
            client,
            delivery,
            at=clock.now(),
            master=settings.secret.get_secret_value(),
            allow=dialer.allowed(settings.webhook_allow),
        )
        if tried.state != "delivered":
            span.set_status(Status(StatusCode.ERROR))
        return tried
