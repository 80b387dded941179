"""Files written by hand to the design: what they mean, and that nothing else is written for it, byte by byte."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from haven_contract.channels import DOWN, UP
from haven_contract.messages import Alive, Command, Event, Heartbeat, Message, PendantVitals, Receipt, Reply, State
from haven_contract.words import Action, InputState, Kind, Stage

GOLDEN = Path(__file__).parent / "golden"
BOOT = "0d9c8e62-3a61-4f6e-8a38-1b1c1f0f7a55"
PRESS = "6f1c1f9e-8a55-4c0e-9f53-2c7f3f0f4b11"
COMMAND = "f6a9d1f0-6e3b-4f0f-8b1a-0d6f6f5f3c21"

EXPECTED: dict[str, Message] = {
    "event_holdup": Event(
        id=PRESS,
        kind=Kind.HOLDUP,
        source="pendant:0a1b2c",
        boot_id=BOOT,
        mono_ms=81234,
        clock="2026-11-21T03:04:05.678Z",
        clock_synced=True,
        seq=412,
    ),
    "event_battery_low": Event(
        id="b0a3cb0e-54f5-4b4b-9d0d-6d3f1c0c7d20",
        kind=Kind.BATTERY_LOW,
        source="pendant:0a1b2c",
        restored=True,
        detail={"배터리": "교체됨", "volts": 2.9, "raw": ["20;07;EV1527;ID=0a1b2c;BAT=OK;", None, True, -3]},
    ),
    "receipt_received": Receipt(
        event_id=PRESS, rev=1, stage=Stage.RECEIVED, at=datetime(2026, 11, 21, 3, 4, 5, 700_000, UTC)
    ),
    "receipt_unreadable": Receipt(
        event_id="sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        rev=3,
        stage=Stage.CLOSED,
        at=datetime(2026, 11, 21, 3, 10, tzinfo=UTC),
        reason="오작동 확인",
    ),
    "alive": Alive(at=datetime(2026, 11, 21, 3, 4, 30, tzinfo=UTC), seq=9),
    "state_online": State(
        online=True,
        boot_id=BOOT,
        connection=17,
        mono_ms=9000,
        firmware="1.2.0",
        arming="disarmed",
        inputs={"button:counter": InputState.OK},
    ),
    "state_last_will": State(online=False, boot_id=BOOT, connection=17),
    "heartbeat": Heartbeat(
        boot_id=BOOT,
        mono_ms=270_000,
        seq=9,
        clock_synced=True,
        cpu_c=48.5,
        throttled=False,
        disk_free_mb=9000,
        pendants={"0a1b2c": PendantVitals(battery="ok", seen_s=120), "0a1b2d": PendantVitals()},
    ),
    "heartbeat_blind": Heartbeat(boot_id=BOOT, mono_ms=0, seq=0, outbox=4096),
    "command": Command(
        id=COMMAND,
        action=Action.IDENTIFY,
        args={"seconds": 10},
        expires_at=datetime(2026, 11, 21, 3, 5, 5, tzinfo=UTC),
    ),
    "reply": Reply(command_id=COMMAND, ok=False, detail="표시등이 설정되어 있지 않습니다"),
}


def golden(name: str) -> bytes:
    return (GOLDEN / f"{name}.json").read_bytes()


def test_each_file_and_each_type_of_message_stands_in_the_table() -> None:
    assert {file.stem for file in GOLDEN.glob("*.json")} == set(EXPECTED)
    assert {type(each) for each in EXPECTED.values()} == {each.message for each in [*UP.values(), *DOWN.values()]}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_golden_file_decodes_to_its_message(name: str) -> None:
    message = type(EXPECTED[name]).decode(golden(name))
    assert message == EXPECTED[name]
    if isinstance(message, Event):
        assert message.oddities == ()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_message_encodes_to_the_bytes_of_its_golden_file(name: str) -> None:
    assert EXPECTED[name].encode() == golden(name)


@pytest.mark.parametrize("name", EXPECTED)
def test_fields_of_a_newer_sender_are_ignored(name: str) -> None:
    newer = json.loads(golden(name)) | {"added_later": {"deep": [1, 2]}, "oddities": ["forged"]}
    message = type(EXPECTED[name]).decode(json.dumps(newer).encode())
    assert message == EXPECTED[name]
    if isinstance(message, Event):
        assert message.oddities == ()


@pytest.mark.parametrize("name", EXPECTED)
def test_a_newer_version_is_read_and_kept(name: str) -> None:
    newer = json.loads(golden(name)) | {"v": 2}
    message = type(EXPECTED[name]).decode(json.dumps(newer).encode())
    assert json.loads(message.encode())["v"] == 2
