"""An enterprise is asked what only it can say, at most once a week; what an office owes stands on that office's list."""

from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from contracts.events import AnswerWanted, BenefitPublished, FactsStated, MatchFound
from contracts.rules import parse_benefit
from services.chassis.clock import city_day, now
from services.chassis.inbox import UnitOfWork
from services.policy_match import main
from services.policy_match.handlers.sweeps import on_day
from services.policy_match.main import SUBSCRIPTIONS
from services.policy_match.store import Store
from tests.running import Running, running
from tests.service_room import Room, alone, payloads, room, room_of, uscc

TODAY = city_day(now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)
NEED = {"fact": "financing_need", "is": "=", "value": True}
RICH = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 100}


@pytest.fixture
async def matcher(database: str) -> AsyncIterator[Room]:
    async with room(database, "policy_match", SUBSCRIPTIONS, Store) as opened:
        yield opened


def published(identity: str, rule: Any, amount: int = 1000) -> BenefitPublished:
    return BenefitPublished(benefit=parse_benefit({"id": identity, "rule": rule, "amount": {"fixed": amount}}), version=1)


def revenue(code: str, figure: int) -> FactsStated:
    return FactsStated(uscc=code, authority="税务", true_on=TODAY, facts={"revenue": {LAST_YEAR: figure}})


def answer(code: str, *, need: bool | None) -> FactsStated:
    return FactsStated(uscc=code, authority="企业", true_on=TODAY, facts={"financing_need": need})


async def settle(matcher: Room) -> list[Any]:
    others = []
    while said := await matcher.said():
        others += [one for one in said if one.topic != "sweeps.v1"]
        await matcher.hear(*[one for one in said if one.topic == "sweeps.v1"])
    return list(payloads(others))


async def new_day(matcher: Room) -> list[Any]:
    """A day begins, as far as the sweeps can tell; what it has to say."""
    async with matcher.pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM days")
        work = UnitOfWork(Store(connection), connection, now(), TODAY)
        await on_day(work)
        await work.finish()
    return await settle(matcher)


async def a_week_passes(matcher: Room) -> None:
    await matcher.pool.execute("UPDATE questions SET at = at - $1::interval", timedelta(days=7))


async def test_an_enterprise_is_asked_once_and_its_answer_settles(matcher: Room) -> None:
    me = uscc(1)
    await matcher.hear(published("a", {"all": [RICH, NEED]}), published("b", NEED, 500), revenue(me, 100))
    assert await settle(matcher) == []
    (asked,) = await new_day(matcher)
    assert asked == AnswerWanted(uscc=me, questions=["financing_need"], benefits=2, up_to=Decimal("1500.00"), as_of=TODAY)
    assert await new_day(matcher) == [], "nothing new"
    await matcher.hear(answer(me, need=True))
    assert [type(event) for event in await settle(matcher)] == [MatchFound, MatchFound]
    (closed,) = await new_day(matcher)
    assert (closed.questions, closed.benefits) == ([], 0)
    assert await new_day(matcher) == []


async def test_what_is_new_waits_until_the_week_is_over(matcher: Room) -> None:
    me = uscc(1)
    await matcher.hear(published("a", NEED), revenue(me, 100))
    await settle(matcher)
    assert len(await new_day(matcher)) == 1
    await matcher.hear(published("b", NEED))
    await settle(matcher)
    assert await new_day(matcher) == []
    await a_week_passes(matcher)
    (asked,) = await new_day(matcher)
    assert asked.benefits == 2
    await a_week_passes(matcher)
    assert await new_day(matcher) == [], "the same is not asked twice"


async def test_a_question_that_is_taken_back_and_comes_again_waits_too(matcher: Room) -> None:
    me = uscc(1)
    await matcher.hear(published("a", NEED), revenue(me, 100))
    await settle(matcher)
    await new_day(matcher)
    await matcher.hear(answer(me, need=False))
    assert [event.questions for event in await new_day(matcher)] == [[]]
    await matcher.hear(answer(me, need=None))
    assert await new_day(matcher) == []
    await a_week_passes(matcher)
    assert [event.questions for event in await new_day(matcher)] == [["financing_need"]]


async def test_who_waits_for_an_office_is_not_asked(matcher: Room) -> None:
    me = uscc(1)
    await matcher.hear(
        published("a", {"all": [RICH, NEED]}), FactsStated(uscc=me, authority="市场监管", true_on=TODAY, facts={"status": "存续"})
    )
    await settle(matcher)
    assert await new_day(matcher) == []


@pytest.fixture
async def served(database: str) -> AsyncIterator[Running]:
    async with running(main.build(settings=alone(database))) as service:
        yield service


async def test_what_is_missing_stands_on_the_list_of_its_office(served: Running) -> None:
    matcher = room_of(served)
    rich, poor, silent = uscc(1), uscc(2), uscc(3)
    known = FactsStated(uscc=silent, authority="市场监管", true_on=TODAY, facts={"status": "存续"})
    certified = {"some": "certificate", "where": []}
    await matcher.hear(published("a", RICH), published("b", {"all": [RICH, certified]}), revenue(rich, 100), revenue(poor, 1), known)
    await new_day(matcher)
    tax = await served.client("authority", "tax", "facts:read", department="税务")
    (gap,) = (await tax.get("/v1/gaps")).json()["items"]
    assert gap == {
        "fact": f"revenue@{LAST_YEAR}",
        "name": "营业收入",
        "period": LAST_YEAR,
        "enterprises": 1,
        "benefits": [{"benefit": "a", "enterprises": 1}, {"benefit": "b", "enterprises": 1}],
        "as_of": TODAY.isoformat(),
    }
    assert (await tax.get("/v1/gaps?authority=工信")).status_code == 404
    officer = await served.client("officer", "o", "facts:read", department="市工信局")
    (gap,) = (await officer.get("/v1/gaps?authority=工信")).json()["items"]
    assert (gap["fact"], gap["enterprises"]) == ("certificate", 2)
    assert (await officer.get("/v1/gaps?authority=谁")).json()["code"] == "invalid-request"


async def test_a_long_list_comes_in_pages(served: Running) -> None:
    matcher = room_of(served)
    facts = ["revenue", "tax_paid", "rd_expense"]
    rule = {"all": [{"fact": fact, "period": "last_year", "is": ">", "value": 0} for fact in facts]}
    await matcher.hear(published("a", rule), FactsStated(uscc=uscc(1), authority="市场监管", true_on=TODAY, facts={"status": "存续"}))
    await new_day(matcher)
    tax = await served.client("authority", "tax", "facts:read", department="市税务局")
    first = (await tax.get("/v1/gaps?limit=2")).json()
    rest = (await tax.get("/v1/gaps", params={"limit": 2, "cursor": first["next"]})).json()
    seen = [gap["fact"] for gap in [*first["items"], *rest["items"]]]
    assert seen == sorted(f"{fact}@{LAST_YEAR}" for fact in facts)
    assert rest["next"] is None
