"""The loop with a fake clock, wire and pins, and the real outbox on disk."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from device.fakes import FakeClock, FakePins, FakeTrace, FakeWire
from device.rig import until
from haven_contract.messages import Event, Receipt
from haven_contract.topics import Down, Up, down
from haven_contract.words import Kind, Stage
from haven_device.events import Edge, LinkUp, MessageCame, RadioHeard, StoreLoaded, StoreReplaced, Tick
from haven_device.inbox import Inbox
from haven_device.indicator import Indicator
from haven_device.loop import Box
from haven_device.outbox import StoredEvent
from haven_device.panel import Shown
from haven_device.patterns import LOOKS, Pattern, level_at
from haven_device.radio.frames import PendantFrame
from haven_device.settings import Address, ContactSettings, LinkSettings, PendantSettings, ReceiverSettings, Settings
from haven_device.store import NAME
from haven_device.watchdog import Systemd
from haven_device.writer import Writer

LINK = LinkSettings(brokers=(Address("first", 8883),), ca=Path(), certificate=Path(), key=Path())


class Rig:
    """A box in pieces that the test moves by hand."""

    def __init__(self, folder: Path, **levels: bool) -> None:
        contact = ContactSettings(source="button:counter", pin=17, kind=Kind.HOLDUP)
        pendants = tuple(PendantSettings(id=f"{number:02x}", kind=Kind.HOLDUP) for number in range(30))
        self.settings = Settings(
            device_id="store-0001",
            data_dir=folder,
            link=LINK,
            contacts=(contact,),
            pendants=pendants,
            receiver=ReceiverSettings(driver="rflink", port="none", lost_after_s=1e9),
            outbox_limit=20,
        )
        self.clock, self.trace, self.wire, self.pins = FakeClock(), FakeTrace(), FakeWire(), FakePins(**levels)
        self.inbox = Inbox()
        self.writer = Writer(folder, self.inbox.put, retry_s=0.01, settle_s=0.05)
        self.box = Box(
            self.settings,
            clock=self.clock,
            inbox=self.inbox,
            pins=self.pins,
            writer=self.writer,
            wire=self.wire,
            trace=self.trace,
            systemd=Systemd({}),
            firmware="1.2.3",
        )

    def forward(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds * 10))):
            self.clock.forward(0.1 if seconds else 0)
            self.box.round(0)

    def connect(self) -> None:
        self.box.round(0)
        self.inbox.put(LinkUp(self.wire.generation))
        self.box.round(0)

    def events(self) -> list[Event]:
        return [Event.decode(one.payload) for one in self.wire.of(Up.EVENT)]

    def writer_told(self) -> list[dict[str, object]]:
        """Events that the disk has taken, after another round."""
        self.box.round(0)
        return self.trace.of("accepted")

    def settled(self) -> None:
        """The disk has everything, and the loop knows."""
        until(lambda: self.writer.waiting == 0)
        self.box.round(0)


@contextmanager
def rig_in(folder: Path, **levels: bool) -> Iterator[Rig]:
    rig = Rig(folder, **levels)
    with rig.writer:
        yield rig


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
    with rig_in(tmp_path, **{"button:counter": True}) as rig:
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


def test_an_event_survives_the_process_with_id_bytes_and_number(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        rig.connect()
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.forward(0.1)
        rig.settled()
        (first,) = rig.wire.of(Up.EVENT)
    with rig_in(tmp_path) as rig:
        rig.clock.boot_id = "boot-2"
        rig.connect()
        (again,) = rig.wire.of(Up.EVENT)
        assert again.payload == first.payload
        assert again.sent is not None
        assert again.sent.boot_id == "boot-2"
        rig.inbox.put(RadioHeard(PendantFrame(raw="", pendant="01", pressed=True), rig.clock.now))
        rig.forward(0.1)
        assert [event.seq for event in rig.events()] == [1, 2]


def test_a_receipt_takes_the_event_off_the_disk(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        rig.connect()
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.forward(0.1)
        rig.settled()
        (event,) = rig.events()
        receipt = Receipt(event_id=event.id, rev=1, stage=Stage.RECEIVED, at=rig.clock.utc())
        rig.inbox.put(MessageCame(rig.wire.generation, down("store-0001", Down.RECEIPT), receipt.encode()))
        rig.box.round(0)
        rig.settled()
    with rig_in(tmp_path) as rig:
        rig.connect()
        assert rig.events() == []


@pytest.mark.expects_error("the outbox is full")
def test_a_full_outbox_reports_it_and_keeps_the_fresh_alarm(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        for number in range(30):
            rig.inbox.put(RadioHeard(PendantFrame(raw="", pendant=f"{number:02x}", pressed=True), rig.clock.now))
            rig.forward(0.1)
        rig.settled()
        assert len(rig.box._outbox) == 20
        assert rig.box._outbox.events()[-1].source == "pendant:1d"
        kinds = [line["kind"] for line in rig.trace.of("reported")]
        assert kinds == [Kind.DEVICE_FAULT]
    with rig_in(tmp_path) as rig:
        assert [event.source for event in rig.box._outbox.events()] == [f"pendant:{n:02x}" for n in range(10, 30)]


@pytest.mark.expects_error("moved to outbox.sqlite.broken-1", "again")
def test_a_damaged_outbox_is_replaced_and_everything_in_memory_written_again(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    with rig_in(tmp_path) as rig:
        rig.connect()
        rig.forward(0.2)
        (event,) = rig.events()
        assert (event.kind, event.detail["fault"]) == (Kind.DEVICE_FAULT, "store_replaced")
        rig.settled()
        rig.inbox.put(StoreReplaced("again"))
        rig.box.round(0)
        rig.settled()
    with rig_in(tmp_path) as rig:
        assert len(rig.box._outbox) == 2


@pytest.mark.expects_error("cannot be written, kept in memory")
def test_events_that_come_late_from_the_disk_are_sent(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    with rig_in(tmp_path) as rig:
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.forward(0.1)
        rig.settled()
    folder.mkdir()
    (tmp_path / NAME).rename(folder / NAME)
    folder.rename(tmp_path / "away")
    with rig_in(folder) as rig:
        rig.connect()
        (tmp_path / "away").rename(folder)
        rig.writer.keep("seq", 0)
        until(lambda: rig.writer_told() or rig.wire.of(Up.EVENT)[1:])
        assert [event.kind for event in rig.events()] == ["device_fault", "holdup"]
        for _ in range(3):
            rig.inbox.put(Edge("button:counter", True, rig.clock.now))
            rig.forward(0.1)
            rig.inbox.put(Edge("button:counter", False, rig.clock.now))
            rig.forward(0.1)
        rig.inbox.put(StoreLoaded((StoredEvent(70, "late", "holdup", "button:counter", b"late"),)))
        rig.inbox.put(RadioHeard(PendantFrame(raw="", pendant="01", pressed=True), rig.clock.now))
        rig.forward(0.1)
        assert rig.box._outbox.events()[-1].seq == 71


@pytest.mark.expects_error("cannot be written, kept in memory")
def test_a_disk_that_fails_is_a_fault_but_the_press_goes_out(tmp_path: Path) -> None:
    folder = tmp_path / "gone"
    with rig_in(folder) as rig:
        rig.connect()
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.forward(0.2)
        assert [(e.kind, e.detail.get("fault")) for e in rig.events()] == [("device_fault", "store"), ("holdup", None)]
        assert rig.trace.of("accepted") == []
        folder.mkdir()
        until(lambda: len(rig.writer_told()) >= 2)
        until(lambda: rig.writer_told() and rig.events()[-1].restored)


@pytest.mark.expects_error("Tick is lost")
def test_the_queue_is_bounded_and_says_what_it_lost(caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox(limit=3)
    for _ in range(5):
        inbox.put(Tick())
    assert inbox.lost == 2
    assert "Tick is lost" in caplog.text
    assert len(inbox.take(0, 10)) == 3
    assert inbox.take(0, 10) == []


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
        rig.writer.keep("tunable", {"heartbeat_s": 7, "reporting_s": 21, "dim_after_s": 60, "hold_ms": {}})
        rig.settled()
    with rig_in(tmp_path) as rig:
        assert rig.box._settings.tunable.heartbeat_s == 7
        rig.writer.keep("tunable", {"heartbeat_s": 0})
        rig.settled()
    with rig_in(tmp_path) as rig:
        assert rig.box._settings == replace(rig.settings)
