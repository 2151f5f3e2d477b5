"""Printed quantities of a clause."""

from .text import Text
from .values import Figure


def figures_of(body: Text, *, plan: bool) -> tuple[Figure, ...]:
    return ()
