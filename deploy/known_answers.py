"""A synthetic city with rules and known answers in one folder, so that any engine can prove that it gives the same verdicts.

Every enterprise is written, read again and decided one after another; only the figures of those a population test ranks are held.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date
from decimal import Decimal
from importlib import resources
from itertools import islice
from pathlib import Path
from shutil import copyfileobj
from tempfile import TemporaryDirectory
from typing import Any, Literal, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.registry import load_figures, load_registry
from contracts.rules import Benefit, Entry, dumps, loads, parse_benefit
from deploy.city import enterprises
from services.policy_match.domain import Enterprise, Population, outcome, parse_enterprise, rank_population

DAY = date(2025, 6, 30)
"""The day of the answers unless another is asked for; a public figure the rules name is known on it."""
OUTCOMES = ("eligible", "ineligible", "undetermined")
_ROWS_AT_ONCE = 5_000
_NUMBER = pa.decimal128(24, 6)


def rules() -> str:
    """The benefits of every known city, as the JSON array of rules.md §5."""
    return resources.files("deploy").joinpath("city_benefits.json").read_text("utf-8")


def write_city(folder: Path, *, count: int, seed: int, as_of: date = DAY, form: Literal["jsonl", "parquet"] = "jsonl") -> None:
    """Write enterprises, benefits.json, answers.jsonl (what `zhaoqi match --list` must print) and a README into `folder`.

    The same arguments give the same files. Raises OSError where the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "benefits.json").write_text(rules(), "utf-8")
    benefits = [parse_benefit(given) for given in loads(rules())]
    with TemporaryDirectory(dir=folder, prefix=".unfinished-") as scratch:
        spool = Path(scratch)
        city = folder / "enterprises.jsonl" if form == "jsonl" else spool / "enterprises.jsonl"
        with city.open("w", encoding="utf-8") as lines:
            for enterprise in enterprises(count, seed=seed, as_of=as_of):
                lines.write(json.dumps(enterprise, ensure_ascii=False) + "\n")
        if form == "parquet":
            _write_tables(city, folder)
        _write_answers(benefits, city, folder / "answers.jsonl", as_of=as_of, spool=spool)
    name = f"enterprises.{form}"
    (folder / "README.md").write_text(_README.format(count=count, seed=seed, day=as_of, name=name, rules=len(benefits)), "utf-8")


# -------------------------------------------------------------------------------------------------------------- answers


def _read(city: Path) -> Iterator[Enterprise]:
    with city.open(encoding="utf-8") as lines:
        yield from map(parse_enterprise, lines)


def _write_answers(benefits: list[Benefit], city: Path, answers: Path, *, as_of: date, spool: Path) -> None:
    """The interpreter's verdict on every pair: one line for each benefit, enterprises in their order."""
    registry, figures = load_registry(), load_figures()
    population = rank_population(benefits, _read(city), as_of=as_of, registry=registry, figures=figures)
    with ExitStack() as open_files:
        tallies = [_Tally(benefit, spool, open_files) for benefit in benefits]
        for enterprise in _read(city):
            for tally in tallies:
                tally.add(enterprise, as_of, population)
    with answers.open("w", encoding="utf-8") as out:
        for tally in tallies:
            tally.write(out)


class _Tally:
    """The outcomes of one benefit, counted and listed in files."""

    def __init__(self, benefit: Benefit, spool: Path, open_files: ExitStack) -> None:
        self.benefit = benefit
        self.counts = dict.fromkeys(OUTCOMES, 0)
        self.low, self.high = Decimal("0.00"), Decimal("0.00")
        self.limited = True
        self._paths = {outcome: spool / f"{benefit.id}.{outcome}" for outcome in OUTCOMES}
        self._lists = {outcome: open_files.enter_context(path.open("w")) for outcome, path in self._paths.items()}

    def add(self, enterprise: Enterprise, as_of: date, population: Population) -> None:
        state, amount = outcome(
            self.benefit, enterprise, as_of=as_of, registry=load_registry(), figures=load_figures(), population=population
        )
        self._lists[state].write(f'{", " if self.counts[state] else ""}"{enterprise.uscc}"')
        self.counts[state] += 1
        if state == "eligible" and self.benefit.pays in (None, "money"):
            self.low += amount.low
            self.high += amount.high or 0
            self.limited = self.limited and amount.high is not None

    def write(self, out: TextIO) -> None:
        amount = {"low": str(self.low), "high": str(self.high) if self.limited else None}
        out.write(dumps({"benefit": self.benefit.id, **self.counts, "amount": amount})[:-1] + ', "lists": {')
        for number, (state, path) in enumerate(self._paths.items()):
            out.write(f'{", " if number else ""}"{state}": [')
            with path.open() as listed:
                copyfileobj(listed, out)
            out.write("]")
        out.write("}}\n")


# -------------------------------------------------------------------------------------------------------------- parquet


def _write_tables(city: Path, folder: Path) -> None:
    """enterprises.parquet with one column per fact and period, and one file for each record kind."""
    registry = load_registry()
    asked: dict[str, Entry] = {}
    with city.open(encoding="utf-8") as lines:
        for line in lines:
            for fact, value in json.loads(line)["facts"].items():
                for period in value if isinstance(value, dict) else ("",):
                    asked[f"{fact}@{period}" if period else fact] = registry.facts[fact]
    columns = {"uscc": pa.string(), "name": pa.string()}
    columns |= {name: _type(asked[name]) for name in sorted(asked)}
    columns |= {f"has:{kind}": pa.bool_() for kind in registry.kinds}
    kinds = {
        kind: {"uscc": pa.string(), "id": pa.string(), **{name: _type(field) for name, field in of.fields.items()}}
        for kind, of in registry.kinds.items()
    }
    with ExitStack() as stack:
        tables = {name: pa.schema(list(fields.items())) for name, fields in (("", columns), *kinds.items())}
        writers = {
            name: stack.enter_context(pq.ParquetWriter(folder / f"enterprises.{name}.parquet".replace("..", "."), schema))
            for name, schema in tables.items()
        }
        lines = stack.enter_context(city.open(encoding="utf-8"))
        while some := [loads(line) for line in islice(lines, _ROWS_AT_ONCE)]:
            writers[""].write_table(pa.Table.from_pylist([_row(one, columns) for one in some], tables[""]))
            for kind, fields in kinds.items():
                rows = [
                    {name: one["uscc"] if name == "uscc" else _cell(row.get(name), type_) for name, type_ in fields.items()}
                    for one in some
                    for row in one["records"].get(kind, ())
                ]
                writers[kind].write_table(pa.Table.from_pylist(rows, tables[kind]))


def _row(enterprise: dict[str, Any], columns: dict[str, pa.DataType]) -> dict[str, Any]:
    given: dict[str, Any] = {"uscc": enterprise["uscc"], "name": enterprise["name"]}
    for fact, value in enterprise["facts"].items():
        given |= {f"{fact}@{period}": one for period, one in value.items()} if isinstance(value, dict) else {fact: value}
    given |= {f"has:{kind}": True for kind in enterprise["records"]}
    return {name: _cell(given.get(name), type_) for name, type_ in columns.items()}


def _cell(value: Any, type_: pa.DataType) -> Any:
    if value is None:
        return None
    return Decimal(value) if type_ == _NUMBER else date.fromisoformat(value) if type_ == pa.date32() else value


def _type(entry: Entry) -> pa.DataType:
    plain = {"bool": pa.bool_(), "date": pa.date32(), "end": pa.date32(), "set": pa.list_(pa.string())}
    return _NUMBER if entry.type in ("number", "money", "ratio") else plain.get(entry.type, pa.string())


_README = """# 合成城市与已知答案 · A synthetic city with known answers

{count} enterprises (seed {seed}), {rules} benefits, {day}. No enterprise here is real: names end in 「（合成）」.

- `{name}`: the enterprises, in a form of rules.md §5 (Parquet: one column per fact, one file for each record kind).
- `benefits.json`: the rules.
- `answers.jsonl`: for each benefit the counts, the sum and the list of each outcome, computed by the interpreter, the definition of
  the language. An engine conforms when it gives these verdicts.

```
zhaoqi match --benefits benefits.json --enterprises {name} --as-of {day} --list | diff - answers.jsonl
```

Written by `zhaoqi city`; the same version, seed, count and day write the same files.
"""
