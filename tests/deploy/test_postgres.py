"""The embedded PostgreSQL: committed rows survive a crash, nobody but the owner enters a database, any home will do."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.postgres import Postgres, create_database
from deploy.processes import spawn, stop, wait_until

pytestmark = pytest.mark.connected


async def ask(url: str, statement: str) -> Any:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.fixture
def home() -> Iterator[Path]:
    """A home nobody else may enter, as root's is."""
    folder = Path(tempfile.mkdtemp(prefix="zhaoqi-home-"))
    assert folder.stat().st_mode & 0o777 == 0o700
    yield folder
    for link in folder.iterdir():
        if link.is_symlink():  # where a server that may not enter the home keeps its data
            shutil.rmtree(link.resolve().parent)
    shutil.rmtree(folder)


@pytest.fixture
def server(home: Path) -> Iterator[Postgres]:
    server = Postgres(home / "postgres", log=home / "postgres.log")
    yield server
    server.stop()


async def test_a_committed_row_survives_kill_9_and_the_next_start_needs_no_help(server: Postgres) -> None:
    url = await create_database(server.start(), "ledger", password="secret")
    await ask(url, "CREATE TABLE kept AS SELECT generate_series(1, 500)")
    server.kill()
    assert (server.data / "postmaster.pid").exists()  # stale now
    server.start()
    assert await ask(url, "SELECT count(*) FROM kept") == 500


async def test_a_stale_lock_file_may_name_a_living_process_of_the_servers_own_user(server: Postgres, tmp_path: Path) -> None:
    """Process numbers are soon used again in a container; PostgreSQL alone would refuse to start."""
    server.start()
    server.kill()
    stranger = spawn(["sleep", "600"], log=tmp_path / "log", user="nobody" if os.geteuid() == 0 else None)
    try:
        assert wait_until(lambda: Path(f"/proc/{stranger.pid}/comm").read_text() == "sleep\n", seconds=10)
        lock = server.data / "postmaster.pid"
        first, *rest = lock.read_text().splitlines(keepends=True)
        assert int(first)
        lock.write_text(f"{stranger.pid}\n" + "".join(rest))
        assert await ask(server.start(), "SELECT 1") == 1
        assert stranger.poll() is None
    finally:
        stop(stranger, [], grace=0)


async def test_a_cluster_whose_making_was_interrupted_is_made_anew(server: Postgres) -> None:
    half = server.data.with_name("postgres.new")
    half.mkdir()
    (half / "PG_VERSION").write_text("18\n")
    assert await ask(server.start(), "SELECT 1") == 1


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.mark.skipif(os.geteuid() != 0, reason="only root cannot run PostgreSQL itself; this user can enter its own home")
async def test_as_root_the_server_runs_unprivileged_from_a_clone_in_a_home_nobody_may_enter(server: Postgres, home: Path) -> None:
    assert await ask(server.start(), "SHOW data_checksums") == "on"
    assert os.stat(f"/proc/{server.pid}").st_uid != 0
    assert mode(home) == 0o700  # nothing was opened for it
    assert server.data.is_symlink()
    assert mode(server.data.resolve()) == 0o700


async def test_a_new_clone_in_an_old_clones_place_does_not_find_its_rows(server: Postgres, home: Path) -> None:
    await ask(server.start(), "CREATE TABLE old ()")
    server.stop()
    left = server.data.resolve()
    if server.data.is_symlink():
        server.data.unlink()
    else:
        shutil.rmtree(server.data)
    assert await ask(server.start(), "SELECT to_regclass('old')") is None
    if left != server.data.resolve():
        shutil.rmtree(left.parent)


async def test_no_password_no_entry(server: Postgres) -> None:
    url = server.start()
    user, _, rest = url.removeprefix("postgresql://").partition(":")
    for wrong in (f"postgresql://{user}@{rest.partition('@')[2]}", f"postgresql://{user}:wrong@{rest.partition('@')[2]}"):
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(wrong, "SELECT 1")


async def test_the_owner_of_a_database_rules_there_and_nowhere_else(postgres: str) -> None:
    mine = await create_database(postgres, "mine", password="one")
    theirs = await create_database(postgres, "theirs", password="two")
    await ask(mine, "CREATE TABLE measures ()")
    for forbidden in ("CREATE ROLE more", "CREATE DATABASE more", "ALTER SYSTEM SET fsync = off", "COPY (SELECT 1) TO '/tmp/x'"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await ask(mine, forbidden)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await ask(mine.replace("/mine", "/theirs").replace("//theirs", "//mine"), "SELECT 1")
    assert await ask(theirs, "SELECT current_user") == "theirs"


async def test_making_a_database_again_keeps_its_rows_and_sets_the_password(postgres: str) -> None:
    before = await create_database(postgres, "again", password="before")
    await ask(before, "CREATE TABLE kept AS SELECT 1")
    after = await create_database(postgres, "again", password="after")
    assert await ask(after, "SELECT count(*) FROM kept") == 1
    with pytest.raises(asyncpg.InvalidPasswordError):
        await ask(before, "SELECT 1")


@pytest.mark.parametrize(("name", "password"), [("a; DROP DATABASE postgres", "x"), ("a", "x' SUPERUSER '")])
async def test_a_name_or_password_that_is_no_plain_word_is_refused(postgres: str, name: str, password: str) -> None:
    with pytest.raises(ValueError, match="database"):
        await create_database(postgres, name, password=password)


async def test_a_role_that_may_make_roles_and_databases_is_admin_enough(postgres: str) -> None:
    """A managed PostgreSQL gives no superuser."""
    operator = await create_database(postgres, "operator", password="operator")
    await ask(postgres, "ALTER ROLE operator CREATEROLE CREATEDB")
    url = await create_database(operator, "managed", password="managed")
    await ask(url, "CREATE TABLE t ()")


async def test_each_test_gets_an_empty_database_of_a_role_without_privilege(database: str) -> None:
    assert await ask(database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == 0
    assert not await ask(database, "SELECT rolsuper OR rolcreatedb OR rolcreaterole FROM pg_roles WHERE rolname = current_user")
    await ask(database, "CREATE TABLE t ()")
