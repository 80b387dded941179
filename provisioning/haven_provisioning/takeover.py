"""Throw a connected box out of the broker: take its session over on the inner listener, where we choose our name."""

import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.reasoncodes import ReasonCode

from haven_provisioning.broker import INNER_PORT
from haven_provisioning.errors import BrokerError, WrongInputError
from haven_provisioning.installation import Credentials

TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class Address:
    """Host and port of a broker's inner listener."""

    host: str = "127.0.0.1"
    port: int = INNER_PORT

    @classmethod
    def parse(cls, text: str) -> "Address":
        """`host:port`, or a host alone; WrongInputError for anything else."""
        host, colon, port = text.rpartition(":")
        if not colon:
            return cls(text)
        if not host or not port.isdecimal() or not 0 < int(port) < 65536:  # noqa: PLR2004  # the range of ports
            raise WrongInputError(f"{text!r} is no host:port")
        return cls(host.strip("[]"), int(port))


def take_over(broker: Address, server: Credentials, client_id: str, timeout_s: float = TIMEOUT_S) -> None:
    """Connect as a server with somebody's client id and a clean start, and leave.

    His connection is closed, his last will is sent, and his session is gone with all that waited in it. A box could
    come back at once, so its certificate has to be on the broker's revocation list before. Raises BrokerError if we
    were not let in.
    """
    outcome: list[str] = []
    done = threading.Event()

    def on_connect(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        outcome.append(str(reason) if reason.is_failure else "")
        done.set()

    def on_disconnect(_client: Client, _data: Any, _flags: Any, reason: ReasonCode, _properties: Any) -> None:
        outcome.append(str(reason))
        done.set()

    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=MQTTProtocolVersion.MQTTv5,
        reconnect_on_failure=False,
    )
    client.on_connect = on_connect
    client.on_disconnect = on_disconnect
    client.connect_timeout = timeout_s
    try:
        client.tls_set(ca_certs=str(server.ca), certfile=str(server.certificate), keyfile=str(server.key))
        client.connect(broker.host, broker.port, clean_start=True)
    except (OSError, ssl.SSLError, ValueError) as error:
        raise BrokerError(f"the broker's inner listener {broker.host}:{broker.port}: {error}") from None
    client.loop_start()
    try:
        if not done.wait(timeout_s):
            raise BrokerError(f"the broker at {broker.host}:{broker.port} did not answer within {timeout_s:g} s")
        if outcome[0]:
            raise BrokerError(f"the broker at {broker.host}:{broker.port} did not let us in: {outcome[0]}")
    finally:
        with suppress(ValueError):
            client.disconnect()
        client.loop_stop()
