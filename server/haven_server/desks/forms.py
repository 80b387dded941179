"""What the API takes and gives of desks."""

import base64
import binascii
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from haven_server.desks.naming import BOXES, DeskKind
from haven_server.sites.forms import Form, Line, View, visible

SECRET_PREFIX = "whsec_"  # noqa: S105 - the mark of a secret, not one
SECRET_BYTES = (24, 64)
"""Least and most bytes of a secret, as Standard Webhooks says."""

LOWEST_RANK = 99

Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]
"""WGS 84, degrees."""


def _web_address(text: str) -> str:
    parts = urlsplit(text)
    try:
        _ = parts.port
    except ValueError as error:
        raise ValueError(f"is not a web address: {error}") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("is not a web address that begins with https:// or http://")
    if parts.username is not None or parts.fragment:
        raise ValueError("must have no user name and no fragment (#)")
    return text


def _secret(text: str) -> str:
    try:
        raw = base64.b64decode(text.removeprefix(SECRET_PREFIX), validate=True)
    except binascii.Error:
        raw = b""
    if not text.startswith(SECRET_PREFIX) or not SECRET_BYTES[0] <= len(raw) <= SECRET_BYTES[1]:
        raise ValueError(f"is not {SECRET_PREFIX} and {SECRET_BYTES[0]} to {SECRET_BYTES[1]} bytes in base64")
    return text


WebAddress = Annotated[str, StringConstraints(max_length=2000, pattern=r"^[!-~]+$"), AfterValidator(_web_address)]
Secret = Annotated[str, StringConstraints(max_length=200), AfterValidator(_secret)]


class DeskKey(Form):
    """What a desk is known by: `신사지구대` exists twice in Seoul."""

    station: Line
    """Full name of the station: `서울강남경찰서`."""
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100), AfterValidator(visible)] = ""
    """Of a box, with or without its type; empty for a station."""
    kind: DeskKind


class DeskForm(DeskKey):
    """A desk as it is to be. What is not given is taken away."""

    address: Line | None = None
    district: Line | None = None
    """District in which it stands."""
    lat: Latitude | None = None
    """WGS 84, degrees."""
    lon: Longitude | None = None
    phone: Line | None = None
    """Number to call by voice."""
    districts: Annotated[tuple[Line, ...], Field(max_length=100)] = ()
    """Jurisdiction: sites of these districts that name no desk of their own belong to this one."""
    take_districts: bool = False
    """Take a district from the desk that has it now; otherwise that is a conflict."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind in BOXES and not self.name:
            raise ValueError(f"a {self.kind} needs a name")
        if (self.lat is None) != (self.lon is None):
            raise ValueError("lat and lon go together")
        return self


class ChannelForm(Form):
    """A way to reach a desk, as it is to be."""

    kind: Literal["webhook"]
    url: WebAddress
    """Where the signed calls go."""
    secret: Secret | None = None
    """`whsec_` and 24 to 64 bytes in base64 (Standard Webhooks). Without it, a new channel gets one of Haven's making,
    and an existing one keeps its own."""
    timeout_s: Annotated[float, Field(ge=1, le=30)] = 5.0
    """Seconds to wait for an answer."""
    concurrency: Annotated[int, Field(ge=1, le=256)] = 64
    """Calls at the same time."""
    enabled: bool = True


class ChannelView(View):
    """A way to reach a desk; the lowest rank is tried first."""

    rank: int
    kind: str
    url: str | None
    """Null for who may not change desks: an address may be a key."""
    timeout_s: float
    concurrency: int
    enabled: bool


class SavedChannel(ChannelView):
    """A channel after it was saved."""

    secret: str | None
    """The secret that Haven has just made: shown now and never again. Null where it was given or is unchanged."""


class DeskRef(View):
    """A desk in a word."""

    id: int
    title: str
    """`신사지구대`, `서울강남경찰서`."""


class DeskView(DeskRef):
    """A desk."""

    station: str
    name: str
    kind: DeskKind
    is_city: bool
    """Takes all that has no other desk; there is one, and it cannot be deleted."""
    station_id: int | None
    """Desk of the station to which a box belongs, where that is registered."""
    address: str | None
    district: str | None
    lat: float | None
    lon: float | None
    phone: str | None
    districts: list[str]
    """Jurisdiction."""
    channels: list[ChannelView]


class DeskPage(View):
    """A page of a list of desks."""

    desks: list[DeskView]
    next: int | None
    """Give it as `after` for the next page; null on the last one."""
