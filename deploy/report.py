"""What a run of the demo has to show: the counts that go to demo.json, the table that goes to the terminal, and what is lacking.

Pure: the orchestration measures and collects, this file judges and prints. A run is good when `lacking` has nothing to say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from rich.console import Group
from rich.panel import Panel
from rich.table import Table

STAGES = ("documents", "measures", "benefits", "matches", "messages")


class Pair(NamedTuple):
    """One enterprise and one benefit."""

    uscc: str
    benefit: str


class Sums(NamedTuple):
    """How the whole city fares with one published benefit, as the interpreter at rest decides it."""

    title: str
    tests_a_fact: bool
    eligible: int
    ineligible: int
    undetermined: int


@dataclass(frozen=True, kw_only=True)
class Run:
    """All that one run counted. `given` are the documents' file names, `expected` and `delivered` the pairs that must have and that
    have a message, `seconds` the wall time of each of STAGES, `example` one message as the enterprise reads it."""

    given: Sequence[str]
    traces: Mapping[str, str]
    measures: int
    benefits: int
    published: Mapping[str, Sums]
    enterprises: int
    matches: int
    expected: frozenset[Pair]
    delivered: frozenset[Pair]
    seconds: Mapping[str, float]
    broker: str
    example: str | None


def demo_json(run: Run) -> dict[str, Any]:
    """The object of demo.json. `messages.delivered` counts messages that were due; `trace_id` is that of the first document."""
    return {
        "documents": len(run.traces),
        "measures": run.measures,
        "benefits": run.benefits,
        "published": len(run.published),
        "enterprises": run.enterprises,
        "matches": run.matches,
        "messages": {"expected": len(run.expected), "delivered": len(run.delivered & run.expected)},
        "trace_id": next((run.traces[name] for name in run.given if name in run.traces), None),
        "traces": dict(run.traces),
        "seconds": {stage: round(run.seconds[stage], 3) for stage in STAGES if stage in run.seconds},
        "broker": run.broker,
        "example": run.example,
    }


def lacking(run: Run) -> list[str]:
    """What is missing or wrong, one sentence each, without the code or name of any enterprise; empty means the run is good."""
    lost, surplus = len(run.expected - run.delivered), len(run.delivered - run.expected)
    shared = len(run.traces) - len(set(run.traces.values()))
    findings = [
        (not run.given, "no document was given; name a folder that holds some"),
        (unread := sorted(set(run.given) - run.traces.keys()), f"not read to the end: {', '.join(unread)}"),
        (shared, f"{shared} document(s) share a trace with another; each must have its own"),
        (not run.measures, "no measure was read from the documents"),
        (not run.published, "no benefit was published"),
        (not run.expected, "no message was due: no published benefit that tests a fact is eligible for anyone"),
        (lost, f"{lost} of {len(run.expected)} messages due were not delivered"),
        (surplus, f"{surplus} message(s) were delivered that were not due"),
        (run.expected and not run.example, "no message could be shown as the enterprise reads it"),
    ]
    return [sentence for wrong, sentence in findings if wrong]


def undecisive(run: Run) -> list[str]:
    """Titles of published benefits that test a fact and yet decide the city one way only."""
    return [sums.title for sums in run.published.values() if sums.tests_a_fact and not (sums.eligible and sums.ineligible)]


def table(run: Run) -> Group:
    """The last thing the stranger sees: the flow in five lines, the benefits, the traces, one message, and what is lacking."""
    counts = {
        "documents": f"{len(run.traces)} of {len(run.given)} read",
        "measures": f"{run.measures} catalogued",
        "benefits": f"{run.benefits} drafted, {len(run.published)} published",
        "matches": f"{run.matches} pairs of {run.enterprises} synthetic enterprises",
        "messages": f"{len(run.delivered & run.expected)} of {len(run.expected)} delivered",
    }
    flow = Table("stage", "result", title="From document to message", title_justify="left")
    flow.add_column("seconds", justify="right")
    for stage in STAGES:
        flow.add_row(stage, counts[stage], f"{run.seconds[stage]:.1f}" if stage in run.seconds else "–")
    benefits = Table("benefit", title="Published benefits (whole city)", title_justify="left")
    for heading in ("eligible", "ineligible", "undetermined"):
        benefits.add_column(heading, justify="right")
    for sums in run.published.values():
        told = f"{sums.eligible}" if sums.tests_a_fact else f"{sums.eligible} (listed, not pushed)"
        benefits.add_row(sums.title, told, str(sums.ineligible), str(sums.undetermined))
    traces = Table("document", "trace", title=f"Traces · broker: {run.broker}", title_justify="left")
    for name in run.given:
        traces.add_row(name, run.traces.get(name, "–"))
    wrong = lacking(run)
    verdict = Panel("\n".join(wrong), title="lacking", border_style="red") if wrong else "Nothing is missing."
    message = Panel(run.example or "–", title="one message, as the enterprise reads it (synthetic)", title_align="left")
    return Group(flow, benefits, traces, message, verdict)
