"""Values that outlive the process, as the loop holds them; the writer's disk has the copy."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from haven_contract.instants import read_instant
from haven_device.writer import Writer


class Memory:
    """What an earlier process kept, and what this one keeps; JSON values by their keys."""

    def __init__(self, kept: Mapping[str, Any], writer: Writer) -> None:
        self._writer = writer
        self._unwritten: dict[str, Any] = {}
        self.values = dict(kept)

    def keep(self, key: str, value: Any) -> None:
        """Written by `write`, or with the next event."""
        self.values[key] = self._unwritten[key] = value

    def take_unwritten(self) -> dict[str, Any]:
        """What is to be written, for the caller to write."""
        taken, self._unwritten = self._unwritten, {}
        return taken

    def write(self) -> None:
        """Hand what is to be written to the writer."""
        unwritten = self.take_unwritten()
        if unwritten:
            self._writer.keep(unwritten)

    def write_again(self) -> None:
        """All of it: the file is a new one."""
        self._writer.keep(self.values)

    def whole(self, key: str) -> int:
        """Whole number, 0 if there is none."""
        value = self.values.get(key)
        return value if isinstance(value, int) else 0

    def instant(self, key: str) -> datetime | None:
        """Instant, None if there is none that can be read."""
        try:
            return read_instant(self.values[key])
        except (KeyError, TypeError, ValueError):
            return None
