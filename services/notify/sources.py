"""What notify reads from its neighbour policy_match: the decision behind a message, with its reasons."""

import httpx
import structlog

from contracts.rules import Decision, loads
from services.chassis.settings import Settings

PATIENCE = 3.0
"""Seconds to wait for a neighbour; a message is shown without reasons rather than late."""

log = structlog.get_logger()


async def decision(settings: Settings, uscc: str, benefit: str) -> Decision | None:
    """The decision of this moment for one enterprise and one benefit; None when policy_match does not give one now."""
    if settings.service_key is None:
        log.warning("decision.no_key", do="set ZHAOQI_SERVICE_KEY so that notify may read reasons from policy_match")
        return None
    headers = {"Authorization": f"Bearer {settings.service_key.get_secret_value()}"}
    try:
        async with httpx.AsyncClient(base_url=settings.policy_match_url, timeout=PATIENCE, trust_env=False) as client:
            reply = await client.get(f"/v1/enterprises/{uscc}/decisions/{benefit}", headers=headers)
            reply.raise_for_status()
            return Decision.model_validate(loads(reply.content))
    except (httpx.HTTPError, ValueError) as error:
        log.warning(
            "decision.unavailable", error=type(error).__name__, status=getattr(getattr(error, "response", None), "status_code", None)
        )
        return None
