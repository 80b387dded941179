"""What the clerk's light says: one table, printed in docs/device/README.md and read by docs/clerk.md.

A pattern is a cycle of steps (brightness 0 to 1, milliseconds). They differ by counting, not by colour or speed, so
that a frightened person reads them at a glance; and nothing makes a sound unless the configuration has a buzzer.
"""

from dataclasses import dataclass
from enum import StrEnum

DIMMED = 0.25
"""Brightness after the first minutes: enough for who looks, nothing to see for who does not."""

_BREATH = tuple((level, 200) for level in (0.02, 0.03, 0.05, 0.07, 0.09, 0.11, 0.13, 0.14, 0.15, 0.15))


class Pattern(StrEnum):
    """Names of the patterns."""

    SENDING = "sending"
    RECEIVED = "received"
    ALERTED = "alerted"
    ACKNOWLEDGED = "acknowledged"
    DISPATCHED = "dispatched"
    ARRIVED = "arrived"
    CLOSED = "closed"
    IDENTIFY = "identify"
    FAULT = "fault"
    BATTERY_LOW = "battery_low"
    PROTECTED = "protected"
    DARK = "dark"


@dataclass(frozen=True, slots=True)
class Look:
    """How a pattern looks, in steps and in words; `beep_ms` sounds once at its beginning, where there is a buzzer."""

    steps: tuple[tuple[float, int], ...]
    words: str
    meaning: str
    beep_ms: int = 0


def _blinks(count: int, pause_ms: int, on_ms: int = 150, off_ms: int = 250) -> tuple[tuple[float, int], ...]:
    return ((1.0, on_ms), (0.0, off_ms)) * (count - 1) + ((1.0, on_ms), (0.0, pause_ms))


LOOKS: dict[Pattern, Look] = {
    Pattern.SENDING: Look(_blinks(1, 100, 100), "fast flicker", "Your press is being sent."),
    Pattern.RECEIVED: Look(_blinks(1, 1850), "one blink, pause", "Dispatch has it.", beep_ms=60),
    Pattern.ALERTED: Look(_blinks(2, 1600), "two blinks, pause", "The police desk has it."),
    Pattern.ACKNOWLEDGED: Look(_blinks(3, 1600), "three blinks, pause", "A person has seen it."),
    Pattern.DISPATCHED: Look(((1.0, 1000),), "steady light", "Help is coming."),
    Pattern.ARRIVED: Look(((1.0, 1800), (0.0, 200)), "steady with short gaps", "Help is there."),
    Pattern.CLOSED: Look(((1.0, 2000), (0.0, 2000)), "long light, long pause, for a minute", "It is over."),
    Pattern.IDENTIFY: Look(
        ((1.0, 600), (0.3, 600)), "bright and half bright in turn", "A technician looks for this box.", beep_ms=200
    ),
    Pattern.FAULT: Look(
        _blinks(4, 4000), "four blinks, long pause", "Something is broken; alarms still go out. Call service."
    ),
    Pattern.BATTERY_LOW: Look(
        ((0.5, 100), (0.0, 8000)), "a short flash every 8 seconds", "A pendant's battery is low. Call service."
    ),
    Pattern.PROTECTED: Look(_BREATH + _BREATH[::-1], "faint slow breathing", "All is well: a press reaches dispatch."),
    Pattern.DARK: Look(((0.0, 1000),), "dark", "Not protected. Use the telephone: 112. Call service."),
}


def level_at(pattern: Pattern, elapsed_ms: int, *, dimmed: bool) -> tuple[float, int]:
    """Brightness `elapsed_ms` after the pattern's begin, and for how many more ms it stays."""
    steps = LOOKS[pattern].steps
    rest = elapsed_ms % sum(duration for _, duration in steps)
    for level, duration in steps:
        if rest < duration:
            return (level * DIMMED if dimmed else level), duration - rest
        rest -= duration
    raise AssertionError("unreachable: the rest is shorter than the cycle")
