"""How each message is published: the one table of message type, quality of service and expiry.

Nothing is retained. The server's and the device's session never expire (`SESSION_EXPIRY`, and `clean_start` false).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from haven_contract.messages import (
    EVENT_EXPIRY_S,
    RECEIPT_EXPIRY_S,
    Alive,
    Command,
    Event,
    Heartbeat,
    Message,
    Receipt,
    Reply,
    State,
)
from haven_contract.topics import Down, Up


@dataclass(frozen=True, slots=True)
class Channel:
    """What is published on a topic, and how."""

    message: type[Message]
    qos: int
    expiry_s: int | None
    """MQTT message expiry in seconds; None for none. Of a command it is `Command.seconds_left`."""


UP: Mapping[Up, Channel] = MappingProxyType(
    {
        Up.EVENT: Channel(Event, qos=1, expiry_s=EVENT_EXPIRY_S),
        Up.STATE: Channel(State, qos=1, expiry_s=EVENT_EXPIRY_S),
        Up.HEARTBEAT: Channel(Heartbeat, qos=0, expiry_s=None),
        Up.REPLY: Channel(Reply, qos=1, expiry_s=None),
    }
)
"""What a device publishes. The last will is a state like any other."""

DOWN: Mapping[Down, Channel] = MappingProxyType(
    {
        Down.RECEIPT: Channel(Receipt, qos=1, expiry_s=RECEIPT_EXPIRY_S),
        Down.ALIVE: Channel(Alive, qos=0, expiry_s=None),
        Down.COMMAND: Channel(Command, qos=1, expiry_s=None),
    }
)
"""What a server publishes to one device."""
