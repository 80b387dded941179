"""The alarms' lane under hardship: poison in the batch, a database that is away, two servers at once."""

import dataclasses
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from haven_contract.messages import EVENT_EXPIRY_S, Event, Heartbeat, Sent, State
from haven_contract.topics import Up, up
from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.ingest.alarm_lane import AlarmLane
from haven_server.ingest.connection import Delivered
from haven_server.ingest.inbound import Inbound
from haven_server.ingest.recording import EventRecorder, Recorded
from haven_server.ingest.vitals_lane import VitalsLane
from haven_server.models import DeviceStatus
from haven_server.presstime import Arrival
from haven_server.supervision.vitals import Vital, VitalsTold, record_vitals
from haven_server.supervision.watch import Watch
from server.databases import on_postgresql, on_sqlite
from server.fakes.tcp_proxy import cable_to
from server.live import eventually
from server.scenario import Dispatch, Heard

Inbox = queue.Queue[Delivered]


class PoisonedRecorder(EventRecorder):
    """Breaks at one event, as code with a fault would; and at another even where nothing is read of it."""

    def record(self, session: Session, inbound: Inbound) -> Recorded:
        if b"poison" in inbound.payload:
            raise ZeroDivisionError("our own fault")
        return super().record(session, inbound)

    def record_unprocessable(self, session: Session, inbound: Inbound) -> Recorded:
        if b"deadly" in inbound.payload:
            raise ZeroDivisionError("our own fault again")
        return super().record_unprocessable(session, inbound)


class Box:
    """Puts messages into an inbox and sees which are acknowledged."""

    def __init__(self, city: Dispatch) -> None:
        self._city = city
        self.inbox: Inbox = queue.Queue()
        self.acknowledged: list[str] = []

    def event(self, name: str, device_id: str = "box-1") -> Delivered:
        """A press whose id is its name."""
        payload = Event(id=name, kind="holdup", source="button:counter", boot_id="b", mono_ms=1000).encode()
        return self.message(device_id, Up.EVENT, payload, name)

    def message(self, device_id: str, what: Up, payload: bytes, name: str) -> Delivered:
        arrival = Arrival(self._city.clock.now(), EVENT_EXPIRY_S, Sent("b", 1000))
        return Delivered(Inbound(up(device_id, what), payload, arrival), lambda: self.acknowledged.append(name))

    def put(self, *names: str) -> None:
        for name in names:
            self.inbox.put(self.event(name))


@pytest.fixture
def city(dispatch: Dispatch) -> Dispatch:
    dispatch.desk("강남경찰서", districts=("강남구",))
    dispatch.store("S-1")
    dispatch.box("box-1", "S-1")
    return dispatch


@pytest.fixture
def box(city: Dispatch) -> Box:
    return Box(city)


@contextmanager
def lane(
    core: Core,
    inbox: Inbox,
    *,
    came_up: threading.Event | None = None,
    deliver: Callable[[list[int]], None] = lambda _ids: None,
    recorder: EventRecorder | None = None,
) -> Iterator[AlarmLane]:
    with AlarmLane(core, inbox, came_up or threading.Event(), deliver, recorder) as running:
        yield running


def kinds(city: Dispatch) -> dict[str, str]:
    return {event.event_id[:7]: event.kind for event in city.events()}


def test_nothing_is_acknowledged_before_it_is_committed(city: Dispatch, box: Box) -> None:
    committed_at_ack: list[int] = []
    event = box.event("one")
    box.inbox.put(Delivered(event.inbound, lambda: committed_at_ack.append(len(city.events()))))
    with lane(city.core, box.inbox):
        eventually(lambda: committed_at_ack)
    assert committed_at_ack == [1]
    assert [receipt.event_id for _, receipt in city.heard.receipts] == ["one"]


def test_what_waits_is_one_commit_and_the_police_get_all_of_it(city: Dispatch, box: Box) -> None:
    box.put(*(f"e-{number}" for number in range(9)))
    handed_over: list[int] = []
    with lane(city.core, box.inbox, deliver=handed_over.extend):
        eventually(lambda: len(box.acknowledged) == 9)
    assert city.only_incident()["presses"] == 9
    assert len(set(handed_over)) == 9


def test_a_poisonous_event_rings_as_unreadable_and_stops_nobody(city: Dispatch, box: Box) -> None:
    box.put("one", "poison", "two")
    with lane(city.core, box.inbox, recorder=PoisonedRecorder(city.vault, "server1")):
        eventually(lambda: len(box.acknowledged) == 3)
    assert kinds(city) == {"one": "holdup", "two": "holdup", "sha256:": "unreadable"}
    assert box.acknowledged == ["one", "two", "poison"]
    incident = city.incidents()[-1]
    assert "unreadable" in city.flags(incident)
    assert incident["site"]["code"] == "S-1"


@pytest.mark.expects_error("could not be recorded")
def test_what_cannot_be_stored_in_any_form_gets_no_receipt_and_stops_nobody(city: Dispatch, box: Box) -> None:
    box.put("one", "poison-deadly", "two")
    with lane(city.core, box.inbox, recorder=PoisonedRecorder(city.vault, "server1")) as running:
        eventually(lambda: len(box.acknowledged) == 3)
        box.put("three")
        eventually(lambda: len(box.acknowledged) == 4)
        assert running.is_alive()
    # The box keeps it and sends it again; at the broker it must not stand in the way of others.
    assert [receipt.event_id for _, receipt in city.heard.receipts] == ["one", "two", "three"]


@pytest.mark.expects_error("not everybody could be told")
def test_police_that_cannot_be_handed_anything_do_not_keep_the_box_waiting(city: Dispatch, box: Box) -> None:
    def refuse(_ids: list[int]) -> None:
        raise RuntimeError("deliveries have stopped")

    box.put("one", "two")
    with lane(city.core, box.inbox, deliver=refuse):
        eventually(lambda: len(box.acknowledged) == 2)
    assert {receipt.event_id for _, receipt in city.heard.receipts} == {"one", "two"}


def test_receipts_are_repeated_when_a_broker_has_come_up(city: Dispatch, box: Box) -> None:
    came_up = threading.Event()
    box.put("one")
    with lane(city.core, box.inbox, came_up=came_up):
        eventually(lambda: box.acknowledged)
        city.heard.receipts.clear()
        came_up.set()
        eventually(lambda: city.heard.receipts)
        eventually(lambda: not came_up.is_set())
    assert [(device, receipt.event_id) for device, receipt in city.heard.receipts] == [("box-1", "one")]


@contextmanager
def full_disk(city: Dispatch) -> Iterator[None]:
    """SQLite may not grow any more: as on a disk that is full."""

    def limit(session: Session, pages: int) -> None:
        session.execute(text(f"PRAGMA max_page_count = {pages}"))

    def fill(session: Session) -> None:
        used = session.execute(text("PRAGMA page_count")).scalar_one()
        limit(session, used)

    city.core.database.writer.run(lambda session: session.execute(text("CREATE TABLE ballast (bytes BLOB)")))
    city.core.database.writer.run(fill)
    with pytest.raises(Exception, match="full"):
        city.core.database.writer.run(
            lambda session: session.execute(text("INSERT INTO ballast VALUES (randomblob(10000000))"))
        )
    yield
    city.core.database.writer.run(lambda session: limit(session, 1_000_000))


@on_sqlite
def test_with_a_full_disk_nothing_is_acknowledged_and_nothing_is_lost(city: Dispatch, box: Box) -> None:
    names = [f"{number:04}" + "x" * 50 for number in range(300)]
    with full_disk(city):
        running = AlarmLane(city.core, box.inbox, threading.Event(), lambda _ids: None)
        running.__enter__()
        box.put(*names)
        eventually(lambda: running.stuck)
        stored = {event.event_id for event in city.events()}
        assert set(box.acknowledged) <= stored
        assert len(stored) < 300
    eventually(lambda: len(box.acknowledged) == 300)
    assert not running.stuck
    running.__exit__()
    assert sorted(event.event_id for event in city.events()) == names


@on_sqlite
def test_a_file_locked_by_another_process_only_delays(city: Dispatch, box: Box) -> None:
    url = make_url(city.core.database.url)
    other = sqlite3.connect(str(url.database), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    box.put("one")
    with lane(city.core, box.inbox):
        eventually(box.inbox.empty)
        assert box.acknowledged == []
        other.execute("ROLLBACK")
        eventually(lambda: box.acknowledged == ["one"])
    other.close()


@on_postgresql
def test_while_postgresql_is_away_everything_is_kept(
    city: Dispatch, box: Box, database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    url = make_url(database_url)
    with cable_to(str(url.host), int(url.port or 0)) as cable, ExitStack() as stack:
        far = url.set(port=cable.port).render_as_string(hide_password=False)
        database = stack.enter_context(Database(far))
        core = dataclasses.replace(city.core, database=database)
        vitals_inbox: Inbox = queue.Queue()
        came_up = threading.Event()
        running = stack.enter_context(lane(core, box.inbox, came_up=came_up))
        vitals_heard = Heard()
        stack.enter_context(VitalsLane(dataclasses.replace(core, outbound=vitals_heard), vitals_inbox))
        box.put("before")
        eventually(lambda: box.acknowledged == ["before"])
        cable.cut()
        city.heard.receipts.clear()
        came_up.set()
        eventually(lambda: "receipts cannot be repeated yet" in caplog.text)
        Watch(core, lambda: True).look()
        box.put("one", "two")
        state = State(online=True, boot_id="b", connection=1, mono_ms=1).encode()
        vitals_inbox.put(box.message("box-1", Up.STATE, state, "state"))
        eventually(lambda: running.stuck)
        assert not database.answers()
        assert box.acknowledged == ["before"]
        cable.mend()
        eventually(lambda: set(box.acknowledged) == {"before", "one", "two", "state"})
        eventually(lambda: not running.stuck)
        eventually(lambda: "before" in {receipt.event_id for _, receipt in city.heard.receipts}, "receipts repeated")
        assert database.answers()
    assert len(city.events()) == 3
    assert [device for device, _ in vitals_heard.alive] == ["box-1"]


@on_postgresql
def test_a_lane_that_ends_while_the_database_is_away_leaves_the_rest_to_the_broker(
    city: Dispatch, box: Box, database_url: str
) -> None:
    url = make_url(database_url)
    with (
        cable_to(str(url.host), int(url.port or 0)) as cable,
        Database(url.set(port=cable.port).render_as_string(hide_password=False)) as database,
    ):
        with lane(dataclasses.replace(city.core, database=database), box.inbox) as running:
            cable.cut()
            box.put("one")
            eventually(lambda: running.stuck)
        assert not running.is_alive()
    assert box.acknowledged == []


@on_postgresql
def test_two_servers_that_hear_the_same_make_one_of_it(city: Dispatch, database_url: str) -> None:
    for number in range(10):
        city.store(f"T-{number}")
        city.box(f"a-{number}", f"T-{number}")
        city.box(f"b-{number}", f"T-{number}")
    boxes = [Box(city), Box(city)]
    for position, here in enumerate(boxes):
        # Each broker delivers in an order of its own.
        order = range(200) if position == 0 else reversed(range(200))
        for number in order:
            device_id = f"{'ab'[number // 10 % 2]}-{number % 10}"
            here.inbox.put(here.event(f"e-{number}", device_id))
    handed_over: list[int] = []
    with ExitStack() as stack:
        for name, here in zip(("one", "two"), boxes, strict=True):
            database = stack.enter_context(Database(database_url))
            core = dataclasses.replace(city.core, database=database, server=name, outbound=Heard())
            stack.enter_context(lane(core, here.inbox, deliver=handed_over.extend))
        for here in boxes:
            eventually(lambda here=here: len(here.acknowledged) == 200)  # type: ignore[misc]
    assert len(city.events()) == 200
    assert sorted(incident["presses"] for incident in city.incidents()) == [20] * 10
    assert len(handed_over) == len(set(handed_over))
    assert deadlocks(database_url) == 0, "sites are locked in one order"


def deadlocks(database_url: str) -> int:
    """How often PostgreSQL had to turn somebody away."""
    with psycopg.connect(database_url) as connection:
        counted = connection.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return int((counted.fetchone() or [0])[0])


def test_odd_vitals_are_acknowledged_and_cost_nobody_his_sign_of_life(city: Dispatch, box: Box) -> None:
    city.box("box-2", "S-1")
    for device_id, name in (("box-1", "fine"), ("box-2", "fine too")):
        beat = Heartbeat(boot_id="b", mono_ms=2**53, seq=1).encode()
        box.inbox.put(box.message(device_id, Up.HEARTBEAT, beat, name))
    box.inbox.put(box.message("box-1", Up.HEARTBEAT, b"{", "unreadable"))
    box.inbox.put(box.message("box-1", Up.REPLY, b'{"v":1,"command_id":"of nobody","ok":true}', "reply"))
    with VitalsLane(city.core, box.inbox):
        eventually(lambda: len(box.acknowledged) == 4)
    assert [device for device, _ in city.heard.alive] == ["box-1", "box-2"]
    with city.core.database.read() as session:
        assert len(session.scalars(select(DeviceStatus)).all()) == 2


@pytest.mark.expects_error("could not be recorded")
def test_a_poisonous_heartbeat_costs_no_other_box_its_sign_of_life(city: Dispatch, box: Box) -> None:
    def record(session: Session, vitals: list[Vital]) -> VitalsTold:
        if any(vital.device_id == "box-2" for vital in vitals):
            raise ZeroDivisionError("our own fault")
        return record_vitals(session, vitals)

    for device_id in ("box-2", "box-1"):
        beat = Heartbeat(boot_id="b", mono_ms=1, seq=1).encode()
        box.inbox.put(box.message(device_id, Up.HEARTBEAT, beat, device_id))
    with VitalsLane(city.core, box.inbox, record):
        eventually(lambda: box.acknowledged == ["box-2", "box-1"])
    assert [device for device, _ in city.heard.alive] == ["box-1"]


@on_postgresql
def test_two_servers_that_hear_the_same_heartbeats_do_not_stand_in_each_others_way(
    city: Dispatch, database_url: str
) -> None:
    beating = [city.box(f"beating-{number:02}", "S-1") for number in range(40)]
    for one in beating:
        one.say_online()
    city.clock.forward(120)
    here, there = Box(city), Box(city)
    for hearer, order in ((here, beating), (there, beating[::-1])):
        for number in range(8):
            for one in order:
                beat = Heartbeat(boot_id=one.boot_id, mono_ms=one.mono_ms, seq=number + 1).encode()
                hearer.inbox.put(hearer.message(one.device_id, Up.HEARTBEAT, beat, one.device_id))
    with ExitStack() as stack:
        for name, hearer in (("one", here), ("two", there)):
            database = stack.enter_context(Database(database_url))
            core = dataclasses.replace(city.core, database=database, server=name, outbound=Heard())
            # Both find the boxes silent just while they are heard again.
            Watch(core, lambda: True).look()
            stack.enter_context(VitalsLane(core, hearer.inbox))
        for hearer in (here, there):
            eventually(lambda hearer=hearer: len(hearer.acknowledged) == 320)  # type: ignore[misc]
    assert city.troubles() == []
