"""A decision: the outcome for one enterprise and one benefit on one day, with what each test found (chapter 4 of the language)."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, StrictBool, StrictStr, model_serializer
from typing_extensions import TypeAliasType

from contracts.rules.benefit import Outcome
from contracts.rules.exact import Number
from contracts.rules.node import Stated, tagged_by

if TYPE_CHECKING:
    Scalar = bool | Decimal | str | tuple["Scalar", ...] | None
else:
    Scalar = TypeAliasType(
        "Scalar",
        tagged_by(
            {},
            plain={"none": None, "bool": StrictBool, "number": Number, "text": StrictStr, "list": tuple["Scalar", ...]},
        ),
    )


class AmountRange(Stated):
    """Yuan with two decimals; `high` is null where nothing limits it; `missing` are the facts that matter for the sum only."""

    low: str
    high: str | None
    missing: tuple[str, ...] = ()


class Finding(Stated):
    """What one test found."""

    path: str
    value: Literal["true", "false", "unknown"]
    why: Literal["missing", "judged"] | None = None
    fact: str | None = None
    found: Scalar = None
    wanted: str
    source: str | None = None
    known_at: datetime | None = None
    quote: str | None = None
    article: str | None = None
    ranked: int | None = None  # of a population test only: how many were ranked, how many could not be
    unranked: int | None = None

    @model_serializer(mode="wrap")
    def _without_ranks(self, handler: Any) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return written if self.ranked is not None else {key: value for key, value in written.items() if key not in ("ranked", "unranked")}


class Change(Stated):
    fact: str
    from_: Scalar = Field(alias="from")
    to: Scalar


class NearMiss(Stated):
    change: tuple[Change, ...]
    until: date | None = None


class Reason(Stated):
    """One requirement in a sentence. `outcome` is the enterprise's: under a `not`, a test that is false speaks for it."""

    path: str
    depth: int = 0  # below which alternatives it stands
    outcome: Literal["true", "false", "unknown"]
    sentence: str
    source: str | None = None  # which authority stated it, true on which day
    quote: str | None = None
    article: str | None = None


class InWords(Stated):
    """A decision as the enterprise reads it, in Chinese sentences."""

    summary: str
    reasons: tuple[Reason, ...]
    amount: str  # how much, and how it is computed
    next: tuple[str, ...] = ()  # what would settle or change it, and what to heed


class Decision(Stated):
    """The outcome for one enterprise and one benefit on one day, with its reasons."""

    benefit: str
    enterprise: str
    as_of: date
    language: Literal[1] = 1
    outcome: Outcome
    amount: AmountRange
    tests: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()
    near_miss: NearMiss | None = None
    eligible_from: date | None = None
    rule_version: int | None = None
    facts_as_known_at: datetime | None = None
    in_words: InWords | None = None

    @model_serializer(mode="wrap")
    def _without_words(self, handler: Any) -> dict[str, Any]:
        written: dict[str, Any] = handler(self)
        return written if self.in_words is not None else {key: value for key, value in written.items() if key != "in_words"}
