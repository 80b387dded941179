"""No bytes whatever make a decoder raise anything but ContractError, and what it lets in goes out again unchanged."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from haven_contract.channels import DOWN, UP
from haven_contract.errors import ContractError
from haven_contract.messages import Event, Message
from haven_contract.wire import MAX_PAYLOAD

GOLDEN = {file.stem: file.read_bytes() for file in sorted((Path(__file__).parent / "golden").glob("*.json"))}
TYPES: list[type[Message]] = [each.message for each in [*UP.values(), *DOWN.values()]]
TYPE_OF = {stem: cls for stem in GOLDEN for cls in TYPES if stem.startswith(cls.__name__.lower())}
FIELD_NAMES = sorted({key for payload in GOLDEN.values() for key in json.loads(payload)})


def read_everywhere(payload: bytes) -> None:
    """Every decoder takes or refuses the payload; what it takes has a stable meaning."""
    for cls in TYPES:
        try:
            message = cls.decode(payload)
        except ContractError:
            continue
        try:
            written = message.encode()
        except ContractError:
            # Numbers may grow in writing (1e15), and only an event must make itself fit.
            assert cls is not Event
            continue
        again = cls.decode(written)
        assert again.encode() == written
        if b'"cut"' not in written:
            assert again == message


ODD_SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([-1, 2**53, 2**53 + 1, 10**400, -0.0, 1e308, 7.0, 0.5])
    | st.floats()
    | st.text(max_size=70)
    | st.sampled_from(
        ["", "\x00", "\ud800", "a\nb", "\u202e", "\ufffe", "x" * 65, "x" * 1001, "0001-01-01T00:00:00+23:59"]
    )
)
ODD_VALUES = st.recursive(
    ODD_SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.binary(max_size=200))
def test_random_bytes(payload: bytes) -> None:
    read_everywhere(payload)


@given(st.dictionaries(st.sampled_from(FIELD_NAMES), ODD_VALUES))
def test_random_json_with_the_names_of_fields(fields: dict[str, Any]) -> None:
    read_everywhere(json.dumps({"v": 1, **fields}).encode())


@given(st.sampled_from(sorted(GOLDEN)), st.data())
@settings(max_examples=300)
def test_a_message_with_one_odd_field(stem: str, data: st.DataObject) -> None:
    fields = json.loads(GOLDEN[stem])
    fields[data.draw(st.sampled_from(sorted(fields)))] = data.draw(ODD_VALUES)
    read_everywhere(json.dumps(fields).encode())


@given(st.sampled_from(sorted(GOLDEN)), st.data())
@settings(max_examples=300)
def test_a_message_with_bytes_cut_changed_and_inserted(stem: str, data: st.DataObject) -> None:
    payload = bytearray(GOLDEN[stem])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload)))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    read_everywhere(bytes(payload))


@pytest.mark.parametrize("stem", GOLDEN)
def test_a_message_cut_short_at_any_byte_is_refused(stem: str) -> None:
    for length in range(len(GOLDEN[stem])):
        with pytest.raises(ContractError):
            TYPE_OF[stem].decode(GOLDEN[stem][:length])


@pytest.mark.parametrize(
    "key", ["id", "source", "event_id", "detail", "args", "inputs", "pendants", "at", "mono_ms", "unknown"]
)
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"a":', "}")])
def test_nesting_of_any_depth(key: str, opening: str, closing: str) -> None:
    # Each depth in turn: just below the parser's own limit, quoting the value in a message would have exceeded it.
    for depth in [*range(1, 40), *range(700, 1010), 1300]:
        inner = opening * depth + "1" + closing * depth
        read_everywhere(f'{{"v":1,"id":"a","kind":"holdup","{key}":{inner}}}'.encode())
    read_everywhere(("[" * MAX_PAYLOAD).encode())


@pytest.mark.parametrize("key", ["v", "id", "seq", "rev", "mono_ms", "cpu_c", "detail", "args", "online"])
@pytest.mark.parametrize(
    "literal",
    ["NaN", "Infinity", "-Infinity", "1e400", "-1e400", "9" * 400, "9" * 5000, "-0", "1.0", "01", "+1", "0x1"],
)
def test_wild_numbers(key: str, literal: str) -> None:
    base = '"id":"a","kind":"holdup","event_id":"a","boot_id":"b"'
    read_everywhere(f'{{"v":1,{base},"{key}":{literal}}}'.encode())
    read_everywhere(f'{{"v":1,{base},"{key}":{{"deeper":[{literal}]}}}}'.encode())


@given(st.sampled_from(["id", "kind", "boot_id", "v", "detail", "at", "stage", "action"]), ODD_VALUES)
def test_a_refusal_is_short_enough_for_a_log_and_can_be_written_there(key: str, odd: Any) -> None:
    for cls in TYPES:
        with pytest.raises(ContractError) as refusal:
            cls.decode(json.dumps({"unreadable": "", key: odd}).encode())
        assert len(str(refusal.value).encode()) < 1000


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"v"',
        b"{}",
        b"{" * 100,
        b'\xef\xbb\xbf{"v":1}',
        '{"v":1}'.encode("utf-16"),
        "{}".encode("utf-32"),
        b'{"v":1,"id":"\xff"}',
        b'{"v":1,"id":"\xed\xa0\x80"}',
        b'{"v":1,"id":"a\x00b"}',
        b'{"v":1} trailing',
        b'{"v":true,"id":"a","kind":"holdup"}',
        b'{"v":"1","id":"a","kind":"holdup"}',
        b'{"v":0,"id":"a","kind":"holdup"}',
        b'{"v":1.5,"id":"a","kind":"holdup"}',
        b'{"id":"a","kind":"holdup"}',
        b'{"v":1,"id":"","kind":"holdup"}',
        b'{"v":1,"id":"a\\u0000","kind":"holdup"}',
        b'{"v":1,"id":"a\\ud800","kind":"holdup"}',
        b'{"v":1,"id":"a","kind":"hold\\nup"}',
        b'{"v":1,"id":"a","kind":"hold\\u202eup"}',
        b'{"v":1,"id":["a"],"kind":"holdup"}',
        b'{"v":1,"id":"a","kind":null}',
        b'{"v":1,"id":"a","kind":"' + b"k" * 65 + b'"}',
        b'{"v":1,"id":"a","kind":"holdup","detail":NaN}',
        b'{"v":1,"id":"a","kind":"holdup","pad":"' + b"x" * MAX_PAYLOAD + b'"}',
    ],
)
def test_what_no_decoder_may_take(payload: bytes) -> None:
    for cls in TYPES:
        with pytest.raises(ContractError):
            cls.decode(payload)
