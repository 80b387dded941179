"""sd_notify by hand: systemd restarts a box whose parts do not all report."""

import logging
import os
import socket
from collections.abc import Callable, Mapping
from time import monotonic

_log = logging.getLogger(__name__)


class Systemd:
    """Speaks to systemd where there is one; elsewhere it does nothing."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        path = environ.get("NOTIFY_SOCKET", "")
        self._address = "\0" + path[1:] if path.startswith("@") else path
        limit_us = environ.get("WATCHDOG_USEC", "")
        mine = environ.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
        self._pause_s = int(limit_us) / 3e6 if limit_us.isdigit() and mine else None
        self._fed = 0.0

    def ready(self) -> None:
        """The box watches its inputs."""
        self._notify("READY=1")

    def stopping(self) -> None:
        """The box ends on purpose."""
        self._notify("STOPPING=1")

    def feed(self, parts: Mapping[str, Callable[[], bool]]) -> None:
        """Feed the watchdog if every part says that it works; else name those that do not, and let systemd act."""
        now = monotonic()
        if self._pause_s is None or now - self._fed < self._pause_s:
            return
        hung = [name for name, works in parts.items() if not works()]
        self._fed = now
        if hung:
            _log.error("watchdog not fed, hanging: %s", ", ".join(hung))
            return
        self._notify("WATCHDOG=1")

    def _notify(self, text: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as unix:
                unix.sendto(text.encode(), self._address)
        except OSError as error:
            _log.warning("systemd does not listen: %s", error)
