"""Everything on one machine in one command: PostgreSQL, a broker and the services as child processes.

The promise: every port is free when chosen, nothing outside `var` is shared between checkouts, an address in the environment wins
over a server of our own, and whatever ends this process no other is left behind.
"""

import asyncio
import fcntl
import hashlib
import hmac
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx

import deploy.kafka as kafka
from deploy.mock_broker import LABEL, MockBroker
from deploy.postgres import Postgres, create_database
from deploy.processes import StartError, free_ports, same_code, spawn, stop, tail

SERVICES = ("ingest", "catalog", "policy_match", "notify")

T = TypeVar("T")


class Service:
    """One service as a child process; its standard output and error go to `log`."""

    def __init__(self, name: str, command: Sequence[str], *, url: str, env: Mapping[str, str], log: Path) -> None:
        self.name = name
        self.command = tuple(command)
        self.url = url
        self.env = dict(env)
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the process; `wait_ready` tells when it serves."""
        self._process = spawn(self.command, log=self.log, env=self.env)

    def wait_ready(self, *, seconds: float = 60) -> None:
        """Ask GET /readyz until it answers 200. Raises StartError which says what is not ready and quotes the log's end."""
        end = time.monotonic() + seconds
        last = "it does not answer"
        # The machine's proxy settings are not for loopback.
        with httpx.Client(trust_env=False, timeout=5) as client:
            while time.monotonic() < end:
                if self._process is None or self._process.poll() is not None:
                    code = "it was not started" if self._process is None else f"it ended with {self._process.returncode}"
                    raise StartError(f"{self.name}: {code}; the end of {self.log}:\n{tail(self.log)}")
                try:
                    answer = client.get(f"{self.url}/readyz")
                except httpx.TransportError as reason:
                    last = f"it does not answer ({type(reason).__name__})"
                else:
                    if answer.status_code == 200:
                        return
                    last = f"/readyz says {answer.status_code} {answer.text[:1000]}"
                time.sleep(0.05)
        raise StartError(f"{self.name} at {self.url} is not ready after {seconds:.0f} s: {last}; the end of {self.log}:\n{tail(self.log)}")

    def terminate(self) -> None:
        """Ask it to end, without waiting."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stop(self) -> None:
        """SIGTERM, and SIGKILL for it and its children after 10 s."""
        if self._process is not None:
            stop(self._process, [signal.SIGTERM], grace=10)
            self._process = None

    def kill(self) -> None:
        """SIGKILL for it and its children, as a crash would."""
        if self._process is not None:
            stop(self._process, [], grace=0)
            self._process = None


class Platform:
    """The whole of it as a context manager; once entered, every service is ready.

    `var` holds all state: databases, logs, traces, the secret, run.json (addresses and process ids while it runs, mode 0600).
    `topics` are made before any service starts. `with_kafka` takes a real Kafka instead of the mock. `env` is added to every
    service's environment. ZHAOQI_DATABASE_URL (a server whose user may make roles and databases) and ZHAOQI_KAFKA in this
    process's environment win over servers of our own.
    """

    def __init__(
        self,
        var: Path,
        topics: Mapping[str, kafka.TopicShape],
        *,
        services: Sequence[str] = SERVICES,
        with_kafka: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.var = var.resolve()
        self.topics = topics
        self.with_kafka = with_kafka
        self.extra = dict(env or {})
        self.bootstrap = ""
        self.broker = ""
        """What the broker is, for people: the mock says that it is in memory, Kafka its version line."""
        self.server = ""
        """URL of the database server, for its administrator."""
        self.databases: dict[str, str] = {}
        """Database URL of each service."""
        self.urls: dict[str, str] = {}
        """Base URL of each service."""
        self.services: dict[str, Service] = {}
        self.postgres: Postgres | None = None
        self.mock: MockBroker | None = None
        self.kafka: kafka.KafkaNode | None = None
        self._names = tuple(services)
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._stack.close()

    def _start(self) -> None:
        self.var.mkdir(parents=True, exist_ok=True)
        lock = self._stack.enter_context((self.var / "lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StartError(f"it already runs from {self.var}: see {self.var / 'run.json'}, or stop it first") from None
        secret = os.environ.get("ZHAOQI_SECRET") or self._secret()
        self.server = self._start_database()
        for name in self._names:
            password = hmac.new(secret.encode(), f"database {name}".encode(), hashlib.sha256).hexdigest()
            self.databases[name] = _apart(create_database(self.server, f"zhaoqi_{name}", password=password))
        self._start_broker()
        ports = free_ports(len(self._names))
        self.urls = {name: f"http://127.0.0.1:{port}" for name, port in zip(self._names, ports, strict=True)}
        self._stack.callback(self._stop_services)
        for name in self._names:
            command = (sys.executable, "-m", f"services.{name}.main")
            log = self.var / "log" / f"{name}.log"
            self.services[name] = Service(name, command, url=self.urls[name], env=self._env(name, secret), log=log)
            self.services[name].start()
        self._write_run()
        for service in self.services.values():
            service.wait_ready()

    def _start_database(self) -> str:
        if server := os.environ.get("ZHAOQI_DATABASE_URL"):
            return server
        self.postgres = Postgres(self.var / "postgres", log=self.var / "log" / "postgres.log")
        self._stack.callback(self.postgres.stop)
        return self.postgres.start()

    def _start_broker(self) -> None:
        if given := os.environ.get("ZHAOQI_KAFKA"):
            self.bootstrap, self.broker = given, f"the broker at {given}"
        elif self.with_kafka:
            self.kafka = kafka.KafkaNode(self.var / "kafka")
            self._stack.callback(self.kafka.stop)
            self.kafka.start()
            self.bootstrap, self.broker = self.kafka.bootstrap, f"Apache Kafka {self.kafka.version}: {self.kafka.log_line}"
        else:
            self.mock = MockBroker(self.var / "log" / "mock_broker.log")
            self._stack.callback(self.mock.stop)
            self.mock.start()
            self.mock.create_topics({name: shape.partitions for name, shape in self.topics.items()})
            self.bootstrap, self.broker = self.mock.bootstrap, LABEL
            return
        _apart(kafka.create_topics(self.bootstrap, self.topics))

    def _env(self, name: str, secret: str) -> dict[str, str]:
        env = {
            **same_code(),
            "PYTHONUNBUFFERED": "1",
            "ZHAOQI_DATABASE_URL": self.databases[name],
            "ZHAOQI_KAFKA": self.bootstrap,
            "ZHAOQI_KAFKA_IN_MEMORY": "true" if self.mock else "false",
            "ZHAOQI_HTTP": self.urls[name].removeprefix("http://"),
            "ZHAOQI_SECRET": secret,
            "ZHAOQI_SERVICE_KEY": hmac.new(secret.encode(), b"neighbour", hashlib.sha256).hexdigest(),
            **{f"ZHAOQI_{other.upper()}_URL": url for other, url in self.urls.items()},
        }
        if not os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"):
            traces = self.var / "traces"
            traces.mkdir(exist_ok=True)
            env["ZHAOQI_TRACES"] = str(traces / f"{name}.jsonl")
        return env | self.extra

    def _stop_services(self) -> None:
        (self.var / "run.json").unlink(missing_ok=True)
        for service in self.services.values():
            service.terminate()  # all at once, then wait for each
        for service in self.services.values():
            service.stop()

    def _write_run(self) -> None:
        parts: dict[str, Postgres | MockBroker | kafka.KafkaNode | None] = {
            "postgres": self.postgres,
            "mock_broker": self.mock,
            "kafka": self.kafka,
        }
        run = {
            "pid": os.getpid(),
            "broker": {"is": self.broker, "bootstrap": self.bootstrap},
            "servers": {name: {"pid": part.pid} for name, part in parts.items() if part},
            "services": {
                name: {"url": service.url, "pid": service.pid, "database": self.databases[name], "log": str(service.log)}
                for name, service in self.services.items()
            },
        }
        scratch = self.var / "run.json.new"
        scratch.touch(mode=0o600)  # it names passwords
        scratch.write_text(json.dumps(run, indent=1, ensure_ascii=False))
        scratch.replace(self.var / "run.json")

    def _secret(self) -> str:
        path = self.var / "secret"
        if not path.exists():
            scratch = path.with_name("secret.new")
            scratch.touch(mode=0o600)
            scratch.write_text(secrets.token_hex(32))
            scratch.replace(path)
        return path.read_text()


def _apart(work: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine from synchronous code, also where the caller's thread runs an event loop already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()
