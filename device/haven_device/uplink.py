"""The MQTT connection, on paho. A fresh client for each connection, because paho would send old bytes again after a
reconnect: only the outbox sends again.

paho's callbacks run on its network thread and only put inputs into the loop's queue. Everything else here is called
from the loop.
"""  # noqa: D205 - the first sentence needs two lines

import logging
import socket
import ssl
import threading
from collections.abc import Callable
from datetime import datetime
from time import monotonic
from typing import Any

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from haven_contract.messages import EVENT_EXPIRY_S, SENT_PROPERTY, SESSION_EXPIRY, Sent, State
from haven_contract.topics import Up, all_down, up
from haven_device.events import Input, LinkDown, LinkUp, MessageCame, Published
from haven_device.settings import Address, LinkSettings
from haven_device.tls import client_context, is_out_of_date

_log = logging.getLogger(__name__)

QUEUE = 500
"""Messages that paho may hold; the outbox sends far fewer at once."""

_HANG_UP_S = 3.0
_HANGS_S = 60.0


class Uplink:
    """At most one live connection, known by its generation; what an older one still says is not ours any more."""

    def __init__(self, device_id: str, link: LinkSettings, put: Callable[[Input], None]) -> None:
        self._device_id = device_id
        self._link = link
        self._put = put
        self._connection: Connection | None = None
        self.generation = 0

    def connect(self, address: Address, will: State, *, check_time: bool, floor: datetime) -> int:
        """Begin an attempt in a thread; gives its generation. LinkUp or LinkDown follows."""
        self.hang_up()
        self.generation += 1
        self._connection = Connection(
            self._device_id,
            self._link,
            self._put,
            address=address,
            will=will,
            generation=self.generation,
            check_time=check_time,
            floor=floor,
        )
        return self.generation

    def publish(
        self, what: Up, payload: bytes, *, qos: int, expiry_s: int | None = None, sent: Sent | None = None
    ) -> int | None:
        """Hand a message to the connection; gives its number for Published, None if it was not taken."""
        if self._connection is None:
            return None
        return self._connection.publish(up(self._device_id, what), payload, qos, expiry_s, sent)

    def hang_up(self, *, will: bool = False) -> threading.Thread | None:
        """Leave the connection; with `will` the broker publishes our last will. Gives the thread that does it."""
        connection, self._connection = self._connection, None
        return connection.hang_up(will=will) if connection is not None else None

    def is_dead(self) -> bool:
        """The connection is up by its own word, but the thread that serves it has ended."""
        return self._connection is not None and self._connection.is_dead()

    def works(self) -> bool:
        """For the watchdog: there is nothing to serve, or it is served, or the attempt is young."""
        return self._connection is None or self._connection.works()


class Connection:
    """One attempt and, if it succeeds, the connection that comes of it."""

    def __init__(
        self,
        device_id: str,
        link: LinkSettings,
        put: Callable[[Input], None],
        *,
        address: Address,
        will: State,
        generation: int,
        check_time: bool,
        floor: datetime,
    ) -> None:
        self._device_id = device_id
        self._link = link
        self._address = address
        self._put = put
        self._generation = generation
        self._check_time = check_time
        self._floor = floor
        self._over = threading.Event()
        self._began = monotonic()
        self._network_thread: threading.Thread | None = None
        self._client = self._make_client(will)
        threading.Thread(target=self._dial, name=f"dial-{generation}", daemon=True).start()

    def publish(self, topic: str, payload: bytes, qos: int, expiry_s: int | None, sent: Sent | None) -> int | None:
        """See Uplink.publish."""
        properties = Properties(PacketTypes.PUBLISH)
        if expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        if sent is not None:
            properties.UserProperty = (SENT_PROPERTY, sent.encode())
        try:
            info = self._client.publish(topic, payload, qos=qos, properties=properties)
        except (OSError, ValueError, RuntimeError) as error:
            _log.warning("publishing failed: %s", error)
            return None
        return info.mid if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS else None

    def is_dead(self) -> bool:
        """See Uplink.is_dead."""
        return self._network_thread is not None and not self._network_thread.is_alive()

    def works(self) -> bool:
        """See Uplink.works."""
        if self._network_thread is None:
            return monotonic() - self._began < _HANGS_S
        return self._network_thread.is_alive()

    def hang_up(self, *, will: bool) -> threading.Thread:
        """Disconnect in a thread of its own, for paho may block here."""
        self._over.set()
        thread = threading.Thread(target=self._hang_up, args=(will,), name=f"hang-up-{self._generation}", daemon=True)
        thread.start()
        return thread

    def _make_client(self, will: State) -> Client:
        client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._device_id,
            protocol=MQTTProtocolVersion.MQTTv5,
            reconnect_on_failure=False,
        )
        client.username_pw_set(self._device_id)
        client.max_inflight_messages_set(QUEUE)
        client.max_queued_messages_set(QUEUE)
        will_properties = Properties(PacketTypes.WILLMESSAGE)
        will_properties.MessageExpiryInterval = EVENT_EXPIRY_S
        client.will_set(up(self._device_id, Up.STATE), will.encode(), qos=1, properties=will_properties)
        client.on_socket_open = _no_delay
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        return client

    def _dial(self) -> None:
        """TCP, TLS and CONNECT, then paho's network thread takes over. Runs in a thread because all of it blocks."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_EXPIRY
        try:
            self._client.tls_set_context(client_context(self._link, check_time=self._check_time))
            self._client.connect(
                self._address.host,
                self._address.port,
                keepalive=self._link.keepalive_s,
                clean_start=False,
                properties=properties,
            )
            peer = self._client.socket()
            if isinstance(peer, ssl.SSLSocket) and is_out_of_date(peer.getpeercert(), self._floor):
                self._say_down("the broker's certificate has ended")
                self.hang_up(will=False)
                return
            if self._over.is_set():
                self._hang_up(will=False)
                return
            self._client.loop_start()
        except (OSError, ValueError) as error:  # ssl.SSLError and its like are OSErrors
            self._say_down(f"no connection: {error}")

    def _hang_up(self, will: bool) -> None:
        reason = ReasonCode(PacketTypes.DISCONNECT, "Disconnect with will message" if will else "Normal disconnection")
        try:
            self._client.disconnect(reason)
            thread = self._network_thread
            if thread is not None:
                thread.join(_HANG_UP_S)
            left = self._client.socket()
            if left is not None:
                left.close()
        except (OSError, ValueError) as error:
            _log.debug("hanging up: %s", error)

    def _on_connect(
        self, client: Client, _data: Any, _flags: ConnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._network_thread = threading.current_thread()
        if reason.is_failure:
            self._say_down(f"the broker refuses: {reason}")
            return
        client.subscribe(all_down(self._device_id), qos=1)
        self._say(LinkUp(self._generation))

    def _on_disconnect(
        self, _client: Client, _data: Any, _flags: DisconnectFlags, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._say_down(f"connection lost: {reason}")

    def _on_message(self, _client: Client, _data: Any, message: MQTTMessage) -> None:
        try:
            topic = message.topic
        except UnicodeDecodeError:
            return
        self._say(MessageCame(self._generation, topic, bytes(message.payload)))

    def _on_publish(
        self, _client: Client, _data: Any, mid: int, reason: ReasonCode, _properties: Properties | None
    ) -> None:
        self._say(Published(self._generation, mid, reason.value))

    def _say_down(self, why: str) -> None:
        if not self._over.is_set():
            self._over.set()
            self._put(LinkDown(self._generation, why))

    def _say(self, what: Input) -> None:
        if not self._over.is_set():
            self._put(what)


def _no_delay(_client: Client, _data: Any, sock: Any) -> None:
    """Nagle's algorithm would hold a receipt back for some 12 ms (measured)."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
