"""How far the presses of this box have got, for the clerk's light. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from haven_contract.words import ALARM_KINDS, Kind, Stage

LIMIT = 64
"""Alarms that are followed at once; the oldest are forgotten first (by the light only, never by the outbox)."""

CLOSED_SHOWN_MS = 60_000
FORGOTTEN_MS = 24 * 3600 * 1000
"""Life of a receipt in the broker: after it, no news can come."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """One press. `stage` is None until the first receipt; `since` is the last change, monotonic ms."""

    event_id: str
    since: int
    rev: int = -1
    stage: Stage | None = None


Alarms = tuple[Alarm, ...]
"""In the order of the presses."""


def is_press(kind: str, source: str) -> bool:
    """A person pressed: the light answers. What the box noticed by itself stays quiet."""
    return kind in ALARM_KINDS and kind != Kind.TAMPER and source.startswith(("button:", "pendant:"))


def pressed(alarms: Alarms, event_id: str, now: int) -> Alarms:
    """A new press is on its way."""
    return (*alarms, Alarm(event_id, now))[-LIMIT:]


def receipted(alarms: Alarms, event_id: str, rev: int, stage: Stage, now: int) -> Alarms:
    """The highest `rev` wins: an incident may be reopened, and messages overtake one another."""
    return tuple(
        replace(alarm, rev=rev, stage=stage, since=now if stage != alarm.stage else alarm.since)
        if alarm.event_id == event_id and rev > alarm.rev
        else alarm
        for alarm in alarms
    )


def settled(alarms: Alarms, now: int) -> Alarms:
    """Without those that are closed for a while, and those of which no news can come."""
    if not any(_is_over(alarm, now) for alarm in alarms):
        return alarms
    return tuple(alarm for alarm in alarms if not _is_over(alarm, now))


def shown(alarms: Sequence[Alarm]) -> Alarm | None:
    """The alarm that the light shows: the newest that is not closed, else the newest."""
    still_open = [alarm for alarm in alarms if alarm.stage is not Stage.CLOSED]
    return next(reversed(still_open or alarms), None)


def to_json(alarms: Alarms) -> list[list[Any]]:
    """To keep over a restart. Times are left out: another boot's clock says nothing."""
    return [[alarm.event_id, alarm.rev, alarm.stage] for alarm in alarms]


def from_json(raw: Any, now: int) -> Alarms:
    """Reverse of `to_json`; what cannot be read is left out, the server tells it again."""
    alarms = []
    for row in raw if isinstance(raw, list) else []:
        match row:
            case [str(event_id), int(rev), str() | None as stage] if stage is None or stage in set(Stage):
                alarms.append(Alarm(event_id, now, rev, Stage(stage) if stage else None))
    return tuple(alarms[-LIMIT:])


def _is_over(alarm: Alarm, now: int) -> bool:
    closed = alarm.stage is Stage.CLOSED
    return now - alarm.since > (CLOSED_SHOWN_MS if closed else FORGOTTEN_MS) and alarm.stage is not None
