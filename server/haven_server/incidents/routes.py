from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from haven_server.api import PROBLEMS, ActorDep, CoreDep
from haven_server.incidents.lifecycle import Disposition, Step
from haven_server.incidents.operations import Request, take_step
from haven_server.incidents.views import MOST_SHOWN, Wanted, list_incidents, show_incident
from haven_server.sites.codes import Code

MAX_ID = 2**31 - 1
IncidentId = Annotated[int, Path(ge=1, le=MAX_ID)]

router = APIRouter(prefix="/api/v1/incidents", tags=["incidents"], responses=PROBLEMS)


class Words(BaseModel):
    """A text in both languages, with the code that stands for it."""

    code: str
    en: str
    ko: str


class What(BaseModel):
    """What happened."""

    kind: str
    en: str
    ko: str


class Police(BaseModel):
    """How far the police know."""

    told: bool = Field(description="False: the box is retired or revoked, so no police were told")
    desk: str | None
    phone: str | None = Field(description="To call by voice")
    alerted_at: datetime | None
    not_reached: bool = Field(description="No desk has confirmed within 10 s: call by voice now")
    notices: list[dict[str, Any]] | None = Field(default=None, description="Each notice and its deliveries")


class IncidentView(BaseModel):
    """An incident as a dispatcher reads it."""

    id: int
    incident: str
    version: int = Field(description="Send it with the next step; a step at an older version is refused")
    state: str
    possible_steps: list[str]
    what: What | None
    response: str
    silent: bool = Field(description="Do not call the place: the attacker may be listening")
    test: bool
    presses: int
    first_press_at: datetime | None = Field(description="Null where it cannot be known; a flag says so")
    opened_at: datetime
    rung_at: datetime
    device: str
    site: dict[str, Any] | None = Field(description="The site as it was at the press; null if the box has none")
    flags: list[Words]
    linked_incident: str | None
    owner: str | None
    acknowledged_at: datetime | None
    dispatched_at: datetime | None
    arrived_at: datetime | None
    closed_at: datetime | None
    disposition: str | None
    police: Police


class IncidentDetail(IncidentView):
    """With its events and its timeline."""

    events: list[dict[str, Any]]
    timeline: list[dict[str, Any]]


class StepBody(BaseModel):
    """What goes with a step of the lifecycle."""

    version: int = Field(ge=1, description="Version of the incident that you saw")
    note: str | None = Field(default=None, max_length=2000)


class CloseBody(StepBody):
    """Closing tells what it turned out to be."""

    disposition: Disposition


@router.get("", summary="Incidents, newest first")
def get_incidents(
    core: CoreDep,
    actor: ActorDep,
    *,
    open_only: Annotated[bool, Query(description="Only those that are not closed")] = True,
    site: Annotated[Code | None, Query(description="Code of a site")] = None,
    before: Annotated[int | None, Query(ge=1, le=MAX_ID, description="Only smaller ids, for paging")] = None,
    limit: Annotated[int, Query(ge=1, le=MOST_SHOWN)] = 100,
) -> list[IncidentView]:
    """The address of a home is shown while its incident is open, and each showing is audited."""
    wanted = Wanted(open_only=open_only, site=site, before=before, limit=limit)
    return [IncidentView.model_validate(view) for view in list_incidents(core, actor, wanted)]


@router.get("/{incident_id}", summary="One incident with its events, its way to the police and its timeline")
def get_incident(core: CoreDep, actor: ActorDep, incident_id: IncidentId) -> IncidentDetail:
    """Of a very long incident the newest events and lines."""
    return IncidentDetail.model_validate(show_incident(core, actor, incident_id))


def _step(core: CoreDep, actor: ActorDep, incident_id: IncidentId, request: Request) -> IncidentDetail:
    take_step(core, actor, incident_id, request)
    return IncidentDetail.model_validate(show_incident(core, actor, incident_id))


@router.post("/{incident_id}/acknowledge", summary="I have it")
def acknowledge(core: CoreDep, actor: ActorDep, incident_id: IncidentId, body: StepBody) -> IncidentDetail:
    """Of two who do it at once one wins, and the other is told who."""
    return _step(core, actor, incident_id, Request(step=Step.ACKNOWLEDGE, version=body.version, note=body.note))


@router.post("/{incident_id}/dispatch", summary="Help is on its way")
def dispatch(core: CoreDep, actor: ActorDep, incident_id: IncidentId, body: StepBody) -> IncidentDetail:
    """The clerk's light shows it."""
    return _step(core, actor, incident_id, Request(step=Step.DISPATCH, version=body.version, note=body.note))


@router.post("/{incident_id}/arrive", summary="Help has arrived")
def arrive(core: CoreDep, actor: ActorDep, incident_id: IncidentId, body: StepBody) -> IncidentDetail:
    """From now on a press at the site is a new emergency."""
    return _step(core, actor, incident_id, Request(step=Step.ARRIVE, version=body.version, note=body.note))


@router.post("/{incident_id}/close", summary="It is over; tell what it was")
def close(core: CoreDep, actor: ActorDep, incident_id: IncidentId, body: CloseBody) -> IncidentDetail:
    """A false alarm is marked, never deleted."""
    request = Request(step=Step.CLOSE, version=body.version, note=body.note, disposition=body.disposition)
    return _step(core, actor, incident_id, request)


@router.post("/{incident_id}/reopen", summary="It is not over after all")
def reopen(core: CoreDep, actor: ActorDep, incident_id: IncidentId, body: StepBody) -> IncidentDetail:
    """It waits for somebody again, and rings."""
    return _step(core, actor, incident_id, Request(step=Step.REOPEN, version=body.version, note=body.note))
