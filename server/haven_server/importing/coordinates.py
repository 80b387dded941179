"""Latitude and longitude as files write them: decimal, swapped, in degrees, minutes and seconds, or nonsense."""

import re
import unicodedata
from dataclasses import dataclass

from haven_server.importing.findings import FindingKind
from haven_server.importing.seoul import KOREA_BOX, SEOUL_BOX, inside

_DECIMAL = re.compile(r"[+-]?\d{1,3}(?:[.,]\d+)?")
_SEXAGESIMAL = re.compile(
    r"[NEne]?\s*(\d{1,3})\s*(?:°|도|o|d|:|-|\s)\s*(\d{1,2})\s*(?:'|분|m|:|-|\s)\s*"
    r"(\d{1,2}(?:\.\d+)?)\s*(?:\"|''|초|s)?\s*[NEne]?"
)
_QUOTES = str.maketrans({"\u2032": "'", "\u2019": "'", "\u2033": '"', "\u201d": '"'})
"""Primes and curly quotes, as spreadsheets make them of straight ones."""
_LONGEST = 40
_MINUTES = 60
_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Coordinates:
    """A point in degrees (WGS 84), both None where there is none that can be used, and what was doubtful."""

    lat: float | None
    lon: float | None
    doubts: tuple[FindingKind, ...]


def read_coordinates(lat_cell: str, lon_cell: str, *, in_seoul: bool) -> Coordinates:
    """Read two cells. Swapped values are put right; a point outside Seoul (else outside Korea) is left out."""
    if _absent(lat_cell) or _absent(lon_cell):
        return Coordinates(None, None, (FindingKind.COORDINATES_MISSING,))
    first, second = _degrees(lat_cell), _degrees(lon_cell)
    if first is None or second is None:
        return Coordinates(None, None, (FindingKind.COORDINATES_UNREADABLE,))
    doubts = []
    if first[1] or second[1]:
        doubts.append(FindingKind.COORDINATES_CONVERTED)
    lat, lon = first[0], second[0]
    if not inside(KOREA_BOX, lat, lon) and inside(KOREA_BOX, lon, lat):
        lat, lon = lon, lat
        doubts.append(FindingKind.COORDINATES_SWAPPED)
    if not inside(SEOUL_BOX if in_seoul else KOREA_BOX, lat, lon):
        return Coordinates(None, None, (FindingKind.COORDINATES_OUTSIDE,))
    return Coordinates(lat, lon, tuple(doubts))


def _absent(cell: str) -> bool:
    return not cell.strip("0.,+- ")


def _degrees(cell: str) -> tuple[float, bool] | None:
    """Decimal degrees, and whether they were converted from degrees, minutes and seconds."""
    plain = " ".join(unicodedata.normalize("NFKC", cell[:_LONGEST]).translate(_QUOTES).split())
    if _DECIMAL.fullmatch(plain):
        return float(plain.replace(",", ".")), False
    parts = _SEXAGESIMAL.fullmatch(plain)
    if parts is None:
        return None
    degrees, minutes, seconds = int(parts[1]), int(parts[2]), float(parts[3])
    if minutes >= _MINUTES or seconds >= _MINUTES:
        return None
    return round(degrees + minutes / _MINUTES + seconds / _SECONDS, 7), True
