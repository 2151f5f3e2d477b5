"""What every value of the language is: a frozen node that keeps what was given, or a value that is written whole.

A node keeps the order of its keys too, so `dumps(parse_rule(loads(text)))` gives the text back. It is recognised by its first telling
key, never by trying one model after the other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    GetJsonSchemaHandler,
    SerializationInfo,
    StrictInt,
    StrictStr,
    Tag,
    model_serializer,
    model_validator,
)
from pydantic_core import CoreSchema

from contracts.rules.exact import json_number


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
    return json_number(value) if as_json and isinstance(value, Decimal) else value


def tagged_by(
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
    TAGS.update(types, plain or ())
    keys = "、".join(dict.fromkeys((*objects, *(lists or ()))))
    message = f"认不出的结构：应为含下列键之一的对象：{keys}" + (f"，或为{'、'.join(_IN_WORDS[kind] for kind in plain)}" if plain else "")
    found_by = Discriminator(tag, custom_error_type="unknown_node", custom_error_message=message)
    return Annotated[Union[tuple(members)], found_by]  # noqa: UP007 (made at run time)


TAGS: set[str] = set()  # every tag in use: pydantic writes them into its locations, where no one looks for them
_IN_WORDS = {"none": "空值", "bool": "真假值", "number": "数值", "text": "文字", "list": "列表", "date": "日期"}
_JSON_TYPES = {bool: "bool", int: "number", float: "number", Decimal: "number", str: "text", list: "list", tuple: "list", date: "date"}


def _json_type(value: Any) -> str:
    return "none" if value is None else next((name for kind, name in _JSON_TYPES.items() if isinstance(value, kind)), "object")


class Stated(BaseModel):
    """A value that is written whole, its empty fields as null."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


def walk(node: object) -> Iterator[Node]:
    """The node and everything written inside it, in the order it was given."""
    if isinstance(node, Node):
        yield node
        for value in node.__dict__.values():
            yield from walk(value)
    elif isinstance(node, tuple):
        for item in node:
            yield from walk(item)
