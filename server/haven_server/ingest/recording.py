"""One event, one transaction: the event, its incident, its notices to the police, its receipt."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, insert, select, update
from sqlalchemy.orm import Session

from haven_contract.errors import ContractError
from haven_contract.messages import Receipt
from haven_contract.topics import check_device_id
from haven_contract.words import DEVICE_SOURCE, Kind, Stage
from haven_server.db.database import lock_all_for_transaction, lock_for_transaction
from haven_server.db.tables import DELIVERY, DEVICE, EVENT, NOTICE, OPEN_TEST
from haven_server.incidents.flags import Flag, flag
from haven_server.incidents.opening import Opened, Press, open_or_join, unclosed_incidents
from haven_server.incidents.origin import Origin
from haven_server.incidents.response import Handling, Response, response_to
from haven_server.incidents.timeline import Line, write_line
from haven_server.ingest.inbound import Inbound
from haven_server.ingest.origin import origin_of
from haven_server.ingest.reading import Reading, device_of, read_event, unreadable
from haven_server.ingest.timing import find_press_time, time_flags
from haven_server.police.deliveries import DeliveryState
from haven_server.police.notices import open_notice
from haven_server.presstime import Arrival, PressTime
from haven_server.supervision.troubles import News, Subject, fault_of, open_trouble, restore_trouble
from haven_server.vault import Vault

TEST_MARGIN = timedelta(seconds=1)
"""A press time is right to a second, and a press after the test's end must never count as one."""


_KNOWN = select(
    *(EVENT.c[name] for name in ("id", "payload_hash", "stage", "stage_rev", "stage_at", "stage_reason"))
).where(EVENT.c.device_id == bindparam("device_id"), EVENT.c.event_id == bindparam("event_id"))
_INSERT = insert(EVENT).returning(EVENT.c.id)
_OPEN_TEST = (
    select(OPEN_TEST.c.id)
    .where(
        OPEN_TEST.c.device_id == bindparam("device_id"),
        OPEN_TEST.c.source == bindparam("source"),
        OPEN_TEST.c.used_by.is_(None),
        OPEN_TEST.c.opened_at <= bindparam("pressed_at"),
        OPEN_TEST.c.expires_at >= bindparam("ends_after"),
    )
    .order_by(OPEN_TEST.c.opened_at)
    .limit(1)
)
_USE_TEST = update(OPEN_TEST).where(OPEN_TEST.c.id == bindparam("test_id")).values(used_by=bindparam("event_id"))
_IN_HAND = (
    select(DELIVERY.c.id)
    .join(NOTICE, NOTICE.c.id == DELIVERY.c.notice_id)
    .where(
        NOTICE.c.event_id == bindparam("event_id"),
        DELIVERY.c.state == DeliveryState.PENDING.value,
        DELIVERY.c.claimed_by == bindparam("server"),
    )
)
_SITES = select(DEVICE.c.id, DEVICE.c.site_id).where(DEVICE.c.id.in_(bindparam("ids", expanding=True)))


@dataclass(frozen=True, slots=True)
class Recorded:
    """What came of a message. Acted upon only after the commit."""

    device_id: str
    receipt: Receipt
    new: bool
    """False for a repeated delivery."""
    deliveries: list[int] = field(default_factory=list)
    """To be sent by this server at once."""
    incident_id: int | None = None
    kind: str = ""
    flags: tuple[str, ...] = ()

    @property
    def can_be_answered(self) -> bool:
        """Whether there is a topic for the receipt: a device whose name is none of ours has none."""
        try:
            check_device_id(self.device_id)
        except ContractError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Case:
    """All that is known of one new event while it is recorded."""

    reading: Reading
    arrival: Arrival
    origin: Origin
    when: PressTime
    response: Response
    flags: list[dict[str, Any]]
    test_id: int | None
    """Open test that the event uses up."""

    @property
    def at(self) -> datetime:
        return self.when.at or self.arrival.received_at


class EventRecorder:
    """Records events. Pure of MQTT: takes what arrived, gives what is to be told."""

    def __init__(self, vault: Vault, server: str) -> None:
        self._vault = vault
        self._server = server

    def record(self, session: Session, inbound: Inbound) -> Recorded:
        """Record one event, whatever it is; a repeated one is answered with its present receipt."""
        return self._record(session, inbound, read_event(inbound.topic, inbound.payload))

    def record_all(self, session: Session, inbound: list[Inbound]) -> list[Recorded]:
        """Record a batch in its order, with the locks of all its sites taken before."""
        if len(inbound) > 1:
            lock_all_for_transaction(session, _places(session, inbound))
        return [self.record(session, message) for message in inbound]

    def record_unprocessable(self, session: Session, inbound: Inbound) -> Recorded:
        """Record an event whose contents break our own code: it rings like one that cannot be read (promise 3)."""
        why = "the server could not process it"
        return self._record(session, inbound, unreadable(inbound.topic, inbound.payload, why))

    def _record(self, session: Session, inbound: Inbound, reading: Reading) -> Recorded:
        origin = origin_of(session, reading.device_id, self._vault)
        lock_for_transaction(session, _place(reading.device_id, origin.site.id if origin.site else None))
        ids = {"device_id": reading.device_id, "event_id": reading.event.id}
        known = session.connection().execute(_KNOWN, ids).all()
        for row in known:
            if row.payload_hash == reading.payload_hash:
                return self._repeated(session, reading, row)
        when = find_press_time(session, reading.device_id, reading.event, inbound.arrival)
        reused = [flag(Flag.ID_REUSED)] if known else []
        flags = [*reading.flags, *time_flags(reading.event, when, inbound.arrival), *reused, *origin.flags]
        response = response_to(reading.handled_as)
        test_id = _open_test(session, reading, response, when)
        return self._handle(session, _Case(reading, inbound.arrival, origin, when, response, flags, test_id))

    def _repeated(self, session: Session, reading: Reading, row: Row[Any]) -> Recorded:
        """A known event: its receipt again, and its deliveries, of which this server may never have heard."""
        in_hand = session.connection().execute(_IN_HAND, {"event_id": row.id, "server": self._server})
        receipt = Receipt(
            event_id=reading.event.id,
            rev=row.stage_rev,
            stage=Stage(row.stage),
            at=row.stage_at,
            reason=row.stage_reason,
        )
        return Recorded(reading.device_id, receipt, new=False, deliveries=list(in_hand.scalars()))

    def _handle(self, session: Session, case: _Case) -> Recorded:
        deliveries: list[int] = []
        incident_id: int | None = None
        stage = Stage.RECEIVED
        if case.response.handling is Handling.TROUBLE:
            self._insert(session, case)
            _record_trouble(session, case)
        elif case.response.handling is Handling.PROOF and case.test_id is None:
            case.flags.append(flag(Flag.UNEXPECTED_TEST))
            self._insert(session, case)
        elif case.response.handling is Handling.REQUEST or _is_restoral(case):
            incident_id = _note_on_incident(session, case)
            self._insert(session, case, incident_id)
        else:
            opened = open_or_join(session, _press(case), case.origin, self._vault)
            incident_id, stage = opened.incident_id, opened.stage
            event_id = self._insert(session, case, incident_id, stage)
            deliveries = self._tell(session, case, event_id, opened)
        event, now = case.reading.event, case.arrival.received_at
        return Recorded(
            case.reading.device_id,
            Receipt(event_id=event.id, rev=1, stage=stage, at=now),
            new=True,
            deliveries=deliveries,
            incident_id=incident_id,
            kind=event.kind,
            flags=tuple(stored["code"] for stored in case.flags),
        )

    def _insert(
        self, session: Session, case: _Case, incident_id: int | None = None, stage: Stage = Stage.RECEIVED
    ) -> int:
        """Write the event and give its row. The database refuses a second one; then all is undone and tried again."""
        reading, event, now = case.reading, case.reading.event, case.arrival.received_at
        values = {
            "device_id": reading.device_id,
            "event_id": event.id,
            "payload_hash": reading.payload_hash,
            "sealed_raw": self._vault.seal(reading.kept),
            "received_at": now,
            "kind": event.kind,
            "source": event.source,
            "restored": event.restored,
            "boot_id": event.boot_id,
            "press_at": case.when.at,
            "press_basis": case.when.basis.value,
            "at": case.at,
            "flags": case.flags,
            "incident_id": incident_id,
            "is_test": case.test_id is not None,
            "stage": stage.value,
            "stage_rev": 1,
            "stage_at": now,
        }
        event_id: int = session.connection().execute(_INSERT, values).scalar_one()
        if case.test_id is not None:
            session.connection().execute(_USE_TEST, {"test_id": case.test_id, "event_id": event_id})
        return event_id

    def _tell(self, session: Session, case: _Case, event_id: int, opened: Opened) -> list[int]:
        """Write the timeline and the notice to the police; give the deliveries that this server sends at once."""
        now, device_id, source = case.arrival.received_at, case.reading.device_id, case.reading.event.source
        if not opened.runaway:
            detail: dict[str, Any] = {"source": source, "kind": case.reading.handled_as, "event": event_id}
            if case.when.at is not None:
                write_line(session, opened.incident_id, case.when.at, Line.PRESSED, device_id, **detail)
            write_line(session, opened.incident_id, now, Line.JOINED if opened.joined else Line.RECEIVED, **detail)
        if case.origin.muted or not case.response.police:
            return []
        return open_notice(
            session,
            incident_id=opened.incident_id,
            event_id=event_id,
            desk_id=case.origin.desk_id,
            now=now,
            runaway=opened.runaway,
            server=self._server,
        )


def _press(case: _Case) -> Press:
    return Press(
        source=case.reading.event.source,
        kind=case.reading.handled_as,
        press_at=case.when.at,
        received_at=case.arrival.received_at,
        is_test=case.test_id is not None,
        flags=case.flags,
    )


def _is_restoral(case: _Case) -> bool:
    """The end of a tamper or intrusion. What calls for help at once never counts as an end, whatever it says."""
    return case.reading.event.restored and case.response.code112 > 1


def _open_test(session: Session, reading: Reading, response: Response, when: PressTime) -> int | None:
    """Open test that the press uses up: of its input, and it was made while the test was open (promise 6).

    A test of the box itself is only for its own `test`, one of an input only for what would call people.
    """
    event = reading.event
    fits = event.kind == Kind.TEST if event.source == DEVICE_SOURCE else response.handling is Handling.INCIDENT
    if when.at is None or not fits or event.restored:
        return None
    values = {
        "device_id": reading.device_id,
        "source": event.source,
        "pressed_at": when.at,
        "ends_after": when.at + TEST_MARGIN,
    }
    found: int | None = session.connection().execute(_OPEN_TEST, values).scalar()
    return found


def _place(device_id: str, site_id: int | None) -> str:
    """What is locked while an event is recorded: presses of one site must see each other, to be joined."""
    return f"device {device_id}" if site_id is None else f"site {site_id}"


def _places(session: Session, inbound: list[Inbound]) -> list[str]:
    devices = {device_of(message.topic) for message in inbound}
    sites = {row.id: row.site_id for row in session.connection().execute(_SITES, {"ids": list(devices)})}
    return [_place(device_id, sites.get(device_id)) for device_id in devices]


def _record_trouble(session: Session, case: _Case) -> None:
    """A retired or revoked box's troubles are nobody's work: the event itself is kept."""
    if case.origin.muted:
        return
    event = case.reading.event
    subject = Subject(case.reading.device_id, event.kind, event.source, fault_of(event.detail))
    news = News(case.at, event.boot_id, event.mono_ms)
    if event.restored:
        restore_trouble(session, subject, news, remember=True)
    else:
        open_trouble(session, subject, news, dict(event.detail))


def _note_on_incident(session: Session, case: _Case) -> int | None:
    """Write a request or a restoral into the site's newest incident that is not closed; it changes nothing else."""
    unclosed = unclosed_incidents(session, case.origin)
    if not unclosed:
        return None
    what = Line.CANCEL_REQUESTED if case.reading.event.kind == Kind.CANCEL_REQUEST else Line.RESTORED
    device_id, source = case.reading.device_id, case.reading.event.source
    write_line(session, unclosed[0].id, case.at, what, device_id, source=source)
    incident_id: int = unclosed[0].id
    return incident_id
