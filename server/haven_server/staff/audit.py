from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.models import AuditLine
from haven_server.staff.access import Actor, May


def write_audit(session: Session, at: datetime, actor: Actor, action: str, subject: str, **detail: Any) -> None:
    """Append a line to the audit trail, in the transaction of what it tells. No personal data in `detail`."""
    session.execute(insert(AuditLine).values(at=at, actor=actor.name, action=action, subject=subject, detail=detail))


def list_audit(core: Core, actor: Actor, *, before: int | None = None, limit: int = 100) -> list[AuditLine]:
    """Lines of the audit trail, newest first; of those before a line."""
    actor.require(May.SEE_AUDIT)
    lines = select(AuditLine).order_by(AuditLine.id.desc()).limit(limit)
    if before is not None:
        lines = lines.where(AuditLine.id < before)
    with core.database.read() as session:
        return list(session.scalars(lines))
