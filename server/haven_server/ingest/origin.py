"""Where an event comes from: its box, its site, the desk in charge. All from the registry, whatever the event says."""

from typing import Any

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from haven_server.db.tables import DEVICE, JURISDICTION, SITE
from haven_server.devices.standing import Standing
from haven_server.incidents.flags import Flag, flag
from haven_server.incidents.origin import Origin, SiteNow
from haven_server.police.routing import city_desk_id
from haven_server.vault import Vault

_ORIGIN = (
    select(
        DEVICE.c.standing,
        SITE.c.id,
        SITE.c.code,
        SITE.c.kind,
        SITE.c.district,
        SITE.c.operating,
        SITE.c.facts,
        SITE.c.sealed,
        func.coalesce(SITE.c.desk_id, JURISDICTION.c.desk_id).label("desk_id"),
    )
    .outerjoin(SITE, SITE.c.id == DEVICE.c.site_id)
    .outerjoin(JURISDICTION, JURISDICTION.c.district == SITE.c.district)
    .where(DEVICE.c.id == bindparam("device_id"))
)
"""A site's own desk is in charge, else that of its district."""


def origin_of(session: Session, device_id: str, vault: Vault) -> Origin:
    """Never fails for something missing: what is not known goes to the city's desk, with a flag."""
    row = session.connection().execute(_ORIGIN, {"device_id": device_id}).first()
    flags = _flags_of_box(device_id, row)
    if row is None or row.id is None:
        muted = row is not None and row.standing != Standing.ACTIVE
        return Origin(device_id, None, city_desk_id(session), muted, flags)
    place = vault.open_json(row.sealed) if row.sealed is not None else row.facts
    site = SiteNow(row.id, row.kind, place | {"code": row.code, "kind": row.kind, "district": row.district})
    if not row.operating:
        flags.append(flag(Flag.SITE_CLOSED))
    if place.get("lat") is None or place.get("lon") is None:
        flags.append(flag(Flag.NO_COORDINATES))
    if row.desk_id is None:
        flags.append(flag(Flag.NO_DESK))
    return Origin(device_id, site, row.desk_id or city_desk_id(session), row.standing != Standing.ACTIVE, flags)


def _flags_of_box(device_id: str, row: Any) -> list[dict[str, Any]]:
    if row is None:
        return [flag(Flag.UNKNOWN_DEVICE, device=device_id)]
    flags = [] if row.standing == Standing.ACTIVE else [flag(Flag(row.standing))]
    if row.id is None:
        flags.append(flag(Flag.UNASSIGNED, device=device_id))
    return flags
