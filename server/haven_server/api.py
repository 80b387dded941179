"""What all routes share: who is asking, the core, and problems as RFC 9457 documents."""

from http import HTTPStatus
from typing import Annotated, Any

import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from haven_server.core import Core
from haven_server.problems import Problem, Unauthorized
from haven_server.staff.access import Actor
from haven_server.staff.tokens import actor_of_token

log = structlog.get_logger()
_bearer = HTTPBearer(auto_error=False, description="API token")


def _core(request: Request) -> Core:
    core = request.app.state.core
    if not isinstance(core, Core):
        raise TypeError("the application was made without a core")
    return core


CoreDep = Annotated[Core, Depends(_core)]


def _actor(core: CoreDep, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]) -> Actor:
    if credentials is None:
        raise Unauthorized("send the header 'Authorization: Bearer <token>'")
    return actor_of_token(core, credentials.credentials)


ActorDep = Annotated[Actor, Depends(_actor)]


class ProblemDocument(BaseModel):
    """RFC 9457."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str


_PROBLEM = {"application/problem+json": {"schema": ProblemDocument.model_json_schema()}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"description": HTTPStatus(status).phrase, "content": _PROBLEM}
    for status in (400, 401, 403, 404, 409, 422, 503)
}


def tell_problems(app: FastAPI) -> None:
    """Answer every error with a problem document."""
    app.add_exception_handler(Problem, _problem)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(HTTPException, _http)
    for fault in (SQLAlchemyError, TimeoutError):
        app.add_exception_handler(fault, _database_away)
    app.add_exception_handler(Exception, _unforeseen)


def _document(status: int, title: str, detail: str, **facts: Any) -> JSONResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail} | facts
    headers = {"WWW-Authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
    return JSONResponse(
        jsonable_encoder(body), status_code=status, headers=headers, media_type="application/problem+json"
    )


async def _problem(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, Problem):
        raise error
    return _document(error.status, error.title, error.detail, **error.facts)


async def _validation(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, RequestValidationError):
        raise error
    faults = [{"where": ".".join(str(part) for part in fault["loc"]), "what": fault["msg"]} for fault in error.errors()]
    detail = "; ".join(f"{fault['where']}: {fault['what']}" for fault in faults[:5])
    return _document(HTTPStatus.UNPROCESSABLE_ENTITY, "Cannot be used", detail, faults=faults)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, HTTPException):
        raise error
    answer = _document(error.status_code, HTTPStatus(error.status_code).phrase, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


async def _database_away(_request: Request, error: Exception) -> JSONResponse:
    log.error("a request failed at the database", reason=f"{type(error).__name__}: {error}"[:300])
    detail = "the database does not take this now; try again in a moment, and look at /readyz"
    return _document(HTTPStatus.SERVICE_UNAVAILABLE, "Database away", detail)


async def _unforeseen(_request: Request, _error: Exception) -> JSONResponse:
    """What nobody has thought of; the web server writes its traceback into the log."""
    detail = "the server has a fault; what happened is in its log"
    return _document(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", detail)
