"""Makes an event of what the panel reports: id, number and clocks are given here, once and for all."""

import uuid
from datetime import timedelta
from typing import Any

from haven_contract.instants import write_instant
from haven_contract.messages import Event
from haven_device.clock import Clock
from haven_device.events import Report
from haven_device.outbox import StoredEvent


class EventMaker:
    """Numbers events on from `seq`."""

    def __init__(self, clock: Clock, seq: int) -> None:
        self._clock = clock
        self._seq = seq

    def seen(self, seq: int) -> None:
        """This number is taken."""
        self._seq = max(self._seq, seq)

    def make(self, report: Report, now: int) -> StoredEvent:
        """The event, whose bytes never change from here on. `now` is monotonic ms, as `report.at`."""
        self._seq += 1
        event = Event(
            id=str(uuid.uuid4()),
            kind=report.kind,
            source=report.source,
            boot_id=self._clock.boot_id,
            mono_ms=report.at,
            clock=write_instant(self._clock.utc() - timedelta(milliseconds=now - report.at)),
            clock_synced=self._clock.synced(),
            seq=self._seq,
            restored=report.restored,
            detail=report.detail,
        )
        return StoredEvent(self._seq, event.id, event.kind, event.source, event.encode())


def facts(stored: StoredEvent) -> dict[str, Any]:
    """Of an event, for the trace."""
    event = Event.decode(stored.payload)
    return {
        "event_id": event.id,
        "kind": event.kind,
        "source": event.source,
        "seq": event.seq,
        "restored": event.restored,
        "clock": event.clock,
        "press_mono_ms": event.mono_ms,
    }
