"""A real Mosquitto on the shipped configuration, and somebody who talks to it, for tests.

with Mosquitto(pki.broker_folder, folder) as broker, Peer.box(broker, pki, "box-1") as box:
    box.publish(topic, payload)
"""

import queue
import ssl
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from haven_contract.topics import SERVER_USER
from haven_demo.broker import BrokerFailedError, Mosquitto, free_port
from haven_provisioning.installation import Credentials
from pki import Pki

__all__ = ["SESSION_FOREVER", "BrokerFailedError", "Mosquitto", "Peer", "RefusedError", "free_port"]

WAIT_S = 10.0
SESSION_FOREVER = 0xFFFFFFFF


class RefusedError(AssertionError):
    """The broker did not let this peer in, or sent it away."""


class Peer:
    """One MQTT 5 connection, a context manager: connected inside. It never reconnects by itself."""

    def __init__(
        self,
        host: str,
        port: int,
        credentials: Credentials,
        client_id: str,
        *,
        clean_start: bool = True,
        session_s: int = 0,
        will: tuple[str, bytes] | None = None,
        manual_ack: bool = False,
        keepalive_s: int = 15,
    ) -> None:
        self.messages: queue.SimpleQueue[MQTTMessage] = queue.SimpleQueue()
        self.session_present = False
        self.keepalive_s = keepalive_s
        """What the broker made of the seconds we asked for."""
        self._address = (host, port)
        self._clean_start = clean_start
        self._session_s = session_s
        self._connected = threading.Event()
        self._gone = threading.Event()
        self._reason = "no answer"
        self._answers: dict[int, queue.SimpleQueue[list[ReasonCode]]] = {}
        self._lock = threading.Lock()
        self.client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=manual_ack,
        )
        self.client.tls_set(
            ca_certs=str(credentials.ca), certfile=str(credentials.certificate), keyfile=str(credentials.key)
        )
        if will is not None:
            self.client.will_set(*will, qos=1)
        self.client.on_connect = self._on_connect
        self.client.on_disconnect = self._on_disconnect
        self.client.on_message = self._on_message
        self.client.on_publish = self._on_publish
        self.client.on_subscribe = self._on_subscribe

    @classmethod
    def box(cls, broker: Mosquitto, pki: Pki, device_id: str, **settings: Any) -> Self:
        """A box, at the outer listener."""
        return cls(broker.host, broker.outer_port, pki.device(device_id), device_id, **settings)

    @classmethod
    def server(cls, broker: Mosquitto, pki: Pki, client_id: str = f"{SERVER_USER}-1", **settings: Any) -> Self:
        """A dispatch server, at the inner listener."""
        return cls(broker.host, broker.inner_port, pki.server, client_id, **settings)

    def __enter__(self) -> Self:
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = self._session_s
        try:
            self.client.connect(*self._address, self.keepalive_s, clean_start=self._clean_start, properties=properties)
        except OSError as error:
            raise RefusedError(f"no connection: {error}") from error
        self.client.loop_start()
        if not self._connected.wait(WAIT_S) or self._gone.is_set():
            self.client.loop_stop()
            raise RefusedError(f"not let in: {self._reason}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.client.disconnect()
        self.client.loop_stop()

    def publish(
        self,
        topic: str,
        payload: bytes,
        *,
        qos: int = 1,
        retain: bool = False,
        expiry_s: int | None = None,
        user: Sequence[tuple[str, str]] = (),
    ) -> int:
        """Publish and give the reason code of the broker's acknowledgement (0 for QoS 0, once it is sent)."""
        properties = Properties(PacketTypes.PUBLISH)
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        if user:
            properties.UserProperty = list(user)
        with self._lock:
            info = self.client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
            answer = self._answers.setdefault(info.mid, queue.SimpleQueue())
        return self._answer(answer)[0].value

    def subscribe(self, *topics: str, qos: int = 1) -> Sequence[int]:
        """Subscribe and give the broker's reason code for each filter."""
        with self._lock:
            _, mid = self.client.subscribe([(topic, qos) for topic in topics])
            answer = self._answers.setdefault(mid or 0, queue.SimpleQueue())
        return [reason.value for reason in self._answer(answer)]

    def next_message(self, timeout_s: float = WAIT_S) -> MQTTMessage:
        """The next message that arrives, or an AssertionError."""
        try:
            return self.messages.get(timeout=timeout_s)
        except queue.Empty:
            raise AssertionError(f"no message within {timeout_s} s") from None

    def wait_until_gone(self, timeout_s: float = WAIT_S) -> str:
        """Wait until the broker has ended this connection, and give its reason."""
        if not self._gone.wait(timeout_s):
            raise AssertionError(f"still connected after {timeout_s} s")
        return self._reason

    @property
    def is_gone(self) -> bool:
        """Has the broker ended this connection?"""
        return self._gone.is_set()

    def drop(self) -> None:
        """End without a word, as a pulled cable does."""
        sock = self.client.socket()
        if isinstance(sock, ssl.SSLSocket):
            sock.shutdown(2)
        self.wait_until_gone()

    def _answer(self, answer: "queue.SimpleQueue[list[ReasonCode]]") -> list[ReasonCode]:
        if self._gone.is_set():
            answer.put([])
        try:
            reasons = answer.get(timeout=WAIT_S)
        except queue.Empty:
            reasons = []
        if not reasons:
            raise RefusedError(f"no acknowledgement; connection: {self._reason}")
        return reasons

    def _on_connect(self, _client: Client, _data: Any, flags: Any, reason: ReasonCode, properties: Any) -> None:
        self.session_present = flags.session_present
        self.keepalive_s = getattr(properties, "ServerKeepAlive", self.keepalive_s)
        self._reason = str(reason)
        if reason.is_failure:
            self._gone.set()
        self._connected.set()

    def _on_disconnect(self, _client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        self._reason = str(reason)
        self._gone.set()
        self._connected.set()
        with self._lock:
            waiting = list(self._answers.values())
        for answer in waiting:
            answer.put([])

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        self.messages.put(message)

    def _on_publish(self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Any) -> None:
        self._note(mid, [reason])

    def _on_subscribe(self, _client: Client, _data: Any, mid: int, reasons: list[ReasonCode], _props: Any) -> None:
        self._note(mid, reasons)

    def _note(self, mid: int, reasons: list[ReasonCode]) -> None:
        with self._lock:
            answer = self._answers.setdefault(mid, queue.SimpleQueue())
        answer.put(reasons)
