"""Plays the pattern that the panel asks for on the light."""

from collections.abc import Callable

from haven_device.panel import Shown
from haven_device.patterns import LOOKS, Pattern, level_at
from haven_device.pins import Light


class Indicator:
    """Owns the light. Times are monotonic ms."""

    def __init__(self, light: Light, on_change: Callable[[Shown], None]) -> None:
        self._light = light
        self._on_change = on_change
        self._shown: Shown | None = None
        self._since = 0
        self._level: float | None = None
        self._beep_until: int | None = None

    def show(self, shown: Shown, now: int) -> int:
        """Bring the light to what it should be now; gives the time of its next change."""
        if shown != self._shown:
            if self._shown is None or shown.pattern is not self._shown.pattern:
                self._since = now
                self._beep(LOOKS[shown.pattern].beep_ms, now)
            self._shown = shown
            self._on_change(shown)
        level, lasts = level_at(shown.pattern, now - self._since, dimmed=shown.dimmed)
        if level != self._level:
            self._level = level
            self._light.shine(level)
        if self._beep_until is not None and now >= self._beep_until:
            self._beep(0, now)
        return now + lasts

    def out(self) -> None:
        """The firmware ends: dark, because nobody is protected by a box that does not run."""
        self._light.shine(0.0)
        self._light.sound(on=False)
        self._on_change(Shown(Pattern.DARK))

    def _beep(self, for_ms: int, now: int) -> None:
        self._beep_until = now + for_ms if for_ms else None
        self._light.sound(on=for_ms > 0)
