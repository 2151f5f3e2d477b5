"""One real Apache Kafka broker on loopback: its jars through Maven, KRaft, no container.

A node keeps its data in a folder: after `kill()` or a crash the next `start()` recovers what was acknowledged, on the same ports
when they are still free.
"""

import base64
import fcntl
import hashlib
import os
import re
import shutil
import signal
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path
from string import Template
from typing import Protocol

from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.processes import StartError, free_ports, port_is_free, spawn, stop, tail, wait_until

HERE = Path(__file__).parent
LIBS = HERE / "libs"
JAVA_WANTED = 17  # the oldest Java Kafka 4 brokers run on

_STARTED = re.compile(rb"\[KafkaRaftServer nodeId=1\] Kafka Server started")
_VERSION = re.compile(r"^.*\bKafka version: (\S+).*$", re.MULTILINE)


_TOPIC_EXISTS = 36  # TOPIC_ALREADY_EXISTS


class TopicShape(Protocol):
    """What a broker must know of a topic; `kept` is in seconds, -1 for ever."""

    @property
    def partitions(self) -> int: ...

    @property
    def kept(self) -> int: ...


class KafkaUnavailable(StartError):
    """Java or Maven is missing or too old, or Maven could not resolve Kafka; the message says what to install."""


async def create_topics(bootstrap: str, topics: Mapping[str, TopicShape]) -> None:
    """Make the topics that are not there, with one copy each (a cluster's operator makes his own). Raises StartError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        answer = await admin.create_topics(
            [
                NewTopic(name, shape.partitions, 1, topic_configs={"retention.ms": str(shape.kept * 1000 if shape.kept >= 0 else -1)})
                for name, shape in topics.items()
            ]
        )
        for name, code, *reason in answer.topic_errors:
            if code not in (0, _TOPIC_EXISTS):
                raise StartError(f"Kafka at {bootstrap} refused topic {name}: error {code} {reason}")
    finally:
        await admin.close()


def java() -> str:
    """The path of a Java that can run Kafka: JAVA_HOME's, else the PATH's. Raises KafkaUnavailable."""
    home = os.environ.get("JAVA_HOME")
    found = shutil.which("java", path=f"{home}/bin") if home else shutil.which("java")
    advice = f"install a Java runtime, version {JAVA_WANTED} or later (Debian: apt-get install openjdk-17-jre-headless)"
    if found is None:
        raise KafkaUnavailable(f"no `java` {f'in JAVA_HOME={home}' if home else 'on the PATH'}: {advice}")
    told = subprocess.run([found, "-version"], capture_output=True, text=True, check=False).stderr
    version = re.search(r'version "(\d+)', told)
    if version is None or int(version[1]) < JAVA_WANTED:
        raise KafkaUnavailable(f"{found} says {told.strip().splitlines()[:1]}, Kafka 4 needs Java {JAVA_WANTED}: {advice}")
    return found


def resolve() -> Path:
    """The folder with Kafka's jars, filled by Maven unless it already holds what pom.xml asks for. Raises KafkaUnavailable."""
    wanted = hashlib.sha256((HERE / "pom.xml").read_bytes()).hexdigest()
    stamp = LIBS / ".pom.sha256"
    LIBS.mkdir(exist_ok=True)
    with (LIBS / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two test runs in one checkout must not fill the folder at once
        if stamp.exists() and stamp.read_text() == wanted:
            return LIBS
        maven = shutil.which("mvn")
        if maven is None:
            raise KafkaUnavailable("no `mvn` on the PATH: install Apache Maven 3.6 or later (Debian: apt-get install maven)")
        for old in LIBS.glob("*.jar"):
            old.unlink()
        goal = "org.apache.maven.plugins:maven-dependency-plugin:copy-dependencies"
        run = subprocess.run(
            [maven, "-B", "-q", "-f", str(HERE / "pom.xml"), goal, "-DincludeScope=runtime", f"-DoutputDirectory={LIBS}"],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            said = "\n".join(line for line in (run.stdout + run.stderr).splitlines() if "ERROR" in line)[:2000]
            raise KafkaUnavailable(f"Maven could not resolve Kafka (is its repository reachable, see Maven's settings.xml?):\n{said}")
        stamp.write_text(wanted)
    return LIBS


class KafkaNode:
    """A single node, broker and controller, whose data, configuration and log live in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "kafka.log"
        self.log_line = ""
        """The broker's own log line with its version, of the last start."""
        self._port, self._controller_port = 0, 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def bootstrap(self) -> str:
        """`host:port` for clients; known once started."""
        return f"127.0.0.1:{self._port}"

    @property
    def version(self) -> str:
        """The version the broker says it is, such as `4.3.1`; empty before the first start."""
        told = _VERSION.match(self.log_line)
        return told[1] if told else ""

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, *, seconds: float = 60) -> None:
        """Format the folder if it is new, run the broker and wait until it serves. Raises StartError."""
        runtime, libs = java(), resolve()
        if self._port == 0 or not (port_is_free(self._port) and port_is_free(self._controller_port)):
            self._port, self._controller_port = free_ports(2)
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        template = Template((HERE / "server.properties").read_text())
        properties.write_text(template.substitute(port=self._port, controller_port=self._controller_port, data=data))
        if not (data / "meta.properties").exists():
            self._format(runtime, libs, properties)
        told = self.log.stat().st_size if self.log.exists() else 0
        self._process = spawn(
            [
                *(runtime, "-Xms256m", "-Xmx512m", "-XX:+ExitOnOutOfMemoryError", "-Djava.awt.headless=true"),
                *(f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-cp", f"{libs}/*", "kafka.Kafka", str(properties)),
            ],
            log=self.log,
            cwd=self.folder,
        )
        process = self._process
        ready = wait_until(lambda: process.poll() is not None or bool(_STARTED.search(self._said(told))), seconds=seconds)
        if not ready or process.poll() is not None:
            self.kill()
            why = f"ended with {process.returncode}" if ready else f"was not ready after {seconds:.0f} s"
            raise StartError(f"Kafka {why}; the end of {self.log}:\n{tail(self.log)}")
        line = _VERSION.search(self._said(told).decode(errors="replace"))
        self.log_line = line[0] if line else ""

    def stop(self) -> None:
        """Shut the broker down in order; SIGKILL after 20 s."""
        self._end([signal.SIGTERM])

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        self._end([])

    def _end(self, signals: list[signal.Signals]) -> None:
        if self._process is not None:
            stop(self._process, signals, grace=20)
            self._process = None

    def _said(self, since: int) -> bytes:
        with self.log.open("rb") as file:
            file.seek(since)
            return file.read()

    def _format(self, runtime: str, libs: Path, properties: Path) -> None:
        cluster = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        run = subprocess.run(
            [
                *(runtime, "-Xmx128m", f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-cp", f"{libs}/*"),
                *("kafka.tools.StorageTool", "format", "--standalone", f"--cluster-id={cluster}", f"--config={properties}"),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if run.returncode != 0:
            raise StartError(f"Kafka could not format {self.folder}:\n{run.stdout[-1000:]}{run.stderr[-1000:]}")
