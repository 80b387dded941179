"""Troubles as people read them."""

from datetime import datetime

from sqlalchemy import and_, or_, select

from haven_contract.words import DEVICE_SOURCE
from haven_server.core import Core
from haven_server.devices.standing import Standing
from haven_server.models import Device, DeviceInput, Site, Trouble
from haven_server.sites.forms import View
from haven_server.staff.access import Actor, May
from haven_server.supervision.troubles import FAULTS, WORDS


class Spoken(View):
    """The same in the two languages."""

    en: str
    ko: str


class TroubleView(View):
    """A silent failure."""

    id: int
    device: str
    site: str | None
    """Code of the site where the box stands now."""
    subject: str
    """Source of the input, or `device`."""
    label: str | None
    """What people call the input, or of `device` the box."""
    kind: str
    fault: str | None
    """Of `device_fault`: which."""
    words: Spoken
    since: datetime
    restored_at: datetime | None
    """Null while it lasts."""


class TroublePage(View):
    """A page of a list of troubles."""

    troubles: list[TroubleView]
    next: int | None
    """Give it as `after` for the next page; null on the last one."""


def list_troubles(
    core: Core,
    actor: Actor,
    *,
    restored: bool = False,
    site: str | None = None,
    device_id: str | None = None,
    after: int = 0,
    limit: int = 100,
) -> TroublePage:
    """Troubles in the order in which they began; with `restored` those that are over too.

    A box that is out of service has no open troubles: they are nobody's work.
    """
    actor.require(May.SEE_TROUBLES)
    wanted = (
        select(Trouble, Device.label, Site.code, DeviceInput.label)
        .outerjoin(Device, Device.id == Trouble.device_id)
        .outerjoin(Site, Site.id == Device.site_id)
        .outerjoin(DeviceInput, and_(DeviceInput.device_id == Trouble.device_id, DeviceInput.source == Trouble.subject))
        .where(Trouble.id > after)
        .order_by(Trouble.id)
        .limit(limit + 1)
    )
    if not restored:
        in_service = or_(Device.standing.is_(None), Device.standing == Standing.ACTIVE.value)
        wanted = wanted.where(Trouble.restored_at.is_(None), in_service)
    if site is not None:
        wanted = wanted.where(Site.code == site)
    if device_id is not None:
        wanted = wanted.where(Trouble.device_id == device_id)
    with core.database.read() as session:
        rows = session.execute(wanted).all()
    views = [
        _view(trouble, box if trouble.subject == DEVICE_SOURCE else named, code)
        for trouble, box, code, named in rows[:limit]
    ]
    return TroublePage(troubles=views, next=views[-1].id if len(rows) > limit else None)


def _view(trouble: Trouble, label: str | None, site: str | None) -> TroubleView:
    english, korean = FAULTS.get(trouble.fault) or WORDS.get(trouble.kind, (trouble.kind, trouble.kind))
    return TroubleView(
        id=trouble.id,
        device=trouble.device_id,
        site=site,
        subject=trouble.subject,
        label=label,
        kind=trouble.kind,
        fault=trouble.fault or None,
        words=Spoken(en=english, ko=korean),
        since=trouble.opened_at,
        restored_at=trouble.restored_at,
    )
