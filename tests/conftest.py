"""Fixtures every room may use: a PostgreSQL server, both brokers, the maintainers' documents; and the count of tests on each broker.

A test says what it needs by naming a fixture; the marks `connected`, `kafka` and `shared` follow from that.
"""

import asyncio
import os
import shutil
import tempfile
import uuid
from collections.abc import Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import asyncpg
import pytest
from hypothesis import settings

from deploy.kafka import KafkaNode, KafkaUnavailable, create_topics
from deploy.mock_broker import MockBroker
from deploy.postgres import Postgres, create_database

T = TypeVar("T")

_MARKS = {"postgres": "connected", "mock_broker": "connected", "kafka_node": "kafka", "shared": "shared"}
_VERSION = pytest.StashKey[str]()

LAWS = {
    "test_imports.py",
    "test_rule_laws.py",
    "test_equal_engines.py",
    "test_conformance.py",
    "test_real_wordings.py",
    "test_sandbox.py",
    "test_known_answers.py",
    "test_extraction_scores.py",
}
"""Files that prove laws over many examples or many processes: part of `make test`, too long for `make check`."""

# CI looks at the same examples every time, so that what lands is what was looked at; anywhere else they are new at each run.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")


@dataclass(frozen=True)
class TestTopic:
    """What a test's topic is; nothing is forgotten while it runs."""

    __test__ = False
    partitions: int
    kept: int = -1


@dataclass(frozen=True)
class Broker:
    """One of the two brokers, for a test whose body is the same on both. `kind` is `mock` or `kafka`."""

    kind: str
    bootstrap: str
    server: MockBroker | KafkaNode

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Make topics with exactly these names; those that exist stay. Other tests of the session see them too."""
        if isinstance(self.server, MockBroker):
            self.server.create_topics(partitions)
        else:
            _apart(create_topics(self.bootstrap, {name: TestTopic(number) for name, number in partitions.items()}))

    def topic(self, stem: str = "topic", *, partitions: int = 1) -> str:
        """The name of a new topic nobody else uses."""
        name = f"{stem}-{uuid.uuid4().hex[:12]}"
        self.create_topics({name: partitions})
        return name


@pytest.fixture(scope="session")
def scratch() -> Iterator[Path]:
    """A folder for servers' data that PostgreSQL's unprivileged user can reach; pytest's own is 0700."""
    folder = Path(tempfile.mkdtemp(prefix="zhaoqi-tests-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres(scratch: Path) -> Iterator[str]:
    """The superuser's URL of one PostgreSQL server for the session. It need not survive a power cut, so it does not sync."""
    settings = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off", "max_connections": "200"}
    server = Postgres(scratch / "postgres", log=scratch / "postgres.log", settings=settings)
    yield server.start()
    server.stop()


@pytest.fixture(scope="session")
def _tester(postgres: str) -> str:
    """The URL of a database whose owner owns each test's database too."""
    return _apart(create_database(postgres, "tester", password="tester"))


@pytest.fixture
def database(postgres: str, _tester: str) -> Iterator[str]:
    """The URL of an empty database of its own, for its owner: a role that may log in and no more, as in production."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    _apart(_run(postgres, f"CREATE DATABASE {name} OWNER tester"))
    yield _tester.replace("/tester", f"/{name}").replace("//" + name, "//tester")
    _apart(_run(postgres, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture(scope="session")
def mock_broker(scratch: Path) -> Iterator[MockBroker]:
    """The in-memory broker of the session, `.bootstrap` its address."""
    server = MockBroker(scratch / "mock_broker.log")
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def kafka_node(scratch: Path, pytestconfig: pytest.Config) -> Iterator[KafkaNode]:
    """A real Kafka of the session; without Java or Maven skipped with the reason, or failed with ZHAOQI_REQUIRE_KAFKA=1."""
    node = KafkaNode(scratch / "kafka")
    try:
        node.start()
    except KafkaUnavailable as reason:
        no_kafka(reason)
    ran_on(pytestconfig, node)
    yield node
    node.stop()


def no_kafka(reason: KafkaUnavailable) -> NoReturn:
    """Skip what needs a real Kafka, with the reason; with ZHAOQI_REQUIRE_KAFKA=1 fail instead."""
    if os.environ.get("ZHAOQI_REQUIRE_KAFKA") == "1":
        pytest.fail(f"ZHAOQI_REQUIRE_KAFKA=1 but there is no real Kafka: {reason}")
    pytest.skip(f"no real Kafka: {reason}")


def ran_on(config: pytest.Config, node: KafkaNode) -> None:
    """Have the broker's own version line told at the end."""
    config.stash[_VERSION] = node.log_line
    if hasattr(config, "workeroutput"):  # one of several processes: it tells the one that prints
        config.workeroutput["kafka"] = node.log_line


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    if version := node.workeroutput.get("kafka"):
        node.config.stash[_VERSION] = version


@pytest.fixture(params=["mock", pytest.param("kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> Broker:
    """Each broker in turn: a test that names it runs twice, with the same body."""
    server: MockBroker | KafkaNode = request.getfixturevalue("mock_broker" if request.param == "mock" else "kafka_node")
    return Broker(request.param, server.bootstrap, server)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The maintainers' folder of documents: $ZHAOQI_SHARED, else ../shared beside the repository."""
    folder = Path(os.environ.get("ZHAOQI_SHARED") or Path(__file__).parents[2] / "shared")
    if not folder.is_dir():
        if os.environ.get("ZHAOQI_REQUIRE_SHARED") == "1":
            pytest.fail(f"ZHAOQI_REQUIRE_SHARED=1 but {folder} is no folder: set ZHAOQI_SHARED to the maintainers' documents")
        pytest.skip(f"no maintainers' documents: {folder} is no folder (set ZHAOQI_SHARED)")
    return folder


@pytest.hookimpl(tryfirst=True)  # before -m looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.name in LAWS:
            item.add_marker(pytest.mark.slow)
    for item in items:
        needs = set(getattr(item, "fixturenames", ()))
        callspec = getattr(item, "callspec", None)
        if "broker" in needs and callspec is not None:
            needs.add({"mock": "mock_broker", "kafka": "kafka_node"}[callspec.params["broker"]])
        for fixture in needs & _MARKS.keys():
            item.add_marker(_MARKS[fixture])
        for fixture in needs & {"mock_broker", "kafka_node"}:
            item.user_properties.append(("broker", fixture))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    ran = {"mock_broker": 0, "kafka_node": 0}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == "broker" and report.when == "call":
                    ran[value] += 1
    if any(ran.values()):
        version = config.stash.get(_VERSION, "no real Kafka ran")
        terminalreporter.write_line(f"brokers: {ran['mock_broker']} on the mock (in memory), {ran['kafka_node']} on Kafka; {version}")


async def _run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine whether or not this thread runs an event loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
