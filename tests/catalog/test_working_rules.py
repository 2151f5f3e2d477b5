"""The working rules say what awaits whom and when it is late; the file that ships fits the review."""

from datetime import date
from typing import Any

import pytest

from services.catalog.domain.review import Standing
from services.catalog.domain.working_rules import rules_of, task_of
from services.catalog.sources import read_working_rules, working_rules

RULES = working_rules()


@pytest.mark.parametrize(
    ("since", "due"),
    [
        (date(2026, 3, 2), date(2026, 3, 11)),  # Monday to Wednesday of the next week
        (date(2026, 9, 24), date(2026, 10, 12)),  # 中秋 and 国庆 between, and a Saturday that is worked
        (date(2026, 2, 13), date(2026, 3, 2)),  # 春节 between, and two Saturdays that are worked
    ],
)
def test_the_day_by_which_a_benefit_must_be_published_counts_working_days_only(since: date, due: date) -> None:
    assert RULES.due(since) == due


def test_what_waits_too_long_is_late_by_working_days_and_waits_for_the_role_of_its_step() -> None:
    came = date(2026, 3, 2)
    in_time = task_of(Standing(), "人才", came, today=date(2026, 3, 11), rules=RULES)
    late = task_of(Standing(pending="in_review"), "人才", came, today=date(2026, 3, 16), rules=RULES)
    assert in_time is not None
    assert late is not None
    assert (in_time.role, in_time.late, late.role, late.late) == ("editor", 0, "reviewer", 3)
    assert task_of(Standing("published", None), "人才", came, today=came, rules=RULES) is None


def test_what_need_not_be_published_has_no_day() -> None:
    task = task_of(Standing(), "某类", date(2026, 3, 2), today=date(2027, 1, 1), rules=RULES)
    assert task is not None
    assert (task.due, task.late) == (None, 0)


@pytest.mark.parametrize(
    "broken", [{"role": "publisher"}, {"action": "withdraw"}, {"pending": "approved"}, {"action": "dance"}], ids=lambda b: str(b)
)
def test_rules_that_do_not_fit_the_review_are_refused(broken: dict[str, Any]) -> None:
    given = read_working_rules()
    given["step"] = [given["step"][0] | broken, *given["step"][1:]]
    with pytest.raises(ValueError, match="working rules"):
        rules_of(given)


def test_every_entry_of_the_rules_names_its_source_and_an_unchecked_one_says_so() -> None:
    given = read_working_rules()
    assert "未经核对" not in rules_of(given).source
    unchecked = {**given, "publish": {name: value for name, value in given["publish"].items() if name != "checked"}}
    assert rules_of(unchecked).source.endswith("（出处未经核对）")
    entries = [given["publish"], given["officers"], *given["step"], *given["calendar"].values()]
    for entry in entries:
        source = entry.pop("source")
        with pytest.raises(ValueError, match="names no source"):
            rules_of(given)
        entry["source"] = source
        rules_of(given)


def test_a_year_whose_days_off_are_not_known_is_not_among_those_counted() -> None:
    assert 2026 in RULES.years
    assert 2035 not in RULES.years
