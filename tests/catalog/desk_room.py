"""An officer at catalog's page in a test: the service, the matcher it asks, and a browser without scripts."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from functools import partial
from html import unescape
from typing import Any
from urllib.parse import urlsplit

import httpx
from selectolax.lexbor import LexborHTMLParser as HTMLParser
from selectolax.lexbor import LexborNode as Node

from contracts import rules
from contracts.registry import load_figures, load_registry
from services.catalog.api import ROUTERS
from services.catalog.domain.drafts import drafts
from services.catalog.handlers import documents
from services.catalog.main import SUBSCRIPTIONS
from services.catalog.store import Store
from services.chassis.app import create_app
from services.chassis.auth import Principal, new_key, store_key
from services.policy_match.domain.check import check
from services.policy_match.domain.wording import amount_lines, rule_lines
from tests.catalog.test_catalog_api import BODY, measure, read
from tests.running import SECRET, Running, running, settings

ALL = ("benefits:read", "benefits:edit", "benefits:review", "benefits:publish", "documents:read")
EDITOR, REVIEWER, PUBLISHER = ("甲", "editor"), ("乙", "reviewer"), ("丙", "publisher")


class Matcher:
    """policy_match as catalog sees it: the words of the rule and its cases are its own, the rest is what a test says."""

    def __init__(self) -> None:
        self.away = False
        self.said: dict[str, Any] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.away:
            raise httpx.ConnectError("nobody listens", request=request)
        benefit = rules.parse_benefit(rules.loads(request.content)["benefit"])
        reach = {"eligible": 3, "ineligible": 5, "undetermined": 2, "amount": {"low": "600000.00", "high": "600000.00"}}
        told = {
            "findings": [],
            "cases": list(self._cases(benefit)),
            "reach": reach if request.url.params["reach"] == "true" else None,
            "rule": [line._asdict() for line in rule_lines(benefit.rule, load_registry())],
            "amount": [line._asdict() for line in amount_lines(benefit.amount, load_registry())],
        }
        return httpx.Response(200, json=told | self.said)

    @staticmethod
    def _cases(benefit: rules.Benefit) -> Iterator[dict[str, Any]]:
        report = check(benefit, registry=load_registry(), figures=load_figures())
        failed = {finding.at: finding.problem for finding in report.errors if finding.code == "case-fails"}
        for at, case in enumerate(benefit.cases or ()):
            yield {"name": case.name, "passed": f"cases/{at}" not in failed, "why": failed.get(f"cases/{at}")}


@asynccontextmanager
async def desk_of(database: str) -> AsyncIterator[Running]:
    """Catalog with its page, drafting as in this city."""
    draft = partial(drafts, registry=load_registry(), city="350200")
    subscriptions = {
        **SUBSCRIPTIONS,
        type(read()): partial(documents.on_documents_read, drafting=draft),
        type(measure()): partial(documents.on_measures_read, drafting=draft),
    }
    app = create_app("catalog", store=Store, subscriptions=subscriptions, routers=ROUTERS, settings=settings(database))
    async with running(app) as service:
        yield service


class Visitor:
    """A browser without scripts: it keeps cookies, follows redirects and fills in the forms that it finds on the page."""

    def __init__(self, catalog: Running) -> None:
        self.catalog = catalog
        self.client = httpx.AsyncClient(transport=httpx.ASGITransport(catalog.app), base_url="http://test", follow_redirects=True)
        catalog.clients.append(self.client)
        self.page: HTMLParser
        self.status = 0

    async def go(self, path: str) -> str:
        return self._shown(await self.client.get(path))

    async def press(self, button: str, **fields: str) -> str:
        """Fill in the fields of the form that has this button, and press it."""
        for form in self.page.css("form"):
            for one in form.css("button"):
                if one.text(strip=True) == button:
                    values = filled(form) | fields
                    if one.attributes.get("name"):
                        values[str(one.attributes["name"])] = str(one.attributes.get("value"))
                    return await self.send(str(form.attributes["action"]), values)
        raise AssertionError(f"no button {button!r} on the page: {[b.text(strip=True) for b in self.page.css('button')]}")

    async def send(self, action: str, values: Mapping[str, str]) -> str:
        return self._shown(await self.client.post(action, data=dict(values)))

    def _shown(self, response: httpx.Response) -> str:
        self.status, self.response = response.status_code, response
        self.page = HTMLParser(response.text)
        return unescape(self.page.body.text(separator=" ")) if self.page.body else response.text

    def buttons(self) -> list[str]:
        main = self.page.css_first("main")
        return [button.text(strip=True) for button in main.css("button")] if main else []


def filled(form: Node) -> dict[str, str]:
    """What a form sends when nothing is typed."""
    values = {str(one.attributes["name"]): one.attributes.get("value") or "" for one in form.css("input") if one.attributes.get("name")}
    values |= {str(one.attributes["name"]): one.text() for one in form.css("textarea")}
    for one in form.css("select"):
        chosen = one.css_first("option[selected]") or one.css_first("option")
        values[str(one.attributes["name"])] = (chosen.attributes.get("value") or "") if chosen else ""
    return values


async def key_of(
    catalog: Running, name: str, *roles: str, kind: str = "officer", scopes: tuple[str, ...] = ALL, department: str = "市工业和信息化局"
) -> str:
    key = new_key()
    department = department if kind == "officer" else ""
    async with catalog.runtime.pool.acquire() as connection:
        await store_key(connection, key, Principal(kind, name, frozenset(scopes), department, "", frozenset(roles)), secret=SECRET)  # type: ignore[arg-type]
    return key


async def officer(catalog: Running, name: str, *roles: str, scopes: tuple[str, ...] = ALL) -> Visitor:
    """An officer who has signed in."""
    visitor = Visitor(catalog)
    await visitor.go("/desk/login")
    await visitor.press("登录", key=await key_of(catalog, name, *roles, scopes=scopes))
    assert visitor.status == 200
    assert urlsplit(str(visitor.response.url)).path == "/desk"
    return visitor


async def drafted(catalog: Running, body: str = BODY) -> str:
    await catalog.hear(read(valid_to=date(2030, 12, 31)))
    await catalog.hear(measure(body=body))
    [row] = await catalog.rows("SELECT id FROM benefits")
    return f"/desk/benefits/{row['id']}"


async def published(catalog: Running) -> str:
    path = await drafted(catalog)
    for (name, role), button in ((EDITOR, "提交审核"), (REVIEWER, "通过"), (PUBLISHER, "发布")):
        visitor = await officer(catalog, name, role)
        await visitor.go(path)
        assert "已" in await visitor.press(button, why="核对无误")
        assert visitor.status == 200
    return path


def path_of(visitor: Visitor, words: str) -> str:
    """The link by which the test with these words is corrected."""
    [line] = [one for one in visitor.page.css("ol.rule li") if words in one.text()]
    return str(line.css_first("a").attributes["href"])
