"""The whole flow before a stranger's eyes: documents in, benefits reviewed by two synthetic officers, messages in inboxes.

It goes through the same doors as anyone: the REST APIs with API keys and roles. What ought to be delivered is computed by another
process that sees only the published benefits and the generated enterprises; the run is good when nothing is missing.
"""

import asyncio
import fcntl
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from contracts.rules import parse_benefit, tests_a_fact
from contracts.topics import TOPICS
from deploy.city import deliveries, enterprises
from deploy.embedded import Platform
from deploy.keys import create_key
from deploy.report import Pair, Run, Sums, demo_json, lacking, table
from services.chassis import clock
from services.chassis.auth import SCOPES, Principal

SAMPLES = Path(__file__).parent / "samples"
PATIENCE = 120.0
"""Seconds for any one stage before the run is given up."""
SETTLED = 5.0
"""Seconds in which what every service has handled must be seen in the inboxes."""


class Unfinished(Exception):
    """A stage that did not come to its end in time, and what it waited for."""


class Caller:
    """The APIs of the four services as one principal sees them."""

    def __init__(self, urls: Mapping[str, str], key: str, client: httpx.AsyncClient) -> None:
        self._urls, self._headers, self._client = urls, {"Authorization": f"Bearer {key}"}, client

    async def __call__(self, service: str, method: str, path: str, **more: Any) -> Any:
        """The JSON of an answer. Raises httpx.HTTPStatusError with the problem's detail."""
        headers = self._headers | more.pop("headers", {})
        answer = await self._client.request(method, f"{self._urls[service]}{path}", headers=headers, **more)
        if answer.is_error:
            raise httpx.HTTPStatusError(
                f"{method} {path}: {answer.status_code} {answer.text[:500]}", request=answer.request, response=answer
            )
        return json.loads(answer.content)

    async def all(self, service: str, path: str, **query: Any) -> list[dict[str, Any]]:
        """Every item of a list, page after page."""
        items: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            page = await self(service, "GET", path, params=query | ({"cursor": cursor} if cursor else {}))
            items += page["items"]
            cursor = page.get("next")
            if not cursor:
                return items


async def until(what: str, done: Callable[[], Any], *, seconds: float = PATIENCE) -> None:
    """Wait until `done()` is true. Raises Unfinished, naming what was waited for."""
    end = time.monotonic() + seconds
    while not await done():
        if time.monotonic() > end:
            raise Unfinished(f"{what}: not within {seconds:.0f} s")
        await asyncio.sleep(0.1)


def documents_in(folder: Path) -> list[Path]:
    """The documents of a folder, by name; descriptions and data beside them are not documents."""
    return sorted(path for path in folder.iterdir() if path.is_file() and path.suffix.lower() not in {".md", ".json"})


def quotes(draft: Mapping[str, Any]) -> bool:
    """Does a draft hold a condition or an amount with the words it was read from?"""

    def quoted(node: Any) -> bool:
        if isinstance(node, Mapping):
            return bool(node.get("quote")) or any(quoted(inner) for inner in node.values())
        return isinstance(node, list) and any(map(quoted, node))

    return quoted(draft["rule"]) or quoted(draft.get("amount"))


class Demo:
    """One run; each method is one stage and leaves what it counted."""

    def __init__(self, platform: Platform, client: httpx.AsyncClient, *, var: Path, console: Console, as_of: date) -> None:
        self.platform, self.client, self.var, self.console, self.as_of = platform, client, var, console, as_of
        self.secret = (var / "secret").read_text()
        self.seconds: dict[str, float] = {}
        self.traces: dict[str, str] = {}
        self.documents: dict[str, dict[str, Any]] = {}
        self.drafts: list[dict[str, Any]] = []
        self.published: list[dict[str, Any]] = []
        self.delivered: frozenset[Pair] = frozenset()
        self.held_back: list[tuple[str, str]] = []

    async def caller(self, kind: str, name: str, scopes: tuple[str, ...], *, department: str = "", roles: tuple[str, ...] = ()) -> Caller:
        """A synthetic principal with a key of its own."""
        principal = Principal(kind, name, frozenset(scopes), department=department, roles=frozenset(roles))
        return Caller(self.platform.urls, await create_key(self.platform.databases, principal, secret=self.secret), self.client)

    @asynccontextmanager
    async def stage(self, name: str, told: str) -> AsyncIterator[None]:
        """Times a stage and tells of it."""
        begun = time.monotonic()
        self.console.print(f"[bold]{told}[/bold]")
        yield
        self.seconds[name] = self.seconds.get(name, 0) + time.monotonic() - begun
        self.console.print(f"  {time.monotonic() - begun:.1f} s")

    async def quiet(self, operator: Caller, speaker: str, listener: str, *topics: str) -> None:
        """Wait until what `speaker` said on the topics was handled by `listener`. Raises Unfinished for what it set aside instead."""

        async def heard() -> dict[str, Any]:
            told: dict[str, Any] = await operator(listener, "GET", "/ops/trouble")
            aside = [(one["topic"], one["reason"]) for one in told["dead_letters"]]
            aside += [(one["topic"], one["error"]) for one in told["parked"]]
            if aside:
                raise Unfinished(f"{listener} could not handle {len(aside)} event(s) or key(s); the first, of {aside[0][0]}: {aside[0][1]}")
            return told

        async def done() -> bool:
            said = await operator(speaker, "GET", "/ops/trouble")
            lag = (await heard())["lag"]
            return said["outbox"]["waiting"] == 0 and lag is not None and all(lag[topic] == 0 for topic in topics)

        await until(f"{listener} to hear {', '.join(topics)} from {speaker}", done)
        await heard()  # what was set aside while the lag was being asked for

    async def state_facts(self, operator: Caller, count: int, seed: int) -> Path:
        """Synthetic enterprises, stated by each authority through its own key; returns the JSON Lines file."""
        city = list(enterprises(count, seed=seed, as_of=self.as_of))
        lines = self.var / "enterprises.jsonl"
        lines.write_text("".join(json.dumps(one, ensure_ascii=False) + "\n" for one in city), "utf-8")
        for authority, body in deliveries(city, true_on=self.as_of).items():
            caller = await self.caller("authority", f"合成-{authority}", ("facts:write",), department=authority)
            reply = await caller("ingest", "POST", "/v1/facts", content=body, headers={"Content-Type": "application/x-ndjson"})
            if reply["refused"]:
                raise Unfinished(f"{reply['refused']} lines of {authority} were refused; the first: {reply['errors'][0]}")
        await self.quiet(operator, "ingest", "policy_match", "facts.v1")
        return lines

    async def upload(self, given: list[Path]) -> None:
        """Every document through the door."""
        caller = await self.caller("officer", "合成-收文", ("documents:write", "documents:read"), department="综合")
        for path in given:
            try:
                reply = await caller("ingest", "POST", "/v1/documents", files={"file": (path.name, path.read_bytes())})
            except httpx.HTTPStatusError as refusal:
                self.console.print(f"  {path.name}: {refusal}")
                continue
            self.documents[path.name] = reply
            detail = await caller("ingest", "GET", f"/v1/documents/{reply['document']}")
            self.traces[path.name] = detail["trace"]

    async def catalogue(self, operator: Caller, reader: Caller) -> int:
        """Wait until every measure stands in the catalogue; how many there are."""
        await self.quiet(operator, "ingest", "catalog", "documents.v1", "measures.v1")
        measures = 0
        for name, document in self.documents.items():
            found = len(await reader.all("catalog", "/v1/measures", document=document["document"], limit=200))
            measures += found
            self.console.print(f"  {name}: {found} measures")
            if found != document["measures"]:
                raise Unfinished(f"{name}: {document['measures']} measures were read and {found} are catalogued")
        return measures

    async def review(self) -> None:
        """Two synthetic officers: one submits, the other approves and publishes what has clean checks."""
        scopes = ("benefits:read", "benefits:edit", "benefits:review", "benefits:publish")
        editor = await self.caller("officer", "合成-经办甲", scopes, department="综合", roles=("editor",))
        chief = await self.caller("officer", "合成-审核乙", scopes, department="综合", roles=("reviewer", "publisher"))
        everything = await editor.all("catalog", "/v1/benefits", status="draft", limit=200)
        self.drafts = [draft for draft in everything if quotes(draft["benefit"])]
        for draft in self.drafts:
            path = f"/v1/benefits/{draft['benefit']['id']}"
            checks = await editor("catalog", "GET", f"{path}/checks", params={"reach": False})
            errors = [finding for finding in checks["findings"] if finding["severity"] == "error"]
            failed = [case for case in checks["cases"] if not case["passed"]]
            if errors or failed:
                self.held_back.append((draft["benefit"]["title"], str((errors or failed)[0])))
                continue
            await editor("catalog", "POST", f"{path}/submit", json={"why": "合成演示：检查无误，提交审核"})
            await chief("catalog", "POST", f"{path}/approve", json={"why": "合成演示：与原文一致"})
            await chief("catalog", "POST", f"{path}/publish", json={"why": "合成演示：发布"})
        self.published = await chief.all("catalog", "/v1/benefits", status="published", limit=200)

    async def due(self, lines: Path) -> tuple[frozenset[Pair], dict[str, Sums]]:
        """What ought to be delivered, by a process that sees only the published benefits and the enterprises."""
        benefits = self.var / "benefits.json"
        benefits.write_text(json.dumps([one["benefit"] for one in self.published], ensure_ascii=False), "utf-8")
        arguments = ["--benefits", str(benefits), "--enterprises", str(lines), "--as-of", self.as_of.isoformat()]
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "deploy.expected", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        if process.returncode:
            raise Unfinished(f"the expected messages could not be computed: {err.decode()[-2000:]}")
        (self.var / "expected.json").write_bytes(out)
        told = json.loads(out)
        titles = {one["benefit"]["id"]: one["benefit"]["title"] for one in self.published}
        sums = {
            benefit: Sums(titles[benefit], counts["tests_a_fact"], counts["eligible"], counts["ineligible"], counts["undetermined"])
            for benefit, counts in told["benefits"].items()
        }
        return frozenset(Pair(*pair) for pair in told["pairs"]), sums

    async def matched(self, reader: Caller) -> int:
        """How many pairs policy_match itself counted as eligible, over the benefits that test a fact."""
        total = 0
        for one in self.published:
            if tests_a_fact(parse_benefit(one["benefit"]).rule):
                total += (await reader("policy_match", "GET", f"/v1/simulations/{one['benefit']['id']}"))["eligible"]
        return total

    async def deliver(self, reader: Caller, expected: frozenset[Pair]) -> None:
        """Look into the inboxes until they hold what is due; nothing is on its way any more, so what is not there soon never comes."""

        async def look() -> bool:
            ledger = await reader.all("notify", "/v1/ledger", limit=5000)
            self.delivered = frozenset(Pair(entry["uscc"], entry["benefit"]) for entry in ledger)
            return expected <= self.delivered

        try:
            await until("the messages", look, seconds=SETTLED)
        except Unfinished:
            return  # the report says how many are missing

    async def example(self, reader: Caller, expected: frozenset[Pair]) -> str | None:
        """One message as the enterprise reads it: the one with the most reasons among the first few."""
        best: dict[str, Any] | None = None
        for pair in sorted(expected & self.delivered, key=lambda one: (one.benefit, one.uscc))[:: max(1, len(expected) // 12)]:
            for item in await reader.all("notify", f"/v1/inbox/{pair.uscc}/messages", limit=200):
                if item["benefit"] == pair.benefit:
                    message = await reader("notify", "GET", f"/v1/inbox/{pair.uscc}/messages/{item['id']}")
                    if best is None or len(message["why"]) > len(best["why"]):
                        best = message
        return best["text"] if best else None


def run(
    *,
    docs: Path,
    out: Path,
    var: Path,
    with_kafka: bool = False,
    count: int = 2000,
    seed: int = 1,
    prepared: Callable[[Platform], None] | None = None,
) -> int:
    """Run the demo; 0 when nothing is missing. `prepared` is called when the services are ready (a fault test breaks something there)."""
    console = Console(stderr=True)
    given = documents_in(docs) if docs.is_dir() else []
    if not given:
        console.print(f"[red]{docs}: no such folder, or no document in it; give DOCS=<folder with documents>[/red]")
        return 2
    as_of = clock.city_day(clock.now(), "Asia/Shanghai")
    if not _cleared(var):
        console.print(f"[red]a demo already runs from {var}; stop it first[/red]")
        return 2
    begun = time.monotonic()
    console.print(f"[bold]Starting PostgreSQL, the broker and four services[/bold] ({var})")
    with Platform(var, TOPICS, with_kafka=with_kafka) as platform:
        console.print(f"  {time.monotonic() - begun:.1f} s · {platform.broker}")
        if prepared:
            prepared(platform)
        try:
            report = asyncio.run(_stages(platform, given, count=count, seed=seed, var=var, console=console, as_of=as_of))
        except (Unfinished, httpx.HTTPError) as error:
            console.print(f"[red]Not finished: {error}[/red]\nLogs: {var / 'log'}")
            return 1
        Console().print(table(report))
        out.write_text(json.dumps(demo_json(report), ensure_ascii=False, indent=1) + "\n", "utf-8")
        console.print(f"Written: {out}. The whole run took {time.monotonic() - begun:.0f} s.")
        return 1 if lacking(report) else 0


def _cleared(var: Path) -> bool:
    """Every run begins with an empty folder; false if a running platform holds it."""
    var.mkdir(parents=True, exist_ok=True)
    with (var / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        postgres = var / "postgres"
        if postgres.is_symlink():  # under root the data lie where the unprivileged server can reach them
            shutil.rmtree(postgres.resolve(), ignore_errors=True)
            postgres.unlink()
        shutil.rmtree(var)
    return True


async def _stages(platform: Platform, given: list[Path], *, count: int, seed: int, var: Path, console: Console, as_of: date) -> Run:
    async with httpx.AsyncClient(trust_env=False, timeout=60) as client:
        demo = Demo(platform, client, var=var, console=console, as_of=as_of)
        operator = await demo.caller("operator", "合成-运维", SCOPES)
        async with demo.stage("enterprises", f"{count} synthetic enterprises: their facts, stated by each authority"):
            lines = await demo.state_facts(operator, count, seed)
        async with demo.stage("documents", f"{len(given)} documents through the door"):
            await demo.upload(given)
        async with demo.stage("measures", "Measures into the catalogue"):
            measures = await demo.catalogue(operator, operator)
        async with demo.stage("benefits", "Drafts reviewed and published by two synthetic officers"):
            await demo.review()
        expected, sums = await demo.due(lines)
        async with demo.stage("matches", "Every enterprise against every benefit"):
            await demo.quiet(operator, "catalog", "policy_match", "benefits.v1")
            await demo.quiet(operator, "policy_match", "policy_match", "sweeps.v1")
        async with demo.stage("messages", "Messages into inboxes"):
            await demo.quiet(operator, "policy_match", "notify", "matches.v1")
            await demo.deliver(operator, expected)
        for title, why in demo.held_back:
            console.print(f"  held back: {title}: {why}")
        return Run(
            given=[path.name for path in given],
            traces=demo.traces,
            measures=measures,
            benefits=len(demo.drafts),
            published=sums,
            enterprises=count,
            matches=await demo.matched(operator),
            expected=expected,
            delivered=demo.delivered,
            seconds=demo.seconds,
            broker=platform.broker,
            example=await demo.example(operator, expected),
        )
