"""Every valid message survives encode and decode, and is what the published schema says."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from haven_contract.asyncapi import document
from haven_contract.errors import ContractError
from haven_contract.event import Event, Sent
from haven_contract.messages import Alive, Command, Heartbeat, Message, PendantVitals, Receipt, Reply, State
from haven_contract.wire import MAX_INT, MAX_NAME, MAX_PAYLOAD, MAX_TEXT, is_name
from haven_contract.words import Action, Kind, Stage

# Few characters but telling ones: ASCII, quotes that double in JSON, Hangul, an emoji of four bytes.
LETTERS = st.sampled_from('ab:-0 "\\가각힣🚨')
NAMES = st.text(LETTERS, min_size=1, max_size=12) | st.text(LETTERS, min_size=MAX_NAME, max_size=MAX_NAME)
ANY_NAMES = st.text(min_size=1, max_size=MAX_NAME).filter(is_name)
TEXTS = st.text(LETTERS, min_size=1, max_size=MAX_TEXT)
WHOLES = st.integers(0, MAX_INT)
NUMBERS = st.floats(-MAX_INT, MAX_INT)
INSTANTS = st.datetimes(timezones=st.just(UTC)).map(
    lambda instant: instant.replace(microsecond=instant.microsecond // 1000 * 1000)
)
VERSIONS = st.integers(1, 3)
STORABLE = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=20)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-MAX_INT, MAX_INT) | NUMBERS | STORABLE,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORABLE, inner, max_size=4),
    max_leaves=12,
)
TABLES = st.dictionaries(STORABLE, JSON_VALUES, max_size=5)

EVENTS = st.builds(
    Event,
    id=NAMES | ANY_NAMES,
    kind=st.sampled_from(Kind) | ANY_NAMES,
    source=NAMES | ANY_NAMES,
    boot_id=st.none() | NAMES,
    mono_ms=st.none() | WHOLES,
    clock=st.none() | NAMES,
    clock_synced=st.booleans(),
    seq=st.none() | WHOLES,
    restored=st.booleans(),
    detail=TABLES,
    v=VERSIONS,
)
RECEIPTS = st.builds(
    Receipt, event_id=TEXTS, rev=WHOLES, stage=st.sampled_from(Stage), at=INSTANTS, reason=st.none() | TEXTS, v=VERSIONS
)
ALIVES = st.builds(Alive, at=INSTANTS, seq=WHOLES, v=VERSIONS)
STATES = st.builds(
    State,
    online=st.booleans(),
    boot_id=NAMES,
    connection=WHOLES,
    mono_ms=st.none() | WHOLES,
    firmware=st.none() | NAMES,
    arming=st.none() | NAMES,
    inputs=st.dictionaries(NAMES, NAMES, max_size=5),
    v=VERSIONS,
)
HEARTBEATS = st.builds(
    Heartbeat,
    boot_id=NAMES,
    mono_ms=WHOLES,
    seq=WHOLES,
    clock_synced=st.booleans(),
    outbox=WHOLES,
    cpu_c=st.none() | NUMBERS,
    throttled=st.none() | st.booleans(),
    disk_free_mb=st.none() | WHOLES,
    pendants=st.dictionaries(
        NAMES, st.builds(PendantVitals, battery=st.none() | NAMES, seen_s=st.none() | WHOLES), max_size=5
    ),
    v=VERSIONS,
)
COMMANDS = st.builds(Command, id=NAMES, action=st.sampled_from(Action), expires_at=INSTANTS, args=TABLES, v=VERSIONS)
REPLIES = st.builds(Reply, command_id=NAMES, ok=st.booleans(), detail=st.just("") | TEXTS, v=VERSIONS)
MESSAGES: st.SearchStrategy[Message] = st.one_of(EVENTS, RECEIPTS, ALIVES, STATES, HEARTBEATS, COMMANDS, REPLIES)

SCHEMAS: dict[str, Any] = document()["components"]["schemas"]


def schema_of(name: str) -> jsonschema.Draft7Validator:
    return jsonschema.Draft7Validator(
        {"$ref": f"#/components/schemas/{name}", "components": {"schemas": SCHEMAS}},
        format_checker=jsonschema.Draft7Validator.FORMAT_CHECKER,
    )


VALIDATORS = {name: schema_of(name) for name in SCHEMAS}


@given(MESSAGES)
def test_every_valid_message_survives_and_fits_its_schema(message: Message) -> None:
    payload = message.encode()
    assert len(payload) <= MAX_PAYLOAD
    again = type(message).decode(payload)
    assert again == message
    assert again.encode() == payload
    if isinstance(again, Event):
        assert again.oddities == ()
    VALIDATORS[type(message).__name__].validate(json.loads(payload))


# What no reader can take: NaN, wild numbers, NUL, lone surrogates, tuples, bytes, keys that are no text.
WILD = st.recursive(
    st.none() | st.floats() | st.integers() | st.text(max_size=400) | st.binary(max_size=9) | st.just("\ud800\x00"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=400) | st.integers() | st.floats() | st.none(), inner, max_size=4)
    ),
    max_leaves=40,
)


@given(detail=st.dictionaries(st.text(max_size=2000) | st.integers(), WILD, max_size=12), source=st.text(max_size=90))
def test_an_event_goes_out_and_is_understood_whatever_its_detail_and_source(detail: Any, source: str) -> None:
    event = Event(id="a", kind=Kind.HOLDUP, source=source, detail=detail)
    payload = event.encode()
    assert len(payload) <= MAX_PAYLOAD
    again = Event.decode(payload)
    assert (again.id, again.kind, again.oddities) == ("a", "holdup", ())
    assert again.encode() == payload
    VALIDATORS["Event"].validate(json.loads(payload))


@given(boot_id=NAMES | ANY_NAMES, mono_ms=WHOLES)
def test_sent_survives(boot_id: str, mono_ms: int) -> None:
    sent = Sent(boot_id, mono_ms)
    assert Sent.decode(sent.encode()) == sent


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "boot",
        "81234",
        ":81234",
        "boot:",
        "boot:-1",
        "boot:1.5",
        "boot:1e3",
        "boot: 1",
        "boot:\u0661",
        "boot:²",
        "boot:9007199254740993",
        "boot:" + "9" * 5000,
        "b\x00t:1",
        "b" * 65 + ":1",
        "b\ud800:1",
    ],
)
def test_what_is_no_sent_property_is_refused(text: str) -> None:
    with pytest.raises(ContractError):
        Sent.decode(text)


@given(st.text(max_size=80))
def test_no_sent_property_raises_anything_else(text: str) -> None:
    try:
        sent = Sent.decode(text)
    except ContractError:
        return
    assert Sent.decode(sent.encode()) == sent


@pytest.mark.parametrize(("left", "expected"), [(60, 60), (59.001, 60), (1, 1), (0.2, 1), (0, 1), (-5, 1)])
def test_a_command_expires_at_the_broker_when_it_expires_at_the_device(left: float, expected: int) -> None:
    now = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)
    command = Command(id="c", action=Action.RESTART, expires_at=now + timedelta(seconds=left))
    assert command.seconds_left(now) == expected
