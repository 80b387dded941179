"""What a second file would do to the records of the first."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from haven_server.importing import (
    DeskDraft,
    Existing,
    FindingKind,
    Phone,
    Plan,
    SiteDraft,
    plan_desks,
    plan_sites,
    read_desks,
    read_sites,
)

FileBuilder = Callable[..., bytes]
D = TypeVar("D", SiteDraft, DeskDraft)
ADDRESS = "소재지도로명주소"


def applied(plan: Plan[D], existing: list[Existing[D]]) -> list[Existing[D]]:
    """The records after a plan, as the applying side keeps them; nothing is closed."""
    changes: dict[str, dict[str, Any]] = {
        change.id: {each.field: each.after for each in change.fields} for change in plan.change
    }
    kept = [Existing(each.id, replace(each.draft, **changes.get(each.id, {}))) for each in existing]
    return kept + [Existing(f"{len(kept) + at}", new.draft) for at, new in enumerate(plan.create)]


def sites(data: bytes) -> list[Existing[SiteDraft]]:
    new = applied(plan_sites([], read_sites(data)), [])
    return [Existing(each.id, replace(each.draft, code=each.draft.code or f"S-{each.id}")) for each in new]


def store(at: int, **more: str) -> dict[str, str]:
    return {"점포명": f"CU {at}호점", ADDRESS: f"서울특별시 강동구 시험로 {at}", "위도": f"37.53{at}", **more}


def test_a_second_run_of_the_same_file_changes_nothing(stores: FileBuilder) -> None:
    data = stores(*(store(at) for at in range(20)), {"점포명": "CU 빈점", "지정연도": "", "위도": ""})
    plan = plan_sites(sites(data), read_sites(data))
    assert (len(plan.unchanged), plan.create, plan.change, plan.vanished) == (21, (), (), ())


def test_only_what_changed_is_changed_with_before_and_after(stores: FileBuilder) -> None:
    before = sites(stores(store(1), store(2)))
    phone = {"여성안심지킴이집전화번호": "02-480-9999"}
    plan = plan_sites(before, read_sites(stores(store(1), store(2, **phone))))
    (change,) = plan.change
    assert (change.row, change.id, len(plan.unchanged)) == (3, "1", 1)
    (only,) = change.fields
    assert only.field == "phones"
    assert only.before == (Phone("02-480-1357", "+8224801357"),)
    assert only.after == (Phone("02-480-9999", "+8224809999"),)


def test_a_column_that_is_missing_and_a_cell_that_is_empty_erase_nothing(stores: FileBuilder) -> None:
    before = sites(stores(store(1)))
    bare = read_sites(stores(store(1), without=("위도", "경도", "관할경찰서명", "지정연도", "운영여부")))
    empty = read_sites(stores(store(1, 여성안심지킴이집전화번호="", 위도="", 지정연도="", 소재지지번주소="")))
    assert [len(plan_sites(before, read).unchanged) for read in (bare, empty)] == [1, 1]


def test_a_brand_that_a_person_entered_stays_until_the_store_is_renamed(stores: FileBuilder) -> None:
    (first,) = sites(stores(store(1)))
    before = [Existing(first.id, replace(first.draft, brand="CU 직영"))]
    assert plan_sites(before, read_sites(stores(store(1)))).change == ()
    (renamed,) = plan_sites(before, read_sites(stores(store(1, 점포명="GS25 시험")))).change
    assert {each.field: each.after for each in renamed.fields} == {"name": "GS25 시험", "brand": "GS25"}


def test_a_renamed_store_at_its_address_stays_the_same_site(stores: FileBuilder) -> None:
    before = sites(stores(store(1), store(2)))
    plan = plan_sites(before, read_sites(stores(store(1, 점포명="GS25 새이름"), store(2))))
    assert [change.id for change in plan.change] == ["0"]
    assert (plan.create, plan.vanished) == ((), ())


def test_an_address_written_more_fully_is_a_change_of_the_same_site(stores: FileBuilder) -> None:
    before = sites(stores(store(1)))
    fuller = "서울특별시 강동구 시험로 1, 새빌딩 1층"
    (change,) = plan_sites(before, read_sites(stores(store(1, **{ADDRESS: fuller})))).change
    assert [(each.field, each.after) for each in change.fields] == [("road_address", fuller)]


def test_two_stores_of_one_address_keep_apart_when_both_names_are_known(stores: FileBuilder) -> None:
    here = "서울특별시 강동구 시험로 7"
    data = stores(store(1, **{ADDRESS: here}), store(2, **{ADDRESS: here}))
    swapped = stores(store(2, **{ADDRESS: here}), store(1, **{ADDRESS: here}))
    plan = plan_sites(sites(data), read_sites(swapped))
    assert [(each.row, each.id) for each in plan.unchanged] == [(2, "1"), (3, "0")]


def test_two_renamed_stores_of_one_address_are_not_guessed(stores: FileBuilder) -> None:
    here = "서울특별시 강동구 시험로 7"
    before = sites(stores(store(1, **{ADDRESS: here}), store(2, **{ADDRESS: here})))
    names = ({"점포명": "GS25 가", ADDRESS: here}, {"점포명": "GS25 나", ADDRESS: here})
    plan = plan_sites(before, read_sites(stores(*names)))
    assert (len(plan.create), len(plan.change), len(plan.vanished)) == (2, 0, 2)


def test_one_of_two_renamed_stores_is_known_once_the_other_is(stores: FileBuilder) -> None:
    here = "서울특별시 강동구 시험로 7"
    before = sites(stores(store(1, **{ADDRESS: here}), store(2, **{ADDRESS: here})))
    plan = plan_sites(before, read_sites(stores(store(1, **{ADDRESS: here}), {"점포명": "GS25 나", ADDRESS: here})))
    assert [change.id for change in plan.change] == ["1"]


def test_a_store_of_the_same_name_elsewhere_is_new_with_a_hint(stores: FileBuilder) -> None:
    before = sites(stores(store(1), store(2)))
    plan = plan_sites(before, read_sites(stores(store(1), store(2, **{ADDRESS: "서울특별시 강동구 먼길 99"}))))
    assert [new.row for new in plan.create] == [3]
    assert [record.id for record in plan.vanished] == ["1"]
    hints = [found for found in plan.findings if found.kind is FindingKind.POSSIBLY_MOVED]
    assert [(found.row, found.detail) for found in hints] == [(3, "S-1")]


def test_another_name_on_another_floor_is_new_with_a_hint(stores: FileBuilder) -> None:
    before = sites(stores(store(1), store(2)))
    other = {"점포명": "GS25 새점", ADDRESS: "서울특별시 강동구 시험로 2, 5층"}
    plan = plan_sites(before, read_sites(stores(store(1), other)))
    assert ([new.row for new in plan.create], len(plan.change), len(plan.vanished)) == ([3], 0, 1)
    assert (3, FindingKind.POSSIBLY_RENAMED, "S-1") in [(each.row, each.kind, each.detail) for each in plan.findings]


def test_a_shop_below_ground_is_not_the_house_of_that_number(stores: FileBuilder) -> None:
    before = sites(stores(store(1)))
    plan = plan_sites(before, read_sites(stores(store(1, **{ADDRESS: "서울특별시 강동구 시험로 지하1"}))))
    assert (len(plan.create), plan.change) == (1, ())


def test_a_floor_that_a_person_entered_is_kept_and_its_store_known(stores: FileBuilder) -> None:
    here = store(1, 점포명="CU")
    (first,) = sites(stores(here))
    before = [Existing(first.id, replace(first.draft, detail="지하 1층"))]
    plan = plan_sites(before, read_sites(stores(here)))
    assert [each.id for each in plan.unchanged] == ["0"]


def test_two_doors_of_one_house_are_never_taken_for_one_home(stores: FileBuilder) -> None:
    def home(door: str) -> bytes:
        return stores(store(1, 점포명="안심가정", 종류="가정", 상세주소=door))

    plan = plan_sites(sites(home("101동 502호")), read_sites(home("101동 503호")))
    assert (len(plan.create), plan.change, len(plan.vanished)) == (1, (), 1)


def test_with_its_code_a_store_may_move(stores: FileBuilder) -> None:
    before = sites(stores(store(1), store(2)))
    moved = store(2, 코드="s-1", **{ADDRESS: "서울특별시 강동구 먼길 99"})
    plan = plan_sites(before, read_sites(stores(store(1), moved)))
    (change,) = plan.change
    assert [(each.field, each.after) for each in change.fields] == [("road_address", "서울특별시 강동구 먼길 99")]
    assert (plan.create, plan.vanished) == ((), ())


def test_a_vanished_store_is_proposed_only_where_the_file_speaks_of_its_district(stores: FileBuilder) -> None:
    songpa = store(3, 시군구명="송파구", 시군구코드="11710", **{ADDRESS: "서울특별시 송파구 시험로 3"})
    before = sites(stores(store(1), store(2), songpa, store(4, 운영여부="N")))
    plan = plan_sites(before, read_sites(stores(store(1))))
    assert [record.draft.name for record in plan.vanished] == ["CU 2호점"]


def test_a_refused_row_still_shows_that_its_store_is_there(stores: FileBuilder) -> None:
    before = sites(stores(store(1), store(2)))
    plan = plan_sites(before, read_sites(stores(store(1), store(2, 점포명=""))))
    assert len(plan.refused) == 1
    assert plan.vanished == ()


def test_a_code_that_belongs_to_a_home_is_refused_in_a_file_of_stores(stores: FileBuilder) -> None:
    home = sites(stores(store(1, 종류="가정", 코드="H-1")))
    plan = plan_sites(home, read_sites(stores(store(1, 코드="H-1"))))
    assert [each.finding.kind for each in plan.refused] == [FindingKind.CODE_OF_ANOTHER_KIND]
    assert (plan.create, plan.change, plan.vanished) == ((), (), ())


def test_homes_and_stores_at_one_address_are_never_taken_for_each_other(stores: FileBuilder) -> None:
    home = sites(stores(store(1, 종류="가정")))
    plan = plan_sites(home, read_sites(stores(store(1))))
    assert (len(plan.create), plan.change, plan.vanished) == (1, (), ())


def test_a_new_code_at_a_known_place_is_told(stores: FileBuilder) -> None:
    plan = plan_sites(sites(stores(store(1))), read_sites(stores(store(1, 코드="X-9"))))
    told = [(found.kind, found.detail) for found in plan.findings if found.row == 2]
    assert (FindingKind.CODE_NEW_AT_KNOWN_PLACE, "S-0") in told


def test_a_file_with_lot_addresses_only_leaves_the_road_name_address(stores: FileBuilder) -> None:
    before = sites(stores(store(1, 코드="S-1")))
    plan = plan_sites(before, read_sites(stores(store(1, 코드="S-1"), without=(ADDRESS,))))
    assert [each.id for each in plan.unchanged] == ["0"]


def test_a_point_that_was_rounded_by_a_database_is_the_same_point(stores: FileBuilder) -> None:
    (first,) = sites(stores(store(1)))
    rounded = Existing(first.id, replace(first.draft, lat=(first.draft.lat or 0) + 4e-8))
    assert plan_sites([rounded], read_sites(stores(store(1)))).change == ()


def desks(data: bytes) -> list[Existing[DeskDraft]]:
    return applied(plan_desks([], read_desks(data)), [])


def test_a_second_run_of_desks_changes_nothing(boxes: FileBuilder) -> None:
    data = boxes(*({"관서명": f"시험{at}"} for at in range(5)), {"경찰서": "서울관악", "관서명": "신사"})
    plan = plan_desks(desks(data), read_desks(data))
    assert (len(plan.unchanged), plan.create, plan.change, plan.vanished) == (8, (), (), ())


def test_a_desk_moves_and_its_station_keeps_every_district_it_had(boxes: FileBuilder) -> None:
    before = desks(boxes({}))
    plan = plan_desks(before, read_desks(boxes({"주소": "서울특별시 송파구 시험로 5"})))
    changed = {change.before.title: {each.field: each.after for each in change.fields} for change in plan.change}
    assert changed == {
        "시험지구대": {"address": "서울특별시 송파구 시험로 5", "districts": ("송파구",)},
        "서울강동경찰서": {"districts": ("강동구", "송파구")},
    }


def test_a_station_written_without_the_city_is_the_same(boxes: FileBuilder) -> None:
    plan = plan_desks(desks(boxes({})), read_desks(boxes({"경찰서": "강동경찰서"})))
    assert (len(plan.unchanged), plan.create, plan.change) == (2, (), ())


def test_a_box_that_vanished_is_proposed_and_one_in_a_refused_row_is_not(boxes: FileBuilder) -> None:
    far = {"시도청": "부산청", "경찰서": "부산중부", "주소": "부산광역시 중구 시험로 1"}
    before = desks(boxes({}, {"관서명": "남은"}, {"관서명": "없는"}, far))
    plan = plan_desks(before, read_desks(boxes({"관서명": "남은"}, {"구분": "기동순찰대"})))
    assert [record.draft.title for record in plan.vanished] == ["없는지구대"]
