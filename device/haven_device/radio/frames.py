"""What a receiver's driver gives, and what it must be able to do."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Auth(StrEnum):
    """How a receiver knows that a telegram is of whom it says."""

    NONE = "none"
    FIXED = "fixed"
    """A fixed code: whoever has heard it can send it."""
    COUNTER_MAC = "counter+mac"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What this radio can promise. Shown to the technician, never assumed."""

    auth: Auth
    supervision_s: int | None
    """Its pendants check in at least this often; None: their silence means nothing."""
    battery: bool
    tamper: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Anything that was understood. `raw` is what came, as text (hexadecimal for binary receivers)."""

    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PendantFrame(Frame):
    """A telegram of one pendant: each kind of news it carries is a flag of its own."""

    pendant: str
    """Lower case."""
    button: str = ""
    pressed: bool = False
    battery_low: bool | None = None
    """None: not told."""
    tamper: bool | None = None
    counter: int | None = None
    rssi: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiverFrame(Frame):
    """The receiver speaks of itself: a greeting, the answer to a probe."""


@dataclass(frozen=True, slots=True)
class Probe:
    """Bytes that make a living receiver answer, and how to know the answer."""

    question: bytes
    is_answer: Callable[[Frame], bool]


class Driver(Protocol):
    """Parser of one kind of receiver. Never raises on what it is fed; its buffer is bounded."""

    capabilities: Capabilities
    errors: int
    """Pieces of input that were no telegram, since the start."""

    def feed(self, data: bytes) -> list[Frame]:
        """Frames that are complete with these bytes."""
        ...

    def reset(self) -> None:
        """Forget a half-received telegram: the port was opened anew."""
        ...

    def probe(self) -> Probe:
        """How to ask whether the receiver lives."""
        ...
