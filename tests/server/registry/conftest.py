from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from cryptography.fernet import Fernet
from fastapi import FastAPI
from server.asgi import Api
from server.clocks import ManualClock

from haven_contract.messages import Alive, Command, Receipt
from haven_server.api import tell_problems
from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.desks.routes import router as desks
from haven_server.devices.routes import router as devices
from haven_server.sites.routes import router as sites
from haven_server.staff.access import Actor, Role
from haven_server.staff.routes import router as tokens
from haven_server.staff.tokens import create_token
from haven_server.supervision.routes import router as troubles
from haven_server.vault import Vault

ADMIN = Actor("anna", Role.ADMIN)


@dataclass
class FakeOutbound:
    """Stands where the brokers are; `connected` False is a server without any."""

    connected: bool = True
    commands: list[tuple[str, Command]] = field(default_factory=list)

    def send_command(self, device_id: str, command: Command) -> bool:
        if self.connected:
            self.commands.append((device_id, command))
        return self.connected

    def send_receipt(self, device_id: str, receipt: Receipt) -> None:
        raise AssertionError(f"the registry sends no receipts: {device_id} {receipt}")

    def send_alive(self, device_id: str, alive: Alive) -> None:
        raise AssertionError(f"the registry answers no heartbeats: {device_id} {alive}")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def outbound() -> FakeOutbound:
    return FakeOutbound()


@pytest.fixture
def core(database_url: str, clock: ManualClock, outbound: FakeOutbound) -> Iterator[Core]:
    with Database(database_url) as database:
        yield Core(database, Vault([Fernet.generate_key()]), clock, outbound, "server1")


@pytest.fixture
def admin() -> Actor:
    return ADMIN


@pytest.fixture
def app(core: Core) -> FastAPI:
    app = FastAPI()
    app.state.core = core
    tell_problems(app)
    for router in (sites, desks, devices, tokens, troubles):
        app.include_router(router)
    return app


@pytest.fixture
def api(app: FastAPI, core: Core) -> Api:
    """The administrator's calls."""
    return Api(app, create_token(core, ADMIN, "admin", Role.ADMIN))
