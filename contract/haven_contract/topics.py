"""Topic names. The sender's name stands in the topic, so that a pattern-only ACL holds everyone to himself."""

import re
from enum import StrEnum

from haven_contract.errors import ContractError

SERVER_USER = "dispatch"
"""MQTT user name (certificate CN) of every dispatch server."""

_ROOT = "haven/v1"
DEVICE_ID_PATTERN = "(?!dispatch)[a-z0-9-]{1,32}"
_DEVICE_ID = re.compile(DEVICE_ID_PATTERN)


class Up(StrEnum):
    """What a device sends."""

    EVENT = "event"
    STATE = "state"
    HEARTBEAT = "heartbeat"
    REPLY = "reply"


class Down(StrEnum):
    """What a server sends to one device."""

    RECEIPT = "receipt"
    ALIVE = "alive"
    COMMAND = "command"


def check_device_id(text: str) -> str:
    """Give the id back, or raise ContractError: 1 to 32 of `a-z 0-9 -`, not beginning with `dispatch`."""
    if not _DEVICE_ID.fullmatch(text):
        raise ContractError(
            f"device id {text[:64]!a} is not 1 to 32 characters of a-z, 0-9 and -, or begins with 'dispatch'"
        )
    return text


def up(device: str, what: Up) -> str:
    """Topic on which a device publishes."""
    return f"{_ROOT}/{SERVER_USER}/up/{check_device_id(device)}/{what}"


def down(device: str, what: Down) -> str:
    """Topic on which a server publishes to one device."""
    return f"{_ROOT}/{SERVER_USER}/down/{check_device_id(device)}/{what}"


def all_up(what: Up) -> str:
    """Filter with which a server receives one kind of message of every device."""
    return f"{_ROOT}/{SERVER_USER}/up/+/{what}"


def all_down(device: str) -> str:
    """Filter with which a device receives everything meant for it."""
    return f"{_ROOT}/{SERVER_USER}/down/{check_device_id(device)}/+"


def parse_up(topic: str) -> tuple[str, Up]:
    """Device id and kind of message of a topic that a device publishes on; ContractError for any other."""
    parts = topic.split("/")
    if len(parts) != 6 or "/".join(parts[:4]) != f"{_ROOT}/{SERVER_USER}/up":  # noqa: PLR2004
        raise ContractError(f"topic {topic[:200]!a} is not {_ROOT}/{SERVER_USER}/up/{{device}}/{{what}}")
    try:
        return check_device_id(parts[4]), Up(parts[5])
    except ValueError as error:
        raise ContractError(f"topic {topic[:200]!a}: {error}") from None


def parse_down(topic: str, device: str) -> Down:
    """Kind of a message that a device has received; ContractError if the topic is not one of its own."""
    for what in Down:
        if topic == down(device, what):
            return what
    raise ContractError(f"topic {topic[:200]!a} is not one of device {device}")
