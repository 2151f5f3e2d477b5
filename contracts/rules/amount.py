"""Amounts in yuan and the figures inside them (chapter 3 of the language)."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, StrictBool, StrictInt, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from contracts.rules.exact import Number
from contracts.rules.node import Node, tagged_by
from contracts.rules.rule import CountOf, FactValue, FieldValue, Name, Plus, PublicFigure, Rule, SumOf


class Fixed(Node):
    fixed: Figure


class Rate(Node):
    rate: Figure
    of: Figure


class Per(Node):
    """So much for each unit, or for each full step of units."""

    per: Figure
    count: Figure
    step: Figure | None = None


class Tiers(Node):
    """`tiers` are [line, amount] pairs, with `marginal` [line, rate of the slice above it]."""

    tiers: Annotated[tuple[tuple[Figure, Figure], ...], Field(min_length=1)]
    on: Figure
    edge: Literal["from", "upto"] | None = None
    marginal: StrictBool | None = None

    @model_validator(mode="after")
    def _ascending(self) -> Tiers:
        lines = [line for line, _ in self.tiers if isinstance(line, Decimal)]
        if lines != sorted(set(lines)):
            raise PydanticCustomError("tiers", "tiers 的分界应由小到大且不重复")
        return self


class Case(Node):
    """The amount of the first true rule."""

    case: Annotated[tuple[tuple[Rule, Figure], ...], Field(min_length=1)]
    else_: Figure | None = Field(default=None, alias="else")


class Each(Node):
    """An amount for every row that meets `where`, added; with `best` the n highest."""

    each: Name
    where: tuple[Rule, ...] = ()
    pay: Figure
    best: Annotated[StrictInt, Field(ge=1)] | None = None


class Total(Node):
    sum: tuple[Figure, ...]


class Least(Node):
    min: Annotated[tuple[Figure, ...], Field(min_length=1)]


class Most(Node):
    max: Annotated[tuple[Figure, ...], Field(min_length=1)]


class Cap(Node):
    cap: Figure
    of: Figure


class Floor(Node):
    floor: Figure
    of: Figure


class Multiple(Node):
    """Factors of which one may be an amount; without one it is the value `times` of the same shape."""

    times: Annotated[tuple[Figure, ...], Field(min_length=1)]


class Less(Node):
    """Net of earlier payments; also 补齐 to a total."""

    less: Figure
    paid: Figure


class Instalments(Node):
    instalments: Annotated[tuple[Figure, ...], Field(min_length=1)]


class JudgedAmount(Node):
    """A range within which a person decides."""

    judged: Name
    between: tuple[Figure, Figure]


if TYPE_CHECKING:
    Amount = (
        Fixed | Rate | Per | Tiers | Case | Each | Cap | Floor | Less | Instalments | JudgedAmount | Multiple | Total | Least | Most
    )  # fmt: skip
    Figure = Decimal | Amount | FactValue | FieldValue | CountOf | SumOf | PublicFigure | Plus
else:
    _AMOUNTS = {
        "fixed": Fixed, "rate": Rate, "per": Per, "tiers": Tiers, "case": Case, "each": Each, "cap": Cap, "floor": Floor,
        "less": Less, "instalments": Instalments, "judged": JudgedAmount, "times": Multiple,
    }  # fmt: skip
    _SEVERAL = {"sum": Total, "min": Least, "max": Most}
    _NUMBERS = {"count": CountOf, "sum": SumOf, "fact": FactValue, "field": FieldValue, "figure": PublicFigure, "plus": Plus}
    Amount = TypeAliasType("Amount", tagged_by(_AMOUNTS, lists=_SEVERAL))
    Figure = TypeAliasType("Figure", tagged_by({**_AMOUNTS, **_NUMBERS}, lists=_SEVERAL, plain={"number": Number}))
