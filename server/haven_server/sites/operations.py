"""Use cases of sites: look, change, close. A site is never deleted, for incidents and boxes refer to it."""

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.db.database import lock_for_transaction
from haven_server.desks.forms import DeskKey
from haven_server.desks.lookup import desk_by_id, desk_by_key
from haven_server.models import Incident, Site
from haven_server.problems import Conflict, Invalid, NotFound
from haven_server.sites.codes import LOCK, site_of_code
from haven_server.sites.record import SiteKind, stored_place
from haven_server.sites.views import SiteForm, SitePage, SiteView, site_views
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit


def list_sites(
    core: Core,
    actor: Actor,
    *,
    district: str | None = None,
    kind: SiteKind | None = None,
    operating: bool | None = None,
    text: str | None = None,
    after: str = "",
    limit: int = 100,
) -> SitePage:
    """Sites by code, homes masked whoever asks. `text` is part of the code, or of a store's name or address."""
    actor.require(May.SEE_REGISTRY)
    wanted = select(Site).where(Site.code > after).order_by(Site.code).limit(limit + 1)
    if district is not None:
        wanted = wanted.where(Site.district == district)
    if kind is not None:
        wanted = wanted.where(Site.kind == kind.value)
    if operating is not None:
        wanted = wanted.where(Site.operating.is_(operating))
    if text is not None:
        places = (Site.facts[part].as_string().icontains(text, autoescape=True) for part in ("name", "road_address"))
        wanted = wanted.where(or_(Site.code.icontains(text, autoescape=True), *places))
    with core.database.read() as session:
        rows = list(session.scalars(wanted))
        views = site_views(session, rows[:limit], core.vault)
    return SitePage(sites=views, next=views[-1].code if len(rows) > limit else None)


def get_site(core: Core, actor: Actor, code: str) -> SiteView:
    """One site. A home is shown to who may see it now, after that look has been written into the audit trail."""
    actor.require(May.SEE_REGISTRY)
    with core.database.read() as session:
        site = _site(session, code)
        if site.kind != SiteKind.HOME or not _may_see_home(session, actor, site):
            return site_views(session, [site], core.vault)[0]
    now = core.clock.now()

    def job(session: Session) -> SiteView:
        # Asked again in the transaction of the audit line: the incident may have been closed in between.
        site = _site(session, code)
        shown = site.kind == SiteKind.HOME and _may_see_home(session, actor, site)
        if shown:
            write_audit(session, now, actor, "see home", site.code)
        return site_views(session, [site], core.vault, open_homes=shown)[0]

    return core.database.writer.run(job)


def put_site(core: Core, actor: Actor, code: str, form: SiteForm) -> SiteView:
    """Create the site of that code, or replace what is known of it. The answer masks a home."""
    actor.require(May.CHANGE_REGISTRY)
    now = core.clock.now()

    def job(session: Session) -> SiteView:
        lock_for_transaction(session, LOCK)
        site, desk_id = site_of_code(session, code), _desk_id(session, form.desk)
        if site is None:
            if form.version is not None:
                raise Conflict(f"there is no site {code} yet, so it has no version {form.version}")
            site = Site(code=code, kind=form.kind.value, version=0, created_at=now)
            session.add(site)
        else:
            _check_change(site, code, form)
        site.district, site.operating, site.reporting_s = form.district, form.operating, form.reporting_s
        site.desk_id = desk_id
        stored = stored_place(form.kind, form.place().as_facts(), core.vault)
        site.facts, site.sealed = stored["facts"], stored["sealed"]
        _save(session, site, actor, "create site" if site.version == 0 else "change site", now)
        return site_views(session, [site], core.vault)[0]

    return core.database.writer.run(job)


def close_site(core: Core, actor: Actor, code: str, version: int | None = None) -> SiteView:
    """Mark a site as no longer operating: its alarms ring all the same, and say so. A closed one stays as it is."""
    actor.require(May.CHANGE_REGISTRY)
    now = core.clock.now()

    def job(session: Session) -> SiteView:
        lock_for_transaction(session, LOCK)
        site = _site(session, code)
        _check_version(site, version)
        if site.operating:
            site.operating = False
            _save(session, site, actor, "close site", now)
        return site_views(session, [site], core.vault)[0]

    return core.database.writer.run(job)


def _site(session: Session, code: str) -> Site:
    site = site_of_code(session, code)
    if site is None:
        raise NotFound(f"there is no site {code}")
    return site


def _save(session: Session, site: Site, actor: Actor, action: str, now: datetime) -> None:
    site.version += 1
    site.updated_at = now
    session.flush()
    write_audit(session, now, actor, action, site.code, version=site.version)


def _check_change(site: Site, code: str, form: SiteForm) -> None:
    if site.code != code:
        raise Conflict(f"there is a site {site.code} already; two codes may not differ in case alone")
    if site.kind != form.kind:
        raise Conflict(f"site {site.code} is a {site.kind}; close it, and make a new one for another kind")
    _check_version(site, form.version)


def _check_version(site: Site, version: int | None) -> None:
    if version is not None and version != site.version:
        raise Conflict(
            f"site {site.code} has been changed in the meantime: it is at version {site.version}, not {version}",
            version=site.version,
        )


def _desk_id(session: Session, wanted: int | DeskKey | None) -> int | None:
    if wanted is None:
        return None
    if isinstance(wanted, DeskKey):
        desk = desk_by_key(session, wanted)
        if desk is None:
            raise Invalid(f"there is no desk {wanted.station} {wanted.name} ({wanted.kind})")
        return desk.id
    try:
        return desk_by_id(session, wanted).id
    except NotFound as error:
        raise Invalid(error.detail) from None


def _may_see_home(session: Session, actor: Actor, site: Site) -> bool:
    """By the role, or because it handles incidents and one is open there. A test lays no home open."""
    if actor.may(May.SEE_HOMES):
        return True
    if not actor.may(May.HANDLE_INCIDENTS):
        return False
    unclosed = select(func.count(Incident.id)).where(
        Incident.site_id == site.id, Incident.closed_at.is_(None), Incident.is_test.is_(False)
    )
    return session.execute(unclosed).scalar_one() > 0
