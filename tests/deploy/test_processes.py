"""No process outlives its parent, however the parent ends; ports are free; waiting has an end."""

import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from deploy.processes import free_ports, port_is_free, same_code, spawn, stop, tail, wait_until


def alive(pid: int) -> bool:
    """Whether the process runs; one that ended but that nobody asked after (a zombie) does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_child_ends_with_its_parent_however_the_parent_ends(tmp_path: Path, end: signal.Signals) -> None:
    program = (
        "import pathlib, sys, time\n"
        "from deploy.processes import spawn\n"
        "child = spawn(['sleep', '600'], log=pathlib.Path(sys.argv[1]))\n"
        "print(child.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "log")], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=same_code()
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert wait_until(lambda: Path(f"/proc/{child}/comm").read_text() == "sleep\n", seconds=10)
        parent.send_signal(end)
    assert wait_until(lambda: not alive(child), seconds=10)


def test_a_child_is_not_spawned_from_a_thread_whose_end_would_kill_it(tmp_path: Path) -> None:
    refused: list[RuntimeError] = []

    def attempt() -> None:
        try:
            spawn(["true"], log=tmp_path / "log")
        except RuntimeError as error:
            refused.append(error)

    thread = threading.Thread(target=attempt)
    thread.start()
    thread.join()
    assert "main thread" in str(refused[0])


def test_stopping_a_process_ends_what_it_left_behind_and_what_ignores_the_signal(tmp_path: Path) -> None:
    stubborn = spawn(["sh", "-c", "trap '' TERM; sleep 600 & echo $!; wait; wait"], log=tmp_path / "log")
    assert wait_until(lambda: (tmp_path / "log").read_text().strip().isdigit(), seconds=10)
    grandchild = int((tmp_path / "log").read_text())
    stop(stubborn, [signal.SIGTERM], grace=0.2)
    assert stubborn.returncode == -signal.SIGKILL
    assert wait_until(lambda: not alive(grandchild), seconds=10)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert not port_is_free(server.getsockname()[1])


def test_free_ports_are_different_and_below_those_of_outgoing_connections() -> None:
    ports = free_ports(50)
    assert len(set(ports)) == 50
    assert max(ports) < 32768


def test_waiting_gives_up_at_its_deadline() -> None:
    assert not wait_until(lambda: False, seconds=0.05)


def test_the_end_of_a_log_is_quoted_and_a_missing_log_is_told(tmp_path: Path) -> None:
    (tmp_path / "log").write_text(os.linesep.join(f"line {n}" for n in range(100)))
    assert tail(tmp_path / "log", lines=2).split() == ["line", "98", "line", "99"]
    assert "never written" in tail(tmp_path / "none")
