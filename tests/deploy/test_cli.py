"""The command line: exit codes, words that say what to do, keys, and a platform that starts and stops without leaving anything."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from deploy.demo import SAMPLES
from deploy.embedded import SERVICES
from deploy.processes import same_code, wait_until
from services.chassis.auth import hashed
from services.chassis.database import migrate
from services.cli import BAD_CONTENT, COMMANDS, DONE, WRONG_USE, main
from tests.world import apart, living

Say = Callable[..., tuple[int, str, str]]


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Say:
    """Run a command in this process: its exit code, what it printed, what it complained of."""

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = main(arguments)
        except SystemExit as end:
            code = int(str(end.code))
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


def test_help_names_every_command_and_what_it_is_for(say: Say) -> None:
    code, out, _ = say("--help")
    assert code == DONE
    assert all(name in out and command.purpose in out for name, command in COMMANDS.items())


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing"],
        ["read"],
        ["read", "no such file.txt"],
        ["match", "--benefits", "no such file.json"],
        ["keys", "create"],
        ["keys", "revoke", "--principal", "platform", "--scopes", "ops"],
        ["keys", "create", "--principal", "king", "--scopes", "ops"],
        ["demo", "--enterprises", "many"],
        ["up", "--loudly"],
    ],
    ids=" ".join,
)
def test_wrong_use_ends_with_two_and_says_what_is_wrong(say: Say, arguments: list[str]) -> None:
    code, out, err = say(*arguments)
    assert (code, out) == (WRONG_USE, "")
    assert "zhaoqi" in err


def test_read_gives_one_json_object_a_line_for_each_file(say: Say) -> None:
    files = [SAMPLES / "01_action_plan.txt", SAMPLES / "05_notice_gb18030.txt"]
    code, out, err = say("read", *map(str, files), "--json")
    assert (code, err) == (DONE, "")
    expected = json.loads((SAMPLES / "expected.json").read_text("utf-8"))
    read = [json.loads(line) for line in out.splitlines()]
    assert [len(one["measures"]) for one in read] == [expected[path.name]["measures"] for path in files]


def test_a_file_that_is_no_document_ends_with_one_and_the_others_are_read(say: Say, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").touch()
    (tmp_path / "picture.txt").write_bytes(bytes(range(256)) * 40)
    code, out, err = say("read", str(tmp_path / "empty.txt"), str(SAMPLES / "02_measures.txt"), str(tmp_path / "picture.txt"))
    assert code == BAD_CONTENT
    assert len(out.splitlines()) == 1
    assert [name for name in ("empty.txt", "picture.txt") if name not in err] == []


@pytest.mark.parametrize("command", ["check", "match"])
def test_content_that_is_no_benefit_ends_with_one_and_says_where(say: Say, tmp_path: Path, command: str) -> None:
    benefits, enterprises = tmp_path / "b.json", tmp_path / "e.jsonl"
    benefits.write_text('[{"id": "ben-1", "rule": {"fact": "revenue", "is": "about", "value": 1}}]')
    enterprises.write_text("")
    more = ["--enterprises", str(enterprises), "--as-of", "2026-06-30"] if command == "match" else []
    code, _, err = say(command, "--benefits", str(benefits), *more)
    assert code == BAD_CONTENT
    assert str(benefits) in err
    assert "rule" in err


def test_a_demo_of_a_folder_without_documents_ends_with_two_and_says_what_to_do(say: Say, tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("not a document")
    for folder in (tmp_path, tmp_path / "missing"):
        code, _, err = say("demo", "--docs", str(folder), "--var", str(tmp_path / "var"), "--out", str(tmp_path / "demo.json"))
        assert code == WRONG_USE
        assert str(folder) in err.replace("\n", "")
        assert "DOCS=" in err
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_a_key_needs_a_platform_that_runs_and_the_command_says_how_to_start_one(say: Say, tmp_path: Path) -> None:
    code, out, err = say("keys", "create", "--principal", "platform", "--scopes", "matches:read", "--var", str(tmp_path))
    assert (code, out) == (BAD_CONTENT, "")
    assert "zhaoqi up" in err


def test_a_key_needs_a_database_that_answers(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHAOQI_SECRET", "s")
    gone = {name: {"database": f"postgresql://a:b@127.0.0.1:9/{name}"} for name in SERVICES}
    (tmp_path / "run.json").write_text(json.dumps({"services": gone}))
    code, out, err = say("keys", "create", "--principal", "platform", "--scopes", "matches:read", "--var", str(tmp_path))
    assert (code, out) == (BAD_CONTENT, "")
    assert "zhaoqi up" in err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--principal", "officer", "--scopes", "benefits:edit", "--roles", "editor"], "--department"),
        (["--principal", "enterprise", "--scopes", "messages:read"], "--uscc"),
        (["--principal", "platform", "--scopes", "everything"], "documents:write"),
        (["--principal", "platform", "--scopes", "matches:read", "--roles", "editor"], "officers"),
    ],
)
def test_a_principal_that_cannot_be_is_refused_with_what_it_lacks(say: Say, tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"services": {}}))
    (tmp_path / "secret").write_text("s")
    code, out, err = say("keys", "create", *arguments, "--var", str(tmp_path))
    assert (code, out) == (WRONG_USE, "")
    assert words in err


@pytest.mark.connected
def test_a_key_is_shown_once_and_kept_as_a_hash_where_its_scopes_reach(say: Say, tmp_path: Path, database: str) -> None:
    apart(migrate(database, "notify"))
    services = {name: {"database": database if name == "notify" else "postgresql://nobody@127.0.0.1:9/none"} for name in SERVICES}
    (tmp_path / "run.json").write_text(json.dumps({"services": services}))
    (tmp_path / "secret").write_text("s")
    code, out, err = say(
        *("keys", "create", "--principal", "platform", "--name", "厦企通", "--scopes", "messages:read", "--days", "30"),
        *("--var", str(tmp_path)),
    )
    assert (code, err) == (DONE, "")
    [key] = out.split()

    async def kept() -> list[asyncpg.Record]:
        connection = await asyncpg.connect(database)
        try:
            rows: list[asyncpg.Record] = await connection.fetch("SELECT *, expires_at - created_at AS life FROM api_keys")
            return rows
        finally:
            await connection.close()

    [row] = apart(kept())
    assert (row["hash"], row["kind"], row["name"], row["scopes"]) == (hashed(key, "s"), "platform", "厦企通", ["messages:read"])
    assert row["life"].days in (29, 30)
    assert key.removeprefix(row["prefix"]) not in str(dict(row))


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder under a home nobody else may enter; under root, the database's files lie elsewhere and are removed with it."""
    folder = Path(tempfile.mkdtemp(prefix="zhaoqi-home-"))
    yield folder
    data = folder / "var" / "postgres"
    if data.is_symlink():
        shutil.rmtree(data.resolve().parent)
    shutil.rmtree(folder)


@pytest.mark.slow
def test_up_starts_everything_gives_keys_that_work_and_ends_on_sigterm_without_leaving_a_process(place: Path) -> None:
    mark = f"up-{uuid.uuid4().hex}"
    env = {name: value for name, value in same_code().items() if not name.startswith(("ZHAOQI_", "OTEL_"))} | {"MARK": mark}
    var, log = place / "var", place / "up.log"
    command = [sys.executable, "-m", "services.cli"]
    with log.open("wb") as err:
        up = subprocess.Popen([*command, "up", "--var", str(var)], cwd=place, env=env, stdout=err, stderr=err)
    try:
        said = "按 Ctrl-C 停止".encode()
        assert wait_until(lambda: up.poll() is not None or said in log.read_bytes(), seconds=60)
        assert up.poll() is None, log.read_text()
        told = json.loads((var / "run.json").read_text())
        assert all(service["url"] in log.read_text() for service in told["services"].values())
        made = subprocess.run(
            [*command, "keys", "create", "--principal", "platform", "--scopes", "benefits:read,messages:read", "--var", str(var)],
            cwd=place,
            env=env,
            capture_output=True,
            text=True,
            check=True,
        )
        headers = {"Authorization": f"Bearer {made.stdout.strip()}"}
        with httpx.Client(trust_env=False, headers=headers) as client:
            for service, path in (("catalog", "/v1/benefits"), ("notify", "/v1/ledger")):
                assert client.get(told["services"][service]["url"] + path).json() == {"items": [], "next": None}
            assert client.get(told["services"]["policy_match"]["url"] + "/v1/simulations/ben-1").status_code == 401
        assert len(living(mark)) >= 1 + len(SERVICES) + 1
        up.send_signal(signal.SIGTERM)
        assert up.wait(30) == DONE
    finally:
        up.kill()
        up.wait()
    assert living(mark) == []
    assert not (var / "run.json").exists()
    servers = [server["pid"] for server in told["servers"].values()]
    assert [pid for pid in servers if Path(f"/proc/{pid}").exists()] == []


@pytest.mark.slow
def test_up_that_is_ended_while_it_starts_leaves_no_process_either(place: Path) -> None:
    mark = f"up-{uuid.uuid4().hex}"
    env = {name: value for name, value in same_code().items() if not name.startswith(("ZHAOQI_", "OTEL_"))} | {"MARK": mark}
    up = subprocess.Popen(
        [sys.executable, "-m", "services.cli", "up", "--var", str(place / "var")], cwd=place, env=env, stderr=subprocess.DEVNULL
    )
    try:
        assert wait_until(lambda: (place / "var" / "log" / "ingest.log").exists(), seconds=60)
        up.send_signal(signal.SIGTERM)
        assert up.wait(60) == DONE
    finally:
        up.kill()
        up.wait()
    assert living(mark) == []
