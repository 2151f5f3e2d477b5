"""Timed work of catalog: what has passed its last day is taken from offer, at the start and every minute."""

import asyncio
from typing import Any

import asyncpg
import structlog

from services.catalog.handlers import commands
from services.chassis.app import Runtime

EVERY = 60.0
"""Seconds between two looks."""
log = structlog.get_logger()


async def expire(runtime: Runtime[Any]) -> None:
    """Expire benefits for ever; a look that fails because the database is away is taken again at the next minute."""
    while True:
        try:
            await runtime.alone("expire", commands.expire)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("expire.failed", error=type(error).__name__)
        await asyncio.sleep(EVERY)
