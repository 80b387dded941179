"""Where an event comes from, as its incident keeps it."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class SiteNow:
    """A site as it is registered now."""

    id: int
    kind: str
    facts: dict[str, Any]
    """What an incident copies: the place, and `code`, `kind` and `district` of the site."""


@dataclass(frozen=True, slots=True)
class Origin:
    """A box at its site, as registered now."""

    device_id: str
    site: SiteNow | None
    desk_id: int
    muted: bool
    """Recorded and shown, no police."""
    flags: list[dict[str, Any]]
