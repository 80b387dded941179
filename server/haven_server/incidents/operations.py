"""What people do with incidents. The console, the API and tests all go through here."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from haven_contract.messages import Receipt
from haven_contract.words import Stage
from haven_server.core import Core
from haven_server.incidents.lifecycle import STAGE_AFTER, Disposition, State, Step, after
from haven_server.incidents.naming import incident_name
from haven_server.incidents.receipts import raise_stage
from haven_server.incidents.timeline import write_line
from haven_server.models import Incident, Notice
from haven_server.problems import Conflict, Invalid, NotFound
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody wants to do with the incident that he sees at `version`."""

    step: Step
    version: int
    note: str | None = None
    disposition: Disposition | None = None


def take_step(core: Core, actor: Actor, incident_id: int, request: Request) -> int:
    """Do one step of the lifecycle and give the incident's new version.

    Raises NotFound, Invalid (closing without a disposition), or Conflict: the step is not in the table, or somebody
    else was first, and then the problem says who and what the state is now.
    """
    actor.require(May.HANDLE_INCIDENTS)
    if (request.step is Step.CLOSE) != (request.disposition is not None):
        words = ", ".join(Disposition)
        raise Invalid(f"closing needs a disposition, one of {words}; no other step has one")
    version, receipts = core.database.writer.run(lambda session: _step(session, core, actor, incident_id, request))
    for device_id, receipt in receipts:
        core.outbound.send_receipt(device_id, receipt)
    return version


def _step(
    session: Session, core: Core, actor: Actor, incident_id: int, request: Request
) -> tuple[int, list[tuple[str, Receipt]]]:
    now = core.clock.now()
    incident = session.scalars(select(Incident).where(Incident.id == incident_id).with_for_update()).first()
    if incident is None:
        raise NotFound(f"there is no incident {incident_name(incident_id)}")
    if incident.version != request.version:
        raise Conflict(
            f"{incident.owner or 'somebody'} was faster: the incident is {incident.state} now",
            state=incident.state,
            version=incident.version,
            owner=incident.owner,
        )
    if incident.is_test != (request.disposition is Disposition.TEST) and request.step is Step.CLOSE:
        raise Invalid("a test is closed as test, and only a test is")
    state = after(State(incident.state), request.step)
    session.execute(
        update(Incident)
        .where(Incident.id == incident_id, Incident.version == request.version)
        .values(state=state.value, version=request.version + 1, **_times(request, actor, now))
    )
    detail = {"disposition": request.disposition.value} if request.disposition else {}
    home = incident.sealed is not None
    note = request.note or None
    write_line(
        session,
        incident_id,
        now,
        request.step,
        actor.name,
        sealed_note=core.vault.seal(note.encode()) if note and home else None,
        **(detail if home or not note else detail | {"note": note}),
    )
    write_audit(session, now, actor, request.step, incident_name(incident_id), **detail)
    return request.version + 1, _tell_boxes(session, incident, state, now)


def _times(request: Request, actor: Actor, now: datetime) -> dict[str, Any]:
    match request.step:
        case Step.ACKNOWLEDGE:
            return {"acknowledged_at": now, "owner": actor.name}
        case Step.DISPATCH:
            return {"dispatched_at": now}
        case Step.ARRIVE:
            return {"arrived_at": now}
        case Step.CLOSE:
            return {"closed_at": now, "disposition": request.disposition.value if request.disposition else None}
        case Step.REOPEN:
            return {
                "closed_at": None,
                "disposition": None,
                "owner": None,
                "acknowledged_at": None,
                "dispatched_at": None,
                "arrived_at": None,
                "rung_at": now,
            }


def _tell_boxes(session: Session, incident: Incident, state: State, now: datetime) -> list[tuple[str, Receipt]]:
    """The clerk sees it on his light. Of a reopened incident he sees again how far the police know."""
    if state is State.OPEN:
        receipts = raise_stage(session, incident.id, Stage.RECEIVED, now, reason="reopened")
        told_until = session.scalar(
            select(func.max(Notice.event_id)).where(Notice.incident_id == incident.id, Notice.alerted_at.is_not(None))
        )
        if told_until is not None:
            receipts += raise_stage(session, incident.id, Stage.ALERTED, now, reason="reopened", until=told_until)
        return receipts
    return raise_stage(session, incident.id, STAGE_AFTER[state], now)
