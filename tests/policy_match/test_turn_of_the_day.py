"""What time alone changes, changes at 00:05 of the right day of the city, and only what changed is said."""

from collections.abc import AsyncIterator
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.events import BenefitPublished, FactsStated
from contracts.rules import dumps, loads, parse_benefit
from services.chassis import clock
from services.chassis.bus import Heard
from services.chassis.inbox import UnitOfWork
from services.policy_match.handlers import sweeps
from services.policy_match.jobs import turn
from services.policy_match.main import SUBSCRIPTIONS
from services.policy_match.store import Store
from tests.service_room import Room, payloads, room, uscc

SHANGHAI = "Asia/Shanghai"
ME, OTHER = uscc(1), uscc(2)
DEALT_WITH = {"fact": "dishonest", "is": "=", "value": False}
HIGH_TECH = {"field": "name", "is": "=", "value": "高新技术企业"}


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's sweep of more than a few benefits is decided lot by lot."""
    monkeypatch.setattr(sweeps, "TOGETHER", 2)


class Days:
    """The matcher on days that pass: its clock stands where it was put."""

    def __init__(self, matcher: Room, monkeypatch: pytest.MonkeyPatch) -> None:
        self.matcher, self.moment = matcher, clock.now()
        monkeypatch.setattr(clock, "now", lambda: self.moment)

    def stand_at(self, day: date, hour: str) -> None:
        """It is this time of this day in the city."""
        self.moment = datetime.combine(day, time.fromisoformat(hour), ZoneInfo(SHANGHAI))

    async def look(self) -> list[tuple[str, str, str]]:
        """The job looks at the clock; what comes of it: what was said, of whom, for which occasion."""
        async with self.matcher.pool.acquire() as connection, connection.transaction():
            work = UnitOfWork(Store(connection), connection, self.moment, clock.city_day(self.moment, SHANGHAI))
            await turn(work, SHANGHAI)
            await work.finish()
        return await self.settle()

    async def settle(self) -> list[tuple[str, str, str]]:
        others: list[Heard] = []
        while said := await self.matcher.said():
            others += [one for one in said if one.topic != "sweeps.v1"]
            await self.matcher.hear(*[one for one in said if one.topic == "sweeps.v1"])
        events: list[Any] = list(payloads(others))
        assert {event.as_of for event in events} <= {clock.city_day(self.moment, SHANGHAI)}
        assert {event.reason for event in events if type(event).__name__ == "MatchLost"} <= {"time"}
        return sorted((type(event).__name__, event.uscc, event.occasion) for event in events)


@pytest.fixture
async def days(database: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Days]:
    async with room(database, "policy_match", SUBSCRIPTIONS, Store) as opened:
        yield Days(opened, monkeypatch)


def certificate(**fields: Any) -> dict[str, Any]:
    return {"certificate": [{"id": "c", "name": "高新技术企业"} | fields]}


FOUND, LOST = [("MatchFound", "")], [("MatchLost", "")]
SPRING = {"from": "2027-01-01", "to": "2027-02-28"}
JUNE = {"from": "2027-06-01", "to": "2027-06-30"}
THREE_YEARS, LAST_YEAR_AWARDED = {"ago": {"years": 3}}, {"field": "awarded_on", "is": "during", "value": "last_year"}


@pytest.mark.parametrize(
    ("day", "said", "benefit", "facts"),
    [
        pytest.param("2027-01-01", FOUND, {"rule": DEALT_WITH, "valid": SPRING}, {}, id="validity begins"),
        pytest.param("2027-03-01", LOST, {"rule": DEALT_WITH, "valid": SPRING}, {}, id="validity ends"),
        pytest.param("2027-06-01", FOUND, {"rule": DEALT_WITH, "valid": SPRING, "window": JUNE}, {}, id="a window opens"),
        pytest.param("2027-07-01", LOST, {"rule": DEALT_WITH, "valid": SPRING, "window": JUNE}, {}, id="a window closes"),
        pytest.param(
            "2027-03-01",
            FOUND,
            {"rule": {"fact": "founded_on", "is": "<=", "value": THREE_YEARS}},
            {"founded_on": "2024-02-29"},  # three years before 2027-02-28 is a day too early
            id="an age is reached",
        ),
        pytest.param(
            "2027-03-02",
            LOST,
            {"rule": {"fact": "founded_on", "is": ">=", "value": THREE_YEARS}},
            {"founded_on": "2024-03-01"},
            id="an age is passed",
        ),
        pytest.param(
            "2027-03-01",
            LOST,
            {"rule": DEALT_WITH, "valid": {"from": "2020-01-01", "to": {"shift": {"years": 5}, "of": {"fact": "founded_on"}}}},
            {"founded_on": "2022-02-28"},
            id="a validity of one's own ends",
        ),
        pytest.param(
            "2027-06-01",
            LOST,
            {"rule": {"some": "certificate", "where": [HIGH_TECH, {"field": "expires_on", "is": ">=", "value": {"ago": {"days": 0}}}]}},
            certificate(expires_on="2027-05-31"),
            id="a certificate expires",
        ),
        pytest.param(
            "2027-08-01",
            FOUND,
            {"rule": {"some": "certificate", "where": [HIGH_TECH]}},
            certificate(awarded_on="2027-08-01"),
            id="a row begins",
        ),
        pytest.param(
            "2027-07-01",
            FOUND,
            {"rule": {"none": "penalty", "where": [{"field": "decided_on", "is": ">=", "value": {"ago": {"months": 12}}}]}},
            {"penalty": [{"id": "p", "decided_on": "2026-06-30"}]},
            id="a penalty is more than twelve months old",
        ),
        pytest.param(
            "2027-07-01",
            LOST,
            {"rule": {"some": "certificate", "where": [{"field": "awarded_on", "is": ">=", "value": {"ago": {"months": 6}}}]}},
            certificate(awarded_on="2026-12-31"),
            id="an award is more than six months old",
        ),
        pytest.param(
            "2027-01-01",
            FOUND,
            {"rule": {"some": "certificate", "where": [LAST_YEAR_AWARDED]}},
            certificate(awarded_on="2026-01-01"),
            id="this year becomes last year",
        ),
        pytest.param(
            "2027-01-01",
            LOST,
            {"rule": {"fact": "revenue", "period": "last_year", "is": ">=", "value": 100}},
            {"revenue": {"2025": 500, "2026": 1}},
            id="last year moves on",
        ),
        pytest.param(
            "2027-04-01",
            FOUND,
            {"rule": {"fact": "revenue", "period": "last_quarter", "is": ">=", "value": 100}},
            {"revenue": {"2026Q4": 1, "2027Q1": 500}},
            id="last quarter moves on",
        ),
        pytest.param(
            "2027-03-01",
            LOST,
            {"rule": {"fact": "insured_persons", "period": "month-1", "is": ">=", "value": 100}},
            {"insured_persons": {"2027-01": 500, "2027-02": 1}},
            id="last month moves on",
        ),
        pytest.param(
            "2027-01-01",
            [("MatchFound", "2027"), ("MatchLost", "2026")],
            {"rule": DEALT_WITH, "stacking": {"once": "year"}},
            {},
            id="the year of an occasion turns",
        ),
        pytest.param(
            "2027-04-01",
            [("MatchFound", "2027Q2"), ("MatchLost", "2027Q1")],
            {"rule": DEALT_WITH, "stacking": {"once": "quarter"}},
            {},
            id="the quarter of an occasion turns",
        ),
        pytest.param(
            "2027-12-01",
            [("MatchFound", "2027-12"), ("MatchLost", "2027-11")],
            {"rule": DEALT_WITH, "stacking": {"once": "month"}},
            {},
            id="the month of an occasion turns",
        ),
        pytest.param(
            "2027-03-01",
            [("MatchChanged", "")],
            {
                "rule": DEALT_WITH,
                "amount": {"case": [[{"fact": "founded_on", "is": "<=", "value": THREE_YEARS}, {"fixed": 200}]], "else": {"fixed": 100}},
            },
            {"founded_on": "2024-03-01"},
            id="an age pays another amount",
        ),
    ],
)
async def test_time_alone_changes_a_match_on_its_day(
    days: Days, day: str, said: list[tuple[str, str]], benefit: dict[str, Any], facts: dict[str, Any]
) -> None:
    turning = date.fromisoformat(day)
    eve, morrow = turning - timedelta(days=1), turning + timedelta(days=1)
    given = {"id": "ben-1", "amount": {"fixed": 100}, **benefit}
    kinds = ("certificate", "penalty")
    stated = {"facts": {k: v for k, v in facts.items() if k not in kinds}, "records": {k: v for k, v in facts.items() if k in kinds}}
    days.stand_at(eve, "12:00")
    await days.matcher.hear(
        FactsStated(uscc=ME, authority="信用", true_on=eve, facts={"dishonest": False} | stated["facts"], records=stated["records"]),
        FactsStated(uscc=OTHER, authority="信用", true_on=eve, facts={"dishonest": True}),
        BenefitPublished(benefit=parse_benefit(loads(dumps(given))), version=1),
    )
    await days.settle()
    before = await days.matcher.pool.fetch("SELECT uscc FROM matches")
    assert len(before) == (0 if said == FOUND else 1)
    assert await days.look() == [], "the eve's own sweep finds what was found"
    for when, hour in ((eve, "23:59:59"), (turning, "00:04:59")):
        days.stand_at(when, hour)
        assert await days.look() == []
    days.stand_at(turning, "00:05:00")
    assert await days.look() == [(what, ME, occasion) for what, occasion in said]
    days.stand_at(turning, "23:59:59")
    assert await days.look() == [], "a day is swept once"
    days.stand_at(morrow, "00:05:00")
    assert await days.look() == [], "only what changed is said"


async def test_days_on_which_nobody_was_there_are_made_up_for_in_one(days: Days) -> None:
    given = {
        "id": "ben-1",
        "rule": {"fact": "founded_on", "is": "<=", "value": THREE_YEARS},
        "valid": {"from": "2020-01-01", "to": "2027-03-31"},
    }
    days.stand_at(date(2027, 2, 1), "12:00")
    await days.matcher.hear(
        FactsStated(uscc=ME, authority="市场监管", true_on=date(2027, 2, 1), facts={"founded_on": "2024-02-15"}),
        FactsStated(uscc=OTHER, authority="市场监管", true_on=date(2027, 2, 1), facts={"founded_on": "2024-03-15"}),
        BenefitPublished(benefit=parse_benefit(given), version=1),
    )
    assert await days.settle() == []
    days.stand_at(date(2027, 3, 20), "09:00")
    assert await days.look() == [("MatchFound", ME, ""), ("MatchFound", OTHER, "")]
    days.stand_at(date(2027, 4, 2), "09:00")
    assert await days.look() == [("MatchLost", ME, ""), ("MatchLost", OTHER, "")]
