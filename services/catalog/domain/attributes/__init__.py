"""By which words a condition is known: attribute by attribute, wordings as patterns. Data; it names no document, place or issuer.

Patterns run over text without blanks in NFKC, so commas and brackets are the narrow ones.
"""

from dataclasses import dataclass

from services.catalog.domain.attributes.measured import MEASURED, Measured
from services.catalog.domain.attributes.said import SAID, Said
from services.catalog.domain.attributes.unnamed import ASKING, FIGURE_NAMES, HEADS, NAMES, named_after

__all__ = ["ASKING", "FIGURE_NAMES", "HEADS", "MEASURED", "NAMES", "SAID", "Measured", "Said", "Wordings", "named_after"]


@dataclass(frozen=True)
class Wordings:
    """The tables as one value, so that a test can take entries out."""

    said: tuple[Said, ...] = SAID
    measured: tuple[Measured, ...] = MEASURED
    asking: tuple[tuple[str, str], ...] = ASKING
    heads: tuple[tuple[str, str], ...] = HEADS
