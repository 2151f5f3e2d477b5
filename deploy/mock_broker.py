"""librdkafka's mock cluster as a broker for demo and tests: the real protocol on a real port, **in memory only**.

What it is not (all seen): it forgets everything when it ends; it drops a partition's oldest records past 5 MiB, read or not; two
aiokafka members of one group fail on it (the later SyncGroup is refused), so a group has one member here; its admin API creates
nothing, so topics are made through `create_topics` before any client starts (a client's mere question for metadata makes a topic
with 4 partitions). Run as a program this file is the child process that holds the cluster.
"""

import ctypes
import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.processes import StartError, same_code, spawn, stop, tail

LABEL = "librdkafka mock cluster (in memory)"

_ALREADY_EXISTS = 36  # RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS
_REBALANCE_DELAY_MS = 100  # the mock waits 3 s for more members of a new group by default; here a group has one


class MockBroker:
    """One mock broker in a child process, which ends with this one."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.bootstrap = ""
        """`host:port` for clients; known once started."""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start the cluster and wait for its address. Raises StartError."""
        self._process = spawn([sys.executable, "-m", "deploy.mock_broker"], log=self.log, env=same_code(), talk=True)
        self.bootstrap = self._hear()

    def create_topics(self, partitions: Mapping[str, int]) -> None:
        """Make topics by name and number of partitions; one that exists with that number stays as it is. Raises StartError."""
        self._tell(dict(partitions))

    def down(self) -> None:
        """Cut every connection and refuse new ones, as an outage would; what lies on the topics stays."""
        self._tell("down")

    def up(self) -> None:
        """Answer again after `down`."""
        self._tell("up")

    def stop(self) -> None:
        """End the broker; everything it held is gone."""
        if self._process is not None:
            stop(self._process, [], grace=0)
            self._process = None

    def _tell(self, order: dict[str, int] | str) -> None:
        assert self._process is not None
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        self._process.stdin.flush()
        self._hear()

    def _hear(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            self.stop()
            raise StartError(f"the mock broker ended; the end of {self.log}:\n{tail(self.log)}")
        answer: dict[str, str] = json.loads(line)
        if "error" in answer:
            raise StartError(answer["error"])
        return answer.get("bootstrap", "")


def _serve() -> None:
    """Hold the cluster; a line in is topics to make, "down" or "up"; a line out is the answer; the end of input is the end."""
    import confluent_kafka.cimpl  # in the child only: its parent needs no librdkafka in memory

    # The extension module's own handle reaches the librdkafka it is linked with, wherever the wheel put it.
    library = ctypes.CDLL(confluent_kafka.cimpl.__file__)
    for name, result, arguments in (
        ("rd_kafka_new", ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
        ("rd_kafka_mock_cluster_new", ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
        ("rd_kafka_mock_cluster_bootstraps", ctypes.c_char_p, [ctypes.c_void_p]),
        ("rd_kafka_mock_group_initial_rebalance_delay_ms", None, [ctypes.c_void_p, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_down", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
        ("rd_kafka_mock_broker_set_up", ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
        ("rd_kafka_mock_topic_create", ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    reason = ctypes.create_string_buffer(512)
    client = library.rd_kafka_new(0, None, reason, len(reason))  # 0 = a producer; the mock lives on its threads
    if not client:
        sys.exit(f"librdkafka: {reason.value.decode()}")
    cluster = library.rd_kafka_mock_cluster_new(client, 1)
    if not cluster:
        sys.exit("librdkafka could not make a mock cluster")
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, _REBALANCE_DELAY_MS)
    print(json.dumps({"bootstrap": library.rd_kafka_mock_cluster_bootstraps(cluster).decode()}), flush=True)
    made: dict[str, int] = {}
    for line in sys.stdin:
        answer: dict[str, str] = {}
        order = json.loads(line)
        if isinstance(order, str):
            code = getattr(library, f"rd_kafka_mock_broker_set_{order}")(cluster, 1)
            print(json.dumps({"error": f"librdkafka refused to set the broker {order}: error {code}"} if code else {}), flush=True)
            continue
        for topic, partitions in order.items():
            if made.get(topic) == partitions:
                continue
            code = library.rd_kafka_mock_topic_create(cluster, topic.encode(), partitions, 1)
            if code == 0:
                made[topic] = partitions
            elif code == _ALREADY_EXISTS:
                answer["error"] = (
                    f"topic {topic} exists with {made.get(topic, 'the 4 partitions a client asking for it made')}, wanted {partitions}: "
                    "make topics before any client starts"
                )
            else:
                answer["error"] = f"librdkafka refused topic {topic} with {partitions} partitions: error {code}"
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    _serve()
