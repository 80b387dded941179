"""docs/contract.md says what the code does: its topics, examples, words and figures."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from haven_contract.asyncapi import document
from haven_contract.channels import DOWN, UP, Channel
from haven_contract.messages import SESSION_EXPIRY, Command, Event, Sent
from haven_contract.topics import Down, Up, all_down, down, up
from haven_contract.wire import MAX_NAME, MAX_PAYLOAD, MAX_TEXT
from haven_contract.words import Action, InputState, Kind, Stage

PAGE = (Path(__file__).parents[2] / "docs/contract.md").read_text(encoding="utf-8")
CHANNELS: dict[Up | Down, Channel] = dict(UP) | dict(DOWN)
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))
EXAMPLES = [
    pytest.param(what, text, id=f"{what}-{number}")
    for what, section in SECTIONS.items()
    for number, text in enumerate(re.findall(r"```json\n(.*?)\n```", section, re.DOTALL))
]


def words_after(label: str, section: str) -> set[str]:
    """The first run of words in backticks after the label."""
    run = re.search(re.escape(label) + r":? ?((?:`\w+`[\s,]*(?:or )?)+)", SECTIONS[section])
    assert run, label
    return set(re.findall(r"`(\w+)`", run[1]))


def test_each_message_has_a_section_with_an_example() -> None:
    assert set(SECTIONS) == {str(what) for what in CHANNELS}
    assert {example.values[0] for example in EXAMPLES} == set(SECTIONS)
    assert len(EXAMPLES) == PAGE.count("```json")


@pytest.mark.parametrize(("what", "text"), EXAMPLES)
def test_an_example_is_written_exactly_as_the_code_writes_it(what: str, text: str) -> None:
    cls = next(channel.message for kind, channel in CHANNELS.items() if kind == what)
    message = cls.decode(text.encode())
    assert message.encode().decode() == text
    if isinstance(message, Event):
        assert message.oddities == ()
    schema = {"$ref": f"#/components/schemas/{cls.__name__}", "components": document()["components"]}
    jsonschema.Draft7Validator(schema).validate(json.loads(text))


def test_the_table_of_topics_is_that_of_the_code() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (\w+) \| (\d) \| ([^|]+) \|", PAGE, re.MULTILINE)
    expected = []
    for what, channel in CHANNELS.items():
        topic = up("device", what) if isinstance(what, Up) else down("device", what)
        expiry = "-" if channel.expiry_s is None else f"{channel.expiry_s} s"
        sender = "box" if isinstance(what, Up) else "server"
        expires = "with its `expires_at`" if channel.message is Command else expiry
        expected.append((topic.replace("/device/", "/{device}/"), sender, str(channel.qos), expires))
    assert rows == expected


def test_its_words_are_those_of_the_code() -> None:
    assert words_after("`kind`", "event") == set(Kind)
    assert words_after("`stage`", "receipt") == set(Stage)
    assert words_after("`action`", "command") == set(Action)
    assert words_after("An input is", "state") == set(InputState)


def test_its_figures_are_those_of_the_code() -> None:
    assert f"session expiry {SESSION_EXPIRY} (never)" in PAGE
    assert f"at most {MAX_PAYLOAD} bytes" in PAGE
    assert f"names have 1 to {MAX_NAME} characters, texts up to {MAX_TEXT}" in PAGE
    assert f"`{all_down('device').replace('/device/', '/{device}/')}` with QoS 1" in PAGE
    assert f"a message expiry of {UP[Up.EVENT].expiry_s} s" in PAGE


def test_its_sent_property_is_of_the_press_shown() -> None:
    example = re.search(r"for example `([^`]+)`", PAGE)
    assert example
    press = Event.decode(str(EXAMPLES[0].values[1]).encode())
    sent = Sent.decode(example[1])
    assert sent.boot_id == press.boot_id
    assert press.mono_ms is not None
    assert sent.mono_ms >= press.mono_ms
