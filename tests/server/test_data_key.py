"""A database without its data key must not look well: its alarms would reach nobody."""

from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from haven_server.db.database import Database
from haven_server.db.opening import open_vault
from haven_server.problems import Misconfigured


def test_a_new_database_gets_a_key_that_only_its_owner_reads(database_url: str, tmp_path: Path) -> None:
    key = tmp_path / "state" / "data.key"
    with Database(database_url) as database:
        sealed = open_vault(database, key).seal(b"secret")
        assert open_vault(database, key).open(sealed) == b"secret"
    assert key.stat().st_mode & 0o777 == 0o600


def test_a_lost_key_stops_the_start_and_no_new_one_is_made(database_url: str, tmp_path: Path) -> None:
    key = tmp_path / "data.key"
    with Database(database_url) as database:
        open_vault(database, key)
        key.unlink()
        with pytest.raises(Misconfigured, match=r"data.key is missing.*copy the key"):
            open_vault(database, key)
    assert not key.exists()


def test_a_second_server_with_a_key_of_its_own_is_told(database_url: str, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_bytes(Fernet.generate_key())
    with Database(database_url) as database:
        open_vault(database, tmp_path / "data.key")
        with pytest.raises(Misconfigured, match="not that of this database"):
            open_vault(database, other)


def test_a_key_is_changed_by_putting_a_new_one_first(database_url: str, tmp_path: Path) -> None:
    key = tmp_path / "data.key"
    with Database(database_url) as database:
        sealed = open_vault(database, key).seal(b"secret")
        key.write_bytes(Fernet.generate_key() + b"\n" + key.read_bytes())
        assert open_vault(database, key).open(sealed) == b"secret"


def test_a_file_that_holds_no_key_is_named(database_url: str, tmp_path: Path) -> None:
    key = tmp_path / "data.key"
    key.write_text("half a key")
    with Database(database_url) as database, pytest.raises(Misconfigured, match=r"data.key does not hold Fernet keys"):
        open_vault(database, key)
