"""Webhooks after the Standard Webhooks specification: what is signed, with which secrets, and one try of sending it.

Secrets stand in no table: generation n of a webhook's secret is derived from the deployment's secret and the webhook's id. After a
rotation the former one signs too, for a day, so a receiver changes without losing a message.
"""

import base64
import hmac
import time
from datetime import datetime, timedelta
from hashlib import sha256

import httpx
from standardwebhooks import Webhook as Signer

from services.chassis import dialer
from services.chassis.database import dumps
from services.notify.domain.delivery import Delivery, Tried, Webhook, tried

OVERLAP = timedelta(hours=24)
"""How long the former secret signs after a rotation."""


def secret_of(webhook: str, generation: int, master: str) -> str:
    """The signing secret of a webhook, as its owner keeps it (`whsec_…`)."""
    key = hmac.new(master.encode(), f"zhaoqi.webhook/{webhook}/{generation}".encode(), sha256).digest()
    return "whsec_" + base64.b64encode(key).decode()


def signatures(webhook: Webhook, identity: str, body: str, *, at: datetime, master: str) -> str:
    """The `webhook-signature` header: by the newest secret, and for a day by the former one."""
    generations = [webhook.generation]
    if webhook.rotated_at is not None and at - webhook.rotated_at < OVERLAP:
        generations.append(webhook.generation - 1)
    return " ".join(Signer(secret_of(webhook.id, number, master)).sign(identity, at, body) for number in generations)


async def deliver(client: httpx.AsyncClient, delivery: Delivery, *, at: datetime, master: str, allow: frozenset[str]) -> Tried:
    """Try once; what became of it never raises."""
    body = dumps(delivery.body)
    headers = {
        "content-type": "application/json",
        "user-agent": "zhaoqi",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signatures(delivery.webhook, delivery.id, body, at=at, master=master),
    }
    begun, status, error = time.monotonic(), None, None
    try:
        status = await dialer.post(client, delivery.webhook.url, allow=allow, body=body.encode(), headers=headers)
    except dialer.Refused as refused:
        error = str(refused)
    except TimeoutError:
        error = f"{dialer.TOTAL:.0f} 秒内没有应答"
    except httpx.HTTPError as failed:
        error = f"连接失败（{type(failed).__name__}）"
    return tried(delivery, status=status, error=error, milliseconds=int((time.monotonic() - begun) * 1000), at=at)
