"""Three replicas of policy_match on a real Kafka and one database: one is killed in the middle of a sweep, nothing is missed or doubled."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from contracts.events import BenefitPublished, FactsStated, Payload
from contracts.rules import parse_benefit
from contracts.topics import TOPICS
from deploy.embedded import Platform, Service
from deploy.kafka import KafkaUnavailable
from deploy.processes import free_ports
from services.chassis import clock
from services.chassis.bus import Producer, Record
from services.chassis.database import loads
from tests.conftest import no_kafka, ran_on
from tests.service_room import record, uscc
from tests.world import World, apart, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TODAY = clock.city_day(clock.now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)
LEAST = 20_000_000
CITY = {uscc(number): LEAST * 2 if number % 3 else LEAST // 2 for number in range(1, 3001)}
BENEFIT = parse_benefit(
    {
        "id": "three-replicas",
        "title": "营收奖励",
        "text": "上年度营业收入2000万元以上的，给予10万元奖励。",
        "rule": {"fact": "revenue", "period": "last_year", "is": ">=", "value": LEAST, "quote": "上年度营业收入2000万元以上"},
        "amount": {"fixed": 100000},
    }
)
# Who gets other figures, and when: while the group finds out that a member is dead, and while a new one joins.
CHANGED_AT_DEATH = dict(list(CITY.items())[:300])
CHANGED_AT_RETURN = dict(list(CITY.items())[300:600])


@dataclass(frozen=True)
class Replicas:
    """The platform with its policy_match, and two more of it."""

    world: World
    second: Service
    third: Service

    def all(self) -> list[Service]:
        return [self.world.platform.services["policy_match"], self.second, self.third]


@pytest.fixture(scope="module", params=[pytest.param("kafka", marks=pytest.mark.kafka)])
def world(folder: Path, pytestconfig: pytest.Config) -> Iterator[World]:
    """PostgreSQL, Kafka, policy_match and notify."""
    platform = Platform(folder / "platform", TOPICS, services=("policy_match", "notify"), with_kafka=True)
    try:
        platform.__enter__()
    except KafkaUnavailable as reason:
        no_kafka(reason)
    try:
        assert platform.kafka is not None
        ran_on(pytestconfig, platform.kafka)
        yield World(platform)
    finally:
        platform.__exit__(None, None, None)


@pytest.fixture
def replicas(world: World) -> Iterator[Replicas]:
    """Two more processes of policy_match on the same database and in the same group."""
    first, more = world.platform.services["policy_match"], []
    for number, port in zip(("second", "third"), free_ports(2), strict=True):
        url, var = f"http://127.0.0.1:{port}", world.platform.var
        env = {**first.env, "ZHAOQI_HTTP": f"127.0.0.1:{port}", "ZHAOQI_TRACES": str(var / "traces" / f"{number}.jsonl")}
        command = [sys.executable, "-m", "services.policy_match.main"]
        more.append(Service("policy_match", command, url=url, env=env, log=var / "log" / f"{number}.log"))
        more[-1].start()
    try:
        for service in more:
            service.wait_ready()
        yield Replicas(world, *more)
    finally:
        for service in more:
            service.stop()


def say(world: World, *payloads: Payload) -> None:
    """Lay events on the broker, as their own services would."""

    async def sent() -> None:
        producer = Producer(world.platform.bootstrap)
        try:
            heard = [record(payload) for payload in payloads]
            await producer.send_all([Record(one.topic, one.key, one.body or b"", one.headers, one.partition) for one in heard])
        finally:
            await producer.stop()

    apart(sent())


def stated(revenues: Mapping[str, int]) -> list[FactsStated]:
    return [
        FactsStated(uscc=code, authority="税务", true_on=TODAY, facts={"revenue": {LAST_YEAR: revenue}})
        for code, revenue in revenues.items()
    ]


def turned(revenues: Mapping[str, int]) -> dict[str, int]:
    """Who earned enough does not any more, and the other way round."""
    return {code: LEAST // 2 if revenue >= LEAST else LEAST * 3 for code, revenue in revenues.items()}


def sweeping(world: World, service: Service) -> bool:
    """Whether this process is in the middle of a sweep: one of its connections waits to write the sweep's last row."""
    waiting = world.rows(
        "policy_match",
        "SELECT client_port FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO runs%'",
    )
    return bool({row["client_port"] for row in waiting} & ports_of(service))


def ports_of(service: Service) -> set[int]:
    """The local TCP ports of a process's connections, as Linux tells them."""
    sockets = set()
    for entry in Path(f"/proc/{service.pid}/fd").iterdir():
        try:
            target = str(entry.readlink())
        except OSError:  # closed meanwhile
            continue
        if target.startswith("socket:["):
            sockets.add(target[8:-1])
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(line[1].rpartition(":")[2], 16) for line in lines if line[9] in sockets}


def said(world: World) -> Counter[tuple[str, str]]:
    """How often each enterprise was said to match, and to match no more."""
    rows = world.rows("policy_match", "SELECT type, body FROM outbox WHERE topic = 'matches.v1'")
    return Counter((row["type"].split(".")[1], loads(row["body"])["uscc"]) for row in rows)


def settled(world: World, *, said_by_others: int) -> bool:
    """Whether all that was said was heard: by policy_match what others and it itself said, by notify each match."""
    one = world.rows(
        "policy_match",
        "SELECT (SELECT count(*) FROM inbox) AS heard, count(*) FILTER (WHERE topic = 'sweeps.v1') AS sweeps,"
        " count(*) FILTER (WHERE topic = 'matches.v1') AS matches FROM outbox",
    )[0]
    told = world.rows("notify", "SELECT count(*) AS n FROM inbox WHERE source = '/zhaoqi/policy_match'")[0]["n"]
    return bool(one["heard"] == said_by_others + one["sweeps"] and told == one["matches"])


def matched(world: World) -> list[str]:
    return [row["uscc"] for row in world.rows("policy_match", "SELECT uscc FROM matches")]


def test_a_replica_killed_in_the_middle_of_a_sweep_loses_and_doubles_no_match(replicas: Replicas) -> None:
    world, third = replicas.world, replicas.third
    say(world, *stated(CITY))
    until("every fact is kept", lambda: world.rows("policy_match", "SELECT count(*) AS n FROM profiles")[0]["n"] == len(CITY))

    with world.holding("policy_match", "BEGIN", "LOCK TABLE runs IN SHARE MODE"):  # every sweep stops before its last row
        say(world, BenefitPublished(benefit=BENEFIT, version=1, published_by="officer"))
        until("each replica is in the middle of a sweep", lambda: all(sweeping(world, one) for one in replicas.all()))
        assert matched(world) == [], "a sweep is one transaction"
        third.kill()
    say(world, *stated(turned(CHANGED_AT_DEATH)))  # the group does not know yet that a member is dead

    def swept() -> int:
        return len(world.rows("policy_match", "SELECT DISTINCT partition FROM runs"))

    until("the others' shards are swept", lambda: swept() >= 8)
    third.start()
    say(world, *stated(turned(CHANGED_AT_RETURN)))  # a new member joins
    third.wait_ready()

    now = CITY | turned(CHANGED_AT_DEATH) | turned(CHANGED_AT_RETURN)
    wanted = sorted(code for code, revenue in now.items() if revenue >= LEAST)
    until("every event is heard", lambda: settled(world, said_by_others=1 + len(CITY) + len(CHANGED_AT_DEATH) + len(CHANGED_AT_RETURN)))
    assert sorted(matched(world)) == wanted, "none missed, none too many"

    counts = said(world)
    found, lost = Counter(), Counter()
    for (kind, code), number in counts.items():
        {"MatchFound": found, "MatchLost": lost}[kind][code] = number
    assert max(found.values()) == 1, "nothing is said twice"
    assert sorted(found - lost) == wanted, "what was said is what is remembered"
    assert [code for code in lost if found[code] != lost[code]] == [], "what is lost was found before"
    assert lost.keys() <= {code for code in (CHANGED_AT_DEATH | CHANGED_AT_RETURN) if now[code] < LEAST}
    assert swept() == TOPICS["sweeps.v1"].partitions

    def told() -> list[tuple[str, bool]]:
        return sorted((row["uscc"], row["status"] == "withdrawn") for row in world.rows("notify", "SELECT uscc, status FROM messages"))

    messages = sorted((code, code in lost) for code in found)
    assert told() == messages, "each match has its one message"
    for service in ("policy_match", "notify"):
        assert world.rows(service, "SELECT topic FROM dead_letters UNION ALL SELECT topic FROM parked") == []
