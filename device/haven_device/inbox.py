"""The one queue into the loop."""

import logging
import queue

from haven_device.events import Input, RadioHeard

_log = logging.getLogger(__name__)

LIMIT = 1000
_RADIO_WAIT_S = 5.0


class Inbox:
    """Bounded. What may be lost when it is full comes again by itself, and what may not has to wait:

    an edge is seen by the poll, an answer of the broker or a receipt is asked for again by the outbox. A telegram of a
    pendant comes only once, so the radio's thread waits.
    """  # noqa: D400 - the sentence goes on below

    def __init__(self) -> None:
        self._queue: queue.Queue[Input] = queue.Queue(LIMIT)
        self.lost = 0

    def put(self, what: Input) -> None:
        """From any thread."""
        try:
            if isinstance(what, RadioHeard):
                self._queue.put(what, timeout=_RADIO_WAIT_S)
            else:
                self._queue.put_nowait(what)
        except queue.Full:
            self.lost += 1
            _log.error("the loop does not keep up: %s is lost", type(what).__name__)

    def take(self, timeout_s: float, most: int) -> list[Input]:
        """What has come, at most `most`; waits for the first up to the timeout."""
        taken = []
        try:
            taken.append(self._queue.get(timeout=timeout_s) if timeout_s > 0 else self._queue.get_nowait())
            while len(taken) < most:
                taken.append(self._queue.get_nowait())
        except queue.Empty:
            pass
        return taken
