"""Which desk is in charge of a site, and through which channels a notice goes, in which order."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.models import Desk, DeskChannel, Jurisdiction, Site

NEXT_CHANNEL_S = 3
"""The next channel starts so long after the one before, without cancelling it."""

REACH_WITHIN_S = 10
"""A notice that no desk has confirmed by then counts as not reached (promise 4)."""


@dataclass(frozen=True, slots=True)
class Route:
    """A channel and when it starts."""

    channel_id: int
    starts_at: datetime


def city_desk_id(session: Session) -> int:
    """The desk for all that has no other. The first migration makes one, and it cannot be deleted."""
    return session.execute(select(Desk.id).where(Desk.is_city).limit(1)).scalar_one()


def desk_in_charge(session: Session, site: Site | None) -> int | None:
    """The site's own desk, else that of its district; None if neither is known."""
    if site is None:
        return None
    if site.desk_id is not None:
        return site.desk_id
    return session.execute(select(Jurisdiction.desk_id).where(Jurisdiction.district == site.district)).scalar()


def routes(session: Session, desk_id: int, due_at: datetime) -> list[Route]:
    """Channels of the desk by rank, then those of the city's desk, 3 s apart."""
    city = city_desk_id(session)
    found = session.execute(
        select(DeskChannel.id, DeskChannel.desk_id)
        .where(DeskChannel.desk_id.in_([desk_id, city]), DeskChannel.enabled)
        .order_by(DeskChannel.rank)
    ).all()
    ordered = [channel for channel, desk in found if desk == desk_id]
    ordered += [channel for channel, desk in found if desk != desk_id]
    return [Route(channel, due_at + timedelta(seconds=NEXT_CHANNEL_S * place)) for place, channel in enumerate(ordered)]
