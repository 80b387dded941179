"""Nobody learns where a protected woman lives (promise 10): not from the database, the log, or the metrics."""

import dataclasses
import logging
import queue
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from prometheus_client import generate_latest
from sqlalchemy import select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError

from haven_contract.messages import EVENT_EXPIRY_S, Sent
from haven_contract.topics import Up, up
from haven_server import metrics
from haven_server.incidents.lifecycle import Disposition, Step
from haven_server.incidents.operations import Request, take_step
from haven_server.incidents.views import show_incident
from haven_server.ingest.alarm_lane import AlarmLane
from haven_server.ingest.connection import Delivered
from haven_server.ingest.inbound import Inbound
from haven_server.models import AuditLine, Base
from haven_server.police.webhook import WebhookChannel
from haven_server.police.worker import DeliveryWorker
from haven_server.presstime import Arrival
from haven_server.staff.access import Actor, Role
from server.fakes.webhook_desk import WebhookDesk, webhook_desk
from server.live import RunningClock, eventually
from server.scenario import SEOUL, Box, Dispatch

SECRETS: dict[str, Any] = {
    "name": "KIM-HIDDEN",
    "road_address": "Geheimgasse 77-31",
    "detail": "door-code-4711",
    "lot_address": "lot 998877",
    "phones": ["02-9876-5432"],
    "contacts": [{"name": "SISTER-HIDDEN", "phone": "010-1234-9876", "role": "sister"}],
    "notes": "ex-husband-violent",
    "lat": 37.517171,
    "lon": 127.047474,
}
WORDS = [
    "KIM-HIDDEN", "Geheimgasse", "door-code", "998877", "9876-5432", "SISTER-HIDDEN", "1234-9876", "ex-husband",
    "37.517171", "127.047474",
]  # fmt: skip


@pytest.fixture
def desk() -> Iterator[WebhookDesk]:
    with webhook_desk() as running:
        yield running


@pytest.fixture
def city(dispatch: Dispatch, desk: WebhookDesk) -> Dispatch:
    dispatch.clock = RunningClock()  # type: ignore[assignment]  # these stories never wind it
    dispatch.core = dataclasses.replace(dispatch.core, clock=dispatch.clock)
    dispatch.channel(dispatch.city_desk(), url=desk.url)
    dispatch.home("H-1", **SECRETS)
    return dispatch


@pytest.fixture
def home(city: Dispatch) -> Box:
    return city.box("box-1", "H-1")


def all_that_is_stored(database_url: str) -> bytes:
    """Every byte of an SQLite database; every row of a PostgreSQL one, its binary columns as bytes."""
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        file = Path(str(url.database))
        return b"".join(part.read_bytes() for part in file.parent.glob(f"{file.name}*"))
    rows = []
    with psycopg.connect(database_url) as connection:
        for table in Base.metadata.tables:
            for row in connection.execute(f'SELECT * FROM "{table}"'.encode()):
                rows += [value if isinstance(value, bytes) else str(value).encode() for value in row]
    return b"\n".join(rows)


def press_for_real(city: Dispatch, home: Box) -> None:
    """Through the lane and a real webhook, so that everything that could talk does."""
    inbox: queue.Queue[Delivered] = queue.Queue()
    acknowledged = threading.Event()
    arrival = Arrival(city.clock.now(), EVENT_EXPIRY_S, Sent(home.boot_id, home.mono_ms))
    inbox.put(Delivered(Inbound(up("box-1", Up.EVENT), home.make("panic").encode(), arrival), acknowledged.set))
    with (
        DeliveryWorker(city.core, lambda: {"webhook": WebhookChannel(SEOUL)}) as worker,
        AlarmLane(city.core, inbox, threading.Event(), worker.take),
    ):
        assert acknowledged.wait(20)
        eventually(lambda: city.only_incident()["police"]["alerted_at"])


def test_the_police_learn_all_of_it_and_nothing_else_holds_any_of_it(
    city: Dispatch, home: Box, desk: WebhookDesk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    desk.behaviours = [lambda call: call.answer(500)]
    press_for_real(city, home)
    city.watch.look()
    site = desk.calls[0].body["site"]
    assert site["road_address"] == "Geheimgasse 77-31"
    assert site["phones"] == ["02-9876-5432"]
    assert site["notes"] == "ex-husband-violent"

    stored = all_that_is_stored(city.core.database.url)
    assert b"H-1" in stored, "the database was read at all"
    shown = generate_latest(metrics.REGISTRY).decode()
    assert "haven_incidents_open" in shown
    assert "event recorded" in caplog.text
    for word in WORDS:
        assert word.encode() not in stored, f"{word} stands in the database"
        assert word.encode().hex().encode() not in stored, f"{word} stands in the database"
        assert word not in caplog.text, f"{word} stands in the log"
        assert word not in shown, f"{word} stands in the metrics"


def test_the_store_of_the_same_city_may_be_read(city: Dispatch) -> None:
    """Else the search above would find nothing whatever was stored."""
    city.store("S-1", **SECRETS)
    stored = all_that_is_stored(city.core.database.url)
    assert all(word.encode() in stored for word in WORDS)


def looks_at_homes(city: Dispatch) -> list[tuple[str, str]]:
    with city.core.database.read() as session:
        lines = session.scalars(select(AuditLine).where(AuditLine.action == "see home").order_by(AuditLine.id))
        return [(line.actor, line.subject) for line in lines]


def test_while_the_incident_is_open_the_address_is_shown_and_each_look_is_audited(city: Dispatch, home: Box) -> None:
    home.press()
    lee = Actor("lee", Role.DISPATCHER)
    site = show_incident(city.core, lee, 1)["site"]
    assert site["road_address"] == "Geheimgasse 77-31"
    assert not site["masked"]
    assert looks_at_homes(city) == [("lee", "HV-1")]


def test_after_closing_a_dispatcher_sees_a_mask_and_only_who_may_see_homes_sees_more(city: Dispatch, home: Box) -> None:
    home.press()
    lee, admin = Actor("lee", Role.DISPATCHER), Actor("anna", Role.ADMIN)
    take_step(city.core, lee, 1, Request(step=Step.ACKNOWLEDGE, version=1))
    take_step(city.core, lee, 1, Request(step=Step.CLOSE, version=2, disposition=Disposition.REAL))
    closed = show_incident(city.core, lee, 1)
    assert closed["site"] == {"code": "H-1", "kind": "home", "district": "강남구", "masked": True}
    assert not any(word in str(closed) for word in WORDS)
    assert looks_at_homes(city) == []
    assert show_incident(city.core, admin, 1)["site"]["road_address"] == "Geheimgasse 77-31"
    assert looks_at_homes(city) == [("anna", "HV-1")]


def test_a_note_about_a_home_is_sealed_and_masked_with_it(city: Dispatch, home: Box, database_url: str) -> None:
    home.press()
    incident = city.step(city.only_incident(), Step.ACKNOWLEDGE, note="she lives in Geheimgasse")
    assert "Geheimgasse" in str(incident["timeline"])
    closed = city.step(incident, Step.CLOSE, disposition=Disposition.REAL)
    assert "Geheimgasse" not in str(closed["timeline"])
    assert b"she lives" not in all_that_is_stored(database_url)


def test_a_note_about_a_store_may_be_read_and_is_not_copied_into_the_audit_trail(city: Dispatch) -> None:
    city.store("S-1")
    city.box("box-2", "S-1").press()
    city.step(city.only_incident(), Step.ACKNOWLEDGE, note="back door")
    assert "back door" in str(city.only_incident()["timeline"])
    with city.core.database.read() as session:
        assert "back door" not in str([line.detail for line in session.scalars(select(AuditLine))])


def test_the_text_of_a_database_error_holds_no_values(city: Dispatch) -> None:
    with pytest.raises(IntegrityError) as refused:
        city.store("H-1", name="KIM-HIDDEN")
    assert "KIM-HIDDEN" not in str(refused.value)


def test_a_test_lays_no_home_open(city: Dispatch, home: Box) -> None:
    city.open_test("box-1", "button:counter")
    home.press()
    incident = city.only_incident()
    assert incident["test"]
    assert incident["site"]["masked"]
    assert not any(word in str(incident) for word in WORDS)
