import pytest
from fastapi import FastAPI

from haven_server.api import tell_problems
from haven_server.core import Core
from haven_server.desks.routes import router as desks
from haven_server.devices.routes import router as devices
from haven_server.sites.routes import router as sites
from haven_server.staff.access import Actor, Role
from haven_server.staff.routes import router as tokens
from haven_server.staff.tokens import create_token
from haven_server.supervision.routes import router as troubles
from server.asgi import Api
from server.scenario import Dispatch


@pytest.fixture
def core(dispatch: Dispatch) -> Core:
    return dispatch.core


@pytest.fixture
def admin() -> Actor:
    return Actor("anna", Role.ADMIN)


@pytest.fixture
def app(core: Core) -> FastAPI:
    app = FastAPI()
    app.state.core = core
    tell_problems(app)
    for router in (sites, desks, devices, tokens, troubles):
        app.include_router(router)
    return app


@pytest.fixture
def api(app: FastAPI, core: Core, admin: Actor) -> Api:
    """The administrator's calls."""
    return Api(app, create_token(core, admin, "admin", Role.ADMIN))
