import pytest
from pydantic import ValidationError

from haven_server.core import Core
from haven_server.desks.channels import put_channel
from haven_server.desks.naming import DeskKind
from haven_server.desks.operations import delete_desk, get_desk, list_desks, replace_desk, save_desk
from haven_server.problems import Conflict, NotFound
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor
from server.registry.builders import audited, box_of, station, store, webhook
from server.scenario import Dispatch

CITY = {"station": "부산광역시경찰청", "name": "112치안종합상황실", "kind": "situation_room"}


def test_a_desk_is_known_by_station_name_and_kind(core: Core, admin: Actor) -> None:
    first = save_desk(core, admin, box_of("신사", "서울강남경찰서"))
    other = save_desk(core, admin, box_of("신사지구대", "서울은평경찰서"))
    again = save_desk(core, admin, box_of("신사지구대", "서울강남경찰서", phone="02-555-0123"))
    center = save_desk(core, admin, box_of("신사", "서울강남경찰서", kind="safety_center"))
    assert first.id == again.id
    assert len({first.id, other.id, center.id}) == 3
    assert (again.title, center.title) == ("신사지구대", "신사치안센터")
    assert get_desk(core, admin, first.id).phone == "02-555-0123"
    assert audited(core)[0] == ("anna", "save desk", str(first.id))


def test_a_desk_of_another_ones_name_is_a_conflict_and_changes_nothing(core: Core, admin: Actor) -> None:
    first = save_desk(core, admin, station("서울강남경찰서"))
    second = save_desk(core, admin, station("서울수서경찰서"))
    with pytest.raises(Conflict, match=f"desk {first.id} has that"):
        replace_desk(core, admin, second.id, station("서울강남경찰서"))
    assert get_desk(core, admin, second.id).station == "서울수서경찰서"


def test_boxes_are_tied_to_their_station_whichever_comes_first(core: Core, admin: Actor) -> None:
    early = save_desk(core, admin, box_of("나래"))
    assert early.station_id is None
    own = save_desk(core, admin, station())
    late = save_desk(core, admin, box_of("다온", kind="police_box"))
    foreign = save_desk(core, admin, box_of("라온", "서울송파경찰서"))
    assert get_desk(core, admin, early.id).station_id == late.station_id == own.id
    assert foreign.station_id is None
    replace_desk(core, admin, own.id, station("서울송파경찰서"))
    assert get_desk(core, admin, early.id).station_id is None
    assert get_desk(core, admin, foreign.id).station_id == own.id


def test_a_district_is_taken_from_another_desk_only_on_purpose(core: Core, admin: Actor) -> None:
    gangnam = save_desk(core, admin, station("서울강남경찰서", districts=["강남구", "서초구"]))
    with pytest.raises(Conflict, match=r"서초구 \(서울강남경찰서\)"):
        save_desk(core, admin, station("서울서초경찰서", districts=["서초구"]))
    assert [desk.title for desk in list_desks(core, admin, text="서초").desks] == []
    seocho = save_desk(core, admin, station("서울서초경찰서", districts=["서초구", "서초구"], take_districts=True))
    assert seocho.districts == ["서초구"]
    assert get_desk(core, admin, gangnam.id).districts == ["강남구"]
    assert save_desk(core, admin, station("서울강남경찰서")).districts == [], "what is not given is taken away"


def test_the_citys_desk_can_be_changed_but_neither_deleted_nor_doubled(
    dispatch: Dispatch, core: Core, admin: Actor
) -> None:
    city = dispatch.city_desk()
    with pytest.raises(Conflict, match="city's desk"):
        delete_desk(core, admin, city)
    with pytest.raises(Conflict, match="one situation room"):
        save_desk(core, admin, station().model_copy(update={"kind": DeskKind.SITUATION_ROOM}))
    with pytest.raises(Conflict, match="one situation room"):
        replace_desk(core, admin, city, station())
    busan = replace_desk(core, admin, city, station().model_validate(CITY | {"phone": "112"}))
    assert (busan.is_city, busan.title, busan.phone) == (True, "112치안종합상황실", "112")
    assert dispatch.city_desk() == city


def test_only_a_desk_that_nothing_refers_to_can_be_deleted(core: Core, admin: Actor) -> None:
    own = save_desk(core, admin, station())
    box = save_desk(core, admin, box_of("나래"))
    put_site(core, admin, "A-1", store(desk=box.id))
    with pytest.raises(Conflict, match="a site refers"):
        delete_desk(core, admin, box.id)
    save_desk(core, admin, station(districts=["강동구"]))
    with pytest.raises(Conflict, match="a district refers"):
        delete_desk(core, admin, own.id)
    save_desk(core, admin, station())
    put_channel(core, admin, own.id, 1, webhook())
    with pytest.raises(Conflict, match="a channel refers"):
        delete_desk(core, admin, own.id)
    put_site(core, admin, "A-1", store())
    delete_desk(core, admin, box.id)
    with pytest.raises(NotFound):
        get_desk(core, admin, box.id)


def test_a_deleted_station_leaves_its_boxes(core: Core, admin: Actor) -> None:
    own = save_desk(core, admin, station())
    box = save_desk(core, admin, box_of("나래"))
    delete_desk(core, admin, own.id)
    assert get_desk(core, admin, box.id).station_id is None


def test_a_desk_with_an_incident_stays(dispatch: Dispatch, core: Core, admin: Actor) -> None:
    own = save_desk(core, admin, station(districts=["강동구"]))
    put_site(core, admin, "A-1", store())
    dispatch.box("box-1", "A-1").press()
    save_desk(core, admin, station())
    with pytest.raises(Conflict, match="an incident refers"):
        delete_desk(core, admin, own.id)


def test_a_list_is_filtered_searched_and_paged(core: Core, admin: Actor) -> None:
    own = save_desk(core, admin, station(districts=["강동구"]))
    box = save_desk(core, admin, box_of("나래", district="강동구"))
    other = save_desk(core, admin, station("서울송파경찰서", district="송파구"))

    def ids(**wanted: object) -> list[int]:
        return [desk.id for desk in list_desks(core, admin, **wanted).desks if not desk.is_city]  # type: ignore[arg-type]  # a test's table

    assert ids() == [own.id, box.id, other.id]
    assert ids(district="강동구") == [own.id, box.id]
    assert ids(kind=DeskKind.STATION) == [own.id, other.id]
    assert ids(text="송파") == [other.id]
    page = list_desks(core, admin, limit=2)
    assert page.next == own.id
    assert ids(after=page.next) == [box.id, other.id]


@pytest.mark.parametrize(
    "facts", [{"name": ""}, {"lat": 37.5}, {"kind": "kiosk"}, {"districts": [""]}, {"phone": "\n"}, {"extra": 1}]
)
def test_what_cannot_be_is_refused(facts: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        box_of("나래").model_validate(box_of("나래").model_dump() | facts)
