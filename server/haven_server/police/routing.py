"""Which desk is in charge of a site, and through which channels a notice goes, in which order."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import Session

from haven_server.db.tables import DESK, DESK_CHANNEL

NEXT_CHANNEL_S = 3
"""The next channel starts so long after the one before, without cancelling it."""

REACH_WITHIN_S = 10
"""A notice that no desk has confirmed by then counts as not reached (promise 4)."""

_CITY = select(DESK.c.id).where(DESK.c.is_city).limit(1)
_CHANNELS = (
    select(DESK_CHANNEL.c.id, DESK_CHANNEL.c.desk_id)
    .join(DESK, DESK.c.id == DESK_CHANNEL.c.desk_id)
    .where(or_(DESK.c.id == bindparam("desk_id"), DESK.c.is_city), DESK_CHANNEL.c.enabled)
    .order_by(DESK_CHANNEL.c.rank)
)


@dataclass(frozen=True, slots=True)
class Route:
    """A channel and when it starts."""

    channel_id: int
    starts_at: datetime


def city_desk_id(session: Session) -> int:
    """The desk for all that has no other. The first migration makes one, and it cannot be deleted."""
    found: int = session.connection().execute(_CITY).scalar_one()
    return found


def routes(session: Session, desk_id: int, due_at: datetime) -> list[Route]:
    """Channels of the desk by rank, then those of the city's desk, 3 s apart."""
    found = session.connection().execute(_CHANNELS, {"desk_id": desk_id}).all()
    ordered = [row.id for row in found if row.desk_id == desk_id] + [row.id for row in found if row.desk_id != desk_id]
    return [Route(channel, due_at + timedelta(seconds=NEXT_CHANNEL_S * place)) for place, channel in enumerate(ordered)]
