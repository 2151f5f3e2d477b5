"""JSON with exact decimals: numbers are read as decimals and print as they were written; a bool is never a number."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError


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


def fault_in(error: ValueError) -> str:
    """What `loads` could not read, and where: for the one who wrote it."""
    if not isinstance(error, json.JSONDecodeError):
        return str(error)
    here = error.doc[error.pos : error.pos + 12].split("\n")[0]
    at = f"“{here}”处" if here else "结尾处"
    return f"第 {error.lineno} 行第 {error.colno} 个字符（{at}）读不下去；请检查逗号、引号和括号是否成对"


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


def json_number(value: Decimal) -> int | float:
    """What pydantic's own JSON writer can say; exact up to 15 digits. `dumps` has no such limit."""
    return int(value) if value == value.to_integral_value() else float(value)


Number = Annotated[Decimal, PlainValidator(_number), PlainSerializer(json_number, when_used="json"), WithJsonSchema({"type": "number"})]
