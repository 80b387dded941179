"""API tokens and the audit trail over HTTP."""

from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import StringConstraints

from haven_server.api import PROBLEMS, ActorDep, CoreDep
from haven_server.sites.forms import Form, View
from haven_server.staff.access import Role
from haven_server.staff.audit import list_audit
from haven_server.staff.tokens import create_token, list_tokens, revoke_token

router = APIRouter(prefix="/api/v1/tokens", tags=["tokens"], responses=PROBLEMS)
audit = APIRouter(prefix="/api/v1/audit", tags=["audit"], responses=PROBLEMS)

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


class AuditView(View):
    """Who did what."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]


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


@audit.get("", summary="The audit trail, newest first")
def list_lines(
    core: CoreDep,
    actor: ActorDep,
    *,
    before: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Only lines before this one.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[AuditView]:
    """Without personal data."""
    return [
        AuditView(
            id=line.id, at=line.at, actor=line.actor, action=line.action, subject=line.subject, detail=line.detail
        )
        for line in list_audit(core, actor, before=before, limit=limit)
    ]
