"""What the API takes and gives of devices, their inputs, open tests and commands."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints

from haven_contract.wire import MAX_NAME
from haven_contract.words import Action
from haven_server.devices.standing import Standing
from haven_server.sites.codes import Code
from haven_server.sites.forms import Form, Line, View, visible

DEVICE_ID_RULE = r"^[a-z0-9-]{1,32}$"
"""Form of an id in addresses. Who registers one is held to the whole rule of the contract, `check_device_id`."""

InputSource = Annotated[
    str,
    StringConstraints(pattern=r"^(button|pendant|sensor):[^\s/]+$", max_length=MAX_NAME),
    AfterValidator(visible),
]
"""Source of an input in an event. `device` is none: nobody presses it."""


class DeviceForm(Form):
    """A box as it is to be. Site and label that are not given are taken away."""

    site: Code | None = None
    """Code of the site where it stands."""
    label: Line | None = None
    """What people call it."""
    standing: Standing | None = None
    """`active` puts a retired box back into service. Null leaves it; retire and revoke have requests of their own."""


class InputForm(Form):
    """An input as people call it."""

    label: Line | None


class Reason(Form):
    """Why it is done."""

    reason: Line


class InputView(View):
    """A button, pendant or sensor of a box."""

    source: str
    """As in events."""
    label: str | None
    state: str | None
    """As the box last said: `ok`, `active`, `fault`, `battery_low`."""
    battery: str | None
    """`ok` or `low`; null where it does not tell."""
    heard_at: datetime | None
    """Last sign of life of a pendant."""


class DeviceView(View):
    """A box."""

    id: str
    label: str | None
    site: str | None
    """Code of its site."""
    standing: Standing
    standing_since: datetime
    standing_reason: str | None
    created_at: datetime
    online: bool
    """Connected, and heard within its reporting time."""
    seen_at: datetime | None
    """Last sign of life."""
    due_at: datetime | None
    """When silence becomes a trouble."""
    firmware: str | None
    vitals: dict[str, Any]
    """Of its last heartbeat."""
    inputs: list[InputView]


class DevicePage(View):
    """A page of a list of boxes."""

    devices: list[DeviceView]
    next: str | None
    """Give it as `after` for the next page; null on the last one."""


class OpenTestForm(Form):
    """Which input is going to be tested."""

    source: InputSource
    """As in events: `button:counter`, `pendant:0a1b2c`."""


class OpenTestState(StrEnum):
    """What became of an open test."""

    OPEN = "open"
    USED = "used"
    EXPIRED = "expired"


class OpenTestView(View):
    """Leave to take one press of one input for a test."""

    id: int
    source: str
    opened_by: str
    opened_at: datetime
    expires_at: datetime
    """A press after this is real."""
    state: OpenTestState
    pressed_at: datetime | None
    """When the press was that used it."""
    incident: int | None
    """The test incident that it became."""


class CommandForm(Form):
    """What a box shall do."""

    action: Action
    args: Annotated[dict[str, Any], Field(max_length=50)] = Field(default_factory=dict)
    """`identify`: `seconds`. `configure`: `heartbeat_s`, `reporting_s`, `dim_after_s`, `hold_ms`. Others: none."""


class CommandState(StrEnum):
    """What became of a command."""

    WAITING = "waiting"
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"


class CommandView(View):
    """A command and its reply."""

    id: str
    action: str
    args: Mapping[str, Any]
    sent_by: str
    sent_at: datetime
    expires_at: datetime
    state: CommandState
    replied_at: datetime | None
    reply: str | None
    """In the box's own words."""
