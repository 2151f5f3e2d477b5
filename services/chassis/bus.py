"""Kafka, and the only file that speaks it: a producer that loses nothing and a consumer that is rebuilt when it wedges.

The producer waits for all replicas and is idempotent. The consumer commits by hand, after the work: offsets are the last thing to
move. A group that has a committed offset never resets; a new one is placed at the beginning, explicitly. An offset that is out of
range stops its partition and says which offsets are gone.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError, TopicAlreadyExistsError
from aiokafka.partitioner import murmur2

from contracts.topics import Topic
from services.chassis.telemetry import Telemetry

DEADLINE = 10.0
"""Seconds after which a broker that does not answer counts as gone; what was sent meanwhile is unknown and sent again."""
LONGEST_PAUSE = 5.0
POLL_MS = 200
POLL_RECORDS = 500
LAG_EVERY = 5.0
WEDGED_AFTER = 45.0
"""Seconds without a sign of life from a consumer, though there is work, after which it is built anew."""

KafkaFailure = KafkaError
"""Any trouble with the broker, for files that may not know aiokafka."""

log = structlog.get_logger()


def partition_of(key: str, partitions: int) -> int:
    """The partition of a key: Kafka's murmur2, as every Kafka client computes it."""
    return int((murmur2(key.encode()) & 0x7FFFFFFF) % partitions)


@dataclass(frozen=True)
class Record:
    """A record to send."""

    topic: str
    key: str
    body: bytes
    headers: Mapping[str, str]
    partition: int | None = None


@dataclass(frozen=True)
class Heard:
    """A record as it lay on the broker."""

    topic: str
    partition: int
    offset: int
    key: str
    headers: Mapping[str, str]
    body: bytes | None


class Stuck(Exception):
    """The work cannot go on now (database gone, every event fails, too many parked keys): pause and try again."""


async def create_topics(bootstrap: str, topics: Iterable[Topic]) -> None:
    """Create the topics that a real broker does not have yet, with their partitions and retention. Raises KafkaError."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        wanted = [
            NewTopic(
                topic.name,
                num_partitions=topic.partitions,
                replication_factor=1,
                topic_configs={"retention.ms": str(topic.kept * 1000 if topic.kept > 0 else -1)},
            )
            for topic in topics
        ]
        for name, code, *reason in (await admin.create_topics(wanted)).topic_errors:
            if code not in (0, TopicAlreadyExistsError.errno):
                raise KafkaError(f"the broker refused topic {name}: error {code} {reason}")
    finally:
        await admin.close()


class Producer:
    """Sends records in order and waits for every acknowledgement; after a failure it is built anew (platform trap 6)."""

    class Failed(Exception):
        """Some record may not have arrived; nothing may be marked as sent."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: AIOKafkaProducer | None = None
        self._readers: dict[str | None, AIOKafkaConsumer] = {}  # by the group they ask for

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            producer = AIOKafkaProducer(
                bootstrap_servers=self._bootstrap,
                acks="all",
                enable_idempotence=True,
                linger_ms=2,
                max_batch_size=256 * 1024,
                max_request_size=1_000_000,
            )
            try:
                await producer.start()
            except BaseException:
                await _abandon(producer)
                raise
            self._producer = producer
        return self._producer

    async def send_all(self, records: Sequence[Record]) -> list[tuple[int, int]]:
        """Send in order; returns (partition, offset) of each. Raises Failed, and then all of them are to be sent again."""
        try:
            async with asyncio.timeout(DEADLINE):
                producer = await self._started()
                waiting = [
                    await producer.send(
                        record.topic,
                        record.body,
                        key=record.key.encode(),
                        partition=record.partition,
                        headers=[(name, value.encode()) for name, value in record.headers.items()],
                    )
                    for record in records
                ]
                done = await asyncio.gather(*waiting)
        except (KafkaError, OSError, TimeoutError) as error:
            await self.stop()
            raise Producer.Failed(f"{type(error).__name__}: {error}") from error
        return [(metadata.partition, metadata.offset) for metadata in done]

    async def committed(self, group: str, topic: str, partition: int) -> int:
        """The offset a group has committed (0 when none), asked without joining the group. Raises Failed."""
        place = TopicPartition(topic, partition)
        return await self._ask(group, lambda reader: reader.committed(place)) or 0

    async def end(self, topic: str, partition: int) -> int:
        """The offset the next record of a partition will have. Raises Failed."""
        place = TopicPartition(topic, partition)
        ends: dict[TopicPartition, int] = await self._ask(None, lambda reader: reader.end_offsets([place]))
        return ends[place]

    async def _ask(self, group: str | None, question: Callable[[AIOKafkaConsumer], Awaitable[Any]]) -> Any:
        try:
            async with asyncio.timeout(DEADLINE):
                reader = self._readers.get(group)
                if reader is None:
                    reader = self._readers[group] = AIOKafkaConsumer(
                        bootstrap_servers=self._bootstrap, group_id=group, enable_auto_commit=False
                    )
                    await reader.start()
                return await question(reader)
        except (KafkaError, OSError) as error:
            await self.stop()
            raise Producer.Failed(f"{type(error).__name__}: {error}") from error

    async def stop(self) -> None:
        """Close; what was not acknowledged is unknown and will be sent again."""
        producer, self._producer = self._producer, None
        readers, self._readers = self._readers, {}
        if producer is not None:
            await _abandon(producer)
        for reader in readers.values():
            await _close(reader)


async def _close(consumer: AIOKafkaConsumer) -> None:
    """Close, whatever happens, part by part: with the broker gone the client's own `stop` may never end, or end half done."""
    consumer._closed = True
    coordinator, fetcher = consumer._coordinator, consumer._fetcher
    for part, patience in ((coordinator, 2), (fetcher, 1)):
        if part is not None:
            await _ended(asyncio.create_task(part.close()), patience)
    names = ("_coordination_task", "_heartbeat_task", "_commit_refresh_task", "_reset_committed_task", "_fetch_task")
    left = [getattr(part, name, None) for part in (coordinator, fetcher) for name in names]
    for task in [*left, *getattr(fetcher, "_pending_tasks", ())]:
        if task is not None and not task.done():
            task.cancel()
            await _ended(task, 1)
    await _ended(asyncio.create_task(consumer._client.close()), 1)


async def _ended(task: "asyncio.Future[Any]", patience: float) -> None:
    """Wait until it has ended, somehow; cancel it when it takes too long."""
    await asyncio.wait([task], timeout=patience)
    if task.cancel():
        await asyncio.wait([task], timeout=1)
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        log.warning("bus.close_failed", error=type(error).__name__)


async def _abandon(producer: AIOKafkaProducer) -> None:
    """Close without flushing: the client's own `stop` goes on sending for as long as the broker is gone, behind its successor's back."""
    producer._closed = True
    await producer._sender.close()
    await producer.client.close()


@dataclass
class _Held:
    """Records that could not be handled yet; their partition is paused until they are."""

    records: list[Heard]
    tries: int
    due: float
    why: str


@dataclass
class ConsumerState:
    """What readiness and the dashboards read."""

    assigned: bool = False
    lag: dict[str, int] = field(default_factory=dict)
    held: dict[str, str] = field(default_factory=dict)  # "topic/partition" -> why it is paused
    gone: dict[str, str] = field(default_factory=dict)  # "topic/partition" -> which offsets are gone
    trouble: str | None = "not started"
    rebuilt: int = 0


class _Placing(ConsumerRebalanceListener):  # type: ignore[misc]
    """Forgets held records of partitions that move away; what they held was not committed and is heard again elsewhere."""

    def __init__(self, held: dict[TopicPartition, _Held], fresh: set[TopicPartition], state: ConsumerState) -> None:
        self._held, self._fresh, self._state = held, fresh, state

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        for place in revoked:
            self._held.pop(place, None)
            self._state.held.pop(f"{place.topic}/{place.partition}", None)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        self._fresh.update(assigned)


Process = Callable[[str, int, list[Heard]], Awaitable[None]]


class Consumer:
    """One member of a service's group over all topics it hears; `run()` supervises it until cancelled.

    The range assignor puts partition p of every twelve-partition topic with one member, which matching relies on (design §6).
    `session` are the seconds after which the group gives a silent member up.
    """

    def __init__(
        self, bootstrap: str, *, group: str, topics: Sequence[str], process: Process, telemetry: Telemetry, session: float = 10.0
    ) -> None:
        self._bootstrap, self._group, self._topics = bootstrap, group, sorted(topics)
        self._session_ms = int(session * 1000)
        self._process, self._telemetry = process, telemetry
        self.state = ConsumerState()
        self._consumer: AIOKafkaConsumer | None = None

    async def behind(self) -> dict[str, int]:
        """Events said and not yet handled, by topic, as the broker tells it now. Raises Stuck while there is no consumer."""
        consumer = self._consumer
        if consumer is None:
            raise Stuck("the consumer is being rebuilt")
        places = list(consumer.assignment())
        ends = await consumer.end_offsets(places) if places else {}
        lag = dict.fromkeys(self._topics, 0)
        for place, end in ends.items():
            lag[place.topic] += max(0, end - (await consumer.committed(place) or 0))
        return lag

    async def run(self) -> None:
        """Build, poll, and after any trouble close and build anew, with back-off."""
        pause = 0.2
        while True:
            held: dict[TopicPartition, _Held] = {}
            fresh: set[TopicPartition] = set()
            consumer = AIOKafkaConsumer(
                bootstrap_servers=self._bootstrap,
                group_id=self._group,
                enable_auto_commit=False,
                auto_offset_reset="none",
                partition_assignment_strategy=[RangePartitionAssignor],
                max_poll_interval_ms=300_000,
                session_timeout_ms=self._session_ms,
                heartbeat_interval_ms=self._session_ms // 3,
                fetch_max_wait_ms=50,
                max_partition_fetch_bytes=2 * 1024 * 1024,
            )
            try:
                consumer.subscribe(self._topics, listener=_Placing(held, fresh, self.state))
                async with asyncio.timeout(WEDGED_AFTER):
                    await consumer.start()
                self._consumer = consumer
                self.state.trouble = None
                async for _ in self._polls(consumer, held, fresh):
                    pause = 0.2
            except (KafkaError, OSError, _Wedged) as error:
                self._trouble(error)
                log.warning("consumer.rebuilt", error=type(error).__name__, detail=str(error), group=self._group)
            except Exception as error:  # the client's own faults end its tasks for good; a new client is the cure for these too
                self._trouble(error)
                log.error("consumer.rebuilt", group=self._group, exc_info=error)
            except asyncio.CancelledError as error:
                if (task := asyncio.current_task()) is None or task.cancelling():
                    raise
                self._trouble(error)  # nobody cancelled us: a task of the client's was, and ours with it
                log.error("consumer.rebuilt", group=self._group, exc_info=error)
            finally:
                self._consumer = None
                self.state.assigned = False
                self.state.rebuilt += 1
                self.state.held = {}
                await _close(consumer)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _trouble(self, error: BaseException) -> None:
        self.state.trouble = f"the consumer is rebuilt: {type(error).__name__}"

    async def _polls(self, consumer: AIOKafkaConsumer, held: dict[TopicPartition, _Held], fresh: set[TopicPartition]) -> Any:
        loop = asyncio.get_running_loop()
        next_look, moved = loop.time() + 1, loop.time()
        while True:
            await self._place(consumer, fresh)
            for place in [p for p, h in held.items() if h.due <= loop.time()]:
                await self._handle(consumer, place, held[place].records, held)
            try:
                async with asyncio.timeout(WEDGED_AFTER):  # while it joins its group again the client waits without end
                    polled = await consumer.getmany(timeout_ms=POLL_MS, max_records=POLL_RECORDS)
            except NoOffsetForPartitionError as error:
                fresh.add(error.args[0])
                continue
            except OffsetOutOfRangeError as error:
                await self._stop_gone(consumer, error.args[0])
                continue
            self.state.assigned = bool(consumer.assignment())
            if polled:
                moved = loop.time()
                work = (self._handle(consumer, place, _heard(records), held) for place, records in polled.items())
                for outcome in await asyncio.gather(*work, return_exceptions=True):  # all have ended before any error goes on
                    if isinstance(outcome, BaseException):
                        raise outcome
            if loop.time() >= next_look:
                next_look = loop.time() + LAG_EVERY
                async with asyncio.timeout(DEADLINE):  # the client itself would wait for a broker without a word
                    behind = await self._look(held)
                if not behind or held:
                    moved = loop.time()
                elif loop.time() - moved > WEDGED_AFTER:
                    raise _Wedged(f"{behind} events wait and none came in {WEDGED_AFTER:.0f} s")
            yield

    async def _place(self, consumer: AIOKafkaConsumer, fresh: set[TopicPartition]) -> None:
        """Put a group that never committed on a partition at its beginning, and commit that, so that it is never reset later."""
        places = [place for place in fresh if place in consumer.assignment()]
        fresh.clear()
        for place in places:
            self.state.gone.pop(f"{place.topic}/{place.partition}", None)
            if await consumer.committed(place) is None:
                beginning = (await consumer.beginning_offsets([place]))[place]
                consumer.seek(place, beginning)
                await consumer.commit({place: beginning})

    async def _handle(
        self, consumer: AIOKafkaConsumer, place: TopicPartition, records: list[Heard], held: dict[TopicPartition, _Held]
    ) -> None:
        before = held.get(place)
        try:
            await self._process(place.topic, place.partition, records)
        except Stuck as error:
            tries = before.tries + 1 if before else 1
            held[place] = _Held(records, tries, asyncio.get_running_loop().time() + min(0.2 * 2**tries, 30), str(error))
            self.state.held[f"{place.topic}/{place.partition}"] = str(error)
            if before is None:
                consumer.pause(place)
                log.error("consumer.paused", topic=place.topic, partition=place.partition, why=str(error))
            return
        if place not in consumer.assignment():
            return  # moved away meanwhile; the inbox passes over what its new owner hears again
        await consumer.commit({place: records[-1].offset + 1})
        if before is not None:
            held.pop(place, None)
            self.state.held.pop(f"{place.topic}/{place.partition}", None)
            consumer.resume(place)
            log.info("consumer.resumed", topic=place.topic, partition=place.partition)

    async def _stop_gone(self, consumer: AIOKafkaConsumer, wanted: Mapping[TopicPartition, int]) -> None:
        for place, offset in wanted.items():
            consumer.pause(place)
            beginning = (await consumer.beginning_offsets([place]))[place]
            end = (await consumer.end_offsets([place]))[place]
            consumer.seek(place, end)  # paused: nothing is fetched; a valid position keeps the client quiet
            if offset < beginning:
                what = f"offsets {offset} to {beginning - 1} are gone"
            else:
                what = f"offset {offset} is past the end {end}: the topic was made anew"
            self.state.gone[f"{place.topic}/{place.partition}"] = what
            log.error("consumer.out_of_range", topic=place.topic, partition=place.partition, what=what)

    async def _look(self, held: dict[TopicPartition, _Held]) -> int:
        """Measure lag and publish what is paused."""
        lag = await self.behind()
        paused = dict.fromkeys(self._topics, 0)
        self.state.lag = lag
        for name in (*self.state.held, *self.state.gone):
            paused[name.rsplit("/", 1)[0]] += 1
        for topic in self._topics:
            self._telemetry.gauge("zhaoqi.consumer.lag", lag[topic], topic=topic)
            self._telemetry.gauge("zhaoqi.consumer.paused", paused[topic], topic=topic)
        return sum(lag.values()) - sum(len(item.records) for item in held.values()) if not self.state.gone else 0


class _Wedged(Exception):
    """The consumer is alive and hears nothing though events wait (aiokafka #1154)."""


def _text(value: bytes | None) -> str:
    """Bytes as text that PostgreSQL can keep: whatever stands in a record, it can be parked or become a dead letter."""
    return (value or b"").decode(errors="replace").replace("\x00", "\ufffd")


def _heard(records: Sequence[Any]) -> list[Heard]:
    return [
        Heard(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            key=_text(record.key),
            headers={_text(name.encode()): _text(value) for name, value in record.headers},
            body=record.value,
        )
        for record in records
    ]
