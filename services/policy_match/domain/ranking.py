"""The second pass by columns: who is ranked is decided for all rows at once, and a plain figure is read from its column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np

from contracts.rules import Benefit, Figures, PopulationTest, Registry, facts_of
from services.policy_match.domain.cohort import verdicts
from services.policy_match.domain.columns import Column, Columns, bits_of, padded, unpack
from services.policy_match.domain.distinct import clauses_of
from services.policy_match.domain.interpreter import Ranked, Scope, ranked_figure, value
from services.policy_match.domain.periods import key_of, resolve
from services.policy_match.domain.population import Population, Standing, ranks_of
from services.policy_match.domain.values import TypeMismatch

_NUMBERS = frozenset({"number", "money", "ratio"})


def rank_columns(
    benefits: Sequence[Benefit], columns: Columns, left_out: Collection[str], *, as_of: date, registry: Registry, figures: Figures
) -> Population:
    """What `rank_population` finds for the enterprises of columns but some (by USCC)."""
    asked = {ranked: benefit for benefit in benefits for ranked in ranks_of(benefit)}
    members = [benefit.model_copy(update={"rule": test.among, "valid": None, "window": None}) for (_, test), benefit in asked.items()]
    decided = verdicts(clauses_of(members), columns, as_of=as_of, registry=registry, figures=figures)
    there = ~bits_of([columns.row_of[uscc] for uscc in left_out if uscc in columns.row_of], padded(columns.rows))
    standings: dict[Ranked, Standing] = {}
    for number, (benefit, test) in enumerate(asked):
        rows = np.flatnonzero(unpack(decided.eligible[number] & there, columns.rows)).tolist()
        perhaps = int(np.count_nonzero(unpack(there & ~(decided.eligible[number] | decided.ineligible[number]), columns.rows)))
        found = list(_figures(test, rows, columns, benefit, as_of=as_of, registry=registry, figures=figures))
        inorder = sorted(found if test.order == "asc" else (-figure for figure in found))
        standings[benefit, test] = Standing(inorder, test.order == "asc", perhaps + len(rows) - len(inorder))
    return Population(standings)


def _figures(
    test: PopulationTest, rows: Sequence[int], columns: Columns, benefit: str, *, as_of: date, registry: Registry, figures: Figures
) -> Iterator[Fraction]:
    """The known figures by which a test ranks these rows."""
    figure = ranked_figure(test)
    column = None
    if figure.take is None and figure.over is None and figure.since is None:
        column = columns.columns.get((figure.fact, key_of(resolve(figure.period, as_of)) if figure.period else ""))
    entry = registry.facts.get(figure.fact)
    if isinstance(column, Column) and column.sort == "number" and entry is not None and entry.type in _NUMBERS:
        worth = [Fraction(number, 10**column.scale) for number in column.values.tolist()]
        codes = column.codes[rows].tolist()
        yield from (worth[code - 1] for code in codes if code)
        rows = [row for row in rows if row in column.odd] if column.odd else []
    names = facts_of(figure) | {"judgement"}
    for row in rows:
        try:
            item = value(figure, Scope(columns.enterprise(row, names), as_of, registry, figures, benefit))
        except TypeMismatch:
            continue
        if isinstance(item, Decimal | Fraction):
            yield Fraction(item)
