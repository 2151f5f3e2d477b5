"""The platform as a whole: addresses written down, an address given wins, nothing left behind however it ends."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import asyncpg
import pytest

import deploy.embedded
from deploy.embedded import Platform, Service
from deploy.kafka import KafkaNode
from deploy.mock_broker import LABEL
from deploy.processes import StartError, free_ports, same_code, wait_until
from tests.conftest import TestTopic
from tests.deploy.test_processes import alive

TOPICS = {"documents.v1": TestTopic(4), "facts.v1": TestTopic(12)}

# A service that is ready once the file `ready` is there; until then it tells what is missing.
TOY = """
import http.server, os, pathlib, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        ready = pathlib.Path(sys.argv[2]).exists()
        self.send_response(200 if ready else 503)
        self.end_headers()
        self.wfile.write(b"{}" if ready else b'{"not ready": ["database"]}')
    def log_message(self, *_): pass
print("toy starts", flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


@pytest.fixture
def clone() -> Iterator[Path]:
    """A clone under a home nobody else may enter."""
    folder = Path(tempfile.mkdtemp(prefix="zhaoqi-home-"))
    yield folder
    data = folder / "var" / "postgres"
    if data.is_symlink():
        shutil.rmtree(data.resolve().parent)
    shutil.rmtree(folder)


@pytest.fixture
def toy(tmp_path: Path) -> Iterator[Service]:
    [port] = free_ports(1)
    command = (sys.executable, "-c", TOY, str(port), str(tmp_path / "ready"))
    service = Service("toy", command, url=f"http://127.0.0.1:{port}", env=dict(os.environ), log=tmp_path / "toy.log")
    yield service
    service.stop()


def test_a_service_is_ready_when_readyz_says_so(toy: Service, tmp_path: Path) -> None:
    (tmp_path / "ready").touch()
    toy.start()
    toy.wait_ready(seconds=20)


def test_a_service_that_is_not_ready_is_told_with_its_reason_and_its_log(toy: Service) -> None:
    toy.start()
    assert wait_until(lambda: b"toy starts" in toy.log.read_bytes(), seconds=20)
    with pytest.raises(StartError, match=r'(?s)toy at http.*not ready.*"not ready": \["database"\].*toy starts'):
        toy.wait_ready(seconds=2)


def test_a_service_that_ended_is_told_at_once(tmp_path: Path) -> None:
    command = (sys.executable, "-c", "import sys; sys.exit('no such table: outbox')")
    service = Service("toy", command, url="http://127.0.0.1:9", env=dict(os.environ), log=tmp_path / "toy.log")
    service.start()
    with pytest.raises(StartError, match=r"(?s)toy: it ended with 1.*no such table: outbox"):
        service.wait_ready(seconds=20)
    service.stop()


@pytest.mark.connected
def test_addresses_are_written_down_while_it_runs_and_gone_afterwards(clone: Path) -> None:
    run = clone / "var" / "run.json"
    with Platform(clone / "var", TOPICS, services=()) as platform:
        written = json.loads(run.read_text())
        assert written["pid"] == os.getpid()
        assert written["broker"] == {"is": LABEL, "bootstrap": platform.bootstrap}
        assert all(alive(server["pid"]) for server in written["servers"].values())
        assert set(written["servers"]) == {"postgres", "mock_broker"}
        for private in (run, clone / "var" / "secret"):
            assert private.stat().st_mode & 0o777 == 0o600
    assert not run.exists()
    assert not any(alive(server["pid"]) for server in written["servers"].values())


@pytest.mark.connected
def test_a_second_start_in_the_same_place_is_refused_and_does_not_disturb_the_first(clone: Path) -> None:
    with Platform(clone / "var", TOPICS, services=()) as platform:
        with pytest.raises(StartError, match="already runs"), Platform(clone / "var", TOPICS, services=()):
            pass
        assert platform.postgres is not None
        assert platform.postgres.pid is not None
        assert alive(platform.postgres.pid)


def test_a_database_server_in_the_environment_wins_over_one_of_our_own(clone: Path, postgres: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHAOQI_DATABASE_URL", postgres)
    with Platform(clone / "var", TOPICS, services=()) as platform:
        assert platform.postgres is None
        assert platform.server == postgres
        assert not (clone / "var" / "postgres").exists()


@pytest.mark.kafka
def test_a_given_kafka_gets_its_topics_and_is_left_running(clone: Path, kafka_node: KafkaNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHAOQI_KAFKA", kafka_node.bootstrap)
    with Platform(clone / "var", {"given.v1": TestTopic(3, kept=3600)}, services=()) as platform:
        assert platform.bootstrap == kafka_node.bootstrap
        assert platform.mock is None
    assert kafka_node.pid is not None
    assert alive(kafka_node.pid)


@pytest.mark.kafka
def test_with_kafka_the_platform_runs_one_and_names_its_version(clone: Path, kafka_node: KafkaNode) -> None:
    with Platform(clone / "var", TOPICS, services=(), with_kafka=True) as platform:
        assert platform.kafka is not None
        assert platform.kafka.pid != kafka_node.pid
        assert kafka_node.version in platform.broker
        pid = platform.kafka.pid
    assert pid is not None
    assert not alive(pid)


TOY_SERVICE = """
import http.server, json, os, subprocess
child = subprocess.Popen(["sleep", "600"])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps({"child": child.pid} | {k: v for k, v in os.environ.items() if k.startswith("ZHAOQI_")}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body)
host, _, port = os.environ["ZHAOQI_HTTP"].partition(":")
http.server.HTTPServer((host, int(port)), Handler).serve_forever()
"""
TOY_PLATFORM = """
import json, pathlib, urllib.request
from deploy.embedded import Platform
class Topic:
    partitions, kept = 2, -1
with Platform(pathlib.Path("var"), {"documents.v1": Topic()}, services=("one", "two"), env={"ZHAOQI_CITY": "350200"}) as platform:
    told = {name: json.load(urllib.request.urlopen(url + "/readyz")) for name, url in platform.urls.items()}
    print(json.dumps({"told": told, "run": json.load(open("var/run.json")), "urls": platform.urls, "bootstrap": platform.bootstrap}))
"""


@pytest.mark.connected
def test_each_service_is_told_its_own_database_and_where_the_others_are_and_ends_with_its_children(clone: Path) -> None:
    shutil.copytree(Path(deploy.embedded.__file__).parent, clone / "deploy", ignore=shutil.ignore_patterns("libs", "__pycache__"))
    for name in ("one", "two"):
        (clone / "services" / name).mkdir(parents=True)
        (clone / "services" / name / "main.py").write_text(TOY_SERVICE)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("ZHAOQI_", "OTEL_"))}
    env |= {"no_proxy": "127.0.0.1"}
    out = subprocess.run([sys.executable, "-c", TOY_PLATFORM], cwd=clone, env=env, capture_output=True, text=True, check=True).stdout
    said = json.loads(out)
    for name, other in (("one", "two"), ("two", "one")):
        told = said["told"][name]
        assert told["ZHAOQI_DATABASE_URL"] == said["run"]["services"][name]["database"]
        assert f"//zhaoqi_{name}:" in told["ZHAOQI_DATABASE_URL"]
        assert told["ZHAOQI_KAFKA"] == said["bootstrap"]
        assert told["ZHAOQI_KAFKA_IN_MEMORY"] == "true"
        assert f"http://{told['ZHAOQI_HTTP']}" == told[f"ZHAOQI_{name.upper()}_URL"] == said["urls"][name]
        assert told[f"ZHAOQI_{other.upper()}_URL"] == said["urls"][other]
        assert told["ZHAOQI_SECRET"] == (clone / "var" / "secret").read_text()
        assert told["ZHAOQI_TRACES"].endswith(f"var/traces/{name}.jsonl")
        assert told["ZHAOQI_CITY"] == "350200"
        assert not alive(told["child"])
        assert not alive(said["run"]["services"][name]["pid"])


PROGRAM = """
import pathlib, time
from deploy.embedded import Platform
class Topic:
    partitions, kept = 2, -1
with Platform(pathlib.Path("var"), {"documents.v1": Topic()}, services=()) as platform:
    print(platform.postgres.pid, platform.mock.pid, platform.server, flush=True)
    time.sleep(600)
"""


def started(clone: Path) -> tuple["subprocess.Popen[bytes]", list[int], str]:
    """The platform in a process of its own: it, its children's process ids, the database server's URL."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=same_code()
    )
    out: IO[bytes] | None = parent.stdout
    assert out is not None
    postgres, mock, url = out.readline().decode().split()
    return parent, [int(postgres), int(mock)], url


@pytest.mark.connected
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_however_the_platform_ends_no_process_is_left_and_the_next_start_finds_every_row(clone: Path, end: signal.Signals) -> None:
    parent, children, url = started(clone)
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 100)")
    with parent:
        parent.send_signal(end)
    assert wait_until(lambda: not any(alive(pid) for pid in children), seconds=20)
    await connection.close()

    parent, children, url = started(clone)
    connection = await asyncpg.connect(url)
    assert await connection.fetchval("SELECT count(*) FROM kept") == 100
    await connection.close()
    with parent:
        parent.kill()
    assert wait_until(lambda: not any(alive(pid) for pid in children), seconds=20)
