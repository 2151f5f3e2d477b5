"""Watching a list page: which of its links are new, and when to look again. What stood on it at the first look is not new."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

EVERY = timedelta(hours=1)
"""Between two looks at a page that answers."""
SELDOM = timedelta(days=1)
"""The longest pause for a page that does not."""
REMEMBERED = 5_000
"""Links of a page that are remembered, the newest."""

_TURNING = re.compile(r"[\d\s<>«»‹›|·.…]*|(?:首|尾|末|上一|下一|第\d+)页|更多.{0,4}|返回.{0,4}|more", re.IGNORECASE)
_DOCUMENT = re.compile(r"\.(?:s?html?|jsp|aspx?|docx?|xlsx?|pdf|txt|wps|ofd)$", re.IGNORECASE)
_LIST = re.compile(r"(?:^|/)(?:index|list|default)?(?:_\d+)?(?:\.[a-z]+)?$", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """A link of a page: its absolute address without fragment, and its words."""

    url: str
    title: str


def documents_of(links: Sequence[Link], page: str) -> tuple[Link, ...]:
    """The links of a list page that lead to documents: on the page's own host, with a title, each once, in order."""
    host = urlsplit(page).hostname
    found: dict[str, Link] = {}
    for link in links:
        parts = urlsplit(link.url)
        if parts.scheme not in ("http", "https") or parts.hostname != host or link.url == page:
            continue
        if len(link.title) < 5 or _TURNING.fullmatch(link.title):
            continue
        dated = re.search(r"\d{4,}", parts.path + parts.query)  # a day or a number in the address: an article, not a column
        if not _LIST.search(parts.path) and (dated or _DOCUMENT.search(parts.path)):
            found.setdefault(link.url, link)
    return tuple(found.values())


def new_documents(links: Sequence[Link], page: str, seen: Collection[str] | None) -> tuple[Link, ...]:
    """The documents of a list page that were not there before. ``seen`` None: never looked before, so nothing is new."""
    if seen is None:
        return ()
    return tuple(link for link in documents_of(links, page) if link.url not in seen)


def remembered(seen: Sequence[str], links: Sequence[Link]) -> list[str]:
    """What has been seen once these links are handled, the newest last."""
    return list(dict.fromkeys([*seen, *(link.url for link in links)]))[-REMEMBERED:]


def pause(failures: int, *, asked: int | None = None) -> timedelta:
    """Until the next look, after so many failures in a row; ``asked`` is the seconds the site itself asked for."""
    own = min(EVERY * 2 ** min(failures, 10), SELDOM) if failures else EVERY
    return max(own, timedelta(seconds=asked or 0))
