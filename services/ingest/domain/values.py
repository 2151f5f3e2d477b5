"""What a reading is made of: plain frozen values with their place in the raw text."""

from dataclasses import dataclass
from decimal import Decimal

from .text import NOTHING, Text


@dataclass(frozen=True, slots=True)
class Clause:
    """One numbered point as it stands in the text, before figures and audience are looked for."""

    form: str  # outline | table | cards
    number: Text
    title: Text
    body: Text
    section: tuple[Text, ...]
    trail: tuple[int, ...]  # printed numbers of its section headings and its own, outermost first
    annex: str = ""  # A1, A2, … for a point of an annex
    units: tuple[Text, ...] = ()
    units_note: Text = NOTHING  # （责任单位：…） as printed
    context: tuple[tuple[Text, Text], ...] = ()  # further fields of a table row or card: label, text


@dataclass(frozen=True, slots=True)
class Passage:
    """Text that is not a measure: a goal, the guiding principle of a plan, a closing paragraph."""

    kind: str  # goal | principle | remark
    section: tuple[Text, ...]
    text: Text


@dataclass(frozen=True, slots=True)
class Figure:
    """A printed quantity. ``value`` in ``unit`` as printed (47.03 亿元); ``role`` is result, target or threshold."""

    value: Decimal
    unit: str
    raw: Text
    as_of: str | None
    role: str
