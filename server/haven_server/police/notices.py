"""Notices to the police, written in the transaction of the event that causes them."""

from datetime import datetime, timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from haven_server.db.upsert import insert_or_ignore
from haven_server.incidents.flags import Flag, flag, merged
from haven_server.models import Delivery, Incident, Notice
from haven_server.police.routing import REACH_WITHIN_S, routes

RUNAWAY_PAUSE_S = 30
"""A stuck button updates the police no oftener than this."""

CLAIM_S = 15
"""A delivery that a server has taken is free for others after this, should that server have died. It says in between
that it lives, see deliveries.keep_claims."""


def open_notice(
    session: Session,
    *,
    incident_id: int,
    event_id: int,
    desk_id: int,
    now: datetime,
    runaway: bool,
    server: str,
) -> list[int]:
    """Write the notice of an event and its deliveries; give the ids of those that `server` is to send at once.

    They are written as claimed by this server already, which saves the press a second commit on its way.
    """
    number, last_runaway = session.execute(
        select(func.count(Notice.id), func.max(Notice.due_at).filter(Notice.runaway)).where(
            Notice.incident_id == incident_id
        )
    ).one()
    due_at = now
    if runaway and last_runaway is not None:
        if last_runaway > now:
            return []  # the notice that waits will tell of this press too
        due_at = max(now, last_runaway + timedelta(seconds=RUNAWAY_PAUSE_S))
    ways = routes(session, desk_id, due_at)
    if not ways:
        _say_that_nobody_can_be_told(session, incident_id)
    notice_id = insert_or_ignore(
        session,
        Notice,
        {
            "incident_id": incident_id,
            "event_id": event_id,
            "number": number,
            "runaway": runaway,
            "created_at": now,
            "due_at": due_at,
            # Without a way there is nothing to wait for: the dispatcher's screen says so at once.
            "reach_by": due_at + timedelta(seconds=REACH_WITHIN_S if ways else 0),
        },
    )
    started = []
    for route in ways:
        at_once = route.starts_at <= now
        delivery_id = session.execute(
            insert(Delivery)
            .values(
                notice_id=notice_id,
                channel_id=route.channel_id,
                state="pending",
                attempts=1 if at_once else 0,
                next_at=now + timedelta(seconds=CLAIM_S) if at_once else route.starts_at,
                claimed_by=server if at_once else None,
            )
            .returning(Delivery.id)
        ).scalar_one()
        if at_once:
            started.append(delivery_id)
    return started


def _say_that_nobody_can_be_told(session: Session, incident_id: int) -> None:
    flags = session.execute(select(Incident.flags).where(Incident.id == incident_id)).scalar_one()
    session.execute(
        update(Incident)
        .where(Incident.id == incident_id)
        .values(flags=merged(flags, [flag(Flag.NO_CHANNEL)]), police_unreached=True)
    )
