"""What catalog asks outside itself: the matcher, what a benefit would do; ingest, a document's text; and the city's working rules."""

import ssl
import tomllib
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

import httpx

from contracts.rules import Benefit, dumps, loads
from services.catalog.domain.working_rules import WorkingRules, rules_of
from services.catalog.handlers import Checks, Finding, Unavailable

DEADLINE = 20.0
"""Seconds a simulation may take."""
REACH = ("eligible", "ineligible", "undetermined", "amount")
"""What an officer is told of whom a benefit would reach."""
SAID_HERE = ("case-fails", "inclusive-mismatch", "no-authority")
"""Findings that stand in the cases, or that catalog's own lints say with the words of the clause."""


class PolicyMatch:
    """policy_match over REST; calling it is `handlers.Simulation`."""

    def __init__(self, url: str, key: str | None, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url, self._key, self._transport = url, key, transport

    async def __call__(self, benefit: Benefit, *, reach: bool = True) -> Checks:
        """The matcher's findings, cases and reach. Raises Unavailable, whatever it is that keeps it from answering."""
        headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {})
        try:
            async with httpx.AsyncClient(
                base_url=self._url, timeout=DEADLINE, trust_env=False, verify=_trusted(), transport=self._transport
            ) as client:
                answer = await client.post("/v1/simulations", params={"reach": reach}, content=dumps({"benefit": benefit}), headers=headers)
        except httpx.HTTPError as error:
            raise Unavailable(type(error).__name__) from error
        if answer.status_code != 200:
            raise Unavailable(f"policy_match answered {answer.status_code}")
        try:
            told = loads(answer.content)
            findings = tuple(
                Finding(one["at"], one["severity"], one["problem"], one.get("hint") or "")
                for one in told["findings"]
                if one.get("code") not in SAID_HERE
            )
            cases = tuple({"name": one["name"], "passed": bool(one["passed"]), "why": one.get("why")} for one in told["cases"])
            counts = told.get("reach")
            return Checks(
                findings,
                cases,
                {name: counts[name] for name in REACH if name in counts} if counts else None,
                rule=tuple(told.get("rule") or ()),
                amount=tuple(told.get("amount") or ()),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Unavailable("policy_match answered what is no simulation") from error


class Ingest:
    """ingest over REST."""

    def __init__(self, url: str, key: str | None, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url, self._headers, self._transport = url, {"Authorization": f"Bearer {key}"} if key else {}, transport

    async def text(self, document: str, version: int) -> str:
        """The raw text of a version, which its spans count in. Raises Unavailable."""
        try:
            async with httpx.AsyncClient(
                base_url=self._url, timeout=DEADLINE, trust_env=False, verify=_trusted(), transport=self._transport
            ) as client:
                answer = await client.get(
                    f"/v1/documents/{quote(document, safe='')}/text", params={"version": version}, headers=self._headers
                )
        except httpx.HTTPError as error:
            raise Unavailable(type(error).__name__) from error
        if answer.status_code != 200:
            raise Unavailable(f"ingest answered {answer.status_code}")
        return answer.text


@cache
def working_rules() -> WorkingRules:
    """The working rules of this deployment. Raises ValueError where they do not fit the review."""
    return rules_of(read_working_rules())


def read_working_rules() -> dict[str, Any]:
    """The file of the working rules as plain data."""
    return tomllib.loads(files("services.catalog").joinpath("working_rules.toml").read_text("utf-8"))


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that are trusted, read once: reading them takes longer than the question."""
    return httpx.create_ssl_context()
