"""Random rules whose near misses can be found by trying: tests of facts against constants, of the existence and the number of rows."""

from typing import Any

from hypothesis import strategies as st

from tests.policy_match import rules_at_random as random_

LINES = st.sampled_from([0, 1, 5, 10, 15, 20, 100])
FIGURES = st.sampled_from([("revenue", "last_year"), ("profit", "this_year"), ("rd_expense", "2024")])
"""Of a year that is over and will be followed by another, of one still open, and of one that is over for good."""


def _figures() -> st.SearchStrategy[dict[str, Any]]:
    plain = st.builds(
        lambda at, op, line: {"fact": at[0], "period": at[1], "is": op, "value": line},
        FIGURES, st.sampled_from(["<", "<=", ">", ">=", "="]), LINES,
    )  # fmt: skip
    between = st.builds(
        lambda at, ends, opened: {"fact": at[0], "period": at[1], "is": "between", "value": sorted(ends)} | opened,
        FIGURES, st.tuples(LINES, LINES), st.sampled_from([{}, {"open": "lo"}, {"open": "hi"}, {"open": "both"}]),
    )  # fmt: skip
    capital = st.builds(lambda op, line: {"fact": "registered_capital", "is": op, "value": line}, random_.ORDER, LINES)
    return st.one_of(plain, plain, between, capital)


def _others() -> st.SearchStrategy[dict[str, Any]]:
    sizes = st.lists(random_.SIZES, min_size=1, max_size=2, unique=True)
    named = st.sampled_from(["A", "B"]).map(lambda name: [{"field": "name", "is": "=", "value": name}])
    return st.one_of(
        st.builds(lambda op, v: {"fact": "size", "is": op, "value": v}, st.sampled_from(["in", "not_in"]), sizes),
        st.builds(lambda op, v: {"fact": "size", "is": op, "value": v}, st.sampled_from(["=", "!="]), random_.SIZES),
        st.builds(lambda op, v: {"fact": "dishonest", "is": op, "value": v}, st.sampled_from(["=", "!="]), st.booleans()),
        st.builds(lambda months: {"fact": "founded_on", "is": "<=", "value": {"ago": {"months": months}}}, st.integers(0, 30)),
        st.builds(lambda key, where: {key: "certificate", "where": where}, st.sampled_from(["some", "none"]), named),
        st.builds(
            lambda where, op, n: {"count": "certificate", "where": where, "is": op, "value": n},
            named, st.sampled_from([">=", ">", "<="]), st.integers(0, 3),
        ),
        st.just({"judged": "t"}),
    )  # fmt: skip


def near_rules() -> st.SearchStrategy[dict[str, Any]]:
    """Rules of one to nine tests; at most one asks for honours, as only one test of a set is tried."""
    leaf = st.one_of(_figures(), _figures(), _others())
    honours = st.builds(
        lambda op, members: {"fact": "honours", "is": op, "value": members},
        st.sampled_from(["has", "has_all", "has_none"]), st.lists(random_.HONOURS, min_size=1, max_size=2, unique=True),
    )  # fmt: skip

    def gates(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        some = st.lists(inner, min_size=1, max_size=3)
        counted = some.flatmap(lambda of: st.integers(1, len(of)).map(lambda n: {"at_least": n, "of": of}))
        all_ = some.map(lambda limbs: {"all": limbs})
        return st.one_of(all_, all_, some.map(lambda limbs: {"any": limbs}), inner.map(lambda limb: {"not": limb}), counted)

    rules = st.one_of(leaf, gates(leaf), gates(gates(leaf)))
    return st.one_of(rules, rules, st.builds(lambda one, other: {"all": [one, other]}, honours, rules))
