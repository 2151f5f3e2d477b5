"""A language model behind an OpenAI-compatible address: POST {base}/chat/completions, one question, one answer as text."""

import asyncio
from typing import Any

import httpx

from contracts.rules import loads
from services.chassis.settings import Settings

DEADLINE = 60.0
"""Seconds an answer may take, from the first byte sent to the last one read."""
LARGEST = 256 * 1024
"""Bytes an answer may have."""
TOKENS = 2000
"""Tokens an answer may have."""


class Unanswered(Exception):
    """No answer for now: it may be asked again, after so many seconds where the other side said so."""

    def __init__(self, why: str, *, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class Unusable(Exception):
    """An answer that is none: not of the published form, cut off, or withheld. Asking again would bring the same."""


class Model:
    """A model as the settings name it."""

    def __init__(self, url: str, name: str, key: str | None, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.name = name
        self._url, self._transport = url.rstrip("/") + "/chat/completions", transport
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}

    async def __call__(self, instructions: str, question: str) -> str:
        """The answer to a question, as text that should be JSON. Raises Unanswered, Unusable."""
        asked = {
            "model": self.name,
            "messages": [{"role": "system", "content": instructions}, {"role": "user", "content": question}],
            "response_format": {"type": "json_object"},
            "temperature": 0,
            "max_tokens": TOKENS,
        }
        try:
            async with (
                asyncio.timeout(DEADLINE),
                httpx.AsyncClient(timeout=DEADLINE, trust_env=False, follow_redirects=False, transport=self._transport) as client,
                client.stream("POST", self._url, json=asked, headers=self._headers) as answer,
            ):
                if answer.status_code != 200:
                    raise Unanswered(f"the model answered {answer.status_code}", after=_after(answer))
                body = b""
                async for piece in answer.aiter_bytes():
                    body += piece
                    if len(body) > LARGEST:
                        raise Unusable(f"an answer of more than {LARGEST} bytes")
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unanswered(type(error).__name__) from error
        return _text(body)


def model_of(settings: Settings) -> Model | None:
    """The model of a deployment; None where none is set."""
    if settings.model_url is None:
        return None
    return Model(settings.model_url, settings.model_name, settings.model_key.get_secret_value() if settings.model_key else None)


def _after(answer: httpx.Response) -> float | None:
    """The seconds of a Retry-After, a day at most; None without one, or where it names a date."""
    said = answer.headers.get("retry-after", "")
    return min(float(said), 86_400.0) if said.isascii() and said.isdecimal() else None


def _text(body: bytes) -> str:
    try:
        choice: Any = loads(body)["choices"][0]
        text, finished = choice["message"]["content"], choice.get("finish_reason")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError) as error:
        raise Unusable("not the published form of an answer") from error
    if not isinstance(text, str) or finished not in ("stop", None):
        raise Unusable(f"the answer ended with {str(finished)[:40]}")
    return text
