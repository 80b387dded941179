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
from itertools import pairwise
from random import Random

import pytest

from haven_demo.box import PENDANT, SimulatedBox
from haven_server.models import Event
from server.databases import PostgresCluster
from whole.conftest import Haven, running_haven

BUTTONS = ("counter", "office", "store-room", "door")
INPUTS = (*(f"button:{name}" for name in BUTTONS), f"pendant:{PENDANT}")
TUNING = "resend_after_s = 1\nresend_alarm_cap_s = 2\nreconnect_cap_s = 2\nreceipt_within_s = 5"
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
    """Presses the inputs of the boxes by turns, so that two presses of one input lie seconds apart."""

    def __init__(self, boxes: Sequence[SimulatedBox], random: Random) -> None:
        self.presses: list[Press] = []
        self._turns = [(box, source) for source in INPUTS for box in boxes]
        random.shuffle(self._turns)

    def press(self) -> tuple[SimulatedBox, Press]:
        """The next one, and its box."""
        box, source = self._turns[len(self.presses) % len(self._turns)]
        press = Press(box.device_id, source, datetime.now(UTC))
        self.presses.append(press)
        kind, _, name = source.partition(":")
        if kind == "button":
            box.press_button(name)
        else:
            box.press_pendant()
        return box, press

    def press_of(self, event: Event) -> Press | None:
        """The press that an event tells of, by its box, input and time."""
        near = (press for press in self.presses_of(event) if EARLIEST <= event.at - press.at <= LATEST)
        return next(near, None)

    def presses_of(self, event: Event) -> list[Press]:
        """All presses of an event's input."""
        input_of_box = (event.device_id, event.source)
        return [press for press in self.presses if (press.device_id, press.source) == input_of_box]

    def can_tell_presses_apart(self) -> bool:
        """Whether no event could be of two presses."""
        by_input: dict[tuple[str, str], list[datetime]] = {}
        for press in self.presses:
            by_input.setdefault((press.device_id, press.source), []).append(press.at)
        return all(later - earlier > LATEST - EARLIEST for at in by_input.values() for earlier, later in pairwise(at))


class Saboteur:
    """Kills and starts again. Whatever is dead is started after a moment, as systemd would."""

    def __init__(self, haven: Haven, random: Random) -> None:
        self._haven = haven
        self._random = random
        self._round: list[tuple[str, ...]] = []
        self.kills: Counter[str] = Counter()

    def strike(self, box: SimulatedBox) -> tuple[str, ...]:
        """Kill within the next tenth of a second, each at an instant of its own or all at once; gives the victims."""
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
        return victims


@pytest.fixture
def haven_on_postgresql(tmp_path_factory: pytest.TempPathFactory, postgres_cluster: PostgresCluster) -> Iterator[Haven]:
    with (
        postgres_cluster.database() as url,
        running_haven(tmp_path_factory.mktemp("haven"), database_url=url) as running,
    ):
        yield running


@pytest.mark.parametrize(
    ("presses", "boxes", "seed"),
    # So many boxes that no input is pressed ten times in a minute: the police would get one update for all (promise 9).
    [(60, 4, 112), pytest.param(600, 8, 119, marks=pytest.mark.chaos)],
    ids=["short", "long"],
)
def test_presses_while_everything_is_killed(haven: Haven, presses: int, boxes: int, seed: int) -> None:
    press_while_everything_is_killed(haven, presses, boxes, Random(seed))


def test_presses_while_everything_is_killed_beside_a_postgresql(haven_on_postgresql: Haven) -> None:
    press_while_everything_is_killed(haven_on_postgresql, 24, 4, Random(117))


def press_while_everything_is_killed(haven: Haven, presses: int, number_of_boxes: int, random: Random) -> None:
    """Go on until so many presses are accepted; then nothing may be missing and nothing be there twice."""
    boxes = []
    for number in range(number_of_boxes):
        haven.store(f"S-{number}")
        box = haven.stack.box(f"box-{number}", f"S-{number}", buttons=BUTTONS, tuning=TUNING)
        box.start()
        boxes.append(box)
    for box in boxes:
        box.wait_for("alive")
    clerk, saboteur = Clerk(boxes, random), Saboteur(haven, random)
    while len(_accepted(boxes)) < presses:
        assert len(clerk.presses) < presses * 3, "presses are hardly ever accepted: this proves nothing"
        lines = {box.device_id: len(box.lines) for box in boxes}
        box, press = clerk.press()
        victims = saboteur.strike(box)
        # A radio line may come before the receiver of a box that has just started is open; a button is always heard.
        if "device" not in victims and press.source.startswith("button:"):
            box.wait_for("accepted", after=lines[box.device_id], source=press.source)
    haven.stack.server.wait_until_ready()
    accepted = _accepted(boxes)
    _wait_until_all_are_told(haven, accepted)
    assert min(saboteur.kills.values()) >= presses // 6, saboteur.kills
    assert clerk.can_tell_presses_apart()
    _check_events([event for event in haven.events() if event.kind != "device_fault"], accepted, clerk)
    _check_calls(haven, accepted)


def _check_events(events: Sequence[Event], accepted: set[str], clerk: Clerk) -> None:
    assert {event.kind for event in events} == {"holdup"}
    assert Counter(event.event_id for event in events).most_common(1)[0][1] == 1, "an event is stored twice"
    assert accepted <= {event.event_id for event in events}, "a press is lost"
    assert all(event.incident_id is not None for event in events)
    assert len(events) <= len(clerk.presses), "there are more events than presses"
    told = [(clerk.press_of(event), event) for event in events]
    for press, event in told:
        assert press is not None, f"{event.at} ({event.press_basis}): none of {clerk.presses_of(event)}"
    twice = [press for press, count in Counter(press for press, _ in told).items() if count > 1]
    assert twice == [], "a press is two events"


def _check_calls(haven: Haven, accepted: set[str]) -> None:
    keys_of_event: dict[str, set[str]] = {}
    for call in haven.desk.calls:
        keys_of_event.setdefault(call.body["event"], set()).add(call.key)
    assert all(len(keys) == 1 for keys in keys_of_event.values()), "an event is at the desk under two keys"
    assert accepted <= set(keys_of_event), "the police never heard of a press"
    assert not haven.desk.forged


def _accepted(boxes: Sequence[SimulatedBox]) -> set[str]:
    return {line["event_id"] for box in boxes for line in box.told("accepted", kind="holdup")}


def _wait_until_all_are_told(haven: Haven, accepted: set[str], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not accepted <= {call.body["event"] for call in haven.desk.calls}:
        missing = accepted - {call.body["event"] for call in haven.desk.calls}
        assert time.monotonic() < deadline, f"the desk has not heard of {missing}"
        time.sleep(0.1)
