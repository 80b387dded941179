"""Who may do what, what was done, and the proof of the data key."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from haven_server.models.base import Base


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
