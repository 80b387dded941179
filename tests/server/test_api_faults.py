"""What the API says when something breaks: always a problem document, never a bare error or a secret."""

import pytest
from sqlalchemy import text

from haven_server.app import create_app
from haven_server.staff.access import Actor, Role
from haven_server.staff.tokens import create_token
from server.asgi import Answer, Api
from server.scenario import Dispatch

ADMIN = Actor("park", Role.ADMIN)


def api(dispatch: Dispatch) -> Api:
    return Api(create_app(dispatch.core, list), create_token(dispatch.core, ADMIN, "test", Role.ADMIN))


def problem(answer: Answer) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status, answer.json["title"]


@pytest.mark.expects_error("a request failed at the database")
def test_a_database_that_fails_is_told_as_busy(dispatch: Dispatch) -> None:
    caller = api(dispatch)
    dispatch.core.database.writer.run(lambda session: session.execute(text("DROP TABLE trouble")))
    assert problem(caller.get("/api/v1/troubles")) == (503, "Database away")
