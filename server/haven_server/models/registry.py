"""Sites, and the police desks that answer for them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from haven_server.models.base import Base


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
