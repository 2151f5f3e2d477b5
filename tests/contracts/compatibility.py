"""What a released schema allows a newer one to change: optional fields may be added, nothing else (contracts/__init__.py, rule 1)."""

from typing import Any

WORDS = {"title", "description", "examples", "default", "$schema", "$id", "$defs", "deprecated"}


def breaks(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Every way in which `new` breaks who relies on `old`; empty when only optional fields were added."""
    found: list[str] = []
    _compare(old, new, "", found, old, new, set())
    return found


def _compare(a: Any, b: Any, at: str, found: list[str], old: dict[str, Any], new: dict[str, Any], seen: set[tuple[str, str]]) -> None:
    if isinstance(a, dict) and isinstance(b, dict) and "$ref" in a and "$ref" in b:
        pair = (a["$ref"], b["$ref"])
        if pair in seen:
            return
        seen.add(pair)
    a, b = _resolved(a, old), _resolved(b, new)
    if not (isinstance(a, dict) and isinstance(b, dict)):
        if a != b:
            found.append(f"{at}: {a!r} became {b!r}")
        return
    for name, part in a.get("properties", {}).items():
        if name not in b.get("properties", {}):
            found.append(f"{at}/{name}: is gone")
        else:
            _compare(part, b["properties"][name], f"{at}/{name}", found, old, new, seen)
    must, had = set(b.get("required", ())), set(a.get("required", ()))
    found += [f"{at}/{name}: has become required" for name in sorted(must - had)]
    found += [f"{at}/{name}: is no longer always there" for name in sorted(had - must)]
    for word in sorted((a.keys() | b.keys()) - WORDS - {"properties", "required"}):
        if word not in a or word not in b:
            found.append(f"{at}: {word} {'appeared' if word in b else 'is gone'}")
        elif isinstance(a[word], list) and isinstance(b[word], list) and len(a[word]) == len(b[word]):
            for number, (one, other) in enumerate(zip(a[word], b[word], strict=True)):
                _compare(one, other, f"{at}/{word}/{number}", found, old, new, seen)
        else:
            _compare(a[word], b[word], f"{at}/{word}", found, old, new, seen)


def _resolved(schema: Any, root: dict[str, Any]) -> Any:
    if isinstance(schema, dict) and "$ref" in schema:
        target: Any = root
        for part in schema["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return target
    return schema
