"""Stories of silence: a box that stops answering becomes a trouble in time, and nothing else does."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from haven_contract.messages import EVENT_EXPIRY_S, Heartbeat, PendantVitals, State
from haven_contract.words import Kind
from haven_server.db.database import Database
from haven_server.models import Device, DeviceBoot, DeviceInput, DeviceStatus, Site
from haven_server.presstime import Arrival
from haven_server.supervision.inputs import MOST_INPUTS
from haven_server.supervision.vitals import MOST_BOOTS, Vital, record_vitals
from server.scenario import Box, Dispatch

OFFLINE = ("box-1", "device", "offline")
LOW = PendantVitals(battery="low", seen_s=10)
OK = PendantVitals(battery="ok", seen_s=10)


@pytest.fixture
def city(dispatch: Dispatch) -> Dispatch:
    dispatch.store("S-1")
    dispatch.work()
    return dispatch


@pytest.fixture
def store(city: Dispatch) -> Box:
    box = city.box("box-1", "S-1")
    box.say_online()
    return box


def status(city: Dispatch, device_id: str = "box-1") -> DeviceStatus:
    with city.core.database.read() as session:
        return session.scalars(select(DeviceStatus).where(DeviceStatus.device_id == device_id)).one()


def test_lost_heartbeats_are_a_trouble_within_the_reporting_time_and_their_return_a_restoral(
    city: Dispatch, store: Box
) -> None:
    for _ in range(3):
        city.forward(30)
        store.beat()
    city.forward(89)
    assert city.troubles() == []
    city.forward(1)
    assert city.troubles() == [OFFLINE]
    assert not status(city).online
    store.beat()
    assert city.troubles() == []
    assert status(city).online


def test_a_last_will_is_a_trouble_after_a_short_grace(city: Dispatch, store: Box) -> None:
    store.die()
    assert not status(city).online
    city.forward(9)
    assert city.troubles() == []
    city.forward(1)
    assert city.troubles() == [OFFLINE]


def test_who_comes_back_within_the_grace_is_no_trouble(city: Dispatch, store: Box) -> None:
    store.die()
    city.forward(5)
    store.say_online()
    city.forward(60)
    assert city.troubles() == []


def test_an_old_connections_will_that_comes_late_is_ignored(city: Dispatch, store: Box) -> None:
    store.say_online()
    store.die(connection=1)
    city.forward(60)
    assert city.troubles() == []
    assert status(city).online


def test_a_will_never_makes_a_box_online_or_gives_it_time(city: Dispatch, store: Box) -> None:
    city.forward(95)
    store.die()
    assert city.troubles() == [OFFLINE]
    assert not status(city).online
    city.forward(100)
    assert city.troubles() == [OFFLINE]


def test_a_will_just_before_the_reporting_time_ends_does_not_prolong_it(city: Dispatch, store: Box) -> None:
    city.forward(87)
    store.die()
    city.forward(3)
    assert city.troubles() == [OFFLINE]


def test_a_will_is_answered_by_nothing(city: Dispatch, store: Box) -> None:
    city.heard.alive.clear()
    store.die()
    assert city.heard.alive == []


def test_a_new_card_counts_its_connections_anew_and_its_will_counts(city: Dispatch, store: Box) -> None:
    store.connection = 500
    store.say_online()
    city.forward(60)
    store.reboot()
    store.connection = 0
    store.say_online()
    store.die()
    city.forward(10)
    assert city.troubles() == [OFFLINE]


def test_the_will_of_the_card_before_does_not_hurt_the_new_one(city: Dispatch, store: Box) -> None:
    store.connection = 500
    store.say_online()
    city.forward(60)
    old_boot = store.boot_id
    store.reboot()
    store.connection = 0
    store.say_online()
    new_boot, store.boot_id = store.boot_id, old_boot
    store.die(connection=501)
    store.boot_id = new_boot
    city.forward(30)
    assert city.troubles() == []


def test_a_heartbeat_of_an_old_boot_is_no_sign_of_life(city: Dispatch, store: Box) -> None:
    city.forward(60)
    old_boot = store.boot_id
    store.reboot()
    store.say_online()
    city.forward(80)
    due_at, new_boot = status(city).due_at, store.boot_id
    late = Heartbeat(boot_id=old_boot, mono_ms=65_000, seq=3)
    vital = Vital("box-1", late, Arrival(city.clock.now(), EVENT_EXPIRY_S - 80, None))
    city.core.database.writer.run(lambda session: record_vitals(session, [vital]))
    assert status(city).due_at == due_at
    assert status(city).boot_id == new_boot


def test_a_connection_number_beyond_the_databases_harms_nobody(city: Dispatch, store: Box) -> None:
    store.connection = 2**53 - 1
    store.say_online()
    store.die()
    city.forward(10)
    assert city.troubles() == [OFFLINE]


def test_a_restart_of_the_server_resets_no_timer(city: Dispatch, store: Box, database_url: str) -> None:
    city.forward(80)
    with Database(database_url) as database:
        again = Dispatch(database)
        again.clock = city.clock
        again.core = type(again.core)(
            database=database, vault=again.vault, clock=city.clock, outbound=again.heard, server="server1"
        )
        again.watch = type(again.watch)(again.core, lambda: True)
        again.clock.forward(9)
        again.work()
        assert again.troubles() == []
        again.clock.forward(1)
        again.work()
        assert again.troubles() == [OFFLINE]


def test_while_nobody_listens_the_timers_stand_still(city: Dispatch, store: Box) -> None:
    city.forward(60)
    city.listening = False
    city.clock.forward(7200)
    city.work()
    assert city.troubles() == []
    city.listening = True
    city.work()
    city.forward(25)
    assert city.troubles() == []
    city.forward(10)
    assert city.troubles() == [OFFLINE]


def test_a_box_heard_before_the_first_look_after_a_gap_gets_no_extra_time(city: Dispatch, store: Box) -> None:
    city.listening = False
    city.clock.forward(7200)
    store.say_online()
    city.listening = True
    city.forward(90)
    assert city.troubles() == [OFFLINE]


def test_who_was_silent_before_the_gap_stays_a_trouble(city: Dispatch, store: Box) -> None:
    city.forward(95)
    city.listening = False
    city.clock.forward(7200)
    city.listening = True
    city.work()
    assert city.troubles() == [OFFLINE]


@pytest.mark.parametrize("standing", ["retired", "revoked"])
def test_a_box_out_of_service_makes_no_trouble(city: Dispatch, standing: str) -> None:
    box = city.box("old-box", "S-1", standing=standing)
    box.say_online()
    box.beat(pendants={"0a1b2c": LOW})
    box.press(kind=Kind.BATTERY_LOW, source="pendant:0a1b2c")
    city.forward(200)
    assert city.troubles() == []


def test_a_low_battery_in_a_heartbeat_is_a_trouble_until_it_is_changed(city: Dispatch, store: Box) -> None:
    store.beat(pendants={"0a1b2c": OK})
    assert city.troubles() == []
    store.beat(pendants={"0a1b2c": LOW})
    store.beat(pendants={"0a1b2c": LOW})
    assert city.troubles() == [("box-1", "pendant:0a1b2c", "battery_low")]
    store.beat(pendants={"0a1b2c": OK})
    assert city.troubles() == []


def test_a_low_battery_told_by_an_event_is_the_same_trouble(city: Dispatch, store: Box) -> None:
    store.press(kind=Kind.BATTERY_LOW, source="pendant:0a1b2c")
    store.beat(pendants={"0a1b2c": LOW})
    assert city.troubles() == [("box-1", "pendant:0a1b2c", "battery_low")]
    store.press(kind=Kind.BATTERY_LOW, source="pendant:0a1b2c", restored=True)
    assert city.troubles() == []
    assert city.incidents() == []


def test_the_last_sign_of_life_of_a_pendant_is_kept_up_to_date(city: Dispatch, store: Box) -> None:
    store.beat(pendants={"0a1b2c": OK})
    first = city.clock.now() - timedelta(seconds=10)
    city.forward(60)
    store.beat(pendants={"0a1b2c": PendantVitals(battery="ok", seen_s=71)})
    with city.core.database.read() as session:
        assert session.scalars(select(DeviceInput.heard_at)).one() == first
    store.beat(pendants={"0a1b2c": PendantVitals(battery="ok", seen_s=3)})
    with city.core.database.read() as session:
        assert session.scalars(select(DeviceInput.heard_at)).one() == city.clock.now() - timedelta(seconds=3)


def test_a_pendant_unheard_since_before_the_calendar_was_never_heard(city: Dispatch, store: Box) -> None:
    store.beat(pendants={"0a1b2c": PendantVitals(battery="low", seen_s=2**53)})
    assert city.troubles() == [("box-1", "pendant:0a1b2c", "battery_low")]


def test_a_faulty_box_cannot_fill_the_database_with_inputs(city: Dispatch, store: Box) -> None:
    for batch in range(3):
        store.say_online(inputs={f"button:{batch}-{number}": "ok" for number in range(50)})
        store.beat(pendants={f"{batch}{number:05}": OK for number in range(50)})
    with city.core.database.read() as session:
        assert len(session.scalars(select(DeviceInput.source)).all()) == MOST_INPUTS


def test_a_box_that_boots_again_and_again_cannot_fill_the_database(city: Dispatch, store: Box) -> None:
    for _ in range(MOST_BOOTS + 30):
        city.clock.forward(20)
        store.reboot()
        store.beat()
    with city.core.database.read() as session:
        kept = session.scalars(select(DeviceBoot.boot_id).order_by(DeviceBoot.known_at)).all()
    assert MOST_BOOTS <= len(kept) <= MOST_BOOTS + 1
    assert kept[-1] == store.boot_id


def test_the_reporting_time_is_the_sites_own(city: Dispatch) -> None:
    city.store("S-20")
    city.core.database.writer.run(
        lambda session: session.execute(update(Site).where(Site.code == "S-20").values(reporting_s=20))
    )
    city.box("box-20", "S-20").say_online()
    city.forward(19)
    assert city.troubles() == []
    city.forward(1)
    assert city.troubles() == [("box-20", "device", "offline")]


def test_only_a_box_that_protects_a_site_is_told_that_it_is_alive(city: Dispatch, store: Box) -> None:
    city.heard.alive.clear()
    Box(city, "nobody-knows").beat()
    city.box("no-site").beat()
    city.box("old-box", "S-1", standing="retired").beat()
    assert city.heard.alive == []
    store.beat()
    store.beat()
    assert [(device, alive.seq) for device, alive in city.heard.alive] == [("box-1", 1), ("box-1", 2)]


def test_an_unassigned_box_that_falls_silent_is_a_trouble_all_the_same(city: Dispatch) -> None:
    city.box("no-site").beat()
    city.forward(90)
    assert city.troubles() == [("no-site", "device", "offline")]


def test_a_state_tells_when_its_boot_began_although_it_waited(city: Dispatch, store: Box) -> None:
    city.forward(60)
    state = State(online=True, boot_id="boot-2", connection=2, mono_ms=5_000)
    vital = Vital("box-1", state, Arrival(city.clock.now(), EVENT_EXPIRY_S - 40, None))
    city.core.database.writer.run(lambda session: record_vitals(session, [vital]))
    with city.core.database.read() as session:
        began = session.scalars(select(DeviceBoot.started_at).where(DeviceBoot.boot_id == "boot-2")).one()
    assert began == city.clock.now() - timedelta(seconds=45)


def test_five_hundred_heartbeats_are_one_quick_batch(city: Dispatch) -> None:
    now = city.clock.now()
    ids = [f"box-{number}" for number in range(500)]

    def register(session: Session) -> None:
        site_id = session.execute(select(Site.id)).scalar_one()
        session.add_all(
            Device(id=device_id, site_id=site_id, standing="active", standing_since=now, created_at=now)
            for device_id in ids
        )

    city.core.database.writer.run(register)
    arrival = Arrival(now, None, None)
    vitals = [Vital(device_id, Heartbeat(boot_id="b", mono_ms=9, seq=1), arrival) for device_id in ids]
    told = city.core.database.writer.run(lambda session: record_vitals(session, vitals))
    assert [device for device, _ in told.alive] == ids
    city.forward(90)
    assert len(city.troubles()) == 500
    told = city.core.database.writer.run(lambda session: record_vitals(session, vitals))
    assert city.troubles() == []
