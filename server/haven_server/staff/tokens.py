"""API tokens: made once, shown once, kept as hashes."""

import hashlib
import secrets

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.db.upsert import insert_or_ignore
from haven_server.models import ApiToken
from haven_server.problems import Conflict, NotFound, Unauthorized
from haven_server.staff.access import Actor, May, Role
from haven_server.staff.audit import write_audit

_PREFIX = "haven_"


def create_token(core: Core, actor: Actor, name: str, role: Role) -> str:
    """Make a token and give its text, which is not kept; Conflict if the name is taken."""
    actor.require(May.MANAGE_TOKENS)
    text = _PREFIX + secrets.token_urlsafe(32)
    now = core.clock.now()

    def job(session: Session) -> None:
        row = {"name": name, "role": role.value, "token_hash": _hash(text), "created_at": now}
        if insert_or_ignore(session, ApiToken, row) is None:
            raise Conflict(f"there is a token named {name!r} already; revoke it or choose another name")
        write_audit(session, now, actor, "create token", name, role=role.value)

    core.database.writer.run(job)
    return text


def revoke_token(core: Core, actor: Actor, name: str) -> None:
    """End a token at once; NotFound if there is none of that name in force."""
    actor.require(May.MANAGE_TOKENS)
    now = core.clock.now()

    def job(session: Session) -> None:
        ended = session.execute(
            update(ApiToken)
            .where(ApiToken.name == name, ApiToken.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(ApiToken.id)
        ).first()
        if ended is None:
            raise NotFound(f"no token named {name!r} is in force")
        write_audit(session, now, actor, "revoke token", name)

    core.database.writer.run(job)


def list_tokens(core: Core, actor: Actor) -> list[ApiToken]:
    """All tokens, the ended ones too."""
    actor.require(May.MANAGE_TOKENS)
    with core.database.read() as session:
        return list(session.scalars(select(ApiToken).order_by(ApiToken.name)))


def actor_of_token(core: Core, text: str) -> Actor:
    """Whose token it is; Unauthorized if it is none in force."""
    with core.database.read() as session:
        row = session.scalars(
            select(ApiToken).where(ApiToken.token_hash == _hash(text), ApiToken.revoked_at.is_(None))
        ).first()
    if row is None:
        raise Unauthorized("this token is not valid; ask an administrator for one")
    return Actor(row.name, Role(row.role))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
