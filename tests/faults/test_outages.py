"""The database or the broker goes away and comes back: everything waits, says so, and goes on by itself with nothing lost."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.kafka import KafkaNode
from deploy.mock_broker import MockBroker
from deploy.postgres import Postgres, create_database
from tests.chassis.test_bus import committed, fault_at, has_effects, is_ready, say
from tests.conftest import Broker
from tests.notes import Noted
from tests.notes_room import Notes, until


@pytest.fixture
def server(scratch: Path, live: Notes) -> Iterator[Postgres]:
    """A database server of the test's own, which it may kill; the notes live there."""
    server = Postgres(scratch / live.name, log=scratch / f"{live.name}.log")
    live.database = asyncio.run(create_database(server.start(), "notes", password="notes"))
    yield server
    server.stop()


@pytest.mark.slow
def test_the_database_is_killed_and_comes_back(server: Postgres, live: Notes) -> None:
    asyncio.run(_the_database_is_killed_and_comes_back(server, live))


async def _the_database_is_killed_and_comes_back(server: Postgres, live: Notes) -> None:
    async with live.serving() as client:
        runtime = client.runtime  # type: ignore[attr-defined]
        await is_ready(runtime)
        await say(live, [Noted(key=f"k{n}", number=n) for n in range(20)])
        assert (await client.post("/notes", json={"key": "k0", "number": 20})).status_code == 202
        await has_effects(live, 21)

        async def all_committed() -> bool:
            return sum(await committed(live)) == 21  # an offset moves after its effect is there

        await until(all_committed)
        before = sum(await committed(live))
        server.kill()

        refused = await client.post("/notes", json={"key": "k0", "number": 99})
        assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
        await say(live, [Noted(key=f"k{n % 20}", number=n) for n in range(30, 90)], first=1000)
        fault = await fault_at(runtime, "database")
        assert "does not answer" in fault.problem

        async def paused() -> bool:
            return any(fault.at.startswith("partition ") for fault in await runtime.not_ready())

        await until(paused)
        assert (await client.get("/healthz")).status_code == 200

        async def both_are_told() -> bool:
            return {"database", "relay"} <= {fault["at"] for fault in (await client.get("/readyz")).json()["errors"]}

        await until(both_are_told)
        assert sum(await committed(live)) == before

        server.start()
        await has_effects(live, 81, seconds=40)
        assert (await client.post("/notes", json={"key": "k0", "number": 100})).status_code == 202
        await has_effects(live, 82)
        await is_ready(runtime)
    numbers = sorted(number for _, number in await live.effects())
    assert numbers == [*range(21), *range(30, 90), 100]


async def outage(server: MockBroker | KafkaNode, *, over: bool) -> None:
    if isinstance(server, MockBroker):
        server.up() if over else server.down()
    elif over:
        server.start()
    else:
        server.kill()


@pytest.mark.slow
async def test_the_broker_goes_away_and_comes_back(live: Notes, broker: Broker) -> None:
    async with live.serving() as client:
        runtime = client.runtime  # type: ignore[attr-defined]
        await is_ready(runtime)
        for number in range(10):
            assert (await client.post("/notes", json={"key": f"k{number}", "number": number})).status_code == 202
        await has_effects(live, 10)

        await outage(broker.server, over=False)
        try:
            for number in range(10, 30):  # what is asked is done: it stands in the outbox
                assert (await client.post("/notes", json={"key": f"k{number % 10}", "number": number})).status_code == 202
            fault = await fault_at(runtime, "relay")
            assert "the relay waits" in fault.problem
            fault = await fault_at(runtime, "consumer")
            assert "rebuilt" in fault.problem
            assert len(await live.rows("SELECT 1 FROM outbox WHERE published_at IS NULL")) == 20
        finally:
            await outage(broker.server, over=True)
        await has_effects(live, 30, seconds=60)
        await is_ready(runtime)
    assert sorted(number for _, number in await live.effects()) == list(range(30))
