"""The messages. Each encodes to bytes and decodes from bytes; decoding raises ContractError and nothing else.

Unknown fields are ignored, so that an older reader understands a newer sender. Encoding raises ContractError for what
has no JSON form or is over 8 KiB; an event makes itself fit instead. Instants keep milliseconds.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, Self, TypeVar

from haven_contract.errors import ContractError
from haven_contract.event import EVENT_EXPIRY_S, SENT_PROPERTY, Event, Sent
from haven_contract.instants import read_instant, write_instant
from haven_contract.vitals import Heartbeat, PendantVitals, State
from haven_contract.wire import (
    MAX_TEXT,
    VERSION,
    Fields,
    MaybeEmpty,
    Name,
    Text,
    Version,
    Whole,
    clean,
    read_object,
    write_object,
)
from haven_contract.words import Action, Stage

__all__ = [
    "EVENT_EXPIRY_S",
    "RECEIPT_EXPIRY_S",
    "SENT_PROPERTY",
    "SESSION_EXPIRY",
    "Alive",
    "Command",
    "Event",
    "Heartbeat",
    "Message",
    "PendantVitals",
    "Receipt",
    "Reply",
    "Sent",
    "State",
]

RECEIPT_EXPIRY_S = 24 * 3600
SESSION_EXPIRY = 0xFFFFFFFF
"""MQTT session expiry: never."""

E = TypeVar("E", bound=StrEnum)


class Message(Protocol):
    """What every message can do."""

    def encode(self) -> bytes:
        """JSON payload; ContractError if it cannot be sent."""

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Message of the payload; ContractError if it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """How far an event has got, told to the device that sent it. The highest `rev` wins."""

    event_id: Text
    """`id` of the event; of an unreadable one, `sha256:` and the hash of its payload in 64 hexadecimal digits."""
    rev: Whole
    """Grows with each step of the incident, also where it goes back a stage (reopened, refused)."""
    stage: Stage
    """How far the event has got; every stage means that it is stored and need not be sent again."""
    at: datetime
    """When it got there, by the server's clock."""
    reason: Text | None = None
    """Why, for people, where there is something to say."""
    v: Version = VERSION
    """Version of the contract."""

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object(
            {
                "v": self.v,
                "event_id": self.event_id,
                "rev": self.rev,
                "stage": self.stage.value,
                "at": write_instant(self.at),
                "reason": clean(self.reason, MAX_TEXT) if self.reason else None,
            }
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(
            v=fields.version(),
            event_id=fields.text("event_id"),
            rev=fields.whole("rev"),
            stage=_word(Stage, "stage", fields.name("stage")),
            at=read_instant(fields.name("at")),
            reason=fields.maybe_text("reason"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Alive:
    """Answer to a state or heartbeat, sent after a look at the database: this device is protected now."""

    at: datetime
    """Server's clock."""
    seq: Whole = 0
    """`seq` of the heartbeat that is answered; 0 for a state."""
    v: Version = VERSION
    """Version of the contract."""

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object({"v": self.v, "at": write_instant(self.at), "seq": self.seq})

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(v=fields.version(), at=read_instant(fields.name("at")), seq=fields.maybe_whole("seq") or 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A server asks a device to do something. Void after `expires_at`."""

    id: Name
    """A new UUID for each command; a device does none twice."""
    action: Action
    """What to do."""
    expires_at: datetime
    """From then on the device refuses it. The MQTT message expires at the same time."""
    args: Mapping[str, Any] = field(default_factory=dict)
    """What the action needs to know."""
    v: Version = VERSION
    """Version of the contract."""

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object(
            {
                "v": self.v,
                "id": self.id,
                "action": self.action.value,
                "args": dict(self.args),
                "expires_at": write_instant(self.expires_at),
            }
        )

    def seconds_left(self, now: datetime) -> int:
        """MQTT message expiry for sending it now: whole seconds, at least 1, because brokers take 0 for `never`."""
        return max(1, math.ceil((self.expires_at - now) / timedelta(seconds=1)))

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`. Odd `args` raise, because a command without its arguments is another command."""
        raw = read_object(payload)
        fields = Fields(raw)
        return cls(
            v=fields.version(),
            id=fields.name("id"),
            action=_word(Action, "action", fields.name("action")),
            args={} if raw.get("args") is None else fields.table("args"),
            expires_at=read_instant(fields.name("expires_at")),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What came of a command."""

    command_id: Name
    """`id` of the command."""
    ok: bool
    """Whether it was done."""
    detail: MaybeEmpty = ""
    """For people: what was done, or why it was not."""
    v: Version = VERSION
    """Version of the contract."""

    def encode(self) -> bytes:
        """JSON payload."""
        return write_object(
            {"v": self.v, "command_id": self.command_id, "ok": self.ok, "detail": clean(self.detail, MAX_TEXT)}
        )

    @classmethod
    def decode(cls, payload: bytes) -> Self:
        """Reverse of `encode`."""
        fields = Fields(read_object(payload))
        return cls(
            v=fields.version(),
            command_id=fields.name("command_id"),
            ok=fields.flag("ok"),
            detail=fields.maybe_text("detail") or "",
        )


def _word(words: type[E], key: str, text: str) -> E:
    try:
        return words(text)
    except ValueError:
        raise ContractError(f"{key} is {text!a}, none of {', '.join(words)}") from None
