"""Boxes: who they are, what they say of themselves, what is asked of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from haven_server.models.base import Base


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
    """A boot of a box: when its monotonic clock stood at 0, as last known."""

    __tablename__ = "device_boot"

    device_id: Mapped[str] = mapped_column(primary_key=True)
    boot_id: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    """When the monotonic clock of this boot stood at 0."""
    known_at: Mapped[datetime]


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
