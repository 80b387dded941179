"""Sites over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, UploadFile

from haven_server.api import PROBLEMS, ActorDep, CoreDep
from haven_server.importing.reading import MAX_BYTES
from haven_server.sites.codes import CODE_PATTERN
from haven_server.sites.file_import import SiteImportReport, import_sites
from haven_server.sites.forms import Form, Line
from haven_server.sites.operations import close_site, get_site, list_sites, put_site
from haven_server.sites.record import SiteKind
from haven_server.sites.views import SiteForm, SitePage, SiteView

router = APIRouter(prefix="/api/v1/sites", tags=["sites"], responses=PROBLEMS)

SiteCode = Annotated[str, Path(pattern=CODE_PATTERN, description="Haven's own code of the site.")]


class Closing(Form):
    """Closing of a site."""

    version: int | None = None
    """Version that it was decided on, as in a change."""


@router.get("", summary="List sites")
def list_them(
    core: CoreDep,
    actor: ActorDep,
    *,
    district: Line | None = None,
    kind: SiteKind | None = None,
    operating: bool | None = None,
    q: Annotated[Line | None, Query(description="Part of the code, or of a store's name or address.")] = None,
    after: Annotated[Line | None, Query(description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> SitePage:
    """Sites by code. Homes are masked in lists, whoever asks."""
    return list_sites(
        core, actor, district=district, kind=kind, operating=operating, text=q, after=after or "", limit=limit
    )


@router.post("/import", summary="Import a file of sites")
def import_file(
    core: CoreDep,
    actor: ActorDep,
    file: UploadFile,
    *,
    dry_run: Annotated[bool, Query(description="Report what would happen, and change nothing.")] = False,
) -> SiteImportReport:
    """CSV or .xlsx as districts hand it out. The report tells of each doubtful value by row, in English and Korean."""
    return import_sites(core, actor, file.file.read(MAX_BYTES + 1), dry_run=dry_run).report()


@router.get("/{code}", summary="One site")
def get(core: CoreDep, actor: ActorDep, code: SiteCode) -> SiteView:
    """A home is masked unless an incident is open there or the role may see homes; each such look is audited."""
    return get_site(core, actor, code)


@router.put("/{code}", summary="Create a site, or replace what is known of it")
def put(core: CoreDep, actor: ActorDep, code: SiteCode, form: SiteForm) -> SiteView:
    """Incidents keep the site as it was at the press."""
    return put_site(core, actor, code, form)


@router.post("/{code}/close", summary="Mark a site as no longer operating")
def close(core: CoreDep, actor: ActorDep, code: SiteCode, closing: Closing | None = None) -> SiteView:
    """Sites are never deleted. Put it with `operating` true to open it again."""
    return close_site(core, actor, code, closing.version if closing else None)
