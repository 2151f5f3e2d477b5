"""policy_match as processes that are killed in the middle: events laid on its broker, who waits for which lock, what was said."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.events import Payload
from deploy.embedded import Service
from deploy.processes import free_ports
from services.chassis import clock
from services.chassis.bus import Producer, Record
from services.chassis.database import loads
from tests.service_room import record
from tests.world import World, apart

TODAY = clock.city_day(clock.now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)


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


@dataclass(frozen=True)
class Replicas:
    """The platform with its policy_match, and two more of it."""

    world: World
    first: Service
    second: Service
    third: Service

    def all(self) -> tuple[Service, Service, Service]:
        return self.first, self.second, self.third


@contextmanager
def three(world: World) -> Iterator[Replicas]:
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
        yield Replicas(world, first, *more)
    finally:
        for service in more:
            service.stop()


def stopped_at(world: World, service: Service, *queries: str) -> bool:
    """Whether one of this process's connections waits for a lock in a query that begins like one of these."""
    waiting = world.rows(
        "policy_match",
        "SELECT client_port FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ^@ ANY($1::text[])",
        queries,
    )
    return bool({row["client_port"] for row in waiting} & _ports_of(service))


def _ports_of(service: Service) -> set[int]:
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


def heard(world: World) -> int:
    """How many events policy_match heard from others."""
    query = "SELECT (SELECT count(*) FROM inbox) - (SELECT count(*) FROM outbox WHERE topic = 'sweeps.v1') AS n"
    return int(world.rows("policy_match", query)[0]["n"])


def said(world: World, benefit: str) -> dict[str, list[str]]:
    """What was said of each enterprise's match with a benefit, in order."""
    of: dict[str, list[str]] = {}
    for row in world.rows("policy_match", "SELECT type, body FROM outbox WHERE topic = 'matches.v1' ORDER BY id"):
        match = loads(row["body"])
        if match["benefit"] == benefit:
            of.setdefault(match["uscc"], []).append(row["type"].split(".")[1])
    return of


def swept(world: World, benefit: str, *, version: int = 1, reason: str | None = None) -> int:
    """How many shards were decided against a version of a benefit."""
    query = "SELECT DISTINCT partition FROM runs WHERE benefit = $1 AND version = $2 AND ($3::text IS NULL OR reason = $3)"
    return len(world.rows("policy_match", query, benefit, version, reason))
