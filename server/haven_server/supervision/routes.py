"""Troubles over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Query

from haven_server.api import PROBLEMS, ActorDep, CoreDep
from haven_server.devices.views import DEVICE_ID_RULE
from haven_server.sites.codes import Code
from haven_server.supervision.listing import TroublePage, list_troubles

router = APIRouter(prefix="/api/v1/troubles", tags=["troubles"], responses=PROBLEMS)


@router.get("", summary="List troubles")
def list_them(
    core: CoreDep,
    actor: ActorDep,
    *,
    restored: Annotated[bool, Query(description="Those that are over too.")] = False,
    site: Code | None = None,
    device: Annotated[str | None, Query(pattern=DEVICE_ID_RULE)] = None,
    after: Annotated[int, Query(ge=0, le=2**31 - 1, description="`next` of the page before.")] = 0,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> TroublePage:
    """Silent failures that last, in the order in which they began, in English and Korean."""
    return list_troubles(core, actor, restored=restored, site=site, device_id=device, after=after, limit=limit)
