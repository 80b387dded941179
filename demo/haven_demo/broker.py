"""A Mosquitto of our own, on the shipped configuration: for the demo and for tests."""

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from haven_provisioning import broker
from haven_provisioning.broker import BrokerSettings

START_S = 10.0
STOP_S = 5.0
LOG_SHOWN = 60
_PORTS = range(20000, 32000)
"""Below the kernel's range for outgoing connections, whose leftovers would be in the way."""


class BrokerFailedError(RuntimeError):
    """Mosquitto did not start or stop; the text ends with its log."""


def free_port(host: str = "127.0.0.1") -> int:
    """A port on which nobody listens now, below 32768."""
    for port in random.sample(_PORTS, 200):
        if _is_free(host, port):
            return port
    raise BrokerFailedError("no free port found between 20000 and 32000")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


class Mosquitto:
    """A broker with the certificates of an installation (its folder `broker/`), its files in a folder of its own.

    A context manager: started and accepting inside, gone after. It ends with the thread that started it, however that
    ends, so start it from one that stays. Ports and data stay the same over `kill` and `start`.
    """

    def __init__(
        self,
        certificates: Path,
        folder: Path,
        *,
        outer_port: int | None = None,
        inner_port: int | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        self.host = host
        self.outer_port = outer_port or free_port(host)
        self.inner_port = inner_port or free_port(host)
        self.settings = BrokerSettings(
            folder=folder.resolve(),
            certificates=certificates.resolve(),
            outer_port=self.outer_port,
            outer_host=host,
            inner_port=self.inner_port,
            inner_host=host,
            user=broker.own_user(),
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        broker.write_config(self.settings)
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if error is not None:
            error.add_note(f"Mosquitto's log:\n{self.log()}")

    @property
    def pid(self) -> int:
        """Process id; BrokerFailedError if it does not run."""
        return self._running().pid

    def start(self) -> None:
        """Start, and wait until both listeners accept."""
        if self._process is not None:
            raise BrokerFailedError("Mosquitto runs already")
        for port in (self.outer_port, self.inner_port):
            if not _is_free(self.host, port):
                # Found out now, or else the stranger there would be taken for our broker accepting.
                raise BrokerFailedError(f"port {port} is taken by another program")
        self._process = subprocess.Popen(
            _command(self.settings.config_file),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C in a terminal is for the demo, which then ends its broker in order
        )
        try:
            self._wait_until_it_accepts()
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """End in order, with everything saved; does nothing if it does not run."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BrokerFailedError(f"Mosquitto did not end in {STOP_S} s\n{self.log()}") from None
        self._process = None

    def kill(self) -> None:
        """End as a power cut would, with kill -9; does nothing if it does not run."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def restart(self) -> None:
        """End in order and start again."""
        self.stop()
        self.start()

    def reload(self) -> None:
        """Make it read its revocation list again."""
        broker.reload(self.settings.pid_file)

    def log(self, lines: int = LOG_SHOWN) -> str:
        """Last lines of its log."""
        try:
            text = self.settings.log_file.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return "(no log)"
        return "\n".join(text.splitlines()[-lines:])

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise BrokerFailedError(f"Mosquitto does not run\n{self.log()}")
        return self._process

    def _wait_until_it_accepts(self) -> None:
        give_up_at = time.monotonic() + START_S
        for port in (self.outer_port, self.inner_port):
            while not self._accepts(port):
                self._running()
                if time.monotonic() > give_up_at:
                    raise BrokerFailedError(f"Mosquitto does not accept on port {port}\n{self.log()}")
                time.sleep(0.02)

    def _accepts(self, port: int) -> bool:
        try:
            with socket.create_connection((self.host, port), timeout=1.0):
                return True
        except OSError:
            return False


def _command(config: Path) -> Sequence[str]:
    """`setpriv` (util-linux, always there on Debian) has the kernel end the broker when its parent ends."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    if found is None:
        raise BrokerFailedError("mosquitto is not installed: apt-get install mosquitto")
    return ["setpriv", "--pdeathsig", "TERM", "--", found, "-c", str(config)]
