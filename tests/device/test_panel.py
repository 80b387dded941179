"""Stories of the core, with a clock that the story moves."""

from dataclasses import replace

from device.story import SETTINGS, Store
from haven_contract.messages import PendantVitals
from haven_contract.words import Kind, Stage
from haven_device import panel, progress
from haven_device.events import (
    AliveCame,
    DeviceFault,
    Edge,
    EventGivenUp,
    EventMade,
    Note,
    ReceiptCame,
    ReceiverChanged,
    Report,
    TellState,
)
from haven_device.patterns import Pattern


def test_a_press_of_the_button_is_one_hold_up() -> None:
    store = Store().press().forward(60)
    assert store.reports() == [Report(Kind.HOLDUP, "button:counter", 5000)]


def test_the_light_follows_the_receipts_to_the_end() -> None:
    store = Store().gets(AliveCame()).press()
    assert store.light() is Pattern.SENDING
    for rev, stage in enumerate(Stage):
        store.gets(AliveCame(), ReceiptCame("event-1", rev, stage))
        assert store.light() is Pattern(stage)
    store.forward(61).gets(AliveCame())
    assert store.light() is Pattern.PROTECTED


def test_the_highest_rev_wins_whatever_comes_last() -> None:
    store = Store().press().gets(ReceiptCame("event-1", 5, Stage.DISPATCHED), ReceiptCame("event-1", 2, Stage.ALERTED))
    assert store.light() is Pattern.DISPATCHED
    store.gets(ReceiptCame("event-1", 6, Stage.ALERTED))
    assert store.light() is Pattern.ALERTED


def test_a_new_press_shows_that_it_is_being_sent_though_help_is_coming_for_the_first() -> None:
    store = Store().press().gets(ReceiptCame("event-1", 1, Stage.DISPATCHED)).press()
    assert store.light() is Pattern.SENDING
    store.gets(ReceiptCame("event-2", 1, Stage.CLOSED))
    assert store.light() is Pattern.DISPATCHED


def test_the_light_dims_after_some_minutes_and_shines_again_at_news() -> None:
    store = Store().press().gets(ReceiptCame("event-1", 1, Stage.ALERTED))
    assert not panel.shown(store.state, store.now).dimmed
    store.forward(181)
    assert panel.shown(store.state, store.now).dimmed
    store.gets(ReceiptCame("event-1", 2, Stage.DISPATCHED))
    assert not panel.shown(store.state, store.now).dimmed


def test_the_light_knows_its_alarms_after_a_restart() -> None:
    store = Store().press().gets(ReceiptCame("event-1", 3, Stage.ALERTED)).restarts()
    assert store.light() is Pattern.ALERTED
    store.gets(ReceiptCame("event-1", 2, Stage.RECEIVED))
    assert store.light() is Pattern.ALERTED


def test_followed_alarms_are_bounded() -> None:
    store = Store()
    for number in range(200):
        store.gets(EventMade(f"e{number}", Kind.HOLDUP, "button:counter"))
    assert len(store.state.alarms) == progress.LIMIT
    store.gets(*(EventGivenUp(f"e{number}") for number in range(200)))
    assert store.light() is Pattern.DARK


def test_dark_until_a_server_answers_and_again_when_none_does() -> None:
    store = Store()
    assert store.light() is Pattern.DARK
    store.gets(AliveCame())
    assert store.light() is Pattern.PROTECTED
    assert store.forward(89).light() is Pattern.PROTECTED
    assert store.forward(2).light() is Pattern.DARK


def test_not_protected_is_never_hidden_by_a_smaller_trouble() -> None:
    store = Store().pendant(pressed=False, battery_low=True)
    assert store.light() is Pattern.DARK
    store.gets(AliveCame())
    assert store.light() is Pattern.BATTERY_LOW
    store.gets(DeviceFault("store", present=True, why="disk full"))
    assert store.light() is Pattern.FAULT


def test_a_button_held_at_the_start_is_a_hold_up_and_then_stuck_and_restored() -> None:
    store = Store().gets(Edge("button:counter", True, 5000)).forward(31)
    assert [(one.kind, one.restored) for one in store.reports()] == [(Kind.HOLDUP, False), (Kind.DEVICE_FAULT, False)]
    assert store.reports()[1].detail == {"fault": "stuck"}
    assert panel.inputs(store.state)["button:counter"] == "fault"
    store.contact("button:counter", active=False).forward(1)
    assert store.reports()[-1] == Report(Kind.DEVICE_FAULT, "button:counter", 36_000, True, {"fault": "stuck"})
    assert panel.inputs(store.state)["button:counter"] == "ok"
    assert len(store.press().reports(Kind.HOLDUP)) == 2


def test_a_stuck_button_is_no_new_hold_up_at_the_next_start() -> None:
    store = Store().gets(Edge("button:counter", True, 5000)).forward(31).restarts()
    store.gets(Edge("button:counter", True, 500)).forward(60)
    assert store.reports() == []
    store.contact("button:counter", active=False)
    assert [(one.kind, one.restored) for one in store.reports()] == [(Kind.DEVICE_FAULT, True)]


def test_the_lid_is_a_trouble_with_an_end_over_a_restart() -> None:
    store = Store().contact("sensor:lid", active=True).forward(100)
    assert store.reports() == [Report(Kind.TAMPER, "sensor:lid", 5000)]
    store = store.restarts().forward(1)
    assert store.reports() == []
    store.gets(Edge("sensor:lid", False, store.now)).forward(1)
    assert [(one.kind, one.restored) for one in store.reports()] == [(Kind.TAMPER, True)]


def test_repeats_of_one_pendant_press_are_one_event_and_a_pause_makes_another() -> None:
    store = Store()
    for _ in range(40):
        store.pendant().forward(0.2)
    assert len(store.reports()) == 1
    store.forward(2.1).pendant()
    assert store.reports()[1] == Report(Kind.HOLDUP, "pendant:0a1b2c", store.now, detail={"label": "apron"})


def test_off_is_no_press() -> None:
    assert Store().pendant(pressed=False).reports() == []


def test_an_unknown_pendant_raises_nothing_and_is_counted() -> None:
    store = Store()
    for _ in range(9):
        store.pendant(pendant="ffee01").forward(3)
    assert store.reports() == []
    assert store.state.unknown == {"ffee01": 9}
    assert store.kept["unknown"] == {"ffee01": 8}
    assert len([one for one in store.effects if isinstance(one, Note)]) == 4
    for number in range(500):
        store.pendant(pendant=f"{number:06x}")
    assert len(store.state.unknown) == 32
    assert store.restarts().state.unknown


def test_a_pendants_battery_is_reported_once_and_restored() -> None:
    store = Store()
    for low in (None, True, True, None, False, False):
        store.pendant(pressed=False, battery_low=low).forward(3)
    assert [(one.kind, one.source, one.restored) for one in store.reports()] == [
        (Kind.BATTERY_LOW, "pendant:0a1b2c", False),
        (Kind.BATTERY_LOW, "pendant:0a1b2c", True),
    ]
    store.pendant(battery_low=True).forward(12)
    assert panel.inputs(store.state)["pendant:0a1b2c"] == "battery_low"
    assert panel.vitals(store.state, store.now) == {"0a1b2c": PendantVitals(battery="low", seen_s=12)}
    assert panel.vitals(store.restarts().state, 500) == {"0a1b2c": PendantVitals(battery="low", seen_s=None)}


def test_a_receiver_that_is_gone_for_ten_seconds_is_lost_and_its_return_restores_it() -> None:
    store = Store().gets(ReceiverChanged(up=True)).forward(60)
    store.gets(ReceiverChanged(up=False, why="unplugged")).forward(9)
    assert store.reports() == []
    store.gets(ReceiverChanged(up=False, why="still")).forward(2)
    assert [(one.kind, one.restored) for one in store.reports()] == [(Kind.RECEIVER_LOST, False)]
    assert panel.inputs(store.state)["pendant:0a1b2c"] == "fault"
    store.forward(100).gets(ReceiverChanged(up=True)).forward(60)
    assert [(one.kind, one.restored) for one in store.reports()][1:] == [(Kind.RECEIVER_LOST, True)]


def test_a_receiver_that_never_answers_is_lost_too() -> None:
    assert [one.kind for one in Store(receiver_answers=False).forward(11).reports()] == [Kind.RECEIVER_LOST]


def test_a_box_without_a_receiver_misses_none() -> None:
    assert Store(replace(SETTINGS, receiver=None, pendants=()), receiver_answers=False).forward(100).reports() == []


def test_a_pin_that_cannot_be_had_is_a_fault_of_its_input_until_it_can() -> None:
    broken = DeviceFault("pin", present=True, why="busy", source="button:counter")
    store = Store().gets(broken, broken)
    assert [(one.kind, one.source, one.detail) for one in store.reports()] == [
        (Kind.DEVICE_FAULT, "button:counter", {"fault": "pin", "why": "busy"})
    ]
    assert panel.inputs(store.state)["button:counter"] == "fault"
    after = store.restarts().gets(broken, replace(broken, present=False, why="")).press()
    assert [(one.kind, one.restored) for one in after.reports()] == [(Kind.DEVICE_FAULT, True), (Kind.HOLDUP, False)]


def test_the_state_is_told_when_an_input_changes() -> None:
    store = Store().contact("sensor:lid", active=True)
    assert any(isinstance(one, TellState) for one in store.effects)
    assert panel.inputs(store.state) == {"button:counter": "ok", "sensor:lid": "active", "pendant:0a1b2c": "ok"}


def test_kept_values_that_make_no_sense_are_left_out() -> None:
    odd = {"troubles": [[1], "x", None], "alarms": {"a": 1}, "answers": [["c1", "yes"]], "unknown": [3]}
    state = Store(kept=odd).state
    assert (state.troubles, state.alarms, state.answers, state.unknown) == (frozenset(), (), (), {})
