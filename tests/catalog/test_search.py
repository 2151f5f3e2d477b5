"""Chinese full text without a dictionary: what stands in a text is found, ranked, and marked where it stands."""

import random
import re
import statistics
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import MeasureRead
from contracts.registry import load_registry
from contracts.rules import dumps
from services.catalog.api import ROUTERS
from services.catalog.domain.departments import Departments
from services.catalog.domain.facets import NEVER, level_of, listed
from services.catalog.domain.review import Standing
from services.catalog.domain.search import highlight, places_of, tsquery, tsvector
from services.catalog.handlers import Entry, Kept
from services.catalog.store import Store
from services.chassis import clock
from services.chassis.app import create_app
from services.chassis.auth import Principal
from tests.running import Running, running, settings

CHINESE = st.text(st.sampled_from("惠企政策研发费用补助高新技术企业，。A1 "), min_size=1, max_size=30)
RULE: dict[str, Any] = {"all": []}
KNOWN = Departments(load_registry())


@given(CHINESE, st.data())
def test_any_stretch_of_a_text_is_marked_in_it(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    words = text[start:end]
    marked = "".join(text[a:b] for a, b in places_of(text, words))
    assert all(char in marked.casefold() for char in words.casefold() if char not in "，。 ")


def test_a_text_is_kept_as_pairs_with_their_places_and_other_scripts_as_words() -> None:
    assert tsvector(("A", "惠企政策"), ("D", "AEO 认证")) == "'惠企':1A '企政':2A '政策':3A '策':4A 'aeo':7D '认证':11D '证':12D"
    assert tsquery("惠企政 AEO") == "('惠企' <-> '企政') & ('aeo':*)"
    assert tsquery("惠") == "('惠':*)"
    assert tsquery("%%") is None


def test_a_highlight_shows_the_words_in_their_surroundings() -> None:
    found = highlight("text", "前" * 100 + "对高新技术企业给予补助" + "后" * 200, "高新技术")
    assert found is not None
    [(start, end)] = found.marks
    assert found.words[start:end] == "高新技术"
    assert len(found.words) < 130
    assert highlight("text", "没有", "渔船") is None


@pytest.mark.parametrize(
    ("issuer", "level"),
    [
        ("国务院办公厅", "国家"), ("国家税务总局", "国家"), ("财政部", "国家"), ("福建省人民政府办公厅", "省"), ("厦门市人民政府", "市"),
        ("国家税务总局厦门市税务局", "市"), ("厦门市思明区人民政府", "区"), ("上海市浦东新区人民政府", "区"), ("沙县人民政府", "区"),
        ("中关村国家自主创新示范区管理委员会", "区"), ("广西壮族自治区人民政府", "省"), ("某协会", None), (None, None),
    ],
)  # fmt: skip
def test_the_level_is_told_by_the_name_of_the_issuer(issuer: str | None, level: str | None) -> None:
    assert level_of(issuer) == level


def test_a_first_day_that_hangs_on_an_event_is_never_taken_for_a_past_one() -> None:
    line = listed(dumps({"id": "b", "rule": RULE, "valid": {"from": {"figure": "复航日"}, "to": None}}), KNOWN)
    assert (line.first_day, line.last_day) == (NEVER, None)
    assert listed(dumps({"id": "b", "rule": RULE}), KNOWN).first_day is None


def test_places_under_not_are_no_places_to_be_found_by() -> None:
    test = {"fact": "district", "is": "under", "value": ["350203", "350200"]}
    assert listed(dumps({"id": "b", "rule": {"all": [test, {"not": {**test, "value": ["350205"]}}]}}), KNOWN).districts == (
        "3502",
        "350203",
    )


# ------------------------------------------------------------------------------------------------------------ on a database


@pytest.fixture
async def catalog(database: str) -> AsyncIterator[Running]:
    app = create_app("catalog", store=Store, subscriptions={}, routers=ROUTERS, settings=settings(database))
    async with running(app) as service:
        yield service


def kept(number: int, text: str, *, offered: bool = True, **more: Any) -> Kept:
    given = {"id": f"ben-{number:05d}", "title": f"第{number}项", "text": text, "rule": RULE, "kind": "资金补助", "mode": "apply", **more}
    body = dumps(given)
    standing = Standing("published", None) if offered else Standing()
    return Kept(
        given["id"], "doc-1", "doc-1/1", standing, 1, body, 1 if offered else None, body if offered else None, [], [], None, clock.now()
    )


async def keep(catalog: Running, *all_kept: Kept) -> None:
    async with catalog.runtime.work(Principal("operator", "test", frozenset())) as work:
        await work.store.add_benefits(list(all_kept), [])
        for one in all_kept:
            if one.offered is not None:
                await work.store.put_benefit(one, Entry(one.id, 1, "publish", "approved", "published", "officer:丙", "", work.now))


async def ids(client: Any, **params: Any) -> list[str]:
    reply = await client.get("/v1/benefits", params=params)
    assert reply.status_code == 200, reply.text
    return [item["benefit"]["id"] for item in reply.json()["items"]]


async def test_the_closest_comes_first_and_every_page_goes_on_where_the_last_one_ended(catalog: Running) -> None:
    await keep(
        catalog,
        kept(1, "给予研发费用补助。" + "其他。" * 40),
        kept(2, "支持企业发展。", title="研发费用补助"),
        kept(3, "研发费用补助，研发费用补助。"),
        kept(5, "研发机构的费用另有补助。"),
        kept(4, "办理登记。"),
    )
    reader = await catalog.client("platform", "portal", "benefits:read")
    assert await ids(reader, q="研发费用补助") == ["ben-00002", "ben-00003", "ben-00001"]
    first = (await reader.get("/v1/benefits", params={"q": "研发费用补助", "limit": 1})).json()
    second = (await reader.get("/v1/benefits", params={"q": "研发费用补助", "limit": 1, "cursor": first["next"]})).json()
    assert [item["benefit"]["id"] for item in first["items"] + second["items"]] == ["ben-00002", "ben-00003"]
    [title] = first["items"][0]["highlights"]
    assert (title["field"], [title["words"][a:b] for a, b in title["marks"]]) == ("title", ["研发费用补助"])
    assert await ids(reader, q="登记") == ["ben-00004"]
    assert await ids(reader, q="费用 机构") == ["ben-00005"]
    assert await ids(reader, q="研发 登记") == []
    bad = await reader.get("/v1/benefits", params={"q": "研发", "cursor": "x"})
    assert (bad.status_code, bad.json()["code"]) == (422, "invalid-request")


async def test_every_filter_keeps_what_it_says_and_nothing_else(catalog: Running) -> None:
    def place(code: str) -> dict[str, Any]:
        return {"rule": {"fact": "district", "is": "under", "value": [code]}}

    await keep(
        catalog,
        kept(1, "一", department="市科技局", kind="人才", mode="direct", **place("350203")),
        kept(2, "二", department="市商务局", rule={"fact": "industry", "is": "under", "value": ["C39"]}),
        kept(3, "三", valid={"from": "2026-01-01", "to": "2026-12-31"}),
        kept(4, "四", valid={"from": {"figure": "复航日"}}),
        kept(5, "五", offered=False),
    )
    reader = await catalog.client("platform", "portal", "benefits:read")
    everything = {f"ben-0000{n}" for n in (1, 2, 3, 4)}
    for params, found in (
        ({}, everything),
        ({"department": "市科学技术局"}, {"ben-00001"}),
        ({"department": "厦门市科技局"}, {"ben-00001"}),
        ({"department": "科技"}, set()),
        ({"department": "市科技局、市商务局"}, {"ben-00001", "ben-00002"}),
        ({"kind": "人才"}, {"ben-00001"}),
        ({"mode": "direct"}, {"ben-00001"}),
        ({"district": "350203"}, everything),
        ({"district": "350200"}, everything),
        ({"district": "350205"}, everything - {"ben-00001"}),
        ({"industry": "C3972"}, everything),
        ({"industry": "I65"}, everything - {"ben-00002"}),
        ({"valid_on": "2026-06-30"}, everything - {"ben-00004"}),
        ({"valid_on": "2027-01-01"}, everything - {"ben-00003", "ben-00004"}),
        ({"level": "市"}, set()),
    ):
        assert set(await ids(reader, **params)) == found, params
    officer = await catalog.client("officer", "甲", "benefits:read", department="局")
    assert "ben-00005" in await ids(officer)
    assert await ids(officer, status="draft") == ["ben-00005"]


async def test_words_of_a_pending_amendment_find_nothing_for_the_public(catalog: Running) -> None:
    before = kept(1, "公开的原文")
    pending = dumps({"id": before.id, "title": "第1项", "text": "修订中的密语", "rule": RULE})
    after = Kept(**{**before.__dict__, "body": pending, "version": 2, "standing": Standing("published", "draft")})
    await keep(catalog, before)
    async with catalog.runtime.work(Principal("operator", "test", frozenset())) as work:
        await work.store.put_benefit(after, Entry(after.id, 2, "edit", "published", "published", "officer:甲", "", work.now))
    reader = await catalog.client("platform", "portal", "benefits:read")
    officer = await catalog.client("officer", "甲", "benefits:read", department="局")
    assert (await ids(reader, q="密语"), await ids(officer, q="密语")) == ([], [before.id])
    assert await ids(reader, q="公开的原文") == [before.id]


@pytest.mark.slow
async def test_ten_thousand_clauses_are_searched_and_the_time_is_told(catalog: Running, shared: Path) -> None:
    """Sentences of real documents, put together anew; among the questions are words that stand in most clauses.

    Each question counts with the best of three tries, so that a neighbour on the machine does not count.
    """
    chance = random.Random(7)
    sentences = [one for text in texts(shared) for one in re.findall(r"[^。]{8,}。", re.sub(r"\s", "", text))]
    await keep_many(catalog, ["".join(chance.choices(sentences, k=chance.randint(1, 6))) for _ in range(10_000)])
    reader = await catalog.client("platform", "portal", "benefits:read", "documents:read")
    asked = [
        "研发费用",
        "高新技术企业 奖励",
        "出口信用保险",
        "企业",
        "贷",
        "专精特新 一次性奖励",
        "没有这个词语",
        "支持",
        "首次认定",
        "小微企业贷款",
    ]
    for path in ("/v1/benefits", "/v1/measures"):
        found = {words: len((await reader.get(path, params={"q": words, "limit": 20})).json()["items"]) for words in asked}
        assert found["没有这个词语"] == 0
        assert min(found["企业"], found["支持"]) > 0, found
        took = [min([await seconds(reader, path, asked[turn % len(asked)]) for _ in range(3)]) for turn in range(40)]
        p95 = statistics.quantiles(took, n=20)[-1]
        print(path, f"p50 {statistics.median(took) * 1000:.1f} ms, p95 {p95 * 1000:.1f} ms")


async def seconds(reader: httpx.AsyncClient, path: str, words: str) -> float:
    begun = time.perf_counter()
    reply = await reader.get(path, params={"q": words, "limit": 20})
    took = time.perf_counter() - begun
    assert reply.status_code == 200
    return took


def texts(shared: Path) -> list[str]:
    return [path.read_text("utf-8") for pattern in ("documents/*.txt", "benefits/documents/*.txt") for path in sorted(shared.glob(pattern))]


async def keep_many(catalog: Running, clauses: list[str]) -> None:
    """Clauses as measures and as benefits on offer, as a city would have them."""
    said = [
        MeasureRead(document="doc-1", version=1, measure=f"doc-1/{n}", position=n, number="1", title=f"第{n}项", body=clause)
        for n, clause in enumerate(clauses)
    ]
    async with catalog.runtime.work(Principal("operator", "test", frozenset())) as work:
        await work.store.add_measures(said)
        await work.store.add_benefits([kept(n, clause) for n, clause in enumerate(clauses)], [])
        await work.connection.execute(
            "INSERT INTO listed SELECT benefit, 'offered', title, departments, kind, mode, districts, industries, first_day, last_day,"
            " words, heading FROM listed"
        )
    async with catalog.runtime.pool.acquire() as connection:
        await connection.execute("ANALYZE")
