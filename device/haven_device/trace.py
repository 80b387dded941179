"""What the box does, one happening per line: for the log of a real box, or as JSON for the demo and the tests."""

import json
import logging
import queue
import sys
import threading
from typing import Any, Protocol

from haven_device.clock import Clock

_log = logging.getLogger(__name__)

LINES = 10_000


class Trace(Protocol):
    """Told by the loop; must not block it."""

    def tell(self, what: str, **facts: Any) -> None:
        """Something has happened."""
        ...


class LogTrace:
    """One log line each."""

    def tell(self, what: str, **facts: Any) -> None:
        """See Trace."""
        _log.info("%s %s", what, " ".join(f"{key}={value}" for key, value in facts.items()))


class JsonTrace:
    """One line of JSON on standard output each, with the wall time `at` and `mono_ms`.

    A thread writes them, so that nobody who does not read can stop the box; then the newest lines are lost.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lines: queue.Queue[str] = queue.Queue(LINES)
        threading.Thread(target=self._run, name="trace", daemon=True).start()

    def tell(self, what: str, **facts: Any) -> None:
        """See Trace."""
        at = self._clock.utc().isoformat(timespec="microseconds").replace("+00:00", "Z")
        line = json.dumps({"what": what, "at": at, "mono_ms": self._clock.mono_ms(), **facts}, ensure_ascii=False)
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            _log.warning("nobody reads the trace: a line is lost")

    def flush(self) -> None:
        """Wait until all lines so far are written."""
        self._lines.join()

    def _run(self) -> None:
        while True:
            line = self._lines.get()
            try:
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
            except (OSError, ValueError):
                _log.debug("standard output is closed")
            finally:
                self._lines.task_done()
