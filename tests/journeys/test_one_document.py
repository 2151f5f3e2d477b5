"""One hand-made document, two measures and one benefit, through the four services as processes: the same journey on both brokers."""

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.registry import load_registry
from contracts.rules import parse_benefit
from contracts.topics import TOPICS
from deploy.embedded import SERVICES, Platform
from deploy.expected import expected
from deploy.kafka import KafkaUnavailable
from services.chassis import clock
from services.policy_match.domain import Enterprise, enterprise_of
from tests.conftest import no_kafka, ran_on
from tests.service_room import uscc
from tests.world import PATIENCE, World, logs_in, orphans, spans_in, until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]

TODAY = clock.city_day(clock.now(), "Asia/Shanghai")
LAST_YEAR = str(TODAY.year - 1)
NOTICE = """示例市科技局关于{what}的若干措施

示科规〔{year}〕{number}号

各区科技局，各有关单位：

为{what}，制定本措施。

第一条 支持研发投入。对上年度研发费用{least}万元以上的企业，给予一次性奖励{reward}万元。

第二条 完善服务机制。健全部门会商机制，定期走访企业，听取意见建议，推动问题及时解决。

本措施自{year}年1月1日起施行，有效期至{until}年12月31日，由市科技局负责解释。

示例市科技局

{year}年1月1日
"""
ONE = NOTICE.format(what="支持企业研发", year=TODAY.year, until=TODAY.year + 2, number=3, least=100, reward=20)
TWO = NOTICE.format(what="支持企业扩大研发", year=TODAY.year, until=TODAY.year + 2, number=4, least=300, reward=50)
# What the tax office states of each enterprise's research expenses last year, in yuan; None: it states nothing.
FIRMS: dict[str, tuple[str, int | None]] = {
    uscc(1): ("合成甲科技有限公司", 2_000_000),
    uscc(2): ("合成乙机械有限公司", 1_000_000),  # exactly at the bound, which is included
    uscc(3): ("合成丙食品有限公司", 999_999),
    uscc(4): ("合成丁贸易有限公司", None),
}
ABOVE, AT, BELOW, UNKNOWN = FIRMS
CITY = {uscc(number): number % 5 * 1_000_000 if number % 7 else None for number in range(100, 500)}
USCC = re.compile(r"[0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10}")


@dataclass(frozen=True)
class Journey:
    """What was seen of one journey, from the upload to the message, and after a restart of all services."""

    first: dict[str, Any]
    again: httpx.Response
    second: dict[str, Any]
    traces: dict[str, str]
    measures: dict[str, list[dict[str, Any]]]
    said_by_ingest: tuple[int, int]
    drafts: list[dict[str, Any]]
    own_approval: httpx.Response
    published: dict[str, Any]
    inboxes: dict[str, list[dict[str, Any]]]
    streamed: list[dict[str, Any]]
    message: dict[str, Any]
    without_matcher: dict[str, Any]
    decisions: dict[str, str]
    ledger: list[dict[str, Any]]
    spans: list[dict[str, Any]]
    logs: dict[str, str]
    said_before_restart: dict[str, int]
    said_after_restart: dict[str, int]
    ledger_after_restart: list[dict[str, Any]]


@pytest.fixture(scope="module", params=["mock", pytest.param("kafka", marks=pytest.mark.kafka)])
def world(request: pytest.FixtureRequest, folder: Path, pytestconfig: pytest.Config) -> Iterator[World]:
    """PostgreSQL, the broker and the four services, ready."""
    with_kafka = request.param == "kafka"
    platform = Platform(folder / request.param, TOPICS, with_kafka=with_kafka)
    try:
        platform.__enter__()
    except KafkaUnavailable as reason:
        no_kafka(reason)
    try:
        if platform.kafka is not None:
            ran_on(pytestconfig, platform.kafka)
        world = World(platform)
        yield world
        world.close()
    finally:
        platform.__exit__(None, None, None)


@pytest.fixture(scope="module")
def operator(world: World) -> dict[str, httpx.Client]:
    """A caller who may look after every service."""
    return {name: world.caller(name, "operator", "运维", "ops") for name in SERVICES}


@pytest.fixture(scope="module")
def reader(world: World) -> dict[str, httpx.Client]:
    """A platform that reads what its enterprises are told."""
    return {
        "catalog": world.caller("catalog", "platform", "平台", "benefits:read"),
        "policy_match": world.caller("policy_match", "platform", "平台", "matches:read"),
        "notify": world.caller("notify", "platform", "平台", "messages:read"),
    }


@pytest.fixture(scope="module")
def officers(world: World) -> tuple[httpx.Client, httpx.Client]:
    """Two officers of catalog: one edits, the other reviews and publishes."""
    scopes = ("documents:read", "benefits:read", "benefits:edit", "benefits:review", "benefits:publish")
    editor = world.caller("catalog", "officer", "经办甲", *scopes, department="市科技局", roles=["editor", "reviewer"])
    chief = world.caller("catalog", "officer", "审核乙", *scopes, department="市科技局", roles=["reviewer", "publisher"])
    return editor, chief


@pytest.fixture(scope="module")
def journey(
    world: World, operator: dict[str, httpx.Client], reader: dict[str, httpx.Client], officers: tuple[httpx.Client, httpx.Client]
) -> Journey:
    """The journey itself; the services run again when it is over."""
    state(world, {code: expense for code, (_, expense) in FIRMS.items()})
    registrar = world.caller("ingest", "authority", "登记", "facts:write", department="市场监管")
    named = [
        {"uscc": code, "true_on": TODAY.isoformat(), "name": name, "facts": {"district": "思明区"}} for code, (name, _) in FIRMS.items()
    ]
    foreign = {"uscc": BELOW, "true_on": TODAY.isoformat(), "facts": {"rd_expense": {LAST_YEAR: 1}}}  # the tax office's, hence refused
    delivery = accepted(registrar.post("/v1/facts", content=lines([*named, foreign])))
    assert (delivery["accepted"], delivery["refused"]) == (len(FIRMS), 1)
    until("the facts to be heard", lambda: world.quiet(operator))

    stream = Stream(world.caller("notify", "platform", "平台", "messages:read"), ABOVE)
    clerk = world.caller("ingest", "officer", "收文", "documents:write", "documents:read", department="市科技局")
    first, second = (accepted(upload(clerk, text, name)) for text, name in ((ONE, "one.txt"), (TWO, "two.txt")))
    until("both documents to be heard", lambda: world.quiet(operator))
    before = outbox(world, "ingest")
    again = upload(clerk, ONE, "the same under another name.txt")
    said_by_ingest = before, outbox(world, "ingest")
    traces = {one["document"]: clerk.get(f"/v1/documents/{one['document']}").json()["trace"] for one in (first, second)}

    editor, _ = officers
    measures = {
        one["document"]: accepted(editor.get("/v1/measures", params={"document": one["document"]}))["items"] for one in (first, second)
    }
    drafts = accepted(editor.get("/v1/benefits", params={"status": "draft", "document": first["document"]}))["items"]
    own_approval, published = publish(officers, drafts[0]["benefit"]["id"])
    until("the messages", lambda: all(inbox(reader["notify"], code) for code in (ABOVE, AT)))
    until("the rest to be heard", lambda: world.quiet(operator))
    streamed = stream.first()

    benefit = published["benefit"]["id"]
    inboxes = {code: inbox(reader["notify"], code) for code in FIRMS}
    where = f"/v1/inbox/{ABOVE}/messages/{inboxes[ABOVE][0]['id']}"
    message = accepted(reader["notify"].get(where))
    decisions = {code: accepted(reader["policy_match"].get(f"/v1/enterprises/{code}/decisions/{benefit}"))["outcome"] for code in FIRMS}
    assert reader["policy_match"].get(f"/v1/enterprises/{uscc(9)}/decisions/{benefit}").status_code == 404
    told = ledger(reader["notify"])
    world.platform.services["policy_match"].stop()
    without_matcher = accepted(reader["notify"].get(where))
    said = {name: outbox(world, name) for name in SERVICES}
    world.stop()
    spans, logs = spans_in(world.platform.var), logs_in(world.platform.var)
    world.start()
    until("what is said again to be heard", lambda: world.quiet(operator))
    return Journey(
        first=first,
        again=again,
        second=second,
        traces=traces,
        measures=measures,
        said_by_ingest=said_by_ingest,
        drafts=drafts,
        own_approval=own_approval,
        published=published,
        inboxes=inboxes,
        streamed=streamed,
        message=message,
        without_matcher=without_matcher,
        decisions=decisions,
        ledger=told,
        spans=spans,
        logs=logs,
        said_before_restart=said,
        said_after_restart={name: outbox(world, name) for name in SERVICES},
        ledger_after_restart=ledger(reader["notify"]),
    )


class Stream:
    """A live stream of one enterprise's messages, open before there is any; `first` waits for the first."""

    def __init__(self, client: httpx.Client, code: str) -> None:
        self._events: list[dict[str, Any]] = []
        self._open = threading.Event()
        self._thread = threading.Thread(target=self._listen, args=(client, code), daemon=True)
        self._thread.start()
        assert self._open.wait(PATIENCE), "the stream did not open"

    def _listen(self, client: httpx.Client, code: str) -> None:
        with client.stream("GET", f"/v1/inbox/{code}/stream") as answer:
            for line in answer.iter_lines():
                self._open.set()
                if line.startswith("data: "):
                    self._events.append(json.loads(line.removeprefix("data: ")))
                    return

    def first(self) -> list[dict[str, Any]]:
        self._thread.join(PATIENCE)
        return self._events


def accepted(answer: httpx.Response) -> dict[str, Any]:
    """The body of an answer that is no refusal."""
    assert answer.is_success, f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text}"
    body: dict[str, Any] = answer.json()
    return body


def lines(objects: list[dict[str, Any]]) -> bytes:
    """JSON Lines."""
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in objects).encode()


def state(world: World, expenses: dict[str, int | None]) -> None:
    """The tax office states research expenses, and of each enterprise how old the figures are."""
    tax = world.caller("ingest", "authority", "税务", "facts:write", department="税务")
    stated = [
        {"uscc": code, "true_on": TODAY.isoformat(), "facts": {"rd_expense": {LAST_YEAR: expense}}}
        for code, expense in expenses.items()
        if expense is not None
    ]
    assert accepted(tax.post("/v1/facts", content=lines(stated)))["refused"] == 0


def upload(clerk: httpx.Client, text: str, name: str) -> httpx.Response:
    """A document through the door."""
    return clerk.post("/v1/documents", files={"file": (name, text.encode())})


def publish(officers: tuple[httpx.Client, httpx.Client], benefit: str) -> tuple[httpx.Response, dict[str, Any]]:
    """A draft through review; also what the submitter is told who wants to approve alone."""
    editor, chief = officers
    checks = accepted(editor.get(f"/v1/benefits/{benefit}/checks"))
    assert checks["clean"], checks
    accepted(editor.post(f"/v1/benefits/{benefit}/submit", json={"why": "检查无误"}))
    alone = editor.post(f"/v1/benefits/{benefit}/approve", json={"why": "自己审核"})
    accepted(chief.post(f"/v1/benefits/{benefit}/approve", json={"why": "与原文一致"}))
    return alone, accepted(chief.post(f"/v1/benefits/{benefit}/publish", json={"why": "发布"}))


def inbox(client: httpx.Client, code: str) -> list[dict[str, Any]]:
    """An enterprise's messages, newest first."""
    items: list[dict[str, Any]] = accepted(client.get(f"/v1/inbox/{code}/messages"))["items"]
    return items


def ledger(client: httpx.Client) -> list[dict[str, Any]]:
    """Every message there is."""
    page = accepted(client.get("/v1/ledger", params={"limit": 5000}))
    assert page["next"] is None
    items: list[dict[str, Any]] = page["items"]
    return items


def outbox(world: World, service: str) -> int:
    """How many events a service has said in all."""
    count: int = world.rows(service, "SELECT count(*) FROM outbox")[0][0]
    return count


def test_a_document_becomes_two_measures_and_one_benefit_with_the_clauses_words(journey: Journey) -> None:
    assert journey.first["measures"] == 2
    assert [(one["number"], one["title"]) for one in journey.measures[journey.first["document"]]] == [
        ("第一条", "支持研发投入"),
        ("第二条", "完善服务机制"),
    ]
    [draft] = journey.drafts
    assert draft["measure"] == journey.measures[journey.first["document"]][0]["measure"]
    rule, amount = draft["benefit"]["rule"], draft["benefit"]["amount"]
    assert (rule["quote"], amount["quote"]) == ("上年度研发费用100万元以上", "给予一次性奖励20万元")
    for part in (rule, amount):
        assert ONE[slice(*part["span"])] == part["quote"]
    assert journey.published["status"] == "published"


def test_nobody_approves_what_they_submitted(journey: Journey) -> None:
    problem = journey.own_approval.json()
    assert journey.own_approval.status_code in (403, 409)
    assert problem["detail"]


def test_those_who_qualify_are_told_and_a_missing_fact_is_unknown_not_no(journey: Journey) -> None:
    assert journey.decisions == {ABOVE: "eligible", AT: "eligible", BELOW: "ineligible", UNKNOWN: "undetermined"}
    assert {code: len(messages) for code, messages in journey.inboxes.items()} == {ABOVE: 1, AT: 1, BELOW: 0, UNKNOWN: 0}
    assert {(one["uscc"], one["benefit"]) for one in journey.ledger} == {(code, journey.published["benefit"]["id"]) for code in (ABOVE, AT)}


def test_the_message_says_which_benefit_why_in_which_words_how_much_and_by_when(journey: Journey) -> None:
    message = journey.message
    assert message["title"] == "支持研发投入"
    [why] = message["why"]
    assert (why["outcome"], why["quote"], why["article"]) == ("true", "上年度研发费用100万元以上", "第一条")
    assert "200万元" in why["sentence"]
    assert "税务" in why["source"]
    assert message["clause"] == "对上年度研发费用100万元以上的企业，给予一次性奖励20万元。"
    assert (message["low"], message["high"]) == ("200000.00", "200000.00")
    for part in ("支持研发投入", "200万元", "第一条", why["quote"], "20万元", f"{TODAY.year + 2}年12月31日"):
        assert part in message["text"]


def test_the_message_comes_on_the_live_stream_as_it_is_in_the_inbox(journey: Journey) -> None:
    [event] = journey.streamed
    assert event == journey.inboxes[ABOVE][0]


def test_without_the_matcher_a_message_is_shown_and_says_that_its_reasons_are_not_there(journey: Journey) -> None:
    assert journey.without_matcher["why"] == []
    assert journey.without_matcher["why_note"]
    same = ("id", "title", "amount", "deadline_text", "clause", "status")
    assert {name: journey.without_matcher[name] for name in same} == {name: journey.message[name] for name in same}


def test_the_same_bytes_twice_are_one_document_and_say_nothing_again(journey: Journey) -> None:
    assert journey.again.status_code == 200
    assert journey.again.json() == journey.first
    before, after = journey.said_by_ingest
    assert before > 0
    assert after == before


def test_one_trace_runs_from_the_upload_to_the_message(journey: Journey) -> None:
    trace = journey.traces[journey.first["document"]]
    assert {entry["trace_id"] for entry in journey.ledger} == {trace}
    way = {(span["service"].removeprefix("zhaoqi-"), span["name"]) for span in journey.spans if span["trace"] == trace}
    assert way == {
        ("ingest", "POST /v1/documents"),
        ("ingest", "send documents.v1"),
        ("ingest", "send measures.v1"),
        ("catalog", "process documents.v1"),
        ("catalog", "process measures.v1"),
        ("catalog", "send benefits.v1"),
        ("policy_match", "process benefits.v1"),
        ("policy_match", "send sweeps.v1"),
        ("policy_match", "process sweeps.v1"),
        ("policy_match", "send matches.v1"),
        ("notify", "process documents.v1"),
        ("notify", "process benefits.v1"),
        ("notify", "process matches.v1"),
    }


def test_every_span_but_the_first_of_its_trace_has_its_parent_in_the_set(journey: Journey) -> None:
    assert orphans(journey.spans) == []
    firsts = Counter(span["trace"] for span in journey.spans if span["parent"] is None)
    assert set(firsts) == {span["trace"] for span in journey.spans}
    assert set(firsts.values()) == {1}
    # The check itself can fail: without the spans of one service the others have lost their parents.
    assert orphans([span for span in journey.spans if span["service"] != "zhaoqi-catalog"])


def test_two_documents_have_two_traces_and_an_officers_request_is_its_own_linked_to_the_documents(journey: Journey) -> None:
    one, two = (journey.traces[document["document"]] for document in (journey.first, journey.second))
    assert one != two
    assert {span["trace"] for span in journey.spans if span["name"] == "POST /v1/documents"} > {one, two}  # and that of the duplicate
    [said] = [span for span in journey.spans if span["name"] == "send benefits.v1"]
    [request] = [span for span in journey.spans if span["name"] == "POST /v1/benefits/{benefit}/publish"]
    assert (said["trace"], request["trace"] in {one, two}) == (one, False)
    assert f"{request['trace']}-{request['span']}" in said["links"]


def test_no_code_or_name_of_an_enterprise_is_in_any_span_or_log(journey: Journey) -> None:
    assert {name.removesuffix(".log") for name in journey.logs} >= {*SERVICES, "postgres"}
    assert "decision.unavailable" in journey.logs["notify.log"]  # something went wrong, and was told
    texts = {**journey.logs, "spans": json.dumps(journey.spans, ensure_ascii=False)}
    hexadecimal = re.compile(r"\b[0-9a-f]{16,32}\b")
    for place, text in texts.items():
        for secret in [*FIRMS, *(name for name, _ in FIRMS.values())]:
            assert secret not in text, place
        assert not USCC.search(hexadecimal.sub("", text)), place
    assert {span["service"].removeprefix("zhaoqi-") for span in journey.spans} == set(SERVICES)


def test_after_a_restart_of_every_service_nothing_is_said_or_told_again(journey: Journey) -> None:
    assert journey.said_after_restart == journey.said_before_restart
    assert journey.ledger_after_restart == journey.ledger


GATE = """
CREATE SEQUENCE swept;
CREATE FUNCTION stop_in_the_middle() RETURNS trigger AS $$
BEGIN
    IF nextval('swept') > 5 THEN PERFORM pg_advisory_xact_lock(815); END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER stop_in_the_middle BEFORE INSERT ON runs FOR EACH ROW EXECUTE FUNCTION stop_in_the_middle();
"""
STUCK = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 815 AND NOT granted"


def test_a_matcher_killed_in_the_middle_of_its_sweeps_misses_nothing_and_doubles_nothing(
    journey: Journey,
    world: World,
    operator: dict[str, httpx.Client],
    reader: dict[str, httpx.Client],
    officers: tuple[httpx.Client, httpx.Client],
) -> None:
    state(world, CITY)
    until("the city's facts to be heard", lambda: world.quiet(operator))
    [draft] = accepted(officers[0].get("/v1/benefits", params={"status": "draft", "document": journey.second["document"]}))["items"]
    benefit = draft["benefit"]["id"]
    swept = "SELECT count(*) FROM runs WHERE benefit = $1"

    with world.holding("policy_match", GATE, "SELECT pg_advisory_lock(815)"):
        publish(officers, benefit)
        until("a sweep to reach the gate", lambda: bool(world.rows("policy_match", STUCK)))
        until("those before it to be done", lambda: world.rows("policy_match", swept, benefit)[0][0] == 5)
        world.platform.services["policy_match"].kill()
        until("the database to notice", lambda: not world.rows("policy_match", STUCK))
        world.rows("policy_match", "DROP FUNCTION stop_in_the_middle CASCADE")
    assert world.rows("policy_match", swept, benefit)[0][0] == 5
    world.platform.services["policy_match"].start()
    world.platform.services["policy_match"].wait_ready()
    until("every shard to be swept", lambda: world.rows("policy_match", swept, benefit)[0][0] == TOPICS["sweeps.v1"].partitions)
    until("every message to be heard", lambda: world.quiet(operator))

    published = accepted(reader["catalog"].get("/v1/benefits", params={"status": "published"}))["items"]
    city = [enterprise(code, expense) for code, expense in {**{c: e for c, (_, e) in FIRMS.items()}, **CITY}.items()]
    due = expected([parse_benefit(one["benefit"]) for one in published], city, as_of=TODAY)
    pairs = [(entry["uscc"], entry["benefit"]) for entry in ledger(reader["notify"])]
    assert due["benefits"][benefit]["eligible"] > 100
    assert Counter(pairs) == Counter((code, name) for code, name in due["pairs"])
    found = world.rows(
        "policy_match",
        "SELECT convert_from(body, 'UTF8')::jsonb ->> 'match' AS match, count(*) AS times FROM outbox"
        " WHERE type LIKE '%MatchFound%' GROUP BY match",
    )
    assert {row["times"] for row in found} == {1}
    assert len(found) == len(pairs)
    lost = "SELECT count(*) FROM outbox WHERE type LIKE '%MatchLost%' OR type LIKE '%MatchChanged%'"
    assert world.rows("policy_match", lost)[0][0] == 0


def enterprise(code: str, expense: int | None) -> Enterprise:
    """What the interpreter at rest knows of an enterprise."""
    facts = {} if expense is None else {"rd_expense": {LAST_YEAR: Decimal(expense)}}
    return enterprise_of({"uscc": code, "name": "", "facts": facts, "records": {}})


def test_the_registry_still_gives_research_expenses_to_the_tax_office() -> None:
    assert load_registry().facts["rd_expense"].authority == "税务"
