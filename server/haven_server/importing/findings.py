"""What an import may find doubtful about a row or a file, and how grave it is. The words stand in `words`."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How grave a finding is for its row."""

    REFUSED = "refused"
    """The row is not imported."""
    WARNING = "warning"
    """The row is imported; a value is left out or may be wrong, and a person should look."""
    NOTE = "note"
    """The row is imported as it is, or a value was converted; told so that nobody is surprised."""


class FindingKind(StrEnum):
    """What is doubtful. The value is what the JSON report carries."""

    NAME_MISSING = "name_missing"
    ADDRESS_MISSING = "address_missing"
    STATION_MISSING = "station_missing"
    HEADER_REPEATED = "header_repeated"
    DUPLICATE_ROW = "duplicate_row"
    CODE_TWICE = "code_twice"
    CODE_UNREADABLE = "code_unreadable"
    CODE_OF_ANOTHER_KIND = "code_of_another_kind"
    SITE_KIND_UNKNOWN = "site_kind_unknown"
    DESK_TYPE_UNKNOWN = "desk_type_unknown"
    DESK_ABOLISHED = "desk_abolished"
    TOO_MANY_CELLS = "too_many_cells"
    TOO_FEW_CELLS = "too_few_cells"
    UNREADABLE_CHARACTERS = "unreadable_characters"
    TOO_LONG = "too_long"

    PHONE_MISSING = "phone_missing"
    PHONE_PLACEHOLDER = "phone_placeholder"
    PHONE_SHARED = "phone_shared"
    PHONE_TRUNCATED = "phone_truncated"
    PHONE_UNREADABLE = "phone_unreadable"
    PHONE_ZERO_LOST = "phone_zero_lost"
    DISTRICT_UNKNOWN = "district_unknown"
    DISTRICT_CODE_OTHER_SYSTEM = "district_code_other_system"
    DISTRICT_CODE_UNKNOWN = "district_code_unknown"
    ADDRESS_WITHOUT_DISTRICT = "address_without_district"
    ADDRESS_OTHER_DISTRICT = "address_other_district"
    ADDRESS_OUTSIDE_SEOUL = "address_outside_seoul"
    LOT_ADDRESS_AS_ROAD = "lot_address_as_road"
    ROAD_ADDRESS_MISSING = "road_address_missing"
    COORDINATES_MISSING = "coordinates_missing"
    COORDINATES_UNREADABLE = "coordinates_unreadable"
    COORDINATES_OUTSIDE = "coordinates_outside"
    COORDINATES_SHARED = "coordinates_shared"
    COORDINATES_SWAPPED = "coordinates_swapped"
    NAME_ONLY_BRAND = "name_only_brand"
    DESK_ADDRESS_MISSING = "desk_address_missing"
    DESK_UNKNOWN = "desk_unknown"
    DESK_AMBIGUOUS = "desk_ambiguous"
    OPERATING_UNREADABLE = "operating_unreadable"
    POSSIBLY_MOVED = "possibly_moved"
    POSSIBLY_RENAMED = "possibly_renamed"
    CODE_NEW_AT_KNOWN_PLACE = "code_new_at_known_place"

    SAME_PLACE = "same_place"
    COORDINATES_CONVERTED = "coordinates_converted"
    CLOSED = "closed"
    DOUBLE_SPACES = "double_spaces"
    MISSING_GAP = "missing_gap"
    YEAR_UNREADABLE = "year_unreadable"
    POSTAL_CODE_UNREADABLE = "postal_code_unreadable"
    STATION_WITHOUT_ROW = "station_without_row"

    @property
    def severity(self) -> Severity:
        """How grave a finding of this kind is; the same everywhere."""
        if self in _REFUSED:
            return Severity.REFUSED
        return Severity.NOTE if self in _NOTES else Severity.WARNING


_REFUSED = frozenset(
    {
        FindingKind.NAME_MISSING,
        FindingKind.ADDRESS_MISSING,
        FindingKind.STATION_MISSING,
        FindingKind.HEADER_REPEATED,
        FindingKind.DUPLICATE_ROW,
        FindingKind.CODE_TWICE,
        FindingKind.CODE_UNREADABLE,
        FindingKind.CODE_OF_ANOTHER_KIND,
        FindingKind.SITE_KIND_UNKNOWN,
        FindingKind.DESK_TYPE_UNKNOWN,
        FindingKind.DESK_ABOLISHED,
        FindingKind.TOO_MANY_CELLS,
        FindingKind.TOO_FEW_CELLS,
        FindingKind.UNREADABLE_CHARACTERS,
        FindingKind.TOO_LONG,
    }
)
_NOTES = frozenset(
    {
        FindingKind.SAME_PLACE,
        FindingKind.COORDINATES_CONVERTED,
        FindingKind.CLOSED,
        FindingKind.DOUBLE_SPACES,
        FindingKind.MISSING_GAP,
        FindingKind.YEAR_UNREADABLE,
        FindingKind.POSTAL_CODE_UNREADABLE,
        FindingKind.STATION_WITHOUT_ROW,
    }
)


@dataclass(frozen=True, slots=True)
class Finding:
    """One doubtful thing about one row.

    `row` is the row's number as a spreadsheet shows it (the header is usually 1). `value` is the doubtful value as the
    file has it. `detail` says what the words need besides: other rows, a likely match. Both may be personal: a report
    hides them for homes.
    """

    row: int
    kind: FindingKind
    field: str = ""
    value: str = ""
    detail: str = ""


class FileProblem(StrEnum):
    """Why a whole file is refused."""

    EMPTY = "empty"
    ONLY_HEADER = "only_header"
    TOO_LARGE = "too_large"
    TOO_MANY_ROWS = "too_many_rows"
    PDF = "pdf"
    ARCHIVE = "archive"
    IMAGE = "image"
    WEB_PAGE = "web_page"
    OLD_EXCEL = "old_excel"
    DAMAGED = "damaged"
    ENCODING = "encoding"
    OPEN_QUOTE = "open_quote"
    COLUMN_MISSING = "column_missing"
    COLUMN_TWICE = "column_twice"
    DESKS_NOT_SITES = "desks_not_sites"
    SITES_NOT_DESKS = "sites_not_desks"


@dataclass(frozen=True, slots=True)
class FileRefusal:
    """The file as a whole cannot be imported; `detail` and `known` fill the words (a column, the columns known)."""

    problem: FileProblem
    detail: str = ""
    known: str = ""


class FileRefusedError(ValueError):
    """Raised inside the readers, caught at the package's own entry: callers of the package never see it."""

    def __init__(self, problem: FileProblem, detail: str = "", known: str = "") -> None:
        super().__init__(problem.value)
        self.refusal = FileRefusal(problem, detail, known)


NAMED_ROWS = 5
"""How many other rows a finding names before it says how many more there are."""


def name_rows(rows: Iterable[int]) -> str:
    """Row numbers for a person: `3, 5, 9 (+24)`."""
    ordered = sorted(rows)
    named = ", ".join(str(row) for row in ordered[:NAMED_ROWS])
    return named if len(ordered) <= NAMED_ROWS else f"{named} (+{len(ordered) - NAMED_ROWS})"
