"""A platform's webhooks: register, list, remove, rotate the secret, look at every attempt, send again."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from services.chassis import clock, dialer
from services.chassis.app import Reply, allow, command, runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Fault, Problem
from services.chassis.work import Work
from services.notify.channels.webhook import OVERLAP, secret_of
from services.notify.domain.delivery import Webhook
from services.notify.store import Store

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
Reader = Annotated[Principal, Depends(allow("messages:read"))]
Limit = Annotated[int, Query(ge=1, le=200)]


class NewWebhook(BaseModel):
    """Where to send."""

    url: str = Field(max_length=2000, description="https:// 开头的完整网址")


class Registered(BaseModel):
    """A webhook. Its secret is read from `…/secret`."""

    id: str
    url: str
    created_at: datetime


class Webhooks(BaseModel):
    """A platform's webhooks."""

    items: list[Registered]
    next: None = None


class Secret(BaseModel):
    """What receivers verify signatures with; `former` also signs for 24 hours after a rotation."""

    secret: str
    former: str | None
    former_until: datetime | None


class Attempt(BaseModel):
    """One try: the HTTP status, or what went wrong; `next_at` is when it is tried again."""

    id: int
    delivery: str
    status: int | None
    error: str | None
    milliseconds: int
    at: datetime
    state: str
    tries: int
    next_at: datetime | None


class Attempts(BaseModel):
    """One page, newest first."""

    items: list[Attempt]
    next: str | None


class Replay(BaseModel):
    """What to send again: what failed, or with `since` everything made from then on."""

    since: datetime | None = None


def _platform(principal: Principal) -> None:
    if principal.kind != "platform":
        raise Problem("not-allowed", "只有平台可以登记推送地址")


async def _owned(store: Store, principal: Principal, webhook: str) -> Webhook:
    _platform(principal)
    for one in await store.webhooks(principal.id):
        if one.id == webhook:
            return one
    raise Problem("not-found", "没有这个推送地址")


@router.post("", status_code=201, responses={201: {"model": Registered}})
async def register(request: Request, principal: Reader, body: NewWebhook) -> Response:
    """Register an address; from now on every new, changed and withdrawn message is sent to it, signed (Standard Webhooks)."""
    _platform(principal)
    try:
        await dialer.check(body.url, dialer.allowed(runtime_of(request).settings.webhook_allow))
    except dialer.Refused as error:
        raise Problem("invalid-request", f"不能使用该推送地址：{error}", errors=[Fault("body.url", str(error))]) from error

    async def do(work: Work[Store]) -> Reply:
        webhook = Webhook(work.new_id(), principal.id, body.url, 1, None, work.now)
        await work.store.add_webhook(webhook)
        return Reply(_shown(webhook), 201)

    return await command(request, principal, do)


def _shown(webhook: Webhook) -> dict[str, Any]:
    return {"id": webhook.id, "url": webhook.url, "created_at": webhook.created_at.isoformat()}


@router.get("")
async def listed(request: Request, principal: Reader) -> Webhooks:
    """The caller's webhooks."""
    _platform(principal)
    async with runtime_of(request).read(principal) as store:
        return Webhooks(items=[Registered(**_shown(one)) for one in await store.webhooks(principal.id)])


@router.delete("/{webhook}")
async def remove(request: Request, webhook: str, principal: Reader) -> Response:
    """Stop sending to an address; what waits for it is given up."""

    async def do(work: Work[Store]) -> Reply:
        await work.store.remove_webhook((await _owned(work.store, principal, webhook)).id, work.now)
        return Reply({"removed": webhook})

    return await command(request, principal, do)


@router.get("/{webhook}/secret")
async def secret(request: Request, webhook: str, principal: Reader) -> Secret:
    """The secrets that sign now."""
    runtime = runtime_of(request)
    async with runtime.read(principal) as store:
        one = await _owned(store, principal, webhook)
    master = runtime.settings.secret.get_secret_value()
    until = one.rotated_at + OVERLAP if one.rotated_at else None
    both = until is not None and until > clock.now()
    return Secret(
        secret=secret_of(one.id, one.generation, master),
        former=secret_of(one.id, one.generation - 1, master) if both else None,
        former_until=until if both else None,
    )


@router.post("/{webhook}/rotate")
async def rotate(request: Request, webhook: str, principal: Reader) -> Response:
    """Make a new secret; the former one signs too for 24 hours."""

    async def do(work: Work[Store]) -> Reply:
        one = await _owned(work.store, principal, webhook)
        return Reply({"id": one.id, "generation": await work.store.rotate(one.id, work.now)})

    return await command(request, principal, do)


@router.get("/{webhook}/attempts")
async def attempts(request: Request, webhook: str, principal: Reader, limit: Limit = 50, cursor: str | None = None) -> Attempts:
    """Every try of every delivery, newest first."""
    if cursor is not None and not cursor.isdecimal():
        raise Problem("invalid-request", "cursor 不是本接口给出的值；请原样使用上一页的 next")
    async with runtime_of(request).read(principal) as store:
        one = await _owned(store, principal, webhook)
        found = await store.attempts(one.id, before=int(cursor) if cursor else None, limit=limit + 1)
    page = found[:limit]
    return Attempts(items=[Attempt(**row) for row in page], next=str(page[-1]["id"]) if len(found) > limit else None)


@router.post("/{webhook}/replay")
async def replay(request: Request, webhook: str, principal: Reader, body: Replay | None = None) -> Response:
    """Send again what failed, or everything since a moment, under the same `webhook-id`."""
    since = body.since if body else None
    if since is not None and since.tzinfo is None:
        raise Problem("invalid-request", "since 须带时区，如 2025-06-30T08:00:00+08:00")

    async def do(work: Work[Store]) -> Reply:
        one = await _owned(work.store, principal, webhook)
        return Reply({"replayed": await work.store.replay(one.id, since=since, at=work.now)})

    return await command(request, principal, do)
