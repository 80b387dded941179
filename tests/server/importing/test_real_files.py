"""The public files as they were published. Each count was compared with the rows it counts, by eye."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from haven_server.importing import DeskDraft, Existing, Import, plan_desks, plan_sites, read_desks, read_sites

RealFile = Callable[[str], bytes]
SEOUL_STORES, EUNPYEONG = "safehouse_seoul_2021.csv", "eunpyeong_20250318_raw.csv"
NATIONAL_BOXES, SEOUL_BOXES = "police_box_national_20231231_raw.csv", "seoul_police_boxes_joined.csv"


def counts(read: Import[Any]) -> dict[str, int]:
    return dict(Counter(found.kind.value for found in read.findings))


@pytest.fixture(scope="module")
def seoul_desks(real_file: RealFile) -> list[DeskDraft]:
    return [each.draft for each in read_desks(real_file(SEOUL_BOXES)).drafted]


def test_the_seoul_list_of_2021(real_file: RealFile, seoul_desks: list[DeskDraft]) -> None:
    data = real_file(SEOUL_STORES)
    read = read_sites(data, seoul_desks)
    assert (len(read.drafted), len(read.refused), read.unused) == (505, 0, ())
    assert counts(read) == {
        "missing_gap": 62,
        "phone_shared": 31,
        "name_only_brand": 21,
        "coordinates_shared": 20,
        "double_spaces": 16,
        "same_place": 4,
        "lot_address_as_road": 2,
    }
    lines = data.decode().splitlines()
    for each in read.drafted:
        assert each.draft.road_address in lines[each.row - 1]
        assert all(phone.e164 for phone in each.draft.phones)
        assert each.draft.brand


def test_the_byte_exact_district_file(real_file: RealFile, seoul_desks: list[DeskDraft]) -> None:
    read = read_sites(real_file(EUNPYEONG), seoul_desks)
    assert (len(read.drafted), len(read.refused)) == (38, 0)
    assert counts(read) == {"phone_shared": 38}
    assert {(each.draft.district, each.draft.operating) for each in read.drafted} == {("은평구", True)}
    assert Counter(each.draft.designated_year for each in read.drafted) == {2014: 21, 2023: 17}


def test_the_police_boxes_of_the_country_in_cp949(real_file: RealFile) -> None:
    read = read_desks(real_file(NATIONAL_BOXES))
    assert read.encoding == "cp949"
    assert Counter(each.draft.type for each in read.drafted) == {"파출소": 1417, "지구대": 626, "경찰서": 259}
    assert len(read.refused) == 8
    assert counts(read) == {
        "double_spaces": 600,
        "station_without_row": 259,
        "missing_gap": 51,
        "address_without_district": 43,
        "lot_address_as_road": 14,
        "desk_type_unknown": 7,
        "desk_abolished": 1,
    }


def test_the_joined_police_boxes_of_seoul(real_file: RealFile) -> None:
    read = read_desks(real_file(SEOUL_BOXES))
    assert Counter(each.draft.type for each in read.drafted) == {"파출소": 144, "지구대": 99, "경찰서": 31}
    assert counts(read) == {
        "double_spaces": 175,
        "station_without_row": 31,
        "coordinates_missing": 23,
        "missing_gap": 10,
    }
    stations = [each.draft for each in read.drafted if each.draft.type == "경찰서"]
    assert len({district for each in stations for district in each.districts}) == 25


def test_the_joined_file_holds_the_same_desks_as_the_national_one(real_file: RealFile) -> None:
    national = [each.draft for each in read_desks(real_file(NATIONAL_BOXES)).drafted]
    existing = [Existing(str(at), draft) for at, draft in enumerate(national)]
    plan = plan_desks(existing, read_desks(real_file(SEOUL_BOXES)))
    assert (len(plan.create), len(plan.vanished)) == (0, 0)
    assert len(plan.change) + len(plan.unchanged) == 274


def test_four_years_later_in_one_district(real_file: RealFile) -> None:
    before = [Existing(str(each.row), each.draft) for each in read_sites(real_file(SEOUL_STORES)).drafted]
    plan = plan_sites(before, read_sites(real_file(EUNPYEONG)))
    assert (len(plan.create), len(plan.change), len(plan.vanished)) == (17, 21, 6)
    changed = Counter(each.field for change in plan.change for each in change.fields)
    assert (changed["name"], changed["road_address"]) == (2, 1)
    assert {record.draft.district for record in plan.vanished} == {"은평구"}


@pytest.mark.parametrize("name", [SEOUL_STORES, EUNPYEONG])
def test_a_second_import_of_the_same_stores_changes_nothing(real_file: RealFile, name: str) -> None:
    read = read_sites(real_file(name))
    existing = [Existing(str(each.row), each.draft) for each in read.drafted]
    plan = plan_sites(existing, read)
    assert (len(plan.unchanged), plan.create, plan.change, plan.vanished) == (len(existing), (), (), ())


@pytest.mark.parametrize("name", [NATIONAL_BOXES, SEOUL_BOXES])
def test_a_second_import_of_the_same_desks_changes_nothing(real_file: RealFile, name: str) -> None:
    read = read_desks(real_file(name))
    existing = [Existing(str(at), each.draft) for at, each in enumerate(read.drafted)]
    plan = plan_desks(existing, read)
    assert (len(plan.unchanged), plan.create, plan.change, plan.vanished) == (len(existing), (), (), ())
