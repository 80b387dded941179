"""Addresses taken apart for searching, comparing and doubting. What is shown stays what was registered."""

import re
import unicodedata
from dataclasses import dataclass

from haven_server.importing.seoul import DISTRICTS, PROVINCES

_ROAD = re.compile(
    r"(?P<road>[가-힣0-9A-Za-z·.]*?[가-힣0-9](?:대로|로|길)(?:\s?\d+(?:번|[가-하])?길)?)"
    r"(?P<gap>\s*)(?P<below>지하)?\s*(?P<number>\d+(?:-\d+)?)(?![-\d]|번?길|번[가-하]길|[가-하]길|가(?![가-힣]))"
)
_LOT = re.compile(
    r"(?P<dong>[가-힣][가-힣0-9.·]*(?:동|가|읍|면|리))\s*(?:\([^)]*\))?\s*(?:산\s*)?\d+(?:-\d+)?(?!\d|층|호)"
)
_DISTRICT = re.compile(r"^([가-힣]+(?:구|군|시))(?=\s|$)")
_JUNK = re.compile(r"[\s,.()\[\]·'\"-]+")
MAX_PARSED = 500
"""Characters looked at: no address is longer, and the time taken grows with the square."""


@dataclass(frozen=True, slots=True)
class Address:
    """The parts of an address; None where the text does not name them.

    `province` is short (`서울`). `district` is a district of Seoul (`중구`), elsewhere the province stands before it
    (`부산 중구`), for districts of that name are many. `place` is the road with its number, or the lot, without white
    space: two addresses of one district with the same one are in one building. `whole` is all of the address in the
    same way, floor and door with it.
    """

    province: str | None
    district: str | None
    place: str
    whole: str
    is_lot: bool
    missing_gap: bool

    @property
    def in_seoul(self) -> bool:
        """Whether nothing says that it is elsewhere."""
        return self.province in (None, "서울")


def parse_address(text: str) -> Address:
    """Take an address apart. Any text whatever gives an `Address`; what is not found is None."""
    plain = " ".join(unicodedata.normalize("NFKC", text[:MAX_PARSED]).split())
    province, rest = _province(plain)
    district, rest = _district(province, rest)
    street = _ROAD.search(rest)
    lot = None if street else _LOT.search(rest)
    if street:
        place = street["road"] + (street["below"] or "") + street["number"]
    elif lot:
        place = lot[0]
    else:
        place = rest
    return Address(
        province=province,
        district=district,
        place=comparable(place),
        whole=comparable(rest),
        is_lot=lot is not None,
        missing_gap=bool(street and not street["gap"]),
    )


def comparable(text: str) -> str:
    """Text reduced to what two spellings of it have in common: no case, width, white space or punctuation.

    Between two digits something stays, for `20-1` is not `201` and `18, 109호` not `18109호`.
    """
    return _JUNK.sub(_gap, unicodedata.normalize("NFKC", text).casefold())


def known_district(name: str) -> str | None:
    """The Seoul district of that name, with or without the city before it, else None."""
    words = unicodedata.normalize("NFKC", name).split()
    return words[-1] if words and words[-1] in DISTRICTS else None


def _gap(found: re.Match[str]) -> str:
    before, after = found.string[: found.start()][-1:], found.string[found.end() :][:1]
    if not (before.isdigit() and after.isdigit()):
        return ""
    return "-" if "-" in found[0] else " "


def _province(text: str) -> tuple[str | None, str]:
    head, _, rest = text.partition(" ")
    for short, spellings in PROVINCES.items():
        if head in spellings:
            return short, rest
        for spelling in spellings:
            # "서울특별시강동구 …": the gap is missing, and only a district may follow
            if head.startswith(spelling) and head[len(spelling) :] in DISTRICTS:
                return short, text[len(spelling) :]
    return None, text


def _district(province: str | None, rest: str) -> tuple[str | None, str]:
    found = _DISTRICT.match(rest)
    if not found:
        return None, rest
    name, after = found[1], rest[found.end() :].strip()
    if province in (None, "서울"):
        return (name, after) if name in DISTRICTS else (None, rest)
    return f"{province} {name}", after
