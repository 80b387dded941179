"""Which column is what: the headers that public files use, Korean and English, and how a header is recognised."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from haven_server.importing.findings import FileProblem, FileRefusedError
from haven_server.importing.reading import Row, Sheet

HEADER_WITHIN = 10
"""A title or a date may stand above the header; it is looked for in this many rows."""
_ENOUGH_TO_BE_A_HEADER = 2
_LONGEST_HEADER = 100

Headers = Mapping[str, tuple[str, ...]]

SITE_HEADERS: Headers = {
    "code": ("code", "site_code", "코드", "지점코드", "점포코드", "haven_code"),
    "kind": ("kind", "site_kind", "종류", "구분", "유형"),
    "name": (
        "name",
        "site_name",
        "store_name",
        "점포명",
        "업소명",
        "상호",
        "상호명",
        "명칭",
        "시설명",
        "안심지킴이집명",
    ),
    "brand": ("brand", "브랜드", "체인", "업체명"),
    "road_address": (
        "road_address",
        "address",
        "도로명주소",
        "소재지도로명주소",
        "소재지",
        "주소",
        "도로명",
        "새주소",
    ),
    "detail": ("detail", "address_detail", "상세주소", "층호", "상세위치"),
    "lot_address": ("lot_address", "number_address", "jibun_address", "지번주소", "소재지지번주소", "구주소", "지번"),
    "postal_code": ("postal_code", "zip", "zip5", "zipcode", "우편번호", "소재지우편번호"),
    "district": ("district", "city_county", "gu", "시군구명", "시군구", "자치구", "자치구명", "구명"),
    "district_code": ("district_code", "sigungu_code", "시군구코드", "자치구코드", "행정구역코드"),
    "lat": ("lat", "latitude", "위도"),
    "lon": ("lon", "lng", "long", "longitude", "경도"),
    "phone": (
        "phone",
        "phones",
        "tel",
        "tel_number",
        "telephone",
        "전화번호",
        "연락처",
        "여성안심지킴이집전화번호",
        "점포전화번호",
        "대표전화",
    ),
    "desk": ("desk", "desk_name", "police_station", "관할경찰서명", "관할경찰서", "관할지구대", "관할관서", "관할"),
    "year": ("designated_year", "year", "지정연도", "지정년도", "지정일자", "지정일"),
    "operating": ("operating", "is_operating", "운영여부", "영업여부", "운영상태"),
    "notes": ("notes", "note", "비고", "메모", "특이사항"),
}

DESK_HEADERS: Headers = {
    "authority": ("authority", "police_agency", "시도청", "지방청", "시도경찰청", "지방경찰청"),
    "station": ("station", "police_station", "경찰서", "경찰서명", "소속경찰서"),
    "name": ("box_name", "desk_name", "name", "관서명", "지구대명", "지구대파출소명", "기관명"),
    "type": ("box_type", "desk_type", "type", "구분", "관서구분", "유형"),
    "address": ("address_raw", "address", "road_address", "주소", "소재지", "도로명주소", "소재지도로명주소"),
    "lat": ("lat", "latitude", "위도"),
    "lon": ("lon", "lng", "long", "longitude", "경도"),
    "phone": ("phone", "tel", "tel_number", "telephone", "전화번호", "연락처", "대표전화"),
}

_ONLY_SITES = (
    "점포명",
    "관할경찰서명",
    "여성안심지킴이집전화번호",
    "지정연도",
    "운영여부",
    "city_county",
    "store_name",
    "site_name",
)
_ONLY_DESKS = ("관서명", "경찰서", "시도청", "box_name", "box_type", "station", "desk_type")


@dataclass(frozen=True, slots=True)
class Table:
    """A recognised table: where each known field stands, and the rows below the header."""

    columns: Mapping[str, int]
    header: Row
    rows: tuple[Row, ...]
    unused: tuple[str, ...]
    encoding: str
    ragged_ok: bool

    def values(self, row: Row) -> dict[str, str]:
        """The row's cells by field; a cell that the row does not reach is empty."""
        return {name: row.cells[at] if at < len(row.cells) else "" for name, at in self.columns.items()}

    def repeats_header(self, row: Row) -> bool:
        """Whether the row is the header once more, as where files were joined."""
        first = _normal(row.cells[0]) == _normal(self.header.cells[0])
        return first and _normal_row(row) == _normal_row(self.header)

    def surplus(self, row: Row) -> bool:
        """Whether the row has more cells than there are columns: an unquoted comma moved its values."""
        return any(row.cells[len(self.header.cells) :])

    def short(self, row: Row) -> bool:
        """Whether the row ends before its last column: it may have been cut within a value."""
        return not self.ragged_ok and len(row.cells) < len(self.header.cells)


def site_table(sheet: Sheet) -> Table:
    """The table of a file of sites; raises `FileRefusedError` where it is none."""
    header = _find_header(sheet, SITE_HEADERS)
    if _hits(header, _ONLY_DESKS) > 1 and not _hits(header, _ONLY_SITES):
        raise FileRefusedError(FileProblem.DESKS_NOT_SITES)
    return _table(sheet, header, SITE_HEADERS, (("name",), ("road_address", "lot_address")))


def desk_table(sheet: Sheet) -> Table:
    """The table of a file of police desks; raises `FileRefusedError` where it is none."""
    header = _find_header(sheet, DESK_HEADERS)
    if _hits(header, _ONLY_SITES) and not _hits(header, _ONLY_DESKS):
        raise FileRefusedError(FileProblem.SITES_NOT_DESKS)
    return _table(sheet, header, DESK_HEADERS, (("station",), ("name",), ("type",)))


def _find_header(sheet: Sheet, headers: Headers) -> Row:
    known = _known(headers)
    top = [row for row in sheet.rows if not row.blank][:HEADER_WITHIN]
    if not top:
        raise FileRefusedError(FileProblem.EMPTY)
    score = {row.number: sum(_normal(cell) in known for cell in row.cells) for row in top}
    best = max(top, key=lambda row: score[row.number])
    return best if score[best.number] >= _ENOUGH_TO_BE_A_HEADER else top[0]


def _table(sheet: Sheet, header: Row, headers: Headers, required: tuple[tuple[str, ...], ...]) -> Table:
    known = _known(headers)
    columns: dict[str, int] = {}
    unused = []
    for at, cell in enumerate(header.cells):
        field = known.get(_normal(cell))
        if field is None:
            unused.extend([cell] if cell else [])
        elif field in columns:
            raise FileRefusedError(FileProblem.COLUMN_TWICE, f"{header.cells[columns[field]]} / {cell}")
        else:
            columns[field] = at
    for choice in required:
        if not any(field in columns for field in choice):
            wanted = ", ".join(synonym for field in choice for synonym in headers[field])
            others = ", ".join(f"{field} ({_korean(names)})" for field, names in headers.items())
            raise FileRefusedError(FileProblem.COLUMN_MISSING, wanted, others)
    rows = tuple(row for row in sheet.rows if row.number > header.number and not row.blank)
    if not rows:
        raise FileRefusedError(FileProblem.ONLY_HEADER)
    return Table(columns, header, rows, tuple(unused), sheet.encoding, sheet.ragged_ok)


def _korean(names: tuple[str, ...]) -> str:
    return next((name for name in names if not name.isascii()), names[0])


def _hits(header: Row, names: tuple[str, ...]) -> int:
    present = set(_normal_row(header))
    return sum(_normal(name) in present for name in names)


def _known(headers: Headers) -> dict[str, str]:
    return {_normal(name): field for field, names in headers.items() for name in names}


def _normal_row(row: Row) -> tuple[str, ...]:
    return tuple(_normal(cell) for cell in row.cells)


def _normal(cell: str) -> str:
    """A header without case, width, white space, punctuation and what stands in brackets."""
    plain = unicodedata.normalize("NFKC", cell[:_LONGEST_HEADER]).casefold()
    plain = re.sub(r"\([^)]*\)|\[[^\]]*\]", "", plain)
    return re.sub(r"[\s_*.·:/-]", "", plain)
