import pytest
from fastapi import FastAPI

from haven_server.app import create_app
from haven_server.core import Core
from haven_server.staff.access import Actor, Role
from haven_server.staff.tokens import create_token
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
    return create_app(core, list)


@pytest.fixture
def api(app: FastAPI, core: Core, admin: Actor) -> Api:
    """The administrator's calls."""
    return Api(app, create_token(core, admin, "admin", Role.ADMIN))
