"""Rows of a file of sites (stores and homes), one by one: what can be used, and what is doubtful."""

import re
import unicodedata
from dataclasses import dataclass, field

from haven_server.importing.addresses import Address, known_district, parse_address
from haven_server.importing.brands import brand_of, is_only_brand
from haven_server.importing.columns import Table
from haven_server.importing.coordinates import read_coordinates
from haven_server.importing.drafts import SiteDraft, SiteKind
from haven_server.importing.findings import Finding, FindingKind, Severity
from haven_server.importing.phones import read_phones
from haven_server.importing.reading import Row
from haven_server.importing.seoul import DISTRICT_CODES, DISTRICTS

MAX_TEXT = 500
"""Characters of a cell. The longest address of the real files has 47."""
_CODE = re.compile(r"[0-9A-Za-z가-힣][0-9A-Za-z가-힣._-]{0,31}")
_STORE_WORDS = frozenset({"store", "점포", "편의점", "상점", "안심지킴이집", "여성안심지킴이집"})
_HOME_WORDS = frozenset({"home", "house", "가정", "가구", "주택", "세대", "자택"})
_YES = frozenset({"y", "yes", "true", "1", "o", "예", "운영", "운영중", "영업", "영업중", "정상"})
_NO = frozenset(
    {"n", "no", "false", "0", "x", "아니오", "미운영", "운영중단", "폐업", "폐점", "휴업", "중단", "종료", "해지"}
)
_YEAR = re.compile(r"(19[89]\d|20\d\d)(?:\s*년|[-./]\d{1,2}.*|\d{4})?")


@dataclass(slots=True)
class SiteRow:
    """A row while it is read: its findings grow, and either a draft or a refusal comes of it."""

    row: int
    cells: dict[str, str]
    private: bool = False
    draft: SiteDraft | None = None
    address: Address | None = None
    findings: list[Finding] = field(default_factory=list)

    def say(self, kind: FindingKind, field_name: str = "", detail: str = "", value: str | None = None) -> None:
        """Add a finding about a field, with the field's cell as its value where no other is given."""
        shown = self.cells.get(field_name, "") if value is None else value
        self.findings.append(Finding(self.row, kind, field_name, shown[:MAX_TEXT], detail))

    @property
    def refusal(self) -> Finding | None:
        """The first finding that keeps the row out."""
        return next((found for found in self.findings if found.kind.severity is Severity.REFUSED), None)


def read_site_row(table: Table, row: Row) -> SiteRow:
    """Read one row; `draft` is None where it is refused, and a finding says why."""
    site = SiteRow(row.number, table.values(row))
    if table.repeats_header(row):
        site.say(FindingKind.HEADER_REPEATED)
        return site
    # Of a row whose kind cannot be read, or whose cells are displaced, nobody knows that it is no home.
    site.private = "kind" in table.columns
    check_shape(site, table, row)
    kind = _kind(site, table)
    code = _code(site)
    _check_texts(site)
    if kind is None or site.refusal:
        return site
    site.private = kind == "home"
    site.address = parse_address(site.cells.get("road_address", "") or site.cells.get("lot_address", ""))
    phones, doubts = read_phones(site.cells.get("phone", ""))
    for doubt, written in doubts:
        site.say(doubt, "phone", value=written)
    _check_name(site)
    district = _district(site)
    _check_road_address(site)
    in_seoul = site.address.province in (None, "서울")
    if not in_seoul:
        site.say(FindingKind.ADDRESS_OUTSIDE_SEOUL, "road_address")
    point = read_coordinates(site.cells.get("lat", ""), site.cells.get("lon", ""), in_seoul=in_seoul)
    for point_doubt in point.doubts:
        site.say(point_doubt, "lat", value=f"{site.cells.get('lat', '')}, {site.cells.get('lon', '')}".strip(", "))
    name = site.cells["name"]
    site.draft = SiteDraft(
        kind=kind,
        name=name,
        road_address=site.cells.get("road_address", "") or site.cells.get("lot_address", ""),
        code=code,
        brand=site.cells.get("brand", "") or (brand_of(name) if kind == "store" else ""),
        detail=site.cells.get("detail", ""),
        lot_address=site.cells.get("lot_address", ""),
        postal_code=_postal_code(site),
        district=district,
        lat=point.lat,
        lon=point.lon,
        phones=phones,
        desk_name=site.cells.get("desk", ""),
        designated_year=_year(site),
        operating=_operating(site),
        notes=site.cells.get("notes", ""),
    )
    return site


def check_shape(site: SiteRow, table: Table, row: Row) -> None:
    """Refuse a row whose cells may be displaced, cut or damaged: it might give a wrong address."""
    if table.surplus(row):
        site.say(FindingKind.TOO_MANY_CELLS, value=str(len(row.cells)), detail=str(len(table.header.cells)))
    elif table.short(row):
        site.say(FindingKind.TOO_FEW_CELLS, value=str(len(row.cells)), detail=str(len(table.header.cells)))
    for name, cell in site.cells.items():
        if len(cell) > MAX_TEXT:
            site.say(FindingKind.TOO_LONG, name, str(MAX_TEXT), value=f"{cell[:40]}…")
        if any(unicodedata.category(char) in ("Cc", "Cs", "Co") and char not in "\n\r\t" for char in cell) or (
            "\ufffd" in cell
        ):
            site.say(FindingKind.UNREADABLE_CHARACTERS, name)


def _check_texts(site: SiteRow) -> None:
    if not site.cells.get("name"):
        site.say(FindingKind.NAME_MISSING, "name")
    if not site.cells.get("road_address") and not site.cells.get("lot_address"):
        site.say(FindingKind.ADDRESS_MISSING, "road_address")
    for name in ("name", "road_address", "lot_address"):
        if re.search(r"\s{2,}|[\n\r\t]", site.cells.get(name, "")):
            site.say(FindingKind.DOUBLE_SPACES, name)


def _kind(site: SiteRow, table: Table) -> SiteKind | None:
    """Store or home. A file without such a column is one of stores; an empty cell in it is refused, not guessed."""
    if "kind" not in table.columns:
        return "store"
    written = site.cells["kind"].casefold().replace(" ", "")
    if written in _HOME_WORDS:
        return "home"
    if written in _STORE_WORDS:
        return "store"
    site.say(FindingKind.SITE_KIND_UNKNOWN, "kind")
    return None


def _code(site: SiteRow) -> str | None:
    written = site.cells.get("code", "")
    if written and not _CODE.fullmatch(written):
        site.say(FindingKind.CODE_UNREADABLE, "code")
    return written or None


def _check_name(site: SiteRow) -> None:
    if is_only_brand(site.cells["name"]):
        site.say(FindingKind.NAME_ONLY_BRAND, "name")


def _check_road_address(site: SiteRow) -> None:
    if site.address is None:
        return
    if not site.cells.get("road_address"):
        site.say(FindingKind.ROAD_ADDRESS_MISSING, "road_address", value=site.cells.get("lot_address", ""))
    elif site.address.is_lot:
        site.say(FindingKind.LOT_ADDRESS_AS_ROAD, "road_address")
    elif site.address.missing_gap:
        site.say(FindingKind.MISSING_GAP, "road_address")


def _district(site: SiteRow) -> str | None:
    """The district by name: the address's own, else the column's. A code alone is checked and never believed."""
    in_address = site.address.district if site.address else None
    column = site.cells.get("district", "")
    in_column = known_district(column)
    outside = site.address is not None and site.address.province not in (None, "서울")
    if column and in_column is None and not outside:
        site.say(FindingKind.DISTRICT_UNKNOWN, "district")
    if in_address is None or (not outside and in_address not in DISTRICTS):
        site.say(FindingKind.ADDRESS_WITHOUT_DISTRICT, "road_address", in_column or "?")
        in_address = None
    elif in_column is not None and in_address != in_column:
        site.say(FindingKind.ADDRESS_OTHER_DISTRICT, "district", in_address)
    district = in_address or in_column
    _check_district_code(site, district)
    return district


def _check_district_code(site: SiteRow, district: str | None) -> None:
    written = site.cells.get("district_code", "").removesuffix("00000")
    if not written or district not in DISTRICT_CODES:
        return
    standard, statistics = DISTRICT_CODES[district]
    if written == standard:
        return
    other = written == statistics
    kind = FindingKind.DISTRICT_CODE_OTHER_SYSTEM if other else FindingKind.DISTRICT_CODE_UNKNOWN
    site.say(kind, "district_code", f"{district} {standard}")


def _postal_code(site: SiteRow) -> str:
    written = site.cells.get("postal_code", "")
    if re.fullmatch(r"[0-9]{5}", written) or not written:
        return written
    site.say(FindingKind.POSTAL_CODE_UNREADABLE, "postal_code")
    return ""


def _year(site: SiteRow) -> int | None:
    written = site.cells.get("year", "")
    found = _YEAR.fullmatch(written)
    if written and not found:
        site.say(FindingKind.YEAR_UNREADABLE, "year")
    return int(found[1]) if found else None


def _operating(site: SiteRow) -> bool | None:
    written = site.cells.get("operating", "").casefold().replace(" ", "")
    if written in _NO:
        site.say(FindingKind.CLOSED, "operating")
        return False
    if written in _YES:
        return True
    if written:
        site.say(FindingKind.OPERATING_UNREADABLE, "operating")
    return None
