"""A whole file of sites: every row read, then what only shows when rows are seen together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from haven_server.importing.addresses import comparable, parse_address
from haven_server.importing.columns import Table, site_table
from haven_server.importing.desk_names import DeskLike, resolve
from haven_server.importing.drafts import Drafted, Import, Refused, SiteDraft
from haven_server.importing.findings import FileRefusedError, Finding, FindingKind, name_rows
from haven_server.importing.reading import read_sheet
from haven_server.importing.sites import SiteRow, read_site_row

COORDINATES_SHARED_BY = 3
"""Two addresses may share a corner; a point given for three is a point of something else, and is left out."""


def read_sites(data: bytes, desks: Sequence[DeskLike] = ()) -> Import[SiteDraft]:
    """Read a file of sites, CSV or .xlsx. Never raises for what the file holds.

    With `desks`, the desk that a row names is checked against them; without, it is taken as it is.
    """
    try:
        table = site_table(read_sheet(data))
    except FileRefusedError as error:
        return Import(refusal=error.refusal)
    rows = [read_site_row(table, row) for row in table.rows]
    _refuse_duplicates(rows)
    kept = [site for site in rows if site.draft is not None]
    _tell_shared_phones(kept)
    _tell_same_places(kept)
    _leave_out_shared_coordinates(kept)
    if desks:
        _check_desks(kept, desks)
    return _import(table, rows)


def site_place(road_address: str, district: str | None) -> tuple[str, str]:
    """District and building of an address, to compare two spellings of it."""
    return (district or "", parse_address(road_address).place)


def site_identity(draft: SiteDraft) -> tuple[str, ...]:
    """What makes two rows the same site: its code, else kind, district, whole address with detail, and name."""
    if draft.code:
        return ("code", draft.code.casefold())
    whole = parse_address(draft.road_address).whole + "\0" + comparable(draft.detail)
    return ("place", draft.kind, draft.district or "", whole, comparable(draft.name))


def _refuse_duplicates(rows: Iterable[SiteRow]) -> None:
    seen: dict[tuple[str, ...], int] = {}
    for site in rows:
        if site.draft is None:
            continue
        first = seen.setdefault(site_identity(site.draft), site.row)
        if first != site.row:
            kind = FindingKind.CODE_TWICE if site.draft.code else FindingKind.DUPLICATE_ROW
            site.say(kind, "code" if site.draft.code else "name", str(first))
            site.draft = None


def _tell_shared_phones(rows: Iterable[SiteRow]) -> None:
    users: dict[str, list[SiteRow]] = defaultdict(list)
    for site in rows:
        for phone in site.draft.phones if site.draft else ():
            users[phone.e164 or comparable(phone.registered)].append(site)
    for sharers in users.values():
        for site in sharers if len(sharers) > 1 else ():
            others = [other.row for other in sharers if other is not site]
            site.say(FindingKind.PHONE_SHARED, "phone", name_rows(others))


def _tell_same_places(rows: Iterable[SiteRow]) -> None:
    neighbours: dict[tuple[str, str], list[SiteRow]] = defaultdict(list)
    for site in rows:
        if site.address and site.draft:
            neighbours[site.draft.district or "", site.address.place].append(site)
    for together in neighbours.values():
        for site in together if len(together) > 1 else ():
            others = [other.row for other in together if other is not site]
            site.say(FindingKind.SAME_PLACE, "road_address", name_rows(others))


def _leave_out_shared_coordinates(rows: Iterable[SiteRow]) -> None:
    points: dict[tuple[float, float], list[SiteRow]] = defaultdict(list)
    for site in rows:
        if site.draft and site.draft.lat is not None and site.draft.lon is not None:
            points[site.draft.lat, site.draft.lon].append(site)
    for point, sharers in points.items():
        if len({site.address.place for site in sharers if site.address}) < COORDINATES_SHARED_BY:
            continue
        for site in sharers:
            others = [other.row for other in sharers if other is not site]
            site.say(FindingKind.COORDINATES_SHARED, "lat", name_rows(others), value=f"{point[0]}, {point[1]}")
            site.draft = replace(site.draft, lat=None, lon=None) if site.draft else None


def _check_desks(rows: Iterable[SiteRow], desks: Sequence[DeskLike]) -> None:
    answers: dict[tuple[str, str | None], tuple[bool, str]] = {}
    for site in rows:
        if site.draft is None or not site.draft.desk_name:
            continue
        asked = (site.draft.desk_name, site.draft.district)
        if asked not in answers:
            found = resolve(asked[0], desks, asked[1])
            titles = ", ".join(_title(desk) for desk in found.candidates)
            answers[asked] = (found.match is not None, titles)
        matched, titles = answers[asked]
        if not matched:
            site.say(FindingKind.DESK_AMBIGUOUS if titles else FindingKind.DESK_UNKNOWN, "desk", titles)


def _title(desk: DeskLike) -> str:
    return f"{desk.station} {desk.name}{desk.type}" if desk.name else desk.station


def _import(table: Table, rows: Iterable[SiteRow]) -> Import[SiteDraft]:
    drafted: list[Drafted[SiteDraft]] = []
    refused: list[Refused] = []
    findings: list[Finding] = []
    private: set[int] = set()
    for site in rows:
        findings.extend(site.findings)
        if site.private:
            private.add(site.row)
        if site.draft is not None:
            drafted.append(Drafted(site.row, site.draft))
        elif site.refusal is not None:
            refused.append(Refused(site.row, site.refusal, site.cell("code") or None, _refused_place(site)))
    return Import(
        drafted=tuple(drafted),
        refused=tuple(refused),
        findings=tuple(findings),
        columns={name: table.header.cells[at] for name, at in table.columns.items()},
        unused=table.unused,
        encoding=table.encoding,
        private=frozenset(private),
    )


def _refused_place(site: SiteRow) -> tuple[str, str] | None:
    address = parse_address(site.registered_address)
    return (address.district or site.cell("district"), address.place) if address.place else None
