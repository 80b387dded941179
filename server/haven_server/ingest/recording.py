"""One event, one transaction: the event, its incident, its notices to the police, its receipt."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from haven_contract.errors import ContractError
from haven_contract.messages import Receipt
from haven_contract.topics import check_device_id
from haven_contract.words import Kind, Stage
from haven_server.db.database import lock_all_for_transaction, lock_for_transaction
from haven_server.db.upsert import insert_or_ignore
from haven_server.incidents.flags import Flag, flag
from haven_server.incidents.opening import Press, open_or_join
from haven_server.incidents.response import Handling, response_to
from haven_server.incidents.timeline import Line, write_line
from haven_server.ingest.inbound import Inbound
from haven_server.ingest.origin import Origin, origin_of
from haven_server.ingest.presstime import Arrival, PressTime
from haven_server.ingest.reading import Reading, device_of, read_event, unreadable
from haven_server.ingest.timing import find_press_time, time_flags
from haven_server.models import Delivery, Device, Event, Incident, Notice, OpenTest
from haven_server.police.deliveries import DeliveryState
from haven_server.supervision.troubles import open_trouble, restore_trouble
from haven_server.vault import Vault

TEST_LEEWAY = timedelta(seconds=1)
"""A press time is right to a second, so a test opened in the same second still counts."""


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
    """All that is known of one event while it is recorded."""

    reading: Reading
    arrival: Arrival
    origin: Origin
    when: PressTime

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
        known = self._repeated(session, reading)
        if known is not None:
            return known
        origin = origin_of(session, reading.device_id, self._vault)
        lock_for_transaction(session, _place(reading.device_id, origin.site.id if origin.site else None))
        when = find_press_time(session, reading.device_id, reading.event, inbound.arrival)
        case = _Case(reading, inbound.arrival, origin, when)
        event_id = self._insert(session, case)
        if event_id is None:
            # Another server was faster by a hair; its transaction has committed, or we would still wait.
            return self._repeated(session, reading) or self._lost_race(reading)
        return self._handle(session, event_id, case)

    def _repeated(self, session: Session, reading: Reading) -> Recorded | None:
        row = session.execute(
            select(Event.id, Event.stage, Event.stage_rev, Event.stage_at, Event.stage_reason).where(
                Event.device_id == reading.device_id,
                Event.event_id == reading.event.id,
                Event.payload_hash == reading.payload_hash,
            )
        ).first()
        if row is None:
            return None
        receipt = Receipt(
            event_id=reading.event.id,
            rev=row.stage_rev,
            stage=Stage(row.stage),
            at=row.stage_at,
            reason=row.stage_reason,
        )
        return Recorded(reading.device_id, receipt, new=False, deliveries=self._in_hand(session, row.id))

    def _in_hand(self, session: Session, event_row: int) -> list[int]:
        """Deliveries taken for this server as the event was stored: it may never have heard that they were."""
        return list(
            session.scalars(
                select(Delivery.id)
                .join(Notice, Notice.id == Delivery.notice_id)
                .where(
                    Notice.event_id == event_row,
                    Delivery.state == DeliveryState.PENDING.value,
                    Delivery.claimed_by == self._server,
                )
            )
        )

    @staticmethod
    def _lost_race(reading: Reading) -> Recorded:
        raise RuntimeError(f"event {reading.event.id} of {reading.device_id} is neither new nor known")

    def _insert(self, session: Session, case: _Case) -> int | None:
        reading, when, event = case.reading, case.when, case.reading.event
        reading.flags.extend(time_flags(event, when, case.arrival))
        reused = session.execute(
            select(Event.id).where(Event.device_id == reading.device_id, Event.event_id == event.id).limit(1)
        ).first()
        if reused:
            reading.flags.append(flag(Flag.ID_REUSED))
        reading.flags.extend(case.origin.flags)
        return insert_or_ignore(
            session,
            Event,
            {
                "device_id": reading.device_id,
                "event_id": event.id,
                "payload_hash": reading.payload_hash,
                "sealed_raw": self._vault.seal(reading.kept),
                "received_at": case.arrival.received_at,
                "kind": event.kind,
                "source": event.source,
                "restored": event.restored,
                "boot_id": event.boot_id,
                "press_at": when.at,
                "press_basis": when.basis.value,
                "at": case.at,
                "flags": reading.flags,
                "is_test": False,
                "stage": Stage.RECEIVED.value,
                "stage_rev": 1,
                "stage_at": case.arrival.received_at,
            },
        )

    def _handle(self, session: Session, event_id: int, case: _Case) -> Recorded:
        reading, event, now = case.reading, case.reading.event, case.arrival.received_at
        response = response_to(reading.handled_as)
        stage, deliveries, incident_id = Stage.RECEIVED, [], None
        handling = response.handling
        test = self._take_test(session, event_id, case)
        if handling is Handling.PROOF and not test:
            reading.flags.append(flag(Flag.UNEXPECTED_TEST))
            _save_flags(session, event_id, reading.flags)
        elif handling is Handling.TROUBLE:
            _record_trouble(session, case)
        elif handling is Handling.REQUEST or (event.restored and response.code112 > 1):
            incident_id = _note_on_incident(session, event_id, case)
        else:
            press = Press(
                event_id=event_id,
                device_id=reading.device_id,
                source=event.source,
                kind=reading.handled_as,
                press_at=case.when.at,
                received_at=now,
                is_test=test,
                flags=reading.flags,
            )
            joined = open_or_join(session, press, case.origin, self._vault, self._server)
            incident_id, deliveries = joined.incident_id, joined.deliveries
            stage = joined.stage
        receipt = Receipt(event_id=event.id, rev=1, stage=stage, at=now)
        codes = tuple(stored["code"] for stored in reading.flags)
        return Recorded(
            reading.device_id,
            receipt,
            new=True,
            deliveries=deliveries,
            incident_id=incident_id,
            kind=event.kind,
            flags=codes,
        )

    @staticmethod
    def _take_test(session: Session, event_id: int, case: _Case) -> bool:
        """Use up the open test of the input, if the press was made while it was open (promise 6)."""
        reading, when = case.reading, case.when
        if when.at is None:
            return False
        open_test = session.execute(
            select(OpenTest.id)
            .where(
                OpenTest.device_id == reading.device_id,
                OpenTest.source == reading.event.source,
                OpenTest.used_by.is_(None),
                OpenTest.opened_at <= when.at + TEST_LEEWAY,
                OpenTest.expires_at >= when.at,
            )
            .order_by(OpenTest.opened_at)
            .limit(1)
        ).scalar()
        if open_test is None:
            return False
        session.execute(update(OpenTest).where(OpenTest.id == open_test).values(used_by=event_id))
        session.execute(update(Event).where(Event.id == event_id).values(is_test=True))
        return True


def _place(device_id: str, site_id: int | None) -> str:
    """What is locked while an event is recorded: presses of one site must see each other, to be joined."""
    return f"device {device_id}" if site_id is None else f"site {site_id}"


def _places(session: Session, inbound: list[Inbound]) -> list[str]:
    devices = {device_of(message.topic) for message in inbound}
    sites = dict(session.execute(select(Device.id, Device.site_id).where(Device.id.in_(devices))).tuples().all())
    return [_place(device_id, sites.get(device_id)) for device_id in devices]


def _save_flags(session: Session, event_id: int, flags: list[dict[str, Any]]) -> None:
    session.execute(update(Event).where(Event.id == event_id).values(flags=flags))


def _record_trouble(session: Session, case: _Case) -> None:
    """A retired or revoked box's troubles are nobody's work: the event itself is kept."""
    if case.origin.muted:
        return
    event, device_id = case.reading.event, case.reading.device_id
    if event.restored:
        restore_trouble(session, device_id, event.kind, case.at, subject=event.source)
    else:
        open_trouble(session, device_id, event.kind, case.at, subject=event.source, detail=event.detail)


def _note_on_incident(session: Session, event_id: int, case: _Case) -> int | None:
    """Write a request or a restoral into the site's newest incident that is not closed; it changes nothing else."""
    reading, origin = case.reading, case.origin
    place = Incident.site_id == origin.site.id if origin.site else Incident.device_id == reading.device_id
    incident_id = session.execute(
        select(func.max(Incident.id)).where(place, Incident.closed_at.is_(None), Incident.is_test.is_(False))
    ).scalar()
    if incident_id is not None:
        what = Line.CANCEL_REQUESTED if reading.event.kind == Kind.CANCEL_REQUEST else Line.RESTORED
        write_line(session, incident_id, case.at, what, reading.device_id, source=reading.event.source)
        session.execute(update(Event).where(Event.id == event_id).values(incident_id=incident_id))
    return incident_id
