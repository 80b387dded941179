"""Korean telephone numbers as public files have them: kept as registered, with E.164 beside where it can be known."""

import re
import unicodedata
from dataclasses import dataclass

import phonenumbers

from haven_server.importing.findings import FindingKind

_SEPARATORS = re.compile(r"\s*[,;/\n]\s*|\s+(?=\(?0\d{1,2}[)-])")
_PLACEHOLDER_WORDS = frozenset(
    {"-", "--", "없음", "미정", "미등록", "해당없음", "n/a", "na", "none", "null", "x", "0", "."}
)
_FULL_LENGTH = {"050": 12, "010": 11}
"""Digits of a personal or safe number (050x) and of a mobile: `phonenumbers` accepts shorter ones, which are cut."""
_MIN_DIGITS = 8
_MAX_LENGTH = 40
# What a spreadsheet leaves of a number whose first 0 it took for padding: Seoul, mobile, internet and 050x numbers.
_ZERO_LOST = re.compile(r"2\d{7,8}|10\d{8}|70\d{8}|50\d{10}|[3-6][1-4]\d{7,8}")


@dataclass(frozen=True, slots=True)
class Phone:
    """A number as it is registered, and the same in E.164 (`+8224857637`), None where it cannot be known."""

    registered: str
    e164: str | None


def read_phones(cell: str) -> tuple[tuple[Phone, ...], tuple[tuple[FindingKind, str], ...]]:
    """The numbers of a cell, and what is doubtful about each (kind, number as written).

    Placeholders (`02-000-0000`, `없음`) are left out; numbers that cannot be read are kept as registered, for a person
    may still make sense of them.
    """
    phones: dict[str, Phone] = {}
    doubts: list[tuple[FindingKind, str]] = []
    for part in _SEPARATORS.split(cell):
        written = part.strip()
        if not written:
            continue
        e164, doubt = _read(written)
        if doubt is not None:
            doubts.append((doubt, written))
        if doubt is not FindingKind.PHONE_PLACEHOLDER:
            phones.setdefault(written, Phone(written, e164))
    if not phones and not doubts:
        doubts.append((FindingKind.PHONE_MISSING, ""))
    return tuple(phones.values()), tuple(doubts)


def _read(written: str) -> tuple[str | None, FindingKind | None]:
    plain = unicodedata.normalize("NFKC", written).casefold()
    digits = re.sub(r"[^0-9]", "", plain)
    if plain.startswith("+82"):
        digits = "0" + digits[2:].removeprefix("0")
    if plain in _PLACEHOLDER_WORDS or (digits and _is_placeholder(digits)):
        return None, FindingKind.PHONE_PLACEHOLDER
    if len(written) > _MAX_LENGTH or re.search(r"[^0-9\s()+.~-]", plain):
        return None, FindingKind.PHONE_UNREADABLE
    if len(digits) < _FULL_LENGTH.get(digits[:3], 0):
        return None, FindingKind.PHONE_TRUNCATED
    if _ZERO_LOST.fullmatch(digits):
        return _e164("0" + digits), FindingKind.PHONE_ZERO_LOST
    if len(digits) < _MIN_DIGITS or (digits.startswith("02") and len(digits) == _MIN_DIGITS):
        return None, FindingKind.PHONE_TRUNCATED if digits.startswith("0") else FindingKind.PHONE_UNREADABLE
    e164 = _e164(digits)
    return e164, None if e164 else FindingKind.PHONE_UNREADABLE


def _is_placeholder(digits: str) -> bool:
    """`02-000-0000`, `010-0000-0000`, `000`: nothing but zeros after the area code."""
    return not digits.strip("0") or bool(re.fullmatch(r"0(?:2|[1-7]\d|50\d|80)0{6,8}", digits))


def _e164(digits: str) -> str | None:
    try:
        number = phonenumbers.parse(digits, "KR")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
