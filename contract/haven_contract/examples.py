"""One of each message, as the AsyncAPI document shows it."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from haven_contract.messages import (
    Alive,
    Command,
    Event,
    Heartbeat,
    Message,
    PendantVitals,
    Receipt,
    Reply,
    State,
)
from haven_contract.words import Action, InputState, Kind, Stage

_BOOT = "0d9c8e62-3a61-4f6e-8a38-1b1c1f0f7a55"
_PRESS = "6f1c1f9e-8a55-4c0e-9f53-2c7f3f0f4b11"
_COMMAND = "f6a9d1f0-6e3b-4f0f-8b1a-0d6f6f5f3c21"


def _at(second: int) -> datetime:
    return datetime(2026, 11, 21, 3, 4, second, tzinfo=UTC)


EXAMPLES: Mapping[type[Message], Message] = MappingProxyType(
    {
        Event: Event(
            id=_PRESS,
            kind=Kind.HOLDUP,
            source="pendant:0a1b2c",
            boot_id=_BOOT,
            mono_ms=81234,
            clock="2026-11-21T03:04:05.678Z",
            clock_synced=True,
            seq=412,
        ),
        State: State(
            online=True,
            boot_id=_BOOT,
            connection=17,
            mono_ms=9000,
            firmware="1.2.0",
            arming="disarmed",
            inputs={"button:counter": InputState.OK},
        ),
        Heartbeat: Heartbeat(
            boot_id=_BOOT,
            mono_ms=270000,
            seq=9,
            clock_synced=True,
            cpu_c=48.5,
            throttled=False,
            disk_free_mb=9000,
            pendants={"0a1b2c": PendantVitals(battery="ok", seen_s=120)},
        ),
        Reply: Reply(command_id=_COMMAND, ok=True, detail="the light blinks for 10 s"),
        Receipt: Receipt(event_id=_PRESS, rev=1, stage=Stage.RECEIVED, at=_at(5)),
        Alive: Alive(at=_at(30), seq=9),
        Command: Command(id=_COMMAND, action=Action.IDENTIFY, expires_at=_at(59), args={"seconds": 10}),
    }
)
