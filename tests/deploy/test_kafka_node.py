"""The real Kafka: what it needs is said, what it acknowledged survives a crash, its configuration names no place."""

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition

import deploy.kafka
from deploy.kafka import KafkaNode, KafkaUnavailable, create_topics
from deploy.processes import StartError
from tests.conftest import Broker, TestTopic


def test_the_pom_names_no_repository() -> None:
    tree = ElementTree.parse(deploy.kafka.HERE / "pom.xml")
    tags = {element.tag.rpartition("}")[2] for element in tree.iter()}
    assert tags.isdisjoint({"repositories", "pluginRepositories", "distributionManagement", "url"})


def test_without_java_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KafkaUnavailable, match="install a Java runtime, version 17"):
        deploy.kafka.java()


def test_a_java_too_old_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "java"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(KafkaUnavailable, match=r"11\.0\.2.*needs Java 17"):
        deploy.kafka.java()


def test_without_maven_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(deploy.kafka, "LIBS", tmp_path)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(KafkaUnavailable, match="install Apache Maven"):
        deploy.kafka.resolve()


def test_jars_of_the_wanted_version_are_not_fetched_again(kafka_node: KafkaNode, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # no Maven to ask
    assert (deploy.kafka.resolve() / f"kafka_2.13-{kafka_node.version}.jar").exists()


def test_the_broker_tells_its_version_in_its_own_words(kafka_node: KafkaNode) -> None:
    assert re.fullmatch(r"4\.\d+\.\d+", kafka_node.version)
    assert kafka_node.log_line in kafka_node.log.read_text()


async def test_what_was_acknowledged_survives_kill_9(kafka_node: KafkaNode) -> None:
    topic = Broker("kafka", kafka_node.bootstrap, kafka_node).topic()
    async with AIOKafkaProducer(bootstrap_servers=kafka_node.bootstrap, acks="all", enable_idempotence=True) as producer:
        for number in range(20):
            await producer.send_and_wait(topic, b"%d" % number)
    before = kafka_node.bootstrap
    kafka_node.kill()
    kafka_node.start()
    assert kafka_node.bootstrap == before
    async with AIOKafkaConsumer(bootstrap_servers=kafka_node.bootstrap) as consumer:
        end = await consumer.end_offsets([TopicPartition(topic, 0)])
    assert end[TopicPartition(topic, 0)] == 20


async def test_a_topic_kafka_refuses_is_an_error_with_its_reason(kafka_node: KafkaNode) -> None:
    with pytest.raises(StartError, match="refused topic no/slash: error 17"):
        await create_topics(kafka_node.bootstrap, {"no/slash": TestTopic(1)})


async def test_a_misspelt_topic_is_not_made(kafka_node: KafkaNode) -> None:
    async with AIOKafkaConsumer(bootstrap_servers=kafka_node.bootstrap) as consumer:
        await consumer.topics()
        assert not consumer.partitions_for_topic("benefitz.v1")
        assert "benefitz.v1" not in await consumer.topics()
