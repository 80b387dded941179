"""Made-up files of the shapes that districts and the police hand out."""

import csv
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

FileBuilder = Callable[..., bytes]

STORE = {
    "점포명": "CU 시험점",
    "시군구명": "강동구",
    "시군구코드": "11740",
    "소재지도로명주소": "서울특별시 강동구 시험대로 12, 1층",
    "소재지지번주소": "서울특별시 강동구 시험동 1-2",
    "위도": "37.5312",
    "경도": "127.1301",
    "여성안심지킴이집전화번호": "02-480-1357",
    "관할경찰서명": "강동경찰서",
    "지정연도": "2021",
    "운영여부": "Y",
}
BOX = {
    "연번": "1",
    "시도청": "서울청",
    "경찰서": "서울강동",
    "관서명": "시험",
    "구분": "지구대",
    "주소": "서울특별시 강동구 시험로 34",
}


def to_csv(
    usual: Mapping[str, str],
    rows: tuple[Mapping[str, str], ...],
    *,
    without: tuple[str, ...] = (),
    delimiter: str = ",",
) -> str:
    """CSV of rows that are as usual but for what each one says; columns that rows add come last."""
    header = list(dict.fromkeys([name for row in (usual, *rows) for name in row if name not in without]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, header, delimiter=delimiter, restval="", extrasaction="ignore")
    writer.writeheader()
    for row in rows:
        writer.writerow({**usual, **row})
    return text.getvalue()


@pytest.fixture(scope="session")
def stores() -> FileBuilder:
    """Builds a file of stores: `stores({"점포명": "…"}, …, without=("위도",), encoding="cp949", delimiter=";")`."""

    def build(*rows: Mapping[str, str], encoding: str = "utf-8", **how: object) -> bytes:
        return to_csv(STORE, rows, **how).encode(encoding)  # type: ignore[arg-type]  # passed on as given

    return build


@pytest.fixture(scope="session")
def boxes() -> FileBuilder:
    """Builds a file of police boxes in the same way."""

    def build(*rows: Mapping[str, str], encoding: str = "utf-8", **how: object) -> bytes:
        return to_csv(BOX, rows, **how).encode(encoding)  # type: ignore[arg-type]  # passed on as given

    return build


@pytest.fixture(scope="session")
def real_file() -> Callable[[str], bytes]:
    """A public file as it was published; the test is skipped where the folder is not beside the repository."""
    folder = Path(__file__).resolve().parents[4] / "shared" / "data"

    def read(name: str) -> bytes:
        path = folder / name
        if not path.is_file():
            pytest.skip(f"{name} is not beside the repository")
        return path.read_bytes()

    return read
