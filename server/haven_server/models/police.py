"""What the police are told, and how far it has got."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from haven_server.models.base import Base


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
    """One of police.deliveries.DeliveryState."""
    attempts: Mapped[int] = mapped_column(default=0)
    next_at: Mapped[datetime]
    """When it is tried next; while one server tries, when another may take it over."""
    claimed_by: Mapped[str | None]
    error: Mapped[str | None] = mapped_column(Text)
    answered_at: Mapped[datetime | None]
