"""API tokens over HTTP."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import StringConstraints

from haven_server.api import PROBLEMS, ActorDep, CoreDep
from haven_server.sites.forms import Form, View
from haven_server.staff.access import Role
from haven_server.staff.tokens import create_token, list_tokens, revoke_token

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"], responses=PROBLEMS)

NAME_PATTERN = r"^[0-9A-Za-z가-힣][0-9A-Za-z가-힣._@ -]{0,63}$"


class TokenForm(Form):
    """A token to be made."""

    name: Annotated[str, StringConstraints(pattern=NAME_PATTERN)]
    """Of the machine or person: it stands in timelines and in the audit trail."""
    role: Role


class NewToken(View):
    """A token that was made."""

    name: str
    role: Role
    token: str
    """Send it as `Authorization: Bearer …`. It is shown now and never again."""


class TokenView(View):
    """A token, without its text."""

    name: str
    role: Role
    created_at: datetime
    revoked_at: datetime | None
    """Null while it is in force."""


@router.post("", summary="Make a token", status_code=HTTPStatus.CREATED)
def create(core: CoreDep, actor: ActorDep, form: TokenForm) -> NewToken:
    """Its text is in this answer and in no other."""
    return NewToken(name=form.name, role=form.role, token=create_token(core, actor, form.name, form.role))


@router.get("", summary="List tokens")
def list_them(core: CoreDep, actor: ActorDep) -> list[TokenView]:
    """By name, those that have ended too."""
    return [
        TokenView(name=row.name, role=Role(row.role), created_at=row.created_at, revoked_at=row.revoked_at)
        for row in list_tokens(core, actor)
    ]


@router.post("/{name}/revoke", summary="End a token at once", status_code=HTTPStatus.NO_CONTENT)
def revoke(core: CoreDep, actor: ActorDep, name: Annotated[str, Path(pattern=NAME_PATTERN)]) -> None:
    """Its name stays taken, so that the audit trail never means two by one name."""
    revoke_token(core, actor, name)
