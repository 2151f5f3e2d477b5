"""The officer's page as headless Chromium draws it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from PIL import Image

from tests.catalog.desk_room import catalog, matcher, officer, path_of, published
from tests.running import Running

__all__ = ["catalog", "matcher"]


@pytest.fixture
def shots(tmp_path: Path) -> Path:
    """Where the screenshots go."""
    folder = Path(os.environ.get("ZHAOQI_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.mark.slow
async def test_the_pages_in_a_real_browser(catalog: Running, tmp_path: Path, shots: Path) -> None:
    """Screenshots of headless Chromium: each page is drawn, not blank, its style sheet let through by the policy of the page.

    They are left in $ZHAOQI_SCREENSHOTS for people to look at.
    """
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        assert os.environ.get("ZHAOQI_REQUIRE_CHROMIUM") != "1", "Chromium was installed for this test and is not there"
        pytest.skip("no Chromium on this machine (apt-get install chromium fonts-noto-cjk)")
    path = await published(catalog)
    visitor = await officer(catalog, "甲", "editor", "publisher")
    await visitor.go(path)
    await visitor.press("开始修订", why="标准提高")
    form = path_of(visitor, "营业收入")
    await visitor.go(form)
    await visitor.press("保存改正", value="3000万元", why="标准提高")
    cookie = f"zhaoqi_desk={visitor.client.cookies['zhaoqi_desk']}"
    pages = {
        "login": "/desk/login", "desk": "/desk", "benefit": path, "test": form, "amendment": f"{path}/amendment",
        "amount": f"{path}/amount", "tiers": f"{path}/amount?form=tiers", "cases": f"{path}/amount?form=case",
        "particulars": f"{path}/particulars", "case": f"{path}/case?case=0", "more": f"{path}/more",
    }  # fmt: skip
    async with seen_by(catalog, cookie) as address, seen_by(catalog, f"{cookie}; zhaoqi_desk_text=largest") as large:
        for name, where in pages.items():
            await screenshot(browser, f"{address}{where}", shots / f"{name}.png", tmp_path)
            assert drawn(shots / f"{name}.png"), name
        for name in ("desk", "benefit", "case"):
            await screenshot(browser, f"{large}{pages[name]}", shots / f"{name}-200.png", tmp_path)
            assert drawn(shots / f"{name}-200.png"), name
            await screenshot(browser, f"{address}{pages[name]}", shots / f"{name}-narrow.png", tmp_path, width=500)
            assert drawn(shots / f"{name}-narrow.png"), name


@asynccontextmanager
async def seen_by(catalog: Running, cookie: str) -> AsyncIterator[str]:
    """The address of the service for a browser that has the officer's cookies."""

    async def signed_in(scope: Any, receive: Any, send: Any) -> None:
        await catalog.app({**scope, "headers": [*scope.get("headers", ()), (b"cookie", cookie.encode())]}, receive, send)

    server = uvicorn.Server(uvicorn.Config(signed_in, port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving


def drawn(shot: Path) -> bool:
    """Whether a screenshot has the blue of the head line (the style sheet came through) and much that is not white (the text did)."""
    with Image.open(shot) as image:
        colours = {colour: count for count, colour in image.convert("RGB").getcolors(maxcolors=1 << 24) or []}
        return colours.get((11, 74, 143), 0) > 10_000 and sum(colours.values()) - colours[(255, 255, 255)] > 30_000


async def screenshot(browser: str, address: str, to: Path, scratch: Path, *, width: int = 1360) -> None:
    process = await asyncio.create_subprocess_exec(
        browser, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--disable-dev-shm-usage",
        f"--window-size={width},1800", f"--user-data-dir={scratch / 'profile'}", f"--screenshot={to}", address,
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            await process.wait()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
