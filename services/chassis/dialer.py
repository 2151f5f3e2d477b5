"""Calls an address that a stranger gave, and only where strangers may point us (OWASP API7, server-side request forgery).

The name is resolved once, every address it has is checked against our own list of networks that are not the public Internet, and the
connection goes to a checked address under the original host name, so that a name cannot change its mind between check and use.
Python's `is_global` is not enough: it calls NAT64 and 6to4 forms of 127.0.0.1 global.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

PORTS = frozenset({443, 8443})
TOTAL = 15.0
"""Seconds for the whole exchange."""
LARGEST_REPLY = 64 * 1024
"""Bytes of a reply that a POST reads."""

DENIED = tuple(
    ipaddress.ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
        "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
        "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "::/96", "::ffff:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
        "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
    )
)  # fmt: skip
"""Networks that are not the public Internet (IANA special-purpose registries, multicast, and every form that embeds IPv4)."""


class Refused(ValueError):
    """An address we do not call; the message says why, in Chinese."""


@dataclass(frozen=True)
class Target:
    """A checked address: where to connect, and what to call the host."""

    url: str  # with the checked IP in the place of the host
    host: str  # the Host header
    name: str  # for TLS


@dataclass(frozen=True)
class Answer:
    """What a GET brought: the body as it was meant (decompressed), or as much of it as was read when it was not `whole`."""

    status: int
    headers: httpx.Headers
    body: bytes
    whole: bool


def allowed(text: str) -> frozenset[str]:
    """The `host:port` that ZHAOQI_WEBHOOK_ALLOW or ZHAOQI_SOURCE_ALLOW lists: they may be private and without TLS."""
    return frozenset(place.strip().lower() for place in text.split(",") if place.strip())


async def check(url: str, allow: frozenset[str]) -> Target:
    """Resolve and check an address. Raises Refused."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme, 0)
    except ValueError as error:
        raise Refused("不是合法的网址") from error
    name = parts.hostname or ""
    if not name or parts.scheme not in ("https", "http"):
        raise Refused("应为 https:// 开头的完整网址")
    if parts.username or parts.password or parts.fragment:
        raise Refused("网址中不能带用户名、密码或 # 片段")
    listed = f"{name}:{port}" in allow
    if not listed and parts.scheme != "https":
        raise Refused(
            "只接受 https；其他地址（开发、政务外网、尚未启用 https 的网站）须由运维列入 ZHAOQI_WEBHOOK_ALLOW 或 ZHAOQI_SOURCE_ALLOW"
        )
    if not listed and port not in PORTS:
        raise Refused(f"端口 {port} 不在允许范围（{'、'.join(map(str, sorted(PORTS)))}）")
    addresses = await _resolve(name, port)
    if not listed and (inside := [address for address in addresses if not public(address)]):
        raise Refused(f"该域名指向非公网地址（{len(inside)} 个），不能访问")
    chosen = addresses[0]
    literal = f"[{chosen}]" if ":" in chosen else chosen
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    default = port == {"https": 443, "http": 80}[parts.scheme]
    shown = f"[{name}]" if ":" in name else name
    return Target(f"{parts.scheme}://{literal}:{port}{path}", shown if default else f"{shown}:{port}", name)


def public(address: str) -> bool:
    """Whether an IP address is one of the public Internet."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    return not any(ip in network for network in DENIED if network.version == ip.version)


async def _resolve(name: str, port: int) -> list[str]:
    try:
        async with asyncio.timeout(5):
            found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    except (OSError, TimeoutError, UnicodeError) as error:
        raise Refused("域名无法解析") from error
    return list(dict.fromkeys(str(place[4][0]) for place in found))


async def post(client: httpx.AsyncClient, url: str, *, allow: frozenset[str], body: bytes, headers: Mapping[str, str]) -> int:
    """POST to a checked address; no redirect is followed. Returns the HTTP status; raises Refused, httpx.HTTPError, TimeoutError."""
    async with asyncio.timeout(TOTAL):
        target = await check(url, allow)
        request = client.build_request(
            "POST", target.url, content=body, headers={**headers, "Host": target.host}, extensions={"sni_hostname": target.name}
        )
        reply = await client.send(request, stream=True, follow_redirects=False)
        try:
            read = 0
            async for chunk in reply.aiter_raw():
                read += len(chunk)
                if read > LARGEST_REPLY:
                    break
        finally:
            await reply.aclose()
        return reply.status_code


async def get(
    client: httpx.AsyncClient, url: str, *, allow: frozenset[str], headers: Mapping[str, str], largest: int, total: float = TOTAL
) -> Answer:
    """GET from a checked address; no redirect is followed, reading stops past ``largest`` bytes.

    Raises Refused, httpx.HTTPError, TimeoutError.
    """
    async with asyncio.timeout(total):
        target = await check(url, allow)
        request = client.build_request(
            "GET", target.url, headers={"Accept-Encoding": "gzip", **headers, "Host": target.host}, extensions={"sni_hostname": target.name}
        )
        reply = await client.send(request, stream=True, follow_redirects=False)
        body, whole = bytearray(), True
        try:
            async for chunk in reply.aiter_bytes():
                body += chunk
                if len(body) > largest:
                    whole = False
                    break
        finally:
            await reply.aclose()
        return Answer(reply.status_code, reply.headers, bytes(body), whole)
