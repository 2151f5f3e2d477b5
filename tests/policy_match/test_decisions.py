"""A decision says the outcome, the sum, what would settle it, why, what is just missed, and when time brings it."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from contracts.registry import load_figures, load_registry
from contracts.rules import Decision, dumps, loads, parse_benefit
from services.policy_match.domain import decide, enterprise_of, outcome, rank_population
from services.policy_match.domain.gathering import columns_of
from services.policy_match.domain.matches import City, Offer, eligible

TODAY = date(2025, 6, 30)
REVENUE = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000}
HONEST = {"fact": "dishonest", "is": "=", "value": False}
RD_SHARE = {"fact": "rd_expense", "period": "last_year", "is": ">=",
            "value": {"times": [0.03, {"fact": "revenue", "period": "last_year"}]}}  # fmt: skip


def decision(rule: Any, facts: Any = None, records: Any = None, *, today: date = TODAY, **benefit: Any) -> Decision:
    given = loads(json.dumps({"id": "b", "rule": rule, **benefit}, ensure_ascii=False))
    enterprise = enterprise_of(
        {"uscc": "u", "name": "n", "facts": loads(json.dumps(facts or {})), "records": loads(json.dumps(records or {}))}
    )
    return decide(parse_benefit(given), enterprise, as_of=today, registry=load_registry(), figures=load_figures())


# --------------------------------------------------------------------------------------------------------- what settles it


def test_a_missing_fact_is_unknown_not_no() -> None:
    found = decision({"all": [REVENUE, HONEST]}, {"dishonest": False})
    assert (found.outcome, found.missing, found.judged) == ("undetermined", ("revenue@2024",), ())


def test_nothing_is_asked_for_that_could_not_settle_it() -> None:
    rule = {"all": [{"any": [REVENUE, HONEST]}, RD_SHARE]}
    found = decision(rule, {"dishonest": False})
    assert found.missing == ("rd_expense@2024", "revenue@2024")  # of the share only: the any is true already
    assert decision({"all": [REVENUE, HONEST]}, {"dishonest": True}).missing == ()


def test_a_persons_judgement_is_named_by_its_text() -> None:
    found = decision({"all": [HONEST, {"judged": "确有发展潜力"}]}, {"dishonest": False})
    assert (found.outcome, found.missing, found.judged) == ("undetermined", (), ("确有发展潜力",))


def test_a_growth_that_known_facts_leave_undefined_is_for_a_person() -> None:
    rule = {"fact": "profit", "period": "last_year", "take": "growth", "is": ">=", "value": 0.1, "quote": "利润增长10%以上"}
    found = decision(rule, {"profit": {"2024": 5, "2023": -1}})
    assert (found.outcome, found.missing, found.judged) == ("undetermined", (), ("利润增长10%以上",))
    assert found.tests[0].why == "judged"


@pytest.mark.parametrize(
    ("rule", "records", "missing"),
    [
        ({"none": "penalty", "where": []}, {}, ("penalty",)),
        ({"some": "certificate", "where": [{"field": "first", "is": "=", "value": True}]}, {"certificate": [{}]}, ("certificate.first",)),
        ({"some": "certificate", "where": [{"field": "name", "is": "=", "value": "A"}, {"field": "first", "is": "=", "value": True}]},
         {"certificate": [{"name": "B"}, {"name": "A"}]}, ("certificate.first",)),
        ({"sum": "project", "field": "invested", "where": [], "is": "<=", "value": 5}, {"project": [{}]}, ("project.invested",)),
        ({"fact": "registered_capital", "is": ">=", "value": {"figure": "LPR-1Y", "on": "2018-06-20"}}, {},
         ("registered_capital", "figure:LPR-1Y@2018-06-20")),
        ({"fact": "open.展会天数", "is": ">=", "value": 3}, {}, ("open.展会天数",)),
        ({"fact": "revenue", "period": "last_year", "take": "growth", "is": ">=", "value": 0}, {}, ("revenue@2024", "revenue@2023")),
        ({"fact": "insured_persons", "period": "month-1", "is": ">=", "value": 3}, {}, ("insured_persons@2025-05",)),
    ],
)  # fmt: skip
def test_what_is_missing_is_named(rule: Any, records: Any, missing: tuple[str, ...]) -> None:
    assert decision(rule, records=records).missing == missing


# ----------------------------------------------------------------------------------------------------------- the reasons


def test_every_test_says_what_it_asked_found_and_from_whom() -> None:
    rule = {"all": [{**REVENUE, "quote": "上年度营业收入2000万元以上"}, RD_SHARE], "quote": "两项都要", "article": "第五条"}
    first, second = decision(rule, {"revenue": {"2024": 26000000}, "rd_expense": {"2024": 500000}}).tests
    assert (first.path, first.value, first.fact, first.found, first.wanted) == (
        "all/0",
        "true",
        "revenue@2024",
        Decimal(26000000),
        ">= 20000000",
    )
    assert (first.source, first.quote, first.article) == ("税务", "上年度营业收入2000万元以上", "第五条")
    assert (second.path, second.value, second.wanted, second.quote) == ("all/1", "false", ">= 0.03 × revenue@2024", "两项都要")


def test_a_record_test_tells_the_number_it_found() -> None:
    rule = {"count": "certificate", "where": [{"field": "first", "is": "=", "value": True}], "is": ">=", "value": 2}
    sure = decision(rule, records={"certificate": [{"first": True}]}).tests[0]
    doubtful = decision(rule, records={"certificate": [{"first": True}, {}]}).tests[0]
    assert (sure.fact, sure.found) == ("certificate", Decimal(1))
    assert doubtful.found == (Decimal(1), Decimal(2))


@pytest.mark.parametrize(
    ("valid", "window", "expected"),
    [
        ({"from": "2025-06-30", "to": "2025-06-30"}, None, "eligible"),
        ({"from": "2025-07-01", "to": None}, None, "ineligible"),
        ({"from": None, "to": "2025-06-29"}, None, "ineligible"),
        ({"from": None, "to": "2025-06-29"}, {"from": "2025-06-01", "to": "2025-07-31"}, "eligible"),
        ({"from": {"figure": "国家通知邮轮复航之日"}, "to": None}, None, "undetermined"),
        (None, {"from": "2026-01-01", "to": "2026-02-01"}, "eligible"),
    ],
)
def test_only_what_is_in_force_can_be_had(valid: Any, window: Any, expected: str) -> None:
    found = decision({"all": []}, valid=valid, window=window)
    assert found.outcome == expected
    assert [t.path for t in found.tests] == ([] if expected == "eligible" else ["valid"])
    assert found.missing == (("figure:国家通知邮轮复航之日@2025-06-30",) if expected == "undetermined" else ())


def test_the_sum_of_an_undetermined_pair_begins_at_nothing() -> None:
    found = decision({"all": [REVENUE]}, amount={"fixed": 100000})
    assert (found.amount.low, found.amount.high) == ("0.00", "100000.00")
    assert decision(HONEST, {"dishonest": True}, amount={"fixed": 100000}).amount.high == "0.00"


def test_what_matters_for_the_sum_only_is_named_apart() -> None:
    amount = {"cap": 5000, "of": {"rate": 0.1, "of": {"fact": "rd_expense", "period": "last_year"}}}
    found = decision(HONEST, {"dishonest": False}, amount=amount)
    assert (found.outcome, found.missing, found.amount.missing) == ("eligible", (), ("rd_expense@2024",))
    assert decision(RD_SHARE, {"revenue": {"2024": 1}}, amount=amount).amount.missing == ()


def test_a_decision_without_explanation_has_the_same_outcome() -> None:
    benefit, enterprise = parse_benefit({"id": "b", "rule": REVENUE}), enterprise_of({"uscc": "u"})
    short = decide(benefit, enterprise, as_of=TODAY, registry=load_registry(), figures=load_figures(), explain=False)
    assert (short.outcome, short.missing, short.tests) == ("undetermined", ("revenue@2024",), ())


def test_a_decision_can_be_read_back_by_anyone() -> None:
    found = decision({"all": [REVENUE, HONEST]}, {"revenue": {"2024": 1}, "dishonest": False})
    assert Decision.model_validate(loads(dumps(found))) == found


# --------------------------------------------------------------------------------------------------------- the near miss


def changes(found: Decision) -> list[tuple[str, Any, Any]] | None:
    return None if found.near_miss is None else [(c.fact, c.from_, c.to) for c in found.near_miss.change]


def test_what_is_asked_of_a_year_that_is_over_is_asked_of_the_year_that_takes_its_place() -> None:
    found = decision(REVENUE, {"revenue": {"2024": 18000000, "2025": 12000000}})
    assert changes(found) == [("revenue@2025", Decimal(12000000), Decimal(20000000))]
    assert found.near_miss is not None
    assert found.near_miss.until == date(2025, 12, 31)


def test_while_the_new_year_is_unknown_the_change_starts_from_the_old_one() -> None:
    assert changes(decision(REVENUE, {"revenue": {"2024": 18000000}})) == [("revenue@2025", Decimal(18000000), Decimal(20000000))]


def test_a_share_of_another_fact_becomes_a_sum() -> None:
    found = decision(RD_SHARE, {"revenue": {"2024": 100000000}, "rd_expense": {"2024": 2700000}})
    assert changes(found) == [("rd_expense@2025", Decimal(2700000), Decimal(3000000))]


def test_growth_is_asked_on_the_year_before_the_one_asked() -> None:
    rule = {"fact": "revenue", "period": "last_year", "take": "growth", "is": ">=", "value": 0.15}
    assert changes(decision(rule, {"revenue": {"2023": 100, "2024": 110}})) == [("revenue@2025", Decimal(110), Decimal("126.5"))]


def test_the_fewest_changes_win_then_the_smallest() -> None:
    two = {"all": [{**REVENUE, "value": 110}, {"fact": "rd_expense", "period": "last_year", "is": ">=", "value": 11}]}
    far, near = {**REVENUE, "value": 900}, {"fact": "exports", "period": "last_year", "is": ">=", "value": 300}
    facts = {"revenue": {"2024": 100}, "rd_expense": {"2024": 10}, "exports": {"2024": 200}}
    assert changes(decision({"any": [two, far, near]}, facts)) == [("exports@2025", Decimal(200), Decimal(300))]


def test_one_new_value_satisfies_all_tests_of_the_fact() -> None:
    rule = {"all": [{**REVENUE, "value": 10}, {**REVENUE, "value": 30}, {**REVENUE, "is": "<=", "value": 40}]}
    assert changes(decision(rule, {"revenue": {"2024": 20}})) == [("revenue@2025", Decimal(20), Decimal(30))]


def test_a_fact_that_moves_the_bar_of_another_is_taken_along() -> None:
    rule = {"all": [{**REVENUE, "value": 200}, RD_SHARE]}
    found = changes(decision(rule, {"revenue": {"2024": 100}, "rd_expense": {"2024": 2}}))
    assert found == [("revenue@2025", Decimal(100), Decimal(200)), ("rd_expense@2025", Decimal(2), Decimal(6))]


def test_more_than_means_the_next_cent() -> None:
    assert changes(decision({**REVENUE, "is": ">", "value": 10}, {"revenue": {"2024": 10}})) == [
        ("revenue@2025", Decimal(10), Decimal("10.01"))
    ]


@pytest.mark.parametrize(
    ("rule", "facts", "expected"),
    [
        ({"fact": "dishonest", "is": "=", "value": False}, {"dishonest": True}, [("dishonest", True, False)]),
        ({"fact": "district", "is": "under", "value": ["350205", "350203"]}, {"district": "350211"}, [("district", "350211", "350205")]),
        ({"fact": "honours", "is": "has", "value": ["高新技术企业"]}, {"honours": ["A"]}, [("honours", ("A",), ("A", "高新技术企业"))]),
        ({"fact": "honours", "is": "has_none", "value": ["A"]}, {"honours": ["A", "B"]}, [("honours", ("A", "B"), ("B",))]),
        ({"fact": "public_credit", "is": "not_in", "value": ["C", "D"]}, {"public_credit": "C"}, [("public_credit", "C", "A+")]),
        ({"not": {"fact": "registered_capital", "is": ">=", "value": 10}}, {"registered_capital": 15},
         [("registered_capital", Decimal(15), Decimal("9.99"))]),
    ],
)  # fmt: skip
def test_other_facts_change_to_what_the_test_names(rule: Any, facts: Any, expected: Any) -> None:
    assert changes(decision(rule, facts)) == expected


def test_a_row_more_may_be_what_is_missing() -> None:
    rule = {
        "some": "certificate",
        "where": [{"field": "name", "is": "=", "value": "A"}, {"field": "awarded_on", "is": "during", "value": "last_year"}],
    }
    found = decision(rule, records={"certificate": []})
    assert changes(found) == [("certificate", Decimal(0), Decimal(1))]
    assert found.near_miss is not None
    assert found.near_miss.until == date(2025, 12, 31)


@pytest.mark.parametrize(
    ("rule", "facts", "records"),
    [
        ({"fact": "founded_on", "is": ">=", "value": "2024-01-01"}, {"founded_on": "2020-01-01"}, {}),
        ({"fact": "revenue", "period": "2023", "is": ">=", "value": 5}, {"revenue": {"2023": 1}}, {}),
        ({"none": "penalty", "where": []}, {}, {"penalty": [{"amount": 5}]}),
        ({"some": "certificate", "where": [{"field": "awarded_on", "is": "during", "value": "2023"}]}, {}, {"certificate": []}),
        ({"some": "certificate", "where": [{"field": "awarded_on", "is": "<", "value": "2024-01-01"}]}, {}, {"certificate": []}),
        ({"all": [{"fact": "founded_on", "is": ">=", "value": "2024-01-01"}, HONEST]}, {"founded_on": "2020-01-01", "dishonest": True}, {}),
    ],
)
def test_what_is_fixed_past_or_done_is_no_near_miss(rule: Any, facts: Any, records: Any) -> None:
    found = decision(rule, facts, records)
    assert (found.outcome, found.near_miss) == ("ineligible", None)


def test_a_closed_benefit_is_no_near_miss() -> None:
    found = decision(HONEST, {"dishonest": True}, valid={"from": None, "to": "2024-12-31"})
    assert found.near_miss is None


def test_unknown_tests_stay_listed_beside_a_near_miss() -> None:
    found = decision({"all": [HONEST, REVENUE]}, {"dishonest": True})
    assert changes(found) == [("dishonest", True, False)]
    assert [(t.path, t.value) for t in found.tests] == [("all/0", "false"), ("all/1", "unknown")]


def test_at_least_two_of_three_asks_for_the_nearest_two() -> None:
    of = [{**REVENUE, "value": 200}, {"fact": "exports", "period": "last_year", "is": ">=", "value": 110}, HONEST]
    found = decision({"at_least": 2, "of": of}, {"revenue": {"2024": 100}, "exports": {"2024": 100}, "dishonest": False})
    assert changes(found) == [("exports@2025", Decimal(100), Decimal(110))]


# ----------------------------------------------------------------------------------------------------------- what time brings


@pytest.mark.parametrize(
    ("rule", "facts", "records", "day"),
    [
        ({"fact": "founded_on", "is": "<=", "value": {"ago": {"years": 1}}}, {"founded_on": "2024-09-01"}, {}, date(2025, 9, 1)),
        ({"none": "penalty", "where": [{"field": "decided_on", "is": ">=", "value": {"ago": {"years": 3}}}]}, {},
         {"penalty": [{"decided_on": "2023-02-28"}]}, date(2026, 3, 1)),
        ({**REVENUE, "value": 10}, {"revenue": {"2024": 5, "2025": 15}}, {}, date(2026, 1, 1)),
        ({**REVENUE, "value": 10}, {"revenue": {"2024": 5}}, {}, None),
        ({"fact": "founded_on", "is": "<=", "value": {"ago": {"years": 10}}}, {"founded_on": "2024-09-01"}, {}, None),
        ({"some": "certificate", "where": []}, {}, {"certificate": [{"awarded_on": "2025-08-08"}]}, date(2025, 8, 8)),
        (HONEST, {"dishonest": True}, {}, None),
    ],
)  # fmt: skip
def test_the_day_is_named_on_which_time_alone_brings_it(rule: Any, facts: Any, records: Any, day: date | None) -> None:
    assert decision(rule, facts, records).eligible_from == day


def test_a_benefit_to_come_is_due_on_its_first_day() -> None:
    assert decision({"all": []}, valid={"from": "2025-10-01", "to": None}).eligible_from == date(2025, 10, 1)


# -------------------------------------------------------------------------------------------------------------- the second pass


def ranked(rule: Any, revenues: list[Any]) -> list[str]:
    benefit = parse_benefit(loads(json.dumps({"id": "b", "rule": rule})))
    firms = [
        enterprise_of({"uscc": str(n), "facts": {"dishonest": False} | ({} if r is None else {"revenue": {"2024": Decimal(r)}})})
        for n, r in enumerate(revenues)
    ]
    known: dict[str, Any] = {"as_of": TODAY, "registry": load_registry(), "figures": load_figures()}
    population = rank_population([benefit], firms, **known)
    return [outcome(benefit, firm, population=population, **known)[0] for firm in firms]


def test_equal_figures_share_a_rank_and_the_next_is_skipped() -> None:
    rule = {"rank": "revenue", "period": "last_year", "among": HONEST, "is": "<=", "value": 2}
    assert ranked(rule, [30, 30, 20, 10]) == ["eligible", "eligible", "ineligible", "ineligible"]
    assert ranked({**rule, "value": 3}, [30, 30, 20, 10]) == ["eligible", "eligible", "eligible", "ineligible"]
    assert ranked({**rule, "order": "asc"}, [30, 30, 20, 10]) == ["ineligible", "ineligible", "eligible", "eligible"]


def test_a_percentile_is_the_rank_by_the_number_ranked_and_not_rounded() -> None:
    rule = {"percentile": "revenue", "period": "last_year", "among": HONEST, "is": "<=", "value": 0.25}
    assert ranked(rule, [4, 3, 2, 1]) == ["eligible", "ineligible", "ineligible", "ineligible"]
    assert ranked(rule, [3, 2, 1]) == ["ineligible"] * 3


def test_an_enterprise_whose_figure_is_unknown_is_not_ranked_and_undetermined() -> None:
    rule = {"rank": "revenue", "period": "last_year", "among": HONEST, "is": "<=", "value": 1}
    assert ranked(rule, [None, 5]) == ["undetermined", "eligible"]


def test_a_decision_tells_how_many_were_ranked_and_how_many_were_not() -> None:
    benefit = parse_benefit({"id": "b", "rule": {"rank": "revenue", "period": "last_year", "among": {"all": []}, "is": "<=", "value": 1}})
    firms = [enterprise_of({"uscc": "1", "facts": {"revenue": {"2024": 5}}}), enterprise_of({"uscc": "2"})]
    known: dict[str, Any] = {"as_of": TODAY, "registry": load_registry(), "figures": load_figures()}
    found = decide(benefit, firms[0], population=rank_population([benefit], firms, **known), **known).tests[0]
    assert (found.value, found.found, found.ranked, found.unranked) == ("true", Decimal(1), 1, 1)


JUDGED = {"rank": "revenue", "period": "last_year", "among": {"judged": "主业突出"}, "is": "<=", "value": 1}


def test_benefits_that_share_a_ranking_have_each_its_own_judgements_of_who_is_ranked() -> None:
    benefits = [parse_benefit({"id": name, "rule": JUDGED}) for name in ("one", "other")]
    judged = {name: {"benefit": name, "text": "主业突出", "holds": True, "decided_on": "2025-06-01"} for name in ("one", "other")}
    firms = [
        enterprise_of({"uscc": "large", "facts": {"revenue": {"2024": 9}}, "records": {"judgement": [judged["one"]]}}),
        enterprise_of({"uscc": "small", "facts": {"revenue": {"2024": 1}}, "records": {"judgement": list(judged.values())}}),
    ]
    known: dict[str, Any] = {"as_of": TODAY, "registry": load_registry(), "figures": load_figures()}
    population = rank_population(benefits, firms, **known)
    outcomes = {(firm.uscc, b.id): outcome(b, firm, population=population, **known)[0] for firm in firms for b in benefits}
    assert outcomes == {
        ("large", "one"): "eligible",
        ("large", "other"): "undetermined",
        ("small", "one"): "ineligible",
        ("small", "other"): "eligible",
    }
    offers, columns = [Offer(b, 1) for b in benefits], columns_of(firms, load_registry())
    wanted = {("large", "one"), ("small", "other")}
    for engine in (firms, City(columns)):
        matches, _ = eligible(offers, engine, population=population, **known)
        assert {(key.uscc, key.benefit) for key in matches} == wanted


def test_who_is_ranked_without_a_judgement_has_its_rank_among_those_of_its_own_benefit() -> None:
    rule = {**JUDGED, "among": {"any": [HONEST, {"judged": "主业突出"}]}}
    benefits = [parse_benefit({"id": name, "rule": rule}) for name in ("one", "other")]
    judged = {"benefit": "one", "text": "主业突出", "holds": True, "decided_on": "2025-06-01"}
    firms = [
        enterprise_of({"uscc": "judged", "facts": {"revenue": {"2024": 9}, "dishonest": True}, "records": {"judgement": [judged]}}),
        enterprise_of({"uscc": "honest", "facts": {"revenue": {"2024": 1}, "dishonest": False}}),
    ]
    known: dict[str, Any] = {"as_of": TODAY, "registry": load_registry(), "figures": load_figures()}
    population = rank_population(benefits, firms, **known)
    for engine in (firms, City(columns_of(firms, load_registry()))):
        matches, _ = eligible([Offer(b, 1) for b in benefits], engine, population=population, **known)
        assert {(key.uscc, key.benefit) for key in matches} == {("judged", "one"), ("honest", "other")}


def test_an_enterprise_that_cannot_be_ranked_keeps_nobody_else_from_its_rank() -> None:
    benefit = parse_benefit({"id": "b", "rule": {"rank": "revenue", "period": "last_year", "among": HONEST, "is": "<=", "value": 1}})
    stated = [{"dishonest": False}, {"dishonest": "谁知道"}]
    firms = [enterprise_of({"uscc": str(n), "facts": {"revenue": {"2024": 5}} | facts}) for n, facts in enumerate(stated)]
    known: dict[str, Any] = {"as_of": TODAY, "registry": load_registry(), "figures": load_figures()}
    (standing,) = rank_population([benefit], firms, **known).standings.values()
    assert (standing.ranked, standing.unranked) == (1, 1)
