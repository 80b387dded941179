"""What can go wrong in an operation, in words for the person who asked; the API tells them as RFC 9457 documents."""

from http import HTTPStatus
from typing import Any


class Problem(Exception):
    """Base of them all. `facts` are further members of the problem document."""

    status = HTTPStatus.INTERNAL_SERVER_ERROR
    title = "Something went wrong"

    def __init__(self, detail: str, **facts: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.facts = facts


class NotFound(Problem, LookupError):
    """No such thing, or none that this person may see."""

    status = HTTPStatus.NOT_FOUND
    title = "Not found"


class Invalid(Problem, ValueError):
    """The request cannot be used; the detail says what to change."""

    status = HTTPStatus.UNPROCESSABLE_ENTITY
    title = "Cannot be used"


class Conflict(Problem):
    """Somebody else was first, or the thing is not in a state that allows this."""

    status = HTTPStatus.CONFLICT
    title = "Not possible now"


class Forbidden(Problem, PermissionError):
    """The role does not allow it."""

    status = HTTPStatus.FORBIDDEN
    title = "Not allowed"


class Unauthorized(Problem, PermissionError):
    """No token, or one that is not valid."""

    status = HTTPStatus.UNAUTHORIZED
    title = "Token needed"


class Busy(Problem, RuntimeError):
    """Try again in a moment."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    title = "Busy"


class Misconfigured(Exception):
    """A setting that the server cannot start with; the text names it."""
