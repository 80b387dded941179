"""Desks in the importer's shape, and back."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.desks.naming import KOREAN, DeskKind
from haven_server.importing import DeskDraft, Existing, Phone
from haven_server.importing.drafts import DeskType
from haven_server.importing.phones import read_phones
from haven_server.models import Desk, Jurisdiction

KINDS: dict[str, DeskKind] = {korean: kind for kind, korean in KOREAN.items()}


@dataclass(frozen=True, slots=True)
class KnownDesk:
    """A desk as `importing.resolve` asks for it."""

    id: int
    station: str
    name: str
    type: str
    districts: tuple[str, ...]

    @property
    def label(self) -> str:
        """Unmistakable name, for `신사지구대` exists twice: `서울은평경찰서 신사지구대`."""
        return f"{self.station} {self.name}{self.type}" if self.name else self.station


def known_desks(session: Session) -> list[KnownDesk]:
    """All desks; the city's is known by the name of its authority."""
    jurisdictions = _jurisdictions(session)
    return [
        KnownDesk(
            id=desk.id,
            station=desk.station,
            name="" if desk.kind == DeskKind.SITUATION_ROOM else desk.name,
            type=KOREAN[DeskKind(desk.kind)],
            districts=_districts(desk, jurisdictions[desk.id]),
        )
        for desk in session.scalars(select(Desk).order_by(Desk.id))
    ]


def existing_desks(session: Session) -> list[Existing[DeskDraft]]:
    """All desks but the city's, to compare a file with."""
    jurisdictions = _jurisdictions(session)
    rows = session.scalars(select(Desk).where(Desk.kind != DeskKind.SITUATION_ROOM.value).order_by(Desk.id))
    return [Existing(str(desk.id), _draft(desk, jurisdictions[desk.id])) for desk in rows]


def registered_phones(numbers: Iterable[str]) -> tuple[Phone, ...]:
    """Numbers as registered, in the shape in which an import file gives them."""
    phones = []
    for number in numbers:
        read, _ = read_phones(number)
        known = len(read) == 1 and read[0].registered == number
        phones.append(read[0] if known else Phone(number, None))
    return tuple(phones)


def write_field(desk: Desk, field: str, value: Any) -> None:
    """Set what a draft's field says."""
    match field:
        case "authority" | "districts":
            desk.source = desk.source | {field: list(value) if field == "districts" else value}
        case "phones":
            numbers = [phone.registered for phone in value]
            desk.source = desk.source | {"phones": numbers}
            desk.phone = numbers[0]
        case "address" | "lat" | "lon":
            setattr(desk, field, value)
        case _:
            raise ValueError(f"a desk's {field} is not changed by an import")
    if field in {"address", "districts"} and desk.address and desk.source.get("districts"):
        desk.district = desk.source["districts"][0]


def _draft(desk: Desk, jurisdiction: tuple[str, ...]) -> DeskDraft:
    numbers = desk.source.get("phones") or []
    if desk.phone and desk.phone not in numbers[:1]:
        numbers = [desk.phone]  # a person has entered another one since
    return DeskDraft(
        station=desk.station,
        name=desk.name,
        type=cast("DeskType", KOREAN[DeskKind(desk.kind)]),
        authority=desk.source.get("authority", ""),
        address=desk.address or "",
        districts=_districts(desk, jurisdiction),
        lat=desk.lat,
        lon=desk.lon,
        phones=registered_phones(numbers),
    )


def _districts(desk: Desk, jurisdiction: tuple[str, ...]) -> tuple[str, ...]:
    """What an import said, where it stands, and what it answers for: a district named anywhere is nothing new."""
    said: list[str] = desk.source.get("districts") or ([desk.district] if desk.district else [])
    if desk.kind != DeskKind.STATION:
        return tuple(said)
    return tuple(dict.fromkeys([*said, *jurisdiction]))


def _jurisdictions(session: Session) -> dict[int, tuple[str, ...]]:
    districts: dict[int, tuple[str, ...]] = defaultdict(tuple)
    for row in session.scalars(select(Jurisdiction).order_by(Jurisdiction.district)):
        districts[row.desk_id] += (row.district,)
    return districts
