"""When was the button pressed? Worked out from monotonic clocks, never from the box's wall clock (DESIGN 5)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from haven_contract.messages import EVENT_EXPIRY_S, Event, Sent

LATE_S = 60
"""A press older than this is flagged as late."""

CLOCK_TOLERANCE_S = 5
"""A box's wall clock that differs more is flagged."""

OLDEST = timedelta(days=366)
"""A press that would be older is not believed: no box has kept an alarm for so long, but a faulty clock may say so."""


class Basis(StrEnum):
    """How a press time is known."""

    SAME_BOOT = "same_boot"
    """From how long ago the box says it was, and how long the broker held the message."""
    EARLIER_BOOT = "earlier_boot"
    """The box has rebooted since; from when that boot's clock stood at 0, as its messages had told."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PressTime:
    """`at` is None where it cannot be known."""

    at: datetime | None
    basis: Basis


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message reached the server."""

    received_at: datetime
    expiry_left_s: int | None
    """What the broker left of the message expiry; None if the sender set none."""
    sent: Sent | None

    @property
    def sent_at(self) -> datetime:
        """When the box handed it to the broker, right to a second: the broker counts in whole ones."""
        waited = 0 if self.expiry_left_s is None else EVENT_EXPIRY_S - self.expiry_left_s
        return self.received_at - timedelta(seconds=max(0, waited))


def boot_start(arrival: Arrival, boot_id: str | None, mono_ms: int | None) -> datetime | None:
    """When that boot's monotonic clock stood at 0, from a message that was made as it was sent; None if unknown."""
    if boot_id is None or mono_ms is None:
        return None
    return _minus_ms(arrival.sent_at, mono_ms)


def press_time(event: Event, arrival: Arrival, earlier_boot_started_at: datetime | None) -> PressTime:
    """Time of the press. `earlier_boot_started_at` is what is known of the event's boot from that boot's messages."""
    if event.boot_id is None or event.mono_ms is None:
        return PressTime(None, Basis.UNKNOWN)
    sent = arrival.sent
    if sent is not None and sent.boot_id == event.boot_id:
        age_ms = sent.mono_ms - event.mono_ms
        at, basis = _minus_ms(arrival.sent_at, age_ms) if age_ms >= 0 else None, Basis.SAME_BOOT
    elif earlier_boot_started_at is not None:
        at, basis = _minus_ms(earlier_boot_started_at, -event.mono_ms), Basis.EARLIER_BOOT
    else:
        return PressTime(None, Basis.UNKNOWN)
    return PressTime(at, basis) if _is_believable(at, arrival.received_at) else PressTime(None, Basis.UNKNOWN)


def _is_believable(at: datetime | None, received_at: datetime) -> bool:
    return at is not None and received_at - OLDEST <= at <= received_at + timedelta(seconds=CLOCK_TOLERANCE_S)


def _minus_ms(instant: datetime, milliseconds: int) -> datetime | None:
    try:
        return instant - timedelta(milliseconds=milliseconds)
    except OverflowError:
        return None
