"""The real server on a real Mosquitto: brokers and servers come and go, and every press is answered."""

import json
import queue
import shutil
import sqlite3
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import text

from haven_contract.topics import Up, all_up, up
from haven_server.clock import SystemClock
from haven_server.ingest.connection import Connection, Delivered, Plan, TlsFiles
from mosquitto import Mosquitto, Peer
from pki import Pki, pki
from server.fakes.webhook_desk import WebhookDesk, webhook_desk
from server.live import eventually
from server.live_server import Installation, incidents, install, serving

__all__ = ["pki"]


@pytest.fixture
def broker(pki: Pki, tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(pki.broker_folder, tmp_path / "broker") as running:
        yield running


@pytest.fixture
def desk() -> Iterator[WebhookDesk]:
    with webhook_desk() as running:
        yield running


def with_a_store(installation: Installation, desk: WebhookDesk) -> Installation:
    with installation.registering() as city:
        desk_id = city.desk("강남경찰서", districts=("강남구",), channels=0)
        city.channel(desk_id, url=desk.url)
        city.store("S-1")
        city.box("box-1", "S-1")
    return installation


@pytest.fixture
def city(broker: Mosquitto, pki: Pki, desk: WebhookDesk, tmp_path: Path, sqlite_template: Path) -> Installation:
    shutil.copy(sqlite_template, tmp_path / "haven.db")
    return with_a_store(install(broker, pki, tmp_path, f"sqlite:///{tmp_path / 'haven.db'}"), desk)


@pytest.fixture
def either(broker: Mosquitto, pki: Pki, desk: WebhookDesk, tmp_path: Path, database_url: str) -> Installation:
    """The same on SQLite and on PostgreSQL."""
    return with_a_store(install(broker, pki, tmp_path, database_url), desk)


def test_a_press_goes_all_the_way_and_back(either: Installation, desk: WebhookDesk) -> None:
    city = either
    with city.server() as server, city.box() as box:
        event_id = box.press()
        assert box.receipt(event_id, "received").rev == 1
        assert box.receipt(event_id, "alerted").rev == 2
        (incident,) = incidents(server)
        assert incident["events"][0]["press_basis"] == "same_boot"
        assert incident["site"]["code"] == "S-1"
        assert incident["police"]["alerted_at"] is not None
        # The same again is the same, and is answered again.
        box.press(event_id)
        assert box.receipt(event_id, "alerted").rev == 2
        assert len(incidents(server)) == 1
    assert [call.key for call in desk.calls] == ["HV-1:1"]


def test_state_and_heartbeat_are_answered_and_a_last_will_is_heard(city: Installation) -> None:
    with city.server() as server:
        with city.box() as box:
            box.say_online()
            assert box.alive() == 0
            box.beat(7)
            assert box.alive() == 7
            box.peer.drop()

        def gone() -> bool:
            with server.core.database.read() as session:
                return not session.connection().exec_driver_sql("SELECT online FROM device_status").scalar()

        eventually(gone)


def test_a_server_that_starts_before_the_broker_finds_it(city: Installation) -> None:
    city.broker.stop()
    with city.server(ready=False) as server:
        assert "no broker is connected for alarms" in server.not_ready()
        city.broker.start()
        eventually(lambda: not server.not_ready())
        with city.box() as box:
            box.receipt(box.press(), "alerted")


def test_what_is_pressed_while_the_server_is_away_waits_for_it(city: Installation) -> None:
    with city.server():
        pass  # from now on the broker keeps its session
    with city.box() as box:
        event_id = box.press()
        with city.server() as server:
            box.receipt(event_id, "alerted")
            assert len(incidents(server)) == 1


def test_a_broker_that_is_killed_comes_back_and_the_server_with_it(city: Installation) -> None:
    with city.server() as server:
        with city.box() as box:
            first = box.press()
            box.receipt(first, "alerted")
            city.broker.kill()
            box.peer.wait_until_gone()
        eventually(server.not_ready)
        city.broker.start()
        eventually(lambda: not server.not_ready())
        with city.box() as box:
            second = box.press()
            box.receipt(second, "alerted")
        assert sum(incident["presses"] for incident in incidents(server)) == 2


def test_receipts_are_sent_again_after_the_broker_has_been_away(city: Installation) -> None:
    with city.server() as server:
        with city.box() as box:
            event_id = box.press()
            box.receipt(event_id, "alerted")
        city.broker.stop()
        eventually(server.not_ready)
        city.broker.start()
        with city.box() as box:
            assert box.receipt(event_id, "alerted").rev == 2


def test_what_was_not_committed_is_delivered_again(city: Installation, tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "haven.db", isolation_level=None, check_same_thread=False)
    with city.box() as box:
        with city.server() as server:
            other.execute("BEGIN IMMEDIATE")
            event_id = box.press()
            eventually(lambda: server.core.database.writer.waiting() or server.links.alarms.empty())
            assert box.hears_nothing()
            # The server ends without having been able to store it.
            threading.Timer(0.5, lambda: other.execute("ROLLBACK")).start()
        with city.server() as server:
            box.receipt(event_id, "alerted")
            assert len(incidents(server)) == 1
    other.close()


class ClockThatFailsOnce(SystemClock):
    """Fails in the network thread, as a fault of ours in a callback would."""

    def __init__(self) -> None:
        self.armed = False

    def now(self) -> datetime:
        if self.armed and threading.current_thread().name.startswith("paho"):
            self.armed = False
            raise ZeroDivisionError("a fault in a callback")
        return super().now()


@pytest.mark.expects_error("network thread of a broker connection has died")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_network_thread_that_dies_is_noticed_and_its_event_comes_again(city: Installation) -> None:
    clock = ClockThatFailsOnce()
    with city.server(clock) as server, city.box() as box:
        clock.armed = True
        box.receipt(box.press(), "alerted")
        assert not clock.armed
        assert len(incidents(server)) == 1


def test_a_full_inbox_disconnects_rather_than_drops(
    broker: Mosquitto, pki: Pki, caplog: pytest.LogCaptureFixture
) -> None:
    inbox: queue.Queue[Delivered] = queue.Queue(6)
    came_up = threading.Event()
    tls = TlsFiles(pki.server.ca, pki.server.certificate, pki.server.key)
    plan = Plan(broker.host, broker.inner_port, tls, "dispatch/small/alarms", (all_up(Up.EVENT),))
    seen: set[bytes] = set()
    with Connection(plan, inbox, SystemClock(), came_up) as connection, Peer.box(broker, pki, "box-1") as box:
        assert came_up.wait(20)
        for number in range(15):
            assert box.publish(up("box-1", Up.EVENT), b"%d" % number) == 0
        eventually(lambda: not connection.is_up)
        came_up.clear()
        assert not came_up.wait(1), "it waits until there is room"
        assert "not reachable" not in caplog.text
        while len(seen) < 15:
            delivered = inbox.get(timeout=20)
            seen.add(delivered.inbound.payload)
            delivered.acknowledge()
        eventually(lambda: connection.is_up)
    assert seen == {b"%d" % number for number in range(15)}


def test_a_server_whose_certificate_comes_later_connects_when_it_is_there(
    broker: Mosquitto, pki: Pki, tmp_path: Path
) -> None:
    tls = TlsFiles(pki.server.ca, tmp_path / "later.crt", pki.server.key)
    plan = Plan(broker.host, broker.inner_port, tls, "dispatch/late/alarms", (all_up(Up.EVENT),))
    tried_again, came_up = threading.Event(), threading.Event()
    with Connection(plan, queue.Queue(), SystemClock(), came_up) as connection:
        assert not tried_again.wait(0.3)
        assert not connection.is_up
        (tmp_path / "later.crt").write_bytes(pki.server.certificate.read_bytes())
        assert came_up.wait(20)


def test_health_readiness_and_metrics_are_told_over_http(city: Installation) -> None:
    with city.server() as server, serving(server) as http:
        assert http.get("/healthz") == (200, "ok\n")
        assert http.get("/readyz") == (200, '{"ready":true,"faults":[]}')
        with city.box() as box:
            box.receipt(box.press(), "alerted")
        status, metrics = http.get("/metrics")
        assert status == 200
        assert 'haven_events_total{kind="holdup"}' in metrics
        assert 'haven_deliveries_total{channel="webhook",outcome="alerted"}' in metrics
        assert "haven_broker_connections_up 1.0" in metrics
        assert http.get("/api/v1/incidents")[0] == 401
        city.broker.stop()
        eventually(lambda: http.get("/readyz")[0] == 503)
        faults = json.loads(http.get("/readyz")[1])["faults"]
        assert "no broker is connected for alarms" in faults
        assert "haven_broker_connections_up 0.0" in http.get("/metrics")[1]
        assert http.get("/healthz")[0] == 200


def test_with_a_full_disk_readiness_is_red_until_everything_is_stored(city: Installation) -> None:
    with city.server() as server, serving(server) as http, city.box() as box:
        writer = server.core.database.writer
        pages = writer.run(lambda session: session.execute(text("PRAGMA page_count")).scalar_one())
        writer.run(lambda session: session.execute(text(f"PRAGMA max_page_count = {pages}")))
        pressed = [box.press() for _ in range(100)]
        eventually(lambda: http.get("/readyz")[0] == 503, "red")
        assert "the database accepts no alarms" in http.get("/readyz")[1]
        writer.run(lambda session: session.execute(text("PRAGMA max_page_count = 1000000")))
        for event_id in pressed[-3:]:
            box.receipt(event_id, "received")
        eventually(lambda: http.get("/readyz")[0] == 200, "green")
        assert incidents(server)[0]["presses"] == 100
