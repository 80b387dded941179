"""The timeline: what happened to an incident, with its time. Lines are written in the transaction of what they tell."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from haven_server.db.tables import INCIDENT_STEP

SERVER = "haven"
"""Actor of what no person did."""

_WRITE = insert(INCIDENT_STEP)


class Line(StrEnum):
    """Kinds of lines besides the steps of the lifecycle."""

    PRESSED = "pressed"
    RECEIVED = "received"
    JOINED = "joined"
    POLICE_TRIED = "police_tried"
    POLICE_ALERTED = "police_alerted"
    POLICE_NOT_REACHED = "police_not_reached"
    POLICE_GIVEN_UP = "police_given_up"
    CANCEL_REQUESTED = "cancel_requested"
    RESTORED = "restored"


def write_line(
    session: Session,
    incident_id: int,
    at: datetime,
    what: str,
    actor: str = SERVER,
    *,
    sealed_note: bytes | None = None,
    **detail: Any,
) -> None:
    """Append a line. What a person writes about a home goes into `sealed_note`."""
    row = {
        "incident_id": incident_id,
        "at": at,
        "what": str(what),
        "actor": actor,
        "detail": detail,
        "sealed_note": sealed_note,
    }
    session.connection().execute(_WRITE, row)
