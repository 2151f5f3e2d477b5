"""Traces, metrics and structured logs, and every name they use.

Messaging spans are our own, and they follow batches: one span per distinct trace in a batch, child of the first event of that
trace, the rest as links (at most 32). No span or log carries a USCC, a name or a key: URLs are dropped from every span, httpx
logs at WARNING, and the access log is off.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from opentelemetry import metrics, trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, SpanKind, Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

# Every attribute a span of ours may carry, and every metric; dashboards and tests read these tables.
ATTRIBUTES = (
    "messaging.system",
    "messaging.operation.name",
    "messaging.destination.name",
    "messaging.consumer.group.name",
    "messaging.batch.message_count",
    "zhaoqi.event",
)
MetricName = Literal[
    "zhaoqi.outbox.depth",
    "zhaoqi.outbox.age",
    "zhaoqi.consumer.lag",
    "zhaoqi.consumer.paused",
    "zhaoqi.events.said",
    "zhaoqi.events.heard",
    "zhaoqi.events.duplicate",
    "zhaoqi.events.refused",
    "zhaoqi.events.parked",
    "zhaoqi.events.failed",
    "zhaoqi.handler.duration",
    "zhaoqi.dead_letters",
    "zhaoqi.parked_keys",
]
METRICS: dict[MetricName, tuple[str, str]] = {
    "zhaoqi.outbox.depth": ("{event}", "events that wait in the outbox"),
    "zhaoqi.outbox.age": ("s", "age of the oldest event that waits in the outbox"),
    "zhaoqi.consumer.lag": ("{event}", "events said and not yet heard, by topic"),
    "zhaoqi.consumer.paused": ("{partition}", "partitions that are paused or stopped, by topic"),
    "zhaoqi.events.said": ("{event}", "events sent to the broker and acknowledged, by topic"),
    "zhaoqi.events.heard": ("{event}", "events handled, by topic"),
    "zhaoqi.events.duplicate": ("{event}", "events heard before and passed over, by topic"),
    "zhaoqi.events.refused": ("{event}", "events refused, by topic"),
    "zhaoqi.events.parked": ("{event}", "events parked with their key, by topic"),
    "zhaoqi.events.failed": ("{batch}", "attempts of a batch that failed, by topic"),
    "zhaoqi.handler.duration": ("s", "time of one handler call, by topic"),
    "zhaoqi.dead_letters": ("{event}", "dead letters not yet resolved"),
    "zhaoqi.parked_keys": ("{key}", "keys that are parked"),
}
LINKS = 32
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_propagator = TraceContextTextMapPropagator()
_DROPPED = ("http.target", "http.url", "url.", "http.user_agent", "net.peer", "client.address", "server.address", "user_agent", "query")


def context_of(traceparent: str | None) -> Context:
    """The OpenTelemetry context a kept traceparent stands for; an empty one for None."""
    return _propagator.extract({"traceparent": traceparent}, context=Context()) if traceparent else Context()


def traceparent_of(span: trace.Span) -> str | None:
    """The traceparent of a span, to be kept in a row or header."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, context=trace.set_span_in_context(span, Context()))
    return carrier.get("traceparent")


def current_traceparent() -> str | None:
    """The traceparent of the current span, if there is one."""
    span = trace.get_current_span()
    return traceparent_of(span) if span.get_span_context().is_valid else None


def trace_id(traceparent: str | None) -> str | None:
    """The trace id inside a traceparent; None when it is none of W3C Trace Context."""
    form = _TRACEPARENT.fullmatch(traceparent or "")
    return form[1] if form else None


def span_context(traceparent: str | None) -> SpanContext | None:
    """The span context a traceparent names, if it is valid."""
    context = trace.get_current_span(context_of(traceparent)).get_span_context()
    return context if context.is_valid else None


class _Private(SpanProcessor):
    """Drops what may hold a USCC from every span before anyone exports it: URLs, and the words of exceptions, which quote rows."""

    def on_end(self, span: ReadableSpan) -> None:
        kept = {name: value for name, value in (span.attributes or {}).items() if not name.startswith(_DROPPED)}
        span._attributes = kept
        if "http.route" not in kept and any(name.startswith("http.") for name in kept):
            span._name = span.name.split(" ")[0]  # without a route the rest of the name may be a path
        span._status = Status(span.status.status_code)
        span._events = [
            Event(
                event.name, {name: value for name, value in (event.attributes or {}).items() if name == "exception.type"}, event.timestamp
            )
            for event in span.events
        ]


class FileExporter(SpanExporter):
    """Spans as JSON lines in a file, for the embedded mode and for tests."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("a", encoding="utf-8")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Append the spans."""
        for span in spans:
            context, parent = span.get_span_context(), span.parent
            assert context is not None
            row = {
                "trace": f"{context.trace_id:032x}",
                "span": f"{context.span_id:016x}",
                "parent": f"{parent.span_id:016x}" if parent else None,
                "name": span.name,
                "kind": span.kind.name,
                "service": span.resource.attributes.get("service.name"),
                "start": span.start_time,
                "end": span.end_time,
                "status": span.status.status_code.name,
                "attributes": dict(span.attributes or {}),
                "links": [f"{link.context.trace_id:032x}-{link.context.span_id:016x}" for link in span.links],
            }
            self._file.write(json.dumps(row, ensure_ascii=False) + "\n")
        self._file.flush()
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        """Close the file."""
        self._file.close()


class Telemetry:
    """One service's tracer and instruments."""

    def __init__(self, service: str, *, exporters: Sequence[SpanExporter] = (), readers: Sequence[MetricReader] = ()) -> None:
        resource = Resource.create({"service.name": f"zhaoqi-{service}"})
        self.service = service
        self.tracers = TracerProvider(resource=resource)
        self.tracers.add_span_processor(_Private())
        for exporter in exporters:
            self.tracers.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
        self.meters = MeterProvider(resource=resource, metric_readers=readers)
        self.tracer = self.tracers.get_tracer("zhaoqi")
        meter = self.meters.get_meter("zhaoqi")
        self._counters: dict[MetricName, metrics.Counter] = {
            name: meter.create_counter(name, unit=METRICS[name][0], description=METRICS[name][1])
            for name in METRICS
            if name.startswith("zhaoqi.events.")
        }
        gauges: tuple[MetricName, ...] = (
            "zhaoqi.outbox.depth",
            "zhaoqi.outbox.age",
            "zhaoqi.consumer.lag",
            "zhaoqi.consumer.paused",
            "zhaoqi.dead_letters",
            "zhaoqi.parked_keys",
        )
        self._gauges = {name: meter.create_gauge(name, unit=METRICS[name][0], description=METRICS[name][1]) for name in gauges}
        unit, text = METRICS["zhaoqi.handler.duration"]
        self._duration = meter.create_histogram("zhaoqi.handler.duration", unit=unit, description=text)

    def count(self, name: MetricName, number: int, **labels: str) -> None:
        """Add to a counter."""
        if number:
            self._counters[name].add(number, labels)

    def gauge(self, name: MetricName, value: float, **labels: str) -> None:
        """Set a gauge."""
        self._gauges[name].set(value, labels)

    def took(self, seconds: float, **labels: str) -> None:
        """Record the time of one handler call."""
        self._duration.record(seconds, labels)

    def batch_spans(
        self,
        name: str,
        kind: SpanKind,
        traceparents: Iterable[str | None],
        *,
        attributes: Mapping[str, str | int],
        links: Mapping[str | None, Sequence[str]] | None = None,
    ) -> dict[str | None, trace.Span]:
        """One started span per distinct trace id, child of the first traceparent of that trace; the rest become links."""
        first: dict[str | None, str | None] = {}
        more: dict[str | None, dict[str, None]] = {}
        counts: dict[str | None, int] = {}
        for traceparent in traceparents:
            key = trace_id(traceparent)
            counts[key] = counts.get(key, 0) + 1
            if key not in first:
                first[key] = traceparent
            elif traceparent and traceparent != first[key]:
                more.setdefault(key, {})[traceparent] = None
        spans: dict[str | None, trace.Span] = {}
        for key, parent in first.items():
            linked = [*more.get(key, {}), *dict.fromkeys((links or {}).get(key, ()))][:LINKS]
            contexts = [context for context in map(span_context, linked) if context]
            spans[key] = self.tracer.start_span(
                name,
                context=context_of(parent),
                kind=kind,
                links=[Link(context) for context in contexts],
                attributes={**attributes, "messaging.system": "kafka", "messaging.batch.message_count": counts[key]},
            )
        return spans

    def shutdown(self) -> None:
        """Flush and stop."""
        self.tracers.shutdown()
        self.meters.shutdown()


def telemetry_of(service: str, *, traces: str | None, otlp: bool) -> Telemetry:
    """Telemetry as the environment asks: OTLP when an endpoint is set, else spans into a file when one is named."""
    if otlp:
        return Telemetry(
            service,
            exporters=[OTLPSpanExporter()],
            readers=[PeriodicExportingMetricReader(OTLPMetricExporter(), export_interval_millis=5000)],
        )
    return Telemetry(service, exporters=[FileExporter(Path(traces))] if traces else [])


__all__ = ["ATTRIBUTES", "METRICS", "FileExporter", "Span", "SpanKind", "Telemetry", "telemetry_of"]
