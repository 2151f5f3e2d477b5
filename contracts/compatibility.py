"""Whether a changed contract is still `v1`: rule 1 of this package as a comparison of two JSON Schemas.

A listener of the old schema must be able to hear what is said by the new one, and the other way round. So optional fields may be
added, and an enumeration may grow (listeners are released first); nothing else may change. Words (titles, descriptions) are free.
"""

from collections.abc import Iterator, Mapping
from typing import Any

Schema = Mapping[str, Any]
Schemas = Mapping[str, Schema]

_FREE = {"$schema", "$id", "$defs", "title", "description", "examples"}
_TOLD = {"properties", "required", "enum", "anyOf", "oneOf", "items", "prefixItems", "additionalProperties"}


def breaks(old: Schemas, new: Schemas) -> list[str]:
    """What a released listener or speaker could not bear, each as `file path: what`; both are schemas by file name."""
    found: list[str] = []
    for name, schema in old.items():
        if name not in new:
            found.append(f"{name}: it was removed; say a v2 beside it, and drop it when no listener names it")
        else:
            found += _Comparison(old, new).differences(name, (name, schema), (name, new[name]))
    return found


class _Comparison:
    """One walk through two schemas side by side; a pair of definitions is looked at once."""

    def __init__(self, old: Schemas, new: Schemas) -> None:
        self._old, self._new = old, new
        self._seen: set[tuple[str, str]] = set()

    def differences(self, at: str, old: tuple[str, Any], new: tuple[str, Any]) -> Iterator[str]:
        pair = (_ref(old), _ref(new))
        if pair != (None, None):
            if pair in self._seen:
                return
            self._seen.add(pair)  # type: ignore[arg-type]
        yield from self._told(at, old[1], new[1])  # what stands beside a reference
        (before_file, before), (after_file, after) = _resolved(self._old, old), _resolved(self._new, new)
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            if before != after:
                yield f"{at}: {before!r} became {after!r}"
            return
        if before is not old[1] or after is not new[1]:
            yield from self._told(at, before, after)
        if lost := [value for value in before.get("enum", ()) if value not in after.get("enum", (value,))]:
            yield f"{at}: enum lost {lost}"
        if "enum" in after and "enum" not in before:
            yield f"{at}: any value became one of {after['enum']}"
        yield from self._fields(at, (before_file, before), (after_file, after))
        for key in ("anyOf", "oneOf", "prefixItems"):
            one, two = before.get(key, []), after.get(key, [])
            if len(one) != len(two):
                yield f"{at}: {key} of {len(one)} became one of {len(two)}"
            for position, (left, right) in enumerate(zip(one, two, strict=False)):
                yield from self.differences(f"{at}/{key}/{position}", (before_file, left), (after_file, right))
        for key, absent in (("items", True), ("additionalProperties", True)):
            one, two = before.get(key, absent), after.get(key, absent)
            yield from self.differences(f"{at}/{key}", (before_file, one), (after_file, two))

    def _told(self, at: str, before: Any, after: Any) -> Iterator[str]:
        """Every other keyword (type, format, pattern, limits, default) stands as it stood."""
        if isinstance(before, Mapping) and isinstance(after, Mapping):
            for key in sorted((before.keys() | after.keys()) - _FREE - _TOLD - {"$ref"}):
                if before.get(key) != after.get(key):
                    yield f"{at}: {key} {before.get(key)!r} became {after.get(key)!r}"

    def _fields(self, at: str, old: tuple[str, Schema], new: tuple[str, Schema]) -> Iterator[str]:
        (before_file, before), (after_file, after) = old, new
        fields, now = before.get("properties", {}), after.get("properties", {})
        for name in fields:
            if name not in now:
                yield f"{at}/{name}: it was removed or renamed"
            else:
                yield from self.differences(f"{at}/{name}", (before_file, fields[name]), (after_file, now[name]))
        was, is_ = set(before.get("required", ())), set(after.get("required", ()))
        for name in sorted(is_ - was):
            yield f"{at}/{name}: it became required; a released speaker may leave it out"
        for name in sorted((was - is_) & now.keys()):
            yield f"{at}/{name}: it is no longer required; a released listener counts on it"


def _ref(place: tuple[str, Any]) -> str | None:
    file, schema = place
    reference = schema.get("$ref") if isinstance(schema, Mapping) else None
    return None if reference is None else reference if not reference.startswith("#") else file + reference


def _resolved(schemas: Schemas, place: tuple[str, Any]) -> tuple[str, Any]:
    """The schema a place stands for, and the file it stands in."""
    while (reference := _ref(place)) is not None:
        file, _, path = reference.partition("#")
        schema: Any = schemas[file]
        for key in filter(None, path.split("/")):
            schema = schema[key]
        place = (file, schema)
    return place
