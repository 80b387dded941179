"""Files as they come: encodings, delimiters, workbooks, and everything that is no table."""

import io
import zipfile
from collections.abc import Callable
from datetime import datetime

import openpyxl
import pytest

from haven_server.importing import FileProblem, FindingKind, plan_sites, read_desks, read_sites, report_text
from haven_server.importing.reading import MAX_BYTES
from haven_server.importing.workbook import MAX_ROWS, MAX_UNPACKED_BYTES

FileBuilder = Callable[..., bytes]


def workbook(*sheets: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    for at, rows in enumerate(sheets):
        sheet = book.worksheets[0] if at == 0 else book.create_sheet()
        for row in rows:
            sheet.append(row)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()


def zipped(name: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(name, "x")
    return data.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp949", "euc-kr"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
def test_every_encoding_and_delimiter_gives_the_same_rows(stores: FileBuilder, encoding: str, delimiter: str) -> None:
    rows = ({"점포명": "CU 하나점"}, {"점포명": "GS25 둘", "소재지도로명주소": "서울특별시 강동구 시험로 7"})
    plain = read_sites(stores(*rows))
    other = read_sites(stores(*rows, encoding=encoding, delimiter=delimiter))
    assert len(plain.drafted) == 2
    assert other.drafted == plain.drafted


def test_a_quoted_line_break_stays_in_its_cell_and_rows_keep_a_spreadsheets_numbers(stores: FileBuilder) -> None:
    broken = "서울특별시 강동구 시험로 7\n(지하 1층)"
    read = read_sites(stores({"소재지도로명주소": broken}, {"점포명": "CU 다음점"}))
    assert (read.drafted[0].row, read.drafted[0].draft.road_address) == (2, broken)
    assert read.drafted[1].row == 3


def test_blank_lines_and_a_title_above_the_header_are_no_rows(stores: FileBuilder) -> None:
    data = "안심지킴이집 현황,,,,,,,,,,\r\n\r\n".encode() + stores({}, {"점포명": "CU 다음점"}) + b",,,,,,,,,,\r\n"
    read = read_sites(data)
    assert [each.row for each in read.drafted] == [4, 5]
    assert not read.refused


def test_a_workbook_reads_like_its_csv_and_numbers_keep_their_shape() -> None:
    header: list[object] = [
        "점포명",
        "자치구",
        "도로명주소",
        "위도",
        "경도",
        "전화번호",
        "지정일",
        "우편번호",
        "운영여부",
    ]
    row: list[object] = [
        "CU 시험점",
        "강동구",
        "서울특별시 강동구 시험로 7",
        37.5312,
        127.1301,
        "02-480-1357",
        datetime(2021, 5, 1),  # noqa: DTZ001 - Excel's dates have no zone
        5123.0,
        True,
    ]
    read = read_sites(workbook([["표지"]], [["현황"], header, row, [None, None]]))
    (only,) = read.drafted
    assert only.row == 3
    assert (only.draft.lat, only.draft.lon) == (37.5312, 127.1301)
    assert only.draft.designated_year == 2021
    assert only.draft.operating is True
    assert only.draft.postal_code == ""
    assert [found.value for found in read.findings if found.kind is FindingKind.POSTAL_CODE_UNREADABLE] == ["5123"]


def test_a_row_of_a_workbook_may_end_early() -> None:
    rows: list[list[object]] = [["name", "road_address", "tel"], ["CU 시험점", "서울특별시 강동구 시험로 7"]]
    assert len(read_sites(workbook(rows)).drafted) == 1


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", FileProblem.EMPTY),
        (b" \r\n\r\n ", FileProblem.EMPTY),
        (b",,\r\n,,", FileProblem.EMPTY),
        ("점포명,도로명주소\r\n".encode(), FileProblem.ONLY_HEADER),
        (b"%PDF-1.7\n%\xe2\xe3", FileProblem.PDF),
        (b"%PDF-1.7 all ascii", FileProblem.PDF),
        (zipped("list.csv"), FileProblem.ARCHIVE),
        (zipped("word/document.xml"), FileProblem.ARCHIVE),
        (b"\x1f\x8b\x08\x00\xff\x00", FileProblem.ARCHIVE),
        (zipped("xl/workbook.xml"), FileProblem.DAMAGED),
        (b"PK\x03\x04 cut off", FileProblem.DAMAGED),
        (b"\x89PNG\r\n\x1a\n\x00\x00", FileProblem.IMAGE),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", FileProblem.IMAGE),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", FileProblem.OLD_EXCEL),
        (b"\n<!DOCTYPE html><html>", FileProblem.WEB_PAGE),
        (b'{"error": "login"}', FileProblem.WEB_PAGE),
        (b"\x80\xff\xfe\x81 " * 40, FileProblem.ENCODING),
        (b"a" * (MAX_BYTES + 1), FileProblem.TOO_LARGE),
        (b"name,road_address\n" + b"a,b\n" * MAX_ROWS, FileProblem.TOO_MANY_ROWS),
        ('점포명,도로명주소\n"열린 따옴표,서울\nCU,서울\n'.encode(), FileProblem.OPEN_QUOTE),
        ("점포명,위도\nCU,37\n".encode(), FileProblem.COLUMN_MISSING),
        (b"foo,bar\n1,2\n", FileProblem.COLUMN_MISSING),
        ("점포명,점포명,도로명주소\nCU,CU,서울\n".encode(), FileProblem.COLUMN_TWICE),
        ("점포명,위도,도로명주소,lat\nCU,1,서울,2\n".encode(), FileProblem.COLUMN_TWICE),
    ],
)
def test_what_is_no_table_is_refused_by_name(data: bytes, problem: FileProblem) -> None:
    read = read_sites(data)
    assert read.refusal is not None
    assert read.refusal.problem is problem
    assert not read.drafted
    for language in ("en", "ko"):
        assert len(report_text(plan_sites([], read), language)) > 10


def test_a_missing_column_is_named_with_those_that_are_read() -> None:
    words = report_text(plan_sites([], read_sites("점포명,위도,경도\nCU,37,127\n".encode())))
    assert "road_address" in words
    assert "소재지도로명주소" in words
    assert "phone" in words


def test_each_kind_of_file_says_where_the_other_belongs(stores: FileBuilder, boxes: FileBuilder) -> None:
    desks_as_sites, sites_as_desks = read_sites(boxes({})).refusal, read_desks(stores({})).refusal
    assert desks_as_sites is not None
    assert desks_as_sites.problem is FileProblem.DESKS_NOT_SITES
    assert sites_as_desks is not None
    assert sites_as_desks.problem is FileProblem.SITES_NOT_DESKS
    assert "desks import" in report_text(plan_sites([], read_sites(boxes({}))))


def test_english_desk_columns_are_no_sites() -> None:
    refusal = read_sites(b"no,station,box_name,box_type,address_raw\n1,a,b,c,d\n").refusal
    assert refusal is not None
    assert refusal.problem is FileProblem.DESKS_NOT_SITES


def test_unquoted_commas_and_cut_rows_are_refused_not_guessed() -> None:
    lines = [
        "점포명,도로명주소,전화번호",
        "CU 좋은점,서울특별시 강동구 시험로 1,02-480-1357",
        "CU 밀린점,서울특별시 강동구 시험로 2, 1층,02-480-1358",
        "CU 잘린점,서울특별시 강동구 시",
        "점포명,도로명주소,전화번호",
        "CU 끝점,서울특별시 강동구 시험로 3,02-480-1359,,",
    ]
    read = read_sites("\n".join(lines).encode())
    assert [each.row for each in read.drafted] == [2, 6]
    assert [(each.row, each.finding.kind) for each in read.refused] == [
        (3, FindingKind.TOO_MANY_CELLS),
        (4, FindingKind.TOO_FEW_CELLS),
        (5, FindingKind.HEADER_REPEATED),
    ]


def test_a_workbook_that_unpacks_to_too_much_is_not_unpacked() -> None:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("xl/workbook.xml", "x")
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for _ in range(MAX_UNPACKED_BYTES // 1_048_576):
                sheet.write(bytes(1_048_576))
    assert len(data.getvalue()) < MAX_BYTES
    refusal = read_sites(data.getvalue()).refusal
    assert refusal is not None
    assert refusal.problem is FileProblem.TOO_LARGE


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_plain_ascii_in_utf16_without_a_mark(encoding: str) -> None:
    read = read_sites("name,road_address\nCU 1,Teheran-ro 1\n".encode(encoding))
    assert [each.draft.road_address for each in read.drafted] == ["Teheran-ro 1"]


def test_a_zero_byte_is_damage_of_its_row_only(stores: FileBuilder) -> None:
    read = read_sites(stores({"점포명": "CU \x00점"}, {"점포명": "CU 다음점"}))
    assert [each.finding.kind for each in read.refused] == [FindingKind.UNREADABLE_CHARACTERS]
    assert [each.row for each in read.drafted] == [3]


def test_a_row_with_bytes_of_no_encoding_is_refused_and_the_others_are_read(stores: FileBuilder) -> None:
    data = stores({"점포명": "CU 하나점"}, {"점포명": "CU 망가진점"}, {"점포명": "CU 셋점"}, encoding="cp949")
    at = data.index("CU 망가진점".encode("cp949"))
    read = read_sites(data[: at + 3] + b"\xff" + data[at + 4 :])
    assert [each.row for each in read.drafted] == [2, 4]
    assert [each.finding.kind for each in read.refused] == [FindingKind.UNREADABLE_CHARACTERS]


def test_an_endless_cell_is_refused(stores: FileBuilder) -> None:
    read = read_sites(stores({"소재지도로명주소": "서울특별시 강동구 " + "길" * 600}))
    assert [each.finding.kind for each in read.refused] == [FindingKind.TOO_LONG]
