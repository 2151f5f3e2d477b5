"""The working rules of a city as values: what awaits whom, by which day it must be published, and how late it is.

The rules themselves are data (working_rules.toml); days are working days of mainland China.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from services.catalog.domain.review import ROLES, STEPS, Action, Standing


@dataclass(frozen=True)
class Step:
    """Who does what while a benefit is pending."""

    role: str
    action: Action
    task: str
    source: str


@dataclass(frozen=True)
class WorkingRules:
    """Rules as read: the kinds that must be published, within so many working days, and the steps by what is pending.

    `everywhere` are the offices that act for every department; a source whose words nobody has compared says so.
    """

    title: str
    kinds: frozenset[str]
    within: int
    source: str
    everywhere: frozenset[str]
    steps: Mapping[str, Step]
    off: frozenset[date]
    worked: frozenset[date]

    def works(self, day: date) -> bool:
        """Whether offices work on a day."""
        return day in self.worked or (day.weekday() < 5 and day not in self.off)

    def due(self, since: date) -> date:
        """The last of the working days within which what came on `since` must be published; that day itself does not count."""
        day, left = since, self.within
        while left:
            day += timedelta(days=1)
            left -= self.works(day)
        return day

    def late(self, due: date, today: date) -> int:
        """By how many working days the day is over; 0 while it is not."""
        return sum(self.works(due + timedelta(days=n)) for n in range(1, (today - due).days + 1))


@dataclass(frozen=True)
class Task:
    """What a pending benefit waits for. `due` is None where the rules set no day."""

    role: str
    what: str
    due: date | None
    late: int


def task_of(standing: Standing, kind: str, since: date | None, *, today: date, rules: WorkingRules) -> Task | None:
    """What awaits whom for a benefit that came on `since` (None: no day is set for it); None where nothing is pending."""
    if standing.pending is None:
        return None
    step = rules.steps[standing.pending]
    due = rules.due(since) if since is not None and kind in rules.kinds else None
    return Task(step.role, step.task, due, rules.late(due, today) if due else 0)


def rules_of(given: Mapping[str, Any]) -> WorkingRules:
    """Working rules from plain data. Raises ValueError where they do not fit the steps of the review."""
    steps = {step["pending"]: Step(step["role"], step["action"], step["task"], sourced(step)) for step in given["step"]}
    if steps.keys() != {"draft", "in_review", "approved"}:
        raise ValueError("working rules name a step for draft, in_review and approved, each once")
    for pending, step in steps.items():
        known = STEPS.get(step.action)
        if known is None or known.role != step.role or pending not in known.pending or step.role not in ROLES:
            raise ValueError(f"working rules: {step.role} cannot {step.action} what is {pending}")
    off: set[date] = set()
    worked: set[date] = set()
    for year in given.get("calendar", {}).values():
        for first, last in year["off"]:
            start, end = date.fromisoformat(first), date.fromisoformat(last)
            off |= {start + timedelta(days=n) for n in range((end - start).days + 1)}
        worked |= {date.fromisoformat(day) for day in year["worked"]}
        sourced(year)
    publish, officers = given["publish"], given["officers"]
    sourced(officers)
    return WorkingRules(
        given["title"],
        frozenset(publish["kinds"]),
        int(publish["within"]),
        sourced(publish),
        frozenset(officers["everywhere"]),
        steps,
        frozenset(off),
        frozenset(worked),
    )


def sourced(entry: Mapping[str, Any]) -> str:
    """The source of an entry; what the system or the city set itself needs no comparing. Raises ValueError where there is none."""
    source = str(entry.get("source") or "").strip()
    if not source:
        raise ValueError(f"working rules: an entry names no source: {sorted(entry)}")
    return source if entry.get("checked") or source.startswith("本") else f"{source}（出处未经核对）"
