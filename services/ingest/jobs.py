"""What ingest does without being asked: look at watched list pages when they are due, and read what is new on them."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from urllib.robotparser import RobotFileParser

import asyncpg
import httpx
import structlog

from services.chassis import clock, dialer
from services.chassis.app import Runtime
from services.chassis.auth import Principal
from services.chassis.outbox import TooLarge
from services.ingest import sources
from services.ingest.domain.reading import NotADocument
from services.ingest.domain.watching import Link, documents_of, new_documents, pause, remembered
from services.ingest.handlers import Received, Source, read_received, refuse_document
from services.ingest.handlers.documents import keep_document
from services.ingest.sandbox import Overwhelmed, links_safely, read_safely
from services.ingest.store import Store

IDLE = 30.0
"""Seconds between looks for a page that is due."""
GAP = 1.0
"""Seconds between two requests to one site."""
AT_ONCE = 20
"""New documents that one look reads; more wait for the next look."""
CLAIMED = timedelta(minutes=30)
"""How long a page belongs to the process that looks at it."""
SELF = Principal("operator", "job:watch", frozenset())

log = structlog.get_logger()


async def watch(runtime: Runtime[Store]) -> None:
    """Look at pages as they become due, for ever; several processes share the work, each page being claimed by one."""
    async with sources.client() as http:
        while True:
            try:
                looked = await look(runtime, http)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                log.warning("watch.waits", error=type(error).__name__)
                looked = False
            if not looked:
                await asyncio.sleep(IDLE)


async def look(runtime: Runtime[Store], http: httpx.AsyncClient) -> bool:
    """Look at one page that is due; says whether there was one."""
    async with runtime.work(SELF) as work:
        source = await work.store.claim_source(work.now, work.now + CLAIMED)
    if source is None:
        return False
    asked = None
    try:
        source = replace(await _looked(runtime, http, source), failures=0, problem=None)
    except sources.Unfetched as failed:
        source, asked = replace(source, failures=source.failures + 1, problem=failed.problem), failed.after
    except NotADocument as refused:
        source = replace(source, failures=source.failures + 1, problem=refused.detail)
    except Overwhelmed:
        source = replace(source, failures=source.failures + 1, problem="读取的进程忙，稍后再看")
    now = clock.now()
    async with runtime.work(SELF) as work:
        await work.store.settle_source(replace(source, looked_at=now, due_at=now + pause(source.failures, asked=asked)))
    return True


async def _looked(runtime: Runtime[Store], http: httpx.AsyncClient, source: Source) -> Source:
    """A source after a look at it, its new documents read. Raises Unfetched, NotADocument, Overwhelmed."""
    allow = dialer.allowed(runtime.settings.source_allow)
    rules = await sources.robots(http, source.url, allow=allow)
    if not rules.can_fetch(sources.AGENT, source.url):
        raise sources.Unfetched("该网站的 robots.txt 不允许查看该页，或暂时无法取得", "请与网站的主办单位联系，或逐个上传文件")
    await asyncio.sleep(GAP)
    page = await sources.fetch(http, source.url, allow=allow, etag=source.etag, modified=source.modified)
    if page is None:
        return source
    links = await links_safely(page.data, source.url)
    if source.seen is None:
        return replace(source, seen=remembered((), documents_of(links, source.url)), etag=page.etag, modified=page.modified)
    fresh = new_documents(links, source.url, set(source.seen))
    done = [link for link in fresh[:AT_ONCE] if await _read(runtime, http, link, rules, allow)]
    whole = len(done) == len(fresh)  # else the page must be read again, changed or not
    return replace(
        source,
        seen=remembered(source.seen, done),
        documents=source.documents + len(done),
        etag=page.etag if whole else None,
        modified=page.modified if whole else None,
    )


async def _read(runtime: Runtime[Store], http: httpx.AsyncClient, link: Link, rules: RobotFileParser, allow: frozenset[str]) -> bool:
    """Fetch, read and keep one document, or say why it was refused; False when it is to be tried again."""
    if not rules.can_fetch(sources.AGENT, link.url):
        return True
    await asyncio.sleep(GAP)
    try:
        fetched = await sources.fetch(http, link.url, allow=allow)
    except sources.Unfetched as failed:
        log.warning("watch.unfetched", problem=failed.problem)
        return False
    if fetched is None:
        return False
    received = Received(fetched.name, fetched.data, fetched.declared)
    try:
        read = await read_received(received, reader=read_safely, ocr=sources.ocr_of(runtime.settings))
        async with runtime.work(SELF) as work:
            await keep_document(received, read, work)
    except NotADocument as refused:
        async with runtime.work(SELF) as work:
            refuse_document(received, work, code=refused.code, reason=refused.detail)
    except TooLarge:
        async with runtime.work(SELF) as work:
            refuse_document(received, work, code="too-large", reason="文件中有一条举措过长，超过 256 KB。")
    except Overwhelmed:
        return False
    return True
