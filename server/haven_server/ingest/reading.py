"""What an event topic's bytes say, whatever they are: an alarm is never refused for its form."""

import hashlib
from dataclasses import dataclass
from typing import Any

from haven_contract.errors import ContractError
from haven_contract.messages import Event
from haven_contract.topics import parse_up
from haven_contract.wire import VERSION
from haven_contract.words import DEVICE_SOURCE, Kind
from haven_server.incidents.flags import Flag, flag
from haven_server.incidents.response import RESPONSES, UNKNOWN_KIND, UNREADABLE_KIND, handled_as

_DEVICE_LEVEL = 4
MAX_KEPT = 65_536
"""Bytes kept of a message that is far over the contract's size."""


@dataclass(frozen=True, slots=True)
class Reading:
    """An event understood as far as it could be."""

    device_id: str
    event: Event
    """Of an unreadable message: id `sha256:…`, kind `unreadable`, source `device`."""
    handled_as: str
    """Kind in incidents.response.RESPONSES by which it is handled."""
    payload_hash: str
    """SHA-256 of the payload, hexadecimal."""
    kept: bytes
    flags: list[dict[str, Any]]


def read_event(topic: str, payload: bytes) -> Reading:
    """Never raises."""
    try:
        device_id, _ = parse_up(topic)
        event = Event.decode(payload)
    except ContractError as error:
        return unreadable(topic, payload, str(error))
    kind = handled_as(event.kind, event.source)
    return Reading(device_id, event, kind, _digest(payload), payload, _oddities(event))


def unreadable(topic: str, payload: bytes, why: str) -> Reading:
    """An alarm of which nothing is known but who sent it; its id is the hash of what was sent."""
    digest = _digest(payload)
    event = Event(id=f"sha256:{digest}", kind=UNREADABLE_KIND)
    flags = [flag(Flag.UNREADABLE, why=why)]
    return Reading(device_of(topic), event, UNREADABLE_KIND, digest, payload[:MAX_KEPT], flags)


def _digest(payload: bytes) -> str:
    return hashlib.sha256(payload).hexdigest()


def _oddities(event: Event) -> list[dict[str, Any]]:
    flags = []
    if event.oddities:
        flags.append(flag(Flag.ODD_FIELDS, why="; ".join(event.oddities)))
    if event.v > VERSION:
        flags.append(flag(Flag.NEWER_VERSION, version=event.v))
    if event.kind not in RESPONSES or event.kind in (UNKNOWN_KIND, UNREADABLE_KIND):
        flags.append(flag(Flag.UNKNOWN_KIND, kind=event.kind))
    if calls_itself_a_test(event):
        flags.append(flag(Flag.SAYS_TEST))
    return flags


def calls_itself_a_test(event: Event) -> bool:
    """Whether a press pretends to be a test. Only the box itself sends kind `test`; an input's is an alarm."""
    return (event.kind == Kind.TEST and event.source != DEVICE_SOURCE) or "test" in event.detail


def device_of(topic: str) -> str:
    """Name of the sender in the topic, made printable; for a topic of another form, what there is of it."""
    levels = topic.split("/")
    name = levels[_DEVICE_LEVEL] if len(levels) > _DEVICE_LEVEL else topic
    return "".join(character if character.isprintable() else "?" for character in name)[:64] or "?"
