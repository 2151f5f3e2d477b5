"""Read the registry of facts and the dated public figures that stand beside this file."""

import tomllib
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from contracts.rules import Figures, Registry

OWN = "企业"
"""The authority that is each enterprise itself: what nobody else knows of it, it states."""


@cache
def load_registry() -> Registry:
    """Every fact and record kind, from `registry.toml`. Raises pydantic.ValidationError where the file is at odds with itself."""
    return Registry.model_validate(_read("registry.toml"))


@cache
def load_figures() -> Figures:
    """The dated public figures, from `figures.toml`."""
    return Figures.model_validate(_read("figures.toml"))


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("contracts").joinpath(name).read_text(encoding="utf-8"), parse_float=Decimal)
