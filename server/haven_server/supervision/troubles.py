"""Troubles: silent failures that a person must see, each with its restoral.

News of a trouble may arrive late and in the wrong order, because they wait in the box's outbox. Each trouble therefore
keeps the newest news it has had, and older ones change nothing but its beginning.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
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

FAULTS: dict[str, tuple[str, str]] = {
    "stuck": ("The contact stays pressed: a press would not be noticed", "버튼이 눌린 채로 있음: 새 신고를 알 수 없음"),
    "pin": ("The contact cannot be read", "접점을 읽을 수 없음"),
    "store": ("The box's disk takes no events: a power cut would lose them", "저장 장치 고장: 정전 시 신고 유실 위험"),
    "store_replaced": ("The box's outbox was damaged and begun anew", "저장 파일이 손상되어 새로 만듦"),
    "outbox_full": (
        "The box's outbox is full: oldest reports are given up",
        "대기 신고가 가득 차 오래된 것부터 버림",
    ),
}
"""Words of `device_fault` by its `fault`."""

LONGEST_FAULT = 64


@dataclass(frozen=True, slots=True)
class Subject:
    """What is in trouble: an input of a box, or the box itself; and of a faulty box, which fault it is."""

    device_id: str
    kind: str
    source: str = DEVICE_SOURCE
    fault: str = ""


@dataclass(frozen=True, slots=True)
class News:
    """When something was said. Within one boot of the box its monotonic clock orders, else the time."""

    at: datetime
    boot_id: str | None = None
    mono_ms: int | None = None


def open_trouble(session: Session, subject: Subject, news: News, detail: dict[str, Any] | None = None) -> bool:
    """Open a trouble; False if it is open already, or over by what is known since."""
    known = _newest(session, subject)
    if known is not None and (known.restored_at is None or not _is_newer(news, known)):
        began = {"opened_at": min(known.opened_at, news.at)}
        _change(session, known, began | (_said(news) if _is_newer(news, known) else {}))
        return False
    row = _row(subject) | _said(news) | {"opened_at": news.at, "detail": detail or {}}
    return insert_or_ignore(session, Trouble, row) is not None


def restore_trouble(
    session: Session, subject: Subject, news: News, *, remember: bool = False, observed: bool = False
) -> bool:
    """Record the restoral; False if no such trouble was open, or a newer news says that it lasts.

    With `remember`, a restoral without its trouble is kept, for the trouble may be on its way still. With `observed`
    the server has seen for itself that it is over, and the clocks of two servers may differ.
    """
    known = _newest(session, subject)
    if known is not None and not observed and not _is_newer(news, known):
        return False
    if known is not None and known.restored_at is None:
        _change(session, known, _said(news) | {"restored_at": max(news.at, known.opened_at)})
        return True
    if remember:
        over = {"opened_at": news.at, "restored_at": news.at, "detail": {}}
        insert_or_ignore(session, Trouble, _row(subject) | _said(news) | over)
    return False


def fault_of(detail: Any) -> str:
    """Fault that an event's detail names; empty if it names none."""
    fault = detail.get("fault") if hasattr(detail, "get") else None
    return fault if isinstance(fault, str) and len(fault) <= LONGEST_FAULT else ""


def _newest(session: Session, subject: Subject) -> Trouble | None:
    """The open one, else the one that was over last."""
    return session.scalars(
        select(Trouble)
        .filter_by(**_row(subject))
        .order_by(Trouble.restored_at.is_not(None), Trouble.restored_at.desc(), Trouble.id.desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()


def _is_newer(news: News, known: Trouble) -> bool:
    same_boot = news.boot_id is not None and news.boot_id == known.said_boot_id
    if same_boot and news.mono_ms is not None and known.said_mono_ms is not None:
        return news.mono_ms >= known.said_mono_ms
    return news.at >= known.said_at


def _row(subject: Subject) -> dict[str, Any]:
    return {
        "device_id": subject.device_id,
        "subject": subject.source,
        "kind": subject.kind,
        "fault": subject.fault,
    }


def _said(news: News) -> dict[str, Any]:
    return {"said_at": news.at, "said_boot_id": news.boot_id, "said_mono_ms": news.mono_ms}


def _change(session: Session, known: Trouble, values: dict[str, Any]) -> None:
    session.execute(update(Trouble).where(Trouble.id == known.id).values(**values))
