"""What a command answers, and the reply kept for its Idempotency-Key, so that the same request asked twice is done once.

The reply stands in the transaction of the change: a request that fails leaves none, and may be mended and asked again under its key.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from fastapi import Request, Response
from sqlalchemy import Index, LargeBinary, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from services.chassis.database import Connection, Instant, dumps
from services.chassis.problems import Problem

KEPT = timedelta(hours=24)
"""How long a reply is kept for its Idempotency-Key."""


class KeptReply(SQLModel, table=True):
    """A reply by principal and key; `request` is the digest of the request it answers."""

    __tablename__ = "replies"
    __table_args__ = (Index("replies_over", "at"),)
    principal: str = Field(primary_key=True, sa_type=Text)
    idempotency_key: str = Field(primary_key=True, sa_type=Text)
    request: bytes = Field(sa_type=LargeBinary)
    status: int | None = None
    headers: dict[str, str] | None = Field(default=None, sa_type=JSONB)
    body: bytes | None = Field(default=None, sa_type=LargeBinary)
    at: datetime = Field(sa_type=Instant)


@dataclass(frozen=True)
class Reply:
    """What a command answers: a JSON body, a status, headers."""

    body: Any
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()

    def response(self) -> Response:
        """The HTTP response."""
        return Response(dumps(self.body), status_code=self.status, headers=dict(self.headers), media_type="application/json")


async def once(
    request: Request, key: str, do: Callable[[], Awaitable[Reply]], *, connection: Connection, principal: str, now: datetime
) -> Response:
    """Do it and keep the reply, or give the reply kept for the same request. Raises Problem `conflict` when the key is another's."""
    if not 1 <= len(key) <= 200:
        raise Problem("invalid-request", "Idempotency-Key 须为 1 至 200 个字符")
    digest = await _digest(request)
    await connection.execute("DELETE FROM replies WHERE principal = $1 AND idempotency_key = $2 AND at < $3", principal, key, now - KEPT)
    # A second request that comes meanwhile waits here until the first has committed or failed.
    first = await connection.fetchval(
        "INSERT INTO replies (principal, idempotency_key, request, at) VALUES ($1,$2,$3,$4) ON CONFLICT DO NOTHING RETURNING true",
        principal,
        key,
        digest,
        now,
    )
    if not first:
        kept = await connection.fetchrow("SELECT * FROM replies WHERE principal = $1 AND idempotency_key = $2", principal, key)
        if kept is None or kept["request"] != digest:
            raise Problem("conflict", "该 Idempotency-Key 已用于另一个请求；请换一个新的键")
        return Response(kept["body"], status_code=kept["status"], headers=kept["headers"], media_type="application/json")
    reply = await do()
    response = reply.response()
    await connection.execute(
        "UPDATE replies SET status = $3, headers = $4, body = $5 WHERE principal = $1 AND idempotency_key = $2",
        principal,
        key,
        reply.status,
        dict(reply.headers),
        bytes(response.body),
    )
    return response


async def _digest(request: Request) -> bytes:
    """What tells one request from another; of a form its fields and files, because the same form is never encoded twice alike."""
    parts = [request.method.encode(), request.url.path.encode(), request.url.query.encode()]
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        for name, value in (await request.form()).multi_items():
            parts.append(name.encode())
            if isinstance(value, str):
                parts.append(value.encode())
            else:
                parts += [(value.filename or "").encode(), sha256(await value.read()).digest()]
                await value.seek(0)
    else:
        parts.append(await request.body())
    return sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).digest()
