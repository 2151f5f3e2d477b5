"""Three replicas of policy_match on a real Kafka and one database: of those killed in the middle nothing is missed or doubled."""

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from contracts.events import BenefitAmended, BenefitPublished, FactsStated
from contracts.rules import Benefit, parse_benefit
from contracts.topics import TOPICS
from deploy.embedded import Platform
from deploy.kafka import KafkaUnavailable
from tests.conftest import no_kafka, ran_on
from tests.journeys.killing import LAST_YEAR, TODAY, Replicas, heard, said, say, stopped_at, swept, three
from tests.service_room import uscc
from tests.world import World, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

SHARDS = TOPICS["sweeps.v1"].partitions
LEAST = 20_000_000


def city(first: int, last: int) -> dict[str, int]:
    """Enterprises with a figure, of which two in three have enough."""
    return {uscc(number): LEAST * 2 if number % 3 else LEAST // 2 for number in range(first, last + 1)}


def turned(figures: Mapping[str, int]) -> dict[str, int]:
    """Who has enough does not any more, and the other way round."""
    return {code: LEAST // 2 if figure >= LEAST else LEAST * 3 for code, figure in figures.items()}


def part(figures: Mapping[str, int], first: int, last: int) -> dict[str, int]:
    return dict(list(figures.items())[first:last])


def benefit(fact: str, least: int = LEAST) -> Benefit:
    rule = {"fact": fact, "period": "last_year", "is": ">=", "value": least, "quote": "达到2000万元以上"}
    return parse_benefit(
        {
            "id": f"{fact}-reward",
            "title": "奖励",
            "text": "上年度达到2000万元以上的，给予10万元奖励。",
            "rule": rule,
            "amount": {"fixed": 100000},
        }
    )


def stated(fact: str, figures: Mapping[str, int]) -> list[FactsStated]:
    return [FactsStated(uscc=code, authority="税务", true_on=TODAY, facts={fact: {LAST_YEAR: figure}}) for code, figure in figures.items()]


@pytest.fixture(scope="module", params=[pytest.param("kafka", marks=pytest.mark.kafka)])
def world(folder: Path, pytestconfig: pytest.Config) -> Iterator[World]:
    """PostgreSQL, Kafka, ingest, policy_match and notify."""
    platform = Platform(folder / "platform", TOPICS, services=("ingest", "policy_match", "notify"), with_kafka=True)
    try:
        platform.__enter__()
    except KafkaUnavailable as reason:
        no_kafka(reason)
    try:
        assert platform.kafka is not None
        ran_on(pytestconfig, platform.kafka)
        opened = World(platform)
        yield opened
        opened.close()
    finally:
        platform.__exit__(None, None, None)


@pytest.fixture(scope="module")
def replicas(world: World) -> Iterator[Replicas]:
    with three(world) as opened:
        yield opened


def told(world: World) -> int:
    return int(world.rows("notify", "SELECT count(*) AS n FROM inbox WHERE source = '/zhaoqi/policy_match'")[0]["n"])


def all_told(world: World) -> bool:
    """Whether policy_match heard its own sweeps and notify each match."""
    topics = world.rows("policy_match", "SELECT topic, count(*) AS n FROM outbox GROUP BY topic")
    own = world.rows("policy_match", "SELECT count(*) AS n FROM inbox WHERE source = '/zhaoqi/policy_match'")[0]["n"]
    number = {row["topic"]: row["n"] for row in topics}
    return bool(own == number["sweeps.v1"] and told(world) == number["matches.v1"])


def heard_next(believed: bool, event: str) -> bool:
    """Whether a listener believes in a match after one more event; what it believes is not found again, and nothing else is lost."""
    assert believed is not (event == "MatchFound"), "nothing is said twice"
    return event != "MatchLost"


def nothing_is_missed_or_doubled(world: World, benefit: str, figures: Mapping[str, int], *, moved: Mapping[str, int], least: int) -> None:
    """What is remembered, what was said and what enterprises were told is what these figures give; only who moved may have lost it."""
    wanted = sorted(code for code, figure in figures.items() if figure >= least)
    rows = world.rows("policy_match", "SELECT uscc FROM matches WHERE benefit = $1", benefit)
    assert sorted(row["uscc"] for row in rows) == wanted, "none missed, none too many"
    events = said(world, benefit)
    believed = {code: functools.reduce(heard_next, of, False) for code, of in events.items()}
    assert sorted(code for code, holds in believed.items() if holds) == wanted, "what was said is what is remembered"
    once = {code: of for code, of in events.items() if code not in moved}
    assert all(of.count("MatchFound") == 1 and of.count("MatchChanged") <= 1 and "MatchLost" not in of for of in once.values())
    messages = world.rows("notify", "SELECT uscc, status FROM messages WHERE benefit = $1", benefit)
    assert sorted((row["uscc"], row["status"] != "withdrawn") for row in messages) == sorted(believed.items())
    for service in ("ingest", "policy_match", "notify"):
        assert world.rows(service, "SELECT topic FROM dead_letters UNION ALL SELECT topic FROM parked") == []


def test_a_replica_killed_in_the_middle_of_a_sweep_loses_and_doubles_no_match(replicas: Replicas) -> None:
    world, third = replicas.world, replicas.third
    before, offered, known = heard(world), benefit("revenue"), city(1, 3000)
    at_death, at_return = turned(part(known, 0, 300)), turned(part(known, 300, 600))
    say(world, *stated("revenue", known))
    until("every fact is kept", lambda: heard(world) == before + len(known))

    with world.holding("policy_match", "BEGIN", "LOCK TABLE runs IN SHARE MODE"):  # every sweep stops before its last row
        say(world, BenefitPublished(benefit=offered, version=1, published_by="officer"))
        until("each replica sweeps", lambda: all(stopped_at(world, one, "INSERT INTO runs") for one in replicas.all()))
        assert world.rows("policy_match", "SELECT 1 FROM matches WHERE benefit = $1", offered.id) == [], "a sweep is one transaction"
        third.kill()
    say(world, *stated("revenue", at_death))  # the group does not know yet that a member is dead
    until("the others' shards are swept", lambda: swept(world, offered.id) >= 8)
    third.start()
    say(world, *stated("revenue", at_return))  # a new member joins
    third.wait_ready()

    others = before + len(known) + 1 + len(at_death) + len(at_return)
    until("every event is heard", lambda: heard(world) == others and all_told(world))
    assert swept(world, offered.id) == SHARDS
    moved = at_death | at_return
    nothing_is_missed_or_doubled(world, offered.id, known | moved, moved=moved, least=LEAST)


def test_replicas_killed_while_loading_a_file_and_while_sweeping_lose_and_double_no_match(replicas: Replicas) -> None:
    world, all_three = replicas.world, replicas.all()
    before, offered, lower = heard(world), benefit("tax_paid"), benefit("tax_paid", LEAST // 4)
    known = city(10_001, 16_000)
    poor = dict.fromkeys(list(known)[:100], 1)  # their figures stand below both lines
    corrected = turned(part(known, 3000, 3300)) | dict.fromkeys(list(known)[100:200], 1)
    table = "".join([f"uscc,tax_paid@{LAST_YEAR}\n", *(f"{code},{figure}\n" for code, figure in (known | poor).items())])
    office = world.caller("ingest", "authority", "tax", "facts:write", department="税务")
    say(world, BenefitPublished(benefit=offered, version=1, published_by="officer"))
    until("the benefit is swept", lambda: swept(world, offered.id) == SHARDS)

    with world.holding("policy_match", "BEGIN", "LOCK TABLE matches IN SHARE MODE"):  # who loads a shard stops at its first match
        answer = office.post("/v1/deliveries", content=table.encode())
        assert answer.status_code == 200, answer.text
        loading = ("INSERT INTO matches", "UPDATE deliveries")
        until("each replica loads a shard", lambda: all(stopped_at(world, one, *loading) for one in all_three))
        waiting = world.rows("policy_match", "SELECT partition FROM delivered_shards")
        assert len(waiting) == SHARDS, "a shard is loaded in one transaction"
        loader = next(one for one in all_three if stopped_at(world, one, "INSERT INTO matches"))
        loader.kill()
    with world.holding("policy_match", "BEGIN", "LOCK TABLE runs IN SHARE MODE"):
        say(world, BenefitAmended(benefit=lower, version=2, published_by="officer"))  # while the file is loaded, and a member is dead
        say(world, *stated("tax_paid", corrected))  # learnt after the file, wherever its lines still wait
        living = [one for one in all_three if one is not loader]
        until("a replica sweeps", lambda: any(stopped_at(world, one, "INSERT INTO runs") for one in living))
        sweeper = next(one for one in living if stopped_at(world, one, "INSERT INTO runs"))
        sweeper.kill()
    for service in (loader, sweeper):
        service.start()
    for service in (loader, sweeper):
        service.wait_ready()

    delivered = "SELECT state, loaded, changed, left_out FROM deliveries WHERE delivery = $1"
    until("the file is loaded", lambda: world.rows("policy_match", delivered, answer.json()["delivery"])[0]["state"] == "loaded")
    until("every event is heard", lambda: heard(world) == before + 3 + len(corrected) and all_told(world))
    row = world.rows("policy_match", delivered, answer.json()["delivery"])[0]
    assert (row["loaded"], row["left_out"]) == (len(known), 0), "each line is loaded once"
    statements = world.rows("policy_match", "SELECT uscc FROM statements WHERE delivery = $1", answer.json()["delivery"])
    assert len(statements) == len({row["uscc"] for row in statements}) == len(known)
    assert swept(world, offered.id, version=2) == SHARDS
    figures = known | poor | corrected
    nothing_is_missed_or_doubled(world, offered.id, figures, moved=corrected, least=LEAST // 4)
    versions = world.rows("policy_match", "SELECT DISTINCT version FROM matches WHERE benefit = $1", offered.id)
    assert [row["version"] for row in versions] == [2]
