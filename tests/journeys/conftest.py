"""A folder for each journey, and on which broker it ran."""

from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def folder(scratch: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of this module that PostgreSQL's unprivileged user can reach."""
    here = scratch / str(request.module.__name__).rpartition(".")[2]
    here.mkdir(mode=0o755)
    return here


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A journey runs on each broker; the count of tests on each broker is told at the end."""
    for item in items:
        kind = getattr(item, "callspec", None) and item.callspec.params.get("world")  # type: ignore[attr-defined]
        if kind:
            item.user_properties.append(("broker", {"mock": "mock_broker", "kafka": "kafka_node"}[kind]))
