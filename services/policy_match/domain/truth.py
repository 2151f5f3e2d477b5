"""Kleene's three values: true, false and unknown, and what would settle the unknown (rules.md 1)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple


class Answer(NamedTuple):
    """Kleene's three values, None being unknown; facts and figures (`missing`) or a person's judgement (`judged`) would settle it."""

    value: bool | None
    missing: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()


TRUE: Final = Answer(True)
FALSE: Final = Answer(False)


def negated(answer: Answer) -> Answer:
    """Kleene's not: what is unknown stays so."""
    if answer.value is None:
        return answer
    return FALSE if answer.value else TRUE


def both(answers: Iterable[Answer]) -> Answer:
    """Kleene's and; of none it is true."""
    return _joined(answers, decisive=FALSE, otherwise=TRUE)


def either(answers: Iterable[Answer]) -> Answer:
    """Kleene's or; of none it is false."""
    return _joined(answers, decisive=TRUE, otherwise=FALSE)


def _joined(answers: Iterable[Answer], decisive: Answer, otherwise: Answer) -> Answer:
    """One decisive answer decides, and no more are asked for; else one unknown leaves it unknown, waiting for what all of them wait for."""
    missing: tuple[str, ...] = ()
    judged: tuple[str, ...] = ()
    unknown = False
    for answer in answers:
        if answer.value is None:
            unknown = True
            missing += answer.missing
            judged += answer.judged
        elif answer.value is decisive.value:
            return decisive
    return Answer(None, missing, judged) if unknown else otherwise
