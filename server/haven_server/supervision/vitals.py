"""States and heartbeats of the boxes: who is alive, what it says of itself, until when it may be silent."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from haven_contract.messages import Alive, Heartbeat, Receipt, State
from haven_server.clock import seconds
from haven_server.db.upsert import upsert
from haven_server.devices.standing import Standing
from haven_server.incidents.receipts import current_receipts
from haven_server.models import Device, DeviceBoot, DeviceStatus, Site, Trouble
from haven_server.presstime import Arrival, boot_start
from haven_server.supervision.inputs import Inputs, load_inputs
from haven_server.supervision.past import LARGEST_CONNECTION, is_past
from haven_server.supervision.troubles import OFFLINE, News, Subject, open_trouble, restore_trouble

WILL_GRACE_S = 10
"""A box whose connection broke may come back, perhaps at the other broker, before it is a trouble."""

UNASSIGNED_REPORTING_S = 90
"""Reporting time of a box without a site."""

MOST_BOOTS = 100
"""Earlier boots of a box whose beginnings are kept, for presses that arrive later."""

INSTALL_WITHIN_S = 3600
"""A technician hangs a box that he has assigned to a site; then it must be heard."""

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
    in_service: bool
    protected: bool
    """In service and assigned to a site: its box may show that it is protected."""


@dataclass(slots=True)
class _Batch:
    """What the database knows of the boxes in a batch, kept up to date while the batch is gone through."""

    known: dict[str, _Known]
    statuses: dict[str, dict[str, Any]]
    boots: dict[tuple[str, str], datetime]
    """When each boot began, by box and boot."""
    inputs: dict[str, Inputs]
    missed: set[str]
    """Boxes that were never heard before, and whose silence has become a trouble."""
    fresh_boots: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    """What the batch tells of boots, to be stored."""


def record_vitals(session: Session, vitals: list[Vital]) -> VitalsTold:
    """Record a batch in the order of arrival. Boxes that are not registered are left out: they are not protected."""
    batch = _load(session, {vital.device_id for vital in vitals}, {vital.message.boot_id for vital in vitals})
    told = VitalsTold([], [])
    for vital in vitals:
        device = batch.known.get(vital.device_id)
        if device is None:
            continue
        message, now = vital.message, vital.arrival.received_at
        _note_boot(session, batch, vital)
        before = batch.statuses.get(vital.device_id)
        if before is not None and is_past(before, message, now, _starts(batch, vital.device_id)):
            continue
        if isinstance(message, State) and not message.online:
            if before is not None:
                before["online"] = False
                before["due_at"] = min(before["due_at"], now + seconds(WILL_GRACE_S))
            continue
        batch.statuses[vital.device_id] = _heard(before, vital, device)
        if before["silent"] if before is not None else vital.device_id in batch.missed:
            restore_trouble(session, Subject(vital.device_id, OFFLINE), News(now), observed=True)
        batch.inputs[vital.device_id].record(session, message, now, in_service=device.in_service)
        if device.protected:
            seq = message.seq if isinstance(message, Heartbeat) else 0
            told.alive.append((vital.device_id, Alive(at=now, seq=seq)))
        if isinstance(message, State) and _is_new_connection(before, message):
            told.receipts.extend(current_receipts(session, vital.device_id, now))
    upsert(session, DeviceStatus, [row for _, row in sorted(batch.statuses.items())], _STATUS_COLUMNS)
    rows = [{"device_id": key[0], "boot_id": key[1], **row} for key, row in sorted(batch.fresh_boots.items())]
    upsert(session, DeviceBoot, rows, ("started_at", "known_at"))
    return told


def _load(session: Session, ids: set[str], boot_ids: set[str]) -> _Batch:
    # Locked, because another server may be finding one of them silent just now; in one order, against deadlocks.
    rows = session.scalars(
        select(DeviceStatus)
        .where(DeviceStatus.device_id.in_(ids))
        .order_by(DeviceStatus.device_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    statuses = {status.device_id: _row(status) for status in rows}
    boots = session.execute(
        select(DeviceBoot.device_id, DeviceBoot.boot_id, DeviceBoot.started_at).where(
            DeviceBoot.device_id.in_(ids),
            DeviceBoot.boot_id.in_(boot_ids | {status["boot_id"] for status in statuses.values()}),
        )
    )
    return _Batch(
        known=_known(session, ids),
        statuses=statuses,
        boots={(row.device_id, row.boot_id): row.started_at for row in boots},
        inputs=load_inputs(session, ids),
        missed=_missed(session, ids - statuses.keys()),
    )


def _missed(session: Session, never_heard: set[str]) -> set[str]:
    if not never_heard:
        return set()
    still_open = select(Trouble.device_id).where(
        Trouble.device_id.in_(never_heard), Trouble.kind == OFFLINE, Trouble.restored_at.is_(None)
    )
    return set(session.scalars(still_open))


def _note_boot(session: Session, batch: _Batch, vital: Vital) -> None:
    message = vital.message
    started_at = boot_start(vital.arrival, message.boot_id, message.mono_ms)
    if started_at is None:
        return
    boot = (vital.device_id, message.boot_id)
    if boot not in batch.boots:
        _forget_old_boots(session, vital.device_id)
    batch.boots[boot] = started_at
    batch.fresh_boots[boot] = {"started_at": started_at, "known_at": vital.arrival.received_at}


def _forget_old_boots(session: Session, device_id: str) -> None:
    """At each new boot of a box: a box that boots again and again must not fill the database."""
    known_at = (
        select(DeviceBoot.known_at)
        .where(DeviceBoot.device_id == device_id)
        .order_by(DeviceBoot.known_at.desc())
        .offset(MOST_BOOTS)
        .limit(1)
        .scalar_subquery()
    )
    session.execute(delete(DeviceBoot).where(DeviceBoot.device_id == device_id, DeviceBoot.known_at <= known_at))


def _starts(batch: _Batch, device_id: str) -> Callable[[str], datetime | None]:
    return lambda boot_id: batch.boots.get((device_id, boot_id))


def _known(session: Session, ids: Iterable[str]) -> dict[str, _Known]:
    rows = session.execute(
        select(Device.id, Device.standing, Site.id, Site.reporting_s)
        .outerjoin(Site, Device.site_id == Site.id)
        .where(Device.id.in_(ids))
    )
    return {
        device_id: _Known(
            reporting_s=reporting_s or UNASSIGNED_REPORTING_S,
            in_service=standing == Standing.ACTIVE,
            protected=standing == Standing.ACTIVE and site_id is not None,
        )
        for device_id, standing, site_id, reporting_s in rows
    }


def _row(status: DeviceStatus) -> dict[str, Any]:
    return {"device_id": status.device_id} | {name: getattr(status, name) for name in _STATUS_COLUMNS}


def _is_new_connection(before: dict[str, Any] | None, state: State) -> bool:
    """A state within a connection repeats no receipts: a chattering contact must not crowd out those of others."""
    return before is None or (before["boot_id"], before["connection"]) != (state.boot_id, state.connection)


def _heard(before: dict[str, Any] | None, vital: Vital, device: _Known) -> dict[str, Any]:
    message, now = vital.message, vital.arrival.received_at
    after = dict(before or {"device_id": vital.device_id, "connection": 0, "state": {}, "vitals": {}})
    if after.get("boot_id") != message.boot_id:
        after["connection"] = 0  # of the new boot, none is known yet
    after |= {
        "online": True,
        "boot_id": message.boot_id,
        "seen_at": now,
        "due_at": now + seconds(device.reporting_s),
        "silent": False,
    }
    if isinstance(message, State):
        after["connection"] = min(message.connection, LARGEST_CONNECTION)
        after["state"] = {
            "firmware": message.firmware,
            "arming": message.arming,
            "inputs": dict(message.inputs),
            "mono_ms": message.mono_ms,
        }
    else:
        after["vitals"] = asdict(message)
    return after


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
        open_trouble(session, Subject(device_id, OFFLINE), News(now))
    return [*late, *_never_heard(session, now)]


def _never_heard(session: Session, now: datetime) -> list[str]:
    """Boxes that were assigned to a site and have not said a word since: bells that were never linked."""
    overdue = session.scalars(
        update(Device).where(Device.awaited_until <= now).values(awaited_until=None).returning(Device.id)
    ).all()
    heard = set(session.scalars(select(DeviceStatus.device_id).where(DeviceStatus.device_id.in_(overdue))))
    never = [device_id for device_id in overdue if device_id not in heard]
    for device_id in never:
        open_trouble(session, Subject(device_id, OFFLINE), News(now))
    return never
