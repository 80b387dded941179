"""When was it pressed? Boxes with wrong clocks, presses that waited: right to a second, or said to be unknown."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from haven_contract.messages import EVENT_EXPIRY_S, Sent
from server.scenario import Box, Dispatch

TEN_MINUTES = 600
A_SECOND = timedelta(seconds=1)


@pytest.fixture
def city(dispatch: Dispatch) -> Dispatch:
    dispatch.desk("강남경찰서", districts=("강남구",))
    dispatch.store("S-1")
    return dispatch


@pytest.fixture
def store(city: Dispatch) -> Box:
    return city.box("box-1", "S-1")


def first_press(incident: dict[str, Any]) -> datetime:
    at = incident["first_press_at"]
    assert isinstance(at, datetime)
    return at


def test_a_clock_at_1970_changes_nothing_but_is_told(city: Dispatch, store: Box) -> None:
    store.clock_error = datetime(1970, 1, 1, tzinfo=city.clock.now().tzinfo) - city.clock.now()
    store.press(clock_synced=False)
    incident = city.only_incident()
    assert first_press(incident) == city.clock.now()
    assert "clock_wrong" in city.flags(incident)
    assert "wrong by 20778 days" in incident["flags"][0]["en"]


def test_a_clock_a_day_ahead_changes_nothing_but_is_told(city: Dispatch, store: Box) -> None:
    store.clock_error = timedelta(days=1)
    store.press()
    incident = city.only_incident()
    assert first_press(incident) == city.clock.now()
    assert incident["flags"][0]["en"] == "The box's clock was wrong by 1 day"


def test_a_clock_that_jumps_between_press_and_sending_changes_nothing(city: Dispatch, store: Box) -> None:
    store.clock_error = timedelta(hours=-9)
    pressed_at, press = city.clock.now(), store.make()
    city.clock.forward(90)
    store.clock_error = timedelta(0)
    store.send(press)
    incident = city.only_incident()
    assert first_press(incident) == pressed_at
    assert city.flags(incident) == {"clock_wrong", "late"}


def test_a_right_clock_is_not_flagged(city: Dispatch, store: Box) -> None:
    store.clock_error = timedelta(seconds=4)
    store.press()
    assert city.flags(city.only_incident()) == set()


@pytest.mark.parametrize("where", ["outbox", "broker", "both"])
def test_a_press_that_waited_ten_minutes_is_placed_to_a_second(city: Dispatch, store: Box, where: str) -> None:
    pressed_at, press = city.clock.now(), store.make()
    city.clock.forward(TEN_MINUTES)
    store.send(press, waited_in_broker_s={"outbox": 0, "broker": TEN_MINUTES, "both": 240}[where])
    incident = city.only_incident()
    assert abs(first_press(incident) - pressed_at) <= A_SECOND
    assert "late" in city.flags(incident)
    assert incident["flags"][0]["en"] == "Arrived 10 minutes after the press"
    assert incident["opened_at"] == city.clock.now()


@pytest.mark.parametrize("known_by", ["heartbeat", "state", "another event"])
def test_a_press_from_before_a_reboot_is_placed_by_what_that_boot_had_told(
    city: Dispatch, store: Box, known_by: str
) -> None:
    match known_by:
        case "heartbeat":
            store.beat()
        case "state":
            store.say_online()
        case _:
            store.press(kind="medical")
    city.clock.forward(20)
    pressed_at, press = city.clock.now(), store.make()
    city.clock.forward(300)
    store.reboot()
    city.clock.forward(300)
    store.send(press)
    incident = city.incidents()[-1]
    assert abs(first_press(incident) - pressed_at) <= A_SECOND
    assert city.events()[-1].press_basis == "earlier_boot"
    assert "late" in city.flags(incident)


def test_a_press_of_a_boot_that_nobody_knew_rings_alone_and_says_so(city: Dispatch, store: Box) -> None:
    store.clock_error = timedelta(hours=-2)
    press = store.make()
    store.reboot()
    store.press()
    city.clock.forward(10)
    store.send(press)
    known, unknown = city.incidents()
    assert known["presses"] == 1
    assert unknown["first_press_at"] is None
    assert unknown["linked_incident"] == known["incident"]
    assert unknown["flags"][0]["en"].startswith(
        "When it was pressed is not known; the box's own clock said 2026-11-21T01"
    )
    city.work()
    (told,) = [call for call in city.calls if call["incident"] == unknown["incident"]]
    assert told["time"]["pressed_at"] is None
    assert "time of the press unknown" in told["text"]["en"]


def test_nothing_joins_an_incident_of_unknown_time(city: Dispatch, store: Box) -> None:
    store.send_saying(store.make(), None, None)
    store.press()
    assert [incident["presses"] for incident in city.incidents()] == [1, 1]


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(lambda _box: None, id="missing"),
        pytest.param(lambda box: Sent(box.boot_id, 0), id="before the press"),
        pytest.param(lambda box: Sent(box.boot_id, 2**53), id="after the end of the calendar"),
        pytest.param(lambda _box: Sent("never-heard-of", 1), id="another boot"),
    ],
)
def test_a_forged_or_missing_sent_makes_the_time_unknown_and_the_alarm_rings(
    city: Dispatch, store: Box, sent: Any
) -> None:
    store.send_saying(store.make(), sent(store), EVENT_EXPIRY_S)
    city.work()
    incident = city.only_incident()
    assert incident["first_press_at"] is None
    assert "press_time_unknown" in city.flags(incident)
    assert len(city.calls) == 1


def test_a_forged_sent_spoils_no_later_press(city: Dispatch, store: Box) -> None:
    store.beat()
    press = store.make()
    store.send_saying(store.make(), Sent(store.boot_id, 2**53), EVENT_EXPIRY_S)
    store.beat()
    city.clock.forward(30)
    store.reboot()
    store.send(press)
    assert city.events()[-1].press_basis == "earlier_boot"


def test_without_an_expiry_the_press_counts_as_just_sent(city: Dispatch, store: Box) -> None:
    store.send_saying(store.make(), Sent(store.boot_id, store.mono_ms), None)
    assert first_press(city.only_incident()) == city.clock.now()


def test_a_late_press_joins_by_its_press_time(city: Dispatch, store: Box) -> None:
    first = store.make()
    city.clock.forward(120)
    second = store.make()
    city.clock.forward(3600)
    store.send(first)
    store.send(second)
    assert city.only_incident()["presses"] == 2


def test_an_unreadable_clock_is_told_and_the_time_is_right_all_the_same(city: Dispatch, store: Box) -> None:
    store.press(clock="half past nine")
    incident = city.only_incident()
    assert first_press(incident) == city.clock.now()
    assert "odd_fields" in city.flags(incident)
