"""Webhooks on a real socket: what arrives is signed and complete, what fails is tried again, and no address leads inside."""

import asyncio
import ipaddress
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request, Response
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook as Verifier
from standardwebhooks import WebhookVerificationError

from contracts.events import MatchFound, MatchLost
from services.chassis import dialer
from services.notify.domain.delivery import SCHEDULE
from services.notify.main import build
from tests.running import Running, running
from tests.service_room import alone, eventually, record, room_of, serving, traceparent, uscc

ME = uscc(1)


def found(number: int = 1) -> MatchFound:
    return MatchFound(
        match=f"match-{number}", uscc=ME, benefit=f"ben-{number}", version=1, occasion="", as_of=date(2025, 6, 30), low=Decimal(100000),
        high=None, deadline=date(2025, 12, 31),
    )  # fmt: skip


@dataclass
class Receiver:
    """A platform's server: answers with `status`, keeps what it got."""

    status: int = 200
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = FastAPI()

    @app.post("/hook")
    async def hook(request: Request) -> Response:
        receiver.got.append((dict(request.headers), await request.body()))
        if receiver.status == 302:
            return Response(status_code=302, headers={"location": "/elsewhere"})
        return Response(b"x" * 100_000, status_code=receiver.status)

    async with serving(app) as address:
        receiver.url = f"{address}/hook"
        yield receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
async def service(database: str, receiver: Receiver) -> AsyncIterator[Running]:
    allow = receiver.url.removeprefix("http://").removesuffix("/hook")
    async with running(build(settings=alone(database, webhook_allow=allow))) as opened:
        yield opened


async def registered(service: Running, receiver: Receiver) -> tuple[httpx.AsyncClient, str]:
    platform = await service.client("platform", "平台", "messages:read")
    reply = await platform.post("/v1/webhooks", json={"url": receiver.url})
    assert reply.status_code == 201, reply.text
    return platform, reply.json()["id"]


async def arrived(receiver: Receiver, number: int) -> list[tuple[dict[str, str], bytes]]:
    async def look() -> bool:
        return len(receiver.got) >= number

    await eventually(look)
    return receiver.got


async def attempts(platform: httpx.AsyncClient, webhook: str, number: int) -> list[dict[str, Any]]:
    async def look() -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = (await platform.get(f"/v1/webhooks/{webhook}/attempts")).json()["items"]
        return items if len(items) >= number else []

    return await eventually(look)


async def test_a_message_arrives_signed_with_what_a_platform_needs_and_no_more(service: Running, receiver: Receiver) -> None:
    platform, webhook = await registered(service, receiver)
    trace = traceparent()
    await room_of(service).hear(record(found(), trace=trace))
    ((headers, body),) = await arrived(receiver, 1)
    secret = (await platform.get(f"/v1/webhooks/{webhook}/secret")).json()["secret"]
    event = Verifier(secret).verify(body, headers)
    assert event["type"] == "message.created"
    assert event["data"].pop("seq") > 0
    assert event["data"] == {
        "message": "match-1", "uscc": ME, "benefit": "ben-1", "version": 1, "occasion": "", "low": "100000.00", "high": None,
        "deadline": "2025-12-31", "status": "new", "as_of": "2025-06-30",
    }  # fmt: skip
    assert datetime.fromisoformat(event["timestamp"]).tzinfo is not None
    assert headers["traceparent"].split("-")[1] == trace.split("-")[1]
    with pytest.raises(WebhookVerificationError):
        Verifier(secret).verify(body + b" ", headers)
    (attempt,) = await attempts(platform, webhook, 1)
    assert (attempt["status"], attempt["state"], attempt["error"]) == (200, "delivered", None)


async def test_a_failed_delivery_is_tried_again_under_the_same_id_and_every_try_is_kept(service: Running, receiver: Receiver) -> None:
    platform, webhook = await registered(service, receiver)
    receiver.status = 500
    await room_of(service).hear(found())
    (attempt,) = await attempts(platform, webhook, 1)
    assert (attempt["status"], attempt["state"], attempt["error"]) == (500, "waiting", "应答状态 500，应为 2xx")
    at, then = datetime.fromisoformat(attempt["at"]), datetime.fromisoformat(attempt["next_at"])
    assert then - at == SCHEDULE[1] == timedelta(seconds=5)
    receiver.status = 200
    await service.runtime.pool.execute("UPDATE deliveries SET due = now()")
    got = await arrived(receiver, 2)
    assert got[0][0]["webhook-id"] == got[1][0]["webhook-id"]
    assert got[0][1] == got[1][1]
    states = [attempt["status"] for attempt in await attempts(platform, webhook, 2)]
    assert states == [200, 500]


async def test_after_the_last_try_a_delivery_waits_for_a_replay(service: Running, receiver: Receiver) -> None:
    platform, webhook = await registered(service, receiver)
    receiver.status = 302  # a redirect is no answer, and is not followed
    await room_of(service).hear(found())
    await attempts(platform, webhook, 1)
    await service.runtime.pool.execute("UPDATE deliveries SET due = now(), tries = $1", len(SCHEDULE) - 1)
    last = (await attempts(platform, webhook, 2))[0]
    assert (last["state"], last["next_at"]) == ("failed", None)
    receiver.status = 200
    assert (await platform.post(f"/v1/webhooks/{webhook}/replay")).json() == {"replayed": 1}
    assert (await attempts(platform, webhook, 3))[0]["state"] == "delivered"
    assert {headers["host"] for headers, _ in receiver.got} == {receiver.url.split("/")[2]}


async def test_changes_and_withdrawals_are_deliveries_of_their_own(service: Running, receiver: Receiver) -> None:
    await registered(service, receiver)
    await room_of(service).hear(found(), MatchLost(**found().model_dump(exclude={"low", "high", "deadline"}), reason="benefit"))
    caller = await service.client("enterprise", "某某", "messages:read", uscc=ME)
    assert (await caller.post(f"/v1/inbox/{ME}/messages/match-1/confirm")).status_code == 409
    got = await arrived(receiver, 2)
    assert {httpx.Response(200, content=body).json()["type"] for _, body in got} == {"message.created", "message.withdrawn"}
    assert len({headers["webhook-id"] for headers, _ in got}) == 2


async def test_after_a_rotation_the_former_secret_signs_too(service: Running, receiver: Receiver) -> None:
    platform, webhook = await registered(service, receiver)
    await platform.post(f"/v1/webhooks/{webhook}/rotate")
    secrets = (await platform.get(f"/v1/webhooks/{webhook}/secret")).json()
    assert secrets["secret"] != secrets["former"]
    await room_of(service).hear(found())
    ((headers, body),) = await arrived(receiver, 1)
    for secret in (secrets["secret"], secrets["former"]):
        Verifier(secret).verify(body, headers)


async def test_a_removed_webhook_hears_no_more_and_is_its_owners_alone(service: Running, receiver: Receiver) -> None:
    platform, webhook = await registered(service, receiver)
    other = await service.client("platform", "另一个平台", "messages:read")
    assert (await other.get("/v1/webhooks")).json()["items"] == []
    for method, path in (("DELETE", ""), ("GET", "/secret"), ("GET", "/attempts"), ("POST", "/replay"), ("POST", "/rotate")):
        assert (await other.request(method, f"/v1/webhooks/{webhook}{path}")).status_code == 404
    enterprise = await service.client("enterprise", "某某", "messages:read", uscc=ME)
    assert (await enterprise.post("/v1/webhooks", json={"url": receiver.url})).status_code == 403
    assert (await platform.delete(f"/v1/webhooks/{webhook}")).status_code == 200
    await room_of(service).hear(found())
    assert await service.rows("SELECT 1 FROM deliveries") == []


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/hook", "ftp://example.com/", "https://", "https://127.0.0.1/", "https://[::1]/", "https://2130706433/",
        "https://0x7f000001/", "https://localhost/", "https://10.1.2.3/", "https://169.254.169.254/latest/meta-data", "https://192.0.0.8/",
        "https://[64:ff9b::7f00:1]/", "https://[2002:7f00:1::]/", "https://[::ffff:127.0.0.1]/", "https://224.0.0.1/",
        "https://user:secret@1.1.1.1/", "https://1.1.1.1:22/", "https://[fe80::1%25lo]/", "https://[fd00::1]/", "https://1.1.1.1:x/",
    ],
)  # fmt: skip
async def test_an_address_that_leads_inside_is_refused_with_the_reason(url: str) -> None:
    with pytest.raises(dialer.Refused) as refused:
        await dialer.check(url, frozenset())
    assert str(refused.value)


async def test_a_refused_address_cannot_be_registered(service: Running) -> None:
    platform = await service.client("platform", "平台", "messages:read")
    reply = await platform.post("/v1/webhooks", json={"url": "https://127.0.0.1/hook"})
    assert (reply.status_code, reply.json()["code"]) == (422, "invalid-request")
    assert "非公网" in reply.json()["detail"]


async def test_a_public_address_is_called_by_its_checked_ip_under_its_own_name() -> None:
    target = await dialer.check("https://1.1.1.1:8443/hook?a=1", frozenset())
    assert target == dialer.Target("https://1.1.1.1:8443/hook?a=1", "1.1.1.1:8443", "1.1.1.1")


@given(st.ip_addresses(v=4))
def test_every_form_that_carries_an_inner_ipv4_address_is_inside(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for carried in (
        (0xFFFF << 32) | number,
        number,
        (0x64FF9B << 96) | number,
        (0x2002 << 112) | (number << 80),
        (0x20010000 << 96) | number,
    ):
        assert not dialer.public(str(ipaddress.IPv6Address(carried)))


@given(st.ip_addresses())
def test_no_address_is_public_that_python_calls_private(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    if not address.is_global or address.is_multicast:
        assert not dialer.public(str(address))


async def test_a_name_is_resolved_once_so_it_cannot_change_its_mind(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the checked address: a second look at the name, which would now lead elsewhere, never happens."""
    port = int(receiver.url.split(":")[2].split("/")[0])
    asked = []

    async def resolve(name: str, _: int) -> list[str]:
        asked.append(name)
        return ["127.0.0.1"]

    monkeypatch.setattr(dialer, "_resolve", resolve)
    async with httpx.AsyncClient(trust_env=False) as client:
        status = await dialer.post(
            client, f"http://rebind.invalid:{port}/hook", allow=frozenset({f"rebind.invalid:{port}"}), body=b"{}", headers={}
        )
    assert status == 200
    assert asked == ["rebind.invalid"]
    assert receiver.got[0][0]["host"] == f"rebind.invalid:{port}"


async def test_tls_is_checked_against_the_name_and_not_the_ip(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str | None] = []

    async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        data = await reader.read(2000)
        names.append("hook.example" if b"hook.example" in data else None)
        writer.close()

    server = await asyncio.start_server(hello, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async def resolve(_: str, __: int) -> list[str]:
        return ["127.0.0.1"]

    monkeypatch.setattr(dialer, "_resolve", resolve)
    async with server, httpx.AsyncClient(trust_env=False) as client:
        with pytest.raises((httpx.HTTPError, ssl.SSLError)):
            await dialer.post(client, f"https://hook.example:{port}/", allow=frozenset({f"hook.example:{port}"}), body=b"", headers={})
    assert names == ["hook.example"]


def test_the_schedule_lasts_for_more_than_a_day() -> None:
    assert len(SCHEDULE) == 8
    assert timedelta(days=1) < sum(SCHEDULE, timedelta()) < timedelta(days=2)
