"""The kit passes our interpreter, cohort, percolator and command, and catches every engine that is wrong in one way."""

import contextlib
import io
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit, dumps, loads, parse_benefit
from services.cli import main as zhaoqi
from services.policy_match.domain import Enterprise, Population, decide, enterprise_of, outcome, rank_population
from services.policy_match.domain.cohort import verdicts
from services.policy_match.domain.columns import rows_of
from services.policy_match.domain.distinct import clauses_of
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.percolator import Percolator, numbers
from tests.conformance import run
from tests.conformance.run import HERE, TRUTH, Data, cases, city_differences, decision_differences, differences

REGISTRY, FIGURES = load_registry(), load_figures()
CASES = cases()
States = list[dict[str, str]]
"""For each benefit the outcome by USCC."""
Decides = Callable[[list[Benefit], list[Enterprise], date, Population], States]


def engine(decides: Decides) -> run.Engine:
    """What `match --list` would print if these were the outcomes. Only the interpreter computes sums."""

    def said(benefits: Sequence[Data], enterprises: Sequence[Data], day: str) -> Mapping[str, Data]:
        rules, city, as_of = [parse_benefit(b) for b in benefits], [enterprise_of(e) for e in enterprises], date.fromisoformat(day)
        population = rank_population(rules, city, as_of=as_of, registry=REGISTRY, figures=FIGURES)
        found = decides(rules, city, as_of, population)
        return {rule.id: line(rule, city, states, as_of, population) for rule, states in zip(rules, found, strict=True)}

    return said


def line(rule: Benefit, city: list[Enterprise], states: dict[str, str], as_of: date, population: Population) -> Data:
    lists = {state: [one.uscc for one in city if states.get(one.uscc) == state] for state in TRUTH}
    paid = [one for one in city if states.get(one.uscc) == "eligible" and rule.pays in (None, "money") and rule.amount is not None]
    sums = [outcome(rule, one, as_of=as_of, registry=REGISTRY, figures=FIGURES, population=population)[1] for one in paid]
    highs = [amount.high for amount in sums if amount.high is not None]
    low, high = sum((amount.low for amount in sums), Decimal("0.00")), sum(highs, Decimal("0.00"))
    amount = {"low": str(low), "high": str(high) if len(highs) == len(sums) else None}
    return {"benefit": rule.id, **{state: len(usccs) for state, usccs in lists.items()}, "amount": amount, "lists": lists}


def interpreter(rules: list[Benefit], city: list[Enterprise], as_of: date, population: Population) -> States:
    return [
        {one.uscc: outcome(rule, one, as_of=as_of, registry=REGISTRY, figures=FIGURES, population=population)[0] for one in city}
        for rule in rules
    ]


def cohort(rules: list[Benefit], city: list[Enterprise], as_of: date, population: Population) -> States:
    columns = columns_of(city, REGISTRY)
    found = verdicts(clauses_of(rules), columns, as_of=as_of, registry=REGISTRY, figures=FIGURES, population=population)
    return [
        dict.fromkeys((one.uscc for one in city), "undetermined")
        | {city[row].uscc: "eligible" for row in rows_of(found.eligible[number])}
        | {city[row].uscc: "ineligible" for row in rows_of(found.ineligible[number])}
        for number in range(len(rules))
    ]


def percolator(rules: list[Benefit], city: list[Enterprise], as_of: date, population: Population) -> States:
    ready = Percolator(clauses_of(rules), as_of=as_of, registry=REGISTRY, figures=FIGURES, population=population)
    states: States = [dict.fromkeys((one.uscc for one in city), "undetermined") for _ in rules]
    for one in city:
        said = ready.decide(one)
        for state, mask in (("eligible", said.eligible), ("ineligible", said.ineligible)):
            for number in numbers(mask):
                states[number][one.uscc] = state
    return states


@pytest.mark.parametrize("decides", [interpreter, cohort, percolator])
def test_our_engines_give_the_verdicts_of_every_case(decides: Decides) -> None:
    assert differences(engine(decides), CASES) == []


@pytest.mark.parametrize("decides", [interpreter, cohort, percolator])
def test_our_engines_give_the_known_answers_of_the_city(decides: Decides) -> None:
    assert city_differences(engine(decides)) == []


def test_our_decisions_say_what_section_four_asks() -> None:
    def explain(benefits: Sequence[Data], enterprises: Sequence[Data], day: str, _: str, __: str) -> Data:
        rule, one = parse_benefit(benefits[0]), enterprise_of(enterprises[0])
        given: Data = loads(dumps(decide(rule, one, as_of=date.fromisoformat(day), registry=REGISTRY, figures=FIGURES)))
        return given

    assert sum("decision" in case.given for case in CASES) >= 15
    assert decision_differences(explain, CASES) == []


def test_the_kit_asks_of_every_part_of_the_language() -> None:
    sections = Counter(case.section for case in CASES)
    assert len(CASES) >= 150
    assert len(sections) == 9
    assert min(sections.values()) >= 15
    assert len({case.given["name"] for case in CASES}) == len(CASES)
    assert {state for case in CASES for state in [case.wanted["outcome"]]} == set(TRUTH)
    assert sum(path.stat().st_size for path in HERE.rglob("*.json*")) < 1_200_000


# ------------------------------------------------------------------------------------------------ engines that are wrong


def everywhere(change: Callable[[Data], Data]) -> Callable[[Any], Any]:
    """The change made at every node, the innermost first."""

    def changed(node: Any) -> Any:
        if isinstance(node, dict):
            return change({key: changed(item) for key, item in node.items()})
        return [changed(item) for item in node] if isinstance(node, list) else node

    return changed


def operator(wrong: Mapping[str, str]) -> Callable[[Any], Any]:
    return everywhere(lambda node: node | {"is": wrong.get(node["is"], node["is"])} if isinstance(node.get("is"), str) else node)


def forgets(key: str) -> Callable[[Any], Any]:
    return everywhere(lambda node: {name: item for name, item in node.items() if name != key})


def instead(key: str, wrong: Callable[[Data], Any]) -> Callable[[Any], Any]:
    return everywhere(lambda node: wrong(node) if key in node else node)


RULES: dict[str, Callable[[Any], Any]] = {
    "takes the line out of at least": operator({">=": ">"}),
    "takes the line out of at most": operator({"<=": "<"}),
    "takes the line into more than": operator({">": ">="}),
    "takes the line into less than": operator({"<": "<="}),
    "reads has_all as has": operator({"has_all": "has"}),
    "reads under as in": operator({"under": "in", "not_under": "not_in"}),
    "reads not in as in": operator({"not_in": "in"}),
    "closes every range": forgets("open"),
    "knows no since": forgets("since"),
    "knows no base_if_zero": forgets("base_if_zero"),
    "ranks from above only": forgets("order"),
    "keeps every benefit in force": forgets("valid"),
    "knows no window": forgets("window"),
    "knows no relief": forgets("pays"),
    "knows no edge": forgets("edge"),
    "knows no slices": instead("marginal", lambda node: {"fixed": 0}),
    "pays for every row": forgets("best"),
    "knows no steps": forgets("step"),
    "knows no conditions on rows": forgets("where"),
    "does not negate": instead("not", lambda node: node["not"]),
    "wants all of them": instead("at_least", lambda node: {"all": node["of"]}),
    "is content with one of them": instead("at_least", lambda node: {"any": node["of"]}),
    "thinks that people say yes": instead("judged", lambda node: {"all": []} if "between" not in node else node),
    "takes every year for the last": everywhere(
        lambda node: (
            {key: item for key, item in node.items() if key not in ("take", "over", "since")} if node.get("take") == "every" else node
        )
    ),
    "takes a mean for a sum": everywhere(lambda node: node | {"take": "sum"} if node.get("take") == "mean" else node),
    "takes growth for increase": everywhere(
        lambda node: node | {"take": "increase"} if node.get("take") == "growth" and "over" not in node else node
    ),
    "takes last year for this year": everywhere(lambda node: node | {"period": "this_year"} if node.get("period") == "last_year" else node),
    "ranks everybody": everywhere(lambda node: node | {"among": {"all": []}} if "among" in node else node),
    "takes a share of the rank for the rank": everywhere(lambda n: {("rank" if k == "percentile" else k): v for k, v in n.items()}),
    "caps nothing": instead("cap", lambda node: node["of"]),
    "lifts nothing": instead("floor", lambda node: node["of"]),
    "nets nothing": instead("less", lambda node: {"fixed": node["less"]}),
    "pays the first instalment": instead("instalments", lambda node: node["instalments"][0]),
    "takes today for every figure's day": everywhere(lambda n: {k: v for k, v in n.items() if k != "on" or "figure" not in n}),
}
FACTS: dict[str, Callable[[Any], Any]] = {
    "takes an absent table for an empty one": lambda one: one | {"records": {kind: [] for kind in REGISTRY.kinds} | one["records"]},
    "takes an empty table for an absent one": lambda one: one | {"records": {kind: rows for kind, rows in one["records"].items() if rows}},
    "takes a missing yes or no for no": lambda one: one | {"facts": {"dishonest": False} | one["facts"]},
    "has no judgements": lambda one: one | {"records": {kind: rows for kind, rows in one["records"].items() if kind != "judgement"}},
    "knows no row that is to come": everywhere(
        lambda row: {key: value for key, value in row.items() if key not in ("awarded_on", "decided_on", "started_on")}
    ),
    "computes with floats": everywhere(
        lambda node: {key: Decimal(repr(float(item))) if isinstance(item, Decimal) else item for key, item in node.items()}
    ),
}
OUTCOMES: dict[str, Mapping[str, str]] = {
    "takes unknown for no": {"undetermined": "ineligible"},
    "takes unknown for yes": {"undetermined": "eligible"},
    "takes no for unknown": {"ineligible": "undetermined"},
}


def decides_its_own(mistaken: Mapping[str, str]) -> Decides:
    """The interpreter on the pairs that are asked about only, the n-th benefit and the n-th enterprise, with this mistake."""

    def decides(rules: list[Benefit], city: list[Enterprise], as_of: date, population: Population) -> States:
        states = [
            {one.uscc: outcome(rule, one, as_of=as_of, registry=REGISTRY, figures=FIGURES, population=population)[0]}
            for rule, one in zip(rules, city, strict=False)
        ]
        return [{uscc: mistaken.get(state, state) for uscc, state in of.items()} for of in states]

    return decides


def test_the_engine_that_the_wrong_ones_are_made_of_is_right() -> None:
    assert differences(engine(decides_its_own({})), CASES) == []


@pytest.mark.parametrize("mistake", [*RULES, *FACTS, *OUTCOMES])
def test_an_engine_that_is_wrong_in_one_way_is_caught(mistake: str) -> None:
    right = engine(decides_its_own(OUTCOMES.get(mistake, {})))
    of_rules, of_facts = RULES.get(mistake, lambda given: given), FACTS.get(mistake, lambda given: given)

    def wrong(benefits: Sequence[Data], enterprises: Sequence[Data], day: str) -> Mapping[str, Data]:
        return right([of_rules(benefit) for benefit in benefits], [of_facts(one) for one in enterprises], day)

    assert differences(wrong, CASES)


def test_a_single_wrong_verdict_in_the_city_is_caught() -> None:
    right = engine(interpreter)

    def wrong(benefits: Sequence[Data], enterprises: Sequence[Data], day: str) -> Mapping[str, Data]:
        lines = dict(right(benefits, enterprises, day))
        lists = lines["growth"]["lists"]
        lists["eligible"][0], lists["ineligible"][0] = lists["ineligible"][0], lists["eligible"][0]
        return lines

    assert [difference.name for difference in city_differences(wrong)] == [
        "city: growth: listed as eligible by one side only",
        "city: growth: listed as ineligible by one side only",
    ]


# ----------------------------------------------------------------------------------------------------------- the command


def test_our_command_gives_the_verdicts_of_every_case_and_of_the_city(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the runner runs it, but in this process: each start costs half a second."""

    def here(words: list[str], **_: object) -> Any:
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = zhaoqi(words[1:])
        return run.subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    monkeypatch.setattr(run.subprocess, "run", here)
    assert run.main(["--command", "zhaoqi match", "--explain", "zhaoqi explain"]) == 0


@pytest.mark.parametrize(
    ("program", "code"), [("print('{}')", 2), ("print('no JSON')", 2), ("raise SystemExit(1)", 2), ("pass", 1)], ids=lambda case: str(case)
)
def test_a_command_that_says_nothing_or_nonsense_does_not_pass(
    program: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "cases", lambda: [case for case in CASES if case.section == "1-truth"])
    assert run.main(["--command", f'{sys.executable} -c "{program}"']) == code
    said = capsys.readouterr()
    assert said.out if code == 1 else said.err
