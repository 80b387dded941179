"""When to connect to which broker. Pure: full jitter, brokers in order, at once where an alarm waits.

A broker that goes down loses a whole city's boxes at the same instant; it can take some 300 of them a second back. So
the boxes spread their return, but nobody with an alarm waits for that.
"""

import random
from collections.abc import Callable

from haven_device.settings import Address, LinkSettings

CONNECT_WITHIN_MS = 10_000
"""TCP, TLS and the broker's answer together; then the attempt has failed."""

STEADY_MS = 10_000
"""A connection that did not live so long counts as a failed attempt."""

_BASE_S = 4.0
_ALARM_BASE_S = 0.5
_ALARM_CAP_S = 5.0


class LinkPlan:
    """At most one connection or attempt at a time. Times are monotonic ms."""

    def __init__(self, settings: LinkSettings, now: int, *, jitter: Callable[[], float] = random.random) -> None:
        self._settings = settings
        self._jitter = jitter
        self._choice = 0
        self._failures = 0
        self._calm_at: float = now
        self._alarm_at: float = now
        self._started: int | None = None
        self.up_since: int | None = None

    @property
    def broker(self) -> Address:
        """Broker of this connection, or of the next attempt."""
        return self._settings.brokers[self._choice]

    def wants_connect(self, now: int, *, alarm: bool) -> bool:
        """It is time for an attempt."""
        return self._started is None and now >= (self._alarm_at if alarm else self._calm_at)

    def is_late(self, now: int) -> bool:
        """The attempt has had its time."""
        return self._started is not None and self.up_since is None and now - self._started >= CONNECT_WITHIN_MS

    def connecting(self, now: int) -> None:
        """An attempt has begun."""
        self._started = now

    def up(self, now: int) -> None:
        """The broker has let us in."""
        self.up_since = now

    def down(self, now: int) -> None:
        """The connection is gone or the attempt has failed: plan the next one."""
        steady = self.up_since is not None and now - self.up_since >= STEADY_MS
        self._started = self.up_since = None
        if steady:
            self._choice, self._failures = 0, 0
        else:
            self._choice = (self._choice + 1) % len(self._settings.brokers)
            self._failures = min(self._failures + 1, 10)
        cap = self._settings.reconnect_cap_s
        self._calm_at = now + 1000 * self._jitter() * min(cap, _BASE_S * 2.0**self._failures)
        urgent = min(cap, _ALARM_CAP_S, _ALARM_BASE_S * 2.0**self._failures) if self._failures else 0.0
        self._alarm_at = now + 1000 * self._jitter() * urgent

    def change_broker(self, now: int) -> bool:
        """Give this connection up for the next broker's, at once; False if there is no other."""
        if len(self._settings.brokers) == 1:
            return False
        self._choice = (self._choice + 1) % len(self._settings.brokers)
        self._started = self.up_since = None
        self._calm_at = self._alarm_at = now
        return True
