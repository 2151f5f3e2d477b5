"""A service ends when it is told to, even if a task of it swallows the first word."""

import asyncio

from services.chassis.app import _end


async def test_a_task_that_swallows_a_cancellation_is_told_again() -> None:
    told = 0

    async def deaf() -> None:
        nonlocal told
        while told < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                told += 1

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    async with asyncio.timeout(10):
        await _end([task])
    assert task.done()
    assert told == 2
