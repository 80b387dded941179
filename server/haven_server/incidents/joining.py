"""Promise 9: which press joins which incident, and when an input has run away."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

JOIN_WITHIN = timedelta(minutes=5)
"""Of the incident's first press, by press time."""

RUNAWAY_COUNT = 10
RUNAWAY_WINDOW = timedelta(minutes=1)
"""From an input's tenth event in a minute on, it is told to the police by one update per 30 s."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A non-test incident of the same site and response class that is not yet arrived at."""

    incident_id: int
    first_press_at: datetime | None
    last_press_at: datetime | None


def incident_to_join(press_at: datetime | None, candidates: Iterable[Candidate]) -> int | None:
    """Id of the incident that the press belongs to, or None: it opens a new one.

    A press whose time is unknown joins none, and none joins an incident whose first press has no known time: it
    might be another emergency.
    """
    if press_at is None:
        return None
    for candidate in candidates:
        if candidate.first_press_at is None or candidate.last_press_at is None:
            continue
        # A late press may be the first: then all the others must be within 5 minutes of it.
        first, last = min(candidate.first_press_at, press_at), max(candidate.last_press_at, press_at)
        if last - first <= JOIN_WITHIN:
            return candidate.incident_id
    return None


def has_run_away(events_in_window: int) -> bool:
    """Whether an input with so many events in RUNAWAY_WINDOW, this one among them, has run away."""
    return events_in_window >= RUNAWAY_COUNT
