"""Finding boxes and what belongs to them, and making views of them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_server.devices.standing import Standing
from haven_server.devices.views import DeviceView, InputView
from haven_server.models import Device, DeviceInput, DeviceStatus, Site
from haven_server.problems import NotFound


def find_device(session: Session, device_id: str) -> Device:
    """Box as it is now, whatever this transaction saw before; NotFound if it is not registered."""
    device = session.get(Device, device_id, populate_existing=True)
    if device is None:
        raise NotFound(f"there is no box {device_id}")
    return device


def device_views(session: Session, devices: Sequence[Device], now: datetime) -> list[DeviceView]:
    """Views, in that order."""
    ids = [device.id for device in devices]
    statuses = {
        row.device_id: row for row in session.scalars(select(DeviceStatus).where(DeviceStatus.device_id.in_(ids)))
    }
    inputs: dict[str, dict[str, DeviceInput]] = defaultdict(dict)
    for row in session.scalars(select(DeviceInput).where(DeviceInput.device_id.in_(ids))):
        inputs[row.device_id][row.source] = row
    site_ids = {device.site_id for device in devices}
    codes = {site.id: site.code for site in session.scalars(select(Site).where(Site.id.in_(site_ids)))}
    return [
        _view(device, statuses.get(device.id), inputs[device.id], codes.get(device.site_id or 0), now)
        for device in devices
    ]


def _view(
    device: Device, status: DeviceStatus | None, inputs: dict[str, DeviceInput], site: str | None, now: datetime
) -> DeviceView:
    state = status.state if status else {}
    return DeviceView(
        id=device.id,
        label=device.label,
        site=site,
        standing=Standing(device.standing),
        standing_since=device.standing_since,
        standing_reason=device.standing_reason,
        created_at=device.created_at,
        online=status is not None and status.online and now < status.due_at,
        seen_at=status.seen_at if status else None,
        due_at=status.due_at if status else None,
        firmware=state.get("firmware"),
        vitals=status.vitals if status else {},
        inputs=_inputs(inputs, state.get("inputs") or {}),
    )


def _inputs(named: dict[str, DeviceInput], said: dict[str, Any]) -> list[InputView]:
    """Inputs that people have named or the box has told of."""
    views = []
    for source in sorted(named.keys() | said.keys()):
        row = named.get(source)
        views.append(
            InputView(
                source=source,
                label=row.label if row else None,
                state=said.get(source),
                battery=row.battery if row else None,
                heard_at=row.heard_at if row else None,
            )
        )
    return views
