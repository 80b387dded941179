"""For tests of running threads: waiting for what they do, by a clock that runs."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from server.clocks import BEGINNING

WAIT_S = 20.0


def eventually(holds: Callable[[], object], what: str = "", within_s: float = WAIT_S) -> None:
    """Wait until a condition of the running server holds, or fail."""
    give_up_at = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < give_up_at, f"not within {within_s:g} s: {what or holds}"
        time.sleep(0.01)


class RunningClock:
    """Runs from the beginning of every story on."""

    def __init__(self, beginning: datetime = BEGINNING) -> None:
        self._beginning = beginning - timedelta(seconds=time.monotonic())

    def now(self) -> datetime:
        """Present instant, UTC."""
        return self._beginning + timedelta(seconds=time.monotonic())
