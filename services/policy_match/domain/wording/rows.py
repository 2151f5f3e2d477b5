"""Which rows of a record table counted, which did not and why, which are in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from contracts.rules import FactTest, FieldTest, Node, NoneOf
from services.policy_match.domain.enterprise import Row
from services.policy_match.domain.interpreter import Scope, answer, existing_rows, row_answer, stated_field, value
from services.policy_match.domain.wording.asked import Asked

_SHOWN = 3  # rows named at most; the rest are counted


def counted(test: Node, kind: str, scope: Scope, asked: Asked) -> str:
    """The rows that exist, by whether they meet the test's `where`: for the middle of a sentence. The table itself must be known."""
    where, rows = getattr(test, "where", ()), existing_rows(kind, scope) or ()
    name = asked.terms.kind(kind)
    if not rows:
        return f"现在没有{name}记录"
    met, not_met, doubtful = [], [], []
    for position, row in enumerate(rows):
        label, holds = asked.terms.row(kind, row, position), row_answer(where, kind, row, scope)
        if holds.value is True:
            met.append(label)
        elif holds.value is False:
            reason = _reason(where, kind, row, label, scope.at_row(kind, row), asked)
            not_met.append(f"{label[:-1]}，{reason}）" if label.endswith("）") else f"{label}（{reason}）")
        else:
            doubtful.append(label)
    if not where:
        return f"现有{name}记录{len(rows)}条：{_some(met)}"
    word = "属于所列情形" if isinstance(test, NoneOf) else "符合所列条件"
    parts = [f"{len(met)}条{word}：{_some(met)}"] if met else []
    if doubtful:
        parts.append(f"{len(doubtful)}条不能确定：{_some(doubtful)}")
    if not_met:
        parts.append(f"{len(not_met)}条不计：{_some(not_met)}" if parts else f"都不{word}：{_some(not_met)}")
    return f"现有{name}记录{len(rows)}条，{'；'.join(parts)}"


def _some(labels: Sequence[str]) -> str:
    return "、".join(labels[:_SHOWN]) + (f"等{len(labels)}条" if len(labels) > _SHOWN else "")


def _reason(where: Sequence[Any], kind: str, row: Row, label: str, inside: Scope, asked: Asked) -> str:
    """The first condition that the row does not meet, by what was found there."""
    failed = next((condition for condition in where if answer(condition, inside).value is False), None)
    if isinstance(failed, FieldTest):
        name = asked.terms.field_name(kind, failed.field)
        found = asked.terms.value(stated_field(kind, failed.field, row, inside), asked.terms.field(kind, failed.field))
        return f"{name}不合" if found.strip("“”") in label else f"{name}为{found}"
    if isinstance(failed, FactTest) and failed.take is None:
        return f"{asked.value(failed)}为{asked.terms.value(value(failed, inside), asked.entry(failed))}"
    return f"不满足：{asked.test(failed, kind)}" if isinstance(failed, Node) else "不合"
