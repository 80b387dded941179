"""Receipts: how far an event has got, told to the box that sent it. Kept on the event, so that they can be repeated."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from haven_contract.messages import RECEIPT_EXPIRY_S, Receipt
from haven_contract.words import Stage
from haven_server.clock import seconds
from haven_server.models import Event, Incident

MOST_REPEATED = 20_000
"""Receipts repeated when a server comes back; the newest ones."""


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
    statement = update(Event).where(Event.incident_id == incident_id)
    if only_from is not None:
        statement = statement.where(Event.stage == only_from.value)
    if until is not None:
        statement = statement.where(Event.id <= until)
    rows = session.execute(
        statement.values(stage=stage.value, stage_rev=Event.stage_rev + 1, stage_at=at, stage_reason=reason).returning(
            Event.device_id, Event.event_id, Event.stage_rev
        )
    ).all()
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
        .limit(MOST_REPEATED)
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
