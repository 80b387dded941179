from collections.abc import Callable
from http import HTTPStatus
from importlib.metadata import version

from fastapi import FastAPI, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import generate_latest

from haven_server import metrics
from haven_server.api import tell_problems
from haven_server.core import Core
from haven_server.desks.routes import router as desks
from haven_server.devices.routes import router as devices
from haven_server.incidents.routes import router as incidents
from haven_server.sites.routes import router as sites
from haven_server.staff.routes import audit
from haven_server.staff.routes import router as staff
from haven_server.supervision.routes import router as supervision

DESCRIPTION = (
    "Haven's dispatch server. Send an API token as `Authorization: Bearer …`. Errors are RFC 9457 problem documents."
)


def create_app(core: Core, not_ready: Callable[[], list[str]]) -> FastAPI:
    """HTTP side of the server. `not_ready` gives what keeps it from its work, in words."""
    app = FastAPI(
        title="Haven",
        version=version("haven"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        openapi_url="/api/v1/openapi.json",
    )
    app.state.core = core
    tell_problems(app)
    for router in (incidents, sites, desks, devices, supervision, staff, audit):
        app.include_router(router)

    @app.get("/healthz", tags=["operation"], summary="The process runs", response_class=PlainTextResponse)
    def healthz() -> str:
        """For the process supervisor: it says nothing of database or broker."""
        return "ok\n"

    @app.get("/readyz", tags=["operation"], summary="Database and broker work: alarms get through")
    def readyz() -> JSONResponse:
        """503 with the faults in words."""
        faults = not_ready()
        status = HTTPStatus.SERVICE_UNAVAILABLE if faults else HTTPStatus.OK
        return JSONResponse({"ready": not faults, "faults": faults}, status_code=status)

    @app.get("/metrics", tags=["operation"], summary="Prometheus metrics", response_class=PlainTextResponse)
    def prometheus() -> Response:
        """No label names a home, a person or an address."""
        return Response(generate_latest(metrics.REGISTRY), media_type="text/plain; version=0.0.4; charset=utf-8")

    return app
