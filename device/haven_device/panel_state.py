"""What the panel knows, and what of it outlives a restart of the process. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from haven_contract.messages import Reply
from haven_contract.words import DEVICE_SOURCE, Kind
from haven_device import commands, pendants, progress
from haven_device.contacts import Contact
from haven_device.pendants import Pendant
from haven_device.progress import Alarms
from haven_device.settings import Settings

RECEIVER = "receiver"
STUCK = "stuck"
PIN = "pin"


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """Something that is wrong until it is restored. Known over a restart, so that it is reported once."""

    source: str
    kind: str
    fault: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """All that the panel knows."""

    settings: Settings
    contacts: Mapping[str, Contact]
    pendants: Mapping[str, Pendant]
    troubles: frozenset[Trouble] = frozenset()
    alarms: Alarms = ()
    answers: tuple[Reply, ...] = ()
    """Of the last commands: one that comes again is answered again, and not done twice."""
    unknown: Mapping[str, int] = field(default_factory=dict)
    """Pendants that are not configured, and how often they were heard."""
    receiver_down_since: int | None = None
    alive_at: int | None = None
    identify_until: int = 0


def start(settings: Settings, kept: Mapping[str, Any], now: int) -> State:
    """State at the start of the process. `kept` has the values of earlier `Keep` effects.

    A contact whose trouble is already reported starts closed: a stuck button is no new hold-up at each restart.
    """
    troubles = frozenset(Trouble(*row) for row in _rows(kept.get("troubles")))
    known = {
        contact.source: Contact(raw=True, closed=True, counted=True, stuck=contact.is_button)
        if any(trouble.source == contact.source and trouble.fault != PIN for trouble in troubles)
        else Contact()
        for contact in settings.contacts
    }
    low = {trouble.source for trouble in troubles if trouble.kind == Kind.BATTERY_LOW}
    return State(
        settings=settings,
        contacts=known,
        pendants={p.id: Pendant(battery_low=True if p.source in low else None) for p in settings.pendants},
        troubles=troubles & _possible(settings),
        alarms=progress.from_json(kept.get("alarms"), now),
        answers=commands.answers_from_json(kept.get("answers")),
        unknown=pendants.unknown_from_json(kept.get("unknown")),
        receiver_down_since=now if settings.receiver else None,
    )


def _possible(settings: Settings) -> frozenset[Trouble]:
    """Troubles whose restoral can still come: those of inputs that a new configuration has left out are forgotten."""
    troubles = {Trouble(DEVICE_SOURCE, Kind.DEVICE_FAULT, fault) for fault in ("store", "outbox_full", PIN)}
    if settings.receiver:
        troubles.add(Trouble(DEVICE_SOURCE, Kind.RECEIVER_LOST, RECEIVER))
    for contact in settings.contacts:
        stuck = Trouble(contact.source, Kind.DEVICE_FAULT, STUCK)
        troubles.add(stuck if contact.is_button else Trouble(contact.source, contact.kind))
        troubles.add(Trouble(contact.source, Kind.DEVICE_FAULT, PIN))
    for pendant in settings.pendants:
        troubles |= {Trouble(pendant.source, Kind.BATTERY_LOW), Trouble(pendant.source, Kind.TAMPER)}
    return frozenset(troubles)


def _rows(raw: Any) -> list[tuple[str, str, str]]:
    found = []
    for row in raw if isinstance(raw, list) else []:
        match row:
            case [str(source), str(kind), str(fault)]:
                found.append((source, kind, fault))
    return found
