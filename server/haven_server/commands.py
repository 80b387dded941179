"""Port through which operations send commands to devices; the MQTT side implements it, tests bring a fake."""

from typing import Protocol

from haven_contract.messages import Command


class SendsCommands(Protocol):
    """Sends a command to a device."""

    def send_command(self, device_id: str, command: Command) -> bool:
        """Publish it to every connected broker; False if none is connected."""
        ...
