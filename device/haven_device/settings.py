"""What the configuration says, as values. `config.py` reads them from the file."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Self


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port of a broker."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """How the box reaches dispatch. Times in seconds."""

    brokers: tuple[Address, ...]
    ca: Path
    certificate: Path
    key: Path
    keepalive_s: int = 15
    receipt_within_s: float = 10.0
    """No receipt for so long: the next broker."""
    resend_after_s: float = 2.0
    """No receipt for so long: the same event again, then with growing pauses."""
    resend_alarm_cap_s: float = 15.0
    resend_cap_s: float = 60.0
    reconnect_cap_s: float = 60.0
    """A city's boxes that lost one broker spread their return over this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactSettings:
    """A wired contact. Times in milliseconds."""

    source: str
    """`button:<name>` or `sensor:<name>`."""
    pin: int
    kind: str
    active_low: bool = True
    """Closed to ground is active; False: open is active, like a lid's contact or a loop that may be cut."""
    hold_ms: int = 0
    """0: every contact counts. Else: held for so long, or two short ones within 5 s."""
    debounce_ms: int = 20
    """Less than half of the shortest press that must count (50 ms)."""
    stuck_ms: int = 30_000

    @property
    def is_button(self) -> bool:
        """A press is momentary; a sensor's contact is a trouble until it is restored."""
        return self.source.startswith("button:")


@dataclass(frozen=True, slots=True, kw_only=True)
class PendantSettings:
    """A wireless button that may raise an alarm."""

    id: str
    """Lower case, as the receiver's driver gives it."""
    kind: str
    label: str = ""

    @property
    def source(self) -> str:
        """Source of its events."""
        return f"pendant:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverSettings:
    """Serial radio receiver. Times in seconds."""

    driver: str
    port: str
    baud: int = 57_600
    silent_s: float = 60.0
    """A receiver that answers nothing for so long is taken for dead."""
    lost_after_s: float = 10.0
    """Unplugged for so long is reported; a shorter gap is only logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IndicatorSettings:
    """Light and buzzer of the clerk."""

    led_pin: int | None = None
    led_active_high: bool = True
    buzzer_pin: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tunable:
    """What a server may change by the command `configure`."""

    heartbeat_s: int = 30
    reporting_s: int = 90
    """No `alive` for so long: not protected. EN 50136 DP4."""
    dim_after_s: int = 180
    hold_ms: Mapping[str, int] = field(default_factory=dict)
    """Hold time of single buttons by source, where it differs from the file's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The whole configuration."""

    device_id: str
    data_dir: Path
    link: LinkSettings
    contacts: tuple[ContactSettings, ...] = ()
    pendants: tuple[PendantSettings, ...] = ()
    receiver: ReceiverSettings | None = None
    indicator: IndicatorSettings = field(default_factory=IndicatorSettings)
    tunable: Tunable = field(default_factory=Tunable)
    outbox_limit: int = 2000

    def with_tunable(self, tunable: Tunable) -> Self:
        """Copy with other tunable values, which are also laid over the contacts."""
        contacts = tuple(
            replace(contact, hold_ms=tunable.hold_ms.get(contact.source, contact.hold_ms)) for contact in self.contacts
        )
        return replace(self, tunable=tunable, contacts=contacts)
