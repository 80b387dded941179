"""Silent failures, and who listens."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from haven_server.models.base import Base


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


class Listening(Base):
    """Until when some server has been listening to the boxes; silence counts only while somebody listens."""

    __tablename__ = "listening"

    id: Mapped[int] = mapped_column(primary_key=True, default=1)
    heard_until: Mapped[datetime]
