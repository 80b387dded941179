"""The delivery thread itself, through real webhooks to a real HTTP desk."""

import dataclasses
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.engine import make_url

from haven_contract.words import Stage
from haven_server.core import Core
from haven_server.db.database import Database
from haven_server.models import Delivery, DeskChannel
from haven_server.police.channel import Answer, Channel
from haven_server.police.deliveries import Parcel
from haven_server.police.webhook import WebhookChannel
from haven_server.police.worker import MAX_IN_HAND, DeliveryWorker
from server.databases import on_postgresql
from server.fakes.tcp_proxy import cable_to
from server.fakes.webhook_desk import SECRET, Call, WebhookDesk, webhook_desk
from server.live import RunningClock, eventually
from server.scenario import SEOUL, Box, Dispatch, Heard


class BrokenChannel:
    """A channel with a fault of its own."""

    async def deliver(self, parcel: Parcel) -> Answer:
        raise ZeroDivisionError(f"no way to {parcel.url}")

    async def close(self) -> None:
        """Nothing is kept."""


def channels() -> dict[str, Channel]:
    return {"webhook": WebhookChannel(SEOUL), "broken": BrokenChannel()}


@pytest.fixture
def desk() -> Iterator[WebhookDesk]:
    with webhook_desk() as running:
        yield running


@pytest.fixture
def city(dispatch: Dispatch) -> Dispatch:
    """Stores of 강남구, whose station has no channel yet; time runs."""
    dispatch.clock = RunningClock()  # type: ignore[assignment]  # these stories never wind it
    dispatch.core = dataclasses.replace(dispatch.core, clock=dispatch.clock)
    dispatch.desk("강남경찰서", districts=("강남구",), channels=0)
    dispatch.store("S-1")
    return dispatch


@pytest.fixture
def store(city: Dispatch) -> Box:
    return city.box("box-1", "S-1")


def add_channel(city: Dispatch, url: str, rank: int = 0, kind: str = "webhook", **more: float) -> None:
    row = {"desk_id": 2, "rank": rank, "kind": kind, "url": url, "sealed_secret": city.vault.seal(SECRET.encode())}
    city.core.database.writer.run(lambda session: session.execute(insert(DeskChannel).values(row | more)))


@contextmanager
def working(core: Core, *, most_in_hand: int = MAX_IN_HAND) -> Iterator[DeliveryWorker]:
    with DeliveryWorker(core, channels, most_in_hand=most_in_hand) as worker:
        yield worker


def states(city: Dispatch) -> list[str]:
    with city.core.database.read() as session:
        return list(session.scalars(select(Delivery.state).order_by(Delivery.id)))


def hurry_until(city: Dispatch, holds: Callable[[], object]) -> None:
    """Wait, with all pauses left out: whatever waits for its time is due now."""

    def look() -> object:
        now = city.clock.now()
        city.core.database.writer.run(
            lambda session: session.execute(
                update(Delivery).where(Delivery.claimed_by.is_(None), Delivery.next_at > now).values(next_at=now)
            )
        )
        return holds()

    eventually(look)


def fail(status: int) -> Callable[[Call], None]:
    return lambda call: call.answer(status)


def test_a_press_is_delivered_at_once_and_the_box_is_told(city: Dispatch, store: Box, desk: WebhookDesk) -> None:
    add_channel(city, desk.url)
    with working(city.core) as worker:
        worker.take(store.press().deliveries)
        (call,) = desk.wait_for(1)
        eventually(lambda: store.stages == [Stage.RECEIVED, Stage.ALERTED])
    assert call.body["site"]["road_address"].startswith("서울특별시 강남구")
    assert states(city) == ["alerted"]
    assert desk.forged == []


def test_it_is_tried_until_the_desk_answers_always_under_the_same_key(
    city: Dispatch, store: Box, desk: WebhookDesk
) -> None:
    add_channel(city, desk.url)
    desk.behaviours = [fail(500), Call.hang_up]
    with working(city.core) as worker:
        worker.take(store.press().deliveries)
        hurry_until(city, lambda: states(city) == ["alerted"])
    assert len(desk.calls) == 3
    assert {call.key for call in desk.calls} == {"HV-1:1"}
    assert [line["what"] for line in city.only_incident()["timeline"]].count("police_tried") == 1


@pytest.mark.expects_error("a channel failed")
def test_a_channel_with_a_fault_never_stops_the_next(city: Dispatch, store: Box, desk: WebhookDesk) -> None:
    add_channel(city, "nowhere", rank=0, kind="broken")
    add_channel(city, desk.url, rank=1)
    with working(city.core) as worker:
        worker.take(store.press().deliveries)
        hurry_until(city, lambda: city.only_incident()["police"]["alerted_at"])


@pytest.mark.expects_error("a delivery is broken")
def test_a_delivery_that_cannot_be_made_never_stops_the_others(city: Dispatch, store: Box, desk: WebhookDesk) -> None:
    add_channel(city, desk.url, rank=0)
    add_channel(city, desk.url, rank=1)
    city.core.database.writer.run(
        lambda session: session.execute(update(DeskChannel).where(DeskChannel.rank == 0).values(sealed_secret=b"?"))
    )
    with working(city.core) as worker:
        worker.take(store.press().deliveries)
        hurry_until(city, lambda: city.only_incident()["police"]["alerted_at"])
    notice = city.only_incident()["police"]["notices"][0]
    assert "cannot be made" in notice["deliveries"][0]["error"]


def test_a_kind_of_channel_that_this_server_does_not_have_is_told(city: Dispatch, store: Box) -> None:
    add_channel(city, "tcp://arc", kind="carrier pigeon")
    with working(city.core) as worker:
        worker.take(store.press().deliveries)
        eventually(lambda: city.only_incident()["police"]["notices"][0]["deliveries"][0]["error"])
    assert "carrier pigeon" in city.only_incident()["police"]["notices"][0]["deliveries"][0]["error"]


def test_a_desk_gets_no_more_calls_at_once_than_it_takes(city: Dispatch, store: Box, desk: WebhookDesk) -> None:
    add_channel(city, desk.url, concurrency=2)
    desk.behave = desk.wait
    with working(city.core) as worker:
        for _ in range(6):
            worker.take(store.press().deliveries)
        desk.wait_for(2)
        eventually(lambda: worker.in_hand() == 6)
        assert len(desk.calls) == 2
        desk.behave = Call.answer
        desk.released.set()
        desk.wait_for(6)


def test_what_is_more_than_a_server_can_hold_goes_back_and_is_sent_later(
    city: Dispatch, store: Box, desk: WebhookDesk
) -> None:
    may_answer = threading.Event()

    def answer_later(call: Call) -> None:
        assert may_answer.wait(20)
        call.answer()

    def unclaimed() -> int:
        with city.core.database.read() as session:
            return len(session.scalars(select(Delivery.id).where(Delivery.claimed_by.is_(None))).all())

    add_channel(city, desk.url, timeout_s=30)
    desk.behave = answer_later
    with working(city.core, most_in_hand=2) as worker:
        worker.take([delivery for _ in range(5) for delivery in store.press().deliveries])
        desk.wait_for(2)
        eventually(lambda: unclaimed() == 3)
        assert worker.in_hand() == 2
        may_answer.set()
        hurry_until(city, lambda: states(city) == ["alerted"] * 5)
    assert sorted(call.key for call in desk.calls) == [f"HV-1:{number}" for number in range(1, 6)]


def test_a_server_that_stops_while_it_sends_goes_on_when_it_returns(
    city: Dispatch, store: Box, desk: WebhookDesk
) -> None:
    add_channel(city, desk.url, timeout_s=30)
    desk.behaviours = [desk.wait]
    with working(city.core) as worker:
        worker.take(store.press().deliveries)
        desk.wait_for(1)
    assert states(city) == ["pending"]
    assert city.core.database.writer.is_alive()
    with working(city.core):
        first, second = desk.wait_for(2)
        eventually(lambda: states(city) == ["alerted"])
    assert first.key == second.key


def test_deliveries_that_nobody_took_are_found(city: Dispatch, store: Box, desk: WebhookDesk) -> None:
    """As after kill -9 between the commit and the sending."""
    add_channel(city, desk.url)
    store.press()
    with working(city.core):
        desk.wait_for(1)
        eventually(lambda: states(city) == ["alerted"])


@on_postgresql
def test_two_servers_send_each_notice_once(city: Dispatch, desk: WebhookDesk, database_url: str) -> None:
    add_channel(city, desk.url)
    for number in range(60):
        city.box(f"store-{number}", "S-1").press(kind=f"odd-{number}")
    # Both find all of it in the database at the same time.
    city.core.database.writer.run(
        lambda session: session.execute(update(Delivery).values(next_at=city.clock.now(), claimed_by=None))
    )
    with ExitStack() as stack:
        for name in ("one", "two"):
            database = stack.enter_context(Database(database_url))
            core = dataclasses.replace(city.core, database=database, server=name, outbound=Heard())
            stack.enter_context(working(core))
        desk.wait_for(60)
        eventually(lambda: set(states(city)) == {"alerted"})
    assert set(Counter(call.key for call in desk.calls).values()) == {1}


@on_postgresql
def test_what_a_desk_said_while_the_database_was_away_is_stored_when_it_is_back(
    city: Dispatch, store: Box, desk: WebhookDesk, database_url: str
) -> None:
    url = make_url(database_url)
    add_channel(city, desk.url, timeout_s=30)
    asked, may_answer = threading.Event(), threading.Event()

    def think(call: Call) -> None:
        asked.set()
        assert may_answer.wait(20)
        call.answer()

    desk.behave = think
    deliveries = store.press().deliveries
    with (
        cable_to(str(url.host), int(url.port or 0)) as cable,
        Database(url.set(port=cable.port).render_as_string(hide_password=False)) as database,
        working(dataclasses.replace(city.core, database=database)) as worker,
    ):
        worker.take(deliveries)
        assert asked.wait(20)
        cable.cut()
        may_answer.set()
        assert states(city) == ["pending"]
        cable.mend()
        eventually(lambda: states(city) == ["alerted"])
    assert len(desk.calls) == 1
