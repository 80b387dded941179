"""What the API takes and gives of sites. Who does not need a home's address now sees no more than code and district."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from typing import Annotated, Any, Self

from pydantic import Field, model_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.desks.forms import DeskKey, DeskRef, Latitude, Longitude
from haven_server.desks.lookup import desk_refs
from haven_server.models import Jurisdiction, Site
from haven_server.police.routing import city_desk_id
from haven_server.sites.forms import Form, Line, Paragraph, View
from haven_server.sites.record import Place, SiteKind, open_place
from haven_server.vault import Vault

REPORTING_S = (20, 25 * 3600)
"""Shortest and longest silence of a box before it is a trouble, seconds (EN 50136)."""

_PLACE_FIELDS = tuple(field.name for field in fields(Place))


class Contact(Form):
    """A person to call."""

    name: Line
    phone: Line
    role: Line
    """Owner, manager, guardian, …"""


class SiteForm(Form):
    """A site as it is to be. What is not given is taken away, or set to its default."""

    kind: SiteKind
    """Stays what it was when the site was made."""
    name: Line
    road_address: Line
    """As registered: nothing ever corrects it."""
    detail: Line | None = None
    """Floor, entrance, door."""
    lot_address: Line | None = None
    postal_code: Line | None = None
    district: Line | None = None
    """By name, such as 강동구: it decides on the desk where the site names none."""
    lat: Latitude | None = None
    """WGS 84, degrees."""
    lon: Longitude | None = None
    phones: Annotated[tuple[Line, ...], Field(max_length=20)] = ()
    """As registered, the first to be called first."""
    contacts: Annotated[tuple[Contact, ...], Field(max_length=20)] = ()
    brand: Line | None = None
    designated_year: Annotated[int, Field(ge=1900, le=2200)] | None = None
    notes: Paragraph | None = None
    """For the officers who come."""
    operating: bool = True
    desk: Annotated[int, Field(ge=1, le=2**31 - 1)] | DeskKey | None = None
    """The police desk of this very site, by id or by station, name and kind; null for that of its district."""
    reporting_s: Annotated[int, Field(ge=REPORTING_S[0], le=REPORTING_S[1])] = 90
    """Silence of a box after which it is a trouble, seconds."""
    version: Annotated[int, Field(ge=1, le=2**31 - 1)] | None = None
    """Version that the change was made from; if the site has another one by now, nothing is changed."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon go together")
        return self

    def place(self) -> Place:
        """The part that is sealed for a home."""
        stated = self.model_dump(include=set(_PLACE_FIELDS))
        return Place(**stated | {"phones": list(stated["phones"]), "contacts": list(stated["contacts"])})


class SiteView(View):
    """A site. Of a masked home all from `name` to `notes` is null."""

    code: str
    kind: SiteKind
    district: str | None
    operating: bool
    masked: bool
    """A home whose address is not shown here: lists never show one, a single look is granted while an incident is
    open there, or by the role, and stands in the audit trail."""
    name: str | None = None
    road_address: str | None = None
    detail: str | None = None
    lot_address: str | None = None
    postal_code: str | None = None
    lat: float | None = None
    lon: float | None = None
    phones: list[str] | None = None
    contacts: list[dict[str, str]] | None = None
    brand: str | None = None
    designated_year: int | None = None
    notes: str | None = None
    desk: DeskRef | None
    """The site's own desk."""
    desk_in_charge: DeskRef
    """Where an alarm of the site goes: its own desk, else that of its district, else the city's."""
    reporting_s: int
    version: int
    """Give it back with a change, so that nobody else's is overwritten unseen."""
    created_at: datetime
    updated_at: datetime


class SitePage(View):
    """A page of a list of sites."""

    sites: list[SiteView]
    next: str | None
    """Give it as `after` for the next page; null on the last one."""


def site_views(session: Session, sites: Sequence[Site], vault: Vault, *, open_homes: bool = False) -> list[SiteView]:
    """Views. With `open_homes` the caller has seen to permission and audit."""
    in_charge = _desks_in_charge(session, sites)
    refs = desk_refs(session, set(in_charge.values()))
    views = []
    for site in sites:
        masked = site.kind == SiteKind.HOME and not open_homes
        place = None if masked else open_place(site, vault)
        shown: dict[str, Any] = {} if place is None else place.as_facts()
        views.append(
            SiteView(
                **shown,
                code=site.code,
                kind=SiteKind(site.kind),
                district=site.district,
                operating=site.operating,
                masked=masked,
                desk=None if site.desk_id is None else refs[site.desk_id],
                desk_in_charge=refs[in_charge[site.id]],
                reporting_s=site.reporting_s,
                version=site.version,
                created_at=site.created_at,
                updated_at=site.updated_at,
            )
        )
    return views


def _desks_in_charge(session: Session, sites: Sequence[Site]) -> dict[int, int]:
    """Desk of each site by its id; what ingest.origin says of one, for many at once."""
    districts = {site.district for site in sites if site.desk_id is None}
    rows = session.execute(
        select(Jurisdiction.district, Jurisdiction.desk_id).where(Jurisdiction.district.in_(districts))
    )
    by_district: dict[str | None, int] = {district: desk_id for district, desk_id in rows}  # noqa: C416 - rows, not pairs
    city = city_desk_id(session)
    return {site.id: site.desk_id or by_district.get(site.district, city) for site in sites}
