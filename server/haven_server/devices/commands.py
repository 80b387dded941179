"""Commands to boxes: written down first, then sent, and answered by the box's reply."""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from haven_contract.errors import ContractError
from haven_contract.messages import Command, Reply
from haven_contract.words import DEVICE_SOURCE, Action
from haven_server.core import Core
from haven_server.devices.open_tests import withdraw_test, write_open_test
from haven_server.devices.queries import find_device
from haven_server.devices.standing import Standing
from haven_server.devices.views import CommandForm, CommandState, CommandView
from haven_server.models import SentCommand
from haven_server.problems import Busy, Conflict, Invalid, NotFound
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit

COMMAND_S = 30
"""A command that has not reached the box by then is void: nobody waits for it any more."""

POSSIBLE = (Action.IDENTIFY, Action.TEST, Action.CONFIGURE, Action.RESTART)


def send_command(core: Core, actor: Actor, device_id: str, form: CommandForm) -> CommandView:
    """Send a command to a box in service. Busy if no broker is connected: the command is kept as never sent.

    For `test` the open test is written with it, so that the box's own test event is expected.
    """
    actor.require(May.COMMAND_DEVICES)
    now = core.clock.now()
    command = _command(form, now)

    def job(session: Session) -> CommandView:
        device = find_device(session, device_id)
        if device.standing == Standing.REVOKED:
            raise Conflict(f"box {device_id} was revoked; the broker does not let it in")
        if form.action is Action.TEST:
            write_open_test(session, actor, device, DEVICE_SOURCE, now)
        row = SentCommand(
            id=command.id,
            device_id=device_id,
            action=form.action.value,
            args=form.args,
            sent_by=actor.name,
            sent_at=now,
            expires_at=command.expires_at,
        )
        session.add(row)
        session.flush()
        write_audit(session, now, actor, f"command {form.action}", device_id, command=command.id)
        return _view(row, now)

    view = core.database.writer.run(job)
    if not core.outbound.send_command(device_id, command):
        if form.action is Action.TEST:
            core.database.writer.run(lambda session: withdraw_test(session, device_id, DEVICE_SOURCE))
        raise Busy(
            "the server is not connected to any broker now, so the command was not sent; try again in a moment",
            command=command.id,
        )
    return view


def get_command(core: Core, actor: Actor, device_id: str, command_id: str) -> CommandView:
    """A command and its reply; NotFound if the box was sent none of that id."""
    actor.require(May.SEE_REGISTRY)
    with core.database.read() as session:
        row = session.get(SentCommand, command_id)
        if row is None or row.device_id != device_id:
            raise NotFound(f"box {device_id} was sent no command {command_id}")
        return _view(row, core.clock.now())


def list_commands(core: Core, actor: Actor, device_id: str, limit: int = 100) -> list[CommandView]:
    """The newest commands of a box."""
    actor.require(May.SEE_REGISTRY)
    now = core.clock.now()
    with core.database.read() as session:
        find_device(session, device_id)
        rows = session.scalars(
            select(SentCommand)
            .where(SentCommand.device_id == device_id)
            .order_by(SentCommand.sent_at.desc(), SentCommand.id)
            .limit(limit)
        )
        return [_view(row, now) for row in rows]


def record_reply(session: Session, device_id: str, reply: Reply, now: datetime) -> bool:
    """Keep a box's reply; False for one to no command of its own, or that was answered already."""
    known = session.execute(
        update(SentCommand)
        .where(
            SentCommand.id == reply.command_id,
            SentCommand.device_id == device_id,
            SentCommand.replied_at.is_(None),
        )
        .values(replied_at=now, ok=reply.ok, reply=reply.detail)
        .returning(SentCommand.id)
    )
    return known.first() is not None


def _command(form: CommandForm, now: datetime) -> Command:
    if form.action not in POSSIBLE:
        raise Invalid(f"{form.action} comes with a later version; possible now: {', '.join(POSSIBLE)}")
    command = Command(
        id=str(uuid.uuid4()), action=form.action, args=form.args, expires_at=now + timedelta(seconds=COMMAND_S)
    )
    try:
        Command.decode(command.encode())
    except ContractError as error:
        raise Invalid(f"the box could not read this command: {error}") from None
    return command


def _view(row: SentCommand, now: datetime) -> CommandView:
    if row.replied_at is not None:
        state = CommandState.DONE if row.ok else CommandState.REFUSED
    else:
        state = CommandState.WAITING if now < row.expires_at else CommandState.EXPIRED
    return CommandView(
        id=row.id,
        action=row.action,
        args=row.args,
        sent_by=row.sent_by,
        sent_at=row.sent_at,
        expires_at=row.expires_at,
        state=state,
        replied_at=row.replied_at,
        reply=row.reply,
    )
