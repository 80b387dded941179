"""One MQTT connection of the server, kept up: a fresh client each time, its callbacks only enqueue."""

import queue
import socket
import ssl
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import SystemRandom
from typing import Any, Self

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from haven_contract.errors import ContractError
from haven_contract.messages import SENT_PROPERTY, SESSION_EXPIRY, Sent
from haven_server.clock import Clock
from haven_server.ingest.inbound import Inbound
from haven_server.presstime import Arrival

log = structlog.get_logger()

KEEPALIVE_S = 15
"""A dead link is noticed after about twice this."""

CONNECT_TIMEOUT_S = 10
LONGEST_PAUSE_S = 5.0
ROOM_POLL_S = 0.05
MOST_CUT_OFF_ALONE = 3
TAKEN_OVER_TOLD = timedelta(seconds=60)
"""Two servers of one name throw each other out for ever. Mosquitto 2.0.11 does not say so, it only ends the connection.
But a broker or a network that goes away takes our other connection along, so that one is not cut off alone so often."""

PAUSE_OF_DOUBLES = 3
"""As after so many failures: within 2 s, so that what comes in between gets through."""

MOST_WAITING = 20_000
"""Messages that wait for the broker's acknowledgement; a further one is not sent. Receipts are repeated anyway."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """CA that the broker's certificate must come from, and our own certificate with its key."""

    ca: Path
    cert: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 or newer, host name checked."""
        context = ssl.create_default_context(cafile=str(self.ca))
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(str(self.cert), str(self.key))
        return context


@dataclass(frozen=True, slots=True)
class Plan:
    """Which broker, as whom, for which topics."""

    host: str
    port: int
    tls: TlsFiles
    client_id: str
    filters: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Delivered:
    """A message with the means to acknowledge it, once it is safe."""

    inbound: Inbound
    acknowledge: Callable[[], object]


class Connection:
    """Receives what matches `filters` into `inbox` and publishes. A context manager; reconnects by itself.

    A full inbox disconnects rather than drops: what is not acknowledged the broker delivers again.
    """

    def __init__(self, plan: Plan, inbox: "queue.Queue[Delivered]", clock: Clock, came_up: threading.Event) -> None:
        self.other: Connection | None = None
        """Our other connection to the same broker, where there is one."""
        self._plan = plan
        self._inbox = inbox
        self._clock = clock
        self._came_up = came_up
        self._random = SystemRandom()
        self._stopping = threading.Event()
        self._up: mqtt.Client | None = None
        self._up_since_s = 0.0
        self._cut_off_alone: deque[datetime] = deque(maxlen=MOST_CUT_OFF_ALONE)
        self._taken_over_at: datetime | None = None
        self._thread = threading.Thread(target=self._run, name=f"mqtt {plan.client_id}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(timeout=CONNECT_TIMEOUT_S)

    @property
    def is_up(self) -> bool:
        """Whether it is connected and subscribed."""
        return self._up is not None

    @property
    def is_taken_over(self) -> bool:
        """Whether within the last minute somebody seemed to have our client id too."""
        at = self._taken_over_at
        return at is not None and abs(self._clock.now() - at) < TAKEN_OVER_TOLD

    def publish(self, topic: str, payload: bytes, *, qos: int, expiry_s: int | None) -> bool:
        """Hand a message to the broker; False if not connected. Never queues across connections."""
        client = self._up
        if client is None:
            return False
        properties = Properties(PacketTypes.PUBLISH)
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        return client.publish(topic, payload, qos=qos, properties=properties).rc == MQTTErrorCode.MQTT_ERR_SUCCESS

    def _run(self) -> None:
        failures = 0
        while not self._stopping.is_set():
            self._wait_for_room()
            session, was_up = None, False
            try:
                session = _Session(self._plan, self._inbox, self._clock)  # reads certificates, which may be amiss
                session.open()
            except Exception as error:  # noqa: BLE001 - whatever keeps us from the broker, we try again
                log.warning("broker not reachable", broker=str(self._plan), reason=f"{type(error).__name__}: {error}")
                failures += 1
            else:
                was_up = True
                self._stay_up(session)
                failures = PAUSE_OF_DOUBLES if self.is_taken_over else 1
            ended_s = time.monotonic()
            if session is not None:
                session.close()
            # Full jitter, so that the servers of a city do not return in step.
            self._stopping.wait(self._random.uniform(0, min(LONGEST_PAUSE_S, 0.25 * 2 ** min(failures, 8))))
            if was_up and session is not None and session.cut_off and self._other_lived_through(ended_s):
                self._note_cut_off_alone()

    def _stay_up(self, session: "_Session") -> None:
        self._up_since_s = time.monotonic()
        self._up = session.client
        log.info("connected to broker", broker=str(self._plan), client=self._plan.client_id)
        self._came_up.set()
        session.wait_for_end(self._stopping)
        self._up = None
        if not self._stopping.is_set():
            log.warning("connection to broker lost", broker=str(self._plan), client=self._plan.client_id)

    def _other_lived_through(self, instant_s: float) -> bool:
        other = self.other
        return other is not None and other.is_up and other._up_since_s < instant_s  # noqa: SLF001 - one of ours

    def _note_cut_off_alone(self) -> None:
        now = self._clock.now()
        self._cut_off_alone.append(now)
        if len(self._cut_off_alone) < MOST_CUT_OFF_ALONE or now - self._cut_off_alone[0] > TAKEN_OVER_TOLD:
            return
        if not self.is_taken_over:
            log.error(
                "this connection is cut off again and again: another server seems to have this one's name;"
                " give each a HAVEN_SERVER_NAME of its own",
                broker=str(self._plan),
                client=self._plan.client_id,
            )
        self._taken_over_at = now

    def _wait_for_room(self) -> None:
        """A broker that finds us again sends at once what it has kept, so there must be somewhere to put it."""
        while self._inbox.maxsize and self._inbox.qsize() > self._inbox.maxsize // 2:
            if self._stopping.wait(ROOM_POLL_S):
                return


class _Session:
    """One client from connect to its end."""

    def __init__(self, plan: Plan, inbox: "queue.Queue[Delivered]", clock: Clock) -> None:
        self._plan = plan
        self._inbox = inbox
        self._clock = clock
        self._subscribed = threading.Event()
        self._ended = threading.Event()
        self._refusal = ""
        self.cut_off = False
        """Whether it was ended from outside."""
        self.client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=plan.client_id,
            protocol=mqtt.MQTTv5,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        self.client.max_queued_messages_set(MOST_WAITING)
        self.client.tls_set_context(plan.tls.context())
        self.client.on_connect = self._on_connect
        self.client.on_subscribe = self._on_subscribe
        self.client.on_message = self._on_message
        self.client.on_disconnect = self._on_disconnect
        self.client.on_socket_open = _no_delay

    def open(self) -> None:
        """Connect and subscribe; ConnectionError, OSError or ssl.SSLError says why not."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_EXPIRY
        self.client.connect_timeout = CONNECT_TIMEOUT_S
        # Sessions begun with clean_start are never written to the broker's disk.
        self.client.connect(self._plan.host, self._plan.port, KEEPALIVE_S, clean_start=False, properties=properties)
        self.client.loop_start()
        if not self._subscribed.wait(CONNECT_TIMEOUT_S) or self._refusal:
            raise ConnectionError(self._refusal or "the broker accepted the connection but not the session")

    def wait_for_end(self, stopping: threading.Event) -> None:
        """Until the connection or its network thread ends, or the server stops."""
        while not stopping.is_set() and not self._ended.wait(0.25):
            thread = self.client._thread  # noqa: SLF001 - the only way to notice that an exception has ended it
            if (thread is None or not thread.is_alive()) and not self._ended.is_set():
                log.error("the network thread of a broker connection has died; connecting again")
                return

    def close(self) -> None:
        """Say good-bye; the network thread ends by itself."""
        client = self.client
        client.disconnect()
        # Without this circle the client closes its sockets as soon as its thread has ended, and not some time later.
        client.on_connect = client.on_subscribe = client.on_message = client.on_disconnect = None

    def _on_connect(self, client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            self._refusal = f"refused by the broker: {reason}"
            self._subscribed.set()
            return
        client.subscribe([(topic, SubscribeOptions(qos=1)) for topic in self._plan.filters])

    def _on_subscribe(self, _client: mqtt.Client, _data: Any, _mid: int, reasons: Any, _properties: Any) -> None:
        refused = [str(reason) for reason in reasons if reason.is_failure]
        if refused:
            self._refusal = f"subscription refused: {', '.join(refused)}"
        self._subscribed.set()

    def _on_disconnect(self, _client: mqtt.Client, _data: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        self.cut_off = reason.is_failure
        if not self._subscribed.is_set():
            self._refusal = self._refusal or "the connection ended before it was of use"
            self._subscribed.set()
        self._ended.set()

    def _on_message(self, client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        arrival = Arrival(
            received_at=self._clock.now(),
            expiry_left_s=getattr(message.properties, "MessageExpiryInterval", None),
            sent=_sent(message.properties),
        )
        mid, qos = message.mid, message.qos
        delivered = Delivered(Inbound(message.topic, bytes(message.payload), arrival), lambda: client.ack(mid, qos))
        try:
            self._inbox.put_nowait(delivered)
        except queue.Full:
            log.warning("the inbox is full; disconnecting so that the broker keeps the rest")
            client.disconnect()


def _no_delay(_client: mqtt.Client, _data: Any, sock: Any) -> None:
    # Without it a receipt takes 14 ms instead of 2.5 (Nagle meets delayed acknowledgements).
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _sent(properties: Any) -> Sent | None:
    for name, value in getattr(properties, "UserProperty", []):
        if name == SENT_PROPERTY:
            try:
                return Sent.decode(value)
            except ContractError:
                return None
    return None
