from datetime import UTC, datetime, timedelta

BEGINNING = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


class ManualClock:
    """A clock that stands still until it is wound forward."""

    def __init__(self, now: datetime = BEGINNING) -> None:
        self._now = now

    def now(self) -> datetime:
        """Present instant, UTC."""
        return self._now

    def forward(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
