"""Which messages are due: the published benefits and the city's JSON Lines in, the pairs that must have a message out.

    python -m deploy.expected --benefits benefits.json --enterprises city.jsonl --as-of 2026-11-20

A process of its own that sees nothing else: no database, no broker, no service. It decides by the plain interpreter, which is the
definition, so whatever the running system lost or made up shows as a difference.
"""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit, dumps, tests_a_fact
from services.policy_match.domain import Enterprise, outcome, rank_population
from services.policy_match.sources import read_benefits, read_enterprises


def expected(benefits: Sequence[Benefit], enterprises: Sequence[Enterprise], *, as_of: date) -> dict[str, Any]:
    """`{"benefits": {id: {"tests_a_fact", "eligible", "ineligible", "undetermined"}}, "pairs": [[USCC, id], …]}`; the three are counts.

    The pairs are those that must have a message: the eligible ones of benefits that test a fact. Another benefit is listed for all and
    pushed to no one. Raises TypeMismatch for a rule that `zhaoqi check` refuses.
    """
    registry, figures = load_registry(), load_figures()
    population = rank_population(benefits, enterprises, as_of=as_of, registry=registry, figures=figures)
    counts: dict[str, dict[str, Any]] = {}
    pairs: list[tuple[str, str]] = []
    for benefit in benefits:
        pushed = tests_a_fact(benefit.rule)
        counts[benefit.id] = {"tests_a_fact": pushed, "eligible": 0, "ineligible": 0, "undetermined": 0}
        for enterprise in enterprises:
            state, _ = outcome(benefit, enterprise, as_of=as_of, registry=registry, figures=figures, population=population)
            counts[benefit.id][state] += 1
            if pushed and state == "eligible":
                pairs.append((enterprise.uscc, benefit.id))
    return {"benefits": counts, "pairs": pairs}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one JSON object; 0 when done, 1 for content that cannot be decided."""
    parser = argparse.ArgumentParser(prog="python -m deploy.expected", description="Which messages are due for published benefits.")
    parser.add_argument("--benefits", type=Path, required=True, help="a JSON array of published benefits")
    parser.add_argument("--enterprises", type=Path, required=True, help="JSON Lines of enterprises")
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="the day of the decision, YYYY-MM-DD")
    given = parser.parse_args(arguments)
    try:
        benefits = read_benefits(given.benefits, load_registry())
        enterprises = read_enterprises(given.enterprises, load_registry())
        print(dumps(expected(benefits, enterprises, as_of=given.as_of)))
    except (OSError, ValueError) as error:
        print(f"cannot decide what is due: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
