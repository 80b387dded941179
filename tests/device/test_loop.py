"""The loop with a fake clock, wire and pins."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from device.fakes import FakePins
from device.loop_rig import rig_in
from haven_device.events import Edge, Tick
from haven_device.inbox import LIMIT, Inbox
from haven_device.indicator import Indicator
from haven_device.loop import AT_ONCE
from haven_device.panel import Shown
from haven_device.patterns import LOOKS, Pattern, level_at


def test_the_light_comes_before_network_and_disk(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        rig.connect()
        order = []
        rig.trace.tell = lambda what, **facts: order.append(facts.get("pattern") or what)  # type: ignore[method-assign]  # to hear the order
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.forward(0.1)
        rig.settled()
        assert order == ["sending", "pressed", "sent", "accepted"]


def test_a_lost_edge_is_seen_by_the_poll(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        rig.connect()
        rig.pins.now["button:counter"] = True
        rig.forward(0.3)
        (event,) = rig.events()
        assert (event.kind, event.source, event.boot_id, event.seq) == ("holdup", "button:counter", "boot-1", 1)


def test_a_contact_that_is_active_at_the_start_is_a_hold_up(tmp_path: Path) -> None:
    with rig_in(tmp_path, pressed=True) as rig:
        rig.forward(0.3)
        rig.connect()
        (event,) = rig.events()
        assert event.kind == "holdup"


def test_press_time_and_clock_are_of_the_first_edge_however_late_it_is_handled(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        rig.connect()
        before = rig.clock.utc()
        at = rig.clock.now
        rig.inbox.put(Edge("button:counter", True, at))
        rig.inbox.put(Edge("button:counter", False, at + 60))
        rig.forward(0.1)
        (event,) = rig.events()
        assert event.mono_ms == at
        assert event.clock == before.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.mark.expects_error("Tick is lost")
def test_the_queue_is_bounded_and_says_what_it_lost(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox()
    for _ in range(LIMIT + 2):
        inbox.put(Tick())
    assert inbox.lost == 2
    assert "Tick is lost" in caplog.text
    assert len(inbox.take(0, 2 * LIMIT)) == LIMIT
    assert inbox.take(0, 10) == []


def test_a_flood_of_inputs_does_not_keep_the_rest_from_its_turn(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        for _ in range(AT_ONCE + 100):
            rig.inbox.put(Tick())
        rig.box.round(0)
        assert len(rig.inbox.take(0, LIMIT)) == 100


@pytest.mark.expects_error("the outbox is full")
def test_random_storms_of_inputs_never_stop_the_loop(tmp_path: Path) -> None:
    dice = random.Random(7)
    with rig_in(tmp_path) as rig:
        rig.connect()
        for _ in range(3000):
            rig.inbox.put(Edge("button:counter", dice.random() < 0.5, rig.clock.now - dice.randrange(200)))
            rig.clock.forward(dice.random() / 10)
            rig.box.round(0)
        presses = {event.id for event in rig.events() if event.kind == "holdup"}
        assert presses
        assert len(rig.box._outbox) <= 20


@pytest.mark.parametrize("pattern", list(Pattern))
def test_each_pattern_plays_its_cycle(pattern: Pattern) -> None:
    pins = FakePins()
    shown: list[Shown] = []
    indicator = Indicator(pins, shown.append)
    now = 0
    while now < 20_000:
        upcoming = indicator.show(Shown(pattern), now)
        assert upcoming > now
        now = upcoming
    assert shown == [Shown(pattern)]
    assert set(pins.shone) == {level for level, _ in LOOKS[pattern].steps}
    assert any(pins.sounded) is (LOOKS[pattern].beep_ms > 0)
    assert pins.sounded[-1] is False
    indicator.out()
    assert pins.shone[-1] == 0
    assert level_at(pattern, 0, dimmed=True)[0] <= 0.25


def test_patterns_differ() -> None:
    assert len({look.steps for look in LOOKS.values()}) == len(Pattern)
    assert len({look.words for look in LOOKS.values()}) == len(Pattern)


def test_a_servers_settings_hold_after_a_restart_and_odd_ones_do_not(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        rig.writer.keep({"tunable": {"heartbeat_s": 7, "reporting_s": 21, "dim_after_s": 60, "hold_ms": {}}})
        rig.settled()
    with rig_in(tmp_path) as rig:
        assert rig.box._settings.tunable.heartbeat_s == 7
        rig.writer.keep({"tunable": {"heartbeat_s": 0}})
        rig.settled()
    with rig_in(tmp_path) as rig:
        assert rig.box._settings == replace(rig.settings)
