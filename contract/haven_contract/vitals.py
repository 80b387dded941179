"""How a device is: its state at each connection and change, its heartbeat in between."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Self

from haven_contract.wire import VERSION, Fields, Name, Number, Version, Whole, is_name, read_object, write_object
from haven_contract.words import InputState


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A device's condition, sent at each connection and change; `online=False` is its last will."""

    online: bool
    """False only in the last will, which the broker sends when the connection is lost."""
    boot_id: Name
    """Boot of the sender, as in its events."""
    connection: Whole
    """Grows with each connection of the device's whole life; an older connection's will is ignored."""
    mono_ms: Whole | None = None
    """Monotonic clock of that boot now, milliseconds; absent from a last will."""
    firmware: Name | None = None
    """Version of the firmware."""
    arming: Name | None = None
    """`disarmed`, as long as nothing can be armed."""
    inputs: Mapping[Name, Annotated[Name, InputState]] = field(default_factory=dict)
    """Source of each input, as in events, and how it is."""
    v: Version = VERSION
    """Version of the contract."""

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
            inputs={k: v for k, v in (fields.maybe_table("inputs") or {}).items() if is_name(k) and is_name(v)},
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PendantVitals:
    """Last sign of life of a pendant."""

    battery: Name | None = None
    """`ok` or `low`; null where the pendant does not tell."""
    seen_s: Whole | None = None
    """Seconds since it was last heard; null if never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """Vitals of a device, every 30 s by default."""

    boot_id: Name
    """Boot of the sender, as in its events."""
    mono_ms: Whole
    """Monotonic clock of that boot now, milliseconds."""
    seq: Whole
    """Counts the heartbeats of this boot, from 1; `alive` gives it back."""
    clock_synced: bool = False
    """Whether the wall clock is synchronised."""
    outbox: Whole = 0
    """Events that wait for the server's receipt."""
    cpu_c: Number | None = None
    """Processor's temperature, degrees Celsius."""
    throttled: bool | None = None
    """Under-voltage or heat slows the processor now."""
    disk_free_mb: Whole | None = None
    """Free space where the outbox lies, megabytes."""
    pendants: Mapping[Name, PendantVitals] = field(default_factory=dict)
    """Each configured pendant by its id."""
    v: Version = VERSION
    """Version of the contract."""

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
            if is_name(name) and isinstance(raw, dict):
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
