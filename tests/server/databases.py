"""A fresh, migrated database for each test, on SQLite and on a real PostgreSQL.

A test that takes `database_url` runs on both, or on one if it is marked `on_sqlite` or `on_postgresql`. The PostgreSQL
cluster is made once a run, in a folder of its own, and ends with the thread that started it, however that ends.
"""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import psycopg
import pytest

from haven_demo.broker import free_port
from haven_server.db.migrate import migrate

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For a test of what only SQLite does."""

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
"""For a test of what only PostgreSQL does: several servers, a database that is away."""

_BINARIES = Path("/usr/lib/postgresql")
_SYSTEM_USER = "postgres"
"""PostgreSQL refuses to run as root, so root lends it this user of the Debian package."""

_PREFIX = "haven-postgres-"
_MEMORY = Path("/dev/shm")
_MEMORY_NEEDED = 512 * 1024 * 1024
_START_S = 30.0
_TEMPLATE = "haven_template"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "80",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "shared_buffers": "32MB",
}


class PostgresCluster:
    """A running cluster with one migrated database as a template."""

    def __init__(self, port: int) -> None:
        self._address = f"postgresql://postgres@127.0.0.1:{port}"
        self._numbers = count(1)

    def prepare(self) -> None:
        """Make the template."""
        self._run(f"CREATE DATABASE {_TEMPLATE}")
        migrate(f"{self._address}/{_TEMPLATE}")

    @contextmanager
    def database(self) -> Iterator[str]:
        """Address of a fresh database, gone afterwards."""
        name = f"haven_{next(self._numbers)}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}")
        try:
            yield f"{self._address}/{name}"
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def answers(self) -> bool:
        """Whether it accepts connections yet."""
        try:
            self._run("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, statement: str) -> None:
        with psycopg.connect(f"{self._address}/postgres", autocommit=True, connect_timeout=5) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_cluster() -> Iterator[PostgresCluster]:
    """Make a cluster, start it, and take both away in the end."""
    binaries = _newest_binaries()
    parent = _fast_folder()
    _sweep(parent)
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=parent))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _SYSTEM_USER, _SYSTEM_USER)
        data, port = folder / "data", free_port()
        initdb = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "--auth=trust", "--no-sync"]
        subprocess.run(
            [*_as_user(), *initdb, "--encoding=UTF8", "--locale=C.UTF-8"], check=True, capture_output=True, cwd=folder
        )
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [*_as_user(), binaries / "postgres", "-D", data, "-p", str(port), *settings],
                stdout=log,
                stderr=log,
                cwd=folder,
            )
        try:
            cluster = PostgresCluster(port)
            _wait_for(cluster, server, folder / "log")
            cluster.prepare()
            yield cluster
        finally:
            server.terminate()
            try:
                server.wait(timeout=10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fast_folder() -> Path:
    """Memory, where there is enough of it: a new database is 300 files, which some file systems make slowly."""
    try:
        enough = shutil.disk_usage(_MEMORY).free > _MEMORY_NEEDED
    except OSError:
        enough = False
    return _MEMORY if enough else Path(tempfile.gettempdir())


def _sweep(parent: Path) -> None:
    """Take away what killed runs have left; the folder's name tells whose it is."""
    for folder in parent.glob(f"{_PREFIX}*-*"):
        owner = folder.name.removeprefix(_PREFIX).partition("-")[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def _wait_for(cluster: PostgresCluster, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + _START_S
    while not cluster.answers():
        if server.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.05)


def _as_user() -> list[str]:
    """Run as an ordinary user, and be told to stop at once should the tests be killed."""
    user = [f"--reuid={_SYSTEM_USER}", f"--regid={_SYSTEM_USER}", "--init-groups"] if os.geteuid() == 0 else []
    return ["setpriv", *user, "--pdeathsig=QUIT"]


def _newest_binaries() -> Path:
    found = sorted(_BINARIES.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if not found:
        raise RuntimeError(f"no PostgreSQL server under {_BINARIES}; install one: apt-get install postgresql")
    return found[-1].parent


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """The run's cluster, started when the first test asks for it."""
    with running_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("template") / "haven.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Address of a fresh, migrated database."""
    if request.param == "sqlite":
        path = tmp_path / "haven.db"
        # The template has been closed, so that all of it stands in this one file.
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    with request.getfixturevalue("postgres_cluster").database() as url:
        yield url
