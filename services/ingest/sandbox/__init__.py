"""Documents from anywhere are read in a child process that can take nothing with it: no network, no writing, 512 MiB, 10 seconds.

`read_safely` gives the reading of a document of any format; `links_safely` the links of a list page. Whatever the bytes do to the child
(crash, hang, swell), the caller gets a refusal that says so, and the service stays up. The children are forked from one process that has
the parsers loaded (`jail.py`) and that ends with the service.
"""

import asyncio
import atexit
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from services.ingest.domain.reading import LIMIT, NotADocument
from services.ingest.domain.result import Read
from services.ingest.domain.watching import Link
from services.ingest.sandbox.jail import RESULT, WALL

WAITING = 120.0
"""Seconds a document waits for its turn when many come at once."""
_PATIENCE = 10.0  # seconds until a refusal, whatever the child does

_REFUSED = b"!"
_HINT = "请检查文件；内容完整无误的，请另存为 DOCX 或纯文本后重新上传。"
_LINKS: TypeAdapter[tuple[Link, ...]] = TypeAdapter(tuple[Link, ...])


_READ: TypeAdapter[Read] = TypeAdapter(Read)


class Overwhelmed(Exception):
    """No child could take the document: none was free for long, or none starts. Try again later."""


async def read_safely(data: bytes, name: str, *, declared: str | None = None) -> Read:
    """Read a document of any format in the sandbox. ``declared`` is the media type its sender gave.

    Raises NotADocument, within 10 seconds of its turn, for bytes that cannot be read whole or that break their reader; Overwhelmed.
    """
    if len(data) > LIMIT:
        size, most = len(data) / 1024 / 1024, LIMIT // 1024 // 1024
        raise NotADocument("too-large", f"文件有 {size:.1f} MB，超过 {most} MB 的限制。", "请删去图片，或拆分后分别上传。")
    reply = await _ask({"task": "document", "name": name, "declared": declared}, data)
    return await asyncio.to_thread(_validated, _READ, reply)


async def links_safely(data: bytes, base: str) -> tuple[Link, ...]:
    """The links of a list page, absolute, in order. Raises NotADocument and Overwhelmed as `read_safely` does."""
    reply = await _ask({"task": "links", "base": base}, data)
    return await asyncio.to_thread(_validated, _LINKS, reply)


def _validated(adapter: TypeAdapter[Any], reply: bytes) -> Any:
    """What the child says is not trusted either: it must have the shape we expect, and decoding it runs no code."""
    try:
        return adapter.validate_json(reply)
    except ValidationError as error:
        raise NotADocument("unreadable", "读取这份文件的进程给出了不完整的结果。", _HINT) from error


async def _ask(task: dict[str, Any], data: bytes) -> bytes:
    """Send a task to a child of its own and wait for its reply."""
    reader, writer = await _child()
    try:
        began = time.monotonic()
        try:
            async with asyncio.timeout(_PATIENCE):
                head = json.dumps(task).encode()
                writer.write(len(head).to_bytes(8, "big") + head + len(data).to_bytes(8, "big") + data)
                await writer.drain()
                size = int.from_bytes(await reader.readexactly(8), "big")
                if size > RESULT:
                    raise NotADocument("too-large", f"读出的内容超过 {RESULT // 1024 // 1024} MB。", "请拆分后分别上传。")
                verdict, reply = await reader.readexactly(1), await reader.readexactly(size)
        except (TimeoutError, asyncio.IncompleteReadError, ConnectionError) as error:
            if time.monotonic() - began > WALL - 0.5:
                raise NotADocument("too-large", f"读取超过 {WALL} 秒，已中止。", "请拆分后分别上传，或另存为 DOCX 后上传。") from error
            raise NotADocument("unreadable", "读取这份文件的进程中途停止，文件可能已损坏。", _HINT) from error
    finally:
        await _closed(writer)
    if verdict == _REFUSED:
        code, detail, hint = _validated(TypeAdapter(tuple[str, str, str]), reply)
        raise NotADocument(code if code in ("not-a-document", "too-large") else "unreadable", detail, hint)
    return reply


async def _child() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A channel to a child that is ready; one that dies before it has seen a document is replaced once."""
    for last in (False, True):
        ours = await asyncio.to_thread(_nursery.child)
        reader, writer = await asyncio.open_unix_connection(sock=ours, limit=1024 * 1024)
        try:
            async with asyncio.timeout(WAITING):
                await reader.readexactly(1)
            return reader, writer
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            await _closed(writer)
            if last:
                raise Overwhelmed("the sandbox cannot start a child; its standard error says why") from error
        except BaseException as error:
            await _closed(writer)
            if isinstance(error, TimeoutError):
                raise Overwhelmed(f"no child of the sandbox was free for {WAITING:.0f} seconds") from error
            raise
    raise AssertionError("unreachable")


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()


class _Nursery:
    """The process that children are forked from: begun when first needed, begun anew when it died; it ends when our end closes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def child(self) -> socket.socket:
        """Our end of a channel to a new child."""
        ours, theirs = socket.socketpair()
        try:
            with self._lock:
                for last in (False, True):
                    control = self._open()
                    try:
                        socket.send_fds(control, [b"+"], [theirs.fileno()])
                        break
                    except OSError:
                        self._close()
                        if last:
                            raise
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        return ours

    def _open(self) -> socket.socket:
        if self._control is not None and self._owner == os.getpid() and self._process is not None and self._process.poll() is None:
            return self._control
        self._close()
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"from services.ingest.sandbox import jail; jail.main({theirs.fileno()})"],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                cwd=Path(__file__).parents[3],
                start_new_session=True,  # an interrupt of the terminal is not for it: it ends when our end of the control closes
                env={"PATH": os.environ.get("PATH", ""), "LANG": "C.UTF-8", "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
            )
        self._owner = os.getpid()
        return self._control

    def close(self) -> None:
        """End the process; the next child begins another."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None and self._owner == os.getpid():
            try:
                self._process.wait(timeout=2)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._control = self._process = None


_nursery = _Nursery()
atexit.register(_nursery.close)
