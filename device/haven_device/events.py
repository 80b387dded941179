"""Everything that can happen to the box (inputs) and everything it can do about it (effects). Times: monotonic ms."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from haven_contract.messages import Command, Reply
from haven_contract.words import DEVICE_SOURCE, Stage
from haven_device.outbox import StoredEvent
from haven_device.radio.frames import Frame
from haven_device.settings import Tunable

# --- inputs of the panel ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A contact has this level since `at`; an edge, or what the poll saw."""

    source: str
    active: bool
    at: int


@dataclass(frozen=True, slots=True)
class RadioHeard:
    """The receiver gave a frame."""

    frame: Frame
    at: int


@dataclass(frozen=True, slots=True)
class ReceiverChanged:
    """The receiver answers, or does not; `why` is for the technician."""

    up: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class EventMade:
    """What was reported has got its id, and is on its way."""

    event_id: str
    kind: str
    source: str


@dataclass(frozen=True, slots=True)
class EventGivenUp:
    """The full outbox had to let this event go."""

    event_id: str


@dataclass(frozen=True, slots=True)
class ReceiptCame:
    """How far an event of ours has got."""

    event_id: str
    rev: int
    stage: Stage


@dataclass(frozen=True, slots=True)
class AliveCame:
    """A dispatch server has looked at its database and answers for us."""


@dataclass(frozen=True, slots=True)
class CommandCame:
    """A server asks for something. `utc_now` is the best that is known of the time; None if nothing is."""

    command: Command
    utc_now: datetime | None


@dataclass(frozen=True, slots=True)
class DeviceFault:
    """A part of the box fails or works again: `fault` is one of troubles.py; `source` may be a contact's."""

    fault: str
    present: bool
    why: str = ""
    source: str = DEVICE_SOURCE


PanelInput = (
    Tick
    | Edge
    | RadioHeard
    | ReceiverChanged
    | EventMade
    | EventGivenUp
    | ReceiptCame
    | AliveCame
    | CommandCame
    | DeviceFault
)

# --- inputs of the loop that it handles before the panel -------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class LinkUp:
    """The broker has let us in. `generation` numbers the connections of this process."""

    generation: int


@dataclass(frozen=True, slots=True)
class LinkDown:
    """The connection is gone, or never came."""

    generation: int
    why: str


@dataclass(frozen=True, slots=True)
class Published:
    """The broker answered a publish: 0 is success, 16 means that nobody was there to get it."""

    generation: int
    mid: int
    reason: int


@dataclass(frozen=True, slots=True)
class MessageCame:
    """A server sent something."""

    generation: int
    topic: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """These events are on the disk, behind a commit."""

    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class StoreState:
    """The disk takes what it is given, or does not."""

    works: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class StoreLoaded:
    """What the disk did not give at the start, it gives now."""

    events: tuple[StoredEvent, ...]


@dataclass(frozen=True, slots=True)
class StoreReplaced:
    """The outbox file was damaged and is replaced by a new one, into which everything must go again."""

    why: str


Input = PanelInput | LinkUp | LinkDown | Published | MessageCame | Stored | StoreState | StoreLoaded | StoreReplaced

# --- effects of the panel --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Report:
    """Make an event of this and send it."""

    kind: str
    source: str
    at: int
    restored: bool = False
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Reply to a command."""

    reply: Reply


@dataclass(frozen=True, slots=True)
class TellState:
    """An input's condition has changed: publish the state."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Remember this value over a restart of the process."""

    key: str
    value: Any
    """JSON."""


@dataclass(frozen=True, slots=True)
class Retune:
    """A server has changed tunable values; they are already in force in the panel."""

    tunable: Tunable


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the technician's log."""

    text: str


@dataclass(frozen=True, slots=True)
class Restart:
    """End the process; systemd starts it again."""


Effect = Report | Answer | TellState | Keep | Retune | Note | Restart
