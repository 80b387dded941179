"""A file of police desks: stations (경찰서) and their boxes (지구대, 파출소, 치안센터)."""

import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import cast, get_args

from haven_server.importing.addresses import parse_address
from haven_server.importing.columns import Table, desk_table
from haven_server.importing.coordinates import read_coordinates
from haven_server.importing.desk_names import STATION, box_name, station_key, station_name
from haven_server.importing.drafts import DeskDraft, DeskType, Drafted, Import, Refused
from haven_server.importing.findings import FileRefusedError, FindingKind
from haven_server.importing.phones import read_phones
from haven_server.importing.reading import Row, read_sheet
from haven_server.importing.row_reading import RowReading

_TYPES: tuple[str, ...] = get_args(DeskType)
_ABOLISHED = ("폐지", "폐쇄", "폐소")

DeskKey = tuple[str, str, str]


@dataclass(slots=True)
class _DeskRow(RowReading):
    draft: DeskDraft | None = None


def read_desks(data: bytes) -> Import[DeskDraft]:
    """Read a file of police desks, CSV or .xlsx. Never raises for what the file holds.

    A station that only its boxes name is drafted too, without an address, with a note at its first box's row.
    """
    try:
        table = desk_table(read_sheet(data))
    except FileRefusedError as error:
        return Import(refusal=error.refusal)
    rows = [_read_row(table, row) for row in table.rows]
    _refuse_duplicates(rows)
    stations = _stations(rows)
    return Import(
        drafted=tuple(Drafted(row.row, row.draft) for row in rows if row.draft) + stations,
        refused=tuple(Refused(row.row, row.refusal, _called(row)) for row in rows if row.refusal),
        findings=tuple(found for row in rows for found in row.findings),
        columns={name: table.header.cells[at] for name, at in table.columns.items()},
        unused=table.unused,
        encoding=table.encoding,
    )


def desk_key(desk: DeskDraft) -> DeskKey:
    """Station, name and type: `신사지구대` exists twice, and Seoul's stations are written with and without the city."""
    return (station_key(desk.station), desk.name, desk.type)


def _called(desk: _DeskRow) -> str | None:
    """Station and name of a refused row, as far as it has them."""
    station, name = desk.cell("station"), desk.cell("name")
    return f"{station_key(station)} {box_name(name, desk.cell('type'))}" if station and name else None


def _read_row(table: Table, row: Row) -> _DeskRow:
    desk = _DeskRow(row.number, table.values(row))
    desk.check_shape(table, row)
    if not table.repeats_header(row):
        desk_type = _type(desk)
        _check_names(desk, desk_type)
        if desk_type is not None and desk.refusal is None:
            desk.draft = _draft(desk, desk_type, table)
    return desk


def _type(desk: _DeskRow) -> DeskType | None:
    written = desk.cell("type").replace(" ", "")
    if written in _TYPES:
        return cast("DeskType", written)
    kind = FindingKind.DESK_ABOLISHED if written in _ABOLISHED else FindingKind.DESK_TYPE_UNKNOWN
    desk.say(kind, "type", ", ".join(_TYPES))
    return None


def _check_names(desk: _DeskRow, desk_type: DeskType | None) -> None:
    if not desk.cell("station"):
        desk.say(FindingKind.STATION_MISSING, "station")
    if not desk.cell("name") and desk_type != STATION:
        desk.say(FindingKind.NAME_MISSING, "name")


def _draft(desk: _DeskRow, desk_type: DeskType, table: Table) -> DeskDraft:
    written = desk.cell("address")
    address = parse_address(written)
    if not written:
        desk.say(FindingKind.DESK_ADDRESS_MISSING, "address")
    else:
        if re.search(r"\s{2,}|[\n\r\t]", written):
            desk.say(FindingKind.DOUBLE_SPACES, "address")
        if address.district is None:
            desk.say(FindingKind.ADDRESS_WITHOUT_DISTRICT, "address", "?")
        if address.is_lot:
            desk.say(FindingKind.LOT_ADDRESS_AS_ROAD, "address")
        elif address.missing_gap:
            desk.say(FindingKind.MISSING_GAP, "address")
    lat = lon = None
    if "lat" in table.columns and "lon" in table.columns:
        point = read_coordinates(desk.cell("lat"), desk.cell("lon"), in_seoul=address.province == "서울")
        lat, lon = point.lat, point.lon
        for doubt in point.doubts:
            desk.say(doubt, "lat", value=f"{desk.cell('lat')}, {desk.cell('lon')}".strip(", "))
    phones, phone_doubts = read_phones(desk.cell("phone")) if "phone" in table.columns else ((), ())
    for doubt, number in phone_doubts:
        desk.say(doubt, "phone", value=number)
    return DeskDraft(
        station=station_name(desk.cell("station")),
        name="" if desk_type == STATION else box_name(desk.cell("name"), desk_type),
        type=desk_type,
        authority=desk.cell("authority"),
        address=written,
        districts=(address.district,) if address.district else (),
        lat=lat,
        lon=lon,
        phones=phones,
    )


def _refuse_duplicates(rows: Iterable[_DeskRow]) -> None:
    seen: dict[DeskKey, int] = {}
    for desk in rows:
        if desk.draft is None:
            continue
        first = seen.setdefault(desk_key(desk.draft), desk.row)
        if first != desk.row:
            desk.say(FindingKind.DUPLICATE_ROW, "name", str(first))
            desk.draft = None


def _stations(rows: Iterable[_DeskRow]) -> tuple[Drafted[DeskDraft], ...]:
    """Give each station the districts of its boxes; draft those that have no row of their own."""
    boxes: dict[str, list[tuple[_DeskRow, DeskDraft]]] = defaultdict(list)
    own: dict[str, tuple[_DeskRow, DeskDraft]] = {}
    for row in rows:
        if row.draft is not None and row.draft.type == STATION:
            own[station_key(row.draft.station)] = (row, row.draft)
        elif row.draft is not None:
            boxes[station_key(row.draft.station)].append((row, row.draft))
    derived: list[Drafted[DeskDraft]] = []
    for key, members in boxes.items():
        first_row, first = members[0]
        districts = [district for _, box in members for district in box.districts]
        if key in own:
            row, station = own[key]
            row.draft = replace(station, districts=_unique([*station.districts, *districts]))
            continue
        first_row.say(FindingKind.STATION_WITHOUT_ROW, "station", first.station)
        station = DeskDraft(first.station, "", STATION, first.authority, districts=_unique(districts))
        derived.append(Drafted(first_row.row, station))
    return tuple(derived)


def _unique(districts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(districts))
