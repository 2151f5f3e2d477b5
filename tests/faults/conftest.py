"""The tiny service `notes`, in this process or as one that a test kills, on each broker in turn."""

from tests.chassis.conftest import live, notes

__all__ = ["live", "notes"]
