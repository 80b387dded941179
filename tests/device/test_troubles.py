"""Each trouble that is opened is restored under the same source, kind and fault, whatever happens to the process."""

from dataclasses import replace

import pytest

from device.story import SETTINGS, Store, heard
from haven_contract.words import Kind
from haven_device import troubles
from haven_device.events import DeviceFault, Edge, PanelInput, ReceiverChanged

Opened = tuple[str, str, str | None]
"""Source, kind and fault."""

PENDANT_BATTERY = ("pendant:0a1b2c", "battery_low", None)


def restored_by(store: Store) -> set[Opened]:
    """All that was reported, which is nothing but restorals."""
    assert all(one.restored for one in store.reports())
    return {(one.source, one.kind, one.detail.get("fault")) for one in store.reports()}


OPENINGS: dict[Opened, list[PanelInput]] = {
    ("device", "device_fault", "store"): [DeviceFault("store", present=True, why="full")],
    ("device", "device_fault", "store_replaced"): [DeviceFault("store_replaced", present=True, why="damaged")],
    ("device", "device_fault", "outbox_full"): [DeviceFault("outbox_full", present=True)],
    ("device", "device_fault", "pin"): [DeviceFault("pin", present=True)],
    ("button:counter", "device_fault", "pin"): [DeviceFault("pin", present=True, source="button:counter")],
    ("button:counter", "device_fault", "stuck"): [Edge("button:counter", True, 5000)],
    ("sensor:lid", "tamper", None): [Edge("sensor:lid", True, 5000)],
    ("device", "receiver_lost", "receiver"): [ReceiverChanged(up=False)],
    PENDANT_BATTERY: [heard(battery_low=True)],
    ("pendant:0a1b2c", "tamper", None): [heard(tamper=True)],
}
ENDINGS: dict[Opened, list[PanelInput]] = {
    **{
        key: [replace(one, present=False) for one in cause if isinstance(one, DeviceFault)]
        for key, cause in OPENINGS.items()
    },
    ("button:counter", "device_fault", "stuck"): [Edge("button:counter", False, 500)],
    ("sensor:lid", "tamper", None): [Edge("sensor:lid", False, 500)],
    ("device", "receiver_lost", "receiver"): [ReceiverChanged(up=True)],
    PENDANT_BATTERY: [heard(battery_low=False)],
    ("pendant:0a1b2c", "tamper", None): [heard(tamper=False)],
}


def test_the_stories_of_openings_know_every_trouble_there_is() -> None:
    every = {(one.source, one.kind, one.fault or None) for one in troubles.possible(SETTINGS)}
    assert every - {("sensor:lid", "device_fault", "pin")} == set(OPENINGS)


@pytest.mark.parametrize("trouble", OPENINGS)
def test_what_was_open_when_the_process_died_is_restored_once_it_is_over(trouble: Opened) -> None:
    store = Store().gets(*OPENINGS[trouble]).forward(40)
    opened = [one for one in store.reports() if one.kind != "holdup"]
    assert [(one.source, one.kind, one.detail.get("fault"), one.restored) for one in opened] == [(*trouble, False)]
    after = store.restarts(receiver_answers=False).gets(*ENDINGS[trouble]).forward(1)
    assert restored_by(after) == {trouble}
    assert after.restarts().forward(1).reports() == []


@pytest.mark.parametrize("trouble", OPENINGS)
def test_what_may_be_open_after_a_loss_of_memory_is_restored_at_the_first_sign(
    trouble: Opened,
) -> None:
    store = Store(memory_lost=True, receiver_answers=False)
    store.gets(*ENDINGS[trouble]).forward(1)
    assert trouble in restored_by(store)
    again = store.restarts(receiver_answers=False).gets(*ENDINGS[trouble]).forward(1)
    assert again.reports() == [], "told once"


def test_after_a_loss_of_memory_what_is_wrong_is_reported_and_what_is_not_known_waits() -> None:
    pin = DeviceFault("pin", present=True, source="sensor:lid")
    store = Store(memory_lost=True, receiver_answers=False)
    store.gets(Edge("button:counter", True, 5000), pin).forward(1)
    assert [(one.kind, one.source, one.restored) for one in store.reports()] == [
        ("device_fault", "sensor:lid", False),
        ("holdup", "button:counter", False),
    ]
    after = store.restarts(receiver_answers=False).forward(1)
    assert restored_by(after) == {("button:counter", "device_fault", "stuck")}, "of the lid nothing is known"


def test_a_sensor_that_calls_for_help_does_not_call_again_when_it_opens() -> None:
    mat = replace(SETTINGS.contacts[1], source="sensor:mat", kind=Kind.HOLDUP)
    settings = replace(SETTINGS, contacts=(mat,))
    store = Store(settings).contact("sensor:mat", active=True).forward(60).contact("sensor:mat", active=False)
    assert [(one.kind, one.restored) for one in store.reports()] == [(Kind.HOLDUP, False)]
    store.contact("sensor:mat", active=True)
    assert len(store.reports()) == 2
    assert Store(settings, memory_lost=True).forward(1).reports(Kind.HOLDUP) == []


def test_troubles_of_inputs_that_are_configured_no_more_are_restored_at_the_next_start() -> None:
    store = Store().contact("sensor:lid", active=True).pendant(pressed=False, battery_low=True)
    store.gets(ReceiverChanged(up=False)).forward(11)
    after = store.restarts(replace(SETTINGS, contacts=SETTINGS.contacts[:1], pendants=(), receiver=None))
    restorals = restored_by(after.forward(1))
    assert restorals == {("sensor:lid", "tamper", None), PENDANT_BATTERY, ("device", "receiver_lost", "receiver")}
    assert after.state.troubles == frozenset()
    assert after.restarts().forward(1).reports() == []
