"""Every route for every role: who may, who may not, and who is nobody."""

import shutil
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from haven_server.core import Core
from haven_server.desks.operations import save_desk
from haven_server.devices.operations import put_device
from haven_server.devices.views import DeviceForm
from haven_server.sites.operations import put_site
from haven_server.staff.access import Actor, Role
from haven_server.staff.tokens import create_token
from server.asgi import Answer, Api
from server.registry.builders import SITES_HEADER, desks_file, station, store

EVERYBODY = frozenset(Role)
ADMIN = frozenset({Role.ADMIN})
COMMANDING = frozenset({Role.ADMIN, Role.DISPATCHER, Role.TECHNICIAN})
FITTING = frozenset({Role.ADMIN, Role.TECHNICIAN})
SEEING = frozenset({Role.ADMIN, Role.DISPATCHER, Role.POLICE, Role.AUDITOR})
HANDLING = frozenset({Role.ADMIN, Role.DISPATCHER, Role.POLICE})
AUDITING = frozenset({Role.ADMIN, Role.AUDITOR})

SITES, DESKS, DEVICES = "/api/v1/sites", "/api/v1/desks", "/api/v1/devices"
INCIDENTS = "/api/v1/incidents"
STORE = store().model_dump(mode="json")
DESK = {"station": "서울송파경찰서", "kind": "station"}
WEBHOOK = {"kind": "webhook", "url": "https://desk.example/"}
UPLOADS = {
    f"{SITES}/import": f"{SITES_HEADER}\n한빛마트 가람점,강동구,서울특별시 강동구 가람로 1,,,,\n".encode(),
    f"{DESKS}/import": desks_file("1,서울청,서울송파,라온,지구대,서울특별시 송파구 라온로 4"),
}


@dataclass(frozen=True)
class Route:
    method: str
    path: str
    """With its parameters, as the application has it."""
    may: frozenset[Role]
    body: Any = None
    status: int = 200
    """For who may, in the state that the fixture makes."""


ROUTES = (
    Route("GET", SITES, EVERYBODY),
    Route("POST", f"{SITES}/import", ADMIN),
    Route("GET", f"{SITES}/{{code}}", EVERYBODY),
    Route("PUT", f"{SITES}/{{code}}", ADMIN, STORE),
    Route("POST", f"{SITES}/{{code}}/close", ADMIN),
    Route("GET", DESKS, EVERYBODY),
    Route("PUT", DESKS, ADMIN, DESK),
    Route("POST", f"{DESKS}/import", ADMIN),
    Route("GET", f"{DESKS}/{{desk_id}}", EVERYBODY),
    Route("PUT", f"{DESKS}/{{desk_id}}", ADMIN, DESK),
    Route("DELETE", f"{DESKS}/{{desk_id}}", ADMIN, status=204),
    Route("PUT", f"{DESKS}/{{desk_id}}/channels/{{rank}}", ADMIN, WEBHOOK),
    Route("DELETE", f"{DESKS}/{{desk_id}}/channels/{{rank}}", ADMIN, status=404),
    Route("GET", DEVICES, EVERYBODY),
    Route("GET", f"{DEVICES}/{{device_id}}", EVERYBODY),
    Route("PUT", f"{DEVICES}/{{device_id}}", FITTING, {"site": "A-1"}),
    Route("PUT", f"{DEVICES}/{{device_id}}/inputs/{{source}}", FITTING, {"label": "계산대"}),
    Route("POST", f"{DEVICES}/{{device_id}}/retire", FITTING, {"reason": "폐업"}),
    Route("POST", f"{DEVICES}/{{device_id}}/revoke", FITTING, {"reason": "도난"}),
    Route("POST", f"{DEVICES}/{{device_id}}/tests", COMMANDING, {"source": "button:counter"}, 201),
    Route("GET", f"{DEVICES}/{{device_id}}/tests", EVERYBODY),
    Route("POST", f"{DEVICES}/{{device_id}}/commands", COMMANDING, {"action": "identify"}, 202),
    Route("GET", f"{DEVICES}/{{device_id}}/commands", EVERYBODY),
    Route("GET", f"{DEVICES}/{{device_id}}/commands/{{command_id}}", EVERYBODY, status=404),
    Route("GET", "/api/v1/troubles", EVERYBODY),
    Route("GET", INCIDENTS, SEEING),
    Route("GET", f"{INCIDENTS}/{{incident_id}}", SEEING, status=404),
    *(
        Route("POST", f"{INCIDENTS}/{{incident_id}}/{step}", HANDLING, {"version": 1}, 404)
        for step in ("acknowledge", "dispatch", "arrive", "reopen")
    ),
    Route("POST", f"{INCIDENTS}/{{incident_id}}/close", HANDLING, {"version": 1, "disposition": "real"}, 404),
    Route("GET", "/api/v1/audit", AUDITING),
    Route("GET", "/api/v1/tokens", ADMIN),
    Route("POST", "/api/v1/tokens", ADMIN, {"name": "new", "role": "police"}, 201),
    Route("POST", "/api/v1/tokens/{name}/revoke", ADMIN, status=204),
)


@pytest.fixture
def database_url(sqlite_template: Path, tmp_path: Path) -> str:
    """One kind of database is enough for who may do what."""
    return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'haven.db')}"


@pytest.fixture
def places(core: Core, admin: Actor) -> dict[str, str]:
    """One of each thing, and what stands for it in a path."""
    put_site(core, admin, "A-1", store())
    desk = save_desk(core, admin, station())
    put_device(core, admin, "box-1", DeviceForm(site="A-1"))
    create_token(core, admin, "old", Role.POLICE)
    return {
        "code": "A-1",
        "desk_id": str(desk.id),
        "rank": "1",
        "device_id": "box-1",
        "source": "button:counter",
        "command_id": "00000000-0000-4000-8000-000000000000",
        "name": "old",
        "incident_id": "999",
    }


def call(api: Api, route: Route, places: dict[str, str]) -> Answer:
    path = route.path.format(**places)
    if path in UPLOADS:
        return api.upload(path, UPLOADS[path])
    return api.call(route.method, path, route.body)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_role_may_what_it_may_and_no_more(
    app: FastAPI, core: Core, admin: Actor, places: dict[str, str], route: Route
) -> None:
    callers = {role: Api(app, create_token(core, admin, f"caller {role}", role)) for role in Role}
    for role in set(Role) - route.may:
        answer = call(callers[role], route, places)
        assert (role, answer.status) == (role, HTTPStatus.FORBIDDEN)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json["detail"].startswith(f"the role {role} may not ")
    # What those who may have done before may stand in the way, but that is no matter of permission.
    for again, role in enumerate(sorted(route.may)):
        answer = call(callers[role], route, places)
        assert answer.status == route.status or (again and answer.status == HTTPStatus.CONFLICT), (role, answer.body)


@pytest.mark.parametrize("token", [None, "haven_made-up"], ids=["no token", "no such token"])
def test_without_a_token_nothing_is_told(app: FastAPI, places: dict[str, str], token: str | None) -> None:
    for route in ROUTES:
        answer = call(Api(app, token), route, places)
        assert (route, answer.status) == (route, HTTPStatus.UNAUTHORIZED)
        assert answer.headers["www-authenticate"] == "Bearer"
        assert answer.json["title"] == "Token needed"


def test_the_table_has_every_route(app: FastAPI) -> None:
    there = {
        (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method in methods
        if path.startswith("/api/")
    }
    assert {(route.method, route.path) for route in ROUTES} == there
