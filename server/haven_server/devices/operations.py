"""Use cases of boxes: look, assign, name their inputs, take out of service."""

from datetime import datetime, timedelta

from sqlalchemy import and_, not_, select
from sqlalchemy.orm import Session

from haven_contract.errors import ContractError
from haven_contract.topics import check_device_id
from haven_server.core import Core
from haven_server.db.database import lock_for_transaction
from haven_server.db.upsert import upsert
from haven_server.devices.queries import device_views, find_device
from haven_server.devices.standing import Standing, check_change
from haven_server.devices.views import DeviceForm, DevicePage, DeviceView
from haven_server.models import Device, DeviceInput, DeviceStatus, Site
from haven_server.problems import Invalid
from haven_server.sites.codes import site_of_code
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit
from haven_server.supervision.vitals import INSTALL_WITHIN_S


def list_devices(
    core: Core,
    actor: Actor,
    *,
    site: str | None = None,
    standing: Standing | None = None,
    online: bool | None = None,
    after: str = "",
    limit: int = 100,
) -> DevicePage:
    """Boxes by id; `site` is a site's code."""
    actor.require(May.SEE_REGISTRY)
    now = core.clock.now()
    wanted = select(Device).where(Device.id > after).order_by(Device.id).limit(limit + 1)
    if site is not None:
        wanted = wanted.join(Site, Device.site_id == Site.id).where(Site.code == site)
    if standing is not None:
        wanted = wanted.where(Device.standing == standing.value)
    if online is not None:
        heard = (
            select(DeviceStatus.device_id)
            .where(and_(DeviceStatus.device_id == Device.id, DeviceStatus.online, DeviceStatus.due_at > now))
            .exists()
        )
        wanted = wanted.where(heard if online else not_(heard))
    with core.database.read() as session:
        rows = list(session.scalars(wanted))
        views = device_views(session, rows[:limit], now)
    return DevicePage(devices=views, next=views[-1].id if len(rows) > limit else None)


def get_device(core: Core, actor: Actor, device_id: str) -> DeviceView:
    """One box; NotFound if it is not registered."""
    actor.require(May.SEE_REGISTRY)
    with core.database.read() as session:
        return device_views(session, [find_device(session, device_id)], core.clock.now())[0]


def put_device(core: Core, actor: Actor, device_id: str, form: DeviceForm) -> DeviceView:
    """Register a box, or change its site and label. A retired one stays retired unless `standing` says active."""
    actor.require(May.CHANGE_DEVICES)
    _check_id(device_id)
    if form.standing not in {None, Standing.ACTIVE}:
        raise Invalid("standing can only be 'active' here; retire and revoke are requests of their own, with a reason")
    now = core.clock.now()

    def job(session: Session) -> DeviceView:
        lock_for_transaction(session, f"device {device_id}")
        site_id = _site_id(session, form.site)
        device = session.get(Device, device_id, populate_existing=True)
        if device is None:
            device = Device(id=device_id, standing=Standing.ACTIVE.value, standing_since=now, created_at=now)
            session.add(device)
        before = Standing(device.standing)
        if before is Standing.REVOKED or (form.standing is not None and form.standing is not before):
            check_change(device_id, before, Standing.ACTIVE)
            _set(device, Standing.ACTIVE, None, now)
        if site_id is not None and site_id != device.site_id and session.get(DeviceStatus, device_id) is None:
            device.awaited_until = now + timedelta(seconds=INSTALL_WITHIN_S)
        device.site_id, device.label = site_id, form.label
        session.flush()
        write_audit(session, now, actor, "save box", device_id, site=form.site, standing=device.standing)
        return device_views(session, [device], now)[0]

    return core.database.writer.run(job)


def retire_device(core: Core, actor: Actor, device_id: str, reason: str) -> DeviceView:
    """Take a box out of service: what it sends is recorded and shown, no police. It can be put back."""
    return _take_out(core, actor, device_id, Standing.RETIRED, reason)


def revoke_device(core: Core, actor: Actor, device_id: str, reason: str) -> DeviceView:
    """Take a box out for good, because its key may be in wrong hands."""
    return _take_out(core, actor, device_id, Standing.REVOKED, reason)


def name_input(core: Core, actor: Actor, device_id: str, source: str, label: str | None) -> DeviceView:
    """Say what people call an input; None forgets it."""
    actor.require(May.CHANGE_DEVICES)
    now = core.clock.now()

    def job(session: Session) -> DeviceView:
        device = find_device(session, device_id)
        row = {"device_id": device_id, "source": source, "label": label}
        upsert(session, DeviceInput, [row], ("label",))
        write_audit(session, now, actor, "name input", f"{device_id} {source}")
        return device_views(session, [device], now)[0]

    return core.database.writer.run(job)


def _take_out(core: Core, actor: Actor, device_id: str, standing: Standing, reason: str) -> DeviceView:
    """The same request twice changes nothing the second time: the tool that revokes may have to ask again."""
    actor.require(May.CHANGE_DEVICES)
    now = core.clock.now()

    def job(session: Session) -> DeviceView:
        lock_for_transaction(session, f"device {device_id}")
        device = find_device(session, device_id)
        if device.standing != standing:
            check_change(device_id, Standing(device.standing), standing)
            _set(device, standing, reason, now)
            session.flush()
            write_audit(session, now, actor, f"{standing} box", device_id, reason=reason)
        return device_views(session, [device], now)[0]

    return core.database.writer.run(job)


def _set(device: Device, standing: Standing, reason: str | None, now: datetime) -> None:
    device.standing, device.standing_reason, device.standing_since = standing.value, reason, now


def _check_id(device_id: str) -> None:
    try:
        check_device_id(device_id)
    except ContractError as error:
        raise Invalid(str(error)) from None


def _site_id(session: Session, code: str | None) -> int | None:
    if code is None:
        return None
    site = site_of_code(session, code)
    if site is None:
        raise Invalid(f"there is no site {code}; register it first")
    return site.id
