"""Replies to commands until the broker has passed them on. Pure."""

from collections import deque
from dataclasses import dataclass

from haven_contract.messages import Reply

LIMIT = 20
"""Replies that are kept; the oldest is given up first. A server that misses one sends its command again."""

AGAIN_MS = 5000
"""Pause after an acknowledgement that was no success."""


@dataclass(slots=True, eq=False)
class Pending:
    """A reply, and where it stands on this connection."""

    reply: Reply
    number: int | None = None
    """The message's, while its acknowledgement is awaited."""
    next_at: int = 0


class Replies:
    """Times are monotonic ms."""

    def __init__(self) -> None:
        self._pending: deque[Pending] = deque(maxlen=LIMIT)

    def add(self, reply: Reply) -> None:
        """Take a reply up."""
        self._pending.append(Pending(reply))

    def link_up(self) -> None:
        """A new connection: what was not acknowledged on the old one goes again."""
        for pending in self._pending:
            pending.number, pending.next_at = None, 0

    def due(self, now: int) -> list[Pending]:
        """Those to send now; `number` is for the sender to fill in."""
        return [pending for pending in self._pending if pending.number is None and pending.next_at <= now]

    def acknowledged(self, number: int, now: int, *, success: bool) -> None:
        """The broker answered a message; one that is no reply's changes nothing."""
        pending = next((one for one in self._pending if one.number == number), None)
        if pending is None:
            return
        if success:
            self._pending.remove(pending)
        else:
            pending.number, pending.next_at = None, now + AGAIN_MS
