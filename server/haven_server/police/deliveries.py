"""Deliveries in the database: taking those that are due, loading what they tell, recording what came of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from random import Random
from typing import Any

from sqlalchemy import bindparam, case, func, select, update
from sqlalchemy.orm import Session, aliased

from haven_contract.messages import Receipt
from haven_contract.words import Stage
from haven_server.db.tables import DELIVERY, INCIDENT, NOTICE
from haven_server.db.types import UtcDateTime
from haven_server.desks.naming import desk_with_station
from haven_server.incidents.receipts import raise_stage
from haven_server.incidents.timeline import Line, write_line
from haven_server.models import Delivery, Desk, DeskChannel, DeviceInput, Event, Incident, Notice
from haven_server.police.message import Told
from haven_server.police.notices import CLAIM_S
from haven_server.sites.record import open_place
from haven_server.vault import Vault

GIVE_UP_AFTER = timedelta(hours=24)
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
SHARE = 64
"""Deliveries of one channel that a server takes at a time."""


class DeliveryState(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"
    ALERTED = "alerted"
    """The desk's own answer names our incident."""
    SUPERSEDED = "superseded"
    """Never tried: an earlier channel had reached the desk before this one's turn."""
    GIVEN_UP = "given_up"


_DELIVERY_ALERTED = (
    update(DELIVERY)
    .where(DELIVERY.c.id == bindparam("of_delivery"))
    .values(state=DeliveryState.ALERTED.value, answered_at=bindparam("now"), error=None)
)
_NOTICE_ALERTED = (
    update(NOTICE)
    .where(NOTICE.c.id == bindparam("of_notice"), NOTICE.c.alerted_at.is_(None))
    .values(alerted_at=bindparam("now"))
)
_STILL_UNREACHED = (
    select(NOTICE.c.id)
    .where(
        NOTICE.c.incident_id == bindparam("of_incident"),
        NOTICE.c.alerted_at.is_(None),
        NOTICE.c.unreached_at.is_not(None),
        NOTICE.c.event_id > bindparam("told_until"),
    )
    .exists()
)
"""Of a press that the answered message did not count, the police may still know nothing."""
_INCIDENT_ALERTED = (
    update(INCIDENT)
    .where(INCIDENT.c.id == bindparam("of_incident"))
    .values(
        alerted_at=func.coalesce(INCIDENT.c.alerted_at, bindparam("now", type_=UtcDateTime)),
        police_unreached=case((_STILL_UNREACHED, INCIDENT.c.police_unreached), else_=False),
    )
)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery with all that its channel needs."""

    delivery_id: int
    notice_id: int
    channel_id: int
    channel_kind: str
    url: str
    secret: str
    timeout_s: float
    concurrency: int
    told: Told
    told_until: int
    """Row of the incident's newest event that the message counts."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """Deliveries made ready. `broken` are those that could not be, by id, and why."""

    parcels: list[Parcel]
    broken: dict[int, str]


def claim_due(
    session: Session, server: str, now: datetime, busy: Iterable[int], limit: int, *, full: Iterable[int] = ()
) -> list[int]:
    """Take deliveries whose time has come, and give their ids: alarms before tests, first tries before further ones.

    A second channel's turn passes if the first has reached the desk. On PostgreSQL, rows that another server is just
    taking are skipped. `busy` are those in this server's own hands, `full` the channels that have enough in them: the
    backlog of a desk that does not answer leaves room for the others, each of which gets its share.
    """
    reached = select(Notice.id).where(Notice.id == Delivery.notice_id, Notice.alerted_at.is_not(None)).exists()
    session.execute(
        update(Delivery)
        .where(
            Delivery.state == DeliveryState.PENDING.value,
            Delivery.next_at <= now,
            Delivery.attempts == 0,
            reached,
        )
        .values(state=DeliveryState.SUPERSEDED.value)
    )
    is_due = (
        Delivery.state == DeliveryState.PENDING.value,
        Delivery.next_at <= now,
        Delivery.id.not_in(list(busy)),
        Delivery.channel_id.not_in(list(full)),
    )
    urgency = (Incident.is_test, Delivery.attempts > 1, Delivery.next_at, Delivery.id)
    place = func.row_number().over(partition_by=Delivery.channel_id, order_by=urgency).label("place")
    ranked = (
        select(Delivery.id, place)
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(Incident, Incident.id == Notice.incident_id)
        .where(*is_due)
        .subquery()
    )
    due = (
        select(Delivery.id)
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(Incident, Incident.id == Notice.incident_id)
        .where(*is_due, Delivery.id.in_(select(ranked.c.id).where(ranked.c.place <= SHARE)))
        .order_by(*urgency)
        .limit(limit)
        .with_for_update(skip_locked=True, of=Delivery)
    )
    ids = list(session.scalars(due))
    if ids:
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_(ids))
            .values(attempts=Delivery.attempts + 1, next_at=now + timedelta(seconds=CLAIM_S), claimed_by=server)
        )
    return ids


def keep_claims(session: Session, server: str, ids: Iterable[int], now: datetime) -> None:
    """Tell the other servers that this one still lives and sends these."""
    session.execute(
        update(Delivery)
        .where(
            Delivery.id.in_(list(ids)),
            Delivery.state == DeliveryState.PENDING.value,
            Delivery.claimed_by == server,
        )
        .values(next_at=now + timedelta(seconds=CLAIM_S))
    )


def release_claims(session: Session, server: str, now: datetime) -> int:
    """At start: what this server had in its hands when it died is due at once."""
    released = session.execute(
        update(Delivery)
        .where(Delivery.state == DeliveryState.PENDING.value, Delivery.claimed_by == server, Delivery.next_at > now)
        .values(next_at=now, claimed_by=None)
        .returning(Delivery.id)
    )
    return len(released.all())


def release(session: Session, ids: list[int], now: datetime) -> None:
    """Give back deliveries that this server has no room for and has not tried; they are due at once."""
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids), Delivery.state == DeliveryState.PENDING.value)
        .values(next_at=now, claimed_by=None, attempts=case((Delivery.attempts > 0, Delivery.attempts - 1), else_=0))
    )


def load_parcels(session: Session, ids: Iterable[int], vault: Vault) -> Loaded:
    """What the deliveries tell, as the incident stands now. Those that are settled by now are left out."""
    counted = aliased(Event)
    newest = select(func.max(counted.id)).where(counted.incident_id == Incident.id).scalar_subquery()
    rows = session.execute(
        select(Delivery.id, Notice, Incident, Event, DeskChannel, Desk, DeviceInput.label, newest)
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(Incident, Incident.id == Notice.incident_id)
        .join(Event, Event.id == Notice.event_id)
        .join(DeskChannel, DeskChannel.id == Delivery.channel_id)
        .join(Desk, Desk.id == DeskChannel.desk_id)
        .outerjoin(DeviceInput, (DeviceInput.device_id == Event.device_id) & (DeviceInput.source == Event.source))
        .where(Delivery.id.in_(list(ids)), Delivery.state == DeliveryState.PENDING.value)
        .order_by(Delivery.id)
    ).all()
    loaded = Loaded([], {})
    for row in rows:
        try:
            loaded.parcels.append(_parcel(row, vault))
        except Exception as error:  # noqa: BLE001 - one that cannot be opened never stops the others (promise 8)
            loaded.broken[row.id] = f"it cannot be made: {type(error).__name__}: {error}"
    return loaded


def _parcel(row: Any, vault: Vault) -> Parcel:
    delivery_id, notice, incident, event, channel, desk, label, told_until = row
    told = Told(
        incident_id=incident.id,
        event_row=event.id,
        number=notice.number,
        is_test=incident.is_test,
        event_id=event.event_id,
        device_id=event.device_id,
        kind=event.kind,
        source=event.source,
        input_label=label,
        pressed_at=event.press_at,
        received_at=event.received_at,
        first_pressed_at=incident.first_press_at,
        presses=incident.presses,
        flags=incident.flags,
        state=incident.state,
        site=vault.open_json(incident.sealed) if incident.sealed is not None else incident.facts,
        place=open_place(incident, vault),
        desk=desk_with_station(desk),
        desk_phone=desk.phone,
        linked_id=incident.linked_id,
    )
    return Parcel(
        delivery_id=delivery_id,
        notice_id=notice.id,
        channel_id=channel.id,
        channel_kind=channel.kind,
        url=channel.url,
        secret=vault.open(channel.sealed_secret).decode(),
        timeout_s=channel.timeout_s,
        concurrency=channel.concurrency,
        told=told,
        told_until=told_until,
    )


def record_alerted(session: Session, parcel: Parcel, at: datetime) -> list[tuple[str, Receipt]]:
    """The desk has it. Gives the receipts to send, `(device, receipt)`."""
    told = parcel.told
    connection = session.connection()
    connection.execute(_DELIVERY_ALERTED, {"of_delivery": parcel.delivery_id, "now": at})
    connection.execute(_NOTICE_ALERTED, {"of_notice": parcel.notice_id, "now": at})
    incident = {"of_incident": told.incident_id, "told_until": parcel.told_until, "now": at}
    connection.execute(_INCIDENT_ALERTED, incident)
    write_line(
        session, told.incident_id, at, Line.POLICE_ALERTED, desk=told.desk, channel=parcel.channel_kind, key=told.key
    )
    return raise_stage(session, told.incident_id, Stage.ALERTED, at, only_from=Stage.RECEIVED, until=parcel.told_until)


def record_failed(session: Session, delivery_id: int, error: str, at: datetime, random: Random) -> DeliveryState:
    """No answer that counts. Tried again after a pause with full jitter, given up after a day."""
    row = session.execute(
        select(Delivery.attempts, Delivery.error, Notice.created_at, Notice.incident_id, DeskChannel.kind, Desk)
        .join(Notice, Notice.id == Delivery.notice_id)
        .join(DeskChannel, DeskChannel.id == Delivery.channel_id)
        .join(Desk, Desk.id == DeskChannel.desk_id)
        .where(Delivery.id == delivery_id)
    ).one()
    given_up = at - row.created_at > GIVE_UP_AFTER
    state = DeliveryState.GIVEN_UP if given_up else DeliveryState.PENDING
    pause = random.uniform(0, min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(row.attempts, 10)))
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.state == DeliveryState.PENDING.value)
        .values(state=state.value, next_at=at + timedelta(seconds=pause), claimed_by=None, error=error[:1000])
    )
    if row.error is None or given_up:
        what = Line.POLICE_GIVEN_UP if given_up else Line.POLICE_TRIED
        desk = desk_with_station(row.Desk)
        write_line(session, row.incident_id, at, what, desk=desk, channel=row.kind, error=error[:300])
    return state


def record_unreached(session: Session, now: datetime) -> list[int]:
    """Mark notices that no desk has confirmed in time, and their incidents; give the incidents' ids (promise 4)."""
    late = session.execute(
        update(Notice)
        .where(Notice.alerted_at.is_(None), Notice.unreached_at.is_(None), Notice.reach_by <= now)
        .values(unreached_at=now)
        .returning(Notice.incident_id)
    ).scalars()
    incidents = sorted(set(late))
    for incident_id in incidents:
        session.execute(update(Incident).where(Incident.id == incident_id).values(police_unreached=True))
        write_line(session, incident_id, now, Line.POLICE_NOT_REACHED)
    return incidents
