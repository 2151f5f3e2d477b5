"""Rules and the values they compare (chapter 2 of the language): what may be written; what it means is decided elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, StrictStr, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from contracts.rules.exact import Number
from contracts.rules.node import Node, tagged_by, walk

_PERIOD = (
    r"^(last_year|this_year|last_quarter|same_quarter_last_year|(year|quarter|month)-[0-9]{1,3}"
    r"|[0-9]{4}|[0-9]{4}Q[1-4]|[0-9]{4}-(0[1-9]|1[0-2]))$"
)
Period = Annotated[StrictStr, Field(pattern=_PERIOD)]
Operator = Literal[
    "=", "!=", "<", "<=", ">", ">=", "between", "during", "in", "not_in", "under", "not_under", "has", "has_all", "has_none"
]  # fmt: skip
LIST_OPERATORS: frozenset[str] = frozenset({"in", "not_in", "under", "not_under", "has", "has_all", "has_none"})
TWINS: Mapping[str, str] = {"!=": "=", "not_in": "in", "not_under": "under", "has_none": "has"}  # negation -> what it negates
Name = Annotated[StrictStr, Field(min_length=1)]
OPEN = "open."  # begins the id of a fact that the registry does not have yet: always unknown


class Steps(Node):
    """Calendar steps: years and months first, clipped to the month's end, then days."""

    years: StrictInt = 0
    months: StrictInt = 0
    days: StrictInt = 0

    @model_validator(mode="after")
    def _some_unit(self) -> Steps:
        if not self.model_fields_set & {"years", "months", "days"}:
            raise PydanticCustomError("steps", "应写明 years、months 或 days")
        return self


class FactValue(Node):
    """A fact of the enterprise with its modifiers, wherever a value stands."""

    fact: Name
    period: Period | None = None
    over: Annotated[StrictInt, Field(ge=1, le=120)] | None = None
    take: Literal["sum", "mean", "min", "max", "every", "growth", "increase"] | None = None
    since: Value | None = None
    base_if_zero: Number | None = None

    @model_validator(mode="after")
    def _modifiers(self) -> FactValue:
        _modifiers(self.period, self.over, self.take, self.since, self.base_if_zero)
        if self.take == "every" and not isinstance(self, FactTest):
            raise PydanticCustomError("modifier", "“take: every” 只能用于条件，不能用于取值；请改用 min、max、sum 或 mean")
        return self


def _modifiers(period: str | None, over: int | None, take: str | None, since: object, base: Decimal | None) -> None:
    folds = take in ("sum", "mean", "min", "max", "every")
    problem = None
    if (over is not None or take is not None) and period is None:
        problem = "写了 over 或 take 就要写 period"
    elif over is not None and not (folds or take == "growth"):
        problem = "over 需要 take 为 sum、mean、min、max、every 或 growth"
    elif folds and over is None:
        problem = f"“take: {take}” 需要 over（几个期间）"
    elif since is not None and over is None:
        problem = "since 需要 over：它只用来去掉窗口里更早的期间"
    elif base is not None and take not in ("growth", "increase"):
        problem = "base_if_zero 只用于 take 为 growth 或 increase"
    if problem:
        raise PydanticCustomError("modifier", "{problem}", {"problem": problem})


class FieldValue(Node):
    """A field of the row at hand, inside `where` and `each`."""

    field: Name


class CountOf(Node):
    count: Name
    where: tuple[Rule, ...] = ()


class SumOf(Node):
    sum: Name
    field: Name
    where: tuple[Rule, ...] = ()


class EarliestOf(Node):
    earliest: Name
    field: Name
    where: tuple[Rule, ...] = ()


class LatestOf(Node):
    latest: Name
    field: Name
    where: tuple[Rule, ...] = ()


class PublicFigure(Node):
    """A dated public figure (`contracts/figures.toml`); without `on` that of the day of the decision."""

    figure: Name
    on: Value | None = None


class Ago(Node):
    ago: Steps


class Shift(Node):
    shift: Steps
    of: Value


class Plus(Node):
    plus: Annotated[tuple[Value, ...], Field(min_length=1)]


class Times(Node):
    times: Annotated[tuple[Value, ...], Field(min_length=1)]


class Compared(Node):
    """The right side of every test."""

    is_: Operator = Field(alias="is")
    value: Value
    open: Literal["lo", "hi", "both"] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Compared:
        op, value = self.is_, self.value
        problem = None
        if self.open is not None and op != "between":
            problem = "open 只用于 between"
        elif op == "between":
            if not isinstance(value, tuple) or len(value) != 2:
                problem = "between 的 value 应为 [下限, 上限]"
        elif op == "during":
            if not isinstance(value, str) or not re.fullmatch(_PERIOD, value):
                problem = "during 的 value 应为期间，如 last_year、2025、2025Q1、2025-03"
        elif op in LIST_OPERATORS:
            if isinstance(value, str | bool | Decimal):
                problem = f'{op} 的 value 应为列表，如 ["…"]'
        elif isinstance(value, tuple):
            problem = f"{op} 的 value 应为一个值，不是列表；多个值请用 in 或 has"
        if problem:
            raise PydanticCustomError("comparison", "{problem}", {"problem": problem})
        return self


class FactTest(FactValue, Compared):
    """A scalar fact against a value."""


class FieldTest(FieldValue, Compared):
    """A field of one row against a value."""


class Some(Node):
    some: Name
    where: tuple[Rule, ...] = ()


class NoneOf(Node):
    none: Name
    where: tuple[Rule, ...] = ()


class CountTest(CountOf, Compared):
    pass


class SumTest(SumOf, Compared):
    pass


class EarliestTest(EarliestOf, Compared):
    pass


class LatestTest(LatestOf, Compared):
    pass


class PopulationTest(Compared):
    """The place of the enterprise among those for which `among` is true; decided in a second pass."""

    period: Period | None = None
    over: Annotated[StrictInt, Field(ge=1, le=120)] | None = None
    take: Literal["sum", "mean", "min", "max", "growth", "increase"] | None = None
    since: Value | None = None
    base_if_zero: Number | None = None
    among: Rule
    order: Literal["asc", "desc"] | None = None

    @model_validator(mode="after")
    def _ranked(self) -> PopulationTest:
        _modifiers(self.period, self.over, self.take, self.since, self.base_if_zero)
        if self.is_ not in ("=", "!=", "<", "<=", ">", ">=", "between"):
            raise PydanticCustomError("comparison", "名次只能用 = != < <= > >= between 比较")
        if any(isinstance(node, PopulationTest) for node in walk(self.among)):
            raise PydanticCustomError("population", "among 里不能再有排名条件")
        return self


class Rank(PopulationTest):
    rank: Name


class Percentile(PopulationTest):
    percentile: Name


class All(Node):
    all: tuple[Rule, ...]


class AnyOf(Node):
    any: tuple[Rule, ...]


class Not(Node):
    not_: Rule = Field(alias="not")


class AtLeast(Node):
    at_least: StrictInt
    of: tuple[Rule, ...]

    @model_validator(mode="after")
    def _reachable(self) -> AtLeast:
        if not 1 <= self.at_least <= len(self.of):
            raise PydanticCustomError("at_least", "at_least 应在 1 与 of 的个数（{n}）之间", {"n": len(self.of)})
        return self


class Judged(Node):
    """What only a person can decide."""

    judged: Name


if TYPE_CHECKING:
    Value = (
        bool | Decimal | str | tuple["Value", ...] | FactValue | FieldValue | CountOf | SumOf | EarliestOf | LatestOf
        | PublicFigure | Ago | Shift | Plus | Times
    )  # fmt: skip
    Rule = (
        All | AnyOf | Not | AtLeast | Judged | Some | NoneOf | CountTest | SumTest | EarliestTest | LatestTest
        | Rank | Percentile | FactTest | FieldTest
    )  # fmt: skip
else:
    Value = TypeAliasType("Value", tagged_by({
            "count": CountOf, "sum": SumOf, "earliest": EarliestOf, "latest": LatestOf, "fact": FactValue, "field": FieldValue,
            "figure": PublicFigure, "ago": Ago, "shift": Shift, "plus": Plus, "times": Times,
        },
        plain={"bool": StrictBool, "number": Number, "text": StrictStr, "list": tuple["Value", ...]},))  # fmt: skip
    Rule = TypeAliasType("Rule", tagged_by({
            "all": All, "any": AnyOf, "not": Not, "at_least": AtLeast, "judged": Judged, "some": Some, "none": NoneOf,
            "count": CountTest, "sum": SumTest, "earliest": EarliestTest, "latest": LatestTest, "rank": Rank,
            "percentile": Percentile, "fact": FactTest, "field": FieldTest,
        },))  # fmt: skip
