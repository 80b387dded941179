"""All of Haven on one machine: certificates, broker, dispatch server, boxes, and a police desk to answer."""

import base64
import fcntl
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from http.client import HTTPException
from pathlib import Path
from typing import Self

from haven_demo.api import Api
from haven_demo.box import BUTTON, SimulatedBox
from haven_demo.broker import Mosquitto, free_port
from haven_demo.process import Child, Line
from haven_provisioning.errors import AlreadyThereError
from haven_provisioning.installation import Installation

READY_S = 30.0


class NotReadyError(RuntimeError):
    """The server did not get ready; the text ends with its log."""


class ServerProcess:
    """`haven-server run` in a process of its own; can be killed and started again on the same database."""

    def __init__(
        self,
        folder: Path,
        installation: Installation,
        inner_ports: list[int],
        http_port: int,
        database_url: str | None = None,
    ) -> None:
        """Without an address of a database it is an SQLite file in the folder."""
        self.http_port = http_port
        self.database_url = database_url or f"sqlite:///{folder / 'haven.db'}"
        self.log_file = folder / "server.log"
        self._environment = {
            "HAVEN_STATE": str(folder),
            "HAVEN_DATABASE_URL": self.database_url,
            "HAVEN_BROKERS": ",".join(f"localhost:{port}" for port in inner_ports),
            "HAVEN_MQTT_CA": str(installation.server.ca),
            "HAVEN_MQTT_CERT": str(installation.server.certificate),
            "HAVEN_MQTT_KEY": str(installation.server.key),
            "HAVEN_HTTP_PORT": str(http_port),
        }
        self._child: Child | None = None

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it; `wait_until_ready` tells when it works. NotReadyError if a program has its port, be it this one."""
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", self.http_port))
            except OSError as error:
                raise NotReadyError(f"port {self.http_port} cannot be used: {error.strerror}") from None
        command = [sys.executable, "-m", "haven_server", "run"]
        self._child = Child(command, self.log_file, {**self._environment, **(environment or {})})

    def run(self, *arguments: str) -> str:
        """Run another command of `haven-server` on the same state and give what it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "haven_server", *arguments],
            env={**os.environ, **self._environment},
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    def wait_until_ready(self) -> None:
        """Until it takes alarms; NotReadyError with its log if it does not."""
        deadline = time.monotonic() + READY_S
        while not self._is_ready():
            if time.monotonic() > deadline or self._child is None or not self._child.is_alive():
                log = self.log_file.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise NotReadyError(f"the dispatch server did not get ready\n{log}")
            time.sleep(0.05)

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.is_alive()

    def kill(self) -> None:
        """End it with kill -9."""
        if self._child is not None:
            self._child.kill()

    def stop(self) -> None:
        """End it in order."""
        if self._child is not None:
            self._child.stop()

    def _is_ready(self) -> bool:
        try:
            Api(self.http_port).get("/readyz")
        except (OSError, HTTPException, RuntimeError):
            return False
        return True


class Stack:
    """A folder with everything in it. A second start finds certificates, database and token of the first.

    A context manager; inside, broker and server run. Boxes are added by `box`.
    """

    def __init__(
        self,
        folder: Path,
        *,
        http_port: int | None = None,
        mqtt_port: int | None = None,
        database_url: str | None = None,
    ) -> None:
        self.folder = folder.resolve()
        self.installation = Installation(self.folder / "keys")
        self.boxes: dict[str, SimulatedBox] = {}
        self._lock = _locked(self.folder)
        self._prepare_keys()
        self.broker = Mosquitto(
            self.installation.broker_folder,
            self.folder / "broker",
            outer_port=mqtt_port,
            inner_port=None if mqtt_port is None else mqtt_port + 1,
        )
        self.server = ServerProcess(
            self.folder, self.installation, [self.broker.inner_port], http_port or free_port(), database_url
        )
        self.webhook_secret = self._kept(
            "webhook-secret", lambda: f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}"
        )

    def __enter__(self) -> Self:
        self.broker.__enter__()
        try:
            self.token = self._kept("token", self._make_token)
            self.server.start()
            self.server.wait_until_ready()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_: object) -> None:
        with ExitStack() as endings:  # the last first, and each whatever becomes of the others
            endings.callback(os.close, self._lock)
            endings.callback(self.broker.stop)
            endings.callback(self.server.stop)
            for box in self.boxes.values():
                endings.callback(box.stop)

    @property
    def api(self) -> Api:
        """The API as an administrator."""
        return Api(self.server.http_port, self.token)

    def box(
        self,
        device_id: str,
        site: str | None,
        *,
        label: str | None = None,
        buttons: Sequence[str] = (BUTTON,),
        heartbeat_s: int = 10,
        tuning: str = "",
        tell: Callable[[str, Line], None] | None = None,
    ) -> SimulatedBox:
        """A box with its certificate, registered and assigned to a site. Not started."""
        credentials = self.installation.issue_device(device_id, datetime.now(UTC))
        self.api.put(f"/api/v1/devices/{device_id}", {"site": site, "label": label})
        box = SimulatedBox(
            device_id,
            self.folder / "boxes" / device_id,
            credentials,
            [f"localhost:{self.broker.outer_port}"],
            buttons=buttons,
            heartbeat_s=heartbeat_s,
            tuning=tuning,
            tell=tell,
        )
        self.boxes[device_id] = box
        return box

    def _prepare_keys(self) -> None:
        now = datetime.now(UTC)
        try:
            self.installation.create(["localhost"], now)
        except AlreadyThereError:
            # A folder of last month: its list of revoked boxes has ended, and would lock everyone out.
            self.installation.renew_revocation_list(now)

    def _make_token(self) -> str:
        return self.server.run("tokens", "create", f"demo-{secrets.token_hex(4)}", "--role", "admin")

    def _kept(self, name: str, make: Callable[[], str]) -> str:
        """Read a secret from the folder, or make it; readable by its owner only."""
        path = self.folder / name
        if not path.exists():
            text = make()
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(text)
        return path.read_text(encoding="utf-8")


def _locked(folder: Path) -> int:
    """Handle of the folder's lock, held until it is closed or the process ends; NotReadyError if another one has it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "in-use", os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise NotReadyError(f"another one runs in {folder} already: end it, or choose another folder") from None
    return lock
