"""The three engines say the same: the interpreter, which is the definition, the cohort by columns, and the percolator by masks.

Random benefits with every operator and form of test, random enterprises of which much is unknown and some stated wrongly. The tests
count what they saw, print it, and fail if an outcome or an operator was too rare to prove anything; and each kind of test is shown to
fail when an engine is wrong.
"""

import dataclasses
import io
import json
import random
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit, Compared, FieldTest, Judged, JudgedAmount, Node, PopulationTest, loads, parse_benefit, walk
from services.policy_match.domain import column_tests, gathering, percolator, record_tests, sheet
from services.policy_match.domain import matches as matches_
from services.policy_match.domain.amount import AmountInterval, interval
from services.policy_match.domain.cohort import verdicts
from services.policy_match.domain.column_tests import Change
from services.policy_match.domain.columns import Columns
from services.policy_match.domain.decision import settled
from services.policy_match.domain.distinct import Clauses, Gate, Tree, clauses_of, kleene
from services.policy_match.domain.enterprise import Enterprise, enterprise_of
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.interpreter import Scope
from services.policy_match.domain.matches import Counts, Key, Match, Offer, deadline
from services.policy_match.domain.percolator import Outcomes, Percolator
from services.policy_match.domain.population import Population, rank_population
from services.policy_match.domain.sheet import Sheet, Thresholds
from services.policy_match.domain.values import TypeMismatch
from tests.policy_match import rules_at_random as random_

REGISTRY, FIGURES = load_registry(), load_figures()
QUICK = settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)
THOROUGH = settings(QUICK, max_examples=800)
WORDS = {True: "eligible", False: "ineligible", None: "undetermined", "fault": "faulty"}
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "between", "during", "in", "not_in", "under", "not_under", "has", "has_all", "has_none")
FORMS = ("some", "none", "count", "sum", "earliest", "latest", "rank", "percentile", "growth", "increase", "every", "mean", "judged")


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every city of more than a few enterprises is put together of several parts."""
    monkeypatch.setattr(gathering, "TOGETHER", 16)


# ------------------------------------------------------------------------------------------------------ random benefits

_RATIOS = [0, 0.02, 0.05, 0.0551, 0.2, 1e-20]


def exact(plain: Any) -> Any:
    return loads(json.dumps(plain, ensure_ascii=False))


def dates() -> st.SearchStrategy[Any]:
    """A day, a stretch before today, or another fact's day shifted."""
    later = st.builds(lambda n: {"shift": {"years": n}, "of": {"fact": "founded_on"}}, st.integers(-2, 2))
    return st.one_of(random_.DAYS, st.builds(lambda n: {"ago": {"months": n}}, st.integers(0, 30)), later)


@cache
def more_tests() -> st.SearchStrategy[dict[str, Any]]:
    """Forms of tests that are rarer in clauses."""
    ratio = st.sampled_from(_RATIOS)
    share = st.builds(lambda f: {"times": [{"figure": "LPR-1Y"}, {"fact": f, "period": "last_year"}]}, st.sampled_from(random_.PERIODIC))
    of_their_own = st.fixed_dictionaries(
        {"fact": st.just("profit"), "period": st.just("last_year"), "over": st.just(2), "take": st.just("every"), "is": random_.ORDER},
    ).map(lambda t: t | {"value": {"times": [0.5, {"fact": "revenue", "period": "last_year"}]}})
    return st.one_of(
        st.builds(lambda op, v: {"fact": "layoff_rate", "period": "2024", "is": op, "value": v}, random_.ORDER, ratio),
        st.builds(lambda a, b: {"fact": "layoff_rate", "period": "2024", "is": "between", "value": [a, b]}, ratio, ratio),
        st.builds(lambda v: {"fact": "layoff_rate", "period": "2024", "is": "in", "value": v}, st.lists(ratio, min_size=1, max_size=2)),
        st.builds(lambda a, b: {"fact": "founded_on", "is": "between", "value": sorted([a, b])}, random_.DAYS, random_.DAYS),
        st.builds(lambda op, v: {"fact": "niche_since", "is": op, "value": v}, random_.ORDER, dates()),
        st.builds(
            lambda f, op, v: {"fact": f, "period": "last_year", "is": op, "value": v},
            st.sampled_from(random_.PERIODIC), random_.ORDER, share,
        ),
        of_their_own,
        st.builds(
            lambda f, take, base, op, v: {"fact": f, "period": "last_year", "take": take, "is": op, "value": v} | base,
            st.sampled_from(random_.PERIODIC), st.sampled_from(["growth", "increase"]), st.sampled_from([{}, {}, {"base_if_zero": 5}]),
            random_.ORDER, st.sampled_from([-0.5, 0, 0.15, 1, 10]),
        ),
        st.builds(
            lambda f, over, op, v: {"fact": f, "period": "last_year", "over": over, "take": "mean", "is": op, "value": v},
            st.sampled_from(random_.PERIODIC), st.integers(1, 3), random_.ORDER, random_.MONEY,
        ),
        st.builds(
            lambda op, v: {"fact": "size", "is": op, "value": v},
            st.sampled_from(["in", "not_in"]), st.lists(random_.SIZES, min_size=1, max_size=3),
        ),
        st.just({"fact": "open.展会天数", "is": ">=", "value": 3}),
        st.builds(
            lambda op, v: {"fact": "honours", "is": op, "value": v},
            st.sampled_from(["has", "has_all", "has_none"]), st.lists(random_.HONOURS, max_size=2, unique=True),
        ),
        st.builds(
            lambda op, v: {"fact": "industry", "is": op, "value": v},
            st.sampled_from(["under", "not_under"]), st.lists(random_.INDUSTRIES, min_size=1, max_size=2),
        ),
    )  # fmt: skip


@cache
def more_record_tests() -> st.SearchStrategy[dict[str, Any]]:
    """Tests of records with gates, judgements and other fields inside `where`."""
    inside = st.one_of(
        st.builds(
            lambda n, op: {"field": "expires_on", "is": op, "value": {"shift": {"years": n}, "of": {"field": "awarded_on"}}},
            st.integers(0, 3), st.sampled_from(["<", ">="]),
        ),
        random_.held().map(lambda w: {"any": w}),
        random_.held().map(lambda w: {"not": {"all": w}}),
        st.just({"field": "name", "is": "not_in", "value": ["A"]}),
        st.just({"judged": "t"}),
        st.just({"fact": "revenue", "period": "last_year", "is": ">", "value": 5}),
    )  # fmt: skip
    where = st.lists(inside, max_size=2)
    number = st.integers(0, 3)
    invested = st.just([{"field": "invested", "is": "<=", "value": {"field": "total"}}])
    return st.one_of(
        st.builds(lambda key, w: {key: "certificate", "where": w}, st.sampled_from(["some", "none"]), where),
        st.builds(lambda w, a, b: {"count": "certificate", "where": w, "is": "between", "value": sorted([a, b])}, where, number, number),
        st.builds(
            lambda w, op, n: {"sum": "project", "field": "invested", "where": w, "is": op, "value": n},
            invested, random_.ORDER, random_.MONEY,
        ),
        st.builds(
            lambda key, w, v: {key: "certificate", "field": "awarded_on", "where": w, "is": "during", "value": v},
            st.sampled_from(["earliest", "latest"]), where, st.sampled_from(["2023", "2024", "last_year"]),
        ),
        st.builds(
            lambda w, op, v: {"latest": "certificate", "field": "expires_on", "where": w, "is": op, "value": v},
            where, random_.ORDER, dates(),
        ),
    )  # fmt: skip


@cache
def populations() -> st.SearchStrategy[dict[str, Any]]:
    """A place among others."""
    among = st.sampled_from([{"all": []}, {"fact": "size", "is": "in", "value": ["small", "micro"]}, {"judged": "t"}])
    figure = st.builds(
        lambda take: {"period": "last_year"} | ({"take": take} if take else {}), st.sampled_from([None, None, "increase", "growth"])
    )
    return st.one_of(
        st.builds(
            lambda f, a, op, n, o: {"rank": "revenue", **f, "among": a, "is": op, "value": n} | ({"order": "asc"} if o else {}),
            figure, among, random_.ORDER, st.integers(1, 4), st.booleans(),
        ),
        st.builds(
            lambda f, a, op, n: {"percentile": "revenue", **f, "among": a, "is": op, "value": n},
            figure, among, st.sampled_from(["<=", ">"]), st.sampled_from([0.25, 0.5, 0.75]),
        ),
    )  # fmt: skip


@cache
def leaves() -> st.SearchStrategy[dict[str, Any]]:
    scalar, record = random_.scalar_tests(), random_.record_tests()
    judged = st.sampled_from(["t", "u"]).map(lambda text: {"judged": text})
    return st.one_of(scalar, scalar, more_tests(), more_tests(), record, more_record_tests(), populations(), judged)


@cache
def rules() -> st.SearchStrategy[dict[str, Any]]:
    """Rules of one to six tests; most are a test or a few in one gate, as clauses are."""

    def gates(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        some = st.lists(inner, max_size=3)
        counted = st.lists(inner, min_size=1, max_size=3).flatmap(
            lambda of: st.integers(1, len(of)).map(lambda n: {"at_least": n, "of": of})
        )
        return st.one_of(some.map(lambda r: {"all": r}), some.map(lambda r: {"any": r}), inner.map(lambda r: {"not": r}), counted)

    return st.one_of(leaves(), gates(leaves()), gates(gates(leaves())))


@cache
def validities() -> st.SearchStrategy[Any]:
    """Mostly in force; now and then over, not yet dated, or depending on the enterprise."""
    after_founding = {"from": "2020-01-01", "to": {"shift": {"years": 3}, "of": {"fact": "founded_on"}}}
    unknown = {"from": {"figure": "不存在的日期"}, "to": None}
    return st.sampled_from(
        [None, None, None, None, {"from": "2024-01-01", "to": "2026-12-31"}, {"to": "2025-01-31"}, unknown, after_founding]
    )


_MONEY, _UNSIGNED = [-10, 0, 1, 5, 10, 15, 20, 100, 115], [0, 1, 5, 10, 15, 20, 100, 115]
_DAYS = ["2019-12-31", "2020-02-29", "2022-06-30", "2023-01-01", "2023-12-31", "2024-02-29", "2024-06-30", "2024-07-01", "2025-01-15"]
_HONOURS = ["高新技术企业", "专精特新“小巨人”", "专精特新「小巨人」", "创新型中小企业"]
_STATED: dict[str, list[Any]] = {
    "registered_capital": _UNSIGNED, "founded_on": _DAYS, "niche_since": _DAYS, "dishonest": [True, False], "abnormal": [True, False],
    "district": ["350200", "350203", "350205", "350300", "440305"], "industry": ["C", "C39", "C3972", "I65", "I6510"],
    "size": ["large", "medium", "small", "micro"],
}  # fmt: skip
_WRONG: dict[str, Any] = {
    "size": True, "district": 5, "honours": "高新技术企业", "dishonest": 1, "founded_on": "去年", "revenue": {"2024": "10"},
    "profit": 10, "registered_capital": {"2024": 10}, "niche_since": "20230101",
}  # fmt: skip


def enterprise(seed: int) -> dict[str, Any]:
    """What is known of an enterprise: nearly all, half, or little; now and then something stated wrongly, or judged by a person."""
    rng = random.Random(seed)
    share = rng.choice([1, 0.95, 0.9, 0.6, 0.3])

    def some(given: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
        return {name: value() for name, value in given.items() if rng.random() < share}

    def one_of(values: list[Any]) -> Callable[[], Any]:
        return lambda: rng.choice(values)

    facts = some({name: one_of(values) for name, values in _STATED.items()})
    for name in random_.PERIODIC:
        years = some(dict.fromkeys(random_.YEARS, one_of(_MONEY if name == "profit" else _UNSIGNED)))
        facts |= {name: years} if years else {}
    facts |= some({"honours": lambda: rng.sample(_HONOURS, rng.randrange(3)), "layoff_rate": lambda: {"2024": rng.choice(_RATIOS)}})
    certificate = {"name": one_of(["A", "B"]), "awarded_on": one_of(_DAYS), "expires_on": one_of(_DAYS), "first": one_of([True, False])}
    project = {"kind": one_of(["技改", "展览"]), "invested": one_of(_UNSIGNED), "total": one_of(_UNSIGNED)}
    records = some(
        {
            "certificate": lambda: [some(certificate) for _ in range(rng.randrange(4))],
            "project": lambda: [some(project) for _ in range(rng.randrange(4))],
        }
    )
    match rng.randrange(20):
        case 0:
            name = rng.choice(sorted(_WRONG))
            facts[name] = _WRONG[name]
        case 1 | 2 | 3:
            judgements = [(f"b{n}", text) for n in range(12) for text in ("t", "u") if rng.random() < 0.5]
            records["judgement"] = [
                {"benefit": benefit, "text": text, "decided_on": rng.choice(_DAYS), "holds": rng.random() < 0.5}
                for benefit, text in judgements
            ]
        case 4:
            records["certificate"] = [{"name": "A", "awarded_on": rng.choice(["2023年", "2023-05-01"]), "first": 1}]
    return {"facts": facts, "records": records}


@st.composite
def worlds(draw: st.DrawFn) -> tuple[list[Any], range]:
    """Some benefits as plain data, and the seeds of some enterprises."""
    benefits = [{"rule": rule, "valid": draw(validities())} for rule in draw(st.lists(rules(), min_size=10, max_size=16))]
    first, number = draw(st.integers(0, 2**32)), draw(st.sampled_from([1, 5, 20, 20, 30]))
    return benefits, range(first, first + number)


# ------------------------------------------------------------------------------------------------------------ the proof

TODAY = date(2025, 6, 30)


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
    for enterprise in city:
        for benefit, rule in zip(clauses.benefits, clauses.rules, strict=True):
            scope = Scope(enterprise, TODAY, REGISTRY, FIGURES, benefit.id, population.standings)
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
    if isinstance(node, Compared):
        yield node.is_
    if isinstance(node, Judged):
        yield "judged"
    if not isinstance(node, PopulationTest | FieldTest) and (take := getattr(node, "take", None)):
        yield take
    yield from (key for key in FORMS[:8] if key in node.__dict__)


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
    for name in (*OPERATORS, *FORMS):
        assert seen.decided[name] >= least, f"{name} decides too few pairs: {seen.report()}"


def test_interpreter_cohort_and_percolator_say_the_same() -> None:
    seen = Seen()
    holds_for(seen, QUICK)
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


def _unknown_is_no(self: Thresholds, on: Sheet, out: Any) -> None:
    _ANSWER(self, on, out)
    out[:, 1] = out[:, 0]


def _any_is_all(self: Sheet, kind: str, n: int, limbs: Any, out: Any = None) -> Any:
    return _GATE(self, "all" if kind == "any" else kind, n, limbs, out)


def _a_base_of_nothing_is_a_base(self: Sheet, question: Any) -> Any:
    return _OF_CHANGE(self, dataclasses.replace(question, growth=False))


def _doubt_is_no(self: Any, test: Any, sure: Any, doubtful: Any) -> Any:
    return _REDUCED(self, test, sure, np.zeros_like(doubtful))


def _parents_only(texts: list[str], prefix: str) -> tuple[int, int]:
    return column_tests._span("=", (bisect_left(texts, prefix), bisect_right(texts, prefix)), len(texts))


_SPAN, _AT_LEAST, _ANSWER, _GATE = column_tests._span, Sheet._at_least, Thresholds.answer, Sheet.gate
_OF_CHANGE, _REDUCED, _KLEENE = Sheet._of_change, record_tests._RowSheet._reduced, percolator.kleene
WRONG: dict[str, tuple[Any, str, Any]] = {
    "in the cohort < is <=": (column_tests, "_span", _less_is_not_greater),
    "in the cohort at_least is one too few": (Sheet, "_at_least", _one_too_few),
    "in the cohort unknown is no": (Thresholds, "answer", _unknown_is_no),
    "in the cohort any is all": (Sheet, "gate", _any_is_all),
    "in the cohort a code covers no child": (column_tests, "_beginning", _parents_only),
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
    with pytest.raises(AssertionError, match="the interpreter says"):
        holds_for(Seen(), settings(QUICK, max_examples=400, report_multiple_bugs=False, print_blob=False))


# ------------------------------------------------------------------------------------------------------------ snapshots


def test_a_city_saved_and_read_again_is_the_same() -> None:
    benefits = [parse_benefit(exact({"id": f"b{n}", "rule": rule})) for n, rule in enumerate(_SAMPLE)]
    city = [enterprise_of(exact({"uscc": f"企业{seed}", **enterprise(seed)})) for seed in range(300)]
    columns = columns_of(city, REGISTRY)
    file = io.BytesIO()
    columns.save(file)
    file.seek(0)
    again = Columns.load(file)
    assert again.usccs == columns.usccs
    assert [again.enterprise(row) for row in range(300)] == [columns.enterprise(row) for row in range(300)]
    one, other = (verdicts(clauses_of(benefits), found, as_of=TODAY, registry=REGISTRY, figures=FIGURES) for found in (columns, again))
    assert (one.eligible == other.eligible).all()
    assert (one.ineligible == other.ineligible).all()
    assert one.counts().min(axis=0).any()


_SAMPLE: list[Any] = [
    {"fact": "revenue", "period": "last_year", "is": ">=", "value": 10},
    {"fact": "district", "is": "under", "value": ["350200"]},
    {"fact": "honours", "is": "has", "value": ["专精特新“小巨人”"]},
    {"fact": "founded_on", "is": "<=", "value": {"ago": {"years": 2}}},
    {"some": "certificate", "where": [{"field": "expires_on", "is": ">=", "value": "2023-06-30"}]},
    {"sum": "project", "field": "invested", "is": ">=", "value": 15},
]


def test_an_enterprise_put_together_from_columns_is_decided_as_the_one_that_was_given() -> None:
    city = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(500)]
    columns = columns_of(city, REGISTRY)
    for row, given_ in enumerate(city):
        again = columns.enterprise(row)
        for rule in _SAMPLE:
            node = parse_benefit(exact({"id": "b", "rule": rule}))
            assert _said(node, again) == _said(node, given_)
        assert set(again.records) == set(given_.records)


def _said(benefit: Benefit, enterprise: Enterprise) -> Any:
    try:
        return settled(benefit, Scope(enterprise, TODAY, REGISTRY, FIGURES, benefit.id))
    except TypeMismatch as error:
        return str(error)


# -------------------------------------------------------------------------------------------------------------- matches


@cache
def offered() -> st.SearchStrategy[dict[str, Any]]:
    """A benefit with an amount and a validity."""
    return st.fixed_dictionaries({"rule": rules(), "valid": validities(), "amount": st.one_of(random_.amounts(), st.just({"fixed": 1000}))})


def one_by_one(offers: Sequence[Offer], city: Sequence[Enterprise]) -> tuple[dict[Key, Match], dict[str, Counts]]:
    """Matches and counts as the interpreter finds them."""
    matches: dict[Key, Match] = {}
    counts: dict[str, Counts] = {}
    for offer in offers:
        benefit = offer.benefit
        said_, faulty, sums = [], 0, [AmountInterval(Decimal(0), Decimal(0))]
        upon_review = benefit.amount is None or any(isinstance(node, JudgedAmount) for node in walk(benefit.amount))
        for enterprise_ in city:
            scope = Scope(enterprise_, TODAY, REGISTRY, FIGURES, benefit.id)
            try:
                value = settled(benefit, scope).value
                amount = interval(benefit.amount, scope) if value else sums[0]
                end = deadline(benefit, scope) if value else None
            except TypeMismatch:
                faulty += 1
                said_.append(None)
                continue
            said_.append(value)
            if value:
                key = Key(enterprise_.uscc, benefit.id, "")
                told = not upon_review or (amount.low == amount.high and amount.low > 0)
                matches[key] = Match(key, offer.version, amount.low if told else None, amount.high if told else None, end)
                sums.append(amount)
        highs = [amount.high for amount in sums]
        high = None if None in highs else sum((high for high in highs if high is not None), Decimal("0.00"))
        low = sum((amount.low for amount in sums), Decimal("0.00"))
        counts[benefit.id] = Counts(said_.count(True), said_.count(False), said_.count(None), faulty, low, high)
    return matches, counts


@pytest.mark.parametrize("few", [0, 1000])
def test_a_sweep_finds_what_the_interpreter_finds(few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matches_, "FEW", few)
    city = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(100)]

    @settings(QUICK, max_examples=12)
    @given(st.lists(offered(), min_size=4, max_size=8))
    def run(given_: list[Any]) -> None:
        offers = [Offer(parse_benefit(exact({"id": f"b{n}", **benefit})), n) for n, benefit in enumerate(given_)]
        assert matches_.eligible(offers, city, as_of=TODAY, registry=REGISTRY, figures=FIGURES) == one_by_one(offers, city)

    run()


def test_enterprises_that_changed_since_count_as_they_are_now() -> None:
    before = [enterprise_of(exact({"uscc": f"u{seed}", **enterprise(seed)})) for seed in range(90)]
    now = {f"u{n}": enterprise_of(exact({"uscc": f"u{n}", **enterprise(1000 + n)})) for n in range(70, 170)}

    @settings(QUICK, max_examples=8)
    @given(st.lists(offered(), min_size=4, max_size=8))
    def run(given_: list[Any]) -> None:
        offers = [Offer(parse_benefit(exact({"id": f"b{n}", **benefit})), n) for n, benefit in enumerate(given_)]
        held = matches_.City(columns_of(before, REGISTRY), now)
        city = [*before[:70], *now.values()]
        assert matches_.eligible(offers, held, as_of=TODAY, registry=REGISTRY, figures=FIGURES) == one_by_one(offers, city)

    run()
