"""Stories of presses: what becomes one incident, what a new one, what a test."""

import json

import pytest

from haven_contract.words import Stage
from haven_server.incidents.lifecycle import Disposition, Step
from haven_server.incidents.receipts import MOST_REPEATED_TO_ONE
from haven_server.problems import Conflict, Invalid
from server.scenario import Box, Dispatch


@pytest.fixture
def gangnam(dispatch: Dispatch) -> Dispatch:
    dispatch.desk("강남경찰서", districts=("강남구",))
    dispatch.channel(dispatch.city_desk())
    dispatch.store("S-1", name="GS25 신사", lot_address="신사동 1", postal_code="06000", notes="뒷문 있음")
    return dispatch


@pytest.fixture
def store(gangnam: Dispatch) -> Box:
    return gangnam.box("box-1", "S-1")


def test_a_press_reaches_the_desk_in_charge_with_all_that_it_needs(gangnam: Dispatch, store: Box) -> None:
    pressed_at = gangnam.clock.now()
    store.press("pendant:0a1b2c")
    gangnam.work()

    (call,) = gangnam.calls
    assert call["channel"].startswith("http://desk2")
    assert call["status"] == "actual"
    assert call["site"]["road_address"] == "서울특별시 강남구 도산대로 3"
    assert call["site"]["detail"] == "1층"
    assert call["site"]["phones"] == ["02-555-0100"]
    assert call["site"]["district"] == "강남구"
    assert call["site"]["coordinates"] == {"lat": 37.5, "lon": 127.0}
    assert call["time"]["pressed_at"] == pressed_at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    assert call["time"]["pressed_at_local"] == "2026-11-21 12:00:00 KST"
    assert call["what"]["pressed"]["en"] == "Wireless button (0a1b2c)"
    assert call["what"]["silent"]
    assert "do not call" in call["text"]["en"]
    assert store.stages == [Stage.RECEIVED, Stage.ALERTED]
    incident = gangnam.only_incident()
    assert incident["police"]["alerted_at"] == pressed_at
    assert [line["what"] for line in incident["timeline"]] == ["pressed", "received", "police_alerted"]


def test_a_repeated_delivery_is_the_same_press_and_is_answered_again(gangnam: Dispatch, store: Box) -> None:
    event = store.make()
    first = store.send(event)
    gangnam.work()
    again = store.send(event)
    assert first.new
    assert not again.new
    assert again.receipt.stage is Stage.ALERTED
    assert again.receipt.rev == 2
    assert len(gangnam.calls) == 1
    assert len(gangnam.events()) == 1


def test_the_same_id_with_other_content_is_another_press(gangnam: Dispatch, store: Box) -> None:
    store.press(id="constant")
    gangnam.forward(1)
    store.press(id="constant")
    gangnam.work()
    incident = gangnam.only_incident()
    assert incident["presses"] == 2
    assert "id_reused" in gangnam.flags(incident)
    assert len({call["key"] for call in gangnam.calls}) == 2


def test_a_second_press_joins_rings_again_and_updates_the_police(gangnam: Dispatch, store: Box) -> None:
    store.press()
    gangnam.work()
    gangnam.forward(60)
    store.press("pendant:0a1b2c")
    gangnam.work()
    incident = gangnam.only_incident()
    assert incident["presses"] == 2
    assert incident["rung_at"] == gangnam.clock.now()
    assert [call["type"] for call in gangnam.calls] == ["incident.opened", "incident.updated"]
    assert gangnam.calls[1]["what"]["presses"] == 2


def test_five_minutes_later_it_is_a_new_linked_emergency(gangnam: Dispatch, store: Box) -> None:
    store.press()
    gangnam.forward(301)
    store.press()
    first, second = gangnam.incidents()
    assert second["linked_incident"] == first["incident"]


def test_a_second_emergency_three_hours_into_an_unclosed_incident_rings_as_new(gangnam: Dispatch, store: Box) -> None:
    store.press()
    gangnam.work()
    gangnam.clock.forward(3 * 3600)
    store.press()
    gangnam.work()
    first, second = gangnam.incidents()
    assert second["state"] == "open"
    assert second["linked_incident"] == first["incident"]
    assert [call["type"] for call in gangnam.calls] == ["incident.opened", "incident.opened"]


def test_a_press_after_the_police_arrived_is_a_new_emergency(gangnam: Dispatch, store: Box) -> None:
    store.press()
    incident = gangnam.only_incident()
    for step in (Step.ACKNOWLEDGE, Step.DISPATCH, Step.ARRIVE):
        incident = gangnam.step(incident, step)
    gangnam.forward(30)
    store.press()
    assert len(gangnam.incidents()) == 2


def test_a_press_of_another_class_never_hides_in_an_open_incident(gangnam: Dispatch, store: Box) -> None:
    store.press(kind="holdup")
    store.press(kind="medical")
    store.press(kind="tamper", source="sensor:case")
    assert {incident["response"] for incident in gangnam.incidents()} == {"police", "medical", "machine"}


def test_a_press_that_joins_an_accepted_incident_tells_the_clerk_so_at_once(gangnam: Dispatch, store: Box) -> None:
    store.press()
    gangnam.step(gangnam.step(gangnam.only_incident(), Step.ACKNOWLEDGE), Step.DISPATCH)
    assert store.press().receipt.stage is Stage.DISPATCHED


def test_a_stuck_button_is_counted_and_told_every_thirty_seconds(gangnam: Dispatch, store: Box) -> None:
    for _ in range(60):
        store.press()
        gangnam.forward(1)
    gangnam.forward(40)
    incident = gangnam.only_incident()
    assert incident["presses"] == 60
    assert "runaway" in gangnam.flags(incident)
    # Nine told one by one, then one at once and one every 30 s; the last of them counts all.
    assert len(gangnam.calls) == 12
    assert gangnam.calls[-1]["what"]["presses"] == 60
    assert store.stages.count(Stage.ALERTED) == 60


def test_another_input_of_the_site_is_not_drowned_by_a_stuck_one(gangnam: Dispatch, store: Box) -> None:
    for _ in range(20):
        store.press("button:counter")
    before = len(gangnam.calls)
    gangnam.work()
    store.press("pendant:0a1b2c")
    gangnam.work()
    assert gangnam.calls[-1]["what"]["source"] == "pendant:0a1b2c"
    assert len(gangnam.calls) > before


def test_a_press_with_an_open_test_is_a_test(gangnam: Dispatch, store: Box) -> None:
    gangnam.open_test("box-1", "button:counter")
    gangnam.forward(20)
    store.press()
    gangnam.work()
    incident = gangnam.only_incident()
    assert incident["test"]
    assert [call["status"] for call in gangnam.calls] == ["test"]


def test_an_open_test_covers_one_press_of_one_input_for_a_minute(gangnam: Dispatch, store: Box) -> None:
    gangnam.open_test("box-1", "button:counter")
    store.press("pendant:0a1b2c")
    store.press("button:counter")
    store.press("button:counter")
    gangnam.open_test("box-1", "button:counter")
    gangnam.forward(61)
    store.press("button:counter")
    gangnam.work()
    assert [event.is_test for event in gangnam.events()] == [False, True, False, False]


def test_an_old_press_that_arrives_during_a_test_is_real(gangnam: Dispatch, store: Box) -> None:
    press = store.make()
    gangnam.forward(120)
    gangnam.open_test("box-1", "button:counter")
    store.send(press)
    assert not gangnam.only_incident()["test"]


@pytest.mark.parametrize("claim", [{"kind": "test"}, {"detail": {"test": True}}])
def test_a_press_that_calls_itself_a_test_is_real(gangnam: Dispatch, store: Box, claim: dict[str, object]) -> None:
    store.send(store.make(**claim))  # type: ignore[arg-type]
    gangnam.work()
    assert "says_test" in gangnam.flags(gangnam.only_incident())
    assert [call["status"] for call in gangnam.calls] == ["actual"]


def test_a_test_of_the_box_that_nobody_asked_for_is_recorded_as_unexpected(gangnam: Dispatch, store: Box) -> None:
    recorded = store.press(kind="test", source="device")
    gangnam.work()
    assert recorded.flags == ("unexpected_test",)
    assert gangnam.calls == []
    assert gangnam.incidents() == []


def test_a_test_of_the_box_that_was_asked_for_goes_to_the_desk_as_a_test(gangnam: Dispatch, store: Box) -> None:
    gangnam.open_test("box-1", "device")
    store.press(kind="test", source="device")
    gangnam.work()
    assert [call["status"] for call in gangnam.calls] == ["test"]


def test_a_test_never_takes_a_real_press_into_itself(gangnam: Dispatch, store: Box) -> None:
    gangnam.open_test("box-1", "button:counter")
    store.press()
    store.press()
    assert [incident["test"] for incident in gangnam.incidents()] == [True, False]


def test_a_cancel_is_a_request_that_the_dispatcher_sees(gangnam: Dispatch, store: Box) -> None:
    store.press()
    store.press(kind="cancel_request")
    incident = gangnam.only_incident()
    assert incident["state"] == "open"
    assert "cancel_requested" in [line["what"] for line in incident["timeline"]]


def test_the_incident_keeps_the_site_as_it_was(gangnam: Dispatch, store: Box) -> None:
    store.press()
    with gangnam.core.database.read() as session:
        copy = gangnam.only_incident()["site"]
        assert copy["name"] == "GS25 신사"
        assert session is not None


def test_an_unknown_kind_is_an_alarm(gangnam: Dispatch, store: Box) -> None:
    store.press(kind="alien_abduction")
    gangnam.work()
    assert "unknown_kind" in gangnam.flags(gangnam.only_incident())
    assert len(gangnam.calls) == 1


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"\xff\xfe", b"null", b"[]", b'{"v":1}', b"x" * 1_000_000, b'{"v":1,"id":"\\ud800","kind":"holdup"}'],
    ids=["empty", "half", "not utf-8", "null", "list", "no id", "1 MB", "surrogate"],
)
def test_what_cannot_be_read_rings_at_the_boxs_site(gangnam: Dispatch, store: Box, payload: bytes) -> None:
    recorded = store.send(payload)
    gangnam.work()
    incident = gangnam.only_incident()
    assert recorded.receipt.event_id.startswith("sha256:")
    assert "unreadable" in gangnam.flags(incident)
    assert incident["site"]["code"] == "S-1"
    assert gangnam.calls[0]["channel"].startswith("http://desk2")
    kept = gangnam.vault.open(gangnam.events()[0].sealed_raw)
    assert payload.startswith(kept)
    assert len(kept) == min(len(payload), 65_536)


def test_a_newer_version_is_understood_as_far_as_it_goes(gangnam: Dispatch, store: Box) -> None:
    event = json.loads(store.make().encode()) | {"v": 2, "place": {"floor": 3}}
    store.send(json.dumps(event).encode())
    incident = gangnam.only_incident()
    assert "newer_version" in gangnam.flags(incident)
    assert incident["what"]["kind"] == "holdup"


def test_an_unassigned_box_rings_at_the_city_desk(gangnam: Dispatch) -> None:
    gangnam.box("box-2").press()
    gangnam.work()
    assert "unassigned" in gangnam.flags(gangnam.only_incident())
    assert gangnam.calls[0]["channel"].startswith("http://desk1")


def test_an_unknown_box_rings_at_the_city_desk(gangnam: Dispatch) -> None:
    Box(gangnam, "nobody-knows").press()
    gangnam.work()
    assert "unknown_device" in gangnam.flags(gangnam.only_incident())
    assert gangnam.calls[0]["site"] is None
    assert "not assigned" in gangnam.calls[0]["text"]["en"]


def test_a_site_without_coordinates_or_desk_rings_at_the_city_desk(gangnam: Dispatch) -> None:
    gangnam.store("S-2", district="없는구", lat=None, lon=None)
    gangnam.box("box-2", "S-2").press()
    gangnam.work()
    assert {"no_coordinates", "no_desk"} <= gangnam.flags(gangnam.only_incident())
    assert gangnam.calls[0]["site"]["coordinates"] is None


@pytest.mark.parametrize("standing", ["retired", "revoked"])
def test_a_box_out_of_service_is_recorded_and_shown_but_calls_nobody(gangnam: Dispatch, standing: str) -> None:
    gangnam.box("old-box", "S-1", standing=standing).press()
    gangnam.forward(20)
    incident = gangnam.only_incident()
    assert standing in gangnam.flags(incident)
    assert not incident["police"]["told"]
    assert gangnam.calls == []
    assert not incident["police"]["not_reached"]


def test_a_real_press_never_joins_the_incident_of_a_revoked_box(gangnam: Dispatch, store: Box) -> None:
    gangnam.box("old-box", "S-1", standing="revoked").press()
    store.press()
    gangnam.work()
    assert len(gangnam.incidents()) == 2
    assert len(gangnam.calls) == 1


def test_of_two_dispatchers_one_wins_and_the_other_is_told_who(gangnam: Dispatch, store: Box) -> None:
    store.press()
    seen = gangnam.only_incident()
    gangnam.step(seen, Step.ACKNOWLEDGE)
    with pytest.raises(Conflict, match="kim was faster"):
        gangnam.step(seen, Step.ACKNOWLEDGE)


def test_closing_needs_a_disposition_and_a_step_that_the_table_has(gangnam: Dispatch, store: Box) -> None:
    store.press()
    seen = gangnam.only_incident()
    with pytest.raises(Invalid, match="disposition"):
        gangnam.step(seen, Step.CLOSE)
    with pytest.raises(Conflict, match="cannot arrive"):
        gangnam.step(seen, Step.ARRIVE)
    closed = gangnam.close(seen, Disposition.MISTAKEN_PRESS)
    assert closed["disposition"] == "mistaken_press"
    reopened = gangnam.step(closed, Step.REOPEN)
    assert reopened["state"] == "open"


def test_each_step_is_told_to_the_clerk(gangnam: Dispatch, store: Box) -> None:
    store.press()
    gangnam.work()
    incident = gangnam.only_incident()
    for step in (Step.ACKNOWLEDGE, Step.DISPATCH, Step.ARRIVE):
        incident = gangnam.step(incident, step)
    gangnam.step(incident, Step.CLOSE, disposition=Disposition.REAL)
    assert store.stages == list(Stage)
    revisions = [receipt.rev for _, receipt in gangnam.heard.receipts]
    assert revisions == sorted(set(revisions))


def test_at_each_connection_the_box_hears_again_where_its_incidents_stand(gangnam: Dispatch, store: Box) -> None:
    store.press()
    gangnam.work()
    gangnam.heard.receipts.clear()
    store.say_online()
    assert store.stages == [Stage.ALERTED]


def test_an_input_that_keeps_sending_presses_of_unknown_time_opens_no_incident_for_each(
    gangnam: Dispatch, store: Box
) -> None:
    for _ in range(40):
        store.press(boot_id="a-boot-that-nobody-knows")
        gangnam.forward(0.2)
    gangnam.forward(40)
    incidents = gangnam.incidents()
    assert len(incidents) == 9
    assert sum(incident["presses"] for incident in incidents) == 40
    assert "runaway" in gangnam.flags(incidents[-1])
    assert len(gangnam.calls) <= 12


def test_unreadable_messages_run_away_too(gangnam: Dispatch, store: Box) -> None:
    for number in range(40):
        store.send(f"garbage {number}".encode())
    assert len(gangnam.incidents()) == 9


def test_an_incident_never_spans_more_than_five_minutes(gangnam: Dispatch, store: Box) -> None:
    late = store.make()
    gangnam.forward(290)
    store.press()
    gangnam.forward(5)
    store.send(late)
    gangnam.forward(200)
    store.press()
    first, second = gangnam.incidents()
    assert (first["presses"], second["presses"]) == (2, 1)
    assert (second["first_press_at"] - first["first_press_at"]).total_seconds() == 495


def test_a_late_press_that_would_stretch_an_incident_opens_its_own(gangnam: Dispatch, store: Box) -> None:
    late = store.make()
    gangnam.forward(200)
    store.press()
    gangnam.forward(200)
    store.press()
    store.send(late)
    assert [incident["presses"] for incident in gangnam.incidents()] == [2, 1]


def test_reopened_only_what_the_police_got_is_told_as_alerted(gangnam: Dispatch, store: Box) -> None:
    first = store.press().receipt.event_id
    gangnam.work()
    gangnam.desk_answers = False
    second = store.press().receipt.event_id
    gangnam.step(gangnam.close(gangnam.only_incident()), Step.REOPEN)
    told = {receipt.event_id: receipt.stage for _, receipt in gangnam.heard.receipts}
    assert told == {first: Stage.ALERTED, second: Stage.RECEIVED}


def test_a_press_in_the_last_second_of_a_test_is_real(gangnam: Dispatch, store: Box) -> None:
    """Press times are right to a second, so it may have been made after the end."""
    gangnam.open_test("box-1", "button:counter")
    gangnam.forward(59.5)
    store.press()
    assert not gangnam.only_incident()["test"]


@pytest.mark.parametrize("source", ["x" * 65, "button:\u200b", 7, ["button:counter"], ""])
def test_a_test_from_an_input_that_cannot_be_read_is_an_alarm(gangnam: Dispatch, store: Box, source: object) -> None:
    event = json.loads(store.make("test").encode()) | {"source": source}
    store.send(json.dumps(event).encode())
    gangnam.work()
    assert [call["status"] for call in gangnam.calls] == ["actual"]


def test_a_state_within_a_connection_repeats_no_receipts(gangnam: Dispatch, store: Box) -> None:
    store.say_online()
    store.press()
    gangnam.heard.receipts.clear()
    for _ in range(10):
        store.connection -= 1
        store.say_online()
    assert store.stages == []
    store.say_online()
    assert store.stages == [Stage.RECEIVED]


def test_a_box_that_comes_back_hears_of_its_newest_events(gangnam: Dispatch, store: Box) -> None:
    for _ in range(MOST_REPEATED_TO_ONE + 20):
        store.press()
    gangnam.heard.receipts.clear()
    store.say_online()
    assert len(store.stages) == MOST_REPEATED_TO_ONE
