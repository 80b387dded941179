"""From the bytes of a file to a table: what kind of file it is, its encoding, its rows with their numbers.

A table is text only: what a cell means is told by `columns` and the importers. Nothing here changes a cell beyond
stripping its outer white space.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from haven_server.importing.findings import FileProblem, FileRefusedError
from haven_server.importing.workbook import MAX_ROWS, is_workbook, workbook_rows

MAX_BYTES = 20 * 1024 * 1024
"""A national list of 2,051 police boxes is 0.14 MB; anything near this bound is some other file."""
_REPLACED = "\ufffd"
_MAX_REPLACED_SHARE = 0.02
_ZEROS_OF_UTF16 = 0.05
"""Share of zero bytes, as beside the commas and digits of a Korean table."""
_ZEROS_OF_ASCII_IN_UTF16 = 0.3
_DELIMITERS = ",\t;|"

_MAGIC = (
    (b"%PDF", FileProblem.PDF),
    (b"\xd0\xcf\x11\xe0", FileProblem.OLD_EXCEL),
    (b"\x89PNG", FileProblem.IMAGE),
    (b"\xff\xd8\xff", FileProblem.IMAGE),
    (b"GIF8", FileProblem.IMAGE),
    (b"RIFF", FileProblem.IMAGE),
    (b"\x1f\x8b", FileProblem.ARCHIVE),
    (b"7z\xbc\xaf", FileProblem.ARCHIVE),
    (b"Rar!", FileProblem.ARCHIVE),
    (b"PK", FileProblem.ARCHIVE),
)
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml|head|body|table|script)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the file: its number as a spreadsheet shows it, and its cells, stripped of outer white space."""

    number: int
    cells: tuple[str, ...]

    @property
    def blank(self) -> bool:
        """Whether there is nothing in it."""
        return not any(self.cells)


@dataclass(frozen=True, slots=True)
class Sheet:
    """All rows of a file in their order. `ragged_ok`: a spreadsheet does not store empty cells at the end of a row."""

    rows: tuple[Row, ...]
    encoding: str
    ragged_ok: bool


def read_sheet(data: bytes) -> Sheet:
    """Read CSV text (any usual encoding and delimiter) or an .xlsx workbook.

    Raises `FileRefusedError` for anything else, saying what it is.
    """
    if not data.strip(b"\x00 \t\r\n"):
        raise FileRefusedError(FileProblem.EMPTY)
    if len(data) > MAX_BYTES:
        raise FileRefusedError(FileProblem.TOO_LARGE, f"{len(data) / 1_048_576:.1f}", str(MAX_BYTES // 1_048_576))
    if is_workbook(data):
        return Sheet(_numbered(workbook_rows(data)), "xlsx", ragged_ok=True)
    text, encoding = decode(data)
    return Sheet(_numbered(_csv_rows(text)), encoding, ragged_ok=False)


def decode(data: bytes) -> tuple[str, str]:
    """Text of a file and the name of its encoding: UTF-8, UTF-16 or CP949 (which holds all of EUC-KR).

    Where a few bytes fit no encoding they become U+FFFD, and their rows are refused later; where many do not, this
    raises `FileRefusedError`.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        return _lenient(data[3:], ("utf-8",))
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _lenient(data, ("utf-16",))
    # A magic number is looked for only where no byte-order mark has named the file as text.
    if _MARKUP.match(data[:512]):
        raise FileRefusedError(FileProblem.WEB_PAGE)
    zeros = data.count(0) / len(data)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        _refuse_by_magic(data)
        return _lenient(data, (_utf16_of(data),) if zeros > _ZEROS_OF_UTF16 else ("cp949", "utf-8"))
    # Plain ASCII in UTF-16 is valid UTF-8 too, with a zero in every other place; fewer are damage of single rows.
    return _lenient(data, (_utf16_of(data),)) if zeros > _ZEROS_OF_ASCII_IN_UTF16 else (text, "utf-8")


def _utf16_of(data: bytes) -> str:
    return "utf-16-le" if data[1::2].count(0) > data[0::2].count(0) else "utf-16-be"


def _refuse_by_magic(data: bytes) -> None:
    for magic, problem in _MAGIC:
        if data.startswith(magic):
            raise FileRefusedError(problem)


def _lenient(data: bytes, encodings: tuple[str, ...]) -> tuple[str, str]:
    best = min(((data.decode(name, errors="replace"), name) for name in encodings), key=lambda x: x[0].count(_REPLACED))
    text = best[0]
    if text.count(_REPLACED) > max(_MAX_REPLACED_SHARE * len(text), 1):
        raise FileRefusedError(FileProblem.ENCODING)
    return best


def _csv_rows(text: str) -> Iterator[list[str]]:
    if text.lstrip().startswith(("%PDF", "{", "<")):
        raise FileRefusedError(FileProblem.PDF if "%PDF" in text[:20] else FileProblem.WEB_PAGE)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    number = 0
    try:
        for number, cells in enumerate(reader, start=1):  # noqa: B007 - the number is needed when the next row fails
            yield cells
    except csv.Error as error:
        raise FileRefusedError(FileProblem.OPEN_QUOTE, str(number + 1)) from error


def _delimiter(text: str) -> str:
    """Guess from the lines at the top, where a title may precede the header; a comma where nothing tells."""
    top = [re.sub(r'"[^"]*"', "", line) for line in text.splitlines()[:10]]
    return max(_DELIMITERS, key=lambda mark: max((line.count(mark) for line in top), default=0))


def _numbered(rows: Iterator[list[str]]) -> tuple[Row, ...]:
    numbered = []
    for number, cells in enumerate(rows, start=1):
        if number > MAX_ROWS:
            raise FileRefusedError(FileProblem.TOO_MANY_ROWS, known=str(MAX_ROWS))
        numbered.append(Row(number, tuple(cell.strip() for cell in cells)))
    return tuple(numbered)
