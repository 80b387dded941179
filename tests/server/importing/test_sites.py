"""Every doubtful value has its finding, and what can be used is used."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from haven_server.importing import FindingKind, Import, Phone, Severity, SiteDraft, read_desks, read_sites

FileBuilder = Callable[..., bytes]
K = FindingKind


def kinds(read: Import[Any]) -> dict[int, set[FindingKind]]:
    found: dict[int, set[FindingKind]] = {}
    for each in read.findings:
        found.setdefault(each.row, set()).add(each.kind)
    return found


def only(read: Import[SiteDraft]) -> SiteDraft:
    (each,) = read.drafted
    return each.draft


def test_a_clean_row_is_imported_whole_and_without_a_finding(stores: FileBuilder) -> None:
    read = read_sites(stores({"상세주소": "1층 계산대", "비고": "뒷문 있음", "브랜드": "씨유", "우편번호": "05123"}))
    assert read.findings == ()
    assert only(read) == SiteDraft(
        kind="store",
        name="CU 시험점",
        road_address="서울특별시 강동구 시험대로 12, 1층",
        brand="씨유",
        detail="1층 계산대",
        lot_address="서울특별시 강동구 시험동 1-2",
        postal_code="05123",
        district="강동구",
        lat=37.5312,
        lon=127.1301,
        phones=(Phone("02-480-1357", "+8224801357"),),
        desk_name="강동경찰서",
        designated_year=2021,
        operating=True,
        notes="뒷문 있음",
    )


def test_a_file_in_english_with_no_more_than_it_must_have() -> None:
    read = read_sites("name,road_address\nGS25 시험,서울특별시 강동구 시험로 7\n".encode())
    assert only(read) == SiteDraft("store", "GS25 시험", "서울특별시 강동구 시험로 7", brand="GS25", district="강동구")
    assert kinds(read) == {2: {K.PHONE_MISSING, K.COORDINATES_MISSING}}


ADDRESS, PHONE = "소재지도로명주소", "여성안심지킴이집전화번호"


@pytest.mark.parametrize(
    ("row", "expected", "stated"),
    [
        ({PHONE: ""}, {K.PHONE_MISSING}, {"phones": ()}),
        ({PHONE: "02-000-0000"}, {K.PHONE_PLACEHOLDER}, {"phones": ()}),
        ({PHONE: "없음"}, {K.PHONE_PLACEHOLDER}, {"phones": ()}),
        ({PHONE: "0507-1389-785"}, {K.PHONE_TRUNCATED}, {"phones": (Phone("0507-1389-785", None),)}),
        ({PHONE: "전화 주세요"}, {K.PHONE_UNREADABLE}, {"phones": (Phone("전화 주세요", None),)}),
        ({PHONE: "24801357"}, {K.PHONE_ZERO_LOST}, {"phones": (Phone("24801357", "+8224801357"),)}),
        ({"시군구코드": "11250"}, {K.DISTRICT_CODE_OTHER_SYSTEM}, {"district": "강동구"}),
        ({"시군구코드": "11230"}, {K.DISTRICT_CODE_UNKNOWN}, {"district": "강동구"}),
        ({"시군구코드": "1174000000"}, set(), {"district": "강동구"}),
        ({"시군구명": "강돈구"}, {K.DISTRICT_UNKNOWN}, {"district": "강동구"}),
        ({"시군구명": "서울특별시 강동구"}, set(), {"district": "강동구"}),
        ({ADDRESS: "시험대로 12"}, {K.ADDRESS_WITHOUT_DISTRICT}, {"road_address": "시험대로 12", "district": "강동구"}),
        ({ADDRESS: "강동구 시험대로 12"}, set(), {"district": "강동구"}),
        (
            {ADDRESS: "서울특별시 송파구 시험대로 12"},
            {K.ADDRESS_OTHER_DISTRICT, K.DISTRICT_CODE_UNKNOWN},
            {"district": "송파구"},
        ),
        (
            {ADDRESS: "부산광역시 중구 시험대로 12", "위도": "35.1", "경도": "129.03"},
            {K.ADDRESS_OUTSIDE_SEOUL, K.ADDRESS_OTHER_DISTRICT},
            {"district": "부산 중구", "lat": 35.1},
        ),
        ({ADDRESS: "서울특별시 강동구 시험동(시험1동) 613-71"}, {K.LOT_ADDRESS_AS_ROAD}, {}),
        ({ADDRESS: ""}, {K.ROAD_ADDRESS_MISSING}, {"road_address": "서울특별시 강동구 시험동 1-2"}),
        (
            {ADDRESS: "서울특별시 강동구 시험대로1469"},
            {K.MISSING_GAP},
            {"road_address": "서울특별시 강동구 시험대로1469"},
        ),
        (
            {ADDRESS: "서울특별시  강동구 시험대로 1"},
            {K.DOUBLE_SPACES},
            {"road_address": "서울특별시  강동구 시험대로 1"},
        ),
        ({"점포명": "CU  시험점"}, {K.DOUBLE_SPACES}, {"name": "CU  시험점", "brand": "CU"}),
        ({"점포명": "세븐일레븐"}, {K.NAME_ONLY_BRAND}, {"name": "세븐일레븐"}),
        ({"위도": "", "경도": ""}, {K.COORDINATES_MISSING}, {"lat": None, "lon": None}),
        ({"위도": "0", "경도": "0"}, {K.COORDINATES_MISSING}, {"lat": None, "lon": None}),
        ({"위도": "127.1301", "경도": "37.5312"}, {K.COORDINATES_SWAPPED}, {"lat": 37.5312, "lon": 127.1301}),
        ({"위도": "35.1796", "경도": "129.0756"}, {K.COORDINATES_OUTSIDE}, {"lat": None, "lon": None}),
        ({"위도": "1952017", "경도": "956192"}, {K.COORDINATES_UNREADABLE}, {"lat": None, "lon": None}),
        ({"위도": "37° 31' 52.3\"", "경도": "127도 7분 48.4초"}, {K.COORDINATES_CONVERTED}, {"lat": 37.5311944}),
        ({"운영여부": "N"}, {K.CLOSED}, {"operating": False}),
        ({"운영여부": "폐업"}, {K.CLOSED}, {"operating": False}),
        ({"운영여부": "?"}, {K.OPERATING_UNREADABLE}, {"operating": None}),
        ({"지정연도": "21년쯤"}, {K.YEAR_UNREADABLE}, {"designated_year": None}),
        ({"지정연도": "2014-05-01"}, set(), {"designated_year": 2014}),
        ({"우편번호": "134-010"}, {K.POSTAL_CODE_UNREADABLE}, {"postal_code": ""}),
        ({"코드": "GD-0012"}, set(), {"code": "GD-0012"}),
        ({"종류": "가정"}, set(), {"kind": "home", "brand": ""}),
    ],
)
def test_a_doubtful_value_is_told_and_the_row_is_imported(
    stores: FileBuilder, row: Mapping[str, str], expected: set[FindingKind], stated: Mapping[str, object]
) -> None:
    read = read_sites(stores(row))
    draft = only(read)
    assert kinds(read).get(2, set()) == expected
    assert {name: getattr(draft, name) for name in stated} == stated


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"점포명": ""}, K.NAME_MISSING),
        ({ADDRESS: "", "소재지지번주소": ""}, K.ADDRESS_MISSING),
        ({"코드": "=1+1"}, K.CODE_UNREADABLE),
        ({"종류": "창고"}, K.SITE_KIND_UNKNOWN),
        ({"점포명": "CU \x1b[2J점"}, K.UNREADABLE_CHARACTERS),
    ],
)
def test_a_row_that_cannot_be_imported_says_why(
    stores: FileBuilder, row: Mapping[str, str], reason: FindingKind
) -> None:
    read = read_sites(stores({"종류": "점포", **row}, {"점포명": "CU 다음점", "종류": "점포"}))
    assert [(each.row, each.finding.kind) for each in read.refused] == [(2, reason)]
    assert [each.row for each in read.drafted] == [3]
    assert reason.severity is Severity.REFUSED


def test_an_office_number_of_many_stores_is_told_with_the_other_rows(stores: FileBuilder) -> None:
    read = read_sites(
        stores(*({"점포명": f"CU {at}호점", ADDRESS: f"서울특별시 강동구 시험로 {at}"} for at in range(1, 9)))
    )
    shared = [found for found in read.findings if found.kind is K.PHONE_SHARED]
    assert [found.row for found in shared] == list(range(2, 10))
    assert shared[0].detail == "3, 4, 5, 6, 7 (+2)"


def test_two_stores_of_one_building_are_both_imported_and_told(stores: FileBuilder) -> None:
    rows = (
        {"점포명": "CU 윗점", ADDRESS: "서울특별시 강동구 시험로 7(시험동,154호)", PHONE: "02-480-0001"},
        {"점포명": "GS25 아랫점", ADDRESS: "서울특별시 강동구 시험로7 1층", PHONE: "02-480-0002"},
        {"점포명": "CU 옆점", ADDRESS: "서울특별시 강동구 시험로 7-1", PHONE: "02-480-0003"},
    )
    read = read_sites(stores(*rows))
    assert len(read.drafted) == 3
    assert [(found.row, found.detail) for found in read.findings if found.kind is K.SAME_PLACE] == [(2, "3"), (3, "2")]


def test_one_point_for_three_addresses_is_no_point_of_any(stores: FileBuilder) -> None:
    def rows(count: int) -> bytes:
        return stores(
            *(
                {"점포명": f"CU {at}호점", ADDRESS: f"서울특별시 강동구 시험로 {at}", PHONE: f"02-480-000{at}"}
                for at in range(count)
            )
        )

    two, three = read_sites(rows(2)), read_sites(rows(3))
    assert [each.draft.lat for each in two.drafted] == [37.5312, 37.5312]
    assert [each.draft.lat for each in three.drafted] == [None, None, None]
    assert [found.kind for found in three.findings] == [K.COORDINATES_SHARED] * 3


def test_the_same_row_twice_is_imported_once(stores: FileBuilder) -> None:
    again = {ADDRESS: "서울특별시 강동구  시험대로12 , 1층", "점포명": "cu시험점"}
    read = read_sites(stores({}, again, {"점포명": "GS25 이웃"}))
    assert [each.row for each in read.drafted] == [2, 4]
    assert [(each.finding.kind, each.finding.detail) for each in read.refused] == [(K.DUPLICATE_ROW, "2")]


def test_a_code_names_one_row_only(stores: FileBuilder) -> None:
    read = read_sites(stores({"코드": "GD-1"}, {"코드": "gd-1", "점포명": "CU 다른점"}))
    assert [each.finding.kind for each in read.refused] == [K.CODE_TWICE]


def test_the_desk_a_row_names_is_checked_with_its_likely_match(stores: FileBuilder, boxes: FileBuilder) -> None:
    desks = [each.draft for each in read_desks(boxes({})).drafted]
    rows = [
        {"점포명": f"CU {name}", "관할경찰서명": name} for name in ("강동서", "시험지구대", "시험파출소", "머나먼서")
    ]
    read = read_sites(stores(*rows), desks)
    told = {found.row: (found.kind, found.detail) for found in read.findings if found.field == "desk"}
    assert told == {4: (K.DESK_AMBIGUOUS, "서울강동경찰서 시험지구대"), 5: (K.DESK_UNKNOWN, "")}
    assert [each.draft.desk_name for each in read.drafted] == ["강동서", "시험지구대", "시험파출소", "머나먼서"]
