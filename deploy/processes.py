"""Child processes that never outlive their parent, free ports, and waiting with a deadline.

The promise: whatever ends this process, `kill -9` included, each process spawned here ends too. On Linux the kernel keeps it
(prctl(2), PR_SET_PDEATHSIG); elsewhere a child ends only when its parent stops it.
"""

import os
import pwd
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

# Below Linux's ephemeral range (32768-60999): no outgoing connection can take the port between its choice and its use.
_PORTS = range(20000, 32000)
# The system's own randomness: a seeded `random` would lead processes with the same seed to the same ports.
_RANDOM = random.SystemRandom()

# Runs in the child before the command: gives up root, binds the child's life to the parent's, becomes the command.
# Changing the user clears the death signal, so the order matters; the last check closes the race with a parent already gone.
_LEASH = """
import ctypes, os, sys, warnings  # the last is for execvp, which could not read it any more as another user
parent, death, uid, gid = map(int, sys.argv[1:5])
if uid:
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, death)
if os.getppid() == parent:
    os.execvp(sys.argv[5], sys.argv[5:])
"""


class StartError(Exception):
    """A process did not start or did not become ready; the message says which, why and what to do."""


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    cwd: Path | None = None,
    death: signal.Signals = signal.SIGKILL,
    talk: bool = False,
) -> "subprocess.Popen[bytes]":
    """Start `command` in a session of its own (a Ctrl-C reaches only the parent), its output appended to `log`.

    `death` is sent to it when this process ends. `user` is who it runs as. `talk` opens pipes to its stdin and stdout.
    The kernel sends `death` when the *thread* that forked ends, hence only the main thread may call this: RuntimeError otherwise.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("processes are spawned from the main thread: a child ends with the thread that started it")
    uid, gid = 0, 0
    if user is not None:
        entry = pwd.getpwnam(user)
        uid, gid = entry.pw_uid, entry.pw_gid
    leash = [sys.executable, "-I", "-S", "-c", _LEASH, str(os.getpid()), str(int(death)), str(uid), str(gid)]
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as out:
        return subprocess.Popen(
            [*leash, *command],
            stdin=subprocess.PIPE if talk else subprocess.DEVNULL,
            stdout=subprocess.PIPE if talk else out,
            stderr=out,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
        )


def same_code() -> dict[str, str]:
    """This process's environment, in which `python -m` runs the same code: from a checkout, from a wheel, whatever is installed."""
    path = (str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH"))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, path))}


def stop(process: "subprocess.Popen[bytes]", signals: Sequence[signal.Signals], *, grace: float) -> None:
    """End `process`: each signal in turn, `grace` seconds after each, then SIGKILL for it and all it started."""
    for number in signals:
        if process.poll() is not None:
            break
        process.send_signal(number)
        try:
            process.wait(grace)
        except subprocess.TimeoutExpired:
            continue
    try:
        os.killpg(process.pid, signal.SIGKILL)  # its session: what it left behind too
    except ProcessLookupError:
        pass
    except PermissionError:  # macOS answers so for a group of zombies
        process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Whether `condition` came true within `seconds`; asked every 20 ms."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def free_ports(count: int) -> list[int]:
    """`count` different TCP ports of 127.0.0.1 nobody listens on now. Raises StartError when there are not so many."""
    found: list[int] = []
    for port in _RANDOM.sample(_PORTS, len(_PORTS)):
        if len(found) == count:
            return found
        if port_is_free(port):
            found.append(port)
    raise StartError(f"no {count} free TCP ports between {_PORTS.start} and {_PORTS.stop} on 127.0.0.1")


def port_is_free(port: int) -> bool:
    """Whether a server could listen on this TCP port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def tail(log: Path, *, lines: int = 15) -> str:
    """The last lines of a log, for an error message; a log not yet written is told as such."""
    if not log.exists():
        return f"({log} was never written)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 65536))
        text = file.read().decode(errors="replace")
    return "\n".join(text.splitlines()[-lines:])
