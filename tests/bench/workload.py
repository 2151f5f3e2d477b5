"""A made-up city and made-up benefits to measure with: real facts of the registry, 20 % of them unknown, 2 to 8 tests a benefit.

The city is plain arrays, so that each engine can be given the same data in the form it likes best. Money is in cents, ratios in units
of 0.0001, days are ordinals. What a value is under an unknown mark is of no meaning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from contracts.rules import Benefit, parse_benefit
from services.policy_match.domain.columns import Column, Columns, Key, SetColumn, bits_of, padded
from services.policy_match.domain.enterprise import Enterprise, enterprise_of

AS_OF = date(2025, 6, 30)
UNKNOWN = 0.2
YEARS = ("2023", "2024")
SCALES = {"money": 2, "ratio": 4, "number": 0}

MONEY = ("revenue", "profit", "rd_expense", "tax_paid", "total_assets", "output_value", "exports", "imports", "main_revenue", "payroll")
COUNTS = {"employees@2024": 4.0, "rd_staff@2024": 2.0, "average_insured@2024": 3.5, "patents": 1.5, "innovation_score@2024": 4.0}
CODES: dict[str, Sequence[str]] = {
    "district": ("350203", "350205", "350206", "350211", "350212", "350213"),
    "tax_district": ("350203", "350205", "350206", "350211", "350212", "350213"),
    "size": ("large", "medium", "small", "micro"),
    "ownership": ("state", "state_controlled", "collective", "private", "foreign", "hmt"),
    "legal_form": ("company", "partnership", "sole_proprietorship", "individual", "cooperative", "branch"),
    "status": ("存续", "歇业", "清算", "迁出", "吊销", "注销"),
    "taxpayer_type": ("general", "small_scale"),
    "tax_credit@2024": ("A", "B", "M", "C", "D"),
    "public_credit": ("A+", "A", "B", "C", "D"),
    "park": ("torch", "ftz", "software", "biobay", "tongxiang"),
    "customs_credit": ("高级认证企业", "注册登记和备案企业", "失信企业"),
    "stock_listing": ("上交所主板", "深交所主板", "科创板", "创业板", "北交所", "新三板", "未上市"),
    "industry": tuple(f"{chr(65 + n // 20)}{10 + n // 5:02d}{n % 5}{n % 9}" for n in range(380)),
}
BOOLS = (
    "dishonest", "abnormal", "wage_arrears", "under_tax_audit", "taiwan_invested", "rents_state_premises", "foreign_trade_registered",
    "independent_accounting", "above_scale@2024", "export_insured@2024",
)  # fmt: skip
DAYS = ("founded_on", "niche_since")
SETS: dict[str, Sequence[str]] = {
    "honours": (
        "高新技术企业", "科技型中小企业", "创新型中小企业", "专精特新中小企业", "制造业单项冠军", "科技小巨人企业", "绿色工厂",
        "瞪羚企业", "独角兽企业", "企业技术中心", "AEO高级认证", "国家知识产权示范企业",
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """One fact of one period: what was stated, and where it was. `members` of a set are one array of bools each."""

    key: Key
    kind: str
    values: NDArray[Any]
    known: NDArray[np.bool_]
    labels: Sequence[str] = ()


@dataclass(frozen=True)
class City:
    rows: int
    facts: dict[str, Fact]

    def part(self, start: int, stop: int) -> City:
        """The enterprises of some rows."""
        facts = {name: replace(f, values=f.values[..., start:stop], known=f.known[start:stop]) for name, f in self.facts.items()}
        return City(stop - start, facts)

    def columns(self) -> Columns:
        """The city as the matcher's columns."""
        return Columns([f"{row:018d}" for row in range(self.rows)], {f.key: _column(f, self.rows) for f in self.facts.values()}, {})

    def enterprises(self, rows: Sequence[int]) -> Iterator[Enterprise]:
        """Some of them as the matcher reads them from a file."""
        for row in rows:
            facts: dict[str, Any] = {}
            for fact in self.facts.values():
                if fact.known[row]:
                    name, period = fact.key
                    if period:
                        facts.setdefault(name, {})[period] = _stated(fact, row)
                    else:
                        facts[name] = _stated(fact, row)
            yield enterprise_of({"uscc": f"{row:018d}", "facts": facts})


def city(rows: int, seed: int = 1) -> City:
    """So many enterprises; the same for the same seed."""
    rng = np.random.default_rng(seed)
    facts: dict[str, Fact] = {}

    def add(name: str, kind: str, values: NDArray[Any], labels: Sequence[str] = ()) -> None:
        fact, _, period = name.partition("@")
        facts[name] = Fact((fact, period), kind, values, rng.random(rows) >= UNKNOWN, labels)

    for fact in MONEY:
        first = rng.lognormal(15.0 if fact != "rd_expense" else 12.0, 1.8, rows)
        for year, money in zip(YEARS, (first, first * rng.normal(1.08, 0.25, rows)), strict=True):
            add(f"{fact}@{year}", "money", np.rint((money - (first * 0.4 if fact == "profit" else 0)) * 100).astype(np.int64))
    for name, mean in COUNTS.items():
        add(name, "number", np.rint(rng.lognormal(mean, 1.0, rows)).astype(np.int64))
    add("layoff_rate@2024", "ratio", np.rint(rng.exponential(0.05, rows) * 10_000).astype(np.int64))
    add("registered_capital", "money", rng.integers(1, 5_000, rows) * 1_000_000)
    for name, labels in CODES.items():
        weights = 1.0 / np.arange(1, len(labels) + 1) ** 0.7
        add(name, "code", rng.choice(len(labels), rows, p=weights / weights.sum()), labels)
    for name in BOOLS:
        add(name, "bool", rng.random(rows) < 0.3)
    for name in DAYS:
        add(name, "date", date(1995, 1, 1).toordinal() + rng.integers(0, 11_100, rows))
    for name, labels in SETS.items():
        add(name, "set", rng.random((len(labels), rows)) < 0.15, labels)
    return City(rows, facts)


def _column(fact: Fact, rows: int) -> Column | SetColumn:
    known = np.flatnonzero(fact.known)
    if fact.kind == "set":
        order = sorted(range(len(fact.labels)), key=fact.labels.__getitem__)
        held = [np.flatnonzero(fact.values[member] & fact.known) for member in order]
        starts = np.cumsum([0, *map(len, held)])
        return SetColumn([fact.labels[m] for m in order], starts, np.concatenate(held).astype(np.uint32), bits_of(known, padded(rows)))
    order = np.argsort(fact.labels) if fact.kind == "code" else None
    given = fact.values[known] if order is None else np.argsort(order)[fact.values[known]]
    values, places = np.unique(given, return_inverse=True)
    kind = np.uint8 if len(values) < 2**8 else np.uint16 if len(values) < 2**16 else np.uint32
    codes = np.zeros(padded(rows), dtype=kind)
    codes[known] = places + 1
    if order is not None:
        return Column("text", codes, [fact.labels[order[value]] for value in values])
    if fact.kind == "bool":
        return Column("bool", codes, values.tolist())
    return Column("date" if fact.kind == "date" else "number", codes, values.astype(np.int64), SCALES.get(fact.kind, 0))


def _stated(fact: Fact, row: int) -> Any:
    if fact.kind == "set":
        return [label for label, held in zip(fact.labels, fact.values[:, row], strict=True) if held]
    value = fact.values[row]
    if fact.kind == "code":
        return fact.labels[value]
    if fact.kind == "bool":
        return bool(value)
    return date.fromordinal(int(value)).isoformat() if fact.kind == "date" else Decimal(int(value)).scaleb(-SCALES[fact.kind])


# ------------------------------------------------------------------------------------------------------------- benefits

_ROUND = [Decimal(n) * 10_000 for n in (50, 100, 200, 300, 500, 800, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000)]


def benefits(number: int, seed: int = 1) -> list[Benefit]:
    """So many benefits, each a fixed sum for whoever passes 2 to 8 tests; one in five has two of its tests as alternatives."""
    rng = np.random.default_rng(seed)
    given = []
    for n in range(number):
        tests = [_test(rng) for _ in range(int(rng.integers(2, 9)))]
        if len(tests) > 3 and rng.random() < 0.2:
            tests = [*tests[2:], {"any": tests[:2]}]
        given.append(parse_benefit({"id": f"b{n}", "rule": {"all": tests}, "amount": {"fixed": Decimal(100_000)}}))
    return given


def scalar_benefits(number: int, seed: int = 1) -> list[Benefit]:
    """So many benefits of 2 to 8 tests of one fact each, all of which must hold."""
    rng = np.random.default_rng(seed)
    given = []
    for n in range(number):
        tests = [_scalar(rng) for _ in range(int(rng.integers(2, 9)))]
        given.append(parse_benefit({"id": f"b{n}", "rule": {"all": tests}, "amount": {"fixed": Decimal(100_000)}}))
    return given


def _pick(rng: np.random.Generator, items: Sequence[Any]) -> Any:
    return items[int(rng.integers(len(items)))]


def _test(rng: np.random.Generator) -> dict[str, Any]:
    form = rng.random()
    if form < 0.03:
        base = {"fact": "revenue", "period": "last_year"}
        share = _pick(rng, ["0.03", "0.04", "0.05", "0.06"])
        return {"fact": "rd_expense", "period": "last_year", "is": ">=", "value": {"times": [Decimal(share), base]}}
    if form < 0.06:
        fact = _pick(rng, ["revenue", "exports", "output_value"])
        limit = Decimal(_pick(rng, ["0.05", "0.1", "0.15", "0.2"]))
        return {"fact": fact, "period": "last_year", "take": "growth", "is": ">=", "value": limit}
    return _scalar(rng)


def _scalar(rng: np.random.Generator) -> dict[str, Any]:
    form = rng.random()
    if form < 0.4:
        test = {"fact": _pick(rng, MONEY), "period": _pick(rng, ["last_year", "last_year", "year-2"])}
        if rng.random() < 0.15:
            low, high = sorted(_pick(rng, _ROUND) for _ in range(2))
            return test | {"is": "between", "value": [low, high]}
        return test | {"is": _pick(rng, [">=", ">=", ">", "<=", "<"]), "value": _pick(rng, _ROUND)}
    if form < 0.5:
        name, _, period = _pick(rng, list(COUNTS)).partition("@")
        limit = Decimal(int(_pick(rng, [5, 10, 20, 30, 50, 100, 200, 300])))
        return {"fact": name} | ({"period": period} if period else {}) | {"is": _pick(rng, [">=", "<="]), "value": limit}
    if form < 0.55:
        return {"fact": "layoff_rate", "period": "2024", "is": "<=", "value": Decimal(_pick(rng, ["0.05", "0.055", "0.2"]))}
    if form < 0.62:
        return {"fact": _pick(rng, DAYS), "is": "<=", "value": {"ago": {"years": int(_pick(rng, [1, 2, 3, 5, 10]))}}}
    if form < 0.72:
        name, _, period = _pick(rng, BOOLS).partition("@")
        return {"fact": name} | ({"period": period} if period else {}) | {"is": "=", "value": bool(rng.random() < 0.3)}
    if form < 0.8:
        count = int(rng.integers(1, 4))
        members = [str(m) for m in rng.choice(SETS["honours"], count, replace=False)]
        return {"fact": "honours", "is": _pick(rng, ["has", "has", "has_all", "has_none"]), "value": members}
    if form < 0.86:
        parents = sorted({label[: _pick(rng, [1, 3])] for label in rng.choice(CODES["industry"], 3)})
        return {"fact": "industry", "is": _pick(rng, ["under", "under", "not_under"]), "value": parents}
    name = _pick(rng, [name for name in CODES if name != "industry"])
    labels = CODES[name]
    some = [str(label) for label in rng.choice(labels, int(rng.integers(1, max(2, len(labels) // 2 + 1))), replace=False)]
    fact, _, period = name.partition("@")
    return {"fact": fact} | ({"period": period} if period else {}) | {"is": _pick(rng, ["in", "in", "not_in"]), "value": some}
