"""Incidents and the events that make them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from haven_server.models.base import Base, Flags


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
    last_press_at: Mapped[datetime | None]
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
    """How `press_at` is known, one of presstime.Basis."""
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
