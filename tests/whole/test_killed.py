"""Device, broker and server die by kill -9 at random instants of presses. No press is lost, none is doubled."""

import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from random import Random

import pytest

from haven_demo.box import SimulatedBox
from whole.conftest import Haven

BUTTONS = ("counter", "office", "store-room", "door")
TUNING = "resend_after_s = 1\nresend_alarm_cap_s = 2\nreconnect_cap_s = 2\nreceipt_within_s = 5"
VICTIMS = (("device",), ("broker",), ("server",), ("device", "broker", "server"), ("broker", "server"), ())


class Saboteur:
    """Kills and starts again. Whatever is dead is started after a moment, as systemd would."""

    def __init__(self, haven: Haven, random: Random) -> None:
        self._haven = haven
        self._random = random
        self.kills: Counter[str] = Counter()

    def strike(self, victims: tuple[str, ...], box: SimulatedBox) -> None:
        """Kill within the next tenth of a second, at an instant of its own for each or all at once."""
        stack = self._haven.stack
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


@pytest.mark.parametrize(
    ("presses", "seed"), [(60, 112), pytest.param(600, 119, marks=pytest.mark.chaos)], ids=["short", "long"]
)
def test_presses_while_everything_is_killed(haven: Haven, presses: int, seed: int) -> None:
    random = Random(seed)
    boxes = []
    for number in range(3):
        haven.store(f"S-{number}")
        box = haven.stack.box(f"box-{number}", f"S-{number}", buttons=BUTTONS, tuning=TUNING)
        box.start()
        boxes.append(box)
    for box in boxes:
        box.wait_for("alive")
    saboteur = Saboteur(haven, random)
    tries = 0
    while _accepted(boxes) < presses:
        tries += 1
        assert tries < presses * 3, "presses are hardly ever accepted: this proves nothing"
        box = boxes[tries % len(boxes)]
        before = len(box.lines)
        _press(box, random)
        saboteur.strike(VICTIMS[tries % len(VICTIMS)], box)
        if "device" in VICTIMS[tries % len(VICTIMS)]:
            box.wait_for("ready", after=before)

    accepted = {line["event_id"] for box in boxes for line in box.told("accepted") if line["kind"] == "holdup"}
    haven.stack.server.wait_until_ready()
    _wait_until_all_are_told(haven, accepted)

    events = _events(haven)
    assert min(saboteur.kills.values()) >= presses // 6, saboteur.kills
    assert Counter(event_id for event_id, _, _ in events).most_common(1)[0][1] == 1, "an event is stored twice"
    assert accepted <= {event_id for event_id, _, _ in events}, "a press is lost"
    assert all(incident is not None for _, incident, _ in events)
    keys_of_event: dict[str, set[str]] = {}
    for call in haven.desk.calls:
        keys_of_event.setdefault(call.body["event"], set()).add(call.key)
    assert all(len(keys) == 1 for keys in keys_of_event.values()), "an event is at the desk under two keys"
    assert accepted <= set(keys_of_event), "the police never heard of a press"
    assert not haven.desk.forged


def _press(box: SimulatedBox, random: Random) -> None:
    if random.random() < 0.2 and box.pty.exists():
        box.press_pendant()
    else:
        box.press_button(random.choice(BUTTONS))


def _accepted(boxes: list[SimulatedBox]) -> int:
    return sum(len(box.told("accepted", kind="holdup")) for box in boxes)


def _wait_until_all_are_told(haven: Haven, accepted: set[str], timeout_s: float = 60) -> None:
    deadline = time.monotonic() + timeout_s
    while not accepted <= {call.body["event"] for call in haven.desk.calls}:
        missing = accepted - {call.body["event"] for call in haven.desk.calls}
        assert time.monotonic() < deadline, f"the desk has not heard of {missing}"
        time.sleep(0.1)


def _events(haven: Haven) -> list[tuple[str, int | None, str]]:
    database = sqlite3.connect(haven.stack.folder / "haven.db")
    try:
        return database.execute("SELECT event_id, incident_id, kind FROM event WHERE kind = 'holdup'").fetchall()
    finally:
        database.close()
