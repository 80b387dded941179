"""The event: something happened at a device."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Annotated, Any, Self

from haven_contract.errors import ContractError
from haven_contract.wire import (
    MAX_NAME,
    MAX_PAYLOAD,
    VERSION,
    Fields,
    Name,
    Version,
    Whole,
    check_tree,
    clean,
    read_object,
    write_object,
)
from haven_contract.words import DEVICE_SOURCE, UNREADABLE_SOURCE, Kind

EVENT_EXPIRY_S = 7 * 24 * 3600
"""MQTT message expiry of events and states; the broker counts it down, which tells how long it held them."""

SENT_PROPERTY = "sent"
"""MQTT user property on each sending of an event."""

NOT_SENT = {"sent": False}
"""Metadata of a field that is no part of the message."""

_NOTE_BYTES = 512
"""Room for the entry that says what was cut: 200 ASCII characters, each escaped at worst, and its key."""


@dataclass(frozen=True, slots=True)
class Sent:
    """When a device sent a message, on its own monotonic clock: `<boot_id>:<mono_ms>`."""

    boot_id: str
    mono_ms: int

    def encode(self) -> str:
        """Value of the MQTT user property `sent`."""
        return f"{self.boot_id}:{self.mono_ms}"

    @classmethod
    def decode(cls, text: str) -> Self:
        """Reverse of `encode`; ContractError for anything else."""
        boot_id, _, mono = text.rpartition(":")
        read = Fields({"boot_id": boot_id, "mono_ms": int(mono) if _is_digits(mono) else mono})
        return cls(read.name("boot_id"), read.whole("mono_ms"))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16  # noqa: PLR2004 - 2^53 has 16 digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened. Immutable from the press on: a copy that waited anywhere is still true.

    Only `v`, `id` and `kind` must be readable; any other field that is missing or odd is None (or its default) and
    named in `oddities`, because an alarm is never refused for its form.
    """

    id: Name
    """A new UUID for each event; the same at each sending of it."""
    kind: Annotated[Name, Kind]
    """What happened. Any other word is kept, and rings as an alarm of unknown kind."""
    source: Name = DEVICE_SOURCE
    """`button:<name>`, `pendant:<id>`, `sensor:<name>`, or `device` for what the box itself reports."""
    boot_id: Name | None = None
    """The boot during which it happened; another one after each start of the box."""
    mono_ms: Whole | None = None
    """Monotonic clock of that boot at the press, milliseconds."""
    clock: Name | None = None
    """What the box's wall clock said; a claim, see `clock_synced`."""
    clock_synced: bool = False
    """Whether the wall clock was synchronised at the press."""
    seq: Whole | None = None
    """Counts the events of the box."""
    restored: bool = False
    """The end of a trouble (a battery changed, a contact released), not its beginning."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else is known. An entry `cut` says that some of it did not fit or could not be sent."""
    v: Version = VERSION
    """Version of the contract."""
    oddities: tuple[str, ...] = field(default=(), compare=False, metadata=NOT_SENT)
    """Not sent: what the decoder could not use, in words."""

    def encode(self) -> bytes:
        """Payload that decodes to itself without oddities, whatever `detail` holds; at most MAX_PAYLOAD bytes.

        What no reader could take is left out: odd fields become null, and `detail` is cut and says so. Only an
        `id`, `kind` or `v` that cannot be read raises ContractError.
        """
        raw = {each.name: getattr(self, each.name) for each in fields(self) if each.metadata != NOT_SENT}
        read = self._read(Fields(raw | {"source": clean(self.source, MAX_NAME), "detail": None}))
        known: dict[str, Any] = {
            "v": read.v,
            "id": read.id,
            "kind": read.kind,
            "source": read.source,
            "boot_id": read.boot_id,
            "mono_ms": read.mono_ms,
            "clock": read.clock,
            "clock_synced": read.clock_synced,
            "seq": read.seq,
            "restored": read.restored,
            "detail": {},
        }
        return write_object(known | {"detail": _fit(self.detail, MAX_PAYLOAD - len(write_object(known)) + len("{}"))})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Event of the payload; ContractError if it has no readable `v`, `id` or `kind`."""
        return cls._read(Fields(read_object(payload)))

    @classmethod
    def _read(cls, read: Fields) -> Self:
        event = cls(
            v=read.version(),
            id=read.name("id"),
            kind=read.name("kind"),
            source=_source(read),
            boot_id=read.maybe_name("boot_id"),
            mono_ms=read.maybe_whole("mono_ms"),
            clock=read.maybe_name("clock"),
            clock_synced=read.maybe_flag("clock_synced") or False,
            seq=read.maybe_whole("seq"),
            restored=read.maybe_flag("restored") or False,
            detail=read.maybe_table("detail") or {},
        )
        return replace(event, oddities=tuple(read.oddities))


def _source(read: Fields) -> str:
    """An input that cannot be read is still an input: only an event without any source is the box's own."""
    known = len(read.oddities)
    source = read.maybe_name("source")
    if source is not None:
        return source
    return DEVICE_SOURCE if len(read.oddities) == known else UNREADABLE_SOURCE


def _fit(detail: Mapping[str, Any], room: int) -> dict[str, Any]:
    """The detail as JSON would give it back, in at most `room` bytes.

    Entries that cannot be sent or no longer fit are left out, and `cut` says how many of how many, and why the first.
    """
    try:
        return _sendable(detail, room)
    except ContractError as error:
        reason = str(error)
    kept: dict[str, Any] = {}
    left_out = 0
    free = room - _NOTE_BYTES
    for key, value in detail.items():
        try:
            entry = _sendable({key: value}, free)
        except ContractError as error:
            reason = str(error) if left_out == 0 else reason
            left_out += 1
        else:
            free -= len(write_object(entry)) - 1  # two braces, but only one comma
            kept.update(entry)
    kept["cut"] = ascii(f"{left_out} of {len(detail)} entries left out: {reason}")[1:-1][:200]
    return kept


def _sendable(detail: Mapping[str, Any], room: int) -> dict[str, Any]:
    payload = write_object(dict(detail))
    if len(payload) > room:
        raise ContractError(f"does not fit: {len(payload)} bytes where {room} are left")
    plain: dict[str, Any] = json.loads(payload)
    check_tree("detail", plain)
    return plain
