"""The number of the box's connections: it only grows, or servers would take our news for an older connection's.

It lies in a file of its own, written in place without needing new disk space, so that neither a damaged outbox nor a
full disk can take it back.
"""

import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

_log = logging.getLogger(__name__)

NAME = "connection"
_WIDTH = 16


class ConnectionNumber:
    """Counts on disk; where the disk fails, in memory. `surely_now` gives the wall clock, None if it may be wrong."""

    def __init__(self, folder: Path, surely_now: Callable[[], datetime | None]) -> None:
        self._path = folder / NAME
        self._surely_now = surely_now
        self._number: int | None = None

    def next(self) -> int:
        """The next number."""
        number = (self._read() if self._number is None else self._number) + 1
        self._number = number
        try:
            self._write(number)
        except OSError as error:
            _log.warning("connection number %d is not stored: %s", number, error)
        return number

    def _read(self) -> int:
        """Last number. Of an unreadable file only the clock can say which numbers are surely unused."""
        try:
            return int(self._path.read_bytes())
        except FileNotFoundError:
            return 0
        except (OSError, ValueError) as error:
            now = self._surely_now()
            _log.warning("%s is unreadable: %s", self._path, error)
            return int(now.timestamp()) if now is not None else 0

    def _write(self, number: int) -> None:
        handle = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(handle, f"{number:0{_WIDTH}d}\n".encode(), 0)
            os.fsync(handle)
        finally:
            os.close(handle)
