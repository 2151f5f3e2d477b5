"""The officer's page as headless Chromium draws it."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
from PIL import Image

from services.catalog import sources
from services.catalog.api import asking
from tests.catalog.desk_room import Matcher, desk_of, officer, path_of, published
from tests.running import Running


@pytest.fixture
def matcher(monkeypatch: pytest.MonkeyPatch) -> Matcher:
    matcher = Matcher()
    monkeypatch.setattr(asking, "PolicyMatch", partial(sources.PolicyMatch, transport=httpx.MockTransport(matcher)))
    return matcher


@pytest.fixture
async def catalog(database: str, matcher: Matcher) -> AsyncIterator[Running]:
    async with desk_of(database) as service:
        yield service


@pytest.mark.slow
async def test_the_pages_in_a_real_browser(catalog: Running, tmp_path: Path) -> None:
    """Screenshots of headless Chromium: each page is drawn, not blank, and its style sheet is let through by the policy."""
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine (apt-get install chromium)")
    path = await published(catalog)
    visitor = await officer(catalog, "甲", "editor", "publisher")
    await visitor.go(path)
    await visitor.press("开始修订", why="标准提高")
    form = path_of(visitor, "营业收入")
    await visitor.go(form)
    await visitor.press("保存改正", value="3000万元", why="标准提高")
    cookie = f"zhaoqi_desk={visitor.client.cookies['zhaoqi_desk']}".encode()

    async def signed_in(scope: Any, receive: Any, send: Any) -> None:
        """The service, for a browser that has the officer's cookie."""
        await catalog.app({**scope, "headers": [*scope.get("headers", ()), (b"cookie", cookie)]}, receive, send)

    server = uvicorn.Server(uvicorn.Config(signed_in, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        for name, where in (
            ("login", "/desk/login"),
            ("desk", "/desk"),
            ("benefit", path),
            ("test", form),
            ("amendment", f"{path}/amendment"),
        ):
            shot = tmp_path / f"{name}.png"
            await screenshot(browser, f"http://127.0.0.1:{port}{where}", shot, tmp_path)
            assert styled(shot), name
    finally:
        server.should_exit = True
        await serving


def styled(shot: Path) -> bool:
    """Whether a screenshot has the blue of the head line (the style sheet came through) and much that is not white (the text did)."""
    with Image.open(shot) as image:
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(maxcolors=1 << 24) or []}
        return colours.get((11, 74, 143), 0) > 10_000 and sum(colours.values()) - colours[(255, 255, 255)] > 30_000


async def screenshot(browser: str, address: str, to: Path, scratch: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
        "--window-size=1360,1800", f"--user-data-dir={scratch / 'profile'}", f"--screenshot={to}", address,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
