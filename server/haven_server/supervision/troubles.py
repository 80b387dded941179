"""Troubles: silent failures that a person must see, each with its restoral."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from haven_contract.words import DEVICE_SOURCE, Kind
from haven_server.db.upsert import insert_or_ignore
from haven_server.models import Trouble

OFFLINE = "offline"
"""Kind of the trouble that a box has not been heard within its reporting time, or said good-bye by its last will."""

WORDS: dict[str, tuple[str, str]] = {
    OFFLINE: ("The box does not answer: the store is not protected", "통신 두절: 점포가 보호되지 않음"),
    Kind.BATTERY_LOW: ("Battery low: replace it", "배터리 부족: 교체 필요"),
    Kind.POWER_LOST: ("Mains power lost", "전원 꺼짐"),
    Kind.PENDANT_MISSING: ("Pendant not heard within its reporting time", "무선벨 응답 없음"),
    Kind.RECEIVER_LOST: ("Radio receiver lost: pendants do not work", "수신기 고장: 무선벨 사용 불가"),
    Kind.DEVICE_FAULT: ("Fault of the box", "기기 고장"),
}


def open_trouble(
    session: Session, device_id: str, kind: str, at: datetime, *, subject: str = DEVICE_SOURCE, detail: Any = None
) -> bool:
    """Open a trouble; False if it is open already."""
    row = {
        "device_id": device_id,
        "subject": subject,
        "kind": kind,
        "opened_at": at,
        "detail": dict(detail or {}),
    }
    return insert_or_ignore(session, Trouble, row) is not None


def restore_trouble(session: Session, device_id: str, kind: str, at: datetime, *, subject: str = DEVICE_SOURCE) -> bool:
    """Record the restoral; False if no such trouble was open."""
    closed = session.execute(
        update(Trouble)
        .where(
            Trouble.device_id == device_id,
            Trouble.subject == subject,
            Trouble.kind == kind,
            Trouble.restored_at.is_(None),
        )
        .values(restored_at=at)
        .returning(Trouble.id)
    )
    return closed.first() is not None
