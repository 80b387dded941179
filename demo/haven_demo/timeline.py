"""The timeline of presses, as it happens: each happening with the milliseconds since the press."""

import textwrap
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haven_demo.desk import Call
from haven_demo.process import Line
from haven_device.patterns import LOOKS, Pattern

_BOX_WORDS = {
    "pressed": "pressed: {source}",
    "accepted": "safe on the box's disk",
    "sent": "sent over MQTT with mutual TLS (try {attempt})",
    "puback": "the broker has it (counts for nothing yet)",
}


_SERVER_WORDS = {
    "received": "has it from the broker, stores it as {incident}",
    "joined": "has it from the broker, joins it to {incident}",
    "police_alerted": "the police desk has confirmed {incident}",
    "police_not_reached": "POLICE NOT REACHED: call them by voice",
}
_INDENT = " " * 33
_WIDTH = 84
"""Characters; Korean ones are two columns wide."""


@dataclass(frozen=True, slots=True, order=True)
class Happening:
    """Something that happened at a place; `since` milliseconds after the press."""

    at: datetime
    device_id: str
    where: str
    what: str


class Timeline:
    """Takes what boxes, desk and server tell, from any thread, and writes it in the order in which it happened.

    The order takes a moment to know, so what belongs to a press is kept until `show`; later news come at once.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._pressed_at: dict[str, datetime] = {}
        self._events: set[str] = set()
        self._kept: list[Happening] | None = None
        self._ended = False
        self._lock = threading.Lock()

    def begin(self) -> None:
        """A press is about to come."""
        with self._lock:
            self._kept = []

    def show(self) -> None:
        """Write what has happened since `begin`, in order; from now on each at once."""
        with self._lock:
            kept, self._kept = self._kept or [], None
        for happening in sorted(kept):
            if happening.device_id in self._pressed_at:  # connecting and breathing before any press are no news
                self._write_line(happening)

    def end(self) -> None:
        """Write no more: boxes that are being switched off are no news."""
        self._ended = True

    def box(self, device_id: str, line: Line) -> None:
        """A box told something."""
        at, what = datetime.fromisoformat(line["at"]), line["what"]
        if what == "pressed":
            self._pressed_at[device_id] = at
            self._events.add(line["event_id"])
        if what == "led":
            look = LOOKS[Pattern(line["pattern"])]
            self._tell(Happening(at, device_id, "light", f"{look.words}: {look.meaning}"))
        elif what == "receipt" and line["event_id"] in self._events:
            self._tell(Happening(at, device_id, "box", f"has the server's receipt: {line['stage']}"))
        elif what in _BOX_WORDS:
            self._tell(Happening(at, device_id, "box", _BOX_WORDS[what].format_map(line)))

    def desk(self, call: Call) -> None:
        """The police desk was called."""
        body = call.body
        lines = [f"{body['incident']} by signed webhook", *(body["text"][language] for language in ("en", "ko"))]
        self._tell(Happening(call.at, body["device"], "police", "\n".join(lines)))

    def server(self, incident: dict[str, Any]) -> None:
        """What the server wrote of an incident since the press."""
        for line in incident["timeline"]:
            words = _SERVER_WORDS.get(line["what"])
            at = datetime.fromisoformat(line["at"])
            if words and at >= self._pressed_at.get(incident["device"], at):
                self._tell(Happening(at, incident["device"], "server", words.format_map(incident)))

    def _tell(self, happening: Happening) -> None:
        with self._lock:
            if self._kept is not None:
                self._kept.append(happening)
                return
        if happening.device_id in self._pressed_at and not self._ended:
            self._write_line(happening)

    def _write_line(self, happening: Happening) -> None:
        since = (happening.at - self._pressed_at.get(happening.device_id, happening.at)).total_seconds() * 1000
        first, *more = happening.what.split("\n")
        self._write(f"{since:10.1f} ms  {happening.device_id}  {happening.where:<6}  {first}")
        for line in more:
            self._write(textwrap.fill(line, _WIDTH, initial_indent=_INDENT, subsequent_indent=_INDENT))
