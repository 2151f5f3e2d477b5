"""The tiny service `notes` for tests of the chassis: without a broker, or alive on each broker in turn."""

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from deploy.mock_broker import MockBroker
from services.chassis.logs import configure_logs
from tests.conftest import Broker
from tests.notes_room import Notes, join, packaged


@pytest.fixture
def notes(database: str, tmp_path: Path) -> Iterator[Notes]:
    """The tiny service with a database and no broker."""
    notes = Notes(f"notes_{uuid.uuid4().hex[:12]}", database)
    with packaged(notes.name, tmp_path / "services"), notes.registered():
        configure_logs(notes.name)
        yield notes
    notes.telemetry.tracers.shutdown()
    structlog.reset_defaults()


@pytest.fixture
def on_mock(notes: Notes, mock_broker: MockBroker) -> Notes:
    """The tiny service on the broker in memory, for what no broker matters to."""
    return join(notes, Broker("mock", mock_broker.bootstrap, mock_broker))


@pytest.fixture
def live(notes: Notes, broker: Broker) -> Notes:
    """The tiny service on each broker in turn."""
    return join(notes, broker)
