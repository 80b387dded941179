from dataclasses import dataclass

from haven_server.presstime import Arrival


@dataclass(frozen=True, slots=True)
class Inbound:
    """A message of a device as the broker delivered it."""

    topic: str
    payload: bytes
    arrival: Arrival
