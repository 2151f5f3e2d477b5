"""A bulk file of facts has the effect its lines would have had one by one, shard by shard, however often it is begun."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import BenefitPublished, EnterpriseRenamed, FactsDelivered, FactsStated, MatchFound, MatchLost
from contracts.rules import parse_benefit
from services.chassis.clock import city_day, now
from services.chassis.database import dumps
from services.chassis.inbox import UnitOfWork
from services.policy_match.domain.profile import Profile, Statement, restated
from services.policy_match.handlers import deliveries
from services.policy_match.handlers.deliveries import NotLoaded, load_next, put_off
from services.policy_match.main import SUBSCRIPTIONS
from services.policy_match.sources.deliveries import divided
from services.policy_match.store import Store
from services.policy_match.store.rows import profile_of, stated_of
from tests.service_room import Room, eventually, payloads, record, room, traceparent, uscc, usccs_in

TODAY = city_day(now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)
LEAST = 20_000_000
BENEFIT = parse_benefit(
    {
        "id": "ben-1",
        "rule": {"fact": "revenue", "period": "last_year", "is": ">=", "value": LEAST, "quote": "上年度营业收入2000万元以上"},
        "amount": {"fixed": 100000},
    }
)


@pytest.fixture
async def matcher(database: str) -> AsyncIterator[Room]:
    async with room(database, "policy_match", SUBSCRIPTIONS, Store) as opened:
        yield opened


def packed(lines: Sequence[dict[str, Any]], folder: Path) -> dict[int, bytes]:
    """The lines of a file by shard."""
    file = folder / "file"
    with pa.CompressedOutputStream(str(file), "zstd") as out:
        out.write("".join(dumps(line) + "\n" for line in lines).encode())
    return divided(file)


@dataclass
class Loader:
    """Announces files to a matcher and loads them as its job does, one transaction after the other."""

    matcher: Room
    folder: Path
    number: int = 0

    async def announce(
        self, lines: Sequence[dict[str, Any]], *, true_on: date = TODAY, authority: str = "税务", trace: str | None = None
    ) -> str:
        self.number += 1
        name = f"del-{self.number}"
        said = FactsDelivered(
            delivery=name, authority=authority, address=f"/v1/deliveries/{name}/file", sha256="0" * 64, rows=len(lines), true_on=true_on
        )
        await self.matcher.hear(record(said, trace=trace))
        async with self.work() as work:
            assert await work.store.claim_delivery(work.now, work.now + timedelta(minutes=1)) is not None
            await work.store.keep_shards(name, packed(lines, self.folder), work.now)
        return name

    def work(self) -> Any:
        return _Work(self.matcher)

    async def load(self) -> int:
        """Load all that is due; the number of shards."""
        shards = 0
        while True:
            async with self.work() as work:
                if not await load_next(work):
                    return shards
            shards += 1


class _Work:
    """One transaction, as the runtime opens it."""

    def __init__(self, matcher: Room) -> None:
        self._pool = matcher.pool

    async def __aenter__(self) -> UnitOfWork[Store]:
        self._connection = await self._pool.acquire()
        self._transaction = self._connection.transaction()
        await self._transaction.start()
        moment = now()
        self._work = UnitOfWork(Store(self._connection), self._connection, moment, city_day(moment, "Asia/Shanghai"))
        return self._work

    async def __aexit__(self, kind: Any, *_: Any) -> None:
        if kind is None:
            await self._work.finish()
            await self._transaction.commit()
        else:
            await self._transaction.rollback()
        await self._pool.release(self._connection)


@pytest.fixture
def loader(matcher: Room, tmp_path: Path) -> Loader:
    return Loader(matcher, tmp_path)


def line(code: str, revenue: float | None = None, **more: Any) -> dict[str, Any]:
    return {"uscc": code, "facts": {"revenue": {LAST_YEAR: revenue}} if revenue is not None else {}, **more}


def kinds(said: Any) -> list[tuple[str, str]]:
    return sorted((type(event).__name__, event.uscc) for event in payloads(said) if not hasattr(event, "partition"))


async def settle(matcher: Room) -> list[Any]:
    others = []
    while said := await matcher.said():
        others += [one for one in said if one.topic != "sweeps.v1"]
        await matcher.hear(*[one for one in said if one.topic == "sweeps.v1"])
    return others


async def test_a_file_finds_those_whose_values_qualify_and_only_changes_are_said(matcher: Room, loader: Loader) -> None:
    codes = [uscc(number) for number in range(200)]
    await matcher.hear(BenefitPublished(benefit=BENEFIT, version=1))
    await settle(matcher)
    trace = traceparent()
    rich = [line(code, LEAST * 2, name="甲有限公司") for code in codes[:100]]
    await loader.announce([*rich, *(line(code, 1) for code in codes[100:])], trace=trace)
    assert await loader.load() == 12
    said = await matcher.said()
    assert kinds(said) == sorted(("MatchFound", code) for code in codes[:100])
    assert {one.headers["traceparent"].split("-")[1] for one in said} == {trace.split("-")[1]}
    await loader.announce([line(code, LEAST * 2) for code in codes[:100]])  # the same once more
    await loader.load()
    assert await matcher.said() == []
    await loader.announce([line(codes[0], 1), line(codes[150], LEAST)])
    await loader.load()
    assert kinds(await matcher.said()) == [("MatchFound", codes[150]), ("MatchLost", codes[0])]
    rows = await matcher.pool.fetch("SELECT state, rows, loaded, changed, left_out FROM deliveries ORDER BY delivery")
    assert [tuple(row) for row in rows] == [("loaded", 200, 200, 200, 0), ("loaded", 100, 100, 0, 0), ("loaded", 2, 2, 2, 0)]
    assert await matcher.pool.fetchval("SELECT count(*) FROM delivered_shards") == 0
    assert await matcher.pool.fetchval("SELECT count(*) FROM statements") == 302


async def test_what_is_loaded_in_bulk_stands_as_if_it_had_been_stated_one_by_one(matcher: Room, loader: Loader) -> None:
    rng = random.Random(11)
    codes = [uscc(number) for number in range(8)]
    years = ["2023", "2024", LAST_YEAR]
    authorities: dict[str, Callable[[], dict[str, Any]]] = {
        "税务": lambda: {
            "facts": {
                "revenue": {year: rng.choice([1, 2.5, 7]) for year in rng.sample(years, 2)},
                **({"taxpayer_type": "general"} if rng.random() < 0.5 else {}),
            }
        },
        "工信": lambda: {
            "facts": {"honours": rng.sample(["甲", "乙"], rng.randrange(3))},
            "records": {"certificate": [{"id": str(n), "name": "A"} for n in range(rng.randrange(3))]},
        },
    }
    log: list[Statement] = []
    for turn in range(12):
        authority = rng.choice(list(authorities))
        day = date(2026, 1, 1) + timedelta(days=rng.randrange(5))
        lines = [{"uscc": code, **authorities[authority](), "name": rng.choice(["", "甲", "乙"]) or None} for code in rng.sample(codes, 5)]
        lines = [{key: value for key, value in one.items() if value is not None} for one in lines]
        moment = datetime.now(UTC)  # noqa: TID251 - when the harness lets it be known
        if turn % 3:
            await loader.announce(lines, true_on=day, authority=authority)
            await loader.load()
        else:
            await matcher.hear(*[FactsStated(authority=authority, true_on=day, **{"facts": {}, **one}) for one in lines])
        log += [
            Statement("", one["uscc"], authority, "", day, moment, one.get("name"), one.get("facts", {}), one.get("records", {}))
            for one in lines
        ]
    store = Store(matcher.pool)
    parts = await store.parts(codes)
    for (code, authority), part in parts.items():
        wanted = restated(Profile(code), [one for one in log if (one.uscc, one.authority) == (code, authority)])
        assert (part.name, part.facts, part.records) == (wanted.name, wanted.facts, wanted.records)
        assert {key: origin.true_on for key, origin in part.stated.items()} == {key: o.true_on for key, o in wanted.stated.items()}
    assert len(parts) > 8


async def test_a_late_file_about_the_past_changes_nothing_that_is_newer(matcher: Room, loader: Loader) -> None:
    code = uscc(1)
    await matcher.hear(BenefitPublished(benefit=BENEFIT, version=1))
    await settle(matcher)
    await loader.announce([line(code, LEAST)])
    await loader.load()
    await loader.announce([{"uscc": code, "facts": {"revenue": {LAST_YEAR: 1, "2019": 3}}}], true_on=date(2020, 1, 1))
    await loader.load()
    assert kinds(await matcher.said()) == [("MatchFound", code)]
    profile = (await Store(matcher.pool).profiles([code]))[code]
    assert profile.facts["revenue"] == {LAST_YEAR: LEAST, "2019": 3}
    assert profile.stated["revenue@2019"].true_on == date(2020, 1, 1)
    assert profile.stated[f"revenue@{LAST_YEAR}"].true_on == TODAY


async def test_a_shard_that_fails_half_way_is_loaded_later_and_nothing_is_doubled(
    matcher: Room, loader: Loader, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [uscc(number) for number in range(120)]
    await matcher.hear(BenefitPublished(benefit=BENEFIT, version=1))
    await settle(matcher)
    name = await loader.announce([line(code, LEAST) for code in codes])
    decide, calls = deliveries.decided, 0

    async def dies(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise RuntimeError("the process ends here")
        return await decide(*args)

    monkeypatch.setattr(deliveries, "decided", dies)
    with pytest.raises(NotLoaded, match=name):
        await loader.load()
    async with loader.work() as work:
        await put_off(name, "not loaded", work)
    row = await matcher.pool.fetchrow("SELECT state, failures, problem FROM deliveries")
    assert tuple(row) == ("loading", 1, "not loaded")
    assert await matcher.pool.fetchval("SELECT count(*) FROM delivered_shards") == 10
    assert await loader.load() == 0, "it rests"
    await matcher.pool.execute("UPDATE deliveries SET due_at = now()")
    assert await loader.load() == 10
    assert kinds(await matcher.said()) == sorted(("MatchFound", code) for code in codes)
    assert tuple(await matcher.pool.fetchrow("SELECT state, failures, loaded FROM deliveries")) == ("loaded", 0, 120)
    again = FactsDelivered(delivery=name, authority="税务", address="/v1/x", sha256="", rows=120, true_on=TODAY)
    await matcher.hear(again)
    assert await loader.load() == 0


async def test_a_benefit_published_between_two_shards_misses_none_of_the_file(matcher: Room, loader: Loader) -> None:
    codes = [uscc(number) for number in range(60)]
    await loader.announce([line(code, LEAST) for code in codes])
    for _ in range(5):
        async with loader.work() as work:
            assert await load_next(work)
    await matcher.hear(BenefitPublished(benefit=BENEFIT, version=1))
    found = await settle(matcher)
    await loader.load()
    assert kinds([*found, *await matcher.said()]) == sorted(("MatchFound", code) for code in codes)


async def test_an_enterprise_with_a_new_uscc_is_left_out_and_counted(matcher: Room, loader: Loader) -> None:
    former, successor = usccs_in(3, 2)
    await matcher.hear(FactsStated(uscc=former, authority="税务", true_on=TODAY, facts={"revenue": {LAST_YEAR: 1}}))
    await matcher.hear(EnterpriseRenamed(uscc=successor, former_uscc=former, name="新名", renamed_on=TODAY))
    await loader.announce([line(former, LEAST), line(successor, 2)])
    await loader.load()
    assert set(await Store(matcher.pool).profiles([former, successor])) == {successor}
    assert tuple(await matcher.pool.fetchrow("SELECT loaded, left_out FROM deliveries")) == (1, 1)


async def test_two_processes_share_the_shards_of_a_file(matcher: Room, loader: Loader) -> None:
    await loader.announce([line(uscc(number), LEAST) for number in range(60)])
    async with loader.work() as one, loader.work() as other:
        first, second = await one.store.next_shard(one.now), await other.store.next_shard(other.now)
        assert first is not None
        assert second is not None
        assert first[1] != second[1]


async def test_a_file_is_done_though_its_last_two_shards_are_loaded_at_once(matcher: Room, loader: Loader) -> None:
    await loader.announce([line(uscc(number), LEAST) for number in range(60)])
    shards: int = await matcher.pool.fetchval("SELECT count(*) FROM delivered_shards")
    for _ in range(shards - 2):
        async with loader.work() as work:
            assert await load_next(work)

    async def last() -> None:
        async with loader.work() as work:
            assert await load_next(work)

    async def waiting() -> bool:
        return bool(await matcher.pool.fetchval("SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)"))

    async with asyncio.TaskGroup() as group, loader.work() as work:
        assert await load_next(work)
        group.create_task(last())
        await eventually(waiting)  # for the transaction that ends here
    assert tuple(await matcher.pool.fetchrow("SELECT state, loaded FROM deliveries")) == ("loaded", 60)


ORIGINS = st.tuples(st.dates(date(2024, 1, 1), date(2024, 1, 3)), st.integers(0, 3))
VALUES = st.dictionaries(
    st.sampled_from("abcd"),
    st.none() | st.integers(0, 3) | st.dictionaries(st.sampled_from(["2023", "2024"]), st.none() | st.integers(0, 3)),
)


@given(st.lists(st.tuples(ORIGINS, VALUES, st.dictionaries(st.sampled_from("kl"), st.just([{}])), st.sampled_from(["", "甲"])), max_size=5))
def test_a_profile_is_read_back_from_its_row(said: list[Any]) -> None:
    profile = Profile("x")
    for number, ((day, second), facts, records, name) in enumerate(said):
        moment = datetime(2026, 1, 1, 0, 0, second, tzinfo=UTC)
        profile = restated(profile, [Statement(str(number), "x", "税务", "", day, moment, name or None, facts, records)])
    stated = {key: (day.isoformat(), moment.isoformat()) for key, (day, moment) in stated_of(profile).items()}
    row = {"uscc": "x", "authority": "税务", "name": profile.name, "stated": stated}
    assert profile_of(row, profile.facts, profile.records) == profile


async def test_the_kinds_of_events_are_those_of_the_flow(matcher: Room, loader: Loader) -> None:
    await matcher.hear(BenefitPublished(benefit=BENEFIT, version=1))
    await loader.announce([line(uscc(1), LEAST)])
    await loader.load()
    await loader.announce([line(uscc(1), 1)])
    await loader.load()
    found, lost = [event for event in payloads(await settle(matcher)) if isinstance(event, MatchFound | MatchLost)]
    assert isinstance(lost, MatchLost)
    assert (type(found), lost.reason) == (MatchFound, "facts")
