"""Ladders: lines named in a row (达到1亿元、5亿元、10亿元), and lines reached for the first time."""

import re
from typing import Any

from services.catalog.domain.naming import Node
from services.catalog.domain.quantities import Figure, figures

YEARS_BEFORE = 9
"""How many years before are looked at for 首次; those before the founding are left out."""


def rungs(text: str, at: int, first: Figure) -> list[Figure]:
    """The first line and those that follow it in a row, in the same unit of measure; `at` is where the first one's words end."""
    found = [first]
    behind = re.match(r"(?:以上)?(?:[、和及或,]|以及)[^。;:的]{1,80}", text[at : at + 90])
    place = 0
    for figure in figures(behind.group()) if behind else []:
        assert behind is not None
        gap = behind.group()[place : figure.span.start]
        if figure.money != first.money or figure.share != first.share or not re.fullmatch(r"(?:以上)?(?:[、和及或,]|以及)?", gap):
            break
        found.append(figure)
        place = figure.span.end
    return found


def crossed(fact: Node, line: Any, operator: str) -> Node:
    """The figure of the year reaches the line, and no year before did."""
    before = {"last_year": "year-2", "this_year": "last_year"}[fact["period"]]
    never = {"period": before, "over": YEARS_BEFORE, "take": "max", "since": {"fact": "founded_on"}, "is": "<", "value": line}
    return {"all": [fact | {"is": operator, "value": line}, {"fact": fact["fact"]} | never]}
