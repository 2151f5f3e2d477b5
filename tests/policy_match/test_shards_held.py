"""A shard held in memory as columns is what the database says, whatever changed since it was read."""

import random
from collections.abc import AsyncIterator
from datetime import date
from typing import Any

import pytest

from contracts.events import EnterpriseRenamed, FactsStated
from contracts.registry import load_figures, load_registry
from contracts.rules import parse_benefit
from services.chassis.clock import now
from services.policy_match.domain.matches import Counts, Key, Match, Offer, eligible
from services.policy_match.main import SUBSCRIPTIONS
from services.policy_match.store import Store, shards
from tests.service_room import Room, room, usccs_in

TODAY = date(2025, 6, 30)
OFFERS = [
    Offer(parse_benefit({"id": "b0", "rule": {"fact": "revenue", "period": "2024", "is": ">=", "value": 20}, "amount": {"fixed": 5}}), 1),
    Offer(
        parse_benefit(
            {
                "id": "b1",
                "rule": {"some": "certificate", "where": [{"field": "name", "is": "=", "value": "A"}]},
                "amount": {"rate": 1, "of": {"fact": "revenue", "period": "2024"}},
            }
        ),
        1,
    ),
]


@pytest.fixture
async def matcher(database: str) -> AsyncIterator[Room]:
    async with room(database, "policy_match", SUBSCRIPTIONS, Store) as opened:
        yield opened


def decided(city: Any) -> tuple[dict[Key, Match], dict[str, Counts]]:
    return eligible(OFFERS, city, as_of=TODAY, registry=load_registry(), figures=load_figures())


async def as_held(matcher: Room, shard: int) -> tuple[dict[Key, Match], dict[str, Counts]]:
    async with matcher.pool.acquire() as connection, connection.transaction():
        return decided(await Store(connection).city(shard))


async def as_kept(matcher: Room, shard: int) -> tuple[dict[Key, Match], dict[str, Counts]]:
    return decided(await Store(matcher.pool).enterprises(shard))


def stated(code: str, rng: random.Random) -> FactsStated:
    rows = [{"name": rng.choice("AB")} for _ in range(rng.randrange(3))]
    facts = {"revenue": {"2024": rng.choice([1, 20, 20.5, None, 12345678901234.56])}}
    by = rng.choice([("税务", facts, {}), ("工信", {}, {"certificate": rows})])
    return FactsStated(uscc=code, authority=by[0], true_on=TODAY, facts=by[1], records=by[2])


async def test_what_is_held_follows_every_change(matcher: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "READ_AT_ONCE", 3)
    rng, codes = random.Random(5), usccs_in(3, 12)
    for _ in range(25):
        await matcher.hear(*[stated(code, rng) for code in rng.sample(codes, rng.randrange(1, 5))])
        assert await as_held(matcher, 3) == await as_kept(matcher, 3)
    assert (await as_held(matcher, 3))[0]


async def test_an_enterprise_that_has_a_new_uscc_is_not_held_under_the_old_one(matcher: Room) -> None:
    rng, (former, *others) = random.Random(5), usccs_in(3, 6)
    await matcher.hear(*[stated(code, rng) for code in (former, *others) for _ in range(3)])
    assert await as_held(matcher, 3) == await as_kept(matcher, 3)
    (successor,) = usccs_in(4, 1)
    await matcher.hear(EnterpriseRenamed(uscc=successor, former_uscc=former, name="新名", renamed_on=TODAY))
    assert await as_held(matcher, 3) == await as_kept(matcher, 3)
    assert await as_held(matcher, 4) == await as_kept(matcher, 4)


async def test_what_a_transaction_takes_back_was_never_held(matcher: Room) -> None:
    rng, codes = random.Random(7), usccs_in(3, 4)
    await matcher.hear(*[stated(code, rng) for code in codes for _ in range(3)])
    await as_held(matcher, 3)
    async with matcher.pool.acquire() as connection:
        undone = connection.transaction()
        await undone.start()
        store = Store(connection)
        parts = await store.parts(codes)
        await store.put_parts({place: part for place, part in parts.items() if place[1] == "税务"}, 3, now())
        await connection.execute("UPDATE profiles SET facts = '{\"revenue\": {\"2024\": 99}}' WHERE authority = '税务'")
        decided(await store.city(3))
        await undone.rollback()
    await matcher.hear(stated(codes[0], rng))
    assert await as_held(matcher, 3) == await as_kept(matcher, 3)
