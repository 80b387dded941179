"""A box and a dispatch server on this machine: real firmware, and real TLS at both ends of the shipped broker."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self, TypeVar

from paho.mqtt.client import Client, MQTTMessage

from haven_contract.messages import Alive, Receipt
from haven_contract.topics import Down, Up, all_up, down, parse_up
from haven_contract.words import Stage
from mosquitto import Mosquitto, Peer
from pki import Pki

DEVICE = "store-0001"
T = TypeVar("T")


def until(look: Callable[[], T | None], timeout_s: float = 10, what: str = "it") -> T:
    """First true value of `look`; fails after the timeout."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {timeout_s} s")


@dataclass(frozen=True)
class Heard:
    """A message of a device, as the dispatch server got it."""

    what: Up
    fields: dict[str, Any]
    payload: bytes
    sent: str | None
    expiry_s: int | None


@dataclass
class Dispatch:
    """A dispatch server: answers events with receipts and vitals with `alive`, unless told otherwise."""

    broker: Mosquitto
    pki: Pki
    device: str = DEVICE
    stages: tuple[Stage, ...] = (Stage.RECEIVED, Stage.ALERTED)
    """Sent for each event, one `rev` each; none keeps the server silent."""
    alive: bool = True
    heard: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._peer = Peer.server(self.broker, self.pki, f"dispatch-{id(self)}")
        self._peer.client.on_message = self._on_message
        self._peer.__enter__()
        self._peer.subscribe(*(all_up(what) for what in Up))
        return self

    def __exit__(self, *_: object) -> None:
        self._peer.__exit__(None, None, None)

    def send(self, what: Down, payload: bytes) -> None:
        """To the device. Not Peer.publish, which waits: this is called from the network thread as well."""
        self._peer.client.publish(down(self.device, what), payload, qos=1)

    def receipt(self, event_id: str, rev: int, stage: Stage) -> None:
        """How far an event has got."""
        self.send(
            Down.RECEIPT, Receipt(event_id=event_id, rev=rev, stage=stage, at=datetime.now(UTC), reason=None).encode()
        )

    def got(self, what: Up, **match: Any) -> list[Heard]:
        """Messages of a kind whose fields are these."""
        return [
            heard
            for heard in list(self.heard)
            if heard.what is what and all(heard.fields.get(key) == value for key, value in match.items())
        ]

    def wait(self, what: Up, *, count: int = 1, timeout_s: float = 10, **match: Any) -> list[Heard]:
        """The same, once there are so many."""

        def look() -> list[Heard] | None:
            found = self.got(what, **match)
            return found if len(found) >= count else None

        return until(look, timeout_s, f"{count} {what} with {match}, among {[h.fields for h in self.heard]}")

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        _, what = parse_up(message.topic)
        fields = json.loads(message.payload)
        properties = message.properties
        users = dict(getattr(properties, "UserProperty", []))
        expiry = getattr(properties, "MessageExpiryInterval", None)
        self.heard.append(Heard(what, fields, bytes(message.payload), users.get("sent"), expiry))
        if what is Up.EVENT:
            for rev, stage in enumerate(self.stages, 1):
                self.receipt(fields["id"], rev, stage)
        elif self.alive and what in {Up.STATE, Up.HEARTBEAT} and fields.get("online", True):
            self.send(Down.ALIVE, Alive(at=datetime.now(UTC), seq=fields.get("seq", 0)).encode())

    def kick(self) -> None:
        """Take the device's session over, as the server does with a revoked device: its connection ends at once."""
        with Peer.server(self.broker, self.pki, self.device):
            pass


class BoxProcess:
    """The firmware in a process of its own, with `--simulate`."""

    def __init__(self, config: Path, environ: Mapping[str, str] | None = None, *wrapper: str) -> None:
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.seen: list[dict[str, Any]] = []
        self.log = config.parent / "box.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*wrapper, sys.executable, "-m", "haven_device.main", "run", "--config", config, "--simulate"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, **(environ or {})},
                text=True,
            )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self._reader.join(5)
        with suppress(OSError):
            self.process.stdin.close()
        self.process.stdout.close()

    def say(self, line: str) -> None:
        """A command on its standard input."""
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def wait(self, what: str, *, timeout_s: float = 15, **match: Any) -> dict[str, Any]:
        """The next line of this kind with these facts; lines before it are passed over."""
        deadline = time.monotonic() + timeout_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                seen = "\n".join(map(str, self.seen))
                raise AssertionError(f"no {what} {match} came; seen:\n{seen}\n{self.log.read_text()}") from None
            if _fits(line, what, match):
                return line

    def told(self, what: str, **match: Any) -> list[dict[str, Any]]:
        """All lines of this kind with these facts so far."""
        return [line for line in list(self.seen) if _fits(line, what, match)]

    def kill(self) -> None:
        """Like a pulled plug."""
        self.process.kill()
        self.process.wait()

    def end(self) -> int:
        """SIGTERM; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(10)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for text in self.process.stdout:
            line = json.loads(text)
            self.seen.append(line)
            self._lines.put(line)


def _fits(line: Mapping[str, Any], what: str, match: Mapping[str, Any]) -> bool:
    return line["what"] == what and all(line.get(key) == value for key, value in match.items())


def write_config(folder: Path, pki: Pki, ports: list[int], extra: str = "", broker_extra: str = "") -> Path:
    """Configuration of a box with a button, a lid, a pendant and a receiver, and quick times."""
    credentials = pki.device(DEVICE)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "device.toml"
    addresses = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    path.write_text(
        f"""
device_id = "{DEVICE}"
data_dir = "data"
[broker]
addresses = [{addresses}]
ca = "{credentials.ca}"
certificate = "{credentials.certificate}"
key = "{credentials.key}"
reconnect_cap_s = 0.3
{broker_extra}
[reporting]
heartbeat_s = 1
reporting_s = 2
[[button]]
name = "counter"
pin = 17
[[sensor]]
name = "lid"
pin = 27
[receiver]
driver = "rflink"
port = "replaced by the simulation"
silent_s = 2
lost_after_s = 0.5
[[pendant]]
id = "0a1b2c"
label = "apron"
[indicator]
led_pin = 22
{extra}
"""
    )
    return path


@contextmanager
def pty_writer(path: str) -> Iterator[Callable[[str], None]]:
    """Writes telegrams into the box's pty."""
    handle = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    try:
        yield lambda text: _write(handle, text)
    finally:
        os.close(handle)


def _write(handle: int, text: str) -> None:
    os.write(handle, text.encode())
