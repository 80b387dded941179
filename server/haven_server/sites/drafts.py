"""Sites in the importer's shape, and back."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from haven_server.desks.drafts import KnownDesk, registered_phones
from haven_server.importing import Drafted, Existing, Import, SiteDraft, resolve
from haven_server.models import Site
from haven_server.sites.record import Place, SiteKind, open_place, stored_place
from haven_server.vault import Vault

_SAME = (
    "name", "road_address", "detail", "lot_address", "postal_code", "lat", "lon", "brand", "designated_year", "notes",
)  # fmt: skip
"""Fields that a draft and a place have in common."""


class Desks:
    """Desks by the words of a file, by id, and by the label that stands for one in a draft."""

    def __init__(self, known: list[KnownDesk]) -> None:
        self.known = known
        self._labels = {desk.id: desk.label for desk in known}
        self._ids = {desk.label: desk.id for desk in known}

    def label(self, desk_id: int | None) -> str:
        """Label of a desk; empty for none."""
        return "" if desk_id is None else self._labels[desk_id]

    def id(self, label: str) -> int | None:
        """Reverse of `label`."""
        return self._ids.get(label)

    def settle(self, imported: Import[SiteDraft]) -> Import[SiteDraft]:
        """Put a label where a row names a desk, nothing where nobody knows which is meant.

        Two spellings of one desk are then no difference, and a desk that is not known changes nothing.
        """
        found: dict[tuple[str, str | None], str] = {}
        rows = []
        for row in imported.drafted:
            asked = (row.draft.desk_name, row.draft.district)
            if asked not in found:
                meant = resolve(asked[0], self.known, asked[1]).match
                found[asked] = meant.label if meant else ""
            rows.append(Drafted(row.row, replace(row.draft, desk_name=found[asked])))
        return replace(imported, drafted=tuple(rows))


def existing_sites(sites: Iterable[Site], desks: Desks, vault: Vault) -> list[Existing[SiteDraft]]:
    """Sites to compare a file with, homes opened: the report hides them."""
    existing = []
    for site in sites:
        place = open_place(site, vault)
        if place is None:
            raise ValueError(f"site {site.code} has neither facts nor sealed facts")
        existing.append(Existing(site.code, _draft(site, place, desks.label(site.desk_id))))
    return existing


def site_of_draft(draft: SiteDraft, code: str, desks: Desks, vault: Vault) -> Site:
    """New site, without version and times."""
    stated = {name: getattr(draft, name) or None for name in _SAME if name not in {"lat", "lon"}}
    stated |= {"lat": draft.lat, "lon": draft.lon, "phones": [phone.registered for phone in draft.phones]}
    place = Place.of_facts(stated)
    return Site(
        code=code,
        kind=draft.kind,
        district=draft.district,
        operating=draft.operating is not False,
        desk_id=desks.id(draft.desk_name),
        **stored_place(draft.kind, place.as_facts(), vault),
    )


def write_fields(site: Site, changes: Mapping[str, Any], desks: Desks, vault: Vault) -> None:
    """Set what the fields of a draft say; all else of the site stays, contacts too."""
    place = open_place(site, vault)
    if place is None:
        raise ValueError(f"site {site.code} has neither facts nor sealed facts")
    told = {name: value for name, value in changes.items() if name in _SAME}
    if "phones" in changes:
        told["phones"] = [phone.registered for phone in changes["phones"]]
    stored = stored_place(site.kind, replace(place, **told).as_facts(), vault)
    site.facts, site.sealed = stored["facts"], stored["sealed"]
    if "district" in changes:
        site.district = changes["district"]
    if "operating" in changes:
        site.operating = changes["operating"]
    if "desk_name" in changes:
        site.desk_id = desks.id(changes["desk_name"])


def _draft(site: Site, place: Place, desk: str) -> SiteDraft:
    return SiteDraft(
        kind="home" if site.kind == SiteKind.HOME else "store",
        name=place.name,
        road_address=place.road_address,
        code=site.code,
        brand=place.brand or "",
        detail=place.detail or "",
        lot_address=place.lot_address or "",
        postal_code=place.postal_code or "",
        district=site.district,
        lat=place.lat,
        lon=place.lon,
        phones=registered_phones(place.phones),
        desk_name=desk,
        designated_year=place.designated_year,
        operating=site.operating,
        notes=place.notes or "",
    )
