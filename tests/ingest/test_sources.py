"""Documents that nobody uploads: fetched from an address, found on a watched page, or read by an OCR; asked for politely."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI, Request, Response

from services.chassis.app import create_app
from services.ingest import api, jobs, sources
from services.ingest.domain.watching import EVERY, SELDOM, Link, documents_of, new_documents, pause, remembered
from services.ingest.main import SUBSCRIPTIONS
from services.ingest.sources import Unfetched, fetch, robots
from services.ingest.store import Store
from tests.ingest.documents import SENTENCE, pdf, scanned_pdf
from tests.running import Running, running, settings
from tests.service_room import serving

LIST = "https://www.example.gov.cn/zwgk/zc/"
NOTICE = f"关于支持企业的若干措施\n一、支持融资。{SENTENCE}（责任单位：市财政局）\n二、支持用工。{SENTENCE}（责任单位：市人社局）\n"


# ------------------------------------------------------------------------------------------------------------ what is new


def test_only_links_to_documents_of_the_site_count() -> None:
    links = [
        Link(f"{LIST}202403/t20240305_1.html", "关于支持企业的若干措施"),
        Link(f"{LIST}202403/t20240305_1.html", "关于支持企业的若干措施"),
        Link(f"{LIST}a.pdf", "关于用工补贴的通知"),
        Link(f"{LIST}index_2.html", "更多政策文件请看下一页"),
        Link(f"{LIST}202403/", "二〇二四年三月的文件"),
        Link("https://elsewhere.example/202403/t20240305_1.html", "别处网站上的文件"),
        Link("javascript:open(20240305)", "关于打开窗口的链接"),
        Link(f"{LIST}202403/t20240306_2.html", "下一页"),
        Link(LIST, "关于本栏目的说明文字"),
    ]
    assert [link.url for link in documents_of(links, LIST)] == [f"{LIST}202403/t20240305_1.html", f"{LIST}a.pdf"]


def test_what_stood_there_at_the_first_look_is_not_new_and_what_came_since_is() -> None:
    first, second = (Link(f"{LIST}20240{i}/t2024030{i}_{i}.html", f"关于第{i}项措施的通知") for i in (1, 2))
    assert new_documents([first], LIST, None) == ()
    seen = remembered((), [first])
    assert new_documents([second, first], LIST, seen) == (second,)
    assert new_documents([second, first], LIST, remembered(seen, [second])) == ()


def test_a_page_that_fails_is_looked_at_less_and_less_and_never_sooner_than_it_asks() -> None:
    pauses = [pause(failures) for failures in range(12)]
    assert pauses[0] == EVERY
    assert pauses == sorted(pauses)
    assert pauses[-1] == SELDOM
    assert pause(0, asked=7 * 3600) == timedelta(hours=7)


# ------------------------------------------------------------------------------------------------------------ fetching


@dataclass
class Site:
    """A web site for tests: its pages by path, and what was asked of it."""

    pages: dict[str, Response] = field(default_factory=dict)
    asked: list[tuple[str, str | None]] = field(default_factory=list)
    address: str = ""

    @property
    def allow(self) -> frozenset[str]:
        return frozenset({self.address.removeprefix("http://")})

    def page(self, path: str, body: str | bytes, *, status: int = 200, kind: str = "text/html; charset=utf-8", **headers: str) -> str:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = Response(body, status, given, media_type=kind)
        return self.address + path


@asynccontextmanager
async def open_site() -> AsyncIterator[Site]:
    site, app = Site(), FastAPI()

    @app.api_route("/{path:path}", methods=["GET", "POST"])
    async def any_page(path: str, request: Request) -> Response:
        site.asked.append((f"/{path}", request.headers.get("if-none-match")))
        page = site.pages.get(f"/{path}", Response("没有", 404))
        etag = page.headers.get("etag")
        if etag and request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers={"etag": etag})
        return page

    async with serving(app) as address:
        site.address = address
        yield site


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with open_site() as opened:
        yield opened


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with sources.client() as opened:
        yield opened


async def test_a_document_is_fetched_with_its_name_and_the_marks_to_ask_again(site: Site, http: httpx.AsyncClient) -> None:
    url = site.page("/a/1.pdf", pdf([["甲"]]), kind="application/pdf", etag='"v1"', last_modified="Tue, 05 Mar 2024 00:00:00 GMT")
    found = await fetch(http, url, allow=site.allow)
    assert found is not None
    assert (found.name, found.declared, found.etag) == ("1.pdf", "application/pdf", '"v1"')
    assert await fetch(http, url, allow=site.allow, etag=found.etag, modified=found.modified) is None


@pytest.mark.parametrize(
    ("disposition", "name"),
    [("attachment; filename*=UTF-8''%E6%8E%AA%E6%96%BD.docx", "措施.docx"), ('attachment; filename="../../a b.pdf"', "a b.pdf"),
     ("attachment; filename=a.txt", "a.txt"), ("inline", "get.jsp"), ("attachment; filename*=gbk''%B4%EB%CA%A9.xlsx", "措施.xlsx")],
)  # fmt: skip
async def test_the_name_is_the_one_the_answer_gives(site: Site, http: httpx.AsyncClient, disposition: str, name: str) -> None:
    found = await fetch(http, site.page("/x/get.jsp", "一、总则。", content_disposition=disposition), allow=site.allow)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    ("status", "headers", "says", "after"),
    [(301, {"location": "https://other.example/b"}, "https://other.example/b", None), (404, {}, "404", None),
     (503, {"retry_after": "120"}, "503", 120),
     (429, {"retry_after": "Tue, 05 Mar 2024 00:02:00 GMT", "date": "Tue, 05 Mar 2024 00:00:00 GMT"}, "429", 120)],
)  # fmt: skip
async def test_what_is_no_document_is_told_and_no_redirect_is_followed(
    site: Site, http: httpx.AsyncClient, status: int, headers: dict[str, str], says: str, after: int | None
) -> None:
    url = site.page("/a", "x", status=status, **headers)
    with pytest.raises(Unfetched) as told:
        await fetch(http, url, allow=site.allow)
    assert says in told.value.problem
    assert told.value.hint
    if "date" not in headers:  # the server of the test writes its own date
        assert told.value.after == after
    assert [path for path, _ in site.asked] == ["/a"]


async def test_a_body_over_the_limit_is_read_no_further(site: Site, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "LIMIT", 1000)
    with pytest.raises(Unfetched, match="超过"):
        await fetch(http, site.page("/a", "长" * 1000), allow=site.allow)


@pytest.mark.parametrize(
    "url", ["https://127.0.0.1/", "https://169.254.169.254/latest/meta-data", "http://1.1.1.1/", "ftp://a.example/", "没有"]
)
async def test_addresses_inside_are_never_asked(http: httpx.AsyncClient, url: str) -> None:
    with pytest.raises(Unfetched) as told:
        await fetch(http, url, allow=frozenset())
    assert told.value.problem


async def test_robots_are_obeyed(site: Site, http: httpx.AsyncClient) -> None:
    secret, public = f"{site.address}/secret/1.html", f"{site.address}/open/1.html"
    assert (await robots(http, public, allow=site.allow)).can_fetch(sources.AGENT, secret)
    site.page("/robots.txt", "User-agent: *\nDisallow: /secret/\n", kind="text/plain")
    rules = await robots(http, public, allow=site.allow)
    assert (rules.can_fetch(sources.AGENT, secret), rules.can_fetch(sources.AGENT, public)) == (False, True)
    site.page("/robots.txt", "", status=503)
    assert not (await robots(http, public, allow=site.allow)).can_fetch(sources.AGENT, public)


# ------------------------------------------------------------------------------------------------------------ in the service


@asynccontextmanager
async def ingest(database: str, site: Site, **more: object) -> AsyncIterator[Running]:
    told = settings(database, source_allow=site.address.removeprefix("http://"), **more)
    app = create_app("ingest", store=Store, subscriptions=SUBSCRIPTIONS, routers=[api.router], settings=told)
    async with running(app) as service:
        yield service


async def test_a_new_document_on_a_watched_page_is_read_once(
    database: str, site: Site, http: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "GAP", 0)
    old = "<li><a href='/zc/t20240301_1.html'>关于旧措施的通知文件</a></li>"
    url = site.page("/zc/", f"<ul>{old}</ul>", etag='"1"')
    site.page("/zc/t20240305_2.html", f"<h1>关于支持企业的若干措施</h1><p>一、支持融资。{SENTENCE}</p><p>二、支持用工。{SENTENCE}</p>")
    async with ingest(database, site) as service:
        editor = await service.client("platform", "portal", "documents:write", "documents:read")
        added = await editor.post("/v1/sources", json={"url": url})
        assert added.status_code == 201, added.text
        assert (added.json()["known"], added.json()["looked_at"]) == (None, None)

        async def look_now() -> dict[str, object]:
            await service.runtime.pool.execute("UPDATE sources SET due_at = now() - interval '1 second'")
            assert await jobs.look(service.runtime, http)
            assert not await jobs.look(service.runtime, http)  # it is not due again
            view: dict[str, object] = (await editor.get("/v1/sources")).json()["items"][0]
            return view

        first = await look_now()
        assert (first["known"], first["documents"], first["problem"]) == (1, 0, None)
        assert await service.said() == []
        site.page("/zc/", f"<ul>{old}<li><a href='t20240305_2.html'>关于支持企业的若干措施</a></li></ul>", etag='"2"')
        second = await look_now()
        assert (second["known"], second["documents"]) == (2, 1)
        assert [name for name, _ in await service.said()] == ["DocumentRead", "MeasureRead", "MeasureRead"]
        third = await look_now()
        assert third["documents"] == 1
        assert site.asked[-1] == ("/zc/", '"2"')
        site.page("/zc/", "", status=503, retry_after="36000")
        fourth = await look_now()
        assert (fourth["failures"], fourth["problem"]) == (1, "该网址的应答状态是 503")
        assert len(await service.said()) == 3
        assert (await editor.delete(f"/v1/sources/{added.json()['source']}")).status_code == 204
        assert (await editor.get("/v1/sources")).json()["items"] == []


async def test_an_address_inside_cannot_be_watched_or_read(database: str, site: Site) -> None:
    async with ingest(database, site) as service:
        editor = await service.client("platform", "portal", "documents:write", "documents:read")
        for path in ("/v1/sources", "/v1/documents"):
            refused = await editor.post(path, json={"url": "https://10.0.0.1/zc/"})
            assert refused.status_code == 422
            assert "非公网" in refused.json()["detail"]
        assert (await editor.get("/v1/sources")).json()["items"] == []


async def test_a_document_is_read_from_its_address(database: str, site: Site) -> None:
    url = site.page("/a.txt", NOTICE, kind="text/plain; charset=utf-8")
    async with ingest(database, site) as service:
        editor = await service.client("platform", "portal", "documents:write", "documents:read")
        receipt = await editor.post("/v1/documents", json={"url": url})
        assert (receipt.status_code, receipt.json()["measures"]) == (202, 2)
        missing = await editor.post("/v1/documents", json={"url": url + "x"})
        assert (missing.status_code, missing.json()["code"], missing.json()["errors"][0]["at"]) == (422, "unreadable", "url")


async def test_a_scanned_document_is_accepted_marked_and_awaits_a_person(database: str, site: Site) -> None:
    async with ingest(database, site) as service:
        editor = await service.client("platform", "portal", "documents:write", "documents:read")
        receipt = await editor.post("/v1/documents", files={"file": ("扫描.pdf", scanned_pdf("", ""), "application/pdf")})
        assert receipt.status_code == 202
        assert (receipt.json()["status"], receipt.json()["measures"]) == ("needs_ocr", 0)
        assert receipt.json()["notes"] == ["第 1–2 页没有可用的文字层。"]
        [(event, body)] = await service.said()
        assert (event, body["status"]) == ("DocumentRead", "needs_ocr")


async def test_an_ocr_reads_what_is_scanned_and_when_it_fails_the_document_awaits_a_person(database: str, site: Site) -> None:
    url = site.page("/ocr", "busy", status=503)
    async with ingest(database, site, ocr_url=url) as service:
        editor = await service.client("platform", "portal", "documents:write", "documents:read")
        first = await editor.post("/v1/documents", files={"file": ("甲.pdf", scanned_pdf(""))})
        assert first.json()["status"] == "needs_ocr"
        pages = NOTICE.split("二、")
        site.pages["/ocr"] = Response(
            httpx.Request("POST", url, json={"pages": [pages[0], "二、" + pages[1]]}).read(), media_type="application/json"
        )
        second = await editor.post("/v1/documents", files={"file": ("乙.pdf", scanned_pdf("", ""))})
        assert (second.json()["status"], second.json()["measures"]) == ("read", 2)
        assert "识别" in second.json()["notes"][-1]


async def test_200_megabytes_are_refused_after_the_limit_and_the_rest_is_not_taken(database: str, site: Site) -> None:
    sent = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal sent
        head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.7\n'
        yield head
        for _ in range(200):
            sent += 1
            yield bytes(1024 * 1024)

    async with ingest(database, site) as service:
        editor = await service.client("platform", "portal", "documents:write")
        refused = await editor.post("/v1/documents", content=body(), headers={"Content-Type": "multipart/form-data; boundary=x"})
        assert (refused.status_code, refused.json()["code"]) == (413, "too-large")
        assert sent <= 25
