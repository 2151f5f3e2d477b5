"""The service's own PostgreSQL database: a pool, transactions that know their principal, and migrations.

Two histories of migrations stand in every database: the chassis's (version table `chassis_version`) and the service's own.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from importlib.resources import as_file, files
from typing import Any, TypeAlias
from uuid import UUID

import asyncpg
import orjson
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from pydantic import BaseModel
from sqlalchemy import Connection as SyncConnection
from sqlalchemy import DateTime, pool
from sqlalchemy.ext.asyncio import create_async_engine

from contracts.rules import loads

Connection: TypeAlias = asyncpg.Connection
Pool: TypeAlias = asyncpg.Pool

__all__ = ["Connection", "Instant", "Pool", "dumps", "encode", "loads", "migrate", "open_pool", "transaction"]


class Instant(DateTime):
    """A moment with its zone, as every table of ours keeps it."""

    cache_ok = True

    def __init__(self) -> None:
        super().__init__(timezone=True)


HISTORIES = (("services.chassis", "chassis_version"), ("services.{service}", "service_version"))


def encode(value: object) -> bytes:
    """JSON in UTF-8 with exact numbers: a Decimal is written as the number it is, never through a binary float. Raises TypeError."""
    return orjson.dumps(value, default=_plain, option=orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS)


def _plain(value: object) -> object:
    match value:
        case Decimal() if value.is_finite():
            return orjson.Fragment(format(value, "f").encode())
        case BaseModel():
            return value.model_dump(by_alias=True)
        case UUID():  # asyncpg's own kind
            return str(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def dumps(value: object) -> str:
    """`encode` as text."""
    return encode(value).decode()


def transposed(rows: Sequence[tuple[Any, ...]], width: int) -> list[list[Any]]:
    """Rows as columns, the form `unnest` takes; so many empty columns when there is no row."""
    return [list(column) for column in zip(*rows, strict=True)] if rows else [[] for _ in range(width)]


async def _prepare(connection: Connection) -> None:
    await connection.set_type_codec("jsonb", encoder=dumps, decoder=loads, schema="pg_catalog")


async def open_pool(url: str, *, service: str, size: int = 16) -> Pool:
    """A pool of connections; statements time out after 60 s, locks after 10 s."""
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=_prepare,
        server_settings={"application_name": f"zhaoqi-{service}", "statement_timeout": "60000", "lock_timeout": "10000", "timezone": "UTC"},
    )


@asynccontextmanager
async def transaction(
    pool: Pool, *, principal: str, uscc: str = "", department: str = "", readonly: bool = False
) -> AsyncIterator[Connection]:
    """One transaction that begins by saying for whom it works; row policies read these settings."""
    async with pool.acquire() as connection, connection.transaction(readonly=readonly):
        await connection.execute(
            "SELECT set_config('app.principal', $1, true), set_config('app.uscc', $2, true), set_config('app.department', $3, true)",
            principal,
            uscc,
            department,
        )
        yield connection


async def migrate(url: str, service: str, *, down: bool = False) -> None:
    """Bring a database to the newest revision of both histories, or, with `down`, take everything away again."""
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1), poolclass=pool.NullPool)
    histories = HISTORIES if not down else HISTORIES[::-1]
    try:
        async with engine.begin() as connection:
            await connection.exec_driver_sql("SELECT pg_advisory_xact_lock(hashtext('zhaoqi.migrate'))")
            for package, table in histories:
                await connection.run_sync(_run, package.format(service=service), table, down)
    finally:
        await engine.dispose()


def _run(connection: SyncConnection, package: str, table: str, down: bool) -> None:
    with as_file(files(package) / "migrations") as directory:
        config = Config()
        config.set_main_option("script_location", str(directory))
        config.set_main_option("version_locations", str(directory))
        config.set_main_option("path_separator", "os")
        script = ScriptDirectory.from_config(config)

        def steps(revision: Any, _: Any) -> Any:
            return script._downgrade_revs("base", revision) if down else script._upgrade_revs("heads", revision)

        with EnvironmentContext(config, script, fn=steps) as environment:
            environment.configure(connection=connection, version_table=table, transactional_ddl=False)
            environment.run_migrations()
