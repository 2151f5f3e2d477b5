"""Random benefits with every operator and form of test, and enterprises of which much is unknown and some is stated wrongly."""

import json
import random
from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from contracts.registry import load_figures, load_registry
from contracts.rules import loads
from tests.policy_match import rules_at_random as random_

REGISTRY, FIGURES = load_registry(), load_figures()
TODAY = date(2025, 6, 30)
QUICK = settings(max_examples=60, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck), database=None)

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


_QUARTERS = ["last_quarter", "last_quarter", "same_quarter_last_year", *["quarter-2"] * 4, "2024Q3", "2025Q1"]  # by how seldom one decides
_MONTHS = ["month-1", "month-2", "2025-03", "2025-05"]


@cache
def shorter_periods() -> st.SearchStrategy[dict[str, Any]]:
    """Tests of quarters and months: plain, over several of them, and against the same period a year before."""
    quarter = st.builds(lambda p: {"fact": "revenue", "period": p}, st.sampled_from(_QUARTERS))
    month = st.builds(lambda p: {"fact": "insured_persons", "period": p}, st.sampled_from(_MONTHS))
    left = st.one_of(quarter, month)
    over = st.builds(
        lambda t, n, take, since: t | {"over": n, "take": take} | ({"since": {"fact": "founded_on"}} if since else {}),
        left, st.integers(1, 3), st.sampled_from(["sum", "mean", *["min"] * 3, *["max"] * 3, "every"]), st.booleans(),
    )  # fmt: skip
    change = st.builds(
        lambda t, take, base: t | {"take": take} | ({"base_if_zero": 10} if base else {}),
        left, st.sampled_from(["growth", "increase"]), st.booleans(),
    )  # fmt: skip
    compared = st.builds(lambda t, op, v: t | {"is": op, "value": v}, st.one_of(left, over), random_.ORDER, random_.MONEY)
    changed = st.builds(lambda t, op, v: t | {"is": op, "value": v}, change, random_.ORDER, st.sampled_from([-0.5, 0, 0.15, 1, 10]))
    beside = st.builds(
        lambda t, op, k: t | {"is": op, "value": {"times": [k, {"fact": "insured_persons", "period": "month-1"}]}},
        left, random_.ORDER, st.sampled_from([0.5, 1, 2]),
    )  # fmt: skip
    return st.one_of(compared, changed, beside)


_ON_THE_DAY = {"figure": "LPR-1Y", "on": {"field": "drawn_on"}}


@cache
def right_sides() -> st.SearchStrategy[dict[str, Any]]:
    """Tests against what is reckoned: numbers and sums of rows, days of rows, public figures of a day."""
    rows: list[Any] = [
        {"count": "certificate", "where": [{"field": "name", "is": "=", "value": "A"}]},
        {"sum": "project", "field": "invested", "where": [{"field": "kind", "is": "=", "value": "技改"}]},
        {"plus": [1, {"count": "certificate", "where": []}]},
        {"times": [2, {"sum": "project", "field": "total", "where": []}]},
        {"times": [1000, {"figure": "LPR-1Y"}]},
    ]
    first, last = ({key: "certificate", "field": "awarded_on", "where": []} for key in ("earliest", "latest"))
    days: list[Any] = [
        first,
        last,
        {"shift": {"months": -6}, "of": last},
        {"shift": {"days": 200}, "of": first},
        {"shift": {"days": 200}, "of": {"fact": "niche_since"}},
    ]
    return st.one_of(
        st.builds(lambda op, v: {"fact": "registered_capital", "is": op, "value": v}, random_.ORDER, st.sampled_from(rows)),
        st.builds(lambda op, v: {"fact": "founded_on", "is": op, "value": v}, random_.ORDER, st.sampled_from(days)),
        st.builds(
            lambda op, on: {"fact": "layoff_rate", "period": "2024", "is": op, "value": {"figure": "LPR-1Y", "on": on}},
            random_.ORDER, st.one_of(random_.DAYS, st.just({"fact": "founded_on"})),
        ),
        st.builds(
            lambda op, key: {key: "loan", "where": [{"field": "rate", "is": op, "value": _ON_THE_DAY}]},
            random_.ORDER, st.sampled_from(["some", "none"]),
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
            lambda op, v: {"some": "insured_person", "where": [{"field": "place", "is": op, "value": v}]},
            st.sampled_from(["under", "not_under", "in"]), st.lists(random_.PARENTS, min_size=1, max_size=2),
        ),
        st.builds(
            lambda op, n, m: {
                "count": "insured_person", "is": op, "value": n,
                "where": [{"at_least": 1, "of": [
                    {"field": "months", "is": "between", "value": [3, m]},
                    {"field": "graduated_on", "is": ">=", "value": {"shift": {"years": -2}, "of": {"field": "hired_on"}}},
                ]}],
            },
            random_.ORDER, st.integers(0, 2), st.sampled_from([5, 10, 12]),
        ),
        st.builds(
            lambda op, members: {"some": "parent", "where": [{"field": "lists", "is": op, "value": members}]},
            st.sampled_from(["has", "has_all", "has_none"]), st.lists(st.sampled_from(["世界500强", "中国500强"]), min_size=1, unique=True),
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
    return st.one_of(
        scalar, scalar, more_tests(), more_tests(), shorter_periods(), right_sides(), record, more_record_tests(), populations(), judged
    )


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
_LISTS = ["世界500强", "中国500强"]
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
    quarters = some(dict.fromkeys([f"{year}Q{n}" for year in (2023, 2024, 2025) for n in (1, 2, 3, 4)][:10], one_of(_UNSIGNED)))
    facts |= {"revenue": facts.get("revenue", {}) | quarters} if quarters else {}
    months = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 7)]
    insured = some(dict.fromkeys(months, one_of(_UNSIGNED)))
    facts |= {"insured_persons": insured} if insured else {}
    facts |= some({"honours": lambda: rng.sample(_HONOURS, rng.randrange(3)), "layoff_rate": lambda: {"2024": rng.choice(_RATIOS)}})
    certificate = {"name": one_of(["A", "B"]), "awarded_on": one_of(_DAYS), "expires_on": one_of(_DAYS), "first": one_of([True, False])}
    project = {"kind": one_of(["技改", "展览"]), "invested": one_of(_UNSIGNED), "total": one_of(_UNSIGNED)}
    person = {
        "place": one_of(_STATED["district"]), "months": one_of([0, 3, 5, 12]), "hired_on": one_of(_DAYS), "graduated_on": one_of(_DAYS),
    }  # fmt: skip
    records = some(
        {
            "certificate": lambda: [some(certificate) for _ in range(rng.randrange(4))],
            "project": lambda: [some(project) for _ in range(rng.randrange(4))],
            "insured_person": lambda: [some(person) for _ in range(rng.randrange(4))],
            "loan": lambda: [some({"rate": one_of([0.03, 0.0335, 0.05]), "drawn_on": one_of(_DAYS)}) for _ in range(rng.randrange(3))],
            "parent": lambda: [some({"lists": lambda: rng.sample(_LISTS, rng.randrange(3))}) for _ in range(rng.randrange(3))],
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
    first, number = draw(st.integers(0, 2**32)), draw(st.sampled_from([1, 5, 20, 30, 70]))
    return benefits, range(first, first + number)
