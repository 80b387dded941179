"""Open tests (promise 6): only what the server has opened makes a press a test, one press of one input within 60 s."""

from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from haven_contract.words import DEVICE_SOURCE
from haven_server.core import Core
from haven_server.db.database import lock_for_transaction
from haven_server.devices.queries import find_device
from haven_server.devices.standing import Standing
from haven_server.devices.views import OpenTestState, OpenTestView
from haven_server.models import Device, DeviceStatus, Event, OpenTest
from haven_server.problems import Conflict, Invalid
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit

TEST_S = 60


def open_test(core: Core, actor: Actor, device_id: str, source: str) -> OpenTestView:
    """Open a test of an input; Conflict if one is open there, or the box is not in service at a site.

    Invalid, with the inputs there are, if the box has told its inputs and this is none of them: whoever presses the
    right one after that, sure of a test, would raise a real alarm.
    """
    actor.require(May.COMMAND_DEVICES)
    now = core.clock.now()

    def job(session: Session) -> OpenTestView:
        device = find_device(session, device_id)
        _check_input(session, device_id, source)
        return _view(write_open_test(session, actor, device, source, now), None, now)

    return core.database.writer.run(job)


def list_tests(core: Core, actor: Actor, device_id: str, limit: int = 100) -> list[OpenTestView]:
    """The newest tests of a box, with the press that used each."""
    actor.require(May.SEE_REGISTRY)
    with core.database.read() as session:
        find_device(session, device_id)
        rows = session.execute(
            select(OpenTest, Event)
            .outerjoin(Event, OpenTest.used_by == Event.id)
            .where(OpenTest.device_id == device_id)
            .order_by(OpenTest.id.desc())
            .limit(limit)
        ).all()
    now = core.clock.now()
    return [_view(test, event, now) for test, event in rows]


def write_open_test(session: Session, actor: Actor, device: Device, source: str, now: datetime) -> OpenTest:
    """Open a test in the caller's transaction, audited."""
    lock_for_transaction(session, f"tests {device.id}")
    if device.standing != Standing.ACTIVE:
        raise Conflict(
            f"box {device.id} is {device.standing}: its presses reach no police, so there is nothing to test"
        )
    if device.site_id is None:
        raise Conflict(f"box {device.id} is not assigned to a site; assign it first")
    still_open = session.execute(
        select(OpenTest.expires_at).where(
            OpenTest.device_id == device.id,
            OpenTest.source == source,
            OpenTest.used_by.is_(None),
            OpenTest.expires_at > now,
        )
    ).scalar()
    if still_open is not None:
        raise Conflict(
            f"a test of {source} is open until {still_open:%H:%M:%S} UTC already; press it, or wait",
            expires_at=still_open,
        )
    test = OpenTest(
        device_id=device.id,
        source=source,
        opened_by=actor.name,
        opened_at=now,
        expires_at=now + timedelta(seconds=TEST_S),
    )
    session.add(test)
    session.flush()
    write_audit(session, now, actor, "open test", f"{device.id} {source}")
    return test


def withdraw_test(session: Session, device_id: str, source: str) -> None:
    """Take back a test that nobody can have used. Deleted, not ended: not even a press of that very second is one."""
    session.execute(
        delete(OpenTest).where(OpenTest.device_id == device_id, OpenTest.source == source, OpenTest.used_by.is_(None))
    )


def _check_input(session: Session, device_id: str, source: str) -> None:
    status = session.get(DeviceStatus, device_id, populate_existing=True)
    told = sorted((status.state.get("inputs") or {}) if status is not None else {})
    if told and source not in told and source != DEVICE_SOURCE:
        raise Invalid(f"box {device_id} has no input {source}; it has told of: {', '.join(told)}", inputs=told)


def _view(test: OpenTest, event: Event | None, now: datetime) -> OpenTestView:
    if test.used_by is not None:
        state = OpenTestState.USED
    else:
        state = OpenTestState.OPEN if now < test.expires_at else OpenTestState.EXPIRED
    return OpenTestView(
        id=test.id,
        source=test.source,
        opened_by=test.opened_by,
        opened_at=test.opened_at,
        expires_at=test.expires_at,
        state=state,
        pressed_at=event.at if event else None,
        incident=event.incident_id if event else None,
    )
