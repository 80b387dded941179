"""The loop and the disk: what survives the process, and what a disk that fails does to it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from device.loop_rig import rig_in
from haven_contract.messages import Receipt
from haven_contract.topics import Down, Up, down
from haven_contract.words import Kind, Stage
from haven_device.errors import StoreError
from haven_device.events import DeviceFault, Edge, MessageCame, RadioHeard, StoreLoaded, StoreReplaced
from haven_device.outbox import StoredEvent
from haven_device.radio.frames import PendantFrame
from haven_device.store import NAME, Store


class FullStore(Store):
    """Gives what it has, and takes nothing."""

    def write(self, *_: object) -> None:
        raise StoreError("the disk is full")


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
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.forward(0.2)
        assert rig.faults()[0] == ("store_replaced", False)
        rig.settled()
        rig.until(lambda: ("store_replaced", True) in rig.faults())
        with closing(sqlite3.connect(tmp_path / NAME)) as other:
            other.executescript("DELETE FROM event; DELETE FROM kept")
            other.commit()
        rig.inbox.put(StoreReplaced("again"))
        rig.box.round(0)
        rig.settled()
        made, kept = rig.box._outbox.events(), rig.box._memory.values
    with rig_in(tmp_path) as rig:
        assert rig.box._outbox.events() == made
        assert rig.box._memory.values == kept


@pytest.mark.expects_error("moved to outbox.sqlite.broken-1")
def test_a_damaged_outbox_is_over_at_the_next_sound_start_if_not_before(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"no database" * 1000)
    with rig_in(tmp_path) as rig:
        rig.writer._settle_s = 1e9
        rig.connect()
        rig.settled()
        assert ("store_replaced", True) not in rig.faults()
    with rig_in(tmp_path) as rig:
        rig.connect()
        rig.until(lambda: ("store_replaced", True) in rig.faults())


@pytest.mark.expects_error("cannot be written, kept in memory: the disk is full")
def test_a_disk_that_was_full_when_the_process_died_is_restored_at_the_next_sound_start(tmp_path: Path) -> None:
    """Nothing of the fault could be written; all the same the next process knows that something may be open."""
    with rig_in(tmp_path):
        pass
    with rig_in(tmp_path, FullStore) as rig:
        rig.connect()
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.until(lambda: rig.faults() == [("store", False)])
    with rig_in(tmp_path) as rig:
        rig.connect()
        rig.until(lambda: ("store", True) in rig.faults())
        rig.settled()
    with rig_in(tmp_path) as rig:
        assert not rig.writer.memory_lost
        for event in rig.box._outbox.events():
            rig.box._outbox.receipt(event.event_id)
        rig.connect()
        rig.forward(1)
        assert rig.faults() == [], "told once"


def test_an_event_and_what_is_known_of_it_are_written_together(tmp_path: Path) -> None:
    with rig_in(tmp_path) as rig:
        rig.inbox.put(Edge("button:counter", True, rig.clock.now))
        rig.forward(0.2)
        rig.inbox.put(DeviceFault("pin", present=True, why="busy"))
        rig.forward(0)
        press, fault = rig.box._outbox.events()
        assert rig.writer.together[press.event_id] >= {"alarms", "seq"}
        assert rig.writer.together[fault.event_id] >= {"troubles", "seq"}


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
        rig.writer.keep({"seq": 0})
        rig.until(lambda: "holdup" in [event.kind for event in rig.events()])
        assert [event.kind for event in rig.events() if not event.restored] == ["device_fault", "holdup"]
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
        opened = [(event.kind, event.detail.get("fault")) for event in rig.events() if not event.restored]
        assert opened == [("device_fault", "store"), ("holdup", None)]
        assert rig.trace.of("accepted") == []
        folder.mkdir()
        rig.until(lambda: len(rig.trace.of("accepted")) >= 2)
        rig.until(lambda: ("store", True) in rig.faults())


def test_a_fault_that_was_open_when_the_process_ended_is_restored_by_the_next(tmp_path: Path) -> None:
    for present in (True, False):
        with rig_in(tmp_path) as rig:
            rig.connect()
            rig.inbox.put(DeviceFault("pin", present=present, why="busy" if present else ""))
            rig.forward(1)
            rig.settled()
    assert rig.faults() == [("pin", False), ("pin", True)]
