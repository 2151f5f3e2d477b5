"""What both brokers keep, with one body, and where the mock falls short: the reasons for the rules of embedded mode."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError

from deploy.kafka import KafkaNode
from deploy.mock_broker import MockBroker
from tests.conftest import Broker


def group() -> str:
    return f"group-{uuid.uuid4().hex[:12]}"


async def say(bootstrap: str, topic: str, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        sent = [await producer.send(topic, b"%d" % n, key=b"key-%d" % (n % 17), headers=[("ce_id", b"%d" % n)]) for n in range(count)]
        await asyncio.gather(*sent)
    finally:
        await producer.stop()


@asynccontextmanager
async def member(bootstrap: str, topic: str, name: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(
        topic,
        bootstrap_servers=bootstrap,
        group_id=name,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        session_timeout_ms=3000,
        heartbeat_interval_ms=1000,
        partition_assignment_strategy=[RangePartitionAssignor],
    )
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def hear(consumers: list[AIOKafkaConsumer], count: int) -> dict[bytes, tuple[tuple[str, bytes], ...]]:
    """Values and headers, until `count` of them were heard or 20 s have passed."""
    heard: dict[bytes, tuple[tuple[str, bytes], ...]] = {}
    end = time.monotonic() + 20
    while len(heard) < count and time.monotonic() < end:
        for consumer in consumers:
            for records in (await consumer.getmany(timeout_ms=50)).values():
                heard |= {record.value: record.headers for record in records}
    return heard


async def test_what_is_said_is_heard_with_its_headers_and_the_group_remembers(broker: Broker) -> None:
    topic, name = broker.topic(partitions=12), group()
    await say(broker.bootstrap, topic, 100)
    async with member(broker.bootstrap, topic, name) as consumer:
        heard = await hear([consumer], 100)
        assert len(heard) == 100
        assert heard[b"5"] == (("ce_id", b"5"),)
        await consumer.commit()
    await say(broker.bootstrap, topic, 1)
    async with member(broker.bootstrap, topic, name) as consumer:
        assert list(await hear([consumer], 1)) == [b"0"]


async def test_a_topic_has_the_partitions_it_was_made_with(broker: Broker) -> None:
    topic = broker.topic(partitions=12)
    broker.create_topics({topic: 12})  # once more is no error
    async with member(broker.bootstrap, topic, group()) as consumer:
        assert consumer.partitions_for_topic(topic) == set(range(12))


async def test_committed_offsets_are_read_from_outside_the_group(broker: Broker) -> None:
    """The relay's back-pressure rests on this: end offset less committed offset, without joining the group."""
    topic, name = broker.topic(partitions=2), group()
    await say(broker.bootstrap, topic, 50)
    partitions = [TopicPartition(topic, 0), TopicPartition(topic, 1)]
    admin = AIOKafkaAdminClient(bootstrap_servers=broker.bootstrap)
    await admin.start()
    try:
        async with member(broker.bootstrap, topic, name) as consumer:
            assert len(await hear([consumer], 50)) == 50
            await consumer.commit()
            ends = await consumer.end_offsets(partitions)
        committed = await admin.list_consumer_group_offsets(name, partitions=partitions)
        assert {at: offset.offset for at, offset in committed.items()} == ends
        strangers = await admin.list_consumer_group_offsets(group(), partitions=partitions)
        assert all(offset.offset == -1 for offset in strangers.values())
    finally:
        await admin.close()


async def test_committed_offsets_are_read_by_a_consumer_that_never_joins(broker: Broker) -> None:
    topic, name = broker.topic(), group()
    await say(broker.bootstrap, topic, 5)
    at = TopicPartition(topic, 0)
    async with member(broker.bootstrap, topic, name) as consumer:
        await hear([consumer], 5)
        await consumer.commit()
    watcher = AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=name, enable_auto_commit=False)
    await watcher.start()
    try:
        assert await watcher.committed(at) == 5
    finally:
        await watcher.stop()


async def test_two_members_of_one_group_share_the_partitions_of_a_real_kafka(kafka_node: KafkaNode) -> None:
    broker = Broker("kafka", kafka_node.bootstrap, kafka_node)
    topic, name = broker.topic(partitions=12), group()
    await say(broker.bootstrap, topic, 100)
    async with asyncio.timeout(30), member(broker.bootstrap, topic, name) as first, AsyncExitStack() as stack:
        join = asyncio.create_task(stack.enter_async_context(member(broker.bootstrap, topic, name)))
        while not join.done():
            await first.getmany(timeout_ms=50)
        second = await join
        assert len(first.assignment()) == len(second.assignment()) == 6
        await first.seek_to_beginning()
        await second.seek_to_beginning()
        assert len(await hear([first, second], 100)) == 100


async def test_two_members_of_one_group_fail_on_the_mock_so_embedded_mode_runs_one(mock_broker: MockBroker) -> None:
    """Should this ever fail, the mock has learnt to share a group and embedded mode may run more members."""
    broker = Broker("mock", mock_broker.bootstrap, mock_broker)
    topic, name = broker.topic(partitions=12), group()
    with pytest.raises(KafkaError):  # noqa: PT012 the joiner fails in start(), the first member in its next poll; either is the proof
        async with member(broker.bootstrap, topic, name) as first, asyncio.timeout(20):
            join = asyncio.create_task(member(broker.bootstrap, topic, name).__aenter__())
            while not join.done():
                await first.getmany(timeout_ms=50)
            await join


async def test_on_the_mock_a_group_comes_back_a_session_timeout_less_a_second_after_its_member_left(mock_broker: MockBroker) -> None:
    """Why embedded mode keeps the session timeout short: a service that restarts hears nothing for that long."""
    broker = Broker("mock", mock_broker.bootstrap, mock_broker)
    topic, name = broker.topic(), group()
    seconds = []
    for _ in range(2):
        begun = time.monotonic()
        async with member(broker.bootstrap, topic, name):
            seconds.append(time.monotonic() - begun)
    assert seconds[1] > 1.5


async def test_the_mocks_admin_api_makes_no_topics(mock_broker: MockBroker) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=mock_broker.bootstrap)
    await admin.start()
    try:
        with pytest.raises((AttributeError, KafkaError)):
            await admin.create_topics([NewTopic("never", 1, 1)])
    finally:
        await admin.close()
