"""A test of an input that the box does not have would make the press of the real one a real alarm."""

import pytest

from haven_server.core import Core
from haven_server.devices.open_tests import list_tests, open_test
from haven_server.devices.operations import name_input, put_device
from haven_server.devices.views import DeviceForm
from haven_server.problems import Invalid
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor, Role
from server.registry.builders import store
from server.scenario import Box, Dispatch

TECHNICIAN = Actor("lee", Role.TECHNICIAN)
COUNTER = "button:counter"


@pytest.fixture
def box(dispatch: Dispatch, core: Core, admin: Actor) -> Box:
    put_site(core, admin, "A-1", store())
    put_device(core, admin, "box-1", DeviceForm(site="A-1"))
    return Box(dispatch, "box-1")


def test_an_input_that_the_box_has_not_told_of_is_refused_with_those_it_has(core: Core, admin: Actor, box: Box) -> None:
    box.say_online(inputs={COUNTER: "ok", "pendant:0a1b2c": "ok"})
    name_input(core, admin, "box-1", "button:nope", "a name for what is not there")
    with pytest.raises(Invalid, match=r"no input button:nope; it has told of: button:counter, pendant:0a1b2c") as told:
        open_test(core, TECHNICIAN, "box-1", "button:nope")
    assert told.value.facts == {"inputs": [COUNTER, "pendant:0a1b2c"]}
    assert list_tests(core, TECHNICIAN, "box-1") == []
    assert open_test(core, TECHNICIAN, "box-1", "pendant:0a1b2c").source == "pendant:0a1b2c"


def test_the_box_itself_can_always_be_tested(core: Core, box: Box) -> None:
    box.say_online(inputs={COUNTER: "ok"})
    assert open_test(core, TECHNICIAN, "box-1", "device").source == "device"


def test_of_a_box_that_has_told_nothing_any_input_may_be_tested(core: Core, box: Box) -> None:
    assert open_test(core, TECHNICIAN, "box-1", "button:nope").source == "button:nope"
    box.say_online()
    assert open_test(core, TECHNICIAN, "box-1", COUNTER).source == COUNTER
