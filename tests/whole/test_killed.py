"""Device, broker and server die by kill -9 at random instants of presses. No press is lost, none is doubled.

What counts is a press that the box has on its disk (`accepted` in its trace). A box that is killed before that has lost
the press with its power: its light has not said "received", it is dark, and the clerk presses again. Such a press is
none or one event at the server, never two; an accepted one is exactly one. A box that stays alive accepts every press,
whatever becomes of broker and server.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import cycle
from random import Random

import pytest

from haven_demo.box import PENDANT, SimulatedBox
from haven_server.models import Event
from server.databases import PostgresCluster
from whole.conftest import Haven, running_haven

BUTTONS = ("counter", "office", "store-room", "door")
INPUTS = (*(f"button:{name}" for name in BUTTONS), f"pendant:{PENDANT}")
TUNING = "resend_after_s = 1\nresend_alarm_cap_s = 2\nreconnect_cap_s = 1\nreceipt_within_s = 5"
VICTIMS = (("device",), ("broker",), ("server",), ("device", "broker", "server"), ("broker", "server"), ())
EARLIEST = timedelta(seconds=-1.5)
"""An event's press time may be a second early: the broker counts whole seconds."""

LATEST = timedelta(seconds=1.5)
"""The same, and this machine may be slow to bring the press to the box."""


@dataclass(frozen=True)
class Press:
    """A finger on an input."""

    device_id: str
    source: str
    at: datetime


class Clerk:
    """Presses the inputs of a box by turns, so that two presses of one input lie seconds apart."""

    def __init__(self, box: SimulatedBox, random: Random) -> None:
        self.box = box
        self.presses: list[Press] = []
        self._turns = cycle(random.sample(INPUTS, len(INPUTS)))

    def press(self) -> Press:
        """The next one."""
        press = Press(self.box.device_id, next(self._turns), datetime.now(UTC))
        self.presses.append(press)
        kind, _, name = press.source.partition(":")
        if kind == "button":
            self.box.press_button(name)
        else:
            self.box.press_pendant()
        return press

    def is_connected(self) -> bool:
        """Whether the last that the box has told of its connection is that it is up."""
        told = [line["what"] for line in self.box.lines if line["what"] in {"ready", "connected", "disconnected"}]
        return told[-1:] == ["connected"]


class Saboteur:
    """Kills and starts again. Whatever is dead is started after a moment, as systemd would."""

    def __init__(self, haven: Haven, random: Random) -> None:
        self._haven = haven
        self._random = random
        self._round: list[tuple[str, ...]] = []
        self.kills: Counter[str] = Counter()

    def strike(self, box: SimulatedBox) -> bool:
        """Kill within the next tenth of a second, each at an instant of its own or all at once; true if the box too."""
        before, stack = len(box.lines), self._haven.stack
        self._round = self._round or self._random.sample(VICTIMS, len(VICTIMS))
        victims = self._round.pop()
        acts: dict[str, tuple[Callable[[], None], Callable[[], None]]] = {
            "device": (box.kill, box.start),
            "broker": (stack.broker.kill, stack.broker.start),
            "server": (stack.server.kill, stack.server.start),
        }
        together = self._random.random() < 0.5
        time.sleep(self._random.uniform(0, 0.1))
        for victim in victims:
            if not together:
                time.sleep(self._random.uniform(0, 0.03))
            acts[victim][0]()
            self.kills[victim] += 1
        time.sleep(self._random.uniform(0, 0.2))
        for victim in victims:
            acts[victim][1]()
        if "device" in victims:
            box.wait_for("ready", after=before)
        return "device" in victims


@pytest.fixture
def haven_on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres_cluster: PostgresCluster) -> Iterator[Haven]:
    with (
        postgres_cluster.database() as url,
        running_haven(tmp_path_factory.mktemp("haven"), database_url=url) as running,
    ):
        yield running


@pytest.mark.parametrize(
    ("presses", "boxes", "seed"),
    [(60, 4, 112), pytest.param(600, 8, 119, marks=pytest.mark.chaos)],
    ids=["short", "long"],
)
def test_presses_while_everything_is_killed(haven: Haven, presses: int, boxes: int, seed: int) -> None:
    press_while_everything_is_killed(haven, presses, boxes, Random(seed))


def test_presses_while_everything_is_killed_beside_a_postgresql(haven_on_postgresql: Haven) -> None:
    press_while_everything_is_killed(haven_on_postgresql, 24, 4, Random(117))


def press_while_everything_is_killed(haven: Haven, presses: int, number_of_boxes: int, random: Random) -> None:
    """Go on until so many presses are accepted; then nothing may be missing and nothing be there twice."""
    clerks = []
    for number in range(number_of_boxes):
        haven.store(f"S-{number}")
        box = haven.stack.box(f"box-{number}", f"S-{number}", buttons=BUTTONS, tuning=TUNING)
        box.start()
        clerks.append(Clerk(box, random))
    saboteur = Saboteur(haven, random)
    rounds = 0
    while len(_accepted(clerks)) < presses:
        assert rounds < presses, "presses are hardly ever accepted: this proves nothing"
        # Every third time what has been killed is struck again before it works.
        if rounds % 3:
            _wait_until_all_is_up(haven, clerks)
        rounds += 1
        _press_and_strike(clerks, saboteur, random)
    haven.stack.server.wait_until_ready()
    accepted = _accepted(clerks)
    _wait_until_all_are_told(haven, accepted)
    assert min(saboteur.kills.values()) >= rounds // 4, saboteur.kills
    events = [event for event in haven.events() if event.kind != "device_fault"]
    _check_events(events, accepted, [press for clerk in clerks for press in clerk.presses])
    _check_calls(haven, accepted)


def _press_and_strike(clerks: Sequence[Clerk], saboteur: Saboteur, random: Random) -> None:
    """All clerks press at about the same time, and meanwhile something is killed, one of their boxes perhaps."""
    struck = random.choice(clerks)
    before = {clerk.box.device_id: len(clerk.box.lines) for clerk in clerks}
    pressed = []
    for clerk in random.sample(clerks, len(clerks)):
        pressed.append((clerk.box, clerk.press()))
        time.sleep(random.uniform(0, 0.02))
    killed = struck.box if saboteur.strike(struck.box) else None
    for box, press in pressed:
        # A radio line may come before the receiver of a box that has just started is open; a button is always heard.
        if box is not killed and press.source.startswith("button:"):
            box.wait_for("accepted", after=before[box.device_id], source=press.source)


def _wait_until_all_is_up(haven: Haven, clerks: Sequence[Clerk], timeout_s: float = 30) -> None:
    haven.stack.server.wait_until_ready()
    deadline = time.monotonic() + timeout_s
    while not all(clerk.is_connected() for clerk in clerks):
        assert time.monotonic() < deadline, "a box does not find its broker again"
        time.sleep(0.02)


def _check_events(events: Sequence[Event], accepted: set[str], presses: Sequence[Press]) -> None:
    assert {event.kind for event in events} == {"holdup"}
    assert Counter(event.event_id for event in events).most_common(1)[0][1] == 1, "an event is stored twice"
    assert accepted <= {event.event_id for event in events}, "a press is lost"
    assert all(event.incident_id is not None for event in events)
    assert len(events) <= len(presses), "there are more events than presses"
    press_of_event = [_press_of(event, presses) for event in events]
    twice = [press for press, count in Counter(press_of_event).items() if count > 1]
    assert twice == [], "a press is two events"
    last = max(press.at for press in presses)
    on_the_way = sum(event.received_at < last for event in events)
    assert on_the_way > len(events) // 2, "most have come when all was over: this proves nothing of kills on the way"


def _press_of(event: Event, presses: Sequence[Press]) -> Press:
    """The press that an event tells of, by its box, input and time."""
    same_input = [press for press in presses if (press.device_id, press.source) == (event.device_id, event.source)]
    near = [press for press in same_input if EARLIEST <= event.at - press.at <= LATEST]
    assert len(near) == 1, f"{event.at} ({event.press_basis}): one of {near}, of all {same_input}"
    return near[0]


def _check_calls(haven: Haven, accepted: set[str]) -> None:
    keys_of_event: dict[str, set[str]] = {}
    for call in haven.desk.calls:
        keys_of_event.setdefault(call.body["event"], set()).add(call.key)
    assert all(len(keys) == 1 for keys in keys_of_event.values()), "an event is at the desk under two keys"
    assert accepted <= set(keys_of_event), "the police never heard of a press"
    assert not haven.desk.forged


def _accepted(clerks: Sequence[Clerk]) -> set[str]:
    return {line["event_id"] for clerk in clerks for line in clerk.box.told("accepted", kind="holdup")}


def _wait_until_all_are_told(haven: Haven, accepted: set[str], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not accepted <= {call.body["event"] for call in haven.desk.calls}:
        missing = accepted - {call.body["event"] for call in haven.desk.calls}
        assert time.monotonic() < deadline, f"the desk has not heard of {missing}"
        time.sleep(0.1)
