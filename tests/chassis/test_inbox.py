"""The inbox: one effect per event, refusals kept, poison parked with its key, and never an event dropped."""

import asyncio
import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from services.chassis.bus import Heard, Stuck
from services.chassis.database import encode
from services.chassis.inbox import PARKED_AN_HOUR, TURNS
from services.chassis.waiting import NoSuchLetter, troubles
from services.chassis.work import Event, Refused, Work, takes_turns
from tests.notes import Noted, Sick, Unheard
from tests.notes_room import Notes
from tests.service_room import eventually


def fresh(count: int, *, first: int = 0) -> list[Noted]:
    return [Noted(key=f"k{n}", number=n) for n in range(first, first + count)]


async def test_an_event_has_its_effect_once_however_often_it_is_heard(notes: Notes) -> None:
    async with notes.pool() as pool:
        inbox = notes.inbox(pool)
        poll = notes.batch(fresh(3))
        await inbox.process(notes.topic, 0, poll)
        await inbox.process(notes.topic, 0, poll)
        await notes.inbox(pool).process(notes.topic, 0, poll)  # after a restart
    assert await notes.effects() == [("k0", 0), ("k1", 1), ("k2", 2)]


async def test_the_same_bytes_twice_in_one_poll_have_one_effect(notes: Notes) -> None:
    async with notes.pool() as pool:
        [one, two] = notes.batch(fresh(2))
        await notes.inbox(pool).process(notes.topic, 0, [one, one, two, one])
    assert await notes.effects() == [("k0", 0), ("k1", 1)]


async def test_the_same_id_from_another_source_is_another_event(notes: Notes) -> None:
    async with notes.pool() as pool:
        note = Noted(key="k", number=1)
        poll = [notes.heard(note, id="e1"), notes.heard(note, id="e1", offset=1, ce_source="/zhaoqi/elsewhere")]
        await notes.inbox(pool).process(notes.topic, 0, poll)
    assert len(await notes.effects()) == 2


async def test_a_refused_event_is_a_dead_letter_of_the_same_transaction_and_its_neighbours_are_handled(notes: Notes) -> None:
    async with notes.pool() as pool:
        poll = notes.batch([Noted(key="a", number=1), Noted(key="b", number=2, refuse="没有这份文件"), Noted(key="c", number=3)])
        await notes.inbox(pool).process(notes.topic, 0, poll)
        async with pool.acquire() as connection:
            assert await troubles(connection) == {"dead_letters": 1, "parked_keys": 0}
    assert await notes.effects() == [("a", 1), ("c", 3)]
    [letter] = await notes.rows("SELECT * FROM dead_letters")
    assert (letter["reason"], letter["event_id"], letter["offset"], letter["key"]) == ("没有这份文件", "e1", 1, "b")
    assert letter["body"] == poll[1].body
    assert json.loads(letter["headers"])["ce_id"] == "e1"
    both = "SELECT count(DISTINCT xmin::text) AS transactions FROM (SELECT xmin FROM dead_letters UNION ALL SELECT xmin FROM inbox) AS rows"
    assert (await notes.rows(both))[0]["transactions"] == 1


async def test_a_dead_letter_can_be_mended_and_sent_again_once(notes: Notes) -> None:
    async with notes.pool() as pool:
        inbox = notes.inbox(pool)
        await inbox.process(notes.topic, 0, notes.batch([Noted(key="b", number=2, refuse="wrong")]))
        [letter] = await notes.rows("SELECT id FROM dead_letters")
        with pytest.raises(ValueError, match="wrong"):
            await inbox.resend(letter["id"])  # not mended: it stays what it is
        await inbox.resend(letter["id"], body=encode({"key": "b", "number": 22}))
        with pytest.raises(NoSuchLetter):
            await inbox.resend(letter["id"])
    assert await notes.effects() == [("b", 22)]
    [letter] = await notes.rows("SELECT resolution FROM dead_letters WHERE resolved_at IS NOT NULL")
    assert letter["resolution"] == "resent"


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"\xff\xfe\x00 no JSON", {}),
        (b"{", {}),
        (b"", {}),
        (b"[]", {}),
        (b'{"key": "k"}', {}),
        (b'{"key": "k", "number": NaN}', {}),
        (b"[" * 100_000, {}),
        (b'{"key": "k", "number": 1}', {"ce_time": "yesterday"}),
        (b'{"key": "k", "number": 1}', {"ce_time": "2026-03-01T08:00:00"}),
    ],
)
async def test_bytes_that_are_no_event_are_a_dead_letter_and_stop_nobody(notes: Notes, body: bytes, headers: dict[str, str]) -> None:
    async with notes.pool() as pool:
        [good, bad, last] = notes.batch(fresh(3))
        bad = Heard(bad.topic, bad.partition, bad.offset, bad.key, {**bad.headers, **headers}, body)
        await notes.inbox(pool).process(notes.topic, 0, [good, bad, last])
    assert await notes.effects() == [("k0", 0), ("k2", 2)]
    [letter] = await notes.rows("SELECT body, reason FROM dead_letters")
    assert letter["body"] == body
    assert "Noted" in letter["reason"]


async def test_a_record_without_an_envelope_is_a_dead_letter(notes: Notes) -> None:
    async with notes.pool() as pool:
        await notes.inbox(pool).process(notes.topic, 0, [Heard(notes.topic, 0, 7, "k", {}, b"hello")])
    [letter] = await notes.rows("SELECT event_id, reason FROM dead_letters")
    assert letter["event_id"] == f"{notes.topic}/0/7"
    assert "ce_id" in letter["reason"]


async def test_an_unknown_type_and_a_type_nobody_listens_to_are_passed_over(notes: Notes) -> None:
    async with notes.pool() as pool:
        unknown = notes.heard(Noted(key="k", number=1), id="e1", ce_type="zhaoqi.Invented.v9")
        unheard = notes.heard(Unheard(key="k"), id="e2")
        await notes.inbox(pool).process(notes.topic, 0, [unknown, unheard, notes.heard(Noted(key="k", number=3), id="e3")])
    assert await notes.effects() == [("k", 3)]
    assert await notes.rows("SELECT * FROM dead_letters") == []


async def test_an_unknown_field_of_a_newer_producer_is_ignored(notes: Notes) -> None:
    async with notes.pool() as pool:
        [record] = notes.batch(fresh(1))
        newer = Heard(record.topic, 0, 0, record.key, record.headers, b'{"key": "k0", "number": 0, "since_v1_1": true}')
        await notes.inbox(pool).process(notes.topic, 0, [newer])
    assert await notes.effects() == [("k0", 0)]


async def test_a_malformed_traceparent_is_none_and_costs_nothing(notes: Notes) -> None:
    async with notes.pool() as pool:
        poll = [
            notes.heard(note, id=f"e{n}", traceparent=value)
            for n, (note, value) in enumerate(zip(fresh(3), ["x", "00-0-0-00", ""], strict=True))
        ]
        await notes.inbox(pool).process(notes.topic, 0, poll)
    assert len(await notes.effects()) == 3


async def test_a_failing_batch_is_tried_again_whole(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add("*")
        inbox, telemetry = notes.inbox(pool), notes.telemetry

        def heal_at_the_first_failure(*_: object, **__: object) -> None:
            notes.sick.clear()

        telemetry.count = heal_at_the_first_failure  # type: ignore[method-assign]
        await inbox.process(notes.topic, 0, notes.batch(fresh(5)))
    assert notes.calls == [5, 5]
    assert len(await notes.effects()) == 5


async def test_runs_that_take_turns_leave_the_rest_of_the_process_to_others(notes: Notes) -> None:
    inside, most, go_on = 0, 0, asyncio.Event()

    @takes_turns
    async def heavy(events: Sequence[Event[Noted]], work: Work[Any]) -> list[Refused]:
        nonlocal inside, most
        inside, most = inside + 1, max(most, inside + 1)
        await go_on.wait()
        inside -= 1
        return []

    async def begun() -> bool:
        return inside == TURNS

    async with notes.pool() as pool:
        inbox = notes.inbox(pool)
        inbox._subscriptions = {Noted: heavy}
        async with asyncio.TaskGroup() as group:
            for partition, heard in enumerate(notes.batch(fresh(TURNS + 2))):
                group.create_task(inbox.process(notes.topic, partition, [heard]))
            await eventually(begun)
            assert inbox._turns.locked()
            go_on.set()
        assert (most, inside) == (TURNS, 0)
        assert await pool.fetchval("SELECT count(*) FROM inbox") == TURNS + 2


async def test_one_poison_in_five_hundred_parks_its_key_and_leaves_the_others_their_effects(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add("k250")
        inbox = notes.inbox(pool)
        await inbox.process(notes.topic, 0, notes.batch(fresh(500)))
        assert sorted(number for _, number in await notes.effects()) == [n for n in range(500) if n != 250]
        [parked] = await notes.rows("SELECT * FROM parked")
        assert (parked["key"], parked["event_id"]) == ("k250", "e250")
        assert "Sick" in parked["error"]

        later = [Noted(key="k250", number=1000), Noted(key="k251", number=1001), Noted(key="k250", number=1002)]
        await inbox.process(notes.topic, 0, notes.batch(later, first=500))  # its later events wait, others go on
        assert [row["event_id"] for row in await notes.rows("SELECT event_id FROM parked ORDER BY id")] == ["e250", "e500", "e502"]
        assert ("k251", 1001) in await notes.effects()

        with pytest.raises(Sick):
            await inbox.release("k250")  # still sick: all of it stays
        assert len(await notes.rows("SELECT * FROM parked")) == 3
        notes.sick.clear()
        assert await inbox.release("k250") == 3
        assert [number for key, number in await notes.effects() if key == "k250"] == [250, 1000, 1002]
        await inbox.process(notes.topic, 0, notes.batch([Noted(key="k250", number=1003)], first=600))
        assert ("k250", 1003) in await notes.effects()
        await inbox.process(notes.topic, 0, notes.batch(later, first=500))  # heard once more after the release
    assert len(await notes.effects()) == 504
    assert await notes.rows("SELECT * FROM parked") == []


async def test_a_dropped_key_becomes_dead_letters_in_its_order_and_goes_on(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add("k1")
        inbox = notes.inbox(pool)
        await inbox.process(notes.topic, 0, notes.batch([*fresh(3), *(Noted(key="k1", number=n) for n in (11, 12))]))
        assert await inbox.drop("k1") == 3
        letters = await notes.rows("SELECT event_id, reason FROM dead_letters ORDER BY id")
        assert [(row["event_id"], row["reason"]) for row in letters] == [(id, "dropped by an operator") for id in ("e1", "e3", "e4")]
        notes.sick.clear()
        await inbox.process(notes.topic, 0, notes.batch([Noted(key="k1", number=13)], first=10))
    assert [effect for effect in await notes.effects() if effect[0] == "k1"] == [("k1", 13)]


async def test_a_lone_poison_is_parked_while_the_database_answers(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add("k0")
        await notes.inbox(pool).process(notes.topic, 0, notes.batch(fresh(1)))
    assert len(await notes.rows("SELECT * FROM parked")) == 1


async def test_a_poison_whose_neighbours_were_all_heard_before_parks_no_two_keys(notes: Notes) -> None:
    """Duplicates are no proof that the handler works: with two keys failing and nothing new done, the partition stops."""
    async with notes.pool() as pool:
        inbox = notes.inbox(pool)
        await inbox.process(notes.topic, 0, notes.batch(fresh(10)))
        notes.sick.add("*")
        with pytest.raises(Stuck, match="every event"):
            await inbox.process(notes.topic, 0, notes.batch(fresh(12)))
    assert await notes.rows("SELECT * FROM parked") == []


async def test_when_every_event_fails_the_partition_is_stuck_and_nothing_is_parked(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add("*")
        inbox = notes.inbox(pool)
        with pytest.raises(Stuck, match="every event of the batch fails"):
            await inbox.process(notes.topic, 0, notes.batch(fresh(8)))
        assert await notes.rows("SELECT * FROM parked") == await notes.rows("SELECT * FROM inbox") == []
        notes.sick.clear()
        await inbox.process(notes.topic, 0, notes.batch(fresh(8)))
    assert len(await notes.effects()) == 8


async def test_more_than_twenty_parked_keys_an_hour_stop_the_partition(notes: Notes) -> None:
    async with notes.pool() as pool:
        inbox = notes.inbox(pool)
        poll = notes.batch(fresh(PARKED_AN_HOUR + 10))
        notes.sick.update({f"k{n}" for n in range(PARKED_AN_HOUR)})
        await inbox.process(notes.topic, 0, poll)
        assert len(await notes.rows("SELECT * FROM parked")) == PARKED_AN_HOUR
        notes.sick.add("one more")
        more = notes.batch([Noted(key="one more", number=1), *fresh(2, first=100)], first=100)
        with pytest.raises(Stuck, match="an operator must look"):
            await inbox.process(notes.topic, 0, more)
        again = notes.batch([Noted(key="k3", number=77)], first=200)  # a key that is parked already is not one more
        await inbox.process(notes.topic, 0, again)
        await notes.rows("UPDATE parked SET at = at - interval '2 hours' WHERE event_id LIKE 'e_' OR event_id LIKE 'e__'")
        await inbox.process(notes.topic, 0, more)
    assert len(await notes.rows("SELECT DISTINCT key FROM parked")) == PARKED_AN_HOUR + 1


async def test_the_order_of_a_key_is_kept_through_failure_and_halving(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add("b")
        inbox = notes.inbox(pool)
        poll = notes.batch([Noted(key="abc"[n % 3], number=n) for n in range(90)])
        await inbox.process(notes.topic, 0, poll)
        notes.sick.clear()
        await inbox.release("b")
    effects = await notes.effects()
    assert len(effects) == 90
    for key in "abc":
        numbers = [number for k, number in effects if k == key]
        assert numbers == sorted(numbers)


@pytest.mark.parametrize("poison", [{"key": "a\ufffdb\\c"}, {"ce_id": "x\ufffd"}])
async def test_whatever_stands_in_a_record_it_can_be_parked(notes: Notes, poison: dict[str, str]) -> None:
    async with notes.pool() as pool:
        notes.sick.add("*")
        [record] = notes.batch(fresh(1))
        odd = Heard(record.topic, 0, 0, poison.get("key", "k"), {**record.headers, **poison}, record.body)
        await notes.inbox(pool).process(notes.topic, 0, [odd])
        assert len(await notes.rows("SELECT * FROM parked")) == 1


async def test_numbers_keep_their_digits_through_the_database(notes: Notes) -> None:
    given = {"a": Decimal("1234567890123456789.01"), "b": [Decimal("0.10"), 7], "中": None}
    async with notes.pool() as pool, pool.acquire() as connection:
        assert await connection.fetchval("SELECT $1::jsonb", given) == given
