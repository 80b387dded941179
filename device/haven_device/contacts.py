"""One wired contact: from raw edges to presses, pure.

A contact is closed as soon as it was closed for `debounce_ms` in all, without an opening of the same length between, so
that a trembling hand on a dirty contact counts and a spike of a few milliseconds does not. The time of a press is the
time of its first edge. gpiozero's own bounce_time would drop edges for good (its issue 1039).
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from haven_device.settings import ContactSettings

DOUBLE_PRESS_MS = 5000
"""With a hold time, two short presses within this time count as well."""


class Happening(Enum):
    """What a contact did."""

    PRESSED = auto()
    """Counts as an alarm."""
    CLOSED = auto()
    OPENED = auto()
    STUCK = auto()
    """A button that nobody lets go."""


@dataclass(frozen=True, slots=True)
class Contact:
    """State of one contact; every time is monotonic milliseconds."""

    raw: bool = False
    raw_since: int = 0
    burst_since: int = 0
    """First edge of the closing that is being looked at."""
    burst_ms: int = 0
    """How long it was closed in this burst before `raw_since`."""
    closed: bool = False
    """Debounced."""
    closed_since: int = 0
    counted: bool = False
    """This closing has already been taken for a press."""
    stuck: bool = False
    last_short: int | None = None
    """Begin of the last press that was too short for the hold time."""


Step = tuple[Contact, tuple[tuple[Happening, int], ...]]
"""New state, and what happened with its time."""


def change(contact: Contact, settings: ContactSettings, *, active: bool, at: int) -> Step:
    """The pin has this level since `at`: an edge, or what the poll has seen."""
    at = max(at, contact.raw_since)
    contact, before = tick(contact, settings, at)
    if active == contact.raw:
        return contact, before
    if active and not contact.closed and contact.burst_ms == 0:
        contact = replace(contact, burst_since=at)
    if not active and not contact.closed:
        contact = replace(contact, burst_ms=contact.burst_ms + at - contact.raw_since)
    return replace(contact, raw=active, raw_since=at), before


def tick(contact: Contact, settings: ContactSettings, now: int) -> Step:
    """Time has passed."""
    happenings: list[tuple[Happening, int]] = []
    lasted = now - contact.raw_since
    if contact.raw and not contact.closed and contact.burst_ms + lasted >= settings.debounce_ms:
        contact = replace(contact, closed=True, closed_since=contact.burst_since, burst_ms=0, counted=False)
        happenings.append((Happening.CLOSED, contact.closed_since))
    elif not contact.raw and lasted >= settings.debounce_ms:
        if contact.closed:
            contact = replace(_let_go(contact), closed=False, stuck=False)
            happenings.append((Happening.OPENED, contact.raw_since))
        contact = replace(contact, burst_ms=0) if contact.burst_ms else contact
    if settings.is_button and contact.closed:
        contact, pressed = _judge(contact, settings, now)
        happenings += pressed
    return contact, tuple(happenings)


def _judge(contact: Contact, settings: ContactSettings, now: int) -> tuple[Contact, list[tuple[Happening, int]]]:
    happenings = []
    end = now if contact.raw else contact.raw_since
    second = contact.last_short is not None and contact.closed_since - contact.last_short <= DOUBLE_PRESS_MS
    if not contact.counted and not contact.stuck and (second or end - contact.closed_since >= settings.hold_ms):
        contact = replace(contact, counted=True, last_short=None)
        happenings.append((Happening.PRESSED, contact.closed_since))
    if not contact.stuck and end - contact.closed_since >= settings.stuck_ms:
        contact = replace(contact, stuck=True)
        happenings.append((Happening.STUCK, contact.closed_since + settings.stuck_ms))
    return contact, happenings


def _let_go(contact: Contact) -> Contact:
    return contact if contact.counted else replace(contact, last_short=contact.closed_since)


def wants_look(contact: Contact, settings: ContactSettings) -> int | None:
    """When `tick` may next have something to say in a hurry; None if the ordinary poll will do."""
    if contact.raw != contact.closed:
        return contact.raw_since + settings.debounce_ms - (contact.burst_ms if contact.raw else 0)
    return None
