"""Import of a file of sites: read, compared with what stands, applied in pieces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from haven_server.core import Core
from haven_server.db.database import lock_for_transaction
from haven_server.db.writer import Lane
from haven_server.desks.drafts import known_desks
from haven_server.importing import Change, Drafted, Plan, SiteDraft, plan_sites, read_sites
from haven_server.models import Site
from haven_server.problems import Conflict
from haven_server.sites.codes import LOCK, next_number, numbered_code
from haven_server.sites.drafts import Desks, existing_sites, site_of_draft, write_fields
from haven_server.sites.import_report import ImportReport, check_file, pieces, report_view
from haven_server.staff.access import Actor, May
from haven_server.staff.audit import write_audit


class SiteImportReport(ImportReport):
    """What an import of sites did, or would do."""

    codes: dict[int, str]
    """Codes of the new sites, by row; empty for a dry run."""


@dataclass(frozen=True, slots=True)
class SiteImport:
    """An import, applied or only looked at. `plan` is for the report of a terminal."""

    plan: Plan[SiteDraft]
    codes: Mapping[int, str]
    dry_run: bool

    def report(self) -> SiteImportReport:
        """For the API."""
        return SiteImportReport(**dict(report_view(self.plan, dry_run=self.dry_run)), codes=dict(self.codes))


def import_sites(core: Core, actor: Actor, data: bytes, *, dry_run: bool) -> SiteImport:
    """Import a file of sites; Invalid if it is none. A second import of the same file changes nothing.

    Conflict if somebody else adds sites meanwhile; what was done by then stays, and a second run does the rest.
    """
    actor.require(May.CHANGE_REGISTRY)
    with core.database.read() as session:
        desks = Desks(known_desks(session))
        newest = _newest(session)
        sites = session.scalars(select(Site).order_by(Site.id)).all()
    imported = desks.settle(read_sites(data, desks.known))
    plan = plan_sites(existing_sites(sites, desks, core.vault), imported)
    check_file(plan)
    applying = _Applying(core, actor, desks, newest)
    if not dry_run:
        applying.create(plan.create)
        applying.change(plan.change)
    return SiteImport(plan, applying.codes, dry_run)


@dataclass(slots=True)
class _Applying:
    core: Core
    actor: Actor
    desks: Desks
    newest: int
    """Id of the newest site that the plan knows of, or that this import has made."""
    codes: dict[int, str] = field(default_factory=dict)

    def create(self, rows: Sequence[Drafted[SiteDraft]]) -> None:
        """Those that bring their codes first, so that none of the numbers given to the others is among them."""
        coded = [row for row in rows if row.draft.code]
        uncoded = [row for row in rows if not row.draft.code]
        for piece in (*pieces(coded), *pieces(uncoded)):
            made, self.newest = self.core.database.writer.run(partial(self._create, rows=piece), Lane.ROUTINE)
            self.codes |= made

    def change(self, changes: Sequence[Change[SiteDraft]]) -> None:
        """Only the fields that differ: what somebody else has changed meanwhile stays."""
        for piece in pieces(changes):
            self.core.database.writer.run(partial(self._change, changes=piece), Lane.ROUTINE)

    def _create(self, session: Session, rows: Sequence[Drafted[SiteDraft]]) -> tuple[dict[int, str], int]:
        lock_for_transaction(session, LOCK)
        if _newest(session) != self.newest:
            raise Conflict("somebody else has just added sites; import the file again for the rest")
        now = self.core.clock.now()
        number = next_number(session)
        codes = {}
        for row in rows:
            code = row.draft.code
            if not code:
                code, number = numbered_code(number), number + 1
            site = site_of_draft(row.draft, code, self.desks, self.core.vault)
            site.version, site.created_at, site.updated_at = 1, now, now
            session.add(site)
            codes[row.row] = code
        session.flush()
        self._audit(session, now, created=list(codes.values()))
        return codes, _newest(session)

    def _change(self, session: Session, changes: Sequence[Change[SiteDraft]]) -> None:
        lock_for_transaction(session, LOCK)
        now = self.core.clock.now()
        codes = [change.id for change in changes]
        sites = {site.code: site for site in session.scalars(select(Site).where(Site.code.in_(codes)))}
        for change in changes:
            site = sites[change.id]
            told = {each.field: each.after for each in change.fields}
            write_fields(site, told, self.desks, self.core.vault)
            site.version += 1
            site.updated_at = now
        self._audit(session, now, changed=codes)

    def _audit(self, session: Session, now: datetime, **codes: list[str]) -> None:
        write_audit(session, now, self.actor, "import sites", "sites", **codes)


def _newest(session: Session) -> int:
    return session.execute(select(func.coalesce(func.max(Site.id), 0))).scalar_one()
