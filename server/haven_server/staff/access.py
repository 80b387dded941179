"""Who may do what. Operations ask for a permission; routes never do."""

from dataclasses import dataclass
from enum import StrEnum

from haven_server.problems import Forbidden


class Role(StrEnum):
    """Roles of people and machines."""

    DISPATCHER = "dispatcher"
    POLICE = "police"
    TECHNICIAN = "technician"
    ADMIN = "admin"
    AUDITOR = "auditor"


class May(StrEnum):
    """Permissions."""

    SEE_INCIDENTS = "see incidents"
    HANDLE_INCIDENTS = "handle incidents"
    SEE_REGISTRY = "see sites, devices and desks"
    SEE_HOMES = "see the addresses of homes"
    CHANGE_REGISTRY = "change sites and desks"
    CHANGE_DEVICES = "change devices"
    COMMAND_DEVICES = "test and command devices"
    SEE_TROUBLES = "see troubles"
    MANAGE_TOKENS = "manage tokens"
    SEE_AUDIT = "see the audit trail"


_EVERYBODY = frozenset({May.SEE_REGISTRY, May.SEE_TROUBLES})
PERMISSIONS: dict[Role, frozenset[May]] = {
    Role.DISPATCHER: _EVERYBODY | {May.SEE_INCIDENTS, May.HANDLE_INCIDENTS, May.COMMAND_DEVICES},
    Role.POLICE: _EVERYBODY | {May.SEE_INCIDENTS, May.HANDLE_INCIDENTS},
    Role.TECHNICIAN: _EVERYBODY | {May.CHANGE_DEVICES, May.COMMAND_DEVICES},
    Role.ADMIN: frozenset(May),
    Role.AUDITOR: _EVERYBODY | {May.SEE_INCIDENTS, May.SEE_AUDIT},
}


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking."""

    name: str
    role: Role

    def require(self, permission: May) -> None:
        """Raise Forbidden unless the role has the permission."""
        if not self.may(permission):
            raise Forbidden(f"the role {self.role} may not {permission}")

    def may(self, permission: May) -> bool:
        """Whether the role has the permission."""
        return permission in PERMISSIONS[self.role]
