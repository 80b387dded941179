"""Receipts: how far an event has got, told to the box that sent it. Kept on the event, so that they can be repeated."""

from datetime import datetime

from sqlalchemy import Integer, Text, bindparam, or_, select, update
from sqlalchemy.orm import Session

from haven_contract.messages import RECEIPT_EXPIRY_S, Receipt
from haven_contract.words import Stage
from haven_server.clock import seconds
from haven_server.db.tables import EVENT
from haven_server.models import Event, Incident

MOST_REPEATED = 20_000
"""Receipts repeated when a server comes back; the newest ones."""

MOST_REPEATED_TO_ONE = 100
"""Receipts repeated to one box when it comes back; the newest ones."""

_ANY_STAGE = bindparam("only_from", type_=Text).is_(None)
_ANY_ROW = bindparam("until", type_=Integer).is_(None)
_RAISE = (
    update(EVENT)
    .where(
        EVENT.c.incident_id == bindparam("of_incident"),
        or_(_ANY_STAGE, EVENT.c.stage == bindparam("only_from", type_=Text)),
        or_(_ANY_ROW, EVENT.c.id <= bindparam("until", type_=Integer)),
    )
    .values(
        stage=bindparam("new_stage"),
        stage_rev=EVENT.c.stage_rev + 1,
        stage_at=bindparam("now"),
        stage_reason=bindparam("reason"),
    )
    .returning(EVENT.c.device_id, EVENT.c.event_id, EVENT.c.stage_rev)
)


def raise_stage(
    session: Session,
    incident_id: int,
    stage: Stage,
    at: datetime,
    *,
    reason: str | None = None,
    only_from: Stage | None = None,
    until: int | None = None,
) -> list[tuple[str, Receipt]]:
    """Move the incident's events to a stage and give the receipts that tell it, `(device, receipt)`.

    `only_from` leaves events alone that have got further; `until` those that came after that row.
    """
    values = {
        "of_incident": incident_id,
        "new_stage": stage.value,
        "now": at,
        "reason": reason,
        "only_from": None if only_from is None else only_from.value,
        "until": until,
    }
    rows = session.connection().execute(_RAISE, values).all()
    return [
        (row.device_id, Receipt(event_id=row.event_id, rev=row.stage_rev, stage=stage, at=at, reason=reason))
        for row in rows
    ]


def current_receipts(session: Session, device_id: str | None, now: datetime) -> list[tuple[str, Receipt]]:
    """Receipts of open incidents and of what changed within a day; of one device, or of all when a server returns."""
    recent = Event.stage_at > now - seconds(RECEIPT_EXPIRY_S)
    still_open = Event.incident_id.in_(select(Incident.id).where(Incident.closed_at.is_(None)))
    statement = select(
        Event.device_id, Event.event_id, Event.stage_rev, Event.stage, Event.stage_at, Event.stage_reason
    )
    if device_id is not None:
        statement = statement.where(Event.device_id == device_id)
    rows = session.execute(
        statement.where(Event.incident_id.is_not(None), recent | still_open)
        .order_by(Event.id.desc())
        .limit(MOST_REPEATED if device_id is None else MOST_REPEATED_TO_ONE)
    ).all()
    return [
        (
            row.device_id,
            Receipt(
                event_id=row.event_id,
                rev=row.stage_rev,
                stage=Stage(row.stage),
                at=row.stage_at,
                reason=row.stage_reason,
            ),
        )
        for row in reversed(rows)
    ]
