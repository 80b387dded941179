"""Placing an event in time with what the database knows of its box's boots, and saying what is odd about its clock."""

from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from haven_contract.errors import ContractError
from haven_contract.instants import read_instant
from haven_contract.messages import Event
from haven_server.db.tables import DEVICE_BOOT
from haven_server.db.upsert import upsert
from haven_server.incidents.flags import Flag, flag
from haven_server.models import DeviceBoot
from haven_server.presstime import (
    CLOCK_TOLERANCE_S,
    LATE_S,
    Arrival,
    PressTime,
    boot_start,
    press_time,
)

_STARTED_AT = select(DEVICE_BOOT.c.started_at).where(
    DEVICE_BOOT.c.device_id == bindparam("device_id"), DEVICE_BOOT.c.boot_id == bindparam("boot_id")
)


def find_press_time(session: Session, device_id: str, event: Event, arrival: Arrival) -> PressTime:
    """Time of the press; what the message says of the boot that sent it is kept for later ones."""
    if arrival.sent is not None:
        _remember_boot(session, device_id, arrival, arrival.sent.boot_id, arrival.sent.mono_ms)
    earlier = None
    if event.boot_id is not None and (arrival.sent is None or arrival.sent.boot_id != event.boot_id):
        boot = {"device_id": device_id, "boot_id": event.boot_id}
        earlier = session.connection().execute(_STARTED_AT, boot).scalar()
    return press_time(event, arrival, earlier)


def _remember_boot(session: Session, device_id: str, arrival: Arrival, boot_id: str, mono_ms: int) -> None:
    """Keep when a boot's monotonic clock stood at 0, for events of it that arrive after the next boot."""
    started_at = boot_start(arrival, boot_id, mono_ms)
    if started_at is not None:
        row = {
            "device_id": device_id,
            "boot_id": boot_id,
            "started_at": started_at,
            "known_at": arrival.received_at,
        }
        upsert(session, DeviceBoot, [row], ("started_at", "known_at"))


def time_flags(event: Event, when: PressTime, arrival: Arrival) -> list[dict[str, Any]]:
    """Flags for a press that is late, whose time is unknown, or whose box has a wrong clock."""
    if when.at is None:
        return [flag(Flag.PRESS_TIME_UNKNOWN, clock=event.clock)]
    flags = []
    late_s = (arrival.received_at - when.at).total_seconds()
    if late_s > LATE_S:
        flags.append(flag(Flag.LATE, late={"seconds": round(late_s)}))
    if event.clock is not None:
        try:
            difference_s = (read_instant(event.clock) - when.at).total_seconds()
        except ContractError as error:
            flags.append(flag(Flag.ODD_FIELDS, why=str(error)))
        else:
            if abs(difference_s) > CLOCK_TOLERANCE_S:
                flags.append(flag(Flag.CLOCK_WRONG, difference={"seconds": round(difference_s)}))
    return flags
