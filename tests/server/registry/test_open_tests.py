"""Promise 6: only the server's own open test makes a press a test, one press of one input within 60 s."""

from datetime import timedelta

import pytest

from haven_server.core import Core
from haven_server.devices.open_tests import list_tests, open_test
from haven_server.devices.operations import put_device, retire_device, revoke_device
from haven_server.devices.views import DeviceForm, OpenTestState
from haven_server.problems import Conflict, NotFound
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor, Role
from server.registry.builders import audited, store
from server.scenario import Box, Dispatch

TECHNICIAN = Actor("lee", Role.TECHNICIAN)
COUNTER = "button:counter"


@pytest.fixture
def box(dispatch: Dispatch, core: Core, admin: Actor) -> Box:
    put_site(core, admin, "A-1", store())
    put_device(core, admin, "box-1", DeviceForm(site="A-1"))
    return Box(dispatch, "box-1")


def test_one_press_is_a_test_and_the_next_is_real(dispatch: Dispatch, core: Core, box: Box) -> None:
    opened = open_test(core, TECHNICIAN, "box-1", COUNTER)
    assert opened.state is OpenTestState.OPEN
    assert opened.expires_at == dispatch.clock.now() + timedelta(seconds=60)
    dispatch.clock.forward(59)
    box.press(COUNTER)
    box.press(COUNTER)
    test, real = dispatch.incidents()
    (seen,) = list_tests(core, TECHNICIAN, "box-1")
    assert (seen.state, seen.incident, seen.pressed_at) == (OpenTestState.USED, test["id"], dispatch.clock.now())
    assert (seen.opened_by, seen.source) == ("lee", COUNTER)
    assert [event.is_test for event in dispatch.events()] == [True, False]
    assert real["id"] != test["id"]
    assert ("lee", "open test", "box-1 button:counter") in audited(core)


def test_a_second_test_waits_for_the_first_which_says_until_when(dispatch: Dispatch, core: Core, box: Box) -> None:
    opened = open_test(core, TECHNICIAN, "box-1", COUNTER)
    with pytest.raises(Conflict, match="until 03:01:00 UTC") as refused:
        open_test(core, TECHNICIAN, "box-1", COUNTER)
    assert refused.value.facts == {"expires_at": opened.expires_at}
    open_test(core, TECHNICIAN, "box-1", "pendant:0a1b2c")
    dispatch.clock.forward(60)
    open_test(core, TECHNICIAN, "box-1", COUNTER)
    states = [(test.source, test.state) for test in list_tests(core, TECHNICIAN, "box-1")]
    assert states == [
        (COUNTER, OpenTestState.OPEN),
        ("pendant:0a1b2c", OpenTestState.EXPIRED),
        (COUNTER, OpenTestState.EXPIRED),
    ]


def test_a_used_test_makes_way_for_the_next(dispatch: Dispatch, core: Core, box: Box) -> None:
    open_test(core, TECHNICIAN, "box-1", COUNTER)
    box.press(COUNTER)
    assert open_test(core, TECHNICIAN, "box-1", COUNTER).state is OpenTestState.OPEN


def test_an_expired_test_takes_no_press(dispatch: Dispatch, core: Core, box: Box) -> None:
    open_test(core, TECHNICIAN, "box-1", COUNTER)
    dispatch.clock.forward(61)
    box.press(COUNTER)
    assert [event.is_test for event in dispatch.events()] == [False]
    (seen,) = list_tests(core, TECHNICIAN, "box-1")
    assert (seen.state, seen.incident) == (OpenTestState.EXPIRED, None)


def test_only_a_box_in_service_at_a_site_is_tested(core: Core, admin: Actor, box: Box) -> None:
    put_device(core, admin, "box-2", DeviceForm())
    with pytest.raises(Conflict, match="not assigned"):
        open_test(core, TECHNICIAN, "box-2", COUNTER)
    retire_device(core, admin, "box-1", "폐업")
    with pytest.raises(Conflict, match="is retired"):
        open_test(core, TECHNICIAN, "box-1", COUNTER)
    revoke_device(core, admin, "box-1", "도난")
    with pytest.raises(Conflict, match="is revoked"):
        open_test(core, TECHNICIAN, "box-1", COUNTER)
    with pytest.raises(NotFound):
        open_test(core, TECHNICIAN, "box-9", COUNTER)
    assert list_tests(core, TECHNICIAN, "box-1") == []
