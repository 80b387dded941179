"""Finding desks, and making views of them. Queries only."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.desks.forms import ChannelView, DeskKey, DeskRef, DeskView
from haven_server.desks.naming import DeskKind, desk_title, stored_name
from haven_server.models import Desk, DeskChannel, Jurisdiction
from haven_server.problems import NotFound


def desk_by_id(session: Session, desk_id: int) -> Desk:
    """Desk as it is now, whatever this transaction saw before; NotFound if there is none."""
    desk = session.get(Desk, desk_id, populate_existing=True)
    if desk is None:
        raise NotFound(f"there is no desk {desk_id}")
    return desk


def desk_by_key(session: Session, key: DeskKey) -> Desk | None:
    """Desk of that station, name and kind."""
    return session.scalars(
        select(Desk).where(
            Desk.station == key.station, Desk.name == stored_name(key.name, key.kind), Desk.kind == key.kind.value
        )
    ).first()


def holders(session: Session, districts: Iterable[str]) -> dict[str, Desk]:
    """The desk in charge of each of the districts that have one."""
    rows = session.execute(
        select(Jurisdiction.district, Desk)
        .join(Desk, Jurisdiction.desk_id == Desk.id)
        .where(Jurisdiction.district.in_(list(districts)))
    )
    return {district: desk for district, desk in rows}  # noqa: C416 - dict() does not know that a row is a pair


def desk_refs(session: Session, ids: Iterable[int]) -> dict[int, DeskRef]:
    """Desks in a word, by id."""
    desks = session.scalars(select(Desk).where(Desk.id.in_(list(ids))))
    return {desk.id: DeskRef(id=desk.id, title=desk_title(desk)) for desk in desks}


def desk_views(session: Session, desks: Sequence[Desk], *, urls: bool) -> list[DeskView]:
    """Views, with the channels' addresses where `urls` says so."""
    ids = [desk.id for desk in desks]
    districts: dict[int, list[str]] = defaultdict(list)
    for row in session.scalars(
        select(Jurisdiction).where(Jurisdiction.desk_id.in_(ids)).order_by(Jurisdiction.district)
    ):
        districts[row.desk_id].append(row.district)
    channels: dict[int, list[ChannelView]] = defaultdict(list)
    for channel in session.scalars(select(DeskChannel).where(DeskChannel.desk_id.in_(ids)).order_by(DeskChannel.rank)):
        channels[channel.desk_id].append(channel_view(channel, urls=urls))
    return [
        DeskView(
            id=desk.id,
            title=desk_title(desk),
            station=desk.station,
            name=desk.name,
            kind=DeskKind(desk.kind),
            is_city=desk.is_city,
            station_id=desk.parent_id,
            address=desk.address,
            district=desk.district,
            lat=desk.lat,
            lon=desk.lon,
            phone=desk.phone,
            districts=districts[desk.id],
            channels=channels[desk.id],
        )
        for desk in desks
    ]


def channel_view(channel: DeskChannel, *, urls: bool) -> ChannelView:
    """View of a channel."""
    return ChannelView(
        rank=channel.rank,
        kind=channel.kind,
        url=channel.url if urls else None,
        timeout_s=channel.timeout_s,
        concurrency=channel.concurrency,
        enabled=channel.enabled,
    )
