"""Stories of the way to the police: channels in turn, retries, and what the dispatcher sees while nobody answers."""

from random import Random

import pytest
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from haven_contract.words import Stage
from haven_server.db.engines import make_engine
from haven_server.models import Delivery, DeskChannel, Notice
from haven_server.police.deliveries import (
    DeliveryState,
    claim_due,
    keep_claims,
    load_parcels,
    record_failed,
    release,
    release_claims,
)
from haven_server.police.notices import CLAIM_S
from server.databases import on_postgresql
from server.scenario import Box, Dispatch


@pytest.fixture
def city(dispatch: Dispatch) -> Dispatch:
    dispatch.desk("강남경찰서", districts=("강남구",), channels=2)
    dispatch.channel(dispatch.city_desk())
    dispatch.store("S-1")
    return dispatch


@pytest.fixture
def store(city: Dispatch) -> Box:
    return city.box("box-1", "S-1")


def deliveries(city: Dispatch) -> list[Delivery]:
    with city.core.database.read() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.id)))


def channels_called(city: Dispatch) -> list[str]:
    return [call["channel"].removeprefix("http://") for call in city.calls]


def claim(city: Dispatch, server: str = "server1", limit: int = 100) -> list[int]:
    now = city.clock.now()
    return city.core.database.writer.run(lambda session: claim_due(session, server, now, [], limit))


def test_the_next_channel_starts_after_three_seconds_and_the_first_goes_on(city: Dispatch, store: Box) -> None:
    city.desk_answers = False
    store.press()
    city.work()
    assert channels_called(city) == ["desk2/0"]
    city.forward(2.9)
    assert set(channels_called(city)) == {"desk2/0"}
    city.forward(0.1)
    assert channels_called(city)[-1] == "desk2/1"
    city.forward(3)
    assert "desk1/0" in channels_called(city)
    called = len(city.calls)
    city.forward(60)
    assert {"desk2/0", "desk2/1", "desk1/0"} == set(channels_called(city)[called:])


def test_a_channel_whose_turn_comes_after_the_desk_was_reached_is_never_tried(city: Dispatch, store: Box) -> None:
    store.press()
    city.forward(30)
    assert channels_called(city) == ["desk2/0"]
    assert [row.state for row in deliveries(city)] == ["alerted", "superseded", "superseded"]


def test_a_channel_that_was_tried_is_not_given_up_when_another_reaches_the_desk(city: Dispatch, store: Box) -> None:
    city.desk_answers = False
    store.press()
    city.forward(3)
    city.desk_answers = True
    city.forward(60)
    assert [row.state for row in deliveries(city)] == ["alerted", "alerted", "superseded"]


def test_police_not_reached_is_said_after_ten_seconds_and_taken_back_when_they_are(city: Dispatch, store: Box) -> None:
    city.desk_answers = False
    store.press()
    city.forward(9.9)
    assert not city.only_incident()["police"]["not_reached"]
    city.forward(0.1)
    incident = city.only_incident()
    assert incident["police"]["not_reached"]
    assert incident["police"]["phone"] == "02-000-0112"
    assert "police_not_reached" in [line["what"] for line in incident["timeline"]]
    assert store.stages == [Stage.RECEIVED]
    city.desk_answers = True
    city.forward(31)
    incident = city.only_incident()
    assert not incident["police"]["not_reached"]
    assert incident["police"]["alerted_at"] is not None
    assert store.stages == [Stage.RECEIVED, Stage.ALERTED]


def test_an_update_that_does_not_reach_them_is_said_although_the_opening_did(city: Dispatch, store: Box) -> None:
    store.press()
    city.work()
    city.desk_answers = False
    city.forward(30)
    store.press("pendant:0a1b2c")
    city.forward(10)
    assert city.only_incident()["police"]["not_reached"]


def test_the_pauses_between_tries_have_full_jitter_and_a_bound(city: Dispatch, store: Box) -> None:
    store.press()
    (first, *_) = deliveries(city)
    pauses, now = [], city.clock.now()
    for number in range(100):
        city.core.database.writer.run(lambda s, seed=number: record_failed(s, first.id, "no", now, Random(seed)))  # type: ignore[misc]
        pauses.append((deliveries(city)[0].next_at - now).total_seconds())
    assert 1.5 < max(pauses) <= 2
    assert min(pauses) < 0.1
    city.core.database.writer.run(lambda s: s.execute(update(Delivery).values(attempts=50)))
    city.core.database.writer.run(lambda s: record_failed(s, first.id, "no", now, Random(7)))
    assert (deliveries(city)[0].next_at - now).total_seconds() <= 30


def test_after_a_day_it_is_given_up_and_the_timeline_says_so(city: Dispatch, store: Box) -> None:
    city.desk_answers = False
    store.press()
    city.work()
    city.clock.forward(24 * 3600 - 1)
    city.work()
    assert {row.state for row in deliveries(city)} == {"pending"}
    city.clock.forward(60)
    city.work()
    assert {row.state for row in deliveries(city)} == {"given_up"}
    calls = len(city.calls)
    city.forward(60)
    assert len(city.calls) == calls
    incident = city.only_incident()
    assert [line["what"] for line in incident["timeline"]].count("police_given_up") == 3
    assert incident["police"]["not_reached"]


def test_with_no_channel_anywhere_the_incident_says_so_at_once(dispatch: Dispatch) -> None:
    dispatch.store("S-1")
    dispatch.box("box-1", "S-1").press()
    assert dispatch.only_incident()["police"]["not_reached"]
    assert "no_channel" in dispatch.flags(dispatch.only_incident())
    dispatch.work()
    incident = dispatch.only_incident()
    assert "police_not_reached" in [line["what"] for line in incident["timeline"]]
    assert "call by voice" in next(flag["en"] for flag in incident["flags"] if flag["code"] == "no_channel")


def test_disabled_channels_are_no_channels(city: Dispatch, store: Box) -> None:
    city.core.database.writer.run(lambda session: session.execute(update(DeskChannel).values(enabled=False)))
    store.press()
    assert "no_channel" in city.flags(city.only_incident())


def test_what_a_dead_server_had_in_its_hands_is_due_at_once_when_it_returns(city: Dispatch, store: Box) -> None:
    recorded = store.press()
    now = city.clock.now()
    assert claim(city) == []
    assert city.core.database.writer.run(lambda session: release_claims(session, "server2", now)) == 0
    assert city.core.database.writer.run(lambda session: release_claims(session, "server1", now)) == 1
    assert claim(city) == recorded.deliveries


def test_another_server_takes_over_what_a_dead_one_held(city: Dispatch, store: Box) -> None:
    recorded = store.press()
    city.clock.forward(CLAIM_S - 0.1)
    assert not set(recorded.deliveries) & set(claim(city, "server2"))
    city.clock.forward(0.1)
    assert recorded.deliveries[0] in claim(city, "server2")


def test_a_server_that_lives_keeps_its_claims(city: Dispatch, store: Box) -> None:
    recorded = store.press()
    for _ in range(5):
        city.clock.forward(CLAIM_S - 1)
        now = city.clock.now()
        city.core.database.writer.run(lambda s, now=now: keep_claims(s, "server1", recorded.deliveries, now))  # type: ignore[misc]
    assert not set(recorded.deliveries) & set(claim(city, "server2"))


def test_what_a_server_has_no_room_for_is_due_at_once(city: Dispatch, store: Box) -> None:
    recorded = store.press()
    now = city.clock.now()
    city.core.database.writer.run(lambda session: release(session, recorded.deliveries, now))
    assert claim(city, "server2") == recorded.deliveries


def test_an_event_that_comes_again_brings_back_deliveries_that_its_server_never_heard_of(
    city: Dispatch, store: Box
) -> None:
    event = store.make()
    first = store.send(event)
    assert store.send(event).deliveries == first.deliveries
    city.work()
    assert store.send(event).deliveries == []


def test_tests_wait_until_alarms_have_gone(city: Dispatch, store: Box) -> None:
    city.open_test("box-1", "button:counter")
    tested = store.press()
    alarms = [store.press("pendant:0a1b2c"), store.press("pendant:ffffff")]
    now = city.clock.now()
    held = tested.deliveries + [delivery for alarm in alarms for delivery in alarm.deliveries]
    city.core.database.writer.run(lambda session: release(session, held, now))
    assert claim(city, limit=2) == [delivery for alarm in alarms for delivery in alarm.deliveries]
    assert claim(city, limit=2) == tested.deliveries


def test_a_delivery_that_cannot_be_made_never_stops_the_others(city: Dispatch, store: Box) -> None:
    city.desk_answers = False
    store.press()
    city.forward(3)
    with city.core.database.read() as session:
        ids = list(session.scalars(select(Delivery.id).order_by(Delivery.id)))
    city.core.database.writer.run(
        lambda session: session.execute(
            update(DeskChannel).where(DeskChannel.desk_id == 2, DeskChannel.rank == 0).values(sealed_secret=b"spoilt")
        )
    )
    with city.core.database.read() as session:
        loaded = load_parcels(session, ids, city.vault)
    assert [parcel.delivery_id for parcel in loaded.parcels] == ids[1:]
    assert list(loaded.broken) == ids[:1]


def test_what_is_settled_is_not_sent_again(city: Dispatch, store: Box) -> None:
    recorded = store.press()
    city.work()
    with city.core.database.read() as session:
        assert load_parcels(session, recorded.deliveries, city.vault).parcels == []
    now = city.clock.now()
    city.core.database.writer.run(lambda s: record_failed(s, recorded.deliveries[0], "too late", now, Random(1)))
    assert deliveries(city)[0].state == DeliveryState.ALERTED


def test_each_press_has_a_notice_with_a_key_of_its_own(city: Dispatch, store: Box) -> None:
    for _ in range(3):
        store.press()
        city.forward(1)
    assert len({call["key"] for call in city.calls}) == 3
    with city.core.database.read() as session:
        assert [row.number for row in session.scalars(select(Notice).order_by(Notice.id))] == [0, 1, 2]
        assert all(row.alerted_at == row.created_at for row in session.scalars(select(Notice)))


@on_postgresql
def test_two_servers_that_look_at_the_same_moment_take_different_ones(city: Dispatch, database_url: str) -> None:
    for number in range(6):
        city.box(f"store-{number}", "S-1").press(kind=f"odd-{number}")
    now = city.clock.now()
    city.core.database.writer.run(lambda session: session.execute(update(Delivery).values(next_at=now)))
    engine = make_engine(database_url, writes=True)
    with Session(engine) as other:
        theirs = claim_due(other, "server2", now, [], 9)
        ours = claim(city, limit=100)  # they have not committed yet
        other.commit()
    engine.dispose()
    assert len(theirs) == 9
    assert len(ours) == 9
    assert not set(theirs) & set(ours)
