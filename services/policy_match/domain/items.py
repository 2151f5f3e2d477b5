"""A benefit that is had once for each row (`once: item`): the rows it is had for, and what each of them is worth.

The rows are those that surely meet the `where` of the only `each` in the amount or, where it has none, of the only `some` on which the
rule rests. Each is its own occasion, under the row's id. What an `each` pays is that of its row, as far as a cap around it leaves room:
if the rows together come to more than the whole, each of them has at least what the others leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from contracts.rules import All, AnyOf, Benefit, Each, Node, Some, facts_of, walk
from services.policy_match.domain.amount import AmountInterval, interval
from services.policy_match.domain.interpreter import Scope, matching


@dataclass(frozen=True, slots=True)
class Items:
    """The rows a benefit is had for: of which kind, and what they must meet. `paid`: it is their figures that the amount adds up."""

    kind: str
    where: tuple[Any, ...]
    paid: bool

    @property
    def names(self) -> frozenset[str]:
        """The facts and record kinds that this looks at."""
        return facts_of(self.where) | {self.kind}


def items_of(benefit: Benefit) -> Items | None:
    """The rows for which a benefit is had; None where it is not had by row, or where nothing says by which."""
    if benefit.stacking is None or benefit.stacking.once != "item":
        return None
    paid = [node for node in walk(benefit.amount) if isinstance(node, Each)] if benefit.amount is not None else []
    if len(paid) == 1:
        return Items(paid[0].each, paid[0].where, paid=True)
    tested = [] if paid else _tested(benefit.rule)
    return Items(tested[0].some, tested[0].where, paid=False) if len(tested) == 1 else None


def _tested(rule: Node) -> list[Some]:
    if isinstance(rule, All | AnyOf):
        return [test for limb in (rule.all if isinstance(rule, All) else rule.any) for test in _tested(limb)]
    return [rule] if isinstance(rule, Some) else []


def by_row(benefit: Benefit, items: Items, scope: Scope, whole: AmountInterval) -> Mapping[str, AmountInterval]:
    """What each row is worth, by its id; nothing where no row surely qualifies or a row has no id of its own. Raises TypeMismatch."""
    found = matching(items.where, items.kind, scope)
    rows = {row.get("id"): row for row in found[0]} if found else {}
    if not all(isinstance(identity, str) and identity for identity in rows) or (found and len(rows) < len(found[0])):
        return {}
    own = {str(identity): interval(benefit.amount, _alone(scope, items.kind, row)) for identity, row in rows.items()}
    return {identity: _left(identity, own, whole) for identity in own} if items.paid else own


def _alone(scope: Scope, kind: str, row: Any) -> Scope:
    enterprise = replace(scope.enterprise, records={**scope.enterprise.records, kind: (row,)})
    return replace(scope, enterprise=enterprise)


def _left(identity: str, own: Mapping[str, AmountInterval], whole: AmountInterval) -> AmountInterval:
    mine = own[identity]
    others = [amount.high for name, amount in own.items() if name != identity]
    high = mine.high if whole.high is None else whole.high if mine.high is None else min(mine.high, whole.high)
    if any(other is None for other in others):
        low = Decimal("0.00")
    else:
        low = max(Decimal("0.00"), whole.low - sum((other for other in others if other is not None), Decimal("0.00")))
    return AmountInterval(min(mine.low, low), high, mine.missing)


def total(amounts: Mapping[str, AmountInterval]) -> AmountInterval:
    """What several rows are worth together."""
    highs = [amount.high for amount in amounts.values()]
    high = None if any(one is None for one in highs) else sum((one for one in highs if one is not None), Decimal("0.00"))
    return AmountInterval(sum((amount.low for amount in amounts.values()), Decimal("0.00")), high)
