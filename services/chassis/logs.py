"""Structured logs: JSON lines on stderr, of ours and of every library, in which nobody is named."""

import json
import logging
import re
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from opentelemetry import trace

_USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{18}")


def _add_trace(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"], event["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return event


def _wordless(error: BaseException) -> str:
    """An exception without its words, which may quote a row: the kinds, SQLSTATE and constraint, and the lines it came through."""
    chain: list[str] = []
    seen: BaseException | None = error
    while seen is not None:
        named = [str(value) for name in ("sqlstate", "constraint_name") if (value := getattr(seen, name, None))]
        frames = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(seen.__traceback__)[-8:]]
        chain.append(f"{' '.join([type(seen).__name__, *named])} at {' > '.join(frames)}")
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return " | because ".join(chain)


def _add_error(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"] = _wordless(error)
    return event


class _Seldom(logging.Filter):
    """Lets a library say the same thing once in ten seconds: aiokafka repeats itself a hundred times a second while a broker is gone."""

    def __init__(self) -> None:
        super().__init__()
        self._said: dict[tuple[str, str], float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it may be said."""
        what = (record.name, str(record.msg))
        if record.created < self._said.get(what, 0) + 10:
            return False
        if len(self._said) > 1000:
            self._said.clear()
        self._said[what] = record.created
        return True


class _Lines(logging.Formatter):
    """A library's log records as JSON lines like ours; what looks like a USCC in its words is blackened."""

    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        event: dict[str, Any] = {
            "event": _USCC.sub("*", record.getMessage()),
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat().replace("+00:00", "Z"),
            "service": self._service,
        }
        if record.exc_info and record.exc_info[1]:
            event["error"] = _wordless(record.exc_info[1])
        return json.dumps(_add_trace(None, "", event), ensure_ascii=False)


def configure_logs(service: str) -> None:
    """JSON lines on stderr with time, level, service and trace; libraries at WARNING, because their INFO lines hold URLs.

    No line holds an exception's words: a database quotes the row it refused, and so the USCC and the name in it.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Lines(service))
    handler.addFilter(_Seldom())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in ("httpx", "httpcore", "uvicorn.access", "aiokafka"):
        logging.getLogger(name).setLevel(logging.WARNING)

    def add_service(_: Any, __: str, event: dict[str, Any]) -> dict[str, Any]:
        return {**event, "service": service}

    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            add_service,  # type: ignore[list-item]
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _add_trace,  # type: ignore[list-item]
            _add_error,  # type: ignore[list-item]
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
