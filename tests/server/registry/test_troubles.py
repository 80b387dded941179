import pytest

from haven_contract.messages import PendantVitals
from haven_contract.words import Kind
from haven_server.core import Core
from haven_server.devices.operations import name_input, put_device, retire_device
from haven_server.devices.views import DeviceForm
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor
from haven_server.supervision.listing import list_troubles
from server.registry.builders import store
from server.scenario import Box, Dispatch


@pytest.fixture
def box(dispatch: Dispatch, core: Core, admin: Actor) -> Box:
    put_site(core, admin, "A-1", store(reporting_s=20))
    put_device(core, admin, "box-1", DeviceForm(site="A-1", label="카운터 아래"))
    box = Box(dispatch, "box-1")
    box.say_online()
    return box


def test_a_silent_box_is_listed_until_it_is_back(dispatch: Dispatch, core: Core, admin: Actor, box: Box) -> None:
    dispatch.forward(20)
    (trouble,) = list_troubles(core, admin).troubles
    assert (trouble.device, trouble.site, trouble.subject) == ("box-1", "A-1", "device")
    assert (trouble.label, trouble.since) == ("카운터 아래", dispatch.clock.now())
    assert "not protected" in trouble.words.en
    assert "통신 두절" in trouble.words.ko
    box.say_online()
    assert list_troubles(core, admin).troubles == []
    (over,) = list_troubles(core, admin, restored=True).troubles
    assert over.restored_at == dispatch.clock.now()


def test_an_inputs_trouble_names_the_input(dispatch: Dispatch, core: Core, admin: Actor, box: Box) -> None:
    name_input(core, admin, "box-1", "pendant:0a1b2c", "점장 목걸이")
    box.beat(pendants={"0a1b2c": PendantVitals(battery="low")})
    (trouble,) = list_troubles(core, admin).troubles
    assert (trouble.kind, trouble.subject, trouble.label) == (Kind.BATTERY_LOW, "pendant:0a1b2c", "점장 목걸이")


def test_a_box_out_of_service_is_nobodys_work(dispatch: Dispatch, core: Core, admin: Actor, box: Box) -> None:
    dispatch.forward(20)
    retire_device(core, admin, "box-1", "폐업")
    assert list_troubles(core, admin).troubles == []
    assert len(list_troubles(core, admin, restored=True).troubles) == 1


def test_an_unregistered_boxs_trouble_is_listed_too(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    Box(dispatch, "stranger").press("device", Kind.POWER_LOST)
    (trouble,) = list_troubles(core, admin).troubles
    assert (trouble.device, trouble.site, trouble.label) == ("stranger", None, None)


def test_troubles_are_filtered_and_paged(dispatch: Dispatch, core: Core, admin: Actor, box: Box) -> None:
    put_device(core, admin, "box-2", DeviceForm())
    for source in (box, Box(dispatch, "box-2")):
        source.press("device", Kind.POWER_LOST)
        source.press("device", Kind.RECEIVER_LOST)
    assert [each.device for each in list_troubles(core, admin, site="A-1").troubles] == ["box-1", "box-1"]
    assert [each.device for each in list_troubles(core, admin, device_id="box-2").troubles] == ["box-2", "box-2"]
    page = list_troubles(core, admin, limit=3)
    assert page.next is not None
    rest = list_troubles(core, admin, after=page.next)
    assert [each.id for each in page.troubles + rest.troubles] == sorted(
        each.id for each in page.troubles + rest.troubles
    )
    assert (len(rest.troubles), rest.next) == (1, None)
