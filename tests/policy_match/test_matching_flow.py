"""Benefits and facts in, matches out, on a real database: what is said, what is kept, and that no pair is lost in between."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.events import (
    BenefitAmended,
    BenefitConfirmed,
    BenefitPublished,
    BenefitResumed,
    BenefitSuspended,
    BenefitWithdrawn,
    EnterpriseRenamed,
    FactDisputed,
    FactsStated,
    FeedbackGiven,
    MatchChanged,
    MatchFound,
    MatchLost,
    SweepDue,
)
from contracts.registry import load_figures, load_registry
from contracts.rules import parse_benefit
from services.chassis.bus import Heard, partition_of
from services.chassis.clock import city_day, now
from services.chassis.inbox import UnitOfWork
from services.policy_match.domain.decision import decide
from services.policy_match.domain.matches import Key
from services.policy_match.handlers import deciding, sweeps
from services.policy_match.handlers.sweeps import on_day
from services.policy_match.jobs import due
from services.policy_match.main import SUBSCRIPTIONS
from services.policy_match.store import Store
from tests.service_room import Room, payloads, record, room, traceparent, uscc, usccs_in

TODAY = city_day(now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)


@pytest.fixture(autouse=True)
def few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A day's sweep of more than a few benefits is decided lot by lot."""
    monkeypatch.setattr(sweeps, "TOGETHER", 2)


def benefit(identity: str = "ben-1", **changes: Any) -> Any:
    given: dict[str, Any] = {
        "id": identity,
        "title": "研发补助",
        "article": "第五条",
        "text": "上年度营业收入2000万元以上的，给予10万元奖励。",
        "rule": {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000, "quote": "上年度营业收入2000万元以上"},
        "amount": {"fixed": 100000},
    }
    return parse_benefit({**given, **changes})


def stated(code: str, revenue: int | None = None, **more: Any) -> FactsStated:
    facts = {"revenue": {LAST_YEAR: revenue}} if revenue is not None else {}
    given = {"authority": "税务", "true_on": TODAY, "facts": facts, **more}
    return FactsStated(uscc=code, **given)


@pytest.fixture
async def matcher(database: str) -> AsyncIterator[Room]:
    async with room(database, "policy_match", SUBSCRIPTIONS, Store) as opened:
        yield opened


async def settle(matcher: Room) -> list[Heard]:
    """Let the matcher hear its own sweeps until it says no more; returns what it said to others."""
    others = []
    while said := await matcher.said():
        others += [one for one in said if one.topic != "sweeps.v1"]
        await matcher.hear(*[one for one in said if one.topic == "sweeps.v1"])
    return others


async def test_a_published_benefit_finds_those_who_qualify_and_only_those(matcher: Room) -> None:
    trace = traceparent()
    rich, poor, silent = uscc(1), uscc(2), uscc(3)
    await matcher.hear(stated(rich, 26_000_000), stated(poor, 1), stated(silent))
    await matcher.hear(record(BenefitPublished(benefit=benefit(), version=1), trace=trace))
    said = await settle(matcher)
    (found,) = payloads(said)
    assert found == MatchFound(
        match=Key(rich, "ben-1", "").id, uscc=rich, benefit="ben-1", version=1, occasion="", as_of=TODAY, low=Decimal("100000.00"),
        high=Decimal("100000.00"), deadline=None,
    )  # fmt: skip
    assert said[0].headers["traceparent"].split("-")[1] == trace.split("-")[1]
    row = await matcher.pool.fetchrow("SELECT sum(eligible) AS e, sum(ineligible) AS i, sum(undetermined) AS u FROM runs")
    assert (row["e"], row["i"], row["u"]) == (1, 1, 1)


async def test_a_changed_fact_is_decided_at_once_and_only_changes_are_said(matcher: Room) -> None:
    code = uscc(1)
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1), stated(code, 1))
    assert await settle(matcher) == []
    await matcher.hear(stated(code, 30_000_000))
    await matcher.hear(stated(code, 40_000_000))
    assert [type(event) for event in payloads(await settle(matcher))] == [MatchFound]
    await matcher.hear(stated(code, 5))
    (lost,) = payloads(await settle(matcher))
    assert isinstance(lost, MatchLost)
    assert lost.reason == "facts"


async def test_an_amended_benefit_changes_what_stands_and_a_withdrawn_one_ends_it(matcher: Room) -> None:
    await matcher.hear(stated(uscc(1), 30_000_000), stated(uscc(2), 50_000_000), BenefitPublished(benefit=benefit(), version=1))
    assert len(await settle(matcher)) == 2
    dearer = benefit(amount={"fixed": 200000}, rule={"fact": "revenue", "period": "last_year", "is": ">=", "value": 40000000})
    await matcher.hear(BenefitAmended(benefit=dearer, version=2))
    lost, changed = sorted(payloads(await settle(matcher)), key=lambda event: type(event).__name__, reverse=True)
    assert (type(lost), lost.reason) == (MatchLost, "benefit")  # type: ignore[attr-defined]
    assert isinstance(changed, MatchChanged)
    assert (changed.uscc, changed.low, changed.version) == (uscc(2), Decimal("200000.00"), 2)
    await matcher.hear(BenefitSuspended(benefit=dearer, version=2))
    assert [type(event) for event in payloads(await settle(matcher))] == [MatchLost]
    await matcher.hear(BenefitResumed(benefit=dearer, version=2))
    assert [type(event) for event in payloads(await settle(matcher))] == [MatchFound]
    await matcher.hear(BenefitWithdrawn(benefit=dearer, version=2))
    assert [type(event) for event in payloads(await settle(matcher))] == [MatchLost]
    assert await matcher.pool.fetchval("SELECT count(*) FROM matches") == 0


async def test_an_older_version_that_comes_late_changes_nothing(matcher: Room) -> None:
    await matcher.hear(stated(uscc(1), 30_000_000))
    await matcher.hear(BenefitAmended(benefit=benefit(amount={"fixed": 7}), version=2), BenefitPublished(benefit=benefit(), version=1))
    assert [event.version for event in payloads(await settle(matcher))] == [2]  # type: ignore[attr-defined]


async def test_a_benefit_that_tests_no_fact_is_pushed_to_no_one(matcher: Room) -> None:
    await matcher.hear(stated(uscc(1), 30_000_000))
    await matcher.hear(BenefitPublished(benefit=benefit(rule={"judged": "经评审确有发展潜力"}), version=1))
    await matcher.hear(BenefitPublished(benefit=benefit("ben-2", rule={"all": []}), version=1))
    assert await settle(matcher) == []


async def test_an_amount_that_a_person_settles_is_not_told_as_a_number(matcher: Room) -> None:
    await matcher.hear(stated(uscc(1), 30_000_000))
    await matcher.hear(BenefitPublished(benefit=benefit(amount=None), version=1))
    await matcher.hear(
        BenefitPublished(benefit=benefit("ben-2", amount={"judged": "一次性15—20万元", "between": [150000, 200000]}), version=1)
    )
    assert [(event.low, event.high) for event in payloads(await settle(matcher))] == [(None, None)] * 2  # type: ignore[attr-defined]


async def test_a_deadline_is_the_windows_end_and_the_occasion_follows_once(matcher: Room) -> None:
    end = date(TODAY.year, 12, 31).isoformat()
    given = benefit(
        valid={"from": "2020-01-01", "to": "2099-12-31"},
        window={"from": f"{TODAY.year}-01-01", "to": end},
        stacking={"once": "year"},
    )
    await matcher.hear(stated(uscc(1), 30_000_000), BenefitPublished(benefit=given, version=1))
    (found,) = payloads(await settle(matcher))
    assert isinstance(found, MatchFound)
    assert (found.deadline, found.occasion) == (date.fromisoformat(end), str(TODAY.year))
    assert found.match == Key(uscc(1), "ben-1", str(TODAY.year)).id


async def test_a_late_delivery_about_the_past_does_not_undo_the_present(matcher: Room) -> None:
    code = uscc(1)
    await matcher.hear(BenefitPublished(benefit=benefit(rule={"fact": "dishonest", "is": "=", "value": False}), version=1))
    await matcher.hear(stated(code, authority="信用", facts={"dishonest": False}))
    await matcher.hear(stated(code, authority="信用", facts={"dishonest": True}, true_on=date(2020, 1, 1)))
    assert [type(event) for event in payloads(await settle(matcher))] == [MatchFound]
    assert await matcher.pool.fetchval("SELECT count(*) FROM statements") == 2


async def test_a_record_table_is_replaced_whole(matcher: Room) -> None:
    rule = {"some": "certificate", "where": [{"field": "name", "is": "=", "value": "高新技术企业"}]}
    await matcher.hear(BenefitPublished(benefit=benefit(rule=rule), version=1))
    row = {"id": "c1", "name": "高新技术企业", "awarded_on": "2024-01-01"}
    await matcher.hear(stated(uscc(1), authority="工信", records={"certificate": [row]}))
    await matcher.hear(stated(uscc(1), authority="工信", records={"certificate": []}))
    assert [type(event) for event in payloads(await settle(matcher))] == [MatchFound, MatchLost]


async def test_a_renamed_enterprise_keeps_its_identity_under_a_new_code(matcher: Room) -> None:
    old, new = uscc(1), uscc(4)
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1), stated(old, 30_000_000, name="旧名有限公司"))
    await settle(matcher)
    await matcher.hear(EnterpriseRenamed(uscc=new, name="新名有限公司", former_uscc=old, renamed_on=TODAY))
    lost, found = sorted(payloads(await settle(matcher)), key=lambda event: type(event).__name__, reverse=True)
    assert (type(lost), lost.uscc, type(found), found.uscc) == (MatchLost, old, MatchFound, new)  # type: ignore[attr-defined]
    profiles = await Store(matcher.pool).profiles([old, new])
    assert {code: profile.name for code, profile in profiles.items()} == {new: "新名有限公司"}
    assert await Store(matcher.pool).partitions([old, new]) == {new: partition_of(new, 12)}
    await matcher.hear(stated(old, 1))
    assert await matcher.pool.fetchval("SELECT count(*) FROM dead_letters WHERE reason LIKE '%new USCC%'") == 1


async def test_answers_and_disputes_are_kept_once(matcher: Room) -> None:
    confirmed = record(BenefitConfirmed(uscc=uscc(1), benefit="ben-1", occasion="", message="m"), identity="a")
    feedback = record(FeedbackGiven(uscc=uscc(1), message="m", benefit="ben-1", rating=2, not_for_me=True, given_at=now()), identity="b")
    dispute = record(FactDisputed(uscc=uscc(1), dispute="d-1", fact="revenue", authority="税务", claimed={"2024": 3}), identity="c")
    await matcher.hear(confirmed, feedback, dispute)
    await matcher.hear(confirmed, feedback, dispute)
    rows = await matcher.pool.fetch("SELECT kind, rating, not_for_me FROM answers ORDER BY kind")
    assert [tuple(row) for row in rows] == [("confirmed", None, False), ("feedback", 2, True)]
    assert await matcher.pool.fetchval("SELECT claimed FROM disputes") == {"2024": 3}


async def test_a_value_of_the_wrong_kind_is_counted_and_does_not_hold_up_its_neighbours(matcher: Room) -> None:
    await matcher.hear(stated(uscc(1), 30_000_000), stated(uscc(2), facts={"revenue": {LAST_YEAR: "很多"}}))
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1))
    assert [type(event) for event in payloads(await settle(matcher))] == [MatchFound]
    row = await matcher.pool.fetchrow("SELECT sum(undetermined) AS u, sum(faulty) AS f FROM runs")
    assert tuple(row) == (1, 1)


async def test_the_day_is_swept_once(matcher: Room) -> None:
    await matcher.hear(BenefitPublished(benefit=benefit(), version=1))
    await settle(matcher)
    for _ in range(2):
        async with matcher.pool.acquire() as connection, connection.transaction():
            work: UnitOfWork[Store] = UnitOfWork(Store(connection), connection, now(), TODAY)
            await on_day(work)
            await work.finish()
    said = payloads(await matcher.said())
    assert sorted(event.partition for event in said) == list(range(12))  # type: ignore[attr-defined]
    assert {event.reason for event in said} == {"day"}  # type: ignore[attr-defined]


@pytest.mark.parametrize(("moment", "expected"), [("00:04:59", False), ("00:05:00", True), ("23:59:00", True)])
def test_the_days_sweep_is_due_from_five_past_midnight_of_the_city(moment: str, expected: bool) -> None:
    assert due(datetime.fromisoformat(f"2025-06-30T{moment}").replace(tzinfo=ZoneInfo("Asia/Shanghai")), "Asia/Shanghai") is expected


async def test_time_alone_ends_a_match(matcher: Room) -> None:
    await matcher.hear(stated(uscc(1), 30_000_000), BenefitPublished(benefit=benefit(), version=1))
    await settle(matcher)
    await matcher.pool.execute('UPDATE benefits SET body = body || \'{"valid": {"to": "2020-12-31"}}\'')
    await matcher.hear(*[SweepDue(partition=shard, as_of=TODAY, reason="day") for shard in range(12)])
    (lost,) = payloads(await settle(matcher))
    assert isinstance(lost, MatchLost)
    assert lost.reason == "time"


# --- publish while a fact changes ---------------------------------------------------------------------------------------

LINES = (10, 20, 30)


def _step(rng: random.Random, version: int) -> Any:
    line = rng.choice(LINES)
    rule = {"fact": "revenue", "period": "last_year", "is": ">=", "value": line}
    given = benefit(rule=rule, amount={"fixed": line})
    kinds = [BenefitAmended, BenefitSuspended, BenefitResumed] if version > 1 else [BenefitPublished]
    return rng.choice(kinds)(benefit=given, version=version)


async def _interleaved(matcher: Room, rng: random.Random, enterprises: list[str]) -> list[Heard]:
    """Benefit events, the sweeps they cause and facts, each stream in its own order, all at once; returns what was said."""
    shards = {partition_of(code, 12) for code in enterprises}
    said: list[Heard] = []

    async def jitter() -> None:
        for _ in range(rng.randrange(4)):
            await matcher.pool.fetchval("SELECT 1")

    async def sweeps() -> None:
        waiting = await matcher.said()
        said.extend(one for one in waiting if one.topic != "sweeps.v1")
        by_shard = [[one for one in waiting if one.topic == "sweeps.v1" and one.partition == shard] for shard in shards]

        async def sweep(records: list[Heard]) -> None:
            for one in records:
                await jitter()
                await matcher.hear(one)

        await asyncio.gather(*(sweep(records) for records in by_shard))

    async def benefits() -> None:
        for version in range(1, rng.randrange(2, 4)):
            await jitter()
            await matcher.hear(_step(rng, version))
            await sweeps()

    async def facts(shard: int) -> None:
        mine = [code for code in enterprises if partition_of(code, 12) == shard]
        for _ in range(rng.randrange(1, 3)):
            await jitter()
            await matcher.hear(*[stated(code, rng.randrange(40)) for code in rng.sample(mine, rng.randrange(1, len(mine) + 1))])

    await asyncio.gather(benefits(), *(facts(shard) for shard in shards))
    await sweeps()
    said.extend(await matcher.said())
    return said


async def _verdicts(matcher: Room) -> dict[Key, tuple[int, Decimal]]:
    """What the interpreter says at rest."""
    kept = await matcher.pool.fetch("SELECT id, version, status, body FROM benefits")
    found = {}
    for enterprise in await Store(matcher.pool).enterprises():
        for row in kept:
            decision = decide(
                parse_benefit(row["body"]), enterprise, as_of=TODAY, registry=load_registry(), figures=load_figures(), explain=False
            )
            if row["status"] == "published" and decision.outcome == "eligible":
                found[Key(enterprise.uscc, row["id"], "")] = (row["version"], Decimal(decision.amount.low))
    return found


def _heard_by_notify(said: list[Heard]) -> dict[Key, tuple[int, Decimal]]:
    """What a listener believes after hearing everything in order."""
    believed: dict[Key, tuple[int, Decimal]] = {}
    for event in payloads(sorted(said, key=lambda one: one.offset)):
        assert isinstance(event, MatchFound | MatchChanged | MatchLost)
        key = Key(event.uscc, event.benefit, event.occasion)
        assert (key in believed) is not isinstance(event, MatchFound)
        if isinstance(event, MatchLost):
            del believed[key]
        else:
            assert event.low is not None
            believed[key] = (event.version, event.low)
    return believed


async def _agreements(matcher: Room, rounds: int) -> int:
    """So many interleavings, each compared with the interpreter at rest; returns how many pairs were eligible. Raises AssertionError."""
    rng = random.Random(20250630)
    enterprises = [*usccs_in(3, 2), *usccs_in(7, 1)]
    eligible = 0
    for _ in range(rounds):
        said = await _interleaved(matcher, rng, enterprises)
        verdicts = await _verdicts(matcher)
        rows = await matcher.pool.fetch("SELECT uscc, benefit, occasion, version, low FROM matches")
        assert {Key(row["uscc"], row["benefit"], row["occasion"]): (row["version"], row["low"]) for row in rows} == verdicts
        assert _heard_by_notify(said) == verdicts
        eligible += len(verdicts)
        for table in ("benefits", "profiles", "shards", "statements", "matches", "runs", "outbox", "inbox"):
            await matcher.pool.execute(f"DELETE FROM {table}")
    return eligible


@pytest.mark.timeout(110)
async def test_publish_while_facts_change_and_the_verdict_is_always_that_of_the_interpreter(matcher: Room) -> None:
    assert await _agreements(matcher, 500) > 100
    assert await matcher.pool.fetchval("SELECT count(*) FROM parked") == 0


class _Unlocked(Store):
    async def lock_shards(self, partitions: Iterable[int]) -> None:
        pass


async def test_without_the_shards_lock_the_interleavings_do_disagree(database: str) -> None:
    async with room(database, "policy_match", SUBSCRIPTIONS, _Unlocked) as matcher:
        with pytest.raises(AssertionError):
            await _agreements(matcher, 500)


async def test_a_long_sweep_is_written_in_lots_that_stand_or_fall_together(matcher: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deciding, "TOGETHER", 3)
    codes, keep, failures = usccs_in(3, 8), Store.add_runs, iter([ValueError("after the last lot")])

    async def fails_once(store: Store, *given: Any) -> None:
        if error := next(failures, None):
            raise error
        await keep(store, *given)

    monkeypatch.setattr(Store, "add_runs", fails_once)
    await matcher.hear(*(stated(code, 30_000_000) for code in codes))
    for event, kind in ((BenefitPublished, MatchFound), (BenefitWithdrawn, MatchLost)):
        await matcher.hear(event(benefit=benefit(), version=1))
        await matcher.hear(*[one for one in await matcher.said() if one.partition == 3])
        said = payloads(await matcher.said())
        assert {type(one) for one in said} == {kind}
        assert sorted(one.uscc for one in said) == sorted(codes)  # type: ignore[attr-defined]
    assert next(failures, None) is None
    assert await matcher.pool.fetchval("SELECT count(*) FROM matches") == 0
