"""`make bench`, matching: how fast a whole city and one enterprise are decided, and what other engines need for the same in the same run.

Prints JSON: first the ratios, then what is to be reached and what was, then each measurement, the versions and the machine. An engine is
timed only after its verdicts were found equal to ours on every pair it decides; one that cannot be imported is named with the reason.
`--scale 10` measures only ours, in cities of 45,000, 450,000 and 4,500,000 enterprises.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit
from services.policy_match.domain.cohort import Verdicts, verdicts
from services.policy_match.domain.columns import Columns, unpack
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import atoms_of, clauses_of
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.joining import joined
from services.policy_match.domain.percolator import Percolator, numbers
from tests.bench.memory import in_replicas, measured
from tests.bench.peers import PEERS, PeerMissing, peer
from tests.bench.workload import AS_OF, City, benefits, city, scalar_benefits

ENTERPRISES, BENEFITS, MANY = 450_000, 471, 50_000
REGISTRY, FIGURES = load_registry(), load_figures()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="tests.bench.matching", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="times 450,000 enterprises")
    parser.add_argument("--benefits", type=int, default=BENEFITS)
    parser.add_argument("--many", type=int, default=MANY, help="benefits of the greater percolator")
    parser.add_argument("--peers", type=Path, help="folder into which the other engines were installed")
    given = parser.parse_args(arguments)
    if given.peers is not None:
        sys.path.append(str(given.peers))  # after our own packages, which they share
    if given.scale > 1:
        sizes = [round(ENTERPRISES * scale) for scale in (0.1, 1.0, given.scale)]
        found_at = [_alone(_in_stretches(rows), given.benefits) for rows in sizes]
        print(json.dumps({"scale": found_at, **_where()}, ensure_ascii=False, indent=1))
        return 0
    made, rules = city(round(ENTERPRISES * given.scale)), benefits(given.benefits)
    ours, found = _cohort(made, rules)
    everything: dict[str, Any] = {"cohort": ours, "percolator": _percolator(made, [given.benefits, given.many])}
    peers = {make.__name__: _peer(make, made, rules, found) for make in PEERS}
    print(json.dumps(_report(everything, peers), ensure_ascii=False, indent=1))
    return 0


def _in_stretches(rows: int) -> Columns:
    """A city of so many enterprises, made 450,000 at a time."""
    starts = range(0, rows, ENTERPRISES)
    return joined([city(min(ENTERPRISES, rows - start), seed).columns() for seed, start in enumerate(starts, 1)])


def _alone(columns: Columns, number: int) -> dict[str, Any]:
    """The city decided by a process that does nothing else."""
    with TemporaryDirectory() as folder:
        snapshot = Path(folder) / "city.npz"
        with snapshot.open("wb") as file:
            columns.save(file)
        del columns
        return {"snapshot_mb": round(snapshot.stat().st_size / 1e6, 1), **measured(snapshot, number)}


def best(run: Callable[[], Any], times: int = 7) -> dict[str, float]:
    """The least and the median wall time of several runs in seconds, and the least processor time, after one that does not count.

    Of what takes more than three seconds, one further run has to do.
    """
    begun = time.perf_counter()
    run()
    if time.perf_counter() - begun > 3:
        times = 1
    walls, processor = [], []
    for _ in range(times):
        gc.collect()
        wall, cpu = time.perf_counter(), time.process_time()
        run()
        walls.append(time.perf_counter() - wall)
        processor.append(time.process_time() - cpu)
    return {"best_s": round(min(walls), 4), "median_s": round(statistics.median(walls), 4), "cpu_s": round(min(processor), 4)}


# ------------------------------------------------------------------------------------------------------------------ ours


def _cohort(made: City, rules: Sequence[Benefit]) -> tuple[dict[str, Any], Verdicts]:
    columns = made.columns()
    start = time.perf_counter()
    clauses = clauses_of(rules)
    compiled = time.perf_counter() - start

    def decide() -> Verdicts:
        result = verdicts(clauses, columns, as_of=AS_OF, registry=REGISTRY, figures=FIGURES)
        result.counts()
        return result

    begun = time.perf_counter()
    found = decide()
    first = time.perf_counter() - begun
    timed = best(decide)
    counts = found.counts()
    _as_the_interpreter(made, rules, found)
    pairs = best(lambda: [found.rows_eligible(n) for n in range(len(rules))], 3)
    return {
        "enterprises": made.rows,
        "benefits": len(rules),
        "tests": sum(1 for rule in clauses.rules for _ in atoms_of(rule)),
        "distinct_tests": len(clauses.atoms),
        "verdicts_and_counts": timed,
        "the_first_time_s": round(first, 4),
        "pairs_listed": pairs,
        "pairs": int(counts[:, 0].sum()),
        "shares": dict(zip(("eligible", "ineligible", "undetermined"), (counts.sum(axis=0) / counts.sum()).round(3).tolist(), strict=True)),
        "clauses_made_ready_s": round(compiled, 3),
        "columns": len(columns.columns),
        "columns_mb": round(columns.nbytes / 1e6, 1),
        "alone": _alone(columns, len(rules)),
        "in_two_replicas": _in_replicas(made, len(rules), counts.tolist()),
    }, found


def _in_replicas(made: City, number: int, wanted: list[list[int]]) -> dict[str, float]:
    """The city decided by two processes that hold half of it each, as two replicas of the matcher do: one core for each."""
    with TemporaryDirectory() as folder:
        halves = [Path(folder) / "1.npz", Path(folder) / "2.npz"]
        for snapshot, (start, stop) in zip(halves, pairwise((0, made.rows // 2, made.rows)), strict=True):
            with snapshot.open("wb") as file:
                made.part(start, stop).columns().save(file)
        counts, walls = in_replicas(halves, number)
    if counts != wanted:
        raise AssertionError("the replicas count others than one process does")
    return {"best_s": round(min(walls), 4), "median_s": round(statistics.median(walls), 4)}


def _as_the_interpreter(made: City, rules: Sequence[Benefit], found: Verdicts, some: int = 200) -> None:
    """Some enterprises, against every benefit, by the interpreter."""
    rows = np.random.default_rng(7).choice(made.rows, min(some, made.rows), replace=False).tolist()
    eligible = {n: unpack(found.eligible[n], made.rows) for n in range(len(rules))}
    ineligible = {n: unpack(found.ineligible[n], made.rows) for n in range(len(rules))}
    for row, enterprise in zip(rows, made.enterprises(rows), strict=True):
        for n, benefit in enumerate(rules):
            value = settled(benefit, Scope(enterprise, AS_OF, REGISTRY, FIGURES, benefit.id)).value
            if (value is True, value is False) != (bool(eligible[n][row]), bool(ineligible[n][row])):
                raise AssertionError(f"the interpreter says {value} of {benefit.id} and row {row}, the cohort something else")


def _percolator(made: City, sizes: Sequence[int], some: int = 2_000) -> list[dict[str, Any]]:
    rows = range(min(some, made.rows))
    enterprises = list(made.enterprises(rows))
    results = []
    for size in sizes:
        rules = scalar_benefits(size)
        start = time.perf_counter()
        engine = Percolator(clauses_of(rules), as_of=AS_OF, registry=REGISTRY, figures=FIGURES)
        ready = time.perf_counter() - start
        profiles = [engine.profile(enterprise) for enterprise in enterprises]
        for enterprise, profile in zip(enterprises[:3], profiles, strict=False):
            _one_as_the_interpreter(engine, rules[:2_000], enterprise, profile)
        for profile in profiles:
            engine.match(profile)
        times = []
        for profile in profiles:
            begun = time.perf_counter_ns()
            engine.match(profile)
            times.append((time.perf_counter_ns() - begun) / 1000)
        begun = time.perf_counter()
        matched = sum(1 for profile in profiles for _ in numbers(engine.match(profile).eligible))
        results.append(
            {
                "benefits": size,
                "median_us": round(statistics.median(times), 2),
                "p95_us": round(sorted(times)[int(len(times) * 0.95)], 2),
                "with_the_matches_listed_mean_us": round((time.perf_counter() - begun) / len(profiles) * 1e6, 2),
                "matches_each": round(matched / len(profiles), 1),
                "made_ready_s": round(ready, 3),
            }
        )
    return results


def _one_as_the_interpreter(engine: Percolator, rules: Sequence[Benefit], enterprise: Any, profile: Any) -> None:
    found = engine.match(profile)
    for n, benefit in enumerate(rules):
        value = settled(benefit, Scope(enterprise, AS_OF, REGISTRY, FIGURES, benefit.id)).value
        if (value is True, value is False) != (bool(found.eligible >> n & 1), bool(found.ineligible >> n & 1)):
            raise AssertionError(f"the interpreter says {value} of {benefit.id}, the percolator something else")


# ----------------------------------------------------------------------------------------------------------------- peers


def _peer(make: Any, made: City, rules: Sequence[Benefit], found: Verdicts) -> dict[str, Any]:
    try:
        other = peer(make, made, rules)
    except PeerMissing as missing:
        return {"missing": str(missing)}
    ours = np.stack([unpack(found.eligible[n], made.rows)[: other.enterprises] for n in range(len(rules))])
    formulations = {}
    for name, run in other.runs.items():
        if not np.array_equal(other.verdicts(name), ours):
            raise AssertionError(f"{other.name} ({name}) gives other verdicts than ours: it may not be timed")
        formulations[name] = best(run, 3)
    least = min(formulations.values(), key=lambda timed: timed["best_s"])
    return {"version": other.version, "enterprises": other.enterprises, "best_s": least["best_s"], "formulations": formulations}


def _report(ours: dict[str, Any], peers: dict[str, Any]) -> dict[str, Any]:
    cohort = ours["cohort"]
    each = cohort["verdicts_and_counts"]["best_s"] / cohort["enterprises"]
    ratios = {
        f"{name} / cohort": round(found["best_s"] / found["enterprises"] / each, 1) if "best_s" in found else found["missing"]
        for name, found in peers.items()
    }
    both = cohort["in_two_replicas"]["best_s"] / cohort["enterprises"]
    ratios |= {
        f"{name} / two replicas": round(found["best_s"] / found["enterprises"] / both, 1)
        for name, found in peers.items()
        if "best_s" in found
    }
    at_scale = cohort["enterprises"] == ENTERPRISES and cohort["benefits"] == BENEFITS
    small, many = ours["percolator"]
    reach: dict[str, list[Any]] = {
        "city, verdicts and counts, s": [0.25, cohort["verdicts_and_counts"]["best_s"]],
        "list of eligible pairs, s more": [0.6, cohort["pairs_listed"]["best_s"]],
        "the whole process at its peak, MB": [500, cohort["alone"]["peak_mb"]],
        "columns from a snapshot, s": [5, cohort["alone"]["seconds"]["snapshot_loaded"]],
        f"one enterprise against {small['benefits']}, us median": [20, small["median_us"]],
        f"one enterprise against {many['benefits']}, us median": [150, many["median_us"]],
    }
    if "OpenFisca / cohort" in ratios and "best_s" in peers["OpenFisca"]:
        reach["OpenFisca, times the cohort's time"] = [10, ratios["OpenFisca / cohort"]]
        reach["OpenFisca, times that of two replicas"] = [10, ratios["OpenFisca / cohort in two replicas"]]
    return {
        "ratios": ratios,
        "reach": {name: {"reach": limit, "found": value} for name, (limit, value) in reach.items()} if at_scale else "not at this scale",
        "ours": ours,
        "peers": peers,
        **_where(),
    }


def _where() -> dict[str, Any]:
    """The machine and the versions."""
    return {
        "machine": {
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load": [round(value, 2) for value in os.getloadavg()],
            "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
            "system": platform.platform(),
        },
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.processor())


if __name__ == "__main__":
    raise SystemExit(main())
