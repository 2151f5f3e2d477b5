"""How much memory a process holds that has a city's columns, decides every pair and lists the eligible ones; nothing else runs in it.

    python -m tests.bench.memory SNAPSHOT BENEFITS

reads a snapshot of columns, decides so many benefits of the workload and prints JSON: what it holds after each step and at its peak, in
MB, and the seconds of the first run and of later ones. With `--replica` it decides anew for each line it is given, and answers with the
counts of each benefit.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.registry import load_figures, load_registry
from services.policy_match.domain.cohort import Verdicts, verdicts
from services.policy_match.domain.columns import Columns
from services.policy_match.domain.distinct import clauses_of
from tests.bench.workload import AS_OF, benefits


def measured(snapshot: Path, number: int) -> dict[str, Any]:
    """The report of a process of its own."""
    command = [sys.executable, "-m", "tests.bench.memory", str(snapshot), str(number)]
    report: dict[str, Any] = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return report


def in_replicas(snapshots: Sequence[Path], number: int, times: int = 7) -> tuple[list[list[int]], list[float]]:
    """The counts of a city of which each process holds a part, as replicas of the matcher do, and the wall time of each run in seconds."""
    command = [sys.executable, "-m", "tests.bench.memory"]
    replicas = [
        subprocess.Popen([*command, str(snapshot), str(number), "--replica"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for snapshot in snapshots
    ]

    def decided() -> list[list[int]]:
        answers = []
        for replica in replicas:
            assert replica.stdin is not None
            print(file=replica.stdin, flush=True)
        for replica in replicas:
            assert replica.stdout is not None
            answers.append(json.loads(replica.stdout.readline()))
        return [[sum(parts) for parts in zip(*benefit, strict=True)] for benefit in zip(*answers, strict=True)]

    counts, walls = decided(), []  # the first does not count: the columns are read
    for _ in range(times):
        begun = time.perf_counter()
        decided()
        walls.append(time.perf_counter() - begun)
    for replica in replicas:
        replica.communicate()
    return counts, walls


def main(arguments: Sequence[str]) -> int:
    registry, figures, held = load_registry(), load_figures(), {}
    clauses = clauses_of(benefits(int(arguments[1])))
    held["before"] = _holds()
    begun = time.perf_counter()
    with open(arguments[0], "rb") as file:
        columns = Columns.load(file)
    seconds: dict[str, float] = {"snapshot_loaded": time.perf_counter() - begun}
    held["columns"] = _holds()

    def decide() -> Verdicts:
        result = verdicts(clauses, columns, as_of=AS_OF, registry=registry, figures=figures)
        result.counts()
        return result

    if "--replica" in arguments:
        for _ in sys.stdin:
            print(json.dumps(decide().counts().tolist()), flush=True)
        return 0
    begun = time.perf_counter()
    found = decide()
    seconds["first"] = time.perf_counter() - begun
    held["verdicts"] = _holds()
    later = []
    for _ in range(3):
        del found
        begun = time.perf_counter()
        found = decide()
        later.append(time.perf_counter() - begun)
    seconds["later"] = min(later)
    begun = time.perf_counter()
    pairs = [found.rows_eligible(number) for number in range(len(clauses.benefits))]
    seconds["pairs_listed"] = time.perf_counter() - begun
    held["pairs"] = _holds()
    peak = _peak()
    report = {
        "enterprises": columns.rows,
        "pairs": sum(map(len, pairs)),
        "seconds": {step: round(took, 4) for step, took in seconds.items()},
        "holds_mb": {step: round(megabytes) for step, megabytes in held.items()},
        "peak_mb": round(peak),
        "us_each": round(seconds["later"] / columns.rows * 1e6, 3),
        "bytes_each": round((peak - held["before"]) * 1e6 / columns.rows),
    }
    print(json.dumps(report))
    return 0


def _holds() -> float:
    """The memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize() / 1e6


def _peak() -> float:
    """The most memory this process has held, in MB; the usage that the system counts would begin with that of the process before it."""
    lines = Path("/proc/self/status").read_text("ascii").splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
