"""A webhook's deliveries: what is sent to whom, and when a failed try is repeated (Standard Webhooks' recommended schedule)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

SCHEDULE = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600))
"""Pauses before each try; after the last the delivery has failed and waits for a replay."""


@dataclass(frozen=True)
class Webhook:
    """A registered address; `generation` numbers its secret."""

    id: str
    principal: str
    url: str
    generation: int
    rotated_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class Delivery:
    """What is to be sent now, after so many tries."""

    webhook: Webhook
    id: str
    body: dict[str, Any]
    tries: int
    traceparent: str | None


@dataclass(frozen=True)
class Tried:
    """What became of one try; `due` is when to try again, None when this was the last (`state` says how it ended)."""

    webhook: str
    delivery: str
    status: int | None
    error: str | None
    milliseconds: int
    at: datetime
    state: str  # delivered, waiting, failed
    due: datetime | None


def tried(delivery: Delivery, *, status: int | None, error: str | None, milliseconds: int, at: datetime) -> Tried:
    """The outcome of a try: any 2xx is delivered; else it waits for its next turn, or has failed after the last."""
    done = error is None and status is not None and 200 <= status < 300
    last = delivery.tries + 1 >= len(SCHEDULE)
    return Tried(
        webhook=delivery.webhook.id,
        delivery=delivery.id,
        status=status,
        error=error if error or done else f"应答状态 {status}，应为 2xx",
        milliseconds=milliseconds,
        at=at,
        state="delivered" if done else "failed" if last else "waiting",
        due=None if done or last else at + SCHEDULE[delivery.tries + 1],
    )
