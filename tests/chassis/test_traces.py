"""Traces follow batches and lead from the first request to the last effect; no span, log or metric names an enterprise."""

import asyncio
import json
import logging
from collections.abc import Sequence

import asyncpg
import httpx
import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode

from services.chassis.auth import Principal
from services.chassis.telemetry import ATTRIBUTES, LINKS, METRICS, context_of, trace_id, traceparent_of
from tests.notes import Noted, Notes, until

USCC, NAME = "91350200MA2Y0QJ57K", "厦门某某电子有限公司"


def traceparents(trace: int, count: int) -> list[str]:
    return [f"00-{trace:032x}-{span:016x}-01" for span in range(1, count + 1)]


def of(spans: Sequence[ReadableSpan], name: str) -> list[ReadableSpan]:
    return [span for span in spans if span.name == name]


async def has_effects(notes: Notes, kind: str, count: int) -> None:
    async def enough() -> bool:
        return len(await notes.effects(kind)) >= count

    await until(enough, seconds=40)


async def test_one_trace_leads_from_the_request_to_the_last_effect(live: Notes) -> None:
    async with live.serving() as client:
        assert (await client.post("/notes", json={"key": "a", "number": 1, "fan": 3})).status_code == 202
        await has_effects(live, "echoed", 3)
        rows = await live.rows("SELECT trace FROM effects")

        async def ended() -> list[ReadableSpan]:
            return of(live.finished_spans(), f"process {live.echoes}")

        await until(ended)
    spans = live.finished_spans()
    [request] = of(spans, "POST /notes")
    trace = request.context.trace_id
    journey = [span for span in spans if span.context.trace_id == trace]
    names = {span.name for span in journey}
    assert {f"send {live.topic}", f"process {live.topic}", f"send {live.echoes}", f"process {live.echoes}"} <= names
    ids = {span.context.span_id for span in journey}
    assert all(span.parent is not None and span.parent.span_id in ids for span in journey if span is not request)
    assert request.parent is None
    assert {trace_id(row["trace"]) for row in rows} == {f"{trace:032x}"}


async def test_two_requests_have_two_traces(live: Notes) -> None:
    async with live.serving() as client:
        for number in range(2):
            await client.post("/notes", json={"key": "a", "number": number})
        await has_effects(live, "noted", 2)
    assert len({span.context.trace_id for span in of(live.finished_spans(), "POST /notes")}) == 2
    assert len({trace_id(row["trace"]) for row in await live.rows("SELECT trace FROM effects")}) == 2


async def test_a_batch_has_one_span_for_each_trace_and_at_most_thirty_two_links(notes: Notes) -> None:
    async with notes.pool() as pool:
        parents = [*traceparents(1, 40), *traceparents(2, 3), *traceparents(3, 1)]
        poll = [notes.heard(Noted(key=f"k{n}", number=n), id=f"e{n}", traceparent=parent) for n, parent in enumerate(parents)]
        await notes.inbox(pool).process(notes.topic, 0, poll)
    spans = {span.context.trace_id: span for span in of(notes.finished_spans(), f"process {notes.topic}")}
    assert {trace: len(span.links) for trace, span in spans.items()} == {1: LINKS, 2: 2, 3: 0}
    assert {trace: span.attributes["messaging.batch.message_count"] for trace, span in spans.items()} == {1: 40, 2: 3, 3: 1}
    assert all(span.parent is not None and span.parent.span_id == 1 for span in spans.values())  # the first event of its trace
    assert all(set(span.attributes) <= set(ATTRIBUTES) for span in spans.values())
    assert all(span.kind is SpanKind.CONSUMER for span in spans.values())


async def test_a_fan_out_of_five_thousand_is_some_tens_of_spans(on_mock: Notes) -> None:
    async with on_mock.serving() as client:
        await client.post("/notes", json={"key": "a", "number": 1, "fan": 5000})
        await has_effects(on_mock, "echoed", 5000)
    assert len(await on_mock.effects("echoed")) == 5000
    assert len(on_mock.finished_spans()) < 100


async def test_a_failing_batch_leaves_a_failed_span_without_words(notes: Notes) -> None:
    async with notes.pool() as pool:
        notes.sick.add(USCC)
        await notes.inbox(pool).process(notes.topic, 0, notes.batch([Noted(key=USCC, number=1)]))
    failed = [span for span in notes.finished_spans() if span.status.status_code is StatusCode.ERROR]
    assert failed
    assert {span.status.description for span in failed} == {None}


def test_the_words_of_an_exception_stay_out_of_its_span(notes: Notes) -> None:
    with pytest.raises(ValueError, match=USCC), notes.telemetry.tracer.start_as_current_span("failing"):
        raise ValueError(USCC)
    [span] = notes.finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert [dict(event.attributes or {}) for event in span.events] == [{"exception.type": "ValueError"}]
    assert USCC not in span.to_json()


def test_a_traceparent_survives_being_kept(notes: Notes) -> None:
    with notes.telemetry.tracer.start_as_current_span("kept") as span:
        kept = traceparent_of(span)
    child = notes.telemetry.tracer.start_span("later", context=context_of(kept))
    child.end()
    assert trace_id(kept) == f"{child.get_span_context().trace_id:032x}"
    assert trace_id("00-xyz") is trace_id(None) is trace_id("00-" + "0" * 32 + "-" + "1" * 16 + "-01") is None


async def test_no_span_log_or_metric_names_an_enterprise(on_mock: Notes, capfd: pytest.CaptureFixture[str]) -> None:
    """Every way an identity has of getting into telemetry: paths, queries, errors of the database, poison, refusals, calls to others."""
    told = {"key": USCC, "number": 1, "text": NAME}
    async with on_mock.serving() as client:
        on_mock.sick.add(USCC)
        assert (await client.get(f"/notes/{USCC}", params={"name": NAME})).status_code == 200
        assert (await client.get(f"/elsewhere/{USCC}/{NAME}")).status_code == 404
        assert (await client.post("/notes", json={"key": USCC, "number": NAME})).status_code == 422
        assert (await client.post(f"/taken/{USCC}")).status_code == 200
        assert (await client.post(f"/taken/{USCC}")).status_code == 500  # the database quotes the row it refuses
        assert (await client.post("/notes", json=told, headers={"idempotency-key": USCC})).status_code == 202
        assert (await client.post("/notes", json={**told, "key": "k", "refuse": f"{USCC} {NAME}"})).status_code == 202

        async def parked() -> list[object]:
            return [*(await client.get("/ops/trouble")).json()["parked"]]

        [key] = await until(parked)
        assert (await client.post(f"/ops/parked/{key['key']}/release")).status_code == 409  # type: ignore[index]
        async with httpx.AsyncClient(trust_env=False) as other:
            with pytest.raises(httpx.ConnectError):
                await other.get(f"http://127.0.0.1:1/v1/enterprises/{USCC}", params={"name": NAME})
        asyncio.get_running_loop().call_exception_handler({"message": f"a task of {USCC}", "exception": ValueError(USCC)})
        with pytest.raises(asyncpg.UniqueViolationError, match=USCC) as refused:
            async with client.runtime.work(Principal("operator", "tests", frozenset())) as work:  # type: ignore[attr-defined]
                await work.store.take(USCC)
        logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=refused.value)  # as uvicorn does
        structlog.get_logger().error("ours", exc_info=refused.value)
        data = on_mock.metrics.get_metrics_data()
        metrics = data.to_json() if data else ""
        assert "http.server" in metrics
        assert set(METRICS) & set(metrics.replace('"', " ").split())
    spans = on_mock.finished_spans()
    assert {"GET /notes/{key}", "POST /taken/{key}", "GET", f"process {on_mock.topic}"} <= {span.name for span in spans}
    text = "\n".join(span.to_json() for span in spans)
    logs = capfd.readouterr().err
    assert logs.count("UniqueViolationError 23505 taken_pkey") == 2
    assert {json.loads(line)["service"] for line in logs.splitlines()} == {on_mock.name}
    for where, told_there in (("a span", text), ("a log line", logs), ("a metric", metrics)):
        for secret in (USCC, NAME, json.dumps(NAME)[1:-1], on_mock.key, httpx.QueryParams({"n": NAME})["n"], "%E5%8E%A6"):
            assert secret not in told_there, (
                f"{where} holds {secret}: {next(line for line in told_there.splitlines() if secret in line)[:600]}"
            )
