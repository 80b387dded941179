from dataclasses import dataclass

from haven_server.clock import Clock
from haven_server.db.database import Database
from haven_server.outbound import Outbound
from haven_server.vault import Vault


@dataclass(frozen=True, slots=True)
class Core:
    """What operations work with. Made once at start, by a test as well as by the server."""

    database: Database
    vault: Vault
    clock: Clock
    outbound: Outbound
    server: str
