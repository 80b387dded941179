"""Use cases of police desks and their jurisdictions."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from haven_server.core import Core
from haven_server.db.database import lock_for_transaction
from haven_server.desks.forms import DeskForm, DeskPage, DeskView
from haven_server.desks.lookup import desk_by_id, desk_by_key, desk_views, holders
from haven_server.desks.naming import BOXES, DeskKind, desk_title, stored_name
from haven_server.models import Desk, DeskChannel, Incident, Jurisdiction, Site
from haven_server.problems import Conflict
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit

LOCK = "desks"
"""Desks and jurisdictions change seldom; one at a time keeps keys and districts apart."""


def list_desks(
    core: Core,
    actor: Actor,
    *,
    district: str | None = None,
    kind: DeskKind | None = None,
    text: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> DeskPage:
    """Desks by id; `district` is where they stand or what they answer for, `text` part of a name or station."""
    actor.require(May.SEE_REGISTRY)
    wanted = select(Desk).where(Desk.id > after).order_by(Desk.id).limit(limit + 1)
    if district is not None:
        answers = exists().where(Jurisdiction.desk_id == Desk.id, Jurisdiction.district == district)
        wanted = wanted.where(or_(Desk.district == district, answers))
    if kind is not None:
        wanted = wanted.where(Desk.kind == kind.value)
    if text is not None:
        wanted = wanted.where(
            or_(Desk.station.icontains(text, autoescape=True), Desk.name.icontains(text, autoescape=True))
        )
    with core.database.read() as session:
        rows = list(session.scalars(wanted))
        views = desk_views(session, rows[:limit], urls=actor.may(May.CHANGE_REGISTRY))
    return DeskPage(desks=views, next=views[-1].id if len(rows) > limit else None)


def get_desk(core: Core, actor: Actor, desk_id: int) -> DeskView:
    """Give one desk; NotFound if there is none."""
    actor.require(May.SEE_REGISTRY)
    with core.database.read() as session:
        desk = desk_by_id(session, desk_id)
        return desk_views(session, [desk], urls=actor.may(May.CHANGE_REGISTRY))[0]


def save_desk(core: Core, actor: Actor, form: DeskForm) -> DeskView:
    """Create the desk of that station, name and kind, or replace it."""
    actor.require(May.CHANGE_REGISTRY)
    now = core.clock.now()

    def job(session: Session) -> DeskView:
        lock_for_transaction(session, LOCK)
        desk = desk_by_key(session, form)
        if desk is None:
            _check_city(form, is_city=False)
            desk = Desk(station=form.station, name=stored_name(form.name, form.kind), kind=form.kind.value, source={})
            session.add(desk)
        return _fill(session, desk, form, actor, now)

    return core.database.writer.run(job)


def replace_desk(core: Core, actor: Actor, desk_id: int, form: DeskForm) -> DeskView:
    """Replace a desk, its name too; Conflict if another one has that name."""
    actor.require(May.CHANGE_REGISTRY)
    now = core.clock.now()

    def job(session: Session) -> DeskView:
        lock_for_transaction(session, LOCK)
        desk = desk_by_id(session, desk_id)
        _check_city(form, is_city=desk.is_city)
        other = desk_by_key(session, form)
        if other is not None and other.id != desk.id:
            raise Conflict(f"desk {other.id} has that station, name and kind already", desk=other.id)
        before = desk.station
        desk.station, desk.name, desk.kind = form.station, stored_name(form.name, form.kind), form.kind.value
        desk.parent_id = None
        return _fill(session, desk, form, actor, now, also=before)

    return core.database.writer.run(job)


def delete_desk(core: Core, actor: Actor, desk_id: int) -> None:
    """Delete a desk that was entered by mistake.

    Conflict for the city's, and for one that a site, a district, a channel or an incident refers to.
    """
    actor.require(May.CHANGE_REGISTRY)
    now = core.clock.now()

    def job(session: Session) -> None:
        lock_for_transaction(session, LOCK)
        desk = desk_by_id(session, desk_id)
        if desk.is_city:
            raise Conflict("the city's desk takes all that has no other; it can be changed, not deleted")
        for what, column in (
            ("an incident", Incident.desk_id),
            ("a site", Site.desk_id),
            ("a district", Jurisdiction.desk_id),
            ("a channel", DeskChannel.desk_id),
        ):
            if session.execute(select(column).where(column == desk_id).limit(1)).first():
                raise Conflict(f"{what} refers to this desk, so it stays")
        session.execute(update(Desk).where(Desk.parent_id == desk_id).values(parent_id=None))
        session.execute(delete(Desk).where(Desk.id == desk_id))
        write_audit(session, now, actor, "delete desk", str(desk_id), title=desk_title(desk))

    core.database.writer.run(job)


def link_boxes(session: Session, stations: Iterable[str]) -> None:
    """Tie the boxes of these stations to the stations' own desks, where there are some. What was added is flushed."""
    station = aliased(Desk)
    own_desk = select(func.min(station.id)).where(
        station.station == Desk.station, station.kind == DeskKind.STATION.value
    )
    session.execute(
        update(Desk)
        .where(Desk.station.in_(set(stations)), Desk.kind.in_([kind.value for kind in BOXES]))
        .values(parent_id=own_desk.scalar_subquery())
        .execution_options(synchronize_session=False)
    )


def _check_city(form: DeskForm, *, is_city: bool) -> None:
    if is_city != (form.kind is DeskKind.SITUATION_ROOM):
        raise Conflict("there is one situation room, the city's: it stays one, and no other desk becomes one")


def _fill(
    session: Session, desk: Desk, form: DeskForm, actor: Actor, now: datetime, *, also: str | None = None
) -> DeskView:
    """Set all but the key; `also` is the station to which the desk belonged before."""
    desk.address, desk.district, desk.phone = form.address, form.district, form.phone
    desk.lat, desk.lon = form.lat, form.lon
    session.flush()
    link_boxes(session, {desk.station, also or desk.station})
    session.refresh(desk)
    _set_jurisdiction(session, desk, form)
    session.flush()
    write_audit(session, now, actor, "save desk", str(desk.id), title=desk_title(desk), districts=list(form.districts))
    return desk_views(session, [desk], urls=True)[0]


def _set_jurisdiction(session: Session, desk: Desk, form: DeskForm) -> None:
    held = holders(session, form.districts)
    others = {district: holder for district, holder in held.items() if holder.id != desk.id}
    if others and not form.take_districts:
        told = ", ".join(f"{district} ({desk_title(holder)})" for district, holder in others.items())
        raise Conflict(f"other desks answer for: {told}; send take_districts to take them")
    session.execute(
        delete(Jurisdiction).where(or_(Jurisdiction.desk_id == desk.id, Jurisdiction.district.in_(form.districts)))
    )
    session.add_all(Jurisdiction(district=district, desk_id=desk.id) for district in dict.fromkeys(form.districts))
