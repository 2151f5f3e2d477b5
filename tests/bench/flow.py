"""`make bench`, the flow: bulk facts into profiles, columns from PostgreSQL, a published benefit's sweeps, one changed fact; as JSON.

Figures to reach (design §11, issue 5): 450,000 enterprises × 60 facts into profiles ≤ 90 s; the matcher's columns from PostgreSQL
≤ 30 s; one changed fact decided ≤ 20 ms. PostgreSQL runs as the platform runs it, the handlers on it as the inbox runs them; no broker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.events import BenefitPublished, FactsDelivered, FactsStated, SweepDue
from contracts.registry import load_registry
from contracts.topics import TOPICS
from deploy.postgres import Postgres, create_database
from services.chassis.bus import partition_of
from services.chassis.clock import city_day, now
from services.chassis.database import dumps
from services.chassis.inbox import UnitOfWork
from services.ingest.sandbox.xlsx import rows_of
from services.ingest.sources.deliveries import check_table
from services.policy_match.handlers.deliveries import load_next
from services.policy_match.main import SUBSCRIPTIONS
from services.policy_match.sources.deliveries import divided
from services.policy_match.store import Store, shards
from tests.bench.workload import MONEY, City, Fact, benefits, city
from tests.service_room import Room, record, room, uscc

ENTERPRISES, BENEFITS = 45_000, 471
REGISTRY = load_registry()
TODAY = city_day(now(), "Asia/Shanghai")
YEARS = {"2023": str(TODAY.year - 2), "2024": str(TODAY.year - 1)}  # a benefit's "last year" is looked for in the last year


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.flow", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--enterprises", type=int, default=ENTERPRISES)
    parser.add_argument("--benefits", type=int, default=BENEFITS)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="zhaoqi-bench-") as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "postgres", log=Path(folder) / "postgres.log")
        url = server.start()
        try:
            found = asyncio.run(measured(url, Path(folder), given.enterprises, given.benefits))
        finally:
            server.stop()
    print(json.dumps(found | {"machine": {"cores": os.cpu_count(), "python": sys.version.split()[0], "os": platform.platform()}}, indent=1))
    return 0


async def measured(url: str, folder: Path, enterprises: int, number: int) -> dict[str, Any]:
    database = await create_database(url, "policy_match", password="bench")
    tables = written(city(enterprises), folder)
    found: dict[str, Any] = {"enterprises": enterprises, "facts": sum(len(columns) for columns in tables.values()), "benefits": number}
    async with room(database, "policy_match", SUBSCRIPTIONS, Store) as matcher:
        found["bulk_first"] = await bulk(matcher, tables, folder)
        found["bulk_again"] = await bulk(matcher, tables, folder)
        found["columns_from_postgresql"] = await columns(matcher)
        for benefit in benefits(number):
            await matcher.hear(BenefitPublished(benefit=benefit, version=1))
        found["twelve_sweeps_of_all_benefits"] = await swept(matcher)
        found["twelve_sweeps_of_one_benefit"] = await one_more(matcher)
        shards._HELD.clear()
        found["twelve_sweeps_of_one_benefit_after_a_restart"] = await one_more(matcher)
        found["one_changed_fact_ms"] = await changed(matcher, enterprises)
        found["bulk_with_one_in_ten_changed_and_decided"] = await bulk(matcher, {"税务": tables["税务"]}, folder, changing=0.1)
        size = await matcher.pool.fetchval("SELECT pg_database_size(current_database())")
    return found | {"database_mb": size // 10**6, "peak_memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


def written(made: City, folder: Path) -> dict[str, list[Fact]]:
    """One Parquet table for each authority, and the facts it holds."""
    codes = pa.array([uscc(row) for row in range(made.rows)])
    by: dict[str, list[Fact]] = {}
    for fact in made.facts.values():
        by.setdefault(REGISTRY.facts[fact.key[0]].authority, []).append(fact)
    for authority, facts in by.items():
        table = {"uscc": codes} | {_heading(fact): _column(fact) for fact in facts}
        pq.write_table(pa.table(table), folder / f"{authority}.parquet")
    return by


def _heading(fact: Fact) -> str:
    name, period = fact.key
    return f"{name}@{YEARS[period] if name in MONEY else period}" if period else name


def _column(fact: Fact) -> pa.Array:
    if fact.kind == "set":
        rows = [dumps([label for label, held in zip(fact.labels, of, strict=True) if held]) for of in fact.values.T.tolist()]
        return pa.array(rows, mask=~fact.known)
    if fact.kind == "code":
        return pa.DictionaryArray.from_arrays(pa.array(fact.values, mask=~fact.known), pa.array(fact.labels)).dictionary_decode()
    if fact.kind == "bool":
        return pa.array(fact.values, mask=~fact.known)
    if fact.kind == "date":
        return pa.array((fact.values - 719_163).astype("int32"), mask=~fact.known).cast(pa.date32())  # days since 1970
    scale = {"money": 100, "ratio": 10_000}.get(fact.kind, 1)
    numbers = pa.array(fact.values, mask=~fact.known)
    return numbers if scale == 1 else pa.compute.divide(numbers.cast(pa.float64()), float(scale))


def less(source: Path, target: Path, share: float) -> None:
    """The same table with other figures in its first column of numbers for some of the rows."""
    table = pq.read_table(source)
    place = next(i for i, column in enumerate(table.columns) if pa.types.is_floating(column.type))
    rng = random.Random(3)
    values = [value + 1 if value is not None and rng.random() < share else value for value in table.column(place).to_pylist()]
    pq.write_table(table.set_column(place, table.column_names[place], pa.array(values)), target)


async def bulk(matcher: Room, tables: dict[str, list[Fact]], folder: Path, *, changing: float = 0.0) -> dict[str, Any]:
    """Check, divide and load each authority's table, as ingest and the matcher's job do, one after the other."""
    checking = dividing = loading = 0.0
    longest = 0.0
    for authority in tables:
        given, checked = folder / f"{authority}.parquet", folder / "checked"
        if changing:
            less(given, folder / "changed.parquet", changing)
            given = folder / "changed.parquet"
        start = time.perf_counter()
        table = check_table(given, checked, REGISTRY, sheet=rows_of, authority=authority)
        checking += time.perf_counter() - start
        name = f"del-{authority}-{start}"
        said = FactsDelivered(delivery=name, authority=authority, address="/v1/x", sha256=table.sha256, rows=table.accepted, true_on=TODAY)
        await matcher.hear(record(said))
        start = time.perf_counter()
        shares = divided(checked)
        async with matcher.pool.acquire() as connection, connection.transaction():
            await Store(connection).claim_delivery(now(), now() + timedelta(minutes=5))
            await Store(connection).keep_shards(name, shares, now())
        dividing += time.perf_counter() - start
        while True:
            start = time.perf_counter()
            async with matcher.pool.acquire() as connection, connection.transaction():
                work = UnitOfWork(Store(connection), connection, now(), TODAY)
                more = await load_next(work)
                await work.finish()
            loading += (took := time.perf_counter() - start)
            longest = max(longest, took)
            if not more:
                break
    rows = await matcher.pool.fetchrow("SELECT sum(loaded) AS loaded, sum(changed) AS changed FROM deliveries WHERE delivery = $1", name)
    return {
        "total_s": round(checking + dividing + loading, 2),
        "checked_s": round(checking, 2),
        "divided_s": round(dividing, 2),
        "loaded_s": round(loading, 2),
        "longest_shard_s": round(longest, 2),
        "changed_of_the_last": f"{rows['changed']} of {rows['loaded']}" if rows else None,
    }


async def columns(matcher: Room) -> dict[str, float]:
    """Every shard as columns, one after the other."""
    shards._HELD.clear()
    start, size = time.perf_counter(), 0
    for shard in range(TOPICS["sweeps.v1"].partitions):
        async with matcher.pool.acquire() as connection, connection.transaction():
            size += (await Store(connection).city(shard)).columns.nbytes
    return {"s": round(time.perf_counter() - start, 2), "mb": round(size / 1e6, 1)}


async def swept(matcher: Room) -> dict[str, float]:
    """Let the matcher hear its own sweeps, all benefits of a shard together, as one poll brings them."""
    due = sorted((one for one in await matcher.said() if one.topic == "sweeps.v1"), key=lambda one: one.partition)
    start = time.perf_counter()
    await matcher.hear(*due)
    took = time.perf_counter() - start
    said = await matcher.pool.fetchval("SELECT count(*) FROM outbox WHERE topic = 'matches.v1' AND published_at IS NULL")
    await matcher.said()
    return {"s": round(took, 2), "matches": said}


async def one_more(matcher: Room) -> dict[str, float]:
    """One benefit swept anew over all shards; nothing differs."""
    due = [record(SweepDue(partition=shard, benefit="b1", version=1, as_of=TODAY, reason="amended")) for shard in range(12)]
    start = time.perf_counter()
    await matcher.hear(*due)
    return {"s": round(time.perf_counter() - start, 3)}


async def changed(matcher: Room, enterprises: int, times: int = 300) -> dict[str, float]:
    """One enterprise states one other figure, heard alone: transaction, inbox and outbox included."""
    rng, walls = random.Random(5), []
    for turn in range(times + 20):
        code = uscc(rng.randrange(enterprises))
        facts = {"revenue": {YEARS["2024"]: rng.randrange(10**9)}}
        heard = record(FactsStated(uscc=code, authority="税务", true_on=TODAY, facts=facts))
        start = time.perf_counter()
        await matcher.hear(heard)
        if turn >= 20:
            walls.append((time.perf_counter() - start) * 1000)
    assert partition_of(code, 12) < 12
    walls.sort()
    return {"median": round(statistics.median(walls), 2), "p95": round(walls[int(times * 0.95)], 2), "worst": round(walls[-1], 2)}


if __name__ == "__main__":
    raise SystemExit(main())
