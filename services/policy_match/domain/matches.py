"""Which pairs of enterprise and benefit are eligible, and what changed since they were last decided.

Only eligible pairs are remembered; how many are not, and how many cannot be decided, is counted. A pair whose rule cannot be computed
(a value of the wrong kind) is undetermined and counted as faulty too: it must not hold up its neighbours, nor pass unseen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID, uuid5

from contracts.rules import Benefit, Figures, JudgedAmount, Registry, Span, walk
from services.policy_match.domain.amount import AmountInterval
from services.policy_match.domain.decision import outcome
from services.policy_match.domain.enterprise import Enterprise
from services.policy_match.domain.interpreter import Scope, value
from services.policy_match.domain.values import OPEN_END, TypeMismatch, as_date

_MATCHES = UUID("6f1f1d6c-6a3e-5d0e-9d0b-2f6c1a7e4b21")
"""The namespace of match ids."""


class Key(NamedTuple):
    """What a match, a claim and a message are unique by."""

    uscc: str
    benefit: str
    occasion: str

    @property
    def id(self) -> str:
        """The id of the match (UUIDv5), the same whenever the pair is found again."""
        return str(uuid5(_MATCHES, "\n".join(self)))


@dataclass(frozen=True, slots=True)
class Offer:
    """A benefit that is offered now, in its version."""

    benefit: Benefit
    version: int


@dataclass(frozen=True, slots=True)
class Match:
    """An eligible pair. Amounts in yuan; both None: 以审核为准; `high` None: no upper limit known."""

    key: Key
    version: int
    low: Decimal | None
    high: Decimal | None
    deadline: date | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How a benefit came out over some enterprises; `faulty` are among the undetermined. The amount is that of the eligible."""

    eligible: int = 0
    ineligible: int = 0
    undetermined: int = 0
    faulty: int = 0
    low: Decimal = Decimal("0.00")
    high: Decimal | None = Decimal("0.00")


class Difference(NamedTuple):
    """What became of matches between two decisions."""

    found: list[Match]
    changed: list[Match]
    lost: list[Match]


def occasion(benefit: Benefit, as_of: date) -> str:
    """For which time a benefit is had: "" once in a life or as often as it comes, else the year, quarter or month."""
    match benefit.stacking.once if benefit.stacking else None:
        case "year":
            return f"{as_of.year:04d}"
        case "quarter":
            return f"{as_of.year:04d}Q{(as_of.month + 2) // 3}"
        case "month":
            return f"{as_of.year:04d}-{as_of.month:02d}"
    return ""


def deadline(benefit: Benefit, scope: Scope) -> date | None:
    """The last day on which it can be claimed: the window's end, else the validity's; None where that is not known or open."""
    for span in (benefit.window, benefit.valid):
        end = _end(span, scope)
        if end is not None:
            return end
    return None


def _end(span: Span | None, scope: Scope) -> date | None:
    if span is None or span.to is None:
        return None
    end = value(span.to, scope)
    if isinstance(end, str):
        end = as_date(end)
    return end if isinstance(end, date) and end != OPEN_END else None


def eligible(
    offers: Iterable[Offer], enterprises: Iterable[Enterprise], *, as_of: date, registry: Registry, figures: Figures
) -> tuple[dict[Key, Match], dict[str, Counts]]:
    """Every eligible pair, and the counts of each benefit."""
    city = list(enterprises)
    matches: dict[Key, Match] = {}
    counts: dict[str, Counts] = {}
    for offer in offers:
        benefit, when = offer.benefit, occasion(offer.benefit, as_of)
        upon_review = benefit.amount is None or any(isinstance(node, JudgedAmount) for node in walk(benefit.amount))
        number = {"eligible": 0, "ineligible": 0, "undetermined": 0}
        faulty, low, high = 0, Decimal("0.00"), Decimal("0.00")
        unlimited = False
        for enterprise in city:
            try:
                found, amount = outcome(benefit, enterprise, as_of=as_of, registry=registry, figures=figures)
                end = deadline(benefit, Scope(enterprise, as_of, registry, figures, benefit.id)) if found == "eligible" else None
            except TypeMismatch:
                number["undetermined"] += 1
                faulty += 1
                continue
            number[found] += 1
            if found != "eligible":
                continue
            known = _known(amount, upon_review=upon_review)
            key = Key(enterprise.uscc, benefit.id, when)
            matches[key] = Match(key, offer.version, known.low if known else None, known.high if known else None, end)
            low += amount.low
            high += amount.high or 0
            unlimited = unlimited or amount.high is None
        counts[benefit.id] = Counts(**number, faulty=faulty, low=low, high=None if unlimited else high)
    return matches, counts


def _known(amount: AmountInterval, *, upon_review: bool) -> AmountInterval | None:
    """The amount as it may be told; None where a person settles it."""
    return None if upon_review and (amount.low != amount.high or not amount.low) else amount


def difference(before: Mapping[Key, Match], after: Mapping[Key, Match]) -> Difference:
    """What was found, changed and lost."""
    return Difference(
        found=[match for key, match in after.items() if key not in before],
        changed=[match for key, match in after.items() if key in before and before[key] != match],
        lost=[match for key, match in before.items() if key not in after],
    )
