"""Kinds of police desks, and how people call a desk."""

from enum import StrEnum
from typing import Protocol

from haven_server.importing.desk_names import box_name


class DeskKind(StrEnum):
    """What a desk is. KOREAN has the word on its sign."""

    STATION = "station"
    PRECINCT = "precinct"
    POLICE_BOX = "police_box"
    SAFETY_CENTER = "safety_center"
    SITUATION_ROOM = "situation_room"
    """The city's, where everything goes that has no other desk."""


KOREAN: dict[DeskKind, str] = {
    DeskKind.STATION: "경찰서",
    DeskKind.PRECINCT: "지구대",
    DeskKind.POLICE_BOX: "파출소",
    DeskKind.SAFETY_CENTER: "치안센터",
    DeskKind.SITUATION_ROOM: "112치안종합상황실",
}

BOXES = frozenset({DeskKind.PRECINCT, DeskKind.POLICE_BOX, DeskKind.SAFETY_CENTER})
"""Desks that belong to a station."""


class NamedDesk(Protocol):
    """A row or form with the three parts of a desk's key."""

    station: str
    name: str
    kind: str


def stored_name(name: str, kind: DeskKind) -> str:
    """Name as it is kept: of a box without its type (`신사` for `신사지구대`), so that it has one spelling."""
    return box_name(name, KOREAN[kind]) if kind in BOXES and name else name


def desk_title(desk: NamedDesk) -> str:
    """How people call it: `신사지구대`, `서울강남경찰서`."""
    if desk.kind in BOXES:
        return desk.name + KOREAN[DeskKind(desk.kind)]
    return desk.name or desk.station


def desk_with_station(desk: NamedDesk) -> str:
    """With its station, for who does not know the district: `서울강남경찰서 신사지구대`; of a station just its name."""
    return " ".join(dict.fromkeys((desk.station, desk_title(desk))))
