import pytest
from pydantic import ValidationError

from haven_server.core import Core
from haven_server.desks.forms import DeskKey
from haven_server.desks.naming import DeskKind
from haven_server.desks.operations import save_desk
from haven_server.problems import Conflict, Invalid, NotFound
from haven_server.sites.operations import close_site, get_site, list_sites, put_site
from haven_server.sites.record import SiteKind
from haven_server.staff.access import Actor
from server.registry.builders import audited, box_of, home, station, store
from server.scenario import Dispatch


def test_a_site_is_created_read_and_replaced_as_a_whole(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store(notes="뒷문 있음\n열쇠는 옆 가게", designated_year=2021, reporting_s=20))
    created_at = dispatch.clock.now()
    dispatch.clock.forward(60)
    seen = get_site(core, admin, "A-1")
    assert (seen.version, seen.name, seen.notes) == (1, "한빛마트 가람점", "뒷문 있음\n열쇠는 옆 가게")
    assert (seen.lat, seen.lon, seen.phones, seen.reporting_s) == (37.53, 127.13, ["02-555-0111"], 20)
    assert not seen.masked

    put_site(core, admin, "A-1", store(name="한빛마트 새점", phones=[], lat=None, lon=None, version=1))
    seen = get_site(core, admin, "A-1")
    assert (seen.version, seen.name, seen.phones, seen.lat, seen.notes) == (2, "한빛마트 새점", [], None, None)
    assert seen.reporting_s == 90
    assert (seen.created_at, seen.updated_at) == (created_at, dispatch.clock.now())
    assert audited(core) == [("anna", "create site", "A-1"), ("anna", "change site", "A-1")]


def test_who_saw_an_older_version_does_not_overwrite_a_newer_one(core: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())
    put_site(core, admin, "A-1", store(name="한빛마트 나래점", version=1))
    with pytest.raises(Conflict, match="version 2, not 1") as refused:
        put_site(core, admin, "A-1", store(name="한빛마트 다온점", version=1))
    assert refused.value.facts == {"version": 2}
    with pytest.raises(Conflict, match="not 1"):
        close_site(core, admin, "A-1", version=1)
    with pytest.raises(Conflict, match="no site B-1 yet"):
        put_site(core, admin, "B-1", store(version=1))
    assert get_site(core, admin, "A-1").name == "한빛마트 나래점"
    assert len(audited(core)) == 2


def test_two_codes_never_differ_in_case_alone_and_a_site_is_found_by_either(core: Core, admin: Actor) -> None:
    put_site(core, admin, "gs-가1", store())
    with pytest.raises(Conflict, match="case"):
        put_site(core, admin, "GS-가1", store())
    assert get_site(core, admin, "GS-가1").code == "gs-가1"


def test_a_store_never_becomes_a_home_nor_the_reverse(core: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())
    put_site(core, admin, "H-1", home())
    with pytest.raises(Conflict, match="is a store"):
        put_site(core, admin, "A-1", home())
    with pytest.raises(Conflict, match="is a home"):
        put_site(core, admin, "H-1", store())


def test_a_closed_site_stays_and_can_be_opened_again(core: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())
    assert not close_site(core, admin, "A-1").operating
    assert close_site(core, admin, "A-1").version == 2, "closing a closed one changes nothing"
    assert put_site(core, admin, "A-1", store(operating=True)).operating
    assert [action for _, action, _ in audited(core)] == ["create site", "close site", "change site"]
    with pytest.raises(NotFound, match="no site Z-9"):
        close_site(core, admin, "Z-9")


def test_the_desk_in_charge_is_the_own_one_then_the_districts_then_the_citys(core: Core, admin: Actor) -> None:
    save_desk(core, admin, station(districts=["강동구"]))
    box = save_desk(core, admin, box_of("나래"))
    by_district = put_site(core, admin, "A-1", store())
    by_id = put_site(core, admin, "A-2", store(desk=box.id))
    key = DeskKey(station="서울강동경찰서", name="나래지구대", kind=DeskKind.PRECINCT)
    by_key = put_site(core, admin, "A-3", store(desk=key))
    elsewhere = put_site(core, admin, "A-4", store(district="은평구"))
    nowhere = put_site(core, admin, "A-5", store(district=None))
    assert by_district.desk is None
    assert by_district.desk_in_charge.title == "서울강동경찰서"
    assert by_id.desk == by_id.desk_in_charge == by_key.desk
    assert by_id.desk_in_charge.title == "나래지구대"
    assert elsewhere.desk_in_charge.title == nowhere.desk_in_charge.title == "112치안종합상황실"


@pytest.mark.parametrize(
    "desk", [99, DeskKey(station="서울강동경찰서", name="없는곳", kind=DeskKind.POLICE_BOX)], ids=["id", "key"]
)
def test_a_desk_that_does_not_exist_is_refused(core: Core, admin: Actor, desk: int | DeskKey) -> None:
    with pytest.raises(Invalid, match="no desk"):
        put_site(core, admin, "A-1", store(desk=desk))
    assert list_sites(core, admin).sites == []


def test_a_list_is_filtered_searched_and_paged(core: Core, admin: Actor) -> None:
    put_site(core, admin, "A-1", store())
    put_site(core, admin, "A-2", store(name="별빛편의점 100%", district="은평구", operating=False))
    put_site(core, admin, "A-3", store(road_address="서울특별시 강동구 별빛로 1"))
    put_site(core, admin, "H-1", home(name="별빛"))

    def codes(**wanted: object) -> list[str]:
        return [site.code for site in list_sites(core, admin, **wanted).sites]  # type: ignore[arg-type]  # a test's table

    assert codes() == ["A-1", "A-2", "A-3", "H-1"]
    assert codes(district="강동구") == ["A-1", "A-3", "H-1"]
    assert codes(kind=SiteKind.HOME) == ["H-1"]
    assert codes(operating=False) == ["A-2"]
    assert codes(text="별빛") == ["A-2", "A-3"], "by name and address, of a home never"
    assert codes(text="h-") == ["H-1"]
    assert codes(text="%") == ["A-2"], "a wildcard of the database is an ordinary character"
    first = list_sites(core, admin, limit=3)
    assert ([site.code for site in first.sites], first.next) == (["A-1", "A-2", "A-3"], "A-3")
    rest = list_sites(core, admin, limit=3, after=first.next or "")
    assert ([site.code for site in rest.sites], rest.next) == (["H-1"], None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("lat", 91),
        ("lon", -180.5),
        ("lat", float("nan")),
        ("lat", None),
        ("phones", [" "]),
        ("phones", ["02-555-0111"] * 21),
        ("name", ""),
        ("name", "두\n줄"),
        ("road_address", "보이지 않는\u200b글자"),
        ("road_address", "\x00"),
        ("notes", "\x07"),
        ("notes", "가" * 4001),
        ("reporting_s", 19),
        ("reporting_s", 25 * 3600 + 1),
        ("kind", "office"),
        ("designated_year", 20211),
        ("desk", 0),
        ("adress", "misspelt"),
    ],
)
def test_what_cannot_be_true_or_stored_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        store(**{field: value})


@pytest.mark.parametrize("reporting_s", [20, 25 * 3600])
def test_reporting_times_from_20_seconds_to_25_hours_are_kept(core: Core, admin: Actor, reporting_s: int) -> None:
    assert put_site(core, admin, "A-1", store(reporting_s=reporting_s)).reporting_s == reporting_s
