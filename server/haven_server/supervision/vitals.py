"""States and heartbeats of the boxes: who is alive, what it says of itself, until when it may be silent."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from haven_contract.messages import Alive, Heartbeat, Receipt, State
from haven_contract.words import Kind
from haven_server.clock import seconds
from haven_server.db.upsert import upsert
from haven_server.incidents.receipts import current_receipts
from haven_server.ingest.origin import Standing
from haven_server.ingest.presstime import Arrival, boot_start
from haven_server.models import Device, DeviceBoot, DeviceInput, DeviceStatus, Site
from haven_server.supervision.troubles import OFFLINE, open_trouble, restore_trouble

WILL_GRACE_S = 10
"""A box whose connection broke may come back, perhaps at the other broker, before it is a trouble."""

UNASSIGNED_REPORTING_S = 90
"""Reporting time of a box without a site."""

_STATUS_COLUMNS = ("online", "boot_id", "connection", "seen_at", "due_at", "silent", "state", "vitals")


@dataclass(frozen=True, slots=True)
class Vital:
    """A state or heartbeat as it arrived."""

    device_id: str
    message: State | Heartbeat
    arrival: Arrival


@dataclass(frozen=True, slots=True)
class VitalsTold:
    """What is to be sent after the commit, `(device, message)` each."""

    alive: list[tuple[str, Alive]]
    receipts: list[tuple[str, Receipt]]


@dataclass(frozen=True, slots=True)
class _Known:
    reporting_s: int
    protected: bool
    """In service and assigned to a site: its box may show that it is protected."""


def record_vitals(session: Session, vitals: list[Vital]) -> VitalsTold:
    """Record a batch in the order of arrival. Boxes that are not registered are left out: they are not protected."""
    ids = {vital.device_id for vital in vitals}
    known = _known(session, ids)
    statuses = {
        status.device_id: _row(status)
        for status in session.scalars(select(DeviceStatus).where(DeviceStatus.device_id.in_(ids)))
    }
    batteries = {
        (row.device_id, row.source): row.battery
        for row in session.execute(
            select(DeviceInput.device_id, DeviceInput.source, DeviceInput.battery).where(DeviceInput.device_id.in_(ids))
        )
    }
    told = VitalsTold([], [])
    boots: dict[tuple[str, str], dict[str, Any]] = {}
    for vital in vitals:
        device = known.get(vital.device_id)
        if device is None:
            continue
        message, now = vital.message, vital.arrival.received_at
        before = statuses.get(vital.device_id)
        if isinstance(message, State) and not message.online:
            _record_will(before, message, now)
            continue
        after = _heard(before, vital, device)
        statuses[vital.device_id] = after
        if before is not None and before["silent"]:
            restore_trouble(session, vital.device_id, OFFLINE, now)
        started_at = boot_start(vital.arrival, message.boot_id, message.mono_ms)
        if started_at is not None:
            boots[vital.device_id, message.boot_id] = {"started_at": started_at, "known_at": now}
        _record_inputs(session, vital, batteries)
        if device.protected:
            seq = message.seq if isinstance(message, Heartbeat) else 0
            told.alive.append((vital.device_id, Alive(at=now, seq=seq)))
        if isinstance(message, State):
            told.receipts.extend(current_receipts(session, vital.device_id, now))
    upsert(session, DeviceStatus, list(statuses.values()), _STATUS_COLUMNS)
    rows = [{"device_id": device_id, "boot_id": boot_id, **row} for (device_id, boot_id), row in boots.items()]
    upsert(session, DeviceBoot, rows, ("started_at", "known_at"))
    return told


def _known(session: Session, ids: Iterable[str]) -> dict[str, _Known]:
    rows = session.execute(
        select(Device.id, Device.standing, Site.id, Site.reporting_s)
        .outerjoin(Site, Device.site_id == Site.id)
        .where(Device.id.in_(ids))
    )
    return {
        device_id: _Known(
            reporting_s=reporting_s or UNASSIGNED_REPORTING_S,
            protected=standing == Standing.ACTIVE and site_id is not None,
        )
        for device_id, standing, site_id, reporting_s in rows
    }


def _row(status: DeviceStatus) -> dict[str, Any]:
    return {"device_id": status.device_id} | {name: getattr(status, name) for name in _STATUS_COLUMNS}


def _heard(before: dict[str, Any] | None, vital: Vital, device: _Known) -> dict[str, Any]:
    message, now = vital.message, vital.arrival.received_at
    after = dict(before or {"device_id": vital.device_id, "connection": 0, "state": {}, "vitals": {}})
    after |= {
        "online": True,
        "boot_id": message.boot_id,
        "seen_at": now,
        "due_at": now + seconds(device.reporting_s),
        "silent": False,
    }
    if isinstance(message, State):
        after["connection"] = max(after["connection"], message.connection)
        after["state"] = {
            "firmware": message.firmware,
            "arming": message.arming,
            "inputs": dict(message.inputs),
        }
    else:
        after["vitals"] = asdict(message)
    return after


def _record_will(status: dict[str, Any] | None, will: State, now: datetime) -> None:
    """An older connection's will may come late, from the other broker, and says nothing of the present one."""
    if status is not None and will.connection >= status["connection"]:
        status["online"] = False
        status["due_at"] = min(status["due_at"], now + seconds(WILL_GRACE_S))


def _record_inputs(session: Session, vital: Vital, batteries: dict[tuple[str, str], str | None]) -> None:
    message, now = vital.message, vital.arrival.received_at
    if isinstance(message, State):
        for source in message.inputs:
            if (vital.device_id, source) not in batteries:
                batteries[vital.device_id, source] = None
                upsert(session, DeviceInput, [{"device_id": vital.device_id, "source": source}], ("source",))
        return
    for name, pendant in message.pendants.items():
        source = f"pendant:{name}"
        if pendant.battery == batteries.get((vital.device_id, source), ""):
            continue
        batteries[vital.device_id, source] = pendant.battery
        heard_at = now - timedelta(seconds=pendant.seen_s) if pendant.seen_s is not None else None
        row = {
            "device_id": vital.device_id,
            "source": source,
            "battery": pendant.battery,
            "heard_at": heard_at,
        }
        upsert(session, DeviceInput, [row], ("battery", "heard_at"))
        if pendant.battery == "low":
            open_trouble(session, vital.device_id, Kind.BATTERY_LOW, now, subject=source)
        elif pendant.battery == "ok":
            restore_trouble(session, vital.device_id, Kind.BATTERY_LOW, now, subject=source)


def find_silent(session: Session, now: datetime) -> list[str]:
    """Make a trouble of every box that has been silent for longer than its reporting time; give their ids."""
    late = session.scalars(
        update(DeviceStatus)
        .where(
            DeviceStatus.due_at <= now,
            DeviceStatus.silent.is_(False),
            DeviceStatus.device_id.in_(select(Device.id).where(Device.standing == Standing.ACTIVE.value)),
        )
        .values(silent=True, online=False)
        .returning(DeviceStatus.device_id)
    ).all()
    for device_id in late:
        open_trouble(session, device_id, OFFLINE, now)
    return list(late)
