"""The published document: fresh, whole, and true of what is really sent."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import jsonschema
import pytest

from haven_contract.asyncapi import attribute_docstrings, document, object_schema, type_schema
from haven_contract.channels import DOWN, UP, Channel
from haven_contract.event import Sent
from haven_contract.examples import EXAMPLES
from haven_contract.messages import EVENT_EXPIRY_S, Event, Message, PendantVitals
from haven_contract.topics import Down, Up, down, up
from haven_contract.wire import Name, Whole

ROOT = Path(__file__).parents[2]
DOCUMENT = document()
CHANNELS: dict[Up | Down, Channel] = dict(UP) | dict(DOWN)
TYPES: list[type[Message]] = [channel.message for channel in CHANNELS.values()]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (target for key, target in value.items() if key == "$ref")
        value = list(value.values())
    if isinstance(value, list):
        for inner in value:
            yield from references(inner)


def resolve(reference: str) -> Any:
    place: Any = DOCUMENT
    for step in reference.removeprefix("#/").split("/"):
        place = place[step]
    return place


def validator(schema: Mapping[str, Any]) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator({**schema, "components": DOCUMENT["components"]})


def test_the_checked_in_copy_is_what_the_command_prints() -> None:
    printed = subprocess.run(
        [sys.executable, "-m", "haven_contract.asyncapi"], capture_output=True, check=True, text=True, encoding="utf-8"
    ).stdout
    hint = "run: python -m haven_contract.asyncapi > docs/asyncapi.json"
    assert (ROOT / "docs/asyncapi.json").read_text(encoding="utf-8") == printed, hint
    assert json.loads(printed) == DOCUMENT


def test_a_box_does_not_load_it() -> None:
    code = "import sys, haven_contract.channels; print([m for m in sys.modules if m.startswith('haven_contract')])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert "haven_contract.messages" in loaded
    assert "asyncapi" not in loaded
    assert "examples" not in loaded


def test_the_document_has_what_asyncapi_3_requires() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert set(DOCUMENT) <= {
        "asyncapi",
        "info",
        "defaultContentType",
        "servers",
        "channels",
        "operations",
        "components",
    }
    assert {"title", "version"} <= set(DOCUMENT["info"])
    for server in DOCUMENT["servers"].values():
        assert {"host", "protocol"} <= set(server)
    for operation in DOCUMENT["operations"].values():
        assert operation["action"] in ("send", "receive")
        assert operation["channel"]["$ref"].startswith("#/channels/")
        # An operation names messages of its channel, not of the components.
        assert all(
            each["$ref"].startswith(operation["channel"]["$ref"] + "/messages/") for each in operation["messages"]
        )


def test_every_reference_leads_somewhere() -> None:
    found = list(references(DOCUMENT))
    assert len(found) > 4 * len(CHANNELS)
    for reference in found:
        assert resolve(reference)


@pytest.mark.parametrize("what", CHANNELS)
def test_each_topic_stands_there_with_its_sender_quality_and_expiry(what: Up | Down) -> None:
    topic = up("device", what) if isinstance(what, Up) else down("device", what)
    channel = DOCUMENT["channels"][what]
    assert channel["address"].replace("{device}", "device") == topic
    assert set(channel["parameters"]) == {"device"}
    (message,) = channel["messages"].values()
    assert resolve(message["$ref"])["name"] == CHANNELS[what].message.__name__
    action = "send" if isinstance(what, Up) else "receive"
    mqtt = DOCUMENT["operations"][f"{action}_{what}"]["bindings"]["mqtt"]
    assert (mqtt["qos"], mqtt["retain"]) == (CHANNELS[what].qos, False)
    assert mqtt.get("messageExpiryInterval") == CHANNELS[what].expiry_s


def test_the_table_is_that_of_the_design() -> None:
    assert {what: (channel.qos, channel.expiry_s) for what, channel in CHANNELS.items()} == {
        Up.EVENT: (1, 604_800),
        Up.STATE: (1, 604_800),
        Up.HEARTBEAT: (0, None),
        Up.REPLY: (1, None),
        Down.RECEIPT: (1, 86_400),
        Down.ALIVE: (0, None),
        Down.COMMAND: (1, None),
    }
    assert UP[Up.EVENT].expiry_s == EVENT_EXPIRY_S


@pytest.mark.parametrize("cls", TYPES)
def test_each_schema_is_one_and_its_example_fits_and_shows_every_field(cls: type[Message]) -> None:
    schema = DOCUMENT["components"]["schemas"][cls.__name__]
    jsonschema.Draft7Validator.check_schema(schema)
    (example,) = DOCUMENT["components"]["messages"][cls.__name__]["examples"]
    validator(schema).validate(example["payload"])
    assert set(example["payload"]) == set(schema["properties"])
    assert cls.decode(json.dumps(example["payload"]).encode()) == EXAMPLES[cls]


@pytest.mark.parametrize("cls", TYPES)
def test_what_a_schema_requires_the_decoder_requires_and_nothing_else(cls: type[Message]) -> None:
    schema = DOCUMENT["components"]["schemas"][cls.__name__]
    payload = json.loads(EXAMPLES[cls].encode())
    cls.decode(json.dumps({key: payload[key] for key in schema["required"]}).encode())
    for key in payload:
        rest = json.dumps({other: payload[other] for other in payload if other != key}).encode()
        if key in schema["required"]:
            with pytest.raises(ValueError, match=key):
                cls.decode(rest)
        else:
            cls.decode(rest)


@pytest.mark.parametrize("cls", TYPES)
def test_what_a_schema_allows_the_decoder_keeps(cls: type[Message]) -> None:
    """Each field of the example replaced by values at and beyond every edge: the schema promises no more."""
    schema = validator(DOCUMENT["components"]["schemas"][cls.__name__])
    payload = json.loads(EXAMPLES[cls].encode())
    edges: list[Any] = [
        None,
        True,
        0,
        -1,
        2**53,
        2**53 + 1,
        0.5,
        "",
        "a",
        "a\nb",
        "x" * 64,
        "x" * 65,
        "x" * 1000,
        "x" * 1001,
        [],
        {},
    ]
    for key in payload:
        for edge in edges:
            odd = payload | {key: edge}
            if not schema.is_valid(odd) or isinstance(getattr(EXAMPLES[cls], key), date):
                continue
            message = cls.decode(json.dumps(odd).encode())
            if edge is not None:
                assert getattr(message, key) == edge, (key, edge)


def test_the_sent_property_is_described_and_its_example_is_one() -> None:
    message = DOCUMENT["components"]["messages"]["Event"]
    (example,) = message["examples"]
    jsonschema.Draft7Validator(message["headers"]).validate(example["headers"])
    sent = Sent.decode(example["headers"]["sent"])
    assert sent.boot_id == example["payload"]["boot_id"]
    assert sent.mono_ms > example["payload"]["mono_ms"]


@pytest.mark.parametrize("cls", [*TYPES, PendantVitals])
def test_every_field_is_described(cls: type) -> None:
    assert {each.name for each in fields(cls)} == set(attribute_docstrings(cls))
    assert cls.__doc__


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, kw_only=True)
class Lamp:
    """A lamp.

    Not shown.
    """

    colour: Colour
    """Its colour."""
    watts: Whole | None = None
    """Its power."""
    places: Mapping[Name, Annotated[Name, Colour]] = field(default_factory=dict)
    """Where it
    hangs."""


def test_a_new_field_appears_by_itself() -> None:
    name = {"type": "string", "minLength": 1, "maxLength": 64, "not": {"$ref": "#/components/schemas/UnsafeText"}}
    assert object_schema(Lamp) == {
        "type": "object",
        "description": "A lamp.",
        "required": ["colour"],
        "properties": {
            "colour": {"type": "string", "enum": ["red"], "description": "Its colour."},
            "watts": {
                "type": ["integer", "null"],
                "minimum": 0,
                "maximum": 2**53,
                "default": None,
                "description": "Its power.",
            },
            "places": {
                "type": "object",
                "propertyNames": name,
                "additionalProperties": name | {"examples": ["red"]},
                "description": "Where it\nhangs.",
            },
        },
    }


@pytest.mark.parametrize("unknown", [bytes, date, list[int], int | str, Annotated[int, Event]])
def test_a_type_without_a_schema_is_refused_rather_than_left_out(unknown: Any) -> None:
    with pytest.raises(TypeError):
        type_schema(unknown)
