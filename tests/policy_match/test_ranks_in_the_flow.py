"""A rank is decided for the whole city at once: when a benefit is published and when a day begins; between, nobody's rank moves."""

from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from contracts.events import BenefitAmended, BenefitPublished, EnterpriseRenamed, FactsStated, SweepDue
from contracts.registry import load_figures, load_registry
from contracts.rules import parse_benefit
from services.chassis.bus import Heard
from services.chassis.clock import city_day, now
from services.chassis.inbox import UnitOfWork
from services.policy_match import main
from services.policy_match.domain.decision import decide
from services.policy_match.domain.population import rank_population
from services.policy_match.handlers.sweeps import on_day
from services.policy_match.main import SUBSCRIPTIONS
from services.policy_match.store import Store
from tests.running import running
from tests.service_room import Room, alone, payloads, room, room_of, uscc, usccs_in

TODAY = city_day(now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)
OPEN = {"fact": "status", "is": "=", "value": "存续"}
FIRST_THREE = {"rank": "revenue", "period": "last_year", "among": OPEN, "is": "<=", "value": 3}


@pytest.fixture
async def matcher(database: str) -> AsyncIterator[Room]:
    async with room(database, "policy_match", SUBSCRIPTIONS, Store) as opened:
        yield opened


def benefit(rule: Any = FIRST_THREE, identity: str = "first") -> Any:
    return parse_benefit({"id": identity, "rule": rule, "amount": {"fixed": 100}})


def revenue(code: str, figure: int | None) -> FactsStated:
    return FactsStated(uscc=code, authority="税务", true_on=TODAY, facts={"revenue": {LAST_YEAR: figure}})


def status(code: str, state: str) -> FactsStated:
    return FactsStated(uscc=code, authority="市场监管", true_on=TODAY, facts={"status": state})


async def settle(matcher: Room) -> list[tuple[str, str]]:
    others: list[Heard] = []
    while said := await matcher.said():
        others += [one for one in said if one.topic != "sweeps.v1"]
        await matcher.hear(*[one for one in said if one.topic == "sweeps.v1"])
    return sorted((type(event).__name__, event.uscc) for event in payloads(others))  # type: ignore[attr-defined]


async def new_day(matcher: Room, day: date = TODAY) -> None:
    async with matcher.pool.acquire() as connection, connection.transaction():
        await connection.execute("DELETE FROM days")
        work = UnitOfWork(Store(connection), connection, now(), day)
        await on_day(work)
        await work.finish()


async def state(matcher: Room, figures: dict[str, int | None]) -> None:
    for code, figure in figures.items():
        await matcher.hear(status(code, "存续"), revenue(code, figure))


CODES = [uscc(number) for number in range(20)]


async def test_a_published_benefit_finds_the_first_of_the_whole_city(matcher: Room) -> None:
    await state(matcher, {code: 100 - number for number, code in enumerate(CODES)})
    await matcher.hear(status(CODES[0], "注销"))
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1))
    assert await settle(matcher) == sorted(("MatchFound", code) for code in CODES[1:4])


async def test_a_decision_on_demand_tells_the_rank_by_which_it_was_found(database: str) -> None:
    async with running(main.build(settings=alone(database))) as service:
        matcher = room_of(service)
        await state(matcher, {code: 100 - number for number, code in enumerate(CODES[:6])})
        await matcher.hear(BenefitPublished(benefit=benefit(), version=1))
        await settle(matcher)
        portal = await service.client("platform", "portal", "matches:read")
        decisions = [(await portal.get(f"/v1/enterprises/{code}/decisions/first")).json() for code in CODES[:6]]
        assert [decision["outcome"] for decision in decisions] == ["eligible"] * 3 + ["ineligible"] * 3
        (matched,) = (await portal.get(f"/v1/enterprises/{CODES[0]}/matches")).json()["items"]
        assert [int(reason["found"]) for reason in matched["reasons"]] == [1]


async def test_between_two_days_no_rank_moves_and_a_new_day_ranks_anew(matcher: Room) -> None:
    other = {"fact": "revenue", "period": "last_year", "is": ">=", "value": 1000}
    await state(matcher, {code: 100 - number for number, code in enumerate(CODES)})
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1), BenefitPublished(benefit=benefit(other, "rich"), version=1))
    await settle(matcher)
    await matcher.hear(revenue(CODES[10], 1000), revenue(CODES[0], 1))
    assert await settle(matcher) == [("MatchFound", CODES[10])], "the other benefit is decided at once"
    await new_day(matcher)
    assert await settle(matcher) == [("MatchFound", CODES[10]), ("MatchLost", CODES[0])]
    await new_day(matcher)
    assert await settle(matcher) == []


async def test_a_city_without_facts_ranks_nobody_first(matcher: Room) -> None:
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1))
    await state(matcher, dict.fromkeys(CODES[:5], 7))
    assert await settle(matcher) == [], "among no figures everybody would be the first"
    await new_day(matcher)
    assert await settle(matcher) == [("MatchFound", code) for code in sorted(CODES[:5])], "five share the first rank"


async def test_an_amended_benefit_is_ranked_at_once(matcher: Room) -> None:
    await state(matcher, {code: 100 - number for number, code in enumerate(CODES)})
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1))
    await settle(matcher)
    half = {"percentile": "revenue", "period": "last_year", "among": OPEN, "is": "<=", "value": 0.1}
    await matcher.hear(BenefitAmended(benefit=benefit(half), version=2))
    assert await settle(matcher) == sorted([("MatchChanged", CODES[0]), ("MatchChanged", CODES[1]), ("MatchLost", CODES[2])])


async def test_a_benefit_with_the_same_ranking_that_comes_in_the_day_moves_nobodys_rank_in_the_first(matcher: Room) -> None:
    (former,), (successor,) = usccs_in(3, 1), usccs_in(4, 1)
    rich = [code for code in CODES if code not in (former, successor)][:3]
    await state(matcher, {former: 100, **dict.fromkeys(rich, 5)})
    await matcher.hear(BenefitPublished(benefit=benefit({**FIRST_THREE, "value": 1}), version=1))
    assert await settle(matcher) == [("MatchFound", former)]
    await matcher.hear(revenue(rich[0], 1000))
    await matcher.hear(BenefitPublished(benefit=benefit({**FIRST_THREE, "value": 1}, "second"), version=1))
    assert await settle(matcher) == [("MatchFound", rich[0])]
    await matcher.hear(EnterpriseRenamed(uscc=successor, former_uscc=former, name="新名", renamed_on=TODAY))
    assert await settle(matcher) == [("MatchFound", successor), ("MatchLost", former)]


async def test_a_sweep_of_another_day_leaves_ranks_to_that_days_own(matcher: Room) -> None:
    await state(matcher, {code: 100 - number for number, code in enumerate(CODES)})
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1))
    await settle(matcher)
    tomorrow = TODAY + timedelta(days=1)
    await matcher.hear(revenue(CODES[10], 1000))
    await matcher.hear(*[SweepDue(partition=shard, benefit="first", version=1, as_of=tomorrow, reason="amended") for shard in range(12)])
    assert await settle(matcher) == []


async def test_an_enterprise_with_a_new_uscc_keeps_its_rank(matcher: Room) -> None:
    (former,), (successor,) = usccs_in(3, 1), usccs_in(4, 1)
    await state(matcher, {former: 1000, **{code: 5 for code in CODES if code not in (former, successor)}})
    await matcher.hear(BenefitPublished(benefit=benefit({**FIRST_THREE, "value": 1}), version=1))
    assert await settle(matcher) == [("MatchFound", former)]
    await matcher.hear(EnterpriseRenamed(uscc=successor, former_uscc=former, name="新名", renamed_on=TODAY))
    assert await settle(matcher) == [("MatchFound", successor), ("MatchLost", former)]


async def test_the_flow_finds_whom_the_interpreter_finds(matcher: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.policy_match.store.shards.READ_AT_ONCE", 3)
    growth = {"rank": "revenue", "period": "last_year", "take": "growth", "among": {"all": []}, "is": "<=", "value": 4, "order": "asc"}
    rule = {"any": [growth, {**FIRST_THREE, "value": 1}]}
    for number, code in enumerate(CODES):
        figures = {str(TODAY.year - 2): number % 7 + 1, LAST_YEAR: (number * 5) % 11} if number % 6 else {LAST_YEAR: number}
        await matcher.hear(FactsStated(uscc=code, authority="税务", true_on=TODAY, facts={"revenue": figures}))
        if number % 4:
            await matcher.hear(status(code, "存续" if number % 3 else "歇业"))
    await matcher.hear(BenefitPublished(benefit=benefit(rule), version=1))
    found = await settle(matcher)
    city = await Store(matcher.pool).enterprises()
    same: dict[str, Any] = {"as_of": TODAY, "registry": load_registry(), "figures": load_figures()}
    population = rank_population([benefit(rule)], city, **same)
    wanted = [one.uscc for one in city if decide(benefit(rule), one, population=population, **same).outcome == "eligible"]
    assert found == sorted(("MatchFound", code) for code in wanted)
    assert len(wanted) >= 4
