"""Runs one service inside a test: its real app, API, database and jobs, with the clients a test asks for."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import httpx
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi import FastAPI
from sqlalchemy import Connection, MetaData
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from contracts.events import Payload
from contracts.topics import TOPIC_OF, key_of, type_name
from services.chassis.app import Runtime
from services.chassis.auth import Principal, new_key, store_key
from services.chassis.bus import Heard
from services.chassis.database import encode, loads
from services.chassis.settings import Settings

SECRET = "a secret of the tests"


@dataclass
class Running:
    """A service that runs: `client` gives a caller with a key of its own."""

    app: FastAPI
    runtime: Runtime[Any]
    clients: list[httpx.AsyncClient] = field(default_factory=list)
    _offset: int = 0

    async def client(
        self, kind: str, name: str, *scopes: str, department: str = "", uscc: str = "", roles: Sequence[str] = ()
    ) -> httpx.AsyncClient:
        """A caller: the principal's key is stored as `zhaoqi keys create` would store it."""
        key = new_key()
        principal = Principal(kind, name, frozenset(scopes), department, uscc, frozenset(roles))
        async with self.runtime.pool.acquire() as connection:
            await store_key(connection, key, principal, secret=SECRET)
        client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://test", headers={"Authorization": f"Bearer {key}"}
        )
        self.clients.append(client)
        return client

    async def said(self) -> list[tuple[str, dict[str, Any]]]:
        """Every event in the outbox, in order: its name and its body."""
        rows = await self.runtime.pool.fetch("SELECT type, body FROM outbox ORDER BY id")
        return [(row["type"].split(".")[1], loads(row["body"])) for row in rows]

    async def hear(self, *payloads: Payload, trace: str | None = None) -> None:
        """Let the service hear events of one topic and key, as the bus hands them over."""
        topic = TOPIC_OF[type(payloads[0])].name
        heard = []
        for payload in payloads:
            self._offset += 1
            headers = {
                "ce_id": f"event-{self._offset}",
                "ce_type": type_name(type(payload)),
                "ce_source": "/zhaoqi/test",
                "ce_time": "2026-06-30T08:00:00Z",
                **({"traceparent": trace} if trace else {}),
            }
            body = encode(payload.model_dump(by_alias=True, exclude_none=True))
            heard.append(Heard(topic, 0, self._offset, key_of(payload), headers, body))
        await self.runtime.inbox.process(topic, 0, heard)

    async def rows(self, query: str, *values: object) -> list[asyncpg.Record]:
        """Rows of the service's database."""
        rows: list[asyncpg.Record] = await self.runtime.pool.fetch(query, *values)
        return rows


def settings(database: str, **more: Any) -> Settings:
    """What a service under test is told. Its broker is away: an API works on, what it says waits in the outbox."""
    return Settings(database_url=database, kafka="127.0.0.1:9", kafka_in_memory=True, secret=SECRET, **more)


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[Running]:
    """The service from its start to its end."""
    async with app.router.lifespan_context(app):
        service = Running(app, app.state.runtime)
        try:
            yield service
        finally:
            for client in service.clients:
                await client.aclose()


async def differences(database: str, metadata: MetaData) -> list[object]:
    """What a migrated database and the tables a service describes do not agree on; the chassis's own tables stand apart."""
    engine = create_async_engine(database.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=NullPool)

    def compare(connection: Connection) -> list[object]:
        def own(_: object, name: str | None, kind: str, __: bool, ___: object) -> bool:
            return kind != "table" or name in metadata.tables

        context = MigrationContext.configure(connection, opts={"include_object": own, "compare_type": True})
        found: list[object] = compare_metadata(context, metadata)
        return found

    try:
        async with engine.connect() as connection:
            return await connection.run_sync(compare)
    finally:
        await engine.dispose()
