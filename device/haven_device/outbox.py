"""Events that wait for the server's receipt: which to send now, which again, which to give up. Pure.

The memory's copy; `store.py` keeps the disk's. Nothing but a receipt takes an event out: a broker's acknowledgement
never means that dispatch has it.
"""

import hashlib
import random
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from haven_contract.words import ALARM_KINDS, Kind
from haven_device.settings import LinkSettings

WINDOW = 20
"""Events that are on their way at once. A fresh alarm does not count: it never waits behind a backlog."""

HARD_WINDOW = 60
GONE = 64
"""Events whose hash is remembered after the first receipt, for the later ones."""

_PATIENCE_CAP = 30
"""An event that no broker brings through makes the box change brokers ever more seldom, up to this factor."""


@dataclass(frozen=True, slots=True)
class StoredEvent:
    """An event as it lies on the disk. `payload` is what is sent, byte by byte, each time."""

    seq: int
    event_id: str
    kind: str
    source: str
    payload: bytes

    @property
    def is_alarm(self) -> bool:
        """A person may be waiting. A kind that this firmware does not know counts too (promise 3)."""
        return self.kind in ALARM_KINDS or self.kind not in set(Kind)


@dataclass(slots=True)
class _Waiting:
    event: StoredEvent
    fresh: bool
    patience_ms: float
    next_at: float = 0
    sent_at: int | None = None
    first_sent_at: int | None = None
    """On this connection."""
    attempts: int = 0
    refused: bool = False
    """The broker said of the last sending that nobody got it."""


class Outbox:
    """At most `limit` events, in memory. Times are monotonic ms."""

    def __init__(
        self,
        link: LinkSettings,
        limit: int,
        stored: Iterable[StoredEvent] = (),
        *,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._link = link
        self._limit = limit
        self._jitter = jitter
        self._waiting = {event.event_id: self._new(event, fresh=False) for event in stored}
        self._by_digest = {_digest(event.payload): event.event_id for event in self.events()}
        self._gone: deque[tuple[str, str]] = deque(maxlen=GONE)
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def events(self) -> list[StoredEvent]:
        """All, in the order of their making."""
        return sorted((waiting.event for waiting in self._waiting.values()), key=lambda event: event.seq)

    @property
    def has_alarm(self) -> bool:
        """An alarm waits for its receipt."""
        return any(waiting.event.is_alarm for waiting in self._waiting.values())

    def add(self, event: StoredEvent, *, fresh: bool = True) -> list[StoredEvent]:
        """Take an event up; gives those that had to go for it, which may be the new one only if it is no alarm."""
        self._waiting.setdefault(event.event_id, self._new(event, fresh=fresh))
        self._by_digest[_digest(event.payload)] = event.event_id
        gone = []
        while len(self._waiting) > self._limit:
            victim = self._victim()
            self._forget(victim)
            self.given_up += 1
            gone.append(victim)
        return gone

    def link_up(self) -> None:
        """A new connection: everything is sent again on it, at once."""
        for waiting in self._waiting.values():
            waiting.next_at = 0
            waiting.sent_at = waiting.first_sent_at = None

    def due(self, now: int) -> list[StoredEvent]:
        """Events to send now: fresh alarms, other alarms from the least tried on, and the rest, each in its turn."""
        on_the_way = sum(self._is_on_the_way(w, now) for w in self._waiting.values())
        alarms = [w for w in self._waiting.values() if w.event.is_alarm and w.next_at <= now]
        alarms.sort(key=lambda w: (not self._is_fresh(w), w.attempts, w.event.seq))
        chosen: list[StoredEvent] = []
        for waiting in [*alarms, *self._in_turn(now)]:
            if on_the_way + len(chosen) >= (HARD_WINDOW if self._is_fresh(waiting) else WINDOW):
                break
            chosen.append(waiting.event)
        return chosen

    def sent(self, event_id: str, now: int) -> int:
        """The event was handed to the connection: gives the number of this attempt."""
        waiting = self._waiting[event_id]
        waiting.attempts += 1
        waiting.sent_at = now
        waiting.refused = False
        waiting.first_sent_at = now if waiting.first_sent_at is None else waiting.first_sent_at
        waiting.next_at = now + self._pause_ms(waiting)
        return waiting.attempts

    def refused(self, event_id: str, now: int) -> None:
        """The broker said that nobody got it (16), or an error (128 and more): again soon."""
        waiting = self._waiting.get(event_id)
        if waiting is not None:
            waiting.refused = True
            soon = 1000 * self._link.resend_after_s * (0.5 + 0.5 * self._jitter())
            waiting.next_at = min(waiting.next_at, now + soon)

    def receipt(self, name: str) -> tuple[str, bool]:
        """The server has it: out it goes. Gives the event's id, and whether this was the first receipt.

        `name` is its id, or `sha256:` and the hash of a payload that the server could not read.
        """
        event_id = self._by_digest.get(name) or dict(self._gone).get(name, name)
        waiting = self._waiting.get(event_id)
        if waiting is None:
            return event_id, False
        self._forget(waiting.event)
        self._gone.append((_digest(waiting.event.payload), event_id))
        return event_id, True

    def wants_other_broker(self, now: int, last_answer: int) -> bool:
        """An alarm is without receipt for too long on this connection; of other events, if nothing else came either."""
        silent = now - last_answer >= 1000 * self._link.receipt_within_s
        return any(self._is_overdue(w, now) and (w.event.is_alarm or silent) for w in self._waiting.values())

    def broker_changed(self, now: int) -> None:
        """Those for which the broker was changed are more patient next time."""
        for waiting in self._waiting.values():
            if self._is_overdue(waiting, now):
                cap = 1000 * self._link.receipt_within_s * _PATIENCE_CAP
                waiting.patience_ms = min(cap, waiting.patience_ms * 2)

    def _in_turn(self, now: int) -> list[_Waiting]:
        """Due events that are no alarms; those of one source and kind in the order of their making.

        A restoral that overtakes its trouble would leave the trouble open at the server for good. So an event waits
        until those before it are answered, on their way just now, or go again in the same breath. An event that is
        never answered delays those behind it by its own pauses, and does not stop them.
        """
        rows: dict[tuple[str, str], list[_Waiting]] = {}
        held: set[tuple[str, str]] = set()
        for waiting in sorted(self._waiting.values(), key=lambda w: w.event.seq):
            row = waiting.event.source, waiting.event.kind
            if waiting.event.is_alarm or row in held:
                continue
            if waiting.next_at <= now:
                rows.setdefault(row, []).append(waiting)
            elif waiting.refused or not self._is_on_the_way(waiting, now):
                held.add(row)
        least_tried_first = sorted(rows.values(), key=lambda row: (row[0].attempts, row[0].event.seq))
        return [waiting for row in least_tried_first for waiting in row]

    def _is_on_the_way(self, waiting: _Waiting, now: int) -> bool:
        return waiting.sent_at is not None and now - waiting.sent_at < 1000 * self._link.resend_after_s

    def _new(self, event: StoredEvent, *, fresh: bool) -> _Waiting:
        return _Waiting(event, fresh, 1000 * self._link.receipt_within_s)

    def _forget(self, event: StoredEvent) -> None:
        del self._waiting[event.event_id]
        del self._by_digest[_digest(event.payload)]

    def _victim(self) -> StoredEvent:
        events = self.events()
        quiet = [event for event in events if not event.is_alarm]
        if quiet:
            return quiet[0]
        # Only alarms: the source that has the most of them is a runaway, and its oldest says the least.
        runaway, _ = Counter(event.source for event in events).most_common(1)[0]
        return next(event for event in events if event.source == runaway)

    def _pause_ms(self, waiting: _Waiting) -> float:
        first = self._link.resend_after_s
        cap = self._link.resend_alarm_cap_s if waiting.event.is_alarm else self._link.resend_cap_s
        if waiting.attempts == 1:
            return 1000 * first
        return 1000 * max(first, min(cap, first * 2.0 ** min(waiting.attempts - 1, 30)) * (0.5 + 0.5 * self._jitter()))

    @staticmethod
    def _is_fresh(waiting: _Waiting) -> bool:
        return waiting.fresh and waiting.attempts == 0 and waiting.event.is_alarm

    @staticmethod
    def _is_overdue(waiting: _Waiting, now: int) -> bool:
        return waiting.first_sent_at is not None and now - waiting.first_sent_at >= waiting.patience_ms


def _digest(payload: bytes) -> str:
    return f"sha256:{hashlib.sha256(payload).hexdigest()}"
