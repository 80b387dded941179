"""Silence counts only while somebody listens: the timers of the boxes stand still while no server hears them."""

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from haven_server.db.upsert import insert_or_ignore
from haven_server.models import DeviceStatus, Listening

DEAF_AFTER = timedelta(seconds=10)
"""A shorter gap is an ordinary restart, during which no timer stops."""


def keep_listening(session: Session, now: datetime) -> timedelta:
    """Called every second or so while heartbeats are heard. Gives how long nobody had been listening before."""
    heard_until = session.execute(select(Listening.heard_until).with_for_update()).scalar()
    if heard_until is None:
        insert_or_ignore(session, Listening, {"id": 1, "heard_until": now})
        return timedelta()
    gap = now - heard_until
    if gap > DEAF_AFTER:
        waiting = session.execute(
            select(DeviceStatus.device_id, DeviceStatus.due_at).where(
                DeviceStatus.silent.is_(False),
                DeviceStatus.due_at > heard_until,
                # Whoever has been heard since has a fresh timer already.
                DeviceStatus.seen_at <= heard_until,
            )
        ).all()
        if waiting:
            session.execute(
                update(DeviceStatus), [{"device_id": row.device_id, "due_at": row.due_at + gap} for row in waiting]
            )
    session.execute(update(Listening).values(heard_until=now))
    return gap if gap > DEAF_AFTER else timedelta()
