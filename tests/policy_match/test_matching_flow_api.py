"""policy_match's API: an enterprise's own file, its matches with reasons, any decision, and the trial run of a draft."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.events import BenefitConfirmed, BenefitPublished, BenefitSuspended, FactDisputed, FactsStated, SweepDue
from contracts.rules import Decision, InWords, dumps, loads, parse_benefit
from services.chassis.clock import city_day, now
from services.policy_match.main import build
from services.policy_match.store.tables import Table
from tests.running import Running, differences, running
from tests.service_room import alone, room_of, uscc

TODAY = city_day(now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)
ME, OTHER = uscc(1), uscc(2)
RULE: dict[str, Any] = {
    "all": [
        {"fact": "revenue", "period": "last_year", "is": ">=", "value": 20000000, "quote": "上年度营业收入2000万元以上"},
        {"any": [{"fact": "dishonest", "is": "=", "value": False}, {"judged": "经评审确有发展潜力"}]},
    ]
}
GIVEN: dict[str, Any] = {
    "id": "ben-1",
    "title": "营收增长奖励",
    "policy": "若干措施",
    "article": "第五条",
    "text": "上年度营业收入2000万元以上的，给予10万元奖励。",
    "rule": RULE,
    "amount": {"fixed": 100000},
    "cases": [
        {
            "name": "刚好达到",
            "as_of": "2025-06-30",
            "facts": {"revenue": {"2024": 20000000}, "dishonest": False},
            "expect": "eligible",
            "amount": "100000.00",
        }
    ],
}
GENERAL: dict[str, Any] = {"id": "ben-2", "title": "政策咨询", "rule": {"all": []}}


@pytest.fixture
async def service(database: str) -> AsyncIterator[Running]:
    async with running(build(settings=alone(database))) as opened:
        yield opened


async def told(service: Running) -> None:
    """Two benefits, two enterprises, decided."""
    await room_of(service).hear(BenefitPublished(benefit=parse_benefit(GIVEN), version=3))
    await room_of(service).hear(BenefitPublished(benefit=parse_benefit(GENERAL), version=1))
    tax = {"authority": "税务", "true_on": TODAY, "name": "某某有限公司"}
    for code, revenue in ((ME, 26_000_000), (OTHER, 19_000_000)):
        await room_of(service).hear(FactsStated(uscc=code, facts={"revenue": {LAST_YEAR: revenue}}, **tax))
        await room_of(service).hear(FactsStated(uscc=code, authority="信用", true_on=TODAY, facts={"dishonest": False}))


async def test_tables_and_migrations_agree(service: Running, database: str) -> None:
    assert await differences(database, Table.metadata) == []


async def test_an_enterprise_sees_its_own_file_and_who_stated_what(service: Running) -> None:
    await told(service)
    await room_of(service).hear(
        FactDisputed(uscc=ME, dispute="d-1", fact="revenue", authority="税务", claimed={LAST_YEAR: 3}, reason="少计")
    )
    caller = await service.client("enterprise", "某某", "facts:read", uscc=ME)
    file = (await caller.get(f"/v1/enterprises/{ME}")).json()
    revenue = next(fact for fact in file["facts"] if fact["fact"] == "revenue")
    assert file["name"] == "某某有限公司"
    assert (revenue["name"], revenue["period"], revenue["authority"], revenue["true_on"]) == (
        "营业收入",
        LAST_YEAR,
        "税务",
        TODAY.isoformat(),
    )
    assert revenue["known_on"] > "2026"
    assert [dispute["fact"] for dispute in file["disputes"]] == ["revenue"]
    for foreign in (OTHER, uscc(9)):
        assert (await caller.get(f"/v1/enterprises/{foreign}")).status_code == 404


async def test_a_match_names_the_tests_it_passed_with_the_words_of_the_clause(service: Running) -> None:
    await told(service)
    await room_of(service).hear(BenefitConfirmed(uscc=ME, benefit="ben-1", occasion="", message="m"))
    caller = await service.client("enterprise", "某某", "matches:read", uscc=ME)
    body = (await caller.get(f"/v1/enterprises/{ME}/matches")).json()
    (match,) = body["items"]
    assert (match["benefit"], match["version"], match["low"], match["high"], match["deadline"]) == (
        "ben-1", 3, "100000.00", "100000.00", None,
    )  # fmt: skip
    assert match["answer"] == "confirmed"
    assert match["clause"]["text"] == GIVEN["text"]
    first = match["reasons"][0]
    assert (first["name"], first["fact"], first["found"], first["wanted"]) == (
        "营业收入",
        f"revenue@{LAST_YEAR}",
        "26000000",
        ">= 20000000",
    )
    assert (first["source"], first["quote"]) == ("税务", "上年度营业收入2000万元以上")
    assert [one["benefit"] for one in body["general"]] == ["ben-2"]
    other = await service.client("enterprise", "另一家", "matches:read", uscc=OTHER)
    assert (await other.get(f"/v1/enterprises/{OTHER}/matches")).json()["items"] == []


async def test_any_decision_can_be_asked_for_and_names_what_keeps_it_from_being_yes(service: Running) -> None:
    await told(service)
    caller = await service.client("enterprise", "另一家", "matches:read", uscc=OTHER)
    reply = await caller.get(f"/v1/enterprises/{OTHER}/decisions/ben-1")
    decision = Decision.model_validate(loads(reply.content))
    assert (decision.outcome, decision.rule_version) == ("ineligible", 3)
    assert decision.near_miss is not None
    assert decision.near_miss.change[0].to == 20000000
    past = await caller.get(f"/v1/enterprises/{OTHER}/decisions/ben-1", params={"as_of": "2020-01-01"})
    assert loads(past.content)["outcome"] == "undetermined"
    assert (await caller.get(f"/v1/enterprises/{OTHER}/decisions/nothing")).json()["code"] == "not-found"
    assert (await caller.get(f"/v1/enterprises/{ME}/decisions/ben-1")).status_code == 404


async def test_why_not_me_is_answered_in_sentences_with_who_said_so_and_when(service: Running) -> None:
    await told(service)
    caller = await service.client("enterprise", "另一家", "matches:read", uscc=OTHER)
    words = Decision.model_validate(loads((await caller.get(f"/v1/enterprises/{OTHER}/decisions/ben-1")).content)).in_words
    assert words is not None
    today = f"{TODAY.year}年{TODAY.month}月{TODAY.day}日"
    first, alternatives, honest, judged = words.reasons
    assert first.sentence == f"{LAST_YEAR}年营业收入1900万元，要求不低于2000万元，还差100万元，不符合。"
    assert (first.source, first.quote) == (f"数据来自市税务局，{today}", "上年度营业收入2000万元以上")
    assert (alternatives.outcome, honest.outcome, judged.outcome) == ("true", "true", "unknown")
    assert honest.source == f"数据来自市公共信用信息中心，{today}"
    assert "离符合条件还差" in words.next[0]


async def test_why_not_me_works_for_what_is_no_longer_or_not_yet_on_offer(service: Running) -> None:
    await told(service)
    hear = room_of(service).hear
    later = {"from": (TODAY + timedelta(days=40)).isoformat(), "to": None}
    await hear(BenefitPublished(benefit=parse_benefit({**GIVEN, "id": "ben-3", "valid": later}), version=1))
    await hear(BenefitPublished(benefit=parse_benefit({**GIVEN, "id": "ben-4", "window": later}), version=1))
    elsewhere = {"fact": "district", "is": "under", "value": ["440300"]}
    await hear(BenefitPublished(benefit=parse_benefit({**GIVEN, "id": "ben-5", "rule": elsewhere}), version=1))
    await hear(FactsStated(uscc=ME, authority="市场监管", true_on=TODAY, facts={"district": "350206"}))
    await hear(BenefitSuspended(benefit=parse_benefit(GIVEN), version=3, reason="额度用完"))
    caller = await service.client("enterprise", "某某", "matches:read", uscc=ME)

    async def words(benefit: str) -> InWords:
        decision = Decision.model_validate(loads((await caller.get(f"/v1/enterprises/{ME}/decisions/{benefit}")).content))
        assert decision.in_words is not None
        return decision.in_words

    assert (await words("ben-1")).summary.startswith("该事项目前暂停办理。")
    assert "不在有效期内" in (await words("ben-3")).summary
    assert any("起符合条件" in step for step in (await words("ben-3")).next)
    assert (await words("ben-4")).next[-1].endswith("起，还没有开始。")
    assert (await words("ben-5")).reasons[0].sentence.startswith("注册地为湖里区，要求属于")


async def test_why_not_me_refuses_a_code_that_cannot_be_one_and_says_why(service: Running) -> None:
    platform = await service.client("platform", "平台", "matches:read")
    for code, word in (("9135", "18"), (ME[:-1] + ("0" if ME[-1] != "0" else "1"), "校验")):
        reply = await platform.get(f"/v1/enterprises/{code}/decisions/ben-1")
        assert (reply.status_code, reply.json()["code"]) == (422, "invalid-uscc")
        assert word in reply.text


async def test_a_draft_is_tried_on_the_whole_city_before_anyone_signs(service: Running) -> None:
    await told(service)
    officer = await service.client("officer", "经办", "matches:read", department="工信局", roles=["editor"])
    reply = await officer.post("/v1/simulations", content=dumps({"benefit": GIVEN}))
    result = reply.json()
    assert result["cases"] == [{"name": "刚好达到", "passed": True, "why": None}]
    assert result["reach"] == {
        "eligible": 1, "ineligible": 1, "undetermined": 0, "faulty": 0, "amount": {"low": "100000.00", "high": "100000.00"},
    }  # fmt: skip
    failing = {**GIVEN, "cases": [{**GIVEN["cases"][0], "expect": "ineligible"}]}
    result = (await officer.post("/v1/simulations", content=dumps({"benefit": failing}))).json()
    assert not result["cases"][0]["passed"]
    assert "应为“不符合”" in result["cases"][0]["why"]
    broken = {**GIVEN, "rule": {"fact": "no_such_fact", "is": "=", "value": 1}}
    result = (await officer.post("/v1/simulations", content=dumps({"benefit": broken}))).json()
    assert result["reach"] is None
    assert any(finding["severity"] == "error" for finding in result["findings"])
    unreached = await officer.post("/v1/simulations?reach=false", content=dumps({"benefit": GIVEN}))
    assert (unreached.json()["reach"], len(unreached.json()["cases"])) == (None, 1)
    refused = await officer.post("/v1/simulations", content='{"benefit": {"id": "x", "rule": {"fatc": 1}}}')
    assert (refused.status_code, refused.json()["code"]) == (422, "rejected-rule")


async def test_the_counts_of_the_last_sweep_are_kept_for_officers(service: Running) -> None:
    await told(service)
    officer = await service.client("officer", "经办", "matches:read", department="工信局")
    assert (await officer.get("/v1/simulations/ben-1")).status_code == 404
    for shard in range(12):
        await room_of(service).hear(SweepDue(partition=shard, benefit="ben-1", version=3, as_of=TODAY, reason="published"))
    run = (await officer.get("/v1/simulations/ben-1")).json()
    assert (run["eligible"], run["ineligible"], run["undetermined"]) == (1, 1, 0)


async def test_a_code_that_is_none_is_told_so(service: Running) -> None:
    caller = await service.client("platform", "平台", "matches:read", "facts:read")
    assert (await caller.get("/v1/enterprises/913502000000000000/matches")).json()["code"] == "invalid-uscc"
    assert (await caller.get(f"/v1/enterprises/{uscc(77)}")).json()["code"] == "not-found"
