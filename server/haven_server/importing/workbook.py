"""Excel workbooks (.xlsx): the rows of the sheet that holds the table, every cell as text."""

import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time

import openpyxl

from haven_server.importing.findings import FileProblem, FileRefusedError

MAX_UNPACKED_BYTES = 200 * 1024 * 1024
"""A workbook is a zip file: refuse one that would unpack to more than a server should hold."""
MAX_ROWS = 100_000
MAX_COLUMNS = 200


def is_workbook(data: bytes) -> bool:
    """Whether these bytes are an Excel workbook; other zip files are refused by their magic number elsewhere."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise FileRefusedError(FileProblem.DAMAGED) from error
    if sum(entry.file_size for entry in entries) > MAX_UNPACKED_BYTES:
        raise FileRefusedError(FileProblem.TOO_LARGE, "> 200", "20")
    if any(entry.filename == "xl/workbook.xml" for entry in entries):
        return True
    raise FileRefusedError(FileProblem.ARCHIVE)


def workbook_rows(data: bytes) -> Iterator[list[str]]:
    """Rows of the first sheet with more than one row (a cover sheet is passed over), else of the first sheet."""
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except Exception as error:  # whatever the library trips over, the file is damaged
        raise FileRefusedError(FileProblem.DAMAGED) from error
    try:
        rows = _first_table(book)
    except Exception as error:  # the sheets are parsed only as they are read
        raise FileRefusedError(FileProblem.DAMAGED) from error
    finally:
        book.close()
    yield from rows


def _first_table(book: openpyxl.Workbook) -> list[list[str]]:
    first: list[list[str]] = []
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # some writers store a wrong extent, and rows would be lost
        found = sheet.iter_rows(max_row=MAX_ROWS + 1, max_col=MAX_COLUMNS, values_only=True)
        rows = [[_text(value) for value in row] for row in found]
        filled = [row for row in rows if sum(map(bool, row)) > 1]
        if len(filled) > 1:
            return rows
        first = first or rows
    return first


def _text(value: object) -> str:
    """A cell as a person sees it: `2014` and not `2014.0`, a date without its midnight."""
    match value:
        case None:
            return ""
        case bool():
            return "Y" if value else "N"
        case float() if value.is_integer():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime() | date() | time():
            return value.isoformat()
        case _:
            return str(value)
