"""UTC instants as text: `2026-11-21T03:04:05.678Z`."""

from datetime import UTC, datetime

from haven_contract.errors import ContractError


def write_instant(instant: datetime) -> str:
    """Milliseconds, UTC. The instant must carry a zone."""
    if instant.tzinfo is None:
        raise ContractError("an instant without a zone cannot be sent")
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str) -> datetime:
    """Instant with its zone, in UTC; ContractError if it is none or has no zone."""
    try:
        instant = datetime.fromisoformat(text)
        utc = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ContractError(f"{text[:40]!r} is no instant; expected like 2026-11-21T03:04:05.678Z") from None
    if instant.tzinfo is None:
        raise ContractError(f"{text[:40]!r} has no zone; expected like 2026-11-21T03:04:05.678Z")
    return utc
