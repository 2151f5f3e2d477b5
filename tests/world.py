"""The services as processes, seen from outside: callers with keys of their own, what was traced and logged, and who is still alive."""

import asyncio
import json
import os
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

from deploy.embedded import Platform
from deploy.keys import create_key
from deploy.processes import wait_until
from services.chassis.auth import Principal

T = TypeVar("T")
PATIENCE = 60.0
"""Seconds a stage may take before a test gives up; on a quiet machine each takes less than two."""


def apart(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine, whether or not this thread runs an event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


def until(what: str, condition: Callable[[], bool], *, seconds: float = PATIENCE) -> None:
    """Wait for a condition; a test that waits in vain says for what."""
    assert wait_until(condition, seconds=seconds), f"{what}: not within {seconds:.0f} s"


@dataclass
class World:
    """A running platform and those who call it."""

    platform: Platform
    clients: list[httpx.Client] = field(default_factory=list)

    def caller(self, service: str, kind: str, name: str, *scopes: str, department: str = "", roles: Sequence[str] = ()) -> httpx.Client:
        """A client of one service whose principal got its key as `zhaoqi keys create` gives it."""
        principal = Principal(kind, name, frozenset(scopes), department=department, roles=frozenset(roles))
        secret = (self.platform.var / "secret").read_text()
        key = apart(create_key(self.platform.databases, principal, secret=secret))
        client = httpx.Client(
            base_url=self.platform.urls[service], headers={"Authorization": f"Bearer {key}"}, trust_env=False, timeout=PATIENCE
        )
        self.clients.append(client)
        return client

    def rows(self, service: str, query: str, *values: object) -> list[asyncpg.Record]:
        """Rows of a service's database, for what no API tells."""

        async def fetch() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(self.platform.databases[service])
            try:
                rows: list[asyncpg.Record] = await connection.fetch(query, *values)
                return rows
            finally:
                await connection.close()

        return apart(fetch())

    @contextmanager
    def holding(self, service: str, *statements: str) -> Iterator[None]:
        """A session of a service's database that stays open after these statements, and with it the locks it took."""
        with asyncio.Runner() as runner:
            connection = runner.run(asyncpg.connect(self.platform.databases[service]))
            try:
                for statement in statements:
                    runner.run(connection.execute(statement))
                yield
            finally:
                runner.run(connection.close())

    def quiet(self, operator: dict[str, httpx.Client]) -> bool:
        """Whether nothing waits anywhere: each outbox is empty and every event said was heard."""
        told = {name: client.get("/ops/trouble").json() for name, client in operator.items()}
        return all(
            one["outbox"]["waiting"] == 0 and (name == "ingest" or (one["lag"] is not None and not any(one["lag"].values())))
            for name, one in told.items()
        )

    def stop(self) -> None:
        """End every service in order, so that spans are written to the last."""
        for service in self.platform.services.values():
            service.terminate()
        for service in self.platform.services.values():
            service.stop()

    def start(self) -> None:
        """Start every service anew, at its old address."""
        for service in self.platform.services.values():
            service.start()
        for service in self.platform.services.values():
            service.wait_ready()

    def close(self) -> None:
        """Give back the connections."""
        for client in self.clients:
            client.close()


def spans_in(var: Path) -> list[dict[str, Any]]:
    """Every span the services of a platform wrote."""
    files = sorted((var / "traces").glob("*.jsonl"))
    return [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]


def logs_in(var: Path) -> dict[str, str]:
    """What each process of a platform wrote into its log: the services, PostgreSQL, the broker in memory."""
    return {file.name: file.read_text("utf-8", errors="replace") for file in sorted((var / "log").glob("*.log"))}


async def statement(database: str, sql: str) -> None:
    """Run SQL in a database."""
    connection = await asyncpg.connect(database)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


def orphans(spans: Sequence[dict[str, Any]]) -> list[str]:
    """Spans that are not the first of their trace and whose parent is in no file."""
    known = {(span["trace"], span["span"]) for span in spans}
    return [f"{s['service']} {s['name']}" for s in spans if s["parent"] is not None and (s["trace"], s["parent"]) not in known]


def living(mark: str) -> list[str]:
    """Command lines of processes that carry this mark in their environment or their arguments."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                command, environment = (entry / "cmdline").read_bytes(), (entry / "environ").read_bytes()
            except OSError:  # gone meanwhile, or another user's
                continue
            if mark.encode() in command or mark.encode() in environment:
                found.append(command.replace(b"\0", b" ").decode(errors="replace"))
    return found
