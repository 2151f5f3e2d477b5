"""The registry is whole, agrees with itself, and knows each wording's facts; figures are dated; codes are checked."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.registry import load_figures, load_registry
from contracts.rules import Registry
from contracts.uscc import ALPHABET, check_character, uscc_problem

CORE = {
    "founded_on": ("date", (), "市场监管"), "status": ("code", (), "市场监管"), "legal_form": ("code", (), "市场监管"),
    "ownership": ("code", (), "市场监管"), "district": ("code", (), "市场监管"), "tax_district": ("code", (), "税务"),
    "statistics_district": ("code", (), "统计"), "park": ("code", (), "市场监管"), "industry": ("code", (), "市场监管"),
    "size": ("code", (), "统计"), "above_scale": ("bool", ("year",), "统计"), "registered_capital": ("money", (), "市场监管"),
    "paid_in_capital": ("money", (), "市场监管"), "revenue": ("money", ("year", "quarter"), "税务"),
    "total_assets": ("money", ("year", "quarter"), "税务"), "profit": ("money", ("year", "quarter"), "税务"),
    "output_value": ("money", ("year", "quarter"), "统计"), "fixed_investment": ("money", ("year",), "统计"),
    "equipment_investment": ("money", ("year",), "统计"), "tax_paid": ("money", ("year",), "税务"),
    "local_contribution": ("money", ("year",), "财政"), "rd_expense": ("money", ("year",), "税务"),
    "exports": ("money", ("year",), "海关"), "imports": ("money", ("year",), "海关"), "employees": ("number", ("year",), "统计"),
    "rd_staff": ("number", ("year",), "统计"), "insured_persons": ("number", ("month", "year"), "社保"),
    "layoff_rate": ("ratio", ("year",), "社保"), "taxpayer_type": ("code", (), "税务"), "tax_credit": ("code", ("year",), "税务"),
    "public_credit": ("code", (), "信用"), "dishonest": ("bool", (), "信用"), "abnormal": ("bool", (), "市场监管"),
    "honours": ("set", (), "工信"), "lists": ("set", (), "工信"), "stock_listing": ("code", (), "金融监管"),
}  # fmt: skip
KINDS = {
    "certificate": {"name": "text", "level": "text", "awarded_on": "begins", "expires_on": "end", "first": "bool"},
    "penalty": {"field": "text", "amount": "money", "decided_on": "begins", "serious": "bool"},
    "benefit_received": {"policy": "text", "benefit": "text", "item": "text", "claimed_on": "date", "paid_on": "begins",
                         "amount": "money", "level": "text"},
    "listing": {"list": "text", "listed_on": "begins", "delisted_on": "end"},
    "project": {"kind": "text", "total": "money", "invested": "money", "equipment": "money", "started_on": "begins",
                "completed_on": "end", "grade": "text"},
    "contract": {"kind": "text", "amount": "money", "signed_on": "begins", "related": "bool"},
    "loan": {"kind": "text", "principal": "money", "interest": "money", "rate": "ratio", "drawn_on": "begins", "due_on": "date",
             "repaid_on": "end"},
    "insured_person": {"born_on": "date", "hired_on": "begins", "graduated_on": "date", "status": "text", "place": "code",
                       "months": "number"},
    "judgement": {"benefit": "text", "text": "text", "holds": "bool", "amount": "money", "decided_on": "begins"},
    "change": {"kind": "text", "from": "text", "to": "text", "place": "code", "changed_on": "begins"},
}  # fmt: skip


@pytest.mark.parametrize("fact", CORE)
def test_the_core_of_the_registry_stands(fact: str) -> None:
    entry = load_registry().facts[fact]
    assert (entry.type, entry.periods, entry.authority) == CORE[fact]
    assert entry.vocab


@pytest.mark.parametrize("kind", KINDS)
def test_the_core_record_kinds_stand(kind: str) -> None:
    fields = load_registry().kinds[kind].fields
    for name, wanted in KINDS[kind].items():
        assert fields[name].begins if wanted == "begins" else fields[name].type == wanted, name


def test_flags_stand_where_the_core_puts_them() -> None:
    facts = load_registry().facts
    assert facts["profit"].signed
    assert not facts["revenue"].signed
    assert facts["founded_on"].fixed


def test_the_platforms_six_authorities_are_data() -> None:
    six = {name for name, authority in load_registry().authorities.items() if authority.platform}
    assert six == {"市场监管", "税务", "统计", "财政", "社保", "信用"}


def test_every_authority_states_something() -> None:
    registry = load_registry()
    stating = {entry.authority for entry in (*registry.facts.values(), *registry.kinds.values())}
    assert stating <= set(registry.authorities)


def test_a_wording_names_one_fact_only() -> None:
    seen: dict[str, str] = {}
    for fact, entry in load_registry().facts.items():
        for wording in entry.vocab:
            assert wording not in seen, f"{wording} names {fact} and {seen[wording]}"
            seen[wording] = fact


def test_a_fact_of_an_unlisted_authority_is_refused() -> None:
    fact = {"name": "x", "type": "money", "authority": "nobody", "freshness": "yearly"}
    with pytest.raises(ValidationError, match="authority 'nobody'"):
        Registry.model_validate({"authorities": {}, "facts": {"x": fact}, "kinds": {}})


@pytest.mark.parametrize(
    ("day", "rate"),
    [
        (date(2019, 8, 19), None),
        (date(2019, 8, 20), Decimal("0.0425")),
        (date(2020, 4, 19), Decimal("0.0405")),
        (date(2020, 4, 20), Decimal("0.0385")),
        (date(2025, 6, 30), Decimal("0.0300")),
        (date(2030, 1, 1), None),
    ],
)
def test_a_figure_holds_from_its_publication_to_the_next_and_is_unknown_outside(day: date, rate: Decimal | None) -> None:
    assert load_figures().at("LPR-1Y", day) == rate


def test_published_values_stand_in_order_with_their_source() -> None:
    for series in load_figures().figures.values():
        days = [value.since for value in series.values]
        assert days == sorted(set(days))
        assert all(value.source for value in series.values)


@pytest.mark.parametrize("sound", ["91110000600037341L", "9144030071526726XG", "914403001922038216"])
def test_codes_in_use_are_sound(sound: str) -> None:
    assert uscc_problem(sound) is None


@given(st.text(alphabet="0123456789", min_size=6, max_size=6), st.text(alphabet=ALPHABET, min_size=9, max_size=9), st.data())
def test_one_wrong_character_is_always_found(division: str, rest: str, data: st.DataObject) -> None:
    first17 = f"91{division}{rest}"
    sound = first17 + check_character(first17)
    assert uscc_problem(sound) is None
    position = data.draw(st.integers(0, 17))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda c: c != sound[position]))
    assert uscc_problem(sound[:position] + other + sound[position + 1 :]) is not None


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "18 位"), ("9135020000000000O1", "第 17 位"), ("91110000600037341l", "第 18 位"), ("91A10000600037341L", "第 3 至 8 位")],
)
def test_what_is_wrong_with_a_code_is_said_without_repeating_it(text: str, word: str) -> None:
    problem = uscc_problem(text)
    assert problem is not None
    assert word in problem
    assert not text or text not in problem
