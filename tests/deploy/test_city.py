"""The synthetic city is synthetic, valid, varied, and says nothing the registry does not know."""

import itertools
import json
import re
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.registry import load_registry
from contracts.uscc import ALPHABET, uscc_problem
from deploy.city import ALWAYS, deliveries, enterprises, statements
from deploy.firms import tables, uscc

DAY = date(2026, 11, 20)
REGISTRY = load_registry()
NOT_FOR_ALL = {"park", "output_value", "technical_upgrade_investment", "software_above_scale", "customs_credit"}
Enterprise = dict[str, Any]


@pytest.fixture(scope="module")
def city() -> list[Enterprise]:
    return list(enterprises(600, seed=7, as_of=DAY))


def checks_out(code: str) -> bool:
    """GB 32100-2015 and GB 11714-1997, written another way than the generator: both weighted sums vanish."""
    if not re.fullmatch(r"9[1239]\d{6}[0-9A-HJ-NPQRTUWXY]{10}", code):
        return False
    weight, total = 1, 0
    for character in code[:17]:
        total, weight = total + ALPHABET.index(character) * weight, weight * 3 % 31
    organisation = sum(int(c, 36) * w for c, w in zip(code[8:16], (3, 7, 9, 10, 5, 8, 4, 2), strict=True))
    last = 10 if code[16] == "X" else int(code[16]) if code[16].isdigit() else 99
    return (total + ALPHABET.index(code[17])) % 31 == 0 and (organisation + last) % 11 == 0


def test_a_published_code_checks_out_and_a_wrong_digit_does_not() -> None:
    assert checks_out("91350100M000100Y43")  # the example in GB 32100-2015, annex A
    assert not checks_out("91350100M000100Y44")


@given(st.integers(0, 10 * 31**6 - 1), st.sampled_from(["350203", "350213", "110000"]), st.sampled_from("123"))
def test_every_code_it_composes_is_valid(serial: int, division: str, category: str) -> None:
    assert checks_out(uscc(division=division, serial=serial, category=category))


@pytest.mark.parametrize(("division", "serial"), [("3502", 1), ("35020A", 1), ("350203", -1), ("350203", 10 * 31**6)])
def test_a_code_that_cannot_be_composed_is_refused(division: str, serial: int) -> None:
    with pytest.raises(ValueError, match="no USCC for division"):
        uscc(division=division, serial=serial)


def test_every_enterprise_is_labelled_synthetic_and_has_a_valid_code_of_its_own(city: list[Enterprise]) -> None:
    assert all(e["synthetic"] is True and e["name"].endswith("（合成）") for e in city)
    assert all(checks_out(e["uscc"]) and uscc_problem(e["uscc"]) is None for e in city)
    assert len({e["uscc"] for e in city}) == len(city)


def test_the_division_in_the_code_is_the_district(city: list[Enterprise]) -> None:
    known = {d["code"] for d in tables()["cities"]["350200"]["districts"]}
    assert {e["facts"]["district"] for e in city} == known
    assert all(e["uscc"][2:8] == e["facts"]["district"] for e in city)


def test_the_same_seed_gives_the_same_city_and_a_larger_one_begins_with_it() -> None:
    once = list(enterprises(40, seed=3, as_of=DAY))
    assert list(itertools.islice(enterprises(400, seed=3, as_of=DAY), 40)) == once
    assert list(enterprises(40, seed=4, as_of=DAY)) != once


def test_a_city_without_tables_is_refused() -> None:
    with pytest.raises(ValueError, match="no tables for city 110000"):
        next(enterprises(1, seed=1, as_of=DAY, city="110000"))


@pytest.mark.parametrize("day", [date(2026, 1, 1), date(2024, 2, 29), date(2027, 12, 31)])
def test_no_period_is_stated_before_it_is_closed(day: date) -> None:
    quarter, month = f"{day.year}Q{(day.month + 2) // 3}", day.isoformat()[:7]
    for enterprise in enterprises(200, seed=5, as_of=day):
        for fact, value in enterprise["facts"].items():
            if not isinstance(value, dict):
                continue
            for period in value:
                limit = quarter if "Q" in period else month if "-" in period else str(day.year)
                staff_of_this_year = fact in ("employees", "rd_staff")  # a count, stated from the first day
                assert period < limit or (staff_of_this_year and period == limit), (fact, period)
                assert period[:4] >= enterprise["facts"]["founded_on"][:4], "no figures from before it was founded"


def test_the_size_is_the_one_that_staff_and_revenue_give(city: list[Enterprise]) -> None:
    checked = 0
    for enterprise in city:
        facts = enterprise["facts"]
        if not {"size", "industry", "employees", "revenue"} <= facts.keys() or not facts["industry"].startswith("C"):
            continue
        people, revenue = facts["employees"].get("2025"), facts["revenue"].get("2025")
        if people is None or revenue is None:
            continue
        classes = [("large", 1000, 4e8), ("medium", 300, 2e7), ("small", 20, 3e6), ("micro", 0, 0)]
        assert facts["size"] == next(name for name, staff, sales in classes if people >= staff and revenue >= sales)
        checked += 1
    assert checked > 50


def test_the_quarters_of_a_year_add_up_to_it(city: list[Enterprise]) -> None:
    checked = 0
    for enterprise in city:
        revenue = enterprise["facts"].get("revenue", {})
        quarters = [revenue[f"2025Q{q}"] for q in range(1, 5) if f"2025Q{q}" in revenue]
        if "2025" in revenue and quarters:
            assert sum(quarters) == revenue["2025"]
            checked += 1
    assert checked > 300


def test_an_honour_stands_exactly_while_a_certificate_does(city: list[Enterprise]) -> None:
    checked = 0
    for enterprise in city:
        if "honours" not in enterprise["facts"] or "certificate" not in enterprise["records"]:
            continue
        rows = enterprise["records"]["certificate"]
        valid = {r["name"] for r in rows if r["expires_on"] is None or r["expires_on"] >= DAY.isoformat()}
        assert set(enterprise["facts"]["honours"]) == valid
        assert all(r["awarded_on"] <= DAY.isoformat() for r in rows)
        firsts = [r["name"] for r in rows if r["first"]]
        assert len(firsts) == len(set(firsts)), "first is said once"
        checked += len(rows)
    assert checked > 100


def test_between_a_tenth_and_a_fifth_of_the_facts_is_unknown_and_some_tables_are_absent(city: list[Enterprise]) -> None:
    seen = {fact for e in city for fact in e["facts"]} - NOT_FOR_ALL
    share = 1 - sum(len(seen & e["facts"].keys()) for e in city) / (len(city) * len(seen))
    assert 0.1 <= share <= 0.2
    kinds = {kind for e in city for kind in e["records"]}
    assert all(any(kind not in e["records"] for e in city) for kind in kinds)
    assert all(e["facts"].keys() >= ALWAYS for e in city)


@pytest.mark.parametrize("fact", ["size", "ownership", "legal_form", "status", "public_credit", "taxpayer_type", "stock_listing"])
def test_codes_vary(city: list[Enterprise], fact: str) -> None:
    assert len({e["facts"][fact] for e in city if fact in e["facts"]}) >= 2


def test_every_fact_and_field_is_one_the_registry_knows_with_a_value_of_its_type(city: list[Enterprise]) -> None:
    for enterprise in city:
        for fact, value in enterprise["facts"].items():
            entry = REGISTRY.facts[fact]
            values = value.values() if entry.periods else [value]
            assert isinstance(value, dict) == bool(entry.periods), fact
            for period in value if entry.periods else ():
                grain = "quarter" if "Q" in period else "month" if "-" in period else "year"
                assert grain in entry.periods, (fact, period)
            for single in values:
                assert fits(entry, single), (fact, single)
        for kind, rows in enterprise["records"].items():
            for row in rows:
                for field, value in row.items():
                    assert field == "id" or fits(REGISTRY.kinds[kind].fields[field], value), (kind, field, value)
            assert len({row["id"] for row in rows}) == len(rows)


def fits(entry: Any, value: Any) -> bool:
    match entry.type:
        case "bool":
            return isinstance(value, bool)
        case "number" | "money" | "ratio":
            return isinstance(value, int | float) and not isinstance(value, bool) and (entry.signed or value >= 0)
        case "date":
            return value is None or bool(date.fromisoformat(value))
        case "end":
            return value is None or bool(date.fromisoformat(value))
        case "set":
            return isinstance(value, list) and all(known(entry, member) for member in value)
        case _:
            return isinstance(value, str) and known(entry, value)


def known(entry: Any, code: str) -> bool:
    """Industries are listed down to their division; an enterprise has a class of one."""
    if entry.codes is None:
        return True
    return (code[:3] if entry.codes == "industry" else code) in REGISTRY.codes[entry.codes]


def test_statements_give_each_fact_to_its_one_authority_and_lose_nothing(city: list[Enterprise]) -> None:
    for enterprise in city[:100]:
        by_authority = statements(enterprise, true_on=DAY)
        facts: dict[str, Any] = {}
        records: dict[str, Any] = {}
        for authority, line in by_authority.items():
            assert line["uscc"] == enterprise["uscc"]
            assert line["true_on"] == "2026-11-20"
            assert all(REGISTRY.facts[fact].authority == authority for fact in line["facts"])
            assert all(REGISTRY.kinds[kind].authority == authority for kind in line["records"])
            facts |= line["facts"]
            records |= line["records"]
        assert (facts, records) == (enterprise["facts"], enterprise["records"])
        assert [line["name"] for line in by_authority.values() if "name" in line] == [enterprise["name"]]


def test_parents_are_large_firms_named_before_and_owners_hold_no_more_than_the_whole(city: list[Enterprise]) -> None:
    names: set[str] = set()
    parents = 0
    for enterprise in city:
        above = enterprise["records"].get("parent", [])
        parents += len(above)
        assert {row["name"] for row in above} <= names
        names.add(enterprise["name"])
        persons = enterprise["records"].get("person", [])
        held = sum(row["share"] for row in above if row["depth"] == 1) + sum(row["share"] for row in persons)
        assert held <= 1.001 or not above
        assert sum(row["role"] == "法定代表人" for row in persons) == (1 if persons else 0)
        assert all("1930" < row["born_on"] < enterprise["facts"]["founded_on"] for row in persons)
    assert parents >= len(city) / 50


def test_some_firms_were_renamed_and_some_newest_periods_are_late(city: list[Enterprise]) -> None:
    renamed = [e for e in city if any(row["kind"] == "名称" for row in e["records"].get("change", []))]
    assert len(city) / 50 < len(renamed) < len(city) / 5
    assert all(row["to"] == e["name"] for e in renamed for row in e["records"]["change"] if row["kind"] == "名称")
    newest = [max(e["facts"]["tax_paid"]) for e in city if "tax_paid" in e["facts"]]
    assert 0.01 < sum(year < str(DAY.year - 1) for year in newest) / len(newest) < 0.2


def test_a_delivery_holds_the_lines_of_one_authority(city: list[Enterprise]) -> None:
    sent = deliveries(city[:50], true_on=DAY)
    assert set(sent) == {authority for e in city[:50] for authority in statements(e, true_on=DAY)}
    for authority, body in sent.items():
        wanted = [lines[authority] for e in city[:50] if authority in (lines := statements(e, true_on=DAY))]
        assert [json.loads(line) for line in body.decode().split("\n")] == wanted


def test_a_fact_the_registry_lacks_has_no_authority() -> None:
    with pytest.raises(KeyError, match="open_days"):
        statements({"uscc": "x", "name": "x", "facts": {"open_days": 3}, "records": {}}, true_on=DAY)


def test_a_line_survives_json() -> None:
    for enterprise in enterprises(20, seed=1, as_of=DAY):
        assert json.loads(json.dumps(enterprise, ensure_ascii=False)) == enterprise
