"""The same city and the same benefits put to other engines, each in the form it is best at.

Every test is first taken apart into plain integers (cents, ordinals of days, positions in a sorted code list), so that no engine has to
compare texts or decimals. `verdicts` is what an engine says of every pair (true or not true); it must be ours before `run` is timed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.rules import Ago, AnyOf, Benefit, FactTest, Times
from services.policy_match.domain.periods import resolve, step
from services.policy_match.domain.values import stem
from tests.bench.workload import AS_OF, SCALES, City, Fact

Verdicts = NDArray[np.bool_]  # benefits x enterprises


class Plain(NamedTuple):
    """One test in integers. `form` is compare, between, spans, is, has, ratio, growth or any; a negation has `negated`."""

    form: str
    column: str = ""
    op: str = ""
    numbers: tuple[Any, ...] = ()
    other: str = ""
    negated: bool = False


def plain(node: Any, city: City) -> Plain:
    """A test of the workload in integers."""
    if isinstance(node, AnyOf):
        return Plain("any", numbers=tuple(plain(limb, city) for limb in node.any))
    assert isinstance(node, FactTest)
    period = "" if node.period is None else resolve(node.period, AS_OF).key
    name = f"{node.fact}@{period}" if period else node.fact
    fact, value = city.facts[name], node.value
    if node.take == "growth":
        assert isinstance(value, Decimal)
        limit = 1 + Fraction(value)
        return Plain("growth", name, numbers=(limit.numerator, limit.denominator), other=f"{node.fact}@{int(period) - 1}")
    if isinstance(value, Times):
        share = Fraction(value.times[0])
        return Plain("ratio", name, numbers=(share.numerator, share.denominator), other=f"{value.times[1].fact}@{period}")
    if fact.kind == "bool":
        return Plain("is", name, numbers=(value,))
    if fact.kind == "set":
        members = tuple(fact.labels.index(member) for member in value)
        return Plain("has", name, "all" if node.is_ == "has_all" else "any", members, negated=node.is_ == "has_none")
    if fact.kind == "code":
        return Plain("spans", name, numbers=_spans(fact, node), negated=node.is_.startswith("not_"))
    if node.is_ == "between":
        return Plain("between", name, numbers=tuple(_whole(item, fact) for item in value))
    threshold = step(AS_OF, value.ago, -1).toordinal() if isinstance(value, Ago) else _whole(value, fact)
    return Plain("compare", name, node.is_, (threshold,))


def _whole(number: Decimal, fact: Fact) -> int:
    return int(number.scaleb(SCALES[fact.kind]))


def _spans(fact: Fact, node: FactTest) -> tuple[tuple[int, int], ...]:
    """The positions in the sorted code list that are listed or lie under what is listed, from the first to the last of each run."""
    order = sorted(fact.labels)
    wanted = [stem(item) for item in node.value]
    found = [n for n, label in enumerate(order) if (label.startswith(tuple(wanted)) if "under" in node.is_ else label in node.value)]
    runs: list[tuple[int, int]] = []
    for n in found:
        if runs and runs[-1][1] == n - 1:
            runs[-1] = (runs[-1][0], n)
        else:
            runs.append((n, n))
    return tuple(runs)


def _positions(fact: Fact) -> NDArray[Any]:
    """Codes as positions in the sorted code list."""
    return np.argsort(np.argsort(fact.labels))[fact.values] if fact.kind == "code" else fact.values


def _rules(benefits: Sequence[Benefit], city: City) -> list[list[Plain]]:
    return [[plain(test, city) for test in benefit.rule.all] for benefit in benefits]  # type: ignore[union-attr]


class PeerMissing(Exception):
    """The engine cannot be imported; the message says why."""


class Peer:
    """An engine with the city in its memory. Each of `runs` decides every pair in its own way; the best of them counts."""

    name: str
    version: str
    enterprises: int
    runs: dict[str, Callable[[], Any]]

    def verdicts(self, run: str) -> Verdicts:
        """What a run says of every pair."""
        raise NotImplementedError


class Polars(Peer):
    """One lazy query; null is unknown and its logic is Kleene's. In one formulation the distinct tests are columns of their own first."""

    name = "polars"

    def __init__(self, city: City, benefits: Sequence[Benefit]) -> None:
        import polars as pl

        self.version, self.enterprises = pl.__version__, city.rows
        columns: dict[str, Any] = {}
        for name, fact in city.facts.items():
            if fact.kind == "set":
                for member, held in enumerate(fact.values):
                    columns[f"{name}#{member}"] = _with_nulls(pl, held, fact.known)
            else:
                small = {"code": np.int16, "date": np.int32}.get(fact.kind)
                values = _positions(fact)
                columns[name] = _with_nulls(pl, values if small is None else values.astype(small), fact.known)
        frame = pl.DataFrame(columns).rechunk()
        rules = _rules(benefits, city)
        tests = list(dict.fromkeys(test for rule in rules for test in rule))
        number = {test: f"t{n}" for n, test in enumerate(tests)}
        inline = [pl.all_horizontal([_polars(pl, test) for test in rule]).alias(f"b{n}") for n, rule in enumerate(rules)]
        chained = [_chain(pl, [_polars(pl, test) for test in rule]).alias(f"b{n}") for n, rule in enumerate(rules)]
        named = [_chain(pl, [pl.col(number[test]) for test in rule]).alias(f"b{n}") for n, rule in enumerate(rules)]
        first = [_polars(pl, test).alias(name) for test, name in number.items()]
        self.runs = {
            "tests in place": lambda: frame.lazy().select(chained).collect(),
            "all_horizontal": lambda: frame.lazy().select(inline).collect(),
            "distinct tests first": lambda: frame.lazy().select(first).select(named).collect(),
        }

    def verdicts(self, run: str) -> Verdicts:
        return np.stack([column.fill_null(False).to_numpy() for column in self.runs[run]()])


def _with_nulls(pl: Any, values: NDArray[Any], known: NDArray[np.bool_]) -> Any:
    return pl.select(pl.when(pl.Series(known)).then(pl.Series(values))).to_series()


def _chain(pl: Any, expressions: list[Any]) -> Any:
    whole = expressions[0]
    for expression in expressions[1:]:
        whole = whole & expression
    return whole


def _polars(pl: Any, test: Plain) -> Any:
    column = pl.col(test.column) if test.column else None
    match test.form:
        case "any":
            limbs = [_polars(pl, limb) for limb in test.numbers]
            return limbs[0] | limbs[1]
        case "compare":
            [limit] = test.numbers
            return {">=": column >= limit, ">": column > limit, "<=": column <= limit, "<": column < limit}[test.op]
        case "between":
            return column.is_between(*test.numbers)
        case "is":
            return column if test.numbers[0] else ~column
        case "has":
            held = [pl.col(f"{test.column}#{member}") for member in test.numbers]
            whole = held[0]
            for one in held[1:]:
                whole = whole & one if test.op == "all" else whole | one
            return ~whole if test.negated else whole
        case "spans":
            if not test.numbers:
                return pl.when(column.is_not_null()).then(test.negated)
            parts = [column == low if low == high else column.is_between(low, high) for low, high in test.numbers]
            whole = parts[0]
            for part in parts[1:]:
                whole = whole | part
            return ~whole if test.negated else whole
        case "ratio":
            up, down = test.numbers
            return column * down >= pl.col(test.other) * up
        case _:
            up, down = test.numbers
            base = pl.col(test.other)
            return (base > 0) & (column * down >= base * up)


class DuckDB(Peer):
    """One SQL statement over one table."""

    name = "duckdb"

    def __init__(self, city: City, benefits: Sequence[Benefit]) -> None:
        import duckdb
        import pyarrow as pa

        self.version, self.enterprises = duckdb.__version__, city.rows
        arrays: dict[str, Any] = {}
        for name, fact in city.facts.items():
            if fact.kind == "set":
                arrays |= {f"{name}#{member}": pa.array(held, mask=~fact.known) for member, held in enumerate(fact.values)}
            else:
                small = {"code": np.int16, "date": np.int32}.get(fact.kind)
                values = _positions(fact)
                arrays[name] = pa.array(values if small is None else values.astype(small), mask=~fact.known)
        self._db = duckdb.connect()
        self._db.register("given", pa.table(arrays))
        self._db.execute("CREATE TABLE city AS SELECT * FROM given")
        rules = _rules(benefits, city)
        tests = list(dict.fromkeys(test for rule in rules for test in rule))
        number = {test: f"t{n}" for n, test in enumerate(tests)}
        where = [" AND ".join(_sql(test) for test in rule) for rule in rules]
        short = [" AND ".join(number[test] for test in rule) for rule in rules]
        inner = "SELECT " + ", ".join(f"{_sql(test)} AS {name}" for test, name in number.items()) + " FROM city"
        self._queries = {
            "counts": "SELECT " + ", ".join(f"count(*) FILTER (WHERE {rule})" for rule in where) + " FROM city",
            "verdicts": "SELECT " + ", ".join(f"({rule}) AS b{n}" for n, rule in enumerate(where)) + " FROM city",
            "distinct tests first": "SELECT " + ", ".join(f"count(*) FILTER (WHERE {r})" for r in short) + f" FROM ({inner}) t",
        }
        self.runs = {name: (lambda query=query: self._db.sql(query).to_arrow_table()) for name, query in self._queries.items()}

    def verdicts(self, run: str) -> Verdicts:
        found = self.runs["verdicts"]()
        every = np.stack([column.combine_chunks().fill_null(False).to_numpy(zero_copy_only=False) for column in found.columns])
        if run != "verdicts":
            counts = [column[0].as_py() for column in self.runs[run]().columns]
            if counts != every.sum(axis=1).tolist():
                raise AssertionError(f"DuckDB's own formulations differ: {run}")
        return every


def _sql(test: Plain) -> str:
    column = f'"{test.column}"'
    match test.form:
        case "any":
            return "(" + " OR ".join(_sql(limb) for limb in test.numbers) + ")"
        case "compare":
            return f"{column} {test.op} {test.numbers[0]}"
        case "between":
            return f"{column} BETWEEN {test.numbers[0]} AND {test.numbers[1]}"
        case "is":
            return column if test.numbers[0] else f"NOT {column}"
        case "has":
            held = [f'"{test.column}#{member}"' for member in test.numbers]
            whole = "(" + (" AND " if test.op == "all" else " OR ").join(held) + ")"
            return f"NOT {whole}" if test.negated else whole
        case "spans":
            parts = [f"{column} = {low}" if low == high else f"{column} BETWEEN {low} AND {high}" for low, high in test.numbers]
            whole = "(" + (" OR ".join(parts) or f"{column} < 0") + ")"
            return f"NOT {whole}" if test.negated else whole
        case "ratio":
            return f'{column} * {test.numbers[1]} >= "{test.other}" * {test.numbers[0]}'
        case _:
            return f'("{test.other}" > 0 AND {column} * {test.numbers[1]} >= "{test.other}" * {test.numbers[0]})'


class OpenFisca(Peer):
    """A variable for each benefit over a population. It has no unknown: an unknown fact is NaN, of which no comparison holds.

    Its floats are of single precision, which would round money to tens of yuan: they are made double here.
    """

    name = "openfisca-core"

    def __init__(self, city: City, benefits: Sequence[Benefit]) -> None:
        from importlib.metadata import version

        from openfisca_core import entities, periods, simulations, taxbenefitsystems, variables
        from openfisca_core.variables.config import VALUE_TYPES

        self.version, self.enterprises = version("openfisca-core"), city.rows
        double = {**VALUE_TYPES[float], "dtype": np.float64}
        VALUE_TYPES[float] = double
        firm = entities.Entity("firm", "firms", "An enterprise", "")
        yearly, year = periods.DateUnit.YEAR, periods.period("2025")
        names = {column: f"f{n}" for n, column in enumerate(_openfisca_columns(city))}
        rules = _rules(benefits, city)
        tests = list(dict.fromkeys(test for rule in rules for test in rule))
        numbered = {test: f"t{n}" for n, test in enumerate(tests)}

        def variable(name: str, kind: type, formula: Callable[..., Any] | None = None) -> type:
            body: dict[str, Any] = {"value_type": kind, "entity": firm, "definition_period": yearly, "label": name}
            return type(name, (variables.Variable,), body | ({"formula": formula} if formula else {}))

        def of_test(test: Plain) -> Callable[..., Any]:
            return lambda firms, period: _holds(test, lambda column: firms(names[column], period))

        def of_rule(rule: list[Plain], inline: bool) -> Callable[..., Any]:
            def formula(firms: Any, period: Any) -> Any:
                found = None
                for test in rule:
                    part = _holds(test, lambda column: firms(names[column], period)) if inline else firms(numbered[test], period)
                    found = part if found is None else found & part
                return found

            return formula

        def system(inline: bool) -> Any:
            made = taxbenefitsystems.TaxBenefitSystem([firm])
            for name in names.values():
                made.add_variable(variable(name, float))
            if not inline:
                for test, name in numbered.items():
                    made.add_variable(variable(name, bool, of_test(test)))
            for n, rule in enumerate(rules):
                made.add_variable(variable(f"b{n}", bool, of_rule(rule, inline)))
            return made

        given = {names[column]: values for column, values in _openfisca_columns(city).items()}

        def run(made: Any) -> Callable[[], Any]:
            def calculate() -> list[Any]:
                simulation = simulations.SimulationBuilder().build_default_simulation(made, city.rows)
                for name, values in given.items():
                    simulation.get_holder(name).put_in_cache(values, year)
                return [simulation.calculate(f"b{n}", year) for n in range(len(rules))]

            return calculate

        self.runs = {"tests in the formulas": run(system(inline=True)), "a variable for each distinct test": run(system(inline=False))}

    def verdicts(self, run: str) -> Verdicts:
        return np.stack(self.runs[run]())


def _openfisca_columns(city: City) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for name, fact in city.facts.items():
        parts = {f"{name}#{m}": held for m, held in enumerate(fact.values)} if fact.kind == "set" else {name: _positions(fact)}
        columns |= {column: np.where(fact.known, values.astype(np.float64), np.nan) for column, values in parts.items()}
    return columns


def _holds(test: Plain, column: Callable[[str], Any]) -> Any:
    """A test over arrays of doubles in which NaN is unknown: where it is true."""
    if test.form == "any":
        return _holds(test.numbers[0], column) | _holds(test.numbers[1], column)
    if test.form == "has":
        held = [column(f"{test.column}#{member}") for member in test.numbers]
        found = held[0] == 1
        for one in held[1:]:
            found = found & (one == 1) if test.op == "all" else found | (one == 1)
        return (held[0] >= 0) & ~found if test.negated else found
    values = column(test.column)
    match test.form:
        case "compare":
            [limit] = test.numbers
            return {">=": np.greater_equal, ">": np.greater, "<=": np.less_equal, "<": np.less}[test.op](values, limit)
        case "between":
            return (values >= test.numbers[0]) & (values <= test.numbers[1])
        case "is":
            return values == test.numbers[0]
        case "spans":
            found = np.zeros(len(values), dtype=np.bool_)
            for low, high in test.numbers:
                found |= (values == low) if low == high else (values >= low) & (values <= high)
            return (values >= 0) & ~found if test.negated else found
    other = column(test.other)
    holds = values * test.numbers[1] >= other * test.numbers[0]
    return holds if test.form == "ratio" else (other > 0) & holds


class Zen(Peer):
    """One decision with an expression for each benefit, put to one enterprise after another; so few, that it ends."""

    name = "zen-engine"
    MOST = 300

    def __init__(self, city: City, benefits: Sequence[Benefit]) -> None:
        from importlib.metadata import version

        import zen

        self.version, self.enterprises = version("zen-engine"), min(city.rows, self.MOST)
        rules = _rules(benefits, city)
        expressions = [{"id": f"b{n}", "key": f"b{n}", "value": " and ".join(_zen(test) for test in rule)} for n, rule in enumerate(rules)]
        graph = {
            "nodes": [
                {"id": "in", "type": "inputNode", "name": "in", "content": {"schema": ""}},
                {"id": "x", "type": "expressionNode", "name": "x", "content": {"expressions": expressions}},
                {"id": "out", "type": "outputNode", "name": "out", "content": {"schema": ""}},
            ],
            "edges": [
                {"id": "1", "sourceId": "in", "targetId": "x", "type": "edge"},
                {"id": "2", "sourceId": "x", "targetId": "out", "type": "edge"},
            ],
        }
        decision = zen.ZenEngine().create_decision(json.dumps(graph))
        contexts = [json.dumps(_context(city, row)) for row in range(self.enterprises)]
        self._benefits = len(benefits)
        self.runs = {"one decision": lambda: [decision.evaluate(context)["result"] for context in contexts]}

    def verdicts(self, run: str) -> Verdicts:
        found = self.runs[run]()
        return np.array([[bool(result[f"b{n}"]) for result in found] for n in range(self._benefits)])


def _name(column: str) -> str:
    return column.replace("@", "_").replace("#", "_m")


def _context(city: City, row: int) -> dict[str, Any]:
    context: dict[str, Any] = {}
    for name, fact in city.facts.items():
        if fact.kind == "set":
            context |= {_name(f"{name}#{m}"): bool(held[row]) if fact.known[row] else None for m, held in enumerate(fact.values)}
        else:
            value = _positions(fact)[row].item() if fact.known[row] else None
            context[_name(name)] = value
    return context


def _zen(test: Plain) -> str:
    column = _name(test.column)
    known = f"{column} != null and "
    match test.form:
        case "any":
            return "(" + " or ".join(f"({_zen(limb)})" for limb in test.numbers) + ")"
        case "compare":
            return f"{known}{column} {test.op} {test.numbers[0]}"
        case "between":
            return f"{known}{column} in [{test.numbers[0]}..{test.numbers[1]}]"
        case "is":
            return f"{column} == {'true' if test.numbers[0] else 'false'}"
        case "has":
            held = [_name(f"{test.column}#{member}") for member in test.numbers]
            if test.negated:
                return " and ".join(f"{one} == false" for one in held)
            return "(" + (" and " if test.op == "all" else " or ").join(f"{one} == true" for one in held) + ")"
        case "spans":
            parts = [f"{column} == {low}" if low == high else f"({column} >= {low} and {column} <= {high})" for low, high in test.numbers]
            whole = "(" + (" or ".join(parts) or "false") + ")"
            return f"{known}not {whole}" if test.negated else f"{known}{whole}"
    other, (up, down) = _name(test.other), test.numbers
    positive = f"{other} > 0 and " if test.form == "growth" else ""
    return f"{known}{other} != null and {positive}{column} * {down} >= {other} * {up}"


PEERS: tuple[Callable[[City, Sequence[Benefit]], Peer], ...] = (Polars, DuckDB, OpenFisca, Zen)


def peer(make: Callable[[City, Sequence[Benefit]], Peer], city: City, benefits: Sequence[Benefit]) -> Peer:
    """An engine ready to be asked. Raises PeerMissing where it cannot be imported."""
    try:
        return make(city, benefits)
    except ImportError as error:
        raise PeerMissing(f"{error}; `make bench` installs it into .bench (Python {sys.version.split()[0]})") from error
