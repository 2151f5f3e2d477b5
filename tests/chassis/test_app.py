"""The two doors of an API: who may come in, and that the same request asked twice is one."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from services.chassis import auth, clock
from services.chassis.auth import Principal, new_key, store_key
from services.chassis.problems import CODES, Problem
from tests.notes import Noted
from tests.notes_room import SECRET, Notes, until

NOTE = {"key": "k", "number": 1}


@pytest.fixture
async def client(on_mock: Notes) -> AsyncIterator[httpx.AsyncClient]:
    """The service behind HTTP, ready."""
    async with on_mock.serving() as client:

        async def ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(ready)
        yield client


async def key_of(client: httpx.AsyncClient, principal: Principal, **more: Any) -> dict[str, str]:
    """Headers of a new key of this principal."""
    key = new_key()
    async with client.runtime.pool.acquire() as connection:  # type: ignore[attr-defined]
        await store_key(connection, key, principal, secret=SECRET, **more)
    return {"authorization": f"Bearer {key}"}


async def heard(notes: Notes, count: int) -> list[tuple[str, int]]:
    async def enough() -> list[tuple[str, int]]:
        effects = await notes.effects()
        return effects if len(effects) >= count else []

    effects: list[tuple[str, int]] = await until(enough)
    return effects


async def test_the_same_request_twice_gets_the_same_reply_and_has_one_effect(on_mock: Notes, client: httpx.AsyncClient) -> None:
    first = await client.post("/notes", json=NOTE, headers={"idempotency-key": "a"})
    again = await client.post("/notes", json=NOTE, headers={"idempotency-key": "a"})
    other = await client.post("/notes", json={**NOTE, "number": 2}, headers={"idempotency-key": "b"})
    assert (first.status_code, first.content, first.headers["x-note"]) == (again.status_code, again.content, again.headers["x-note"])
    assert other.json()["id"] != first.json()["id"]
    assert sorted(await heard(on_mock, 2)) == [("k", 1), ("k", 2)]


async def test_a_key_used_for_another_request_is_a_conflict(on_mock: Notes, client: httpx.AsyncClient) -> None:
    assert (await client.post("/notes", json=NOTE, headers={"idempotency-key": "a"})).status_code == 202
    other = await client.post("/notes", json={**NOTE, "number": 2}, headers={"idempotency-key": "a"})
    assert (other.status_code, other.json()["code"]) == (409, "conflict")
    elsewhere = await client.post("/taken/k", headers={"idempotency-key": "a"})
    assert elsewhere.status_code == 409
    theirs = await key_of(client, Principal("platform", "another", frozenset({"documents:write"})))
    assert (await client.post("/notes", json={**NOTE, "number": 2}, headers={"idempotency-key": "a", **theirs})).status_code == 202


async def test_a_request_sent_twice_at_once_has_one_effect(on_mock: Notes, client: httpx.AsyncClient) -> None:
    replies = await asyncio.gather(*(client.post("/notes", json=NOTE, headers={"idempotency-key": "once"}) for _ in range(12)))
    assert {reply.status_code for reply in replies} == {202}
    assert len({reply.content for reply in replies}) == 1
    assert (await client.post("/notes", json={"key": "last", "number": 9})).status_code == 202
    assert sorted(await heard(on_mock, 2)) == [("k", 1), ("last", 9)]


async def test_a_request_that_failed_may_be_mended_under_its_key(on_mock: Notes, client: httpx.AsyncClient) -> None:
    assert (await client.post("/taken/x", headers={"idempotency-key": "a"})).status_code == 200
    assert (await client.post("/taken/x", headers={"idempotency-key": "b"})).status_code == 500  # taken: undone, and no reply is kept
    assert (await client.post("/taken/y", headers={"idempotency-key": "b"})).status_code == 200


async def test_a_reply_is_kept_for_a_day(on_mock: Notes, client: httpx.AsyncClient) -> None:
    first = await client.post("/notes", json=NOTE, headers={"idempotency-key": "a"})
    await on_mock.rows("UPDATE replies SET at = at - interval '23 hours'")
    assert (await client.post("/notes", json=NOTE, headers={"idempotency-key": "a"})).content == first.content
    await on_mock.rows("UPDATE replies SET at = at - interval '2 hours'")
    assert (await client.post("/notes", json=NOTE, headers={"idempotency-key": "a"})).json()["id"] != first.json()["id"]


async def test_an_upload_is_the_same_request_whatever_its_boundary(on_mock: Notes, client: httpx.AsyncClient) -> None:
    async def send(content: bytes, name: str = "a.txt") -> httpx.Response:
        return await client.post("/uploads", files={"file": (name, content)}, headers={"idempotency-key": "u"})

    first = await send(b"twelve bytes")
    assert (first.status_code, first.json()["bytes"]) == (200, 12)
    assert (await send(b"twelve bytes")).content == first.content
    assert (await send(b"other bytes!")).status_code == 409
    assert (await send(b"twelve bytes", "b.txt")).status_code == 409


@pytest.mark.parametrize("key", ["", "x" * 201])
async def test_a_key_of_no_sensible_length_is_refused(on_mock: Notes, client: httpx.AsyncClient, key: str) -> None:
    answer = await client.post("/notes", json=NOTE, headers={"idempotency-key": key})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")


async def test_who_has_no_valid_key_does_not_come_in(on_mock: Notes, client: httpx.AsyncClient) -> None:
    writer = Principal("platform", "writer", frozenset({"documents:write"}))
    expired = await key_of(client, writer, expires_at=clock.now() - timedelta(seconds=1))
    revoked = await key_of(client, writer)
    await on_mock.rows("UPDATE api_keys SET revoked_at = now() WHERE hash = $1", auth.hashed(revoked["authorization"][7:], SECRET))
    for headers in ({"authorization": ""}, {"authorization": "Basic eDp5"}, {"authorization": f"Bearer {new_key()}"}, expired, revoked):
        answer = await client.post("/notes", json=NOTE, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_opens_what_its_scopes_name_and_nothing_else(on_mock: Notes, client: httpx.AsyncClient) -> None:
    reader = await key_of(client, Principal("platform", "reader", frozenset({"documents:read"})))
    assert (await client.get("/notes/k", headers=reader)).status_code == 200
    for refused in (await client.post("/notes", json=NOTE, headers=reader), await client.get("/ops/trouble", headers=reader)):
        assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")


async def test_a_key_revoked_while_in_use_is_refused_within_seconds(
    on_mock: Notes, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert auth.REMEMBERED <= 5
    monkeypatch.setattr(auth, "REMEMBERED", 0.0)
    headers = await key_of(client, Principal("platform", "writer", frozenset({"documents:write"})))
    assert (await client.post("/notes", json=NOTE, headers=headers)).status_code == 202
    await on_mock.rows("UPDATE api_keys SET revoked_at = now()")
    assert (await client.post("/notes", json=NOTE, headers=headers)).status_code == 401


async def test_an_enterprise_finds_nobody_but_itself(on_mock: Notes, client: httpx.AsyncClient) -> None:
    own = await key_of(client, Principal("enterprise", "e", frozenset({"documents:read"}), uscc="91350200A"))
    assert (await client.get("/notes/91350200A", headers=own)).status_code == 200
    assert (await client.get("/notes/91350200B", headers=own)).json()["code"] == "not-found"


async def test_a_look_cannot_write(on_mock: Notes, client: httpx.AsyncClient) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with client.runtime.read(Principal("operator", "tests", frozenset())) as store:  # type: ignore[attr-defined]
            await store.take("k")


async def test_a_copied_table_of_keys_opens_nothing(on_mock: Notes, client: httpx.AsyncClient) -> None:
    [row] = await on_mock.rows("SELECT * FROM api_keys")
    assert on_mock.key.encode() not in row["hash"]
    assert on_mock.key not in str(dict(row))
    assert row["hash"] == auth.hashed(on_mock.key, SECRET) != auth.hashed(on_mock.key, "another secret")


async def test_readiness_names_what_is_not_ready_and_liveness_is_another_thing(on_mock: Notes) -> None:
    broken = "127.0.0.1:1"
    async with on_mock.serving(kafka=broken, kafka_in_memory=True) as client:

        async def told() -> dict[str, Any] | None:
            answer = await client.get("/readyz")
            faults = {fault["at"]: fault for fault in answer.json()["errors"]}
            return faults if {"relay", "consumer"} <= faults.keys() and "rebuilt" in faults["consumer"]["problem"] else None

        faults = await until(told)
        assert "ZHAOQI_KAFKA" in faults["relay"]["hint"]
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/healthz")).json() == {"status": "alive"}


async def test_a_job_that_ends_by_a_fault_is_told_by_readiness(on_mock: Notes) -> None:
    async with on_mock.serving() as client:
        runtime = client.runtime  # type: ignore[attr-defined]
        task = next(task for task in asyncio.all_tasks() if task.get_name() == "measure")
        task.cancel()

        async def told() -> list[Any]:
            return [fault for fault in await runtime.not_ready() if fault.at == "process"]

        [fault] = await until(told)
        assert fault.problem.startswith("measure ended")


async def test_a_dead_letter_is_listed_mended_and_resent_over_http(on_mock: Notes, client: httpx.AsyncClient) -> None:
    assert (await client.post("/notes", json={**NOTE, "refuse": "不对"})).status_code == 202

    async def letters() -> list[dict[str, Any]]:
        return (await client.get("/ops/trouble")).json()["dead_letters"]  # type: ignore[no-any-return]

    [letter] = await until(letters)
    assert (letter["reason"], letter["topic"], letter["type"]) == ("不对", on_mock.topic, "zhaoqi.Noted.v1")
    again = await client.post(f"/ops/dead-letters/{letter['id']}/resend")
    assert (again.status_code, "不对" in again.json()["detail"]) == (409, True)
    mended = await client.post(f"/ops/dead-letters/{letter['id']}/resend", content=Noted(key="k", number=5).model_dump_json())
    assert mended.status_code == 200
    assert await on_mock.effects() == [("k", 5)]
    assert (await client.get("/ops/trouble")).json()["dead_letters"] == []
    assert (await client.post(f"/ops/dead-letters/{letter['id']}/resend")).status_code == 404


async def test_every_error_is_a_problem_with_its_code(on_mock: Notes, client: httpx.AsyncClient) -> None:
    for answer, code in (
        (await client.get("/nowhere"), "not-found"),
        (await client.post("/notes", json={"key": "k"}), "invalid-request"),
        (await client.post("/notes", content=b"{", headers={"content-type": "application/json"}), "invalid-request"),
        (await client.delete("/notes"), "not-found"),
    ):
        problem = answer.json()
        assert (problem["code"], problem["type"], problem["status"]) == (code, f"/problems/{code}", answer.status_code)
        assert answer.headers["content-type"] == "application/problem+json"
    assert Problem("too-many", "…").status == CODES["too-many"][0] == 429


def test_nothing_is_opened_before_the_app_starts(notes: Notes, tmp_path: Path) -> None:
    app = notes.app(database_url="postgresql://nobody@127.0.0.1:1/none", traces=str(tmp_path / "spans" / "x.jsonl"))
    assert not (tmp_path / "spans").exists()
    assert not hasattr(app.state, "runtime")
