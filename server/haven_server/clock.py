from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Tells the time; scenario tests bring one that they can wind forward."""

    def now(self) -> datetime:
        """Present instant, UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """Present instant, UTC."""
        return datetime.now(UTC)


def seconds(number: float) -> timedelta:
    """Span of so many seconds."""
    return timedelta(seconds=number)
