"""The report: counts, rows and words, and nothing of a home."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from haven_server.importing import (
    Existing,
    FileProblem,
    FindingKind,
    plan_desks,
    plan_sites,
    read_desks,
    read_sites,
    report_data,
    report_text,
)
from haven_server.importing.columns import DESK_HEADERS, SITE_HEADERS
from haven_server.importing.file_words import FILE_PROBLEMS
from haven_server.importing.words import FINDINGS

FileBuilder = Callable[..., bytes]
ADDRESS, PHONE = "소재지도로명주소", "여성안심지킴이집전화번호"


def test_the_report_counts_and_lists_what_there_is_to_tell(stores: FileBuilder) -> None:
    first = read_sites(stores({"점포명": "CU 하나"}, {"점포명": "CU 둘", ADDRESS: "서울특별시 강동구 시험로 2"}))
    existing = [Existing(str(each.row), each.draft) for each in first.drafted]
    second = stores(
        {"점포명": "CU 하나", PHONE: "02-000-0000", "지정연도": "2022"},
        {"점포명": "CU 셋", ADDRESS: "서울특별시 강동구 시험로 3"},
        {"점포명": ""},
    )
    data = json.loads(json.dumps(report_data(plan_sites(existing, read_sites(second)))))
    assert data["counts"] == {"create": 1, "change": 1, "unchanged": 0, "refused": 1, "vanished": 1}
    assert data["findings_by_kind"]["phone_placeholder"] == 1
    assert [(row["row"], row["outcomes"]) for row in data["rows"]] == [
        (2, ["change"]),
        (3, ["create"]),
        (4, ["refused"]),
    ]
    assert data["rows"][0]["changes"] == [{"field": "designated_year", "before": 2021, "after": 2022}]
    assert data["rows"][2]["findings"][0]["severity"] == "refused"
    assert [record["title"] for record in data["vanished"]] == ["CU 둘, 서울특별시 강동구 시험로 2"]


def test_the_text_says_the_same_in_both_languages(stores: FileBuilder) -> None:
    plan = plan_sites([], read_sites(stores({PHONE: "02-000-0000"}, {"점포명": ""})))
    english, korean = report_text(plan, "en"), report_text(plan, "ko")
    assert "new: 1" in english
    assert "“02-000-0000” only fills the place of a phone number" in english
    assert "row 3  refused" in english
    assert "새로 넣음: 1" in korean
    assert "자리만 채운 번호" in korean
    assert "3행  거부" in korean


def test_a_second_run_says_that_nothing_changed(stores: FileBuilder) -> None:
    read = read_sites(stores({}))
    plan = plan_sites([Existing("1", each.draft) for each in read.drafted], read)
    assert report_data(plan)["rows"] == []
    assert "unchanged: 1" in report_text(plan)


def test_nothing_of_a_home_is_in_a_report(stores: FileBuilder) -> None:
    secret = {
        "점포명": "비밀이름",
        ADDRESS: "서울특별시 강동구 비밀로1",
        PHONE: "010-2222-333",
        "종류": "가정",
        "코드": "H-1",
    }
    gone = secret | {"점포명": "떠난이름", ADDRESS: "서울특별시 강동구 비밀로 2", "코드": "H-2"}
    existing = [Existing(each.draft.code or "", each.draft) for each in read_sites(stores(secret, gone)).drafted]
    changed = secret | {ADDRESS: "서울특별시 강동구 비밀로  9"}
    broken = secret | {"종류": "?", "코드": "H-3"}
    refused = secret | {"점포명": "", "코드": "H-4"}
    plan = plan_sites(existing, read_sites(stores(changed, broken, refused)))
    assert (len(plan.change), len(plan.refused), len(plan.vanished)) == (1, 2, 1)
    shown = json.dumps(report_data(plan), ensure_ascii=False) + report_text(plan, "en") + report_text(plan, "ko")
    assert "phone_truncated" in shown
    for value in ("비밀", "떠난", "2222", "333"):
        assert value not in shown
    assert "H-2" in shown


def test_a_cell_cannot_steer_the_terminal(stores: FileBuilder) -> None:
    text = report_text(plan_sites([], read_sites(stores({"점포명": "CU \x1b[2J\x07점"}))))
    assert "\x1b" not in text
    assert "\x07" not in text


def test_braces_in_a_cell_are_only_braces(stores: FileBuilder) -> None:
    text = report_text(plan_sites([], read_sites(stores({PHONE: "{0} {value.__class__}"}))))
    assert "{value.__class__}" in text


def test_a_station_and_its_first_box_share_a_row(boxes: FileBuilder) -> None:
    data = report_data(plan_desks([], read_desks(boxes({}))))
    assert data["counts"]["create"] == 2
    assert [row["title"] for row in data["rows"]] == ["서울강동경찰서 시험지구대; 서울강동경찰서"]


def test_every_finding_and_refusal_has_words_in_both_languages() -> None:
    assert set(FINDINGS) == set(FindingKind)
    assert set(FILE_PROBLEMS) == set(FileProblem)
    for english, korean in (*FINDINGS.values(), *FILE_PROBLEMS.values()):
        assert english.isascii() or "“" in english or "점포" in english
        assert any("가" <= char <= "힣" for char in korean)
        for words in (english, korean):
            assert words.format(value="v", detail="d", known="k")


@pytest.fixture(scope="module")
def page() -> str:
    return (Path(__file__).parents[3] / "docs" / "import.md").read_text("utf-8")


def test_the_page_explains_every_finding_and_lists_every_column(page: str) -> None:
    missing = [kind.value for kind in (*FindingKind, *FileProblem) if f"`{kind.value}`" not in page]
    names = [name for headers in (SITE_HEADERS, DESK_HEADERS) for names in headers.values() for name in names]
    missing += [name for name in names if f"`{name}`" not in page]
    assert missing == []
