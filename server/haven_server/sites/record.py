"""What is known of a place. Stored plain for a store, sealed for a home; an incident keeps a copy of it."""

from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, Protocol, Self

from haven_server.vault import Vault


class SiteKind(StrEnum):
    """A store that the city has designated, or a home of the patrol programme."""

    STORE = "store"
    HOME = "home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The registered address is the truth: nothing here is ever corrected by geocoding."""

    name: str
    road_address: str
    detail: str | None = None
    """Floor, entrance, door."""
    lot_address: str | None = None
    postal_code: str | None = None
    lat: float | None = None
    """WGS 84, degrees."""
    lon: float | None = None
    phones: list[str] = field(default_factory=list)
    """As registered, the first to be called first."""
    contacts: list[dict[str, str]] = field(default_factory=list)
    """`{"name", "phone", "role"}` each."""
    brand: str | None = None
    designated_year: int | None = None
    notes: str | None = None
    """For the officers who come."""

    def as_facts(self) -> dict[str, Any]:
        """JSON object."""
        return asdict(self)

    @classmethod
    def of_facts(cls, facts: dict[str, Any]) -> Self:
        """Reverse of `as_facts`; fields of another version are left out."""
        return cls(**{name: facts[name] for name in (known.name for known in fields(cls)) if name in facts})


class HoldsPlace(Protocol):
    """A row with a plain and a sealed column for a place."""

    facts: dict[str, Any] | None
    sealed: bytes | None


def stored_place(kind: str, facts: dict[str, Any], vault: Vault) -> dict[str, Any]:
    """Columns `facts` and `sealed` for a place of that kind of site."""
    if kind == SiteKind.HOME:
        return {"facts": None, "sealed": vault.seal_json(facts)}
    return {"facts": facts, "sealed": None}


def open_place(row: HoldsPlace, vault: Vault) -> Place | None:
    """Place of a site or an incident; None for an incident without a site."""
    if row.sealed is not None:
        return Place.of_facts(vault.open_json(row.sealed))
    return Place.of_facts(row.facts) if row.facts is not None else None
