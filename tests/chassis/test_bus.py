"""The consumer: where a group begins, when a partition pauses or stops, and what readiness says about it."""

from collections.abc import Sequence

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition

from deploy.kafka import KafkaNode
from services.chassis import bus
from services.chassis.app import Runtime
from services.chassis.bus import Producer, Record, Stuck
from services.chassis.problems import Fault
from tests.conftest import Broker
from tests.notes import PARTITIONS, Noted, Store
from tests.notes_room import Notes, join, key_in, until


async def say(notes: Notes, payloads: Sequence[Noted], *, first: int = 0, padding: int = 0) -> None:
    """Lay events on the broker past any outbox."""
    producer = Producer(notes.bootstrap)
    try:
        for at in range(0, len(payloads), 500):
            heard = [notes.heard(payload, id=f"e{first + at + n}") for n, payload in enumerate(payloads[at : at + 500])]
            await producer.send_all([Record(one.topic, one.key, (one.body or b"") + b" " * padding, one.headers) for one in heard])
    finally:
        await producer.stop()


async def committed(notes: Notes) -> list[int]:
    """What the group has committed on each partition of the notes; -1 where nothing."""
    admin = AIOKafkaAdminClient(bootstrap_servers=notes.bootstrap)
    await admin.start()
    try:
        places = [TopicPartition(notes.topic, partition) for partition in range(PARTITIONS)]
        offsets = await admin.list_consumer_group_offsets(notes.name, partitions=places)
        return [offsets[place].offset if place in offsets else -1 for place in places]
    finally:
        await admin.close()


async def has_effects(notes: Notes, count: int, *, seconds: float = 30) -> None:
    async def enough() -> bool:
        return len(await notes.effects()) >= count

    await until(enough, seconds=seconds)


async def is_ready(runtime: Runtime[Store]) -> None:
    async def ready() -> bool:
        return not await runtime.not_ready()

    await until(ready)


async def fault_at(runtime: Runtime[Store], place: str) -> Fault:
    """The fault readiness names at this place, as soon as it does."""

    async def found() -> Fault | None:
        return next((fault for fault in await runtime.not_ready() if fault.at == place), None)

    fault: Fault = await until(found, seconds=60)  # a client notices that its broker is gone after its own patience
    return fault


async def test_a_new_group_starts_at_the_beginning_and_says_so_for_every_partition(live: Notes) -> None:
    await say(live, [Noted(key=key_in(0), number=n) for n in range(20)])
    async with live.running() as runtime:
        await has_effects(live, 20)
        await is_ready(runtime)

        async def all_placed() -> bool:
            return await committed(live) == [20, 0, 0]

        await until(all_placed)


async def has_committed(notes: Notes, number: int) -> None:
    """Wait until the group has committed so many records; an offset moves after its effect is there."""

    async def there() -> bool:
        return sum(await committed(notes)) == number

    await until(there)


async def test_a_group_goes_on_where_it_committed_and_never_resets(live: Notes) -> None:
    await say(live, [Noted(key=key_in(n % 3), number=n) for n in range(30)])
    async with live.running():
        await has_effects(live, 30)
        await has_committed(live, 30)
    await say(live, [Noted(key=key_in(n % 3), number=n) for n in range(30, 40)], first=30)
    live.calls.clear()
    async with live.running():
        await has_effects(live, 40)
        await has_committed(live, 40)
    assert sum(live.calls) == 10
    assert len(await live.effects()) == 40


async def test_when_every_event_fails_the_partition_pauses_visibly_commits_nothing_and_goes_on_by_itself(live: Notes) -> None:
    sick, well = key_in(0), key_in(1)
    others = [f"{sick}-{n}" for n in range(1000) if bus.partition_of(f"{sick}-{n}", PARTITIONS) == 0][:4]
    live.sick.update({sick, *others})
    async with live.running() as runtime:
        await is_ready(runtime)
        await say(live, [Noted(key=key, number=n) for n, key in enumerate((sick, *others))])
        fault = await fault_at(runtime, f"partition {live.topic}/0")
        assert "every event of the batch fails" in fault.problem
        assert sick not in fault.problem
        await say(live, [Noted(key=well, number=n) for n in range(5)], first=100)  # other partitions go on
        await say(live, [Noted(key=sick, number=9)], first=200)  # and what comes later waits behind
        await has_effects(live, 5)
        await has_committed(live, 5)
        assert await committed(live) == [0, 5, 0]
        assert await live.rows("SELECT * FROM parked") == []
        live.sick.clear()
        await has_effects(live, 11)
        await is_ready(runtime)

        async def went_on() -> bool:
            return await committed(live) == [6, 5, 0]

        await until(went_on)
    effects = [effect for effect in await live.effects() if effect[0] != well]
    assert effects == [*((key, n) for n, key in enumerate((sick, *others))), (sick, 9)]


async def test_one_poison_in_five_hundred_of_a_real_poll(live: Notes) -> None:
    poison = key_in(0, "poison")
    live.sick.add(poison)
    notes = [Noted(key=poison if n == 250 else f"k{n}", number=n) for n in range(500)]
    await say(live, notes)
    async with live.serving() as client:
        await has_effects(live, 499)

        async def parked() -> object:
            return (await client.get("/ops/trouble")).json()["parked"]

        [key] = await until(parked)
        assert (key["events"], key["topic"]) == (1, live.topic)
        assert poison not in key["key"]
        assert "Sick" in key["error"]
        await is_ready(client.runtime)  # type: ignore[attr-defined]
        refused = await client.post(f"/ops/parked/{key['key']}/release")
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        live.sick.clear()
        assert (await client.post(f"/ops/parked/{key['key']}/release")).json() == {"released": 1}
        assert (await client.post(f"/ops/parked/{key['key']}/drop")).status_code == 404
    assert sorted(number for _, number in await live.effects()) == list(range(500))


async def test_whatever_lies_on_a_topic_becomes_a_dead_letter_and_stops_nobody(live: Notes) -> None:
    sender = AIOKafkaProducer(bootstrap_servers=live.bootstrap)
    await sender.start()
    good = live.heard(Noted(key="good", number=1), id="good")
    ill = live.heard(Noted(key="ill", number=2), id="ill")
    well = [(name, value.encode()) for name, value in good.headers.items()]
    for key, body, headers in (
        (None, b"", []),
        (b"\x00\xff", b"\x00\xff", [("ce_\x00", b"\x00\xfe")]),
        (b"a\x00b", ill.body, [*well, ("ce_id", b"\x00"), ("odd", b"\xff")]),
        (b"good", good.body, well),
    ):
        await sender.send_and_wait(live.topic, body, key=key, headers=headers, partition=0)
    await sender.stop()
    live.sick.add("ill")
    async with live.running():
        await has_effects(live, 1)
        await until(lambda: live.rows("SELECT key FROM parked"))
    assert await live.effects() == [("good", 1)]
    assert len(await live.rows("SELECT * FROM dead_letters")) == 2
    assert [row["key"] for row in await live.rows("SELECT key FROM parked")] == ["a\ufffdb"]


async def lose_the_first(notes: Notes, server: object) -> int:
    """Make the broker lose the oldest records of partition 0; returns the offset it now begins at."""
    if isinstance(server, KafkaNode):
        admin = AIOKafkaAdminClient(bootstrap_servers=notes.bootstrap)
        await admin.start()
        gone = await admin.delete_records({TopicPartition(notes.topic, 0): RecordsToDelete(before_offset=10)})
        await admin.close()
        return gone[TopicPartition(notes.topic, 0)]
    await say(notes, [Noted(key=key_in(0), number=n) for n in range(30, 60)], first=30, padding=250_000)  # the mock keeps 5 MiB
    producer = Producer(notes.bootstrap)
    beginning = (await producer._ask(None, lambda reader: reader.beginning_offsets([TopicPartition(notes.topic, 0)]))).popitem()[1]
    await producer.stop()
    assert beginning > 0
    return int(beginning)


async def test_an_offset_out_of_range_stops_its_partition_and_says_which_offsets_are_gone(
    live: Notes, request: pytest.FixtureRequest
) -> None:
    async with live.running() as runtime:
        await is_ready(runtime)  # the group stands at the beginning of every partition
    await say(live, [Noted(key=key_in(n % 2), number=n) for n in range(60)], first=1000)
    beginning = await lose_the_first(live, request.getfixturevalue("broker").server)
    async with live.running() as runtime:
        fault = await fault_at(runtime, f"partition {live.topic}/0")
        assert fault.problem == f"offsets 0 to {beginning - 1} are gone"
        await has_effects(live, 30)  # the other partition goes on
        await say(live, [Noted(key=key_in(0), number=99), Noted(key=key_in(1), number=99)], first=2000)
        await has_effects(live, 31)
        assert {key for key, _ in await live.effects()} == {key_in(1)}
        assert (await committed(live))[0] == 0  # it stands where it stood


async def test_a_consumer_that_hears_nothing_though_events_wait_is_rebuilt(live: Notes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bus, "WEDGED_AFTER", 0.5)
    monkeypatch.setattr(bus, "LAG_EVERY", 0.2)
    async with live.running() as runtime:
        await is_ready(runtime)
        assert runtime.consumer is not None
        assert runtime.consumer._consumer is not None
        runtime.consumer._consumer.pause(*runtime.consumer._consumer.assignment())  # alive, assigned, deaf
        await say(live, [Noted(key=f"k{n}", number=n) for n in range(10)])
        await has_effects(live, 10)
        assert runtime.consumer.state.rebuilt >= 1
        await is_ready(runtime)


async def test_any_fault_of_the_client_is_cured_by_a_new_client(live: Notes) -> None:
    async with live.running() as runtime:
        await is_ready(runtime)
        assert runtime.consumer is not None
        broken = runtime.consumer._consumer

        def fail(*_: object, **__: object) -> None:
            raise AssertionError("a fault of the client's own")

        broken.getmany = fail  # type: ignore[union-attr]
        await say(live, [Noted(key=f"k{n}", number=n) for n in range(10)])
        await has_effects(live, 10)

        async def another() -> bool:
            return runtime.consumer._consumer not in (broken, None)  # type: ignore[union-attr]

        await until(another)
        await say(live, [Noted(key=f"k{n}", number=n) for n in range(10, 20)], first=10)
        await has_effects(live, 20)


async def test_two_members_share_the_work_of_a_group_and_each_event_has_one_effect(notes: Notes, kafka_node: KafkaNode) -> None:
    live = join(notes, Broker("kafka", kafka_node.bootstrap, kafka_node))  # on the mock two members of one group fail
    async with live.running() as first:
        await is_ready(first)
        async with live.running() as second:

            async def shared() -> bool:
                members = [runtime.consumer._consumer for runtime in (first, second) if runtime.consumer]
                return sorted(len(member.assignment()) for member in members if member) == [2, 4]

            await until(shared)
            await say(live, [Noted(key=f"k{n % 40}", number=n) for n in range(1000)])
            await has_effects(live, 1000)
        await say(live, [Noted(key=f"k{n % 40}", number=n) for n in range(1000, 1100)], first=1000)
        await has_effects(live, 1100)  # what was the other's goes on here
    assert sorted(number for _, number in await live.effects()) == list(range(1100))


async def test_a_stuck_batch_says_why_without_naming_anybody(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add("*")
        with pytest.raises(Stuck) as stuck:
            await notes.inbox(pool).process(notes.topic, 0, notes.batch([Noted(key="913502", number=1), Noted(key="x", number=2)]))
    assert "913502" not in str(stuck.value)
    assert "Sick" in str(stuck.value)
