"""An officer at the page: opened by pasting an API key, held by a cookie no script can read, closed after a working day.

The cookie is `HttpOnly; SameSite=Strict; Path=/desk` (and `Secure` over https); the database keeps hashes of it and of the key, so
a copied table opens nothing and a revoked key closes its sessions. Every form carries the session's token; a form from elsewhere
has none and changes nothing. Before a session there is a token too, in a cookie of its own.
"""

import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256

from fastapi import Request, Response
from starlette.datastructures import FormData

from services.chassis import clock
from services.chassis.app import runtime_of
from services.chassis.auth import Principal
from services.chassis.problems import Problem

COOKIE, BEFORE, TEXT = "zhaoqi_desk", "zhaoqi_desk_before", "zhaoqi_desk_text"
KEPT = timedelta(hours=9)
"""How long a session stays open: a working day."""
SIZES = {"": "标准字号", "large": "大字号（125%）", "larger": "特大字号（150%）", "largest": "最大字号（200%）"}
_NOBODY = Principal("operator", "desk", frozenset())


@dataclass(frozen=True)
class Seat:
    """Who looks at the page: nobody yet, or an officer; the token of its forms; the size of the text."""

    officer: Principal | None
    token: str
    size: str


async def seat_of(request: Request) -> Seat:
    """Who sends a request. A session whose key was revoked is none."""
    size = request.cookies.get(TEXT, "")
    size = size if size in SIZES else ""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        runtime = runtime_of(request)
        async with runtime.read(_NOBODY) as store:
            session = await store.session(_hash(cookie), clock.now())
        if session is not None:
            try:
                return Seat(await runtime.keys.of(session[0]), session[1], size)
            except Problem as problem:
                if problem.code != "unauthenticated":
                    raise
    return Seat(None, request.cookies.get(BEFORE) or secrets.token_urlsafe(24), size)


async def checked(request: Request, seat: Seat) -> FormData:
    """The fields of a form that came from this page. Raises Problem `not-allowed`."""
    form = await request.form()
    token = form.get("token")
    known = seat.officer is not None or request.cookies.get(BEFORE) == seat.token
    if not known or not isinstance(token, str) or not hmac.compare_digest(token.encode(), seat.token.encode()):
        raise Problem("not-allowed", "表单已过期或不是从本页提交的；没有作任何改动，请刷新页面后重试")
    return form


async def sit(request: Request, response: Response, key: str) -> None:
    """Open a session for an officer's key. Raises Problem."""
    runtime = runtime_of(request)
    digest = runtime.keys.digest(key)
    principal = await runtime.keys.of(digest)
    if principal.kind != "officer" or "benefits:read" not in principal.scopes:
        raise Problem("not-allowed", "本页供政策部门人员使用；请使用人员（officer）的密钥")
    cookie, now = secrets.token_urlsafe(32), clock.now()
    async with runtime.work(principal) as work:
        await work.store.open_session(_hash(cookie), digest, secrets.token_urlsafe(24), now=now, closes_at=now + KEPT)
    _set(request, response, COOKIE, cookie, int(KEPT.total_seconds()))
    response.delete_cookie(BEFORE, path="/desk")


async def leave(request: Request, response: Response) -> None:
    """Close the session."""
    cookie = request.cookies.get(COOKIE)
    if cookie:
        async with runtime_of(request).work(_NOBODY) as work:
            await work.store.close_session(_hash(cookie))
    response.delete_cookie(COOKIE, path="/desk")


def remember(request: Request, response: Response, seat: Seat) -> None:
    """Keep the token of somebody who has no session yet."""
    if seat.officer is None:
        _set(request, response, BEFORE, seat.token, 3600)


def resize(request: Request, response: Response, size: str) -> None:
    """Keep the size of the text for a year."""
    _set(request, response, TEXT, size if size in SIZES else "", 365 * 86400)


def _set(request: Request, response: Response, name: str, value: str, seconds: int) -> None:
    secure = request.url.scheme == "https"
    response.set_cookie(name, value, max_age=seconds, path="/desk", secure=secure, httponly=True, samesite="strict")


def _hash(cookie: str) -> bytes:
    return sha256(cookie.encode()).digest()
