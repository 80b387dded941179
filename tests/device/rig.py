"""A box, a broker and a dispatch server on this machine: real firmware, real Mosquitto, real TLS."""

import json
import os
import queue
import random
import signal
import socket
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
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from device.keys import Pki
from haven_contract.messages import Alive, Receipt
from haven_contract.topics import Down, Up, all_up, down, parse_up
from haven_contract.words import Stage

DEVICE = "store-0001"
T = TypeVar("T")


def free_port() -> int:
    """A port below the range that outgoing connections take."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def until(look: Callable[[], T | None], timeout_s: float = 10, what: str = "it") -> T:
    """First true value of `look`; fails after the timeout."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {timeout_s} s")


class Broker:
    """Mosquitto with mutual TLS, and a plain inner listener for the test's dispatch server."""

    def __init__(self, folder: Path, pki: Pki, *, crl: Path | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.port, self.inner_port = free_port(), free_port()
        certificate, key = pki.issue("localhost", server=True)
        folder.chmod(0o777)  # root's Mosquitto drops its rights
        key.chmod(0o644)
        self._config = folder / "mosquitto.conf"
        self._config.write_text(
            f"""
user root
listener {self.port} 127.0.0.1
cafile {pki.ca}
certfile {certificate}
keyfile {key}
require_certificate true
use_identity_as_username true
{f"crlfile {crl}" if crl else ""}
listener {self.inner_port} 127.0.0.1
allow_anonymous true
"""
        )
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Up when it returns."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(["/usr/sbin/mosquitto", "-c", self._config], stdout=log, stderr=log)
        until(lambda: _answers(self.inner_port), 5, "the broker's start")

    def stop(self) -> None:
        """Down when it returns."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


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

    broker: Broker
    device: str = DEVICE
    stages: tuple[Stage, ...] = (Stage.RECEIVED, Stage.ALERTED)
    """Sent for each event, one `rev` each; none keeps the server silent."""
    alive: bool = True
    heard: list[Heard] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"test-{os.getpid()}-{id(self)}", protocol=MQTTProtocolVersion.MQTTv5
        )
        self._client.on_message = self._on_message
        ready = threading.Event()
        self._client.on_connect = lambda client, *_: client.subscribe([(all_up(what), 1) for what in Up])
        self._client.on_subscribe = lambda *_: ready.set()
        self._client.connect("127.0.0.1", self.broker.inner_port)
        self._client.loop_start()
        assert ready.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def send(self, what: Down, payload: bytes) -> None:
        """To the device."""
        self._client.publish(down(self.device, what), payload, qos=1)

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
        over = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2, client_id=self.device, protocol=MQTTProtocolVersion.MQTTv5)
        client.on_connect = lambda *_: over.set()
        client.connect("127.0.0.1", self.broker.inner_port, clean_start=True)
        client.loop_start()
        assert over.wait(5)
        client.disconnect()
        client.loop_stop()


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
            if line["what"] == what and all(line.get(key) == value for key, value in match.items()):
                return line

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


def write_config(folder: Path, pki: Pki, ports: list[int], extra: str = "", broker_extra: str = "") -> Path:
    """Configuration of a box with a button, a lid, a pendant and a receiver, and quick times."""
    certificate, key = pki.issue(DEVICE)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "device.toml"
    addresses = ", ".join(f'"127.0.0.1:{port}"' for port in ports)
    path.write_text(
        f"""
device_id = "{DEVICE}"
data_dir = "data"
[broker]
addresses = [{addresses}]
ca = "{pki.ca}"
certificate = "{certificate}"
key = "{key}"
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
