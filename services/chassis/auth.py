"""Who calls, and what they may: API keys with scopes, stored as keyed hashes in each service's own table (design §9).

A key reads `zq_<prefix>_<secret>`. Only HMAC-SHA-256(ZHAOQI_SECRET, key) is stored, so a copied table opens nothing.
"""

import hmac
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Literal

from fastapi import Request
from fastapi.security import HTTPBearer
from sqlalchemy import ARRAY, Column, Text
from sqlmodel import Field, SQLModel

from services.chassis import clock
from services.chassis.database import Connection, Instant, Pool
from services.chassis.problems import Problem

Kind = Literal["platform", "officer", "authority", "enterprise", "operator"]
KINDS: tuple[Kind, ...] = ("platform", "officer", "authority", "enterprise", "operator")
SCOPES = (
    "documents:write",
    "documents:read",
    "facts:write",
    "facts:read",
    "benefits:read",
    "benefits:edit",
    "benefits:review",
    "benefits:publish",
    "matches:read",
    "claims:write",
    "messages:read",
    "ops",
)
ROLES = ("editor", "reviewer", "publisher")
SERVICES_OF_SCOPE: dict[str, tuple[str, ...]] = {
    "documents:write": ("ingest",),
    "documents:read": ("ingest", "catalog"),
    "facts:write": ("ingest",),
    "facts:read": ("ingest", "policy_match"),
    "benefits:read": ("catalog",),
    "benefits:edit": ("catalog",),
    "benefits:review": ("catalog",),
    "benefits:publish": ("catalog",),
    "matches:read": ("policy_match",),
    "claims:write": ("policy_match",),
    "messages:read": ("notify",),
    "ops": ("ingest", "catalog", "policy_match", "notify"),
}
"""Which services a key with a scope must be written to."""
BEARER = HTTPBearer(scheme_name="key", description="接口密钥，由 zhaoqi keys create 新建", auto_error=False)
"""What OpenAPI says of the key; `Keys.principal` looks at it."""
REMEMBERED = 5.0
"""Seconds for which a checked key is not looked up again; a revocation takes at most this long."""


class ApiKey(SQLModel, table=True):
    """A principal's key: its hash, what it may, until when."""

    __tablename__ = "api_keys"
    hash: bytes = Field(primary_key=True)
    prefix: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    department: str = Field(default="", sa_type=Text)
    uscc: str = Field(default="", sa_type=Text)
    roles: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    scopes: list[str] = Field(sa_column=Column(ARRAY(Text), nullable=False))
    created_at: datetime = Field(sa_type=Instant)
    expires_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)


@dataclass(frozen=True)
class Principal:
    """Who calls: `officer` has a department and roles, `authority` a department, `enterprise` one USCC."""

    kind: str
    name: str
    scopes: frozenset[str]
    department: str = ""
    uscc: str = ""
    roles: frozenset[str] = frozenset()

    @property
    def id(self) -> str:
        """`kind:name`, as written into histories."""
        return f"{self.kind}:{self.name}"

    def must_own(self, uscc: str) -> None:
        """An enterprise sees itself only; anything else answers 404, as if it were not there."""
        if self.kind == "enterprise" and self.uscc != uscc:
            raise Problem("not-found", "没有找到该企业")


NEIGHBOUR = Principal(
    "platform", "neighbour", frozenset({"documents:read", "facts:read", "benefits:read", "matches:read", "messages:read"})
)
"""A service of the same deployment, known by ZHAOQI_SERVICE_KEY; it may read."""


def new_key() -> str:
    """A fresh API key; it is shown once."""
    return f"zq_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def hashed(key: str, secret: str) -> bytes:
    """What is stored of a key."""
    return hmac.new(secret.encode(), key.encode(), sha256).digest()


async def store_key(connection: Connection, key: str, principal: Principal, *, secret: str, expires_at: datetime | None = None) -> None:
    """Write a key into one service's table."""
    await connection.execute(
        "INSERT INTO api_keys (hash, prefix, kind, name, department, uscc, roles, scopes, created_at, expires_at)"
        " VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10) ON CONFLICT (hash) DO NOTHING",
        hashed(key, secret),
        key[:11],
        principal.kind,
        principal.name,
        principal.department,
        principal.uscc,
        sorted(principal.roles),
        sorted(principal.scopes),
        clock.now(),
        expires_at,
    )


def problems_of(kind: str, scopes: Sequence[str], roles: Sequence[str], *, department: str, uscc: str) -> str | None:
    """What is wrong with a principal that is to get a key; None when it is right."""
    unknown = [scope for scope in scopes if scope not in SCOPES]
    if kind not in KINDS:
        return f"unknown principal {kind!r}; one of {', '.join(KINDS)}"
    if unknown or not scopes:
        return f"unknown scopes {unknown}; some of {', '.join(SCOPES)}"
    if [role for role in roles if role not in ROLES] or (roles and kind != "officer"):
        return f"roles are for officers, some of {', '.join(ROLES)}"
    if kind in ("officer", "authority") and not department:
        return f"an {kind} needs --department"
    if (kind == "enterprise") != bool(uscc):
        return "an enterprise, and only an enterprise, needs --uscc"
    return None


class Keys:
    """Looks up the principal of a request."""

    def __init__(self, pool: Pool, secret: str, *, service_key: str | None = None) -> None:
        self._pool, self._secret = pool, secret
        self._known: dict[bytes, tuple[float, Principal]] = {}
        if service_key:
            self._known[hashed(service_key, secret)] = (float("inf"), NEIGHBOUR)

    async def principal(self, request: Request, scope: str) -> Principal:
        """The caller, who must hold `scope`. Raises Problem `unauthenticated` or `not-allowed`."""
        method, _, key = request.headers.get("authorization", "").partition(" ")
        if method.lower() != "bearer" or not key:
            raise Problem("unauthenticated", "请在请求头 Authorization 中以 Bearer 方式提供接口密钥")
        principal = await self.of(self.digest(key))
        if scope not in principal.scopes:
            raise Problem("not-allowed", f"该密钥没有所需的权限 {scope}")
        return principal

    def digest(self, key: str) -> bytes:
        """What a key is known by; a page keeps this in its session, never the key."""
        return hashed(key.strip(), self._secret)

    async def of(self, digest: bytes) -> Principal:
        """Whose key this is. Raises Problem `unauthenticated` where there is none, or none any more."""
        seen = self._known.get(digest)
        if seen is None or seen[0] < time.monotonic():
            row = await self._pool.fetchrow(
                "SELECT kind, name, department, uscc, roles, scopes FROM api_keys"
                " WHERE hash = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)",
                digest,
                clock.now(),
            )
            if row is None:
                raise Problem("unauthenticated", "接口密钥不存在、已过期或已停用；请向平台运维申请新的密钥")
            principal = Principal(
                kind=row["kind"],
                name=row["name"],
                department=row["department"],
                uscc=row["uscc"],
                roles=frozenset(row["roles"]),
                scopes=frozenset(row["scopes"]),
            )
            if len(self._known) > 10_000:
                self._known = {known: value for known, value in self._known.items() if value[1] is NEIGHBOUR}
            self._known[digest] = (time.monotonic() + REMEMBERED, principal)
            return principal
        return seen[1]
