import re
from pathlib import Path
from uuid import uuid4

import pytest

from haven_contract.messages import Heartbeat, PendantVitals, State
from haven_contract.wire import MAX_PAYLOAD
from haven_contract.words import InputState
from haven_device import config
from haven_device.errors import ConfigError
from haven_device.main import EXIT_CONFIG, cli
from haven_device.settings import Address

EXAMPLE = Path(__file__).parents[2] / "device" / "haven-device.example.toml"
WHOLE = re.sub(r"^# (?=[a-z_]+ = )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
"""The example with its defaults written out."""


def faults_of(tmp_path: Path, text: str) -> list[str]:
    path = tmp_path / "device.toml"
    path.write_text(text)
    try:
        config.load(path)
    except ConfigError as error:
        return error.faults
    return []


def test_the_example_is_good_and_its_comments_name_the_defaults(tmp_path: Path) -> None:
    whole = tmp_path / "whole.toml"
    whole.write_text(WHOLE.replace("buzzer_pin = 23", ""))
    assert config.load(whole) == config.load(EXAMPLE)
    settings = config.load(EXAMPLE)
    assert settings.link.brokers[1] == Address("mqtt2.haven.example", 8883)
    assert [contact.source for contact in settings.contacts] == ["button:counter", "sensor:lid"]
    assert settings.indicator.buzzer_pin is None


def test_every_key_of_the_example_is_missed_or_has_a_default(tmp_path: Path) -> None:
    """A file that lost one line names the key, unless the key has a default."""
    optional = set(re.findall(r"^# ([a-z_]+) = ", EXAMPLE.read_text(), flags=re.MULTILINE))
    optional |= {"heartbeat_s", "reporting_s", "limit", "active_low", "kind", "label", "led_pin"}
    lines = WHOLE.splitlines()
    for number, line in enumerate(lines):
        found = re.match(r"([a-z_]+) = ", line)
        if found is None:
            continue
        faults = faults_of(tmp_path, "\n".join([*lines[:number], *lines[number + 1 :]]))
        if found[1] not in optional:
            assert len(faults) == 1, (line, faults)
            assert f"{found[1]}: is missing; expected " in faults[0]
        else:
            assert faults == [], line


def test_every_key_refuses_a_value_of_another_type_by_its_name(tmp_path: Path) -> None:
    lines = WHOLE.splitlines()
    for number, line in enumerate(lines):
        found = re.match(r"([a-z_]+) = ", line)
        if found is not None:
            faults = faults_of(tmp_path, "\n".join([*lines[:number], f"{found[1]} = [[]]", *lines[number + 1 :]]))
            assert any(f"{found[1]}: is [[]]; expected " in fault for fault in faults), (line, faults)


def test_a_file_cut_anywhere_names_a_key_or_is_whole(tmp_path: Path) -> None:
    text = EXAMPLE.read_text()
    for end in range(0, len(text), 7):
        for fault in faults_of(tmp_path, text[:end]):
            assert re.search(r": (is|line) .*; expected ", fault), (text[:end][-60:], fault)


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    text = WHOLE.replace('device_id = "store-0001"', 'device_id = "Store 1"').replace("pin = 17", "pin = 99")
    text = text.replace('kind = "holdup" ', 'kind = "robbery" ').replace("keepalive_s", "keepalife_s")
    faults = faults_of(tmp_path, text)
    for part in (
        "device_id: is 'Store 1'; expected 1 to 32",
        "button[1].pin: is 99; expected a whole number from 0 to 27",
        "button[1].kind: is 'robbery'; expected one of",
        "broker.keepalife_s: is not a key that is known here; expected one of addresses",
    ):
        assert any(part in fault for fault in faults), (part, faults)


@pytest.mark.parametrize(
    ("before", "after", "fault"),
    [
        ("heartbeat_s = 30", "heartbeat_s = 90", "reporting.heartbeat_s: is 90; expected less than reporting_s (90)"),
        ("pin = 27", "pin = 17", "pin: 17 stands 2 times; expected a pin of its own for each"),
        ('name = "lid"', 'name = "a lid"', "sensor[1].name: is 'a lid'; expected 1 to 24 of"),
        ("mqtt1.haven.example:8883", "mqtt1.haven.example", "expected host:port"),
        ("mqtt1.haven.example:8883", "mqtt1.haven.example:99999", "expected host:port"),
        ('id = "0a1b2c"', 'id = "apron"', "pendant[1].id: is 'apron'; expected 1 to 16 hexadecimal digits"),
        ('driver = "rflink"', 'driver = "rf"', "receiver.driver: is 'rf'; expected one of rflink"),
        ("[receiver]", "[transceiver]", "receiver: is missing; expected a table [receiver]"),
        ("[broker]", "[brooker]", "broker: is missing; expected a table [broker]"),
        ("[[pendant]]", "[pendant]", "pendant: is {"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, before: str, after: str, fault: str) -> None:
    assert before in WHOLE
    faults = faults_of(tmp_path, WHOLE.replace(before, after, 1))
    assert any(fault in one for one in faults), faults


def test_as_many_inputs_as_a_message_can_carry_and_not_one_more(tmp_path: Path) -> None:
    there = len(config.load(EXAMPLE).contacts) + len(config.load(EXAMPLE).pendants)
    pendants = [f'[[pendant]]\nid = "{number:016x}"\n' for number in range(config.MAX_INPUTS - there + 1)]
    (fault,) = faults_of(tmp_path, EXAMPLE.read_text() + "".join(pendants))
    assert "pendant: there are 65 inputs; expected at most 64 in all" in fault
    assert faults_of(tmp_path, EXAMPLE.read_text() + "".join(pendants[1:])) == []


def test_the_most_inputs_with_the_longest_names_fit_into_state_and_heartbeat() -> None:
    names = [f"{number:024}" for number in range(config.MAX_INPUTS)]
    worst_inputs = {f"button:{name}": max(InputState, key=len) for name in names}
    worst_pendant = PendantVitals(battery="low", seen_s=2**31)
    state = State(online=True, boot_id=str(uuid4()), connection=2**31, mono_ms=2**40, inputs=worst_inputs)
    beat = Heartbeat(
        boot_id=str(uuid4()), mono_ms=2**40, seq=2**31, pendants={name[-16:]: worst_pendant for name in names}
    )
    for message in (state.encode(), beat.encode()):
        assert 2000 < len(message) <= MAX_PAYLOAD


@pytest.mark.parametrize(
    ("key", "fits", "too_much"),
    [
        ("name", "n" * 24, "n" * 25),
        ("label", "l" * 200, "l" * 201),
        ("id", "a" * 16, "a" * 17),
        ("device_id", "d" * 32, "d" * 33),
        ("port", "/" * 1000, "/" * 1001),
    ],
)
def test_texts_are_bounded(tmp_path: Path, key: str, fits: str, too_much: str) -> None:
    for text, expected in ((fits, 0), (too_much, 1)):
        changed = re.sub(rf'^{key} = ".*?"', f'{key} = "{text}"', WHOLE, count=1, flags=re.MULTILINE)
        assert text in changed
        assert len(faults_of(tmp_path, changed)) == expected, text


def test_a_box_without_any_input_is_refused(tmp_path: Path) -> None:
    text = EXAMPLE.read_text().split("# Wired buttons")[0]
    assert any("button: is missing" in fault for fault in faults_of(tmp_path, text))


def test_the_command_ends_with_2_and_one_line_per_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "device.toml"
    path.write_text('device_id = "store-1"\ndata_dir = \n')
    assert cli(["run", "--config", str(path)]) == EXIT_CONFIG
    assert "data_dir: line 2 is 'data_dir ='; expected TOML" in capsys.readouterr().err
    assert cli(["doctor", "--config", str(tmp_path / "none.toml")]) == EXIT_CONFIG
    assert "cannot be read" in capsys.readouterr().err


def test_relative_paths_start_at_the_file(tmp_path: Path) -> None:
    path = tmp_path / "device.toml"
    path.write_text(WHOLE.replace("/etc/haven/device.key", "keys/device.key"))
    assert config.load(path).link.key == tmp_path / "keys" / "device.key"
