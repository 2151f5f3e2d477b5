"""Packages of policies at the command line: fetched from catalog, sent to it, and verified where no service runs."""

import json
import os
from typing import Any
from urllib.parse import quote

import httpx

from services.catalog.domain.packaging import Package, Unacceptable, unpack
from services.catalog.sources.signatures import BadKey, new_signer, signer_of, trusted_of

DEADLINE = 60.0


class Failed(Exception):
    """What kept a command from being done, line by line, in Chinese."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


def fetch(document: str, *, version: int | None, drafts: bool) -> bytes:
    """The package of a document, as catalog signs it. Raises Failed."""
    asked = {"drafts": drafts} | ({"version": version} if version else {})
    return _call("GET", f"/v1/policies/{quote(document, safe='')}/package", params=asked).content


def send(file: bytes) -> dict[str, Any]:
    """Have catalog take a package over; what it answered. Raises Failed."""
    answer = _call("POST", "/v1/packages", content=file, headers={"Content-Type": "application/json"})
    told: dict[str, Any] = answer.json() | {"new": answer.status_code == 201}
    return told


def verify(file: bytes) -> Package:
    """A package that is signed by somebody ZHAOQI_PACKAGE_TRUSTED names, and unchanged. Raises Failed, naming all that is wrong."""
    try:
        trusted = trusted_of(os.environ.get("ZHAOQI_PACKAGE_TRUSTED", ""))
        return unpack(file, trusted=trusted.names, verify=trusted.verify)
    except BadKey as error:
        raise Failed(str(error)) from error
    except Unacceptable as error:
        raise Failed(*(f"{one.at}：{one.problem}；{one.hint}" for one in error.wrong)) from error


def key() -> dict[str, str]:
    """The public key of ZHAOQI_PACKAGE_KEY, to give to those who shall trust it; without one, a fresh pair. Raises Failed."""
    given = os.environ.get("ZHAOQI_PACKAGE_KEY")
    try:
        signer, secret = (signer_of(given), None) if given else new_signer()
    except BadKey as error:
        raise Failed(str(error)) from error
    return {"id": signer.id, "public": signer.public} | ({"ZHAOQI_PACKAGE_KEY": secret} if secret else {})


def _call(method: str, path: str, **given: Any) -> httpx.Response:
    api_key = os.environ.get("ZHAOQI_API_KEY")
    if not api_key:
        raise Failed("没有设置 ZHAOQI_API_KEY：请把接口密钥（zhaoqi keys create）放进这个环境变量")
    base = os.environ.get("ZHAOQI_CATALOG_URL", "http://127.0.0.1:8002")
    headers = {"Authorization": f"Bearer {api_key}"} | given.pop("headers", {})
    try:
        answer = httpx.request(method, f"{base}{path}", headers=headers, timeout=DEADLINE, trust_env=False, **given)
    except httpx.HTTPError as error:
        raise Failed(f"{base} 没有应答（{type(error).__name__}）：请确认目录服务在运行，或改正 ZHAOQI_CATALOG_URL") from error
    if answer.status_code not in (200, 201):
        raise Failed(*_told(answer))
    return answer


def _told(answer: httpx.Response) -> list[str]:
    try:
        problem = answer.json()
        faults = [f"{fault['at']}：{fault['problem']}" + (f"；{fault['hint']}" if fault.get("hint") else "") for fault in problem["errors"]]
        return [f"{problem['title']}：{problem['detail']}", *faults]
    except (json.JSONDecodeError, KeyError, TypeError):
        return [f"目录服务回答 {answer.status_code}，看不懂"]
