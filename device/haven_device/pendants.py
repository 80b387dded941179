"""Wireless pendants: which telegrams are one press, and what is known of each. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from haven_contract.messages import PendantVitals
from haven_device.radio.frames import PendantFrame

SAME_PRESS_MS = 2000
"""A pendant repeats its telegram while it is held; a pause longer than this makes it another press."""

UNKNOWN_LIMIT = 32
"""Foreign pendants that are counted one by one: a street may have many."""


@dataclass(frozen=True, slots=True)
class Pendant:
    """What is known of one; times are monotonic ms, None if never."""

    pressed_at: int | None = None
    """Last telegram of a press."""
    seen_at: int | None = None
    battery_low: bool | None = None


def hear(pendant: Pendant, frame: PendantFrame, at: int) -> tuple[Pendant, bool]:
    """State after a telegram, and whether it begins a press."""
    fresh = frame.pressed and (pendant.pressed_at is None or at - pendant.pressed_at > SAME_PRESS_MS)
    heard = replace(
        pendant,
        seen_at=at,
        pressed_at=at if frame.pressed else pendant.pressed_at,
        battery_low=pendant.battery_low if frame.battery_low is None else frame.battery_low,
    )
    return heard, fresh


def vitals(pendant: Pendant, now: int) -> PendantVitals:
    """For the heartbeat."""
    battery = None if pendant.battery_low is None else "low" if pendant.battery_low else "ok"
    return PendantVitals(
        battery=battery, seen_s=None if pendant.seen_at is None else max(0, now - pendant.seen_at) // 1000
    )


def count_unknown(counts: Mapping[str, int], pendant: str) -> Mapping[str, int]:
    """Counts with one more; where there are too many already, new ones are not taken up."""
    if pendant not in counts and len(counts) >= UNKNOWN_LIMIT:
        return counts
    return {**counts, pendant: counts.get(pendant, 0) + 1}


def unknown_from_json(raw: Any) -> dict[str, int]:
    """Kept counts; what cannot be read is left out."""
    rows = raw.items() if isinstance(raw, dict) else ()
    return {name: count for name, count in rows if isinstance(count, int)}
