import pytest

from haven_server.core import Core
from haven_server.desks.file_import import DeskImport, import_desks
from haven_server.desks.forms import DeskView
from haven_server.desks.operations import list_desks, save_desk
from haven_server.problems import Forbidden, Invalid
from haven_server.staff.access import Actor, Role
from server.registry.builders import audited, box_of, desks_file, sites_file, station

NARAE = "1,서울청,서울강동,나래,지구대,서울특별시 강동구 나래로 9"
DAON = "2,서울청,서울강동,다온,파출소,서울특별시 강동구 다온로 2"
SONGPA = "3,서울청,서울송파,라온,지구대,서울특별시 송파구 라온로 4"


def take(core: Core, admin: Actor, *rows: str, dry_run: bool = False) -> DeskImport:
    return import_desks(core, admin, desks_file(*rows), dry_run=dry_run)


def counts(done: DeskImport) -> dict[str, int]:
    return {outcome: number for outcome, number in done.report().counts.items() if number}


def desks(core: Core, admin: Actor) -> dict[str, DeskView]:
    """All but the city's, by title."""
    return {desk.title: desk for desk in list_desks(core, admin).desks if not desk.is_city}


def test_boxes_and_their_stations_are_entered_and_a_second_run_changes_nothing(core: Core, admin: Actor) -> None:
    done = take(core, admin, NARAE, DAON, SONGPA)
    assert counts(done) == {"create": 5}
    seen = desks(core, admin)
    assert set(seen) == {"나래지구대", "다온파출소", "라온지구대", "서울강동경찰서", "서울송파경찰서"}
    narae = seen["나래지구대"]
    assert (narae.address, narae.district) == ("서울특별시 강동구 나래로 9", "강동구")
    assert narae.station_id == seen["다온파출소"].station_id == seen["서울강동경찰서"].id
    assert seen["라온지구대"].station_id == seen["서울송파경찰서"].id
    again = take(core, admin, SONGPA, DAON, NARAE)
    assert counts(again) == {"unchanged": 5}
    assert desks(core, admin) == seen


def test_a_district_without_a_desk_goes_to_its_station(core: Core, admin: Actor) -> None:
    done = take(core, admin, NARAE, SONGPA).report()
    assert done.jurisdictions_given == {"강동구": "서울강동경찰서", "송파구": "서울송파경찰서"}
    assert done.jurisdictions_kept == {}
    assert desks(core, admin)["서울강동경찰서"].districts == ["강동구"]
    again = take(core, admin, NARAE, SONGPA).report()
    assert again.jurisdictions_given == {}
    assert again.jurisdictions_kept == done.jurisdictions_given


def test_a_district_that_has_a_desk_keeps_it(core: Core, admin: Actor) -> None:
    save_desk(core, admin, station("서울수서경찰서", districts=["강동구"]))
    done = take(core, admin, NARAE).report()
    assert (done.jurisdictions_given, done.jurisdictions_kept) == ({}, {"강동구": "서울수서경찰서"})
    assert desks(core, admin)["서울강동경찰서"].districts == []
    assert counts(take(core, admin, NARAE)) == {"unchanged": 2}


@pytest.mark.parametrize("by_name", [True, False])
def test_of_two_stations_the_districts_namesake_or_the_one_with_more_boxes_answers(
    core: Core, admin: Actor, by_name: bool
) -> None:
    other = "서울강동" if by_name else "서울수서"
    rows = [
        "1,서울청,서울방배,가,지구대,서울특별시 강동구 나래로 1",
        "2,서울청,서울방배,나,지구대,서울특별시 강동구 나래로 2",
        f"3,서울청,{other},다,지구대,서울특별시 강동구 나래로 3",
    ]
    winner = "서울강동경찰서" if by_name else "서울방배경찰서"
    assert take(core, admin, *rows).report().jurisdictions_given == {"강동구": winner}


def test_a_newer_file_changes_only_what_it_states_otherwise(core: Core, admin: Actor) -> None:
    take(core, admin, NARAE, DAON)
    before = desks(core, admin)
    done = take(core, admin, NARAE.replace("나래로 9", "가람로 7"), DAON)
    assert counts(done) == {"change": 1, "unchanged": 2}
    after = desks(core, admin)
    assert after["나래지구대"].address == "서울특별시 강동구 가람로 7"
    assert after["다온파출소"] == before["다온파출소"]


def test_what_a_person_has_entered_is_no_difference(core: Core, admin: Actor) -> None:
    take(core, admin, NARAE)
    save_desk(core, admin, box_of("나래", address="서울특별시 강동구 나래로 9", district="강동구", phone="02-555-0120"))
    assert counts(take(core, admin, NARAE)) == {"unchanged": 2}
    assert desks(core, admin)["나래지구대"].phone == "02-555-0120"


def test_phones_and_coordinates_of_a_file_are_kept(core: Core, admin: Actor) -> None:
    file = (
        "station,box_name,box_type,address,lat,lon,phone\n"
        "서울강동경찰서,,경찰서,서울특별시 강동구 가람로 1,37.53,127.13,02-485-0112\n"
        "서울강동경찰서,나래,지구대,서울특별시 강동구 나래로 9,37.54,127.14,02-485-0113\n"
    ).encode()
    assert counts(import_desks(core, admin, file, dry_run=False)) == {"create": 2}
    seen = desks(core, admin)["서울강동경찰서"]
    assert (seen.lat, seen.lon, seen.phone, seen.district) == (37.53, 127.13, "02-485-0112", "강동구")
    assert counts(import_desks(core, admin, file, dry_run=False)) == {"unchanged": 2}
    assert counts(import_desks(core, admin, file.replace(b"0113", b"0114"), dry_run=False)) == {
        "change": 1,
        "unchanged": 1,
    }
    assert desks(core, admin)["나래지구대"].phone == "02-485-0114"


def test_a_dry_run_reports_the_same_and_touches_nothing(core: Core, admin: Actor) -> None:
    looked = take(core, admin, NARAE, DAON, dry_run=True).report()
    assert desks(core, admin) == {}
    assert audited(core) == []
    done = take(core, admin, NARAE, DAON).report()
    assert looked.model_copy(update={"dry_run": False}) == done


def test_a_file_of_sites_is_refused(core: Core, admin: Actor) -> None:
    row = "한빛마트 가람점,강동구,서울특별시 강동구 가람로 12,37.53,127.13,02-555-0111,"
    with pytest.raises(Invalid, match="sites import"):
        import_desks(core, admin, sites_file(row), dry_run=False)
    assert desks(core, admin) == {}


def test_only_an_administrator_imports_or_looks(core: Core) -> None:
    for role in set(Role) - {Role.ADMIN}:
        with pytest.raises(Forbidden):
            import_desks(core, Actor("x", role), desks_file(NARAE), dry_run=True)
