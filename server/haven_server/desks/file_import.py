"""Import of a file of police desks: read, compared with what stands, applied in pieces."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.db.database import lock_for_transaction
from haven_server.db.writer import Lane
from haven_server.desks.drafts import KINDS, existing_desks, write_field
from haven_server.desks.lookup import holders
from haven_server.desks.naming import DeskKind, desk_title
from haven_server.desks.operations import LOCK, link_boxes
from haven_server.importing import Change, DeskDraft, Drafted, Plan, plan_desks, read_desks
from haven_server.importing.desk_names import STATION, station_key
from haven_server.models import Desk, Jurisdiction
from haven_server.problems import Conflict
from haven_server.sites.import_report import ImportReport, check_file, pieces, report_view
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit

_KEY = ("station", "name", "type")


class DeskImportReport(ImportReport):
    """What an import of desks did, or would do."""

    jurisdictions_given: dict[str, str]
    """Districts that had no desk, and the station that got each."""
    jurisdictions_kept: dict[str, str]
    """Districts of the file that have a desk already, and which: an import never takes one away."""


@dataclass(frozen=True, slots=True)
class DeskImport:
    """An import, applied or only looked at. `plan` is for the report of a terminal."""

    plan: Plan[DeskDraft]
    given: Mapping[str, str]
    kept: Mapping[str, str]
    dry_run: bool

    def report(self) -> DeskImportReport:
        """For the API."""
        plain = report_view(self.plan, dry_run=self.dry_run)
        return DeskImportReport(**dict(plain), jurisdictions_given=dict(self.given), jurisdictions_kept=dict(self.kept))


def import_desks(core: Core, actor: Actor, data: bytes, *, dry_run: bool) -> DeskImport:
    """Import a file of desks; Invalid if it is none. A second import of the same file changes nothing.

    A district without a desk goes to the station named after it, else to the one with the most boxes there.
    """
    actor.require(May.CHANGE_REGISTRY)
    imported = read_desks(data)
    with core.database.read() as session:
        plan = plan_desks(existing_desks(session), imported)
        check_file(plan)
        wanted = _stations_of_districts(imported.drafted)
        kept = {district: desk_title(desk) for district, desk in holders(session, wanted).items()}
    given = {district: draft for district, draft in wanted.items() if district not in kept}
    if not dry_run:
        _apply(core, actor, plan, given)
    return DeskImport(plan, {district: draft.title for district, draft in given.items()}, kept, dry_run)


def _apply(core: Core, actor: Actor, plan: Plan[DeskDraft], given: Mapping[str, DeskDraft]) -> None:
    now = core.clock.now()
    stations_first = sorted(plan.create, key=lambda row: row.draft.type != STATION)
    for new in pieces(stations_first):
        core.database.writer.run(partial(_create, actor=actor, rows=new, now=now), Lane.ROUTINE)
    for changed in pieces(plan.change):
        core.database.writer.run(partial(_change, actor=actor, changes=changed, now=now), Lane.ROUTINE)
    for some in pieces(list(given.items())):
        core.database.writer.run(partial(_give, actor=actor, districts=some, now=now), Lane.ROUTINE)


def _create(session: Session, actor: Actor, rows: Sequence[Drafted[DeskDraft]], now: datetime) -> None:
    lock_for_transaction(session, LOCK)
    stations = {row.draft.station for row in rows}
    there = {
        (desk.station, desk.name, desk.kind) for desk in session.scalars(select(Desk).where(Desk.station.in_(stations)))
    }
    for row in rows:
        draft = row.draft
        desk = Desk(station=draft.station, name=draft.name, kind=KINDS[draft.type].value, is_city=False, source={})
        if (desk.station, desk.name, desk.kind) in there:
            raise Conflict(f"somebody else has just entered {draft.title}; import the file again for the rest")
        for field in fields(draft):
            value = getattr(draft, field.name)
            if field.name not in _KEY and value not in {None, "", ()}:
                write_field(desk, field.name, value)
        session.add(desk)
    session.flush()
    link_boxes(session, stations)
    write_audit(session, now, actor, "import desks", _rows(row.row for row in rows), created=len(rows))


def _change(session: Session, actor: Actor, changes: Sequence[Change[DeskDraft]], now: datetime) -> None:
    lock_for_transaction(session, LOCK)
    changed = [int(change.id) for change in changes]
    desks = {desk.id: desk for desk in session.scalars(select(Desk).where(Desk.id.in_(changed)))}
    for change in changes:
        desk = desks.get(int(change.id))
        if desk is None:
            raise Conflict(f"somebody else has just deleted desk {change.id}; import the file again for the rest")
        for field in change.fields:
            write_field(desk, field.field, field.after)
    write_audit(session, now, actor, "import desks", _rows(change.row for change in changes), changed=changed)


def _give(session: Session, actor: Actor, districts: Sequence[tuple[str, DeskDraft]], now: datetime) -> None:
    lock_for_transaction(session, LOCK)
    stations = {
        station_key(desk.station): desk.id
        for desk in session.scalars(select(Desk).where(Desk.kind == DeskKind.STATION.value).order_by(Desk.id.desc()))
    }
    held = holders(session, [district for district, _ in districts])
    told = {}
    for district, draft in districts:
        if district not in held:
            session.add(Jurisdiction(district=district, desk_id=stations[station_key(draft.station)]))
            told[district] = draft.title
    write_audit(session, now, actor, "import desks", "jurisdictions", given=told)


def _stations_of_districts(drafted: Iterable[Drafted[DeskDraft]]) -> dict[str, DeskDraft]:
    """The station to answer for each district of the file; the file's order decides between equals."""
    drafts = [row.draft for row in drafted]
    boxes = Counter(
        (station_key(draft.station), district)
        for draft in drafts
        if draft.type != STATION
        for district in draft.districts
    )
    chosen: dict[str, tuple[tuple[bool, int], DeskDraft]] = {}
    for draft in drafts:
        if draft.type != STATION:
            continue
        key = station_key(draft.station)
        for district in draft.districts:
            claim = (key == district.removesuffix("구"), boxes[key, district])
            if district not in chosen or claim > chosen[district][0]:
                chosen[district] = (claim, draft)
    return {district: draft for district, (_, draft) in chosen.items()}


def _rows(numbers: Iterable[int]) -> str:
    ordered = sorted(numbers)
    return f"rows {ordered[0]} to {ordered[-1]}"
