"""What policy_match does without being asked: every day everything is decided anew, because time alone changes outcomes."""

import asyncio
from datetime import datetime, time
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.chassis.app import Runtime
from services.chassis.inbox import UnitOfWork
from services.policy_match.handlers.sweeps import on_day
from services.policy_match.store import Store

DUE = time(0, 5)
"""City time from which a day's sweep is due; a service that was down then makes it up when it starts."""
LOOK = 20.0

log = structlog.get_logger()


def due(now: datetime, timezone: str) -> bool:
    """Whether the day's sweep is due."""
    return now.astimezone(ZoneInfo(timezone)).time() >= DUE


async def day(runtime: Runtime[Store]) -> None:
    """Say the day's sweeps once a day, whoever of several processes comes first."""

    async def tick(work: UnitOfWork[Store]) -> None:
        if due(work.now, runtime.settings.timezone):
            await on_day(work)

    while True:
        try:
            await runtime.alone("day", tick)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("day.waits", error=type(error).__name__)
        await asyncio.sleep(LOOK)
