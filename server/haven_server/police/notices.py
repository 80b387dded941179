"""Notices to the police, written in the transaction of the event that causes them."""

from datetime import datetime, timedelta

from sqlalchemy import bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from haven_server.db.tables import DELIVERY, INCIDENT, NOTICE
from haven_server.incidents.flags import Flag, flag, merged
from haven_server.police.routing import REACH_WITHIN_S, routes

RUNAWAY_PAUSE_S = 30
"""A stuck button updates the police no oftener than this."""

CLAIM_S = 15
"""A delivery that a server has taken is free for others after this, should that server have died. It says in between
that it lives, see deliveries.keep_claims."""

_EARLIER = select(
    func.count(NOTICE.c.id).label("number"),
    func.max(NOTICE.c.due_at).filter(NOTICE.c.runaway).label("last_runaway"),
).where(NOTICE.c.incident_id == bindparam("incident_id"))
_INSERT = insert(NOTICE).returning(NOTICE.c.id)
_INSERT_DELIVERY = insert(DELIVERY).returning(DELIVERY.c.id)
_FLAGS = select(INCIDENT.c.flags).where(INCIDENT.c.id == bindparam("incident_id"))
_UNREACHED = (
    update(INCIDENT)
    .where(INCIDENT.c.id == bindparam("incident_id"))
    .values(flags=bindparam("new_flags"), police_unreached=True)
)


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
    connection = session.connection()
    earlier = connection.execute(_EARLIER, {"incident_id": incident_id}).one()
    due_at = now
    if runaway and earlier.last_runaway is not None:
        if earlier.last_runaway > now:
            return []  # the notice that waits will tell of this press too
        due_at = max(now, earlier.last_runaway + timedelta(seconds=RUNAWAY_PAUSE_S))
    ways = routes(session, desk_id, due_at)
    if not ways:
        _say_that_nobody_can_be_told(session, incident_id)
    notice = {
        "incident_id": incident_id,
        "event_id": event_id,
        "number": earlier.number,
        "runaway": runaway,
        "created_at": now,
        "due_at": due_at,
        # Without a way there is nothing to wait for: the dispatcher's screen says so at once.
        "reach_by": due_at + timedelta(seconds=REACH_WITHIN_S if ways else 0),
    }
    notice_id = connection.execute(_INSERT, notice).scalar_one()
    started = []
    for route in ways:
        at_once = route.starts_at <= now
        delivery = {
            "notice_id": notice_id,
            "channel_id": route.channel_id,
            "state": "pending",
            "attempts": 1 if at_once else 0,
            "next_at": now + timedelta(seconds=CLAIM_S) if at_once else route.starts_at,
            "claimed_by": server if at_once else None,
        }
        delivery_id = connection.execute(_INSERT_DELIVERY, delivery).scalar_one()
        if at_once:
            started.append(delivery_id)
    return started


def _say_that_nobody_can_be_told(session: Session, incident_id: int) -> None:
    connection = session.connection()
    flags = connection.execute(_FLAGS, {"incident_id": incident_id}).scalar_one()
    together = merged(flags, [flag(Flag.NO_CHANNEL)])
    connection.execute(_UNREACHED, {"incident_id": incident_id, "new_flags": together})
