"""`kill -9` in the middle of each pass: of ranking, a day's sweep, asking, loading a file. The next process goes on, nothing is missed
or said twice."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.events import BenefitPublished, FactsDelivered, FactsStated, Payload, SweepDue
from contracts.rules import parse_benefit
from contracts.topics import TOPICS
from deploy.embedded import Platform
from services.chassis import clock
from services.chassis.database import dumps, loads, open_pool
from services.policy_match.jobs import due
from services.policy_match.sources.deliveries import divided
from services.policy_match.store import Store
from tests.journeys.killing import LAST_YEAR, TODAY, heard, say, stopped_at, swept
from tests.service_room import uscc
from tests.world import World, apart, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

LEAST = 100
CODES = [uscc(number) for number in range(200)]
RULE = {"fact": "revenue", "period": "last_year", "is": ">=", "value": LEAST}
BENEFIT = parse_benefit({"id": "ben-1", "rule": RULE, "amount": {"fixed": 1}})


@pytest.fixture(params=["mock"])
def world(folder: Path, request: pytest.FixtureRequest) -> Iterator[World]:
    """PostgreSQL, a broker, and policy_match."""
    with Platform(folder / request.function.__name__, TOPICS, services=("policy_match",)) as platform:
        opened = World(platform)
        yield opened
        opened.close()


def killed_in_the_middle(world: World, table: str, query: str, *payloads: Payload) -> None:
    """Let events come while `table` is locked; kill the process where it waits for that, and start it anew."""
    service = world.platform.services["policy_match"]
    with world.holding("policy_match", "BEGIN", f"LOCK TABLE {table} IN SHARE MODE"):
        say(world, *payloads)
        until("it is in the middle", lambda: stopped_at(world, service, query))
        service.kill()
    service.start()
    service.wait_ready()


def told(world: World) -> list[tuple[str, str, str | None]]:
    """Every match event in the outbox: what, of whom, and why it was lost."""
    rows = world.rows("policy_match", "SELECT type, body FROM outbox WHERE type ~ '\\.Match(Found|Changed|Lost)\\.'")
    return sorted((row["type"].split(".")[1], loads(row["body"])["uscc"], loads(row["body"]).get("reason")) for row in rows)


async def _delivered(database: str, name: str, lines: list[dict[str, object]], file: Path) -> None:
    """Keep a file's lines as the job keeps them once it has fetched them."""
    with pa.CompressedOutputStream(str(file), "zstd") as out:
        out.write("".join(dumps(line) + "\n" for line in lines).encode())
    pool = await open_pool(database, service="test", size=1)
    try:
        async with pool.acquire() as connection, connection.transaction():
            store = Store(connection)
            await store.claim_delivery(clock.now() + timedelta(days=1), clock.now() + timedelta(days=2))
            await store.keep_shards(name, divided(file), clock.now())
    finally:
        await pool.close()


def test_a_process_killed_in_the_middle_says_each_difference_once(world: World, tmp_path: Path) -> None:
    service = world.platform.services["policy_match"]
    figures = {code: LEAST * 2 if number % 2 else 1 for number, code in enumerate(CODES)}
    rich = [code for code, figure in figures.items() if figure >= LEAST]
    say(
        world,
        *revenues(figures),
    )
    until("every fact is kept", lambda: heard(world) == len(CODES))
    say(world, BenefitPublished(benefit=BENEFIT, version=1))
    until("the benefit is swept", lambda: swept(world, BENEFIT.id) == 12)
    assert told(world) == sorted(("MatchFound", code, None) for code in rich)

    # As if a day before ten had not yet been eligible, and ten others still had been.
    became, ended = rich[:10], [code for code in CODES if code not in rich][:10]
    world.rows("policy_match", "DELETE FROM outbox WHERE topic = 'matches.v1'")
    world.rows("policy_match", "UPDATE profiles SET revision = revision")  # nothing that is held in memory is touched
    world.rows("policy_match", "DELETE FROM matches WHERE uscc = ANY($1)", became)
    world.rows(
        "policy_match",
        "INSERT INTO matches (uscc, benefit, occasion, version, low, high, partition, since)"
        " SELECT uscc, 'ben-1', '', 1, 1, 1, partition, now() FROM profiles WHERE uscc = ANY($1)",
        ended,
    )
    days = [SweepDue(partition=shard, as_of=TODAY, reason="day") for shard in range(12)]
    killed_in_the_middle(world, "runs", "INSERT INTO runs", *days)
    until("the day is swept", lambda: swept(world, BENEFIT.id, reason="day") == 12)
    assert told(world) == sorted([*(("MatchFound", code, None) for code in became), *(("MatchLost", code, "time") for code in ended)])

    world.rows("policy_match", "DELETE FROM outbox WHERE topic = 'matches.v1'")
    poor = [code for code in CODES if code not in rich]
    delivered = FactsDelivered(delivery="del-1", authority="税务", address="/v1/x", sha256="0", rows=len(poor), true_on=TODAY)
    say(world, delivered)
    until("the file is noted", lambda: bool(world.rows("policy_match", "SELECT 1 FROM deliveries")))
    lines: list[dict[str, object]] = [{"uscc": code, "facts": {"revenue": {LAST_YEAR: LEAST}}} for code in poor]
    with world.holding("policy_match", "BEGIN", "LOCK TABLE matches IN SHARE MODE"):
        apart(_delivered(world.platform.databases["policy_match"], "del-1", lines, tmp_path / "file"))
        until("a shard is being loaded", lambda: stopped_at(world, service, "INSERT INTO matches"))
        assert len(world.rows("policy_match", "SELECT 1 FROM delivered_shards")) == 12
        service.kill()
    service.start()
    until("the file is loaded", lambda: bool(world.rows("policy_match", "SELECT 1 FROM deliveries WHERE state = 'loaded'")))
    assert told(world) == sorted(("MatchFound", code, None) for code in poor)
    assert world.rows("policy_match", "SELECT 1 FROM dead_letters UNION ALL SELECT 1 FROM parked") == []


RANKED = parse_benefit(
    {"id": "first-ten", "rule": {"rank": "revenue", "period": "last_year", "among": {"all": []}, "is": "<=", "value": 10}}
)
ASKING = parse_benefit({"id": "ask", "rule": {"all": [RULE, {"fact": "financing_need", "is": "=", "value": True}]}})


def revenues(figures: Mapping[str, int]) -> list[FactsStated]:
    return [FactsStated(uscc=code, authority="税务", true_on=TODAY, facts={"revenue": {LAST_YEAR: n}}) for code, n in figures.items()]


def test_a_process_killed_while_ranking_or_asking_ranks_and_asks_once(world: World) -> None:
    if not due(clock.now(), "Asia/Shanghai"):
        pytest.skip("the city's day begins at 00:05")
    service = world.platform.services["policy_match"]
    figures = {code: number + 1 for number, code in enumerate(CODES)}
    say(world, *revenues(figures))
    until("every fact is kept", lambda: heard(world) == len(CODES))
    killed_in_the_middle(
        world, "standings", "INSERT INTO standings", *(BenefitPublished(benefit=one, version=1) for one in (RANKED, ASKING))
    )
    until("both benefits are swept", lambda: swept(world, RANKED.id) == swept(world, ASKING.id) == 12)
    assert told(world) == sorted(("MatchFound", code, None) for code in CODES[-10:])

    world.rows("policy_match", "DELETE FROM outbox WHERE topic = 'matches.v1'")
    risen = {code: 1000 + number for number, code in enumerate(CODES[:4])}
    before = heard(world)
    say(world, *revenues(risen))
    until("the new figures are kept", lambda: heard(world) == before + len(risen))
    assert told(world) == [], "between two days no rank moves"
    service.kill()
    world.rows("policy_match", "DELETE FROM days")
    for table in ("standings", "questions"):  # while the city is ranked for the day; while the day's first enterprises are asked
        with world.holding("policy_match", "BEGIN", f"LOCK TABLE {table} IN SHARE MODE"):
            service.start()
            until(f"it writes {table}", lambda table=table: stopped_at(world, service, f"INSERT INTO {table}"))  # type: ignore[misc]
            service.kill()
    assert world.rows("policy_match", "SELECT 1 FROM questions") == [], "a shard is swept in one transaction"
    service.start()
    until("the day is swept", lambda: swept(world, RANKED.id, reason="day") == swept(world, ASKING.id, reason="day") == 12)
    fallen = CODES[-10:][: len(risen)]
    assert told(world) == sorted([*(("MatchFound", code, None) for code in risen), *(("MatchLost", code, "time") for code in fallen)])
    asked = world.rows("policy_match", "SELECT body FROM outbox WHERE type LIKE '%AnswerWanted%'")
    wanted = [code for code, figure in (figures | risen).items() if figure >= LEAST]
    assert sorted(loads(row["body"])["uscc"] for row in asked) == sorted(wanted), "each is asked once"
    days = world.rows("policy_match", "SELECT body FROM outbox WHERE topic = 'sweeps.v1' AND type LIKE '%SweepDue%'")
    assert [loads(row["body"])["reason"] for row in days].count("day") == 12, "the day was said once"
    assert world.rows("policy_match", "SELECT 1 FROM dead_letters UNION ALL SELECT 1 FROM parked") == []
