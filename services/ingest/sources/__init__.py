"""Where documents come from when nobody uploads them: an address that is fetched, a list page that is watched, an OCR that is asked.

Addresses come from strangers and go through the chassis's dialer. A site is asked politely: by name, one request at a time, with the
marks of the last answer (ETag, Last-Modified), never where its robots.txt says no, and later when it says later.
"""

import asyncio
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit
from urllib.robotparser import RobotFileParser

import httpx
import structlog
from pydantic import BaseModel, ValidationError

from services.chassis import dialer
from services.chassis.settings import Settings
from services.ingest.domain.reading import LIMIT

AGENT = "zhaoqi"
"""How we call ourselves: the name that a site's robots.txt may speak to."""
TOTAL = 30.0
"""Seconds for one document."""
TABLE_TOTAL = 300.0
"""Seconds for one table of facts."""
OCR_TOTAL = 300.0
"""Seconds an OCR may take for one document."""
log = structlog.get_logger()

_NOTHING = ("User-agent: *", "Disallow: /")
_ROBOTS_LIMIT = 512 * 1024  # bytes of robots.txt that are read (RFC 9309 §2.5 asks for at least 500 KiB)


class Unfetched(Exception):
    """An address did not give a document: what happened and what to do (Chinese); ``after`` is the seconds the site asks us to wait."""

    def __init__(self, problem: str, hint: str, *, after: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.hint, self.after = problem, hint, after


@dataclass(frozen=True)
class Fetched:
    """What an address gave: a file name, its bytes, the declared media type, and the marks to ask again with."""

    url: str
    name: str
    data: bytes
    declared: str | None
    etag: str | None
    modified: str | None


def client() -> httpx.AsyncClient:
    """The client of all fetching: no proxy of the environment, no redirects, no cookies kept between requests."""
    return httpx.AsyncClient(timeout=TOTAL, trust_env=False, follow_redirects=False, limits=httpx.Limits(max_keepalive_connections=0))


async def fetch(
    http: httpx.AsyncClient, url: str, *, allow: frozenset[str], etag: str | None = None, modified: str | None = None
) -> Fetched | None:
    """Fetch an address; None when it has not changed since the answer with these marks. Raises Unfetched."""
    headers = {"User-Agent": AGENT, "Accept": "text/html,application/pdf,application/octet-stream;q=0.9,*/*;q=0.5"}
    headers |= {"If-None-Match": etag} if etag else {}
    headers |= {"If-Modified-Since": modified} if modified else {}
    answer = await _got(http, url, allow=allow, headers=headers, largest=LIMIT, total=TOTAL)
    if answer is None:
        return None
    return Fetched(
        url,
        _name(url, answer.headers.get("content-disposition", "")),
        answer.body,
        answer.headers.get("content-type"),
        answer.headers.get("etag"),
        answer.headers.get("last-modified"),
    )


async def download(http: httpx.AsyncClient, url: str, file: Path, *, allow: frozenset[str], largest: int) -> str:
    """Fetch a table of facts into a file; its SHA-256 in hex. Raises Unfetched."""
    answer = await _got(http, url, allow=allow, headers={"User-Agent": AGENT}, largest=largest, total=TABLE_TOTAL)
    body = answer.body if answer else b""
    await asyncio.to_thread(file.write_bytes, body)
    return sha256(body).hexdigest()


async def _got(
    http: httpx.AsyncClient, url: str, *, allow: frozenset[str], headers: dict[str, str], largest: int, total: float
) -> dialer.Answer | None:
    """The whole answer of an address; None when it has not changed since the marks in `headers`. Raises Unfetched."""
    try:
        answer = await dialer.get(http, url, allow=allow, headers=headers, largest=largest, total=total)
    except dialer.Refused as refused:
        raise Unfetched(f"不能读取该网址：{refused}", "请核对网址，或下载后上传文件") from refused
    except TimeoutError as error:
        raise Unfetched(f"该网址 {total:.0f} 秒内没有给出完整的内容", "请稍后再试，或下载后上传文件") from error
    except httpx.HTTPError as error:
        raise Unfetched(f"与该网址的连接失败（{type(error).__name__}）", "请核对网址，或下载后上传文件") from error
    if answer.status == 304 and {"If-None-Match", "If-Modified-Since"} & headers.keys():
        return None
    if 300 <= answer.status < 400:
        raise Unfetched(f"该网址转到了另一个网址：{answer.headers.get('location', '')[:300]}", "请改用转到的网址")
    if answer.status != 200:
        raise Unfetched(f"该网址的应答状态是 {answer.status}", "请核对网址，或下载后上传文件", after=_after(answer.headers))
    if not answer.whole:
        raise Unfetched(f"该网址的内容超过 {largest // 1024 // 1024} MB", "请下载后拆分，再上传文件")
    return answer


async def robots(http: httpx.AsyncClient, url: str, *, allow: frozenset[str]) -> RobotFileParser:
    """What a site lets us read (RFC 9309): everything when it has no robots.txt, nothing when it cannot tell us now."""
    parts = urlsplit(url)
    rules = RobotFileParser()
    try:
        answer = await dialer.get(
            http, f"{parts.scheme}://{parts.netloc}/robots.txt", allow=allow, headers={"User-Agent": AGENT}, largest=_ROBOTS_LIMIT
        )
    except (dialer.Refused, TimeoutError, httpx.HTTPError):
        rules.parse(_NOTHING)
        return rules
    if answer.status == 200:
        rules.parse(answer.body.decode("utf-8", "replace").lstrip("\ufeff").splitlines())
    elif answer.status >= 500 or answer.status == 429:
        rules.parse(_NOTHING)
    else:
        rules.parse(())
    return rules


class _Pages(BaseModel):
    pages: list[str]


class HttpOcr:
    """An OCR behind an address of the operator's own: it gets the bytes and answers {"pages": ["text of page 1", …]}."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def text(self, data: bytes) -> str | None:
        """The text of every page, pages divided by form feeds; None when it gives none now."""
        kind = "application/pdf" if data.startswith(b"%PDF-") else "application/octet-stream"
        try:
            async with httpx.AsyncClient(timeout=OCR_TOTAL, trust_env=False) as http:
                reply = await http.post(self._url, content=data, headers={"Content-Type": kind})
            reply.raise_for_status()
            pages = _Pages.model_validate_json(reply.content).pages
        except (httpx.HTTPError, ValidationError) as error:
            log.warning(
                "ocr.failed", error=type(error).__name__, do="look at the service behind ZHAOQI_OCR_URL; the document awaits a person"
            )
            return None
        return "\n\f\n".join(page.replace("\x00", "") for page in pages)


def ocr_of(settings: Settings) -> HttpOcr | None:
    """The OCR of this deployment; None where there is none."""
    return HttpOcr(settings.ocr_url) if settings.ocr_url else None


def _name(url: str, disposition: str) -> str:
    """The file's name: as the answer says (RFC 6266), else the end of the address unless that names a program of the site."""
    extended = re.search(r"filename\*\s*=\s*(?:utf-8|gbk|gb18030)''([^;\s]+)", disposition, re.IGNORECASE)
    plain = re.search(r'filename\s*=\s*(?:"([^"]+)"|([^;\s]+))', disposition, re.IGNORECASE)
    if extended:
        encoding = "utf-8" if "utf-8" in disposition.lower() else "gb18030"
        name = unquote(extended[1], encoding=encoding)
    elif plain:
        name = unquote(plain[1] or plain[2])
    else:
        name = unquote(PurePosixPath(urlsplit(url).path).name)
    name = PurePosixPath(name.replace("\\", "/")).name.replace("\x00", "")[-200:]
    return name or urlsplit(url).hostname or ""


def _after(headers: httpx.Headers) -> int | None:
    """The seconds of Retry-After (RFC 9110 §10.2.3), as a number or as a moment."""
    value = headers.get("retry-after", "").strip()
    if value.isdigit():
        return min(int(value), 7 * 86_400)
    try:
        moment = parsedate_to_datetime(value)
        sent = parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return min(max(int((_zoned(moment) - _zoned(sent)).total_seconds()), 0), 7 * 86_400)


def _zoned(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
