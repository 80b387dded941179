"""The serial radio receiver: a thread reads it, asks whether it lives, and opens it again when it was unplugged."""

import logging
import termios
import threading
from collections.abc import Callable
from time import monotonic
from types import TracebackType
from typing import Any, Self

from haven_device.clock import Clock
from haven_device.events import Input, RadioHeard, ReceiverChanged
from haven_device.radio.frames import Driver
from haven_device.settings import ReceiverSettings

_log = logging.getLogger(__name__)

_READ_S = 0.5
"""Longest wait for a byte; the thread looks at its duties between."""

_REOPEN_S = 1.0
_CHUNK = 512


class SerialReceiver:
    """As a context manager: the thread runs inside. Frames and the receiver's condition go to `put`."""

    def __init__(self, settings: ReceiverSettings, driver: Driver, clock: Clock, put: Callable[[Input], None]) -> None:
        self._settings = settings
        self._driver = driver
        self._clock = clock
        self._put = put
        self._ending = threading.Event()
        self._up: bool | None = None
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending.set()
        self._thread.join(timeout=3)

    def works(self) -> bool:
        """For the watchdog: the thread lives."""
        return self._thread.is_alive()

    def _run(self) -> None:
        while not self._ending.is_set():
            try:
                with open_port(self._settings) as port:
                    self._driver.reset()
                    self._serve(port)
            except (OSError, ValueError, termios.error) as error:  # serial.SerialException is an OSError
                self._tell(up=False, why=f"{self._settings.port}: {error}")
            self._ending.wait(_REOPEN_S)

    def _serve(self, port: Any) -> None:
        """Read until the port fails. Asked at once, so that a receiver is known to live before the first press."""
        probe = self._driver.probe()
        port.write(probe.question)
        heard = asked = monotonic()
        while not self._ending.is_set():
            data = port.read(1)
            if data:
                data += port.read(min(port.in_waiting, _CHUNK))
                before = self._driver.errors
                frames = self._driver.feed(data)
                for frame in frames:
                    self._put(RadioHeard(frame, self._clock.mono_ms()))
                if self._driver.errors > before:
                    _log.info("radio: %d unreadable lines since the start", self._driver.errors)
                if any(probe.is_answer(frame) for frame in frames):
                    heard = monotonic()
                    self._tell(up=True)
            now = monotonic()
            if now - heard > self._settings.silent_s:
                self._tell(up=False, why=f"{self._settings.port}: silent for {now - heard:.0f} s")
            if now - max(heard, asked) > self._settings.silent_s / 4:
                port.write(probe.question)
                asked = now

    def _tell(self, *, up: bool, why: str = "") -> None:
        if up != self._up:
            self._up = up
            self._put(ReceiverChanged(up, why))


def open_port(settings: ReceiverSettings) -> Any:
    """The port, opened for us alone; OSError or ValueError if it cannot be."""
    import serial  # noqa: PLC0415 - a box without a receiver does not load it

    return serial.Serial(settings.port, settings.baud, timeout=_READ_S, write_timeout=2, exclusive=True)
