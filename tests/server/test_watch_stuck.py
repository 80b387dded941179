"""A database that takes no writes is told before the first alarm needs it."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text

from mosquitto import Mosquitto
from pki import Pki, pki
from server.live import eventually
from server.live_server import Installation, install

__all__ = ["pki"]


@pytest.fixture
def city(pki: Pki, tmp_path: Path, sqlite_template: Path) -> Iterator[Installation]:
    shutil.copy(sqlite_template, tmp_path / "haven.db")
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as broker:
        yield install(broker, pki, tmp_path, f"sqlite:///{tmp_path / 'haven.db'}")


def test_a_server_that_cannot_write_is_not_ready_although_no_alarm_has_come(city: Installation, tmp_path: Path) -> None:
    with city.server() as server:
        # Refused as by a full disk, and at once.
        server.core.database.writer.run(lambda session: session.execute(text("PRAGMA busy_timeout = 0")))
        with closing(sqlite3.connect(tmp_path / "haven.db", isolation_level=None)) as other:
            eventually(lambda: _takes(other, "BEGIN IMMEDIATE"))
            eventually(lambda: server.not_ready() == ["the database takes no writes: is its disk full?"])
            other.execute("ROLLBACK")
        eventually(lambda: not server.not_ready())


def _takes(connection: sqlite3.Connection, statement: str) -> bool:
    try:
        connection.execute(statement)
    except sqlite3.OperationalError:
        return False
    return True
