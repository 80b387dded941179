"""The interface of a way to the police. CAP and DC-09 will join the webhook here."""

from dataclasses import dataclass
from typing import Protocol

from haven_server.police.deliveries import Parcel


@dataclass(frozen=True, slots=True)
class Answer:
    """What the desk's side said. `alerted` only if it named our incident, never for a mere 200 of some proxy."""

    alerted: bool
    error: str | None = None


class Channel(Protocol):
    """Delivers a parcel once. Raises nothing for what the network or the other side may do: that is an Answer."""

    async def deliver(self, parcel: Parcel) -> Answer:
        """Send, wait for the answer at most as long as the parcel allows."""
        ...

    async def close(self) -> None:
        """Give up kept connections."""
        ...
