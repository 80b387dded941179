"""The messages. Each encodes to bytes and decodes from bytes; decoding raises ContractError and nothing else.

Unknown fields are ignored, so that an older reader understands a newer sender.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

from haven_contract.errors import ContractError
from haven_contract.instants import read_instant, write_instant
from haven_contract.wire import VERSION, Fields, read_object, write_object
from haven_contract.words import DEVICE_SOURCE, Action, Stage

E = TypeVar("E", bound=StrEnum)

EVENT_EXPIRY_S = 7 * 24 * 3600
"""MQTT message expiry of events and states; the broker counts it down, which tells how long it held them."""

RECEIPT_EXPIRY_S = 24 * 3600
SESSION_EXPIRY = 0xFFFFFFFF
"""MQTT session expiry: never."""

SENT_PROPERTY = "sent"
"""MQTT user property on each sending of an event."""


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
        boot_id, colon, mono = text.rpartition(":")
        fields = Fields({"boot_id": boot_id, "mono_ms": int(mono) if _is_digits(mono) else None})
        if not colon:
            raise ContractError(f"{text[:80]!r} is not <boot_id>:<mono_ms>")
        return cls(fields.name("boot_id"), fields.whole("mono_ms"))


def _is_digits(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 16  # noqa: PLR2004 - 2^53 has 16 digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something happened. Immutable from the press on: a copy that waited anywhere is still true.

    Only `id` and `kind` must be readable; any other field that is missing or odd is None (or its default) and named in
    `oddities`, because an alarm is never refused for its form.
    """

    id: str
    kind: str
    source: str = DEVICE_SOURCE
    boot_id: str | None = None
    mono_ms: int | None = None
    """Monotonic clock of that boot at the press, milliseconds."""
    clock: str | None = None
    """What the box's wall clock said; a claim, see `clock_synced`."""
    clock_synced: bool = False
    seq: int | None = None
    restored: bool = False
    """The end of a trouble (a battery changed, a contact released), not its beginning."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    v: int = VERSION
    oddities: tuple[str, ...] = field(default=(), compare=False)
    """Not sent: what the decoder could not use, in words."""

    def encode(self) -> bytes:
        """At most MAX_PAYLOAD bytes; a `detail` that would not fit is cut, and says so."""
        fields = {
            "v": self.v,
            "id": self.id,
            "kind": self.kind,
            "source": self.source,
            "boot_id": self.boot_id,
            "mono_ms": self.mono_ms,
            "clock": self.clock,
            "clock_synced": self.clock_synced,
            "seq": self.seq,
            "restored": self.restored,
            "detail": dict(self.detail),
        }
        try:
            return write_object(fields)
        except ContractError as error:
            return write_object({**fields, "detail": {"cut": str(error)[:200]}})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Event of the payload; ContractError if it has no readable `v`, `id` or `kind`."""
        fields = Fields(read_object(payload))
        event = cls(
            v=fields.version(),
            id=fields.name("id"),
            kind=fields.name("kind"),
            source=fields.maybe_name("source") or DEVICE_SOURCE,
            boot_id=fields.maybe_name("boot_id"),
            mono_ms=fields.maybe_whole("mono_ms"),
            clock=fields.maybe_name("clock"),
            clock_synced=fields.maybe_flag("clock_synced") or False,
            seq=fields.maybe_whole("seq"),
            restored=fields.maybe_flag("restored") or False,
            detail=fields.maybe_table("detail") or {},
        )
        return replace(event, oddities=tuple(fields.oddities))


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How far an event has got, told to the device that sent it. The highest `rev` wins."""

    event_id: str
    rev: int
    stage: Stage
    at: datetime
    reason: str | None = None
    v: int = VERSION

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object(
            {
                "v": self.v,
                "event_id": self.event_id,
                "rev": self.rev,
                "stage": self.stage.value,
                "at": write_instant(self.at),
                "reason": self.reason,
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(
            v=fields.version(),
            event_id=fields.text("event_id"),
            rev=fields.whole("rev"),
            stage=_word(Stage, "stage", fields.name("stage")),
            at=read_instant(fields.name("at")),
            reason=fields.maybe_text("reason"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """Answer to a state or heartbeat, sent after a look at the database: this device is protected now."""

    at: datetime
    seq: int = 0
    """`seq` of the heartbeat that is answered; 0 for a state."""
    v: int = VERSION

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object({"v": self.v, "at": write_instant(self.at), "seq": self.seq})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(v=fields.version(), at=read_instant(fields.name("at")), seq=fields.whole("seq"))


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A device's condition, sent at each connection and change; `online=False` is its last will."""

    online: bool
    boot_id: str
    connection: int
    """Grows with each connection of the device's whole life; an older connection's will is ignored."""
    mono_ms: int | None = None
    firmware: str | None = None
    arming: str | None = None
    inputs: Mapping[str, str] = field(default_factory=dict)
    """Source of each input -> one of InputState."""
    v: int = VERSION

    def encode(self) -> bytes:
        """JSON payload; a last will carries neither time nor inputs, for nobody knows them then."""
        known = {
            "mono_ms": self.mono_ms,
            "firmware": self.firmware,
            "arming": self.arming,
            "inputs": dict(self.inputs) or None,
        }
        return write_object(
            {"v": self.v, "online": self.online, "boot_id": self.boot_id, "connection": self.connection}
            | {key: value for key, value in known.items() if value is not None}
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(
            v=fields.version(),
            online=fields.flag("online"),
            boot_id=fields.name("boot_id"),
            connection=fields.whole("connection"),
            mono_ms=fields.maybe_whole("mono_ms"),
            firmware=fields.maybe_name("firmware"),
            arming=fields.maybe_name("arming"),
            inputs={k: v for k, v in (fields.maybe_table("inputs") or {}).items() if isinstance(v, str)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PendantVitals:
    """Last sign of life of a pendant."""

    battery: str | None = None
    """`ok` or `low`; None where the pendant does not tell."""
    seen_s: int | None = None
    """Seconds since it was last heard; None if never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Vitals of a device, every 30 s by default."""

    boot_id: str
    mono_ms: int
    seq: int
    clock_synced: bool = False
    outbox: int = 0
    """Events that wait for the server's receipt."""
    cpu_c: float | None = None
    """Degrees Celsius."""
    throttled: bool | None = None
    """Under-voltage or heat slows the processor now."""
    disk_free_mb: int | None = None
    pendants: Mapping[str, PendantVitals] = field(default_factory=dict)
    v: int = VERSION

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object(
            {
                "v": self.v,
                "boot_id": self.boot_id,
                "mono_ms": self.mono_ms,
                "seq": self.seq,
                "clock_synced": self.clock_synced,
                "outbox": self.outbox,
                "cpu_c": self.cpu_c,
                "throttled": self.throttled,
                "disk_free_mb": self.disk_free_mb,
                "pendants": {
                    name: {"battery": pendant.battery, "seen_s": pendant.seen_s}
                    for name, pendant in self.pendants.items()
                },
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        pendants = {}
        for name, raw in (fields.maybe_table("pendants") or {}).items():
            if isinstance(raw, dict):
                inner = Fields(raw)
                pendants[name] = PendantVitals(battery=inner.maybe_name("battery"), seen_s=inner.maybe_whole("seen_s"))
        return cls(
            v=fields.version(),
            boot_id=fields.name("boot_id"),
            mono_ms=fields.whole("mono_ms"),
            seq=fields.whole("seq"),
            clock_synced=fields.maybe_flag("clock_synced") or False,
            outbox=fields.maybe_whole("outbox") or 0,
            cpu_c=fields.maybe_number("cpu_c"),
            throttled=fields.maybe_flag("throttled"),
            disk_free_mb=fields.maybe_whole("disk_free_mb"),
            pendants=pendants,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A server asks a device to do something. Void after `expires_at`."""

    id: str
    action: Action
    expires_at: datetime
    args: Mapping[str, Any] = field(default_factory=dict)
    v: int = VERSION

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object(
            {
                "v": self.v,
                "id": self.id,
                "action": self.action.value,
                "args": dict(self.args),
                "expires_at": write_instant(self.expires_at),
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(
            v=fields.version(),
            id=fields.name("id"),
            action=_word(Action, "action", fields.name("action")),
            args=fields.maybe_table("args") or {},
            expires_at=read_instant(fields.name("expires_at")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a command."""

    command_id: str
    ok: bool
    detail: str = ""
    v: int = VERSION

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object({"v": self.v, "command_id": self.command_id, "ok": self.ok, "detail": self.detail})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(
            v=fields.version(),
            command_id=fields.name("command_id"),
            ok=fields.flag("ok"),
            detail=fields.maybe_text("detail") or "",
        )


def _word(words: type[E], key: str, text: str) -> E:
    try:
        return words(text)
    except ValueError:
        raise ContractError(f"{key} is {text!r}, none of {', '.join(words)}") from None
