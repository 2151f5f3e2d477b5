"""A table of facts from its authority to the profiles: two services as they run, the file between them over HTTP."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest

from contracts.events import BenefitPublished, FactsDelivered
from contracts.rules import parse_benefit
from services.chassis.app import create_app
from services.chassis.clock import city_day, now
from services.ingest import api
from services.ingest.api import deliveries
from services.ingest.main import SUBSCRIPTIONS
from services.ingest.store import Store
from services.policy_match import main as policy_match
from tests.running import Running
from tests.service_room import alone, eventually, payloads, room_of, serving, uscc

TODAY = city_day(now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)
KEY = "the neighbours' key"


@dataclass
class Two:
    """ingest and policy_match."""

    ingest: Running
    matcher: Running


@pytest.fixture
async def two(database: str, postgres: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Two]:
    monkeypatch.setattr(deliveries, "BULK", 5)
    second = f"{database}_second"
    connection = await asyncpg.connect(postgres)
    name = second.rsplit("/", 1)[1]
    await connection.execute(f"CREATE DATABASE {name} OWNER tester")
    try:
        taking = create_app(
            "ingest", store=Store, subscriptions=SUBSCRIPTIONS, routers=[api.router], settings=alone(database, service_key=KEY)
        )
        async with serving(taking) as address:
            matching = policy_match.build(settings=alone(second, service_key=KEY, ingest_url=address))
            async with serving(matching):
                yield Two(Running(taking, taking.state.runtime), Running(matching, matching.state.runtime))
    finally:
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


def table(rows: int) -> bytes:
    return "".join([f"uscc,revenue@{LAST_YEAR}\n", *(f"{uscc(n)},{n * 1_000_000}\n" for n in range(rows))]).encode()


async def test_a_table_of_facts_is_fetched_checked_loaded_and_matched(two: Two) -> None:
    matcher = room_of(two.matcher)
    rule = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20_000_000}
    await matcher.hear(BenefitPublished(benefit=parse_benefit({"id": "ben-1", "rule": rule}), version=1))
    await matcher.hear(*[one for one in await matcher.said() if one.topic == "sweeps.v1"])
    tax = await two.ingest.client("authority", "tax", "facts:write", "facts:read", department="税务")
    answer = await tax.post("/v1/deliveries", content=table(30))
    assert answer.status_code == 200, answer.text
    delivery = answer.json()["delivery"]

    await matcher.hear(*await room_of(two.ingest).said())
    reader = await two.matcher.client("authority", "tax", "facts:read", department="市税务局")

    async def loaded() -> Any:
        view = (await reader.get(f"/v1/loads/{delivery}")).json()
        return view if view["state"] == "loaded" else None

    view = await eventually(loaded)
    assert (view["rows"], view["loaded"], view["changed"], view["problem"]) == (30, 30, 30, None)
    found = [one for one in await matcher.said() if one.topic == "matches.v1"]
    assert sorted(event.uscc for event in payloads(found)) == sorted(uscc(n) for n in range(20, 30))  # type: ignore[attr-defined]
    stranger = await two.matcher.client("authority", "hr", "facts:read", department="社保")
    assert (await stranger.get(f"/v1/loads/{delivery}")).status_code == 404


async def test_a_file_that_is_not_what_was_announced_is_not_loaded_and_says_why(two: Two) -> None:
    matcher = room_of(two.matcher)
    tax = await two.ingest.client("authority", "tax", "facts:write", department="税务")
    delivery = (await tax.post("/v1/deliveries", content=table(30))).json()["delivery"]
    reader = await two.matcher.client("platform", "portal", "facts:read")
    wrong = {"sha256": "0" * 64, "rows": 30, "authority": "税务", "true_on": TODAY}
    announced = {
        "del-other": (f"/v1/deliveries/{delivery}/file", "SHA-256"),
        "del-gone": ("/v1/deliveries/del-gone/file", "404"),
        "del-out": ("http://127.0.0.1:1/file", "no path of ingest"),
    }
    for name, (address, said) in announced.items():
        await matcher.hear(FactsDelivered(delivery=name, address=address, **wrong))

        async def problem(name: str = name) -> Any:
            return (await reader.get(f"/v1/loads/{name}")).json()["problem"]

        assert said in await eventually(problem)
    assert await two.matcher.rows("SELECT 1 FROM profiles") == []
