"""A benefit: its rule and amount, when it can be claimed, how it is paid, and the cases that guard it (chapter 3 of the language)."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, StrictInt, StrictStr
from typing_extensions import TypeAliasType

from contracts.rules.amount import Amount
from contracts.rules.exact import Number
from contracts.rules.node import Node, tagged_by
from contracts.rules.rule import Name, Rule, Steps, Value

Kind = Literal[
    "资金补助", "融资信贷", "税费", "办事便利", "知识产权", "人才", "数据", "司法保护", "通关贸易", "场地要素", "咨询服务", "信用", "其他"
]  # fmt: skip
Outcome = Literal["eligible", "ineligible", "undetermined"]


class Span(Node):
    """A stretch of days; both ends belong to it, an absent end is open."""

    from_: Value | None = Field(default=None, alias="from")
    to: Value | None = None


class Recheck(Node):
    """Decided again with that day as `as_of`: false stops the claim, unknown holds it."""

    review: Rule | None = None
    pay: Rule | None = None


class Group(Node):
    name: Name
    per: Literal["year", "life", "item"] | None = None


if TYPE_CHECKING:
    GroupOrName = str | Group
else:
    GroupOrName = TypeAliasType("GroupOrName", tagged_by({"name": Group}, plain={"text": Name}))


class SharedCap(Node):
    name: Name
    at: Value
    per: Literal["year", "life"] | None = None


class Stacking(Node):
    groups: tuple[GroupOrName, ...] | None = None
    caps: tuple[SharedCap, ...] | None = None
    once: Literal["life", "year", "quarter", "month", "item"] | None = None


class Budget(Node):
    pool: Name
    total: Number | None = None
    per: Literal["year"] | None = None
    order: Literal["first_come", "pro_rata"] | None = None


class Obligation(Node):
    """What the enterprise owes after the payment."""

    must: Rule | None = None
    until: Steps | None = None


class Share(Node):
    level: Name
    share: Number


class Procedure(Node):
    approval: tuple[tuple[Number, Name], ...] | None = None
    funding: tuple[Share, ...] | None = None


class Source(Node):
    document: StrictStr
    version: StrictInt | None = None
    sha256: StrictStr | None = None


class RuleCase(Node):
    """A test that travels with the rule."""

    name: Name
    as_of: date
    facts: dict[str, Any] = Field(default_factory=dict)
    records: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    expect: Outcome
    amount: Annotated[StrictStr, Field(pattern=r"^[0-9]+(\.[0-9]{1,2})?$")] | None = None


class Benefit(Node):
    """One target group of one measure, with its rule and its amount."""

    id: Name
    title: StrictStr | None = None
    policy: StrictStr | None = None
    text: StrictStr | None = None
    kind: Kind | None = None
    language: Literal[1] | None = None
    rule: Rule
    amount: Amount | None = None
    pays: Literal["money", "relief", "credit"] | None = None
    mode: Literal["direct", "confirm", "apply", "inform"] | None = None
    valid: Span | None = None
    window: Span | None = None
    recheck: Recheck | None = None
    department: StrictStr | None = None
    contact: StrictStr | None = None
    stacking: Stacking | None = None
    budget: Budget | None = None
    obligations: tuple[Obligation, ...] | None = None
    procedure: Procedure | None = None
    cases: tuple[RuleCase, ...] | None = None
    source: Source | None = None
