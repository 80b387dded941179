"""What may be wrong with the box until it is restored, each by source, kind and fault. Pure.

Whatever is opened at the servers must be restored there under the same three words, whatever happens to this process
or to its disk between. Open troubles are therefore kept over a restart; and where the memory of them is lost, each
that may be open is doubtful, and the first sign that it is over is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from haven_contract.words import DEVICE_SOURCE, Kind
from haven_device.settings import ContactSettings, Settings

RECEIVER = "receiver"
STUCK = "stuck"
PIN = "pin"
STORE = "store"
STORE_REPLACED = "store_replaced"
OUTBOX_FULL = "outbox_full"

_CALLS_FOR_HELP = frozenset({Kind.HOLDUP, Kind.DURESS, Kind.PANIC, Kind.MEDICAL})


@dataclass(frozen=True, slots=True, order=True)
class Trouble:
    """Something that is wrong until it is restored."""

    source: str
    kind: str
    fault: str = ""

    @property
    def has_restoral(self) -> bool:
        """Its end is an event. A call for help ends at the servers, where a restored one would ring as another."""
        return self.kind not in _CALLS_FOR_HELP


def of_contact(contact: ContactSettings) -> Trouble:
    """What is wrong while the contact stays closed."""
    if contact.is_button:
        return Trouble(contact.source, Kind.DEVICE_FAULT, STUCK)
    return Trouble(contact.source, contact.kind)


def of_pin(source: str) -> Trouble:
    """The pin of a contact, or of the light (`device`), cannot be had."""
    return Trouble(source, Kind.DEVICE_FAULT, PIN)


RECEIVER_LOST = Trouble(DEVICE_SOURCE, Kind.RECEIVER_LOST, RECEIVER)


def possible(settings: Settings) -> frozenset[Trouble]:
    """All that a box of this configuration can have."""
    of_the_box = (STORE, STORE_REPLACED, OUTBOX_FULL, PIN)
    found = {Trouble(DEVICE_SOURCE, Kind.DEVICE_FAULT, fault) for fault in of_the_box}
    if settings.receiver:
        found.add(RECEIVER_LOST)
    for contact in settings.contacts:
        found |= {of_contact(contact), of_pin(contact.source)}
    for pendant in settings.pendants:
        found |= {Trouble(pendant.source, Kind.BATTERY_LOW), Trouble(pendant.source, Kind.TAMPER)}
    return frozenset(found)


def to_json(troubles: Iterable[Trouble]) -> list[list[str]]:
    """To keep over a restart."""
    return sorted([trouble.source, trouble.kind, trouble.fault] for trouble in troubles)


def from_json(raw: Any) -> frozenset[Trouble]:
    """Reverse of `to_json`; what cannot be read is left out."""
    found = set()
    for row in raw if isinstance(raw, list) else []:
        match row:
            case [str(source), str(kind), str(fault)]:
                found.add(Trouble(source, kind, fault))
    return frozenset(found)
