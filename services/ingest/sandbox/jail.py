"""The process in which parsers live: it forks one child for each document, gives it no rights, and ends when the service does.

`main(FD)` is run by the sandbox in a fresh interpreter. On FD come the ends of channels, one for each child; on a channel come a
task (JSON) and the bytes, each after its length (8 bytes, big endian), and back goes the length, `.` or `!` (a refusal) and JSON.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import socket
import tempfile
import time
from typing import Any

MEMORY = 512 * 1024 * 1024
"""Bytes of address space a child may have."""
WALL = 9
"""Seconds a child may live, and seconds of processor time it may use."""
RESULT = 64 * 1024 * 1024
"""Bytes a reply may have."""
AT_ONCE = max(2, os.cpu_count() or 1)
"""Children alive at the same time; more wait."""

_LIMITS = (
    (resource.RLIMIT_AS, MEMORY),
    (resource.RLIMIT_CPU, WALL),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 32),
    (resource.RLIMIT_NPROC, 0),
)
_NOBODY = 65534
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000
_PR_SET_NO_NEW_PRIVS = 38


def serve(control: socket.socket) -> None:
    """Fork a child for each channel that arrives; a child past its time is killed. Returns when the other side is gone."""
    children: dict[int, tuple[int, float]] = {}  # pidfd -> pid, when its time is over
    while True:
        listening = [control] if len(children) < AT_ONCE else []
        patience = min((end for _, end in children.values()), default=None)
        waiting: list[Any] = [*listening, *children]
        ready, _, _ = select.select(waiting, [], [], None if patience is None else max(0.0, patience - time.monotonic()))
        for fd in [one for one in children if one in ready or children[one][1] < time.monotonic()]:
            pid, _ = children.pop(fd)
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            os.close(fd)
        if control in ready:
            message, fds, _, _ = socket.recv_fds(control, 1, 1)
            if not message:
                break
            pid = os.fork()
            if pid == 0:
                for fd in children:
                    os.close(fd)
                control.close()
                _live(socket.socket(fileno=fds[0]))
            os.close(fds[0])
            children[os.pidfd_open(pid)] = (pid, time.monotonic() + WALL + 0.5)
    for pid, _ in children.values():
        os.kill(pid, signal.SIGKILL)


def _live(channel: socket.socket) -> None:
    """A child's whole life: give up rights, do one task, answer, end."""
    try:
        _confine()
        with channel:
            channel.sendall(b"+")
            task = json.loads(_received(channel))
            verdict, reply = _answer(task, _received(channel))
            channel.sendall(len(reply).to_bytes(8, "big") + verdict + reply)
    except BaseException:  # nobody above would hear it; the silence is the answer
        os._exit(1)
    os._exit(0)


def _answer(task: dict[str, Any], data: bytearray) -> tuple[bytes, bytes]:
    from services.ingest.domain.reading import NotADocument
    from services.ingest.sandbox.tasks import done

    try:
        reply = done(task, bytes(data))
        if len(reply) > RESULT:
            raise MemoryError
        return b".", reply
    except NotADocument as refusal:
        said = (refusal.code, refusal.detail, refusal.hint)
    except MemoryError:
        said = ("too-large", f"读取这份文件所需的内存超过 {MEMORY // 1024 // 1024} MB。", "请删去图片或拆分后分别上传。")
    except RecursionError:
        said = ("unreadable", "文件的内容嵌套过深，无法读取。", "请另存为 DOCX 或纯文本后重新上传。")
    except Exception as error:
        # The message of an unforeseen error may quote the document; its kind does not.
        said = ("unreadable", f"读取时出错（{type(error).__name__}），文件可能已损坏。", "请用 WPS 或 Office 另存一次后重新上传。")
    return b"!", json.dumps(said).encode()


def _confine() -> None:
    """No more than this memory and time, nothing written, no processes, no other user's things."""
    signal.alarm(WALL)
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    for limit, most in _LIMITS:
        resource.setrlimit(limit, (most, most))
    _libc().prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def leave_the_world() -> None:
    """Into a network where there is nothing, and into a folder that is gone: no file can be opened, none made.

    Where the kernel does not let us, the limits of `_confine` still hold.
    """
    libc = _libc()
    if libc.unshare(_CLONE_NEWNET) != 0:
        libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    folder = tempfile.mkdtemp()
    above = os.open(os.path.dirname(folder), os.O_RDONLY)
    os.chdir(folder)
    with contextlib.suppress(PermissionError):
        os.chroot(".")
    os.rmdir(os.path.basename(folder), dir_fd=above)
    os.close(above)


def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)


def _received(channel: socket.socket) -> bytearray:
    size = int.from_bytes(_exactly(channel, 8), "big")
    return _exactly(channel, size)


def _exactly(channel: socket.socket, size: int) -> bytearray:
    found = bytearray(size)
    view, at = memoryview(found), 0
    while at < size:
        got = channel.recv_into(view[at:])
        if not got:
            raise EOFError
        at += got
    return found


def main(fd: int) -> None:
    """Load the parsers, then serve the channel on a file descriptor."""
    from services.ingest.sandbox import tasks  # before the first fork: a child finds the parsers loaded

    tasks.warm_up()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)  # from here on a parser's last words might quote a document
    with socket.socket(fileno=fd) as control:
        leave_the_world()
        serve(control)
