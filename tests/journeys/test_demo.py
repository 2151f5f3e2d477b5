"""The demo before a stranger: it exits 0 when nothing is missing and not otherwise, its figures are true, and it leaves nothing behind."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.demo import SAMPLES, documents_in, run
from deploy.embedded import SERVICES, Platform
from deploy.processes import same_code, wait_until
from services.ingest.domain.decoding import decode
from services.ingest.domain.text import plain, squeeze
from tests.world import apart, living, logs_in, orphans, spans_in, statement

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

SHAPE = {
    "documents": int,
    "measures": int,
    "benefits": int,
    "published": int,
    "enterprises": int,
    "matches": int,
    "messages": dict,
    "trace_id": str,
    "traces": dict,
    "seconds": dict,
    "broker": str,
    "example": str,
}


@dataclass(frozen=True)
class Shown:
    """One run of the demo: how it ended, what it wrote, and who was still alive afterwards."""

    docs: Path
    var: Path
    code: int
    out: str
    err: str
    seconds: float
    demo: dict[str, Any]
    left: list[str]

    @property
    def sums(self) -> dict[str, dict[str, Any]]:
        """For each published benefit, whether it tests a fact and how many enterprises fare how, as the interpreter at rest says."""
        told: dict[str, dict[str, Any]] = json.loads((self.var / "expected.json").read_text())["benefits"]
        return told


@pytest.fixture(
    scope="module", params=[pytest.param("samples", id="samples"), pytest.param("shared", id="official", marks=pytest.mark.shared)]
)
def shown(request: pytest.FixtureRequest, folder: Path) -> Shown:
    """`zhaoqi demo` as anyone runs it, on our own samples and on the maintainers' documents."""
    docs = SAMPLES if request.param == "samples" else request.getfixturevalue("shared") / "documents"
    return show(folder / request.param, docs)


def show(here: Path, docs: Path, *more: str) -> Shown:
    """Run the demo in a process of its own, in a folder of its own."""
    here.mkdir(mode=0o755)
    mark = f"run-{uuid.uuid4().hex}"
    env = {name: value for name, value in same_code().items() if not name.startswith(("ZHAOQI_", "OTEL_"))}
    command = [sys.executable, "-m", "services.cli", "demo", "--docs", str(docs.resolve()), "--var", mark, "--out", "demo.json", *more]
    begun = time.monotonic()
    ended = subprocess.run(command, cwd=here, env=env | {"MARK": mark}, capture_output=True, text=True, check=False, timeout=300)
    seconds = time.monotonic() - begun
    left = living(mark)
    written = here / "demo.json"
    demo = json.loads(written.read_text("utf-8")) if written.exists() else {}
    return Shown(docs, here / mark, ended.returncode, ended.stdout, ended.stderr, seconds, demo, left)


def test_it_ends_well_and_tells_of_every_stage(shown: Shown) -> None:
    assert shown.code == 0, shown.err[-3000:]
    assert "Nothing is missing." in shown.out
    for stage in ("documents", "measures", "benefits", "matches", "messages"):
        assert stage in shown.out
        assert shown.demo["seconds"][stage] > 0


def test_demo_json_has_its_shape_and_its_figures_agree(shown: Shown) -> None:
    demo = shown.demo
    assert {name: type(value) for name, value in demo.items()} == SHAPE
    given = documents_in(shown.docs)
    assert demo["documents"] == len(given) == 5
    assert list(demo["traces"]) == [path.name for path in given]
    assert len(set(demo["traces"].values())) == 5
    assert demo["trace_id"] == demo["traces"][given[0].name]
    assert demo["enterprises"] == 2000
    assert demo["messages"]["delivered"] == demo["messages"]["expected"] == demo["matches"] > 0
    assert demo["benefits"] >= demo["published"] >= 8
    assert demo["broker"] == "librdkafka mock cluster (in memory)"
    assert sum(one["eligible"] for one in shown.sums.values() if one["tests_a_fact"]) == demo["messages"]["expected"]


def test_every_measure_of_every_document_is_counted(shown: Shown) -> None:
    if shown.docs == SAMPLES:
        expected = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
        assert shown.demo["measures"] == sum(one["measures"] for one in expected.values())
    else:
        assert shown.demo["measures"] == 137


def test_at_least_eight_published_benefits_test_a_fact_and_decide_the_city_both_ways(shown: Shown) -> None:
    assert len(shown.sums) == shown.demo["published"]
    decisive = [one for one in shown.sums.values() if one["tests_a_fact"] and one["eligible"] and one["ineligible"]]
    assert len(decisive) >= 8
    assert {one["eligible"] + one["ineligible"] + one["undetermined"] for one in shown.sums.values()} == {2000}


def test_a_benefit_without_a_test_on_a_fact_is_pushed_to_no_one(shown: Shown) -> None:
    pushed = {benefit for _, benefit in json.loads((shown.var / "expected.json").read_text())["pairs"]}
    assert pushed <= {benefit for benefit, one in shown.sums.items() if one["tests_a_fact"]}


def test_the_example_says_benefit_why_in_which_words_of_which_clause_how_much_and_by_when(shown: Shown) -> None:
    text = shown.demo["example"]
    title, what, *_ = text.splitlines()
    assert title
    assert title in what
    assert re.search(r"《.+》", what)
    assert re.search(r"^1\. .+（数据来自.+）$", text, re.MULTILINE)
    quotes = re.findall(r"^   依据(.+?)：“(.+)”$", text, re.MULTILINE)
    clause = re.search(r"原文：“(.+)”$", text, re.MULTILINE)
    assert quotes
    assert clause
    assert re.search(r"^金额：(以审核为准|.*\d(\.\d\d)?万?元.*)$", text, re.MULTILINE)
    assert re.search(r"^截止：(\d{4}年\d+月\d+日.*|文件未写明截止日期)$", text, re.MULTILINE)
    assert re.search(r"^下一步：.+$", text, re.MULTILINE)
    documents = [squeeze(plain(decode(path.read_bytes(), limit=10**7))) for path in documents_in(shown.docs)]
    for words in [clause[1], *(quote for _, quote in quotes)]:
        assert any(squeeze(words) in document for document in documents), words


def test_no_process_is_left_behind(shown: Shown) -> None:
    assert shown.left == []
    assert not (shown.var / "run.json").exists()


def test_the_mark_by_which_processes_are_looked_for_is_found_on_a_living_one() -> None:
    mark = f"run-{uuid.uuid4().hex}"
    with subprocess.Popen(["sleep", "60"], env={**os.environ, "MARK": mark}) as process:
        try:
            assert wait_until(lambda: living(mark) == ["sleep 60 "], seconds=10)
        finally:
            process.kill()
    assert living(mark) == []


def test_each_document_is_one_whole_trace_over_all_services(shown: Shown) -> None:
    spans = spans_in(shown.var)
    assert orphans(spans) == []
    over = {name: {span["service"].removeprefix("zhaoqi-") for span in spans if span["trace"] == trace} for name, trace in traces_of(shown)}
    assert all(services >= {"ingest", "catalog", "notify"} for services in over.values())
    assert any(services == set(SERVICES) for services in over.values())


def test_no_code_or_name_of_the_two_thousand_is_in_any_span_or_log(shown: Shown) -> None:
    city = [json.loads(line) for line in (shown.var / "enterprises.jsonl").read_text("utf-8").splitlines()]
    assert len(city) == 2000
    texts = {**logs_in(shown.var), "spans": json.dumps(spans_in(shown.var), ensure_ascii=False)}
    assert set(texts) >= {*(f"{name}.log" for name in SERVICES), "postgres.log"}
    for place, text in texts.items():
        assert [one["uscc"] for one in city if one["uscc"] in text or one["name"] in text] == [], place


def traces_of(shown: Shown) -> list[tuple[str, str]]:
    """Each document's name and its trace."""
    return list(shown.demo["traces"].items())


LOSE_ONE = """
CREATE SEQUENCE found;
CREATE FUNCTION lose_one() RETURNS trigger AS $$
BEGIN
    IF NEW.type LIKE '%MatchFound%' AND nextval('found') = 3 THEN RETURN NULL; END IF;
    RETURN NEW;
END $$ LANGUAGE plpgsql;
CREATE TRIGGER lose_one BEFORE INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION lose_one();
"""


BREAK_DRAFTS = """
CREATE FUNCTION break_drafts() RETURNS trigger AS $$
BEGIN
    RAISE EXCEPTION 'broken on purpose' USING ERRCODE = '22023';
END $$ LANGUAGE plpgsql;
CREATE TRIGGER break_drafts BEFORE INSERT ON benefits FOR EACH ROW EXECUTE FUNCTION break_drafts();
"""


def sabotaged(here: Path, monkeypatch: pytest.MonkeyPatch, *, service: str, sql: str) -> int:
    """Run the demo on one document with something broken in a service's database; its exit code. It writes to `here`."""
    docs = here / "documents"
    docs.mkdir(mode=0o755, parents=True)
    shutil.copy(SAMPLES / "05_notice_gb18030.txt", docs)
    for name in [name for name in os.environ if name.startswith(("ZHAOQI_", "OTEL_"))]:
        monkeypatch.delenv(name)

    def prepared(platform: Platform) -> None:
        apart(statement(platform.databases[service], sql))

    return run(docs=docs, out=here / "demo.json", var=here / "var", count=300, prepared=prepared)


def test_a_run_that_loses_one_event_of_the_outbox_does_not_end_well_and_says_how_many_are_missing(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sabotaged(folder / "lost", monkeypatch, service="policy_match", sql=LOSE_ONE) == 1
    messages = json.loads((folder / "lost" / "demo.json").read_text("utf-8"))["messages"]
    assert messages["delivered"] == messages["expected"] - 1
    assert f"1 of {messages['expected']} messages due were not delivered" in capfd.readouterr().out


def test_a_run_in_which_a_service_cannot_handle_what_it_hears_stops_and_says_which_and_why(
    folder: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sabotaged(folder / "broken", monkeypatch, service="catalog", sql=BREAK_DRAFTS) == 1
    told = capfd.readouterr().err.replace("\n", " ")
    assert "catalog could not handle" in told
    assert "22023" in told or "InvalidParameterValueError" in told
    assert not (folder / "broken" / "demo.json").exists()
