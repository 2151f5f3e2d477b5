"""The outbox and its relay: what is committed is sent, in order, by one leader; what is too large is refused when it is said."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.events import Payload
from services.chassis import clock, outbox
from services.chassis.auth import Principal
from services.chassis.bus import Producer, partition_of
from services.chassis.database import Pool
from services.chassis.outbox import HELD, LARGEST, OVERHEAD, Relay, Said, TooLarge
from tests.notes import PARTITIONS, Echoed, Noted
from tests.notes_room import Notes, until

TESTER = Principal("operator", "tests", frozenset())


async def said(notes: Notes, payloads: Sequence[Noted | Echoed], runtime: object) -> None:
    async with runtime.work(TESTER) as work:  # type: ignore[attr-defined]
        for payload in payloads:
            work.say(payload)


async def on_the_wire(notes: Notes, topic: str) -> dict[int, list[tuple[str, str, bytes]]]:
    """Everything that lies on a topic now, by partition: (event id, key, body)."""
    consumer = AIOKafkaConsumer(bootstrap_servers=notes.bootstrap, enable_auto_commit=False, auto_offset_reset="earliest")
    await consumer.start()
    try:
        places = [TopicPartition(topic, partition) for partition in range(PARTITIONS)]
        consumer.assign(places)
        found: dict[int, list[tuple[str, str, bytes]]] = {place.partition: [] for place in places}
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for place, records in (await consumer.getmany(timeout_ms=100)).items():
                found[place.partition] += [
                    (dict(record.headers)["ce_id"].decode(), record.key.decode(), record.value) for record in records
                ]
        return found
    finally:
        await consumer.stop()


@asynccontextmanager
async def relaying(notes: Notes, pool: Pool) -> AsyncIterator[Relay]:
    producer = Producer(notes.bootstrap)
    relay = Relay(pool, producer, service=notes.name, telemetry=notes.telemetry, in_memory=notes.in_memory, crash=None)
    task = asyncio.create_task(relay.run())
    try:
        yield relay
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await producer.stop()


async def all_sent(notes: Notes) -> bool:
    return not await notes.rows("SELECT 1 FROM outbox WHERE published_at IS NULL LIMIT 1")


async def put(pool: Pool, rows: Sequence[tuple[str, int]]) -> None:
    """Say echoes in one transaction, as a handler would."""
    await put_all(pool, [Echoed(key=key, number=number) for key, number in rows])


async def put_all(pool: Pool, payloads: Sequence[Payload]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await outbox.put(connection, [Said(payload, None) for payload in payloads], clock.now())


async def test_what_a_commit_says_is_heard_and_what_a_rollback_says_is_not(live: Notes) -> None:
    async with live.running() as runtime:
        with pytest.raises(ZeroDivisionError):  # noqa: PT012
            async with runtime.work(TESTER) as work:
                work.say(Noted(key="never", number=0))
                raise ZeroDivisionError
        await said(live, [Noted(key=f"k{n}", number=n) for n in range(50)], runtime)

        async def all_heard() -> bool:
            return len(await live.effects()) >= 50

        await until(all_heard)
    assert sorted(await live.effects()) == sorted((f"k{n}", n) for n in range(50))


async def test_the_envelope_on_the_wire_is_cloudevents_in_binary_mode(live: Notes) -> None:
    async with live.pool() as pool, relaying(live, pool):
        await put(pool, [("a", 1)])
        await until(lambda: all_sent(live))
        consumer = AIOKafkaConsumer(live.echoes, bootstrap_servers=live.bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        record = await asyncio.wait_for(consumer.getone(), 20)
        await consumer.stop()
    headers = {name: value.decode() for name, value in record.headers}
    [row] = await live.rows("SELECT * FROM outbox")
    assert headers == {
        "ce_specversion": "1.0",
        "ce_id": str(row["event_id"]),
        "ce_type": "zhaoqi.Echoed.v1",
        "ce_source": f"/zhaoqi/{live.name}",
        "ce_time": row["said_at"].isoformat().replace("+00:00", "Z"),
        "ce_subject": "a",
        "content-type": "application/json",
        "traceparent": headers["traceparent"],
    }
    assert (record.key, record.value, record.partition) == (b"a", b'{"key":"a","number":1}', partition_of("a", PARTITIONS))


async def test_an_event_over_256_kib_is_refused_when_it_is_said_and_one_of_that_size_arrives(live: Notes) -> None:
    frame = len(Noted(key="k", number=1, text="").model_dump_json(exclude_none=True))
    largest = Noted(key="k", number=1, text="x" * (LARGEST - frame))
    async with live.running() as runtime:
        with pytest.raises(TooLarge, match="262144"):
            async with runtime.work(TESTER) as work:
                work.say(Noted(key="k", number=0, text=largest.text + "x"))
        await said(live, [largest], runtime)

        async def heard() -> bool:
            return await live.effects() == [("k", 1)]

        await until(heard)


async def test_events_of_a_key_keep_their_order_on_the_wire(live: Notes) -> None:
    async with live.pool() as pool, relaying(live, pool):
        for start in range(0, 600, 60):
            await put(pool, [("abc"[n % 3], n) for n in range(start, start + 60)])
        await until(lambda: all_sent(live))
    wire = await on_the_wire(live, live.echoes)
    for key in "abc":
        numbers = [body for record in wire.values() for _, k, body in record if k == key]
        assert numbers == [b'{"key":"%s","number":%d}' % (key.encode(), n) for n in range(600) if "abc"[n % 3] == key]


async def test_of_two_relays_on_one_database_one_leads_and_the_other_takes_over(live: Notes) -> None:
    async with live.pool() as pool:
        first, second = relaying(live, pool), relaying(live, pool)
        await first.__aenter__()
        await second.__aenter__()
        await put(pool, [("k", n) for n in range(200)])
        await until(lambda: all_sent(live))
        leaders = (
            "SELECT FROM pg_locks JOIN pg_database AS d ON d.oid = database WHERE locktype = 'advisory' AND datname = current_database()"
        )
        assert len(await live.rows(leaders)) == 1
        await first.__aexit__(None, None, None)
        await put(pool, [("k", n) for n in range(200, 300)])
        await until(lambda: all_sent(live))
        third = relaying(live, pool)
        await third.__aenter__()
        await second.__aexit__(None, None, None)
        await put(pool, [("k", n) for n in range(300, 400)])
        await until(lambda: all_sent(live))
        await third.__aexit__(None, None, None)
    [wire] = [records for records in (await on_the_wire(live, live.echoes)).values() if records]
    assert [body for _, _, body in wire] == [b'{"key":"k","number":%d}' % n for n in range(400)]  # each once: one sent at a time


async def test_a_leader_whose_connection_breaks_loses_nothing(live: Notes) -> None:
    async with live.pool() as pool, relaying(live, pool):
        for start in range(0, 500, 100):
            await put(pool, [("k", n) for n in range(start, start + 100)])
            await live.rows("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND pid <> pg_backend_pid()")
        await until(lambda: all_sent(live))
    [wire] = [records for records in (await on_the_wire(live, live.echoes)).values() if records]
    firsts = list(dict.fromkeys(wire))  # a record may stand twice, its first place is in order
    assert [body for _, _, body in firsts] == [b'{"key":"k","number":%d}' % n for n in range(500)]


async def test_the_relay_holds_back_before_the_broker_in_memory_forgets_and_twenty_megabytes_arrive(on_mock: Notes) -> None:
    text = "x" * 100_000
    async with on_mock.pool() as pool:
        async with relaying(on_mock, pool) as relay:
            for start in range(0, 200, 20):
                await put_all(pool, [Noted(key="one", number=n, text=text) for n in range(start, start + 20)])

            async def full() -> bool:
                return "in-memory broker is full" in (relay.trouble or "")

            await until(full)
            [held] = await on_mock.rows("SELECT sum(octet_length(body) + $1) AS bytes FROM outbox WHERE published_at IS NOT NULL", OVERHEAD)
            assert HELD < held["bytes"] < 5 * 1024 * 1024
        async with relaying(on_mock, pool) as relay:  # another leader knows what the first left
            await until(full)
            assert (await on_mock.rows("SELECT count(*) FROM outbox WHERE published_at IS NOT NULL"))[0]["count"] < 52
    async with on_mock.running():

        async def all_heard() -> bool:
            return len(await on_mock.effects()) == 200

        await until(all_heard, seconds=60)
    assert await on_mock.effects() == [("one", n) for n in range(200)]


async def test_only_one_process_runs_a_tick(on_mock: Notes) -> None:
    async with on_mock.running() as runtime:
        inside, ended = asyncio.Event(), asyncio.Event()

        async def tick(_: object) -> None:
            inside.set()
            await ended.wait()

        first = asyncio.create_task(runtime.alone("daily", tick))
        await inside.wait()
        assert await runtime.alone("daily", tick) is False
        ended.set()
        assert await first is True
        assert await runtime.alone("daily", tick) is True
