import os
import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import pytest

from device.rig import until
from haven_device.errors import StoreBrokenError, StoreError
from haven_device.events import Input, Stored, StoreLoaded, StoreReplaced, StoreState
from haven_device.outbox import StoredEvent
from haven_device.store import NAME, Store, move_aside
from haven_device.writer import Writer

COMMITTER = """
import sys
from pathlib import Path
from typing import Any
from haven_device.outbox import StoredEvent
from haven_device.store import Store
with Store(Path(sys.argv[1])) as store:
    seq = max([event.seq for event in store.events()], default=0)
    while True:
        seq += 1
        store.write([StoredEvent(seq, f"event-{seq}", "holdup", "button:counter", b"x" * 300)], [], {"seq": seq})
        print(seq, flush=True)
"""


def event(seq: int, size: int = 100) -> StoredEvent:
    return StoredEvent(seq, f"event-{seq}", "holdup", "button:counter", bytes(size))


def test_it_gives_back_what_was_written(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write([event(1), event(2)], [], {"seq": 2, "alarms": [["a", 1, None]]})
        store.write([event(2, size=5), event(3)], ["event-1"], {"seq": 3})
    with Store(tmp_path) as store:
        assert store.events() == [event(2), event(3)]
        assert store.kept() == {"seq": 3, "alarms": [["a", 1, None]]}


def test_a_commit_reaches_the_disk(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_kill_9_at_any_instant_loses_no_commit(tmp_path: Path) -> None:
    """What the child has told of is there, in order, without a hole."""
    pauses = random.Random(2026)
    told = 0
    for _ in range(5):
        child = subprocess.Popen([sys.executable, "-c", COMMITTER, tmp_path], stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        for _ in range(pauses.randrange(3, 60)):
            told = int(child.stdout.readline())
        child.send_signal(signal.SIGKILL)
        rest = child.stdout.read().split()
        told = int(rest[-1]) if rest else told
        child.stdout.close()
        child.wait()
        with Store(tmp_path) as store:
            seqs = [stored.seq for stored in store.events()]
            assert seqs == list(range(1, len(seqs) + 1))
            assert told <= len(seqs) <= told + 1
            assert store.kept()["seq"] == seqs[-1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"not a database at all" * 300,
        lambda data: data[:4096] + os.urandom(len(data) - 4096),
        lambda data: data[: len(data) // 2],
    ],
)
def test_a_damaged_file_is_recognised_and_moved_aside(tmp_path: Path, spoil: Callable[[bytes], bytes]) -> None:
    with Store(tmp_path) as store:
        store.write([event(seq, 500) for seq in range(200)], [], {})
    path = tmp_path / NAME
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(StoreBrokenError), Store(tmp_path) as store:
        store.events()
    assert move_aside(tmp_path).exists()
    with Store(tmp_path) as store:
        assert store.events() == []


def test_only_the_last_damaged_files_are_kept(tmp_path: Path) -> None:
    for number in range(12):
        (tmp_path / NAME).write_text(f"damaged {number}")
        move_aside(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{NAME}.broken-{number}" for number in (10, 11, 12)]


class Told(list[Input]):
    """What the writer put."""

    def of(self, kind: type) -> list[Input]:
        return [one for one in self if isinstance(one, kind)]

    def stored(self) -> list[int]:
        return [stored.seq for one in self if isinstance(one, Stored) for stored in one.events]


def test_the_writer_commits_what_waits_together(tmp_path: Path) -> None:
    told = Told()
    writer = Writer(tmp_path, told.append)
    assert writer.load() == ([], {})
    for seq in range(1, 101):
        writer.add(event(seq), {"seq": seq})
    writer.remove("event-50")
    with writer:
        until(lambda: len(told.stored()) == 99)
        writer.remove("event-1")
        until(lambda: writer.waiting == 0)
    assert len(told.of(Stored)) == 1
    again = Writer(tmp_path, told.append)
    events, kept = again.load()
    assert [one.seq for one in events] == [seq for seq in range(2, 101) if seq != 50]
    assert kept == {"seq": 100}
    with again:
        pass


def test_a_receipt_that_comes_while_its_event_is_being_written_is_not_forgotten(tmp_path: Path) -> None:
    class Slow(Store):
        def write(self, add: Iterable[StoredEvent], remove: Iterable[str], keep: Mapping[str, Any]) -> None:
            super().write(add, remove, keep)
            writer.remove("event-1")

    told = Told()
    writer = Writer(tmp_path, told.append, open_store=Slow)
    writer.load()
    writer.add(event(1), {})
    with writer:
        until(told.stored)
        until(lambda: writer.waiting == 0)
    with Store(tmp_path) as store:
        assert store.events() == []


def test_a_full_disk_keeps_events_in_memory_until_there_is_room(tmp_path: Path) -> None:
    told = Told()
    with Store(tmp_path) as store:
        store.write([event(1)], [], {})
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    writer = Writer(tmp_path, told.append, retry_s=0.02, settle_s=0.1)
    try:
        assert [one.seq for one in writer.load()[0]] == [1]
        with writer:
            resource.setrlimit(resource.RLIMIT_FSIZE, (8192, before[1]))
            for seq in range(2, 60):
                writer.add(event(seq, 2000), {"seq": seq})
            until(lambda: [one for one in told.of(StoreState) if isinstance(one, StoreState) and not one.works])
            assert writer.waiting >= 58
            resource.setrlimit(resource.RLIMIT_FSIZE, before)
            until(lambda: len(set(told.stored())) == 58)
            until(lambda: isinstance(told[-1], StoreState) and told[-1].works)
            assert len(told.of(StoreState)) == 2
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)
    with Store(tmp_path) as store:
        assert [one.seq for one in store.events()] == list(range(1, 60))


def test_a_disk_that_is_broken_for_long_does_not_fill_the_memory(tmp_path: Path) -> None:
    """Events that come and go while nothing can be written leave nothing behind."""
    told = Told()
    (tmp_path / "gone").mkdir()
    writer = Writer(tmp_path / "gone" / "deeper", told.append, retry_s=0.01)
    assert writer.load() == ([], {})
    for seq in range(5000):
        writer.add(event(seq), {"seq": seq})
        writer.remove(f"event-{seq}")
    assert writer.waiting == 1
    assert isinstance(told[0], StoreState)


def test_damage_at_run_time_begins_a_new_file_and_says_so_and_later_that_it_works(tmp_path: Path) -> None:
    told = Told()
    writer = Writer(tmp_path, told.append, retry_s=0.02, settle_s=0.1)
    writer.load()
    with writer:
        writer.add(event(1), {})
        until(lambda: told.stored() == [1])
        with sqlite3.connect(tmp_path / NAME) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        other.close()
        (tmp_path / NAME).write_bytes(b"gone bad" * 4000)
        writer.add(event(2), {})
        until(lambda: told.of(StoreReplaced))
        until(lambda: 2 in told.stored())
        until(lambda: told[-1] == StoreState(works=True))
    assert [type(one) for one in told if not isinstance(one, Stored)] == [StoreState, StoreReplaced, StoreState]
    assert list(tmp_path.glob(f"{NAME}.broken-*"))


def test_what_the_disk_did_not_give_at_the_start_comes_when_it_does(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.write([event(1), event(2)], [], {"seq": 2})
        store._db.execute("INSERT INTO kept VALUES ('odd', 'no json')")
    aside = tmp_path.rename(tmp_path.with_name("aside"))
    told = Told()
    writer = Writer(tmp_path, told.append, retry_s=0.01, settle_s=0.01)
    assert writer.load() == ([], {})
    with writer:
        writer.add(StoredEvent(1, "another-1", "holdup", "button:counter", b""), {"seq": 1})
        aside.rename(tmp_path)
        until(told.stored)
    assert [one.events for one in told if isinstance(one, StoreLoaded)] == [(event(1), event(2))]
    with Store(tmp_path) as store:
        assert {one.event_id for one in store.events()} == {"event-1", "event-2", "another-1"}
        assert store.kept() == {"seq": 1}


def test_a_folder_that_is_not_there_is_an_error_of_ours(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        Store(tmp_path / "none")
