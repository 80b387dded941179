"""Random damage: always a report, never an exception, never an address that is not in the row.

`HAVEN_IMPORT_MUTATIONS=20000` runs as many examples as the promise names; the quick suite runs 2,000.
"""

import csv
import io
import json
import os
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from haven_server.importing import (
    DeskDraft,
    Existing,
    Import,
    Plan,
    SiteDraft,
    plan_desks,
    plan_sites,
    read_desks,
    read_sites,
    report_data,
    report_text,
    resolve,
)

FileBuilder = Callable[..., bytes]
EXAMPLES = int(os.environ.get("HAVEN_IMPORT_MUTATIONS", "2000"))
mutations = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow], database=None
)

ODD = [
    *("", " ", "-", "0", "Y", "없음", "02-000-0000", "0507-1389-785", "24801357", "+82-2-480-1357", "127.13", "37.53"),
    *(
        "37°31'52\"",
        "1e309",
        "nan",
        "-1",
        "99999999999999999999",
        "서울특별시",
        "서울특별시 중구",
        "부산 중구 로 1",
        "길1",
    ),
    *(
        "신림동 1-2",
        "서울특별시강동구 천호대로1469",
        "가정",
        "점포",
        "CU",
        "\u00a0",
        "\u3000가\u3000",
        "\ufffd",
        "\x00",
        "\x1b[2J",
    ),
    *(
        "\u202e거꾸로",
        "Ⅻ",
        "²",
        "٣٧",
        "=1+1",
        "{value}",
        "점포명",
        "신사지구대",
        "강남서",
        "11230",
        "가" * 501,
        '"',
        "a,b",
        "a\nb",
    ),
]
cells = st.one_of(st.sampled_from(ODD), st.text(max_size=30))
SITE_COLUMNS = [
    *(
        "점포명",
        "시군구명",
        "시군구코드",
        "소재지도로명주소",
        "소재지지번주소",
        "위도",
        "경도",
        "여성안심지킴이집전화번호",
    ),
    *("관할경찰서명", "지정연도", "운영여부", "코드", "종류", "상세주소", "우편번호", "비고"),
]
DESK_COLUMNS = ["연번", "시도청", "경찰서", "관서명", "구분", "주소", "위도", "경도", "전화번호"]


def damaged_rows(columns: list[str]) -> st.SearchStrategy[list[dict[str, str]]]:
    row = st.dictionaries(st.sampled_from(columns), cells, max_size=4)
    return st.lists(row, min_size=1, max_size=4)


@pytest.fixture(scope="module")
def desks(boxes: FileBuilder) -> list[DeskDraft]:
    far = {"경찰서": "서울관악", "관서명": "신사", "주소": "서울특별시 관악구 시험로 2"}
    return [each.draft for each in read_desks(boxes({"관서명": "신사"}, far)).drafted]


def rows_of(data: bytes) -> dict[int, list[str]]:
    reader = csv.reader(io.StringIO(data.decode(), newline=""))
    return {number: [cell.strip() for cell in row] for number, row in enumerate(reader, start=1)}


def check_report(plan: Plan[SiteDraft] | Plan[DeskDraft]) -> None:
    assert json.dumps(report_data(plan), allow_nan=False)
    for text in (report_text(plan, "en"), report_text(plan, "ko")):
        assert all(char.isprintable() or char == "\n" for char in text)


def check_sites(read: Import[SiteDraft], rows: dict[int, list[str]]) -> None:
    filled = {number for number, row in rows.items() if number > 1 and any(row)}
    assert {each.row for each in read.drafted} | {each.row for each in read.refused} == filled
    assert not {each.row for each in read.drafted} & {each.row for each in read.refused}
    for each in read.drafted:
        assert each.draft.road_address
        assert each.draft.name in rows[each.row]
        assert each.draft.road_address in rows[each.row]
        assert not each.draft.lot_address or each.draft.lot_address in rows[each.row]
        assert (each.draft.lat is None) == (each.draft.lon is None)
        for phone in each.draft.phones:
            assert any(phone.registered in cell for cell in rows[each.row])


@mutations
@given(changes=damaged_rows(SITE_COLUMNS))
def test_damaged_cells_of_sites(stores: FileBuilder, desks: list[DeskDraft], changes: list[dict[str, str]]) -> None:
    data = stores(*[change | {"점포명": change.get("점포명", f"CU {at}호점")} for at, change in enumerate(changes)])
    read = read_sites(data, desks)
    assert read.refusal is None
    check_sites(read, rows_of(data))
    plan = plan_sites([], read)
    check_report(plan)
    existing = [Existing(str(each.row), each.draft) for each in plan.create]
    again = plan_sites(existing, read)
    assert (len(again.unchanged), again.create, again.change, again.vanished) == (len(existing), (), (), ())


@mutations
@given(changes=damaged_rows(DESK_COLUMNS), name=cells)
def test_damaged_cells_of_desks(boxes: FileBuilder, changes: list[dict[str, str]], name: str) -> None:
    data = boxes(*[change | {"관서명": change.get("관서명", f"시험{at}")} for at, change in enumerate(changes)])
    read = read_desks(data)
    assert read.refusal is None
    rows = rows_of(data)
    filled = {number for number, row in rows.items() if number > 1 and any(row)}
    assert {each.row for each in read.drafted} | {each.row for each in read.refused} == filled
    for each in read.drafted:
        assert not each.draft.address or each.draft.address in rows[each.row]
    plan = plan_desks([], read)
    check_report(plan)
    existing = [Existing(str(at), each.draft) for at, each in enumerate(plan.create)]
    again = plan_desks(existing, read)
    assert (len(again.unchanged), again.create, again.change, again.vanished) == (len(existing), (), (), ())
    drafts = [each.draft for each in read.drafted]
    match = resolve(name, drafts, "강동구").match
    assert match is None or match in drafts


@settings(mutations, max_examples=max(EXAMPLES // 4, 100))
@given(data=st.data(), encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp949", "utf-16"]))
def test_damaged_bytes(stores: FileBuilder, data: st.DataObject, encoding: str) -> None:
    whole = stores({}, {"점포명": "GS25 둘", "소재지도로명주소": "서울특별시 강동구 시험로 7"}, encoding=encoding)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 40)))
    damaged = whole[:start] + data.draw(st.binary(max_size=20)) + whole[end:]
    check_report(plan_sites([], read_sites(damaged)))
    check_report(plan_desks([], read_desks(damaged)))


@settings(mutations, max_examples=max(EXAMPLES // 10, 100))
@given(data=st.binary(max_size=300), magic=st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf", b"%PDF"]))
def test_any_bytes_whatever(data: bytes, magic: bytes) -> None:
    check_report(plan_sites([], read_sites(magic + data)))
    check_report(plan_desks([], read_desks(magic + data)))
