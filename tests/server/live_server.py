"""The real server with a real broker, as an installation runs it; and a box that speaks to it over MQTT."""

import json
import queue
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import uvicorn

from haven_contract.messages import EVENT_EXPIRY_S, SENT_PROPERTY, Event, Heartbeat, Receipt, Sent, State
from haven_contract.topics import Down, Up, all_down, down, up
from haven_demo.broker import free_port
from haven_server.app import create_app
from haven_server.clock import Clock
from haven_server.db.database import Database
from haven_server.db.opening import open_vault
from haven_server.incidents.views import Wanted, list_incidents, show_incident
from haven_server.server import Running, running
from haven_server.settings import Settings
from mosquitto import SESSION_FOREVER, Mosquitto, Peer
from pki import Pki
from server.live import WAIT_S, eventually
from server.scenario import DISPATCHER, Dispatch, dispatching


@dataclass
class Installation:
    """One broker, one database, one server that can be started and stopped."""

    broker: Mosquitto
    pki: Pki
    settings: Settings

    @contextmanager
    def registering(self) -> Iterator[Dispatch]:
        """Desks, stores and boxes, while the server does not run."""
        with Database(self.settings.database) as database:
            vault = open_vault(database, self.settings.data_keys)
        with dispatching(self.settings.database, vault) as dispatch:
            yield dispatch

    @contextmanager
    def server(self, clock: Clock | None = None, *, ready: bool = True) -> Iterator[Running]:
        """The server, by default from when it is ready."""
        with running(self.settings, clock) as server:
            if ready:
                eventually(lambda: not server.not_ready(), "ready")
            yield server

    @contextmanager
    def box(self, device_id: str = "box-1", connection: int = 1) -> Iterator["LiveBox"]:
        """A box at the broker."""
        will = State(online=False, boot_id="boot-1", connection=connection).encode()
        with Peer.box(
            self.broker,
            self.pki,
            device_id,
            clean_start=False,
            session_s=SESSION_FOREVER,
            will=(up(device_id, Up.STATE), will),
        ) as peer:
            peer.subscribe(all_down(device_id))
            yield LiveBox(peer, device_id, connection)


def install(broker: Mosquitto, pki: Pki, folder: Path, database_url: str) -> Installation:
    """With settings as HAVEN_* would give them."""
    settings = Settings(
        state=folder,
        database_url=database_url,
        brokers=f"{broker.host}:{broker.inner_port}",
        mqtt_ca=pki.server.ca,
        mqtt_cert=pki.server.certificate,
        mqtt_key=pki.server.key,
    )
    return Installation(broker, pki, settings)


class LiveBox:
    """Speaks as the firmware does."""

    def __init__(self, peer: Peer, device_id: str, connection: int) -> None:
        self.peer = peer
        self.device_id = device_id
        self.connection = connection

    def press(self, event_id: str | None = None) -> str:
        """Publish a press and give its id."""
        event = Event(
            id=event_id or str(uuid.uuid4()), kind="holdup", source="button:counter", boot_id="boot-1", mono_ms=60_000
        )
        sent = Sent("boot-1", 60_010).encode()
        assert (
            self.peer.publish(
                up(self.device_id, Up.EVENT), event.encode(), expiry_s=EVENT_EXPIRY_S, user=[(SENT_PROPERTY, sent)]
            )
            == 0
        )
        return event.id

    def say_online(self) -> None:
        state = State(online=True, boot_id="boot-1", connection=self.connection, mono_ms=60_000)
        assert self.peer.publish(up(self.device_id, Up.STATE), state.encode(), expiry_s=EVENT_EXPIRY_S) == 0

    def beat(self, seq: int = 1) -> None:
        beat = Heartbeat(boot_id="boot-1", mono_ms=60_000 + seq, seq=seq)
        self.peer.publish(up(self.device_id, Up.HEARTBEAT), beat.encode(), qos=0)

    def receipt(self, event_id: str, stage: str) -> Receipt:
        """Wait for that receipt; others before it are passed over."""
        while True:
            message = self._next(Down.RECEIPT)
            receipt = Receipt.decode(message)
            if receipt.event_id == event_id and receipt.stage.value == stage:
                return receipt

    def alive(self) -> int:
        """Wait for a sign that the server protects us, and give the heartbeat's number that it answers."""
        return int(json.loads(self._next(Down.ALIVE))["seq"])

    def hears_nothing(self) -> bool:
        """Whether nothing has come that was not asked for."""
        try:
            self.peer.messages.get_nowait()
        except queue.Empty:
            return True
        return False

    def _next(self, what: Down) -> bytes:
        while True:
            message = self.peer.next_message(WAIT_S)
            if message.topic == down(self.device_id, what):
                return bytes(message.payload)


def incidents(server: Running) -> list[dict[str, Any]]:
    """All incidents whole, oldest first."""
    listed = list_incidents(server.core, DISPATCHER, Wanted(open_only=False))[::-1]
    return [show_incident(server.core, DISPATCHER, incident["id"]) for incident in listed]


class Http:
    """The server's HTTP side."""

    def __init__(self, port: int) -> None:
        self._port = port

    def get(self, path: str) -> tuple[int, str]:
        """Status and body."""
        connection = HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()


@contextmanager
def serving(server: Running) -> Iterator[Http]:
    """The application behind a real uvicorn."""
    port = free_port()
    app = create_app(server.core, server.not_ready)
    web = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_config=None, access_log=False))
    thread = threading.Thread(target=web.run, name="uvicorn")
    thread.start()
    try:
        eventually(lambda: web.started, "uvicorn")
        yield Http(port)
    finally:
        web.should_exit = True
        thread.join(WAIT_S)
