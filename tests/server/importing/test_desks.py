"""Police desks: the file of boxes, the stations behind them, and the names people use."""

from collections.abc import Callable, Mapping

import pytest

from haven_server.importing import DeskDraft, FindingKind, desk_key, read_desks, resolve

FileBuilder = Callable[..., bytes]


def box(station: str, name: str, kind: str, district: str) -> dict[str, str]:
    return {"경찰서": station, "관서명": name, "구분": kind, "주소": f"서울특별시 {district} 시험로 1"}


@pytest.fixture(scope="module")
def desks(boxes: FileBuilder) -> list[DeskDraft]:
    data = boxes(
        box("서울강남", "압구정", "파출소", "강남구"),
        box("서울강남", "신사", "파출소", "강남구"),
        box("서울강동", "성내", "지구대", "강동구"),
        box("서울양천", "목4", "치안센터", "양천구"),
        box("서울양천", "목1", "지구대", "양천구"),
        box("서울서부", "신사", "지구대", "은평구"),
        box("서울관악", "신사", "지구대", "관악구"),
        box("서울강서", "화곡", "지구대", "강서구"),
        box("부산강서", "대저", "파출소", "강서구") | {"주소": "부산광역시 강서구 대저로 1"},
    )
    return [each.draft for each in read_desks(data).drafted]


def test_a_box_is_drafted_with_its_station_and_district(boxes: FileBuilder) -> None:
    read = read_desks(boxes({"위도": "37.53", "경도": "127.13", "전화번호": "02-480-1357"}, encoding="cp949"))
    drafted, station = (each.draft for each in read.drafted)
    assert (drafted.station, drafted.name, drafted.type, drafted.title) == (
        "서울강동경찰서",
        "시험",
        "지구대",
        "시험지구대",
    )
    assert (drafted.address, drafted.districts, drafted.lat) == ("서울특별시 강동구 시험로 34", ("강동구",), 37.53)
    assert [phone.e164 for phone in drafted.phones] == ["+8224801357"]
    assert (station.title, station.type, station.address) == ("서울강동경찰서", "경찰서", "")
    assert [(found.row, found.kind) for found in read.findings] == [(2, FindingKind.STATION_WITHOUT_ROW)]


def test_a_station_has_the_districts_of_its_boxes_whether_or_not_it_has_a_row(boxes: FileBuilder) -> None:
    mixed = (box("서울강서", "화곡", "지구대", "강서구"), box("서울강서", "곰달래", "지구대", "양천구"))
    own = {"경찰서": "서울강서", "관서명": "", "구분": "경찰서", "주소": "서울특별시 강서구 시험로 9"}
    derived = [each.draft for each in read_desks(boxes(*mixed)).drafted if each.draft.type == "경찰서"]
    listed = [each.draft for each in read_desks(boxes(own, *mixed)).drafted if each.draft.type == "경찰서"]
    assert [each.districts for each in derived] == [("강서구", "양천구")]
    assert [(each.districts, each.address) for each in listed] == [(("강서구", "양천구"), "서울특별시 강서구 시험로 9")]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"경찰서": ""}, FindingKind.STATION_MISSING),
        ({"관서명": ""}, FindingKind.NAME_MISSING),
        ({"구분": "기동순찰대"}, FindingKind.DESK_TYPE_UNKNOWN),
        ({"구분": "폐지"}, FindingKind.DESK_ABOLISHED),
        ({"관서명": "둘", "경찰서": "강동서"}, FindingKind.DUPLICATE_ROW),
    ],
)
def test_a_row_that_is_no_desk_says_why(boxes: FileBuilder, row: Mapping[str, str], reason: FindingKind) -> None:
    read = read_desks(boxes({"관서명": "둘"}, row))
    assert [(each.row, each.finding.kind) for each in read.refused] == [(3, reason)]
    assert [each.draft.title for each in read.drafted] == ["둘지구대", "서울강동경찰서"]


def test_doubtful_addresses_of_desks_are_told(boxes: FileBuilder) -> None:
    read = read_desks(
        boxes(
            {"관서명": "하나", "주소": ""},
            {"관서명": "둘", "주소": "시험동 12-3"},
            {"관서명": "셋", "주소": "서울특별시 강동구  시험로34"},
        )
    )
    told = {(found.row, found.kind) for found in read.findings}
    assert told == {
        (2, FindingKind.DESK_ADDRESS_MISSING),
        (2, FindingKind.STATION_WITHOUT_ROW),
        (3, FindingKind.ADDRESS_WITHOUT_DISTRICT),
        (3, FindingKind.LOT_ADDRESS_AS_ROAD),
        (4, FindingKind.DOUBLE_SPACES),
        (4, FindingKind.MISSING_GAP),
    }


def test_the_key_tells_two_boxes_of_one_name_apart(desks: list[DeskDraft]) -> None:
    assert len({desk_key(desk) for desk in desks}) == len(desks)
    assert len([desk for desk in desks if desk.title == "신사지구대"]) == 2


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("서울강남경찰서", ("서울강남경찰서", "서울강남경찰서")),
        ("강남경찰서", ("서울강남경찰서", "서울강남경찰서")),
        ("강남서", ("서울강남경찰서", "서울강남경찰서")),
        ("서울 강남 경찰서", ("서울강남경찰서", "서울강남경찰서")),
        ("서울강서", ("서울강서경찰서", "서울강서경찰서")),
        ("서울강서서", ("서울강서경찰서", "서울강서경찰서")),
        ("부산강서경찰서", ("부산강서경찰서", "부산강서경찰서")),
        ("성내지구대", ("서울강동경찰서", "성내지구대")),
        ("강동서 성내지구대", ("서울강동경찰서", "성내지구대")),
        ("서울강동경찰서(성내지구대)", ("서울강동경찰서", "성내지구대")),
        ("목4치안센터", ("서울양천경찰서", "목4치안센터")),
        ("목4동", ("서울양천경찰서", "목4치안센터")),
        ("신사파출소", ("서울강남경찰서", "신사파출소")),
        ("관악서 신사지구대", ("서울관악경찰서", "신사지구대")),
    ],
)
def test_names_as_people_write_them(desks: list[DeskDraft], name: str, found: tuple[str, str]) -> None:
    match = resolve(name, desks).match
    assert match is not None
    assert (match.station, match.title) == found


@pytest.mark.parametrize(
    ("name", "near", "titles"),
    [
        ("신사지구대", None, ["서울서부경찰서 신사지구대", "서울관악경찰서 신사지구대"]),
        ("강서경찰서", None, ["서울강서경찰서", "부산강서경찰서"]),
        ("성내파출소", None, ["서울강동경찰서 성내지구대"]),
        ("목2동", None, ["서울양천경찰서 목4치안센터", "서울양천경찰서 목1지구대"]),
        ("성네지구대", None, ["서울강동경찰서 성내지구대"]),
        ("서울양촌경찰서", None, ["서울양천경찰서"]),
        ("신사지구대", "강남구", ["서울서부경찰서 신사지구대", "서울관악경찰서 신사지구대"]),
        ("어디에도없는곳", None, []),
        ("", None, []),
    ],
)
def test_a_name_that_is_not_one_desk_gives_candidates(
    desks: list[DeskDraft], name: str, near: str | None, titles: list[str]
) -> None:
    resolution = resolve(name, desks, near)
    assert resolution.match is None
    found = [f"{desk.station} {desk.title}" if desk.name else desk.station for desk in resolution.candidates]
    assert found[: len(titles)] == titles
    assert bool(found) == bool(titles)


@pytest.mark.parametrize(("near", "station"), [("은평구", "서울서부경찰서"), ("관악구", "서울관악경찰서")])
def test_the_district_decides_between_two_boxes_of_one_name(desks: list[DeskDraft], near: str, station: str) -> None:
    match = resolve("신사지구대", desks, near).match
    assert match is not None
    assert match.station == station


def test_candidates_are_bounded(boxes: FileBuilder) -> None:
    many = read_desks(boxes(*(box(f"서울시험{at}", "중앙", "지구대", "중구") for at in range(9))))
    assert len(resolve("중앙지구대", [each.draft for each in many.drafted]).candidates) == 5
