"""The same firmware on a laptop: mocked pins moved by lines on standard input, and a pty in place of the receiver.

Whoever writes an RFLink line into the pty presses a pendant. A bridge stands between that pty and the one that the
firmware opens, and answers the firmware's pings as a receiver does.
"""

import contextlib
import logging
import os
import pty
import selectors
import sys
import threading
import time
import tty
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from haven_device.pins import Pins

_log = logging.getLogger(__name__)

PRESS_S = 0.1
_PING = b"10;PING;"
_PONG = b"20;00;PONG;\r\n"
_CHUNK = 4096


class SimulatedReceiver:
    """A receiver at `port` (a symlink in the data folder), and `pty`, into which the world writes its telegrams."""

    def __init__(self, folder: Path, link: Path | None = None) -> None:
        self.port = folder / "receiver"
        self._world, self._world_end = _raw_pty()
        self.pty = os.ttyname(self._world_end)
        self._link = link
        self._stick: tuple[int, int] | None = None
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._ending = False
        self.answers = True
        """It answers pings, as a living receiver does."""
        self._wake, self._waker = os.pipe()
        self._thread = threading.Thread(target=self._run, name="simulated-receiver", daemon=True)

    def __enter__(self) -> Self:
        if self._link is not None:
            _symlink(self._link, self.pty)
        self._selector.register(self._world, selectors.EVENT_READ)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self.plug()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ending = True
        os.write(self._waker, b"x")
        self._thread.join(timeout=3)
        self.unplug()
        self._selector.close()
        for handle in (self._world, self._world_end, self._wake, self._waker):
            os.close(handle)
        if self._link is not None:
            self._link.unlink(missing_ok=True)

    def plug(self) -> None:
        """The stick is put in (again)."""
        with self._lock:
            if self._stick is None:
                self._stick = _raw_pty()
                _symlink(self.port, os.ttyname(self._stick[1]))
                self._selector.register(self._stick[0], selectors.EVENT_READ)
        os.write(self._waker, b"x")

    def unplug(self) -> None:
        """The stick is pulled out."""
        with self._lock:
            if self._stick is not None:
                self._selector.unregister(self._stick[0])
                for handle in self._stick:
                    os.close(handle)
                self._stick = None
                self.port.unlink(missing_ok=True)

    def _run(self) -> None:
        while not self._ending:
            for key, _ in self._selector.select():
                with self._lock, contextlib.suppress(OSError):
                    self._carry(key.fd)

    def _carry(self, handle: int) -> None:
        if handle == self._wake:
            os.read(handle, _CHUNK)
        elif handle == self._world:
            data = os.read(handle, _CHUNK)
            if self._stick is not None:
                os.write(self._stick[0], data)
        elif self._stick is not None and handle == self._stick[0]:
            asked = _PING in os.read(handle, _CHUNK)
            if asked and self.answers:
                os.write(handle, _PONG)


def obey_stdin(pins: Pins, receiver: SimulatedReceiver | None, stop: Callable[[], None]) -> threading.Thread:
    """Start a thread that carries out `press NAME`, `down NAME`, `up NAME`, `unplug`, `plug` and `quit`, one per line.

    The end of the input is no reason to quit. NAME is a button's; a sensor's source is written in full.
    """
    thread = threading.Thread(target=_obey, args=(pins, receiver, stop), name="stdin", daemon=True)
    thread.start()
    return thread


def _obey(pins: Pins, receiver: SimulatedReceiver | None, stop: Callable[[], None]) -> None:
    with contextlib.suppress(ValueError):  # standard input was closed under us
        for line in sys.stdin:
            try:
                _carry_out(line.split(), pins, receiver, stop)
            except KeyError as error:
                _log.warning("%r: no such contact: %s", line.strip(), error)


def _carry_out(words: list[str], pins: Pins, receiver: SimulatedReceiver | None, stop: Callable[[], None]) -> None:
    match words:
        case ["press", name]:
            pins.drive(_source(name), active=True)
            time.sleep(PRESS_S)
            pins.drive(_source(name), active=False)
            # Or the next press would be a bounce of this one.
            time.sleep(PRESS_S)
        case ["down" | "up" as way, name]:
            pins.drive(_source(name), active=way == "down")
        case ["unplug" | "plug" as way] if receiver is not None:
            (receiver.plug if way == "plug" else receiver.unplug)()
        case ["quit"]:
            stop()
        case []:
            pass
        case _:
            _log.warning("%r is none of: press NAME, down NAME, up NAME, unplug, plug, quit", " ".join(words))


def _source(name: str) -> str:
    return name if ":" in name else f"button:{name}"


def _raw_pty() -> tuple[int, int]:
    master, slave = pty.openpty()
    tty.setraw(slave)
    return master, slave


def _symlink(link: Path, target: str) -> None:
    link.unlink(missing_ok=True)
    link.symlink_to(target)
