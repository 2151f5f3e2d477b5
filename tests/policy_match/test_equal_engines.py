"""The three engines say the same: the interpreter, which is the definition, the cohort by columns, and the percolator by masks.

Random benefits with every operator and form of test, random enterprises of which much is unknown and some stated wrongly. The tests
count what they saw, print it, and fail if an outcome or an operator was too rare to prove anything; and each kind of test is shown to
fail when an engine is wrong.
"""

import dataclasses
import json
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings

from contracts.rules import Benefit, Compared, Node, dumps, loads, parse_benefit
from services.policy_match.domain import cohort, column_tests, gates, gathering, percolator, record_tests, sheet
from services.policy_match.domain.answers import Lines
from services.policy_match.domain.cohort import verdicts
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import Clauses, Gate, Tree, clauses_of, kleene
from services.policy_match.domain.enterprise import Enterprise, enterprise_of
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.percolator import Outcomes, Percolator
from services.policy_match.domain.periods import resolve
from services.policy_match.domain.population import Population, rank_population
from services.policy_match.domain.questions import Change
from services.policy_match.domain.sheet import Sheet
from services.policy_match.domain.values import TypeMismatch
from tests.policy_match.worlds_at_random import FIGURES, QUICK, REGISTRY, TODAY, enterprise, exact, worlds

THOROUGH = settings(QUICK, max_examples=1200, derandomize=True)  # the same worlds each time: what they prove does not vary
WORDS = {True: "eligible", False: "ineligible", None: "undetermined", "fault": "faulty"}
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "between", "during", "in", "not_in", "under", "not_under", "has", "has_all", "has_none")
FORMS = ("some", "none", "count", "sum", "earliest", "latest", "rank", "percentile", "judged")
ANYWHERE = ("over", "since", "base_if_zero", "open", "ago", "shift", "plus", "times", "figure", "on", "order")
PARTS = (
    *ANYWHERE, "take sum", "take mean", "take min", "take max", "take every", "take growth", "take increase", "year", "quarter", "month",
    "last_year", "this_year", "last_quarter", "same_quarter_last_year", "year-2", "quarter-2", "month-1", "2024", "2024Q3", "2025-03",
    "count on the right", "sum on the right", "earliest on the right", "latest on the right", "another fact", "another field",
    "under in a row", "has in a row", "fact in a row", "judged in a row", "at_least in a row", "any in a row", "not in a row",
)  # fmt: skip


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every city of more than a few enterprises is put together of several parts, and decided in several stretches."""
    monkeypatch.setattr(gathering, "TOGETHER", 16)
    monkeypatch.setattr(cohort, "STRETCH", 64)


@dataclass
class Seen:
    """What the examples met: outcomes of pairs, and for how many pairs the answer of a test of each operator was decisive."""

    outcomes: Counter[str] = field(default_factory=Counter)
    decided: Counter[str] = field(default_factory=Counter)

    def report(self) -> str:
        pairs = sum(self.outcomes.values())
        outcomes = ", ".join(f"{name} {number} ({number / pairs:.0%})" for name, number in self.outcomes.most_common())
        return f"{pairs} pairs: {outcomes}\ndecided by: " + ", ".join(f"{name} {number}" for name, number in self.decided.most_common())


def said(benefits: Sequence[Benefit], city: Sequence[Enterprise], population: Population) -> dict[str, list[list[Any]]]:
    """What each engine says of each pair: True, False, None, or "fault"."""
    clauses = clauses_of(benefits)
    columns = columns_of(city, REGISTRY)
    found = verdicts(clauses, columns, as_of=TODAY, registry=REGISTRY, figures=FIGURES, population=population)
    by_masks = Percolator(clauses, as_of=TODAY, registry=REGISTRY, figures=FIGURES, population=population)
    outcomes = [by_masks.decide(enterprise) for enterprise in city]

    def by_the_rule(benefit: Benefit, enterprise: Enterprise) -> Any:
        try:
            return settled(benefit, Scope(enterprise, TODAY, REGISTRY, FIGURES, benefit.id, population.standings)).value
        except TypeMismatch:
            return "fault"

    def bit(bits: np.ndarray, row: int) -> bool:
        return bool(int(bits[row // 64]) >> row % 64 & 1)

    def one(eligible: bool, ineligible: bool, faulty: bool) -> Any:
        assert eligible + ineligible + faulty <= 1
        return True if eligible else False if ineligible else "fault" if faulty else None

    def by_columns(b: int, e: int) -> Any:
        return one(bit(found.eligible[b], e), bit(found.ineligible[b], e), e in found.faulty.get(b, ()))

    pairs = [[(b, e) for e in range(len(city))] for b in range(len(benefits))]
    return {
        "interpreter": [[by_the_rule(benefits[b], city[e]) for b, e in row] for row in pairs],
        "cohort": [[by_columns(b, e) for b, e in row] for row in pairs],
        "percolator": [[one(*(bool(mask >> b & 1) for mask in outcomes[e])) for b, e in row] for row in pairs],
        "the counts": [[*counts] for counts in found.counts().tolist()],
    }  # fmt: skip


def agree(world: tuple[list[Any], range], seen: Seen) -> None:
    benefits = [parse_benefit(exact({"id": f"b{n}", **given})) for n, given in enumerate(world[0])]
    city = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in world[1]]
    population = ranked(benefits, city)
    every = said(benefits, city, population)
    expected = every["interpreter"]
    for engine in ("cohort", "percolator"):
        for b, e in ((b, e) for b in range(len(benefits)) for e in range(len(city)) if every[engine][b][e] != expected[b][e]):
            pair = json.dumps([world[0][b], enterprise(world[1][e])], ensure_ascii=False)
            raise AssertionError(f"the interpreter says {expected[b][e]}, the {engine} {every[engine][b][e]} of {pair}")
    for counts, row in zip(every["the counts"], expected, strict=True):
        assert counts == [row.count(True), row.count(False), row.count(None) + row.count("fault")]
    for row in expected:
        seen.outcomes.update(WORDS[value] for value in row)
    _count_decisive(clauses_of(benefits), city, population, seen)


def ranked(benefits: Sequence[Benefit], city: Sequence[Enterprise]) -> Population:
    try:
        return rank_population(benefits, city, as_of=TODAY, registry=REGISTRY, figures=FIGURES)
    except TypeMismatch:  # of a value stated wrongly there is no order
        return Population()


def _count_decisive(clauses: Clauses, city: Sequence[Enterprise], population: Population, seen: Seen) -> None:
    """Of which pairs the rule would come out otherwise if one test said the opposite."""
    for one in city:
        for benefit, rule in zip(clauses.benefits, clauses.rules, strict=True):
            scope = Scope(one, TODAY, REGISTRY, FIGURES, benefit.id, population.standings)
            try:
                answers = [atom.answer(scope).value for atom in clauses.atoms]
            except TypeMismatch:
                continue
            before = kleene(rule, answers.__getitem__)
            used = [n for n, answer in enumerate(answers) if answer is not None]
            for number in used:
                if kleene(rule, lambda a, n=number, v=answers: v[a] if a != n else not v[a]) is not before:
                    seen.decided.update(_names(clauses.atoms[number].node))


def _names(node: Node) -> Iterator[str]:
    """The operator and the form of a test, and every part of the language it is written with."""
    if isinstance(node, Benefit):
        return
    written = loads(dumps(node))
    if isinstance(node, Compared):
        yield node.is_
    yield from (key for key in FORMS if key in written)
    yield from dict.fromkeys(_parts(written))


def _parts(written: Any, *, right: bool = False, row: bool = False) -> Iterator[str]:
    if isinstance(written, list):
        for item in written:
            yield from _parts(item, right=right, row=row)
    if not isinstance(written, dict):
        return
    yield from (
        key for key in ("over", "since", "base_if_zero", "open", "ago", "shift", "plus", "times", "figure", "on", "order") if key in written
    )
    if "take" in written:
        yield f"take {written['take']}"
    if "period" in written:
        unit = resolve(written["period"], TODAY).kind
        yield from (unit, written["period"])
    if right:
        yield from (f"{key} on the right" for key in ("count", "sum", "earliest", "latest") if key in written)
        yield from (
            f"another {key}" for key in ("fact", "field") if key in written and written.keys().isdisjoint(("sum", "earliest", "latest"))
        )
    elif row:
        yield from (f"{key} in a row" for key in ("fact", "judged", "at_least", "any", "not") if key in written)
        yield f"{str(written.get('is')).removeprefix('not_').partition('_')[0]} in a row"
    for key, item in written.items():
        yield from _parts(item, right=right or key == "value", row=row or key == "where")


def holds_for(seen: Seen, chosen: settings) -> None:
    """Run the property over random worlds."""

    @chosen
    @given(worlds())
    def run(world: tuple[list[Any], range]) -> None:
        agree(world, seen)

    run()


def proves_something(seen: Seen, least: int) -> None:
    pairs = sum(seen.outcomes.values())
    for outcome in ("eligible", "ineligible", "undetermined"):
        assert seen.outcomes[outcome] >= 0.15 * pairs, f"{outcome} is too rare: {seen.report()}"
    for name in (*OPERATORS, *FORMS, *PARTS):
        assert seen.decided[name] >= least, f"{name} decides too few pairs: {seen.report()}"


def test_interpreter_cohort_and_percolator_say_the_same() -> None:
    seen = Seen()
    holds_for(seen, settings(QUICK, derandomize=True))
    assert {"eligible", "ineligible", "undetermined", "faulty"} == set(seen.outcomes)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_they_say_the_same_of_so_many_pairs_that_every_operator_has_decided(capsys: pytest.CaptureFixture[str]) -> None:
    seen = Seen()
    holds_for(seen, THOROUGH)
    with capsys.disabled():
        print("\n" + seen.report())
    proves_something(seen, 100)


# ----------------------------------------------------------------------------------------------------- it would be noticed


def _less_is_not_greater(op: str, place: tuple[int, int], count: int) -> tuple[int, int]:
    return _SPAN("<=" if op == "<" else op, place, count)


def _one_too_few(self: Sheet, n: int, limbs: list[Any]) -> Any:
    return _AT_LEAST(self, max(n - 1, 1), limbs)


def _unknown_is_no(self: Lines, on: Sheet, held: Any) -> None:
    _ANSWER(self, on, held)
    held[self._rows, 1] = held[self._rows, 0]


def _what_may_not_be_is_not(self: Any, held: Any, on: Sheet) -> None:
    _JOINING(self, held, on)
    self._turned = list(held)


def _a_base_of_nothing_is_a_base(self: Sheet, question: Any) -> Any:
    return _OF_CHANGE(self, dataclasses.replace(question, growth=False))


def _doubt_is_no(self: Any, test: Any, sure: Any, doubtful: Any) -> Any:
    return _REDUCED(self, test, sure, np.zeros_like(doubtful))


def _parents_only(texts: list[str], prefix: str) -> tuple[int, int]:
    return column_tests.span_of("=", (bisect_left(texts, prefix), bisect_right(texts, prefix)), len(texts))


_SPAN, _AT_LEAST, _ANSWER, _JOINING = column_tests.span_of, Sheet._at_least, Lines.answer, gates._Joining.__init__
_OF_CHANGE, _REDUCED, _KLEENE = Sheet._of_change, record_tests._RowSheet._reduced, percolator.kleene
WRONG: dict[str, tuple[Any, str, Any]] = {
    "in the cohort < is <=": (column_tests, "span_of", _less_is_not_greater),
    "in the cohort at_least is one too few": (Sheet, "_at_least", _one_too_few),
    "in the cohort unknown is no": (Lines, "answer", _unknown_is_no),
    "in the cohort any is all": (gates, "_JOINS", {**gates._JOINS, "any": gates._JOINS["all"]}),
    "in the cohort what may not be is not": (gates._Joining, "__init__", _what_may_not_be_is_not),
    "in the cohort a code covers no child": (column_tests, "beginning", _parents_only),
    "in the cohort a row in doubt is none": (record_tests._RowSheet, "_reduced", _doubt_is_no),
    "in the cohort sums are >= where they should be >": (sheet, "COMPARE", {**sheet.COMPARE, ">": sheet.COMPARE[">="]}),
    "in the percolator a threshold belongs to what is below it": (percolator, "bisect_left", bisect_right),
    "in the percolator any is all": (percolator, "kleene", lambda tree, answers: _KLEENE(_all_for_any(tree), answers)),
    "in the percolator a judgement settles nothing": (Percolator, "_anew", lambda self, e, i, u, f: Outcomes(self.every & ~i & ~u, i, f)),
}
FORMS_WRONG = {
    "in the cohort a growth on nothing is no growth": (Change, _a_base_of_nothing_is_a_base),
}


def _all_for_any(tree: Tree) -> Tree:
    if isinstance(tree, int):
        return tree
    return Gate("all" if tree.kind == "any" else tree.kind, tuple(map(_all_for_any, tree.limbs)), tree.n)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [*WRONG, *FORMS_WRONG])
def test_a_wrong_engine_is_found_out(wrong: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if wrong in WRONG:
        where, name, other = WRONG[wrong]
        monkeypatch.setattr(where, name, other)
    else:
        form, other = FORMS_WRONG[wrong]
        monkeypatch.setitem(sheet._FORMS, form, other)
    with pytest.raises(AssertionError, match=r"the interpreter says|<= 1"):
        holds_for(Seen(), settings(QUICK, max_examples=400, report_multiple_bugs=False, print_blob=False))
