"""What the panel knows, and what of it outlives a restart of the process. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haven_contract.messages import Reply
from haven_contract.words import Kind
from haven_device import commands, pendants, progress, troubles
from haven_device.contacts import Contact
from haven_device.pendants import Pendant
from haven_device.progress import Alarms
from haven_device.settings import Settings
from haven_device.troubles import Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that the panel knows."""

    settings: Settings
    contacts: Mapping[str, Contact]
    pendants: Mapping[str, Pendant]
    troubles: frozenset[Trouble] = frozenset()
    """Reported and not yet restored."""
    doubtful: frozenset[Trouble] = frozenset()
    """Perhaps open at the servers: the memory of them was lost. The first sign that one is over is told."""
    gone: frozenset[Trouble] = frozenset()
    """Open, but of something that the configuration has no more: to be restored at once."""
    alarms: Alarms = ()
    answers: tuple[Reply, ...] = ()
    """Of the last commands: one that comes again is answered again, and not done twice."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Pendants that are not configured, and how often they were heard."""
    receiver_down_since: int | None = None
    alive_at: int | None = None
    identify_until: int = 0


def start(settings: Settings, kept: Mapping[str, Any], now: int, *, memory_lost: bool = False) -> State:
    """State at the start of the process. `kept` has the values of earlier `Keep` effects, `memory_lost` if not all.

    A contact whose trouble is already reported starts closed: a stuck button is no new hold-up at each restart.
    """
    known = troubles.from_json(kept.get("troubles"))
    possible = troubles.possible(settings)
    doubtful = possible if memory_lost else troubles.from_json(kept.get("doubtful")) & possible
    low = {trouble.source for trouble in known if trouble.kind == Kind.BATTERY_LOW}
    return State(
        settings=settings,
        contacts={
            contact.source: Contact(raw=True, closed=True, counted=True, stuck=contact.is_button)
            if troubles.of_contact(contact) in known
            else Contact()
            for contact in settings.contacts
        },
        pendants={p.id: Pendant(battery_low=True if p.source in low else None) for p in settings.pendants},
        troubles=known,
        doubtful=doubtful - known,
        gone=known - possible,
        alarms=progress.from_json(kept.get("alarms"), now),
        answers=commands.answers_from_json(kept.get("answers")),
        unknown=pendants.unknown_from_json(kept.get("unknown")),
        receiver_down_since=now if settings.receiver else None,
    )
