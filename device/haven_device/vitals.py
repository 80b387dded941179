"""Temperature, throttling and disk of the box. What a machine does not tell is None."""

import shutil
from pathlib import Path

_TEMPERATURE = Path("/sys/class/thermal/thermal_zone0/temp")
_THROTTLED = Path("/sys/devices/platform/soc/soc:firmware/get_throttled")
_THROTTLED_NOW = 0b1111
"""Bits 0 to 3 of `vcgencmd get_throttled`: under-voltage, capped, throttled, soft limit. 16 to 19 are the past's."""


def cpu_celsius(path: Path = _TEMPERATURE) -> float | None:
    """Temperature of the processor."""
    try:
        return round(int(path.read_text()) / 1000, 1)
    except (OSError, ValueError):
        return None


def throttled(path: Path = _THROTTLED) -> bool | None:
    """Under-voltage or heat slows the processor now. The firmware driver's file has the number in hexadecimal."""
    try:
        return bool(int(path.read_text(), 16) & _THROTTLED_NOW)
    except (OSError, ValueError):
        return None


def disk_free_mb(folder: Path) -> int | None:
    """Free space where the outbox lies."""
    try:
        return shutil.disk_usage(folder).free // 1_000_000
    except OSError:
        return None
