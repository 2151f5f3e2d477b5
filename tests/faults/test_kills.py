"""`kill -9` at every seam between database and broker: exactly one effect each, and no answered request is forgotten."""

import asyncio
import os
import random
import sys
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.embedded import Service
from deploy.processes import free_ports
from tests.conftest import Broker
from tests.notes_room import SECRET, Notes, join, packaged, until

PROGRAM = Path(__file__).parents[1] / "notes.py"


class Victim:
    """The tiny service as a process of its own, with its own database and topics, which is killed and started again."""

    def __init__(self, notes: Notes, folder: Path) -> None:
        self.notes, self.folder = notes, folder
        self.url = f"http://127.0.0.1:{free_ports(1)[0]}"
        self.service = self._made(None)
        self.client = httpx.AsyncClient(base_url=self.url, headers={"authorization": f"Bearer {notes.key}"}, trust_env=False, timeout=20)

    def _made(self, crash: str | None) -> Service:
        env = {
            **os.environ,
            "PYTHONPATH": str(PROGRAM.parents[1]),
            "NOTES_NAME": self.notes.name,
            "NOTES_FOLDER": str(self.folder),
            "ZHAOQI_DATABASE_URL": self.notes.database,
            "ZHAOQI_KAFKA": self.notes.bootstrap,
            "ZHAOQI_KAFKA_IN_MEMORY": str(self.notes.in_memory).lower(),
            "ZHAOQI_HTTP": self.url.removeprefix("http://"),
            "ZHAOQI_SECRET": SECRET,
            **({"ZHAOQI_CRASH": crash} if crash else {}),
        }
        return Service(self.notes.name, [sys.executable, str(PROGRAM)], url=self.url, env=env, log=self.folder / f"{self.notes.name}.log")

    async def start(self, *, crash: str | None = None) -> None:
        """Start it, to kill itself at the step `crash` if one is named, and wait until it is ready."""
        self.service = self._made(crash)
        self.service.start()
        await asyncio.to_thread(self.service.wait_ready)

    async def died(self) -> None:
        """Wait until it has killed itself."""
        process = self.service._process
        assert process is not None

        async def gone() -> bool:
            return process.poll() is not None

        await until(gone)
        assert process.returncode == -9
        self.service.kill()

    async def post(self, number: int) -> bool:
        """Post a note; whether it was answered. Asked again it is the same request."""
        note, key = {"key": f"k{number % 7}", "number": number}, {"idempotency-key": f"n{number}"}
        try:
            return (await self.client.post("/notes", json=note, headers=key)).status_code == 202
        except httpx.TransportError:
            return False

    async def settled(self, count: int) -> list[int]:
        """The numbers of the effects, when every event said is acknowledged and there are at least so many."""

        async def done() -> bool:
            waiting = await self.notes.rows("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1")
            return not waiting and len(await self.notes.effects()) >= count

        await until(done, seconds=60)
        return sorted(number for _, number in await self.notes.effects())


async def killed_at(victim: Victim, step: str, proof: str) -> None:
    """The process dies at the step, leaving what `proof` asks for; nothing is lost and nothing counts twice."""
    await victim.start(crash=step)
    answered = [await victim.post(n) for n in range(3)]
    await victim.died()
    assert await victim.notes.rows(proof), step
    await victim.start()
    for number in range(3):
        assert answered[number] or await victim.post(number), step
    assert await victim.settled(3) == [0, 1, 2], step


async def killed_at_any_moment(victim: Victim) -> None:
    """The process dies somewhere among two hundred requests; the caller asks again for what was not answered, as he was told."""
    kill_at = random.Random(uuid.uuid4().int).randrange(20, 180)
    await victim.start()
    answered: set[int] = set()

    async def post_all() -> None:
        for number in range(200):
            if await victim.post(number):
                answered.add(number)

    async def reached() -> bool:
        return len(answered) > kill_at

    posting = asyncio.create_task(post_all())
    await until(reached)
    victim.service.kill()
    await posting
    await victim.start()
    for number in set(range(200)) - answered:
        assert await victim.post(number)
    assert await victim.settled(200) == list(range(200)), f"killed after {kill_at} answers"


@pytest.fixture
def victims(postgres: str, broker: Broker, tmp_path: Path) -> Iterator[list[Victim]]:
    """Four such services on one broker, so that their waits for the group's patience pass side by side."""
    with ExitStack() as stack:
        made = []
        for _ in range(4):
            name = f"notes_{uuid.uuid4().hex[:12]}"
            asyncio.run(_create(postgres, name))
            made.append(Victim(join(Notes(name, f"{postgres.rpartition('/')[0]}/{name}"), broker), tmp_path))
            stack.enter_context(packaged(name, tmp_path))
            stack.callback(made[-1].notes.telemetry.shutdown)
        yield made
        for victim in made:
            victim.service.kill()


async def _create(server: str, name: str) -> None:
    connection = await asyncpg.connect(server)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()


@pytest.mark.slow
async def test_killed_at_any_seam_every_note_has_one_effect(victims: list[Victim]) -> None:
    for victim in victims:
        async with victim.notes.pool() as pool:
            await victim.notes.allow(pool)
    unsent, done = "SELECT FROM outbox WHERE published_at IS NULL", "SELECT FROM effects"
    stories = [
        killed_at(victims[0], "relay.before_send", unsent),
        killed_at(victims[1], "relay.before_mark", unsent),
        killed_at(victims[2], "inbox.before_commit", done),
        killed_at_any_moment(victims[3]),
    ]
    await asyncio.gather(*stories)
    for victim in victims:
        await victim.client.aclose()
