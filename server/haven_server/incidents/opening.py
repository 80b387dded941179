"""A press opens an incident or joins one, and the police are told, all in the event's own transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, select, update
from sqlalchemy.orm import Session

from haven_contract.words import Stage
from haven_server.incidents.flags import Flag, flag, merged
from haven_server.incidents.joining import RUNAWAY_COUNT, RUNAWAY_WINDOW, Candidate, has_run_away, incident_to_join
from haven_server.incidents.lifecycle import JOINABLE, STAGE_AFTER, State
from haven_server.incidents.response import Response, response_to
from haven_server.incidents.timeline import Line, write_line
from haven_server.ingest.origin import Origin
from haven_server.models import Event, Incident
from haven_server.police.notices import open_notice
from haven_server.sites.record import SiteKind, stored_place
from haven_server.vault import Vault

CANDIDATES = 8
"""Newest incidents that a press is compared with; within 5 minutes there are hardly more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """An event that asks for people."""

    event_id: int
    device_id: str
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
    deliveries: list[int]
    stage: Stage


def open_or_join(session: Session, press: Press, origin: Origin, vault: Vault, server: str) -> Opened:
    """Join the press to the incident it belongs to, or open a new one, linked to an unclosed one of the site."""
    response = response_to(press.kind)
    runaway = False
    incident_id = None if press.is_test else _joinable(session, press, origin, response)
    if incident_id is None:
        incident_id = _open(session, press, origin, response, vault)
    else:
        runaway = _has_run_away(session, press)
        _join(session, incident_id, press, runaway=runaway)
    stage = _stage_of(session, incident_id)
    session.execute(update(Event).where(Event.id == press.event_id).values(incident_id=incident_id, stage=stage.value))
    deliveries: list[int] = []
    if response.police and not origin.muted:
        deliveries = open_notice(
            session,
            incident_id=incident_id,
            event_id=press.event_id,
            desk_id=origin.desk_id,
            now=press.received_at,
            runaway=runaway,
            server=server,
        )
    return Opened(incident_id, deliveries, stage)


def _same_place(press: Press, origin: Origin) -> ColumnElement[bool]:
    if origin.site is not None:
        return Incident.site_id == origin.site.id
    return (Incident.device_id == press.device_id) & Incident.site_id.is_(None)


def _joinable(session: Session, press: Press, origin: Origin, response: Response) -> int | None:
    found = session.execute(
        select(Incident.id, Incident.first_press_at)
        .where(
            _same_place(press, origin),
            Incident.response == response.response.value,
            Incident.state.in_([state.value for state in JOINABLE]),
            Incident.is_test.is_(False),
            Incident.muted.is_(origin.muted),
        )
        .order_by(Incident.id.desc())
        .limit(CANDIDATES)
    ).all()
    return incident_to_join(press.press_at, [Candidate(row.id, row.first_press_at) for row in found])


def _open(session: Session, press: Press, origin: Origin, response: Response, vault: Vault) -> int:
    linked = None
    if not press.is_test:
        linked = session.execute(
            select(func.max(Incident.id)).where(
                _same_place(press, origin), Incident.closed_at.is_(None), Incident.is_test.is_(False)
            )
        ).scalar()
    copy: dict[str, Any] = {"facts": None, "sealed": None}
    if origin.site is not None and origin.place is not None:
        facts = origin.place.as_facts() | {
            "code": origin.site.code,
            "kind": origin.site.kind,
            "district": origin.site.district,
        }
        copy = stored_place(SiteKind(origin.site.kind), facts, vault)
    incident_id: int = session.execute(
        insert(Incident)
        .values(
            response=response.response.value,
            state=State.OPEN.value,
            is_test=press.is_test,
            muted=origin.muted,
            device_id=press.device_id,
            site_id=origin.site.id if origin.site else None,
            desk_id=origin.desk_id,
            linked_id=linked,
            first_press_at=press.press_at,
            opened_at=press.received_at,
            rung_at=press.received_at,
            flags=press.flags,
            **copy,
        )
        .returning(Incident.id)
    ).scalar_one()
    _write_press(session, incident_id, press, Line.RECEIVED)
    return incident_id


def _join(session: Session, incident_id: int, press: Press, *, runaway: bool) -> None:
    more = [*press.flags, flag(Flag.RUNAWAY, input=press.source)] if runaway else press.flags
    flags = session.execute(select(Incident.flags).where(Incident.id == incident_id)).scalar_one()
    values: dict[str, Any] = {"presses": Incident.presses + 1, "rung_at": press.received_at}
    together = merged(flags, more)
    if together != flags:
        values["flags"] = together
    session.execute(update(Incident).where(Incident.id == incident_id).values(**values))
    if not runaway:
        _write_press(session, incident_id, press, Line.JOINED)


def _write_press(session: Session, incident_id: int, press: Press, what: Line) -> None:
    detail: dict[str, Any] = {"source": press.source, "kind": press.kind, "event": press.event_id}
    if press.press_at is not None:
        write_line(session, incident_id, press.press_at, Line.PRESSED, press.device_id, **detail)
    write_line(session, incident_id, press.received_at, what, **detail)


def _has_run_away(session: Session, press: Press) -> bool:
    at = press.press_at or press.received_at
    window = (
        select(Event.id)
        .where(
            Event.device_id == press.device_id,
            Event.source == press.source,
            Event.at > at - RUNAWAY_WINDOW,
            Event.at <= at,
        )
        .limit(RUNAWAY_COUNT)
        .subquery()
    )
    return has_run_away(session.execute(select(func.count()).select_from(window)).scalar_one())


def _stage_of(session: Session, incident_id: int) -> Stage:
    """What the clerk is told of a press that joins: somebody may be on the way already."""
    state = State(session.execute(select(Incident.state).where(Incident.id == incident_id)).scalar_one())
    return STAGE_AFTER.get(state, Stage.RECEIVED)
