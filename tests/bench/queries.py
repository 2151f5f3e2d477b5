"""The city and the benefits put to engines of queries: one lazy query of Polars, one statement of DuckDB."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.rules import Benefit
from tests.bench.plain import Plain, Verdicts, plain_rules, positions
from tests.bench.workload import City


class Polars:
    """One lazy query; null is unknown and its logic is Kleene's. In two formulations the distinct tests are columns of their own first,
    in the last of them without nulls: what is not known to be true is false, which is all that is asked (no rule negates a test)."""

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
                values = positions(fact)
                columns[name] = _with_nulls(pl, values if small is None else values.astype(small), fact.known)
        frame = pl.DataFrame(columns).rechunk()
        rules = plain_rules(benefits, city)
        tests = list(dict.fromkeys(test for rule in rules for test in rule))
        number = {test: f"t{n}" for n, test in enumerate(tests)}
        inline = [pl.all_horizontal([_polars(pl, test) for test in rule]).alias(f"b{n}") for n, rule in enumerate(rules)]
        chained = [_chain(pl, [_polars(pl, test) for test in rule]).alias(f"b{n}") for n, rule in enumerate(rules)]
        named = [_chain(pl, [pl.col(number[test]) for test in rule]).alias(f"b{n}") for n, rule in enumerate(rules)]
        first = [_polars(pl, test).alias(name) for test, name in number.items()]
        plainly = [_polars(pl, test).fill_null(False).alias(name) for test, name in number.items()]
        self.runs = {
            "tests in place": lambda: frame.lazy().select(chained).collect(),
            "all_horizontal": lambda: frame.lazy().select(inline).collect(),
            "distinct tests first": lambda: frame.lazy().select(first).select(named).collect(),
            "distinct tests first, two-valued": lambda: frame.lazy().select(plainly).select(named).collect(),
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


class DuckDB:
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
                values = positions(fact)
                arrays[name] = pa.array(values if small is None else values.astype(small), mask=~fact.known)
        self._db = duckdb.connect()
        self._db.register("given", pa.table(arrays))
        self._db.execute("CREATE TABLE city AS SELECT * FROM given")
        rules = plain_rules(benefits, city)
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
