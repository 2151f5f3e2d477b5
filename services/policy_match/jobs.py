"""What policy_match does without being asked: every day everything is decided anew, because time alone changes outcomes; bulk files of
facts are fetched and loaded, shard by shard, by all processes together."""

import asyncio
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import asyncpg
import structlog

from services.chassis import clock
from services.chassis.app import Runtime
from services.chassis.auth import Principal
from services.chassis.inbox import UnitOfWork
from services.policy_match.handlers.deliveries import NotLoaded, load_next, put_off
from services.policy_match.handlers.sweeps import on_day
from services.policy_match.sources.deliveries import Unfetched, shards_of
from services.policy_match.store import Store

DUE = time(0, 5)
"""City time from which a day's sweep is due; a service that was down then makes it up when it starts."""
LOOK = 20.0
IDLE = 1.0
"""Seconds between looks for a file that is due."""
FETCHING = timedelta(minutes=10)
"""How long a file belongs to the process that fetches it."""
SELF = Principal("operator", "job:load", frozenset())

log = structlog.get_logger()


def due(now: datetime, timezone: str) -> bool:
    """Whether the day's sweep is due."""
    return now.astimezone(ZoneInfo(timezone)).time() >= DUE


async def turn(work: UnitOfWork[Store], timezone: str) -> None:
    """Begin the day if it is due and was not begun before."""
    if due(work.now, timezone):
        await on_day(work)


async def day(runtime: Runtime[Store]) -> None:
    """Say the day's sweeps once a day, whoever of several processes comes first."""
    while True:
        try:
            await runtime.alone("day", lambda work: turn(work, runtime.settings.timezone))
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("day.waits", error=type(error).__name__)
        await asyncio.sleep(LOOK)


async def load(runtime: Runtime[Store]) -> None:
    """Fetch and load bulk files for ever; several processes share the work, each file and each shard being one's at a time."""
    while True:
        try:
            async with runtime.read(SELF) as store:
                due = await store.anything_due(clock.now())
            while due and (await fetch_one(runtime) or await load_one(runtime)):
                pass
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("load.waits", error=type(error).__name__)
        await asyncio.sleep(IDLE)


async def fetch_one(runtime: Runtime[Store]) -> bool:
    """Fetch a file that is due and keep its lines by shard; says whether there was one."""
    async with runtime.work(SELF) as work:
        delivered = await work.store.claim_delivery(work.now, work.now + FETCHING)
    if delivered is None:
        return False
    try:
        shards = await shards_of(runtime.settings, delivered.address, delivered.sha256)
    except Unfetched as failed:
        log.warning("load.unfetched", delivery=delivered.delivery, problem=str(failed))
        async with runtime.work(SELF) as work:
            await put_off(delivered.delivery, str(failed), work)
        return True
    async with runtime.work(SELF) as work:
        await work.store.keep_shards(delivered.delivery, shards, work.now)
    return True


async def load_one(runtime: Runtime[Store]) -> bool:
    """Load the lines of one shard; says whether there were any."""
    try:
        async with runtime.work(SELF) as work:
            return await load_next(work)
    except NotLoaded as failed:
        log.error("load.failed", delivery=failed.delivery, exc_info=failed.__cause__)
        async with runtime.work(SELF) as work:
            await put_off(failed.delivery, f"not loaded: {type(failed.__cause__).__name__}; see the log", work)
        return True
