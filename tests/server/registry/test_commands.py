from dataclasses import replace
from datetime import timedelta

import pytest

from haven_contract.messages import Alive, Command, Receipt, Reply
from haven_contract.words import DEVICE_SOURCE, Action, Kind
from haven_server.core import Core
from haven_server.devices.commands import POSSIBLE, get_command, list_commands, record_reply, send_command
from haven_server.devices.open_tests import list_tests
from haven_server.devices.operations import put_device, revoke_device
from haven_server.devices.views import CommandForm, CommandState, CommandView, DeviceForm
from haven_server.problems import Busy, Conflict, Invalid, NotFound
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor, Role
from server.registry.builders import audited, store
from server.scenario import Box, Dispatch

TECHNICIAN = Actor("lee", Role.TECHNICIAN)


class Unconnected:
    """A server without any broker. It keeps what it should have sent."""

    def __init__(self) -> None:
        self.tried: list[Command] = []

    def send_command(self, device_id: str, command: Command) -> bool:
        assert device_id == "box-1"
        self.tried.append(command)
        return False

    def send_receipt(self, device_id: str, receipt: Receipt) -> None:
        raise AssertionError(f"no receipt is due: {device_id} {receipt}")

    def send_alive(self, device_id: str, alive: Alive) -> None:
        raise AssertionError(f"nobody is answered: {device_id} {alive}")


@pytest.fixture(autouse=True)
def box(dispatch: Dispatch, core: Core, admin: Actor) -> Box:
    put_site(core, admin, "A-1", store())
    put_device(core, admin, "box-1", DeviceForm(site="A-1"))
    return Box(dispatch, "box-1")


def reply(core: Core, command_id: str, *, ok: bool = True, device_id: str = "box-1") -> bool:
    """What the ingest does with a reply."""
    said = Reply(command_id=command_id, ok=ok, detail="the light swells for 30 s")
    return core.database.writer.run(lambda session: record_reply(session, device_id, said, core.clock.now()))


def send(core: Core, action: Action = Action.IDENTIFY, **args: object) -> CommandView:
    return send_command(core, TECHNICIAN, "box-1", CommandForm(action=action, args=args))


def test_a_command_is_written_down_sent_and_answered(dispatch: Dispatch, core: Core) -> None:
    sent = send(core, seconds=5)
    ((device_id, command),) = dispatch.heard.commands
    assert (device_id, command.id, command.action, command.args) == ("box-1", sent.id, Action.IDENTIFY, {"seconds": 5})
    assert command.expires_at == dispatch.clock.now() + timedelta(seconds=30)
    assert sent.state is CommandState.WAITING
    dispatch.clock.forward(2)
    assert reply(core, sent.id)
    seen = get_command(core, TECHNICIAN, "box-1", sent.id)
    assert (seen.state, seen.reply) == (CommandState.DONE, "the light swells for 30 s")
    assert (seen.replied_at, seen.sent_by) == (dispatch.clock.now(), "lee")
    assert ("lee", "command identify", "box-1") in audited(core)


def test_what_became_of_commands_is_told(dispatch: Dispatch, core: Core) -> None:
    refused = send(core)
    reply(core, refused.id, ok=False)
    dispatch.clock.forward(1)
    send(core, Action.RESTART)
    dispatch.clock.forward(29)
    states = [(seen.action, seen.state) for seen in list_commands(core, TECHNICIAN, "box-1")]
    assert states == [("restart", CommandState.WAITING), ("identify", CommandState.REFUSED)]
    dispatch.clock.forward(1)
    assert list_commands(core, TECHNICIAN, "box-1")[0].state is CommandState.EXPIRED


def test_a_reply_counts_once_and_only_from_the_box_that_was_asked(core: Core) -> None:
    sent = send(core)
    assert not reply(core, sent.id, device_id="box-2")
    assert not reply(core, "another")
    assert reply(core, sent.id)
    assert not reply(core, sent.id, ok=False)
    assert get_command(core, TECHNICIAN, "box-1", sent.id).state is CommandState.DONE
    with pytest.raises(NotFound):
        get_command(core, TECHNICIAN, "box-2", sent.id)


def test_what_boxes_cannot_do_yet_is_said(dispatch: Dispatch, core: Core) -> None:
    for action in set(Action) - set(POSSIBLE):
        with pytest.raises(Invalid, match="later version"):
            send(core, action)
    assert dispatch.heard.commands == []


@pytest.mark.parametrize(
    "args",
    [{"text": "가" * 9000}, {"number": 2.0**60}, {"nul": "\x00"}, {"lone": "\ud800"}, {"nan": float("nan")}],
    ids=["too long", "too large", "nul", "surrogate", "nan"],
)
def test_arguments_that_no_box_could_read_are_refused(dispatch: Dispatch, core: Core, args: dict[str, object]) -> None:
    with pytest.raises(Invalid, match="could not read"):
        send(core, Action.CONFIGURE, **args)
    assert dispatch.heard.commands == []
    assert list_commands(core, TECHNICIAN, "box-1") == []


def test_the_boxs_own_test_is_expected_after_the_command(dispatch: Dispatch, core: Core, box: Box) -> None:
    send(core, Action.TEST)
    box.press(DEVICE_SOURCE, Kind.TEST)
    (seen,) = list_tests(core, TECHNICIAN, "box-1")
    assert (seen.source, seen.pressed_at) == (DEVICE_SOURCE, dispatch.clock.now())
    assert [event.is_test for event in dispatch.events()] == [True]
    box.press(DEVICE_SOURCE, Kind.TEST)
    assert [event.is_test for event in dispatch.events()] == [True, False]


def test_without_a_broker_the_command_is_kept_and_the_caller_told(core: Core) -> None:
    cut_off = Unconnected()
    with pytest.raises(Busy, match="not connected to any broker") as told:
        send(replace(core, outbound=cut_off), Action.TEST)
    (kept,) = list_commands(core, TECHNICIAN, "box-1")
    assert kept.id == cut_off.tried[0].id == told.value.facts["command"]
    assert list_tests(core, TECHNICIAN, "box-1") == [], "a test that was never asked for is not open"
    send(core, Action.TEST)


def test_no_command_goes_to_a_revoked_or_unknown_box(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    revoke_device(core, admin, "box-1", "도난")
    with pytest.raises(Conflict, match="revoked"):
        send(core)
    with pytest.raises(NotFound):
        send_command(core, TECHNICIAN, "box-9", CommandForm(action=Action.IDENTIFY))
    assert dispatch.heard.commands == []


def test_a_test_of_a_box_without_a_site_is_not_sent(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    put_device(core, admin, "box-1", DeviceForm())
    with pytest.raises(Conflict, match="not assigned"):
        send(core, Action.TEST)
    assert list_commands(core, TECHNICIAN, "box-1") == []
    send(core)
    assert [command.action for _, command in dispatch.heard.commands] == [Action.IDENTIFY]
