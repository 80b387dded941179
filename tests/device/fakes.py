"""Stand-ins at the seams: a clock that the test moves, a wire that takes everything, a light that is only looked at."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from haven_contract.messages import Sent, State
from haven_contract.topics import Up
from haven_device.clock import EARLIEST
from haven_device.settings import Address

START = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class FakeClock:
    """Monotonic and wall time that stand still until moved."""

    def __init__(
        self, now: int = 10_000, boot_id: str = "boot-1", *, is_synced: bool = True, wall: datetime = START
    ) -> None:
        self.now = now
        self.boot_id = boot_id
        self.wall = wall
        self.is_synced = is_synced

    def mono_ms(self) -> int:
        return self.now

    def utc(self) -> datetime:
        return self.wall

    def synced(self) -> bool:
        return self.is_synced

    def forward(self, seconds: float) -> int:
        self.now += round(seconds * 1000)
        self.wall += timedelta(seconds=seconds)
        return self.now


class FakeTrace:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []

    def tell(self, what: str, **facts: Any) -> None:
        self.told.append({"what": what, **facts})

    def of(self, what: str) -> list[dict[str, Any]]:
        return [line for line in self.told if line["what"] == what]


@dataclass
class Posted:
    """A message that was handed to the wire."""

    what: Up
    payload: bytes
    qos: int
    expiry_s: int | None
    sent: Sent | None


@dataclass
class FakeWire:
    """Connects when told to; `takes` says whether it takes messages."""

    takes: bool = True
    dead: bool = False
    generation: int = 0
    attempts: list[tuple[Address, State, bool]] = field(default_factory=list)
    posted: list[Posted] = field(default_factory=list)
    hung_up: list[bool] = field(default_factory=list)
    """With or without the last will."""

    def connect(self, address: Address, will: State, *, check_time: bool, floor: datetime) -> int:
        assert floor >= EARLIEST
        self.generation += 1
        self.dead = False
        self.attempts.append((address, will, check_time))
        return self.generation

    def publish(
        self, what: Up, payload: bytes, *, qos: int, expiry_s: int | None = None, sent: Sent | None = None
    ) -> int | None:
        if not self.takes:
            return None
        self.posted.append(Posted(what, payload, qos, expiry_s, sent))
        return len(self.posted)

    def hang_up(self, *, will: bool = False) -> None:
        self.hung_up.append(will)
        self.dead = False

    def is_dead(self) -> bool:
        return self.dead

    def of(self, what: Up) -> list[Posted]:
        return [one for one in self.posted if one.what is what]


class FakePins:
    """Contacts whose levels the test sets, and a light that remembers."""

    def __init__(self, **levels: bool) -> None:
        self.now: dict[str, bool] = {"button:counter": False, **levels}
        self.shone: list[float] = []
        self.sounded: list[bool] = []

    def levels(self) -> dict[str, bool]:
        return dict(self.now)

    def shine(self, level: float) -> None:
        self.shone.append(level)

    def sound(self, on: bool) -> None:
        self.sounded.append(on)
