"""The sandbox: whatever a document does to its reader, the answer is a refusal within ten seconds, and the next document is read."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.ingest import sandbox
from services.ingest.domain.reading import NotADocument
from services.ingest.sandbox import jail, links_safely, read_safely
from tests.ingest.documents import SENTENCE, numbered_docx, pdf, scanned_pdf, xlsx

MIB = 1024 * 1024
TEXT = f"关于支持企业的若干措施\n一、支持融资。{SENTENCE}\n二、支持用工。{SENTENCE}\n".encode()
SAMPLES = {
    "a.txt": TEXT,
    "a.html": b"<html><body><h1>"
    + "关于支持企业的若干措施</h1><table><tr><td>1</td><td>2</td></tr></table><p>一、".encode()
    + SENTENCE.encode()
    + b"</p>",
    "a.pdf": pdf([["关于支持企业的若干措施", f"一、{SENTENCE}"], [f"二、{SENTENCE}"]]),
    "a.docx": numbered_docx([("chineseCounting", "%1、")], [(0, SENTENCE), (0, SENTENCE)]),
    "a.xlsx": xlsx([["序号", "事项", "内容", "单位"], [1, "奖励", SENTENCE, "市工信局"]]),
}


def children() -> list[int]:
    """The sandbox's children that live now."""
    process = sandbox._nursery._process
    if process is None:
        return []
    with contextlib.suppress(FileNotFoundError):
        return [int(pid) for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]
    return []


async def a_child(at_work: int) -> int:
    """The child that has so much memory in use that it must have begun with its document."""
    deadline = time.monotonic() + 30
    while True:
        for pid in children():
            with contextlib.suppress(OSError):
                if resident(pid) >= at_work:
                    return pid
        assert time.monotonic() < deadline, "no child went to work"
        await asyncio.sleep(0.003)


def resident(pid: int) -> int:
    """The most bytes a process had in memory; 0 for one that has ended."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


@contextlib.contextmanager
def peak_memory() -> Iterator[list[int]]:
    """The most resident memory, in bytes, that a child had while the block ran."""
    most, over = [0], threading.Event()

    def watch() -> None:
        while not over.wait(0.003):
            for pid in children():
                with contextlib.suppress(OSError):
                    most[0] = max(most[0], resident(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield most
    finally:
        over.set()
        watcher.join()


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_document_of_every_format_is_read(name: str) -> None:
    found = await read_safely(SAMPLES[name], name)
    assert SENTENCE in found.reading.raw
    assert not found.needs_ocr
    assert found.reading.name == name
    for measure in found.reading.measures:
        start, end = measure.body.span
        assert found.reading.raw[start:end]


async def test_a_document_is_read_as_without_the_sandbox() -> None:
    from services.ingest.domain.reading import read

    assert (await read_safely(TEXT, "a.txt")).reading == read(TEXT, name="a.txt")


async def test_a_partly_scanned_document_says_nothing_half_read() -> None:
    found = await read_safely(scanned_pdf("关于支持企业的若干措施", "", f"一、支持融资。{SENTENCE}"), "a.pdf")
    assert found.needs_ocr
    assert found.reading.measures == ()
    assert "支持融资" in found.reading.raw


async def test_a_wholly_scanned_document_is_accepted_and_has_nothing_to_say() -> None:
    found = await read_safely(scanned_pdf("", ""), "a.pdf")
    assert (found.needs_ocr, found.pages, found.reading.raw.strip(), found.reading.document.title) == (True, 2, "", None)


async def test_a_refusal_comes_through_with_its_code_its_words_and_its_hint() -> None:
    with pytest.raises(NotADocument) as refusal:
        await read_safely(SAMPLES["a.pdf"][:-40], "a.pdf")
    assert refusal.value.code == "unreadable"
    assert "%%EOF" in refusal.value.detail
    assert refusal.value.hint


async def test_200_megabytes_are_refused_at_once() -> None:
    data = bytes(200 * 1024 * 1024)
    with pytest.raises(NotADocument, match="too-large"):
        await read_safely(data, "a.txt")


async def test_a_reader_that_dies_is_a_refusal_and_the_next_document_is_read() -> None:
    slow = asyncio.create_task(read_safely("一、支持。".encode() * 1_000_000, "a.txt"))
    os.kill(await a_child(at_work=80 * MIB), signal.SIGSEGV)
    with pytest.raises(NotADocument, match="unreadable"):
        await slow
    assert (await read_safely(TEXT, "a.txt")).reading.measures


async def test_the_process_that_forks_may_die_too() -> None:
    await read_safely(TEXT, "a.txt")
    assert sandbox._nursery._process is not None
    first = sandbox._nursery._process.pid
    os.kill(first, signal.SIGKILL)
    sandbox._nursery._process.wait()
    assert (await read_safely(TEXT, "a.txt")).reading.measures
    assert sandbox._nursery._process.pid != first


@pytest.mark.slow
async def test_a_document_that_swells_is_refused_within_its_memory_and_time() -> None:
    deep = b"<html><body>" + b"<b><i>x" * 2_500_000  # 17 MB of markup that never ends
    with peak_memory() as peak, pytest.raises(NotADocument) as refusal:
        await read_safely(deep, "a.html")
    assert refusal.value.code in ("too-large", "unreadable")
    assert 0 < peak[0] <= jail.MEMORY


@pytest.mark.slow
async def test_a_reader_that_hangs_is_ended_in_ten_seconds() -> None:
    hanging = asyncio.create_task(read_safely(TEXT * 50_000, "a.txt"))
    os.kill(await a_child(at_work=80 * MIB), signal.SIGSTOP)
    with pytest.raises(NotADocument, match="too-large") as refusal:
        await hanging
    assert "秒" in refusal.value.detail
    deadline = time.monotonic() + 30
    while children():
        assert time.monotonic() < deadline, "the stopped child was not ended"
        await asyncio.sleep(0.02)


async def test_many_documents_at_once_take_turns() -> None:
    names = list(SAMPLES) * 6
    most = 0

    async def watch() -> None:
        nonlocal most
        while True:
            most = max(most, len(children()))
            await asyncio.sleep(0.005)

    watcher = asyncio.create_task(watch())
    found = await asyncio.gather(*(read_safely(SAMPLES[name], name) for name in names))
    watcher.cancel()
    assert all(SENTENCE in one.reading.raw for one in found)
    assert 0 < most <= jail.AT_ONCE


async def test_links_are_read_in_the_sandbox_too() -> None:
    (link,) = await links_safely("<a href='/zc/20240305_1.html'>关于支持企业的若干措施</a>".encode(), "https://www.example.gov.cn/zc/")
    assert (link.url, link.title) == ("https://www.example.gov.cn/zc/20240305_1.html", "关于支持企业的若干措施")


@pytest.mark.slow
async def test_a_hundred_page_pdf_is_read_in_ten_seconds_and_300_mebibytes() -> None:
    pages = [
        [f"第{page}页第{line}行，对符合条件的企业给予不超过{page * line}万元的奖励，由市工信局负责。" for line in range(40)]
        for page in range(100)
    ]
    data = pdf(pages)
    with peak_memory() as peak:
        found = await read_safely(data, "a.pdf")
    assert found.pages == 100
    assert "第99页第39行" in found.reading.raw
    assert 0 < peak[0] <= 300 * 1024 * 1024


def test_a_child_can_reach_nothing() -> None:
    """No network, no files, no processes, no rights; and no more than its memory."""
    script = """
import encodings.idna, os, socket
from services.ingest.sandbox import jail
server = socket.create_server(("127.0.0.1", 0)) if os.geteuid() == 0 else None
jail.leave_the_world()
jail._confine()
def tried(what):
    try:
        what()
    except (OSError, MemoryError) as error:
        return type(error).__name__
    return "done"
print(os.geteuid() != 0, os.getgroups() == [] or os.geteuid() != 65534)
print(tried(lambda: open("/tmp/zhaoqi-left-behind", "w")) != "done", tried(lambda: open("/etc/passwd")) != "done")
print(tried(lambda: bytearray(600 * 1024 * 1024)))
print(tried(os.fork) != "done")
print(server is None or tried(lambda: socket.create_connection(server.getsockname(), 1)) != "done")
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    assert said.stdout.split() == ["True", "True", "True", "True", "MemoryError", "True", "True"], said.stderr


def test_the_forking_process_ends_with_its_service() -> None:
    script = """
import asyncio, os
from services.ingest import sandbox
asyncio.run(sandbox.read_safely("一、支持企业。".encode(), "a.txt"))
print(sandbox._nursery._process.pid, flush=True)
os.kill(os.getpid(), 9)
"""
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    pid, deadline = int(said.stdout), time.monotonic() + 30
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split()[2]:
        assert time.monotonic() < deadline, "the forking process outlived its service"
        time.sleep(0.02)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(sorted(SAMPLES)), st.integers(0, 2**32), st.sampled_from(["flip", "cut", "double", "swap"]))
def test_no_damage_to_a_document_stops_the_service(name: str, seed: int, damage: str) -> None:
    chance, data = random.Random(seed), bytearray(SAMPLES[name])
    if damage == "flip":
        for _ in range(chance.randint(1, 30)):
            data[chance.randrange(len(data))] = chance.randrange(256)
    elif damage == "cut":
        start = chance.randrange(len(data))
        del data[start : start + chance.randint(1, 400)]
    elif damage == "double":
        start = chance.randrange(len(data))
        data[start:start] = data[start : start + 300] * chance.randint(1, 20)
    else:
        half = chance.randrange(len(data))
        data = data[half:] + data[:half]
    answered(bytes(data), name)


@settings(max_examples=40, deadline=None)
@given(st.binary(max_size=2_000), st.sampled_from(["a", "a.txt", "a.html", "a.pdf", "a.docx", "a.xlsx", "a.md", "\x00.", "。"]))
def test_no_bytes_stop_the_service(data: bytes, name: str) -> None:
    magic = {"a.pdf": b"%PDF-1.7\n", "a.docx": b"PK\x03\x04", "a.xlsx": b"PK\x05\x06", "a.html": b"<html><body>"}.get(name, b"")
    answered(magic + data, name)


def answered(data: bytes, name: str) -> None:
    """A reading, or a refusal with its code, words and hint."""
    refused: NotADocument | None = None
    try:
        found = asyncio.run(read_safely(data, name))
    except NotADocument as refusal:
        refused = refusal
    if refused is None:
        for measure in found.reading.measures:
            start, end = measure.body.span
            assert 0 <= start <= end <= len(found.reading.raw)
        return
    assert refused.code in ("not-a-document", "too-large", "unreadable")
    assert any("\u4e00" <= c <= "\u9fff" for c in refused.detail)
    assert any("\u4e00" <= c <= "\u9fff" for c in refused.hint)
    for missing in ("ModuleNotFoundError", "ImportError", "LookupError", "FileNotFoundError", "PermissionError"):
        assert missing not in refused.detail  # something was not loaded before the child was confined
