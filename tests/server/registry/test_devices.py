import pytest

from haven_contract.messages import PendantVitals
from haven_server.core import Core
from haven_server.devices.operations import (
    get_device,
    list_devices,
    name_input,
    put_device,
    retire_device,
    revoke_device,
)
from haven_server.devices.standing import CHANGES, Standing
from haven_server.devices.views import DeviceForm
from haven_server.problems import Conflict, Invalid, NotFound
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor
from server.registry.builders import audited, store
from server.scenario import Box, Dispatch

HERE = DeviceForm(site="A-1", label="카운터 아래")


@pytest.fixture(autouse=True)
def site(core: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())


def test_a_box_is_registered_moved_and_taken_away(core: Core, admin: Actor) -> None:
    made = put_device(core, admin, "box-1", HERE)
    assert (made.id, made.site, made.label, made.standing) == ("box-1", "A-1", "카운터 아래", Standing.ACTIVE)
    assert (made.online, made.seen_at, made.vitals, made.inputs) == (False, None, {}, [])
    gone = put_device(core, admin, "box-1", DeviceForm())
    assert (gone.site, gone.label) == (None, None)
    assert audited(core)[-2:] == [("anna", "save box", "box-1")] * 2


@pytest.mark.parametrize("device_id", ["dispatch-1", "Box", "a" * 33, "", "box 1"])
def test_an_id_that_no_certificate_may_have_is_refused(core: Core, admin: Actor, device_id: str) -> None:
    with pytest.raises(Invalid, match="device id"):
        put_device(core, admin, device_id, HERE)


def test_a_site_that_does_not_exist_is_refused(core: Core, admin: Actor) -> None:
    with pytest.raises(Invalid, match="no site Z-9"):
        put_device(core, admin, "box-1", DeviceForm(site="Z-9"))
    with pytest.raises(NotFound, match="no box box-1"):
        get_device(core, admin, "box-1")


def test_a_retired_box_stays_retired_until_somebody_says_active(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    put_device(core, admin, "box-1", HERE)
    dispatch.clock.forward(60)
    retired = retire_device(core, admin, "box-1", "점포 폐업")
    assert (retired.standing, retired.standing_reason) == (Standing.RETIRED, "점포 폐업")
    assert retired.standing_since == dispatch.clock.now()
    assert put_device(core, admin, "box-1", DeviceForm(site="A-1")).standing is Standing.RETIRED
    back = put_device(core, admin, "box-1", DeviceForm(site="A-1", standing=Standing.ACTIVE))
    assert (back.standing, back.standing_reason) == (Standing.ACTIVE, None)


def test_a_revoked_box_never_comes_back(core: Core, admin: Actor) -> None:
    put_device(core, admin, "box-1", HERE)
    revoke_device(core, admin, "box-1", "도난")
    for form in (HERE, DeviceForm(site="A-1", standing=Standing.ACTIVE), DeviceForm()):
        with pytest.raises(Conflict, match="new id"):
            put_device(core, admin, "box-1", form)
    with pytest.raises(Conflict, match="for good"):
        retire_device(core, admin, "box-1", "다른 이유")
    seen = get_device(core, admin, "box-1")
    assert (seen.standing, seen.standing_reason, seen.site) == (Standing.REVOKED, "도난", "A-1")


def test_taking_a_box_out_twice_keeps_the_first_reason(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    put_device(core, admin, "box-1", HERE)
    first = revoke_device(core, admin, "box-1", "도난")
    dispatch.clock.forward(60)
    assert revoke_device(core, admin, "box-1", "다시") == first
    assert [action for _, action, _ in audited(core)].count("revoked box") == 1


@pytest.mark.parametrize("standing", [Standing.RETIRED, Standing.REVOKED])
def test_standing_is_not_taken_away_by_a_put(core: Core, admin: Actor, standing: Standing) -> None:
    with pytest.raises(Invalid, match="'active'"):
        put_device(core, admin, "box-1", DeviceForm(standing=standing))


def test_nothing_leads_out_of_revoked() -> None:
    assert {after for before, after in CHANGES if before is Standing.REVOKED} == set()


@pytest.mark.parametrize("take_out", [retire_device, revoke_device])
def test_a_press_of_a_box_out_of_service_calls_no_police(
    dispatch: Dispatch, core: Core, admin: Actor, take_out: object
) -> None:
    dispatch.channel(dispatch.city_desk())
    put_device(core, admin, "box-1", HERE)
    assert callable(take_out)
    take_out(core, admin, "box-1", "시험")
    Box(dispatch, "box-1").press()
    dispatch.work()
    assert len(dispatch.incidents()) == 1
    assert dispatch.calls == []


def test_a_box_is_shown_with_what_it_says_of_itself(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    put_device(core, admin, "box-1", HERE)
    name_input(core, admin, "box-1", "pendant:0a1b2c", "점장 목걸이")
    name_input(core, admin, "box-1", "button:rear", "창고")
    box = Box(dispatch, "box-1")
    box.say_online(firmware="1.2.0", inputs={"button:counter": "ok", "pendant:0a1b2c": "ok"})
    box.beat(cpu_c=48.5, pendants={"0a1b2c": PendantVitals(battery="low", seen_s=30)})
    seen = get_device(core, admin, "box-1")
    assert (seen.online, seen.firmware, seen.seen_at) == (True, "1.2.0", dispatch.clock.now())
    assert seen.vitals["cpu_c"] == 48.5
    assert [(each.source, each.label, each.state, each.battery) for each in seen.inputs] == [
        ("button:counter", None, "ok", None),
        ("button:rear", "창고", None, None),
        ("pendant:0a1b2c", "점장 목걸이", "ok", "low"),
    ]
    dispatch.clock.forward(89)
    assert get_device(core, admin, "box-1").online
    dispatch.clock.forward(1)
    silent = get_device(core, admin, "box-1")
    assert not silent.online
    assert silent.due_at == dispatch.clock.now()


def test_a_label_can_be_changed_and_forgotten_but_needs_a_box(core: Core, admin: Actor) -> None:
    put_device(core, admin, "box-1", HERE)
    name_input(core, admin, "box-1", "button:counter", "계산대")
    assert name_input(core, admin, "box-1", "button:counter", "입구").inputs[0].label == "입구"
    assert name_input(core, admin, "box-1", "button:counter", None).inputs[0].label is None
    with pytest.raises(NotFound):
        name_input(core, admin, "box-2", "button:counter", "입구")


def test_a_list_is_filtered_and_paged(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    for number in range(1, 5):
        put_device(core, admin, f"box-{number}", HERE if number < 3 else DeviceForm())
    retire_device(core, admin, "box-4", "폐업")
    for number, inside in ((1, True), (2, True), (3, False)):
        box = Box(dispatch, f"box-{number}")
        box.say_online()
        if not inside:
            box.die()
    dispatch.clock.forward(80)
    Box(dispatch, "box-1").say_online(connection=2)
    dispatch.clock.forward(20)

    def ids(**wanted: object) -> list[str]:
        return [device.id for device in list_devices(core, admin, **wanted).devices]  # type: ignore[arg-type]  # a test's table

    assert ids() == ["box-1", "box-2", "box-3", "box-4"]
    assert ids(site="A-1") == ["box-1", "box-2"]
    assert ids(standing=Standing.RETIRED) == ["box-4"]
    assert ids(online=True) == ["box-1"], "box-2 has been silent for too long, whatever it said last"
    assert ids(online=False) == ["box-2", "box-3", "box-4"]
    page = list_devices(core, admin, limit=3)
    assert page.next == "box-3"
    assert ids(after=page.next) == ["box-4"]
