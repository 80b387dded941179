"""Devices over HTTP."""

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Query

from haven_server.api import PROBLEMS, ActorDep, CoreDep
from haven_server.devices.commands import get_command, list_commands, send_command
from haven_server.devices.open_tests import list_tests, open_test
from haven_server.devices.operations import (
    get_device,
    list_devices,
    name_input,
    put_device,
    retire_device,
    revoke_device,
)
from haven_server.devices.standing import Standing
from haven_server.devices.views import (
    DEVICE_ID_RULE,
    CommandForm,
    CommandView,
    DeviceForm,
    DevicePage,
    DeviceView,
    InputForm,
    InputSource,
    OpenTestForm,
    OpenTestView,
    Reason,
)
from haven_server.sites.codes import Code

router = APIRouter(prefix="/api/v1/devices", tags=["devices"], responses=PROBLEMS)

DeviceId = Annotated[str, Path(pattern=DEVICE_ID_RULE, description="CN of the box's certificate.")]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.get("", summary="List boxes")
def list_them(
    core: CoreDep,
    actor: ActorDep,
    *,
    site: Code | None = None,
    standing: Standing | None = None,
    online: bool | None = None,
    after: Annotated[str | None, Query(pattern=DEVICE_ID_RULE, description="`next` of the page before.")] = None,
    limit: Limit = 100,
) -> DevicePage:
    """Boxes by id, with their last sign of life, vitals and inputs."""
    return list_devices(core, actor, site=site, standing=standing, online=online, after=after or "", limit=limit)


@router.get("/{device_id}", summary="One box")
def get(core: CoreDep, actor: ActorDep, device_id: DeviceId) -> DeviceView:
    """With its last sign of life, vitals and inputs."""
    return get_device(core, actor, device_id)


@router.put("/{device_id}", summary="Register a box, or change its site and label")
def put(core: CoreDep, actor: ActorDep, device_id: DeviceId, form: DeviceForm) -> DeviceView:
    """With `standing` `active` a retired box is put back into service. A revoked one never is: it needs a new id."""
    return put_device(core, actor, device_id, form)


@router.put("/{device_id}/inputs/{source}", summary="Say what people call an input")
def put_input(core: CoreDep, actor: ActorDep, device_id: DeviceId, source: InputSource, form: InputForm) -> DeviceView:
    """The source is as in events, such as `button:counter`."""
    return name_input(core, actor, device_id, source, form.label)


@router.post("/{device_id}/retire", summary="Take a box out of service")
def retire(core: CoreDep, actor: ActorDep, device_id: DeviceId, form: Reason) -> DeviceView:
    """What it sends is recorded and shown, but calls no police. It can be put back."""
    return retire_device(core, actor, device_id, form.reason)


@router.post("/{device_id}/revoke", summary="Take a box out of service for good")
def revoke(core: CoreDep, actor: ActorDep, device_id: DeviceId, form: Reason) -> DeviceView:
    """Because its key may be in wrong hands. The certificate itself is revoked with `haven-provision`."""
    return revoke_device(core, actor, device_id, form.reason)


@router.post("/{device_id}/tests", summary="Open a test of an input", status_code=HTTPStatus.CREATED)
def post_test(core: CoreDep, actor: ActorDep, device_id: DeviceId, form: OpenTestForm) -> OpenTestView:
    """One press of that input within 60 s is a test. The next one is real."""
    return open_test(core, actor, device_id, form.source)


@router.get("/{device_id}/tests", summary="Tests of a box, newest first")
def get_tests(core: CoreDep, actor: ActorDep, device_id: DeviceId, limit: Limit = 100) -> list[OpenTestView]:
    """With the press and the incident that used each."""
    return list_tests(core, actor, device_id, limit)


@router.post("/{device_id}/commands", summary="Send a command to a box", status_code=HTTPStatus.ACCEPTED)
def post_command(core: CoreDep, actor: ActorDep, device_id: DeviceId, form: CommandForm) -> CommandView:
    """The box replies within 30 s, or the command is void: ask for it again with its id."""
    return send_command(core, actor, device_id, form)


@router.get("/{device_id}/commands", summary="Commands of a box, newest first")
def get_commands(core: CoreDep, actor: ActorDep, device_id: DeviceId, limit: Limit = 100) -> list[CommandView]:
    """With their replies."""
    return list_commands(core, actor, device_id, limit)


@router.get("/{device_id}/commands/{command_id}", summary="One command and its reply")
def get_one_command(
    core: CoreDep, actor: ActorDep, device_id: DeviceId, command_id: Annotated[str, Path(pattern=r"^[0-9a-f-]{36}$")]
) -> CommandView:
    """`state` says whether the box has done it."""
    return get_command(core, actor, device_id, command_id)
