"""Which rows of a record table counted, which did not and why, which are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from contracts.rules import FactTest, FieldTest, Node
from services.policy_match.domain.enterprise import Row
from services.policy_match.domain.interpreter import Scope, answer, existing_rows, row_answer, stated_field, value
from services.policy_match.domain.values import Unknown
from services.policy_match.domain.wording.asked import Asked

_SHOWN = 3  # rows named at most; the rest are counted


class Counted(NamedTuple):
    """The rows in words, for the beginning of a sentence, and how many count for sure."""

    words: str
    sure: int


def counted(where: Sequence[Any], kind: str, scope: Scope, asked: Asked) -> Counted:
    """The rows that exist, by whether they meet `where`; the table itself must be known."""
    rows = existing_rows(kind, scope) or ()
    name = asked.terms.kind(kind)
    if not rows:
        return Counted(f"没有{name}记录", 0)
    met, not_met, doubtful = [], [], []
    for position, row in enumerate(rows):
        label, inside = asked.terms.row(kind, row, position), scope.at_row(kind, row)
        holds = row_answer(where, kind, row, scope)
        if holds.value is True:
            met.append(label)
        elif holds.value is False:
            not_met.append(f"{label}{_reason(where, kind, row, inside, asked)}")
        else:
            lacking = "、".join(dict.fromkeys(asked.terms.name(item) for item in holds.missing)) or "有待认定的内容"
            doubtful.append(f"{label}（缺{lacking}）" if holds.missing else f"{label}（{lacking}）")
    if not where:
        return Counted(f"有{len(rows)}条{name}记录：{_some(met)}", len(met))
    parts = [f"{len(met)}条符合所列条件：{_some(met)}"] if met else ["没有一条符合所列条件"] if not doubtful else []
    if doubtful:
        parts.append(f"{len(doubtful)}条不能确定：{_some(doubtful)}")
    if not_met:
        parts.append(f"{len(not_met)}条不计：{_some(not_met)}" if met or doubtful else _some(not_met))
    return Counted(
        f"{name}记录{len(rows)}条，其中{'；'.join(parts)}" if met or doubtful else f"{name}记录{len(rows)}条，{'：'.join(parts)}", len(met)
    )


def _some(labels: Sequence[str]) -> str:
    return "、".join(labels[:_SHOWN]) + (f"等{len(labels)}条" if len(labels) > _SHOWN else "")


def _reason(where: Sequence[Any], kind: str, row: Row, inside: Scope, asked: Asked) -> str:
    """The first condition that the row does not meet, by what was found: （认定日期为2023年5月6日）."""
    failed = next((condition for condition in where if answer(condition, inside).value is False), None)
    if isinstance(failed, FieldTest):
        found = stated_field(kind, failed.field, row, inside)
        if not isinstance(found, Unknown):
            field = asked.terms.field(kind, failed.field)
            return f"（{asked.terms.field_name(kind, failed.field)}为{asked.terms.value(found, field)}）"
    if isinstance(failed, FactTest) and failed.take is None:
        return f"（{asked.value(failed)}为{asked.terms.value(value(failed, inside), asked.entry(failed))}）"
    return f"（不满足：{asked.test(failed, kind)}）" if isinstance(failed, Node) else ""
