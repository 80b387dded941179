"""Which incident a press belongs to (promise 9), and writing it there."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, insert, select, update
from sqlalchemy.orm import Session

from haven_contract.words import Stage
from haven_server.db.tables import EVENT, INCIDENT
from haven_server.incidents.flags import Flag, flag, merged
from haven_server.incidents.joining import RUNAWAY_COUNT, RUNAWAY_WINDOW, Candidate, has_run_away, incident_to_join
from haven_server.incidents.lifecycle import JOINABLE, STAGE_AFTER, State
from haven_server.incidents.origin import Origin
from haven_server.incidents.response import response_to
from haven_server.sites.record import stored_place
from haven_server.vault import Vault

UNCLOSED = 32
"""Newest unclosed incidents of a site that a press is compared with."""


def _unclosed(place: ColumnElement[bool]) -> Select[Any]:
    columns = ("id", "first_press_at", "last_press_at", "state", "response", "muted", "flags")
    return (
        select(*(INCIDENT.c[name] for name in columns))
        .where(place, INCIDENT.c.closed_at.is_(None), INCIDENT.c.is_test.is_(False))
        .order_by(INCIDENT.c.id.desc())
        .limit(UNCLOSED)
    )


_AT_SITE = _unclosed(INCIDENT.c.site_id == bindparam("site_id"))
_OF_BOX = _unclosed((INCIDENT.c.device_id == bindparam("device_id")) & INCIDENT.c.site_id.is_(None))
_INSERT = insert(INCIDENT).returning(INCIDENT.c.id)
_JOIN = (
    update(INCIDENT)
    .where(INCIDENT.c.id == bindparam("incident_id"))
    .values(
        presses=INCIDENT.c.presses + 1,
        rung_at=bindparam("now"),
        flags=bindparam("new_flags"),
        first_press_at=bindparam("new_first"),
        last_press_at=bindparam("new_last"),
    )
)
_RECENT = (
    select(EVENT.c.id)
    .where(
        EVENT.c.device_id == bindparam("device_id"),
        EVENT.c.source == bindparam("source"),
        EVENT.c.at > bindparam("since"),
        EVENT.c.at <= bindparam("until"),
    )
    .limit(RUNAWAY_COUNT)
    .subquery()
)
_COUNT_RECENT = select(func.count()).select_from(_RECENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """An event that asks for people."""

    source: str
    kind: str
    press_at: datetime | None
    received_at: datetime
    is_test: bool
    flags: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Opened:
    """What became of a press."""

    incident_id: int
    joined: bool
    runaway: bool
    stage: Stage
    """What the clerk is told: somebody may be on the way to the incident already."""


def unclosed_incidents(session: Session, origin: Origin) -> list[Row[Any]]:
    """Newest first; of a box without a site its own."""
    connection = session.connection()
    if origin.site is not None:
        return list(connection.execute(_AT_SITE, {"site_id": origin.site.id}).all())
    return list(connection.execute(_OF_BOX, {"device_id": origin.device_id}).all())


def open_or_join(session: Session, press: Press, origin: Origin, vault: Vault) -> Opened:
    """Join the press to the incident it belongs to, or open a new one, linked to the newest unclosed one of the site.

    The caller holds the lock of the place, so that no other server does the same meanwhile.
    """
    unclosed = [] if press.is_test else unclosed_incidents(session, origin)
    response = response_to(press.kind).response.value
    joinable = [
        row for row in unclosed if row.response == response and row.muted == origin.muted and row.state in JOINABLE
    ]
    candidates = [Candidate(row.id, row.first_press_at, row.last_press_at) for row in joinable]
    joined = incident_to_join(press.press_at, candidates)
    runaway = not press.is_test and _has_run_away(session, press, origin.device_id)
    if joined is None and runaway and press.press_at is None and joinable:
        # An input that keeps sending presses of unknown time opens no incident for each of them.
        joined = joinable[0].id
    if joined is None:
        linked = unclosed[0].id if unclosed else None
        return Opened(_open(session, press, origin, linked, vault), joined=False, runaway=False, stage=Stage.RECEIVED)
    (incident,) = (row for row in unclosed if row.id == joined)
    more = [*press.flags, flag(Flag.RUNAWAY, input=press.source)] if runaway else press.flags
    known = [at for at in (incident.first_press_at, incident.last_press_at, press.press_at) if at is not None]
    values = {
        "incident_id": joined,
        "now": press.received_at,
        "new_flags": merged(incident.flags, more),
        "new_first": min(known, default=None) if incident.first_press_at is not None else None,
        "new_last": max(known, default=None),
    }
    session.connection().execute(_JOIN, values)
    return Opened(joined, joined=True, runaway=runaway, stage=STAGE_AFTER.get(State(incident.state), Stage.RECEIVED))


def _open(session: Session, press: Press, origin: Origin, linked: int | None, vault: Vault) -> int:
    copy: dict[str, Any] = {"facts": None, "sealed": None}
    if origin.site is not None:
        copy = stored_place(origin.site.kind, origin.site.facts, vault)
    values = {
        "response": response_to(press.kind).response.value,
        "state": State.OPEN.value,
        "is_test": press.is_test,
        "muted": origin.muted,
        "device_id": origin.device_id,
        "site_id": origin.site.id if origin.site else None,
        "desk_id": origin.desk_id,
        "linked_id": linked,
        "first_press_at": press.press_at,
        "last_press_at": press.press_at,
        "opened_at": press.received_at,
        "rung_at": press.received_at,
        "flags": press.flags,
    }
    incident_id: int = session.connection().execute(_INSERT, values | copy).scalar_one()
    return incident_id


def _has_run_away(session: Session, press: Press, device_id: str) -> bool:
    """The press itself counts too, and is not written yet."""
    at = press.press_at or press.received_at
    window = {"device_id": device_id, "source": press.source, "since": at - RUNAWAY_WINDOW, "until": at}
    before: int = session.connection().execute(_COUNT_RECENT, window).scalar_one()
    return has_run_away(before + 1)
