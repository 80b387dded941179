"""Single values: telephone numbers, coordinates, addresses."""

import pytest

from haven_server.importing.addresses import comparable, parse_address
from haven_server.importing.coordinates import read_coordinates
from haven_server.importing.findings import FindingKind
from haven_server.importing.phones import read_phones
from haven_server.importing.seoul import DISTRICT_CODES


@pytest.mark.parametrize(
    ("cell", "e164", "doubts"),
    [
        ("02-485-7637", ["+8224857637"], []),
        ("02)485.7637", ["+8224857637"], []),
        ("02 485 7637", ["+8224857637"], []),
        ("+82-2-485-7637", ["+8224857637"], []),
        ("+82-02-485-7637", ["+8224857637"], []),
        ("070-7559-9279", ["+827075599279"], []),
        ("010-1234-5678 / 02-485-7637", ["+821012345678", "+8224857637"], []),
        ("02-485-7637 010-1234-5678", ["+8224857637", "+821012345678"], []),
        ("0507-1389-7853", ["+8250713897853"], []),
        ("1577-9621", ["+8215779621"], []),
        ("080-855-5525", ["+82808555525"], []),
        ("1012345678", ["+821012345678"], [FindingKind.PHONE_ZERO_LOST]),
        ("0507-1389-785", [None], [FindingKind.PHONE_TRUNCATED]),
        ("010-2222-333", [None], [FindingKind.PHONE_TRUNCATED]),
        ("02-485-763", [None], [FindingKind.PHONE_TRUNCATED]),
        ("485", [None], [FindingKind.PHONE_UNREADABLE]),
        ("02-485-76377777", [None], [FindingKind.PHONE_UNREADABLE]),
        ("010-0000-0000", [], [FindingKind.PHONE_PLACEHOLDER]),
        ("000-0000-0000", [], [FindingKind.PHONE_PLACEHOLDER]),
        ("-", [], [FindingKind.PHONE_PLACEHOLDER]),
        ("", [], [FindingKind.PHONE_MISSING]),
    ],
)
def test_phones(cell: str, e164: list[str | None], doubts: list[FindingKind]) -> None:
    phones, found = read_phones(cell)
    assert [phone.e164 for phone in phones] == e164
    assert [kind for kind, _ in found] == doubts
    assert all(phone.registered in cell for phone in phones)


@pytest.mark.parametrize(
    ("lat", "lon", "point"),
    [
        ("37.5312", "127.1301", (37.5312, 127.1301)),
        ("37,5312", "127,1301", (37.5312, 127.1301)),
        ("37°31'52.32\"N", "127°07'48.36\"E", (37.5312, 127.1301)),
        ("37\u00b0 31\u2032 52.32\u2033", "127\u00b0 7\u2032 48.36\u2033", (37.5312, 127.1301)),
        ("37-31-52.32", "127:07:48.36", (37.5312, 127.1301)),
        ("37 31 52.32", "127 7 48.36", (37.5312, 127.1301)),
        ("37-61-52", "127-07-48", None),
        ("37.5.3", "127.1", None),
        ("nan", "inf", None),
        ("-37.5312", "127.1301", None),
    ],
)
def test_coordinates(lat: str, lon: str, point: tuple[float, float] | None) -> None:
    read = read_coordinates(lat, lon, in_seoul=True)
    assert [read.lat, read.lon] == ([None, None] if point is None else pytest.approx(list(point)))


@pytest.mark.parametrize(
    ("text", "district", "place"),
    [
        ("서울특별시 관악구 신림동 남부순환로153길 35", "관악구", "남부순환로153길35"),
        ("서울 중구  동호로 5길 15, 약수지구대", "중구", "동호로5길15"),
        ("서울시 종로구 사직로9가길 6 1층(임시파출소)", "종로구", "사직로9가길6"),
        ("서울특별시강동구 천호대로1469", "강동구", "천호대로1469"),
        ("서울특별시 은평구 진관3로 15-35", "은평구", "진관3로15-35"),
        ("서울특별시 양천구 중앙로 지하 12", "양천구", "중앙로지하12"),
        ("서울특별시 중구 을지로3가 12-3", "중구", "을지로3가12-3"),
        ("서울특별시 성동구 행당동 35", "성동구", "행당동35"),
        ("부산광역시 강서구 대저로 284", "부산 강서구", "대저로284"),
        ("김포시 운양동 1421-1", None, "운양동1421-1"),
        ("경기 수원시 권선구 정조로 370", "경기 수원시", "정조로370"),
        ("", None, ""),
    ],
)
def test_addresses_are_taken_apart(text: str, district: str | None, place: str) -> None:
    address = parse_address(text)
    assert (address.district, address.place) == (district, place)


def test_numbers_that_differ_never_compare_as_one() -> None:
    texts = ["시험로 20-1", "시험로 201", "시험로 2, 01호", "시험로 20, 1호", "시험로 20 1"]
    assert len({comparable(text) for text in texts}) == len(texts)
    assert comparable("시험로 20") == comparable("시험로20")


def test_district_codes_share_numbers_between_the_two_systems() -> None:
    assert DISTRICT_CODES["동대문구"][0] == DISTRICT_CODES["강남구"][1] == "11230"
    assert len({standard for standard, _ in DISTRICT_CODES.values()}) == 25
    assert len({statistics for _, statistics in DISTRICT_CODES.values()}) == 25
