"""The city and the benefits put to rule engines: formulas of OpenFisca over a population, a decision of zen for each enterprise."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.rules import Benefit
from tests.bench.plain import Plain, Verdicts, plain_rules, positions
from tests.bench.workload import City


class OpenFisca:
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
        rules = plain_rules(benefits, city)
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
        parts = {f"{name}#{m}": held for m, held in enumerate(fact.values)} if fact.kind == "set" else {name: positions(fact)}
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


class Zen:
    """One decision with an expression for each benefit, put to one enterprise after another; so few, that it ends."""

    name = "zen-engine"
    MOST = 300

    def __init__(self, city: City, benefits: Sequence[Benefit]) -> None:
        from importlib.metadata import version

        import zen

        self.version, self.enterprises = version("zen-engine"), min(city.rows, self.MOST)
        rules = plain_rules(benefits, city)
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
            value = positions(fact)[row].item() if fact.known[row] else None
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
