"""policy_match and notify as they run, over a broker: a benefit and a fact go in, a message with its reasons comes out, in one trace."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from contracts.events import BenefitPublished, FactsStated
from contracts.rules import parse_benefit
from contracts.topics import TOPICS
from deploy.mock_broker import MockBroker
from services.chassis.bus import Heard, Producer, Record
from services.chassis.clock import city_day, now
from services.chassis.settings import Settings
from services.notify import main as notify
from services.policy_match import main as policy_match
from tests.running import SECRET, Running
from tests.service_room import eventually, record, serving, traceparent, uscc

TODAY = city_day(now(), "Asia/Shanghai")
ME = uscc(1)


@dataclass
class City:
    """Both services, and a way to say to them what others would."""

    notify: Running
    matcher: Running
    producer: Producer

    async def say(self, *records: Heard) -> None:
        """Put records on the broker as their own services would."""
        await self.producer.send_all(
            [Record(one.topic, one.key, one.body or b"", one.headers, one.partition) for one in records],
        )


@pytest.fixture
async def city(database: str, postgres: str, scratch: Path) -> AsyncIterator[City]:
    second = f"{database}_second"
    connection = await asyncpg.connect(postgres)
    name = second.rsplit("/", 1)[1]
    await connection.execute(f"CREATE DATABASE {name} OWNER tester")
    broker = MockBroker(scratch / f"{name}.log")
    broker.start()
    try:
        broker.create_topics({topic.name: topic.partitions for topic in TOPICS.values()})
        common = {"kafka": broker.bootstrap, "kafka_in_memory": True, "secret": SECRET, "service_key": "the neighbours' key"}
        matching = policy_match.build(settings=Settings(database_url=second, **common))  # type: ignore[arg-type]
        async with AsyncExitStack() as stack:
            address = await stack.enter_async_context(serving(matching))
            telling = notify.build(settings=Settings(database_url=database, policy_match_url=address, **common))  # type: ignore[arg-type]
            await stack.enter_async_context(serving(telling))
            producer = Producer(broker.bootstrap)
            stack.push_async_callback(producer.stop)
            yield City(Running(telling, telling.state.runtime), Running(matching, matching.state.runtime), producer)
    finally:
        broker.stop()
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await connection.close()


async def test_a_policy_finds_the_enterprise_it_was_made_for(city: City) -> None:
    trace = traceparent()
    benefit = parse_benefit(
        {
            "id": "ben-1", "title": "营收增长奖励", "article": "第五条", "text": "上年度营业收入2000万元以上的，给予10万元奖励。",
            "rule": {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000, "quote": "上年度营业收入2000万元以上"},
            "amount": {"fixed": 100000}, "mode": "confirm",
        }
    )  # fmt: skip
    facts = {"revenue": {str(TODAY.year - 1): 26_000_000}}
    await city.say(
        record(BenefitPublished(benefit=benefit, version=1), trace=trace, source="/zhaoqi/catalog"),
        record(FactsStated(uscc=ME, authority="税务", true_on=TODAY, facts=facts), source="/zhaoqi/ingest"),
    )
    caller = await city.notify.client("enterprise", "某某", "messages:read", uscc=ME)

    async def inbox() -> list[dict[str, str]]:
        items: list[dict[str, str]] = (await caller.get(f"/v1/inbox/{ME}/messages")).json()["items"]
        return [item for item in items if item["title"] == "营收增长奖励"]

    (item,) = await eventually(inbox, within=30)
    message = (await caller.get(f"/v1/inbox/{ME}/messages/{item['id']}")).json()
    assert [why["sentence"] for why in message["why"]] == [f"{TODAY.year - 1}年营业收入2600万元，要求不低于2000万元，符合。"]
    on = f"{TODAY.year}年{TODAY.month}月{TODAY.day}日"
    assert message["why"][0]["source"] == f"数据来自市税务局，{on}"
    assert message["why"][0]["quote"] == "上年度营业收入2000万元以上"
    assert message["amount"] == "10万元"

    assert (await caller.post(f"/v1/inbox/{ME}/messages/{item['id']}/confirm")).status_code == 200
    own = await city.matcher.client("enterprise", "某某", "matches:read", uscc=ME)

    async def answered() -> bool:
        reply = await own.get(f"/v1/enterprises/{ME}/matches")
        return reply.status_code == 200 and reply.json()["items"][0]["answer"] == "confirmed"

    assert await eventually(answered)
    platform = await city.notify.client("platform", "平台", "messages:read")
    (entry,) = (await platform.get("/v1/ledger")).json()["items"]
    heard = await city.matcher.rows("SELECT DISTINCT split_part(traceparent, '-', 2) AS trace FROM outbox WHERE type LIKE '%Match%'")
    assert [row["trace"] for row in heard] == [entry["trace_id"]]
