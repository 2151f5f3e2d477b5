"""Timed work of catalog: what has passed its last day is taken from offer; a model, where one is set, is asked about drafts."""

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import structlog

from contracts.registry import load_registry
from services.catalog.domain.proposing import Answer, Malformed, instructions, left_open, question, read_answer
from services.catalog.handlers import commands, proposals
from services.catalog.handlers.proposals import Asking
from services.catalog.sources.model import Model, Unanswered, Unusable, model_of
from services.chassis.app import Runtime
from services.chassis.auth import Principal

EVERY = 60.0
"""Seconds between two looks for what has expired."""
IDLE = 5.0
"""Seconds between two looks for drafts while none waits for a model."""
CLAIMED = timedelta(minutes=5)
"""How long a draft belongs to the process that asks about it; longer than an answer may take."""
CALLS, CHARACTERS = 60, 120_000
"""How often a model is asked about one document, and with how many characters, at most."""
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 240))
"""After a question that got no answer, before it is asked again; after the last one it is given up."""
LONGEST_PAUSE = 3600.0
"""Seconds for which a side that does not answer is left alone, at most."""
ASKER = Principal("operator", "job:propose", frozenset())
log = structlog.get_logger()


async def expire(runtime: Runtime[Any]) -> None:
    """Expire benefits for ever; a look that fails because the database is away is taken again at the next minute."""
    while True:
        try:
            await runtime.alone("expire", commands.expire)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("expire.failed", error=type(error).__name__)
        await asyncio.sleep(EVERY)


async def propose(runtime: Runtime[Any]) -> None:
    """Ask the model about drafts for ever, each draft being claimed by one process; without a model, nothing ever."""
    model = model_of(runtime.settings)
    if model is None:
        await asyncio.Event().wait()
        return
    while True:
        try:
            pause = await propose_next(runtime, model)
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            log.warning("propose.waits", error=type(error).__name__)
            pause = IDLE
        await asyncio.sleep(pause)


async def propose_next(runtime: Runtime[Any], model: Model) -> float:
    """Ask about one draft that waits; the seconds to rest afterwards. No transaction is open while the model thinks."""
    async with runtime.work(ASKER) as work:
        asking: Asking | None = await work.store.claim_asking(work.now, work.now + CLAIMED)
        if asking is None:
            return IDLE
        left = left_open(asking.body, asking.unread)
        told, asked = instructions(load_registry()), question(asking.body, left) if left else ""
        outcome = await _why_not(work.store, asking, len(asked)) if left else "nothing-open"
        if outcome is not None:
            await work.store.answered(asking, outcome, {})
            return 0
        await work.store.ask(asking, len(asked))
    try:
        answer = read_answer(await model(told, asked), asking.body, left, load_registry())
    except Unanswered as error:
        return await _put_off(runtime, asking, error)
    except (Unusable, Malformed) as error:
        log.warning("propose.unusable", benefit=asking.benefit, error=str(error))
        async with runtime.work(ASKER) as work:
            await work.store.answered(asking, "unusable", {})
        return 0
    await _keep(runtime, asking, answer, f"model:{model.name}")
    return 0


async def _why_not(store: Any, asking: Asking, characters: int) -> str | None:
    calls, sent = await store.spent(asking.document)
    return "over-budget" if calls >= CALLS or sent + characters > CHARACTERS else None


async def _put_off(runtime: Runtime[Any], asking: Asking, error: Unanswered) -> float:
    """Ask about this draft later, and about no other before: a side that is down is not asked about every draft in turn."""
    log.warning("propose.unanswered", benefit=asking.benefit, error=str(error), attempts=asking.attempts + 1)
    pause = max(PAUSES[min(asking.attempts, len(PAUSES) - 1)].total_seconds(), error.after or 0)
    async with runtime.work(ASKER) as work:
        if asking.attempts < len(PAUSES):
            await work.store.unanswered(asking, work.now + timedelta(seconds=pause))
        else:
            await work.store.answered(asking, "unanswered", {})
    return min(pause, LONGEST_PAUSE)


async def _keep(runtime: Runtime[Any], asking: Asking, answer: Answer, author: str) -> None:
    log.info("propose.answered", benefit=asking.benefit, proposals=len(answer.proposals), dropped=dict(answer.dropped))
    async with runtime.work(ASKER) as work:
        await proposals.propose(asking, answer, work, author=author)
