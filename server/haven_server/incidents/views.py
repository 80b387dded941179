"""Incidents as people and programs read them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.desks.naming import desk_with_station
from haven_server.incidents.flags import words
from haven_server.incidents.lifecycle import TRANSITIONS, State
from haven_server.incidents.naming import incident_name
from haven_server.incidents.response import handled_as, response_to
from haven_server.models import Delivery, Desk, DeskChannel, DeviceInput, Event, Incident, IncidentStep, Notice, Site
from haven_server.problems import NotFound
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit
from haven_server.vault import Vault

MOST_SHOWN = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which incidents; None asks for all."""

    open_only: bool = True
    site: str | None = None
    before: int | None = None
    limit: int = 100


def list_incidents(core: Core, actor: Actor, wanted: Wanted) -> list[dict[str, Any]]:
    """Newest first. The address of a home is shown while its incident is open, and the showing is audited."""
    actor.require(May.SEE_INCIDENTS)
    statement = select(Incident).order_by(Incident.id.desc()).limit(min(wanted.limit, MOST_SHOWN))
    if wanted.open_only:
        statement = statement.where(Incident.closed_at.is_(None))
    if wanted.before is not None:
        statement = statement.where(Incident.id < wanted.before)
    if wanted.site is not None:
        statement = statement.where(Incident.site_id.in_(select(Site.id).where(Site.code == wanted.site)))
    with core.database.read() as session:
        found = _summaries(session, session.scalars(statement).all(), core.vault, actor)
    _audit_homes(core, actor, found)
    return found


def show_incident(core: Core, actor: Actor, incident_id: int) -> dict[str, Any]:
    """One incident with its events, its way to the police and its timeline."""
    actor.require(May.SEE_INCIDENTS)
    with core.database.read() as session:
        incident = session.get(Incident, incident_id)
        if incident is None:
            raise NotFound(f"there is no incident {incident_name(incident_id)}")
        (view,) = _summaries(session, [incident], core.vault, actor)
        view["events"] = [_event(row, label) for row, label in _events(session, incident_id)]
        view["police"]["notices"] = _notices(session, incident_id)
        view["timeline"] = _timeline(session, incident_id, _opener(view, core.vault))
    _audit_homes(core, actor, [view])
    return view


def _summaries(session: Session, incidents: Sequence[Incident], vault: Vault, actor: Actor) -> list[dict[str, Any]]:
    """With three queries, however many they are."""
    ids = [incident.id for incident in incidents]
    firsts = select(func.min(Event.id)).where(Event.incident_id.in_(ids)).group_by(Event.incident_id)
    first = {event.incident_id: event for event in session.scalars(select(Event).where(Event.id.in_(firsts)))}
    desks = {
        desk.id: desk
        for desk in session.scalars(select(Desk).where(Desk.id.in_({incident.desk_id for incident in incidents})))
    }
    return [
        _summary(incident, first.get(incident.id), desks.get(incident.desk_id or 0), _site(incident, vault, actor))
        for incident in incidents
    ]


def _summary(incident: Incident, first: Event | None, desk: Desk | None, site: dict[str, Any] | None) -> dict[str, Any]:
    response = response_to(handled_as(first.kind, first.source)) if first else None
    return {
        "id": incident.id,
        "incident": incident_name(incident.id),
        "version": incident.version,
        "state": incident.state,
        "possible_steps": [step.value for (state, step) in TRANSITIONS if state == State(incident.state)],
        "what": {"kind": first.kind, "en": response.en, "ko": response.ko} if first and response else None,
        "response": incident.response,
        "silent": response.silent if response else False,
        "test": incident.is_test,
        "presses": incident.presses,
        "first_press_at": incident.first_press_at,
        "opened_at": incident.opened_at,
        "rung_at": incident.rung_at,
        "device": incident.device_id,
        "site": site,
        "flags": words(incident.flags),
        "linked_incident": incident_name(incident.linked_id) if incident.linked_id else None,
        "owner": incident.owner,
        "acknowledged_at": incident.acknowledged_at,
        "dispatched_at": incident.dispatched_at,
        "arrived_at": incident.arrived_at,
        "closed_at": incident.closed_at,
        "disposition": incident.disposition,
        "police": {
            "told": not incident.muted,
            "desk": desk_with_station(desk) if desk else None,
            "phone": desk.phone if desk else None,
            "alerted_at": incident.alerted_at,
            "not_reached": incident.police_unreached,
        },
    }


def _site(incident: Incident, vault: Vault, actor: Actor) -> dict[str, Any] | None:
    if incident.sealed is not None:
        facts = vault.open_json(incident.sealed)
        no_emergency = incident.closed_at is not None or incident.is_test
        if no_emergency and not actor.may(May.SEE_HOMES):
            return {"code": facts["code"], "kind": facts["kind"], "district": facts["district"], "masked": True}
        return {**facts, "masked": False}
    return None if incident.facts is None else incident.facts | {"masked": False}


def _audit_homes(core: Core, actor: Actor, views: list[dict[str, Any]]) -> None:
    """Every showing of a home's address is in the audit trail (promise 10)."""
    homes = [
        view["incident"]
        for view in views
        if view["site"] and view["site"]["kind"] == "home" and not view["site"]["masked"]
    ]
    if homes:
        now = core.clock.now()
        core.database.writer.run(lambda session: write_audit(session, now, actor, "see home", ", ".join(homes)[:500]))


def _events(session: Session, incident_id: int) -> list[tuple[Event, str | None]]:
    rows = session.execute(
        select(Event, DeviceInput.label)
        .outerjoin(DeviceInput, (DeviceInput.device_id == Event.device_id) & (DeviceInput.source == Event.source))
        .where(Event.incident_id == incident_id)
        .order_by(Event.id.desc())
        .limit(MOST_SHOWN)
    )
    return [(event, label) for event, label in rows][::-1]


def _event(event: Event, label: str | None) -> dict[str, Any]:
    return {
        "id": event.id,
        "event_id": event.event_id,
        "device": event.device_id,
        "kind": event.kind,
        "source": event.source,
        "label": label,
        "press_at": event.press_at,
        "press_basis": event.press_basis,
        "received_at": event.received_at,
        "stage": event.stage,
        "flags": words(event.flags),
    }


def _notices(session: Session, incident_id: int) -> list[dict[str, Any]]:
    notices = session.scalars(select(Notice).where(Notice.incident_id == incident_id).order_by(Notice.number)).all()
    deliveries = session.execute(
        select(Delivery, DeskChannel.kind, Desk)
        .join(DeskChannel, DeskChannel.id == Delivery.channel_id)
        .join(Desk, Desk.id == DeskChannel.desk_id)
        .where(Delivery.notice_id.in_([notice.id for notice in notices]))
        .order_by(Delivery.id)
    ).all()
    return [
        {
            "number": notice.number,
            "event": notice.event_id,
            "key": f"{incident_name(incident_id)}:{notice.event_id}",
            "due_at": notice.due_at,
            "alerted_at": notice.alerted_at,
            "not_reached_at": notice.unreached_at,
            "deliveries": [
                {
                    "desk": desk_with_station(desk),
                    "channel": kind,
                    "state": delivery.state,
                    "attempts": delivery.attempts,
                    "answered_at": delivery.answered_at,
                    "error": delivery.error,
                }
                for delivery, kind, desk in deliveries
                if delivery.notice_id == notice.id
            ],
        }
        for notice in notices
    ]


def _opener(view: dict[str, Any], vault: Vault) -> Callable[[bytes], str | None]:
    """Opens notes about a home for whom the home itself is shown to."""
    masked = view["site"] is not None and view["site"]["masked"]
    return lambda sealed: None if masked else vault.open(sealed).decode()


def _timeline(session: Session, incident_id: int, open_note: Callable[[bytes], str | None]) -> list[dict[str, Any]]:
    """In order of time; of a very long one the newest lines."""
    newest = (
        select(IncidentStep.id)
        .where(IncidentStep.incident_id == incident_id)
        .order_by(IncidentStep.id.desc())
        .limit(MOST_SHOWN)
    )
    steps = session.scalars(
        select(IncidentStep).where(IncidentStep.id.in_(newest)).order_by(IncidentStep.at, IncidentStep.id)
    )
    lines = []
    for step in steps:
        note = {} if step.sealed_note is None else {"note": open_note(step.sealed_note)}
        lines.append({"at": step.at, "what": step.what, "actor": step.actor, "detail": step.detail | note})
    return lines
