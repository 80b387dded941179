"""The police desk that people mean by a name: `서울강남경찰서`, `강남서`, `성내지구대`, `목4치안센터`, `신사동`."""

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

STATION: Final = "경찰서"
BOX_TYPES = ("지구대", "파출소", "치안센터")
MAX_CANDIDATES = 5
_CITIES = ("서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "제주")
_LIKELY = 0.7
"""Share of equal characters from which a name is offered as a likely match (difflib's ratio)."""


class DeskLike(Protocol):
    """What `resolve` needs of a desk; `DeskDraft` is one."""

    @property
    def station(self) -> str:
        """Full name of the station: `서울강남경찰서`."""

    @property
    def name(self) -> str:
        """Name of the box without its type, empty for a station."""

    @property
    def type(self) -> str:
        """경찰서, 지구대, 파출소 or 치안센터."""

    @property
    def districts(self) -> tuple[str, ...]:
        """Districts it answers for."""


L = TypeVar("L", bound=DeskLike)


@dataclass(frozen=True, slots=True)
class Resolution(Generic[L]):
    """The desk meant, or None with the desks that may be meant, likeliest first (at most five)."""

    match: L | None
    candidates: tuple[L, ...] = ()


def resolve(name: str, desks: Sequence[L], near_district: str | None = None) -> Resolution[L]:
    """Find the desk that a name means.

    A name that fits several desks is decided by `near_district` (a district name such as `은평구`) where only one of
    them answers for it; else all are candidates. A box of that name with another type is a candidate, never a match.
    """
    wanted = _plain(name)
    if not wanted:
        return Resolution(None)
    for forms in (_full_forms, _short_forms, _bare_forms):
        fitting = [desk for desk in desks if wanted in forms(desk)]
        if fitting:
            return _decide(fitting, near_district)
    return Resolution(None, _likely(wanted, desks))


def station_name(written: str) -> str:
    """Full name of a station: `서울강남`, `서울강남서` and `서울강남경찰서` are all `서울강남경찰서`."""
    plain = _plain(written)
    if not plain or plain.endswith(STATION):
        return plain
    # 강서 is the one place whose own name ends like the short word for a station
    return (plain if plain.endswith("강서") else plain.removesuffix("서")) + STATION


def station_key(station: str) -> str:
    """A station without what some lists leave out: Seoul's stations stand with and without the city."""
    return station_name(station).removesuffix(STATION).removeprefix("서울") or "서울"


def box_name(written: str, box_type: str) -> str:
    """Name of a box without its type: `을지지구대` and `을지` of type 지구대 are both `을지`."""
    return _plain(written).removesuffix(box_type) or _plain(written)


def _decide(fitting: Sequence[L], near_district: str | None) -> Resolution[L]:
    near = [desk for desk in fitting if near_district in desk.districts]
    chosen = near if len(near) == 1 else fitting
    if len(chosen) == 1:
        return Resolution(chosen[0])
    ordered = sorted(fitting, key=lambda desk: near_district not in desk.districts)
    return Resolution(None, tuple(ordered[:MAX_CANDIDATES]))


def _full_forms(desk: DeskLike) -> set[str]:
    if not desk.name:
        return {_plain(desk.station)}
    return {f"{station}{desk.name}{desk.type}" for station in _stations(desk)}


def _short_forms(desk: DeskLike) -> set[str]:
    return {f"{desk.name}{desk.type}"} if desk.name else _stations(desk)


def _bare_forms(desk: DeskLike) -> set[str]:
    """A box's name alone, or the dong of that name; `강남` alone is the station, which `_short_forms` has found."""
    if not desk.name:
        return set()
    dong = desk.name.removesuffix("동")
    return {desk.name, f"{dong}동"}


def _stations(desk: DeskLike) -> set[str]:
    full = _plain(desk.station).removesuffix(STATION)
    shorts = {full} | {full.removeprefix(city) for city in _CITIES if len(full.removeprefix(city)) > 1}
    return {short + ending for short in shorts for ending in (STATION, "서", "")}


def _likely(wanted: str, desks: Sequence[L]) -> tuple[L, ...]:
    """Boxes of that name with another type or number; where there are none, names that are spelled much like it."""
    stem = _stem(wanted)
    for names in ({stem}, {stem, _unnumbered(stem)}):
        named = [desk for desk in desks if desk.name and names & {desk.name, _unnumbered(desk.name)}]
        if named:
            return tuple(named[:MAX_CANDIDATES])
    scored = []
    for at, desk in enumerate(desks):
        forms = _full_forms(desk) | _short_forms(desk)
        likeness = max(difflib.SequenceMatcher(None, wanted, form).ratio() for form in forms)
        if likeness >= _LIKELY:
            scored.append((-likeness, at, desk))
    return tuple(desk for _, _, desk in sorted(scored, key=lambda entry: entry[:2])[:MAX_CANDIDATES])


def _stem(name: str) -> str:
    """A name without its type: the box may have become a 파출소 since, or the name be that of a dong."""
    for ending in (*BOX_TYPES, "동"):
        if name.endswith(ending):
            return name.removesuffix(ending)
    return name


def _unnumbered(name: str) -> str:
    """`목4` is one of several 목."""
    return name.rstrip("0123456789")


def _plain(text: str) -> str:
    return re.sub(r"[\s·.,()-]+", "", unicodedata.normalize("NFKC", text))
