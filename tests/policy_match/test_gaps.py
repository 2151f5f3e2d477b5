"""What is missing is what the decisions name, counted over all enterprises; an enterprise is asked what its own answers alone settle."""

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.registry import OWN, load_figures, load_registry
from contracts.rules import parse_benefit
from services.policy_match.domain.decision import decide
from services.policy_match.domain.enterprise import enterprise_of
from services.policy_match.domain.gaps import Gaps, Wanted, gaps_of
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.values import TypeMismatch
from tests.policy_match.rules_at_random import rules, scalar_rules
from tests.policy_match.worlds_at_random import QUICK, enterprise, exact

REGISTRY, FIGURES = load_registry(), load_figures()
TODAY = date(2025, 6, 30)


def found(benefits: Any, city: Any, **more: Any) -> Gaps:
    return gaps_of(benefits, columns_of(city, REGISTRY), as_of=TODAY, registry=REGISTRY, figures=FIGURES, own=OWN, **more)


def named(benefits: Any, city: Any) -> Counter[tuple[str, str]]:
    """What the decisions name as missing: facts with their period, records by their kind."""
    counts: Counter[tuple[str, str]] = Counter()
    for benefit in benefits:
        for one in city:
            try:
                decision = decide(benefit, one, as_of=TODAY, registry=REGISTRY, figures=FIGURES, explain=False)
            except TypeMismatch:
                continue
            if decision.outcome == "undetermined":
                labels = {label.partition(".")[0] if label.partition(".")[0] in REGISTRY.kinds else label for label in decision.missing}
                counts.update((label, benefit.id) for label in labels if not label.startswith("figure:"))
    return counts


@settings(QUICK, max_examples=150)
@given(st.lists(scalar_rules(), min_size=1, max_size=4), st.integers(0, 10_000))
def test_a_missing_fact_is_counted_where_decisions_name_it(written: list[Any], seed: int) -> None:
    benefits = [parse_benefit(exact({"id": f"b{n}", "rule": rule})) for n, rule in enumerate(written)]
    city = [one for n in range(40) if (one := enterprise_of(exact(enterprise(seed + n) | {"uscc": str(n)})))]
    gaps = found(benefits, city)
    assert dict(gaps.missing) == named(benefits, city)


@settings(QUICK, max_examples=100)
@given(rules(), st.integers(0, 10_000))
def test_a_missing_record_is_counted_by_its_kind(written: Any, seed: int) -> None:
    benefits = [parse_benefit(exact({"id": "b", "rule": written}))]
    city = [enterprise_of(exact(enterprise(seed + n) | {"uscc": str(n)})) for n in range(40)]
    gaps, wanted = found(benefits, city), named(benefits, city)
    kinds = {pair for pair in wanted if pair[0] in REGISTRY.kinds}
    assert {pair for pair in gaps.missing if pair[0] in REGISTRY.kinds} >= kinds
    assert all(gaps.missing[pair] >= wanted[pair] for pair in kinds)


NEED = {"fact": "financing_need", "is": "=", "value": True}
HIRING = {"fact": "hiring_need", "is": "=", "value": True}
RICH = {"fact": "revenue", "period": "2024", "is": ">=", "value": 100}


def firm(code: str, revenue: int | None = None, **facts: Any) -> Any:
    return enterprise_of({"uscc": code, "facts": facts | ({"revenue": {"2024": revenue}} if revenue is not None else {})})


def benefit(identity: str, rule: Any, amount: Any = None) -> Any:
    return parse_benefit({"id": identity, "rule": rule, "amount": amount or {"fixed": 1000}})


def test_an_enterprise_is_asked_only_what_its_answer_alone_would_settle() -> None:
    benefits = [
        benefit("a", {"all": [RICH, NEED]}),
        benefit("b", {"all": [NEED, {"any": [HIRING, RICH]}]}, {"rate": Decimal("0.5"), "of": {"fact": "revenue", "period": "2024"}}),
        benefit("c", {"all": [NEED, {"judged": "确有潜力"}]}),
        benefit("d", RICH),
    ]
    city = [
        firm("rich", 100),  # a and b hang on its need
        firm("poor", 1),  # a is lost, b hangs on both answers
        firm("silent"),  # the tax office must speak first; but of b two answers of its own are not all that is missing
        firm("said", 100, financing_need=True),  # nothing left to ask
    ]
    gaps = found(benefits, city)
    assert gaps.wanted == {
        "rich": Wanted(("financing_need",), 2, Decimal("1050.00")),
        "poor": Wanted(("financing_need", "hiring_need"), 1, Decimal("0.50")),
    }
    assert gaps.missing["revenue@2024", "d"] == 1
    assert gaps.enterprises == {"financing_need": 3, "hiring_need": 2, "revenue@2024": 1}


def test_who_is_left_out_is_not_counted_and_a_city_may_be_looked_at_in_lots(monkeypatch: Any) -> None:
    benefits = [benefit(f"b{n}", {"all": [RICH, NEED]}) for n in range(5)]
    city = [firm(str(n), 100) for n in range(70)]
    whole = found(benefits, city)
    monkeypatch.setattr("services.policy_match.domain.gaps.TOGETHER", 2)
    assert found(benefits, city) == whole
    assert whole.wanted["7"].benefits == 5
    fewer = found(benefits, city, left_out=["7", "nobody"])
    assert fewer.enterprises["financing_need"] == 69
    assert "7" not in fewer.wanted
