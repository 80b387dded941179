"""Stories of troubles: several at once, news in the wrong order, boxes that were never heard."""

import pytest

from haven_contract.words import Kind
from haven_server.devices.operations import put_device
from haven_server.devices.views import DeviceForm
from haven_server.staff.access import Actor, Role
from server.scenario import Box, Dispatch

TECHNICIAN = Actor("lee", Role.TECHNICIAN)


@pytest.fixture
def box(dispatch: Dispatch) -> Box:
    dispatch.store("S-1")
    return dispatch.box("box-1", "S-1")


def fault(box: Box, name: str, *, restored: bool = False, source: str = "device") -> None:
    box.press(source, Kind.DEVICE_FAULT, detail={"fault": name}, restored=restored)


def test_the_end_of_one_fault_hides_no_other(dispatch: Dispatch, box: Box) -> None:
    fault(box, "store")
    fault(box, "outbox_full")
    fault(box, "outbox_full", restored=True)
    assert dispatch.faults() == [("box-1", "device", "store")]


def test_a_restoral_that_overtakes_its_trouble_ends_it(dispatch: Dispatch, box: Box) -> None:
    begin = box.make(Kind.POWER_LOST, "device")
    dispatch.forward(10)
    end = box.make(Kind.POWER_LOST, "device", restored=True)
    dispatch.forward(10)
    box.send(end)
    box.send(begin)
    assert dispatch.troubles() == []


def test_whatever_the_order_of_the_news_the_newest_holds(dispatch: Dispatch, box: Box) -> None:
    news = []
    for restored in (False, True, False):
        news.append(box.make(Kind.POWER_LOST, "device", restored=restored))
        dispatch.forward(0.3)
    for event in (news[2], news[1], news[0]):
        box.send(event)
    assert dispatch.troubles() == [("box-1", "device", "power_lost")]


def test_news_of_one_boot_are_ordered_by_its_own_clock(dispatch: Dispatch, box: Box) -> None:
    """The broker's whole seconds make the begin look later than the end."""
    begin = box.make(Kind.POWER_LOST, "device")
    dispatch.clock.forward(0.3)
    end = box.make(Kind.POWER_LOST, "device", restored=True)
    box.send(begin)
    box.send(end, waited_in_broker_s=1)
    assert dispatch.troubles() == []


def test_a_box_that_was_assigned_and_never_heard_is_a_trouble_until_it_speaks(dispatch: Dispatch) -> None:
    dispatch.store("S-1")
    put_device(dispatch.core, TECHNICIAN, "new-box", DeviceForm(site="S-1"))
    dispatch.clock.forward(3599)
    dispatch.work()
    assert dispatch.troubles() == []
    dispatch.forward(2)
    assert dispatch.troubles() == [("new-box", "device", "offline")]
    Box(dispatch, "new-box").say_online()
    assert dispatch.troubles() == []


def test_a_box_that_speaks_in_time_is_no_trouble(dispatch: Dispatch) -> None:
    dispatch.store("S-1")
    put_device(dispatch.core, TECHNICIAN, "new-box", DeviceForm(site="S-1"))
    box = Box(dispatch, "new-box")
    box.say_online()
    dispatch.clock.forward(3601)
    box.beat()
    dispatch.work()
    assert dispatch.troubles() == []
