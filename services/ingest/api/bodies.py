"""A refusal that is itself kept."""

from typing import Any

from services.chassis.app import Reply


def kept_refusal(body: dict[str, Any]) -> Reply:
    """A refusal that is itself kept, with what was said of it: the transaction commits."""
    return Reply(body, body["status"], (("Content-Type", "application/problem+json"),))
