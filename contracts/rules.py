"""The rule language, version 1: rule, amount, benefit, decision and the registry of facts, as frozen values.

A node keeps what was given and in which order, so `dumps(parse_rule(loads(text)))` gives the text back: texts stay
texts, numbers become exact decimals and print as they were written, and a bool is never a number.
A node is recognised by its first telling key, never by trying one model after the other.
What the nodes mean is decided elsewhere; here stands only what may be written.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple, TypeVar, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    GetJsonSchemaHandler,
    PlainSerializer,
    PlainValidator,
    SerializationInfo,
    StrictBool,
    StrictInt,
    StrictStr,
    Tag,
    TypeAdapter,
    ValidationError,
    WithJsonSchema,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError
from typing_extensions import TypeAliasType

# ---------------------------------------------------------------------------------------------------------------- JSON


class _Written(Decimal):
    """A number written with an exponent, which a Decimal alone would print otherwise."""

    text: str

    def __new__(cls, text: str) -> _Written:
        self = super().__new__(cls, text)
        self.text = text
        return self


def _decimal(text: str) -> Decimal:
    return _Written(text) if "e" in text.lower() else Decimal(text)


def _no_constant(text: str) -> Any:
    raise ValueError(f"{text} 不是 JSON 数值")


def loads(text: str | bytes) -> Any:
    """JSON whose fractions are exact decimals. Raises ValueError (json.JSONDecodeError) for what is not JSON, NaN or Infinity."""
    return json.loads(text, parse_float=_decimal, parse_constant=_no_constant)


def dumps(value: Any) -> str:
    """One line of JSON for a model, a date, a decimal or plain data; the inverse of `loads`, numbers printed as given."""
    match value:
        case _Written():
            return value.text
        case Decimal():
            return format(value, "f")
        case BaseModel():
            return dumps(value.model_dump(by_alias=True))
        case datetime():
            return json.dumps(value.isoformat().replace("+00:00", "Z"))
        case date():
            return json.dumps(value.isoformat())
        case Mapping():
            return "{" + ", ".join(f"{json.dumps(str(k), ensure_ascii=False)}: {dumps(v)}" for k, v in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(dumps, value)) + "]"
        case _:
            return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise PydanticCustomError("number", "应为数值，得到 {given}", {"given": repr(value)})
    exact = value if isinstance(value, Decimal) else Decimal(repr(value))
    if not exact.is_finite():
        raise PydanticCustomError("number", "应为有限的数值，得到 {given}", {"given": str(value)})
    return exact


def _json_number(value: Decimal) -> int | float:
    """What pydantic's own JSON writer can say; exact up to 15 digits. `dumps` has no such limit."""
    return int(value) if value == value.to_integral_value() else float(value)


Number = Annotated[Decimal, PlainValidator(_number), PlainSerializer(_json_number, when_used="json"), WithJsonSchema({"type": "number"})]

# --------------------------------------------------------------------------------------------------------------- nodes


class Node(BaseModel):
    """Anything written in the language. It serialises to exactly the keys that were given, in their order."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    quote: StrictStr | None = None  # the exact words of the source clause
    article: StrictStr | None = None  # where they stand
    span: tuple[StrictInt, StrictInt] | None = None  # [from, to] in the raw text of the source

    @model_validator(mode="wrap")
    @classmethod
    def _keep_order(cls, data: Any, handler: Any) -> Any:
        node = handler(data)
        if isinstance(data, Mapping):
            names = {field.alias: name for name, field in cls.model_fields.items() if field.alias}
            given = [name for key in data if (name := names.get(key, key)) in node.__dict__]  # what a later version adds is passed over
            rest = [name for name in node.__dict__ if name not in node.model_fields_set]
            object.__setattr__(node, "__dict__", {name: node.__dict__[name] for name in (*given, *rest)})
        return node

    @model_serializer(mode="plain")
    def _as_given(self, info: SerializationInfo) -> dict[str, Any]:
        fields = type(self).model_fields
        return {
            fields[name].alias or name: _plain(value, info.mode == "json")
            for name, value in self.__dict__.items()
            if name in self.model_fields_set
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return handler(_without_serializer(core))


def _without_serializer(core: Any) -> Any:
    """The schema of what may be read: the serializer above would hide it behind 'any object'."""
    inner = core.get("schema")
    bare = {key: value for key, value in core.items() if key != "serialization"}
    return {**bare, "schema": _without_serializer(inner)} if isinstance(inner, dict) else bare


def _plain(value: Any, as_json: bool) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json" if as_json else "python", by_alias=True)
    if isinstance(value, tuple | list):
        return [_plain(item, as_json) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item, as_json) for key, item in value.items()}
    return _json_number(value) if as_json and isinstance(value, Decimal) else value


def _tagged(
    name: str,
    objects: Mapping[str, type[BaseModel]],
    *,
    plain: Mapping[str, Any] | None = None,
    lists: Mapping[str, type[BaseModel]] | None = None,
) -> Any:
    """A union whose member is found by the first telling key of an object, or by the JSON type of a plain value.

    `lists` is for the keys (`sum`, `min`, `max`) that mean something else where their value is a list.
    """

    def tag(value: Any) -> str | None:
        if isinstance(value, Node):
            return type(value).__name__
        if isinstance(value, Mapping):
            key = next((key for key in (*objects, *(lists or {})) if key in value), "")
            if lists and key in lists and (key not in objects or isinstance(value[key], list | tuple)):
                return lists[key].__name__
            return objects[key].__name__ if key in objects else None
        return _json_type(value) if plain and _json_type(value) in plain else None

    types = {model.__name__: model for model in (*objects.values(), *(lists or {}).values())}
    members = [Annotated[kind, Tag(label)] for label, kind in (*types.items(), *(plain or {}).items())]
    _TAGS.update(types, plain or ())
    keys = "、".join(dict.fromkeys((*objects, *(lists or ()))))
    message = f"认不出的结构：应为含下列键之一的对象：{keys}" + (f"，或为{'、'.join(_IN_WORDS[kind] for kind in plain)}" if plain else "")
    found_by = Discriminator(tag, custom_error_type="unknown_node", custom_error_message=message)
    return TypeAliasType(name, Annotated[Union[tuple(members)], found_by])  # noqa: UP007 (made at run time)


_TAGS: set[str] = set()  # every tag in use: pydantic writes them into its locations, where no one looks for them
_IN_WORDS = {"none": "空值", "bool": "真假值", "number": "数值", "text": "文字", "list": "列表", "date": "日期"}
_JSON_TYPES = {bool: "bool", int: "number", float: "number", Decimal: "number", str: "text", list: "list", tuple: "list", date: "date"}


def _json_type(value: Any) -> str:
    return "none" if value is None else next((name for kind, name in _JSON_TYPES.items() if isinstance(value, kind)), "object")


# ------------------------------------------------------------------------------------------------------ rules (chapter 2)

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
    Value = _tagged(
        "Value",
        {
            "count": CountOf, "sum": SumOf, "earliest": EarliestOf, "latest": LatestOf, "fact": FactValue, "field": FieldValue,
            "figure": PublicFigure, "ago": Ago, "shift": Shift, "plus": Plus, "times": Times,
        },
        plain={"bool": StrictBool, "number": Number, "text": StrictStr, "list": tuple["Value", ...]},
    )  # fmt: skip
    Rule = _tagged(
        "Rule",
        {
            "all": All, "any": AnyOf, "not": Not, "at_least": AtLeast, "judged": Judged, "some": Some, "none": NoneOf,
            "count": CountTest, "sum": SumTest, "earliest": EarliestTest, "latest": LatestTest, "rank": Rank,
            "percentile": Percentile, "fact": FactTest, "field": FieldTest,
        },
    )  # fmt: skip

# ---------------------------------------------------------------------------------------------------- amounts (chapter 3)


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
    Amount = _tagged("Amount", _AMOUNTS, lists=_SEVERAL)
    Figure = _tagged("Figure", {**_AMOUNTS, **_NUMBERS}, lists=_SEVERAL, plain={"number": Number})

# ---------------------------------------------------------------------------------------------------- benefits (chapter 3)

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
    GroupOrName = _tagged("GroupOrName", {"name": Group}, plain={"text": Name})


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


# ---------------------------------------------------------------------------------------------------- decision (chapter 4)


class Stated(BaseModel):
    """A value that is written whole, its empty fields as null."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


if TYPE_CHECKING:
    Scalar = bool | Decimal | str | tuple["Scalar", ...] | None
else:
    Scalar = _tagged(
        "Scalar",
        {},
        plain={"none": None, "bool": StrictBool, "number": Number, "text": StrictStr, "list": tuple["Scalar", ...]},
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


# ---------------------------------------------------------------------------------------------------- registry (chapter 6)

FactType = Literal["text", "code", "bool", "number", "money", "ratio", "date", "end", "set"]
NUMERIC: frozenset[str] = frozenset({"number", "money", "ratio"})


class Entry(Stated):
    """What is known of every fact and every field: its type and the wordings it goes by."""

    name: str  # 中文名
    type: FactType
    unit: str | None = None
    signed: bool = False  # may be negative
    codes: str | None = None  # the code list its values come from
    vocab: tuple[str, ...] = ()


class Fact(Entry):
    periods: tuple[Literal["year", "quarter", "month"], ...] = ()
    authority: str
    sensitivity: Literal["public", "internal", "confidential"] = "internal"
    freshness: str  # how often the authority states it anew
    fixed: bool = False  # cannot change


class RowField(Entry):
    begins: bool = False  # the date on which a row comes into being


class RecordKind(Stated):
    name: str
    authority: str
    sensitivity: Literal["public", "internal", "confidential"] = "internal"
    freshness: str
    vocab: tuple[str, ...] = ()
    fields: dict[str, RowField]

    def begins(self) -> str | None:
        return next((name for name, field in self.fields.items() if field.begins), None)


class Authority(Stated):
    name: str  # the office as an enterprise knows it
    platform: bool = False  # one of the six of the city's platform


class Registry(Stated):
    """Every fact and record kind there is, each with exactly one authority."""

    authorities: dict[str, Authority]
    departments: dict[str, tuple[str, ...]] = Field(default_factory=dict)  # full name -> the other names of a responsible department
    codes: dict[str, dict[str, tuple[str, ...]]] = Field(default_factory=dict)  # list -> code -> its name and its other wordings
    facts: dict[str, Fact]
    kinds: dict[str, RecordKind]

    @model_validator(mode="after")
    def _closed(self) -> Registry:
        stated: dict[str, Fact | RecordKind] = {**self.facts, **self.kinds}
        for what, entry in stated.items():
            if entry.authority not in self.authorities:
                raise ValueError(f"{what}: authority {entry.authority!r} is not listed under authorities; add it there")
        fields = {f"{kind}.{name}": field for kind, rows in self.kinds.items() for name, field in rows.fields.items()}
        entries: dict[str, Entry] = {**self.facts, **fields}
        for what, item in entries.items():
            if item.codes is not None and item.codes not in self.codes:
                raise ValueError(f"{what}: code list {item.codes!r} is not listed under codes; add it there")
        return self


if TYPE_CHECKING:
    PublishedValue = Decimal | date | str
else:
    PublishedValue = _tagged("PublishedValue", {}, plain={"number": Number, "date": date, "text": StrictStr})


class Published(Stated):
    since: date
    value: PublishedValue
    source: str


class Series(Stated):
    """One public figure through time; unknown before its first value and after `until`."""

    name: str
    unit: str | None = None
    until: date | None = None
    values: tuple[Published, ...]


class Figures(Stated):
    """Dated public figures such as the LPR."""

    figures: dict[str, Series]

    def at(self, name: str, on: date) -> Decimal | date | str | None:
        """The value in force on that day; None where it is not known."""
        series = self.figures.get(name)
        if series is None or (series.until is not None and on > series.until):
            return None
        current = [item for item in series.values if item.since <= on]
        return max(current, key=lambda item: item.since).value if current else None


# ---------------------------------------------------------------------------------------------------- reading and walking


class Problem(NamedTuple):
    """Where, what is wrong, what to do: in the words an officer reads."""

    at: str
    problem: str
    hint: str


class RuleError(ValueError):
    """What was given is not of the language."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("；".join(f"{p.at or '（根）'}：{p.problem}（{p.hint}）" for p in problems))


_HINTS: Mapping[str, tuple[str, str]] = {
    "missing": ("缺少这一项", "请补上"),
    "extra_forbidden": ("不认识的键", "请检查拼写，或删去"),
    "literal_error": ("不是允许的取值", "请改为下列之一：{expected}"),
    "string_type": ("应为文字", "请加引号写成文字"),
    "string_too_short": ("不能为空", "请填写"),
    "string_pattern_mismatch": ("写法不对", "应符合 {pattern}"),
    "bool_type": ("应为 true 或 false", "请改正"),
    "int_type": ("应为整数", "请写成不带引号的整数"),
    "tuple_type": ("应为列表", "请写成 […]"),
    "too_short": ("列表太短", "至少 {min_length} 项"),
    "too_long": ("列表太长", "最多 {max_length} 项"),
    "model_type": ("应为对象", "请写成 {{…}}"),
    "dict_type": ("应为对象", "请写成 {{…}}"),
}


def problems_of(error: ValidationError, given: Any) -> tuple[Problem, ...]:
    """The faults pydantic found in `given`, each with its path there (`rule/all/0/is`), what is wrong and what to do."""
    problems = []
    for fault in error.errors(include_url=False):
        context = {key: str(value) for key, value in fault.get("ctx", {}).items()}
        problem, hint = _HINTS.get(fault["type"], (fault["msg"], "请按规则语言改正"))
        problems.append(Problem(_path_in(given, fault["loc"]), problem.format_map(context), hint.format_map(context)))
    return tuple(problems)


def _path_in(given: Any, steps: tuple[int | str, ...]) -> str:
    """pydantic's location without the tags it adds for unions."""
    path, here = [], given
    for position, step in enumerate(steps):
        last = position == len(steps) - 1
        if isinstance(here, Mapping) and (step in here or (last and step not in _TAGS)):
            here = here.get(step)
        elif isinstance(here, list | tuple) and isinstance(step, int):
            here = here[step] if step < len(here) else None
        else:
            continue
        path.append(str(step))
    return "/".join(path)


_RULE: TypeAdapter[Rule] = TypeAdapter(Rule)
_AMOUNT: TypeAdapter[Amount] = TypeAdapter(Amount)
_BENEFIT: TypeAdapter[Benefit] = TypeAdapter(Benefit)
_Read = TypeVar("_Read")


def _read(adapter: TypeAdapter[_Read], given: Any) -> _Read:
    try:
        return adapter.validate_python(given)
    except ValidationError as error:
        raise RuleError(problems_of(error, given)) from error


def parse_rule(given: Any) -> Rule:
    """A rule from plain data (as `loads` gives it). Raises RuleError, naming every fault."""
    return _read(_RULE, given)


def parse_amount(given: Any) -> Amount:
    """An amount from plain data. Raises RuleError, naming every fault."""
    return _read(_AMOUNT, given)


def parse_benefit(given: Any) -> Benefit:
    """A benefit from plain data. Raises RuleError, naming every fault."""
    return _read(_BENEFIT, given)


def walk(node: object) -> Iterator[Node]:
    """The node and everything written inside it, in the order it was given."""
    if isinstance(node, Node):
        yield node
        for value in node.__dict__.values():
            yield from walk(value)
    elif isinstance(node, tuple):
        for item in node:
            yield from walk(item)


def facts_of(rule: object) -> frozenset[str]:
    """The ids of the facts and record kinds that a rule, an amount or a whole benefit looks at, `open.` ids left out."""
    return frozenset(name for name in _asked(rule) if not name.startswith(OPEN))


def open_facts_of(rule: object) -> frozenset[str]:
    """The `open.` ids it looks at: facts the registry does not have yet."""
    return frozenset(name for name in _asked(rule) if name.startswith(OPEN))


def _asked(rule: object) -> Iterator[str]:
    for node in walk(rule):
        for key in ("fact", "some", "none", "count", "sum", "earliest", "latest", "each", "rank", "percentile"):
            name = node.__dict__.get(key)
            if isinstance(name, str):
                yield name


def tests_a_fact(rule: Rule) -> bool:
    """Whether at least one test of the rule asks a fact, a record or the population; a rule of `judged` texts asks none."""
    return any(bool(facts_of(node)) for node in walk(rule) if isinstance(node, Compared | Some | NoneOf))
