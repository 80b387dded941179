"""UTC instants as text: `2026-11-21T03:04:05.678Z`."""

from datetime import UTC, datetime

from haven_contract.errors import ContractError


def write_instant(instant: datetime) -> str:
    """UTC to the millisecond, the rest dropped; ContractError without a zone or, in UTC, outside of years 1 to 9999."""
    if instant.utcoffset() is None:
        raise ContractError("an instant without a zone cannot be sent")
    try:
        utc = instant.astimezone(UTC)
    except OverflowError:
        raise ContractError("an instant outside of the years 1 to 9999 cannot be sent") from None
    return utc.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def read_instant(text: str) -> datetime:
    """Instant with its zone, in UTC; ContractError if it is none or has no zone."""
    try:
        instant = datetime.fromisoformat(text)
        if instant.utcoffset() is not None:
            return instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ContractError(f"{text[:40]!a} is no instant; expected like 2026-11-21T03:04:05.678Z") from None
    raise ContractError(f"{text[:40]!a} has no zone; expected like 2026-11-21T03:04:05.678Z")
