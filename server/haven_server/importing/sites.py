"""Rows of a file of sites (stores and homes), one by one: what can be used, and what is doubtful."""

import re
from dataclasses import dataclass

from haven_server.importing.addresses import Address, known_district, parse_address
from haven_server.importing.brands import brand_of, is_only_brand
from haven_server.importing.columns import Table
from haven_server.importing.coordinates import read_coordinates
from haven_server.importing.drafts import SiteDraft, SiteKind
from haven_server.importing.findings import FindingKind
from haven_server.importing.phones import read_phones
from haven_server.importing.reading import Row
from haven_server.importing.row_reading import RowReading
from haven_server.importing.seoul import DISTRICT_CODES

_CODE = re.compile(r"[0-9A-Za-z가-힣][0-9A-Za-z가-힣._-]{0,31}")
_STORE_WORDS = frozenset({"store", "점포", "편의점", "상점", "안심지킴이집", "여성안심지킴이집"})
_HOME_WORDS = frozenset({"home", "house", "가정", "가구", "주택", "세대", "자택"})
_YES = frozenset({"y", "yes", "true", "1", "o", "예", "운영", "운영중", "영업", "영업중", "정상"})
_NO = frozenset(
    {"n", "no", "false", "0", "x", "아니오", "미운영", "운영중단", "폐업", "폐점", "휴업", "중단", "종료", "해지"}
)
_YEAR = re.compile(r"(19[89]\d|20\d\d)(?:\s*년|[-./]\d{1,2}.*|\d{4})?")


@dataclass(slots=True)
class SiteRow(RowReading):
    """A row while it is read: either a draft or a refusal comes of it."""

    private: bool = False
    draft: SiteDraft | None = None
    address: Address | None = None

    @property
    def registered_address(self) -> str:
        """The road-name address, else the lot address, exactly as the row has it."""
        return self.cell("road_address") or self.cell("lot_address")


def read_site_row(table: Table, row: Row) -> SiteRow:
    """Read one row; `draft` is None where it is refused, and a finding says why."""
    site = SiteRow(row.number, table.values(row))
    site.check_shape(table, row)
    if table.repeats_header(row):
        return site
    # Of a row whose kind cannot be read, or whose cells are displaced, nobody knows that it is no home.
    site.private = "kind" in table.columns
    kind = _kind(site, table)
    code = _code(site)
    _check_texts(site)
    if kind is None or site.refusal:
        return site
    site.private = kind == "home"
    address = site.address = parse_address(site.registered_address)
    phones, doubts = read_phones(site.cell("phone"))
    for doubt, written in doubts:
        site.say(doubt, "phone", value=written)
    if kind == "store" and is_only_brand(site.cell("name")):
        site.say(FindingKind.NAME_ONLY_BRAND, "name")
    district = _district(site, address)
    _check_road_address(site, address)
    point = read_coordinates(site.cell("lat"), site.cell("lon"), in_seoul=address.in_seoul)
    for point_doubt in point.doubts:
        site.say(point_doubt, "lat", value=f"{site.cell('lat')}, {site.cell('lon')}".strip(", "))
    name = site.cell("name")
    site.draft = SiteDraft(
        kind=kind,
        name=name,
        road_address=site.registered_address,
        code=code,
        brand=site.cell("brand") or (brand_of(name) if kind == "store" else ""),
        detail=site.cell("detail"),
        lot_address=site.cell("lot_address"),
        postal_code=_postal_code(site),
        district=district,
        lat=point.lat,
        lon=point.lon,
        phones=phones,
        desk_name=site.cell("desk"),
        designated_year=_year(site),
        operating=_operating(site),
        notes=site.cell("notes"),
    )
    return site


def _check_texts(site: SiteRow) -> None:
    if not site.cells.get("name"):
        site.say(FindingKind.NAME_MISSING, "name")
    if not site.cells.get("road_address") and not site.cells.get("lot_address"):
        site.say(FindingKind.ADDRESS_MISSING, "road_address")
    for name in ("name", "road_address", "lot_address"):
        if re.search(r"\s{2,}|[\n\r\t]", site.cell(name)):
            site.say(FindingKind.DOUBLE_SPACES, name)


def _kind(site: SiteRow, table: Table) -> SiteKind | None:
    """Store or home. A file without such a column is one of stores; an empty cell in it is refused, not guessed."""
    if "kind" not in table.columns:
        return "store"
    written = site.cell("kind").casefold().replace(" ", "")
    if written in _HOME_WORDS:
        return "home"
    if written in _STORE_WORDS:
        return "store"
    site.say(FindingKind.SITE_KIND_UNKNOWN, "kind")
    return None


def _code(site: SiteRow) -> str | None:
    written = site.cell("code")
    if written and not _CODE.fullmatch(written):
        site.say(FindingKind.CODE_UNREADABLE, "code")
    return written or None


def _check_road_address(site: SiteRow, address: Address) -> None:
    if not site.cell("road_address"):
        site.say(FindingKind.ROAD_ADDRESS_MISSING, "road_address", value=site.cell("lot_address"))
    elif address.is_lot:
        site.say(FindingKind.LOT_ADDRESS_AS_ROAD, "road_address")
    elif address.missing_gap:
        site.say(FindingKind.MISSING_GAP, "road_address")
    if not address.in_seoul:
        site.say(FindingKind.ADDRESS_OUTSIDE_SEOUL, "road_address", value=site.registered_address)


def _district(site: SiteRow, address: Address) -> str | None:
    """The district by name: the address's own, else the column's. A code alone is checked and never believed."""
    column = site.cell("district")
    in_column = known_district(column)
    if column and in_column is None and address.in_seoul:
        site.say(FindingKind.DISTRICT_UNKNOWN, "district")
    if address.district is None:
        site.say(FindingKind.ADDRESS_WITHOUT_DISTRICT, "road_address", in_column or "?", value=site.registered_address)
    elif in_column is not None and address.district != in_column:
        site.say(FindingKind.ADDRESS_OTHER_DISTRICT, "district", address.district)
    district = address.district or in_column
    _check_district_code(site, district)
    return district


def _check_district_code(site: SiteRow, district: str | None) -> None:
    written = site.cell("district_code").removesuffix("00000")
    if not written or district not in DISTRICT_CODES:
        return
    standard, statistics = DISTRICT_CODES[district]
    if written == standard:
        return
    other = written == statistics
    kind = FindingKind.DISTRICT_CODE_OTHER_SYSTEM if other else FindingKind.DISTRICT_CODE_UNKNOWN
    site.say(kind, "district_code", f"{district} {standard}")


def _postal_code(site: SiteRow) -> str:
    written = site.cell("postal_code")
    if re.fullmatch(r"[0-9]{5}", written) or not written:
        return written
    site.say(FindingKind.POSTAL_CODE_UNREADABLE, "postal_code")
    return ""


def _year(site: SiteRow) -> int | None:
    written = site.cell("year")
    found = _YEAR.fullmatch(written)
    if written and not found:
        site.say(FindingKind.YEAR_UNREADABLE, "year")
    return int(found[1]) if found else None


def _operating(site: SiteRow) -> bool | None:
    written = site.cell("operating").casefold().replace(" ", "")
    if written in _NO:
        site.say(FindingKind.CLOSED, "operating")
        return False
    if written in _YES:
        return True
    if written:
        site.say(FindingKind.OPERATING_UNREADABLE, "operating")
    return None
