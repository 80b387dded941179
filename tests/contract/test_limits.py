"""The bounds: 8 KiB, the cut detail, odd fields of an event, texts from people, and what raises instead."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from haven_contract.errors import ContractError
from haven_contract.messages import Command, Event, Heartbeat, PendantVitals, Receipt, Reply, State
from haven_contract.wire import MAX_DEPTH, MAX_INT, MAX_NAME, MAX_PAYLOAD, MAX_TEXT
from haven_contract.words import Action, Kind, Stage

NOW = datetime(2026, 11, 21, 3, 4, 5, tzinfo=UTC)


def press(**fields: Any) -> Event:
    given: dict[str, Any] = {"id": "e1", "kind": Kind.HOLDUP, "source": "button:counter", "mono_ms": 5}
    return Event(**(given | fields))


def decoded(**fields: Any) -> Event:
    return Event.decode(json.dumps({"v": 1, "id": "e1", "kind": "holdup"} | fields).encode())


def test_a_payload_of_exactly_8_kib_is_read_and_one_byte_more_is_not() -> None:
    frame = len(b'{"v":1,"id":"a","kind":"holdup","pad":""}')
    payload = b'{"v":1,"id":"a","kind":"holdup","pad":"' + b"x" * (MAX_PAYLOAD - frame) + b'"}'
    assert len(payload) == MAX_PAYLOAD == 8192
    assert Event.decode(payload).id == "a"
    with pytest.raises(ContractError, match="8193 bytes; a message has at most 8192"):
        Event.decode(payload + b" ")


def test_a_detail_that_just_fits_is_not_cut() -> None:
    room = MAX_PAYLOAD - len(press(detail={"raw": ""}).encode())
    full = press(detail={"raw": "x" * room})
    assert len(full.encode()) == MAX_PAYLOAD
    assert Event.decode(full.encode()) == full
    over = Event.decode(press(detail={"raw": "x" * (room + 1)}).encode())
    assert list(over.detail) == ["cut"]
    assert over.detail["cut"].startswith("1 of 1 entries left out: ")


def test_a_cut_detail_keeps_the_entries_that_fit_and_says_how_many_are_gone() -> None:
    event = press(detail={"rssi": -71, "raw": "가" * 5000, "switch": "01"})
    again = Event.decode(event.encode())
    assert again.detail["rssi"] == -71
    assert again.detail["switch"] == "01"
    assert again.detail["cut"].startswith("1 of 3 entries left out: ")
    assert "raw" not in again.detail
    assert (again.id, again.source, again.mono_ms) == (event.id, event.source, event.mono_ms)


def test_many_small_entries_are_kept_up_to_the_bound() -> None:
    payload = press(detail={f"k{number}": number for number in range(5000)}).encode()
    assert MAX_PAYLOAD - 600 < len(payload) <= MAX_PAYLOAD
    kept = Event.decode(payload).detail
    assert kept["cut"].startswith(f"{5000 - (len(kept) - 1)} of 5000 entries left out: ")


def test_the_longest_note_of_a_cut_has_its_room() -> None:
    detail = {"odd": "\x00" * 100} | {f"k{number}": number for number in range(5000)}
    payload = press(detail=detail).encode()
    assert len(payload) <= MAX_PAYLOAD
    assert "cannot be stored" in Event.decode(payload).detail["cut"]


def nested(levels: int) -> dict[str, Any]:
    table: dict[str, Any] = {}
    for _ in range(levels - 1):
        table = {"in": table}
    return table


@pytest.mark.parametrize(
    "odd",
    [
        "\x00",
        "\ud800",
        float("nan"),
        float("inf"),
        MAX_INT + 1,
        10**5000,
        {"a": b"bytes"},
        [object()],
        {1, 2},
        NOW,
        {("no", "key"): 1},
        nested(MAX_DEPTH),
        nested(5000),
    ],
    ids=lambda value: type(value).__name__,
)
def test_an_entry_that_cannot_be_sent_costs_only_itself(odd: Any) -> None:
    again = Event.decode(press(detail={"odd": odd, "rssi": -71}).encode())
    assert again.oddities == ()
    assert set(again.detail) == {"rssi", "cut"}
    assert again.detail["rssi"] == -71


def test_a_detail_that_holds_itself_costs_only_itself() -> None:
    ring: dict[str, Any] = {}
    ring["ring"] = ring
    assert set(Event.decode(press(detail={"odd": ring, "rssi": 1}).encode()).detail) == {"rssi", "cut"}


def test_the_deepest_detail_survives() -> None:
    event = press(detail=nested(MAX_DEPTH))
    assert Event.decode(event.encode()) == event
    assert set(Event.decode(press(detail=nested(MAX_DEPTH + 1)).encode()).detail) == {"cut"}


def test_the_longest_names_of_four_bytes_each_leave_room_for_a_detail() -> None:
    name = "🚨" * MAX_NAME
    event = Event(id=name, kind=name, source=name, boot_id=name, clock=name, detail={"raw": "x" * 6000})
    assert Event.decode(event.encode()) == event


@pytest.mark.parametrize(
    ("odd", "sent"),
    [
        ({"source": "button:" + "x" * 90}, {"source": ("button:" + "x" * 90)[:MAX_NAME]}),
        ({"source": "button:a\nb"}, {"source": "button:a b"}),
        ({"source": ""}, {"source": "unreadable"}),
        ({"mono_ms": -1}, {"mono_ms": None}),
        ({"mono_ms": MAX_INT + 1}, {"mono_ms": None}),
        ({"seq": -1}, {"seq": None}),
        ({"boot_id": ""}, {"boot_id": None}),
        ({"clock": "x" * 65}, {"clock": None}),
    ],
)
def test_an_odd_field_does_not_keep_a_press_from_being_sent(odd: dict[str, Any], sent: dict[str, Any]) -> None:
    again = Event.decode(press(**odd).encode())
    assert again == press(**sent)
    assert again.oddities == ()


@pytest.mark.parametrize("broken", [{"id": ""}, {"id": "x" * 65}, {"kind": "a\x00"}, {"v": 0}])
def test_an_event_without_a_readable_identity_cannot_be_encoded(broken: dict[str, Any]) -> None:
    with pytest.raises(ContractError):
        press(**broken).encode()


@pytest.mark.parametrize(
    ("key", "odd"),
    [
        ("boot_id", ""),
        ("boot_id", "a\u2028b"),
        ("mono_ms", -1),
        ("mono_ms", "81234"),
        ("mono_ms", True),
        ("mono_ms", 1.5),
        ("clock", 1_700_000_000),
        ("clock_synced", "yes"),
        ("seq", 2**53 + 1),
        ("restored", 1),
        ("detail", []),
        ("detail", {"a": "\x00"}),
        ("detail", {"a": {"b": 1e300}}),
    ],
)
def test_an_odd_field_is_named_and_the_rest_is_kept(key: str, odd: Any) -> None:
    event = decoded(**({"source": "pendant:1", "seq": 3} | {key: odd}))
    assert event == decoded(**({"source": "pendant:1", "seq": 3} | {key: None}))
    assert len(event.oddities) == 1
    assert event.oddities[0].startswith(key)


def test_null_is_as_good_as_missing_and_a_whole_number_may_have_a_point() -> None:
    nothing = dict.fromkeys(["source", "boot_id", "mono_ms", "clock", "clock_synced", "seq", "restored", "detail"])
    assert decoded(**nothing) == decoded()
    assert decoded(**nothing).oddities == ()
    assert decoded(v=1.0, mono_ms=81234.0) == decoded(mono_ms=81234)


def test_an_unknown_kind_is_kept_as_it_came() -> None:
    assert decoded(kind="가스 누출").kind == "가스 누출"


def test_texts_of_people_are_made_fit() -> None:
    receipt = Receipt(event_id="e1", rev=1, stage=Stage.CLOSED, at=NOW, reason="허위\n신고\x00" + "x" * 2000)
    assert Receipt.decode(receipt.encode()).reason == ("허위 신고 " + "x" * 2000)[:MAX_TEXT]
    assert Receipt.decode(Receipt(event_id="e1", rev=1, stage=Stage.CLOSED, at=NOW, reason="").encode()).reason is None
    assert Reply.decode(Reply(command_id="c", ok=False, detail="a\ud800\r\nb").encode()).detail == "a   b"


def test_a_command_with_arguments_that_cannot_be_read_is_no_command_without_them() -> None:
    whole = json.loads(Command(id="c", action=Action.CONFIGURE, expires_at=NOW, args={"led": "off"}).encode())
    odds: list[Any] = [[], "led", {"led": "\x00"}, {"led": 1e300}]
    for odd in odds:
        with pytest.raises(ContractError, match="args"):
            Command.decode(json.dumps(whole | {"args": odd}).encode())
    assert Command.decode(json.dumps(whole | {"args": None}).encode()).args == {}


@pytest.mark.parametrize("odd", [{"stage": "unheard-of"}, {"stage": "a" * 65}, {"at": "yesterday"}, {"rev": -1}])
def test_an_odd_receipt_is_refused(odd: dict[str, Any]) -> None:
    whole = json.loads(Receipt(event_id="e1", rev=1, stage=Stage.CLOSED, at=NOW).encode())
    with pytest.raises(ContractError):
        Receipt.decode(json.dumps(whole | odd).encode())


def test_names_that_cannot_stand_are_left_out_of_states_and_heartbeats() -> None:
    state = State.decode(
        b'{"v":1,"online":true,"boot_id":"b","connection":1,"inputs":{"":"ok","a":1,"b":"ok","c\\n":"ok"}}'
    )
    assert state.inputs == {"b": "ok"}
    heartbeat = Heartbeat.decode(
        b'{"v":1,"boot_id":"b","mono_ms":1,"seq":1,"outbox":-1,"pendants":{"":{},"a":1,"b":{"battery":3,"seen_s":4},"c\\n":{}}}'
    )
    assert heartbeat.pendants == {"b": PendantVitals(seen_s=4)}
    assert heartbeat.outbox == 0


def test_a_box_with_more_pendants_than_a_heartbeat_holds_is_told() -> None:
    pendants = {f"{number:06x}": PendantVitals(battery="ok", seen_s=99999) for number in range(150)}
    assert len(Heartbeat(boot_id="b" * 36, mono_ms=MAX_INT, seq=MAX_INT, pendants=pendants).encode()) <= MAX_PAYLOAD
    with pytest.raises(ContractError, match="a message has at most 8192"):
        Heartbeat(boot_id="b", mono_ms=1, seq=1, pendants=dict.fromkeys(map(str, range(300)), PendantVitals())).encode()


@pytest.mark.parametrize("odd", [7, "x" * 65, "", ["button:1"], "button:\u200b"])
def test_a_source_that_cannot_be_read_is_never_taken_for_the_box_itself(odd: Any) -> None:
    event = decoded(source=odd)
    assert event.source == "unreadable"
    assert event.oddities[0].startswith("source")
    assert decoded(source=None).source == "device"
