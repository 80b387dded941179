"""Where an event comes from: its box, its site, the desk in charge. All from the registry, whatever the event says."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.incidents.flags import Flag, flag
from haven_server.models import Device, Site
from haven_server.police.routing import city_desk_id, desk_in_charge
from haven_server.sites.record import Place, open_place
from haven_server.vault import Vault


class Standing(StrEnum):
    """Whether a box is in service."""

    ACTIVE = "active"
    RETIRED = "retired"
    REVOKED = "revoked"


@dataclass(frozen=True, slots=True)
class Origin:
    """A box at its site, as registered now."""

    device_id: str
    site: Site | None
    place: Place | None
    desk_id: int
    muted: bool
    """Recorded and shown, no police."""
    flags: list[dict[str, Any]]


def origin_of(session: Session, device_id: str, vault: Vault) -> Origin:
    """Never fails for something missing: what is not known goes to the city's desk, with a flag."""
    row = session.execute(
        select(Device, Site).outerjoin(Site, Device.site_id == Site.id).where(Device.id == device_id)
    ).first()
    device, site = (row[0], row[1]) if row else (None, None)
    place = open_place(site, vault) if site else None
    desk_id = desk_in_charge(session, site)
    flags = _flags(device_id, device, site, place)
    if desk_id is None:
        desk_id = city_desk_id(session)
        if site is not None:
            flags.append(flag(Flag.NO_DESK))
    muted = device is not None and device.standing != Standing.ACTIVE
    return Origin(device_id, site, place, desk_id, muted, flags)


def _flags(device_id: str, device: Device | None, site: Site | None, place: Place | None) -> list[dict[str, Any]]:
    flags = []
    if device is None:
        flags.append(flag(Flag.UNKNOWN_DEVICE, device=device_id))
    elif device.standing != Standing.ACTIVE:
        flags.append(flag(Flag(device.standing)))
    if site is None or place is None:
        if device is not None:
            flags.append(flag(Flag.UNASSIGNED, device=device_id))
        return flags
    if not site.operating:
        flags.append(flag(Flag.SITE_CLOSED))
    if place.lat is None or place.lon is None:
        flags.append(flag(Flag.NO_COORDINATES))
    return flags
