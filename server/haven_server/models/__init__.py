"""Tables, nothing else. Personal data of homes stand only in the `sealed` columns (see vault.py)."""

from haven_server.models.base import Base
from haven_server.models.devices import Device, DeviceBoot, DeviceInput, DeviceStatus, OpenTest, SentCommand
from haven_server.models.incidents import Event, Incident, IncidentStep
from haven_server.models.police import Delivery, Notice
from haven_server.models.registry import Desk, DeskChannel, Jurisdiction, Site
from haven_server.models.staff import ApiToken, AuditLine, SealedProof
from haven_server.models.supervision import Listening, Trouble

__all__ = [
    "ApiToken",
    "AuditLine",
    "Base",
    "Delivery",
    "Desk",
    "DeskChannel",
    "Device",
    "DeviceBoot",
    "DeviceInput",
    "DeviceStatus",
    "Event",
    "Incident",
    "IncidentStep",
    "Jurisdiction",
    "Listening",
    "Notice",
    "OpenTest",
    "SealedProof",
    "SentCommand",
    "Site",
    "Trouble",
]
