"""Buttons, pendants and sensors as their boxes tell of them: their batteries and last signs of life."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from haven_contract.messages import Heartbeat, PendantVitals, State
from haven_contract.words import Kind
from haven_server.db.upsert import upsert
from haven_server.models import DeviceInput
from haven_server.supervision.troubles import News, Subject, open_trouble, restore_trouble

MOST_INPUTS = 64
"""Of one box. What a box tells of further ones is left out, so that a faulty one cannot fill the database."""

HEARD_STEP = timedelta(seconds=5)
"""The last sign of life is told in whole seconds and on its way for some; a smaller difference is none."""

LONGEST_SILENCE_S = 10 * 366 * 86_400
"""A pendant that would have been silent for longer has never been heard."""


@dataclass(slots=True)
class _Seen:
    battery: str | None
    heard_at: datetime | None


@dataclass(slots=True)
class Inputs:
    """Inputs of one box."""

    device_id: str
    seen: dict[str, _Seen] = field(default_factory=dict)

    def record(self, session: Session, message: State | Heartbeat, now: datetime, *, in_service: bool) -> None:
        """Keep what the message tells of inputs. Of a box out of service no trouble is made: it is nobody's work."""
        if isinstance(message, State):
            for source in message.inputs:
                if self._has_room_for(source) and source not in self.seen:
                    self.seen[source] = _Seen(None, None)
                    upsert(session, DeviceInput, [{"device_id": self.device_id, "source": source}], ("source",))
            return
        for name, pendant in message.pendants.items():
            source = f"pendant:{name}"
            if self._has_room_for(source):
                self._record_pendant(session, source, pendant, now, in_service=in_service)

    def _has_room_for(self, source: str) -> bool:
        return source in self.seen or len(self.seen) < MOST_INPUTS

    def _record_pendant(
        self, session: Session, source: str, pendant: PendantVitals, now: datetime, *, in_service: bool
    ) -> None:
        before, heard_at = self.seen.get(source), _heard_at(pendant, now)
        if before is not None and before.battery == pendant.battery and not _is_news(before.heard_at, heard_at):
            return
        self.seen[source] = _Seen(pendant.battery, heard_at)
        row = {"device_id": self.device_id, "source": source, "battery": pendant.battery, "heard_at": heard_at}
        upsert(session, DeviceInput, [row], ("battery", "heard_at"))
        if (before is not None and before.battery == pendant.battery) or not in_service:
            return
        if pendant.battery == "low":
            open_trouble(session, Subject(self.device_id, Kind.BATTERY_LOW, source), News(now))
        elif pendant.battery == "ok":
            restore_trouble(session, Subject(self.device_id, Kind.BATTERY_LOW, source), News(now))


def load_inputs(session: Session, device_ids: Iterable[str]) -> dict[str, Inputs]:
    """Inputs of each of the boxes."""
    found: dict[str, Inputs] = {device_id: Inputs(device_id) for device_id in device_ids}
    rows: defaultdict[str, dict[str, Any]] = defaultdict(dict)
    for row in session.execute(
        select(DeviceInput.device_id, DeviceInput.source, DeviceInput.battery, DeviceInput.heard_at).where(
            DeviceInput.device_id.in_(list(found))
        )
    ):
        rows[row.device_id][row.source] = _Seen(row.battery, row.heard_at)
    for device_id, seen in rows.items():
        found[device_id].seen = seen
    return found


def _heard_at(pendant: PendantVitals, now: datetime) -> datetime | None:
    if pendant.seen_s is None or pendant.seen_s > LONGEST_SILENCE_S:
        return None
    return now - timedelta(seconds=pendant.seen_s)


def _is_news(before: datetime | None, after: datetime | None) -> bool:
    if before is None or after is None:
        return before is not after
    return abs(after - before) > HEARD_STEP
