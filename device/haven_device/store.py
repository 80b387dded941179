"""The outbox on the disk: SQLite in WAL mode with `synchronous=FULL`, so that a commit survives a pulled plug."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from haven_device.errors import StoreBrokenError, StoreError
from haven_device.outbox import StoredEvent

NAME = "outbox.sqlite"
_DOUBT = "outbox.doubtful"
"""There while values may be missing on the disk. It has no content: a full disk takes it all the same."""

_SIDE_FILES = ("", "-wal", "-shm")
_KEPT_BROKEN = 3
"""Damaged files that are kept for whoever wants to look into them."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS event (
  id TEXT PRIMARY KEY, seq INTEGER NOT NULL, kind TEXT NOT NULL, source TEXT NOT NULL, payload BLOB NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS kept (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
"""


class Store:
    """One connection, used by one thread. StoreBrokenError for a damaged file, StoreError for any other failure."""

    def __init__(self, folder: Path) -> None:
        with _errors():
            self._db = sqlite3.connect(folder / NAME, isolation_level=None, timeout=5, check_same_thread=False)
            try:
                self._db.execute("PRAGMA journal_mode=WAL")
                self._db.execute("PRAGMA synchronous=FULL")
                self._check(folder)
                self._db.executescript(_SCHEMA)
            except BaseException:
                self._db.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def _check(self, folder: Path) -> None:
        found = self._db.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise StoreBrokenError(f"{folder / NAME} is damaged: {found}")

    def write(self, add: Iterable[StoredEvent], remove: Iterable[str], keep: Mapping[str, Any]) -> None:
        """All of it in one transaction. An event that is there already stays as it is; `keep` values are JSON."""
        with _errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                self._db.executemany(
                    "INSERT INTO event (seq, id, kind, source, payload) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    ((event.seq, event.event_id, event.kind, event.source, event.payload) for event in add),
                )
                self._db.executemany("DELETE FROM event WHERE id = ?", ((event_id,) for event_id in remove))
                self._db.executemany(
                    "INSERT INTO kept (key, value) VALUES (?, ?)"
                    " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                    ((key, json.dumps(value)) for key, value in keep.items()),
                )
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def events(self) -> list[StoredEvent]:
        """All events that wait, in the order of their making."""
        with (
            _errors(),
            closing(self._db.execute("SELECT seq, id, kind, source, payload FROM event ORDER BY seq, rowid")) as rows,
        ):
            return [StoredEvent(*row) for row in rows]

    def kept(self) -> dict[str, Any]:
        """Values of earlier `keep`; one that cannot be read is left out."""
        with _errors(), closing(self._db.execute("SELECT key, value FROM kept")) as rows:
            kept = {}
            for key, value in rows:
                with suppress(ValueError):
                    kept[key] = json.loads(value)
            return kept


def move_aside(folder: Path) -> Path:
    """Rename a damaged store, so that a new one can begin; gives the new name. The oldest such files are deleted."""
    try:
        broken = sorted(folder.glob(f"{NAME}.broken-*"), key=lambda path: int(path.name.rpartition("-")[2]))
        number = int(broken[-1].name.rpartition("-")[2]) + 1 if broken else 1
        for old in broken[: max(0, len(broken) - _KEPT_BROKEN + 1)]:
            old.unlink()
        for side in _SIDE_FILES[1:]:
            (folder / f"{NAME}{side}").unlink(missing_ok=True)
        target = folder / f"{NAME}.broken-{number}"
        (folder / NAME).rename(target)
    except OSError as error:
        raise StoreError(f"{folder / NAME} is damaged and cannot be moved aside: {error}") from error
    return target


def doubt(folder: Path) -> None:
    """Note that values may be missing on the disk, as well as it goes."""
    with suppress(OSError):
        (folder / _DOUBT).touch()


def trust(folder: Path) -> None:
    """The disk has everything again."""
    with suppress(OSError):
        (folder / _DOUBT).unlink(missing_ok=True)


def is_doubtful(folder: Path) -> bool:
    """Values may be missing."""
    return (folder / _DOUBT).exists()


@contextmanager
def _errors() -> Iterator[None]:
    try:
        yield
    except StoreError:
        raise
    except sqlite3.Error as error:
        broken = getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
        raise (StoreBrokenError if broken else StoreError)(f"outbox: {error}") from error
    except (OSError, ValueError) as error:
        raise StoreError(f"outbox: {error}") from error
