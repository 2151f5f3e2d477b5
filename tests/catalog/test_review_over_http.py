"""Every step of the review from every state by every caller, over HTTP: each refused call beside the one that succeeds.

What is expected is written here once more, from the rules of the review, not taken from its code.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest

from contracts import rules
from services.catalog import sources
from services.catalog.api import asking
from services.catalog.domain.review import TABLE
from services.catalog.handlers import commands
from services.catalog.handlers.commands import CLOCK
from services.chassis.auth import Principal
from tests.catalog.desk_room import desk_of
from tests.catalog.test_catalog_api import ALL, Matcher, drafted, matcher
from tests.running import Running

__all__ = ["matcher"]

REVISED = {f"{offer}+{pending}" for offer in ("published", "suspended", "expired") for pending in ("draft", "in_review", "approved")}
STATES = ["draft", "in_review", "approved", "published", "suspended", "expired", "withdrawn", *sorted(REVISED)]
LIVE = set(STATES) - {"withdrawn"}


def pending(word: str) -> set[str]:
    return {state for state in STATES if state.split("+")[-1] == word}


def offered(word: str) -> set[str]:
    return {state for state in STATES if state.split("+")[0] == word}


RULES: dict[str, tuple[str, set[str]]] = {
    "edit": ("editor", pending("draft")),
    "submit": ("editor", pending("draft")),
    "send-back": ("reviewer", pending("in_review") | pending("approved")),
    "approve": ("reviewer", pending("in_review")),
    "publish": ("publisher", pending("approved")),
    "amend": ("editor", {"published", "suspended", "expired"}),
    "suspend": ("publisher", offered("published")),
    "resume": ("publisher", offered("suspended")),
    "withdraw": ("publisher", LIVE),
}
"""Who may take which step, and from which states."""
WAY = {
    "draft": (), "in_review": ("submit",), "approved": ("submit", "approve"), "published": ("submit", "approve", "publish"),
    "suspended": ("submit", "approve", "publish", "suspend"), "withdrawn": ("withdraw",),
    "expired": ("submit", "approve", "publish", "EXPIRE"),
}  # fmt: skip
REVISION = {"draft": ("amend",), "in_review": ("amend", "submit"), "approved": ("amend", "submit", "approve")}


@dataclass(frozen=True)
class Caller:
    """Somebody who calls: the roles it holds, and whether it is an officer of the department with the scopes for it."""

    client: httpx.AsyncClient
    roles: frozenset[str]
    may: bool = True
    author: bool = False


@pytest.fixture
async def catalog(database: str, matcher: Matcher) -> AsyncIterator[Running]:
    async with desk_of(database) as service:
        yield service


async def callers(catalog: Running) -> dict[str, Caller]:
    everything = frozenset(("editor", "reviewer", "publisher"))

    async def one(
        name: str, *roles: str, kind: str = "officer", department: str = "市工信局", scopes: tuple[str, ...] = ALL
    ) -> httpx.AsyncClient:
        uscc = "91350200MA0000000R" if kind == "enterprise" else ""
        return await catalog.client(kind, name, *scopes, department=department, uscc=uscc, roles=roles)

    return {
        **{role: Caller(await one(f"{role}-人", role), frozenset((role,))) for role in ("editor", "reviewer", "publisher")},
        "everything": Caller(await one("通", *everything), everything),
        "author": Caller(await one("作者", *everything), everything, author=True),
        "office of every department": Caller(await one("综", *everything, department="综合"), everything),
        "other department": Caller(await one("他", *everything, department="市税务局"), everything, may=False),
        "district's office": Caller(await one("区", *everything, department="同安区工信局"), everything, may=False),
        "no scope": Caller(await one("无", *everything, scopes=("benefits:read",)), everything, may=False),
        "enterprise": Caller(await one("企", *everything, kind="enterprise"), everything, may=False),
        "platform": Caller(await one("台", *everything, kind="platform"), everything, may=False),
        "operator": Caller(await one("运", *everything, kind="operator"), everything, may=False),
        "authority": Caller(await one("部", *everything, kind="authority"), everything, may=False),
    }


async def take(caller: httpx.AsyncClient, benefit: str, action: str, body: str) -> httpx.Response:
    if action == "edit":
        version = (await caller.get(f"/v1/benefits/{benefit}")).headers.get("etag", '"1"')
        return await caller.put(f"/v1/benefits/{benefit}", content=body, headers={"If-Match": version}, params={"why": "核对无误"})
    return await caller.post(f"/v1/benefits/{benefit}/{action}", json={"why": "核对无误"})


async def bring(catalog: Running, state: str, people: dict[str, Caller]) -> str:
    """A benefit in a state, brought there by its own steps; what is pending was edited or submitted by the author."""
    benefit = await drafted(catalog)
    offer, _, revision = state.partition("+")
    for action in (*WAY[offer], *(REVISION[revision] if revision else ())):
        if action == "EXPIRE":
            await catalog.runtime.pool.execute("UPDATE benefits SET last_day = '2020-01-01'")
            async with catalog.runtime.work(Principal("operator", "test", frozenset())) as work:
                await commands.expire(work)
            continue
        by = "author" if action in ("submit", "amend") else RULES[action][0]
        reply = await take(people[by].client, benefit, action, "")
        assert reply.status_code == 200, (action, reply.text)
    [row] = await catalog.rows("SELECT offer, pending FROM benefits")
    assert "+".join(word for word in row if word) == state
    return benefit


COLUMNS = "offer, pending, amended, authors, version, body, offered_version, offered, changed_at, last_day"


async def test_the_rules_written_here_name_every_step_that_people_take() -> None:
    assert RULES.keys() == {step.action for step in TABLE if step.role is not None}


@pytest.mark.parametrize("state", STATES)
async def test_a_step_is_taken_by_whom_and_from_where_the_rules_say_and_by_nobody_else(catalog: Running, state: str) -> None:
    people = await callers(catalog)
    benefit = await bring(catalog, state, people)
    [before] = await catalog.rows(f"SELECT {COLUMNS} FROM benefits")
    body = rules.dumps(rules.loads(before["body"]))
    seen: dict[str, set[int]] = {}
    for action, (role, states) in RULES.items():
        for name, caller in people.items():
            own = caller.author and action == "approve"
            expected = 403 if not caller.may or role not in caller.roles else 409 if state not in states else 403 if own else 200
            reply = await take(caller.client, benefit, action, body)
            assert reply.status_code == expected, (state, action, name, reply.text)
            seen.setdefault(action, set()).add(expected)
            [after] = await catalog.rows(f"SELECT {COLUMNS} FROM benefits")
            if expected == 200:
                assert after != before, (state, action, name)
                assert (await latest(catalog))["why"] == "核对无误"
                await put_back(catalog, before)
            else:
                assert after == before, (state, action, name)
                assert reply.json()["code"] == {403: "not-allowed", 409: "conflict"}[expected]
                assert reply.json()["detail"]
    for action, statuses in seen.items():
        assert 403 in statuses
        assert (200 in statuses) == (state in RULES[action][1]), (action, statuses)


async def latest(catalog: Running) -> Any:
    [row] = await catalog.rows("SELECT by, why, at, action FROM history ORDER BY seq DESC LIMIT 1")
    assert row["by"].startswith("officer:")
    assert row["at"] is not None
    return row


async def put_back(catalog: Running, row: Any) -> None:
    """As it was before a step succeeded, so that the next caller meets the same state."""
    places = ", ".join(f"{name.strip()} = ${at}" for at, name in enumerate(COLUMNS.split(","), 1))
    await catalog.runtime.pool.execute(f"UPDATE benefits SET {places}", *row)


async def test_only_the_clock_lets_a_benefit_expire_and_it_needs_no_role(catalog: Running) -> None:
    people = await callers(catalog)
    benefit = await bring(catalog, "published", people)
    for caller in people.values():
        assert (await caller.client.post(f"/v1/benefits/{benefit}/expire", json={"why": "到期"})).status_code in (404, 405)
    await catalog.runtime.pool.execute("UPDATE benefits SET last_day = '2020-01-01'")
    async with catalog.runtime.work(Principal("operator", "test", frozenset())) as work:
        await commands.expire(work)
    [row] = await catalog.rows("SELECT offer FROM benefits")
    [line] = await catalog.rows("SELECT by, why FROM history ORDER BY seq DESC LIMIT 1")
    assert (row["offer"], line["by"], line["why"]) == ("expired", CLOCK.name, "有效期已满")


async def test_nothing_is_published_without_passing_cases_or_while_the_matcher_is_away(catalog: Running, matcher: Matcher) -> None:
    people = await callers(catalog)
    benefit = await bring(catalog, "approved", people)
    publisher = people["publisher"].client
    matcher.answer = {"findings": [], "cases": [{"name": "甲", "passed": False, "why": "应为符合"}], "reach": None}
    assert (await take(publisher, benefit, "publish", "")).json()["code"] == "case-fails"
    matcher.answer = None
    assert (await take(publisher, benefit, "publish", "")).json()["code"] == "unavailable"
    assert await catalog.said() == []
    matcher.answer = {"findings": [], "cases": [{"name": "甲", "passed": True, "why": None}], "reach": None}
    assert (await take(publisher, benefit, "publish", "")).status_code == 200
    assert [event for event, _ in await catalog.said()] == ["BenefitPublished"]


async def test_while_the_matcher_is_asked_others_go_on_and_what_they_changed_is_not_published(
    catalog: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = await callers(catalog)
    benefit = await bring(catalog, "approved", people)
    publisher, reviewer = people["publisher"].client, people["reviewer"].client

    async def meanwhile(request: httpx.Request) -> httpx.Response:
        assert (await take(reviewer, benefit, "send-back", "")).status_code == 200, "the row is not locked while the matcher thinks"
        return httpx.Response(200, json={"findings": [], "cases": [], "reach": None})

    monkeypatch.setattr(asking, "PolicyMatch", partial(sources.PolicyMatch, transport=httpx.MockTransport(meanwhile)))
    refused = await take(publisher, benefit, "publish", "")
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert await catalog.said() == []
