"""Port through which the server speaks to devices; ingest.link implements it on MQTT, tests bring a fake."""

from typing import Protocol

from haven_contract.messages import Alive, Command, Receipt


class Outbound(Protocol):
    """Sends to one device, through every broker that is connected."""

    def send_receipt(self, device_id: str, receipt: Receipt) -> None:
        """Tell how far an event has got. May be lost: it is repeated when the device or the server returns."""
        ...

    def send_alive(self, device_id: str, alive: Alive) -> None:
        """Tell a box that it is protected."""
        ...

    def send_command(self, device_id: str, command: Command) -> bool:
        """Ask a box for something; False if no broker is connected."""
        ...
