"""What an import makes of a row, and of a file: the shapes that the other parts of the package hand on."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from haven_server.importing.findings import FileRefusal, Finding
from haven_server.importing.phones import Phone

SiteKind = Literal["store", "home"]
DeskType = Literal["경찰서", "지구대", "파출소", "치안센터"]
D = TypeVar("D")


@dataclass(frozen=True, slots=True)
class SiteDraft:
    """A site as a row states it. None, an empty text and an empty tuple mean: the row does not say.

    `road_address` is exactly what the row has, stripped of outer white space (the lot address where the row has no
    other). `code` is Haven's own site code, `desk_name` the desk in the file's words (`resolve` finds the desk),
    `district` a name such as `강동구`, `lat` and `lon` are degrees (WGS 84), both or neither.
    """

    kind: SiteKind
    name: str
    road_address: str
    code: str | None = None
    brand: str = ""
    detail: str = ""
    lot_address: str = ""
    postal_code: str = ""
    district: str | None = None
    lat: float | None = None
    lon: float | None = None
    phones: tuple[Phone, ...] = ()
    desk_name: str = ""
    designated_year: int | None = None
    operating: bool | None = None
    notes: str = ""


@dataclass(frozen=True, slots=True)
class DeskDraft:
    """A police desk as a row states it: a station (경찰서) or a box of one. Its key is station + name + type.

    `station` is the station's full name (`서울강남경찰서`); of a station itself `name` is empty, of a box it is the
    name without its type (`신사`). `districts` has the district of the box's address, of a station those of its boxes.
    """

    station: str
    name: str
    type: DeskType
    authority: str = ""
    address: str = ""
    districts: tuple[str, ...] = ()
    lat: float | None = None
    lon: float | None = None
    phones: tuple[Phone, ...] = ()

    @property
    def title(self) -> str:
        """How people call it: `신사지구대`, `서울강남경찰서`."""
        return f"{self.name}{self.type}" if self.name else self.station


@dataclass(frozen=True, slots=True)
class Drafted(Generic[D]):
    """A row that can be imported."""

    row: int
    draft: D


@dataclass(frozen=True, slots=True)
class Refused:
    """A row that is not imported, and what it is about: a refused row still shows that its site exists."""

    row: int
    finding: Finding
    code: str | None = None
    place: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Import(Generic[D]):
    """What a file holds. Where `refusal` is set, the whole file is refused and all else is empty.

    Every row below the header that is not blank is in `drafted` or in `refused`. `columns` maps the fields that the
    file has to its own headers; `unused` are headers that say nothing to Haven. `private` are rows of homes (or of a
    kind that cannot be read): a report shows nothing of them but their number.
    """

    drafted: tuple[Drafted[D], ...] = ()
    refused: tuple[Refused, ...] = ()
    findings: tuple[Finding, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    unused: tuple[str, ...] = ()
    encoding: str = ""
    private: frozenset[int] = frozenset()
    refusal: FileRefusal | None = None
