"""Time: the monotonic clock that everything is reckoned by, and the wall clock with what it is worth."""

import ctypes
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

EARLIEST = datetime(2025, 1, 1, tzinfo=UTC)
"""This firmware is younger: a wall clock before it is wrong, whatever it says of itself."""

_TIMESYNCD = Path("/run/systemd/timesync/synchronized")
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5
"""adjtimex(2) returns this for a clock that nobody synchronises."""

_LOOK_AGAIN_S = 5.0


class Clock(Protocol):
    """What the firmware asks of time."""

    boot_id: str
    """Of the kernel's boot: a restart of the process keeps it, and the monotonic clock with it."""

    def mono_ms(self) -> int:
        """Milliseconds since the boot, sleep included."""
        ...

    def utc(self) -> datetime:
        """Wall clock."""
        ...

    def synced(self) -> bool:
        """The wall clock is set by the network and plausible."""
        ...


class SystemClock:
    """The machine's clocks."""

    def __init__(self) -> None:
        self.boot_id = _BOOT_ID.read_text().strip()
        self._looked: tuple[float, bool] | None = None

    def mono_ms(self) -> int:
        """CLOCK_BOOTTIME: not the wall clock's, and it runs on in sleep."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000_000

    def utc(self) -> datetime:
        """Wall clock."""
        return datetime.now(UTC)

    def synced(self) -> bool:
        """Asked of the system at most every few seconds."""
        now = time.monotonic()
        if self._looked is None or now - self._looked[0] > _LOOK_AGAIN_S:
            self._looked = now, _TIMESYNCD.exists() or _kernel_says_synced()
        return self._looked[1] and self.utc() >= EARLIEST


class SimulatedClock(SystemClock):
    """The machine's clocks, moved as the environment says, so that tests can play a reboot on one machine.

    HAVEN_SIM_BOOT_ID replaces the boot's id. HAVEN_SIM_MONO_OFFSET_MS is added to the monotonic clock; an offset that
    would take it below 0 makes it start at 0. HAVEN_SIM_CLOCK_SYNCED (0 or 1) replaces what the system says.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__()
        self.boot_id = environ.get("HAVEN_SIM_BOOT_ID") or self.boot_id
        offset_ms = int(environ.get("HAVEN_SIM_MONO_OFFSET_MS") or 0)
        self._offset_ms = max(offset_ms, -super().mono_ms())
        self._says_synced = environ.get("HAVEN_SIM_CLOCK_SYNCED")

    def mono_ms(self) -> int:
        """CLOCK_BOOTTIME and the offset."""
        return super().mono_ms() + self._offset_ms

    def synced(self) -> bool:
        """As told, but never for a time before this firmware's."""
        if not self._says_synced:
            return super().synced()
        return self._says_synced == "1" and self.utc() >= EARLIEST


def _kernel_says_synced() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    # struct timex has 208 bytes on 64-bit Linux and less on 32-bit; modes = 0 at its start only reads.
    answer: int = libc.adjtimex(ctypes.create_string_buffer(512))
    return answer not in {-1, _TIME_ERROR}
