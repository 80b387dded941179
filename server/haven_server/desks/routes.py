"""Desks over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query, UploadFile

from haven_server.api import PROBLEMS, ActorDep, CoreDep
from haven_server.desks.channels import delete_channel, put_channel
from haven_server.desks.file_import import DeskImportReport, import_desks
from haven_server.desks.forms import LOWEST_RANK, ChannelForm, DeskForm, DeskPage, DeskView, SavedChannel
from haven_server.desks.naming import DeskKind
from haven_server.desks.operations import delete_desk, get_desk, list_desks, replace_desk, save_desk
from haven_server.importing.reading import MAX_BYTES
from haven_server.sites.forms import Line

router = APIRouter(prefix="/api/v1/desks", tags=["desks"], responses=PROBLEMS)

DeskId = Annotated[int, Path(ge=1, le=2**31 - 1)]
Rank = Annotated[int, Path(ge=1, le=LOWEST_RANK, description="The lowest rank is tried first.")]


@router.get("", summary="List desks")
def list_them(
    core: CoreDep,
    actor: ActorDep,
    *,
    district: Annotated[Line | None, Query(description="Where it stands, or what it answers for.")] = None,
    kind: DeskKind | None = None,
    q: Annotated[Line | None, Query(description="Part of the name or the station.")] = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="`next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> DeskPage:
    """Desks by id. Addresses of channels are shown only to who may change them."""
    return list_desks(core, actor, district=district, kind=kind, text=q, after=after, limit=limit)


@router.put("", summary="Create a desk, or replace the one of that station, name and kind")
def save(core: CoreDep, actor: ActorDep, form: DeskForm) -> DeskView:
    """The same request twice makes one desk."""
    return save_desk(core, actor, form)


@router.post("/import", summary="Import a file of desks")
def import_file(
    core: CoreDep,
    actor: ActorDep,
    file: UploadFile,
    *,
    dry_run: Annotated[bool, Query(description="Report what would happen, and change nothing.")] = False,
) -> DeskImportReport:
    """CSV or .xlsx as the police hand it out. A district gets a station only where it has no desk yet."""
    return import_desks(core, actor, file.file.read(MAX_BYTES + 1), dry_run=dry_run).report()


@router.get("/{desk_id}", summary="One desk")
def get(core: CoreDep, actor: ActorDep, desk_id: DeskId) -> DeskView:
    """With its jurisdiction and channels."""
    return get_desk(core, actor, desk_id)


@router.put("/{desk_id}", summary="Replace a desk, its name too")
def replace(core: CoreDep, actor: ActorDep, desk_id: DeskId, form: DeskForm) -> DeskView:
    """The city's desk is changed in this way for another city."""
    return replace_desk(core, actor, desk_id, form)


@router.delete("/{desk_id}", summary="Delete a desk that nothing refers to", status_code=HTTPStatus.NO_CONTENT)
def delete(core: CoreDep, actor: ActorDep, desk_id: DeskId) -> None:
    """For one that was entered by mistake. The city's desk cannot be deleted."""
    delete_desk(core, actor, desk_id)


@router.put("/{desk_id}/channels/{rank}", summary="Create or replace a channel of a desk")
def save_channel(core: CoreDep, actor: ActorDep, desk_id: DeskId, rank: Rank, form: ChannelForm) -> SavedChannel:
    """A secret that Haven makes is in this answer and in no other."""
    return put_channel(core, actor, desk_id, rank, form)


@router.delete(
    "/{desk_id}/channels/{rank}", summary="Delete a channel that was never used", status_code=HTTPStatus.NO_CONTENT
)
def remove_channel(core: CoreDep, actor: ActorDep, desk_id: DeskId, rank: Rank) -> None:
    """One that was used stays with its record; disable it."""
    delete_channel(core, actor, desk_id, rank)
