"""Tables, nothing else. Personal data of homes stand only in the `sealed` columns (see vault.py)."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from haven_server.db.types import UtcDateTime

Flags = list[dict[str, Any]]
"""See incidents.flags."""


class Base(DeclarativeBase):
    """Base of the tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        Flags: JSON(none_as_null=True),
        bytes: LargeBinary,
        str: Text,
    }


class Desk(Base):
    """A police desk: a station, one of its boxes, or the city's situation room. Known by station, name and kind."""

    __tablename__ = "desk"
    __table_args__ = (UniqueConstraint("station", "name", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    station: Mapped[str]
    name: Mapped[str]
    kind: Mapped[str]
    is_city: Mapped[bool] = mapped_column(default=False)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("desk.id"))
    address: Mapped[str | None]
    district: Mapped[str | None]
    lat: Mapped[float | None]
    lon: Mapped[float | None]
    phone: Mapped[str | None]
    """Number to call by voice."""
    source: Mapped[dict[str, Any]] = mapped_column(default=dict)
    """The imported row's other columns."""


class Jurisdiction(Base):
    """Which desk a district's sites belong to where a site names none."""

    __tablename__ = "jurisdiction"

    district: Mapped[str] = mapped_column(primary_key=True)
    desk_id: Mapped[int] = mapped_column(ForeignKey("desk.id"))


class DeskChannel(Base):
    """A way to reach a desk; the lowest rank is tried first."""

    __tablename__ = "desk_channel"
    __table_args__ = (UniqueConstraint("desk_id", "rank"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    desk_id: Mapped[int] = mapped_column(ForeignKey("desk.id"), index=True)
    rank: Mapped[int]
    kind: Mapped[str]
    url: Mapped[str]
    sealed_secret: Mapped[bytes]
    timeout_s: Mapped[float] = mapped_column(default=5.0)
    concurrency: Mapped[int] = mapped_column(default=64)
    """Calls at the same time."""
    enabled: Mapped[bool] = mapped_column(default=True)


class Site(Base):
    """A store or a home. Of a home only code, kind, district and desk are plain; the rest is in `sealed`."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    district: Mapped[str | None] = mapped_column(index=True)
    operating: Mapped[bool] = mapped_column(default=True)
    desk_id: Mapped[int | None] = mapped_column(ForeignKey("desk.id"))
    reporting_s: Mapped[int] = mapped_column(default=90)
    """Silence of a box after which it is a trouble, seconds (EN 50136 DP4: 90)."""
    facts: Mapped[dict[str, Any] | None]
    """Of a store: name, address, phones and so on, see sites.record.Place."""
    sealed: Mapped[bytes | None]
    """Of a home: the same, sealed."""
    version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Device(Base):
    """A box."""

    __tablename__ = "device"

    id: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str | None]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"), index=True)
    standing: Mapped[str] = mapped_column(default="active")
    standing_since: Mapped[datetime]
    standing_reason: Mapped[str | None]
    awaited_until: Mapped[datetime | None] = mapped_column(index=True)
    """Assigned to a site and never heard yet: from then on that is a trouble."""
    created_at: Mapped[datetime]


class DeviceInput(Base):
    """A button, pendant or sensor of a box, as people call it."""

    __tablename__ = "device_input"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    label: Mapped[str | None]
    battery: Mapped[str | None]
    heard_at: Mapped[datetime | None]


class DeviceStatus(Base):
    """What a box last said of itself, and until when it may be silent."""

    __tablename__ = "device_status"

    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), primary_key=True)
    online: Mapped[bool] = mapped_column(default=False)
    boot_id: Mapped[str]
    connection: Mapped[int] = mapped_column(default=0)
    seen_at: Mapped[datetime]
    due_at: Mapped[datetime] = mapped_column(index=True)
    silent: Mapped[bool] = mapped_column(default=False)
    """Its silence is a trouble already."""
    state: Mapped[dict[str, Any]] = mapped_column(default=dict)
    vitals: Mapped[dict[str, Any]] = mapped_column(default=dict)


class DeviceBoot(Base):
    """A boot of a box: server time minus the box's monotonic clock, as last known."""

    __tablename__ = "device_boot"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    boot_id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    """When the monotonic clock of this boot stood at 0."""
    known_at: Mapped[datetime]


class Incident(Base):
    """One emergency at one site, from the first press to its disposition."""

    __tablename__ = "incident"
    __table_args__ = (
        Index("ix_incident_joining", "site_id", "response", "state"),
        Index("ix_incident_joining_device", "device_id", "response", "state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    response: Mapped[str]
    state: Mapped[str]
    version: Mapped[int] = mapped_column(default=1)
    """Grows with each step of the lifecycle; who acts names the one that he saw."""
    is_test: Mapped[bool] = mapped_column(default=False)
    muted: Mapped[bool] = mapped_column(default=False)
    """Recorded and shown, no police: the device is retired or revoked."""
    device_id: Mapped[str]
    site_id: Mapped[int | None] = mapped_column(ForeignKey("site.id"))
    desk_id: Mapped[int | None] = mapped_column(ForeignKey("desk.id"))
    facts: Mapped[dict[str, Any] | None]
    """Copy of the site as it was at the press (a store)."""
    sealed: Mapped[bytes | None]
    """The same of a home, sealed."""
    linked_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id"))
    """Earlier incident of the same site that was still unclosed."""
    first_press_at: Mapped[datetime | None]
    """None where it cannot be known."""
    opened_at: Mapped[datetime] = mapped_column(index=True)
    presses: Mapped[int] = mapped_column(default=1)
    rung_at: Mapped[datetime]
    flags: Mapped[Flags] = mapped_column(default=list)
    alerted_at: Mapped[datetime | None]
    police_unreached: Mapped[bool] = mapped_column(default=False)
    owner: Mapped[str | None]
    """Who acknowledged it."""
    acknowledged_at: Mapped[datetime | None]
    dispatched_at: Mapped[datetime | None]
    arrived_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    disposition: Mapped[str | None]


class Event(Base):
    """An event as it came. (device, event id, hash of the payload) makes a repeated delivery one event."""

    __tablename__ = "event"
    __table_args__ = (
        UniqueConstraint("device_id", "event_id", "payload_hash"),
        Index("ix_event_input", "device_id", "source", "at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    """Not a foreign key: an unknown device's alarm counts too."""
    event_id: Mapped[str]
    payload_hash: Mapped[str]
    sealed_raw: Mapped[bytes]
    """The payload as it came."""
    received_at: Mapped[datetime]
    kind: Mapped[str]
    source: Mapped[str]
    restored: Mapped[bool] = mapped_column(default=False)
    boot_id: Mapped[str | None]
    press_at: Mapped[datetime | None]
    press_basis: Mapped[str]
    """How `press_at` is known, one of ingest.presstime.Basis."""
    at: Mapped[datetime]
    """`press_at`, or where that is unknown `received_at`."""
    flags: Mapped[Flags] = mapped_column(default=list)
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("incident.id"), index=True)
    is_test: Mapped[bool] = mapped_column(default=False)
    stage: Mapped[str] = mapped_column(default="received")
    stage_rev: Mapped[int] = mapped_column(default=1)
    stage_at: Mapped[datetime] = mapped_column(index=True)
    stage_reason: Mapped[str | None]


class IncidentStep(Base):
    """A line of an incident's timeline."""

    __tablename__ = "incident_step"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id"), index=True)
    at: Mapped[datetime]
    what: Mapped[str]
    actor: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sealed_note: Mapped[bytes | None]
    """What a person wrote about a home."""


class OpenTest(Base):
    """Leave to take one press of one input within 60 s for a test."""

    __tablename__ = "open_test"

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    source: Mapped[str]
    opened_by: Mapped[str]
    opened_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_by: Mapped[int | None] = mapped_column(ForeignKey("event.id"))


class Notice(Base):
    """One thing that the police must learn: an incident or an update of it."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("incident_id", "event_id"),
        Index(
            "ix_notice_reach_by",
            "reach_by",
            sqlite_where=text("alerted_at IS NULL AND unreached_at IS NULL"),
            postgresql_where=text("alerted_at IS NULL AND unreached_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id"))
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    number: Mapped[int]
    """0 opens, each further one updates."""
    runaway: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    reach_by: Mapped[datetime]
    alerted_at: Mapped[datetime | None]
    unreached_at: Mapped[datetime | None]


class Delivery(Base):
    """A notice on its way through one channel."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("notice_id", "channel_id"),
        Index(
            "ix_delivery_pending",
            "next_at",
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("notice.id"), index=True)
    channel_id: Mapped[int] = mapped_column(ForeignKey("desk_channel.id"))
    state: Mapped[str] = mapped_column(default="pending")
    """One of police.delivery.DeliveryState."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    """When it is tried next; while one server tries, when another may take it over."""
    claimed_by: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]


class Trouble(Base):
    """A silent failure, from its beginning to its restoral."""

    __tablename__ = "trouble"
    __table_args__ = (
        Index(
            "ux_trouble_open",
            "device_id",
            "subject",
            "kind",
            "fault",
            unique=True,
            sqlite_where=text("restored_at IS NULL"),
            postgresql_where=text("restored_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    device_id: Mapped[str]
    subject: Mapped[str]
    """Source of the input, or `device`."""
    kind: Mapped[str]
    fault: Mapped[str] = mapped_column(default="")
    """Of `device_fault`: which, one of supervision.troubles.FAULTS."""
    said_at: Mapped[datetime]
    """Time of the newest news of it."""
    said_boot_id: Mapped[str | None]
    said_mono_ms: Mapped[int | None] = mapped_column(BigInteger)
    opened_at: Mapped[datetime]
    restored_at: Mapped[datetime | None]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SentCommand(Base):
    """A command to a device and its reply."""

    __tablename__ = "sent_command"

    id: Mapped[str] = mapped_column(primary_key=True)
    device_id: Mapped[str] = mapped_column(ForeignKey("device.id"), index=True)
    action: Mapped[str]
    args: Mapped[dict[str, Any]] = mapped_column(default=dict)
    sent_by: Mapped[str]
    sent_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    replied_at: Mapped[datetime | None]
    ok: Mapped[bool | None]
    reply: Mapped[str | None]


class ApiToken(Base):
    """A machine's or a person's key to the API. Only the hash of it is kept."""

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)
    role: Mapped[str]
    token_hash: Mapped[str] = mapped_column(unique=True)
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


class AuditLine(Base):
    """Who did what, append-only."""

    __tablename__ = "audit_line"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


class SealedProof(Base):
    """Something sealed with the data key, so that a server with another key is told so before it takes an alarm."""

    __tablename__ = "sealed_proof"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    sealed: Mapped[bytes]


class Listening(Base):
    """Until when some server has been listening to the boxes; silence counts only while somebody listens."""

    __tablename__ = "listening"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    heard_until: Mapped[datetime]
