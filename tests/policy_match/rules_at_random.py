"""Random rules and enterprises as plain data, over few values so that boundaries are met often."""

from typing import Any

from hypothesis import strategies as st

YEARS = ("2021", "2022", "2023", "2024", "2025")
MONEY = st.sampled_from([-10, 0, 1, 5, 10, 15, 20, 100, 115])
UNSIGNED = MONEY.filter(lambda n: n >= 0)
DAYS = st.sampled_from(
    ["2019-12-31", "2020-02-29", "2022-06-30", "2023-01-01", "2023-12-31", "2024-02-29", "2024-06-30", "2024-07-01", "2025-01-15"]
)
DISTRICTS = st.sampled_from(["350200", "350203", "350205", "350300", "440305"])
PARENTS = st.sampled_from(["350000", "350200", "350205", "3502", "440000"])
INDUSTRIES = st.sampled_from(["C", "C39", "C3972", "I65", "I6510"])
SIZES = st.sampled_from(["large", "medium", "small", "micro"])
HONOURS = st.sampled_from(["高新技术企业", "专精特新“小巨人”", "专精特新「小巨人」", "创新型中小企业"])
PERIODS = st.sampled_from(["last_year", "this_year", "year-1", "year-2", "2024", "2023"])
ORDER = st.sampled_from(["=", "!=", "<", "<=", ">", ">="])
PERIODIC = ("revenue", "profit", "rd_expense")


def facts() -> st.SearchStrategy[dict[str, Any]]:
    """The facts of an enterprise, any of them missing."""
    plain = {
        "registered_capital": UNSIGNED, "founded_on": DAYS, "district": DISTRICTS, "industry": INDUSTRIES, "size": SIZES,
        "dishonest": st.booleans(), "abnormal": st.booleans(), "honours": st.lists(HONOURS, max_size=2),
    }  # fmt: skip
    series = {fact: st.dictionaries(st.sampled_from(YEARS), MONEY if fact == "profit" else UNSIGNED, max_size=5) for fact in PERIODIC}
    return st.fixed_dictionaries({}, optional={**plain, **series})


def records() -> st.SearchStrategy[dict[str, Any]]:
    """Record tables, any of them and any of their fields missing."""
    certificate = st.fixed_dictionaries(
        {}, optional={"name": st.sampled_from(["A", "B"]), "awarded_on": DAYS, "expires_on": DAYS, "first": st.booleans()}
    )
    project = st.fixed_dictionaries({}, optional={"kind": st.sampled_from(["技改", "展览"]), "invested": UNSIGNED, "total": UNSIGNED})
    return st.fixed_dictionaries({}, optional={"certificate": st.lists(certificate, max_size=3), "project": st.lists(project, max_size=3)})


def _money_value() -> st.SearchStrategy[Any]:
    fact = st.fixed_dictionaries({"fact": st.sampled_from(PERIODIC), "period": PERIODS})
    share = st.builds(lambda k, f: {"times": [k, f]}, st.sampled_from([0, 0.1, 0.5, 2]), fact)
    added = st.builds(lambda n, f: {"plus": [n, f]}, MONEY, fact)
    return st.one_of(MONEY, fact, share, added)


def _between(low: Any, high: Any, opened: str | None) -> dict[str, Any]:
    return {"is": "between", "value": [low, high]} | ({"open": opened} if opened else {})


@st.composite
def money_tests(draw: st.DrawFn) -> dict[str, Any]:
    """A test of a yearly figure: plain, folded over years, or changed."""
    left: dict[str, Any] = {"fact": draw(st.sampled_from(PERIODIC)), "period": draw(PERIODS)}
    form = draw(st.sampled_from(["plain", "plain", "fold", "every", "growth", "increase"]))
    if form in ("fold", "every"):
        left |= {
            "over": draw(st.integers(1, 3)),
            "take": draw(st.sampled_from(["sum", "mean", "min", "max"])) if form == "fold" else "every",
        }
        if draw(st.booleans()):
            left["since"] = draw(st.one_of(DAYS, st.just({"fact": "founded_on"})))
    elif form != "plain":
        left["take"] = form
        if draw(st.booleans()):
            left["base_if_zero"] = draw(st.sampled_from([1, 5, 100]))
    right = st.sampled_from([0, 0.1, 0.15, 0.5, -0.5, 1]) if form == "growth" else _money_value()
    if draw(st.integers(0, 3)) == 0:
        return left | _between(draw(right), draw(right), draw(st.sampled_from([None, "lo", "hi", "both"])))
    return left | {"is": draw(ORDER), "value": draw(right)}


def _date_value() -> st.SearchStrategy[Any]:
    steps = st.fixed_dictionaries({}, optional={"years": st.integers(0, 3), "months": st.integers(0, 14)}).filter(bool)
    return st.one_of(DAYS, steps.map(lambda s: {"ago": s}), st.builds(lambda s, d: {"shift": s, "of": d}, steps, DAYS))


def scalar_tests() -> st.SearchStrategy[dict[str, Any]]:
    """A test of one fact."""

    def listed(fact: str, values: st.SearchStrategy[str], operators: list[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.builds(
            lambda op, value: {"fact": fact, "is": op, "value": value},
            st.sampled_from(operators), st.lists(values, min_size=1, max_size=2),
        )  # fmt: skip

    def single(fact: str, values: st.SearchStrategy[Any], operators: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
        return st.builds(lambda op, value: {"fact": fact, "is": op, "value": value}, operators, values)

    equal = st.sampled_from(["=", "!="])
    return st.one_of(
        money_tests(),
        money_tests(),
        single("registered_capital", MONEY, ORDER),
        single("founded_on", _date_value(), ORDER),
        single("founded_on", PERIODS, st.just("during")),
        listed("district", PARENTS, ["under", "not_under"]),
        listed("industry", INDUSTRIES, ["under", "not_under"]),
        listed("size", SIZES, ["in", "not_in"]),
        single("size", SIZES, equal),
        single("dishonest", st.booleans(), equal),
        single("abnormal", st.booleans(), equal),
        listed("honours", HONOURS, ["has", "has_all", "has_none"]),
    )


def _combined(leaves: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    def extended(children: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        several = st.lists(children, max_size=3)
        counted = st.lists(children, min_size=1, max_size=3).flatmap(
            lambda of: st.integers(1, len(of)).map(lambda n: {"at_least": n, "of": of})
        )
        return st.one_of(several.map(lambda r: {"all": r}), several.map(lambda r: {"any": r}), children.map(lambda r: {"not": r}), counted)

    return st.recursive(leaves, extended, max_leaves=6)


def scalar_rules() -> st.SearchStrategy[dict[str, Any]]:
    """Rules over facts only."""
    return _combined(st.one_of(scalar_tests(), scalar_tests(), scalar_tests(), st.just({"judged": "t"})))


def held() -> st.SearchStrategy[list[dict[str, Any]]]:
    """What a certificate must meet."""
    return st.lists(
        st.one_of(
            st.builds(lambda v: {"field": "name", "is": "=", "value": v}, st.sampled_from(["A", "B"])),
            st.builds(lambda op, v: {"field": "awarded_on", "is": op, "value": v}, ORDER, _date_value()),
            st.builds(lambda op, v: {"field": "expires_on", "is": op, "value": v}, ORDER, _date_value()),
            st.builds(lambda v: {"not": {"field": "first", "is": "=", "value": v}}, st.booleans()),
            st.just({"fact": "dishonest", "is": "=", "value": False}),
        ),
        max_size=2,
    )


def record_tests() -> st.SearchStrategy[dict[str, Any]]:
    """A test of a record table."""
    built = st.lists(
        st.one_of(
            st.builds(lambda v: {"field": "kind", "is": "=", "value": v}, st.sampled_from(["技改", "展览"])),
            st.builds(lambda op, v: {"field": "total", "is": op, "value": v}, ORDER, UNSIGNED),
        ),
        max_size=2,
    )
    return st.one_of(
        held().map(lambda w: {"some": "certificate", "where": w}),
        held().map(lambda w: {"none": "certificate", "where": w}),
        st.builds(lambda w, op, n: {"count": "certificate", "where": w, "is": op, "value": n}, held(), ORDER, st.integers(0, 3)),
        st.builds(lambda w, op, n: {"sum": "project", "field": "invested", "where": w, "is": op, "value": n}, built, ORDER, UNSIGNED),
        st.builds(
            lambda key, w, op, v: {key: "certificate", "field": "awarded_on", "where": w, "is": op, "value": v},
            st.sampled_from(["earliest", "latest"]), held(), ORDER, _date_value(),
        ),
    )  # fmt: skip


def rules() -> st.SearchStrategy[dict[str, Any]]:
    """Rules over facts and records."""
    return _combined(st.one_of(scalar_tests(), record_tests(), st.just({"judged": "t"})))


def amounts() -> st.SearchStrategy[dict[str, Any]]:
    """Amounts over the same facts and records."""
    figure = st.one_of(
        UNSIGNED,
        st.fixed_dictionaries({"fact": st.sampled_from(PERIODIC), "period": PERIODS}),
        st.fixed_dictionaries({"fact": st.sampled_from(PERIODIC), "period": PERIODS, "take": st.just("increase")}),
        st.fixed_dictionaries(
            {
                "fact": st.sampled_from(PERIODIC),
                "period": PERIODS,
                "over": st.integers(1, 2),
                "take": st.sampled_from(["sum", "mean", "min", "max"]),
            }
        ),
        st.just({"count": "certificate", "where": [{"field": "name", "is": "=", "value": "A"}]}),
        st.just({"sum": "project", "field": "invested", "where": [{"field": "kind", "is": "=", "value": "技改"}]}),
        st.builds(lambda n, f: {"plus": [n, {"fact": f, "period": "2024"}]}, MONEY, st.sampled_from(PERIODIC)),
    )
    share = st.sampled_from([0.05, 0.5, 1])
    pay = st.one_of(
        share.map(lambda r: {"rate": r, "of": {"field": "invested"}}),
        st.builds(lambda c, r: {"cap": c, "of": {"rate": r, "of": {"field": "total"}}}, UNSIGNED, share),
    )
    base = st.one_of(
        UNSIGNED.map(lambda n: {"fixed": n}),
        st.builds(lambda r, f: {"rate": r, "of": f}, share, figure),
        st.builds(lambda p, c, s: {"per": p, "count": c, "step": s}, UNSIGNED, figure, st.sampled_from([1, 3, 10])),
        st.builds(
            lambda p, w, b: {"each": "project", "where": w, "pay": p} | ({"best": b} if b else {}),
            pay, st.sampled_from([[], [{"field": "kind", "is": "=", "value": "技改"}]]), st.sampled_from([0, 1, 2]),
        ),
        st.builds(lambda f: {"judged": "j", "between": [0, f]}, figure),
    )  # fmt: skip

    def extended(inner: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
        several = st.lists(inner, min_size=1, max_size=3)
        return st.one_of(
            several.map(lambda a: {"sum": a}),
            several.map(lambda a: {"min": a}),
            several.map(lambda a: {"max": a}),
            several.map(lambda a: {"instalments": a}),
            st.builds(lambda c, a: {"cap": c, "of": a}, figure, inner),
            st.builds(lambda c, a: {"floor": c, "of": a}, figure, inner),
            st.builds(lambda k, a: {"times": [k, a]}, st.sampled_from([0, 0.5, 1.2]), inner),
            st.builds(lambda a, f: {"less": a, "paid": f}, inner, figure),
            st.builds(lambda r, a, b: {"case": [[r, a]], "else": b}, scalar_rules(), inner, inner),
            st.builds(
                lambda f, a, b, edge: {"tiers": [[0, a], [10, b]], "on": f, "edge": edge},
                figure,
                inner,
                inner,
                st.sampled_from(["from", "upto"]),
            ),
            st.builds(lambda f: {"tiers": [[0, 0.1], [10, 0.5], [20, 0]], "on": f, "marginal": True}, figure),
        )

    return st.recursive(base, extended, max_leaves=4)
