"""Puts the cases and the city with known answers to an engine and says where its verdicts differ.

`python -m tests.conformance.run --command "zhaoqi match" [--explain "zhaoqi explain"]`; see README.md beside this file. Knows nothing
of any engine: it writes the files of rules.md §5, runs the command and reads what it prints.
"""

import argparse
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contracts.rules import dumps, loads
from deploy.firms import uscc

HERE = Path(__file__).parent
AS_OF = "2025-06-30"
TRUTH = {"eligible": "true", "ineligible": "false", "undetermined": "unknown"}
Data = dict[str, Any]
Engine = Callable[[Sequence[Data], Sequence[Data], str], Mapping[str, Data]]
"""Benefits, enterprises and a day to what `match --list` says of each benefit, by its id."""
Explainer = Callable[[Sequence[Data], Sequence[Data], str, str, str], Data]
"""The same with a benefit and a USCC, to the decision."""


@dataclass(frozen=True)
class Difference:
    """Where an engine says something else."""

    name: str
    wanted: Any
    found: Any

    def __str__(self) -> str:
        return f"{self.name}: wanted {dumps(self.wanted)}, found {dumps(self.found)}"


class EngineFailed(Exception):
    """The command ended with an error or printed something that is not JSON Lines; the message says what."""


# ---------------------------------------------------------------------------------------------------------------- cases


@dataclass(frozen=True)
class Case:
    """One case with the benefit that asks it and the enterprise it is asked of."""

    given: Data
    section: str
    benefit: Data
    enterprise: Data
    others: tuple[Data, ...]

    @property
    def as_of(self) -> str:
        return str(self.given.get("as_of", AS_OF))

    @property
    def wanted(self) -> Data:
        """The outcome, and the sum where it is asked for."""
        expect = self.given["expect"]
        if isinstance(expect, list):
            return {"outcome": "eligible", "amount": expect}
        outcome = {word: state for state, word in TRUTH.items()}.get(expect, expect)
        return {"outcome": outcome} | ({"amount": self.given["amount"]} if "benefit" in self.given and "amount" in self.given else {})


def cases(folder: Path = HERE / "cases") -> list[Case]:
    """Every case of every section, in order; `b` in a judgement stands for the benefit of the case."""
    found: list[Case] = []
    for path in sorted(folder.glob("*.json")):
        for given in loads(path.read_text("utf-8")):
            found.append(_case(given, path.stem, len(found)))
    return found


def _case(given: Data, section: str, number: int) -> Case:
    name = f"case-{number}"
    benefit = given.get("benefit") or {"rule": given.get("rule", {"all": []}), "amount": given.get("amount")}
    records = {kind: [_mine(row, name) for row in rows] for kind, rows in given.get("records", {}).items()}
    if _asks_a_sum(given):
        # Sums are printed for all eligible enterprises together: a mark that no other enterprise bears leaves one.
        assert "change" not in records, f"{given['name']}: the kind `change` is used to tell cases apart"
        records["change"] = [{"kind": name}]
        mark = {"some": "change", "where": [{"field": "kind", "is": "=", "value": name}]}
        benefit = {**benefit, "rule": {"all": [mark, benefit["rule"]]}}
    enterprise = {
        "uscc": uscc(division="350200", serial=number),
        "name": given["name"],
        "facts": given.get("facts", {}),
        "records": records,
    }
    others = tuple(
        {"uscc": uscc(division="350200", serial=10_000 * (number + 1) + n), "name": "", "records": {}, **other}
        for n, other in enumerate(given.get("others", ()))
    )
    return Case(given, section, {"id": name, **benefit}, enterprise, others)


def _asks_a_sum(given: Data) -> bool:
    return isinstance(given["expect"], list) or ("benefit" in given and "amount" in given)


def _mine(row: Data, benefit: str) -> Data:
    return {**row, "benefit": benefit} if row.get("benefit") == "b" else row


def differences(engine: Engine, given: Sequence[Case]) -> list[Difference]:
    """The cases of which the engine says something else. The n-th benefit is asked of the n-th enterprise; it decides all pairs."""
    found: list[Difference] = []
    for group in _groups(given):
        enterprises = [case.enterprise for case in group] + [other for case in group for other in case.others]
        said = engine([case.benefit for case in group], enterprises, group[0].as_of)
        found += [difference for case in group if (difference := _difference(case, said.get(case.benefit["id"]))) is not None]
    return found


def _groups(given: Sequence[Case]) -> Iterator[list[Case]]:
    """Cases that can be asked together: those of one day, but each that ranks enterprises by itself."""
    together: dict[str, list[Case]] = {}
    for case in given:
        if case.section == "2-population":
            yield [case]
        else:
            together.setdefault(case.as_of, []).append(case)
    yield from together.values()


def _difference(case: Case, line: Data | None) -> Difference | None:
    name = f"{case.section}: {case.given['name']}"
    if line is None:
        return Difference(name, case.wanted, "no line for this benefit")
    listed = [state for state in TRUTH if case.enterprise["uscc"] in line.get("lists", {}).get(state, ())]
    said: Data = {"outcome": listed[0] if len(listed) == 1 else listed}
    if "amount" in case.wanted:
        said["amount"] = [line.get("amount", {}).get("low"), line.get("amount", {}).get("high")]
    return None if said == case.wanted else Difference(name, case.wanted, said)


def decision_differences(explain: Explainer, given: Sequence[Case]) -> list[Difference]:
    """The cases whose decision says something else than is asked of it (rules.md §4)."""
    found: list[Difference] = []
    for case in given:
        if (wanted := case.given.get("decision")) is not None:
            said = explain([case.benefit], [case.enterprise, *case.others], case.as_of, case.benefit["id"], case.enterprise["uscc"])
            asked = {key: said.get(key, "nothing") for key in wanted}
            if asked != wanted:
                found.append(Difference(f"{case.section}: {case.given['name']}", wanted, asked))
    return found


# ----------------------------------------------------------------------------------------------------------------- city


def city_differences(engine: Engine, folder: Path = HERE / "city") -> list[Difference]:
    """The benefits of the city with known answers of which the engine says something else."""
    enterprises = [loads(line) for line in (folder / "enterprises.jsonl").read_text("utf-8").splitlines()]
    said = engine(loads((folder / "benefits.json").read_text("utf-8")), enterprises, AS_OF)
    found: list[Difference] = []
    for line in (folder / "answers.jsonl").read_text("utf-8").splitlines():
        wanted = loads(line)
        name = wanted["benefit"]
        answer = said.get(name, {})
        for key in (*TRUTH, "amount"):
            if answer.get(key) != wanted[key]:
                found.append(Difference(f"city: {name}: {key}", wanted[key], answer.get(key)))
        for state, usccs in wanted["lists"].items():
            astray = sorted(set(usccs) ^ set(answer.get("lists", {}).get(state, ())))
            if astray:
                found.append(Difference(f"city: {name}: listed as {state} by one side only", [], astray[:5]))
    return found


# -------------------------------------------------------------------------------------------------------------- command


def by_command(command: str) -> Engine:
    """An engine that is a command with the flags of `zhaoqi match`."""

    def engine(benefits: Sequence[Data], enterprises: Sequence[Data], as_of: str) -> Mapping[str, Data]:
        lines = _said(command, benefits, enterprises, "--as-of", as_of, "--list")
        if any(not isinstance(line, dict) or "benefit" not in line for line in lines):
            raise EngineFailed(f"{command} printed a line that names no benefit")
        return {line["benefit"]: line for line in lines}

    return engine


def explained_by_command(command: str) -> Explainer:
    """A command with the flags of `zhaoqi explain`."""

    def explain(benefits: Sequence[Data], enterprises: Sequence[Data], as_of: str, benefit: str, of: str) -> Data:
        lines = _said(command, benefits, enterprises, "--as-of", as_of, "--uscc", of, "--benefit", benefit, "--json")
        return lines[0] if lines else {}

    return explain


def _said(command: str, benefits: Sequence[Data], enterprises: Sequence[Data], *flags: str) -> list[Data]:
    with TemporaryDirectory(prefix="conformance-") as scratch:
        rules, city = Path(scratch) / "benefits.json", Path(scratch) / "enterprises.jsonl"
        rules.write_text(dumps(list(benefits)), "utf-8")
        city.write_text("".join(dumps(enterprise) + "\n" for enterprise in enterprises), "utf-8")
        words = [*shlex.split(command), "--benefits", str(rules), "--enterprises", str(city), *flags]
        ended = subprocess.run(words, capture_output=True, text=True, encoding="utf-8", check=False)
    if ended.returncode != 0:
        raise EngineFailed(f"{command} ended with {ended.returncode}: {ended.stderr[-2000:]}")
    try:
        return [loads(line) for line in ended.stdout.splitlines()]
    except ValueError as error:
        raise EngineFailed(f"{command} printed a line that is not JSON: {error}") from error


def main(argv: Sequence[str] | None = None) -> int:
    """0 where every verdict is the same, 1 where one differs, 2 for wrong use or a command that fails."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance.run", description=__doc__)
    parser.add_argument("--command", required=True, help='such as "zhaoqi match"; --benefits, --enterprises, --as-of and --list are added')
    parser.add_argument("--explain", help='such as "zhaoqi explain": the decisions of section 4 are compared too')
    given = parser.parse_args(argv)
    asked = cases()
    try:
        engine = by_command(given.command)
        found = differences(engine, asked) + city_differences(engine)
        if given.explain:
            found += decision_differences(explained_by_command(given.explain), asked)
    except (EngineFailed, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    for difference in found:
        print(difference)
    decided = sum("decision" in case.given for case in asked) if given.explain else 0
    print(f"{len(asked)} cases, {decided} decisions, one city: {len(found)} differences", file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
