from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from haven_server.models import AuditLine
from haven_server.staff.access import Actor


def write_audit(session: Session, at: datetime, actor: Actor, action: str, subject: str, **detail: Any) -> None:
    """Append a line to the audit trail, in the transaction of what it tells. No personal data in `detail`."""
    session.execute(insert(AuditLine).values(at=at, actor=actor.name, action=action, subject=subject, detail=detail))
