"""What an operator sees and does: what waits and why, dead letters to mend and resend, parked keys to release or drop."""

from contextlib import suppress
from typing import Any

import structlog
from fastapi import APIRouter, Depends, Request, Response

from services.chassis import outbox
from services.chassis.bus import KafkaFailure, Stuck
from services.chassis.problems import Problem
from services.chassis.replies import Reply
from services.chassis.runtime import Runtime, allow, runtime_of
from services.chassis.waiting import NoSuchLetter

log = structlog.get_logger()
router = APIRouter(tags=["operations"], prefix="/ops", dependencies=[Depends(allow("ops"))])


@router.get("/trouble")
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


@router.post("/dead-letters/{letter}/resend")
async def resend(letter: int, request: Request) -> Response:
    """Handle a dead letter again; a request body, if there is one, takes the place of the event's."""
    runtime = runtime_of(request)
    try:
        await runtime.inbox.resend(letter, body=await request.body() or None)
    except NoSuchLetter as error:
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


@router.post("/parked/{digest}/release")
async def release(digest: str, request: Request) -> Response:
    """Handle what a parked key (named by the SHA-256 `trouble` shows) holds, in order."""
    runtime = runtime_of(request)
    key = await _parked_key(runtime, digest)
    try:
        return Reply({"released": await runtime.inbox.release(key)}).response()
    except Exception as error:
        log.warning("ops.release_failed", exc_info=error)
        raise Problem("conflict", f"处理仍然失败（{type(error).__name__}），事件继续搁置；原因见日志") from error


@router.post("/parked/{digest}/drop")
async def drop(digest: str, request: Request) -> Response:
    """Give up what a parked key holds; its events become dead letters."""
    runtime = runtime_of(request)
    return Reply({"dropped": await runtime.inbox.drop(await _parked_key(runtime, digest))}).response()
